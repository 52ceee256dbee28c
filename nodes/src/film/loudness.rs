//! `loudness`: how loud a passage of a film is, before the film's gain. It knows no other passage.
//!
//! ```yaml
//! nodes:
//!   loud: { uses: loudness, with: { passage: { samples: 96000, sounds: [{ audio: "${hook.level.1.audio}",
//!           part: voice, start: 0, samples: 96000 }] } } }
//! ```
//!
//! What the run (in the worker) must do:
//! - mix the passage as `passage` does, without gain and limiter;
//! - port `loudness`: JSON [`crate::media::passage::Loudness`], of what is neither `before` nor `after`: the blocks
//!   that end in it are those of a film measured as a whole, whatever the cuts.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Info, Kind, Reproducible, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::passage::Passage;
use crate::media::tools;

/// `with:` of `loudness`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What is heard.
    pub passage: Passage,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure;

impl Kind for Measure {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "loudness",
            version: 1,
            summary: "measures how loud a passage of a film is",
            example: "loud: { uses: loudness, with: { passage: { samples: 96000, sounds: [{ \
                      audio: \"${hook.level.1.audio}\", part: voice, start: 0, samples: 96000 }] } } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("loudness", PortType::Json)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 64)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG, tools::EBUR128]
    }
}
