//! Claims against capacity: what is held, what fits, and when something will. It knows no action and no order.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::claim::{Capacity, Claim, GpuClaim};

/// A distinct claim; equal claims have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(u32);

impl Class {
    /// After all others.
    pub(super) const MAX: Self = Self(u32::MAX);

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
    /// The GPUs it is on, by position.
    devices: Vec<usize>,
}

impl Held {
    /// The GPUs it is on, by their position in the capacity.
    #[must_use]
    pub fn devices(&self) -> &[usize] {
        &self.devices
    }
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

/// Where cores are counted.
const CPU: usize = 0;

/// A claim in numbers: how much of which counted resource, and what of GPUs.
#[derive(Debug, Clone)]
struct Need {
    amounts: Vec<(usize, u64)>,
    gpu: GpuClaim,
}

/// Free amounts: CPU, memory, network, then pools; and what is free on each GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Free {
    amounts: Vec<u64>,
    devices: Vec<Device>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Device {
    memory: u64,
    sessions: u32,
    /// How many actions have a part of it.
    parts: u32,
    /// Whether one has all of it.
    whole: bool,
}

impl Device {
    const fn is_idle(&self) -> bool {
        !self.whole && self.parts == 0
    }

    const fn has(&self, memory: u64, sessions: u32) -> bool {
        !self.whole && self.memory >= memory && self.sessions >= sessions
    }
}

impl Free {
    fn fits(&self, need: &Need) -> bool {
        need.amounts.iter().all(|(what, amount)| *amount <= self.amounts[*what]) && self.has_devices(need.gpu)
    }

    fn has_devices(&self, gpu: GpuClaim) -> bool {
        match gpu {
            GpuClaim::None => true,
            GpuClaim::Whole(count) => {
                self.devices.iter().filter(|device| device.is_idle()).count() >= count as usize
            }
            GpuClaim::Part { memory, sessions } => {
                self.devices.iter().any(|device| device.has(memory, sessions))
            }
        }
    }

    /// Takes what fits, and returns the devices it is on: those with the least memory that is enough, so that
    /// what needs much finds it.
    fn take(&mut self, need: &Need) -> Vec<usize> {
        for (what, amount) in &need.amounts {
            self.amounts[*what] -= amount;
        }
        let (count, mut fitting) = match need.gpu {
            GpuClaim::None => return Vec::new(),
            GpuClaim::Whole(count) => (count as usize, self.devices_where(Device::is_idle)),
            GpuClaim::Part { memory, sessions } => {
                (1, self.devices_where(|device| device.has(memory, sessions)))
            }
        };
        fitting.sort_by_key(|index| (self.devices[*index].memory, *index));
        fitting.truncate(count);
        for index in &fitting {
            let device = &mut self.devices[*index];
            match need.gpu {
                GpuClaim::Part { memory, sessions } => {
                    device.memory -= memory;
                    device.sessions -= sessions;
                    device.parts += 1;
                }
                _ => device.whole = true,
            }
        }
        fitting
    }

    fn devices_where(&self, fits: impl Fn(&Device) -> bool) -> Vec<usize> {
        let devices = self.devices.iter().enumerate();
        devices.filter(|(_, device)| fits(device)).map(|(index, _)| index).collect()
    }

