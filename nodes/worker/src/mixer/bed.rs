//! The music bed: decoded as it is needed, repeated without a seam, ducked and faded. It knows no speech sound.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use reel_engine::operation::Failure;
use reel_nodes::film::sound::HEADROOM;
use reel_nodes::media::passage::Bed as Music;
use reel_nodes::media::time::SAMPLE_RATE;

use crate::av::{AudioReader, SoundRange, probe};
use crate::sound::duck::Ducking;
use crate::sound::loudness::{decibels, factor};

/// Cross-fade where the music begins again: 50 ms.
const SEAM: usize = 2_400;
/// A new value of a gain in decibels is computed this often, in samples, with straight lines between.
const GRAIN: i64 = 64;

type Frame = [f32; 2];

/// Music under a passage, to be taken piece by piece in order.
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
    /// Where it begins, and the first sample after it, in the time of the passage.
    start: i64,
    end: i64,
    ducking: Ducking,
}

impl Bed {
    pub(super) fn open(path: &Path, music: &Music, speech: Rc<[(i64, i64)]>) -> Result<Self, Failure> {
        let begun = u64::try_from(-music.start).unwrap_or(0);
        let place = Place::of(begun, length(path)?, music.repeat);
        let mut bed = Self {
            path: path.to_owned(),
            reader: open(path, place.open)?,
            ahead: VecDeque::new(),
            ended: false,
            repeat: music.repeat,
            gain_db: decibels(music.gain),
            fade_in: music.fade_in,
            fade_out: music.fade_out,
            start: music.start,
            end: music.end.unwrap_or(i64::MAX),
            ducking: Ducking::new(speech, decibels(music.duck)),
        };
        for _ in 0..place.skip {
            let _ = bed.next()?;
        }
        Ok(bed)
    }

    /// Adds the music to the piece that begins at sample `at`.
    pub(super) fn add(&mut self, at: i64, piece: &mut [f32]) -> Result<(), Failure> {
        let frames = piece.as_chunks_mut::<2>().0;
        let inside = |sample: i64| (sample.saturating_sub(at).max(0) as usize).min(frames.len());
        let (first, last) = (inside(self.start), inside(self.end));
        let mut gains = (0.0, 0.0);
        for (offset, frame) in frames[..last].iter_mut().enumerate().skip(first) {
            let sample = at + offset as i64;
            if sample % GRAIN == 0 || offset == first {
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

    fn gain_at(&self, sample: i64) -> f32 {
        let ramp = |part: i64, whole: u64| {
            if whole == 0 { 1.0 } else { (part.max(0) as f64 / whole as f64).min(1.0) }
        };
        let fades =
            ramp(sample - self.start, self.fade_in).min(ramp(self.end.saturating_sub(sample), self.fade_out));
        (factor(self.gain_db + self.ducking.db_at(sample)) * fades) as f32
    }

    fn next(&mut self) -> Result<Option<Frame>, Failure> {
        while !self.ended && self.ahead.len() <= SEAM {
            match self.reader.next() {
                Some(block) => {
                    let block = block.map_err(crate::failure)?;
                    self.ahead
                        .extend(block.as_chunks::<2>().0.iter().map(|frame| frame.map(|x| x * HEADROOM)));
                }
                None if self.repeat => self.begin_again()?,
                None => self.ended = true,
            }
        }
        Ok(self.ahead.pop_front())
    }

    /// The last frames of the music fade out while its first fade in, with equal power.
    fn begin_again(&mut self) -> Result<(), Failure> {
        self.reader = open(&self.path, 0)?;
        let mut first: Vec<Frame> = Vec::new();
        while first.len() < 2 * SEAM {
            match self.reader.next() {
                Some(block) => {
                    let block = block.map_err(crate::failure)?;
                    first.extend(block.as_chunks::<2>().0.iter().map(|frame| frame.map(|x| x * HEADROOM)));
                }
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

/// Where in a file to go on with music that has been heard for a while.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// The first frame to decode.
    open: u64,
    /// How many frames from there were heard already.
    skip: u64,
}

impl Place {
    /// After `heard` frames of music of `length` frames. Decoding begins no later than the cross-fade.
    fn of(heard: u64, length: u64, repeat: bool) -> Self {
        let seam = if length < 2 * SEAM as u64 { 0 } else { SEAM as u64 };
        let at = if repeat && heard >= length && length > seam {
            seam + (heard - length) % (length - seam)
        } else {
            heard
        };
        // One frame more than the cross-fade is decoded ahead while music goes on.
        let open = if repeat { at.min(length.saturating_sub(seam + 1)) } else { at };
        Self { open, skip: at - open }
    }
}

/// Frames of a file that `sound` made.
fn length(path: &Path) -> Result<u64, Failure> {
    let audio = probe(path).map_err(crate::failure)?.audio;
    let micros = audio.and_then(|audio| audio.duration_us).ok_or_else(|| {
        Failure::new("the music does not tell how long it is").help("bring it into form with a node `sound`")
    })?;
    Ok((u128::from(micros) * u128::from(SAMPLE_RATE)).div_ceil(1_000_000) as u64)
}

fn open(path: &Path, frame: u64) -> Result<AudioReader, Failure> {
    let micros = (u128::from(frame) * 2_000_000 / u128::from(SAMPLE_RATE)).div_ceil(2) as u64;
    let range = SoundRange { from_us: micros, to_us: None };
    AudioReader::open(path, SAMPLE_RATE, 2, range).map_err(crate::failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn music_goes_on_where_it_was() {
        let place = |heard, length, repeat| Place::of(heard, length, repeat);
        assert_eq!(place(500, 48_000, true), Place { open: 500, skip: 0 });
        assert_eq!(place(47_000, 48_000, true), Place { open: 45_599, skip: 1401 });
        assert_eq!(
            place(48_000, 48_000, true),
            Place { open: 2_400, skip: 0 },
            "its start was in the cross-fade"
        );
        assert_eq!(place(48_000 + 45_600 + 10, 48_000, true), Place { open: 2_410, skip: 0 });
        assert_eq!(place(1_250, 1_000, true), Place { open: 250, skip: 0 }, "too short for a cross-fade");
        assert_eq!(place(60_000, 48_000, false), Place { open: 60_000, skip: 0 });
    }

    #[test]
    fn every_frame_has_a_time_that_leads_back_to_it() {
        for frame in (0..10_000_000_u64).step_by(997) {
            let micros = (u128::from(frame) * 2_000_000 / 48_000).div_ceil(2) as u64;
            assert_eq!((micros * 48_000 + 500_000) / 1_000_000, frame);
            let floor = u128::from(frame) * 1_000_000 / 48_000;
            assert_eq!((floor * 48_000).div_ceil(1_000_000) as u64, frame);
        }
    }
}
