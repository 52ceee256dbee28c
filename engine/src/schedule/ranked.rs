//! What waits, in the order of its rank; the first that costs no more than a bound is found without looking at
//! all of it. It knows no claims and no slots.

use std::cmp::Reverse;
use std::time::Duration;

use crate::id::NodeId;

/// A block that has grown to twice this is cut in two.
const BLOCK: usize = 256;

/// The place of an action in the order: the most urgent first, among equals the one that was made first.
pub(super) type Rank = (Reverse<Duration>, NodeId);

/// Entries in sorted blocks, each of which knows the least cost in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranked {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
struct Block {
    /// Never empty; sorted.
    entries: Vec<(Rank, Duration)>,
    least: Duration,
}

impl Block {
    fn of(entries: Vec<(Rank, Duration)>) -> Self {
        let mut block = Self { entries, least: Duration::MAX };
        block.measure();
        block
    }

    fn measure(&mut self) {
        self.least = self.entries.iter().map(|(_, cost)| *cost).min().unwrap_or(Duration::MAX);
    }
}

impl Ranked {
    pub(super) fn insert(&mut self, rank: Rank, cost: Duration) {
        if self.blocks.is_empty() {
            return self.blocks.push(Block::of(vec![(rank, cost)]));
        }
        let at = self.block_of(rank);
        let block = &mut self.blocks[at];
        let place = block.entries.partition_point(|(other, _)| *other < rank);
        block.entries.insert(place, (rank, cost));
        block.least = block.least.min(cost);
        if block.entries.len() >= 2 * BLOCK {
            let rest = Block::of(block.entries.split_off(BLOCK));
            block.measure();
            self.blocks.insert(at + 1, rest);
        }
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, rank: Rank) -> bool {
        if self.blocks.is_empty() {
            return false;
        }
        let at = self.block_of(rank);
        let block = &mut self.blocks[at];
        let Ok(place) = block.entries.binary_search_by_key(&rank, |(other, _)| *other) else {
            return false;
        };
        let (_, cost) = block.entries.remove(place);
        if block.entries.is_empty() {
            self.blocks.remove(at);
        } else if cost == block.least {
            block.measure();
        }
        true
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<Rank> {
        Some(self.blocks.first()?.entries.first()?.0)
    }

    /// The first that costs no more than `bound`.
    pub(super) fn first_within(&self, bound: Duration) -> Option<Rank> {
        let block = self.blocks.iter().find(|block| block.least <= bound)?;
        block.entries.iter().find(|(_, cost)| *cost <= bound).map(|(rank, _)| *rank)
    }

    /// The block that has `rank`, or is to have it.
    fn block_of(&self, rank: Rank) -> usize {
        let begins = |block: &Block| block.entries.first().is_some_and(|(first, _)| *first <= rank);
        self.blocks.partition_point(begins).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a sorted map that is searched from the start.
        #[test]
        fn it_finds_what_a_search_of_everything_finds(
            moves in prop::collection::vec((0_u32..4000, 0_u64..300, 0_u64..100, any::<bool>()), 0..3000),
        ) {
            let (mut ranked, mut model) = (Ranked::default(), BTreeMap::new());
            let mut ranks = BTreeMap::new();
            for (id, urgency, cost, leave) in moves {
                let cost = Duration::from_secs(cost);
                let rank = *ranks.entry(id).or_insert((Reverse(Duration::from_secs(urgency)), NodeId(id)));
                if leave || model.contains_key(&rank) {
                    prop_assert_eq!(ranked.remove(rank), model.remove(&rank).is_some());
                    ranks.remove(&id);
                } else {
                    ranked.insert(rank, cost);
                    model.insert(rank, cost);
                }
                prop_assert_eq!(ranked.first(), model.keys().next().copied());
                let within = model.iter().find(|(_, other)| **other <= cost).map(|(rank, _)| *rank);
                prop_assert_eq!(ranked.first_within(cost), within);
            }
        }
    }
}
