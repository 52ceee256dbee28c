//! What must hold of every schedule, held against sums that are made here and not by the scheduler.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::claim::{Gpu, GpuClaim};

fn machine(cores: u32) -> Capacity {
    let gpu = |memory| Gpu { id: String::new(), name: String::new(), memory, sessions: 2 };
    Capacity {
        cpu_milli: cores * 1000,
        memory: 1 << 30,
        network: 2,
        gpus: vec![gpu(8), gpu(16)],
        pools: BTreeMap::from([("voices".to_owned(), 2)]),
    }
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Sums up claims, and tells whether they fit a machine, GPUs aside.
fn fit<'c>(capacity: &Capacity, claims: impl Iterator<Item = &'c Claim> + Clone) -> bool {
    let sum = |f: &dyn Fn(&Claim) -> u64| claims.clone().map(f).sum::<u64>();
    sum(&|c| c.cpu_milli.into()) <= capacity.cpu_milli.into()
        && sum(&|c| c.memory) <= capacity.memory
        && sum(&|c| c.network.into()) <= capacity.network.into()
        && capacity.pools.iter().all(|(name, there)| {
            sum(&|c| c.pools.get(name).copied().unwrap_or(0).into()) <= u64::from(*there)
        })
}

/// Follows a simulation and keeps its own account of it.
struct Account<'w> {
    workload: &'w Workload,
    capacity: &'w Capacity,
    priorities: Vec<Duration>,
    began: BTreeMap<NodeId, Duration>,
    running: BTreeSet<NodeId>,
    done: BTreeSet<NodeId>,
    /// The most urgent that does not fit, and when it is to start at the latest.
    promised: Option<(NodeId, Duration)>,
}

impl<'w> Account<'w> {
    fn new(workload: &'w Workload, capacity: &'w Capacity) -> Self {
        Self {
            workload,
            capacity,
            priorities: workload.priorities(&workload.estimate),
            began: BTreeMap::new(),
            running: BTreeSet::new(),
            done: BTreeSet::new(),
            promised: None,
        }
    }

