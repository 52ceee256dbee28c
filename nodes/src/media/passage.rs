//! A passage of a film's sound: what is heard in it, in its own time, and nothing else. It knows no film time.

use reel_engine::operation::{Audio, Input};
use reel_engine::quantity::Gain;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that is heard in a passage. Times are samples of 48 kHz, counted from its first one; what began before
/// it has negative ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// How many samples are mixed, `before` and `after` among them.
    #[schemars(range(min = 1))]
    pub samples: u64,
    /// How many of them, at the start, belong to the passage before: whatever has a memory hears them first.
    #[serde(default, skip_serializing_if = "is_none")]
    pub before: u64,
    /// How many of them, at the end, belong to the next passage: whatever looks ahead sees them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub after: u64,
    /// Speech, clips and effects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sounds: Vec<Heard>,
    /// The music.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub music: Vec<Bed>,
    /// When somebody speaks, which ducks the music: in order, further apart than gaps that are held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speech: Vec<Spoken>,
}

/// A part of a film's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// What is said.
    Voice,
    /// What clips sound like.
    Clips,
    /// Sounds that are put in.
    Sfx,
    /// The music, ducked.
    Music,
}

/// A sound that stands at one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// 48 kHz of 32-bit floats, as `level`, `clip` and `sound` make them.
    pub audio: Input<Audio>,
    /// Which one of several sounds, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub nth: u32,
    /// Which part of the film's sound it belongs to.
    pub part: Stem,
    /// Its first sample.
    pub start: i64,
    /// How many of its samples are heard.
    pub samples: u64,
    /// How much louder or softer it is.
    #[serde(default)]
    pub gain: Gain,
    /// Samples over which it comes in under a transition.
    #[serde(default, skip_serializing_if = "is_none")]
    pub comes_in: u64,
    /// Samples over which it goes out under a transition.
    #[serde(default, skip_serializing_if = "is_none")]
    pub goes_out: u64,
    /// Whether it begins again when it ends.
    #[serde(default, rename = "loop", skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
}

/// Music under a passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bed {
    /// The music as `sound` makes it with `codec: flac`.
    pub audio: Input<Audio>,
    /// Where its first sample stands.
    pub start: i64,
    /// The first sample after it; left out, it is not near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// How loud, against how it was recorded.
    #[serde(default)]
    pub gain: Gain,
    /// How much softer still while somebody speaks.
    #[serde(default)]
    pub duck: Gain,
    /// Samples over which it comes in.
    #[serde(default, skip_serializing_if = "is_none")]
    pub fade_in: u64,
    /// Samples over which it goes out, before its end.
    #[serde(default, skip_serializing_if = "is_none")]
    pub fade_out: u64,
    /// Whether it begins again when it ends.
    #[serde(default, rename = "loop", skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
}

/// When somebody speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spoken {
    /// From this sample on.
    pub start: i64,
    /// To this one, which is not spoken any more.
    pub end: i64,
}

/// How loud a passage is: what `loudness` says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loudness {
    /// Loudness of each gating block of EBU R128 (400 ms, one every 100 ms) that ends in it, in millionths of a LUFS;
    /// blocks below the absolute gate, which never count, are left out.
    pub blocks: Vec<i32>,
    /// Sum of the squares of all its samples, in 10⁻¹².
    pub power: u64,
    /// How many samples it has, of one channel.
    pub samples: u64,
}

/// What is added to a film's sound as a whole: what `gain` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmGain {
    /// In whole half decibels.
    pub gain: Gain,
}

/// Samples of a packet of AAC.
pub const AAC_FRAME: u64 = 1024;
/// Samples of a passage: 24 s, whole packets of AAC and whole steps of the measure of loudness.
pub const LENGTH: u64 = 1125 * AAC_FRAME;
/// Samples that are mixed before a passage: the limiter forgets within 0.8 s, the filters of loudness sooner, and AAC
/// is encoded from a third of a second before on.
pub const BEFORE: u64 = 64 * AAC_FRAME;
/// Samples that are mixed behind a passage: the limiter and AAC look ahead.
pub const AFTER: u64 = 4 * AAC_FRAME;

/// Samples from full level to ducked: 200 ms, complete at the onset.
pub const ATTACK: u64 = 9_600;
/// Samples back to full level: 500 ms from the end of speech.
pub const RELEASE: u64 = 24_000;
/// Gaps in speech that are shorter than this stay ducked: 1.2 s.
pub const HOLD: u64 = 57_600;
/// Fades at every edge, so that nothing clicks: 5 ms.
pub const EDGE: u64 = 240;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_none(samples: &u64) -> bool {
    *samples == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_first(nth: &u32) -> bool {
    *nth == 0
}
