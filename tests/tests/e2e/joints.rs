//! Joints within a scene: where one segment ends and the next begins, the picture goes on as it does everywhere.

use std::path::Path;
use std::process::Command;

use reel_tests::film::{Pictures, pictures, probe};
use reel_tests::space::TestSpace;
use reel_tests::{has, repository};

/// A slow zoom that is longer than any segment. Encoders that hold every frame to itself leave nothing but what was
/// drawn; with others the first frame of a segment, which refers to none, is of another quality than the one before,
/// as every key frame is.
const PROJECT: &str = r#"version: 1
name: joints
format: { size: 320x180, fps: 25 }
captions: { style: none }
scenes:
  - { id: zoom, show: { image: corona.jpg, motion: push-in }, for: 21s }
outputs:
  exact: { file: out/exact.mp4, crf: 0, preset: ultrafast }
  each:  { file: out/each.mov, codec: prores, profile: hq }
  usual: { file: out/usual.mp4, crf: 23, preset: veryfast }
"#;

/// How much every frame differs from the one before, from the second on: the mean square of luma.
fn changes(film: &Pictures) -> Vec<f64> {
    let luma = film.width * film.height;
    let change = |pair: &[Vec<u8>]| {
        let squares = pair[0][..luma].iter().zip(&pair[1][..luma]);
        squares.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>() / luma as f64
    };
    film.frames.windows(2).map(change).collect()
}

/// The frames at which segments begin, behind the first.
fn joints(path: &Path) -> Vec<usize> {
    let told = probe(path, &["-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"]);
    let key =
        |packet: &&serde_json::Value| packet["flags"].as_str().is_some_and(|flags| flags.starts_with('K'));
    let packets = told["packets"].as_array().unwrap().iter().filter(key);
    let frames =
        packets.map(|packet| (reel_tests::film::number(&packet["pts_time"]) * 25.0).round() as usize);
    frames.filter(|frame| *frame > 0).collect()
}

/// The same frames in one piece, by the same encoder with the same settings and key frames at the same places.
fn in_one_piece(exact: &Path, joints: &[usize], to: &Path) {
    let at: Vec<String> = joints.iter().map(|frame| (*frame as f64 / 25.0).to_string()).collect();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(exact);
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-threads", "1"]);
    command.args(["-force_key_frames", &at.join(",")]).arg(to);
    assert!(command.status().unwrap().success());
}

#[test]
fn a_joint_changes_hardly_more_than_a_key_frame() {
    if !has("a_joint_changes_hardly_more_than_a_key_frame", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(PROJECT);
    space.copy(repository().join("examples/eclipse/assets/corona.jpg"), "corona.jpg");
    let _ = space.build(&["exact", "usual"]).ok();
    let usual = space.path("out/usual.mp4");
    let (joints, whole) = (joints(&usual), space.path("whole.mp4"));
    assert!(joints.len() >= 2, "{joints:?}");
    in_one_piece(&space.path("out/exact.mp4"), &joints, &whole);
    let (joined, whole) = (changes(&pictures(&usual)), changes(&pictures(&whole)));
    assert_eq!(joined.len(), whole.len());
    for joint in joints {
        let (joined, whole) = (joined[joint - 1], whole[joint - 1]);
        assert!(joined <= 1.5 * whole, "frame {joint} changes by {joined:.2}, a key frame by {whole:.2}");
    }
}

#[test]
fn a_slow_zoom_goes_on_over_joints() {
    if !has("a_slow_zoom_goes_on_over_joints", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(PROJECT);
    space.copy(repository().join("examples/eclipse/assets/corona.jpg"), "corona.jpg");
    let _ = space.build(&["exact", "each"]).ok();
    let joints = joints(&space.path("out/exact.mp4"));
    assert!(joints.len() >= 2, "a scene of 21 s has more than two segments: {joints:?}");
    for file in ["out/exact.mp4", "out/each.mov"] {
        let film = pictures(&space.path(file));
        assert_eq!(film.frames.len(), 525, "{file}");
        let changes = changes(&film);
        for joint in &joints {
            let at = joint - 1;
            let near = changes[at - 8..at].iter().chain(&changes[at + 1..at + 9]);
            let usual = near.sum::<f64>() / 16.0;
            assert!(usual > 0.0, "{file}: it moves");
            let ratio = changes[at] / usual;
            assert!(
                ratio <= 1.5 && changes[at] > 0.0,
                "{file}: frame {joint} changes {ratio:.2} times as much as others"
            );
        }
    }
}
