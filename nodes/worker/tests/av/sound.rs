//! Reading and writing sound.

use std::path::Path;

use reel_worker::av::{AudioReader, SoundEncoder, SoundFormat, SoundRange};

use super::made::ffmpeg;

fn heard(path: &Path, rate: u32, channels: u32, range: SoundRange) -> Vec<f32> {
    AudioReader::open(path, rate, channels, range).unwrap().flat_map(Result::unwrap).collect()
}

fn write(path: &Path, format: SoundFormat, channels: u32, wave: &[f32]) {
    let mut encoder = SoundEncoder::create(path, format, channels).unwrap();
    wave.chunks(777 * channels as usize).for_each(|part| encoder.push(part).unwrap());
    assert_eq!(encoder.finish().unwrap(), wave.len() as u64 / u64::from(channels));
}

/// Noise that is the same every time.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..samples).map(next).map(|x| x * 0.5).collect()
}

#[test]
fn lossless_formats_give_back_what_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let wave = noise(20_000);
    for (name, format, error) in [
        ("a.wav", SoundFormat::WavFloat, 0.0),
        ("b.wav", SoundFormat::Wav, 1e-7),
        ("c.flac", SoundFormat::Flac, 1e-7),
    ] {
        let path = dir.path().join(name);
        write(&path, format, 2, &wave);
        let back = heard(&path, 48_000, 2, SoundRange::ALL);
        assert_eq!(back.len(), wave.len(), "{name}");
        let worst = back.iter().zip(&wave).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= error, "{name}: {worst}");
    }
}

#[test]
fn a_range_is_the_same_as_a_cut_out_of_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.wav"), SoundFormat::WavFloat, 1, &noise(48_000 * 45));
    ffmpeg(dir.path(), "-i a.wav -ar 44100 -c:a pcm_f32le r.wav");
    ffmpeg(dir.path(), "-i a.wav -ar 44100 -c:a flac r.flac");
    ffmpeg(dir.path(), "-i a.wav -c:a aac r.m4a");
    for name in ["a.wav", "r.wav", "r.flac", "r.m4a"] {
        let path = dir.path().join(name);
        let whole = heard(&path, 48_000, 1, SoundRange::ALL);
        for (from_us, to_us) in [(0, 100_000), (1_500_010, 1_700_000), (39_123_457, 40_000_000)] {
            let part = heard(&path, 48_000, 1, SoundRange { from_us, to_us: Some(to_us) });
            let at = |us: u64| ((us * 48_000 + 500_000) / 1_000_000) as usize;
            let wanted = &whole[at(from_us)..at(to_us)];
            assert_eq!(part.len(), wanted.len(), "{name} from {from_us}");
            let worst = part.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{name} from {from_us}: {worst}");
        }
    }
}

#[test]
fn another_rate_keeps_every_event_at_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut wave = vec![0.0f32; 96_000];
    for place in [0, 24_000, 48_000, 90_000] {
        wave[place] = 0.9;
    }
    write(&dir.path().join("a.wav"), SoundFormat::WavFloat, 1, &wave);
    for (name, options) in [
        ("r.wav", "-ar 44100"),
        ("l.wav", "-ar 22050"),
        ("m.mp3", "-ar 48000 -b:a 320k"),
        ("o.mkv", "-c:a libopus -b:a 256k"),
        ("o.ogg", "-c:a libopus -b:a 256k"),
        ("v.ogg", "-c:a libvorbis -q:a 9"),
        ("x.mka", "-c:a flac"),
    ] {
        ffmpeg(dir.path(), &format!("-i a.wav {options} {name}"));
        let back = heard(&dir.path().join(name), 48_000, 1, SoundRange::ALL);
        assert!(back.len().abs_diff(96_000) <= 1200, "{name}: {}", back.len());
        for place in [24_000usize, 48_000, 90_000] {
            let near = place - 600..place + 600;
            let loudest = near.max_by(|a, b| back[*a].abs().total_cmp(&back[*b].abs())).unwrap();
            assert!(loudest.abs_diff(place) <= 1, "{name}: {loudest} for {place}");
        }
    }
    let exact = heard(&dir.path().join("r.wav"), 48_000, 1, SoundRange::ALL);
    assert_eq!(exact.len(), 96_000);
}

#[test]
fn channels_are_mixed_without_gain_or_loss() {
    let dir = tempfile::tempdir().unwrap();
    let peak = |samples: &[f32]| samples.iter().fold(0.0f32, |m, s| m.max(s.abs()));
    ffmpeg(dir.path(), "-f lavfi -i aevalsrc=0.5*sin(440*2*PI*t):d=1:s=48000 -c:a pcm_f32le mono.wav");
    ffmpeg(dir.path(), "-i mono.wav -filter_complex [0][0]amerge=inputs=2 -c:a pcm_f32le stereo.wav");
    ffmpeg(dir.path(), "-f lavfi -i aevalsrc=0.5*sin(440*2*PI*t)|0|0|0|0|0:d=1:c=5.1 -c:a pcm_f32le six.wav");
    let (mono, stereo) = (dir.path().join("mono.wav"), dir.path().join("stereo.wav"));
    let one = heard(&mono, 48_000, 1, SoundRange::ALL);
    assert!((peak(&one) - 0.5).abs() < 1e-3);
    assert!(heard(&mono, 48_000, 2, SoundRange::ALL).chunks(2).zip(&one).all(|(p, s)| p == [*s, *s]));
    assert_eq!(heard(&stereo, 48_000, 1, SoundRange::ALL), one);
    let six = heard(&dir.path().join("six.wav"), 48_000, 2, SoundRange::ALL);
    assert_eq!(six.len(), 96_000);
    let left: Vec<f32> = six.iter().step_by(2).copied().collect();
    let right: Vec<f32> = six.iter().skip(1).step_by(2).copied().collect();
    assert!(
        peak(&left) > 0.1 && peak(&left) <= 0.5 && peak(&right) < 1e-4,
        "{} {}",
        peak(&left),
        peak(&right)
    );
}

#[test]
fn a_picture_that_begins_later_than_the_sound_is_time_0() {
    let dir = tempfile::tempdir().unwrap();
    let mut wave = vec![0.0f32; 96_000];
    wave[48_000] = 0.9;
    write(&dir.path().join("a.wav"), SoundFormat::WavFloat, 1, &wave);
    ffmpeg(
        dir.path(),
        "-itsoffset 0.5 -f lavfi -i testsrc2=s=64x64:r=30:d=2 -i a.wav -map 0:v -map 1:a -c:v libx264 -c:a flac late.mkv",
    );
    let back = heard(&dir.path().join("late.mkv"), 48_000, 1, SoundRange::ALL);
    let loudest = (0..back.len()).max_by(|a, b| back[*a].abs().total_cmp(&back[*b].abs())).unwrap();
    assert!(loudest.abs_diff(24_000) <= 48, "{loudest}");
}

#[test]
fn silence_stands_where_the_sound_begins_later() {
    let dir = tempfile::tempdir().unwrap();
    let wave = vec![0.5f32; 48_000];
    write(&dir.path().join("a.wav"), SoundFormat::WavFloat, 1, &wave);
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=64x64:r=30:d=4 -itsoffset 2 -i a.wav -map 0:v -map 1:a -c:v libx264 -c:a flac late.mkv",
    );
    let back = heard(&dir.path().join("late.mkv"), 48_000, 1, SoundRange::ALL);
    let first = back.iter().position(|s| *s > 0.25).unwrap();
    assert!(first.abs_diff(96_000) <= 48, "{first}");
}
