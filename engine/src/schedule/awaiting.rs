//! What each node of a build still waits for. It settles nothing and starts nothing.

use std::sync::Arc;

use super::Build;
use super::state::State;
use crate::id::NodeId;

impl Build<'_> {
    /// Admits wanted nodes that are not admitted yet.
    pub(super) fn admit(&mut self, new: Vec<NodeId>) {
        self.states.grow(self.graph.len());
        self.dependents.resize(self.graph.len(), Vec::new());
        // What is done comes first: a node may stand before those that it awaits, where an expansion made these.
        let (done, open): (Vec<NodeId>, Vec<NodeId>) =
            new.into_iter().partition(|id| self.base.done.contains_key(id));
        for id in done {
            self.results.set(id, self.base.done.get(&id).map(Arc::clone));
            self.states.set(id, State::Cached);
        }
        for id in open {
            self.await_or_ready(id);
        }
    }

    /// Sets a node to wait for what is not done yet among what it awaits.
    pub(super) fn await_or_ready(&mut self, id: NodeId) {
        let mut open = 0;
        let mut blocked = false;
        // Then nobody can have it among its dependents yet.
        let is_new = self.states.get(id) == State::Unwanted;
        for from in self.graph.awaits(id) {
            let state = self.states.get(from);
            blocked |= matches!(state, State::Failed | State::Skipped);
            if !state.is_done() || self.results.get(from).is_none() {
                open += 1;
                let dependents = &mut self.dependents[from.index()];
                if is_new || !dependents.contains(&id) {
                    dependents.push(id);
                }
            }
        }
        self.states.set(id, waiting(open, blocked));
    }

    /// Sets a node that awaited an expansion, among others, to wait for what that made. Only these are looked at: a
    /// film awaits thousands of nodes that hundreds of expansions make.
    pub(super) fn await_made(&mut self, id: NodeId, maker: NodeId, open: u32) {
        let mut open = open.saturating_sub(1);
        let mut blocked = false;
        for from in self.graph.made_for(id, maker) {
            let state = self.states.get(from);
            blocked |= matches!(state, State::Failed | State::Skipped);
            if !state.is_done() || self.results.get(from).is_none() {
                open += 1;
                self.dependents[from.index()].push(id);
            }
        }
        self.states.set(id, waiting(open, blocked));
    }
}

/// The state of a node that awaits so many others, of which some may have come to nothing.
const fn waiting(open: u32, blocked: bool) -> State {
    match open {
        _ if blocked => State::Skipped,
        0 => State::Ready,
        open => State::Waiting(open),
    }
}
