//! How much time an encoder takes, by x264's names and by purpose. It knows no encoder library.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, ProresProfile, VideoCodec};

/// How much time an encoder takes for smaller files, by the names of x264, whatever the codec.
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
    /// As x264, x265 and users write it.
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

/// `preset:` of an output: one of x264's names, or what the film is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of x264, and what follows them is told")]
pub enum PresetName {
    Ultrafast,
    Superfast,
    Veryfast,
    Faster,
    Fast,
    Medium,
    Slow,
    Slower,
    Veryslow,
    /// Made fast, to look at while working.
    Draft,
    /// What is taken where nothing is said.
    Balanced,
    /// Better pictures and smaller files, for more time.
    High,
    /// Pictures to keep and to encode again.
    Archive,
    /// A file to put on a page: smaller, with a key frame every 2 seconds.
    Web,
    /// To be sent while it is watched: a key frame every 2 seconds.
    Streaming,
}

/// What a purpose comes to. Where the user says more, that counts.
struct Purpose {
    preset: Preset,
    /// By how much the rate factor differs from the codec's plain one.
    factor: i8,
    /// Whether key frames are at most 2 seconds apart.
    short: bool,
    profile: ProresProfile,
}

impl PresetName {
    /// The preset of that name, if it is one of x264's.
    const fn plain(self) -> Option<Preset> {
        match self {
            Self::Ultrafast => Some(Preset::Ultrafast),
            Self::Superfast => Some(Preset::Superfast),
            Self::Veryfast => Some(Preset::Veryfast),
            Self::Faster => Some(Preset::Faster),
            Self::Fast => Some(Preset::Fast),
            Self::Medium => Some(Preset::Medium),
            Self::Slow => Some(Preset::Slow),
            Self::Slower => Some(Preset::Slower),
            Self::Veryslow => Some(Preset::Veryslow),
            _ => None,
        }
    }

    /// Whether it is a purpose, and none of x264's names.
    #[must_use]
    pub const fn is_purpose(self) -> bool {
        self.plain().is_none()
    }

    const fn purpose(self) -> Option<Purpose> {
        let (preset, factor, short, profile) = match self {
            Self::Draft => (Preset::Ultrafast, 6, false, ProresProfile::Proxy),
            Self::Balanced => (Preset::Veryfast, 0, false, ProresProfile::Standard),
            Self::High => (Preset::Slow, -3, false, ProresProfile::Hq),
            Self::Archive => (Preset::Slow, -7, false, ProresProfile::Hq),
            Self::Web => (Preset::Medium, 3, true, ProresProfile::Lt),
            Self::Streaming => (Preset::Veryfast, 2, true, ProresProfile::Lt),
            _ => return None,
        };
        Some(Purpose { preset, factor, short, profile })
    }

    /// Fills in what follows from the name where nothing was written; `two_seconds` is that in frames.
    pub fn fill(self, asked: &mut Asked, two_seconds: u32) {
        let Some(purpose) = self.purpose() else {
            asked.preset = self.plain();
            return;
        };
        let codec = asked.codec.unwrap_or(VideoCodec::H264);
        if codec == VideoCodec::Prores {
            asked.profile = asked.profile.or(Some(purpose.profile));
            return;
        }
        asked.preset = Some(purpose.preset);
        if asked.bitrate.is_none() {
            let of = codec.crf().map(|crf| crf.plain.saturating_add_signed(purpose.factor));
            asked.crf = asked.crf.or(of);
        }
        if purpose.short {
            asked.keyint = asked.keyint.or(Some(two_seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::encoding::Encoding;

    fn filled(name: PresetName, asked: Asked) -> Encoding {
        let mut asked = asked;
        name.fill(&mut asked, 60);
        asked.into()
    }

    #[test]
    fn a_purpose_fills_in_what_is_not_written() {
        let web = filled(PresetName::Web, Asked::default());
        assert_eq!((web.preset, web.crf, web.keyint), (Preset::Medium, Some(24), 60));
        let own = filled(PresetName::Web, Asked { crf: Some(18), keyint: Some(9), ..Asked::default() });
        assert_eq!((own.crf, own.keyint), (Some(18), 9));
        let rate = filled(PresetName::High, Asked { bitrate: "2Mbps".parse().ok(), ..Asked::default() });
        assert_eq!((rate.preset, rate.crf), (Preset::Slow, None));
        let prores = Asked { codec: Some(VideoCodec::Prores), ..Asked::default() };
        assert_eq!(filled(PresetName::Archive, prores).profile, Some(ProresProfile::Hq));
    }

    #[test]
    fn what_is_balanced_is_what_is_made_anyway() {
        assert_eq!(filled(PresetName::Balanced, Asked::default()), Encoding::default());
        assert_eq!(filled(PresetName::Veryfast, Asked::default()), Encoding::default());
    }
}
