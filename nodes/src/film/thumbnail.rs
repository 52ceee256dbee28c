//! `thumbnail`: one picture out of a video. It knows no scene.
//!
//! ```yaml
//! nodes:
//!   cover: { uses: thumbnail, with: { video: "${film.mux.video}", at: 3s, format: jpg } }
//! ```
//!
//! What the run (in the worker) must do:
//! - take the picture that slot `video` shows at `at` (the last that began at or before it; its last picture
//!   when `at` is beyond the end); BT.709 limited to sRGB code values by the matrix alone;
//! - port `image`: PNG (8-bit RGB), or JPEG (quality 90, 4:4:4), at the video's size, no metadata, media
//!   `image/png` or `image/jpeg`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Site, Video};
use reel_engine::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `thumbnail`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The video.
    pub video: Input<Video>,
    /// When.
    #[serde(default)]
    pub at: Duration,
    /// The kind of file.
    #[serde(default)]
    pub format: Format,
}

/// The kind of file of a thumbnail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// PNG.
    #[default]
    Png,
    /// JPEG.
    Jpg,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Thumbnail;

impl Kind for Thumbnail {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "thumbnail",
            version: 2,
            summary: "takes one picture out of a video",
            example: "cover: { uses: thumbnail, with: { video: \"${film.mux.video}\", at: 3s, format: jpg } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("image", PortType::Image)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 128)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG, tools::IMAGE]
    }
}
