//! Music that changes with the scenes, sounds at a word, and stems: where each begins and what is in it.

use reel_tests::film::sound;
use reel_tests::has;
use reel_tests::space::TestSpace;

/// Samples a second.
const RATE: u32 = 48_000;

/// A tone of some seconds, 48 kHz mono.
fn tone(space: &TestSpace, name: &str, hertz: f64, seconds: f64) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(space.path(name), spec).unwrap();
    for n in 0..(seconds * f64::from(RATE)) as u32 {
        let wave = (f64::from(n) / f64::from(RATE) * hertz * std::f64::consts::TAU).cos();
        wav.write_sample((wave * 12_000.0) as i16).unwrap();
    }
    wav.finalize().unwrap();
}

/// How much of a tone is in a stretch of sound, as an amplitude.
fn amount(sound: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let angle = n as f64 / f64::from(RATE) * hertz * std::f64::consts::TAU;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    2.0 * re.hypot(im) / sound.len() as f64
}

const SPOKEN: &str = r##"version: 1
name: spoken
format: { size: 64x64, fps: 30 }
captions: { style: none }
music: { file: bed.wav, gain: -20dB }
scenes:
  - id: one
    show: { color: "#204060" }
    for: 1s
    sfx: [{ file: beep.wav, gain: -6dB }, { file: beep.wav, after: 0.4s }]
  - id: two
    say: The moon is far away.
    show: { color: "#603010" }
    sfx: [{ file: beep.wav, at: far, after: 0.1s }]
outputs:
  mix:   out/mix.wav
  beeps: { file: out/beeps.wav, stem: sfx }
  voice: { file: out/voice.wav, stem: voice }
  clips: { file: out/clips.wav, stem: clips }
  music: { file: out/music.wav, stem: music }
  words: { from: "${two.timeline.words}", file: out/words.json }
  film:  out/film.mp4
"##;

