//! What a build did, action by action, for those who tell of the whole when it is over. It knows no format.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reel_engine::event::{Event, NodeInfo, Observer, Start};
use reel_engine::id::NodeId;

/// An action that was given its slots.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Which node.
    pub(crate) node: NodeInfo,
    /// The track that it had to itself: the lowest that was free.
    pub(crate) track: usize,
    /// When it began, since the command did.
    pub(crate) began: Duration,
    /// When its result was recorded, or it failed; later than it began.
    pub(crate) ended: Duration,
    /// Its own time, without storing; `None` unless it ran to its end.
    pub(crate) took: Option<Duration>,
    /// How long it was thought to take.
    pub(crate) estimate: Option<Duration>,
    /// What was known of it when it began.
    pub(crate) start: Start,
    /// Bytes that were stored for it.
    pub(crate) stored: u64,
    /// How it ended: `ran`, or why it did not.
    pub(crate) end: String,
}

/// Something that takes no time.
#[derive(Debug, Clone)]
pub(crate) enum Instance {
    /// A node made more nodes.
    Expanded { node: String, kind: &'static str, made: usize, planned: usize },
    /// An output was placed, or was found to be there.
    Placed { name: String, bytes: u64, written: bool },
    /// A result was found that this project did not have the last time.
    Found { node: String, kind: &'static str, shared: bool },
    /// Something was repaired, or is not as it should be.
    Warned(String),
}

/// Sums of what went to and from the cache, at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Traffic {
    /// Keys that were known.
    pub(crate) hits: u64,
    /// Keys that were not.
    pub(crate) misses: u64,
    /// Bytes of results.
    pub(crate) stored: u64,
    /// Bytes of inputs that were made before.
    pub(crate) read: u64,
    /// Bytes of outputs that were placed.
    pub(crate) placed: u64,
}

/// Everything that a build did.
pub(crate) struct Ledger {
    began: Instant,
    open: BTreeMap<NodeId, usize>,
    /// By track whether it is taken, and when its last action ended.
    tracks: Vec<(bool, Duration)>,
    /// Actions, in the order they began.
    pub(crate) runs: Vec<Run>,
    /// What takes no time, in order.
    pub(crate) instances: Vec<(Duration, Instance)>,
    /// The traffic as it grew, at most once a millisecond.
    pub(crate) traffic: Vec<(Duration, Traffic)>,
    /// What found results took when they were made.
    pub(crate) saved: Duration,
}

impl Ledger {
    /// A ledger that counts time from `began`.
    pub(crate) const fn new(began: Instant) -> Self {
        Self {
            began,
            open: BTreeMap::new(),
            tracks: Vec::new(),
            runs: Vec::new(),
            instances: Vec::new(),
            traffic: Vec::new(),
            saved: Duration::ZERO,
        }
    }

    /// All traffic.
    pub(crate) fn sums(&self) -> Traffic {
        self.traffic.last().map_or_else(Traffic::default, |(_, sums)| *sums)
    }

    /// How many actions ran at once, at most.
    pub(crate) const fn tracks(&self) -> usize {
        self.tracks.len()
    }

    /// Actions that ran to their end.
    pub(crate) fn ran(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.took.is_some())
    }

    /// The chain of actions of which each had to wait for the one before, and that took longest together; its
    /// positions among the actions.
    pub(crate) fn critical_path(&self) -> Vec<usize> {
        let mut last: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut sums: Vec<(Duration, Option<usize>)> = Vec::with_capacity(self.runs.len());
        // An action begins after those that it waits for have ended, so these stand before it.
        for (index, run) in self.runs.iter().enumerate() {
            let before = run.start.after.iter().filter_map(|id| last.get(id).copied());
            let before = before.max_by_key(|before| sums[*before].0);
            let sum = run.ended - run.began + before.map_or(Duration::ZERO, |before| sums[before].0);
            sums.push((sum, before));
            last.insert(run.node.id, index);
        }
        let longest = (0..sums.len()).max_by_key(|index| (sums[*index].0, std::cmp::Reverse(*index)));
        let mut path: Vec<usize> = std::iter::successors(longest, |index| sums[*index].1).collect();
        path.reverse();
        path
    }

    fn begin(&mut self, node: &NodeInfo, estimate: Option<Duration>, start: &Start) {
        let now = self.began.elapsed();
        let free = self.tracks.iter().position(|(taken, _)| !taken);
        let track = free.unwrap_or_else(|| {
            self.tracks.push((false, Duration::ZERO));
            self.tracks.len() - 1
        });
        let began = now.max(self.tracks[track].1);
        self.tracks[track].0 = true;
        // A node whose result was lost runs a second time.
        self.open.insert(node.id, self.runs.len());
        self.runs.push(Run {
            node: node.clone(),
            track,
            began,
            ended: began,
            took: None,
            estimate,
            start: start.clone(),
            stored: 0,
            end: String::new(),
        });
        self.count(|sums| {
            sums.misses += 1;
            sums.read += start.read;
        });
    }

    fn end(&mut self, node: &NodeInfo, took: Option<Duration>, stored: u64, how: &str) {
        let Some(index) = self.open.remove(&node.id) else { return };
        let run = &mut self.runs[index];
        // Viewers count in microseconds, and draw nothing that has no length.
        run.ended = self.began.elapsed().max(run.began + Duration::from_micros(1));
        run.took = took;
        run.stored = stored;
        how.clone_into(&mut run.end);
        self.tracks[run.track] = (false, run.ended);
        self.count(|sums| sums.stored += stored);
    }

    fn note(&mut self, instance: Instance) {
        self.instances.push((self.began.elapsed(), instance));
    }

    fn count(&mut self, change: impl FnOnce(&mut Traffic)) {
        const GRAIN: Duration = Duration::from_millis(1);
        let now = self.began.elapsed();
        let mut sums = self.sums();
        change(&mut sums);
        match self.traffic.last_mut() {
            Some((at, last)) if now - *at < GRAIN => *last = sums,
            _ => self.traffic.push((now, sums)),
        }
    }
}

impl Observer for Ledger {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::WillRun { node, estimate, start } => self.begin(node, *estimate, start),
            Event::DidRun { node, took, stored } => self.end(node, Some(*took), *stored, "ran"),
            Event::DidFail { node, failure } => self.end(node, None, 0, &failure.message),
            Event::DidChange { node, .. } => self.end(node, None, 0, "its files changed meanwhile"),
            Event::DidRestart { node, reason } => self.end(node, None, 0, reason),
            Event::DidSkip { node, reason } => self.end(node, None, 0, reason),
            Event::DidHit { node, fresh, shared, saved } => {
                self.saved += *saved;
                self.count(|sums| sums.hits += 1);
                if !fresh {
                    self.note(Instance::Found { node: node.name.clone(), kind: node.kind, shared: *shared });
                }
            }
            Event::DidExpand { node, made, planned } => {
                let (node, kind) = (node.name.clone(), node.kind);
                self.note(Instance::Expanded { node, kind, made: *made, planned: *planned });
            }
            Event::DidPublish { name, written, bytes, .. } => {
                if *written {
                    self.count(|sums| sums.placed += bytes);
                }
                self.note(Instance::Placed { name: name.clone(), bytes: *bytes, written: *written });
            }
            Event::DidWarn { message } | Event::DidNotPublish { message, .. } => {
                self.note(Instance::Warned(message.clone()));
            }
            Event::DidPlan { .. }
            | Event::DidProgress { .. }
            | Event::DidUse { .. }
            | Event::DidCompare { .. }
            | Event::DidCollect(_) => {}
        }
    }
}
