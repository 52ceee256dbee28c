//! `image`: a picture in a form that everything else reads. It knows no frame size and no scene.
//!
//! ```yaml
//! nodes:
//!   moon: { uses: image, with: { file: assets/moon.jpg } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode slot `file` (PNG, JPEG, WebP, GIF's first picture, BMP, TIFF), with limits (at most 16384 pixels a
//!   side, 256 megapixels); anything else fails with what it is instead;
//! - turn it by its EXIF orientation, convert an ICC profile to sRGB, grey and palette to colour, 16 bits to 8
//!   (rounded); print colours (CMYK, in JPEG and TIFF) by their ICC profile, perceptually, and without one not at all;
//! - port `image`: PNG, 8-bit RGB, or RGBA when a pixel is not opaque, quickly compressed, no metadata, media
//!   `image/png`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Image as ImagePort, Info, Input, Kind, Reproducible, Resolve, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `image`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The picture: PNG, JPEG, WebP, GIF, BMP or TIFF.
    pub file: Input<ImagePort>,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Image;

impl Kind for Image {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "image",
            version: 1,
            summary: "reads a picture and brings it to sRGB, upright",
            example: "moon: { uses: image, with: { file: assets/moon.jpg } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("image", PortType::Image)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 192)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::IMAGE]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_content(params.file.slot(), PortType::Image, cx);
    }
}
