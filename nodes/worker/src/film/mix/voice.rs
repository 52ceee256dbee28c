//! Sounds that stand at one place of the film: speech and clips. It knows no music and no loudness.

use std::path::PathBuf;

use reel_engine::artifact::InputFile;
use reel_engine::operation::{Call, Failure};
use reel_nodes::film::mix::Params;
use reel_nodes::media::plan::{Plan, Start};
use reel_nodes::media::time::SAMPLE_RATE;

use super::decibels;
use crate::sound::loudness::factor;

/// Fades at every edge, so that nothing clicks: 5 ms.
const EDGE: u64 = 240;

/// A WAV of 32-bit floats at 48 kHz, one channel or two, and where it sounds.
pub(super) struct Placed {
    pub(super) path: PathBuf,
    /// First sample in film time.
    pub(super) start: u64,
    /// Samples of it that sound.
    pub(super) samples: u64,
    pub(super) gain: f32,
    /// Samples over which it comes in and goes out under a transition; 0 at a cut.
    pub(super) fades: (u64, u64),
    /// Whether it begins again when it ends.
    pub(super) repeat: bool,
}

/// The sentences of a scene.
pub(super) fn voices(
    call: &Call<'_>,
    params: &Params,
    scene: usize,
    plan: &Plan,
    start: Start,
) -> Result<Vec<Placed>, Failure> {
    let sound = &params.scenes[scene];
    let files: Vec<&InputFile> = sound.voices.iter().flat_map(|voice| call.many(voice.slot())).collect();
    if files.len() != plan.sentences.len() {
        return Err(Failure::new(format!(
            "scene {} has {} sentences in its plan and {} voices",
            scene + 1,
            plan.sentences.len(),
            files.len()
        )));
    }
    let gain = factor(decibels(sound.gain)) as f32;
    let place = |(file, span): (&InputFile, &reel_nodes::media::plan::Span)| Placed {
        path: file.path.clone(),
        start: start.sample + span.start,
        samples: span.samples,
        gain,
        fades: (0, 0),
        repeat: false,
    };
    Ok(files.into_iter().zip(&plan.sentences).map(place).collect())
}

/// The sounds of a scene's clips, each until the next picture or the scene's end, the last one on beneath the
/// transition into the next scene.
pub(super) fn clips(
    call: &Call<'_>,
    params: &Params,
    scene: usize,
    plan: &Plan,
    (start, end): (Start, Start),
) -> Result<Vec<Placed>, Failure> {
    let mut placed = Vec::new();
    // Samples of the transition that begins with a scene.
    let fade = |scene: usize, start: Start| {
        let time = params.scenes.get(scene).map_or(0, |scene| scene.fade.as_micros());
        let frames = if time == 0 { 0 } else { plan.fps.nearest_frame(time, 1_000_000).max(1) };
        plan.fps.sample_of(start.frame + frames, SAMPLE_RATE) - start.sample
    };
    for clip in &params.scenes[scene].clips {
        let index = clip.picture as usize;
        let first = *plan.pictures.get(index).ok_or_else(|| {
            Failure::new(format!("scene {} has no picture {index} for the sound of a clip", scene + 1))
        })?;
        let at = |frame: u64| plan.fps.sample_of(start.frame + frame, SAMPLE_RATE);
        let beneath = if index + 1 < plan.pictures.len() { 0 } else { fade(scene + 1, end) };
        let until = plan.pictures.get(index + 1).map_or(end.sample + beneath, |next| at(*next));
        placed.push(Placed {
            path: call.one(clip.audio.slot())?.path.clone(),
            start: at(first),
            samples: until - at(first),
            gain: factor(decibels(clip.gain)) as f32,
            fades: (if index == 0 { fade(scene, start) } else { 0 }, beneath),
            repeat: clip.repeat,
        });
    }
    Ok(placed)
}

impl Placed {
    /// Whether any of it sounds from `from` to `to`.
    pub(super) const fn touches(&self, from: u64, to: u64) -> bool {
        self.start < to && from < self.start + self.samples
    }

    /// Adds what of it sounds in the window that begins at film sample `at`.
    pub(super) fn add(&self, at: u64, window: &mut [f32]) -> Result<(), Failure> {
        let broken = |error: hound::Error| Failure::new(format!("cannot read a sound of the mix: {error}"));
        let mut reader = hound::WavReader::open(&self.path).map_err(broken)?;
        let spec = reader.spec();
        if spec.sample_rate != SAMPLE_RATE || spec.sample_format != hound::SampleFormat::Float {
            return Err(Failure::new("a sound of the mix is not 48 kHz of floats; level it first"));
        }
        let channels = usize::from(spec.channels.clamp(1, 2));
        let own = u64::from(reader.duration()).max(1);
        let length = if self.repeat { self.samples } else { self.samples.min(own) };
        let from = at.saturating_sub(self.start);
        let to = (at + window.len() as u64 / 2).saturating_sub(self.start).min(length);
        if from >= to {
            return Ok(());
        }
        reader.seek((from % own) as u32).map_err(|error| broken(hound::Error::IoError(error)))?;
        let offset = (self.start + from - at) as usize;
        for (position, frame) in (from..to).zip(window.as_chunks_mut::<2>().0[offset..].iter_mut()) {
            if position > from && position.is_multiple_of(own) {
                reader.seek(0).map_err(|error| broken(hound::Error::IoError(error)))?;
            }
            let mut samples = reader.samples::<f32>();
            let left = samples.next().transpose().map_err(broken)?.unwrap_or(0.0);
            let right =
                if channels == 2 { samples.next().transpose().map_err(broken)?.unwrap_or(0.0) } else { left };
            let round = position / own * own;
            let edge = edge(position - round, (length - round).min(own));
            let gain = self.gain * edge * self.power(position);
            frame[0] += left * gain;
            frame[1] += right * gain;
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
