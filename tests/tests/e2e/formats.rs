//! Films in every codec and container, from the command line to what players are told.

use std::process::Command;

use reel_tests::film::{pictures, probe};
use reel_tests::space::TestSpace;
use serde_json::Value;

/// Two scenes of 1 s; what is heard is a short bed.
const PROJECT: &str = r##"version: 1
name: formats
format: { size: 128x96, fps: 10 }
captions: { font: DejaVu Sans }
music: { file: bed.wav }
scenes:
  - { id: red, chapter: "Red, first", show: { color: "#c82010" }, for: 1s }
  - { id: blue, show: { color: "#1020c8" }, for: 1s }
outputs:
  plain:   out/plain.mp4
  small:   { file: out/small.mp4, codec: h265, preset: web }
  newest:  { file: out/newest.mkv, codec: av1, pixel_format: yuv420p10 }
  page:    { file: out/page.webm, bitrate: 200kbps, two_pass: true, title: On a page }
  cutting: { file: out/cutting.mov, codec: prores, profile: lt }
  loop:    { file: out/loop.gif, colors: 16 }
  told:
    file: out/told.mp4
    title: Two colours
    artist: Ada
    date: "2027"
    chapters: true
    cover: { at: 1.5s }
"##;

fn space() -> TestSpace {
    let space = TestSpace::of(PROJECT);
    space.bed("bed.wav", 3);
    space
}

fn streams(space: &TestSpace, file: &str) -> Vec<Value> {
    probe(&space.path(file), &["-show_streams"])["streams"].as_array().unwrap().clone()
}

fn text<'a>(stream: &'a Value, key: &str) -> &'a str {
    stream[key].as_str().unwrap_or_default()
}

#[test]
fn one_project_makes_films_in_every_codec() {
    let space = space();
    let _ = space.build(&[]).ok();
    for (file, codec, tag, format, sound) in [
        ("plain.mp4", "h264", "avc1", "yuv420p", "aac"),
        ("small.mp4", "hevc", "hvc1", "yuv420p", "aac"),
        ("newest.mkv", "av1", "[0][0][0][0]", "yuv420p10le", "opus"),
        ("page.webm", "vp9", "[0][0][0][0]", "yuv420p", "opus"),
        ("cutting.mov", "prores", "apcs", "yuv422p10le", "aac"),
    ] {
        let file = format!("out/{file}");
        let all = streams(&space, &file);
        assert_eq!(all.len(), 2, "{file}");
        let found = ["codec_name", "codec_tag_string", "pix_fmt"].map(|key| text(&all[0], key));
        assert_eq!(found, [codec, tag, format], "{file}");
        assert_eq!(text(&all[0], "color_space"), "bt709", "{file}");
        assert_eq!(text(&all[1], "codec_name"), sound, "{file}");
        two_colours(&space, &file, 20, 4.0);
    }
    let all = streams(&space, "out/loop.gif");
    assert_eq!((all.len(), text(&all[0], "codec_name")), (1, "gif"));
    let painted = rgb(&space, "out/loop.gif");
    assert_eq!(painted.len(), 20);
    for (frame, wanted) in [(0, [0xc8, 0x20, 0x10]), (9, [0xc8, 0x20, 0x10]), (10, [0x10, 0x20, 0xc8])] {
        let found = painted[frame];
        assert!(
            found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) <= 6),
            "{frame}: {found:?}"
        );
    }
    space.build(&[]).ok().assert_nothing_ran();
}

/// A pixel of each picture of a GIF, which has no other colours.
fn rgb(space: &TestSpace, file: &str) -> Vec<[u8; 3]> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(space.path(file));
    command.args([
        "-vf",
        "crop=1:1:20:40",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

/// The first scene is red, the second blue.
fn two_colours(space: &TestSpace, file: &str, frames: usize, by: f64) {
    let shown = pictures(&space.path(file));
    assert_eq!(shown.frames.len(), frames, "{file}");
    for (frame, wanted) in [(0, [200.0, 32.0, 16.0]), (9, [200.0, 32.0, 16.0]), (10, [16.0, 32.0, 200.0])] {
        let found = shown.pixel(frame, 20, 40);
        let near = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() <= by);
        assert!(near, "{file}: frame {frame} is {found:?}, wanted {wanted:?}");
    }
}

#[test]
fn a_film_tells_its_title_its_chapters_and_its_cover() {
    let space = space();
    let _ = space.build(&["told"]).ok();
    // FFmpeg warns of the covers and chapters that it writes itself, too.
    let args = ["-v", "error", "-show_format", "-show_chapters", "-show_streams"];
    let told = probe(&space.path("out/told.mp4"), &args);
    let tags = &told["format"]["tags"];
    assert_eq!(
        (text(tags, "title"), text(tags, "artist"), text(tags, "date")),
        ("Two colours", "Ada", "2027")
    );
    let chapters: Vec<(&str, &str)> = told["chapters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chapter| (text(chapter, "start_time"), text(&chapter["tags"], "title")))
        .collect();
    assert_eq!(chapters, [("0.000000", "Red, first"), ("1.000000", "blue")]);
    let cover = |stream: &&Value| stream["disposition"]["attached_pic"] == 1;
    let streams = told["streams"].as_array().unwrap();
    assert_eq!(streams.iter().find(cover).map(|stream| text(stream, "codec_name")), Some("mjpeg"));
}

#[test]
fn a_change_of_codec_keeps_what_was_drawn_and_said() {
    let space = space();
    let _ = space.build(&["small"]).ok();
    space.edit("codec: h265, preset: web", "codec: h265, preset: web, crf: 30");
    let again = space.build(&["small"]).ok();
    let ran = again.ran();
    assert!(
        ran.iter().all(|node| [".segments", ".encode.", "film.mux"].iter().any(|of| node.contains(of))),
        "{ran:?}"
    );
    assert!(ran.iter().any(|node| node.contains(".encode.")), "{ran:?}");
}
