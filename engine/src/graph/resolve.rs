//! From declarations to the graph: kinds, parameters, references, files. It runs nothing; every problem is kept.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Feed, Graph, Node, Slot, each, walk};
use crate::artifact::PortType;
use crate::claim::Claim;
use crate::diagnostic::{Diagnostic, Diagnostics, code, nearest};
use crate::id::NodeId;
use crate::operation::{Operation, Registry, Resolve, Resolved, Surroundings};
use crate::paths::Root;
use crate::read::{EACH, check_with};
use crate::span::{Span, Spanned};
use crate::spec::{InputBinding, InputSource, Located, NodeDecl, Resources, Written};

/// A declaration whose kind and parameters are known; its references are not looked up yet.
pub(super) struct Declared {
    pub(super) decl: Arc<NodeDecl>,
    pub(super) operation: Arc<dyn Operation>,
    pub(super) resolved: Resolved,
    pub(super) bindings: Vec<InputBinding>,
    pub(super) extra: Vec<(String, PathBuf)>,
    pub(super) surroundings: Surroundings,
}

/// Makes a graph of declarations. What could not be resolved is left out and reported.
pub fn resolve(
    decls: Vec<Arc<NodeDecl>>,
    registry: &Registry,
    root: &Path,
    problems: &mut Diagnostics,
) -> Graph {
    let root = Root::new(root);
    let decls = with_fetches(distinct(decls, problems), registry, problems);
    let all = decls.clone();
    let names: HashSet<&str> = all.iter().map(|decl| decl.name.value.as_str()).collect();
    let mut graph = Graph::default();
    let declared = declare_all(decls, registry, &root, problems);
    let mut made = Vec::with_capacity(declared.len());
    for mut declared in declared {
        let id = add(&mut graph, &mut declared, None);
        made.push((id, declared));
    }
    let binder = Binder { root: &root, faulty: &names, siblings: None, maker: None };
    for (id, declared) in &made {
        binder.bind(&mut graph, *id, declared, problems);
    }
    // What is left out for another error takes connections away, and makes no circle.
    if let Err(circle) = walk::order(&graph) {
        problems.push(cycle(&graph, &circle));
    }
    graph
}

/// Leaves out the second of two nodes with one name.
fn distinct(decls: Vec<Arc<NodeDecl>>, problems: &mut Diagnostics) -> Vec<Arc<NodeDecl>> {
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(decls.len());
    let firsts: Vec<Option<Span>> = decls
        .iter()
        .map(|decl| match seen.entry(&decl.name.value) {
            Entry::Vacant(place) => {
                place.insert(decl.name.span);
                None
            }
            Entry::Occupied(first) => Some(*first.get()),
        })
        .collect();
    drop(seen);
    decls
        .into_iter()
        .zip(firsts)
        .filter_map(|(decl, first)| match first {
            None => Some(decl),
            Some(first) => {
                let message = format!("two nodes are called `{}`", decl.name.value);
                problems.push(
                    Diagnostic::error(code::DUPLICATE, decl.name.span, message)
                        .also(first, "the first one")
                        .help("give one of them another name"),
                );
                None
            }
        })
        .collect()
}

/// Replaces every URL by a reference to a node that fetches it, one node a URL.
pub(super) fn with_fetches(
    decls: Vec<Arc<NodeDecl>>,
    registry: &Registry,
    problems: &mut Diagnostics,
) -> Vec<Arc<NodeDecl>> {
    let mut fetches: BTreeMap<(String, PortType), String> = BTreeMap::new();
    let mut out = Vec::with_capacity(decls.len());
    for decl in decls {
        let Some(operation) = registry.get(&decl.uses.value).filter(|_| names_url(&decl.with)) else {
            out.push(decl);
            continue;
        };
        // Problems of parameters are reported by `declare`; here only URLs matter.
        let Some(checked) = check_with(&decl, operation.as_ref(), &mut Diagnostics::default()) else {
            out.push(decl);
            continue;
        };
        let mut decl = decl;
        for binding in &checked.inputs {
            let InputSource::Url(url) = &binding.source else {
                continue;
            };
            if registry.get("fetch").is_none() {
                let message = format!("`{url}` cannot be fetched here");
                problems.push(Diagnostic::error(code::BAD_VALUE, binding.span, message));
                continue;
            }
            let name = fetches.entry((url.clone(), binding.ty)).or_insert_with(|| {
                let name = format!("{}.fetch", decl.name.value);
                out.push(Arc::new(fetch_node(&name, url, binding)));
                name
            });
            replace_text(&mut Arc::make_mut(&mut decl).with, url, &format!("${{{name}.file}}"));
        }
        out.push(decl);
    }
    out
}

