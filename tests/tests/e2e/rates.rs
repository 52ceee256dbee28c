//! Outputs of another frame rate than the format's: each is a whole film, in which cuts, captions and sound agree.

use reel_tests::film::{pictures, sound};
use reel_tests::has;
use reel_tests::space::TestSpace;

/// A red scene and a white one, which begins with a click and has a caption half a second later.
const PROJECT: &str = r##"version: 1
name: rates
format: { size: 160x120, fps: OWN }
captions: { style: line, position: middle, size: 20%, outline_width: 20% }
scenes:
  - { id: a, show: { color: "#800000" }, for: 1.37s }
  - { id: b, show: { color: "#ffffff" }, for: 1.13s, sfx: [{ file: click.wav }], captions: { file: words.srt } }
outputs:
  own:   out/own.mp4
  other: { file: out/other.mp4, fps: OTHER }
"##;

#[test]
fn cuts_captions_and_sound_agree_at_every_rate() {
    if !has("cuts_captions_and_sound_agree_at_every_rate", "ffmpeg") {
        return;
    }
    for (own, other) in [("30", "25"), ("25", "29.97"), ("60", "24")] {
        let space = TestSpace::of(&PROJECT.replace("OWN", own).replace("OTHER", other));
        space.write("words.srt", "1\n00:00:00,500 --> 00:00:00,800\nHello\n");
        click(&space);
        let _ = space.build(&[]).ok();
        for (file, fps) in [("own", own), ("other", other)] {
            let (num, den) = if fps == "29.97" { (30_000, 1001) } else { (fps.parse().unwrap(), 1) };
            let frame_of = |millis: u64| (millis * num + den * 500) / (den * 1000);
            let film = pictures(&space.path(&format!("out/{file}.mp4")));
            let size = film.width * film.height;
            let covering = |millis: u64| (millis * num).div_ceil(den * 1000);
            assert_eq!(
                film.frames.len() as u64,
                covering(1370) + covering(1130),
                "{file} of {own} and {other}"
            );
            let bright = |frame: &Vec<u8>| frame[0] > 200;
            let cut = film.frames.iter().position(bright).unwrap() as u64;
            assert_eq!(cut, covering(1370), "the scene ends on the first frame that covers its length");
            // A dark outline on white.
            let written = |frame: &Vec<u8>| frame[..size].iter().filter(|luma| **luma < 60).count() > 100;
            let shown: Vec<u64> = (cut..)
                .zip(&film.frames[cut as usize..])
                .filter(|(_, f)| written(f))
                .map(|(n, _)| n)
                .collect();
            assert!(shown[0].abs_diff(cut + frame_of(500)) <= 1, "{file} at {fps}: caption on {shown:?}");
            let heard = sound(&space.path(&format!("out/{file}.mp4")));
            let loudest = heard.iter().map(|sample| sample.abs()).fold(0.0, f32::max);
            let onset = heard.iter().position(|sample| sample.abs() > loudest / 2.0).unwrap() as u64;
            // A sound comes in over 5 ms: after half of that it is half as loud.
            let due = (cut * 48_000 * den * 2 + num) / (num * 2) + 120;
            assert!(
                onset.abs_diff(due) < 96,
                "{file} at {fps}: the click is heard at {onset}, the cut is at {due}"
            );
        }
    }
}

/// A tone that begins at once.
fn click(space: &TestSpace) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(space.path("click.wav"), spec).unwrap();
    for n in 0..9_600 {
        wav.write_sample(if n / 24 % 2 == 0 { 20_000_i16 } else { -20_000 }).unwrap();
    }
    wav.finalize().unwrap();
}
