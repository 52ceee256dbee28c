//! `passage`: a passage of a film's sound, mixed, brought to the film's gain, limited and encoded. It knows no other
//! passage and no film time.
//!
//! ```yaml
//! nodes:
//!   part: { uses: passage, with: { passage: { samples: 96000, sounds: [{ audio: "${hook.level.1.audio}",
//!           part: voice, start: 0, samples: 96000 }] }, gain: "${gain.gain}" } }
//! ```
//!
//! What the run (in the worker) must do:
//! - sounds: floats of 48 kHz, one channel (equal in both) or two, with their `gain` and 5 ms linear fades at both
//!   edges, also where they begin again (`loop`); under transitions (`comes_in`, `goes_out`) a quarter of a sine;
//! - music: from its first sample at `start`, repeated with a 50 ms cross-fade when `loop`; `gain`; linear `fade_in`
//!   and `fade_out`; brought down by `duck` dB more while anybody speaks: gaps below 1.2 s held, down within 200 ms
//!   **before** the onset (complete at it), up within 500 ms after the end, in straight lines of dB;
//! - the sum times the gain of slot `gain`, then a true-peak limiter at `peak` (look-ahead, no clipping), whose state
//!   depends on no more than [`BEFORE`] samples;
//! - `stem`: one part alone is written, with the gains of all of it, those of the limiter among them: stems that are
//!   put together are the film;
//! - codec `aac`: native AAC-LC, `bitrate` kbit/s, M4A. A passage with samples `before` or `after` has the packets
//!   that are its own in one encoding of the whole film, for `track` to put together; one without either is a
//!   complete file, gapless signalled. `opus`: libopus, `bitrate` kbit/s, Ogg, pre-skip and end
//!   told; `wav`: 24-bit PCM; `flac`: 24 bits. Bit-exact flags, no library tags; memory
//!   does not grow with the passage;
//! - port `audio`, media by codec ([`SoundCodec::media`]).

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Info, Input, Json, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::Gain;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::encoding::SoundCodec;
use crate::media::passage::{AAC_FRAME, AFTER, BEFORE, Passage, Stem};
use crate::media::tools;

/// `with:` of `passage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What is heard.
    pub passage: Passage,
    /// The gain of the film, from `gain`.
    pub gain: Input<Json>,
    /// Highest true peak, in dBTP.
    #[serde(default = "default_peak")]
    pub peak: Gain,
    /// The part of the sound that is written; left out, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<Stem>,
    /// How it is stored.
    #[serde(default = "default_codec")]
    pub codec: SoundCodec,
    /// Kilobits per second, for AAC and Opus.
    #[serde(default = "default_bitrate")]
    #[schemars(range(min = 32, max = 512))]
    pub bitrate: u32,
}

fn default_peak() -> Gain {
    Gain::from_hundredths(-100)
}

const fn default_codec() -> SoundCodec {
    SoundCodec::Aac
}

const fn default_bitrate() -> u32 {
    160
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct MixPassage;

impl Kind for MixPassage {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "passage",
            version: 1,
            summary: "mixes and encodes a passage of a film's sound",
            example: "part: { uses: passage, with: { passage: { samples: 96000, sounds: [{ \
                      audio: \"${hook.level.1.audio}\", part: voice, start: 0, samples: 96000 }] }, \
                      gain: \"${gain.gain}\" } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("audio", PortType::Audio)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 96)
    }

    fn tools(&self, params: &Params) -> Vec<&'static str> {
        let mut all = vec![tools::FFMPEG];
        if params.codec == SoundCodec::Opus {
            all.push(tools::OPUS);
        }
        all
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let Passage { samples, before, after, .. } = params.passage;
        let is_part = before > 0 || after > 0;
        if is_part && params.codec != SoundCodec::Aac {
            let help = Some("take `before` and `after` out, or encode AAC".into());
            cx.problem("/passage", code::BAD_VALUE, "only AAC is put together of passages", help);
        }
        let enough = |given: u64, wanted: u64| given == 0 || given == wanted;
        if !enough(before, BEFORE) || !enough(after, AFTER) || samples <= before + after {
            let help = Some(format!(
                "`before` is {BEFORE} or 0, `after` {AFTER} or 0, and `samples` more than both"
            ));
            cx.problem("/passage", code::BAD_VALUE, "the passage does not fit to its neighbours", help);
        } else if after > 0 && !(samples - before - after).is_multiple_of(AAC_FRAME) {
            let help = Some(format!("a multiple of {AAC_FRAME}, `before` and `after` aside"));
            cx.problem(
                "/passage/samples",
                code::BAD_VALUE,
                "the passage is no number of whole packets",
                help,
            );
        }
    }
}
