//! `cues`: words broken into captions for one frame size. It knows no colour and no segment.
//!
//! ```yaml
//! nodes:
//!   cues: { uses: cues, with: { words: "${hook.timeline.words}", fps: 30, lines: 2,
//!           type: { font: [DejaVu Sans], size: 80, width: 920 } } }
//! ```
//!
//! What the run (in the worker) must do:
//! - read slot `words`: [`crate::media::words::Words`] of one scene; time 0 is the scene's first sample, `end`
//!   its last, so the scene has `fps.nearest_frame(end, rate)` frames;
//! - a character of a word that none of `faces` has is a failure that names it and the font (text that was
//!   made during the run; for the rest `check` said it already);
//! - break words into cues by [`crate::text::cueing`], as `style` and `lines` say, with widths in pixels as `faces`
//!   (in their order) draw them at `type.size`; a word wider than a line stands alone on its line;
//! - frames: a word's `start` is `fps.nearest_frame(start, rate)`, its `end` the start of the next word of the
//!   cue, for the last word of a cue its own end by the same rule, at least one frame after its start; the cue's
//!   times by the same rule. Cues never overlap;
//! - with a style that is read as a whole (`line`, `box`), the log says where more than 20 characters a second go by;
//! - port `cues`: JSON `Vec<`[`crate::media::words::Cue`]`>` in frames of the scene, media `application/json`.

use std::sync::Arc;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Resolve, Site, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::font::Face;
use crate::media::look::{CaptionStyle, CaptionType};
use crate::media::time::FrameRate;
use crate::media::tools;
use crate::text::fonts::FontBook;

/// `with:` of `cues`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Words of a scene.
    pub words: Input<Words>,
    /// Frames per second.
    pub fps: FrameRate,
    /// Most lines of a cue.
    #[serde(default = "default_lines")]
    #[schemars(range(min = 1, max = 6))]
    pub lines: u32,
    /// What captions do, which decides how words are cut.
    #[serde(default)]
    pub style: CaptionStyle,
    /// Which letters, how large, how wide.
    #[serde(rename = "type")]
    pub letters: CaptionType,
    /// Faces of the fonts, in their order; filled by the check.
    #[serde(default)]
    #[schemars(skip)]
    pub faces: Vec<Face>,
}

const fn default_lines() -> u32 {
    2
}

/// The kind.
pub struct Cues {
    /// Where its fonts are found.
    pub fonts: Arc<FontBook>,
}

impl Kind for Cues {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "cues",
            version: 2,
            summary: "breaks words into captions of lines that fit the frame",
            example: "cues: { uses: cues, with: { words: \"${words.words}\", fps: 30, \
                      type: { font: [DejaVu Sans], size: 80, width: 920 } } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("cues", PortType::Json)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim { cpu_milli: 500, ..Claim::cores(1, 48) }
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::COSMIC_TEXT]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let letters = &params.letters;
        if let Some(fonts) = self.fonts.declare(&letters.font, letters.bold, "/type/font", "font", cx) {
            params.faces = fonts.into_faces();
        }
    }
}
