//! What a build would do, without doing it: keys as far as they can be known, and why they differ.
//! It runs nothing and writes nothing.

mod expected;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tracing::info_span;

use super::Means;
pub use super::estimate::Basis;
use super::estimate::Estimates;
use super::identify::{Facts, Results};
use super::later::Later;
use crate::cache::{ActionResult, Lookup};
use crate::graph::{Graph, splice};
use crate::history::History;
use crate::id::NodeId;
use crate::key::{Manifest, Reason};
use crate::operation::Failure;
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
    /// The manifest, if it is known.
    pub manifest: Option<Manifest>,
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
    while let Some(id) = front.ready.pop_first() {
        let (forecast, made) = Look { means, takes, history, estimates: &estimates }.at(&mut seen, id);
        seen.forecasts.insert(id, forecast);
        front.advance(&seen, id, &made);
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

/// What a look at a node needs beside what was seen so far.
struct Look<'a> {
    means: &'a Means<'a>,
    takes: &'a Takes,
    history: &'a History,
    estimates: &'a Estimates<'a>,
}

impl Look<'_> {
    /// The forecast of a node, and what its expansion made if that is known.
    fn at(&self, seen: &mut Foresight, id: NodeId) -> (Forecast, Vec<NodeId>) {
        let (estimate, basis) = self.estimates.with_basis(&seen.graph, self.history, id);
        let awaits = seen.graph.awaits(id).into_iter().filter(|from| seen.results.get(*from).is_none());
        let mut forecast = Forecast {
            node: id,
            standing: Standing::Waiting,
            reasons: Vec::new(),
            awaits: awaits.collect(),
            estimate,
            basis,
            manifest: None,
            fault: None,
        };
        let past = self.history.past(&seen.graph.node(id).name);
        let means = self.means;
        let facts =
            Facts { results: &seen.results, toolbox: means.toolbox, files: means.files, takes: self.takes };
        if !forecast.awaits.is_empty() {
            if let (Some(past), Ok(own)) = (past, facts.own(&seen.graph, id)) {
                let mut reasons = own.reasons(&past.manifest());
                // What others give is in the past, and not known now.
                reasons.retain(|reason| reason.new.is_some() || !reason.is_digest());
                forecast.reasons = reasons;
            }
            return (forecast, Vec::new());
        }
        let manifest = match facts.manifest(&seen.graph, id) {
            Ok(manifest) => manifest,
            Err(failure) => {
                forecast.standing = Standing::Blocked;
                forecast.fault = Some(failure.message);
                return (forecast, Vec::new());
            }
        };
        let key = manifest.key();
        let same = past.is_some_and(|past| past.key == key);
        let found = match facts.is_pinned(&seen.graph, id).then(|| means.cache.lookup(&key.0)) {
            Some(Lookup::Hit(result)) => Some(Arc::<ActionResult>::from(result)),
            _ => None,
        };
        if let Some(past) = past.filter(|_| !same) {
            forecast.reasons = manifest.reasons(&past.manifest());
        }
        forecast.standing = match (&found, same, past.is_some()) {
            (Some(_), true, _) => Standing::Fresh,
            (Some(_), false, _) => Standing::Cached,
            (None, true, _) => Standing::Missing,
            (None, false, true) => Standing::Stale,
            (None, false, false) => Standing::New,
        };
        forecast.manifest = Some(manifest);
        let made = match found.map(|result| self.take_in(seen, id, result)) {
            None => Vec::new(),
            Some(Ok(made)) => made,
            Some(Err(failure)) => {
                forecast.standing = Standing::Blocked;
                forecast.fault = Some(failure.message);
                Vec::new()
            }
        };
        (forecast, made)
    }

    /// Notes a result that is there, and grows the graph by what it expands to; a failure is that of a build, too.
    fn take_in(
        &self,
        seen: &mut Foresight,
        id: NodeId,
        result: Arc<ActionResult>,
    ) -> Result<Vec<NodeId>, Failure> {
        let mut made = Vec::new();
        if let Some(subgraph) = &result.graph {
            made = splice::splice(&mut seen.graph, id, subgraph, self.means.registry, self.means.root)?;
            let Foresight { graph, plan, later, .. } = seen;
            let only = later.take_in(graph, id, &made);
            let _ = plan.grow(graph, id, (&made, only), |node| self.estimates.of(graph, self.history, node));
        }
        seen.results.set(id, Some(result));
        Ok(made)
    }
}
