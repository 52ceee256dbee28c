//! Commands that look and change nothing.

use reel_tests::space::TestSpace;
use serde_json::Value;

#[test]
fn why_names_what_changed_with_both_values() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    space.edit("title: The end", "title: The very end");
    let before = space.reel(&["why", "end.card.1"]).ok().stdout;
    assert!(
        before.contains("title") && before.contains("The end") && before.contains("The very end"),
        "{before}"
    );
    let _ = space.build(&[]).ok();
    for node in ["end.encode", "end", "short"] {
        let after = space.reel(&["why", node]).ok().stdout;
        assert!(after.contains("title"), "{node}: {after}");
        assert!(after.contains("\"The end\" → \"The very end\""), "{node}: {after}");
    }
    space.edit("lines: 2 }", "lines: 2, color: \"#ffeeaa\" }");
    let _ = space.build(&[]).ok();
    let colour = space.reel(&["why", "mid.encode"]).ok().stdout;
    assert!(colour.contains("#ffffff") && colour.contains("#ffeeaa"), "{colour}");

    space.bed("bed.wav", 5);
    let pending = space.reel(&["why", "film.sound.1"]).ok().stdout;
    assert!(pending.contains("bed.wav"), "the file is named: {pending}");
    let json = space.reel(&["why", "film.sound.1", "--json"]).ok();
    let event = &json.events_of("why")[0];
    assert_eq!(event["node"], "film.sound.1");
    assert_ne!(event["reasons"][0]["old"], event["reasons"][0]["new"]);
    let unknown = space.reel(&["why", "nothing.here"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.all());
}

/// Segments and passages of sound are known only once speech was timed.
fn is_made_in_the_run(name: &str) -> bool {
    let sound = ["film.sound.", "film.loudness.", "film.gain", "film.mix.", "film.track"];
    name.contains(".encode.") || sound.iter().any(|made| name.starts_with(made))
}

#[test]
fn a_plan_tells_what_a_build_then_does() {
    let space = TestSpace::story();
    let planned = space.reel(&["plan", "--json"]).ok();
    assert!(!space.path("out").exists() && !planned.events().is_empty());
    let _ = space.build(&[]).ok();
    let nothing = space.reel(&["plan", "--json"]).ok();
    let last = nothing.events().pop().unwrap();
    assert_eq!((&last["would-run"], &last["may-run"]), (&Value::from(0), &Value::from(0)), "{last}");
    space.edit("Red apples", "Green apples");
    let some = space.reel(&["plan", "--json"]).ok();
    let asked = some.nodes("plan-node");
    let built = space.build(&[]).ok();
    let ran: Vec<String> = built.ran().into_iter().filter(|name| !is_made_in_the_run(name)).collect();
    assert!(ran.iter().all(|name| asked.contains(name)), "{asked:?} {ran:?}");
}

#[test]
fn commands_that_look_print_json() {
    let space = TestSpace::story();
    let check = space.reel(&["check", "--json"]).ok();
    assert!(check.events().len() <= 1, "{}", check.stdout);
    let _ = space.build(&[]).ok();
    for command in [
        &["expand", "--json"][..],
        &["nodes", "--json"],
        &["nodes", "encode", "--json"],
        &["devices", "--json"],
        &["cache", "stats", "--json"],
        &["cache", "verify", "--json"],
        &["log", "hook.say.1", "--json"],
        &["doctor", "--json"],
    ] {
        let ran = space.reel(command).ok();
        assert!(!ran.events().is_empty(), "{command:?}");
        assert!(ran.events().iter().all(|event| event["event"].is_string()), "{command:?}: {}", ran.stdout);
    }
    let film = space.read("out/short.mp4");
    space.build(&[]).ok().assert_nothing_ran();
    assert_eq!(space.read("out/short.mp4"), film);
}

#[test]
fn what_scenes_became_is_printed_node_by_node() {
    let space = TestSpace::story();
    let written = space.reel(&["expand"]).ok().stdout;
    let nodes = space.reel(&["expand", "--json"]).ok().nodes("node");
    let built = space.build(&[]).ok();
    let ran = built.ran();
    assert_eq!(
        ran.iter().filter(|name| !is_made_in_the_run(name)).cloned().collect::<Vec<_>>(),
        Vec::from_iter(nodes.clone())
    );
    for node in nodes {
        assert!(written.contains(&format!("  {node}:\n    uses: ")), "{node}: {written}");
    }
}

