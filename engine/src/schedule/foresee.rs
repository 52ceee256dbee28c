//! What a build would do, without doing it: keys as far as they can be known, and why they differ.
//! It runs nothing and writes nothing.

mod expected;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tracing::info_span;

pub use super::estimate::Basis;
use super::estimate::Estimates;
use super::identify::{Facts, Results};
use super::later::Later;
use super::{Means, TOGETHER};
use crate::cache::{ActionResult, Cache, Lookup};
use crate::graph::{Graph, splice};
use crate::hands::Hands;
use crate::history::History;
use crate::id::NodeId;
use crate::key::{ActionKey, Reason};
use crate::plan::Plan;
use crate::takes::Takes;

pub use expected::Expected;

/// How a node stands before a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its result is there, and it is what this project had the last time.
    Fresh,
    /// Its result is there, though this project had another the last time.
    Cached,
    /// This project never had it.
    New,
    /// Something in its key changed.
    Stale,
    /// Its key is the same, but the result is gone from the cache.
    Missing,
    /// It awaits a node that would run, so its key is not known yet.
    Waiting,
    /// Its key cannot be computed.
    Blocked,
}

impl Standing {
    /// The users' word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Cached => "cached",
            Self::New => "new",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
        }
    }

    /// Whether a build would run such a node; `None` if that depends on what others give.
    #[must_use]
    pub const fn would_run(self) -> Option<bool> {
        match self {
            Self::New | Self::Stale | Self::Missing => Some(true),
            Self::Waiting => None,
            Self::Fresh | Self::Cached | Self::Blocked => Some(false),
        }
    }
}

/// What is known of one node before a build.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// Which node.
    pub node: NodeId,
    /// How it stands.
    pub standing: Standing,
    /// What changed in its key, as far as it is known.
    pub reasons: Vec<Reason>,
    /// The nodes it awaits that would run.
    pub awaits: Vec<NodeId>,
    /// Expected wall time if it runs.
    pub estimate: Duration,
    /// What the estimate rests on.
    pub basis: Basis,
    /// Its key, if it is known.
    pub key: Option<ActionKey>,
    /// Why the key cannot be computed.
    pub fault: Option<String>,
}

/// The forecast of all wanted nodes, and the graph with every expansion that is in the cache.
pub struct Foresight {
    /// The graph so far.
    pub graph: Graph,
    /// The plan so far.
    pub plan: Plan,
    /// By node.
    pub forecasts: BTreeMap<NodeId, Forecast>,
    /// Results that are in the cache.
    pub results: Results,
    /// Nodes that are not in the graph, but that expansions which would run made the last time.
    pub expected: Vec<Expected>,
    /// Names that were asked for, of nodes that only expansions make.
    pub later: Later,
}

/// Looks ahead; `names` are of nodes that only expansions make.
pub fn foresee(
    means: &Means<'_>,
    graph: Graph,
    (targets, names): (&[NodeId], &[String]),
    takes: &Takes,
    history: &History,
) -> Foresight {
    let _span = info_span!("foresee", nodes = graph.len()).entered();
    let estimates = Estimates::new(means.cache);
    let later = Later::new(&graph, targets, names);
    let plan = Plan::new(&graph, &later.targets(targets), |id| estimates.of(&graph, history, id));
    let (results, forecasts) = (Results::default(), BTreeMap::new());
    let mut seen = Foresight { graph, plan, forecasts, results, expected: Vec::new(), later };
    let mut front = Front::default();
    front.admit(&seen, seen.plan.nodes());
    let look = Look { means, takes, history, estimates: &estimates };
    let hands = Hands::new(usize::MAX);
    let _looks = means.cache.looks();
    while !front.ready.is_empty() {
        for (id, (forecast, found)) in look.at_all(&seen, &hands, front.first(TOGETHER)) {
            let (forecast, made) = look.take_in(&mut seen, forecast, found);
            seen.forecasts.insert(id, forecast);
            front.advance(&seen, id, &made);
        }
    }
    seen.expected = expected::expected(means, history, &seen);
    seen
}

/// Nodes whose forecast can be made, and how many others each of the rest awaits.
#[derive(Default)]
struct Front {
    ready: BTreeSet<NodeId>,
    open: Vec<Option<usize>>,
    dependents: Vec<Vec<NodeId>>,
}

impl Front {
    /// Takes out so many of those whose forecast can be made.
    fn first(&mut self, most: usize) -> Vec<NodeId> {
        std::iter::from_fn(|| self.ready.pop_first()).take(most).collect()
    }

    /// Takes in wanted nodes, and all that they need, as far as they are not known here yet.
    fn admit(&mut self, seen: &Foresight, nodes: impl IntoIterator<Item = NodeId>) {
        self.open.resize(seen.graph.len(), None);
        self.dependents.resize(seen.graph.len(), Vec::new());
        let mut new: Vec<NodeId> = nodes.into_iter().collect();
        while let Some(id) = new.pop() {
            if self.open[id.index()].is_none() && seen.plan.wanted(id) {
                let awaits = seen.graph.awaits(id);
                self.wait(id, awaits.into_iter().filter(|from| !seen.forecasts.contains_key(from)));
                new.extend(seen.graph.reaches(id));
            }
        }
    }

