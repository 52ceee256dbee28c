//! The resolved graph: nodes, typed ports, what feeds them. It grows only by splicing expansions.
//! It knows no cache, no key and no schedule.

pub mod draw;
pub(crate) mod each;
pub mod resolve;
pub mod splice;
pub mod walk;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::artifact::Port;
use crate::claim::Claim;
use crate::diagnostic::nearest;
use crate::digest::Digest;
use crate::id::{FileId, NodeId};
use crate::operation::{Operation, Surroundings, Take};
use crate::span::Span;
use crate::spec::name_parts;

/// What fills a slot, one of possibly many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// A port of a node, by position; after an expansion it may stand for other nodes' ports.
    Port(NodeId, u32),
    /// A file.
    File(FileId),
    /// Text written in the project.
    Literal(Arc<str>),
}

/// An input of a node.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Where in the parameters it stands.
    pub name: String,
    /// What fills it, in order.
    pub feeds: Vec<Feed>,
    /// Only passed on by an expansion: not awaited, not in the key.
    pub through: bool,
}

/// A step of the graph.
#[derive(Clone)]
pub struct Node {
    /// As the user names it.
    pub name: String,
    /// The code behind it.
    pub operation: Arc<dyn Operation>,
    /// Canonical parameters; its actions share them.
    pub params: Arc<Value>,
    /// Outputs.
    pub ports: Vec<Port>,
    /// Inputs, in the order of their slots.
    pub slots: Vec<Slot>,
    /// Nodes that come before without data.
    pub after: Vec<NodeId>,
    /// What it holds while it runs.
    pub claim: Claim,
    /// Names in the toolbox that are in the key.
    pub tools: Vec<String>,
    /// Set for kinds that are not functions.
    pub take: Option<Take>,
    /// Milliseconds it may run, if the project says so.
    pub timeout: Option<u64>,
    /// Where it, or what made it, was written.
    pub span: Span,
    /// The node that made it.
    pub maker: Option<NodeId>,
    /// Once it expanded: for each port that its subgraph fills, the ports that do.
    pub spliced: BTreeMap<u32, Vec<(NodeId, u32)>>,
}

impl Node {
    /// The name of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.operation.info().name
    }

    /// The parameters as its key and its run have them: of what it only passes on, where it stands.
    #[must_use]
    pub fn own_params(&self) -> Arc<Value> {
        let passes = self.operation.passes();
        if passes.is_empty() {
            return Arc::clone(&self.params);
        }
        let mut own = Value::clone(&self.params);
        for pointer in passes {
            if let Some(value) = own.pointer_mut(pointer) {
                *value = json!({ "$self": pointer });
            }
        }
        Arc::new(own)
    }

    /// The position of a port.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<u32> {
        self.ports.iter().position(|port| port.name == name).map(|index| index as u32)
    }
}

/// A file that nodes read.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// As the user wrote it.
    pub shown: String,
    /// What else it was called: where links are, a file has several names, and each may lead elsewhere tomorrow.
    pub also: Vec<String>,
}

impl SourceFile {
    /// The places at which it was named, from the project's folder, where these are not where it is.
    pub fn ways(&self, root: &Path) -> impl Iterator<Item = PathBuf> {
        let names = std::iter::once(&self.shown).chain(&self.also);
        names.map(|name| root.join(name)).filter(|way| *way != self.path)
    }
}

/// The resolved DAG. A copy of it shares what neither changes.
#[derive(Clone, Default)]
pub struct Graph {
    nodes: Vec<Arc<Node>>,
    names: Arc<BTreeMap<String, NodeId>>,
    files: Vec<SourceFile>,
    file_ids: HashMap<PathBuf, FileId>,
    surroundings: Surroundings,
}

