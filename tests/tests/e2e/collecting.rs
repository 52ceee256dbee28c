//! The cache's budget: what goes, what current outputs need, and what a user decides about it.

use std::fs;

use reel_tests::space::TestSpace;

fn project(title: &str) -> String {
    format!(
        r##"version: 1
name: collecting
format: {{ size: 96x96, fps: 25 }}
scenes:
  - {{ id: a, show: {{ image: tide.jpg }}, for: 0.4s }}
  - {{ id: b, show: {{ card: {{ title: "{title}", background: "#0b1021" }} }}, for: 0.4s }}
outputs: {{ film: out/film.mp4 }}
"##
    )
}

fn space() -> TestSpace {
    let space = TestSpace::story();
    space.write("reel.yaml", project("One"));
    space
}

fn config(space: &TestSpace, text: &str) {
    let folder = space.root().join("home/.config/reel");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.yaml"), text).unwrap();
}

#[test]
fn a_collection_leaves_what_outputs_need_wherever_the_folder_is() {
    let space = space();
    let _ = space.build(&[]).ok();
    space.write("reel.yaml", project("Two"));
    let _ = space.build(&[]).ok();
    let gc = |space: &TestSpace| {
        let said = space.reel(&["cache", "gc", "--max-size", "1KiB", "--json"]).ok();
        said.events()[0].clone()
    };
    let report = gc(&space);
    assert!(report["results"].as_u64().unwrap() > 0, "what the first title needed alone goes: {report}");
    let project = space.project();
    assert_eq!(report["below-working-set"]["project"], project.to_str().unwrap(), "{report}");
    space.build(&[]).ok().assert_nothing_ran();

    let moved = space.root().join("moved");
    fs::rename(&project, &moved).unwrap();
    fs::create_dir(&project).unwrap();
    assert_eq!(gc(&space)["results"], 0, "its folder is gone, and nobody knows for how long");
    fs::remove_dir_all(moved.join("out")).unwrap();
    let there = ["build", "--json", "--project", moved.to_str().unwrap()];
    let again = space.reel(&there).ok();
    assert_eq!(again.finished().ran, 0, "{}", again.stdout);
    assert!(moved.join("out/film.mp4").exists());
    let report = gc(&space);
    assert_eq!(report["below-working-set"]["project"], moved.to_str().unwrap(), "{report}");
    assert_eq!(
        (&report["projects"], &report["results"]),
        (&1.into(), &0.into()),
        "the same project: {report}"
    );

    let stats = space.reel(&["cache", "stats", "--json"]).ok();
    assert_eq!(stats.events()[0]["projects"][0]["folder"], moved.to_str().unwrap());
}

#[test]
fn a_copy_is_a_project_of_its_own() {
    let space = space();
    let _ = space.build(&[]).ok();
    let copy = space.root().join("copy");
    let status = std::process::Command::new("cp").arg("-r").args([space.project(), copy.clone()]).status();
    assert!(status.unwrap().success());
    fs::write(copy.join("reel.yaml"), project("Other")).unwrap();
    let _ = space.reel(&["build", "--json", "--project", copy.to_str().unwrap()]).ok();
    let said = space.reel(&["cache", "gc", "--max-size", "1KiB", "--json"]).ok();
    let report = &said.events()[0];
    assert_eq!((&report["projects"], &report["results"]), (&2.into(), &0.into()), "{report}");
    space.build(&[]).ok().assert_nothing_ran();
}

#[test]
fn a_build_over_the_users_budget_collects_and_says_what_stays() {
    let space = space();
    config(&space, "cache:\n  max-size: 1KiB\n");
    let first = space.build(&[]).ok();
    let warnings = first.events_of("warning");
    let said = |text: &str| warnings.iter().any(|w| w["message"].as_str().unwrap().contains(text));
    assert!(said("below what one build of"), "{}", first.stdout);
    space.build(&[]).ok().assert_nothing_ran();
    space.write("reel.yaml", project("Two"));
    let second = space.build(&[]).ok();
    let collected = second.events_of("did-collect");
    assert!(collected[0]["results"].as_u64().unwrap() > 0, "{}", second.stdout);
    space.write("reel.yaml", project("One"));
    assert!(space.build(&[]).ok().finished().ran > 0, "the old title was not kept");

    config(&space, "cache:\n  max-size: none\n");
    space.write("reel.yaml", project("Two"));
    let free = space.build(&[]).ok();
    assert!(
        free.events_of("did-collect").is_empty() && free.events_of("warning").is_empty(),
        "{}",
        free.stdout
    );
}

#[test]
fn a_wrong_config_file_is_told_before_anything_runs() {
    let space = space();
    config(&space, "cache:\n  max-sise: 1KiB\n");
    for args in [&["build"][..], &["cache", "gc"]] {
        let ran = space.reel(args);
        assert_eq!(ran.code, Some(2), "{}", ran.all());
        assert!(
            ran.stderr.contains("reel/config.yaml`: line 2 column 3: unknown field `max-sise`"),
            "{}",
            ran.all()
        );
    }
    assert!(!space.path("out").exists());
}

#[test]
fn outputs_may_be_links_into_the_cache() {
    use std::os::unix::fs::MetadataExt;
    let space = TestSpace::of(
        r#"version: 1
nodes: { long: { uses: text, with: { parts: [{ file: long.txt }] } } }
outputs: { words: { from: "${long.text}", file: out/words.txt } }
"#,
    );
    config(&space, "cache: { place: link }");
    for text in ["word ", "other "] {
        space.write("long.txt", text.repeat(5000));
        let _ = space.build(&[]).ok();
        let meta = fs::metadata(space.path("out/words.txt")).unwrap();
        assert_eq!((meta.nlink(), meta.mode() & 0o222), (2, 0), "a link, and read-only");
        assert!(space.read("out/words.txt") == text.repeat(5000).as_bytes());
        space.build(&[]).ok().assert_nothing_ran();
    }
}
