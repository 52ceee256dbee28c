//! `mux`: segments and sound joined to a film. It knows no scene and encodes nothing.
//!
//! ```yaml
//! nodes:
//!   film: { uses: mux, with: { segments: ["${hook.segments.video}"], plans: ["${hook.timeline.plan}"],
//!           audio: "${sound.audio}", container: mp4 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - join all artifacts of the slots `segments.0`, `segments.1`, … in order by stream copy; codec, size, frame
//!   rate and parameter sets must be equal, else a failure that says which differs;
//! - write own timestamps: decode index less a constant delay, display index; one edit list; strictly monotone;
//! - the number of pictures must be `Σ frames` of the plans in the slots `plans.0`, …; else a failure that says
//!   both; `fps` is the plans';
//! - add the one track of slot `audio`, when it is there, by stream copy (AAC from `mix`), first decoded sample =
//!   sample 0, cut or declared to end with the pictures: container durations agree exactly;
//! - container `mp4` or `mov` with the index in front (faststart); tagged bt709; `title` as metadata;
//!   no library tags, no dates: the same inputs give the same bytes;
//! - read the result back (streams, counts, duration) before it is handed on;
//! - port `video`, media by container ([`crate::media::encoding::Container::media`]).

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Audio, Info, Input, Json, Kind, Reproducible, Site, Video};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::encoding::Container;
use crate::media::tools;

/// `with:` of `mux`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Segments in the order of the film, each from `encode`, or all of a scene from `segments`.
    pub segments: Vec<Input<Video>>,
    /// Plans of the scenes, from `timeline`: what the film must come to.
    pub plans: Vec<Input<Json>>,
    /// The sound, from `mix`; left out, the film is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Input<Audio>>,
    /// The kind of file.
    #[serde(default = "default_container")]
    pub container: Container,
    /// Title, in the file's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

const fn default_container() -> Container {
    Container::Mp4
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mux;

impl Kind for Mux {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "mux",
            version: 1,
            summary: "joins segments and sound to a film, without encoding again",
            example: "film: { uses: mux, with: { segments: [\"${hook.segments.video}\"], \
                      plans: [\"${hook.timeline.plan}\"], audio: \"${sound.audio}\" } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("video", PortType::Video)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 96)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG]
    }
}
