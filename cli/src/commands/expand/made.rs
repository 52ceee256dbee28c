//! Nodes that expansions made, as declarations that a project could hold. It knows no YAML.

use reel_engine::graph::{Feed, Graph, Node, Slot};
use reel_engine::id::NodeId;
use reel_engine::span::{Span, Spanned};
use reel_engine::spec::{Located, NodeDecl, escape};
use serde_json::{Value, json};

/// A node as it would be written.
pub(super) fn declaration(graph: &Graph, id: NodeId) -> NodeDecl {
    let node = graph.node(id);
    let spanned = |value: &str| Spanned { value: value.to_owned(), span: node.span };
    NodeDecl {
        name: spanned(&node.name),
        uses: spanned(node.kind()),
        with: Located::of_json(&filled(graph, node, &node.params), Span::default()),
        needs: node.after.iter().map(|before| spanned(&graph.node(*before).name)).collect(),
        timeout: node.timeout,
        resources: None,
        span: node.span,
    }
}

/// Parameters with what fills an input in its place.
fn filled(graph: &Graph, node: &Node, params: &Value) -> Value {
    match params {
        Value::Object(entries) => match entries.get("$input").and_then(Value::as_str) {
            Some(slot) if entries.len() == 1 => {
                node.slots.iter().find(|own| own.name == slot).map_or(Value::Null, |slot| feeds(graph, slot))
            }
            _ => entries.iter().map(|(key, inner)| (key.clone(), filled(graph, node, inner))).collect(),
        },
        Value::Array(items) => items.iter().map(|inner| filled(graph, node, inner)).collect(),
        plain => plain.clone(),
    }
}

fn feeds(graph: &Graph, slot: &Slot) -> Value {
    let feed = |feed: &Feed| match feed {
        Feed::Port(from, port) => {
            let from = graph.node(*from);
            json!(format!("${{{}.{}}}", from.name, from.ports[*port as usize].name))
        }
        Feed::File(file) => json!({ "file": graph.file(*file).shown }),
        Feed::Literal(text) => json!(escape(text)),
    };
    match slot.feeds.as_slice() {
        [one] => feed(one),
        all => all.iter().map(feed).collect(),
    }
}
