//! Events as objects of JSON, one a line, for programs. A build that did nothing says only that it is finished.

use reel_engine::event::{Event, Observer};
use serde_json::{Value, json};

use super::collection::collection_json;
use super::plain::Sink;
use super::summary::seconds;
use super::{End, Report};
use crate::ui::json_line;

/// The report for programs.
pub(crate) struct Json {
    sink: Sink,
    /// Lines that may be kept to itself as long as nothing happens, and that go many at a time once something did.
    held: String,
    /// Whether something happened.
    happened: bool,
}

/// So many bytes are written at once.
const ENOUGH: usize = 64 << 10;

impl Json {
    /// A report that writes to `sink`, which may be given many lines at once.
    pub(crate) fn new(sink: Sink) -> Self {
        Self { sink, held: String::new(), happened: false }
    }

    /// Says something at once, whether or not anything happens.
    fn write(&mut self, value: &Value) {
        self.let_go();
        (self.sink)(&json_line(value));
    }

    /// Something happened: what was held is told first.
    fn tell(&mut self, value: &Value) {
        self.happened = true;
        self.held.push_str(&json_line(value));
        self.let_go();
    }

    /// Nothing changed by this; told only if something happens.
    fn hold(&mut self, value: &Value) {
        self.held.push_str(&json_line(value));
        if self.held.len() >= ENOUGH {
            self.let_go();
        }
    }

    /// Writes what was held, if anything happened.
    fn let_go(&mut self) {
        if self.happened && !self.held.is_empty() {
            (self.sink)(&std::mem::take(&mut self.held));
        }
    }
}

impl Observer for Json {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::DidPlan { .. } | Event::DidProgress { .. } => {}
            Event::WillRun { node, .. } => {
                self.tell(&json!({ "event": "will-run", "node": node.name, "kind": node.kind }));
            }
            Event::DidRun { node, took, .. } => {
                let seconds = seconds(*took);
                self.tell(
                    &json!({ "event": "did-run", "node": node.name, "kind": node.kind, "seconds": seconds }),
                );
            }
            Event::DidHit { node, fresh, .. } => {
                let value = json!({ "event": "did-hit", "node": node.name, "kind": node.kind });
                if *fresh { self.hold(&value) } else { self.tell(&value) }
            }
            Event::DidExpand { node, made, planned } => {
                let value = json!({ "event": "did-expand", "node": node.name, "kind": node.kind, "made": made, "planned": planned });
                self.hold(&value);
            }
            Event::DidFail { node, failure } => self.tell(&json!({
                "event": "did-fail",
                "node": node.name,
                "kind": node.kind,
                "place": failure.place,
                "code": failure.code,
                "message": failure.message,
                "help": failure.help,
                "log": failure.log,
            })),
            Event::DidSkip { node, reason } => {
                self.tell(
                    &json!({ "event": "did-skip", "node": node.name, "kind": node.kind, "reason": reason }),
                );
            }
            Event::DidChange { node, files, again } => self.tell(
                &json!({ "event": "did-change", "node": node.name, "kind": node.kind, "files": files, "again": again }),
            ),
            Event::DidRestart { node, reason } => {
                let value = json!({ "event": "did-restart", "node": node.name, "kind": node.kind, "reason": reason });
                self.tell(&value);
            }
            Event::DidUse { node, used } => {
                self.tell(&json!({ "event": "did-use", "node": node.name, "kind": node.kind, "used": used }));
            }
            Event::DidCompare { node, differences } => self.tell(&json!({
                "event": "did-compare",
                "node": node.name,
                "kind": node.kind,
                "same": differences.is_empty(),
                "differences": differences,
            })),
            // Said at once, but it does not make a build that did nothing one that did something.
            Event::DidWarn { message } => self.write(&json!({ "event": "warning", "message": message })),
            Event::DidNotPublish { name, message } => {
                self.tell(&json!({ "event": "did-not-publish", "name": name, "message": message }));
            }
            Event::DidCollect(report) => self.write(&collection_json("did-collect", report)),
            Event::DidPublish { name, path, written, .. } => {
                let value = json!({ "event": "did-publish", "name": name, "path": path, "written": written });
                if *written { self.tell(&value) } else { self.hold(&value) }
            }
        }
    }

    fn tick(&mut self) {
        self.let_go();
    }
}

impl Report for Json {
    fn finish(&mut self, end: &End<'_>) {
        if let Some(profile) = &end.profile {
            self.write(&profile.json());
        }
        let tally = end.summary.tally;
        let outputs: Vec<Value> =
            end.summary.outputs.iter().map(|(name, path)| json!({ "name": name, "path": path })).collect();
        self.write(&json!({
            "event": if end.summary.superseded { "superseded" } else { "finished" },
            "planned": tally.planned,
            "ran": tally.ran,
            "cached": tally.cached,
            "skipped": tally.skipped,
            "failed": tally.failed,
            "seconds": seconds(end.took),
            "outputs": outputs,
            "changed": end.summary.changed,
            "interrupted": end.summary.interrupted,
        }));
    }
}
