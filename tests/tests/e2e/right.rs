//! The film that comes out is the one that was asked for: decoded, counted, measured.

use std::path::Path;
use std::process::Command;

use ebur128::{EbuR128, Mode};
use reel_tests::film::{Pictures, number, packets, pictures, probe, sound};
use reel_tests::space::TestSpace;
use reel_tests::{fixture, has};
use serde_json::Value;

/// Samples a second of all sound here.
pub(crate) const RATE: u64 = 48_000;

/// Two voices, flat colours, a card; what is known of each scene comes out beside the film.
const TALK: &str = r##"version: 1
name: talk
format:   { size: 240x320, fps: FPS }
captions: { style: karaoke, font: DejaVu Sans, lines: 2 }
scenes:
  - id: one
    say: The moon is far away. Nobody walks there.
    show: { color: "#204060" }
  - id: two
    say: And the sea is near.
    show: { color: "#603010" }
    transition: { kind: fade, for: 0.4s }
  - id: three
    show: { card: { title: The end, background: "#0b1021" } }
    for: 1.1s
outputs:
  film:  out/film.mp4
  bare:  { file: out/bare.mp4, captions: none }
  mix:   out/mix.wav
  one:   { from: "${one.timeline.plan}", file: out/one.json }
  two:   { from: "${two.timeline.plan}", file: out/two.json }
  three: { from: "${three.timeline.plan}", file: out/three.json }
  words-one: { from: "${one.timeline.words}", file: out/one.words.json }
  words-two: { from: "${two.timeline.words}", file: out/two.words.json }
  voice-one: { from: "${one.level.1.audio}", file: out/one.wav }
  voice-two: { from: "${two.level.1.audio}", file: out/two.wav }
"##;

/// Frames a second, as a fraction.
pub(crate) type Fps = (u64, u64);

/// The sample at which a frame begins.
pub(crate) fn sample_of(frame: u64, (num, den): Fps) -> u64 {
    (frame * RATE * den * 2 + num) / (num * 2)
}

fn frames(space: &TestSpace, scene: &str) -> u64 {
    space.json(&format!("out/{scene}.json"))["frames"].as_u64().unwrap()
}

fn talk(fps: &str) -> TestSpace {
    let space = TestSpace::of(&TALK.replace("FPS", fps));
    let _ = space.build(&[]).ok();
    space
}

/// Counts and times of a film agree with `frames`, and with each other.
pub(crate) fn assert_whole(path: &Path, frames: u64, (num, den): Fps) -> (Pictures, Vec<f32>) {
    let (shown, heard) = (pictures(path), sound(path));
    assert_eq!(shown.frames.len() as u64, frames, "frames of {}", path.display());
    let video = packets(path, "v:0");
    assert_eq!(video.len() as u64, frames);
    assert!(video.windows(2).all(|pair| pair[0].0 < pair[1].0), "decoding times go up");
    let mut shows: Vec<i64> = video.iter().map(|packet| packet.1).collect();
    shows.sort_unstable();
    assert_eq!(shows[0], 0, "the first picture is shown at once");
    assert!(
        shows.windows(2).all(|pair| pair[1] - pair[0] == shows[1] - shows[0]),
        "frames are evenly spaced"
    );
    let audio = packets(path, "a:0");
    assert!(audio.windows(2).all(|pair| pair[0].1 < pair[1].1), "times of sound go up");

    let told = probe(
        path,
        &[
            "-show_entries",
            "stream=duration,codec_type,r_frame_rate,color_space,color_primaries,color_transfer,color_range:format=duration",
        ],
    );
    let seconds = frames as f64 * den as f64 / num as f64;
    let slack = (den as f64 / num as f64).max(1024.0 / RATE as f64);
    for stream in told["streams"].as_array().unwrap() {
        assert!((number(&stream["duration"]) - seconds).abs() < 0.001, "{seconds} s: {stream}");
    }
    assert!((number(&told["format"]["duration"]) - seconds).abs() < 0.002, "{seconds} s: {told}");
    let decoded = heard.len() as f64 / RATE as f64;
    assert!((decoded - seconds).abs() <= slack, "sound ends at {decoded} s, pictures at {seconds} s");
    let video =
        told["streams"].as_array().unwrap().iter().find(|stream| stream["codec_type"] == "video").unwrap();
    for (tag, value) in [
        ("color_space", "bt709"),
        ("color_primaries", "bt709"),
        ("color_transfer", "bt709"),
        ("color_range", "tv"),
    ] {
        assert_eq!(video[tag], value, "{tag}");
    }
    (shown, heard)
}