    fn claims<'a>(
        &'a self,
        ids: impl Iterator<Item = &'a NodeId> + Clone + 'a,
    ) -> impl Iterator<Item = &'a Claim> + Clone {
        ids.map(|id| self.workload.claim(*id))
    }

    fn see(&mut self, moment: &Moment<'_>) {
        for id in moment.ended {
            assert!(self.running.remove(id) && self.done.insert(*id));
            assert_eq!(moment.now, self.began[id] + self.workload.took(*id));
        }
        for id in moment.started {
            assert!(self.workload.awaits(*id).iter().all(|from| self.done.contains(from)), "it awaited");
            assert!(self.began.insert(*id, moment.now).is_none(), "once");
            self.running.insert(*id);
        }
        assert!(fit(self.capacity, self.claims(self.running.iter())), "oversubscribed");
        assert_eq!(self.waiting().len(), moment.dispatch.ready().len());
    }

    /// What could run, the most urgent first.
    fn waiting(&self) -> Vec<NodeId> {
        let ready = self.workload.ids().filter(|id| !self.began.contains_key(id));
        let mut ready: Vec<NodeId> = ready
            .filter(|id| self.workload.awaits(*id).iter().all(|from| self.done.contains(from)))
            .collect();
        ready.sort_by_key(|id| (Reverse(self.priorities[id.index()]), *id));
        ready
    }

    /// When a running action is expected to end.
    fn end(&self, id: NodeId, now: Duration) -> Duration {
        (self.began[&id] + self.workload.estimate[id.index()]).max(now)
    }

    /// When a claim fits if all ends as expected, beside others.
    fn start(&self, claim: &Claim, now: Duration) -> Duration {
        let mut ends: Vec<Duration> = self.running.iter().map(|id| self.end(*id, now)).collect();
        ends.sort_unstable();
        let fits = |end: &Duration| {
            let still = self.running.iter().filter(|id| self.end(**id, now) > *end);
            fit(self.capacity, self.claims(still).chain([claim]))
        };
        ends.into_iter().find(fits).unwrap()
    }

    /// Nothing waits that fits, but what would delay the most urgent that does not.
    fn see_no_idle_slot(&self, now: Duration) {
        let waiting = self.waiting();
        let fits = |id: &NodeId| {
            fit(self.capacity, self.claims(self.running.iter()).chain([self.workload.claim(*id)]))
        };
        let Some(first) = waiting.iter().find(|id| !fits(id)) else {
            return assert!(waiting.is_empty(), "all of {waiting:?} fit");
        };
        let reserved = self.workload.claim(*first);
        let start = self.start(reserved, now);
        for id in waiting.iter().filter(|id| fits(id)) {
            assert!(self.rank(*id) > self.rank(*first), "{id:?} fits and is more urgent");
            let later = self.running.iter().filter(|other| self.end(**other, now) > start);
            let both = self.claims(later).chain([reserved, self.workload.claim(*id)]);
            let ends = now + self.workload.estimate[id.index()];
            assert!(ends > start && !fit(self.capacity, both), "{id:?} would delay nobody");
        }
    }

    fn rank(&self, id: NodeId) -> (Reverse<Duration>, NodeId) {
        (Reverse(self.priorities[id.index()]), id)
    }

    /// While an action is the most urgent, it starts when it was said to, if all takes as long as estimated.
    fn see_promises_kept(&mut self, moment: &Moment<'_>) {
        // Something more urgent became ready and started in one moment.
        self.promised = self
            .promised
            .filter(|(id, _)| moment.started.iter().all(|other| self.rank(*other) >= self.rank(*id)));
        if let Some((id, start)) = self.promised
            && moment.started.contains(&id)
        {
            assert!(moment.now <= start, "{id:?} was to start at {start:?}, not at {:?}", moment.now);
        }
        let first = self.waiting().first().copied();
        self.promised = first.map(|first| match self.promised {
            Some((id, start)) if id == first => (id, start),
            _ => (first, self.start(self.workload.claim(first), moment.now)),
        });
    }
}

fn claims() -> impl Strategy<Value = Claim> {
    (1_u32..=6, 0_u64..4, 0_u32..3, 0_u32..3).prop_map(|(cores, memory, network, voices)| Claim {
        network,
        pools: BTreeMap::from([("voices".to_owned(), voices)]),
        ..Claim::cores(cores, memory * 256)
    })
}

fn gpus() -> impl Strategy<Value = GpuClaim> {
    prop_oneof![
        Just(GpuClaim::None),
        (1_u32..=2).prop_map(GpuClaim::Whole),
        (1_u64..9, 0_u32..=2).prop_map(|(memory, sessions)| GpuClaim::Part { memory, sessions }),
    ]
}

/// Claims, times, times expected, and for each what it awaits among those before it.
fn workloads() -> impl Strategy<Value = Workload> {
    let action = (
        claims(),
        0_u64..20,
        prop::option::of(0_u64..30),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    );
    prop::collection::vec(action, 1..50).prop_map(|actions| {
        let mut workload = Workload::default();
        for (claim, took, estimate, awaits) in actions {
            let before = workload.len();
            let awaits: Vec<NodeId> =
                awaits.iter().filter(|_| before > 0).map(|index| NodeId::of(index.index(before))).collect();
            let id = workload.add(&claim, seconds(took), &awaits);
            if let Some(estimate) = estimate {
                workload.expect(id, seconds(estimate));
            }
        }
        workload
    })
}

