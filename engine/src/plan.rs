//! The part of the graph that targets need, with priorities from costs. It knows no cache; costs are given.

use std::time::Duration;

use crate::graph::{Graph, walk};
use crate::id::NodeId;

/// Wanted nodes and how urgent each is.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    wanted: Vec<bool>,
    cost: Vec<Duration>,
    priority: Vec<Duration>,
}

/// Passes the urgency of a node on to what it awaits; called for consumers before their producers, it gives each
/// node the longest path from its start to an end.
pub(crate) fn pass_on(
    cost: &[Duration],
    priority: &mut [Duration],
    id: NodeId,
    awaits: impl IntoIterator<Item = NodeId>,
) {
    let above = priority[id.index()].max(cost[id.index()]);
    priority[id.index()] = above;
    for from in awaits {
        let urgency = above.saturating_add(cost[from.index()]);
        priority[from.index()] = priority[from.index()].max(urgency);
    }
}

impl Plan {
    /// Plans for `targets`; `cost` estimates the wall time of a node.
    pub fn new(graph: &Graph, targets: &[NodeId], mut cost: impl FnMut(NodeId) -> Duration) -> Self {
        let mut plan = Self {
            wanted: walk::wanted(graph, targets),
            cost: graph.nodes().map(|(id, _)| cost(id)).collect(),
            priority: vec![Duration::ZERO; graph.len()],
        };
        let order = walk::order(graph).unwrap_or_default();
        for id in order.into_iter().rev().filter(|id| plan.wanted[id.index()]).collect::<Vec<_>>() {
            plan.settle(graph, id);
        }
        plan
    }

    /// Takes in nodes that an expansion of `maker` made, as far as they are needed: those that fill its ports, or
    /// `only` these. Gives those that are wanted now and were not before.
    pub fn grow(
        &mut self,
        graph: &Graph,
        maker: NodeId,
        (made, only): (&[NodeId], Option<Vec<NodeId>>),
        mut cost: impl FnMut(NodeId) -> Duration,
    ) -> Vec<NodeId> {
        self.wanted.resize(graph.len(), false);
        self.cost.resize(graph.len(), Duration::ZERO);
        self.priority.resize(graph.len(), Duration::ZERO);
        for id in made {
            self.cost[id.index()] = cost(*id);
        }
        // Whatever waits for the maker waits for what it made; its own cost is spent.
        let urgency = self.priority[maker.index()].saturating_sub(self.cost[maker.index()]);
        let mut new = Vec::with_capacity(made.len());
        let all = || graph.node(maker).spliced.values().flatten().map(|(id, _)| *id).collect();
        let mut open: Vec<NodeId> = only.unwrap_or_else(all);
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut self.wanted[id.index()], true) {
                self.priority[id.index()] = urgency + self.cost[id.index()];
                new.push(id);
                open.extend(graph.reaches(id));
            }
        }
        for id in made.iter().rev().filter(|id| self.wanted(**id)).copied().collect::<Vec<_>>() {
            self.settle(graph, id);
        }
        new.sort_unstable();
        new
    }

    fn settle(&mut self, graph: &Graph, id: NodeId) {
        pass_on(&self.cost, &mut self.priority, id, graph.reaches(id));
    }

    /// Whether a target needs this node.
    #[must_use]
    pub fn wanted(&self, id: NodeId) -> bool {
        self.wanted.get(id.index()).copied().unwrap_or(false)
    }

    /// All wanted nodes, in the order they were made.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.wanted.iter().enumerate().filter(|(_, wanted)| **wanted).map(|(index, _)| NodeId::of(index))
    }

    /// How many nodes are wanted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.nodes().count()
    }

    /// Estimated time from the start of this node to the end of the longest path from it.
    #[must_use]
    pub fn priority(&self, id: NodeId) -> Duration {
        self.priority.get(id.index()).copied().unwrap_or_default()
    }

    /// Estimated wall time of this node.
    #[must_use]
    pub fn cost(&self, id: NodeId) -> Duration {
        self.cost.get(id.index()).copied().unwrap_or_default()
    }
}
