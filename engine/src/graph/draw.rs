//! A graph as a picture: what is drawn of its nodes and edges, as data that every format is written from. States,
//! costs and reasons are given; it knows neither cache nor terminal.
//!
//! | module | |
//! |---|---|
//! | `select` | the part around a node, groups in place of nodes, what is another than in an earlier picture |
//! | `text` | Graphviz, Mermaid |
//! | `layout` | where nodes and lines are |
//! | `svg` `html` | drawn without any other program |
//! | `strip` | what the graph makes, in its own time, above it |
//!
//! The picture itself, as JSON, is what programs get, and what `--diff` compares with.

mod html;
mod layout;
mod markup;
mod select;
mod strip;
mod svg;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Feed, Graph};
use crate::id::NodeId;

pub use html::html;
pub use select::{By, NoSuchNode};
pub use strip::{Part, Strip};
pub use svg::svg;
pub use text::{dot, mermaid};

/// What is known of a node beside what the graph says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mark {
    /// The users' word for how it stands, such as `fresh`.
    pub state: Option<&'static str>,
    /// Wall time of its last run.
    pub cost: Option<Duration>,
    /// Bytes of its result.
    pub bytes: Option<u64>,
    /// Why it would run, or why it ran.
    pub reasons: Vec<String>,
    /// The key of its last result.
    pub key: Option<String>,
    /// How the last build came to its result.
    pub came: Option<&'static str>,
}

/// A node that an expansion is expected to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The node that will make it.
    pub maker: String,
    /// How long it took the last time.
    pub cost: Option<Duration>,
}

/// Nodes that are drawn, each with its mark. Edges to nodes that are not among them are left out.
pub type Marks = BTreeMap<NodeId, Mark>;

/// A graph as it is drawn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "A graph of reel")]
pub struct Picture {
    /// The name of the project.
    #[serde(default)]
    pub project: Option<String>,
    /// Nodes, or groups of them, in the order of their names.
    pub nodes: Vec<Drawn>,
    /// What goes from where to where.
    pub edges: Vec<Edge>,
    /// The nodes that take longest one after the other, by what they took the last time.
    #[serde(default, rename = "critical-path")]
    pub critical_path: Vec<String>,
    /// How long these take together, in seconds.
    #[serde(default, rename = "critical-path-seconds")]
    pub critical_seconds: f64,
    /// What it makes, in its own time, drawn above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip: Option<Strip>,
}

/// A node as it is drawn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Drawn {
    /// Its name.
    pub name: String,
    /// Its kind; of a group what it holds, such as `12 nodes`.
    pub kind: String,
    /// The scene, format or part of the film that it belongs to.
    #[serde(default)]
    pub group: Option<String>,
    /// How it stands: `fresh`, `cached`, `new`, `stale`, `missing`, `waiting`, `blocked`. In a picture of
    /// a build that is over, what became of it: `ran`, `cached`, `skipped`, `failed`.
    #[serde(default)]
    pub state: Option<String>,
    /// Wall time of its last run.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Bytes of its result.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Why it would run, or why it ran.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// The key of its last result.
    #[serde(default)]
    pub key: Option<String>,
    /// How the last build came to its result: `ran` or `found`.
    #[serde(default)]
    pub came: Option<String>,
    /// The node that made it.
    #[serde(default)]
    pub maker: Option<String>,
    /// What it makes.
    #[serde(default)]
    pub ports: Vec<DrawnPort>,
    /// Files of the project that it reads.
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether it is not there yet: the node that will make it made it the last time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
    /// How many nodes it stands for, if it is a group.
    #[serde(default)]
    pub members: Option<usize>,
    /// What became of it since an earlier picture.
    #[serde(default)]
    pub change: Option<Change>,
    /// Its place among the others in the order in which they were made.
    #[serde(skip)]
    #[schemars(skip)]
    order: usize,
}

/// A port as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrawnPort {
    /// Its name.
    pub name: String,
    /// The type of its artifacts.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether there may be several.
    pub many: bool,
}

/// An arrow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// The node that makes something.
    pub from: String,
    /// The node that takes it.
    pub to: String,
    /// What it takes; `null` where only the order counts.
    pub port: Option<String>,
}