/// Whether anything in it could be a URL.
fn names_url(written: &Located) -> bool {
    match &written.node {
        Written::Text(text) | Written::Cell(text) => {
            text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"))
        }
        Written::List(items) => items.iter().any(names_url),
        Written::Map(entries) => entries.iter().any(|(_, value)| names_url(value)),
        _ => false,
    }
}

/// Puts `new` where exactly `old` is written.
fn replace_text(written: &mut Located, old: &str, new: &str) {
    match &mut written.node {
        Written::Text(text) | Written::Cell(text) if text == old => {
            written.node = Written::Text(new.to_owned());
        }
        Written::List(items) => items.iter_mut().for_each(|item| replace_text(item, old, new)),
        Written::Map(entries) => entries.iter_mut().for_each(|(_, value)| replace_text(value, old, new)),
        _ => {}
    }
}

fn fetch_node(name: &str, url: &str, binding: &InputBinding) -> NodeDecl {
    let text = |value: &str| Located::text(binding.span, value);
    NodeDecl {
        name: Spanned { value: name.to_owned(), span: binding.span },
        uses: Spanned { value: "fetch".to_owned(), span: binding.span },
        with: Located::map(binding.span, [("url", text(url)), ("as", text(binding.ty.as_str()))]),
        needs: Vec::new(),
        timeout: None,
        resources: None,
        span: binding.span,
    }
}

/// Declarations are shared out to threads in pieces of so many.
const PIECE: usize = 256;

/// What [`declare`] gives of each, in their order, and what is wrong with it.
pub(super) fn declare_each(
    decls: Vec<Arc<NodeDecl>>,
    registry: &Registry,
    root: &Root<'_>,
) -> Vec<(Option<Declared>, Diagnostics)> {
    let one = |decl| {
        let mut problems = Diagnostics::default();
        (declare(decl, registry, root, &mut problems), problems)
    };
    if decls.len() < 2 * PIECE {
        return decls.into_iter().map(one).collect();
    }
    decls.into_par_iter().with_min_len(PIECE).map(one).collect()
}

/// All declarations in their order, without those in which something is wrong.
fn declare_all(
    decls: Vec<Arc<NodeDecl>>,
    registry: &Registry,
    root: &Root<'_>,
    problems: &mut Diagnostics,
) -> Vec<Declared> {
    if problems.has_errors() {
        // What was told already may explain what is found now, and then it is not told again.
        return decls.into_iter().filter_map(|decl| declare(decl, registry, root, problems)).collect();
    }
    let mut declared = Vec::with_capacity(decls.len());
    for (one, found) in declare_each(decls, registry, root) {
        problems.extend(found);
        declared.extend(one);
    }
    declared
}

/// Looks up the kind and checks the parameters of one declaration.
fn declare(
    decl: Arc<NodeDecl>,
    registry: &Registry,
    root: &Root<'_>,
    problems: &mut Diagnostics,
) -> Option<Declared> {
    if decl.uses.value.is_empty() {
        // It has been reported.
        return None;
    }
    if decl.uses.value == EACH {
        return each::declare(Arc::unwrap_or_clone(decl), registry, root, problems);
    }
    let Some(operation) = registry.get(&decl.uses.value) else {
        problems.push(unknown_kind(registry, &decl.uses));
        return None;
    };
    let checked = check_with(&decl, operation.as_ref(), problems)?;
    if decl.with.has_unknown() {
        // Why was reported; what its kind would say of it would be said of a sample.
        return None;
    }
    let texts = literals(&checked.inputs);
    let paths = known_paths(&checked.inputs, root);
    let (mut found, mut extra, mut surroundings) =
        (Diagnostics::default(), Vec::new(), Surroundings::default());
    let resolved = operation.resolve(
        checked.value,
        &mut Resolve {
            root: root.folder(),
            written: &decl.with,
            texts: &texts,
            paths: &paths,
            problems: &mut found,
            files: &mut extra,
            surroundings: &mut surroundings,
        },
    );
    problems.extend(found);
    Some(Declared {
        operation: Arc::clone(operation),
        resolved: resolved?,
        bindings: checked.inputs,
        extra,
        surroundings,
        decl,
    })
}

/// The problem of a kind that is not there.
pub(super) fn unknown_kind(registry: &Registry, uses: &Spanned<String>) -> Diagnostic {
    let message = format!("no kind is called `{}`", uses.value);
    let help = match registry.nearest(&uses.value) {
        Some(near) => format!("did you mean `{near}`? `reel nodes` lists all kinds"),
        None => "`reel nodes` lists all kinds".to_owned(),
    };
    Diagnostic::error(code::UNKNOWN_KIND, uses.span, message).help(help)
}

