//! `sprite`: a picture made ready to lie over others, with its transparency. It knows no scene and no place.
//!
//! ```yaml
//! nodes:
//!   mark: { uses: sprite, with: { image: "${logo.image}", size: 240x120 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode slot `image`; scale it to the largest size of its own shape within `size`, at least a pixel;
//! - port `sprite`: a file of the worker's own: the 8 bytes `REELRGBA`, width and height as u32 little-endian, then
//!   straight RGBA, 8 bits each, rows packed; media `application/x-reel-sprite`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Image, Info, Input, Kind, Reproducible, Site};
use reel_engine::quantity::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `sprite`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The picture.
    pub image: Input<Image>,
    /// The box that it fits into.
    pub size: Size,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sprite;

impl Kind for Sprite {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "sprite",
            version: 1,
            summary: "prepares a picture to lie over others",
            example: "mark: { uses: sprite, with: { image: \"${logo.image}\", size: 240x120 } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("sprite", PortType::File)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 128)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::IMAGE]
    }
}
