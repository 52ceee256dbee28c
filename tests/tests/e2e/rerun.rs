//! What runs again after an edit, and what does not.

use std::collections::BTreeSet;

use reel_tests::space::{STORY, TestSpace};

fn names(all: &BTreeSet<String>, begin: &str) -> Vec<String> {
    all.iter().filter(|name| name.starts_with(begin)).cloned().collect()
}

#[test]
fn a_second_build_runs_nothing_and_prints_only_the_last_line() {
    let space = TestSpace::story();
    let first = space.build(&[]).ok();
    let finished = first.finished();
    assert_eq!(finished.ran, finished.planned);
    assert_eq!(finished.outputs, [space.path("out/short.mp4"), space.path("out/short.srt")]);
    let second = space.build(&[]).ok();
    second.assert_nothing_ran();
    assert_eq!(second.finished().planned, finished.planned);
    let plain = space.reel(&["build"]).ok();
    assert!(
        plain.stdout.contains(&format!("planned {0} = ran 0 + cached {0}", finished.planned)),
        "{}",
        plain.stdout
    );
}

#[test]
fn one_word_speaks_one_sentence_and_undone_it_runs_nothing() {
    let space = TestSpace::story();
    let first = space.build(&[]).ok();
    let film = space.read("out/short.mp4");
    let captions = space.read("out/short.srt");
    let segments = names(&first.ran(), "hook.encode.");
    space.edit("The sun is bright.", "The sun is hot.");
    let second = space.build(&[]).ok();
    // The fade into `mid` asks for the plan of `hook`, and then wants the same pictures as before.
    let around =
        ["hook.say.2", "hook.level.2", "hook.timeline", "hook.cues", "hook.segments", "mid.segments"];
    let film_wide = ["film.mix", "film.loudness.1", "film.gain", "film.mix.1", "film.mux", "words.captions"];
    let expected: Vec<&str> =
        around.iter().chain(&film_wide).copied().chain(segments.iter().map(String::as_str)).collect();
    second.assert_ran(&expected);
    assert_ne!(space.read("out/short.mp4"), film);
    assert!(String::from_utf8(space.read("out/short.srt")).unwrap().contains("The sun is hot."));

    space.edit("The sun is hot.", "The sun is bright.");
    let third = space.build(&[]).ok();
    assert_eq!(third.finished().ran, 0, "{}", third.stdout);
    assert_eq!(space.read("out/short.mp4"), film, "the old film is back");
    assert_eq!(space.read("out/short.srt"), captions);
}

#[test]
fn what_means_the_same_runs_nothing() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let film = space.read("out/short.mp4");
    for (old, new) in [
        ("version: 1\n", "# a film\nversion: 1 # the format\n"),
        ("{ size: 160x284, fps: 30 }", "{ fps: 30, size: 160x284 }"),
        ("gain: -18dB", "gain: -18.0dB"),
        ("for: 0.3s", "for: 300ms"),
        ("lines: 2 }", "lines: 2, position: bottom }"),
        ("    for: 1s\n", "    for: 1s\n    transition: { kind: cut }\n"),
        ("    say: Red apples fall down.\n", "    pause: 0.3s\n    say: \"Red apples fall down.\"\n"),
    ] {
        space.edit(old, new);
        let again = space.build(&[]).ok();
        assert_eq!(again.finished().ran, 0, "`{old}` → `{new}`: {:?}", again.ran());
    }
    let touched = space.read("tide.jpg");
    space.write("tide.jpg", touched);
    space.build(&[]).ok().assert_nothing_ran();
    assert_eq!(space.read("out/short.mp4"), film);
}

#[test]
fn the_colour_of_captions_does_no_work_on_sound() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    space.edit("lines: 2 }", "lines: 2, color: \"#ffeeaa\" }");
    let again = space.build(&[]).ok();
    let kinds: BTreeSet<String> =
        again.events_of("did-run").iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["encode", "mux"].map(str::to_owned).into(), "{}", again.stdout);
    let ran = again.ran();
    assert!(names(&ran, "end.").is_empty(), "nothing is said in `end`: {ran:?}");
    assert!(ran.contains("hook.encode.1") && ran.contains("mid.encode.1"), "{ran:?}");
}

