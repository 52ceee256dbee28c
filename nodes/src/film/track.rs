//! `track`: the passages of a film's sound put together to one track, by stream copy. It knows no sound and no film.
//!
//! ```yaml
//! nodes:
//!   sound: { uses: track, with: { passages: ["${part-1.audio}", "${part-2.audio}"], samples: 1200000 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - take the packets of all artifacts of the slots `passages.0`, `passages.1`, … in order; all are AAC of the same
//!   settings, else a failure;
//! - write own timestamps; there must be as many packets as one encoding of `samples` samples has, else a failure;
//!   first decoded sample = sample 0, and the track ends with the last one, gapless signalled;
//! - port `audio`: M4A, no library tags, no dates: the same bytes as one encoding's, where the packets are.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Audio, Info, Input, Kind, Reproducible, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `track`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Passages in the order of the film, from `passage`.
    #[schemars(length(min = 1))]
    pub passages: Vec<Input<Audio>>,
    /// Samples of the film.
    #[schemars(range(min = 1))]
    pub samples: u64,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Track;

impl Kind for Track {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "track",
            version: 1,
            summary: "puts the passages of a film's sound together, without encoding again",
            example: "sound: { uses: track, with: { passages: [\"${part-1.audio}\", \"${part-2.audio}\"], \
                      samples: 1200000 } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("audio", PortType::Audio)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 32)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG]
    }
}
