//! A plan in figures: what would run, what may, how long it may take. It prints nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use reel_engine::claim::{Capacity, Claim};
use reel_engine::graph::walk;
use reel_engine::id::NodeId;
use reel_engine::schedule::foresee::{Basis, Expected, Forecast, Foresight, Standing};
use serde_json::{Value, json};

use crate::report::summary::seconds;
use crate::ui::{add, count, spell, table};

/// Nodes of the critical path that are shown without asking for more.
const SHOWN: usize = 12;

/// The whole in figures.
pub(super) struct Outlook {
    planned: usize,
    will: usize,
    may: usize,
    /// Nodes that cannot run as things are.
    blocked: usize,
    /// Nodes that will expand.
    growing: usize,
    expected: usize,
    work: Duration,
    /// The part of the work that does not rest on the last run of the same node.
    guessed: Duration,
    path: Vec<Step>,
    path_time: Duration,
    total: Duration,
}

/// A node of the critical path.
#[derive(Debug, Clone)]
struct Step {
    node: String,
    kind: String,
    time: Duration,
    basis: &'static str,
}

impl Outlook {
    /// Sums up what is foreseen for a machine of this capacity.
    pub(super) fn new(seen: &Foresight, capacity: &Capacity) -> Self {
        let open = seen.forecasts.values().filter(|it| it.standing.would_run() != Some(false));
        let will = open.clone().filter(|it| it.standing.would_run() == Some(true)).count();
        let may = open.clone().count() - will;
        let is_blocked = |it: &&Forecast| matches!(it.standing, Standing::Blocked);
        let blocked = seen.forecasts.values().filter(is_blocked).count();
        let growing = open.clone().filter(|it| seen.graph.node(it.node).operation.info().expands).count();
        let made = Made::new(seen);
        let known: Duration = open.clone().map(|it| it.estimate).sum();
        let expected: Duration = made.total();
        let unsure: Duration = open.clone().filter(|it| it.basis != Basis::Node).map(|it| it.estimate).sum();
        let (path, path_time) = longest(seen, &made);
        let loads = open.map(|it| load(&seen.graph.node(it.node).claim, capacity, it.estimate));
        // What is only expected has no claim yet; most that is worth counting takes a core.
        let rest = expected / (capacity.cpu_milli / 1000).max(1);
        let busy = loads.fold([0.0; 2], |all, one| [all[0] + one[0], all[1] + one[1]]);
        let busy = Duration::from_secs_f64(busy[0].max(busy[1])) + rest;
        Self {
            planned: seen.forecasts.len(),
            will,
            may,
            blocked,
            growing,
            expected: seen.expected.len(),
            work: known + expected,
            guessed: unsure + expected,
            path,
            path_time,
            total: busy.max(path_time),
        }
    }

    /// In words; the last line adds up.
    pub(super) fn text(&self, whole: bool) -> String {
        let (will, may, blocked) = (self.will, self.may, self.blocked);
        let known = self.planned - will - may - blocked;
        let later = match self.expected {
            0 => String::new(),
            expected => format!("; {expected} more expected, as last time"),
        };
        let stuck = if blocked == 0 { String::new() } else { format!(" + blocked {blocked}") };
        let head = format!(
            "planned {} = would run {will} + may run {may} + cached {known}{stuck}{later}",
            self.planned
        );
        if will + may + blocked == 0 {
            return format!("{head}, nothing to do");
        }
        let mut text = format!("critical path: {}\n", spell(self.path_time));
        let limit = if whole { usize::MAX } else { SHOWN };
        let left_out = self.path.len().saturating_sub(limit);
        let (begin, end) = self.path.split_at(if left_out > 0 { limit / 2 } else { self.path.len() });
        let end = &end[left_out..];
        let mut rows: Vec<Vec<String>> = begin.iter().map(Step::row).collect();
        if left_out > 0 {
            rows.push(vec![format!("  … {} more", left_out)]);
        }
        rows.extend(end.iter().map(Step::row));
        text.push_str(&table(&rows));
        add(&mut text, format_args!("about {}, {} of work", spell(self.total), spell(self.work)));
        if self.guessed > Duration::ZERO {
            add(&mut text, format_args!(", {} of it not from a last run (~)", spell(self.guessed)));
        }
        if self.growing > 0 {
            let times = if self.expected == 0 { "not counted here" } else { "taken to be as last time" };
            add(&mut text, format_args!("; {} will make more nodes, {times}", count(self.growing, "node")));
        }
        format!("{text}\n{head}")
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let path: Vec<&str> = self.path.iter().map(|step| step.node.as_str()).collect();
        let steps: Vec<Value> = self.path.iter().map(Step::json).collect();
        json!({
            "event": "plan",
            "planned": self.planned,
            "would-run": self.will,
            "may-run": self.may,
            "cached": self.planned - self.will - self.may - self.blocked,
            "blocked": self.blocked,
            "expected": self.expected,
            "seconds": seconds(self.total),
            "work-seconds": seconds(self.work),
            "guessed-seconds": seconds(self.guessed),
            "critical-path": path,
            "critical-path-nodes": steps,
            "critical-path-seconds": seconds(self.path_time),
        })
    }
}