#[test]
fn a_shown_word_is_not_spoken_again() {
    let text = STORY.replace("Red apples fall down.", "Red [apples](apples) fall down.");
    let space = TestSpace::story();
    space.write("reel.yaml", text);
    let first = space.build(&[]).ok();
    let segments = names(&first.ran(), "mid.encode.").len();
    space.edit("[apples]", "[Apples!]");
    let again = space.build(&[]).ok();
    let ran = again.ran();
    assert!(!ran.iter().any(|name| name.contains(".say.") || name.contains(".level.")), "{ran:?}");
    assert!(!ran.contains("film.mix"), "sound stays as it is: {ran:?}");
    let encoded = names(&ran, "mid.encode.").len();
    assert!(encoded >= 1 && encoded <= segments, "{ran:?}");
    assert!(names(&ran, "hook.").is_empty() && names(&ran, "end.").is_empty(), "{ran:?}");
    assert!(ran.contains("film.mux") && ran.contains("words.captions"), "{ran:?}");
}

/// One long scene, so that it has many segments.
const LONG: &str = r##"version: 1
name: long
format: { size: 96x160, fps: 25 }
captions: { style: line, font: DejaVu Sans }
scenes:
  - id: talk
    say: >
      The first thing that we see is the open sea. The second is a small [boat](boat) with a red sail.
      Then comes the wind from the west, and the boat turns. At last the sun goes down behind the hill.
    show: { color: "#224422" }
outputs: { film: out/film.mp4 }
"##;

#[test]
fn a_shown_word_encodes_one_segment_of_many() {
    let space = TestSpace::of(LONG);
    let first = space.build(&[]).ok();
    assert!(names(&first.ran(), "talk.encode.").len() >= 3, "{:?}", first.ran());
    space.edit("[boat]", "[ship]");
    let again = space.build(&[]).ok();
    assert_eq!(names(&again.ran(), "talk.encode.").len(), 1, "{:?}", again.ran());
    assert!(!again.ran().contains("film.mix"), "{:?}", again.ran());
}

#[test]
fn a_moved_scene_encodes_nothing() {
    let space = TestSpace::of(
        r##"version: 1
name: order
format: { size: 96x160, fps: 30 }
scenes:
  - { id: a, show: { color: "#aa0000" }, for: 1s }
  - { id: b, show: { color: "#00aa00" }, for: 1.5s }
  - { id: c, say: Here we are., show: { color: "#0000aa" } }
outputs: { film: out/film.mp4 }
"##,
    );
    let _ = space.build(&[]).ok();
    let (a, b) = (
        "  - { id: a, show: { color: \"#aa0000\" }, for: 1s }\n",
        "  - { id: b, show: { color: \"#00aa00\" }, for: 1.5s }\n",
    );
    space.edit(&format!("{a}{b}"), &format!("{b}{a}"));
    let again = space.build(&[]).ok();
    again.assert_ran(&["film.mix", "film.mux"]);
}

#[test]
fn a_hit_needs_no_name() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    space.edit("id: hook", "id: opening");
    let again = space.build(&[]).ok();
    assert_eq!(again.finished().ran, 0, "{:?}", again.ran());
}

#[test]
fn an_output_that_is_gone_is_placed_again_without_work() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let film = space.read("out/short.mp4");
    std::fs::remove_file(space.path("out/short.mp4")).unwrap();
    space.write("out/short.srt", "broken");
    let again = space.build(&[]).ok();
    assert_eq!(again.finished().ran, 0, "{}", again.stdout);
    assert_eq!(space.read("out/short.mp4"), film);
    assert!(space.read("out/short.srt").starts_with(b"1\n"));
}
