//! What ran when, in the format of trace viewers: a track for each action that runs at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reel_engine::event::{Event, NodeInfo, Observer};
use reel_engine::id::NodeId;
use serde_json::{Value, json};

use super::{End, Report};
use crate::ui::print_error;

/// The report that writes a trace.
pub(crate) struct Trace {
    file: PathBuf,
    began: Instant,
    open: BTreeMap<NodeId, (usize, Duration)>,
    tracks: Vec<bool>,
    events: Vec<Value>,
}

impl Trace {
    /// A trace that is written to `file` at the end.
    pub(crate) fn new(file: PathBuf, began: Instant) -> Self {
        Self { file, began, open: BTreeMap::new(), tracks: Vec::new(), events: Vec::new() }
    }

    fn start(&mut self, id: NodeId) {
        let track = self.tracks.iter().position(|taken| !taken).unwrap_or(self.tracks.len());
        if track == self.tracks.len() {
            self.tracks.push(true);
        }
        self.tracks[track] = true;
        self.open.insert(id, (track, self.began.elapsed()));
    }

    fn end(&mut self, node: &NodeInfo, how: &str) {
        let Some((track, start)) = self.open.remove(&node.id) else { return };
        self.tracks[track] = false;
        let took = self.began.elapsed().saturating_sub(start);
        self.events.push(json!({
            "name": node.name,
            "cat": node.kind,
            "ph": "X",
            "ts": start.as_micros() as u64,
            "dur": took.as_micros() as u64,
            "pid": 1,
            "tid": track,
            "args": { "kind": node.kind, "result": how },
        }));
    }

    fn instant(&mut self, name: String, kind: &str) {
        let now = self.began.elapsed().as_micros() as u64;
        self.events
            .push(json!({ "name": name, "cat": kind, "ph": "i", "ts": now, "pid": 1, "tid": 0, "s": "p" }));
    }

    /// The whole trace as text.
    pub(crate) fn text(&self) -> String {
        let names = (0..self.tracks.len()).map(|track| {
            json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": track, "args": { "name": format!("slot {}", track + 1) } })
        });
        let events: Vec<Value> = names.chain(self.events.iter().cloned()).collect();
        json!({ "traceEvents": events, "displayTimeUnit": "ms" }).to_string()
    }
}

impl Observer for Trace {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::WillRun { node, .. } => self.start(node.id),
            Event::DidRun { node, .. } => self.end(node, "ran"),
            Event::DidFail { node, failure } => self.end(node, &failure.message),
            Event::DidSkip { node, reason } => self.end(node, reason),
            Event::DidExpand { node, made, .. } => {
                self.instant(format!("{} grows by {made}", node.name), node.kind);
            }
            Event::DidPublish { name, written: true, .. } => self.instant(format!("output {name}"), "output"),
            _ => {}
        }
    }
}

impl Report for Trace {
    fn finish(&mut self, _: &End<'_>) {
        if let Err(error) = std::fs::write(&self.file, self.text()) {
            print_error(&format!("warning: cannot write the trace to `{}`: {error}\n", self.file.display()));
        }
    }
}