impl Graph {
    /// Adds a node; the caller has made sure that its name is new.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId::of(self.nodes.len());
        Arc::make_mut(&mut self.names).insert(node.name.clone(), id);
        self.nodes.push(Arc::new(node));
        id
    }

    /// Adds a file, or finds it.
    pub fn add_file(&mut self, path: PathBuf, shown: &str) -> FileId {
        let next = FileId::of(self.files.len());
        let id = *self.file_ids.entry(path.clone()).or_insert(next);
        match self.files.get_mut(id.index()) {
            None => self.files.push(SourceFile { path, shown: shown.to_owned(), also: Vec::new() }),
            Some(known) if known.shown != shown && !known.also.iter().any(|name| name == shown) => {
                known.also.push(shown.to_owned());
            }
            Some(_) => {}
        }
        id
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node with this id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The node with this id, to resolve or splice it.
    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        Arc::make_mut(&mut self.nodes[id.index()])
    }

    /// All nodes in the order they were made.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId::of(index), &**node))
    }

    /// The node of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    /// The file with this id.
    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.index()]
    }

    /// All files, in the order they were found.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// What it depends on beside the text of its project.
    #[must_use]
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Takes note of more that it depends on.
    pub fn depends_on(&mut self, more: Surroundings) {
        self.surroundings.extend(more);
    }

    /// The node of this name, or all whose names it begins: `hook.say` means `hook.say.1`, `hook.say.2`, …,
    /// and `hook` all of that scene.
    #[must_use]
    pub fn group(&self, name: &str) -> Vec<NodeId> {
        if let Some(id) = self.find(name) {
            return vec![id];
        }
        let begins = |candidate: &str| {
            candidate.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '/', '[']))
        };
        let from = name.to_owned();
        let found: Vec<NodeId> = self
            .names
            .range(from..)
            .take_while(|(n, _)| n.starts_with(name))
            .filter(|(n, _)| begins(n))
            .map(|(_, id)| *id)
            .collect();
        if found.is_empty() { self.instances(name) } else { found }
    }

    /// `hook` of every story (`[de]/hook.say.1`), and `voice[de]` of every `voice[de,9x16]`.
    fn instances(&self, name: &str) -> Vec<NodeId> {
        let parts = name_parts(name);
        let has = |own: &str| {
            let (Some((base, labels)), Some((of, all))) = (&parts, name_parts(own)) else { return false };
            *base == of && labels.iter().all(|label| all.contains(label))
        };
        let begins = |own: &str| {
            own.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/', '[']))
        };
        let means = |own: &String| match own.strip_prefix('[').and_then(|rest| rest.split_once("]/")) {
            Some((labels, inner)) => begins(inner) || has(inner) || has(&format!("[{labels}]")),
            None => has(own),
        };
        self.names.iter().filter(|(own, _)| means(own)).map(|(_, id)| *id).collect()
    }

    /// Nodes that have not expanded yet and may make a node of this name, or of the group that it names: it stands
    /// beside them, and begins as their kind names what it makes, where that is fixed.
    #[must_use]
    pub fn makers(&self, name: &str) -> Vec<NodeId> {
        let may = |(id, node): (NodeId, &Node)| {
            if name.strip_prefix(&node.name).is_some_and(|rest| rest.starts_with('[')) {
                return Some(id);
            }
            let prefix = splice::prefix(&node.name);
            let own = name.strip_prefix(&prefix).filter(|own| !own.is_empty())?;
            let makes = node.operation.makes();
            let begins = |word: &&str| {
                own.strip_prefix(*word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            (makes.is_empty() || makes.iter().any(begins)).then_some(id)
        };
        self.growing().filter_map(may).collect()
    }

    /// Nodes that will expand, and have not.
    fn growing(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes().filter(|(_, node)| node.operation.info().expands && node.spliced.is_empty())
    }

    /// The nearest name of a node, if one is near enough to be meant.
    #[must_use]
    pub fn nearest_name(&self, wrong: &str) -> Option<&str> {
        nearest(wrong, self.names.keys().map(String::as_str))
    }

    /// As [`Self::nearest_name`], with the groups that expansions will make: these can be built, but not referred to.
    #[must_use]
    pub fn nearest_target(&self, wrong: &str) -> Option<String> {
        let words = |node: &Node| {
            let prefix = splice::prefix(&node.name);
            node.operation.makes().iter().map(move |word| format!("{prefix}{word}")).collect::<Vec<_>>()
        };
        let to_come: Vec<String> = self.growing().flat_map(|(_, node)| words(node)).collect();
        nearest(wrong, self.names.keys().chain(&to_come).map(String::as_str)).map(str::to_owned)
    }

    /// The ports behind a port: itself, or what its expansion put in its place, in order.
    #[must_use]
    pub fn behind(&self, node: NodeId, port: u32) -> Vec<(NodeId, u32)> {
        match self.node(node).spliced.get(&port) {
            None => vec![(node, port)],
            Some(ports) => ports.iter().flat_map(|(n, p)| self.behind(*n, *p)).collect(),
        }
    }

    /// The nodes that have succeeded when all of a node has: itself, and what its expansion put in its place.
    #[must_use]
    pub fn whole(&self, id: NodeId) -> Vec<NodeId> {
        let ports = 0..self.node(id).ports.len() as u32;
        let mut all: Vec<NodeId> =
            ports.flat_map(|port| self.behind(id, port)).map(|(node, _)| node).chain([id]).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Nodes whose artifacts, or whose mere end, this node awaits now. Sorted, each once.
    #[must_use]
    pub fn awaits(&self, id: NodeId) -> Vec<NodeId> {
        self.upstream(id, false)
    }

    /// The nodes without which this one would not be where it is: those that it awaits, and the one that made it.
    #[must_use]
    pub fn after(&self, id: NodeId) -> Vec<NodeId> {
        let mut before = self.awaits(id);
        before.extend(self.node(id).maker.filter(|maker| !before.contains(maker)));
        before
    }

    /// As [`Self::awaits`], with the nodes whose artifacts it only passes on.
    #[must_use]
    pub fn reaches(&self, id: NodeId) -> Vec<NodeId> {
        self.upstream(id, true)
    }

    /// Nodes that `maker` made and that now stand in its place among those that `id` awaits. Sorted, each once.
    #[must_use]
    pub fn made_for(&self, id: NodeId, maker: NodeId) -> Vec<NodeId> {
        // What one of these was asked for may be what the maker fills, since makers make makers.
        let chain: Vec<NodeId> = std::iter::successors(Some(maker), |at| self.node(*at).maker).collect();
        let mut found = Vec::new();
        for feed in self.node(id).slots.iter().filter(|slot| !slot.through).flat_map(|slot| &slot.feeds) {
            if let Feed::Port(from, port) = feed
                && chain.contains(from)
            {
                let behind = self.behind(*from, *port).into_iter().map(|(node, _)| node);
                found.extend(behind.filter(|node| self.node(*node).maker == Some(maker)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn upstream(&self, id: NodeId, through: bool) -> Vec<NodeId> {
        let node = self.node(id);
        let mut found: Vec<NodeId> = node.after.clone();
        for slot in node.slots.iter().filter(|slot| through || !slot.through) {
            for feed in &slot.feeds {
                match feed {
                    Feed::Port(from, _) if self.node(*from).spliced.is_empty() => found.push(*from),
                    Feed::Port(from, port) => {
                        found.extend(self.behind(*from, *port).into_iter().map(|(n, _)| n));
                    }
                    _ => {}
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Texts that stand in nodes, in the order these were made.
    pub fn literals(&self) -> impl Iterator<Item = &Arc<str>> {
        let slots = self.nodes.iter().flat_map(|node| &node.slots);
        slots.flat_map(|slot| &slot.feeds).filter_map(|feed| match feed {
            Feed::Literal(text) => Some(text),
            _ => None,
        })
    }

    /// Digest of a literal, as if it stood in a file.
    #[must_use]
    pub fn literal_digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }
}
