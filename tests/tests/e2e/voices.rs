//! Names of voices are known before anything is said. It listens to nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use reel_tests::space::{TestSpace, program};

fn story(voice: &str, own: &str) -> TestSpace {
    TestSpace::of(&format!(
        "version: 1\nvoice: {{ voice: {voice} }}\nscenes:\n  - id: hook\n    say: The moon is far. The sun is bright.\n    \
         voice: {own}\n    show: {{ color: \"#336699\" }}\noutputs: {{ film: out/film.mp4 }}\n"
    ))
}

#[test]
fn an_unknown_voice_is_an_error_before_anything_runs_with_the_nearest_name() {
    for (voice, own, message, help, line) in [
        ("en-uss", "{ rate: 160 }", "unknown voice `en-uss`", "did you mean `en-us`?", 2),
        ("en-us", "{ voice: dee }", "unknown voice `dee`", "did you mean `de`?", 6),
        ("en-us+f33", "{ rate: 160 }", "unknown voice variant `f33`", "did you mean `en-us+f3`?", 2),
    ] {
        let space = story(voice, own);
        for command in ["check", "build", "plan"] {
            let ran = space.reel(&[command, "--json"]);
            assert_eq!(ran.code, Some(2), "{voice}: {}", ran.all());
            let told = ran.events();
            assert_eq!(told.len(), 1, "one error for all sentences: {}", ran.all());
            assert_eq!((&told[0]["code"], &told[0]["message"]), (&"R006".into(), &message.into()));
            assert!(told[0]["help"].as_str().unwrap().starts_with(help), "{}", told[0]);
            assert!(ran.stdout.contains(&format!("\"line\":{line}")), "{}", told[0]);
        }
        assert!(!space.path("out").exists() && !space.path(".reel").exists());
    }
    for voice in ["en-us", "EN-US", "de+f3", "gmw/en-US"] {
        let _ = story(voice, "{ pitch: 50 }").reel(&["check"]).ok();
    }
}

#[test]
fn voices_are_asked_for_once_and_again_only_when_the_speaker_changes() {
    let space = story("en-us", "{ rate: 160 }");
    // A worker that counts how often it is started.
    let (counting, count) = (space.root().join("counting"), space.root().join("count"));
    let (worker, speaker) = (program("reel-worker"), program("reel-speak"));
    let script = format!("#!/bin/sh\necho x >> '{}'\nexec '{}' \"$@\"\n", count.display(), worker.display());
    fs::write(&counting, script).unwrap();
    fs::set_permissions(&counting, fs::Permissions::from_mode(0o755)).unwrap();
    // A file that changed in the moment it was asked is asked again.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let check = || {
        let mut check = space.command(&["check"]);
        check.env("REEL_WORKER", &counting).env("REEL_SPEAK", &speaker);
        assert!(check.output().unwrap().status.success());
        fs::read_to_string(&count).unwrap_or_default().lines().count()
    };
    assert_eq!((check(), check(), check()), (1, 1, 1));
}

#[test]
fn without_a_speaker_voices_are_not_known_and_a_project_can_still_be_checked() {
    let space = story("en-uss", "{ rate: 160 }");
    // A worker with no speaker beside it, and no worker at all.
    let alone = space.root().join("reel-worker");
    fs::copy(program("reel-worker"), &alone).unwrap();
    for worker in [alone.to_str().unwrap(), "/nowhere/at/all"] {
        let mut check = space.command(&["check"]);
        let output = check.env("REEL_SPEAK", "/nowhere/at/all").env("REEL_WORKER", worker).output().unwrap();
        assert!(output.status.success(), "{worker}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
