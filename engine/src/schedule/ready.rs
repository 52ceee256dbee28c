//! The order in which ready actions get slots: longest remaining path first, with a reservation for the first
//! that does not fit, which smaller ones may use only while they end before it starts. It knows no graph.
//!
//! Actions with equal claims are one class: either all of them fit or none. So to pick one is to look at the
//! first of each class, however many wait.

use std::cmp::Reverse;
use std::time::Duration;

use super::ranked::{Rank, Ranked};
use super::slots::{Class, Held, Slots};
use crate::id::NodeId;

/// Actions that wait for slots.
#[derive(Debug, Default)]
pub struct Ready {
    classes: Vec<Ranked>,
    /// By node: where it waits.
    places: Vec<Option<(Class, Rank)>>,
    waiting: usize,
}

impl Ready {
    /// Adds an action, or moves it to another place.
    pub fn push(&mut self, id: NodeId, class: Class, priority: Duration, cost: Duration) {
        self.remove(id);
        if self.classes.len() <= class.index() {
            self.classes.resize_with(class.index() + 1, Ranked::default);
        }
        if self.places.len() <= id.index() {
            self.places.resize(id.index() + 1, None);
        }
        let rank = (Reverse(priority), id);
        self.classes[class.index()].insert(rank, cost);
        self.places[id.index()] = Some((class, rank));
        self.waiting += 1;
    }

    /// Takes an action out; whether it was in.
    pub fn remove(&mut self, id: NodeId) -> bool {
        let Some((class, rank)) = self.places.get_mut(id.index()).and_then(Option::take) else {
            return false;
        };
        self.waiting -= 1;
        self.classes[class.index()].remove(rank)
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
        let (mut fitting, mut waiting) = (Vec::new(), None::<(Rank, Class)>);
        for (index, class) in self.classes.iter().enumerate() {
            let Some(first) = class.first() else { continue };
            let class = Class::of(index);
            if slots.fits(class) {
                fitting.push((first, class));
            } else if waiting.is_none_or(|(rank, _)| first < rank) {
                waiting = Some((first, class));
            }
        }
        let (first, _) = *fitting.iter().min()?;
        let Some((_, reserved)) = waiting.filter(|(rank, _)| *rank < first) else {
            return Some(first.1);
        };
        let reservation = slots.reserve(reserved, ends);
        let beside = |(first, class): &(Rank, Class)| {
            if slots.leaves_room(&reservation, *class) {
                return Some(*first);
            }
            self.classes[class.index()].first_within(reservation.start)
        };
        fitting.iter().filter_map(beside).min().map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests;
