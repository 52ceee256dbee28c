//! `trial`: how large a rate factor may be with which samples still look as they were drawn. It knows no film.
//!
//! ```yaml
//! nodes:
//!   tried: { uses: trial, with: { samples: ["${hook.composed.video}"], ssim: 0.97, size: 1080x1920, fps: 30 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode all artifacts of the slots `samples.0`, …; made lossless, they are the pictures as they were drawn; equal
//!   ones are tried once;
//! - encode each as `encoding` says, with rate factors from the codec's `finest` to its `worst`, the plain one first and
//!   then by halves of what is left; decode it again, and measure the SSIM of luma, frame by frame;
//! - a rate factor will do when the mean over the frames of every sample is at least `ssim`; the largest that does is
//!   found, or where none does, the finest is taken;
//! - port `found`: JSON [`Found`](crate::media::quality::Found), media `application/json`; the log has every attempt.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Resolve, Site, Video};
use reel_engine::quantity::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Offers;
use crate::media::encoding::Encoding;
use crate::media::likeness::Likeness;
use crate::media::quality::wrong_quality;
use crate::media::time::FrameRate;
use crate::media::tools;

/// `with:` of `trial`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Short videos as they were drawn, from `segments` with `samples`.
    #[schemars(length(min = 1))]
    pub samples: Vec<Input<Video>>,
    /// How alike each must stay, in the mean over its frames.
    pub ssim: Likeness,
    /// Size of the frame, even in both directions.
    pub size: Size,
    /// Frames per second.
    pub fps: FrameRate,
    /// How they are compressed, but for `crf`, which is what is tried.
    #[serde(default)]
    pub encoding: Encoding,
}

/// The kind.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// Which encoders there are in this machine's graphics devices.
    pub offers: Offers,
}

impl Kind for Trial {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "trial",
            version: 2,
            summary: "tries rate factors on samples, and finds the largest with which they look as they were drawn",
            example: "tried: { uses: trial, with: { samples: [\"${hook.composed.video}\"], ssim: 0.97, \
                      size: 1080x1920, fps: 30 } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("found", PortType::Json)]
    }

    fn claim(&self, params: &Params) -> Claim {
        // What the encoder holds, and two decoders beside it.
        let pixels = u64::from(params.size.width) * u64::from(params.size.height);
        let mut claim = params.encoding.claim(params.size);
        claim.memory += ((pixels * 30) >> 20) << 20;
        claim
    }

    fn tools(&self, params: &Params) -> Vec<&'static str> {
        [Some(tools::FFMPEG), params.encoding.tool()].into_iter().flatten().collect()
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_frame_size(params.size, "/size", cx);
        crate::media::check_encoding(&params.encoding, params.size, params.fps, &self.offers, cx);
        if let Some((message, help)) = wrong_quality(params.ssim) {
            cx.problem("/ssim", code::BAD_VALUE, message, Some(help));
        }
        match params.encoding.codec.crf() {
            // What is tried is no part of what is asked for.
            Some(factors) if params.encoding.bitrate.is_none() => params.encoding.crf = Some(factors.plain),
            Some(_) => {
                let help = Some("take one of them away".to_owned());
                cx.problem("/encoding/bitrate", code::BAD_VALUE, "a quality has no `bitrate`", help);
            }
            None => {
                let message = format!("`{}` has no rate factor to be tried", params.encoding.codec.name());
                cx.problem("/encoding/codec", code::BAD_VALUE, message, None);
            }
        }
    }
}