#[test]
fn frames_and_times_are_what_the_timeline_says() {
    if !has("frames_and_times_are_what_the_timeline_says", "ffmpeg") {
        return;
    }
    for (text, fps) in [("30", (30_u64, 1_u64)), ("30000/1001", (30_000, 1001)), ("25", (25, 1))] {
        let space = talk(text);
        let lengths = ["one", "two", "three"].map(|scene| frames(&space, scene));
        let all = lengths.iter().sum();
        assert_eq!(lengths[2], (11 * fps.0).div_ceil(10 * fps.1), "1.1 s, rounded up to whole frames");
        let (_, heard) = assert_whole(&space.path("out/film.mp4"), all, fps);
        assert_whole(&space.path("out/bare.mp4"), all, fps);
        let mix = sound(&space.path("out/mix.wav"));
        assert_eq!(mix.len() as u64, sample_of(all, fps), "the sound is as long as the film");
        assert_eq!(lag(&mix, &heard), 0, "the first decoded sample is sample 0");
        for (scene, before) in [("one", 0), ("two", lengths[0])] {
            let plan = space.json(&format!("out/{scene}.json"));
            let begin = sample_of(before, fps) + plan["sentences"][0]["start"].as_u64().unwrap();
            let voice = sound(&space.path(&format!("out/{scene}.wav")));
            let part = &mix[begin as usize..begin as usize + voice.len()];
            assert_eq!(lag(&voice, part), 0, "the voice of `{scene}` begins at sample {begin}");
        }
    }
}

/// By how many samples `second` comes later than `first`, within 1100 samples.
fn lag(first: &[f32], second: &[f32]) -> i64 {
    const REACH: i64 = 1100;
    let length = first.len().min(second.len()).min(20_000) as i64;
    let alike = |shift: i64| -> f64 {
        (REACH..length - REACH)
            .map(|n| f64::from(first[n as usize]) * f64::from(second[(n + shift) as usize]))
            .sum()
    };
    (-REACH..=REACH).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap()
}

/// Frames at which something visible changes, and how many pixels do.
fn changes(film: &Pictures) -> Vec<u64> {
    let size = film.width * film.height;
    (1..film.frames.len())
        .filter(|&frame| {
            let (before, after) = (&film.frames[frame - 1][..size], &film.frames[frame][..size]);
            before.iter().zip(after).filter(|(a, b)| a.abs_diff(**b) > 20).count() >= 6
        })
        .map(|frame| frame as u64)
        .collect()
}

#[test]
fn captions_light_up_within_one_frame_of_their_word() {
    if !has("captions_light_up_within_one_frame_of_their_word", "ffmpeg") {
        return;
    }
    let space = talk("30");
    let first = frames(&space, "one");
    let film = pictures(&space.path("out/film.mp4"));
    let bare = pictures(&space.path("out/bare.mp4"));
    assert!(
        changes(&bare).iter().all(|&frame| frame >= first),
        "without captions nothing moves on a flat colour"
    );
    let words = space.json("out/one.words.json");
    let words = words["words"].as_array().unwrap();
    assert_eq!(words.len(), 8);
    let times = |key: &str| -> Vec<u64> {
        words.iter().map(|word| word[key].as_u64().unwrap() * 30 / RATE).collect()
    };
    let (onsets, ends) = (times("start"), times("end"));
    let seen: Vec<u64> = changes(&film).into_iter().filter(|&frame| frame < first).collect();
    for onset in onsets.iter().filter(|&&onset| onset > 0) {
        assert!(
            seen.iter().any(|frame| frame.abs_diff(*onset) <= 1),
            "word at frame {onset}; changes at {seen:?}"
        );
    }
    let end = ends[7];
    for frame in &seen {
        let known = onsets.iter().chain(&ends).any(|at| at.abs_diff(*frame) <= 1);
        assert!(
            known || *frame > end,
            "a change at frame {frame}, where no word of {onsets:?} begins nor ends ({ends:?})"
        );
    }
    // In every frame in which a word is spoken, its line stands over the picture.
    let size = film.width * film.height;
    for frame in onsets[0]..end {
        let (with, without) = (&film.frames[frame as usize][..size], &bare.frames[frame as usize][..size]);
        let written = with.iter().zip(without).filter(|(a, b)| a.abs_diff(**b) > 60).count();
        assert!(written > 100, "frame {frame} has a caption: {written} pixels");
    }
}

