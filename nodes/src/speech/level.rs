//! `level`: speech brought to one loudness, as the mix takes it. It knows no scene and no film.
//!
//! ```yaml
//! nodes:
//!   levelled: { uses: level, with: { audio: "${voice.audio}" } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode slot `audio` (its best audio stream), mix down to mono (mean of the channels);
//! - resample to 48 kHz to **exactly** [`crate::media::time::rescale`]`(samples, rate, 48_000)` samples
//!   (cut or pad with silence at the end): nothing is trimmed, so word times stay true;
//! - measure integrated loudness by EBU R128 (shorter than a gating block, or all gated: the loudness of the
//!   whole without gates) and apply one gain that brings it to `target`, at most +30 dB; then hold the true
//!   peak at −1 dBTP by lowering that gain, never by clipping. Silence stays silence;
//! - port `audio`: WAV, 32-bit float, mono, 48 kHz, media `audio/wav`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Audio, Info, Input, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::Gain;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `level`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The speech.
    pub audio: Input<Audio>,
    /// Loudness it is brought to, in LUFS (written as dB below full scale).
    #[serde(default = "default_target")]
    pub target: Gain,
}

fn default_target() -> Gain {
    Gain::from_hundredths(-1600)
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Level;

impl Kind for Level {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "level",
            version: 1,
            summary: "brings speech to one loudness, 48 kHz mono",
            example: "levelled: { uses: level, with: { audio: \"${voice.audio}\", target: -16dB } }",
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
        vec![tools::FFMPEG, tools::EBUR128]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_content(params.audio.slot(), PortType::Audio, cx);
    }
}
