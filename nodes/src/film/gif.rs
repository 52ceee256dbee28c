//! `gif`: a film without sound as a GIF. It knows no scene.
//!
//! ```yaml
//! nodes:
//!   loop: { uses: gif, with: { segments: ["${hook.segments.video}"], plans: ["${hook.timeline.plan}"], colors: 128 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode all artifacts of the slots `segments.0`, `segments.1`, … in order; made lossless (H.264, `crf: 0`), they are
//!   the pictures as they were drawn;
//! - the number of pictures must be `Σ frames` of the plans in the slots `plans.0`, …; `fps` is the plans';
//! - find one palette of `colors` for all of them, paint them with it (error diffusion), begin frame `n` at hundredth
//!   `n · 100 / fps`, to the nearest, and begin again at the end;
//! - port `video`, media `image/gif`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Info, Input, Json, Kind, Reproducible, Site, Video};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `gif`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Segments in the order of the film, each from `encode`, or all of a scene from `segments`.
    pub segments: Vec<Input<Video>>,
    /// Plans of the scenes, from `timeline`: what the film must come to.
    pub plans: Vec<Input<Json>>,
    /// How many colours there are.
    #[serde(default = "all")]
    #[schemars(range(min = 4, max = 256))]
    pub colors: u32,
}

const fn all() -> u32 {
    256
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gif;

impl Kind for Gif {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "gif",
            version: 1,
            summary: "makes a GIF of segments, with one palette that fits all of it",
            example: "loop: { uses: gif, with: { segments: [\"${hook.segments.video}\"], \
                      plans: [\"${hook.timeline.plan}\"] } }",
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
        vec![tools::FFMPEG]
    }
}
