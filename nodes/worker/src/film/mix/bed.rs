//! The music bed: decoded as it is needed, repeated without a seam, ducked and faded. It knows no speech sound.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use reel_engine::operation::Failure;
use reel_engine::quantity::Duration;
use reel_nodes::film::mix::Music;
use reel_nodes::media::time::SAMPLE_RATE;

use super::decibels;
use crate::av::{AudioReader, SoundRange};
use crate::sound::duck::Ducking;
use crate::sound::loudness::factor;

/// Cross-fade where the music begins again: 50 ms.
const SEAM: usize = 2_400;
/// A new value of a gain in decibels is computed this often, in samples, with straight lines between.
const GRAIN: u64 = 64;

type Frame = [f32; 2];

/// Music from a sample of a film on, to be taken window by window in order.
pub(super) struct Bed {
    path: PathBuf,
    reader: AudioReader,
    /// Decoded and not yet used; never fewer than [`SEAM`] frames while the music goes on.
    ahead: VecDeque<Frame>,
    ended: bool,
    repeat: bool,
    gain_db: f64,
    fade_in: u64,
    fade_out: u64,
    /// First sample in film time.
    from: u64,
    /// First sample after it.
    end: u64,
    ducking: Ducking,
}

/// Samples that a time takes.
pub(super) const fn samples(time: Duration) -> u64 {
    time.as_micros() * SAMPLE_RATE as u64 / 1_000_000
}

impl Bed {
    pub(super) fn open(
        path: &Path,
        music: &Music,
        (from, end): (u64, u64),
        ducking: Ducking,
    ) -> Result<Self, Failure> {
        Ok(Self {
            path: path.to_owned(),
            reader: open(path)?,
            ahead: VecDeque::new(),
            ended: false,
            repeat: music.repeat,
            gain_db: decibels(music.gain),
            fade_in: samples(music.fade_in),
            fade_out: samples(music.fade_out),
            from,
            end,
            ducking,
        })
    }

    /// Adds the music to the window that begins at film sample `at`.
    pub(super) fn add(&mut self, at: u64, window: &mut [f32]) -> Result<(), Failure> {
        let frames = window.as_chunks_mut::<2>().0;
        let inside = |sample: u64| (sample.saturating_sub(at) as usize).min(frames.len());
        let (first, last) = (inside(self.from), inside(self.end));
        let mut gains = (0.0, 0.0);
        for (offset, frame) in frames[..last].iter_mut().enumerate().skip(first) {
            let sample = at + offset as u64;
            if sample.is_multiple_of(GRAIN) || offset == first {
                let grain = sample / GRAIN * GRAIN;
                gains = (self.gain_at(grain), self.gain_at(grain + GRAIN));
            }
            let part = (sample % GRAIN) as f32 / GRAIN as f32;
            let Some(music) = self.next()? else { return Ok(()) };
            let gain = gains.0 + (gains.1 - gains.0) * part;
            frame[0] += music[0] * gain;
            frame[1] += music[1] * gain;
        }
        Ok(())
    }

    fn gain_at(&self, sample: u64) -> f32 {
        let ramp =
            |part: u64, whole: u64| if whole == 0 { 1.0 } else { (part as f64 / whole as f64).min(1.0) };
        let fades = ramp(sample.saturating_sub(self.from), self.fade_in)
            .min(ramp(self.end.saturating_sub(sample), self.fade_out));
        (factor(self.gain_db + self.ducking.db_at(sample)) * fades) as f32
    }

    fn next(&mut self) -> Result<Option<Frame>, Failure> {
        while !self.ended && self.ahead.len() <= SEAM {
            match self.reader.next() {
                Some(block) => {
                    let block = block.map_err(crate::failure)?;
                    self.ahead.extend(block.as_chunks::<2>().0);
                }
                None if self.repeat => self.begin_again()?,
                None => self.ended = true,
            }
        }
        Ok(self.ahead.pop_front())
    }

    /// The last frames of the music fade out while its first fade in, with equal power.
    fn begin_again(&mut self) -> Result<(), Failure> {
        self.reader = open(&self.path)?;
        let mut first: Vec<Frame> = Vec::new();
        while first.len() < 2 * SEAM {
            match self.reader.next() {
                Some(block) => first.extend(block.map_err(crate::failure)?.as_chunks::<2>().0),
                None => break,
            }
        }
        if first.is_empty() {
            return Err(Failure::new("the music has no sound in it").help("choose another `music.file`"));
        }
        // Music shorter than two seams is repeated as it is.
        let seam = if first.len() < 2 * SEAM { 0 } else { SEAM.min(self.ahead.len()) };
        let tail = self.ahead.len() - seam;
        for (index, (old, new)) in self.ahead.iter_mut().skip(tail).zip(&first).enumerate() {
            let angle = (index as f32 + 0.5) / seam as f32 * std::f32::consts::FRAC_PI_2;
            *old = std::array::from_fn(|channel| old[channel] * angle.cos() + new[channel] * angle.sin());
        }
        self.ahead.extend(first.into_iter().skip(seam));
        Ok(())
    }
}

fn open(path: &Path) -> Result<AudioReader, Failure> {
    AudioReader::open(path, SAMPLE_RATE, 2, SoundRange::ALL).map_err(crate::failure)
}
