//! What is expected of outputs before they are placed, and what is told of two that differ. Films are small, and their
//! faults are made on purpose.

use std::path::Path;
use std::process::Command;

use reel_tests::film::pictures;
use reel_tests::ran::Ran;
use reel_tests::space::TestSpace;
use serde_json::Value;

/// Two seconds that move, one that is black, two that stand still; a bed beneath.
const FILM: &str = r##"version: 1
name: proof
format: { size: 96x96, fps: 25 }
music: { file: bed.wav, gain: -10dB }
scenes:
  - { id: moves, show: { image: tide.jpg, motion: push-in }, for: 2s }
  - { id: dark, show: { color: "#000000" }, for: 1s }
  - { id: stands, show: { color: "#336699" }, for: 2s }
"##;

fn film(outputs: &str) -> TestSpace {
    let space = TestSpace::of(&format!("{FILM}{outputs}"));
    space.bed("bed.wav", 6);
    space.copy(reel_tests::repository().join("examples/two-formats/assets/tide.jpg"), "tide.jpg");
    space
}

fn ffmpeg(folder: &Path, args: &str) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]).args(args.split(' ')).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The failure of a node, with all that it says.
#[track_caller]
fn failure(ran: &Ran, node: &str) -> Value {
    let failed = ran.events_of("did-fail").into_iter().find(|event| event["node"] == node);
    failed.unwrap_or_else(|| panic!("`{node}` did not fail: {}", ran.all()))
}

