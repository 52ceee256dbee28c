//! What reel tells of a film: why each part was made again, and what a build did.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use reel_tests::ran::Ran;
use reel_tests::space::{STORY, TestSpace, program};
use serde_json::Value;

fn text(space: &TestSpace, name: &str) -> String {
    space.reel(&["why", name]).ok().stdout
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

#[test]
fn a_word_that_is_said_is_the_cause_of_all_that_it_set_off() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    space.edit("Red apples fall down.", "Red apples fall up.");
    let way = "mid.encode.1 ← mid.segments ← mid.timeline ← mid.say.1 ← input `text`\n";
    let before = text(&space, "mid.encode.1");
    assert_has(
        &before,
        &["waiting", "`mid.segments`", "\"Red apples fall down.\" → \"Red apples fall up.\""],
    );
    assert_has(&before, &["mid.segments ← mid.timeline ← mid.say.1 ← input `text`\n", "nodes may run: "]);
    let plan = space.reel(&["plan", "--json"]).ok();
    let mux = plan.events().into_iter().find(|line| line["node"] == "film.mux").expect("it is planned");
    assert_eq!(mux["chain"]["nodes"][0], "film.mux", "{mux}");
    let ran = space.build(&[]).ok().ran();
    let after = text(&space, "mid.encode.1");
    assert_has(&after, &[way, "ran in the last build", "reel.yaml:"]);
    let film = space.reel(&["why", "out/short.mp4", "--json"]).ok().events().remove(0);
    assert_eq!(film["output"]["state"], "as-made", "{film}");
    let mut told: Vec<&str> =
        film["set-off"]["ran"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    // The sentence itself is the cause, and nothing set it off.
    told.push("mid.say.1");
    told.sort_unstable();
    assert_eq!(told, ran.iter().collect::<Vec<_>>(), "what ran is what the change set off");
    assert_eq!(film["set-off"]["outputs"], serde_json::json!(["short", "words"]), "{film}");
}

#[test]
fn a_colour_of_captions_a_picture_and_a_font_are_told_as_what_they_are() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    space.edit("lines: 2 }", "lines: 2, color: \"#ffeeaa\" }");
    let _ = space.build(&[]).ok();
    let told = text(&space, "film.mux");
    assert_has(&told, &["film.mux ← hook.encode.1 ← parameter `captions.", "→ \"#ffeeaa\""]);
    assert_has(&told, &["and the same in mid.encode.1…2"]);

    space.copy(reel_tests::repository().join("examples/eclipse/assets/ring.jpg"), "tide.jpg");
    let _ = space.build(&[]).ok();
    let told = text(&space, "film.mux");
    assert_has(&told, &["mid.still.1 ← mid.image.1 ← input `file` (tide.jpg)\n"]);
    assert_has(&told, &["      input `file` (tide.jpg): "]);

    space.edit("font: DejaVu Sans", "font: DejaVu Serif");
    let told = text(&space, "hook.cues");
    assert_has(&told, &["stale", "\"DejaVu Sans\" → \"DejaVu Serif\"", "DejaVuSerif"]);
}

