//! `frames`: the pictures of a segment, each a PNG by itself. It knows no film.
//!
//! ```yaml
//! nodes:
//!   each: { uses: frames, with: { video: "${part.video}", size: 1080x1920, fps: 30, frames: 120 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode the video, which has exactly `frames` pictures; made lossless, they are as they were drawn;
//! - BT.709 limited to sRGB code values by the matrix alone;
//! - ports `frame-1` to `frame-N`: PNG (8-bit RGB), no metadata, media `image/png`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Resolve, Site, Video};
use reel_engine::quantity::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::picture::frame_port;
use crate::media::time::FrameRate;
use crate::media::tools;

/// `with:` of `frames`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A segment, as `encode` makes it.
    pub video: Input<Video>,
    /// Size of its frame, even in both directions.
    pub size: Size,
    /// Frames per second.
    pub fps: FrameRate,
    /// How many frames it has.
    #[schemars(range(min = 1, max = 100_000))]
    pub frames: u32,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frames;

impl Kind for Frames {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "frames",
            version: 1,
            summary: "makes a PNG of each frame of a segment",
            example: "each: { uses: frames, with: { video: \"${part.video}\", size: 1080x1920, fps: 30, frames: 120 } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, params: &Params) -> Vec<Port> {
        (0..params.frames).map(|frame| Port::one(frame_port(frame), PortType::Image)).collect()
    }

    fn claim(&self, params: &Params) -> Claim {
        // A decoder with its references, and pictures in RGB and as PNG.
        let pixels = u64::from(params.size.width) * u64::from(params.size.height);
        Claim::cores(1, 48 + ((pixels * 40) >> 20))
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG, tools::IMAGE]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_frame_size(params.size, "/size", cx);
    }
}
