//! The order in which ready actions get slots: longest remaining path first, with a reservation for the first
//! that does not fit, which smaller ones may use only while they end before it starts. It knows no graph.
//!
//! Actions with equal claims are one class: either all of them fit or none. So to pick one is to look at the
//! first of each class that may fit, however many wait.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::ranked::{Rank, Ranked};
use super::slots::{Class, Held, Slots};
use crate::id::NodeId;

/// Actions that wait for slots.
#[derive(Debug, Default)]
pub struct Ready {
    classes: Vec<Ranked>,
    /// Classes in which something waits, by their most urgent action.
    urgent: BTreeSet<(Rank, Class)>,
    /// The same classes, by the cores that they ask for.
    by_cpu: BTreeSet<(u64, Class)>,
    /// By node: where it waits.
    places: Vec<Option<Place>>,
    waiting: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    class: Class,
    cpu: u64,
    rank: Rank,
}

impl Ready {
    /// Adds an action, or moves it to another place.
    pub fn push(&mut self, id: NodeId, class: Class, slots: &Slots, priority: Duration, cost: Duration) {
        self.remove(id);
        if self.classes.len() <= class.index() {
            self.classes.resize_with(class.index() + 1, Ranked::default);
        }
        if self.places.len() <= id.index() {
            self.places.resize(id.index() + 1, None);
        }
        let place = Place { class, cpu: slots.cpu_of(class), rank: (Reverse(priority), id) };
        self.change(place, |waiting| waiting.insert(place.rank, cost));
        self.places[id.index()] = Some(place);
        self.waiting += 1;
    }

    /// Takes an action out; whether it was in.
    pub fn remove(&mut self, id: NodeId) -> bool {
        let Some(place) = self.places.get_mut(id.index()).and_then(Option::take) else {
            return false;
        };
        self.waiting -= 1;
        self.change(place, |waiting| waiting.remove(place.rank))
    }

    /// Changes what waits in a class, and what is known of its first.
    fn change<T>(&mut self, place: Place, change: impl FnOnce(&mut Ranked) -> T) -> T {
        let Place { class, cpu, .. } = place;
        let waiting = &mut self.classes[class.index()];
        let before = waiting.first();
        let changed = change(waiting);
        let after = waiting.first();
        if before != after {
            if let Some(before) = before {
                self.urgent.remove(&(before, class));
            }
            match after {
                Some(after) => {
                    self.urgent.insert((after, class));
                    self.by_cpu.insert((cpu, class));
                }
                None => drop(self.by_cpu.remove(&(cpu, class))),
            }
        }
        changed
    }

    /// How many wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next action that may start now, if any; `ends` is what runs, with the time until it ends, the
    /// earliest first.
    #[must_use]
    pub fn first_fitting<'h>(
        &self,
        slots: &Slots,
        ends: impl Iterator<Item = (Duration, &'h Held)>,
    ) -> Option<NodeId> {
        let (first, urgent) = *self.urgent.first()?;
        if slots.fits(urgent) {
            return Some(first.1);
        }
        let may_fit = self.by_cpu.range(..=(slots.free_cpu(), Class::MAX)).map(|(_, class)| *class);
        let mut fitting = may_fit.filter(|class| slots.fits(*class)).peekable();
        fitting.peek()?;
        let reservation = slots.reserve(urgent, ends);
        let allowed = |class: Class| {
            let waiting = &self.classes[class.index()];
            if slots.leaves_room(&reservation, class) {
                return waiting.first();
            }
            waiting.first_within(reservation.start)
        };
        fitting.filter_map(allowed).min().map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests;
