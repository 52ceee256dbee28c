//! The order of ready actions: by cases, and against the same policy written without classes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::claim::{Capacity, Claim};

fn capacity(cores: u32) -> Capacity {
    Capacity {
        cpu_milli: cores * 1000,
        memory: 1 << 40,
        network: 1,
        gpus: Vec::new(),
        pools: BTreeMap::new(),
    }
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Ready actions and what runs, with claims as they are.
struct Bench {
    slots: Slots,
    ready: Ready,
    running: Vec<(Duration, Claim, Held)>,
    waiting: Vec<(NodeId, Claim, Duration, Duration)>,
}

impl Bench {
    fn new(capacity: Capacity) -> Self {
        Self {
            slots: Slots::new(capacity),
            ready: Ready::default(),
            running: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn runs(&mut self, claim: Claim, rest: Duration) -> bool {
        let class = self.slots.class(&claim);
        let Some(held) = self.slots.take(class) else { return false };
        self.running.push((rest, claim, held));
        self.running.sort_by_key(|(rest, ..)| *rest);
        true
    }

    fn waits(&mut self, id: u32, claim: Claim, priority: Duration, cost: Duration) {
        let class = self.slots.class(&claim);
        self.ready.push(NodeId(id), class, &self.slots, priority, cost);
        self.waiting.push((NodeId(id), claim, priority, cost));
    }

    fn pick(&mut self) -> Option<u32> {
        let ends = self.running.iter().map(|(rest, _, held)| (*rest, held));
        let id = self.ready.first_fitting(&self.slots, ends)?;
        self.ready.remove(id);
        Some(id.0)
    }

    /// The policy as it is written down: every action looked at, in the order of urgency.
    fn simple(&self) -> Option<u32> {
        let mut waiting: Vec<_> = self.waiting.iter().collect();
        waiting.sort_by_key(|(id, _, priority, _)| (Reverse(*priority), *id));
        let held = |rest: Option<Duration>| {
            let still = self.running.iter().filter(move |(end, ..)| rest.is_none_or(|rest| *end > rest));
            still.map(|(_, claim, _)| claim).cloned().collect::<Vec<_>>()
        };
        let mut reserved: Option<(&Claim, Duration)> = None;
        for (id, claim, _, cost) in waiting {
            match reserved {
                _ if !fit(self.slots.capacity(), &held(None), &[claim]) => {
                    let ends = self.running.iter().map(|(rest, ..)| *rest);
                    let mut fits =
                        ends.filter(|rest| fit(self.slots.capacity(), &held(Some(*rest)), &[claim]));
                    reserved = reserved.or_else(|| Some((claim, fits.next()?)));
                }
                Some((first, start))
                    if *cost > start && !fit(self.slots.capacity(), &held(Some(start)), &[first, claim]) => {}
                _ => return Some(id.0),
            }
        }
        None
    }
}

/// Whether claims fit beside others, by adding them up.
fn fit(capacity: &Capacity, held: &[Claim], more: &[&Claim]) -> bool {
    let sum = |f: &dyn Fn(&Claim) -> u64| held.iter().chain(more.iter().copied()).map(f).sum::<u64>();
    sum(&|c| c.cpu_milli.into()) <= capacity.cpu_milli.into()
        && sum(&|c| c.memory) <= capacity.memory
        && capacity.pools.iter().all(|(name, there)| {
            sum(&|c| c.pools.get(name).copied().unwrap_or(0).into()) <= u64::from(*there)
        })
}

#[test]
fn the_longest_remaining_path_comes_first() {
    let mut bench = Bench::new(capacity(4));
    for (id, priority) in [(0, 1), (1, 5), (2, 5)] {
        bench.waits(id, Claim::cores(1, 0), seconds(priority), seconds(1));
    }
    assert_eq!([bench.pick(), bench.pick(), bench.pick(), bench.pick()], [Some(1), Some(2), Some(0), None]);
}

/// Two cores, one held for 10 s; the urgent action wants both. Only what ends within 10 s may go before.
#[test]
fn a_small_action_may_not_delay_the_reservation() {
    let mut bench = Bench::new(capacity(2));
    assert!(bench.runs(Claim::cores(1, 0), seconds(10)));
    bench.waits(0, Claim::cores(2, 0), seconds(100), seconds(5));
    bench.waits(1, Claim::cores(1, 0), seconds(70), seconds(60));
    bench.waits(2, Claim::cores(1, 0), seconds(9), seconds(9));
    assert_eq!((bench.pick(), bench.pick()), (Some(2), None));
}

/// Four cores, three held for 10 s; the urgent action wants two, so a long one may run on the fourth.
#[test]
fn what_leaves_room_at_the_reservation_may_start() {
    let mut bench = Bench::new(capacity(4));
    assert!(bench.runs(Claim::cores(3, 0), seconds(10)));
    bench.waits(0, Claim::cores(2, 0), seconds(100), seconds(5));
    bench.waits(1, Claim::cores(1, 0), seconds(70), seconds(60));
    assert_eq!(bench.pick(), Some(1));
}

#[test]
fn an_action_that_is_pushed_again_waits_once() {
    let mut bench = Bench::new(capacity(1));
    bench.waits(0, Claim::cores(1, 0), seconds(1), seconds(1));
    bench.waits(0, Claim::cores(1, 0), seconds(9), seconds(1));
    bench.waits(1, Claim::cores(1, 0), seconds(5), seconds(1));
    assert_eq!((bench.ready.len(), bench.pick(), bench.pick(), bench.pick()), (2, Some(0), Some(1), None));
    assert!(bench.ready.is_empty() && !bench.ready.remove(NodeId(0)));
}

fn claims() -> impl Strategy<Value = Claim> {
    (1_u32..=6, 0_u64..4, 0_u32..3).prop_map(|(cores, memory, voices)| Claim {
        pools: BTreeMap::from([("voice".to_owned(), voices)]),
        ..Claim::cores(cores, memory * 256)
    })
}

fn machine() -> Capacity {
    Capacity { memory: 1 << 30, pools: BTreeMap::from([("voice".to_owned(), 2)]), ..capacity(6) }
}

proptest! {
    #[test]
    fn it_picks_what_the_policy_picks(
        running in prop::collection::vec((claims(), 0_u64..20), 0..6),
        waiting in prop::collection::vec((claims(), 0_u64..40, 0_u64..25), 0..40),
    ) {
        let mut bench = Bench::new(machine());
        for (claim, rest) in running {
            bench.runs(claim, seconds(rest));
        }
        for (id, (claim, priority, cost)) in waiting.into_iter().enumerate() {
            bench.waits(id as u32, claim, seconds(priority), seconds(cost));
        }
        loop {
            let expected = bench.simple();
            let picked = bench.pick();
            prop_assert_eq!(picked, expected);
            let Some(id) = picked else { break };
            let place = bench.waiting.iter().position(|(other, ..)| other.0 == id).unwrap();
            let (_, claim, _, cost) = bench.waiting.remove(place);
            prop_assert!(bench.runs(claim, cost), "what is picked fits");
        }
    }
}