#[test]
fn flat_colours_come_out_as_they_were_written() {
    if !has("flat_colours_come_out_as_they_were_written", "ffmpeg") {
        return;
    }
    let colours = ["#0b1021", "#ff0000", "#00ff00", "#0000ff", "#ffffff", "#000000", "#c08040", "#7f7f7f"];
    let scenes: String = (0..)
        .zip(colours)
        .map(|(n, colour)| {
            let card = format!("{{ title: x, background: \"{colour}\", color: \"{colour}\" }}");
            format!(
                "  - {{ id: c{n}, show: {{ color: \"{colour}\" }}, for: 0.4s }}\n  - {{ id: d{n}, show: {{ card: {card} }}, for: 0.4s }}\n"
            )
        })
        .collect();
    let mut text = format!("version: 1\nname: flat\nformat: {{ size: 128x128, fps: 25 }}\nscenes:\n{scenes}");
    text += "outputs: { film: out/film.mp4, still: { file: out/still.png, at: 0.1s } }\n";
    let space = TestSpace::of(&text);
    let built = space.build(&[]);
    assert_eq!(built.code, Some(0), "{}", built.all());
    let film = pictures(&space.path("out/film.mp4"));
    assert_eq!(film.frames.len(), colours.len() * 20);
    for frame in 0..film.frames.len() {
        let colour = colours[frame / 20];
        let [red, green, blue] =
            [1, 3, 5].map(|at| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()));
        let seen = film.pixel(frame, 8, 8);
        for (seen, meant) in seen.into_iter().zip([red, green, blue]) {
            assert!((seen - meant).abs() <= 2.0, "frame {frame} of {colour}: {seen:.1} for {meant}");
        }
    }
}

/// Integrated loudness of stretches of a sound, in LUFS.
fn loudness(sound: &[f64], spans: &[(usize, usize)]) -> f64 {
    let mut meter = EbuR128::new(1, RATE as u32, Mode::I).unwrap();
    for &(from, to) in spans {
        meter.add_frames_f64(&sound[from..to]).unwrap();
    }
    meter.loudness_global().unwrap()
}

