//! The plan of a scene: what happens in it at which frame and sample. It knows no picture and no sound.

use serde::{Deserialize, Serialize};

use crate::media::time::{FrameRate, SAMPLE_RATE};

/// What `timeline` says of one scene on its `plan` port. Nothing that is only shown is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Length in frames.
    pub frames: u64,
    /// Frames per second.
    pub fps: FrameRate,
    /// Where each sentence's sound lies.
    pub sentences: Vec<Span>,
    /// When somebody speaks: from the onset of a first word to the end of a last one, in order, not touching.
    pub speech: Vec<Span>,
    /// First frame of each picture; the first is 0, each later than the one before, all below `frames`.
    pub pictures: Vec<u64>,
}

/// A stretch of sound, in samples of 48 kHz from the first sample of the scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First sample.
    pub start: u64,
    /// How many.
    pub samples: u64,
}

impl Span {
    /// First sample after it.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.start + self.samples
    }
}

/// Where a scene begins in its film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its first frame.
    pub frame: u64,
    /// Its first sample, at 48 kHz.
    pub sample: u64,
}

/// Where each scene begins, and, last, where the film ends.
#[must_use]
pub fn starts<'a>(fps: FrameRate, plans: impl IntoIterator<Item = &'a Plan>) -> Vec<Start> {
    let at = |frame| Start { frame, sample: fps.sample_of(frame, SAMPLE_RATE) };
    let mut starts = vec![at(0)];
    let mut frame = 0;
    for plan in plans {
        frame += plan.frames;
        starts.push(at(frame));
    }
    starts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rates() -> impl Strategy<Value = FrameRate> {
        prop::sample::select(vec!["24", "25", "30", "30000/1001", "24000/1001", "60000/1001", "50"])
            .prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn after_500_joints_every_scene_begins_where_arithmetic_says(
            fps in rates(),
            lengths in prop::collection::vec(1_u64..900, 501),
        ) {
            let plans: Vec<Plan> = lengths.iter().map(|&frames| Plan {
                frames, fps, sentences: Vec::new(), speech: Vec::new(), pictures: vec![0],
            }).collect();
            let starts = starts(fps, &plans);
            prop_assert_eq!(starts.len(), 502);
            for (i, start) in starts.iter().enumerate() {
                let frame: u64 = lengths[..i].iter().sum();
                prop_assert_eq!(start.frame, frame);
                // ⌊F · 48000 · den / num + ½⌋, and never further than half a sample from the true time.
                let (num, den) = (u128::from(fps.num()), u128::from(fps.den()));
                let twice = 2 * u128::from(frame) * 48_000 * den;
                prop_assert_eq!(u128::from(start.sample), (twice + num) / (2 * num));
                prop_assert!((2 * u128::from(start.sample) * num).abs_diff(twice) <= num);
            }
        }
    }
}
