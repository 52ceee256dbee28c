//! What became of each node of a build, kept for those who tell of all of them when it is over. It knows no format.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reel_engine::event::{Event, NodeInfo, Observer};
use reel_engine::graph::draw::group;
use reel_engine::operation::Failure;
use reel_engine::session::Summary;

use super::{End, Report};

/// What became of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It ran, and took so long.
    Ran(Duration),
    /// Its result was there.
    Found {
        /// Whether it is what this project had the last time, too.
        fresh: bool,
        /// What it took when it was made.
        saved: Duration,
    },
    /// It failed.
    Failed(Failure),
    /// It was not tried, and why.
    Skipped(String),
}

impl Fate {
    /// The users' word.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Ran(_) => "ran",
            Self::Found { .. } => "cached",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// How long it ran in this build.
    pub(crate) const fn took(&self) -> Duration {
        match self {
            Self::Ran(took) => *took,
            _ => Duration::ZERO,
        }
    }
}

/// A node and its fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) node: String,
    pub(crate) kind: &'static str,
    pub(crate) fate: Fate,
}

impl Case {
    /// The scene, format or part of the film that it belongs to, or else its kind.
    pub(crate) fn suite(&self) -> &str {
        group(&self.node).unwrap_or(self.kind)
    }
}

/// All that is kept of a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entries {
    /// By node.
    cases: BTreeMap<String, Case>,
    /// Bytes of outputs that stand at their places, by name.
    pub(crate) placed: BTreeMap<String, u64>,
    pub(crate) warnings: Vec<String>,
    /// How it ended; `None` if it never began.
    pub(crate) end: Option<Summary>,
    /// Wall time of the command.
    pub(crate) took: Duration,
}

impl Entries {
    /// Nodes, in the order of their names.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values()
    }

    /// What became of a node.
    pub(crate) fn fate(&self, node: &str) -> Option<&Fate> {
        Some(&self.cases.get(node)?.fate)
    }

    /// Nodes that failed, in the order of their names.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&Case, &Failure)> {
        self.cases().filter_map(|case| match &case.fate {
            Fate::Failed(failure) => Some((case, failure)),
            _ => None,
        })
    }

    fn note(&mut self, node: &NodeInfo, fate: Fate) {
        let case = Case { node: node.name.clone(), kind: node.kind, fate };
        // What was lost and ran again, or failed after it was found, is told once: by what became of it last.
        self.cases.insert(node.name.clone(), case);
    }
}

/// The listener; clones keep the same entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roll(Arc<Mutex<Entries>>);

impl Roll {
    /// What was kept so far.
    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        // Every change is whole: what a thread that panicked left is right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Roll {
    fn observe(&mut self, event: &Event) {
        let mut entries = self.entries();
        match event {
            Event::DidRun { node, took, .. } => entries.note(node, Fate::Ran(*took)),
            Event::DidHit { node, fresh, saved, .. } => {
                entries.note(node, Fate::Found { fresh: *fresh, saved: *saved });
            }
            Event::DidFail { node, failure } => entries.note(node, Fate::Failed(failure.clone())),
            Event::DidSkip { node, reason } => entries.note(node, Fate::Skipped(reason.clone())),
            Event::DidPublish { name, bytes, .. } => {
                entries.placed.insert(name.clone(), *bytes);
            }
            Event::DidWarn { message } | Event::DidNotPublish { message, .. } => {
                entries.warnings.push(message.clone());
            }
            _ => {}
        }
    }
}

impl Report for Roll {
    fn finish(&mut self, end: &End<'_>) {
        let mut entries = self.entries();
        entries.end = Some(end.summary.clone());
        entries.took = end.took;
    }
}
