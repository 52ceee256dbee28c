//! What starts next: ready actions, slots and what runs, by one policy for builds and for simulations. It knows no
//! graph and no clock; the time is told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::line::Line;
use super::ready::Ready;
use super::slots::{Class, Held, Slots};
use crate::claim::{Capacity, Claim};
use crate::executor::RunId;
use crate::id::NodeId;

/// Slots of which some are held by what one build leaves to the next.
#[derive(Debug)]
pub(super) struct Kept {
    slots: Slots,
    held: BTreeMap<RunId, Held>,
}

/// Decides what starts.
#[derive(Debug)]
pub struct Dispatch {
    slots: Slots,
    ready: Ready,
    /// What runs, by the time at which it is expected to end.
    running: BTreeMap<(Duration, NodeId), Held>,
    ends: BTreeMap<NodeId, Duration>,
    /// What earlier builds left running.
    left: BTreeMap<RunId, Held>,
    /// By node: what it waits with.
    asked: Vec<Option<(Class, Duration)>>,
}

impl Dispatch {
    /// Nothing waits and nothing runs.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self {
            slots: Slots::new(capacity),
            ready: Ready::default(),
            running: BTreeMap::new(),
            ends: BTreeMap::new(),
            left: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    /// The same beside what runs on a line already. Where the capacity became another one, what of that does not fit
    /// any more is held by nobody.
    #[must_use]
    pub(super) fn on(capacity: Capacity, line: &mut Line) -> Self {
        let kept = line.slots.take().filter(|kept| *kept.slots.capacity() == capacity);
        let mut dispatch = Self::new(capacity);
        if let Some(Kept { slots, held }) = kept {
            (dispatch.slots, dispatch.left) = (slots, held);
            return dispatch;
        }
        for (run, left) in &line.left {
            let class = dispatch.slots.class(&left.claim);
            dispatch.left.extend(dispatch.slots.take(class).map(|held| (*run, held)));
        }
        dispatch
    }

    /// A running action goes on without its node.
    pub(super) fn leave(&mut self, id: NodeId, run: RunId) {
        let Some(end) = self.ends.remove(&id) else { return };
        self.left.extend(self.running.remove(&(end, id)).map(|held| (run, held)));
    }

    /// What the next build needs to know of slots that are held.
    pub(super) fn keep(&mut self) -> Kept {
        let fresh = Slots::new(self.slots.capacity().clone());
        Kept { slots: std::mem::replace(&mut self.slots, fresh), held: std::mem::take(&mut self.left) }
    }

    /// An action that was left belongs to a node again.
    pub(super) fn take_over(&mut self, run: RunId, id: NodeId, claim: &Claim, cost: Duration, now: Duration) {
        let class = self.slots.class(claim);
        if let Some(held) = self.left.remove(&run).or_else(|| self.slots.take(class)) {
            let end = now.saturating_add(cost);
            self.running.insert((end, id), held);
            self.ends.insert(id, end);
        }
    }

    /// An action that was left has ended: its slots are free.
    pub(super) fn release_left(&mut self, run: RunId) {
        if let Some(held) = self.left.remove(&run) {
            self.slots.give(&held);
        }
    }

    /// An action waits for slots from now on. `priority` is the longest remaining path, `cost` its own part of it.
    pub fn push(&mut self, id: NodeId, claim: &Claim, priority: Duration, cost: Duration) {
        let class = self.slots.class(claim);
        if self.asked.len() <= id.index() {
            self.asked.resize(id.index() + 1, None);
        }
        self.asked[id.index()] = Some((class, cost));
        self.ready.push(id, class, &self.slots, priority, cost);
    }

    /// An action waits no longer; whether it did.
    pub fn remove(&mut self, id: NodeId) -> bool {
        self.ready.remove(id)
    }

    /// Nothing waits any longer.
    pub fn clear(&mut self) {
        self.ready.clear();
    }

    /// What waits, and what fits.
    #[must_use]
    pub const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Takes out the action that is to start at `now`, if any may.
    pub fn pick(&mut self, now: Duration) -> Option<NodeId> {
        if self.ready.is_empty() {
            return None;
        }
        // What runs longer than estimated is taken to end any moment.
        let left = self.left.values().map(|held| (Duration::ZERO, held));
        let ends = self.running.iter().map(|((end, _), held)| (end.saturating_sub(now), held));
        let ends = left.chain(ends);
        let id = self.ready.first_fitting(&self.slots, ends)?;
        self.ready.remove(id);
        Some(id)
    }

    /// Gives its slots to an action that was just picked, from `now` until it is released; whether they were there.
    #[must_use]
    pub fn hold(&mut self, id: NodeId, now: Duration) -> bool {
        let Some((class, cost)) = self.asked.get(id.index()).copied().flatten() else { return false };
        let Some(held) = self.slots.take(class) else { return false };
        let end = now.saturating_add(cost);
        self.running.insert((end, id), held);
        self.ends.insert(id, end);
        true
    }

    /// What drivers call the GPUs that a running action is on.
    #[must_use]
    pub fn gpus(&self, id: NodeId) -> Vec<String> {
        let held = self.ends.get(&id).and_then(|end| self.running.get(&(*end, id)));
        let known = &self.slots.capacity().gpus;
        held.map(|held| held.devices().iter().map(|index| known[*index].id.clone()).collect())
            .unwrap_or_default()
    }

    /// All there is.
    #[must_use]
    pub const fn capacity(&self) -> &Capacity {
        self.slots.capacity()
    }

    /// An action ended: its slots are free; whether it held any.
    pub fn release(&mut self, id: NodeId) -> bool {
        let Some(end) = self.ends.remove(&id) else { return false };
        let held = self.running.remove(&(end, id));
        held.inspect(|held| self.slots.give(held)).is_some()
    }
}
