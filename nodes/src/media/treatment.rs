//! What is done to a voice before it is levelled: noise taken away, bands changed, loud made softer. It knows no
//! filter.

use reel_engine::quantity::{Duration, Gain};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frequency::{Frequency, Octaves};

/// How much of a steady noise is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Denoise {
    /// `true`: 12 dB; `false`: nothing.
    Usual(bool),
    /// So much, up to 40 dB.
    By(Gain),
}

impl Denoise {
    /// How much; `None` for nothing.
    #[must_use]
    pub const fn amount(self) -> Option<Gain> {
        match self {
            Self::Usual(false) => None,
            Self::Usual(true) => Some(Gain::from_hundredths(1200)),
            Self::By(gain) => Some(gain),
        }
    }
}

/// Whether and how loud is made softer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Compress {
    /// `true`: as the defaults are; `false`: not at all.
    Usual(bool),
    /// In this way.
    As(Compressor),
}

impl Compress {
    /// How; `None` for not at all.
    #[must_use]
    pub fn way(self) -> Option<Compressor> {
        match self {
            Self::Usual(false) => None,
            Self::Usual(true) => Some(Compressor::default()),
            Self::As(way) => Some(way),
        }
    }
}

/// How loud is made softer, in speech that has been brought to its loudness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Compressor {
    /// From which level on, below full scale.
    pub threshold: Gain,
    /// Of so many decibels above it one is left.
    #[schemars(range(min = 2, max = 20))]
    pub ratio: u32,
    /// How long it takes to come down.
    pub attack: Duration,
    /// How long it takes to go up again.
    pub release: Duration,
}

impl Default for Compressor {
    fn default() -> Self {
        Self {
            threshold: Gain::from_hundredths(-2400),
            ratio: 3,
            attack: Duration::from_millis(5),
            release: Duration::from_millis(100),
        }
    }
}

/// A band of frequencies that is made louder or softer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Its middle.
    pub at: Frequency,
    /// How much louder or softer it is there.
    pub gain: Gain,
    /// How wide it is: there, half of the decibels are left.
    #[serde(default = "octave")]
    pub width: Octaves,
}

const fn octave() -> Octaves {
    Octaves(1000)
}