impl Step {
    fn row(&self) -> Vec<String> {
        let about = if self.basis == "node" { "" } else { "~" };
        vec![format!("  {}", self.node), self.kind.clone(), format!("{about}{}", spell(self.time))]
    }

    fn json(&self) -> Value {
        json!({ "node": self.node, "kind": self.kind, "seconds": seconds(self.time), "basis": self.basis })
    }
}

/// How long an action keeps all cores, and all memory, if it had them to itself: in seconds.
fn load(claim: &Claim, capacity: &Capacity, time: Duration) -> [f64; 2] {
    let part = |asked: u64, there: u64| asked as f64 / there.max(1) as f64 * time.as_secs_f64();
    [part(u64::from(claim.cpu_milli), u64::from(capacity.cpu_milli)), part(claim.memory, capacity.memory)]
}

/// What nodes are expected to make, by the name of the maker.
struct Made<'a>(BTreeMap<&'a str, Vec<&'a Expected>>);

impl<'a> Made<'a> {
    fn new(seen: &'a Foresight) -> Self {
        let mut made: BTreeMap<&str, Vec<&Expected>> = BTreeMap::new();
        for node in &seen.expected {
            made.entry(&node.maker).or_default().push(node);
        }
        Self(made)
    }

    fn total(&self) -> Duration {
        self.0.values().flatten().filter_map(|node| node.cost).sum()
    }

    /// The longest chain of what comes of a maker: what it makes, and what that makes.
    fn longest(&self, maker: &str) -> (Vec<&'a Expected>, Duration) {
        let ends = self.0.get(maker).into_iter().flatten().map(|node| {
            let (mut chain, time) = self.longest(&node.name);
            chain.insert(0, node);
            (chain, time + node.cost.unwrap_or_default())
        });
        ends.max_by_key(|(_, time)| *time).unwrap_or_default()
    }
}

/// The longest chain of nodes that may run, and its time; what a node is expected to make comes right after it.
fn longest(seen: &Foresight, made: &Made<'_>) -> (Vec<Step>, Duration) {
    let mut ends: BTreeMap<NodeId, (Duration, Option<NodeId>)> = BTreeMap::new();
    for id in walk::order(&seen.graph).unwrap_or_default() {
        let Some(forecast) = seen.forecasts.get(&id).filter(|it| it.standing.would_run() != Some(false))
        else {
            continue;
        };
        let own = forecast.estimate + made.longest(&seen.graph.node(id).name).1;
        let before =
            seen.graph.reaches(id).into_iter().filter_map(|from| Some((ends.get(&from)?.0, from))).max();
        let end = match before {
            Some((time, from)) => (time + own, Some(from)),
            None => (own, None),
        };
        ends.insert(id, end);
    }
    let Some((last, (time, _))) = ends.iter().max_by_key(|(_, (time, _))| *time) else {
        return (Vec::new(), Duration::ZERO);
    };
    let back = |id: &NodeId| ends.get(id).and_then(|(_, from)| *from);
    let mut nodes: Vec<NodeId> = std::iter::successors(Some(*last), back).collect();
    nodes.reverse();
    (nodes.into_iter().flat_map(|id| steps(seen, made, id)).collect(), *time)
}

/// A node, and the longest chain of what it is expected to make.
fn steps(seen: &Foresight, made: &Made<'_>, id: NodeId) -> Vec<Step> {
    let node = seen.graph.node(id);
    let basis = match seen.forecasts.get(&id).map(|it| it.basis) {
        Some(Basis::Node) => "node",
        Some(Basis::Kind) => "kind",
        _ => "guess",
    };
    let time = seen.forecasts.get(&id).map_or(Duration::ZERO, |it| it.estimate);
    let own = Step { node: node.name.clone(), kind: node.kind().to_owned(), time, basis };
    let expected = made.longest(&node.name).0.into_iter().map(|it| Step {
        node: it.name.clone(),
        kind: it.kind.clone(),
        time: it.cost.unwrap_or_default(),
        basis: "last-expansion",
    });
    std::iter::once(own).chain(expected).collect()
}
