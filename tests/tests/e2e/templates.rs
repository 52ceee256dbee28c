//! What `reel new` makes builds at once, and then has nothing to do. Frames are made smaller, so that it is quick.

use std::fs;

use reel_tests::space::TestSpace;

fn builds(template: &str, outputs: &[&str]) {
    let space = TestSpace::of("");
    fs::remove_file(space.path("reel.yaml")).unwrap();
    let _ = space.reel(&["new", ".", "--template", template]).ok();
    let text = fs::read_to_string(space.path("reel.yaml")).unwrap();
    let text =
        text.replace("1080x1920", "270x480").replace("1920x1080", "480x270").replace("1080x1080", "270x270");
    space.write("reel.yaml", text);
    let _ = space.reel(&["build"]).ok();
    for output in outputs {
        assert!(fs::metadata(space.path(output)).is_ok_and(|meta| meta.len() > 100), "{output}");
    }
    let again = space.reel(&["build", "--json"]).ok();
    assert_eq!(again.finished().ran, 0, "{}", again.all());
}

#[test]
fn short() {
    builds("short", &["out/short.mp4", "out/short.srt"]);
}

#[test]
fn slides() {
    builds("slides", &["out/slides.mp4", "out/poster.png"]);
}

#[test]
fn podcast_clips() {
    builds("podcast-clips", &["out/episode.m4a", "out/first.mp4", "out/second.mp4", "out/episode.srt"]);
}

#[test]
fn product_update() {
    builds("product-update", &["out/update.mp4", "out/square.mp4", "out/update.vtt", "out/poster.png"]);
}

#[test]
fn catalog() {
    builds("catalog", &["out/mug.mp4", "out/lamp.mp4", "out/bag.mp4", "out/bag.png"]);
}
