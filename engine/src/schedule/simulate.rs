//! The scheduler under a virtual clock: the order, the slots and the priorities of builds, on machines that need
//! not exist. It runs nothing and knows no graph but a list of actions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::dispatch::Dispatch;
use crate::claim::{Capacity, Claim};
use crate::id::NodeId;
use crate::plan::pass_on;

/// Actions, each awaiting some that were added before it.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    claims: Vec<Claim>,
    known: BTreeMap<Claim, u32>,
    claim: Vec<u32>,
    took: Vec<Duration>,
    estimate: Vec<Duration>,
    awaits: Vec<NodeId>,
    /// Where the awaited nodes of each action end in `awaits`.
    until: Vec<usize>,
}

/// In which order actions get slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As in builds: the longest remaining path first.
    LongestPath,
    /// Whoever became ready first; for comparison.
    FirstCome,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// From the first start to the last end.
    pub makespan: Duration,
    /// How much of each resource was held on average, in thousandths of what there is.
    pub used: Vec<(String, u32)>,
    /// Actions that could not run, since their claims can never be met.
    pub stuck: usize,
}

/// What no schedule can be faster than.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The longest chain of actions.
    pub path: Duration,
    /// All that is held over time, divided by what there is, of the scarcest resource.
    pub work: Duration,
}

impl Bound {
    /// The larger of both.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.path.max(self.work)
    }
}

/// A moment of a simulation, once everything that may start has started.
pub struct Moment<'s> {
    /// The time.
    pub now: Duration,
    /// What ended just now.
    pub ended: &'s [NodeId],
    /// What started just now.
    pub started: &'s [NodeId],
    /// What waits and what is held.
    pub dispatch: &'s Dispatch,
}

impl Workload {
    /// Adds an action that takes `took`, and is expected to.
    pub fn add(&mut self, claim: &Claim, took: Duration, awaits: &[NodeId]) -> NodeId {
        let id = NodeId::of(self.took.len());
        let number = self.known.get(claim).copied().unwrap_or_else(|| {
            self.claims.push(claim.clone());
            self.known.insert(claim.clone(), self.claims.len() as u32 - 1);
            self.claims.len() as u32 - 1
        });
        self.claim.push(number);
        self.took.push(took);
        self.estimate.push(took);
        self.awaits.extend(awaits.iter().filter(|from| **from < id));
        self.until.push(self.awaits.len());
        id
    }

    /// Expects an action to take another time than it does.
    pub fn expect(&mut self, id: NodeId, estimate: Duration) {
        self.estimate[id.index()] = estimate;
    }

