//! How film pictures are compressed. It knows no encoder library.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the video encoder, equal for all segments of a film: nothing in here follows from a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Encoding {
    /// The codec.
    pub codec: VideoCodec,
    /// Constant rate factor: 0 is lossless, 51 the worst.
    #[schemars(range(min = 0, max = 51))]
    pub crf: u8,
    /// How much time the encoder takes for smaller files.
    pub preset: Preset,
    /// Longest distance of key frames, in frames.
    #[schemars(range(min = 1, max = 1000))]
    pub keyint: u32,
    /// Threads of the encoder. They change its bytes, so they are a parameter and never follow from the machine.
    #[schemars(range(min = 1, max = 64))]
    pub threads: u32,
}

impl Default for Encoding {
    fn default() -> Self {
        Self { codec: VideoCodec::H264, crf: 21, preset: Preset::Veryfast, keyint: 250, threads: 1 }
    }
}

/// Codecs of film pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264, 8 bits, 4:2:0, by x264.
    H264,
}

/// Presets of x264.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of x264")]
pub enum Preset {
    Ultrafast,
    Superfast,
    Veryfast,
    Faster,
    Fast,
    Medium,
    Slow,
    Slower,
    Veryslow,
}

impl Preset {
    /// As x264 and users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ultrafast => "ultrafast",
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Fast => "fast",
            Self::Medium => "medium",
            Self::Slow => "slow",
            Self::Slower => "slower",
            Self::Veryslow => "veryslow",
        }
    }

    /// How many pictures x264 looks ahead, and to how many it refers: nearly all of its memory.
    #[must_use]
    pub const fn depth(self) -> (u64, u64) {
        match self {
            Self::Ultrafast | Self::Superfast => (0, 1),
            Self::Veryfast => (10, 1),
            Self::Faster => (20, 2),
            Self::Fast => (30, 2),
            Self::Medium => (40, 3),
            Self::Slow => (50, 5),
            Self::Slower => (60, 8),
            Self::Veryslow => (60, 16),
        }
    }
}

/// How film sound is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SoundCodec {
    /// AAC in an M4A file.
    Aac,
    /// 16-bit PCM in a WAV file.
    Wav,
    /// FLAC, 16 bits.
    Flac,
}

impl SoundCodec {
    /// Media type of a file of it.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::Aac => "audio/mp4",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
        }
    }
}

/// Containers of films.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// MP4, with the index in front.
    Mp4,
    /// QuickTime.
    Mov,
}

impl Container {
    /// Media type of a file of it.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
        }
    }
}
