//! `encode`: one segment of a film. It knows what is seen in it, in its own time, and nothing else: no scene,
//! no place in the film, no neighbour.
//!
//! ```yaml
//! nodes:
//!   part: { uses: encode, with: { size: 1080x1920, fps: 30, frames: 120,
//!           picture: { still: "${ready.still}", motion: push-in, first: 0, of: 240 } } }
//! ```
//!
//! What the run (in the worker) must do, for frame `f` of `0..frames`:
//! - `picture`: frame `first + f` of a picture that is shown for `of` frames.
//!   - `still` (a file as `still` makes it): sampled along `motion` over `of` frames (`MotionPath::of(motion,
//!     of, …)`.`view(first + f)`); where the camera stands one frame is made and kept;
//!   - `video` (as `conform` makes it): its picture `first + f`, when it has fewer the last one, or with `loop` again
//!     from the first. Seek, do not
//!     decode from the start;
//!   - `color`: that colour. Exactly one of the three is there;
//!   - `layers` over it, in their order: from frame `start` of the segment to before `end`, the middle at `x`, `y` of
//!     the frame (the upper left corner on a whole pixel, of a video on an even one); `opacity`, and `fade` frames in
//!     even steps at both ends; a `sprite` as it is, of a `video` picture `f − start`, the last one when it has fewer;
//! - `under`, when there: the same for the outgoing picture; then with `n` = `frames`, `w` = `ease` of
//!   `(2f + 1) / 2n`:
//!   - `fade`: `under · (1 − w) + picture · w` on code values, rounded, the same in every plane; `fade-black`:
//!     `under` fades to black (Y 16, C 128) during the first half (`w' = 2w`), `picture` comes out of black in
//!     the second;
//!   - `dissolve`: cells of 2 × 2 pixels show `picture` where a fixed number for each, even between 0 and 1, is
//!     below `w`;
//!   - `wipe-…`: an edge, exact to a part of a pixel, at `w` of the way; `slide-…`: both pictures moved by `w` of
//!     the frame, to even pixels; `circle`: `picture` within a circle about the middle, its edge soft over a
//!     sixteenth of the diagonal, that covers the frame at `w = 1`;
//!   - `zoom`: `under` enlarged `1 + w` times about the middle (bilinear), `picture` faded in over it by `w`;
//! - `over`: as `layers`, over all of that; `progress`: from the left edge, `(first + f + 1) / of` of the width;
//! - `captions`, when there: of `cues` (frames of this segment; they may begin before 0 and end after the last)
//!   the one with `start ≤ f < end` is drawn over it all: lines one below the other, 1.25 em apart, each
//!   centred, block placed by `look.position` and `look.margin`; a soft shadow or, with `style: box`, a box below,
//!   then the outline, then letters in `look.color`; with `karaoke` and `pop` the word with `start ≤ f < end` in
//!   `look.highlight`, with `pop` larger, too. Sprites are blended in YUV;
//! - encode as `encoding` says: closed groups of pictures; level, ref, colour (bt709 ×3, limited) and time base fixed by
//!   `size` and `fps` only, so that segments can be joined; with `two_pass`, the pictures are drawn and looked
//!   through once before; progress is reported:
//!   - `h264` by x264, `stitchable`, `cpu-independent`, with a `crf` as if the last picture stayed for a while;
//!     `h265` by x265, `vp9` by libvpx, `av1` by SVT-AV1: 4:2:0 with 8 bits or, as `pixel_format` says, 10 (the 8
//!     that were drawn, times 4);
//!   - with `hw`, by the encoder of that interface in the machine's graphics device, without pictures between others;
//!   - `prores`: 4:2:2 with 10 bits; rows of chroma between those that were drawn are 3 : 1 of their neighbours, which
//!     10 bits hold exactly;
//! - port `video`: MP4, or QuickTime for ProRes, with exactly `frames` pictures, no sound, library tags dropped.

use std::sync::Arc;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{AnyFile, Info, Input, Kind, Reproducible, Resolve, Site, Video};
use reel_engine::quantity::{Color, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Offers;
use crate::media::camera::Camera;
use crate::media::ease::Ease;
use crate::media::encoding::Encoding;
use crate::media::font::Face;
use crate::media::look::{CaptionLook, CaptionType};
use crate::media::percent::Percent;
use crate::media::picture::{Bar, TransitionKind};
use crate::media::time::FrameRate;
use crate::media::tools;
use crate::media::words::Cue;
use crate::text::fonts::FontBook;

/// `with:` of `encode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Size of the frame, even in both directions.
    pub size: Size,
    /// Frames per second.
    pub fps: FrameRate,
    /// How many frames.
    #[schemars(range(min = 1, max = 100_000))]
    pub frames: u32,
    /// How they are compressed.
    #[serde(default)]
    pub encoding: Encoding,
    /// What is seen.
    pub picture: Layer,
    /// What goes on beneath it while it comes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Under>,
    /// What is written over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<Captions>,
    /// What lies over it, also over a transition, beneath captions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<Over>,
    /// A bar that fills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// Something that lies over a picture. Exactly one of `sprite` and `video` is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Over {
    /// A picture as `sprite` makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sprite: Option<Input<AnyFile>>,
    /// A video as `conform` makes it, in its own size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Input<Video>>,
    /// Whether the video begins again when it ends.
    #[serde(default, rename = "loop", skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// How far its middle is from the left edge, of the width.
    pub x: Percent,
    /// How far its middle is from the upper edge, of the height.
    pub y: Percent,
    /// How opaque it is.
    pub opacity: Percent,
    /// The frame of the segment on which it appears, which is the first of a video.
    #[serde(default)]
    pub start: i64,
    /// The frame on which it is gone; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// How many frames it takes to come and to go.
    #[serde(default)]
    pub fade: u32,
}

