//! From one build to the next on the same line: what runs is left, and what is still wanted is taken over. It knows
//! no kind and starts nothing.

use super::line::Left;
use super::state::State;
use super::{Build, SUPERSEDED};
use crate::executor::RunId;
use crate::id::NodeId;
use crate::key::ActionKey;

impl Build<'_> {
    /// Whether another build takes its place.
    #[must_use]
    pub fn was_superseded(&self) -> bool {
        self.stopping == Some(SUPERSEDED)
    }

    /// Ends here and leaves what runs, if somebody asked for it; whether they did.
    pub(super) fn gives_way(&mut self) -> bool {
        if self.stopping.is_none() && self.line.is_asked_to_yield() {
            self.stopping = Some(SUPERSEDED);
            self.dispatch.clear();
        }
        self.was_superseded()
    }

    /// Leaves what runs on the line, with its slots.
    pub(super) fn leave(&mut self) {
        for (run, (id, key)) in std::mem::take(&mut self.running) {
            let node = self.graph.node(id);
            let left = Left { name: node.name.clone(), key, claim: node.claim.clone(), cancelled: false };
            self.line.left.insert(run, left);
            self.dispatch.leave(id, run);
        }
        self.line.slots = Some(self.dispatch.keep());
    }

    /// Takes over an action with this key that an earlier build left; whether there was one. Others that were left
    /// under the node's name are wanted no more: it has another key now.
    pub(super) fn take_over(&mut self, id: NodeId, key: ActionKey) -> bool {
        if self.line.left.is_empty() {
            return false;
        }
        let same = |left: &Left| left.key == key && !left.cancelled;
        let found = self.line.left.iter().find(|(_, left)| same(left)).map(|(run, _)| *run);
        let name = self.graph.node(id).name.clone();
        self.cancel_left(|left| left.name == name && left.key != key);
        let Some(run) = found else { return false };
        self.line.left.remove(&run);
        let cost = self.plan.cost(id);
        let claim = &self.graph.node(id).claim;
        self.dispatch.take_over(run, id, claim, cost, self.began.elapsed());
        self.states.set(id, State::Running);
        self.running.insert(run, (id, key));
        let will = self.will_go_on(id, key);
        self.observer.observe(&will);
        true
    }

    /// Cancels what was left and is wanted no more: every node whose inputs are known has its key by now, so only
    /// what stands under the name of a node that still waits may yet turn out to be wanted.
    pub(super) fn cancel_unwanted(&mut self) {
        if self.line.left.is_empty() {
            return;
        }
        let waits = |name: &str| {
            let id = self.graph.find(name);
            id.is_some_and(|id| matches!(self.states.get(id), State::Waiting(_)))
        };
        let waiting: Vec<String> =
            self.line.left.values().map(|left| left.name.clone()).filter(|name| waits(name)).collect();
        self.cancel_left(|left| !waiting.contains(&left.name));
    }

    /// Cancels all that was left.
    pub(super) fn cancel_all_left(&mut self) {
        self.cancel_left(|_| true);
    }

    fn cancel_left(&mut self, unwanted: impl Fn(&Left) -> bool) {
        for (run, left) in &mut self.line.left {
            if !left.cancelled && unwanted(left) {
                left.cancelled = true;
                self.means.executor.cancel(*run);
            }
        }
    }

    /// Whether something could start if what was left had ended: that holds slots until then, also when it is cancelled.
    pub(super) fn awaits_left(&self) -> bool {
        self.stopping.is_none() && !self.line.left.is_empty() && !self.dispatch.ready().is_empty()
    }

    /// A run that nobody took over has ended; its result, if it has one, is recorded.
    pub(super) fn left_ended(&mut self, run: RunId) {
        if self.line.left.remove(&run).is_some() {
            self.dispatch.release_left(run);
        }
    }
}
