//! A plan in figures: what would run, what may, how long it may take. It prints nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use reel_engine::graph::walk;
use reel_engine::history::History;
use reel_engine::id::NodeId;
use reel_engine::schedule::foresee::{Foresight, Standing};
use serde_json::{Value, json};

use crate::report::summary::seconds;
use crate::ui::{add, count, spell};

/// Nodes of the longest path that are shown.
const SHOWN: usize = 6;

/// Whether a build would run this node, may run it, or would not.
pub(super) const fn would_run(standing: Standing) -> Option<bool> {
    match standing {
        Standing::New | Standing::Stale | Standing::Missing => Some(true),
        Standing::Waiting => None,
        Standing::Fresh | Standing::Cached | Standing::Blocked => Some(false),
    }
}

/// A node that is not in the graph yet, but was made by an expansion the last time.
#[derive(Debug)]
pub(super) struct Expected {
    /// Its name.
    pub(super) name: String,
    /// Its kind.
    pub(super) kind: String,
    /// The node that made it.
    pub(super) maker: NodeId,
    /// What it took.
    pub(super) cost: Duration,
}

/// The whole in figures.
pub(super) struct Outlook {
    planned: usize,
    will: usize,
    may: usize,
    /// Nodes that will expand.
    growing: usize,
    /// What their expansions made the last time.
    pub(super) expected: Vec<Expected>,
    work: Duration,
    path: Vec<NodeId>,
    path_time: Duration,
    total: Duration,
}

impl Outlook {
    /// Sums up what is foreseen; `cores` may work at once.
    pub(super) fn new(seen: &Foresight, history: &History, cores: u32) -> Self {
        let standing = |id: &NodeId| seen.forecasts.get(id).map(|forecast| would_run(forecast.standing));
        let open: Vec<NodeId> =
            seen.forecasts.keys().filter(|id| standing(id) != Some(Some(false))).copied().collect();
        let growing: Vec<NodeId> =
            open.iter().filter(|id| seen.graph.node(**id).operation.info().expands).copied().collect();
        let expected = expected(seen, history, &growing);
        let (path, path_time) = longest(seen, &open, &expected);
        let known: Duration = open.iter().map(|id| seen.plan.cost(*id)).sum();
        let work = known + expected.iter().map(|node| node.cost).sum();
        Self {
            planned: seen.forecasts.len(),
            will: open.iter().filter(|id| standing(id) == Some(Some(true))).count(),
            may: open.iter().filter(|id| standing(id) == Some(None)).count(),
            growing: growing.len(),
            expected,
            work,
            path,
            path_time,
            total: (work / cores.max(1)).max(path_time),
        }
    }

    /// In words; the last line adds up.
    pub(super) fn text(&self, seen: &Foresight) -> String {
        let (will, may) = (self.will, self.may);
        let known = self.planned - will - may;
        let head = format!("planned {} = would run {will} + may run {may} + cached {known}", self.planned);
        if will + may == 0 {
            return format!("{head}, nothing to do");
        }
        let mut text = format!("about {}, {} of work", spell(self.total), spell(self.work));
        if self.growing > 0 {
            let times =
                if self.expected.is_empty() { "not counted here" } else { "taken to be as last time" };
            add(&mut text, format_args!("; {} will make more nodes, {times}", count(self.growing, "node")));
        }
        let names: Vec<&str> = self.path.iter().map(|id| seen.graph.node(*id).name.as_str()).collect();
        let shown = match names.len() {
            0..=SHOWN => names.join(" → "),
            more => {
                let first = names[..SHOWN - 2].join(" → ");
                format!("{first} → … {} more … → {}", more - SHOWN + 1, names[more - 1])
            }
        };
        format!("{text}\nlongest path: {} through {shown}\n{head}", spell(self.path_time))
    }

    /// For programs.
    pub(super) fn json(&self, seen: &Foresight) -> Value {
        let path: Vec<&str> = self.path.iter().map(|id| seen.graph.node(*id).name.as_str()).collect();
        json!({
            "event": "plan",
            "planned": self.planned,
            "would-run": self.will,
            "may-run": self.may,
            "cached": self.planned - self.will - self.may,
            "expected": self.expected.len(),
            "seconds": seconds(self.total),
            "work-seconds": seconds(self.work),
            "critical-path": path,
            "critical-path-seconds": seconds(self.path_time),
        })
    }
}

/// What nodes that will expand made the last time: nodes that the history knows by a name that only their
/// expansion gives, and the graph does not.
fn expected(seen: &Foresight, history: &History, growing: &[NodeId]) -> Vec<Expected> {
    let mut found = Vec::new();
    for maker in growing {
        let name = &seen.graph.node(*maker).name;
        let prefix = match name.rfind('.') {
            Some(dot) => &name[..=dot],
            None => name,
        };
        for (name, past) in history.nodes().filter(|(name, _)| name.starts_with(prefix)) {
            if seen.graph.find(name).is_some() || found.iter().any(|other: &Expected| other.name == name) {
                continue;
            }
            let manifest = past.manifest();
            let kind = manifest.fields().iter().find(|field| field.name == "kind");
            found.push(Expected {
                name: name.to_owned(),
                kind: kind.map_or_else(String::new, |field| field.value.clone()),
                maker: *maker,
                cost: Duration::from_micros(past.cost_micros),
            });
        }
    }
    found
}

/// The longest chain of nodes that may run, and its time; what a node is expected to make counts as its own.
fn longest(seen: &Foresight, open: &[NodeId], expected: &[Expected]) -> (Vec<NodeId>, Duration) {
    let mut ends: BTreeMap<NodeId, (Duration, Option<NodeId>)> = BTreeMap::new();
    let order = walk::order(&seen.graph).unwrap_or_default();
    for id in order.into_iter().filter(|id| open.contains(id)) {
        let made = expected.iter().filter(|node| node.maker == id).map(|node| node.cost).max();
        let own = seen.plan.cost(id) + made.unwrap_or_default();
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
    let mut path: Vec<NodeId> = std::iter::successors(Some(*last), back).collect();
    path.reverse();
    (path, *time)
}