    fn give(&mut self, need: &Need, held: &Held) {
        for (what, amount) in &need.amounts {
            self.amounts[*what] += amount;
        }
        for index in &held.devices {
            let device = &mut self.devices[*index];
            match need.gpu {
                GpuClaim::Part { memory, sessions } => {
                    device.memory += memory;
                    device.sessions += sessions;
                    device.parts -= 1;
                }
                _ => device.whole = false,
            }
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
        let mut amounts = vec![u64::from(*cpu_milli), *memory, u64::from(*network)];
        let mut places = BTreeMap::new();
        for (name, there) in pools {
            places.insert(name.clone(), amounts.len());
            amounts.push(u64::from(*there));
        }
        let devices = gpus.iter().map(|gpu| Device {
            memory: gpu.memory,
            sessions: gpu.sessions,
            parts: 0,
            whole: false,
        });
        let free = Free { amounts, devices: devices.collect() };
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
        let counted = [u64::from(claim.cpu_milli), claim.memory, claim.network.into()];
        // A pool that has no limit is not counted.
        let pools =
            claim.pools.iter().filter_map(|(name, asked)| Some((*self.pools.get(name)?, u64::from(*asked))));
        let amounts = counted.into_iter().enumerate().chain(pools).filter(|(_, amount)| *amount > 0);
        Need { amounts: amounts.collect(), gpu: claim.gpu }
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
        let devices = self.free.take(&self.needs[class.index()]);
        Some(Held { class, devices })
    }

    /// Thousandths of a core that are free.
    pub(super) fn free_cpu(&self) -> u64 {
        self.free.amounts[CPU]
    }

    /// Thousandths of a core that a claim asks for.
    pub(super) fn cpu_of(&self, class: Class) -> u64 {
        let amounts = &self.needs[class.index()].amounts;
        amounts.iter().find(|(what, _)| *what == CPU).map_or(0, |(_, amount)| *amount)
    }

    /// Gives back what was taken.
    pub fn give(&mut self, held: &Held) {
        self.free.give(&self.needs[held.class.index()], held);
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
            free.give(&self.needs[held.class.index()], held);
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
    use crate::claim::Gpu;
    use proptest::prelude::*;

    fn gpu(memory: u64) -> Gpu {
        Gpu { id: String::new(), name: String::new(), memory, sessions: 3 }
    }

    fn gpus() -> impl Strategy<Value = GpuClaim> {
        prop_oneof![
            Just(GpuClaim::None),
            (0_u32..4).prop_map(GpuClaim::Whole),
            (0_u64..10, 0_u32..5).prop_map(|(memory, sessions)| GpuClaim::Part { memory, sessions }),
        ]
    }

    fn capacity() -> Capacity {
        Capacity {
            cpu_milli: 4000,
            memory: 1 << 30,
            network: 2,
            gpus: vec![gpu(4), gpu(8)],
            pools: BTreeMap::from([("voice".into(), 2)]),
        }
    }

    fn claim() -> impl Strategy<Value = Claim> {
        (0u32..5000, 0u64..(1 << 31), 0u32..3, gpus(), 0u32..3).prop_map(
            |(cpu_milli, memory, network, gpu, voice)| Claim {
                cpu_milli,
                memory,
                network,
                gpu,
                pools: BTreeMap::from([("voice".into(), voice), ("free".into(), 9)]),
            },
        )
    }

    #[test]
    fn the_device_with_the_least_memory_that_is_enough_is_taken() {
        let mut slots = Slots::new(Capacity { gpus: vec![gpu(24), gpu(8), gpu(16)], ..capacity() });
        let mut on = |gpu| {
            let class = slots.class(&Claim { gpu, ..Claim::cores(0, 0) });
            slots.take(class).map(|held| held.devices().to_vec())
        };
        let part = |memory| GpuClaim::Part { memory, sessions: 0 };
        assert_eq!(on(part(6)), Some(vec![1]));
        assert_eq!(on(part(2)), Some(vec![1]), "what is left of it is still the least");
        assert_eq!(on(part(2)), Some(vec![2]));
        assert_eq!(on(GpuClaim::Whole(1)), Some(vec![0]), "the only one of which nobody has a part");
        assert_eq!(on(GpuClaim::Whole(1)), None);
        assert_eq!((on(part(15)), on(part(14))), (None, Some(vec![2])));
    }

    proptest! {
        #[test]
        fn never_oversubscribed_and_all_comes_back(moves in prop::collection::vec((claim(), any::<bool>()), 0..60)) {
            let mut slots = Slots::new(capacity());
            let before = slots.free.clone();
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
                for (index, device) in capacity().gpus.iter().enumerate() {
                    let on: Vec<GpuClaim> = held
                        .iter()
                        .filter(|(_, taken)| taken.devices().contains(&index))
                        .map(|(claim, _)| claim.gpu)
                        .collect();
                    let part = |claim: &GpuClaim| match claim {
                        GpuClaim::Part { memory, sessions } => (*memory, *sessions),
                        _ => (0, 0),
                    };
                    let shared = on.iter().all(|claim| matches!(claim, GpuClaim::Part { .. }));
                    prop_assert!(shared || on.len() == 1, "{on:?}");
                    prop_assert!(on.iter().map(|claim| part(claim).0).sum::<u64>() <= device.memory);
                    prop_assert!(on.iter().map(|claim| part(claim).1).sum::<u32>() <= device.sessions);
                }
            }
            for (_, taken) in held.drain(..) {
                slots.give(&taken);
            }
            prop_assert_eq!(slots.free, before);
        }

        #[test]
        fn a_claim_fits_an_empty_machine_unless_capacity_refuses_it(claim in claim()) {
            let mut slots = Slots::new(capacity());
            let class = slots.class(&claim);
            prop_assert_eq!(slots.fits(class), capacity().refuses(&claim).is_none());
        }
    }
}
