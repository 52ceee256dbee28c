//! Nodes that are not in the graph yet, but that expansions which would run made the last time. It only looks.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::Means;
use super::Foresight;
use crate::cache::Lookup;
use crate::graph::splice;
use crate::history::History;

/// A node that an expansion made the last time, and is expected to make again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The name of the node that makes it; that may itself be expected.
    pub maker: String,
    /// What it took the last time, if it ever ran.
    pub cost: Option<Duration>,
}

/// What nodes that would expand made the last time, as far as the cache still knows.
pub(super) fn expected(means: &Means<'_>, history: &History, seen: &Foresight) -> Vec<Expected> {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    let growing = seen.forecasts.values().filter(|forecast| forecast.standing.would_run() != Some(false));
    let growing = growing.map(|forecast| seen.graph.node(forecast.node));
    let mut makers: Vec<String> =
        growing.filter(|node| node.operation.info().expands).map(|node| node.name.clone()).collect();
    while let Some(maker) = makers.pop() {
        let Some(past) = history.past(&maker) else { continue };
        let Lookup::Hit(result) = means.cache.lookup(&past.key.0) else { continue };
        for node in result.graph.iter().flat_map(|graph| &graph.nodes) {
            let name = splice::made_name(&maker, &node.name);
            if seen.graph.find(&name).is_some() || !names.insert(name.clone()) {
                continue;
            }
            if means.registry.get(&node.uses).is_some_and(|operation| operation.info().expands) {
                makers.push(name.clone());
            }
            let cost = history.cost(&name);
            found.push(Expected { name, kind: node.uses.clone(), maker: maker.clone(), cost });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}
