//! `level`: speech brought to one loudness, as the mix takes it. It knows no scene and no film.
//!
//! ```yaml
//! nodes:
//!   levelled: { uses: level, with: { audio: "${voice.audio}", denoise: 12dB, eq: [{ at: 200Hz, gain: -3dB }] } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode slot `audio` (its best audio stream), mix down to mono (mean of the channels);
//! - resample to 48 kHz to **exactly** [`crate::media::time::rescale`]`(samples, rate, 48_000)` samples
//!   (cut or pad with silence at the end): nothing is trimmed, so word times stay true;
//! - `denoise`: take so much of a steady noise away, whose level is that of the softest twentieth of the sound; `eq`:
//!   each band a bell; `compress`: once it is at `target`, bring down what is above `threshold`. Whatever delays the
//!   sound is made up for: words stay at their times, to the sample;
//! - measure integrated loudness by EBU R128 (shorter than a gating block, or all gated: the loudness of the
//!   whole without gates) and apply one gain that brings it to `target`, at most +30 dB; then hold the true
//!   peak at −1 dBTP by lowering that gain, never by clipping. Silence stays silence;
//! - port `audio`: WAV, 32-bit float, mono, 48 kHz, media `audio/wav`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Audio, Info, Input, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::Gain;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;
use crate::media::treatment::{Band, Compress, Denoise};

/// `with:` of `level`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The speech.
    pub audio: Input<Audio>,
    /// Loudness it is brought to, in LUFS (written as dB below full scale).
    #[serde(default = "default_target")]
    pub target: Gain,
    /// How much of a steady noise is taken away before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denoise: Option<Denoise>,
    /// Bands of frequencies that are made louder or softer before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eq: Vec<Band>,
    /// Whether and how loud is made softer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compress>,
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
        // What does nothing is the same as nothing, also in the key; and a default that is written out is a default.
        params.denoise = params.denoise.and_then(Denoise::amount).map(Denoise::By);
        params.compress = params.compress.and_then(Compress::way).map(Compress::As);
        if let Some(Denoise::By(amount)) = params.denoise
            && !(1..=4000).contains(&amount.hundredths())
        {
            let help = Some("a level up to 40dB, or `true` for 12dB".into());
            cx.problem("/denoise", code::BAD_VALUE, format!("`{amount}` is no amount of noise"), help);
        }
        for (index, band) in params.eq.iter().enumerate() {
            if band.gain.hundredths().abs() > 2400 {
                let message = format!("`{}` is more than 24dB up or down", band.gain);
                cx.problem(&format!("/eq/{index}/gain"), code::BAD_VALUE, message, None);
            }
        }
        if let Some(Compress::As(way)) = params.compress {
            let wrong = [
                (!(2..=20).contains(&way.ratio), "ratio", "a whole number from 2 to 20"),
                (
                    !(-6000..=0).contains(&way.threshold.hundredths()),
                    "threshold",
                    "a level from -60dB to 0dB",
                ),
                (!(1..=2_000_000).contains(&way.attack.as_micros()), "attack", "up to 2s"),
                (!(1..=9_000_000).contains(&way.release.as_micros()), "release", "up to 9s"),
            ];
            for (_, key, range) in wrong.into_iter().filter(|(wrong, ..)| *wrong) {
                let help = Some(range.to_owned());
                let message = format!("`{key}` is out of range");
                cx.problem(&format!("/compress/{key}"), code::BAD_VALUE, message, help);
            }
        }
    }
}