/// A bar that is full after all frames of a scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// What it looks like.
    pub bar: Bar,
    /// The frame of the scene that is this segment's first.
    pub first: u32,
    /// How many frames the scene has.
    #[schemars(range(min = 1))]
    pub of: u32,
}

/// A picture and which part of its time is seen. Exactly one of `still`, `video` and `color` is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// A still as `still` makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still: Option<Input<AnyFile>>,
    /// A video as `conform` makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Input<Video>>,
    /// Whether the video begins again when it ends.
    #[serde(default, rename = "loop", skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// A plain colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// How the camera moves over the still.
    #[serde(default)]
    pub motion: Camera,
    /// The frame, of the picture's own time, that is this segment's first.
    #[serde(default)]
    pub first: u32,
    /// How many frames the picture is shown for in all; the motion takes that long.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub of: u32,
    /// What lies over the picture, the lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Over>,
}

/// The outgoing picture of a transition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Under {
    /// How the incoming picture takes over, all along the segment: `fade` or `fade-black`.
    pub kind: TransitionKind,
    /// At which speed.
    #[serde(default)]
    pub ease: Ease,
    /// The outgoing picture; its `first` may lie at or beyond its `of`: motion goes on, a video plays on.
    pub picture: Layer,
}

/// Captions of a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Captions {
    /// Which letters, how large; lines are broken already.
    #[serde(rename = "type")]
    pub letters: CaptionType,
    /// How they are drawn.
    pub look: CaptionLook,
    /// What is shown, in frames of this segment.
    pub cues: Vec<Cue>,
    /// Faces of the fonts, in their order; filled by the check.
    #[serde(default)]
    #[schemars(skip)]
    pub faces: Vec<Face>,
}

const fn one() -> u32 {
    1
}

/// The kind.
pub struct Encode {
    /// Where its fonts are found.
    pub fonts: Arc<FontBook>,
    /// Which encoders there are in this machine's graphics devices.
    pub offers: Offers,
}

impl Kind for Encode {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "encode",
            version: 5,
            summary: "encodes one segment: picture, motion, transition, captions",
            example: "part: { uses: encode, with: { size: 1080x1920, fps: 30, frames: 120, \
                      picture: { still: \"${ready.still}\", motion: push-in, of: 240 } } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("video", PortType::Video)]
    }

    fn claim(&self, params: &Params) -> Claim {
        params.encoding.claim(params.size)
    }

    fn tools(&self, params: &Params) -> Vec<&'static str> {
        [Some(tools::FFMPEG), params.encoding.tool(), Some(tools::COSMIC_TEXT)]
            .into_iter()
            .flatten()
            .collect()
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_frame_size(params.size, "/size", cx);
        crate::media::check_encoding(&params.encoding, params.size, params.fps, &self.offers, cx);
        check_layer(&params.picture, "/picture", cx);
        check_overlays(&params.over, "/over", cx);
        if let Some(under) = &params.under {
            check_layer(&under.picture, "/under/picture", cx);
            if under.kind == TransitionKind::Cut {
                cx.problem("/under/kind", code::BAD_VALUE, "a `cut` has nothing beneath it", None);
            }
        }
        if let Some(captions) = &mut params.captions {
            let letters = &captions.letters;
            let pointer = "/captions/type/font";
            if let Some(fonts) = self.fonts.declare(&letters.font, letters.bold, pointer, "font", cx) {
                captions.faces = fonts.into_faces();
            }
        }
    }
}

fn check_overlays(layers: &[Over], pointer: &str, cx: &mut Resolve<'_>) {
    for (i, layer) in layers.iter().enumerate() {
        if layer.sprite.is_some() == layer.video.is_some() {
            let message = "what lies over a picture is exactly one of `sprite` and `video`";
            cx.problem(&format!("{pointer}/{i}"), code::BAD_VALUE, message, None);
        }
    }
}

fn check_layer(layer: &Layer, pointer: &str, cx: &mut Resolve<'_>) {
    check_overlays(&layer.layers, &format!("{pointer}/layers"), cx);
    let given = [layer.still.is_some(), layer.video.is_some(), layer.color.is_some()];
    if given.iter().filter(|there| **there).count() != 1 {
        let message = "a picture is exactly one of `still`, `video` and `color`";
        cx.problem(pointer, code::BAD_VALUE, message, None);
    }
}
