//! Claims against capacity: what is held, what fits. It knows no action and no order.

use std::collections::BTreeMap;

use crate::claim::{Capacity, Claim};

/// What of a capacity is held. Never more than there is.
#[derive(Debug, Clone)]
pub struct Slots {
    capacity: Capacity,
    held: Claim,
}

impl Slots {
    /// All of `capacity`, none of it held.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        let held = Claim { cpu_milli: 0, memory: 0, network: 0, gpus: 0, pools: BTreeMap::new() };
        Self { capacity, held }
    }

    /// Whether `claim` fits beside what is held.
    #[must_use]
    pub fn fits(&self, claim: &Claim) -> bool {
        let pools = claim.pools.iter().all(|(name, asked)| {
            let held = self.held.pools.get(name).copied().unwrap_or(0);
            self.capacity.pools.get(name).is_none_or(|there| held + asked <= *there)
        });
        pools
            && self.held.cpu_milli + claim.cpu_milli <= self.capacity.cpu_milli
            && self.held.memory + claim.memory <= self.capacity.memory
            && self.held.network + claim.network <= self.capacity.network
            && self.held.gpus + claim.gpus <= self.capacity.gpus
    }

    /// Holds `claim` if it fits.
    #[must_use]
    pub fn take(&mut self, claim: &Claim) -> bool {
        if !self.fits(claim) {
            return false;
        }
        self.held.cpu_milli += claim.cpu_milli;
        self.held.memory += claim.memory;
        self.held.network += claim.network;
        self.held.gpus += claim.gpus;
        for (name, asked) in &claim.pools {
            *self.held.pools.entry(name.clone()).or_default() += asked;
        }
        true
    }

    /// Gives back what was taken.
    pub fn give(&mut self, claim: &Claim) {
        self.held.cpu_milli = self.held.cpu_milli.saturating_sub(claim.cpu_milli);
        self.held.memory = self.held.memory.saturating_sub(claim.memory);
        self.held.network = self.held.network.saturating_sub(claim.network);
        self.held.gpus = self.held.gpus.saturating_sub(claim.gpus);
        for (name, asked) in &claim.pools {
            if let Some(held) = self.held.pools.get_mut(name) {
                *held = held.saturating_sub(*asked);
            }
        }
    }

    /// What is held now.
    #[must_use]
    pub const fn held(&self) -> &Claim {
        &self.held
    }

    /// All there is.
    #[must_use]
    pub const fn capacity(&self) -> &Capacity {
        &self.capacity
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
            let mut held: Vec<Claim> = Vec::new();
            for (claim, give) in moves {
                if give && !held.is_empty() {
                    slots.give(&held.remove(0));
                } else if slots.take(&claim) {
                    held.push(claim);
                }
                let sum = |f: fn(&Claim) -> u64| held.iter().map(f).sum::<u64>();
                prop_assert!(sum(|c| u64::from(c.cpu_milli)) <= 4000);
                prop_assert!(sum(|c| c.memory) <= 1 << 30);
                prop_assert!(sum(|c| u64::from(c.network)) <= 2);
                prop_assert!(sum(|c| u64::from(c.pools["voice"])) <= 2);
            }
            for claim in held.drain(..) {
                slots.give(&claim);
            }
            prop_assert_eq!(slots.held().cpu_milli, 0);
            prop_assert_eq!(slots.held().memory, 0);
        }

        #[test]
        fn a_claim_fits_an_empty_machine_unless_capacity_refuses_it(claim in claim()) {
            prop_assert_eq!(Slots::new(capacity()).fits(&claim), capacity().refuses(&claim).is_none());
        }
    }
}
