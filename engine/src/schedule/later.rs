//! Names that were asked for before their nodes are there: expansions make these. It knows no key and no run.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, walk};
use crate::id::NodeId;

/// Names that only expansions can answer.
#[derive(Debug, Default)]
pub struct Later {
    /// By name, whether a node of it was made.
    names: BTreeMap<String, bool>,
    /// Nodes that are wanted for nothing but what they make under these names.
    alone: BTreeSet<NodeId>,
}

impl Later {
    /// For names beside targets that are there.
    #[must_use]
    pub fn new(graph: &Graph, targets: &[NodeId], names: &[String]) -> Self {
        let mut later =
            Self { names: names.iter().map(|name| (name.clone(), false)).collect(), ..Self::default() };
        if !names.is_empty() {
            let wanted = walk::wanted(graph, targets);
            let makers = names.iter().flat_map(|name| graph.makers(name));
            later.alone = makers.filter(|id| !wanted[id.index()]).collect();
        }
        later
    }

    /// All targets: those that are there, and the nodes that will make the others.
    #[must_use]
    pub fn targets(&self, there: &[NodeId]) -> Vec<NodeId> {
        there.iter().chain(&self.alone).copied().collect()
    }

    /// Takes in what `maker` made: the part of it that is wanted, or `None` for all that fills its ports, because
    /// somebody else waits for these.
    pub fn take_in(&mut self, graph: &Graph, maker: NodeId, made: &[NodeId]) -> Option<Vec<NodeId>> {
        let mut wanted = Vec::new();
        for (name, found) in &mut self.names {
            let group: Vec<NodeId> = graph.group(name).into_iter().filter(|id| made.contains(id)).collect();
            let makers = graph.makers(name).into_iter().filter(|id| group.is_empty() && made.contains(id));
            let makers: Vec<NodeId> = makers.collect();
            *found |= !group.is_empty();
            self.alone.extend(&makers);
            wanted.extend(group.into_iter().chain(makers));
        }
        self.alone.contains(&maker).then_some(wanted)
    }

    /// The names that no node has, though all that could have made it have run.
    pub fn unknown<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = &'a str> {
        let open = self.names.iter().filter(|(_, found)| !**found).map(|(name, _)| name.as_str());
        open.filter(|name| graph.group(name).is_empty() && graph.makers(name).is_empty())
    }
}
