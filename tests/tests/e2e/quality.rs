//! Films that are made to a quality: they hold it, no smaller file would, and an edit costs what it changes.

use std::fs;
use std::process::Command;

use reel_tests::film::{Pictures, pictures};
use reel_tests::has;
use reel_tests::space::TestSpace;

/// Four scenes: one is easy, the others have the texture of a photograph. `film` is what is drawn, without loss.
const PROJECT: &str = r##"version: 1
name: quality
format: { size: 160x120, fps: 25 }
captions: { style: none, font: DejaVu Sans }
scenes:
  - { id: plain, show: { color: "#c82010" }, for: 2s }
  - { id: moved, show: { image: tide.jpg, motion: pan-left }, for: 3s }
  - { id: stood, show: { image: tide.jpg, motion: push-in }, for: 2s, transition: { kind: fade, for: 0.4s } }
  - { id: end, show: { card: { title: The end } }, for: 1s }
outputs:
  drawn: { file: out/drawn.mp4, crf: 0 }
  film:  { file: out/film.mp4, quality: { ssim: 0.97 } }
"##;

fn space(project: &str) -> TestSpace {
    let space = TestSpace::of(project);
    space.copy(reel_tests::repository().join("examples/two-formats/assets/tide.jpg"), "tide.jpg");
    space
}

/// What was chosen, as the log tells.
fn chosen(space: &TestSpace, node: &str) -> u8 {
    let log = space.reel(&["log", node]).ok().all();
    let (_, crf) = log.split_once("the film: crf ").unwrap_or_else(|| panic!("{log}"));
    crf.lines().next().unwrap().trim().parse().unwrap()
}

/// SSIM of luma of each frame, as FFmpeg measures it: by its own windows, of the same size.
fn likeness(space: &TestSpace, one: &str, other: &str) -> Vec<f64> {
    let stats = space.path("ssim.txt");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(space.path(one)).arg("-i").arg(space.path(other));
    command.args(["-lavfi", &format!("ssim=stats_file={}", stats.display()), "-f", "null", "-"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(stats).unwrap();
    let luma = |line: &str| line.split_once("Y:")?.1.split(' ').next()?.parse().ok();
    text.lines().filter_map(luma).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_film_holds_its_quality_and_one_step_less_would_not() {
    if !has("a_film_holds_its_quality_and_one_step_less_would_not", "ffmpeg") {
        return;
    }
    for codec in ["h264", "h265", "av1"] {
        let space = space(&PROJECT.replace("film.mp4,", &format!("film.mp4, codec: {codec},")));
        let _ = space.build(&[]).ok();
        let crf = chosen(&space, "film/film.quality");
        let found = likeness(&space, "out/film.mp4", "out/drawn.mp4");
        assert_eq!(found.len(), 200, "{codec}");
        // Scenes with a photograph in them, each as a whole: samples stand for them, within a hundredth.
        let scenes = [&found[50..125], &found[135..175]].map(mean);
        let hardest = scenes.into_iter().fold(1.0, f64::min);
        assert!((0.963..0.985).contains(&hardest), "{codec}: crf {crf} has {scenes:?}");
        // The next factor is not enough for some sample.
        let step = fs::read_to_string(space.path("reel.yaml")).unwrap();
        space.write("reel.yaml", step.replace("quality: { ssim: 0.97 }", &format!("crf: {}", crf + 4)));
        let _ = space.build(&["film"]).ok();
        let less = likeness(&space, "out/film.mp4", "out/drawn.mp4");
        let less = [&less[50..125], &less[135..175]].map(mean).into_iter().fold(1.0, f64::min);
        assert!(less < hardest && less < 0.97, "{codec}: crf {} has {less}", crf + 4);
    }
}

#[test]
fn more_quality_is_a_larger_film_of_the_same_pictures() {
    let size = |ssim: &str| {
        let space = space(&PROJECT.replace("0.97", ssim));
        let _ = space.build(&["film"]).ok();
        let Pictures { frames, .. } = pictures(&space.path("out/film.mp4"));
        assert_eq!(frames.len(), 200);
        (fs::metadata(space.path("out/film.mp4")).unwrap().len(), chosen(&space, "film/film.quality"))
    };
    let (small, large) = (size("0.9"), size("0.98"));
    assert!(small.0 * 3 < large.0 * 2 && small.1 > large.1 + 4, "{small:?} {large:?}");
}

#[test]
fn an_edit_that_keeps_the_factor_encodes_its_own_segments() {
    let space = space(&PROJECT.replace("  drawn: { file: out/drawn.mp4, crf: 0 }\n", ""));
    let first = space.build(&[]).ok();
    assert!(first.ran().contains("moved.trial") && first.ran().contains("film.quality"), "{:?}", first.ran());
    space.build(&[]).ok().assert_nothing_ran();
    let crf = chosen(&space, "film.quality");
    // The plain scene needs little, whatever its colour: it is tried again, and no other scene is encoded.
    space.edit("#c82010", "#2010c8");
    let again = space.build(&[]).ok();
    let ran = again.ran();
    assert!(ran.contains("plain.trial") && ran.contains("plain.encode.1"), "{ran:?}");
    let others = ran.iter().filter(|node| node.contains(".encode.") && !node.starts_with("plain."));
    assert_eq!(others.count(), 0, "{ran:?}");
    assert_eq!(chosen(&space, "film.quality"), crf);
}

#[test]
fn what_cannot_be_held_is_made_as_good_as_can_be_with_a_warning() {
    let space = space(&PROJECT.replace("0.97", "0.999"));
    let built = space.build(&["film"]).ok();
    let warnings: Vec<String> = built
        .events_of("warning")
        .iter()
        .filter_map(|event| Some(event["message"].as_str()?.into()))
        .collect();
    let wanted = "no `crf` from 8 on keeps an SSIM of 0.999: scene `stood` comes to 0.99";
    let told = warnings.iter().any(|text| text.contains(wanted));
    assert!(told, "{warnings:?}\n{}", built.all());
    assert_eq!(chosen(&space, "film/film.quality"), 8);
}

#[test]
fn each_rendition_of_a_stream_may_have_its_own_quality() {
    let space = space(&PROJECT.replace(
        "  film:  { file: out/film.mp4, quality: { ssim: 0.97 } }\n",
        "  live:  { file: out/live.m3u8, renditions: [{ quality: { ssim: 0.96 } }, { size: 80x60, crf: 30 }] }\n",
    ));
    let built = space.build(&["live"]).ok();
    let ran = built.ran();
    let tried: Vec<&String> = ran.iter().filter(|node| node.ends_with(".trial")).collect();
    assert_eq!(tried.len(), 4, "{ran:?}");
    assert!(tried.iter().all(|node| node.starts_with("live.1/")), "{tried:?}");
    assert_eq!(pictures(&space.path("out/live-1.m3u8")).frames.len(), 200);
}

#[test]
fn a_draft_is_made_without_trials() {
    let space = space(PROJECT);
    let built = space.build(&["--draft", "film"]).ok();
    assert!(!built.ran().iter().any(|node| node.contains("trial")), "{:?}", built.ran());
}
