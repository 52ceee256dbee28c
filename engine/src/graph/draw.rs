//! A graph as text: Graphviz, Mermaid, JSON. States and costs are given as data; it knows neither cache nor terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Feed, Graph};
use crate::id::NodeId;

/// What is drawn on a node beside its name and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The users' word for how it stands, such as `fresh`.
    pub state: Option<&'static str>,
    /// Wall time of its last run.
    pub cost: Option<Duration>,
}

/// Nodes that are drawn, each with its mark. Edges to nodes that are not among them are left out.
pub type Marks = BTreeMap<NodeId, Mark>;

/// The language of Graphviz; nodes of one scene or format stand in one box.
#[must_use]
pub fn dot(graph: &Graph, marks: &Marks) -> String {
    let mut out = String::from(
        "digraph reel {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
    );
    for (index, (group, members)) in groups(graph, marks).iter().enumerate() {
        let indent = if group.is_some() { "    " } else { "  " };
        if let Some(group) = group {
            line(
                &mut out,
                format_args!(
                    "  subgraph cluster_{index} {{\n    label={};\n    color=\"#cccccc\";",
                    quoted(group)
                ),
            );
        }
        for id in members {
            let mark = marks.get(id).copied().unwrap_or_default();
            let label = quoted(&lines(graph, *id, mark).join("\n"));
            line(
                &mut out,
                format_args!("{indent}n{} [label={label}, fillcolor=\"{}\"];", id.0, fill(mark.state)),
            );
        }
        if group.is_some() {
            out.push_str("  }\n");
        }
    }
    for edge in edges(graph, marks) {
        let style = if edge.label.is_empty() {
            " [style=dashed]".to_owned()
        } else {
            format!(" [label={}]", quoted(&edge.label))
        };
        line(&mut out, format_args!("  n{} -> n{}{style};", edge.from.0, edge.to.0));
    }
    out.push_str("}\n");
    out
}

/// The language of Mermaid, which forges draw in Markdown.
#[must_use]
pub fn mermaid(graph: &Graph, marks: &Marks) -> String {
    let mut out = String::from("flowchart LR\n");
    for (index, (group, members)) in groups(graph, marks).iter().enumerate() {
        if let Some(group) = group {
            line(&mut out, format_args!("  subgraph g{index}[\"{}\"]", entities(group)));
        }
        let indent = if group.is_some() { "    " } else { "  " };
        for id in members {
            let mark = marks.get(id).copied().unwrap_or_default();
            let label: Vec<String> = lines(graph, *id, mark).iter().map(|text| entities(text)).collect();
            let class = mark.state.map_or_else(String::new, |state| format!(":::{state}"));
            line(&mut out, format_args!("{indent}n{}[\"{}\"]{class}", id.0, label.join("<br/>")));
        }
        if group.is_some() {
            out.push_str("  end\n");
        }
    }
    for edge in edges(graph, marks) {
        let arrow = match edge.label.as_str() {
            "" => "-.->".to_owned(),
            label => format!("-->|\"{}\"|", entities(label)),
        };
        line(&mut out, format_args!("  n{} {arrow} n{}", edge.from.0, edge.to.0));
    }
    let states: BTreeSet<&str> = marks.values().filter_map(|mark| mark.state).collect();
    for state in states {
        line(&mut out, format_args!("  classDef {state} fill:{},stroke:#888,color:#111", fill(Some(state))));
    }
    out
}