    fn wait(&mut self, id: NodeId, awaited: impl Iterator<Item = NodeId>) {
        let mut number = self.open[id.index()].unwrap_or(0);
        for from in awaited {
            self.dependents[from.index()].push(id);
            number += 1;
        }
        self.open[id.index()] = Some(number);
        if number == 0 {
            self.ready.insert(id);
        }
    }

    /// A forecast was made; `made` are nodes that its expansion gave, which now stand for it.
    fn advance(&mut self, seen: &Foresight, id: NodeId, made: &[NodeId]) {
        self.admit(seen, made.iter().copied());
        for dependent in std::mem::take(&mut self.dependents[id.index()]) {
            let number = &mut self.open[dependent.index()];
            *number = number.map(|number| number.saturating_sub(1));
            let stand_for_it = if made.is_empty() { Vec::new() } else { seen.graph.made_for(dependent, id) };
            let open = stand_for_it.into_iter().filter(|from| !seen.forecasts.contains_key(from));
            self.wait(dependent, open);
        }
    }
}

/// A result that the cache has.
type Found = Arc<ActionResult>;

/// What a look at a node needs beside what was seen so far.
struct Look<'a> {
    means: &'a Means<'a>,
    takes: &'a Takes,
    history: &'a History,
    estimates: &'a Estimates<'a>,
}

impl Look<'_> {
    /// Forecasts of nodes, and what the cache has of each: a look at one changes nothing for another, since all that
    /// they await was looked at before.
    fn at_all(
        &self,
        seen: &Foresight,
        hands: &Hands,
        ids: Vec<NodeId>,
    ) -> Vec<(NodeId, (Forecast, Option<Found>))> {
        let estimated = ids.into_iter().map(|id| {
            let (estimate, basis) = self.estimates.with_basis(&seen.graph, self.history, id);
            let (standing, reasons, awaits) = (Standing::Waiting, Vec::new(), Vec::new());
            Forecast { node: id, standing, reasons, awaits, estimate, basis, key: None, fault: None }
        });
        let (means, takes, history) = (self.means, self.takes, self.history);
        let facts = Facts { results: &seen.results, toolbox: means.toolbox, files: means.files, takes };
        let (graph, cache) = (&seen.graph, means.cache);
        hands.each(estimated.collect(), |forecast| {
            (forecast.node, at(&facts, (graph, cache, history), forecast))
        })
    }

    /// What a look has found becomes part of what was seen: the graph grows by what an expansion made, which is also
    /// given. A failure of that is one that a build would have, too.
    fn take_in(
        &self,
        seen: &mut Foresight,
        mut forecast: Forecast,
        found: Option<Found>,
    ) -> (Forecast, Vec<NodeId>) {
        let (id, mut made) = (forecast.node, Vec::new());
        let Some(result) = found else { return (forecast, made) };
        if let Some(subgraph) = &result.graph {
            match splice::splice(&mut seen.graph, id, subgraph, self.means.registry, self.means.root) {
                Ok(nodes) => made = nodes,
                Err(failure) => {
                    forecast.standing = Standing::Blocked;
                    forecast.fault = Some(failure.message);
                    return (forecast, made);
                }
            }
            let Foresight { graph, plan, later, .. } = seen;
            let only = later.take_in(graph, id, &made);
            let estimate = |node| self.estimates.of(graph, self.history, node);
            let _ = plan.grow(graph, id, (&made, only), estimate);
        }
        seen.results.set(id, Some(result));
        (forecast, made)
    }
}

/// Completes the forecast of a node all of whose producers were looked at, with what the cache has of it.
fn at(
    facts: &Facts<'_>,
    (graph, cache, history): (&Graph, &Cache, &History),
    mut forecast: Forecast,
) -> (Forecast, Option<Found>) {
    let id = forecast.node;
    let past = history.past(&graph.node(id).name);
    forecast.awaits =
        graph.awaits(id).into_iter().filter(|from| facts.results.get(*from).is_none()).collect();
    if !forecast.awaits.is_empty() {
        if let (Some(past), Ok(own)) = (past, facts.own(graph, id)) {
            let mut reasons = own.reasons(&past.manifest());
            // What others give is in the past, and not known now.
            reasons.retain(|reason| reason.new.is_some() || !reason.is_digest());
            forecast.reasons = reasons;
        }
        return (forecast, None);
    }
    let (manifest, key, found) = match facts.identified(graph, cache, id) {
        Ok(identified) => identified,
        Err(failure) => {
            forecast.standing = Standing::Blocked;
            forecast.fault = Some(failure.message);
            return (forecast, None);
        }
    };
    let same = past.is_some_and(|past| past.key == key);
    if let Some(past) = past.filter(|_| !same) {
        forecast.reasons = manifest.reasons(&past.manifest());
    }
    let found = match found {
        Some(Lookup::Hit(result)) => Some(Found::from(result)),
        _ => None,
    };
    forecast.standing = match (&found, same, past.is_some()) {
        (Some(_), true, _) => Standing::Fresh,
        (Some(_), false, _) => Standing::Cached,
        (None, true, _) => Standing::Missing,
        (None, false, true) => Standing::Stale,
        (None, false, false) => Standing::New,
    };
    forecast.key = Some(key);
    (forecast, found)
}
