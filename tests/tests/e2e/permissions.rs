//! Files and folders that may not be read or written. Root may do anything, so these run as somebody else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reel_tests::skip;
use reel_tests::space::TestSpace;

fn mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const PROJECT: &str = r##"version: 1
name: wrong
format: { size: 96x96, fps: 25 }
scenes:
  - id: a
    show: { image: tide.jpg }
    for: 0.4s
outputs:
  film: out/film.mp4
"##;

fn project() -> TestSpace {
    let space = TestSpace::story();
    space.write("reel.yaml", PROJECT);
    space
}

const NO_USER: &str = "it runs as root, and `setpriv` cannot make it somebody else";

#[test]
fn an_unreadable_file_is_told() {
    let space = project();
    mode(space.path("tide.jpg"), 0o000);
    let Some(ran) = space.unprivileged(&["build", "--json"]) else {
        return skip("an_unreadable_file_is_told", NO_USER);
    };
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    let told = ran.events_of("diagnostic");
    assert_eq!(told.len(), 1, "{}", ran.all());
    assert_eq!((&told[0]["code"], &told[0]["line"]), (&"R013".into(), &6.into()), "{}", ran.all());
    assert!(told[0]["message"].as_str().unwrap().contains("`tide.jpg`"));
}

#[test]
fn a_cache_that_takes_nothing_costs_speed_only() {
    let space = project();
    fs::create_dir(space.cache()).unwrap();
    mode(space.cache(), 0o555);
    for _ in 0..2 {
        let Some(ran) = space.unprivileged(&["build", "--json"]) else {
            return skip("a_cache_that_takes_nothing_costs_speed_only", NO_USER);
        };
        assert_eq!(ran.code, Some(0), "{}", ran.all());
        assert!(ran.finished().ran > 0);
        assert!(space.path("out/film.mp4").exists());
    }
    assert_eq!(fs::read_dir(space.cache()).unwrap().count(), 0);
}

#[test]
fn an_output_that_cannot_be_written_is_told_and_the_old_one_stands() {
    let space = project();
    space.write("out/film.mp4", "the last good one");
    mode(space.path("out"), 0o555);
    let Some(ran) = space.unprivileged(&["build", "--json"]) else {
        return skip("an_output_that_cannot_be_written_is_told_and_the_old_one_stands", NO_USER);
    };
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(ran.all().contains("out/film.mp4"), "{}", ran.all());
    assert_eq!(space.read("out/film.mp4"), b"the last good one");
    mode(space.path("out"), 0o777);
    let again = space.unprivileged(&["build", "--json"]).unwrap().ok();
    assert_eq!(again.finished().ran, 0, "what was made is not made again");
    assert_ne!(space.read("out/film.mp4"), b"the last good one");
}