/// Texts that stand in the project itself.
pub(super) fn literals(bindings: &[InputBinding]) -> Vec<(String, String)> {
    let text = |binding: &InputBinding| match &binding.source {
        InputSource::Literal(text) => Some((binding.slot.clone(), text.clone())),
        _ => None,
    };
    bindings.iter().filter_map(text).collect()
}

/// Project files that are there.
fn known_paths(bindings: &[InputBinding], root: &Root<'_>) -> Vec<(String, PathBuf)> {
    let find = |binding: &InputBinding| match &binding.source {
        InputSource::File(path) => root.find(path).ok().map(|path| (binding.slot.clone(), path)),
        _ => None,
    };
    bindings.iter().filter_map(find).collect()
}

/// Adds a declared node without its inputs; what it resolved to goes into the graph.
pub(super) fn add(graph: &mut Graph, declared: &mut Declared, maker: Option<NodeId>) -> NodeId {
    let Declared { decl, operation, resolved, surroundings, .. } = declared;
    graph.surroundings.extend(std::mem::take(surroundings));
    graph.add(Node {
        name: decl.name.value.clone(),
        operation: Arc::clone(operation),
        params: Arc::new(std::mem::take(&mut resolved.params)),
        ports: std::mem::take(&mut resolved.ports),
        slots: Vec::new(),
        after: Vec::new(),
        claim: override_claim(resolved.claim.clone(), decl.resources.as_ref()),
        tools: std::mem::take(&mut resolved.tools),
        take: std::mem::take(&mut resolved.take),
        timeout: decl.timeout,
        span: decl.span,
        maker,
        spliced: BTreeMap::new(),
    })
}

/// A claim with what the project says in place of what the kind does.
pub(crate) fn override_claim(mut claim: Claim, resources: Option<&Resources>) -> Claim {
    let Some(asked) = resources else { return claim };
    claim.cpu_milli = asked.cpu_milli.unwrap_or(claim.cpu_milli);
    claim.memory = asked.memory.unwrap_or(claim.memory);
    claim.gpu = asked.gpu.unwrap_or(claim.gpu);
    claim.network = asked.network.unwrap_or(claim.network);
    claim.pools.extend(asked.pools.iter().cloned());
    claim
}

/// Looks up what fills the inputs of nodes.
pub(super) struct Binder<'a> {
    pub(super) root: &'a Root<'a>,
    /// Names that were declared, even those that are not in the graph because of problems of their own.
    pub(super) faulty: &'a HashSet<&'a str>,
    /// Inside an expansion: local name → node.
    pub(super) siblings: Option<&'a BTreeMap<String, NodeId>>,
    /// Inside an expansion: the node that made it.
    pub(super) maker: Option<NodeId>,
}