#[test]
fn an_effect_begins_with_its_word_and_stems_are_the_parts_of_the_film() {
    if !has("an_effect_begins_with_its_word_and_stems_are_the_parts_of_the_film", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(SPOKEN);
    space.bed("bed.wav", 3);
    tone(&space, "beep.wav", 1000.0, 0.05);
    let _ = space.build(&[]).ok();
    let beeps = sound(&space.path("out/beeps.wav"));
    let words = space.json("out/words.json");
    let far = words["words"].as_array().unwrap().iter().find(|word| word["text"] == "far").unwrap();
    let rate = words["rate"].as_u64().unwrap();
    let meant = 48_000 + (far["start"].as_u64().unwrap() * 48_000 + rate / 2) / rate + 4_800;
    assert!(beeps[0].abs() > 0.000_1, "the first effect begins with the film");
    let word = 24_000 + beeps[24_000..].iter().position(|sample| sample.abs() > 0.000_1).unwrap();
    assert_eq!(word as u64, meant, "the last begins a tenth of a second after its word");
    let (soft, loud) = (amount(&beeps[300..2_000], 1000.0), amount(&beeps[19_500..21_200], 1000.0));
    assert!((loud / soft - 1.995).abs() < 0.02, "6 dB are {loud} to {soft}");

    let mix = sound(&space.path("out/mix.wav"));
    let parts =
        ["voice", "clips", "beeps", "music"].map(|name| sound(&space.path(&format!("out/{name}.wav"))));
    assert!(parts.iter().all(|part| part.len() == mix.len()));
    assert!(parts[1].iter().all(|sample| *sample == 0.0), "there are no clips");
    let power = |of: &mut dyn Iterator<Item = f64>| of.map(|sample| sample * sample).sum::<f64>();
    let rest =
        (0..mix.len()).map(|n| f64::from(mix[n]) - parts.iter().map(|part| f64::from(part[n])).sum::<f64>());
    let (rest, all) = (power(&mut rest.into_iter()), power(&mut mix.iter().map(|sample| f64::from(*sample))));
    assert!(rest < all * 1e-9, "what is left of {all:.3} is {rest:.5}");

    // A sound that is moved is no reason to make a picture again.
    space.edit("after: 0.1s", "after: 0.2s");
    let again = space.build(&["film"]).ok();
    again.assert_ran(&["film.mix", "film.loudness.1", "film.gain", "film.mix.1", "film.mux"]);
}

const SILENT: &str = r##"version: 1
name: silent
format: { size: 64x64, fps: 30 }
music:
  - { file: low.wav, fade_out: 500ms, duck: 0dB }
  - { file: high.wav, from: two, to: three, fade_in: 200ms, fade_out: 300ms, duck: 0dB }
scenes:
  - { id: one, show: { color: "#204060" }, for: 3s }
  - { id: two, show: { color: "#603010" }, for: 2s }
  - { id: three, show: { color: "#206030" }, for: 1s }
  - { id: four, show: { color: "#206030" }, for: 1s }
outputs:
  mix:  out/mix.wav
  back: { file: out/back.wav, scenes: [two, one] }
"##;

#[test]
fn each_music_is_under_its_own_scenes() {
    if !has("each_music_is_under_its_own_scenes", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(SILENT);
    tone(&space, "low.wav", 400.0, 1.3);
    tone(&space, "high.wav", 2000.0, 9.0);
    let _ = space.build(&[]).ok();
    let mix = sound(&space.path("out/mix.wav"));
    let at = |from: f64, to: f64| &mix[(from * 48_000.0) as usize..(to * 48_000.0) as usize];
    let (low, high) = (|part: &[f32]| amount(part, 400.0), |part: &[f32]| amount(part, 2000.0));
    let full = low(at(1.4, 2.4));
    assert!(full > 0.05 && high(at(1.4, 2.4)) < full * 0.001, "only the first under the first scene");
    assert!(low(at(3.1, 3.2)) > full * 0.5, "it fades out over the next scene");
    assert!(low(at(3.6, 4.0)) < full * 0.001, "and is gone then");
    assert!(
        (high(at(3.5, 5.5)) / full - 1.0).abs() < 0.05,
        "the second is as loud, from the second scene on"
    );
    assert!(high(at(6.35, 7.0)) < full * 0.001, "and ends after the third");
    let back = sound(&space.path("out/back.wav"));
    assert!(high(&back[24_000..90_000]) > 0.05, "in another cut as well");
    assert!(low(&back[48_000 * 3..48_000 * 4]) > 0.05);
}

#[test]
fn music_effects_and_stems_that_make_no_sense_are_told() {
    let wrong = |from: &str, to: &str, says: &str| {
        let space = TestSpace::of(SILENT);
        tone(&space, "low.wav", 400.0, 0.1);
        tone(&space, "high.wav", 400.0, 0.1);
        space.edit(from, to);
        let ran = space.reel(&["check"]);
        assert_eq!(ran.code, Some(2), "{}", ran.all());
        assert!(ran.all().contains(says), "{}", ran.all());
    };
    wrong("from: two, to: three", "from: tow", "there is no scene `tow`");
    wrong("from: two, to: three", "from: two, to: twoo", "did you mean `two`?");
    wrong("from: two, to: three", "to: three", "it is not said where this music begins");
    wrong("from: two, to: three", "from: three, to: two", "this music ends before it begins");
    wrong("mix:  out/mix.wav", "mix: { file: out/mix.mp4, stem: voice }", "`stem` means nothing for a film");
    wrong("for: 3s", "for: 3s, sfx: [{ file: none.wav }]", "none.wav");
    wrong("for: 3s }", "say: The sun is far., sfx: [{ file: low.wav, at: fur }] }", "did you mean `far`?");
}

const HEARD: &str = r##"version: 1
name: heard
format: { size: 64x64, fps: 30 }
captions: { style: none }
scenes:
  - id: over
    show:
      color: "#204060"
      layers:
        - { clip: low.mp4, at: 1s, for: 1.5s, sound: -6dB }
        - { clip: high.mp4, at: 3s }
    for: 5s
  - id: slow
    show: { clip: low.mp4, speed: 0.5, sound: 0dB }
  - id: fast
    show: { clip: high.mp4, speed: 2, sound: 0dB }
  - id: mute
    show: { clip: high.mp4, speed: 2 }
outputs:
  mix: out/mix.wav
"##;

/// A clip of two seconds with a tone.
fn clip(space: &TestSpace, name: &str, hertz: u32) {
    let tone = format!("aevalsrc=0.25*sin({hertz}*2*PI*t):s=48000:d=2");
    let done = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=30:d=2", "-f", "lavfi", "-i", &tone])
        .args(["-c:v", "libx264", "-c:a", "aac", "-b:a", "192k"])
        .arg(space.path(name))
        .status();
    assert!(done.unwrap().success());
}

#[test]
fn clips_are_heard_in_layers_and_at_other_speeds() {
    if !has("clips_are_heard_in_layers_and_at_other_speeds", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(HEARD);
    clip(&space, "low.mp4", 500);
    clip(&space, "high.mp4", 2000);
    let _ = space.build(&[]).ok();
    let mix = sound(&space.path("out/mix.wav"));
    assert_eq!(mix.len(), 48_000 * (5 + 4 + 1 + 1), "two seconds are four, and one");
    let at = |from: f64, to: f64| &mix[(from * 48_000.0) as usize..(to * 48_000.0) as usize];
    let (low, high) = (|part: &[f32]| amount(part, 500.0), |part: &[f32]| amount(part, 2000.0));
    let full = low(at(5.5, 8.5));
    assert!(full > 0.02, "slower, at its own pitch: {full}");
    assert!(low(at(0.0, 0.95)) < full * 0.001, "it is not there yet");
    let over = low(at(1.1, 2.4));
    assert!((full / over - 1.995).abs() < 0.2, "6 dB softer in a layer: {over} beside {full}");
    assert!(low(at(2.55, 5.0)) < full * 0.001, "and gone after its time");
    assert!(high(at(0.0, 4.95)) < full * 0.001, "a layer is mute unless it says otherwise");
    let fast = high(at(9.1, 9.9));
    assert!((fast / full - 1.0).abs() < 0.15, "faster, at its own pitch: {fast} beside {full}");
    assert!(high(at(10.05, 11.0)) < full * 0.001, "not heard unasked at another speed");
    space.edit("sound: -6dB", "sound: loud");
    let wrong = space.reel(&["check"]);
    assert!(wrong.code == Some(2) && wrong.all().contains("loud"), "{}", wrong.all());
}
