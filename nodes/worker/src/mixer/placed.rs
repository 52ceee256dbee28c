//! Sounds that stand at one place of a passage: speech, clips and effects. It knows no music and no loudness.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use hound::WavReader;
use reel_engine::operation::Failure;
use reel_nodes::media::passage::{EDGE, Heard};
use reel_nodes::media::time::SAMPLE_RATE;

use crate::sound::loudness::{decibels, factor};

/// A WAV of 32-bit floats at 48 kHz, one channel or two, and where it sounds.
pub(super) struct Placed {
    path: PathBuf,
    /// Open while it sounds.
    reader: Option<WavReader<BufReader<File>>>,
    start: i64,
    /// Samples of it that sound.
    samples: u64,
    gain: f32,
    /// Samples over which it comes in and goes out under a transition; 0 at a cut.
    fades: (u64, u64),
    /// Whether it begins again when it ends.
    repeat: bool,
}

impl Placed {
    pub(super) fn new(path: &Path, heard: &Heard) -> Self {
        Self {
            path: path.to_owned(),
            reader: None,
            start: heard.start,
            samples: heard.samples,
            gain: factor(decibels(heard.gain)) as f32,
            fades: (heard.comes_in, heard.goes_out),
            repeat: heard.repeat,
        }
    }

    /// Adds what of it sounds in the piece that begins at a sample; pieces come one after the other.
    pub(super) fn add(&mut self, at: i64, piece: &mut [f32]) -> Result<(), Failure> {
        let within = |sample: i64| sample.clamp(0, self.samples as i64) as u64;
        let (from, to) = (within(at - self.start), within(at + (piece.len() / 2) as i64 - self.start));
        if from >= to {
            self.reader = None;
            return Ok(());
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => open(&self.path, from)?,
        };
        let channels = reader.spec().channels.clamp(1, 2);
        let own = u64::from(reader.duration()).max(1);
        let length = if self.repeat { self.samples } else { self.samples.min(own) };
        let offset = (self.start + from as i64 - at) as usize;
        let mut frames = piece.as_chunks_mut::<2>().0[offset..].iter_mut();
        let mut position = from;
        while position < to.min(length) {
            if position > from && position.is_multiple_of(own) {
                reader.seek(0).map_err(|error| broken(&hound::Error::IoError(error)))?;
            }
            let round = position / own * own;
            let until = (round + own).min(to).min(length);
            let mut samples = reader.samples::<f32>();
            let mut next = || samples.next().transpose().map_err(|error| broken(&error));
            for frame in frames.by_ref().take((until - position) as usize) {
                let left = next()?.unwrap_or(0.0);
                let right = if channels == 2 { next()?.unwrap_or(0.0) } else { left };
                let gain =
                    self.gain * edge(position - round, (length - round).min(own)) * self.power(position);
                frame[0] += left * gain;
                frame[1] += right * gain;
                position += 1;
            }
        }
        if position < length && !position.is_multiple_of(own) {
            self.reader = Some(reader);
        }
        Ok(())
    }

    /// The factor under transitions at both ends: a quarter of a sine, so that two sounds have equal power together.
    fn power(&self, position: u64) -> f32 {
        let quarter = |part: u64, whole: u64| {
            if part >= whole {
                return 1.0;
            }
            ((part as f32 + 0.5) / whole as f32 * std::f32::consts::FRAC_PI_2).sin()
        };
        let left = self.samples.saturating_sub(position + 1);
        quarter(position, self.fades.0) * quarter(left, self.fades.1)
    }
}

fn broken(error: &hound::Error) -> Failure {
    Failure::new(format!("cannot read a sound of the mix: {error}"))
}

/// A sound from its sample `from` on, as often as it is repeated.
fn open(path: &Path, from: u64) -> Result<WavReader<BufReader<File>>, Failure> {
    let mut reader = WavReader::open(path).map_err(|error| broken(&error))?;
    let spec = reader.spec();
    if spec.sample_rate != SAMPLE_RATE || spec.sample_format != hound::SampleFormat::Float {
        return Err(Failure::new("a sound of the mix is not 48 kHz of floats; level it first"));
    }
    let own = u64::from(reader.duration()).max(1);
    reader.seek((from % own) as u32).map_err(|error| broken(&hound::Error::IoError(error)))?;
    Ok(reader)
}

/// The factor of the fades at both ends of `length` samples.
fn edge(position: u64, length: u64) -> f32 {
    let near = (position + 1).min(length - position);
    if near >= EDGE { 1.0 } else { near as f32 / EDGE as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sounds_under_a_transition_have_equal_power_together() {
        let sound = |fades| Placed {
            path: PathBuf::new(),
            reader: None,
            start: 0,
            samples: 48_000,
            gain: 1.0,
            fades,
            repeat: false,
        };
        let (out, into) = (sound((0, 4800)), sound((4800, 0)));
        for position in 0..4800 {
            let power = out.power(43_200 + position).powi(2) + into.power(position).powi(2);
            assert!((power - 1.0).abs() < 1e-3, "{position}: {power}");
        }
        assert_eq!((out.power(43_199), into.power(4800), out.power(0)), (1.0, 1.0, 1.0));
        assert!(out.power(47_999) < 0.001 && into.power(0) < 0.001);
        assert_eq!(sound((0, 0)).power(0), 1.0);
    }

    #[test]
    fn edges_fade_in_and_out_over_five_milliseconds() {
        assert!(edge(0, 48_000) < 0.01);
        assert_eq!(edge(EDGE, 48_000), 1.0);
        assert_eq!(edge(24_000, 48_000), 1.0);
        assert!(edge(47_999, 48_000) < 0.01);
        assert_eq!(edge(0, 1), 1.0 / EDGE as f32);
    }
}
