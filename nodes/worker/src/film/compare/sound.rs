//! What is heard differently in two films or sounds, and how loud stretches are. It sees nothing.

use std::path::Path;

use reel_engine::operation::Failure;
use reel_nodes::film::compare::{Range, Report};
use reel_nodes::media::time::{FrameRate, SAMPLE_RATE, rescale};

use super::pictures::Beside;
use super::{joined, side};
use crate::av::{AudioReader, SoundRange, probe};
use crate::measure::{Equal, Stretches};
use crate::sound::loudness::{Meter, hear};

/// Samples a second of the sound that is compared: speech and what is heard of music.
const RATE: u32 = 12_000;
/// Mean square above which a difference is heard at all: −50 dB of full scale.
const AUDIBLE: f64 = 1e-5;
/// Part of what is heard, as a mean square, above which a difference is heard beside it: −20 dB.
const BESIDE: f64 = 1e-2;
/// Stretches a second in files without pictures.
const STRETCHES: u32 = 100;

/// Adds what is heard differently to what is seen differently, and how loud all of it is.
pub(super) fn of_films(paths: (&Path, &Path), beside: &Beside, report: &mut Report) -> Result<(), Failure> {
    let there = (has_sound(paths.0)?, has_sound(paths.1)?);
    report.one.lufs = if there.0 { whole(paths.0)? } else { None };
    report.other.lufs = if there.1 { whole(paths.1)? } else { None };
    let sounds = (samples(paths.0, there.0)?, samples(paths.1, there.1)?);
    report.sound = different(&sounds, beside);
    for range in report.pictures.iter_mut().chain(&mut report.sound) {
        let of = |path: &Path, there: bool, (from, to): (u64, u64)| {
            if there { part(path, beside.rate, from, to) } else { Ok(None) }
        };
        range.lufs = (of(paths.0, there.0, range.one)?, of(paths.1, there.1, range.other)?);
    }
    Ok(())
}

/// Compares two files of sound, sample beside sample.
pub(super) fn compare(one: &Path, other: &Path) -> Result<Report, Failure> {
    let lasts = |path: &Path| -> Result<u64, Failure> {
        let reader = AudioReader::open(path, SAMPLE_RATE, 2, SoundRange::ALL).map_err(crate::failure)?;
        Ok(rescale(hear(reader).map_err(crate::failure)?.frames, SAMPLE_RATE, 1_000_000))
    };
    let (one_lasts, other_lasts) = (lasts(one)?, lasts(other)?);
    let rate = FrameRate::whole(STRETCHES as u8);
    let length = rate.frames_covering(one_lasts.min(other_lasts), 1_000_000) as usize;
    let beside = Beside { runs: vec![Equal { one: 0, other: 0, length }], rate };
    let mut report = Report { fps: (STRETCHES, 1), ..Report::default() };
    (report.one, report.other) = (side(one_lasts), side(other_lasts));
    of_films((one, other), &beside, &mut report)?;
    Ok(report)
}

fn has_sound(path: &Path) -> Result<bool, Failure> {
    Ok(probe(path).map_err(crate::failure)?.audio.is_some())
}

/// All of a sound in one channel; nothing where there is none.
fn samples(path: &Path, there: bool) -> Result<Vec<f32>, Failure> {
    let mut all = Vec::new();
    if there {
        for block in AudioReader::open(path, RATE, 1, SoundRange::ALL).map_err(crate::failure)? {
            all.extend(block.map_err(crate::failure)?);
        }
    }
    Ok(all)
}

/// Where frames that belong together sound different.
fn different((one, other): &(Vec<f32>, Vec<f32>), beside: &Beside) -> Vec<Range> {
    let of = |sound: &[f32], frame: usize| -> Vec<f32> {
        let at = |frame: usize| beside.rate.sample_of(frame as u64, RATE) as usize;
        let (from, to) = (at(frame).min(sound.len()), at(frame + 1).min(sound.len()));
        sound[from..to].to_vec()
    };
    let mut all = Vec::new();
    for run in &beside.runs {
        let mut heard = Stretches::default();
        for index in 0..run.length {
            heard.push(is_heard(&of(one, run.one + index), &of(other, run.other + index)));
        }
        all.extend(heard.all().iter().map(|stretch| {
            let at = |start: usize| (start as u64 + stretch.from, start as u64 + stretch.to);
            Range { one: at(run.one), other: at(run.other), ssim: None, lufs: (None, None) }
        }));
    }
    joined(all, beside.rate.nearest_frame(1, 4).max(1))
}

/// Whether a difference of two short sounds is heard; the shorter is followed by silence.
fn is_heard(one: &[f32], other: &[f32]) -> bool {
    // A sample more or less is rounding.
    let length = match (one.len(), other.len()) {
        (a, b) if a.abs_diff(b) <= 1 => a.min(b),
        (a, b) => a.max(b),
    };
    let at = |sound: &[f32], index: usize| f64::from(sound.get(index).copied().unwrap_or(0.0));
    let (mut difference, mut loudest) = (0.0, 0.0);
    for index in 0..length {
        let (a, b) = (at(one, index), at(other, index));
        difference += (a - b) * (a - b);
        loudest += (a * a).max(b * b);
    }
    difference > AUDIBLE * length as f64 && difference > BESIDE * loudest
}

/// Integrated loudness of all of a sound, in hundredths of a LUFS.
fn whole(path: &Path) -> Result<Option<i32>, Failure> {
    loudness(path, SoundRange::ALL)
}

/// The same of some frames.
fn part(path: &Path, rate: FrameRate, from: u64, to: u64) -> Result<Option<i32>, Failure> {
    let micros = |frame| rate.sample_of(frame, 1_000_000);
    if from == to {
        return Ok(None);
    }
    loudness(path, SoundRange { from_us: micros(from), to_us: Some(micros(to)) })
}

fn loudness(path: &Path, range: SoundRange) -> Result<Option<i32>, Failure> {
    let Some(mut meter) = Meter::new(2) else { return Ok(None) };
    for block in AudioReader::open(path, SAMPLE_RATE, 2, range).map_err(crate::failure)? {
        meter.push(&block.map_err(crate::failure)?);
    }
    Ok(meter.integrated().map(|lufs| (lufs * 100.0).round() as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(count: usize, amplitude: f32) -> Vec<f32> {
        (0..count).map(|n| (n as f32 * 0.3).sin() * amplitude).collect()
    }

    #[test]
    fn a_difference_is_heard_above_noise_and_beside_what_is_louder() {
        assert!(!is_heard(&tone(400, 0.5), &tone(400, 0.48)));
        assert!(is_heard(&tone(400, 0.5), &tone(400, 0.4)));
        assert!(!is_heard(&tone(400, 0.001), &tone(400, 0.0)));
        assert!(is_heard(&tone(400, 0.1), &[]));
        assert!(!is_heard(&tone(400, 0.5), &tone(401, 0.5)));
    }

    #[test]
    fn stretches_are_told_in_the_frames_of_both() {
        let one = tone(12_000, 0.3);
        let mut other = tone(12_000, 0.3);
        other[6_000..7_200].fill(0.0);
        let rate = FrameRate::whole(25);
        let beside = Beside { runs: vec![Equal { one: 0, other: 0, length: 25 }], rate };
        let found = different(&(one, other), &beside);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].one, (12, 15));
    }
}
