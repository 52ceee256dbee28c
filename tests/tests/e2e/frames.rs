//! All frames of a film as PNG files: the right ones under the right numbers, and an edit costs what it changes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use reel_tests::has;
use reel_tests::space::TestSpace;

/// Four frames of each of two colours, then a caption's worth of a card.
const PROJECT: &str = r##"version: 1
name: frames
format: { size: 64x48, fps: 10 }
captions: { style: none, font: DejaVu Sans }
scenes:
  - { id: red, show: { color: "#c82010" }, for: 1.2s }
  - { id: blue, show: { color: "#1020c8" }, for: 0.8s, transition: { kind: fade, for: 0.4s } }
  - { id: tide, show: { image: tide.jpg, motion: pan-left }, for: 1s }
outputs:
  frames: out/frames/%04d.png
  film: { file: out/film.mp4, crf: 0 }
"##;

fn space() -> TestSpace {
    let space = TestSpace::of(PROJECT);
    space.copy(reel_tests::repository().join("examples/two-formats/assets/tide.jpg"), "tide.jpg");
    space
}

fn listed(space: &TestSpace) -> Vec<String> {
    let entries = fs::read_dir(space.path("out/frames")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn inodes(space: &TestSpace) -> Vec<u64> {
    listed(space)
        .iter()
        .map(|name| fs::metadata(space.path(&format!("out/frames/{name}"))).unwrap().ino())
        .collect()
}

/// RGB of every frame of what FFmpeg reads from `input`, with the matrix of the film.
fn rgb(space: &TestSpace, input: &[&str], filter: &str) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(input).current_dir(space.project());
    command.args(["-vf", filter, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(64 * 48 * 3).map(<[u8]>::to_vec).collect()
}

#[test]
fn every_frame_of_the_film_is_a_picture_under_its_number() {
    if !has("every_frame_of_the_film_is_a_picture_under_its_number", "ffmpeg") {
        return;
    }
    let space = space();
    let built = space.build(&[]).ok();
    let names: Vec<String> = (1..=30).map(|number| format!("{number:04}.png")).collect();
    assert_eq!(listed(&space), names, "numbers begin with 1");
    let pictures = rgb(&space, &["-i", "out/frames/%04d.png"], "null");
    let exact = "scale=in_color_matrix=bt709:in_range=tv:sws_flags=accurate_rnd+full_chroma_int+full_chroma_inp+bilinear";
    let film = rgb(&space, &["-i", "out/film.mp4"], exact);
    assert_eq!((pictures.len(), film.len()), (30, 30));
    for (index, (picture, frame)) in pictures.iter().zip(&film).enumerate() {
        let sum: u64 = picture.iter().zip(frame).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / picture.len() as f64;
        assert!(mean < 1.0, "frame {} differs by {mean} in the mean", index + 1);
    }
    // Flat colours come out as they were written.
    for (frame, wanted) in [(0, [0xc8, 0x20, 0x10]), (11, [0xc8, 0x20, 0x10]), (19, [0x10, 0x20, 0xc8])] {
        let found = &pictures[frame][..3];
        assert!(found.iter().zip(wanted).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 2), "{frame}: {found:?}");
    }
    assert_ne!(pictures[13], pictures[14], "the fade goes on");
    let published = built.events_of("did-publish");
    let told: Vec<_> = published.iter().filter(|event| event["name"] == "frames").collect();
    assert_eq!(told.len(), 1, "{published:?}");
    assert!(told[0]["path"].as_str().unwrap().ends_with("out/frames/%04d.png"));
    assert_eq!(built.finished().outputs.len(), 2);
    space.build(&[]).ok().assert_nothing_ran();
}

#[test]
fn an_edit_writes_the_frames_that_it_changes_and_a_shorter_film_leaves_none_behind() {
    let space = space();
    let _ = space.build(&["frames"]).ok();
    let before = inodes(&space);
    space.edit("#1020c8", "#10c820");
    let built = space.build(&["frames"]).ok();
    let ran = built.ran();
    assert!(ran.iter().all(|node| node.contains("blue.")), "{ran:?}");
    let after = inodes(&space);
    let changed: Vec<usize> = (0..30).filter(|index| before[*index] != after[*index]).collect();
    assert_eq!(changed, (12..20).collect::<Vec<_>>());
    space.edit("for: 1.2s", "for: 0.5s");
    space.write("out/frames/notes.txt", "mine");
    let _ = space.build(&["frames"]).ok();
    let left = listed(&space);
    assert_eq!((left.len(), left[22].as_str(), left[23].as_str()), (24, "0023.png", "notes.txt"));
    let pictures = rgb(&space, &["-i", "out/frames/%04d.png"], "null");
    assert_eq!(pictures.len(), 23);
    assert_eq!(pictures[4][..3], pictures[0][..3]);
    assert_ne!(pictures[6][..3], pictures[4][..3]);
}

#[test]
fn a_frame_that_is_lost_is_placed_again_and_what_differs_is_told() {
    let space = space();
    let _ = space.build(&["frames"]).ok();
    fs::remove_file(space.path("out/frames/0007.png")).unwrap();
    space.write("out/frames/0008.png", "scribbled over");
    let verified = space.reel(&["verify", "frames"]);
    assert!(verified.all().contains("out/frames/0008.png"), "{}", verified.all());
    assert!(verified.all().contains("out/frames/0007.png"), "{}", verified.all());
    let why = space.reel(&["why", "frames"]).ok();
    assert!(why.all().contains("out/frames/%04d.png"), "{}", why.all());
    let again = space.build(&["frames"]).ok();
    assert_eq!(again.finished().ran, 0);
    assert_eq!(listed(&space).len(), 30);
    let _ = space.reel(&["verify", "frames"]).ok();
    let diff = space.reel(&["diff", "frames"]);
    assert!(diff.code == Some(2) && diff.all().contains("series of files"), "{}", diff.all());
}

#[test]
fn drafts_stand_beside_and_a_sweep_of_the_cache_keeps_what_stands() {
    let space = space();
    let _ = space.build(&["frames"]).ok();
    let _ = space.build(&["--draft", "frames"]).ok();
    let names = listed(&space);
    assert_eq!(names.len(), 60);
    assert!(names.contains(&"0030.draft.png".to_owned()), "{names:?}");
    let _ = space.reel(&["cache", "gc", "--max-size", "1MB"]).ok();
    let again = space.build(&["frames"]).ok();
    assert_eq!(again.finished().ran, 0, "what current outputs need is kept: {:?}", again.ran());
}

#[test]
fn what_is_no_series_of_pictures_is_told() {
    let space = space();
    let check = |file: &str| {
        space.write(
            "reel.yaml",
            PROJECT.replace("  frames: out/frames/%04d.png", &format!("  frames: {file}")),
        );
        let ran = space.reel(&["check"]);
        assert_eq!(ran.code, Some(2), "{file}: {}", ran.all());
        ran.all()
    };
    assert!(check("out/frames/%d.png").contains("does not say how frames are numbered"));
    assert!(check("out/%04d/a.png").contains("does not say how frames are numbered"));
    assert!(check("out/frames/%04d.jpg").contains("are PNG files"));
    assert!(
        check("{ file: out/frames/%04d.png, crf: 20 }").contains("means nothing for pictures of all frames")
    );
}
