//! What another machine would give: the plan under the scheduler's virtual clock, on this machine and on that one.
//! It runs nothing and prints nothing.

use std::collections::BTreeMap;

use reel_engine::claim::{Allowance, Capacity, Claim};
use reel_engine::graph::walk;
use reel_engine::id::NodeId;
use reel_engine::schedule::foresee::{Expected, Foresight};
use reel_engine::schedule::simulate::{Bound, Order, Simulated, Workload};
use serde_json::{Map, Value, json};

use crate::report::summary::seconds;
use crate::ui::{add, count, spell};

/// Both machines side by side.
pub(super) struct Comparison {
    here: Run,
    there: Run,
    /// How the other machine was described.
    named: String,
}

struct Run {
    bound: Bound,
    simulated: Simulated,
    /// Why nodes can never run there.
    refused: Vec<String>,
}

impl Comparison {
    /// Simulates what is foreseen on `here`, and on the same with what `other` says.
    pub(super) fn new(seen: &Foresight, here: &Capacity, (named, other): &(String, Allowance)) -> Self {
        let (workload, names) = workload(seen);
        let mut there = here.clone();
        other.apply(&mut there);
        let run = |capacity: &Capacity| {
            let refused = names.iter().filter_map(|(id, name)| {
                let refusal = capacity.refuses(workload.claim(*id))?;
                Some(format!("`{name}` asks for {}", refusal.why))
            });
            Run {
                bound: workload.bound(capacity),
                simulated: workload.simulate(capacity, Order::LongestPath, |_| {}),
                refused: refused.collect(),
            }
        };
        Self { here: run(here), there: run(&there), named: named.clone() }
    }

    /// In words, a line for each machine.
    pub(super) fn text(&self) -> String {
        let mut text = format!("this machine: {}\n", self.here.text());
        add(&mut text, format_args!("{}: {}", self.named, self.there.text()));
        let (here, there) = (self.here.simulated.makespan, self.there.simulated.makespan);
        let whole = self.here.refused.is_empty() && self.there.refused.is_empty();
        if whole && !there.is_zero() {
            let percent = here.as_nanos() * 100 / there.as_nanos();
            add(&mut text, format_args!("; {}.{:02} times as fast", percent / 100, percent % 100));
        }
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "event": "plan-simulated",
            "machine": self.named,
            "here": self.here.json(),
            "there": self.there.json(),
        })
    }
}

impl Run {
    fn text(&self) -> String {
        let mut text = format!("about {}", spell(self.simulated.makespan));
        if self.simulated.makespan == self.bound.path {
            text.push_str(", as long as the longest path");
        } else {
            add(&mut text, format_args!(", at least {}", spell(self.bound.time())));
        }
        for (name, used) in &self.simulated.used {
            add(&mut text, format_args!(", {name} {} % busy", (used + 5) / 10));
        }
        if let Some(first) = self.refused.first() {
            let never = count(self.simulated.stuck, "node");
            add(&mut text, format_args!("; without {never} that can never run there: {first}"));
        }
        text
    }

    fn json(&self) -> Value {
        let share = |(name, permille): &(String, u32)| (name.clone(), json!(f64::from(*permille) / 1000.0));
        json!({
            "seconds": seconds(self.simulated.makespan),
            "bound-seconds": seconds(self.bound.time()),
            "critical-path-seconds": seconds(self.bound.path),
            "work-seconds": seconds(self.bound.work),
            "used": self.simulated.used.iter().map(share).collect::<Map<_, _>>(),
            "never-run": self.simulated.stuck,
            "refused": self.refused,
        })
    }
}

/// What may run, as the scheduler would see it, and the name of each node. What an expansion is expected to make
/// follows its maker, and comes before whatever takes the maker's result.
fn workload(seen: &Foresight) -> (Workload, Vec<(NodeId, String)>) {
    let (mut workload, mut names) = (Workload::default(), Vec::new());
    let mut placed: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    let mut claims: BTreeMap<&str, &Claim> = BTreeMap::new();
    for (_, node) in seen.graph.nodes() {
        claims.entry(node.kind()).or_insert(&node.claim);
    }
    let makers: BTreeMap<&str, &str> =
        seen.expected.iter().map(|node| (node.name.as_str(), node.maker.as_str())).collect();
    let mut makes: BTreeMap<NodeId, Vec<&Expected>> = BTreeMap::new();
    for node in &seen.expected {
        // A maker that is only expected stands with the node of the graph that makes it.
        let chain = std::iter::successors(Some(node.maker.as_str()), |name| makers.get(name).copied());
        if let Some(maker) = chain.filter_map(|name| seen.graph.find(name)).next() {
            makes.entry(maker).or_default().push(node);
        }
    }
    let order = walk::order(&seen.graph).unwrap_or_default();
    let runs = |id: &NodeId| {
        seen.forecasts.get(id).is_some_and(|forecast| forecast.standing.would_run() != Some(false))
    };
    for id in order.into_iter().filter(runs) {
        let before = |awaited: Vec<NodeId>| -> Vec<NodeId> {
            awaited.iter().filter_map(|from| placed.get(from)).flatten().copied().collect()
        };
        let node = seen.graph.node(id);
        let own = workload.add(&node.claim, seen.plan.cost(id), &before(seen.graph.awaits(id)));
        names.push((own, node.name.clone()));
        let mut after = before(seen.graph.reaches(id));
        after.push(own);
        let mut stands_for = vec![own];
        for made in makes.get(&id).into_iter().flatten() {
            let guess = Claim::cores(1, 256);
            let claim = claims.get(made.kind.as_str()).copied().unwrap_or(&guess);
            let made_id = workload.add(claim, made.cost.unwrap_or_default(), &after);
            names.push((made_id, made.name.clone()));
            stands_for.push(made_id);
        }
        placed.insert(id, stands_for);
    }
    (workload, names)
}