#[test]
fn what_is_expected_of_a_film_holds_it_back_and_nothing_else() {
    let space = film("outputs:\n  film: out/film.mp4\n  cover: { file: out/cover.png, at: 1s }\n");
    let _ = space.build(&[]).ok();
    let good = space.read("out/film.mp4");
    space.copy(space.path("out/film.mp4"), "before.mp4");
    space.copy(space.path("out/cover.png"), "cover.png");
    ffmpeg(&space.project(), "-f lavfi -i testsrc=s=96x96:r=25:d=5 -pix_fmt yuv420p other.mp4");
    space.edit(
        "  film: out/film.mp4\n",
        "  film:
    file: out/film.mp4
    expect:
      duration: 4.9s..5.1s
      lufs: -14 ± 1
      true_peak: 0dB
      av_skew: 50ms
      no_black: 1s
      no_freeze: 2s
      ssim_to: { file: before.mp4, least: 0.999 }
",
    );
    let met = space.build(&[]).ok();
    met.assert_ran(&["film.expect"]);
    let log = space.reel(&["log", "film.expect"]).ok();
    assert_eq!(log.stdout.matches("  met: `").count(), 7, "{}", log.stdout);
    space.build(&[]).assert_nothing_ran();

    let bad = [
        ("4.9s..5.1s", "<= 4s", "it lasts 5s, expected at most 4s"),
        ("-14 ± 1", "-20..-18", "LUFS, expected -20 to -18 LUFS"),
        ("true_peak: 0dB", "true_peak: -20dB", "s, expected at most -20 dB"),
        ("no_black: 1s", "no_black: 0.5s", "it is black for 1s from 2s to 3s, expected at most 0.5s"),
        ("no_freeze: 2s", "no_freeze: 1.5s", "it stands still for 2s from 3s to 5s, expected at most 1.5s"),
        ("file: before.mp4", "file: other.mp4", "the least SSIM is 0."),
    ];
    for (old, new, _) in bad {
        space.edit(old, new);
    }
    space.edit("push-in", "pull-out");
    space.append("  sound: out/sound.wav\n");
    let ran = space.build(&["--keep-going"]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let told = failure(&ran, "film.expect");
    for (.., says) in bad {
        assert!(told["message"].as_str().unwrap().contains(says), "`{says}`: {told}");
    }
    assert!(told["help"].as_str().unwrap().contains("`no_freeze`"), "{told}");
    assert!(told["log"].as_str().unwrap().contains("\nmet: `av_skew`: "), "{told}");
    assert!(space.read("out/film.mp4") == good, "the last good film stands");
    assert!(space.path("out/sound.wav").is_file(), "other outputs are made");
    assert!(space.read("out/cover.png") != space.read("cover.png"), "they are those of the new film");
    let drawn = space.reel(&["build"]);
    assert!(drawn.all().contains("film  (not made; what was there is untouched)"), "{}", drawn.all());
}

#[test]
fn sounds_pictures_and_captions_are_held_to_what_is_expected_too() {
    let space = film(
        "outputs:
  sound: { file: out/sound.wav, expect: { duration: 5s ± 10ms, lufs: -16..-12, true_peak: -0.5dB } }
  cover: { file: out/cover.png, at: 1s, expect: { ssim_to: { file: cover.png, least: 0.9 } } }
nodes:
  words: { uses: expect, with: { captions: words.srt, expect: { cps: 20, glyphs: [DejaVu Sans] } } }
  skew:  { uses: expect, with: { video: skewed.mp4, expect: { av_skew: 100ms, duration: ..5s } } }
  frame: { uses: expect, with: { video: skewed.mp4, expect: { ssim_to: { file: frame.png, at: 0.5s, least: 0.95 } } } }
",
    );
    let folder = space.project();
    ffmpeg(
        &folder,
        "-f lavfi -i testsrc=s=96x96:r=25:d=1 -f lavfi -i sine=d=1.05 -pix_fmt yuv420p -c:a aac skewed.mp4",
    );
    ffmpeg(&folder, "-ss 0.5 -i skewed.mp4 -frames:v 1 frame.png");
    ffmpeg(&folder, "-i tide.jpg -vf scale=96:96 cover.png");
    space.write("words.srt", "1\n00:00:01,000 --> 00:00:02,000\nThe moon is far\n");
    let all = ["sound", "words", "skew", "frame"];
    let _ = space.build(&[&all[..], &["--keep-going"]].concat()).ok();

    // The cover is cut from the middle of the picture, and its reference is not.
    let ran = space.build(&["cover"]);
    assert!(
        failure(&ran, "cover.expect")["message"]
            .as_str()
            .unwrap()
            .starts_with("the SSIM of the picture is 0.")
    );
    assert!(!space.path("out/cover.png").exists(), "a file that was never good is not placed");

    space.write("words.srt", "1\n00:00:01,000 --> 00:00:01,500\nThe 月 is far, far away\n");
    space.edit("5s ± 10ms", "\">= 6s\"");
    ffmpeg(
        &folder,
        "-f lavfi -i testsrc=s=96x96:r=25:d=1 -f lavfi -i sine=d=1.4 -pix_fmt yuv420p -c:a aac skewed.mp4",
    );
    ffmpeg(&folder, "-f lavfi -i color=red:s=96x96 -frames:v 1 frame.png");
    let ran = space.build(&[&all[..], &["--keep-going"]].concat());
    let says = |node: &str| failure(&ran, node)["message"].as_str().unwrap().to_owned();
    assert_eq!(says("sound.expect"), "it lasts 5s, expected at least 6s");
    assert_eq!(
        says("words"),
        "`The 月 is far, far away` shows 34 characters a second at 1s, expected at most 20 a second; captions have \
         `月` (U+6708), first at 1s, expected only what is in `DejaVu Sans`"
    );
    assert!(says("skew").starts_with("sound and pictures end 0."), "{}", says("skew"));
    assert!(says("frame").starts_with("the SSIM of the picture at 0.5s is 0."), "{}", says("frame"));
}

#[test]
fn what_cannot_be_expected_of_an_output_is_told_by_check() {
    let space = film(
        "outputs:
  cover: { file: out/cover.png, expect: { lufs: -14 ± 1 } }
  sound: { file: out/sound.wav, expect: { no_black: 1s, duration: 5s } }
  film: { file: out/film.mp4, expect: { cps: 20 } }
  empty: { file: out/empty.mp4, title: x, expect: {} }
  other: { file: out/other.mp4, title: y, needs: nothing }
",
    );
    let ran = space.reel(&["check", "--json"]);
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    let told: Vec<String> = ran
        .events_of("diagnostic")
        .iter()
        .map(|it| {
            format!("{} {} {}", it["line"], it["code"].as_str().unwrap(), it["message"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "10 R006 `lufs` means nothing for a picture",
        "11 R006 `duration` wants a range of lengths of time, but `5s` is one value",
        "12 R006 `cps` means nothing for a film without captions in it",
        "13 R006 `expect` says nothing",
    ];
    for line in expected {
        assert!(told.iter().any(|told| told.contains(line)), "`{line}`: {told:#?}");
    }
}

#[test]
fn captions_in_a_film_are_held_to_what_is_expected() {
    let space = TestSpace::story();
    space.edit(
        "  short: out/short.mp4",
        "  short: { file: out/short.mp4, expect: { cps: 60, glyphs: [DejaVu Sans] } }",
    );
    let _ = space.build(&["short"]).ok();
    space.edit("cps: 60", "cps: 2");
    let ran = space.build(&["short"]);
    assert!(ran.ran().is_empty(), "nothing else is made again: {}", ran.all());
    let told = failure(&ran, "short.expect");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("characters a second at ") && message.contains("too fast"), "{told}");
}

fn diff(space: &TestSpace, args: &[&str]) -> (Option<i32>, Value) {
    let ran = space.reel(&[&["diff", "--json"], args].concat());
    let mut all = ran.events();
    assert_eq!(all.len(), 1, "{}", ran.all());
    (ran.code, all.remove(0))
}

/// What the page of `--json` shows of `diff`.
fn documented() -> Value {
    let page = std::fs::read_to_string(reel_tests::repository().join("docs/json.md")).unwrap();
    let examples = page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let example = examples.into_iter().find(|text| text.contains("\"event\": \"diff\"")).unwrap();
    serde_json::from_str(example).unwrap()
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn two_builds_of_a_film_differ_where_it_was_edited() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let (code, told) = diff(&space, &["short"]);
    assert_eq!(code, Some(2), "there is nothing to compare it with: {told}");
    space.copy(space.path("out/short.mp4"), "before.mp4");
    assert_eq!(diff(&space, &["before.mp4", "out/short.mp4"]).0, Some(0));

    space.edit("Red apples fall down.", "Red and yellow apples fall down.");
    let _ = space.build(&[]).ok();
    let (code, told) = diff(&space, &["short"]);
    assert_eq!((code, &told["same"]), (Some(1), &Value::Bool(false)), "{told}");
    let ranges = told["pictures"].as_array().unwrap();
    assert!(!ranges.is_empty(), "{told}");
    let longer = told["other"]["seconds"].as_f64().unwrap() - told["one"]["seconds"].as_f64().unwrap();
    assert!(longer > 0.2, "{told}");
    let (first, last) = (&ranges[0], &ranges[ranges.len() - 1]);
    let from = first["one"]["from-seconds"].as_f64().unwrap();
    assert!(from > 1.5, "the first scene is as it was: {told}");
    let end = last["one"]["to-seconds"].as_f64().unwrap();
    assert!(
        end <= told["one"]["seconds"].as_f64().unwrap() - 0.9,
        "the last scene moved, and is as it was: {told}"
    );
    let captions = told["captions"].as_array().unwrap();
    assert_eq!(captions.len(), 1, "{told}");
    assert_eq!(captions[0]["one"]["text"], "Red apples fall down.");
    assert_eq!(captions[0]["other"]["text"], "Red and yellow apples fall down.");

    assert_eq!(keys(&told), keys(&documented()), "docs/json.md on `diff`");
    let (page, range) = (documented(), &told["pictures"][0]);
    for part in ["one", "other"] {
        assert_eq!(keys(&told[part]), keys(&page[part]));
        assert_eq!(keys(&range[part]), keys(&page["pictures"][0][part]));
    }
    assert_eq!(keys(range), keys(&page["pictures"][0]));
    assert_eq!(keys(&captions[0]["one"]), keys(&page["captions"][0]["one"]));

    let (code, of_words) = diff(&space, &["words"]);
    assert_eq!((code, of_words["captions"].as_array().unwrap().len()), (Some(1), 1), "{of_words}");

    let drawn = space.reel(&["diff", "short", "--clip", "out/changes.mp4"]);
    assert_eq!(drawn.code, Some(1), "{}", drawn.all());
    assert!(
        drawn.stdout.contains("+ ") && drawn.stdout.contains("Red and yellow apples"),
        "{}",
        drawn.stdout
    );
    let clip = pictures(&space.path("out/changes.mp4"));
    assert_eq!((clip.width, clip.height), (2 * 160 + 4, 284));
    assert!(clip.frames.len() >= 30, "{}", clip.frames.len());
    let white = clip.pixel(0, 162, 100);
    assert!(white.iter().all(|value| *value > 240.0), "{white:?}");
}

#[test]
fn another_colour_is_seen_and_not_heard_and_another_gain_is_heard_and_not_seen() {
    let space = film("outputs: { film: out/film.mp4 }\n");
    let _ = space.build(&[]).ok();
    space.copy(space.path("out/film.mp4"), "first.mp4");
    space.edit("#336699", "#996633");
    let _ = space.build(&[]).ok();
    let (code, told) = diff(&space, &["first.mp4", "out/film.mp4"]);
    let ranges = told["pictures"].as_array().unwrap();
    assert_eq!((code, ranges.len(), told["sound"].as_array().unwrap().len()), (Some(1), 1, 0), "{told}");
    assert_eq!(
        (ranges[0]["one"]["from-frame"].as_u64(), ranges[0]["one"]["to-frame"].as_u64()),
        (Some(75), Some(125))
    );
    space.edit("gain: -10dB", "gain: -10dB, fade_out: 4s");
    let _ = space.build(&[]).ok();
    let (code, told) = diff(&space, &["film"]);
    assert_eq!((code, told["pictures"].as_array().unwrap().len()), (Some(1), 0), "{told}");
    assert!(!told["sound"].as_array().unwrap().is_empty(), "{told}");
    let none = space.reel(&["diff", "film", "nothing.mp4"]);
    assert_eq!(none.code, Some(2), "{}", none.all());
}
