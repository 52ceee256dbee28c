//! A film's sound in passages: where they meet, what an edit makes again, and that it is the same whatever ran beside.

use reel_tests::film::{probe, sound};
use reel_tests::has;
use reel_tests::space::TestSpace;

/// Samples a second.
const RATE: usize = 48_000;
/// Samples of a passage.
const PASSAGE: usize = 24 * RATE;

/// Sixty seconds: somebody speaks, over music that begins again, and effects go on across the seams.
const FILM: &str = r##"version: 1
name: long
format: { size: 64x64, fps: 30 }
captions: { style: none }
music: { file: bed.wav, gain: -12dB }
scenes:
  - { id: one, say: The moon is near., show: { color: "#204060" }, for: 23s, sfx: [{ file: tone.wav, after: 22s, gain: -12dB }] }
  - { id: two, say: The sun is far away., show: { color: "#603010" }, for: 11s }
  - { id: three, say: Apples fall down., show: { color: "#206030" }, for: 12.4s, sfx: [{ file: tone.wav, after: 11s, gain: -12dB }] }
  - { id: four, say: This is the end., show: { color: "#303030" }, for: 14s }
outputs:
  film: out/film.mp4
  sound: out/film.m4a
  exact: out/film.wav
"##;

/// A tone of some seconds in both channels.
fn tone(space: &TestSpace, name: &str, hertz: f64, seconds: usize) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(space.path(name), spec).unwrap();
    for n in 0..seconds * RATE {
        let wave = (n as f64 / RATE as f64 * hertz * std::f64::consts::TAU).sin() * 12_000.0;
        wav.write_sample(wave as i16).unwrap();
        wav.write_sample((wave * 0.5) as i16).unwrap();
    }
    wav.finalize().unwrap();
}

fn space() -> TestSpace {
    let space = TestSpace::of(FILM);
    tone(&space, "bed.wav", 330.0, 7);
    tone(&space, "tone.wav", 1_000.0, 4);
    space
}

fn power(of: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = of.fold((0.0, 0_usize), |(sum, count), x| (sum + x * x, count + 1));
    sum / count.max(1) as f64
}

#[test]
fn passages_meet_without_a_seam() {
    if !has("passages_meet_without_a_seam", "ffmpeg") {
        return;
    }
    let space = space();
    let ran = space.build(&[]).ok();
    // Outputs share what is the same for them: one runs it, the others hit.
    let made = |node: &str| ran.nodes("did-run").contains(node) || ran.nodes("did-hit").contains(node);
    for node in ["film.mix", "film.mix.2", "film.loudness.1", "film.gain", "film.track", "exact.mix.1"] {
        assert!(made(node), "{node}: {}", ran.stdout);
    }
    let (film, exact) = (sound(&space.path("out/film.mp4")), sound(&space.path("out/film.wav")));
    let samples = (60.4 * RATE as f64) as usize;
    assert_eq!(exact.len(), samples);
    assert!(
        film.len() >= samples && film.len() < samples + 1024,
        "only what fills the last packet: {}",
        film.len()
    );
    let noise = |from: usize, to: usize| {
        power(film[from..to].iter().zip(&exact[from..to]).map(|(a, b)| f64::from(a - b)))
    };
    let usual = noise(0, samples);
    let loud = power(exact.iter().map(|x| f64::from(*x)));
    assert!(
        usual < loud * 1e-3,
        "{usual:e} of {loud:e}: the film is the exact sound, from its first sample on"
    );
    // Somewhere noise is most; near the seams it is no more than there.
    let step = 512;
    let most = |from: usize, to: usize| {
        (from..to - 1024).step_by(step).map(|at| noise(at, at + 1024)).fold(0.0_f64, f64::max)
    };
    let anywhere = most(4 * RATE, 20 * RATE).max(most(28 * RATE, 44 * RATE));
    for seam in [PASSAGE, 2 * PASSAGE] {
        let here = most(seam - 4096, seam + 4096);
        assert!(here <= anywhere * 1.5, "{here:e} at {seam}, elsewhere at most {anywhere:e}");
    }
    let streams = probe(&space.path("out/film.m4a"), &["-show_entries", "stream=codec_name,duration_ts"]);
    assert_eq!(streams["streams"].as_array().unwrap().len(), 1);
    assert_eq!(streams["streams"][0]["duration_ts"].as_u64().unwrap() as usize, samples, "to the sample");
}

#[test]
fn an_edit_makes_the_passages_again_in_which_it_is_heard() {
    let space = space();
    let _ = space.build(&["film"]).ok();
    let sounds = |ran: &reel_tests::ran::Ran| -> Vec<String> {
        ran.ran().into_iter().filter(|name| name.starts_with("film.")).collect()
    };
    // It is said from 34 s on, in a scene that stays as long as it is.
    space.edit("Apples fall down.", "Apples fell down.");
    let again = space.build(&["film"]).ok();
    assert_eq!(
        sounds(&again),
        ["film.gain", "film.loudness.2", "film.mix", "film.mix.2", "film.mux", "film.track"]
            .map(str::to_owned)
    );
    // A longer scene moves what comes after it.
    space.edit("for: 12.4s", "for: 13s");
    let again = space.build(&["film"]).ok();
    let expected = [
        "film.loudness.2",
        "film.loudness.3",
        "film.mix",
        "film.mix.2",
        "film.mix.3",
        "film.mux",
        "film.track",
    ];
    let ran: Vec<String> = sounds(&again).into_iter().filter(|name| name != "film.gain").collect();
    assert_eq!(ran, expected.map(str::to_owned));
    // Another effect is heard where it is heard; it is too soft to change how loud the film is.
    space.edit(
        "{ id: four, say: This is the end.,",
        "{ id: four, sfx: [{ file: tone.wav, after: 6s, gain: -50dB }], say: This is the end.,",
    );
    let again = space.build(&["film"]).ok();
    assert!(!again.ran().contains("film.mix.1") && !again.ran().contains("film.mix.2"), "{:?}", again.ran());
    assert!(again.ran().contains("film.mix.3"));
}

#[test]
fn passages_are_the_same_bytes_whatever_the_jobs() {
    let one = space();
    let four = one.twin();
    let _ = one.build(&["--jobs", "1", "sound"]).ok();
    let _ = four.build(&["--jobs", "4", "sound"]).ok();
    assert!(one.read("out/film.m4a") == four.read("out/film.m4a"));
    // What was made after an edit is what a first build makes.
    one.edit("The sun is far away.", "The sun is hot.");
    let fresh = one.twin();
    let _ = one.build(&["sound"]).ok();
    let _ = fresh.build(&["sound"]).ok();
    assert!(one.read("out/film.m4a") == fresh.read("out/film.m4a"));
}