#[test]
fn a_moment_of_a_film_names_what_is_seen_and_heard_and_who_made_it() {
    let space = TestSpace::story();
    let early = space.reel(&["why", "short", "--at", "1s"]);
    assert_eq!(early.code, Some(2));
    assert_has(
        &early.stderr,
        &["`short` was not built yet: `hook.timeline`", "help: `reel build short` makes it"],
    );
    let _ = space.build(&[]).ok();
    let moment = |at: &str| space.reel(&["why", "short", "--at", at, "--json"]).ok().events();
    let hook = moment("0.5s");
    assert_eq!(
        (&hook[0]["event"], &hook[0]["frame"], &hook[0]["fps"]),
        (&"moment".into(), &15.into(), &"30".into())
    );
    let role = |events: &[Value], role: &str| -> Vec<(String, Vec<String>)> {
        let there = events[0]["there"].as_array().expect("a list").iter().filter(|it| it["role"] == role);
        let names = |it: &Value| {
            it["nodes"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|name| name.as_str().expect("text").to_owned())
                .collect()
        };
        there.map(|it| (it["text"].as_str().expect("text").to_owned(), names(it))).collect()
    };
    let one = |text: &str, nodes: &[&str]| {
        vec![(text.to_owned(), nodes.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())]
    };
    assert_eq!(role(&hook, "scene"), one("hook", &["hook.timeline"]));
    assert_eq!(role(&hook, "sentence"), one("The moon is far.", &["hook.level.1", "hook.say.1"]));
    assert_eq!(role(&hook, "caption"), one("The moon is far.", &["hook.cues"]));
    assert_eq!(role(&hook, "picture"), one("#336699", &[]));
    assert_eq!(role(&hook, "music"), one("bed.wav", &[]));
    assert_eq!(role(&hook, "mix"), one("", &["film.mix"]));
    assert_eq!(role(&hook, "film"), one("", &["film.mux"]));
    let told: Vec<&str> = hook[1..].iter().filter_map(|line| line["node"].as_str()).collect();
    assert!(
        told.contains(&"hook.say.1") && told.contains(&"hook.encode.1"),
        "each with why it is what it is: {told:?}"
    );

    // The scene comes in over the one before.
    let from = hook[0]["there"].as_array().expect("a list")[0]["to"].as_u64().expect("a frame");
    let mid = moment(&format!("@{}", from + 2));
    assert_eq!(role(&mid, "transition"), one("fade", &["mid.encode.1"]));
    assert_eq!(role(&mid, "picture"), one("tide.jpg", &["mid.still.1", "mid.image.1"]));
    assert_eq!(role(&mid, "outgoing"), one("#336699", &[]));
    let last = mid[0]["frames"].as_u64().expect("a number") - 1;
    let end = moment(&format!("@{last}"));
    assert_eq!(role(&end, "picture"), one("The end", &["end.still.1", "end.card.1"]));
    assert_eq!(role(&end, "sentence"), []);

    // The film is told of as it was made, its nodes as they stand.
    space.edit("Red apples fall down.", "Red apples fall up.");
    let text = space.reel(&["why", "short", "--at", &format!("@{}", from + 20)]).ok().stdout;
    assert_has(
        &text,
        &[
            "short (out/short.mp4) at 00:0",
            "sentence “Red apples fall down.”",
            "mid.say.1 (tts): stale: it will run",
        ],
    );
    assert_has(
        &text,
        &["\"Red apples fall down.\" → \"Red apples fall up.\"", "mid.encode.2 (encode): waiting"],
    );

    for (args, parts) in [
        (["short", "--at", "9:00"], ["`short` is over by then: it lasts 00:0", "help: its last frame is `@"]),
        (
            ["words", "--at", "1s"],
            ["`words` is not a film that was joined from segments", "of films: `short`"],
        ),
        (["hook", "--at", "1s"], ["`hook` is ", "name one output that is a film"]),
        (["short", "--at", "soon"], ["`soon` is no moment of a film", "`@940`"]),
    ] {
        let wrong = space.reel(&[&["why"], args.as_slice()].concat());
        assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
        assert_has(&wrong.stderr, &parts);
    }
}

#[test]
fn an_undone_edit_is_told_as_found() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    space.edit("Red apples fall down.", "Red apples fall up.");
    let _ = space.build(&[]).ok();
    space.write("reel.yaml", STORY);
    assert_has(&text(&space, "film.mux"), &["cached: it changed, but", "nodes found in the cache: "]);
    assert_eq!(space.build(&[]).ok().finished().ran, 0);
    assert_has(&text(&space, "film.mux"), &["changed in the last build, and its result was in the cache"]);
}

