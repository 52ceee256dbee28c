//! Drafts: half as wide and high, beside the full films, and nobody's results in the other's way.

use std::collections::BTreeSet;

use reel_tests::film::probe;
use reel_tests::space::TestSpace;

fn size(space: &TestSpace, file: &str) -> (u64, u64) {
    let probed = probe(&space.path(file), &["-select_streams", "v", "-show_entries", "stream=width,height"]);
    let stream = &probed["streams"][0];
    (stream["width"].as_u64().unwrap(), stream["height"].as_u64().unwrap())
}

#[test]
fn a_draft_is_half_the_size_and_stands_beside_the_film() {
    let space = TestSpace::story();
    let draft = space.reel(&["build", "--draft", "--json"]).ok();
    assert_eq!(size(&space, "out/short.draft.mp4"), (80, 142));
    assert!(space.path("out/short.draft.srt").is_file());
    assert!(!space.path("out/short.mp4").exists(), "the film is not touched");
    let full = space.reel(&["build", "--json"]).ok();
    assert_eq!(size(&space, "out/short.mp4"), (160, 284));
    let kinds = |nodes: BTreeSet<String>| -> BTreeSet<String> {
        nodes.iter().filter(|node| node.contains(".say.") || node.contains(".timeline")).cloned().collect()
    };
    assert!(!kinds(draft.ran()).is_empty());
    assert_eq!(kinds(full.ran()), BTreeSet::new(), "what is said is the same in both");
    for args in [&["build", "--draft", "--json"][..], &["build", "--json"]] {
        let again = space.reel(args).ok();
        assert_eq!(again.finished().ran, 0, "both are remembered: {}", again.all());
    }
    // What a collection leaves is enough for both.
    let _ = space.reel(&["cache", "gc", "--max-size", "1B"]).ok();
    for args in [&["build", "--draft", "--json"][..], &["build", "--json"]] {
        assert_eq!(space.reel(args).ok().finished().ran, 0);
    }
}
