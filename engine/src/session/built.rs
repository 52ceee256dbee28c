//! What the last builds made of a project: its graph with every expansion that they knew, and the results that its nodes
//! had. It computes no key and runs nothing, so it also answers for nodes that a build would make anew.

use super::Project;
use crate::cache::{ActionResult, Cache, Lookup, Stored};
use crate::graph::{Graph, splice};
use crate::history::History;
use crate::id::NodeId;
use crate::operation::Registry;

/// A project as its last builds left it.
pub struct Built<'a> {
    /// The graph, with the expansions of the last builds.
    pub graph: Graph,
    cache: &'a Cache,
    history: &'a History,
}

impl Project {
    /// The project as its last builds left it.
    #[must_use]
    pub fn built<'a>(&self, registry: &Registry, cache: &'a Cache, history: &'a History) -> Built<'a> {
        let mut built = Built { graph: self.graph.clone(), cache, history };
        let mut next = 0;
        // Made nodes are added at the end, so they are come to as well.
        while next < built.graph.len() {
            let id = NodeId::of(next);
            next += 1;
            if !built.graph.node(id).operation.info().expands {
                continue;
            }
            if let Some(subgraph) = built.result(id).and_then(|result| result.graph) {
                // One that no longer fits is as if it had never been made: so is what it made.
                let _ = splice::splice(&mut built.graph, id, &subgraph, registry, &self.root);
            }
        }
        built
    }
}

impl Built<'_> {
    /// The result that a node had the last time, if the cache still has it.
    #[must_use]
    pub fn result(&self, id: NodeId) -> Option<ActionResult> {
        let past = self.history.past(&self.graph.node(id).name)?;
        match self.cache.lookup(&past.key.0) {
            Lookup::Hit(result) => Some(*result),
            Lookup::Miss(_) => None,
        }
    }

    /// The artifact that was on a port of a node the last time: its own, or the one that its expansion put there.
    #[must_use]
    pub fn artifact(&self, id: NodeId, port: &str) -> Option<Stored> {
        let number = self.graph.node(id).port(port)?;
        let [(from, number)] = *self.graph.behind(id, number).as_slice() else { return None };
        let name = &self.graph.node(from).ports.get(number as usize)?.name;
        self.result(from)?.port(name).cloned()
    }

    /// The bytes of that artifact, if they are there as they were recorded.
    #[must_use]
    pub fn read(&self, id: NodeId, port: &str) -> Option<Vec<u8>> {
        self.cache.read(&self.artifact(id, port)?).ok()
    }
}
