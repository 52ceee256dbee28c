//! How alike encoded pictures must be to those that were drawn, and what trials of rate factors found. It encodes
//! nothing.

use serde::{Deserialize, Serialize};

use super::likeness::Likeness;

/// The least and the most that can be asked for: below, pictures are ruined, and no lossy encoding keeps them all.
const RANGE: (Likeness, Likeness) = (Likeness(500), Likeness(999));

/// What is wrong with a likeness as a quality, and what to do, if anything is.
#[must_use]
pub fn wrong_quality(ssim: Likeness) -> Option<(String, String)> {
    let (least, most) = RANGE;
    let right = (least..=most).contains(&ssim);
    let help = "such as `ssim: 0.97`; with `h264`, `crf: 0` keeps every picture exactly";
    (!right).then(|| (format!("a quality is an `ssim` from {least} to {most}, not {ssim}"), help.to_owned()))
}

/// What `trial` found of the samples of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The largest rate factor with which every sample is as alike as it must be; where none is, the least that was tried.
    pub crf: u8,
    /// With that, the mean SSIM of the sample that is least alike, in millionths.
    pub ssim: u32,
}

/// What `quality` says of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The rate factor of all its segments.
    pub crf: u8,
}

/// Millionths of SSIM as a number, to four places: cut off, so that what misses a limit never reads as if it met it.
#[must_use]
pub fn places(millionths: u32) -> String {
    format!("{}.{:04}", millionths / 1_000_000, millionths % 1_000_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quality_is_between_ruined_and_the_same() {
        assert_eq!(wrong_quality(Likeness(970)), None);
        assert_eq!(wrong_quality(Likeness(999)), None);
        assert!(wrong_quality(Likeness(1000)).unwrap().0.contains("not 1"));
        assert!(wrong_quality(Likeness(97)).unwrap().0.contains("0.097"));
    }

    #[test]
    fn what_misses_a_limit_does_not_read_as_if_it_met_it() {
        assert_eq!(places(969_999), "0.9699");
        assert_eq!(places(1_000_000), "1.0000");
    }
}
