//! `beside`: stretches of two films, side by side. It knows not why these.
//!
//! ```yaml
//! nodes:
//!   clip: { uses: beside, with: { one: out/before.mp4, other: out/after.mp4, parts: [{ one: [30, 90], other: [30, 90] }] } }
//! ```
//!
//! What the run (in the worker) must do:
//! - a film of the frame rate of `one` without sound: for each part in order as many frames as the longer stretch has,
//!   `one` at the left and `other` at the right, both in the shape of `one`, made smaller where both together are wider
//!   than 1920 or higher than 1080 pixels, with a white line between them; a stretch that has ended is black;
//! - port `video`, media `video/mp4`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Site, Video};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `beside`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The film at the left.
    pub one: Input<Video>,
    /// The film at the right.
    pub other: Input<Video>,
    /// What is shown of them, in order.
    #[schemars(length(min = 1))]
    pub parts: Vec<Part>,
}

/// A stretch of each: the first frame, and the first that is no longer shown, in the frame rate of `one`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Of the film at the left.
    pub one: [u64; 2],
    /// Of the film at the right.
    pub other: [u64; 2],
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside;

impl Kind for Beside {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "beside",
            version: 2,
            summary: "puts stretches of two films side by side",
            example: "clip: { uses: beside, with: { one: out/before.mp4, other: out/after.mp4, \
                      parts: [{ one: [30, 90], other: [30, 90] }] } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("video", PortType::Video)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 256)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG, tools::X264]
    }
}
