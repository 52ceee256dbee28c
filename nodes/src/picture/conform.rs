//! `conform`: any video brought to the film's format. It knows no scene and no film.
//!
//! ```yaml
//! nodes:
//!   walk: { uses: conform, with: { video: assets/walk.mov, size: 1080x1920, fps: 30, fit: cover } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode the best video stream of slot `video`, turned by its rotation, with square pixels;
//! - picture `n` of the result is the one that the source shows at `from + n · speed / fps` (the last that began at or
//!   before that time), for every such `n` before `to` and before the end of the source, and
//!   at least one;
//! - scale (Lanczos or bicubic, bit-exact flags) and place it by `fit` and `focus` on `background`; colour becomes BT.709
//!   limited range 8-bit 4:2:0 from whatever it is tagged as (untagged: BT.601 up to 1024x576, else BT.709), PQ and HLG
//!   by the EETF of BT.2390 with SDR white at 203 cd/m²;
//! - port `video`: MP4, H.264 by x264 at `qp 0` (lossless), preset ultrafast, one thread, key frame every
//!   15 pictures, no B-frames, so that a segment can begin anywhere; no sound; media `video/mp4`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Resolve, Site, Video};
use reel_engine::quantity::{Color, Duration, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::camera::Point;
use crate::media::picture::Fit;
use crate::media::speed::Speed;
use crate::media::time::FrameRate;
use crate::media::tools;

/// `with:` of `conform`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The video.
    pub video: Input<Video>,
    /// Size of the frame, even in both directions.
    pub size: Size,
    /// Pictures per second.
    pub fps: FrameRate,
    /// How a picture of another shape fills the frame.
    #[serde(default)]
    pub fit: Fit,
    /// What of it is seen whatever is cut off, for `fit: cover`.
    #[serde(default)]
    pub focus: Point,
    /// Colour around it, for `fit: contain` and where it is transparent.
    #[serde(default = "default_background")]
    pub background: Color,
    /// How fast it is shown.
    #[serde(default)]
    pub speed: Speed,
    /// Where in the video the first picture is.
    #[serde(default)]
    pub from: Duration,
    /// Where in the video it ends; left out, at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Duration>,
}

fn default_background() -> Color {
    Color::opaque(0, 0, 0)
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conform;

impl Kind for Conform {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "conform",
            version: 2,
            summary: "brings a video to a size, a frame rate and BT.709, cut to the frame",
            example: "walk: { uses: conform, with: { video: assets/walk.mov, size: 1080x1920, fps: 30 } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
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

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_content(params.video.slot(), PortType::Video, cx);
        if params.to.is_some_and(|to| to.as_micros() <= params.from.as_micros()) {
            let help = Some("`to` is a time in the file, not a length".into());
            cx.problem("/to", code::BAD_VALUE, "the clip ends before it begins", help);
        }
        crate::media::check_frame_size(params.size, "/size", cx);
    }
}
