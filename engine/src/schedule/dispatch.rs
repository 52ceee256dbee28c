//! What starts next: ready actions, slots and what runs, by one policy for builds and for simulations. It knows no
//! graph and no clock; the time is told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ready::Ready;
use super::slots::{Class, Held, Slots};
use crate::claim::{Capacity, Claim};
use crate::id::NodeId;

/// Decides what starts.
#[derive(Debug)]
pub struct Dispatch {
    slots: Slots,
    ready: Ready,
    /// What runs, by the time at which it is expected to end.
    running: BTreeMap<(Duration, NodeId), Held>,
    ends: BTreeMap<NodeId, Duration>,
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
            asked: Vec::new(),
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
        let ends = self.running.iter().map(|((end, _), held)| (end.saturating_sub(now), held));
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

    /// An action ended: its slots are free.
    pub fn release(&mut self, id: NodeId) {
        let Some(end) = self.ends.remove(&id) else { return };
        if let Some(held) = self.running.remove(&(end, id)) {
            self.slots.give(&held);
        }
    }
}
