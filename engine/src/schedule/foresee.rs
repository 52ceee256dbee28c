//! What a build would do, without doing it: keys as far as they can be known, and why they differ.
//! It runs nothing and writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Means;
use super::estimate::Estimates;
use super::identify::{Facts, Results};
use crate::cache::{ActionResult, Lookup};
use crate::graph::{Graph, splice};
use crate::history::History;
use crate::id::NodeId;
use crate::key::{Manifest, Reason};
use crate::plan::Plan;
use crate::takes::Takes;

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
}

/// What is known of one node before a build.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// Which node.
    pub node: NodeId,
    /// How it stands.
    pub standing: Standing,
    /// What changed in its key.
    pub reasons: Vec<Reason>,
    /// The nodes it awaits that would run.
    pub awaits: Vec<NodeId>,
    /// Expected wall time if it runs.
    pub estimate: Duration,
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
}

/// Looks ahead.
pub fn foresee(
    means: &Means<'_>,
    graph: Graph,
    targets: &[NodeId],
    takes: &Takes,
    history: &History,
) -> Foresight {
    let estimates = Estimates::new(means.cache);
    let plan = Plan::new(&graph, targets, |id| estimates.of(&graph, history, id));
    let mut seen = Foresight { graph, plan, forecasts: BTreeMap::new(), results: Results::default() };
    loop {
        let open: Vec<NodeId> = seen.plan.nodes().filter(|id| !seen.forecasts.contains_key(id)).collect();
        let before = open.len();
        let mut left = before;
        for id in open {
            let awaits = seen.graph.awaits(id);
            if awaits.iter().all(|from| seen.forecasts.contains_key(from)) {
                let forecast = look(means, &mut seen, id, &awaits, takes, history);
                seen.forecasts.insert(id, forecast);
                left -= 1;
            }
        }
        if left == before {
            return seen;
        }
    }
}

fn look(
    means: &Means<'_>,
    seen: &mut Foresight,
    id: NodeId,
    awaits: &[NodeId],
    takes: &Takes,
    history: &History,
) -> Forecast {
    let past = history.past(&seen.graph.node(id).name);
    let mut forecast = Forecast {
        node: id,
        standing: Standing::Waiting,
        reasons: Vec::new(),
        awaits: awaits.iter().copied().filter(|from| seen.results.get(*from).is_none()).collect(),
        estimate: seen.plan.cost(id),
        manifest: None,
        fault: None,
    };
    if !forecast.awaits.is_empty() {
        return forecast;
    }
    let facts = Facts { results: &seen.results, toolbox: means.toolbox, files: means.files, takes };
    let manifest = match facts.manifest(&seen.graph, id) {
        Ok(manifest) => manifest,
        Err(failure) => {
            forecast.standing = Standing::Blocked;
            forecast.fault = Some(failure.message);
            return forecast;
        }
    };
    let key = manifest.key();
    let same = past.is_some_and(|past| past.key == key);
    let found = match facts.is_pinned(&seen.graph, id).then(|| means.cache.lookup(&key.0)) {
        Some(Lookup::Hit(result)) => Some(Arc::<ActionResult>::from(result)),
        _ => None,
    };
    forecast.reasons = past.map(|past| manifest.reasons(&past.manifest())).unwrap_or_default();
    forecast.standing = match (&found, same, past.is_some()) {
        (Some(_), true, _) => Standing::Fresh,
        (Some(_), false, _) => Standing::Cached,
        (None, true, _) => Standing::Missing,
        (None, false, true) => Standing::Stale,
        (None, false, false) => Standing::New,
    };
    forecast.manifest = Some(manifest);
    if let Some(result) = found {
        if let Some(subgraph) = &result.graph
            && let Ok(made) = splice::splice(&mut seen.graph, id, subgraph, means.registry, means.root)
        {
            let Foresight { graph, plan, .. } = seen;
            let estimates = Estimates::new(means.cache);
            plan.grow(graph, id, &made, |node| estimates.of(graph, history, node));
        }
        seen.results.set(id, Some(result));
    }
    forecast
}
