//! The order in which ready actions get slots: longest remaining path first, with a reservation for the first
//! that does not fit, which smaller ones may use only while they end before it starts. It knows no graph.

use std::collections::BTreeSet;
use std::time::Duration;

use super::slots::Slots;
use crate::claim::Claim;
use crate::id::NodeId;

/// Actions that wait for slots, most urgent first; among equals the one that was made first.
#[derive(Debug, Default)]
pub struct Ready {
    queue: BTreeSet<(std::cmp::Reverse<Duration>, NodeId)>,
}

/// An action that holds slots, with the estimated time until it gives them back.
#[derive(Debug, Clone)]
pub struct Holding {
    /// What it holds.
    pub claim: Claim,
    /// Estimated rest.
    pub rest: Duration,
}

impl Ready {
    /// Adds an action.
    pub fn push(&mut self, id: NodeId, priority: Duration) {
        self.queue.insert((std::cmp::Reverse(priority), id));
    }

    /// Takes an action out.
    pub fn remove(&mut self, id: NodeId, priority: Duration) {
        self.queue.remove(&(std::cmp::Reverse(priority), id));
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes everything out.
    pub fn drain(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.queue).into_iter().map(|(_, id)| id).collect()
    }

    /// Takes out the next action that may start now, if any.
    pub fn pop_fitting(
        &mut self,
        slots: &Slots,
        running: &[Holding],
        facts: impl Fn(NodeId) -> (Claim, Duration),
    ) -> Option<NodeId> {
        let mut reserved: Option<(Claim, Duration)> = None;
        let mut chosen = None;
        for entry in &self.queue {
            let (claim, cost) = facts(entry.1);
            match &reserved {
                _ if !slots.fits(&claim) => {
                    reserved.get_or_insert_with(|| (claim.clone(), start_of(slots, running, &claim)));
                }
                Some((waiting, start))
                    if cost > *start && !beside(slots, running, *start, waiting, &claim) => {}
                _ => {
                    chosen = Some(*entry);
                    break;
                }
            }
        }
        let entry = chosen?;
        self.queue.remove(&entry);
        Some(entry.1)
    }
}

/// Time until `claim` fits, if the running actions end as estimated.
fn start_of(slots: &Slots, running: &[Holding], claim: &Claim) -> Duration {
    let mut slots = slots.clone();
    let mut ends: Vec<&Holding> = running.iter().collect();
    ends.sort_by_key(|holding| holding.rest);
    for holding in ends {
        slots.give(&holding.claim);
        if slots.fits(claim) {
            return holding.rest;
        }
    }
    Duration::ZERO
}

/// Whether `claim` can still be held at `start` without delaying `waiting`.
fn beside(slots: &Slots, running: &[Holding], start: Duration, waiting: &Claim, claim: &Claim) -> bool {
    let mut slots = slots.clone();
    for holding in running.iter().filter(|holding| holding.rest <= start) {
        slots.give(&holding.claim);
    }
    slots.take(waiting) && slots.fits(claim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Capacity;
    use std::collections::BTreeMap;

    fn slots(cores: u32) -> Slots {
        Slots::new(Capacity {
            cpu_milli: cores * 1000,
            memory: 1 << 40,
            network: 1,
            gpus: 0,
            pools: BTreeMap::new(),
        })
    }

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_longest_remaining_path_comes_first() {
        let mut ready = Ready::default();
        ready.push(NodeId(0), seconds(1));
        ready.push(NodeId(1), seconds(5));
        ready.push(NodeId(2), seconds(5));
        let mut next = || ready.pop_fitting(&slots(4), &[], |_| (Claim::cores(1, 0), seconds(1))).unwrap();
        assert_eq!([next(), next(), next()], [NodeId(1), NodeId(2), NodeId(0)]);
    }

    /// Two cores, one held for 10 s; the urgent action wants both. Only what ends within 10 s may go before.
    #[test]
    fn a_small_action_may_not_delay_the_reservation() {
        let mut free = slots(2);
        let held = Claim::cores(1, 0);
        assert!(free.take(&held));
        let running = [Holding { claim: held, rest: seconds(10) }];
        let facts = |id: NodeId| match id.0 {
            0 => (Claim::cores(2, 0), seconds(5)),
            1 => (Claim::cores(1, 0), seconds(60)),
            _ => (Claim::cores(1, 0), seconds(9)),
        };
        let mut ready = Ready::default();
        ready.push(NodeId(0), seconds(100));
        ready.push(NodeId(1), seconds(70));
        ready.push(NodeId(2), seconds(9));
        assert_eq!(ready.pop_fitting(&free, &running, facts), Some(NodeId(2)));
        assert_eq!(ready.pop_fitting(&free, &running, facts), None);
    }

    /// Three cores, one held for 10 s; the urgent action wants two and has them... once one more is wanted, a
    /// long action may run beside it on the third.
    #[test]
    fn what_leaves_room_at_the_reservation_may_start() {
        let mut free = slots(4);
        let held = Claim::cores(3, 0);
        assert!(free.take(&held));
        let running = [Holding { claim: held, rest: seconds(10) }];
        let facts = |id: NodeId| {
            if id.0 == 0 { (Claim::cores(2, 0), seconds(5)) } else { (Claim::cores(1, 0), seconds(60)) }
        };
        let mut ready = Ready::default();
        ready.push(NodeId(0), seconds(100));
        ready.push(NodeId(1), seconds(70));
        assert_eq!(ready.pop_fitting(&free, &running, facts), Some(NodeId(1)));
    }
}
