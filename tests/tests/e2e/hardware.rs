//! Films that a graphics device is to encode: on a machine that can, by it; on others, as the project says.

use reel_tests::film::pictures;
use reel_tests::space::TestSpace;
use reel_tests::{has, skip};
use serde_json::Value;

const PROJECT: &str = r##"version: 1
name: hardware
format: { size: 320x240, fps: 25 }
captions: { style: none, font: DejaVu Sans }
scenes:
  - { id: plain, show: { color: "#c82010" }, for: 5s }
  - { id: other, show: { color: "#2040c0" }, for: 5s }
outputs:
  film: { file: out/film.mp4, hw: WISH }
"##;

fn space(wish: &str) -> TestSpace {
    TestSpace::of(&PROJECT.replace("WISH", wish))
}

/// What is told of encoders in graphics devices.
fn encoders(space: &TestSpace) -> Vec<Value> {
    let mut told = space.reel(&["devices", "--json"]).ok().events();
    told.remove(0)["encoders"].as_array_mut().map(std::mem::take).unwrap()
}

/// Whether one of this machine makes H.264.
fn works() -> bool {
    let of_h264 = |encoder: &Value| encoder["name"].as_str().unwrap().starts_with("h264_");
    encoders(&space("off")).iter().any(|encoder| of_h264(encoder) && encoder["works"] == true)
}

#[test]
fn each_encoder_works_or_has_a_reason() {
    let space = space("off");
    let encoders = encoders(&space);
    assert_eq!(encoders.len(), 11, "{encoders:#?}");
    for encoder in &encoders {
        let said = if encoder["works"] == true { &encoder["identity"] } else { &encoder["why"] };
        assert!(said.as_str().is_some_and(|said| !said.is_empty()), "{encoder:#}");
    }
    let told = space.reel(&["devices"]).ok().stdout;
    assert!(told.contains("encoder"), "{told}");
}

#[test]
fn without_a_device_auto_is_as_if_nothing_was_said_and_require_is_an_error() {
    let auto = space("auto");
    if works() {
        skip(
            "without_a_device_auto_is_as_if_nothing_was_said_and_require_is_an_error",
            "a graphics device of this machine encodes",
        );
        return;
    }
    let _ = auto.build(&[]).ok();
    auto.edit("hw: auto", "hw: off");
    auto.build(&[]).ok().assert_nothing_ran();
    let film = auto.read("out/film.mp4");
    auto.edit("hw: off", "hw: require");
    let refused = auto.build(&[]);
    assert_eq!(refused.code, Some(2), "{}", refused.all());
    let said = auto.reel(&["check"]).all();
    assert!(said.contains("error[R023]: no graphics device of this machine encodes `h264`"), "{said}");
    assert!(
        auto.reel(&["devices"]).stdout.contains("encoder"),
        "it tells also where the project asks for more"
    );
    assert!(said.contains("`h264_nvenc`") && said.contains("hw: require"), "{said}");
    assert_eq!(auto.read("out/film.mp4"), film, "the last good film stands");
}

#[test]
fn a_device_that_works_makes_the_film_and_is_in_its_keys() {
    let test = "a_device_that_works_makes_the_film_and_is_in_its_keys";
    let space = space("require");
    if !works() {
        return skip(test, "no graphics device of this machine encodes");
    }
    if !has(test, "ffmpeg") {
        return;
    }
    let _ = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    let [red, _, blue] = film.pixel(10, 160, 120);
    assert!(red > blue, "{red} {blue}");
    space.edit("hw: require", "hw: off");
    assert!(space.build(&[]).ok().ran().contains("plain.encode.1"), "no result is taken for the other's");
}