#[test]
fn graphs_are_well_formed() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let json = space.reel(&["graph", "--format", "json"]).ok().stdout;
    let graph: Value = serde_json::from_str(&json).unwrap();
    let nodes: Vec<&str> =
        graph["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
    for edge in graph["edges"].as_array().unwrap() {
        assert!(
            nodes.contains(&edge["from"].as_str().unwrap()) && nodes.contains(&edge["to"].as_str().unwrap()),
            "{edge}"
        );
    }
    let dot = space.reel(&["graph", "--format", "dot"]).ok().stdout;
    assert!(dot.starts_with("digraph"), "{dot}");
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
    let mermaid = space.reel(&["graph", "--format", "mermaid"]).ok().stdout;
    assert!(mermaid.starts_with("flowchart"), "{mermaid}");
    for name in nodes {
        assert!(dot.contains(name) && mermaid.contains(name), "`{name}` is drawn");
    }
}

#[test]
fn a_new_project_builds_at_once() {
    let space = TestSpace::of("");
    for template in ["short", "slides"] {
        let made = space.reel(&["new", template, "--template", template]);
        assert_eq!(made.code, Some(0), "{}", made.all());
        let plan = space.reel(&["check", "-C", template]);
        assert_eq!(plan.code, Some(0), "{}", plan.all());
    }
    let twice = space.reel(&["new", "short"]);
    assert_eq!(twice.code, Some(2), "{}", twice.all());
}

#[test]
fn parts_of_a_film_can_be_asked_for() {
    let space = TestSpace::story();
    let words = space.build(&["words"]).ok();
    assert!(!words.ran().iter().any(|name| name.contains("encode")), "{:?}", words.ran());
    assert!(space.path("out/short.srt").exists() && !space.path("out/short.mp4").exists());
    let end = space.build(&["end"]).ok();
    assert!(end.ran().contains("end.encode.1") && !end.ran().contains("mid.encode.1"), "{:?}", end.ran());
    let wrong = space.build(&["shirt"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.all().contains("short"), "the nearest name: {}", wrong.all());
}

#[test]
fn parts_that_are_made_only_in_the_run_can_be_asked_for_before_the_first() {
    let space = TestSpace::story();
    for command in [&["plan", "hook.encode.1"][..], &["plan", "hook.encode"], &["why", "mid.encode"]] {
        let ran = space.reel(command).ok();
        assert!(ran.stdout.contains(".segments"), "{command:?}: {}", ran.all());
    }
    let log = space.reel(&["log", "hook.encode.1"]).ok();
    assert!(log.stdout.contains("`hook.segments` will make it"), "{}", log.all());
    for command in ["plan", "build", "why", "log"] {
        let wrong = space.reel(&[command, "hook.encod.1"]);
        assert_eq!(wrong.code, Some(2), "{command}: {}", wrong.all());
        assert!(wrong.all().contains("did you mean `hook.encode`?"), "{command}: {}", wrong.all());
    }
    assert!(!space.path(".reel/failures.json").exists());

    let one = space.build(&["hook.encode.1"]).ok();
    let encodes: Vec<String> = one.ran().into_iter().filter(|name| name.contains(".encode.")).collect();
    assert_eq!(encodes, ["hook.encode.1"]);
    let none = space.build(&["mid.encode.9"]);
    assert_eq!(none.code, Some(2), "{}", none.all());
    assert!(
        none.stdout.contains("R009") && none.stdout.contains("did you mean `mid.encode.1`?"),
        "{}",
        none.all()
    );
    assert!(!none.ran().iter().any(|name| name.contains(".encode.")), "{:?}", none.ran());
    assert_eq!(none.events().last().unwrap()["event"], "finished");
    let drawn = space.reel(&["build", "mid.encode.9"]);
    assert_eq!(drawn.code, Some(2));
    assert!(drawn.stderr.contains("error[R009]"), "{}", drawn.all());
}
