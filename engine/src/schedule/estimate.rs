//! How long a node will take: its own last run, else the usual time of its kind, else a guess. It only looks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::cache::Cache;
use crate::graph::Graph;
use crate::history::History;
use crate::id::NodeId;
use crate::operation::Site;

/// Assumed of a kind that never ran: as long as a worker needs for something real.
const WORKER_GUESS: Duration = Duration::from_millis(500);
/// Assumed of a kind that never ran, in this process.
const INLINE_GUESS: Duration = Duration::from_millis(1);

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The last run of this very node.
    Node,
    /// The usual time of its kind.
    Kind,
    /// Nothing: its kind never ran.
    Guess,
}

/// Estimates of one build; each kind is looked up once.
pub(super) struct Estimates<'a> {
    cache: &'a Cache,
    kinds: RefCell<BTreeMap<&'static str, Option<Duration>>>,
}

impl<'a> Estimates<'a> {
    pub(super) const fn new(cache: &'a Cache) -> Self {
        Self { cache, kinds: RefCell::new(BTreeMap::new()) }
    }

    /// Expected wall time of a node.
    pub(super) fn of(&self, graph: &Graph, history: &History, id: NodeId) -> Duration {
        self.known(graph, history, id).unwrap_or_else(|| match graph.node(id).operation.info().site {
            Site::Worker => WORKER_GUESS,
            Site::Inline => INLINE_GUESS,
        })
    }

    /// Expected wall time of a node, and what that rests on.
    pub(super) fn with_basis(&self, graph: &Graph, history: &History, id: NodeId) -> (Duration, Basis) {
        let basis = match (history.cost(&graph.node(id).name), self.known(graph, history, id)) {
            (Some(_), _) => Basis::Node,
            (None, Some(_)) => Basis::Kind,
            (None, None) => Basis::Guess,
        };
        (self.of(graph, history, id), basis)
    }

    /// Expected wall time of a node, if it or its kind ever ran.
    pub(super) fn known(&self, graph: &Graph, history: &History, id: NodeId) -> Option<Duration> {
        let node = graph.node(id);
        history.cost(&node.name).or_else(|| {
            let usual = |kind| self.cache.cost_estimate(kind).map(Duration::from_micros);
            *self.kinds.borrow_mut().entry(node.kind()).or_insert_with(|| usual(node.kind()))
        })
    }
}
