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
    /// Lines that may be kept to itself as long as nothing happens; `None` once something did.
    held: Option<String>,
}

impl Json {
    /// A report that writes to `sink`, which may be given many lines at once.
    pub(crate) fn new(sink: Sink) -> Self {
        Self { sink, held: Some(String::new()) }
    }

    fn write(&mut self, value: &Value) {
        (self.sink)(&json_line(value));
    }

    /// Something happened: what was held is told first.
    fn tell(&mut self, value: &Value) {
        let mut text = self.held.take().unwrap_or_default();
        text.push_str(&json_line(value));
        (self.sink)(&text);
    }

    /// Nothing changed by this; told only if something happens.
    fn hold(&mut self, value: &Value) {
        match &mut self.held {
            Some(held) => held.push_str(&json_line(value)),
            None => self.write(value),
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