proptest! {
    /// Whatever estimates are worth.
    #[test]
    fn never_oversubscribed_no_slot_idle_and_everything_finishes(workload in workloads()) {
        let capacity = machine(6);
        let mut account = Account::new(&workload, &capacity);
        let simulated = workload.simulate(&capacity, Order::LongestPath, |moment| {
            account.see(moment);
            account.see_no_idle_slot(moment.now);
        });
        prop_assert_eq!((account.done.len(), simulated.stuck), (workload.len(), 0));
        prop_assert!(simulated.makespan >= workload.bound(&capacity).time());
    }

    #[test]
    fn a_reservation_is_kept_when_estimates_are_right(mut workload in workloads()) {
        workload.estimate = workload.took.clone();
        let capacity = machine(6);
        let mut account = Account::new(&workload, &capacity);
        workload.simulate(&capacity, Order::LongestPath, |moment| {
            account.see(moment);
            account.see_promises_kept(moment);
        });
    }

    #[test]
    fn actions_on_gpus_finish_too(actions in prop::collection::vec((gpus(), 1_u64..20), 1..40)) {
        let capacity = machine(6);
        let mut workload = Workload::default();
        for (gpu, took) in &actions {
            workload.add(&Claim { gpu: *gpu, ..Claim::cores(1, 1) }, seconds(*took), &[]);
        }
        let mut account = Account::new(&workload, &capacity);
        let simulated = workload.simulate(&capacity, Order::LongestPath, |moment| account.see(moment));
        prop_assert_eq!((account.done.len(), simulated.stuck), (actions.len(), 0));
        prop_assert!(simulated.makespan >= workload.bound(&capacity).time());
    }
}

/// Small actions, each of which takes ten times as long as expected, and a large one that is as urgent as they are.
#[test]
fn a_large_action_is_not_starved_by_small_ones_that_overrun() {
    let mut workload = Workload::default();
    let large = workload.add(&Claim::cores(6, 0), seconds(20), &[]);
    for _ in 0..600 {
        let id = workload.add(&Claim::cores(1, 0), seconds(10), &[]);
        workload.expect(id, seconds(1));
    }
    // What is more urgent than the large one goes first, and keeps a core of it.
    let first = workload.add(&Claim::cores(1, 0), seconds(30), &[]);
    assert_eq!(workload.awaits(first), []);
    let capacity = machine(6);
    let mut account = Account::new(&workload, &capacity);
    workload.simulate(&capacity, Order::LongestPath, |moment| account.see(moment));
    assert!(account.began[&large] <= seconds(50), "it starts at {:?} of 1000 s", account.began[&large]);
}

#[test]
fn what_can_never_run_is_counted_with_what_awaits_it() {
    let mut workload = Workload::default();
    let never = workload.add(&Claim::cores(7, 0), seconds(1), &[]);
    workload.add(&Claim::cores(1, 0), seconds(1), &[never]);
    workload.add(&Claim::cores(1, 0), seconds(5), &[]);
    let simulated = workload.simulate(&machine(6), Order::LongestPath, |_| {});
    assert_eq!((simulated.stuck, simulated.makespan), (2, seconds(5)));
}

/// 30,000 actions that are all ready on 1,000 slots: a pick that looked at each would take minutes here.
#[test]
fn many_slots_and_many_ready_actions_take_little_time() {
    let capacity = Capacity { memory: 1 << 50, ..machine(1000) };
    let mut workload = Workload::default();
    for n in 0..30_000_u64 {
        let claim = Claim::cores(1 + (n * 7 % 40) as u32, n * 13 % 5);
        workload.add(&claim, Duration::from_millis(100 + n * 7919 % 5000), &[]);
    }
    let simulated = workload.simulate(&capacity, Order::LongestPath, |_| {});
    let bound = workload.bound(&capacity).time();
    assert_eq!(simulated.stuck, 0);
    assert!(simulated.makespan < bound * 102 / 100, "{:?} where {bound:?} is the least", simulated.makespan);
    assert!(simulated.used.iter().any(|(name, used)| name == "cpu" && *used > 970), "{:?}", simulated.used);
}
