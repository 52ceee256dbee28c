//! Facts about a build, for whoever listens. It knows nobody who does.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::cache::GcReport;
use crate::claim::Claim;
use crate::digest::Digest;
use crate::id::NodeId;
use crate::key::ActionKey;
use crate::operation::{Failure, Use};

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The wanted part of the graph is known, so far: nodes, and the estimated time of their critical path.
    DidPlan {
        /// Nodes wanted.
        planned: usize,
        /// Sum of estimated costs of what may have to run.
        estimate: Duration,
    },
    /// An action was given its slots.
    WillRun {
        /// Which node.
        node: NodeInfo,
        /// How long it took last time.
        estimate: Option<Duration>,
        /// What is known of it now.
        start: Start,
    },
    /// An action tells how far it is, in thousandths.
    DidProgress {
        /// Which node.
        node: NodeId,
        /// Thousandths.
        permille: u16,
    },
    /// An action ran and its result is recorded.
    DidRun {
        /// Which node.
        node: NodeInfo,
        /// Wall time.
        took: Duration,
        /// Bytes that were stored for it.
        stored: u64,
    },
    /// The result was there.
    DidHit {
        /// Which node.
        node: NodeInfo,
        /// Whether it is what this project had the last time, too.
        fresh: bool,
        /// Whether another build running beside made it just now.
        shared: bool,
        /// What it took when it was made.
        saved: Duration,
    },
    /// A node made more graph.
    DidExpand {
        /// Which node.
        node: NodeInfo,
        /// How many nodes it made.
        made: usize,
        /// Nodes wanted now.
        planned: usize,
    },
    /// An action failed.
    DidFail {
        /// Which node.
        node: NodeInfo,
        /// Why.
        failure: Failure,
    },
    /// Files changed while an action read them: what it made is not kept.
    DidChange {
        /// Which node.
        node: NodeInfo,
        /// The files, as the user names them.
        files: Vec<String>,
        /// Whether it runs again in this build.
        again: bool,
    },
    /// A run that was watched used what is not in its key.
    DidUse {
        /// Which node.
        node: NodeInfo,
        /// What it used, in order.
        used: Vec<Use>,
    },
    /// An action whose result is recorded ran once more.
    DidCompare {
        /// Which node.
        node: NodeInfo,
        /// Where it made other bytes; empty when it did not.
        differences: Vec<Difference>,
    },
    /// What a node's action did is lost, and it runs again.
    DidRestart {
        /// Which node.
        node: NodeInfo,
        /// Why, in a few words.
        reason: String,
    },
    /// A node is not run: blocked by a failure, or cancelled.
    DidSkip {
        /// Which node.
        node: NodeInfo,
        /// Why, in one line.
        reason: String,
    },
    /// Something was repaired, or is not as it should be, and the build goes on.
    DidWarn {
        /// One line.
        message: String,
    },
    /// The cache was over its budget, or not looked through for long, and results went.
    DidCollect(GcReport),
    /// An output stands at its place.
    DidPublish {
        /// Its name.
        name: String,
        /// Its place.
        path: PathBuf,
        /// Whether anything was written.
        written: bool,
        /// How large it is.
        bytes: u64,
    },
    /// An output was made, and its place cannot be written.
    DidNotPublish {
        /// Its name.
        name: String,
        /// Why, in one line that names both.
        message: String,
    },
}

/// What is known of an action when it gets its slots.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Its key; a take that is not pinned yet has none.
    pub key: Option<ActionKey>,
    /// What it holds.
    pub claim: Claim,
    /// The nodes that had to be done before: those that it awaits, and the one that made it.
    pub after: Vec<NodeId>,
    /// Bytes of its inputs that other nodes made, and that are read from the cache.
    pub read: u64,
}

/// A port at which two runs of one action did not make the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The port; `None` for the nodes that an expansion makes.
    pub port: Option<String>,
    /// What is recorded, if there is anything.
    pub recorded: Option<Made>,
    /// What was made now, if there is anything.
    pub again: Option<Made>,
    /// The first byte that differs, counted from 0; `None` when the recorded bytes are no longer there.
    pub offset: Option<u64>,
}

/// Bytes of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Their digest.
    pub digest: Digest,
    /// How many.
    pub size: u64,
}

/// What events say about a node.
#[derive(Debug, Clone)]
pub struct NodeInfo {
    /// Its number in the graph.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
}

/// Listens to a build. Called on the thread that owns the build; must be quick.
pub trait Observer {
    /// Takes one fact.
    fn observe(&mut self, event: &Event);
    /// Called a few times a second while actions run, so that a clock can be redrawn.
    fn tick(&mut self) {}
}

impl<F: FnMut(&Event)> Observer for F {
    fn observe(&mut self, event: &Event) {
        self(event);
    }
}