#[test]
fn speech_stands_at_least_12_lu_above_the_music() {
    if !has("speech_stands_at_least_12_lu_above_the_music", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(&TALK.replace("FPS", "30"));
    let _ = space.build(&["mix", "one", "two", "three"]).ok();
    let speech = sound(&space.path("out/mix.wav"));
    let lengths = ["one", "two"].map(|scene| frames(&space, scene));
    let spans: Vec<(usize, usize)> = [("one", 0), ("two", lengths[0])]
        .iter()
        .flat_map(|&(scene, before)| {
            let plan = space.json(&format!("out/{scene}.json"));
            let at = |span: &Value, key: &str| span[key].as_u64().unwrap();
            let base = sample_of(before, (30, 1));
            let spans: Vec<_> = plan["speech"]
                .as_array()
                .unwrap()
                .iter()
                .map(|span| {
                    (
                        (base + at(span, "start")) as usize,
                        (base + at(span, "start") + at(span, "samples")) as usize,
                    )
                })
                .collect();
            spans
        })
        .collect();
    assert!(spans.len() >= 2);
    space.bed("bed.wav", 5);
    for music in [
        "{ file: bed.wav }",
        "{ file: bed.wav, gain: -18dB, duck: -10dB }",
        "{ file: bed.wav, gain: -6dB, duck: -14dB }",
    ] {
        let with = space.sibling();
        with.append(&format!("music: {music}\n"));
        let _ = with.build(&["mix"]).ok();
        let all = sound(&with.path("out/mix.wav"));
        assert_eq!(all.len(), speech.len());
        // The whole is the voice, as loud as the film wants it, and the music, which knows nothing of the voice.
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let gain = dot(&all, &speech) / dot(&speech, &speech);
        let voice: Vec<f64> = speech.iter().map(|s| f64::from(*s) * gain).collect();
        let bed: Vec<f64> = all.iter().zip(&voice).map(|(a, v)| f64::from(*a) - v).collect();
        let after = *spans.last().map(|(_, end)| end).unwrap() + RATE as usize * 3 / 4;
        assert!(loudness(&bed, &[(after, after + 24_000)]) > -60.0, "there is music to measure");
        for span in &spans {
            // A meter wants 0.4 s at least.
            let over = loudness(&voice, &[*span]) - loudness(&bed, &[*span]);
            assert!(over >= 12.0, "{music}: {over:.1} LU in {span:?}");
        }
    }
}

#[test]
fn the_bytes_are_the_same_whatever_the_jobs() {
    let one = TestSpace::story();
    one.append("  wide: { file: out/wide.mp4, size: 200x120 }\n  mix: out/mix.wav\n  still: { file: out/still.png, at: 1.5s }\n");
    let four = one.twin();
    let _ = one.build(&["--jobs", "1"]).ok();
    let _ = four.build(&["--jobs", "4"]).ok();
    for output in ["short.mp4", "wide.mp4", "short.srt", "mix.wav", "still.png"] {
        let name = format!("out/{output}");
        assert!(one.read(&name) == four.read(&name), "{output}");
    }
}

#[test]
fn a_recorded_voice_gives_its_words_as_captions() {
    const NAME: &str = "a_recorded_voice_gives_its_words_as_captions";
    if !has(NAME, "ffmpeg") || !has(NAME, "zstd") {
        return;
    }
    let space = TestSpace::of(
        r##"version: 1
name: recorded
format:   { size: 240x320, fps: 30 }
voice:    { model: models/tiny.bin }
captions: { style: karaoke, font: DejaVu Sans }
scenes:
  - id: talk
    say: { audio: voice.wav }
    show: { color: "#204060" }
outputs:
  film:  out/film.mp4
  bare:  { file: out/bare.mp4, captions: none }
  words: { from: "${talk.timeline.words}", file: out/words.json }
  plan:  { from: "${talk.timeline.plan}", file: out/plan.json }
  srt:   out/film.srt
"##,
    );
    space.copy(fixture("hello.wav"), "voice.wav");
    std::fs::create_dir(space.path("models")).unwrap();
    let unpacked = Command::new("zstd")
        .args(["-q", "-d"])
        .arg(fixture("ggml-tiny-espeak.bin.zst"))
        .arg("-o")
        .arg(space.path("models/tiny.bin"))
        .status()
        .unwrap();
    assert!(unpacked.success());
    let built = space.build(&[]);
    assert_eq!(built.code, Some(0), "{}", built.all());
    let truth: Value = serde_json::from_slice(&std::fs::read(fixture("hello.json")).unwrap()).unwrap();
    let truth = truth["words"].as_array().unwrap();
    let heard = space.json("out/words.json");
    let heard = heard["words"].as_array().unwrap();
    let plain = |word: &Value| word["text"].as_str().unwrap().to_lowercase().replace(['.', ','], "");
    let said: Vec<String> = heard.iter().map(plain).collect();
    let meant: Vec<&str> = truth.iter().map(|word| word["word"].as_str().unwrap()).collect();
    assert_eq!(said, meant);
    for (heard, truth) in heard.iter().zip(truth) {
        let at = heard["start"].as_u64().unwrap() as f64 / RATE as f64;
        let meant = truth["start"].as_f64().unwrap();
        assert!((at - meant).abs() <= 0.15, "`{}` at {at:.3} s, and is said at {meant:.3} s", heard["text"]);
    }
    let srt = String::from_utf8(space.read("out/film.srt")).unwrap();
    assert!(srt.contains("hello world"), "{srt}");

    let all = space.json("out/plan.json")["frames"].as_u64().unwrap();
    let (film, voice) = assert_whole(&space.path("out/film.mp4"), all, (30, 1));
    let bare = pictures(&space.path("out/bare.mp4"));
    let size = film.width * film.height;
    let written = |frame: usize| {
        film.frames[frame][..size]
            .iter()
            .zip(&bare.frames[frame][..size])
            .filter(|(a, b)| a.abs_diff(**b) > 60)
            .count()
    };
    let frame_at = |seconds: f64| (seconds * 30.0) as usize;
    let (first, last) =
        (truth[0]["start"].as_f64().unwrap(), truth[truth.len() - 1]["end"].as_f64().unwrap());
    for frame in frame_at(first + 0.2)..frame_at(last - 0.2) {
        assert!(written(frame) > 100, "frame {frame} has a caption");
    }
    assert!(voice.iter().any(|sample| sample.abs() > 0.1), "the recording is heard");
}

#[test]
fn after_a_hundred_joints_everything_is_where_arithmetic_says() {
    if !has("after_a_hundred_joints_everything_is_where_arithmetic_says", "ffmpeg") {
        return;
    }
    const FPS: Fps = (30_000, 1001);
    let shades: Vec<u8> = (0..100_u32).map(|n| u8::try_from(40 + n * 67 % 160).unwrap()).collect();
    let scenes: String = (0..)
        .zip(&shades)
        .map(|(n, shade)| {
            format!(
                "  - {{ id: s{n}, show: {{ color: \"#{shade:02x}{shade:02x}{shade:02x}\" }}, for: 0.{}s }}\n",
                1 + n % 3
            )
        })
        .collect();
    let space = TestSpace::of(&format!(
        "version: 1\nname: joints\nformat: {{ size: 64x64, fps: 30000/1001 }}\ncaptions: {{ style: none }}\nscenes:\n{scenes}  - {{ id: last, say: Here we are., show: {{ color: \"#ffffff\" }} }}\noutputs:\n  film: out/film.mp4\n  mix: out/mix.wav\n  last: {{ from: \"${{last.timeline.plan}}\", file: out/last.json }}\n  voice: {{ from: \"${{last.level.1.audio}}\", file: out/voice.wav }}\n"
    ));
    let built = space.build(&[]);
    assert_eq!(built.code, Some(0), "{}", built.all());
    let lengths: Vec<u64> = (0..100).map(|n| ((1 + n % 3) * FPS.0).div_ceil(10 * FPS.1)).collect();
    let before: u64 = lengths.iter().sum();
    let (film, heard) = assert_whole(&space.path("out/film.mp4"), before + frames(&space, "last"), FPS);
    let mut frame = 0;
    for (&shade, &length) in shades.iter().zip(&lengths) {
        for frame in frame..frame + length as usize {
            let seen = film.pixel(frame, 32, 32)[1];
            assert!((seen - f64::from(shade)).abs() <= 2.0, "frame {frame} shows {seen:.1}, not {shade}");
        }
        frame += length as usize;
    }
    let voice = sound(&space.path("out/voice.wav"));
    let begin = (sample_of(before, FPS)
        + space.json("out/last.json")["sentences"][0]["start"].as_u64().unwrap()) as usize;
    let mix = sound(&space.path("out/mix.wav"));
    assert_eq!(lag(&voice, &mix[begin..begin + voice.len()]), 0, "the last voice begins at sample {begin}");
    assert_eq!(lag(&mix[begin..], &heard[begin..]), 0, "and does so in the film");
}

#[test]
fn a_fade_is_between_both_pictures_and_changes_no_length() {
    if !has("a_fade_is_between_both_pictures_and_changes_no_length", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(
        r##"version: 1
name: fade
format: { size: 64x64, fps: 25 }
scenes:
  - { id: a, show: { color: "#202020" }, for: 1s }
  - { id: b, show: { color: "#e0e0e0" }, for: 1s, transition: { kind: fade, for: 0.4s } }
  - { id: c, show: { color: "#e0e0e0" }, for: 1s, transition: { kind: fade-black, for: 0.4s } }
outputs: { film: out/film.mp4 }
"##,
    );
    let _ = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    assert_eq!(film.frames.len(), 75);
    let grey = |frame: usize| film.pixel(frame, 32, 32)[1];
    let near = |frame: usize, value: f64| {
        assert!((grey(frame) - value).abs() <= 3.0, "frame {frame}: {}", grey(frame));
    };
    (0..25).for_each(|frame| near(frame, 32.0));
    (25..34).for_each(|frame| assert!(grey(frame) < grey(frame + 1), "frame {frame} to {}", frame + 1));
    near(30, 32.0 + 192.0 / 2.0 + 192.0 / 20.0);
    (35..50).for_each(|frame| near(frame, 224.0));
    let darkest = (50..60).map(grey).fold(255.0, f64::min);
    assert!(darkest < 32.0, "the middle is black: {darkest}");
    (60..75).for_each(|frame| near(frame, 224.0));
}