    /// How many actions there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.took.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.took.is_empty()
    }

    /// What an action holds while it runs.
    #[must_use]
    pub fn claim(&self, id: NodeId) -> &Claim {
        &self.claims[self.claim[id.index()] as usize]
    }

    /// How long an action takes.
    #[must_use]
    pub fn took(&self, id: NodeId) -> Duration {
        self.took[id.index()]
    }

    /// What an action awaits.
    #[must_use]
    pub fn awaits(&self, id: NodeId) -> &[NodeId] {
        let from = id.index().checked_sub(1).map_or(0, |before| self.until[before]);
        &self.awaits[from..self.until[id.index()]]
    }

    fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.len()).map(NodeId::of)
    }

    /// By action: the longest path from its start to an end, if each takes the time of `cost`.
    fn priorities(&self, cost: &[Duration]) -> Vec<Duration> {
        let mut priorities = vec![Duration::ZERO; self.len()];
        for id in self.ids().rev() {
            pass_on(cost, &mut priorities, id, self.awaits(id).iter().copied());
        }
        priorities
    }

    /// By action: whether its claim and those of all that it awaits can be met.
    fn able(&self, capacity: &Capacity) -> Vec<bool> {
        let met: Vec<bool> = self.claims.iter().map(|claim| capacity.refuses(claim).is_none()).collect();
        let mut able = Vec::with_capacity(self.len());
        for id in self.ids() {
            let awaited = self.awaits(id).iter().all(|from| able[from.index()]);
            able.push(awaited && met[self.claim[id.index()] as usize]);
        }
        able
    }

    /// What no schedule on such a machine can be faster than, for all that can run on it.
    #[must_use]
    pub fn bound(&self, capacity: &Capacity) -> Bound {
        let able = self.able(capacity);
        let took: Vec<Duration> =
            self.ids().map(|id| if able[id.index()] { self.took(id) } else { Duration::ZERO }).collect();
        let path = self.priorities(&took).into_iter().max().unwrap_or_default();
        let work =
            self.held(capacity, &able).into_iter().map(|(_, held, there)| held / u128::from(there.max(1)));
        Bound { path, work: nanos(work.max().unwrap_or_default()) }
    }

    /// By resource that is claimed: what is held of it, times nanoseconds, and how much of it there is.
    fn held(&self, capacity: &Capacity, able: &[bool]) -> Vec<(String, u128, u64)> {
        let mut times = vec![0_u128; self.claims.len()];
        for id in self.ids().filter(|id| able[id.index()]) {
            times[self.claim[id.index()] as usize] += self.took(id).as_nanos();
        }
        let mut found = Vec::new();
        for (name, there) in capacity.amounts() {
            let asked = self.claims.iter().zip(&times);
            let held: u128 =
                asked.map(|(claim, time)| u128::from(claim.amount(&name, capacity)) * time).sum();
            if held > 0 {
                found.push((name, held, there));
            }
        }
        found
    }

    /// Runs it on a machine of this capacity; `watch` sees each moment at which something starts or ends.
    pub fn simulate(
        &self,
        capacity: &Capacity,
        order: Order,
        mut watch: impl FnMut(&Moment<'_>),
    ) -> Simulated {
        let mut run = Run::new(self, capacity, order);
        while run.advance(&mut watch) {}
        let stuck = run.open.iter().filter(|open| **open != DONE).count();
        let makespan = run.now;
        let share = |(name, held, there): (String, u128, u64)| {
            let all = u128::from(there.max(1)) * makespan.as_nanos().max(1);
            (name, u32::try_from(held * 1000 / all).unwrap_or(u32::MAX))
        };
        let used = self.held(capacity, &self.able(capacity)).into_iter().map(share).collect();
        Simulated { makespan, used, stuck }
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Stands for the number of awaited actions once an action ended.
const DONE: u32 = u32::MAX;

/// A simulation on its way.
struct Run<'w> {
    workload: &'w Workload,
    order: Order,
    priorities: Vec<Duration>,
    dependents: Vec<Vec<NodeId>>,
    /// By action: how many it still awaits.
    open: Vec<u32>,
    dispatch: Dispatch,
    ends: BinaryHeap<Reverse<(Duration, NodeId)>>,
    now: Duration,
    arrived: u64,
    ended: Vec<NodeId>,
    started: Vec<NodeId>,
}

impl<'w> Run<'w> {
    fn new(workload: &'w Workload, capacity: &Capacity, order: Order) -> Self {
        let mut dependents = vec![Vec::new(); workload.len()];
        for id in workload.ids() {
            for from in workload.awaits(id) {
                dependents[from.index()].push(id);
            }
        }
        let mut run = Self {
            workload,
            order,
            priorities: workload.priorities(&workload.estimate),
            dependents,
            open: workload.ids().map(|id| workload.awaits(id).len() as u32).collect(),
            dispatch: Dispatch::new(capacity.clone()),
            ends: BinaryHeap::new(),
            now: Duration::ZERO,
            arrived: 0,
            ended: Vec::new(),
            started: Vec::new(),
        };
        for id in workload.ids().filter(|id| workload.awaits(*id).is_empty()) {
            run.push(id);
        }
        run
    }

    fn push(&mut self, id: NodeId) {
        let priority = match self.order {
            Order::LongestPath => self.priorities[id.index()],
            Order::FirstCome => nanos(u128::from(u64::MAX - self.arrived)),
        };
        self.arrived += 1;
        self.dispatch.push(id, self.workload.claim(id), priority, self.workload.estimate[id.index()]);
    }

    /// Starts what may start, and goes on to the next end; whether there is one.
    fn advance(&mut self, watch: &mut impl FnMut(&Moment<'_>)) -> bool {
        self.started.clear();
        while let Some(id) = self.dispatch.pick(self.now) {
            // It fits: it was just picked.
            let _held = self.dispatch.hold(id, self.now);
            self.ends.push(Reverse((self.now + self.workload.took(id), id)));
            self.started.push(id);
        }
        let (ended, started) = (&self.ended, &self.started);
        watch(&Moment { now: self.now, ended, started, dispatch: &self.dispatch });
        self.ended.clear();
        while let Some(Reverse((end, id))) = self.ends.peek().copied() {
            if !self.ended.is_empty() && end > self.now {
                break;
            }
            self.ends.pop();
            self.now = end;
            self.end(id);
        }
        !self.ended.is_empty()
    }

    fn end(&mut self, id: NodeId) {
        self.ended.push(id);
        self.open[id.index()] = DONE;
        self.dispatch.release(id);
        for dependent in std::mem::take(&mut self.dependents[id.index()]) {
            self.open[dependent.index()] -= 1;
            if self.open[dependent.index()] == 0 {
                self.push(dependent);
            }
        }
    }
}

#[cfg(test)]
mod tests;