/// Nodes and edges for programs; nodes in the order of their names.
#[must_use]
pub fn json(graph: &Graph, marks: &Marks) -> Value {
    let mut nodes: Vec<Value> = Vec::with_capacity(marks.len());
    let mut named: Vec<(&str, NodeId, Mark)> =
        marks.iter().map(|(id, mark)| (graph.node(*id).name.as_str(), *id, *mark)).collect();
    named.sort_unstable_by_key(|(name, ..)| *name);
    for (name, id, mark) in named {
        let node = graph.node(id);
        let ports: Vec<Value> = node
            .ports
            .iter()
            .map(|port| json!({ "name": port.name, "type": port.ty.as_str(), "many": port.many }))
            .collect();
        let files: BTreeSet<&str> = files(graph, id).collect();
        nodes.push(json!({
            "name": name,
            "kind": node.kind(),
            "state": mark.state,
            "seconds": mark.cost.map(|cost| cost.as_secs_f64()),
            "maker": node.maker.map(|maker| graph.node(maker).name.as_str()),
            "ports": ports,
            "files": files,
        }));
    }
    let edges: Vec<Value> = edges(graph, marks)
        .into_iter()
        .map(|edge| {
            let port = (!edge.label.is_empty()).then_some(edge.label);
            json!({ "from": graph.node(edge.from).name, "to": graph.node(edge.to).name, "port": port })
        })
        .collect();
    json!({ "nodes": nodes, "edges": edges })
}

/// An arrow; its label is the port, or empty where only the order counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: NodeId,
    to: NodeId,
    label: String,
}

/// Arrows between drawn nodes, each once, in a fixed order.
fn edges(graph: &Graph, marks: &Marks) -> BTreeSet<Edge> {
    let mut found = BTreeSet::new();
    for to in marks.keys().copied() {
        let node = graph.node(to);
        let ports = node.slots.iter().flat_map(|slot| &slot.feeds).filter_map(|feed| match feed {
            Feed::Port(from, port) => Some((*from, *port)),
            Feed::File(_) | Feed::Literal(_) => None,
        });
        for (from, port) in ports.flat_map(|(from, port)| graph.behind(from, port)) {
            let label =
                graph.node(from).ports.get(port as usize).map_or_else(String::new, |port| port.name.clone());
            found.insert(Edge { from, to, label });
        }
        for from in node.after.iter().copied().chain(node.maker) {
            found.insert(Edge { from, to, label: String::new() });
        }
    }
    found.retain(|edge| marks.contains_key(&edge.from) && edge.from != edge.to);
    found
}

/// Drawn nodes by their names up to the first dot or bracket after the last folder; one alone stands free.
fn groups(graph: &Graph, marks: &Marks) -> Vec<(Option<String>, Vec<NodeId>)> {
    let mut by_name: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
    for id in marks.keys() {
        let name = &graph.node(*id).name;
        let start = name.rfind('/').map_or(0, |slash| slash + 1);
        let end = name[start..].find(['.', '[']).map_or(name.len(), |dot| start + dot);
        by_name.entry(&name[..end]).or_default().push(*id);
    }
    by_name
        .into_iter()
        .map(|(name, members)| ((members.len() > 1).then(|| name.to_owned()), members))
        .collect()
}

fn files(graph: &Graph, id: NodeId) -> impl Iterator<Item = &str> {
    graph.node(id).slots.iter().flat_map(|slot| &slot.feeds).filter_map(|feed| match feed {
        Feed::File(file) => Some(graph.file(*file).shown.as_str()),
        Feed::Port(..) | Feed::Literal(_) => None,
    })
}

/// Name, kind, and what is known of it.
fn lines(graph: &Graph, id: NodeId, mark: Mark) -> Vec<String> {
    let node = graph.node(id);
    let mut lines = vec![node.name.clone()];
    let mut second = vec![node.kind().to_owned()];
    second.extend(mark.state.map(str::to_owned));
    second.extend(mark.cost.map(|cost| format!("{:.1} s", cost.as_secs_f64())));
    lines.push(second.join(", "));
    lines
}

fn fill(state: Option<&str>) -> &'static str {
    match state {
        Some("fresh" | "cached") => "#d7f0d7",
        Some("new" | "stale" | "missing") => "#ffe9b8",
        Some("blocked" | "failed") => "#f6c9c9",
        _ => "#eeeeee",
    }
}

/// A string of Graphviz; a line break is `\n` in it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Text between the quotes of Mermaid.
fn entities(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

#[cfg(test)]
mod tests;
