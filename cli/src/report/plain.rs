//! One line for each thing that happens, for logs and pipes.

use std::collections::BTreeMap;
use std::time::Instant;

use reel_engine::event::{Event, NodeInfo, Observer};
use reel_engine::id::NodeId;

use super::collection::removed;
use super::findings;
use super::summary::{Manner, Volume, closing, failure};
use super::{End, Report};
use crate::ui::spell;

/// Where lines go.
pub(crate) type Sink = Box<dyn FnMut(&str)>;

/// The report for logs and pipes.
pub(crate) struct Plain {
    manner: Manner,
    sink: Sink,
    began: BTreeMap<NodeId, Instant>,
    happened: bool,
}

impl Plain {
    /// A report that writes to `sink`.
    pub(crate) fn new(manner: Manner, sink: Sink) -> Self {
        Self { manner, sink, began: BTreeMap::new(), happened: false }
    }

    fn line(&mut self, at_least: Volume, word: &str, node: &NodeInfo, rest: &str) {
        if self.manner.volume >= at_least {
            (self.sink)(&format!("{word:4}  {}  ({}){rest}\n", node.name, node.kind));
        }
    }
}

impl Observer for Plain {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::WillRun { node, .. } => {
                self.happened = true;
                self.began.insert(node.id, Instant::now());
                self.line(Volume::Normal, "run", node, "");
            }
            Event::DidRun { node, took, .. } => {
                let word = self.manner.paint.good("done");
                self.line(Volume::Normal, &word, node, &format!("  {}", spell(*took)));
            }
            Event::DidHit { node, fresh, shared, .. } => {
                self.happened |= !fresh;
                let rest = if *shared { "  made by another build just now" } else { "" };
                self.line(Volume::Verbose, "hit", node, rest);
            }
            Event::DidExpand { node, made, .. } => {
                self.line(Volume::Verbose, "grow", node, &format!("  {made} nodes more"));
            }
            Event::DidFail { node, failure: why } => {
                self.happened = true;
                let text = failure(&self.manner, node, why);
                (self.sink)(&text);
            }
            Event::DidSkip { node, reason } => {
                self.happened = true;
                self.line(Volume::Verbose, "skip", node, &format!("  {reason}"));
            }
            Event::DidWarn { message } => {
                let word = self.manner.paint.warn("warning");
                (self.sink)(&format!("{word}: {message}\n"));
            }
            Event::DidNotPublish { message, .. } => {
                self.happened = true;
                (self.sink)(&format!("{}: {message}\n", self.manner.paint.bad("error")));
            }
            Event::DidCollect(report) if self.manner.volume > Volume::Quiet => {
                (self.sink)(&format!("cache: {}\n", removed(report)));
            }
            Event::DidCollect(_) => {}
            Event::DidChange { node, files, again } => {
                let text = findings::changed(&self.manner, node, files, *again);
                (self.sink)(&text);
            }
            Event::DidRestart { node, reason } => {
                let text = findings::restarted(&self.manner, node, reason);
                (self.sink)(&text);
            }
            Event::DidUse { node, used } => {
                let text = findings::used(&self.manner, node, used);
                (self.sink)(&text);
            }
            Event::DidCompare { node, differences } if !differences.is_empty() => {
                let text = findings::differences(&self.manner, node, differences);
                (self.sink)(&text);
            }
            Event::DidPublish { written, .. } => self.happened |= *written,
            Event::DidPlan { .. } | Event::DidProgress { .. } | Event::DidCompare { .. } => {}
        }
    }
}

impl Report for Plain {
    fn finish(&mut self, end: &End<'_>) {
        let text = closing(&self.manner, end, self.happened);
        (self.sink)(&text);
    }
}
