//! Order and circles. It knows only which node awaits which.

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use petgraph::visit::{Dfs, Reversed};

use super::Graph;
use crate::id::NodeId;

/// The graph as petgraph sees it: an edge from each node to what awaits it (or passes its artifact on).
fn edges(graph: &Graph) -> DiGraph<NodeId, ()> {
    let mut out = DiGraph::with_capacity(graph.len(), graph.len() * 2);
    for (id, _) in graph.nodes() {
        out.add_node(id);
    }
    for (id, _) in graph.nodes() {
        for from in graph.reaches(id) {
            out.add_edge(from.0.into(), id.0.into(), ());
        }
    }
    out
}

/// Producers before consumers.
///
/// # Errors
/// The nodes of one circle, each awaiting the next and the last the first.
pub fn order(graph: &Graph) -> Result<Vec<NodeId>, Vec<NodeId>> {
    let edges = edges(graph);
    let mut order = Vec::with_capacity(graph.len());
    // Tarjan gives components in reverse topological order.
    for component in tarjan_scc(&edges).into_iter().rev() {
        let first = edges[component[0]];
        if component.len() > 1 || graph.reaches(first).contains(&first) {
            let members: Vec<NodeId> = component.iter().map(|index| edges[*index]).collect();
            return Err(circle(graph, &members));
        }
        order.push(first);
    }
    Ok(order)
}

/// A shortest circle through the least node of a strongly connected set.
fn circle(graph: &Graph, members: &[NodeId]) -> Vec<NodeId> {
    let Some(start) = members.iter().min().copied() else {
        return Vec::new();
    };
    let mut paths = std::collections::VecDeque::from([vec![start]]);
    let mut seen = vec![start];
    while let Some(path) = paths.pop_front() {
        let last = path[path.len() - 1];
        for next in graph.reaches(last) {
            if next == start {
                return path;
            }
            if members.contains(&next) && !seen.contains(&next) {
                seen.push(next);
                paths.push_back([path.as_slice(), &[next]].concat());
            }
        }
    }
    members.to_vec()
}

/// Everything that `targets` need, themselves among it; a flag a node.
#[must_use]
pub fn wanted(graph: &Graph, targets: &[NodeId]) -> Vec<bool> {
    let edges = edges(graph);
    let mut wanted = vec![false; graph.len()];
    let mut walk = Dfs::empty(Reversed(&edges));
    for target in targets {
        walk.move_to(target.0.into());
        while let Some(index) = walk.next(Reversed(&edges)) {
            wanted[index.index()] = true;
        }
    }
    wanted
}
