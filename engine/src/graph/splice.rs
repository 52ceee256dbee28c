//! Growing the graph: a subgraph in local names becomes nodes beside their maker. It knows no cache.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tracing::debug_span;

use super::resolve::{Binder, add, declare, with_fetches};
use super::{Graph, walk};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::id::NodeId;
use crate::operation::{Failure, Registry, SubNode, Subgraph};
use crate::span::Spanned;
use crate::spec::{Located, NodeDecl};

/// How deep expansions may make expansions.
const DEPTH: usize = 8;

/// Splices `subgraph` in for `maker` and returns the nodes made.
///
/// # Errors
/// When the subgraph names kinds, ports or nodes that are not there, closes a circle, or goes too deep:
/// a fault of the kind that made it, reported as the failure of its node.
pub fn splice(
    graph: &mut Graph,
    maker: NodeId,
    subgraph: &Subgraph,
    registry: &Registry,
    root: &Path,
) -> Result<Vec<NodeId>, Failure> {
    let _span =
        debug_span!("splice", maker = %graph.node(maker).name, nodes = subgraph.nodes.len()).entered();
    depth(graph, maker)?;
    let mut problems = Diagnostics::default();
    let prefix = prefix(&graph.node(maker).name);
    let decls = subgraph.nodes.iter().map(|sub| declaration(graph, maker, &prefix, sub)).collect();
    let mut made = Vec::new();
    let mut siblings = BTreeMap::new();
    for declared in with_fetches(decls, registry, &mut problems)
        .into_iter()
        .filter_map(|decl| declare(decl, registry, root, &mut problems))
    {
        let name = declared.decl.name.value.clone();
        if graph.find(&name).is_some() {
            return Err(Failure::new(format!("it makes a node `{name}`, but there is one already")));
        }
        let id = add(graph, &declared, Some(maker));
        siblings.insert(name.strip_prefix(&prefix).unwrap_or(&name).to_owned(), id);
        made.push((id, declared));
    }
    let faulty = BTreeSet::new();
    let binder = Binder { root, faulty: &faulty, siblings: Some(&siblings), maker: Some(maker) };
    for (id, declared) in &made {
        binder.bind(graph, *id, declared, &mut problems);
    }
    if let Some(problem) = problems.iter().next() {
        return Err(explain(problem));
    }
    bind_ports(graph, maker, subgraph, &siblings)?;
    let made: Vec<NodeId> = made.into_iter().map(|(id, _)| id).collect();
    acyclic(graph, &made)?;
    Ok(made)
}

fn depth(graph: &Graph, maker: NodeId) -> Result<(), Failure> {
    let above = std::iter::successors(Some(maker), |id| graph.node(*id).maker).count();
    if above > DEPTH {
        return Err(Failure::new(format!("expansions make expansions more than {DEPTH} deep")));
    }
    Ok(())
}

/// Made nodes stand beside their maker; a maker that is one of many, or has no dot in its name, is the prefix.
pub(crate) fn prefix(maker: &str) -> String {
    match maker.rsplit_once('.') {
        Some((scene, own)) if !own.starts_with(|c: char| c.is_ascii_digit()) => format!("{scene}."),
        _ => format!("{maker}."),
    }
}

fn declaration(graph: &Graph, maker: NodeId, prefix: &str, sub: &SubNode) -> NodeDecl {
    let span = graph.node(maker).span;
    NodeDecl {
        name: Spanned { value: format!("{prefix}{}", sub.name), span },
        uses: Spanned { value: sub.uses.clone(), span },
        with: Located::of_json(&sub.with, span),
        needs: Vec::new(),
        timeout: None,
        resources: None,
        span,
    }
}

fn bind_ports(
    graph: &mut Graph,
    maker: NodeId,
    subgraph: &Subgraph,
    siblings: &BTreeMap<String, NodeId>,
) -> Result<(), Failure> {
    for (port, references) in &subgraph.ports {
        let fault = |what: &str| Failure::new(format!("its expansion fills port `{port}` with {what}"));
        let index =
            graph.node(maker).port(port).ok_or_else(|| fault("artifacts, but it has no such port"))?;
        let declared = graph.node(maker).ports[index as usize].clone();
        let mut behind = Vec::with_capacity(references.len());
        for reference in references {
            let inner =
                reference.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or(reference);
            let found = inner.rsplit_once('.').and_then(|(node, port)| {
                let id = *siblings.get(node)?;
                Some((id, graph.node(id).port(port)?))
            });
            let (id, inner_port) =
                found.ok_or_else(|| fault(&format!("`{reference}`, which is not there")))?;
            let given = graph.node(id).ports[inner_port as usize].ty;
            if !declared.ty.takes(given) {
                return Err(fault(&format!("`{given}` where `{}` is declared", declared.ty)));
            }
            behind.push((id, inner_port));
        }
        if !declared.many && behind.len() != 1 {
            return Err(fault(&format!("{} artifacts where one is declared", behind.len())));
        }
        graph.node_mut(maker).spliced.insert(index, behind);
    }
    Ok(())
}

/// The graph was without circles before, so a new one goes through a made node.
fn acyclic(graph: &Graph, made: &[NodeId]) -> Result<(), Failure> {
    let fresh: BTreeSet<NodeId> = made.iter().copied().collect();
    let inner = |id: NodeId| graph.reaches(id).into_iter().filter(|from| fresh.contains(from));
    let mut done: BTreeSet<NodeId> = BTreeSet::new();
    let mut left: Vec<NodeId> = made.to_vec();
    loop {
        let before = left.len();
        left.retain(|id| {
            let ready = inner(*id).all(|from| done.contains(&from));
            if ready {
                done.insert(*id);
            }
            !ready
        });
        if left.is_empty() {
            return Ok(());
        }
        if left.len() == before {
            let path = walk::order(graph).err().unwrap_or(left);
            let names: Vec<&str> = path.iter().map(|id| graph.node(*id).name.as_str()).collect();
            return Err(Failure::new(format!("its expansion closes a circle: {}", names.join(" → "))));
        }
    }
}

fn explain(problem: &Diagnostic) -> Failure {
    let failure = Failure::new(format!("its expansion is wrong: {} ({})", problem.message, problem.code.0));
    match &problem.help {
        Some(help) => failure.help(help.clone()),
        None => failure,
    }
}
