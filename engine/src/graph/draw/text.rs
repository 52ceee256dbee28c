//! A picture in languages that other programs draw: Graphviz, Mermaid.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{Drawn, Picture, spell, spell_bytes};

/// The language of Graphviz; nodes of one scene or format stand in one box.
#[must_use]
pub fn dot(picture: &Picture) -> String {
    let mut out = String::from(
        "digraph reel {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
    );
    let index = picture.index();
    for (number, (group, members)) in boxes(picture).iter().enumerate() {
        let indent = if group.is_some() { "    " } else { "  " };
        if let Some(group) = group {
            let label = quoted(group);
            line(
                &mut out,
                format_args!("  subgraph cluster_{number} {{\n    label={label};\n    color=\"#cccccc\";"),
            );
        }
        for member in members {
            let node = &picture.nodes[*member];
            let label = quoted(&lines(node).join("\n"));
            let bold = if picture.is_critical(&node.name) { ", penwidth=2" } else { "" };
            let why = match node.reasons.as_slice() {
                [] => String::new(),
                reasons => format!(", tooltip={}", quoted(&reasons.join("\n"))),
            };
            line(
                &mut out,
                format_args!("{indent}n{member} [label={label}, fillcolor=\"{}\"{bold}{why}];", fill(node)),
            );
        }
        if group.is_some() {
            out.push_str("  }\n");
        }
    }
    for edge in &picture.edges {
        let (Some(from), Some(to)) = (index.get(edge.from.as_str()), index.get(edge.to.as_str())) else {
            continue;
        };
        let style = match &edge.port {
            None => " [style=dashed]".to_owned(),
            Some(port) => format!(" [label={}]", quoted(port)),
        };
        line(&mut out, format_args!("  n{from} -> n{to}{style};"));
    }
    out.push_str("}\n");
    out
}

/// The language of Mermaid, which forges draw in Markdown.
#[must_use]
pub fn mermaid(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    let index = picture.index();
    for (number, (group, members)) in boxes(picture).iter().enumerate() {
        if let Some(group) = group {
            line(&mut out, format_args!("  subgraph g{number}[\"{}\"]", entities(group)));
        }
        let indent = if group.is_some() { "    " } else { "  " };
        for member in members {
            let node = &picture.nodes[*member];
            let label: Vec<String> = lines(node).iter().map(|text| entities(text)).collect();
            let class = class(node).map_or_else(String::new, |class| format!(":::{class}"));
            line(&mut out, format_args!("{indent}n{member}[\"{}\"]{class}", label.join("<br/>")));
        }
        if group.is_some() {
            out.push_str("  end\n");
        }
    }
    for edge in &picture.edges {
        let (Some(from), Some(to)) = (index.get(edge.from.as_str()), index.get(edge.to.as_str())) else {
            continue;
        };
        let arrow = match &edge.port {
            None => "-.->".to_owned(),
            Some(port) => format!("-->|\"{}\"|", entities(port)),
        };
        line(&mut out, format_args!("  n{from} {arrow} n{to}"));
    }
    let classes: BTreeMap<&str, &str> =
        picture.nodes.iter().filter_map(|node| Some((class(node)?, fill(node)))).collect();
    for (class, fill) in classes {
        line(&mut out, format_args!("  classDef {class} fill:{fill},stroke:#888,color:#111"));
    }
    let critical = picture.critical_path.iter().filter_map(|name| index.get(name.as_str()));
    let critical: BTreeSet<String> = critical.map(|index| format!("n{index}")).collect();
    if !critical.is_empty() {
        let nodes: Vec<String> = critical.into_iter().collect();
        line(&mut out, format_args!("  classDef critical stroke:#c2410c,stroke-width:3px"));
        line(&mut out, format_args!("  class {} critical", nodes.join(",")));
    }
    out
}

/// Nodes by group; one alone stands free.
fn boxes(picture: &Picture) -> Vec<(Option<String>, Vec<usize>)> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, node) in picture.nodes.iter().enumerate() {
        by_name.entry(node.group.as_deref().unwrap_or(&node.name)).or_default().push(index);
    }
    by_name
        .into_iter()
        .map(|(name, members)| ((members.len() > 1).then(|| name.to_owned()), members))
        .collect()
}

/// Longest reason that is drawn whole, in characters.
const REASON: usize = 56;

/// Name, kind, what is known of it, and why it would run or ran.
fn lines(node: &Drawn) -> Vec<String> {
    let mut second = vec![node.kind.clone()];
    second.extend(node.change.map(|change| change.as_str().to_owned()));
    second.extend(node.state.clone());
    second.extend(node.seconds.map(spell).filter(|time| !time.is_empty()));
    second.extend(node.bytes.map(spell_bytes));
    second.extend(node.came.clone().filter(|came| node.state.as_ref() != Some(came)));
    let mut lines = vec![node.name.clone(), second.join(", ")];
    lines.extend(node.reasons.first().map(|reason| reason_of(reason, node.reasons.len() - 1)));
    lines
}

/// A reason, cut where it is too long, and how many more there are.
fn reason_of(reason: &str, more: usize) -> String {
    let text: String = reason.chars().take(REASON).collect();
    let cut = if text.len() < reason.len() { "…" } else { "" };
    let more = if more > 0 { format!(" (+{more})") } else { String::new() };
    format!("{text}{cut}{more}")
}

fn class(node: &Drawn) -> Option<&str> {
    node.change.map(super::Change::as_str).or(node.state.as_deref())
}

fn fill(node: &Drawn) -> &'static str {
    match class(node) {
        Some("fresh" | "cached" | "added") => "#d7f0d7",
        Some("new" | "stale" | "missing" | "ran" | "changed") => "#ffe9b8",
        Some("blocked" | "failed" | "removed") => "#f6c9c9",
        _ => "#eeeeee",
    }
}

/// A string of Graphviz; a line break is `\n` in it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Text between the quotes of Mermaid.
pub(super) fn entities(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}
