//! Claims against capacity: what is held, what fits, and when something will. It knows no action and no order.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::claim::{Capacity, Claim};

/// A distinct claim; equal claims have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(u32);

impl Class {
    pub(super) const fn of(index: usize) -> Self {
        Self(index as u32)
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a running action holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    class: Class,
}

/// What of a capacity is free. Never less than nothing.
#[derive(Debug, Clone)]
pub struct Slots {
    capacity: Capacity,
    classes: BTreeMap<Claim, Class>,
    needs: Vec<Need>,
    free: Free,
    /// Where the places of each pool are counted.
    pools: BTreeMap<String, usize>,
}

/// A claim in numbers: how much of which counted resource.
#[derive(Debug, Clone)]
struct Need {
    amounts: Vec<(usize, u64)>,
}

/// Free amounts: CPU, memory, network, GPUs, then pools.
#[derive(Debug, Clone)]
struct Free {
    amounts: Vec<u64>,
}

impl Free {
    fn fits(&self, need: &Need) -> bool {
        need.amounts.iter().all(|(what, amount)| *amount <= self.amounts[*what])
    }

    /// Only what fits.
    fn take(&mut self, need: &Need) {
        for (what, amount) in &need.amounts {
            self.amounts[*what] -= amount;
        }
    }

    fn give(&mut self, need: &Need) {
        for (what, amount) in &need.amounts {
            self.amounts[*what] += amount;
        }
    }
}

/// Slots kept for an action that does not fit yet.
#[derive(Debug)]
pub struct Reservation {
    /// Time until it fits, if what runs ends as estimated.
    pub(super) start: Duration,
    /// What is free then beside it; `None` if it can never fit.
    beside: Option<Free>,
}

impl Slots {
    /// All of `capacity`, none of it held.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        let Capacity { cpu_milli, memory, network, gpus, pools } = &capacity;
        let mut amounts = vec![u64::from(*cpu_milli), *memory, u64::from(*network), u64::from(*gpus)];
        let mut places = BTreeMap::new();
        for (name, there) in pools {
            places.insert(name.clone(), amounts.len());
            amounts.push(u64::from(*there));
        }
        let free = Free { amounts };
        Self { classes: BTreeMap::new(), needs: Vec::new(), free, pools: places, capacity }
    }

    /// The class of a claim.
    pub fn class(&mut self, claim: &Claim) -> Class {
        if let Some(class) = self.classes.get(claim) {
            return *class;
        }
        let class = Class::of(self.needs.len());
        self.needs.push(self.need(claim));
        self.classes.insert(claim.clone(), class);
        class
    }

    fn need(&self, claim: &Claim) -> Need {
        let counted = [u64::from(claim.cpu_milli), claim.memory, claim.network.into(), claim.gpus.into()];
        // A pool that has no limit is not counted.
        let pools =
            claim.pools.iter().filter_map(|(name, asked)| Some((*self.pools.get(name)?, u64::from(*asked))));
        let amounts = counted.into_iter().enumerate().chain(pools).filter(|(_, amount)| *amount > 0);
        Need { amounts: amounts.collect() }
    }

    /// Whether a claim fits beside what is held.
    #[must_use]
    pub fn fits(&self, class: Class) -> bool {
        self.free.fits(&self.needs[class.index()])
    }

    /// Holds what a claim asks for, if it fits.
    #[must_use]
    pub fn take(&mut self, class: Class) -> Option<Held> {
        if !self.fits(class) {
            return None;
        }
        self.free.take(&self.needs[class.index()]);
        Some(Held { class })
    }

    /// Gives back what was taken.
    pub fn give(&mut self, held: &Held) {
        self.free.give(&self.needs[held.class.index()]);
    }

    /// All there is.
    #[must_use]
    pub const fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    /// When a claim will fit, and what is free then; `ends` is what runs, with the time until it ends, the
    /// earliest first.
    #[must_use]
    pub fn reserve<'h>(&self, class: Class, ends: impl Iterator<Item = (Duration, &'h Held)>) -> Reservation {
        let need = &self.needs[class.index()];
        let mut free = self.free.clone();
        let mut start = None;
        for (end, held) in ends {
            if start.is_some_and(|start| end > start) {
                break;
            }
            free.give(&self.needs[held.class.index()]);
            if start.is_none() && free.fits(need) {
                start = Some(end);
            }
        }
        let beside = start.map(|_| {
            free.take(need);
            free
        });
        Reservation { start: start.unwrap_or_default(), beside }
    }

    /// Whether a claim may be held until after the start of a reservation without delaying it.
    #[must_use]
    pub fn leaves_room(&self, reservation: &Reservation, class: Class) -> bool {
        reservation.beside.as_ref().is_some_and(|free| free.fits(&self.needs[class.index()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn capacity() -> Capacity {
        Capacity {
            cpu_milli: 4000,
            memory: 1 << 30,
            network: 2,
            gpus: 1,
            pools: BTreeMap::from([("voice".into(), 2)]),
        }
    }

    fn claim() -> impl Strategy<Value = Claim> {
        (0u32..5000, 0u64..(1 << 31), 0u32..3, 0u32..2, 0u32..3).prop_map(
            |(cpu_milli, memory, network, gpus, voice)| Claim {
                cpu_milli,
                memory,
                network,
                gpus,
                pools: BTreeMap::from([("voice".into(), voice), ("free".into(), 9)]),
            },
        )
    }

    proptest! {
        #[test]
        fn never_oversubscribed_and_all_comes_back(moves in prop::collection::vec((claim(), any::<bool>()), 0..60)) {
            let mut slots = Slots::new(capacity());
            let before = slots.free.amounts.clone();
            let mut held: Vec<(Claim, Held)> = Vec::new();
            for (claim, give) in moves {
                let class = slots.class(&claim);
                if give && !held.is_empty() {
                    slots.give(&held.remove(0).1);
                } else if let Some(taken) = slots.take(class) {
                    held.push((claim, taken));
                }
                let sum = |f: fn(&Claim) -> u64| held.iter().map(|(claim, _)| f(claim)).sum::<u64>();
                prop_assert!(sum(|c| u64::from(c.cpu_milli)) <= 4000);
                prop_assert!(sum(|c| c.memory) <= 1 << 30);
                prop_assert!(sum(|c| u64::from(c.network)) <= 2);
                prop_assert!(sum(|c| u64::from(c.pools["voice"])) <= 2);
            }
            for (_, taken) in held.drain(..) {
                slots.give(&taken);
            }
            prop_assert_eq!(slots.free.amounts, before);
        }

        #[test]
        fn a_claim_fits_an_empty_machine_unless_capacity_refuses_it(claim in claim()) {
            let mut slots = Slots::new(capacity());
            let class = slots.class(&claim);
            prop_assert_eq!(slots.fits(class), capacity().refuses(&claim).is_none());
        }
    }
}