/// What became of a node since an earlier picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// Its key is another, or, where keys are not known, its kind or what it takes.
    Changed,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl Picture {
    /// The marked part of a graph.
    #[must_use]
    pub fn new(project: Option<&str>, graph: &Graph, marks: &Marks) -> Self {
        let mut nodes: Vec<Drawn> = marks.iter().map(|(id, mark)| drawn(graph, *id, mark)).collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        let edges = edges(graph, marks);
        let mut picture = Self { project: project.map(str::to_owned), nodes, edges, ..Self::default() };
        picture.find_critical_path();
        picture
    }

    /// Adds nodes that an expansion is expected to make, each with its maker: whoever takes something of that takes it of
    /// them.
    #[must_use]
    pub fn expecting<'e>(mut self, nodes: impl Iterator<Item = &'e Expected>) -> Self {
        for node in nodes {
            let name = |name: &str| name.to_owned();
            let takers: BTreeSet<String> = self
                .edges
                .iter()
                .filter(|edge| edge.from == node.maker && edge.port.is_some())
                .map(|edge| edge.to.clone())
                .collect();
            let takes = takers.into_iter().map(|to| Edge { from: name(&node.name), to, port: None });
            let takes: Vec<Edge> = takes.collect();
            self.edges.extend(takes);
            self.edges.push(Edge { from: name(&node.maker), to: name(&node.name), port: None });
            self.nodes.push(Drawn {
                name: name(&node.name),
                kind: name(&node.kind),
                group: group(&node.name).map(str::to_owned),
                state: Some("waiting".to_owned()),
                seconds: node.cost.map(|cost| cost.as_secs_f64()),
                maker: Some(name(&node.maker)),
                expected: true,
                order: usize::MAX,
                ..Drawn::default()
            });
        }
        self.nodes.sort_by(|one, other| one.name.cmp(&other.name));
        self.find_critical_path();
        self
    }

    /// What a picture is, for programs that read it.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schema_for!(Self).to_value()
    }

    /// Whether a node is on the critical path.
    fn is_critical(&self, name: &str) -> bool {
        self.critical_path.iter().any(|critical| critical == name)
    }

    /// Positions of nodes by name.
    fn index(&self) -> BTreeMap<&str, usize> {
        self.nodes.iter().enumerate().map(|(index, node)| (node.name.as_str(), index)).collect()
    }

    /// Edges as positions of nodes.
    fn links(&self) -> Vec<(usize, usize)> {
        let index = self.index();
        let link = |edge: &Edge| Some((*index.get(edge.from.as_str())?, *index.get(edge.to.as_str())?));
        self.edges.iter().filter_map(link).collect()
    }

    /// The chain of nodes that took longest together.
    fn find_critical_path(&mut self) {
        let links = self.links();
        let order = layout::sorted(self.nodes.len(), &links);
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        links.iter().for_each(|(from, to)| before[*to].push(*from));
        let mut best: Vec<(f64, Option<usize>)> = vec![(0.0, None); self.nodes.len()];
        let mut seen = vec![false; self.nodes.len()];
        for node in order {
            let longest = before[node].iter().copied().filter(|from| seen[*from]);
            let longest = longest.max_by(|one, other| best[*one].0.total_cmp(&best[*other].0));
            let sum = longest.map_or(0.0, |from| best[from].0);
            best[node] = (sum + self.nodes[node].seconds.unwrap_or(0.0), longest);
            seen[node] = true;
        }
        let last = (0..best.len()).max_by(|one, other| best[*one].0.total_cmp(&best[*other].0));
        let Some(last) = last.filter(|last| best[*last].0 > 0.0) else { return };
        let path: Vec<usize> = std::iter::successors(Some(last), |node| best[*node].1).collect();
        self.critical_path = path.iter().rev().map(|node| self.nodes[*node].name.clone()).collect();
        self.critical_seconds = best[last].0;
    }
}

fn drawn(graph: &Graph, id: NodeId, mark: &Mark) -> Drawn {
    let node = graph.node(id);
    let port = |port: &crate::artifact::Port| DrawnPort {
        name: port.name.clone(),
        ty: port.ty.as_str().to_owned(),
        many: port.many,
    };
    let files: BTreeSet<&str> = files(graph, id).collect();
    Drawn {
        name: node.name.clone(),
        kind: node.kind().to_owned(),
        group: group(&node.name).map(str::to_owned),
        state: mark.state.map(str::to_owned),
        seconds: mark.cost.map(|cost| cost.as_secs_f64()),
        bytes: mark.bytes,
        reasons: mark.reasons.clone(),
        key: mark.key.clone(),
        came: mark.came.map(str::to_owned),
        maker: node.maker.map(|maker| graph.node(maker).name.clone()),
        ports: node.ports.iter().map(port).collect(),
        files: files.into_iter().map(str::to_owned).collect(),
        expected: false,
        members: None,
        change: None,
        order: id.index(),
    }
}

/// Arrows between drawn nodes, each once, in a fixed order.
fn edges(graph: &Graph, marks: &Marks) -> Vec<Edge> {
    let mut found = BTreeSet::new();
    for to in marks.keys().copied() {
        let node = graph.node(to);
        let ports = node.slots.iter().flat_map(|slot| &slot.feeds).filter_map(|feed| match feed {
            Feed::Port(from, port) => Some((*from, *port)),
            Feed::File(_) | Feed::Literal(_) => None,
        });
        for (from, port) in ports.flat_map(|(from, port)| graph.behind(from, port)) {
            found.insert((from, to, graph.node(from).ports.get(port as usize).map(|port| port.name.clone())));
        }
        for from in node.after.iter().copied().chain(node.maker) {
            found.insert((from, to, None));
        }
    }
    found.retain(|(from, to, _)| marks.contains_key(from) && from != to);
    let name = |id: NodeId| graph.node(id).name.clone();
    found.into_iter().map(|(from, to, port)| Edge { from: name(from), to: name(to), port }).collect()
}

/// What a name says of where a node belongs: all before the first dot or bracket after the last folder; nothing for
/// one that has neither.
#[must_use]
pub fn group(name: &str) -> Option<&str> {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let end = start + name[start..].find(['.', '['])?;
    Some(&name[..end])
}

fn files(graph: &Graph, id: NodeId) -> impl Iterator<Item = &str> {
    graph.node(id).slots.iter().flat_map(|slot| &slot.feeds).filter_map(|feed| match feed {
        Feed::File(file) => Some(graph.file(*file).shown.as_str()),
        Feed::Port(..) | Feed::Literal(_) => None,
    })
}

/// A time as it is drawn.
fn spell(seconds: f64) -> String {
    match seconds {
        s if s < 0.0005 => String::new(),
        s if s < 0.1 => format!("{:.0} ms", s * 1000.0),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{} min {:02.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

/// An amount of bytes as it is drawn.
fn spell_bytes(bytes: u64) -> String {
    match bytes {
        b if b < 1024 => format!("{b} B"),
        b if b < 1024 * 1024 => format!("{} KiB", b / 1024),
        b => format!("{:.1} MiB", b as f64 / f64::from(1024 * 1024)),
    }
}

#[cfg(test)]
mod tests;
