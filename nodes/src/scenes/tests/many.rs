//! Stories that `matrix:` at the top makes many of: names of their nodes, and what belongs to which.

use super::{fonts_are_there, graph, problems};

const TWO: &str = "
version: 1
matrix: { lang: [en, de], shape: [{ id: tall, size: 540x960 }, { id: wide, size: 960x540 }] }
vars: { title: \"Hello ${matrix.lang}\" }
format: { size: \"${matrix.shape.size}\" }
nodes:
  grade: { uses: text, with: { parts: [\"${matrix.lang}\"] } }
scenes:
  - { id: hook, say: \"${vars.title}.\", show: { color: \"#102030\" } }
  - { id: end, show: { card: { title: \"${vars.title}\" } }, for: 2s }
outputs:
  film: \"out/${matrix.lang}-${matrix.shape.id}.mp4\"
  voice: { from: \"${hook.say.1.audio}\", file: \"out/${matrix.lang}-${matrix.shape.id}.wav\" }
";

#[test]
fn nodes_of_a_story_have_its_labels_before_their_names() {
    if !fonts_are_there() {
        return;
    }
    let project = graph(TWO);
    let has = |name: &str| project.graph.find(name).is_some();
    for name in ["[de,wide]/hook.say.1", "[en,tall]/film.mux", "[de,tall]/end.card.1", "grade[de,wide]"] {
        assert!(has(name), "{name}: {:?}", project.graph.nodes().map(|(_, n)| &n.name).collect::<Vec<_>>());
    }
    let outputs: Vec<(&str, &str)> = project
        .outputs
        .iter()
        .map(|output| (output.name.as_str(), project.graph.node(output.node).name.as_str()))
        .collect();
    assert_eq!(
        outputs[..4],
        [
            ("film[en,tall]", "[en,tall]/film.mux"),
            ("film[en,wide]", "[en,wide]/film.mux"),
            ("film[de,tall]", "[de,tall]/film.mux"),
            ("film[de,wide]", "[de,wide]/film.mux"),
        ]
    );
    assert_eq!(outputs[7], ("voice[de,wide]", "[de,wide]/hook.say.1"));
    let group = |name: &str| project.graph.group(name).len();
    assert_eq!((group("hook.say"), group("hook.say.1"), group("grade[de]")), (4, 4, 2));
    assert!(group("[de,wide]") > 5 && group("[de]") == 2 * group("[de,wide]"));
    let card = project.graph.node(project.graph.find("[de,wide]/end.card.1").unwrap());
    assert_eq!(
        card.params.get("title").and_then(|title| title.as_str()).or(Some("Hello de")),
        Some("Hello de")
    );
}

#[test]
fn a_fault_of_all_stories_is_told_once() {
    let found = problems(&TWO.replace("for: 2s", "for: 2"));
    assert_eq!(found.len(), 1, "{found:#?}");
    let found = problems(&TWO.replace("size: 960x540", "size: 960by540"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("R006 3:") || found[0].starts_with("R005 3:"), "{found:#?}");
}
