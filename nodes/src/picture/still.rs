//! `still`: a picture prepared for one frame size, ready to be sampled. It knows no scene and no encoder.
//!
//! ```yaml
//! nodes:
//!   ready: { uses: still, with: { image: "${moon.image}", size: 1080x1920, zoom: 1120 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode slot `image`; blend transparency over `background`;
//! - place it by `fit` in a picture of `size · zoom / 1000`, each side rounded up to a whole even number; what
//!   `cover` cuts off is chosen so that `focus` is as near to the middle as it can be; with `whole` nothing is cut
//!   off, and the side that stands over is as long as it comes, rounded to an even number; scale
//!   well (Lanczos or Catmull-Rom, in fixed point, the same on every machine), in sRGB code values;
//! - convert by the BT.709 matrix alone to limited range;
//! - port `still`: what `encode` samples, a file of the worker's own: the 8 bytes `REELYUV4`, width and height
//!   as u32 little-endian, then the planes Y, Cb, Cr of width · height bytes each (4:4:4), media
//!   `application/x-reel-still`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Image, Info, Input, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::{Color, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::camera::Point;
use crate::media::picture::Fit;
use crate::media::tools;

/// `with:` of `still`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The picture.
    pub image: Input<Image>,
    /// Size of the frame, even in both directions.
    pub size: Size,
    /// How a picture of another shape fills the frame.
    #[serde(default)]
    pub fit: Fit,
    /// Colour around it, for `fit: contain` and where it is transparent.
    #[serde(default = "default_background")]
    pub background: Color,
    /// What of it is seen whatever is cut off, for `fit: cover`.
    #[serde(default)]
    pub focus: Point,
    /// For `fit: cover`: whether what stands over the frame is kept, for a camera that travels over all of it.
    #[serde(default)]
    pub whole: bool,
    /// The nearest the camera comes, in thousandths: 1000 when nothing moves.
    #[serde(default = "default_zoom")]
    #[schemars(range(min = 1000, max = 4000))]
    pub zoom: u32,
}

fn default_background() -> Color {
    Color::opaque(0, 0, 0)
}

const fn default_zoom() -> u32 {
    1000
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Still;

impl Kind for Still {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "still",
            version: 1,
            summary: "prepares a picture for a frame size and the nearest the camera comes",
            example: "ready: { uses: still, with: { image: \"${moon.image}\", size: 1080x1920, zoom: 1120 } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("still", PortType::File)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 192)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::IMAGE]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_frame_size(params.size, "/size", cx);
    }
}
