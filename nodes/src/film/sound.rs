//! `sound`: any sound as the mix takes it. It knows no film and changes nothing but the form.
//!
//! ```yaml
//! nodes:
//!   bed: { uses: sound, with: { file: assets/bed.mp3, codec: flac } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode slot `file` to 48 kHz stereo, sample-exact from its first sample, at most `length` of it; a file without
//!   a sample is a failure;
//! - port `audio`: `wav` is 32-bit float; `flac` has 24 bits and is [`HEADROOM`] times softer, so that what is above
//!   full scale is kept.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Audio, Info, Input, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::encoding::SoundCodec;
use crate::media::tools;

/// How many times softer what is stored with a fixed range is.
pub const HEADROOM: f32 = 4.0;

/// `with:` of `sound`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A sound file, or a URL.
    pub file: Input<Audio>,
    /// How it is stored: `wav`, which is read at any place at once, or `flac`, which is small.
    #[serde(default = "default_codec")]
    pub codec: SoundCodec,
    /// What is behind this is not wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<Duration>,
}

const fn default_codec() -> SoundCodec {
    SoundCodec::Wav
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sound;

impl Kind for Sound {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "sound",
            version: 1,
            summary: "brings any sound into the form that the mix takes",
            example: "bed: { uses: sound, with: { file: bed.mp3, codec: flac } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("audio", PortType::Audio)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 48)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_content(params.file.slot(), PortType::Audio, cx);
        let lossy = match params.codec {
            SoundCodec::Aac => Some("AAC"),
            SoundCodec::Opus => Some("Opus"),
            SoundCodec::Wav | SoundCodec::Flac => None,
        };
        if let Some(name) = lossy {
            let help = Some("`wav` or `flac`".into());
            let message = format!("{name} loses what the mix needs");
            cx.problem("/codec", code::BAD_VALUE, &message, help);
        }
    }
}
