//! A sound encoded in parts, beside one encoding of it: passages of a film.

use std::path::{Path, PathBuf};

use reel_worker::av::{AudioReader, Packets, SoundEncoder, SoundFormat, SoundRange, join_sound, verify};

const FRAME: usize = 1024;
/// Packets of a part, and those that its encoder is given before and behind it.
const PART: usize = 200;
const RUN_UP: usize = 16;
const BEHIND: usize = 3;
const AAC: SoundFormat = SoundFormat::Aac { bitrate: 160_000 };

/// Two channels that are different everywhere: tones with clicks, or noise that swells.
fn wave(samples: usize, noisy: bool) -> Vec<f32> {
    let mut state = 1_u32;
    let at = |n: usize| {
        let t = n as f64 / 48_000.0;
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / 8_388_608.0 - 1.0;
        let tone = |hertz: f64| (hertz * t * std::f64::consts::TAU).sin() as f32;
        if noisy {
            let swell = 0.2 + 0.19 * tone(0.7);
            [noise * swell, tone(330.0) * 0.2 + noise * 0.02]
        } else {
            let click = if n % 7_001 < 40 { 0.4 } else { 0.0 };
            [tone(440.0) * 0.4 + click, tone(1_000.0) * 0.4]
        }
    };
    (0..samples).flat_map(at).collect()
}

fn encode(mut encoder: SoundEncoder, wave: &[f32]) {
    wave.chunks(9_999 * 2).for_each(|piece| encoder.push(piece).unwrap());
    let _ = encoder.finish().unwrap();
}

/// Encodes a wave in parts, each from what is near it alone.
fn parts(dir: &Path, wave: &[f32]) -> Vec<PathBuf> {
    let (samples, step) = (wave.len() / 2, PART * FRAME);
    let count = samples / step;
    let paths = (0..count).map(|index| {
        let (from, to) = (index * step, (index + 1) * step);
        let is_last = index + 1 == count;
        let run_up = if index == 0 { 0 } else { RUN_UP };
        let begin = from - run_up * FRAME;
        let end = if is_last { samples } else { to + BEHIND * FRAME };
        let packets = Packets { skip: run_up as u64, count: (!is_last).then_some(PART as u64) };
        let path = dir.join(format!("part-{index}.m4a"));
        encode(SoundEncoder::create_part(&path, AAC, 2, packets).unwrap(), &wave[begin * 2..end * 2]);
        path
    });
    paths.collect()
}

fn heard(path: &Path) -> Vec<f32> {
    AudioReader::open(path, 48_000, 2, SoundRange::ALL).unwrap().flat_map(Result::unwrap).collect()
}

fn power(wave: impl Iterator<Item = f32>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    wave.for_each(|x| {
        sum += f64::from(x) * f64::from(x);
        count += 1;
    });
    sum / count.max(1) as f64
}

#[test]
fn parts_are_heard_as_one_encoding() {
    let dir = tempfile::tempdir().unwrap();
    for (noisy, rest) in [(false, 12_345), (true, 0), (false, 1)] {
        let wave = wave(PART * FRAME * 4 + rest, noisy);
        let samples = wave.len() / 2;
        let parts = parts(dir.path(), &wave);
        let joined = dir.path().join("joined.m4a");
        let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
        join_sound(&parts, samples as u64, &joined).unwrap();
        let whole = dir.path().join("whole.m4a");
        encode(SoundEncoder::create(&whole, AAC, 2).unwrap(), &wave);
        assert_eq!(
            verify(&joined, true).unwrap().audio.map(|audio| (audio.packets, audio.end_at(48_000))),
            verify(&whole, true).unwrap().audio.map(|audio| (audio.packets, audio.end_at(48_000))),
        );
        let (joined, whole) = (heard(&joined), heard(&whole));
        assert_eq!((joined.len(), whole.len()), (wave.len(), wave.len()), "to the sample");
        // The first sample is the first, and at no seam is there more noise than encoding makes by itself.
        let noise = |of: &[f32], from: usize, to: usize| {
            power(of[from * 2..to * 2].iter().zip(&wave[from * 2..to * 2]).map(|(a, b)| a - b))
        };
        let usual = noise(&whole, FRAME, samples - FRAME);
        let joint = noise(&joined, FRAME, samples - FRAME);
        assert!(joint < usual * 1.1, "noisy: {noisy}, {rest} more: {joint:e}, not {usual:e}");
        for seam in (1..4).map(|index| index * PART * FRAME) {
            for place in (seam - 4 * FRAME..seam + 4 * FRAME).step_by(FRAME / 2) {
                let (own, one) = (noise(&joined, place, place + FRAME), noise(&whole, place, place + FRAME));
                assert!(own < one.max(usual) * 2.0, "noisy: {noisy}, at {place}: {own:e}, not {one:e}");
            }
        }
        let first = (PART - 1) * FRAME * 2;
        assert!(joined[..first] == whole[..first], "the first part is that of the whole");
    }
}

#[test]
fn parts_of_another_film_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let wave = wave(PART * FRAME * 2, false);
    let parts = parts(dir.path(), &wave);
    let out = dir.path().join("out.m4a");
    let samples = wave.len() as u64 / 2;
    let told = |parts: &[&Path], samples| join_sound(parts, samples, &out).unwrap_err().to_string();
    assert!(told(&[&parts[0]], samples).contains("200 packets where 401 belong"));
    assert!(told(&[&parts[0], &parts[1]], samples + 2048).contains("401 packets where 403 belong"));
    let mono = dir.path().join("mono.m4a");
    encode(SoundEncoder::create(&mono, AAC, 1).unwrap(), &wave);
    assert!(told(&[&parts[0], &mono], samples).contains("not encoded as that of the first"));
}
