//! What each node is doing, and the one place where that changes. It knows no slots and no cache.

use std::collections::BTreeSet;

use crate::id::NodeId;

/// The life of a node within one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No target needs it.
    Unwanted,
    /// Awaits that many nodes.
    Waiting(u32),
    /// Its inputs are known; its key can be computed.
    Ready,
    /// Its result is not there; it waits for slots.
    Queued,
    /// Another process makes its result.
    Elsewhere,
    /// A file that it reads changed while it ran; it is tried again in a moment.
    Settling,
    /// It holds slots.
    Running,
    /// Its result is known: it ran.
    Ran,
    /// Its result is known: it was there.
    Cached,
    /// It failed.
    Failed,
    /// It is not run: blocked or cancelled.
    Skipped,
}

impl State {
    /// Whether its result is known.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Ran | Self::Cached)
    }

    /// Whether nothing more happens to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Unwanted | Self::Ran | Self::Cached | Self::Failed | Self::Skipped)
    }
}

/// How a build adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Wanted nodes, after all expansions.
    pub planned: usize,
    /// Actions that ran.
    pub ran: usize,
    /// Results that were there.
    pub cached: usize,
    /// Nodes that were not run.
    pub skipped: usize,
    /// Actions that failed.
    pub failed: usize,
}

/// States of all nodes, with counters that cannot disagree with them.
#[derive(Debug, Default)]
pub struct States {
    states: Vec<State>,
    ready: BTreeSet<NodeId>,
    tally: Tally,
    open: usize,
}

impl States {
    /// The state of a node.
    #[must_use]
    pub fn get(&self, id: NodeId) -> State {
        self.states.get(id.index()).copied().unwrap_or(State::Unwanted)
    }

    /// Makes room for nodes up to `count`; new ones are unwanted.
    pub fn grow(&mut self, count: usize) {
        self.states.resize(count, State::Unwanted);
    }

    /// The only place where a state changes.
    pub fn set(&mut self, id: NodeId, new: State) {
        let old = std::mem::replace(&mut self.states[id.index()], new);
        self.count(old, false);
        self.count(new, true);
        if old == State::Ready {
            self.ready.remove(&id);
        }
        if new == State::Ready {
            self.ready.insert(id);
        }
    }

    /// Takes note that one awaited node is done; ready when it was the last.
    pub fn one_less(&mut self, id: NodeId) {
        match self.get(id) {
            State::Waiting(0 | 1) => self.set(id, State::Ready),
            State::Waiting(n) => self.set(id, State::Waiting(n - 1)),
            _ => {}
        }
    }

    /// The next node whose key can be computed.
    #[must_use]
    pub fn next_ready(&self) -> Option<NodeId> {
        self.ready.first().copied()
    }

    /// Nodes whose keys can be computed, the next one first.
    pub fn ready(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.ready.iter().copied()
    }

    /// How it adds up so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// How many wanted nodes have no result and no failure yet.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.open
    }

    fn count(&mut self, state: State, add: bool) {
        let step = |counter: &mut usize| *counter = if add { *counter + 1 } else { *counter - 1 };
        if state != State::Unwanted {
            step(&mut self.tally.planned);
        }
        match state {
            State::Ran => step(&mut self.tally.ran),
            State::Cached => step(&mut self.tally.cached),
            State::Failed => step(&mut self.tally.failed),
            State::Skipped => step(&mut self.tally.skipped),
            State::Unwanted => {}
            _ => step(&mut self.open),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tally_always_adds_up() {
        let mut states = States::default();
        states.grow(3);
        for index in 0..3 {
            states.set(NodeId(index), State::Waiting(index));
        }
        states.set(NodeId(0), State::Ran);
        states.one_less(NodeId(1));
        assert_eq!(states.next_ready(), Some(NodeId(1)));
        states.set(NodeId(1), State::Failed);
        states.set(NodeId(2), State::Skipped);
        let tally = states.tally();
        assert_eq!(tally.planned, tally.ran + tally.cached + tally.skipped + tally.failed);
        assert_eq!((tally.planned, states.open()), (3, 0));
        states.set(NodeId(0), State::Queued);
        assert_eq!((states.tally().ran, states.open()), (0, 1));
    }
}