/// A worker of another identity: the same program, which says something else of one of its libraries.
#[test]
fn another_tool_is_named_with_what_it_was() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let worker = space.root().join("other-worker");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--identity*) {0} \"$@\" | sed 's/\"ffmpeg\":\"/&other /';; *) exec {0} \"$@\";; esac\n",
        program("reel-worker").display()
    );
    fs::write(&worker, script).expect("a script");
    fs::set_permissions(&worker, Permissions::from_mode(0o755)).expect("it may run");
    let mut call = space.command(&["why", "hook.encode.1"]);
    let ran: Ran = call.env("REEL_WORKER", &worker).output().expect("reel starts").into();
    assert_has(&ran.ok().stdout, &["hook.encode.1 (encode): stale", "tool `ffmpeg`: ", "→ \"other ffmpeg "]);
}

#[test]
fn a_trace_of_a_film_has_every_action_and_a_summary_adds_up() {
    let space = TestSpace::story();
    let built = space.build(&["--trace", "trace.json", "--summary", "--jobs", "2"]).ok();
    let trace = space.json("trace.json");
    let events = trace["traceEvents"].as_array().expect("a list of events");
    let bars = |pid: u64| -> Vec<&Value> {
        let is_action = |event: &&Value| event["ph"] == "X" && event["pid"] == pid && event["cat"] != "cache";
        events.iter().filter(is_action).collect()
    };
    let mut names: Vec<&str> = bars(1).iter().filter_map(|bar| bar["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, built.ran().iter().collect::<Vec<_>>());
    let mut ends = std::collections::BTreeMap::new();
    for bar in bars(1) {
        let number = |key: &str| bar[key].as_u64().expect("a number");
        let end = ends.insert(number("tid"), number("ts") + number("dur")).unwrap_or(0);
        assert!(number("ts") >= end, "{bar} overlaps what is on its track");
    }
    let figures = built.events_of("summary").remove(0);
    let path: Vec<&str> = figures["critical-path"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["node"].as_str())
        .collect();
    assert_eq!(path, bars(2).iter().filter_map(|bar| bar["name"].as_str()).collect::<Vec<_>>());
    assert_eq!(figures["misses"].as_u64(), Some(built.finished().ran), "{figures}");
    let wall = |key: &str| figures[key].as_f64().expect("seconds");
    assert!(wall("critical-path-seconds") <= wall("wall-seconds") + 0.01, "{figures}");
}

/// What a build warned of.
fn warnings(ran: &Ran) -> Vec<String> {
    ran.events_of("warning").iter().filter_map(|event| Some(event["message"].as_str()?.to_owned())).collect()
}

#[test]
fn what_an_action_warns_of_is_told_when_it_runs_and_not_when_it_hits() {
    let space = TestSpace::of(
        r##"version: 1
name: warned
format:   { size: 160x90, fps: 10 }
captions: { style: line, font: DejaVu Sans }
voice:    { rate: 450 }
scenes:
  - { id: quick, say: Extraordinarily quick pronunciations overwhelm everybody who watches., show: { color: "#204060" } }
nodes:
  loud: { uses: exec, with: { run: "for i in 1 2 3 4 5 6 7; do echo warning: thin ice $i; done; echo hi > $out/a.txt", out: [a.txt] } }
outputs:
  film: out/film.mp4
  text: { from: "${loud.a}", file: out/a.txt }
"##,
    );
    let first = space.build(&["--allow-exec"]).ok();
    let told = warnings(&first);
    let of = |name: &str| -> Vec<&String> { told.iter().filter(|line| line.starts_with(name)).collect() };
    let ice = of("`loud`");
    assert_eq!(ice.len(), 6, "{told:?}");
    assert!(ice[0].contains("thin ice 1") && ice[5].contains("2 more: `reel log loud`"), "{ice:?}");
    let fast = of("`quick.cues`");
    assert!(fast.len() == 1 && fast[0].contains("characters a second"), "{told:?}");
    assert_eq!(warnings(&space.build(&["--allow-exec"]).ok()), [""; 0]);
    space.edit("#204060", "#406020");
    let again = warnings(&space.build(&["--allow-exec"]).ok());
    assert_eq!(again, [""; 0], "its captions were there already");
}
