//! Ready actions get their slots and start: claims between processes, inputs, and what ran at once. It settles nothing.

use std::sync::Arc;

use tracing::debug_span;

use super::Build;
use super::perform::{self, Gather, Missing, Noted, Recorded, Right, Start};
use super::state::State;
use crate::cache::{Claimed, Miss};
use crate::id::NodeId;
use crate::operation::Take;

/// So many small actions are claimed together.
const TOGETHER: usize = 64;
/// So many results may wait to be recorded; each has a lock.
const MOST: usize = 512;

/// Actions that have ended and wait to be recorded. They hold no slots.
#[derive(Debug, Default)]
pub(super) struct Recording {
    count: usize,
    /// Set when there were too many, until half of them are recorded: they go many at a time.
    full: bool,
}

impl Recording {
    fn add(&mut self) {
        self.count += 1;
        self.full |= self.count >= MOST;
    }

    fn remove(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.full &= self.count > MOST / 2;
    }
}

impl Build<'_> {
    /// Gives slots to what fits. What is run on this very thread is claimed many at a time, and needs its slots for
    /// no longer than it takes to start the next.
    pub(super) fn start_fitting(&mut self) {
        let mut small = Vec::new();
        while self.stopping.is_none()
            && !self.recording.full
            && let Some(id) = self.dispatch.pick(self.began.elapsed())
        {
            let is_small = self.graph.node(id).operation.in_memory() && self.misses.contains_key(&id);
            if is_small {
                small.push(id);
            }
            if !is_small || small.len() == TOGETHER {
                self.start_small(&mut small);
            }
            if !is_small {
                self.start(id);
            }
        }
        self.start_small(&mut small);
        if self.stopping.is_some() {
            self.dispatch.clear();
        }
    }

    fn start_small(&mut self, ids: &mut Vec<NodeId>) {
        let taken = ids.drain(..).filter_map(|id| Some((id, self.misses.remove(&id)?)));
        let (ids, misses): (Vec<NodeId>, Vec<Miss>) = taken.unzip();
        if ids.is_empty() {
            return;
        }
        for (id, claimed) in ids.into_iter().zip(self.means.cache.claim_all(misses)) {
            if self.stopping.is_some() {
                // Its claim ends here.
                continue;
            }
            self.start_claimed(id, claimed);
        }
    }

    fn start(&mut self, id: NodeId) {
        if let Some(miss) = self.misses.remove(&id) {
            let claimed = self.means.cache.claim(miss);
            return self.start_claimed(id, claimed);
        }
        let right = match &self.graph.node(id).take {
            Some(Take::Fetched { url }) => Some(Right::Unpinned(url.clone())),
            None => self.repeats.remove(&id).map(Right::Repeat),
        };
        if let Some(right) = right {
            self.start_with(id, right);
        }
    }

    fn start_claimed(&mut self, id: NodeId, claimed: Claimed) {
        match claimed {
            Claimed::Mine(ticket) => self.start_with(id, Right::Claimed(ticket)),
            Claimed::Hit(result) if self.settings.afresh.wants(self.graph.node(id)) => {
                self.start_with(id, Right::Repeat(Arc::from(result)));
            }
            Claimed::Hit(result) => {
                let Some(manifest) = self.manifests.remove(&id) else { return };
                let hit = self.hit(id, false, true, &result);
                let manifest = Noted::Fields(manifest);
                self.complete(id, Recorded { result: Arc::from(result), manifest }, &hit);
            }
            Claimed::Busy(miss) => {
                self.misses.insert(id, miss);
                self.elsewhere.insert(id);
                self.states.set(id, State::Elsewhere);
            }
        }
    }

    fn start_with(&mut self, id: NodeId, right: Right) {
        let _span = debug_span!("start", node = %self.graph.node(id).name).entered();
        let Some(manifest) = self.manifests.remove(&id) else { return };
        let gather = Gather {
            graph: &self.graph,
            results: &self.results,
            cache: self.means.cache,
            files: self.means.files,
            folder: &self.means.scratch,
        };
        let (inputs, sources) = match gather.inputs(id) {
            Ok(gathered) => gathered,
            Err(Missing::Lost(producer)) => {
                self.make_again(producer);
                return self.await_or_ready(id);
            }
            Err(Missing::Failure(failure)) => return self.fail(id, failure),
        };
        let changed = sources.other_than(&manifest);
        if !changed.is_empty() {
            return self.source_changed(id, changed);
        }
        let run = self.line.run();
        // It fits: `pick` has just said so.
        let _held = self.dispatch.hold(id, self.began.elapsed());
        self.states.set(id, State::Running);
        let will = self.will_run(id, right.key());
        self.observer.observe(&will);
        self.running.insert(run, (id, right.key().unwrap_or_else(|| manifest.key())));
        let start = Start {
            graph: &self.graph,
            node: id,
            run,
            inputs,
            sources,
            right,
            manifest,
            scratch: self.scratch_of(run),
            gpus: self.dispatch.gpus(id),
        };
        let is_over = perform::start(start, self.means.cache, self.means.executor, &self.line.sender);
        if is_over {
            self.recording.add();
            self.dispatch.release(id);
        }
    }

    /// An action is recorded, or has come to nothing: its slots are free, if they were not before.
    pub(super) fn release(&mut self, id: NodeId) {
        if !self.dispatch.release(id) {
            self.recording.remove();
        }
    }
}
