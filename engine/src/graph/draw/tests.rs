//! Drawings of a small graph.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;
use crate::artifact::{Port, PortType};
use crate::claim::Claim;
use crate::graph::{Node, Slot};
use crate::operation::{Info, Kind, Reproducible, Site, Typed};
use crate::span::Span;

#[derive(Serialize, Deserialize, JsonSchema)]
struct NoParams {}

struct Plain;

impl Kind for Plain {
    type Params = NoParams;

    fn info(&self) -> Info {
        Info {
            name: "plain",
            version: 1,
            summary: "does nothing",
            example: "a: { uses: plain }",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &NoParams) -> Vec<Port> {
        vec![Port::one("out", PortType::File)]
    }

    fn claim(&self, _: &NoParams) -> Claim {
        Claim::tiny()
    }
}

fn node(name: &str, feeds: Vec<Feed>, after: Vec<NodeId>) -> Node {
    Node {
        name: name.into(),
        operation: Arc::new(Typed::new(Plain)),
        params: json!({}),
        ports: Plain.ports(&NoParams {}),
        slots: vec![Slot { name: "in".into(), feeds, through: false }],
        after,
        claim: Claim::tiny(),
        tools: Vec::new(),
        take: None,
        timeout: None,
        span: Span::default(),
        maker: None,
        spliced: BTreeMap::new(),
    }
}

fn sample() -> (Graph, Marks) {
    let mut graph = Graph::default();
    let file = graph.add_file("/p/a \"b\".txt".into(), "a \"b\".txt");
    let say = graph.add(node("hook.say.1", vec![Feed::File(file)], Vec::new()));
    let level = graph.add(node("hook.level.1", vec![Feed::Port(say, 0)], Vec::new()));
    let mux = graph.add(node("mux", vec![Feed::Port(level, 0)], vec![say]));
    let ran = Mark { state: Some("stale"), cost: Some(Duration::from_millis(1200)) };
    let marks = BTreeMap::from([
        (say, ran),
        (level, Mark { state: Some("fresh"), cost: None }),
        (mux, Mark::default()),
    ]);
    (graph, marks)
}

#[test]
fn dot_boxes_scenes_and_names_ports() {
    let (graph, marks) = sample();
    insta::assert_snapshot!(dot(&graph, &marks), @r##"
    digraph reel {
      rankdir=LR;
      node [shape=box, style="rounded,filled", fontname="sans-serif"];
      subgraph cluster_0 {
        label="hook";
        color="#cccccc";
        n0 [label="hook.say.1\nplain, stale, 1.2 s", fillcolor="#ffe9b8"];
        n1 [label="hook.level.1\nplain, fresh", fillcolor="#d7f0d7"];
      }
      n2 [label="mux\nplain", fillcolor="#eeeeee"];
      n0 -> n1 [label="out"];
      n0 -> n2 [style=dashed];
      n1 -> n2 [label="out"];
    }
    "##);
}

#[test]
fn mermaid_has_a_class_for_each_state() {
    let (graph, marks) = sample();
    insta::assert_snapshot!(mermaid(&graph, &marks), @r##"
    flowchart LR
      subgraph g0["hook"]
        n0["hook.say.1<br/>plain, stale, 1.2 s"]:::stale
        n1["hook.level.1<br/>plain, fresh"]:::fresh
      end
      n2["mux<br/>plain"]
      n0 -->|"out"| n1
      n0 -.-> n2
      n1 -->|"out"| n2
      classDef fresh fill:#d7f0d7,stroke:#888,color:#111
      classDef stale fill:#ffe9b8,stroke:#888,color:#111
    "##);
}

#[test]
fn json_holds_files_and_states() {
    let (graph, marks) = sample();
    let drawn = json(&graph, &marks);
    assert_eq!(drawn["nodes"][1]["name"], "hook.say.1", "in the order of names");
    assert_eq!(drawn["nodes"][1]["files"], json!(["a \"b\".txt"]));
    assert_eq!(drawn["nodes"][1]["seconds"], json!(1.2));
    assert_eq!(drawn["edges"].as_array().unwrap().len(), 3);
}

#[test]
fn a_node_that_is_not_drawn_has_no_edges() {
    let (graph, mut marks) = sample();
    marks.remove(&NodeId(1));
    assert_eq!(edges(&graph, &marks).len(), 1);
}

#[test]
fn names_with_signs_of_the_language_are_escaped() {
    assert_eq!(quoted("a\"b\\\nc"), "\"a\\\"b\\\\\\nc\"");
    assert_eq!(entities("a\"<b>#"), "a#quot;#lt;b#gt;#35;");
}
