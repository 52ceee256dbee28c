//! Drawings of a small graph.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::text::{entities, quoted};
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
        params: json!({}).into(),
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

fn sample() -> Picture {
    let mut graph = Graph::default();
    let file = graph.add_file("/p/a \"b\".txt".into(), "a \"b\".txt");
    let say = graph.add(node("hook.say.1", vec![Feed::File(file)], Vec::new()));
    let level = graph.add(node("hook.level.1", vec![Feed::Port(say, 0)], Vec::new()));
    let mux = graph.add(node("mux", vec![Feed::Port(level, 0)], vec![say]));
    let ran = Mark {
        state: Some("stale"),
        cost: Some(Duration::from_millis(1200)),
        bytes: Some(2048),
        reasons: vec!["text \"Good evening to all of you out there\" → \"Good night\"".into(), "x264".into()],
        ..Mark::default()
    };
    let marks = BTreeMap::from([
        (say, ran),
        (level, Mark { state: Some("fresh"), ..Mark::default() }),
        (mux, Mark::default()),
    ]);
    Picture::new(Some("film"), &graph, &marks)
}

#[test]
fn dot_boxes_scenes_and_names_ports() {
    insta::assert_snapshot!(dot(&sample()), @r##"
    digraph reel {
      rankdir=LR;
      node [shape=box, style="rounded,filled", fontname="sans-serif"];
      subgraph cluster_0 {
        label="hook";
        color="#cccccc";
        n0 [label="hook.level.1\nplain, fresh", fillcolor="#d7f0d7", penwidth=2];
        n1 [label="hook.say.1\nplain, stale, 1.2 s, 2 KiB\ntext \"Good evening to all of you out there\" → \"Good nigh… (+1)", fillcolor="#ffe9b8", penwidth=2, tooltip="text \"Good evening to all of you out there\" → \"Good night\"\nx264"];
      }
      n2 [label="mux\nplain", fillcolor="#eeeeee", penwidth=2];
      n1 -> n0 [label="out"];
      n1 -> n2 [style=dashed];
      n0 -> n2 [label="out"];
    }
    "##);
}

#[test]
fn mermaid_has_a_class_for_each_state() {
    insta::assert_snapshot!(mermaid(&sample()), @r##"
    flowchart LR
      subgraph g0["hook"]
        n0["hook.level.1<br/>plain, fresh"]:::fresh
        n1["hook.say.1<br/>plain, stale, 1.2 s, 2 KiB<br/>text #quot;Good evening to all of you out there#quot; → #quot;Good nigh… (+1)"]:::stale
      end
      n2["mux<br/>plain"]
      n1 -->|"out"| n0
      n1 -.-> n2
      n0 -->|"out"| n2
      classDef fresh fill:#d7f0d7,stroke:#888,color:#111
      classDef stale fill:#ffe9b8,stroke:#888,color:#111
      classDef critical stroke:#c2410c,stroke-width:3px
      class n0,n1,n2 critical
    "##);
}

#[test]
fn json_holds_files_and_states_and_can_be_read_again() {
    let drawn = serde_json::to_value(sample()).unwrap();
    assert_eq!(drawn["nodes"][1]["name"], "hook.say.1", "in the order of names");
    assert_eq!(drawn["nodes"][1]["files"], json!(["a \"b\".txt"]));
    assert_eq!(drawn["nodes"][1]["seconds"], json!(1.2));
    assert_eq!(drawn["edges"].as_array().unwrap().len(), 3);
    assert_eq!(drawn["critical-path"], json!(["hook.say.1", "hook.level.1", "mux"]));
    let again: Picture = serde_json::from_value(drawn).unwrap();
    assert_eq!(again.since(&sample()).nodes.iter().filter(|node| node.change.is_some()).count(), 0);
}

#[test]
fn a_node_that_is_not_drawn_has_no_edges() {
    let near = sample().focus("hook.level", 0).unwrap();
    assert_eq!((near.nodes.len(), near.edges.len()), (1, 0));
    let near = sample().focus("mux", 1).unwrap();
    assert_eq!(near.nodes.len(), 3, "both that it waits for");
    assert_eq!(sample().focus("hoo", 1), Err(NoSuchNode("hoo".into())));
}

#[test]
fn groups_stand_for_their_nodes() {
    let scenes = sample().grouped(By::Scene);
    let names: Vec<&str> = scenes.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["hook", "mux"]);
    assert_eq!(scenes.nodes[0].state.as_deref(), Some("stale"), "what says most");
    assert_eq!((scenes.nodes[0].members, scenes.nodes[0].seconds), (Some(2), Some(1.2)));
    assert_eq!(scenes.edges, [Edge { from: "hook".into(), to: "mux".into(), port: None }]);
    assert_eq!(scenes.critical_path, ["hook", "mux"]);
    assert_eq!(sample().grouped(By::Kind).nodes[0].kind, "3 nodes");
}

#[test]
fn what_came_and_went_is_marked() {
    let (mut old, mut new) = (sample(), sample());
    old.nodes[0].name = "gone".into();
    old.edges.clear();
    old.nodes[1].key = Some("1".into());
    new.nodes[1].key = Some("2".into());
    let seen = new.since(&old);
    let change = |name: &str| seen.nodes.iter().find(|node| node.name == name).unwrap().change;
    assert_eq!(change("gone"), Some(Change::Removed));
    assert_eq!(change("hook.level.1"), Some(Change::Added));
    assert_eq!(change("hook.say.1"), Some(Change::Changed), "another key");
    assert_eq!(change("mux"), Some(Change::Changed), "other inputs");
}

/// A film of so many scenes, each with a few steps, as front ends make them.
fn film(scenes: usize) -> Picture {
    let mut graph = Graph::default();
    let mut ends = Vec::new();
    for scene in 0..scenes {
        let say = graph.add(node(&format!("s{scene}.say.1"), Vec::new(), Vec::new()));
        let level = graph.add(node(&format!("s{scene}.level.1"), vec![Feed::Port(say, 0)], Vec::new()));
        let line = graph.add(node(&format!("s{scene}.timeline"), vec![Feed::Port(say, 0)], Vec::new()));
        for segment in 0..5 {
            let feeds = vec![Feed::Port(line, 0)];
            ends.push(graph.add(node(&format!("s{scene}.encode.{segment}"), feeds, Vec::new())));
        }
        ends.extend([level, line]);
    }
    let feeds = ends.iter().map(|id| Feed::Port(*id, 0)).collect();
    graph.add(node("film.mux", feeds, Vec::new()));
    let marks = graph.nodes().map(|(id, _)| (id, Mark::default())).collect();
    Picture::new(None, &graph, &marks)
}

#[test]
fn no_box_lies_on_another_and_no_line_crosses_a_box() {
    use super::layout::{HEIGHT, WIDTH, layout};
    let picture = film(12);
    let layout = layout(&picture);
    let boxes = &layout.nodes;
    for (at, (x, y)) in boxes.iter().enumerate() {
        let apart =
            |(other_x, other_y): &(f64, f64)| (x - other_x).abs() >= WIDTH || (y - other_y).abs() >= HEIGHT;
        assert!(boxes[at + 1..].iter().all(apart), "{}", picture.nodes[at].name);
        assert!(x + WIDTH <= layout.width && y + HEIGHT <= layout.height);
    }
    for (ends, points) in &layout.lines {
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "every arrow points to the right");
        // Between two places of one row it is straight; that row is nobody's.
        for pair in points.windows(2).filter(|pair| (pair[0].1 - pair[1].1).abs() < 0.1) {
            let (y, from, to) = (pair[0].1, pair[0].0, pair[1].0);
            let inside = |(x, top): &(f64, f64)| *x + WIDTH > from && *x < to && *top < y && top + HEIGHT > y;
            assert!(!boxes.iter().any(inside), "{ends:?} crosses a box at {y}");
        }
    }
}

#[test]
fn a_thousand_nodes_are_drawn_in_no_time() {
    let picture = film(125);
    let began = std::time::Instant::now();
    let drawn = svg(&picture);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(drawn.matches("<g class=\"node").count(), 1001);
}

#[test]
fn a_page_holds_everything_and_nothing_in_it_ends_its_script() {
    let mut picture = sample();
    picture.nodes[0].reasons = vec!["</script><b>".into()];
    let page = html(&picture).unwrap();
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("{{"), "every place is filled");
    assert!(!page.contains("http://") || page.matches("http://").count() == 1, "nothing is fetched");
}

#[test]
fn names_with_signs_of_the_language_are_escaped() {
    assert_eq!(quoted("a\"b\\\nc"), "\"a\\\"b\\\\\\nc\"");
    assert_eq!(entities("a\"<b>#"), "a#quot;#lt;b#gt;#35;");
}
