//! Random layered graphs from a seed: the published set of the makespan bench. It measures nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use reel_engine::claim::{Capacity, Claim, Gpu, GpuClaim};
use reel_engine::id::NodeId;
use reel_engine::schedule::simulate::Workload;

/// What decides a graph.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Cores of the machine; everything else of it follows.
    pub cores: u32,
    /// Actions for each core.
    pub actions_a_core: u32,
    /// Layers; an action awaits one to three of the layer before its own.
    pub layers: u32,
    /// What actions hold.
    pub claims: Claims,
    /// Where chance begins.
    pub seed: u64,
}

/// What actions hold; never above a quarter of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claims {
    /// One core each.
    Single,
    /// Cores alone, one to a quarter of the machine's.
    Cores,
    /// Cores and memory, as renderers do.
    Memory,
    /// As `Memory`; one in six a part of a GPU, one in eight a place of a pool.
    Mixed,
}

impl Shape {
    /// The machine.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        let gpu = |index: u32| Gpu { id: index.to_string(), name: "G".into(), memory: 24 << 30, sessions: 8 };
        Capacity {
            cpu_milli: self.cores * 1000,
            memory: u64::from(self.cores) << 31,
            network: 8,
            gpus: (0..self.cores.div_ceil(8)).map(gpu).collect(),
            pools: BTreeMap::from([("voices".into(), self.cores.div_ceil(4).max(4))]),
        }
    }

    /// The graph.
    #[must_use]
    pub fn workload(&self) -> Workload {
        let mut chance = Chance(self.seed);
        let mut workload = Workload::default();
        let count = self.cores * self.actions_a_core;
        let (mut before, mut layer): (Vec<NodeId>, Vec<NodeId>) = (Vec::new(), Vec::new());
        for number in 0..count {
            if number * self.layers / count != number.saturating_sub(1) * self.layers / count {
                before = std::mem::take(&mut layer);
            }
            let awaits: Vec<NodeId> = match before.len() as u64 {
                0 => Vec::new(),
                there => (0..1 + chance.below(3)).map(|_| before[chance.below(there) as usize]).collect(),
            };
            // From a tenth of a second to half a minute, as many short ones as long ones.
            let micros = 100_000 << chance.below(8);
            let took = Duration::from_micros(micros + chance.below(micros));
            let claim = self.claim(&mut chance);
            layer.push(workload.add(&claim, took, &awaits));
        }
        workload
    }

    fn claim(&self, chance: &mut Chance) -> Claim {
        let quarter = u64::from(self.cores / 4).max(1);
        if self.claims == Claims::Single {
            return Claim::cores(1, 16);
        }
        let cores = 1 + chance.below(quarter.min(8)) as u32;
        let mut claim = Claim::cores(cores, 16);
        if self.claims == Claims::Cores {
            return claim;
        }
        // Up to four GiB for each of its cores, where two are there, but never above a quarter of all.
        let sixteenths = 1 + chance.below(u64::from(cores) * 16);
        claim.memory = (sixteenths << 28).min(quarter << 31);
        if self.claims == Claims::Mixed {
            if chance.below(6) == 0 {
                claim.gpu = GpuClaim::Part { memory: (1 + chance.below(6)) << 30, sessions: 1 };
            }
            if chance.below(8) == 0 {
                claim.pools.insert("voices".into(), 1);
            }
        }
        claim
    }
}

/// The published set: every combination of these sizes, three seeds each.
#[must_use]
pub fn published() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for cores in [8, 32, 128] {
        for (actions_a_core, layers) in [(20, 4), (40, 10), (100, 40)] {
            for claims in [Claims::Single, Claims::Cores, Claims::Memory, Claims::Mixed] {
                for seed in 1..=3 {
                    shapes.push(Shape { cores, actions_a_core, layers, claims, seed });
                }
            }
        }
    }
    shapes
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_claim_is_above_a_quarter_and_every_graph_is_as_large_as_it_says() {
        for shape in published() {
            let (workload, capacity) = (shape.workload(), shape.capacity());
            assert_eq!(workload.len() as u32, shape.cores * shape.actions_a_core);
            for id in (0..workload.len()).map(NodeId::of) {
                let claim = workload.claim(id);
                for (name, there) in capacity.amounts() {
                    assert!(claim.amount(&name, &capacity) * 4 <= there.max(4), "{shape:?} {name}");
                }
            }
        }
    }

    #[test]
    fn one_seed_gives_one_graph() {
        let shape = published()[20];
        let made = |shape: Shape| {
            let workload = shape.workload();
            (0..workload.len()).map(|i| workload.took(NodeId::of(i))).collect::<Vec<_>>()
        };
        assert_eq!(made(shape), made(shape));
        assert_ne!(made(shape), made(Shape { seed: 9, ..shape }));
    }
}
