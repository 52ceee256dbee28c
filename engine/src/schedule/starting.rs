//! Ready actions get their slots and start: claims between processes, inputs, and what ran at once. It settles nothing.

use std::sync::Arc;

use super::perform::{self, Gather, Inputs, Missing, Noted, Recorded, Right, Start};
use super::sources::Sources;
use super::state::State;
use super::{Build, TOGETHER};
use crate::cache::Claimed;
use crate::id::NodeId;
use crate::key::Manifest;
use crate::operation::Take;

/// So many results may wait to be recorded; each has a lock.
const MOST: usize = 4096;

/// Small actions that have ended and wait to be recorded. They hold no slots.
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
    /// Gives slots to what fits. What only puts together what is in memory is started many at a time.
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

    /// Claims, runs and records small actions. They are over before anything else could start, so they hold no slots.
    fn start_small(&mut self, ids: &mut Vec<NodeId>) {
        let mut misses = Vec::with_capacity(ids.len());
        let mut small = Vec::with_capacity(ids.len());
        for id in ids.drain(..) {
            if let (Some(miss), Some(manifest)) = (self.misses.remove(&id), self.manifests.remove(&id)) {
                misses.push(miss);
                small.push((id, manifest.into_manifest()));
            }
        }
        if small.is_empty() {
            return;
        }
        let gather = self.gather();
        let claimed = self.means.cache.claim_all(misses, &self.hands, |index, claimed| match claimed {
            Claimed::Mine(ticket) => {
                let (id, manifest) = &small[index];
                Ok((Right::Claimed(ticket), gather.steady_inputs(*id, manifest)))
            }
            claimed => Err(claimed),
        });
        let mut starts = Vec::with_capacity(small.len());
        for ((id, manifest), claimed) in small.into_iter().zip(claimed) {
            match claimed {
                // Its claim ends here.
                _ if self.stopping.is_some() => {}
                Ok((right, gathered)) => starts.extend(self.prepared(id, right, manifest, gathered)),
                Err(claimed) => {
                    self.manifests.insert(id, Noted::waiting(manifest));
                    self.start_claimed(id, claimed);
                }
            }
        }
        let (cache, executor, sender) = (self.means.cache, self.means.executor, &self.line.sender);
        let graph = &self.graph;
        self.hands.each(starts, |start| perform::start(graph, start, cache, executor, sender));
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
        let Some(manifest) = self.manifests.remove(&id).map(Noted::into_manifest) else { return };
        let gathered = self.gather().steady_inputs(id, &manifest);
        let Some(start) = self.prepared(id, right, manifest, gathered) else { return };
        perform::start(&self.graph, start, self.means.cache, self.means.executor, &self.line.sender);
    }

    fn gather(&self) -> Gather<'_> {
        Gather {
            graph: &self.graph,
            results: &self.results,
            cache: self.means.cache,
            files: self.means.files,
            folder: &self.means.scratch,
        }
    }

    /// An action that is about to start, unless something it reads is not there or not what it was.
    fn prepared(
        &mut self,
        id: NodeId,
        right: Right,
        manifest: Manifest,
        gathered: Result<(Inputs, Sources), Missing>,
    ) -> Option<Start> {
        let (inputs, sources) = match gathered {
            Ok(gathered) => gathered,
            Err(Missing::Lost(producer)) => {
                self.make_again(producer);
                self.await_or_ready(id);
                return None;
            }
            Err(Missing::Changed(files)) => {
                self.source_changed(id, files);
                return None;
            }
            Err(Missing::Failure(failure)) => {
                self.fail(id, failure);
                return None;
            }
        };
        let run = self.line.run();
        if self.graph.node(id).operation.in_memory() && matches!(right, Right::Claimed(_)) {
            self.recording.add();
        } else {
            // It fits: `pick` has just said so.
            let _held = self.dispatch.hold(id, self.began.elapsed());
        }
        self.states.set(id, State::Running);
        let will = self.will_run(id, right.key());
        self.observer.observe(&will);
        self.running.insert(run, (id, right.key().unwrap_or_else(|| manifest.key())));
        let (scratch, gpus) = (self.scratch_of(run), self.dispatch.gpus(id));
        Some(Start { node: id, run, inputs, sources, right, manifest, scratch, gpus })
    }

    /// An action is recorded, or has come to nothing: its slots are free, if they were not before.
    pub(super) fn release(&mut self, id: NodeId) {
        if !self.dispatch.release(id) {
            self.recording.remove();
        }
    }
}
