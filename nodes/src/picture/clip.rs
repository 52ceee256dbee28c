//! `clip`: what a video file holds, and its sound. It knows no frame size and no scene; `conform` makes the
//! pictures.
//!
//! ```yaml
//! nodes:
//!   walk: { uses: clip, with: { file: assets/walk.mp4, from: 2s, to: 6.5s } }
//! ```
//!
//! What the run (in the worker) must do:
//! - open slot `file`; it must have a video stream that decodes, else a failure with what it is instead; `from`
//!   at or after its end is a failure;
//! - port `info`: JSON [`ClipInfo`], media `application/json`;
//! - port `audio` (only when `sound`): WAV, 32-bit float, stereo, 48 kHz: the sound from `from` to `to`, sample
//!   0 at `from` (silence where the stream begins later), exactly `info.samples` long, at another `speed` as much faster
//!   or slower, at its own pitch; a file without sound gives that much silence.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Resolve, Site, Video};
use reel_engine::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::speed::Speed;
use crate::media::tools;

/// `with:` of `clip`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The video.
    pub file: Input<Video>,
    /// Where it begins.
    #[serde(default)]
    pub from: Duration,
    /// Where it ends; left out, at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Duration>,
    /// How fast it is shown, and heard at its own pitch.
    #[serde(default)]
    pub speed: Speed,
    /// Whether its sound is taken out, too.
    #[serde(default = "yes")]
    pub sound: bool,
}

/// What port `info` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipInfo {
    /// Length from `from` to `to` (or to the end of the pictures) as it is shown, in samples of 48 kHz, rounded to the
    /// nearest.
    pub samples: u64,
    /// Width of the pictures as shown.
    pub width: u32,
    /// Height of the pictures as shown.
    pub height: u32,
    /// Whether the file has sound.
    pub has_sound: bool,
}

const fn yes() -> bool {
    true
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clip;

impl Kind for Clip {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "clip",
            version: 2,
            summary: "looks into a video file and takes its sound out",
            example: "walk: { uses: clip, with: { file: assets/walk.mp4, from: 2s, to: 6.5s } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, params: &Params) -> Vec<Port> {
        let mut ports = vec![Port::one("info", PortType::Json)];
        if params.sound {
            ports.push(Port::one("audio", PortType::Audio));
        }
        ports
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 96)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_content(params.file.slot(), PortType::Video, cx);
        if params.to.is_some_and(|to| to.as_micros() <= params.from.as_micros()) {
            let help = Some("`to` is a time in the file, not a length".into());
            cx.problem("/to", code::BAD_VALUE, "the clip ends before it begins", help);
        }
    }
}
