//! Flashes and beeps: what is seen and what is heard together, from the first scene to the last, at every usual rate.

use reel_tests::has;
use reel_tests::space::TestSpace;

use crate::right::{Fps, RATE, assert_whole, sample_of};

/// Scenes of a film.
const SCENES: u64 = 120;
/// Samples in a millisecond.
const MILLI: i64 = RATE as i64 / 1000;

/// A short sound that is like itself at one place only: a falling tone of 40 ms.
fn chirp() -> Vec<f32> {
    (0..1920_u32)
        .map(|n| {
            let t = f64::from(n) / 1920.0;
            let phase = std::f64::consts::TAU * 0.04 * (4000.0 * t - 1500.0 * t * t);
            (phase.sin() * (std::f64::consts::PI * t).sin() * 0.8) as f32
        })
        .collect()
}

/// A film with a flash and a beep at the beginning of each scene; scenes are of three lengths.
fn flashing(fps: &str) -> TestSpace {
    let scenes: String = (0..SCENES)
        .map(|n| {
            format!(
                "  - {{ id: s{n}, show: [{{ color: \"#ffffff\", for: 0.05s }}, {{ color: \"#101010\" }}], for: {}, sfx: [{{ file: beep.wav }}] }}\n",
                length(n)
            )
        })
        .collect();
    let space = TestSpace::of(&format!(
        "version: 1\nname: sync\nformat: {{ size: 320x180, fps: {fps} }}\nscenes:\n{scenes}outputs:\n  film: {{ file: out/film.mp4, preset: ultrafast }}\n"
    ));
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut wav = hound::WavWriter::create(space.path("beep.wav"), spec).unwrap();
    chirp().into_iter().for_each(|sample| wav.write_sample(sample).unwrap());
    wav.finalize().unwrap();
    space
}

/// Milliseconds of a scene, as it is written.
fn length(scene: u64) -> String {
    format!("{}ms", millis(scene))
}

const fn millis(scene: u64) -> u64 {
    210 + 37 * (scene % 3)
}

/// By how many samples the beep that is due at `due` comes late.
fn late(heard: &[f32], beep: &[f32], due: u64) -> i64 {
    let alike = |shift: i64| -> f64 {
        let at = |n: usize| usize::try_from(due as i64 + shift + n as i64).ok().and_then(|n| heard.get(n));
        (0..beep.len()).map(|n| f64::from(beep[n]) * f64::from(at(n).copied().unwrap_or(0.0))).sum()
    };
    (-10 * MILLI..=10 * MILLI).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap()
}

/// Builds such a film and looks and listens where each scene begins.
fn assert_together(text: &str, fps: Fps) {
    if !has(&format!("flashes_and_beeps_are_together_at_{text}"), "ffmpeg") {
        return;
    }
    let space = flashing(text);
    let _ = space.build(&[]).ok();
    let starts: Vec<u64> = (0..=SCENES)
        .map(|scene| (0..scene).map(|n| (millis(n) * fps.0).div_ceil(1000 * fps.1)).sum())
        .collect();
    let frames = starts[SCENES as usize];
    let (film, heard) = assert_whole(&space.path("out/film.mp4"), frames, fps);
    let bright = |frame: u64| film.pixel(frame as usize, 160, 90)[1] > 128.0;
    let flashes: Vec<u64> =
        (0..frames).filter(|&frame| bright(frame) && (frame == 0 || !bright(frame - 1))).collect();
    assert_eq!(flashes, starts[..SCENES as usize], "flashes at {text} frames a second");
    let beep = chirp();
    for (scene, start) in (0..).zip(&starts[..SCENES as usize]) {
        let off = late(&heard, &beep, sample_of(*start, fps));
        assert!(off.abs() <= MILLI, "the beep of scene {scene} at {text} is off by {off} samples");
    }
}

#[test]
fn flashes_and_beeps_are_together_to_the_end_at_23_976() {
    assert_together("23.976", (24_000, 1001));
}

#[test]
fn flashes_and_beeps_are_together_to_the_end_at_24() {
    assert_together("24", (24, 1));
}

#[test]
fn flashes_and_beeps_are_together_to_the_end_at_25() {
    assert_together("25", (25, 1));
}

#[test]
fn flashes_and_beeps_are_together_to_the_end_at_29_97() {
    assert_together("29.97", (30_000, 1001));
}

#[test]
fn flashes_and_beeps_are_together_to_the_end_at_30() {
    assert_together("30", (30, 1));
}

#[test]
fn flashes_and_beeps_are_together_to_the_end_at_50() {
    assert_together("50", (50, 1));
}

#[test]
fn flashes_and_beeps_are_together_to_the_end_at_59_94() {
    assert_together("59.94", (60_000, 1001));
}