impl Binder<'_> {
    /// Fills the inputs of one node.
    pub(super) fn bind(
        &self,
        graph: &mut Graph,
        id: NodeId,
        declared: &Declared,
        problems: &mut Diagnostics,
    ) {
        let mut slots: BTreeMap<String, Slot> = BTreeMap::new();
        for binding in &declared.bindings {
            if let Some(feeds) = self.feeds(graph, binding, problems) {
                let slot = Slot { name: binding.slot.clone(), feeds, through: binding.through };
                slots.insert(binding.slot.clone(), slot);
            }
        }
        for (name, path) in &declared.extra {
            let shown = path.strip_prefix(self.root.folder()).unwrap_or(path).display().to_string();
            let feeds = vec![Feed::File(graph.add_file(path.clone(), &shown))];
            slots.insert(name.clone(), Slot { name: name.clone(), feeds, through: false });
        }
        let after = declared.decl.needs.iter().flat_map(|name| self.needed(graph, name, problems)).collect();
        let node = graph.node_mut(id);
        node.slots = slots.into_values().collect();
        node.after = after;
    }

    fn feeds(
        &self,
        graph: &mut Graph,
        binding: &InputBinding,
        problems: &mut Diagnostics,
    ) -> Option<Vec<Feed>> {
        match &binding.source {
            InputSource::Literal(text) => Some(vec![Feed::Literal(Arc::from(text.as_str()))]),
            InputSource::File(path) => match self.root.find(path) {
                Ok(found) => Some(vec![Feed::File(graph.add_file(found, path))]),
                Err(fault) => {
                    problems.push(fault.diagnostic(path, binding.span));
                    None
                }
            },
            InputSource::SelfSlot(slot) => {
                let maker = self.maker.map(|id| graph.node(id));
                let found = maker.and_then(|node| node.slots.iter().find(|s| s.name == *slot));
                if found.is_none() {
                    let message =
                        format!("`${{self.{slot}}}` is not an input of the node that makes this one");
                    problems.push(Diagnostic::error(code::UNKNOWN_PORT, binding.span, message));
                }
                Some(found?.feeds.clone())
            }
            InputSource::Reference { node, port } => {
                self.reference(graph, node, port, binding, problems).map(|f| vec![f])
            }
            // Replaced by `with_fetches`, unless it was reported there.
            InputSource::Url(_) => None,
        }
    }

    fn reference(
        &self,
        graph: &Graph,
        name: &str,
        port: &str,
        binding: &InputBinding,
        problems: &mut Diagnostics,
    ) -> Option<Feed> {
        let Some(id) = self.lookup(graph, name) else {
            if !self.faulty.contains(name) {
                problems.push(unknown_among(graph, name, binding.span, problems));
            }
            return None;
        };
        let (index, found) = match find_port(graph, id, port, binding.span) {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        if !binding.ty.takes(found.ty) {
            let message = format!(
                "`{}` wants `{}`, but `{name}.{port}` gives `{}`",
                binding.slot, binding.ty, found.ty
            );
            let fitting = graph.node(id).ports.iter().find(|p| binding.ty.takes(p.ty));
            let help = fitting.map(|p| format!("`{name}` has a port of that type: `${{{name}.{}}}`", p.name));
            problems.push(Diagnostic::error(code::PORT_TYPE, binding.span, message).maybe_help(help));
            return None;
        }
        if found.many && !binding.in_list {
            let message = format!("`{name}.{port}` is a list, and `{}` takes one", binding.slot);
            problems.push(Diagnostic::error(code::PORT_TYPE, binding.span, message));
            return None;
        }
        Some(Feed::Port(id, index))
    }

    fn lookup(&self, graph: &Graph, name: &str) -> Option<NodeId> {
        match self.siblings {
            Some(siblings) => siblings.get(name).copied(),
            None => graph.find(name),
        }
    }

    fn needed(&self, graph: &Graph, name: &Spanned<String>, problems: &mut Diagnostics) -> Vec<NodeId> {
        let found = graph.group(&name.value);
        if found.is_empty() && !self.faulty.contains(name.value.as_str()) {
            problems.push(unknown_among(graph, &name.value, name.span, problems));
        }
        found
    }
}

/// A port of a node by name, or the problem of its absence.
pub(crate) fn find_port<'g>(
    graph: &'g Graph,
    id: NodeId,
    port: &str,
    span: Span,
) -> Result<(u32, &'g crate::artifact::Port), Diagnostic> {
    let node = graph.node(id);
    if let Some(index) = node.port(port) {
        return Ok((index, &node.ports[index as usize]));
    }
    let names: Vec<&str> = node.ports.iter().map(|p| p.name.as_str()).collect();
    let message = format!("`{}` has no port `{port}`", node.name);
    let help = match nearest(port, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its ports: {}", names.join(", ")),
    };
    Err(Diagnostic::error(code::UNKNOWN_PORT, span, message).help(help))
}

/// The problem of a name that no node has. To find the nearest is to look at all of them, so where there are very many
/// problems already it is left at the name.
fn unknown_among(graph: &Graph, name: &str, span: Span, problems: &Diagnostics) -> Diagnostic {
    if problems.are_many() {
        return Diagnostic::error(code::UNKNOWN_NODE, span, format!("no node is called `{name}`"))
            .help("`reel expand` lists all nodes");
    }
    unknown_node(graph, name, span)
}

/// The problem of a name that no node has.
pub(crate) fn unknown_node(graph: &Graph, name: &str, span: Span) -> Diagnostic {
    let help = match graph.nearest_name(name) {
        _ if name == "matrix" || name.starts_with("matrix.") => {
            "`${matrix.…}` stands for a value where `matrix:` is written".to_owned()
        }
        Some(near) => format!("did you mean `{near}`?"),
        None => "`reel expand` lists all nodes".to_owned(),
    };
    Diagnostic::error(code::UNKNOWN_NODE, span, format!("no node is called `{name}`")).help(help)
}

fn cycle(graph: &Graph, circle: &[NodeId]) -> Diagnostic {
    let name = |id: &NodeId| graph.node(*id).name.as_str();
    let mut path: Vec<&str> = circle.iter().map(name).collect();
    path.extend(circle.first().map(name));
    let mut problem = Diagnostic::error(
        code::CYCLE,
        circle.first().map_or_else(Span::default, |id| graph.node(*id).span),
        format!("nodes need each other in a circle: {}", path.join(" → ")),
    )
    .label("starts here");
    for id in circle.iter().skip(1) {
        problem = problem.also(graph.node(*id).span, "goes on here");
    }
    problem.help("take one of these references out")
}
