//! Growing the graph: a subgraph in local names becomes nodes beside their maker. It knows no cache.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tracing::debug_span;

use super::resolve::{Binder, add, declare_each, with_fetches};
use super::{Graph, Node, walk};
use crate::diagnostic::Diagnostics;
use crate::id::NodeId;
use crate::operation::{Failure, Place, Registry, SubNode, Subgraph};
use crate::paths::Root;
use crate::read::row_of;
use crate::span::Spanned;
use crate::spec::{Located, NodeDecl, Scope, instance_name};

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
    let root = Root::new(root);
    let mut problems = Diagnostics::default();
    let decls = declarations(graph, maker, subgraph, &mut problems)?;
    let locals: BTreeMap<String, &str> = decls
        .iter()
        .zip(&subgraph.nodes)
        .map(|(decl, sub)| (decl.name.value.clone(), sub.name.as_str()))
        .collect();
    let mut made = Vec::with_capacity(decls.len());
    let mut siblings = BTreeMap::new();
    let decls = with_fetches(decls, registry, &mut problems);
    for (decl, (declared, found)) in decls.iter().zip(declare_each(decls.clone(), registry, &root)) {
        let name = decl.name.value.clone();
        problems.extend(found);
        let Some(mut declared) = declared else {
            return Err(explain(&name, &problems));
        };
        if graph.find(&name).is_some() {
            return Err(Failure::new(format!("it makes a node `{name}`, but there is one already")));
        }
        let id = add(graph, &mut declared, Some(maker));
        // What was put in to fetch a URL is known by its whole name.
        siblings.insert(locals.get(&name).map_or_else(|| name.clone(), |local| (*local).to_owned()), id);
        made.push((id, declared));
    }
    let faulty = HashSet::new();
    let binder = Binder { root: &root, faulty: &faulty, siblings: Some(&siblings), maker: Some(maker) };
    for (id, declared) in &made {
        binder.bind(graph, *id, declared, &mut problems);
        if problems.has_errors() {
            return Err(explain(&declared.decl.name.value, &problems));
        }
    }
    bind_ports(graph, maker, subgraph, &siblings)?;
    let made: Vec<NodeId> = made.into_iter().map(|(id, _)| id).collect();
    if graph.node(maker).operation.template().is_none() {
        // Nodes of a template take nothing from each other.
        acyclic(graph, &made)?;
    }
    Ok(made)
}

fn depth(graph: &Graph, maker: NodeId) -> Result<(), Failure> {
    let above = std::iter::successors(Some(maker), |id| graph.node(*id).maker).count();
    if above > DEPTH {
        return Err(Failure::new(format!("expansions make expansions more than {DEPTH} deep")));
    }
    Ok(())
}

/// The name of a node that `maker` makes under a local name: `[mug]` is an instance of it; others stand beside it,
/// and a maker that is one of many, or has no dot in its name, is the prefix.
pub(crate) fn made_name(maker: &str, local: &str) -> String {
    if let Some(label) = local.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return instance_name(maker, [label]);
    }
    format!("{}{local}", prefix(maker))
}

/// What the names of made nodes begin with.
pub(super) fn prefix(maker: &str) -> String {
    match maker.rsplit_once('.') {
        Some((scene, own)) if !own.starts_with(|c: char| c.is_ascii_digit()) => format!("{scene}."),
        _ => format!("{maker}."),
    }
}

fn declarations(
    graph: &Graph,
    maker: NodeId,
    subgraph: &Subgraph,
    problems: &mut Diagnostics,
) -> Result<Vec<Arc<NodeDecl>>, Failure> {
    let node = graph.node(maker);
    let Some(template) = node.operation.template() else {
        return Ok(subgraph.nodes.iter().map(|sub| Arc::new(declaration(node, sub))).collect());
    };
    let mut decls = Vec::with_capacity(subgraph.nodes.len());
    let mut scope = Scope::default();
    for sub in &subgraph.nodes {
        let name = made_name(&node.name, &sub.name);
        scope.set(
            &template.item,
            row_of(&sub.with, node.span).unwrap_or_else(|| Located::text(node.span, "")),
        );
        let mut with = template.with.clone();
        scope.fill(&mut with, problems);
        if problems.has_errors() {
            return Err(explain(&name, problems));
        }
        decls.push(Arc::new(NodeDecl {
            name: Spanned { value: name, span: node.span },
            uses: template.uses.clone(),
            with,
            needs: Vec::new(),
            timeout: template.timeout,
            resources: template.resources.clone(),
            span: node.span,
        }));
    }
    Ok(decls)
}

fn declaration(maker: &Node, sub: &SubNode) -> NodeDecl {
    let span = maker.span;
    let mut with = Cow::Borrowed(&sub.with);
    if !maker.operation.passes().is_empty() {
        pass(with.to_mut(), maker);
    }
    NodeDecl {
        name: Spanned { value: made_name(&maker.name, &sub.name), span },
        uses: Spanned { value: sub.uses.clone(), span },
        with: Located::of_json(&with, span),
        needs: Vec::new(),
        timeout: None,
        resources: None,
        span,
    }
}

/// Puts values that the maker only passes on where their places are named.
fn pass(with: &mut Value, maker: &Node) {
    let passes = maker.operation.passes();
    let at = Place::of(with).and_then(|at| passes.iter().find(|pointer| **pointer == at));
    if let Some(value) = at.and_then(|at| maker.params.pointer(at)) {
        *with = value.clone();
        return;
    }
    match with {
        Value::Array(items) => items.iter_mut().for_each(|item| pass(item, maker)),
        Value::Object(fields) => fields.values_mut().for_each(|field| pass(field, maker)),
        _ => {}
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

/// The graph was without circles before, so a new one goes through a made node: these are put in order, and what is
/// left then is in a circle.
fn acyclic(graph: &Graph, made: &[NodeId]) -> Result<(), Failure> {
    let mut left: BTreeMap<NodeId, usize> = made.iter().map(|id| (*id, 0)).collect();
    let mut above: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for id in made {
        for from in graph.reaches(*id).into_iter().filter(|from| left.contains_key(from)).collect::<Vec<_>>()
        {
            above.entry(from).or_default().push(*id);
            *left.entry(*id).or_default() += 1;
        }
    }
    let mut ready: Vec<NodeId> = made.iter().copied().filter(|id| left[id] == 0).collect();
    let mut done = 0;
    while let Some(id) = ready.pop() {
        done += 1;
        for next in above.remove(&id).unwrap_or_default() {
            if let Some(open) = left.get_mut(&next) {
                *open -= 1;
                if *open == 0 {
                    ready.push(next);
                }
            }
        }
    }
    if done == made.len() {
        return Ok(());
    }
    let path = walk::order(graph).err().unwrap_or_else(|| made.to_vec());
    let names: Vec<&str> = path.iter().map(|id| graph.node(*id).name.as_str()).collect();
    Err(Failure::new(format!("its expansion closes a circle: {}", names.join(" → "))))
}

/// The first problem as the failure of the node that made `name`.
fn explain(name: &str, problems: &Diagnostics) -> Failure {
    let Some(problem) = problems.iter().next() else {
        return Failure::new(format!("its expansion is wrong: `{name}` cannot be made"));
    };
    let failure =
        Failure::new(format!("its expansion is wrong: `{name}`: {} ({})", problem.message, problem.code.0));
    match &problem.help {
        Some(help) => failure.help(help.clone()),
        None => failure,
    }
}
