//! `card`: a title on a plain ground. It knows no scene and no film.
//!
//! ```yaml
//! nodes:
//!   end: { uses: card, with: { title: "Next: 12 August 2026", background: "#0b1021", size: 1080x1920 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - fill `size` with `background`;
//! - set the texts that are there, in the order title, subtitle, text, as one block in the middle of the
//!   height, aligned by `align` within margins of 8 % of the width: title bold in `color` (em 7.5 % of the
//!   shorter side), a bar in `accent` beneath it when `accent` is given, subtitle in `color` (em 4.5 %), text
//!   in `color` (em 3.8 %); lines break at words, `\n` is kept; when the block is higher than 84 % of the
//!   height all sizes shrink together until it fits;
//! - use only the faces in `bold_faces` (title) and `faces` (the rest), in their order, each glyph from the
//!   first that has it: a face is collection index `index` of the font file in slot `slot`;
//! - a character that none of them has is a failure that names it (text made during the run);
//! - port `image`: PNG, 8-bit RGB, sRGB, media `image/png`.

use std::sync::Arc;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Info, Input, Kind, Reproducible, Resolve, Site, Text};
use reel_engine::quantity::{Color, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::font::Face;
use crate::media::tools;
use crate::text::fonts::{FontBook, Fonts};

/// `with:` of `card`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The large line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Input<Text>>,
    /// The line beneath it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<Input<Text>>,
    /// A paragraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Input<Text>>,
    /// Size of the picture.
    #[serde(default = "default_size")]
    pub size: Size,
    /// Colour of the ground.
    #[serde(default = "default_background")]
    pub background: Color,
    /// Colour of the letters.
    #[serde(default = "default_color")]
    pub color: Color,
    /// Colour of a bar beneath the title; left out, there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent: Option<Color>,
    /// Where lines begin.
    #[serde(default)]
    pub align: Align,
    /// Whether letters are as large as the size takes, instead of as large as on a whole frame.
    #[serde(default)]
    pub fill: bool,
    /// Font families or font files of the project; the first that has a glyph draws it.
    #[serde(default = "default_font")]
    pub font: Vec<String>,
    /// Bold faces for the title, in the order of `font`; filled by the check.
    #[serde(default)]
    #[schemars(skip)]
    pub bold_faces: Vec<Face>,
    /// Regular faces for the rest, in the order of `font`; filled by the check.
    #[serde(default)]
    #[schemars(skip)]
    pub faces: Vec<Face>,
}

/// Where lines of a card begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// At the left margin.
    Left,
    /// Each line in the middle.
    #[default]
    Center,
    /// At the right margin.
    Right,
}

fn default_size() -> Size {
    Size { width: 1080, height: 1920 }
}

fn default_background() -> Color {
    Color::opaque(0x0b, 0x10, 0x21)
}

fn default_color() -> Color {
    Color::opaque(0xff, 0xff, 0xff)
}

fn default_font() -> Vec<String> {
    vec!["DejaVu Sans".into()]
}

/// The kind.
pub struct Card {
    /// Where its fonts are found.
    pub fonts: Arc<FontBook>,
}

impl Kind for Card {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "card",
            version: 3,
            summary: "draws a title card",
            example: "end: { uses: card, with: { title: The end, background: \"#0b1021\", size: 1080x1920 } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("image", PortType::Image)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 96)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::RESVG, tools::COSMIC_TEXT, tools::IMAGE]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let texts: Vec<_> =
            [("/title", &params.title), ("/subtitle", &params.subtitle), ("/text", &params.text)]
                .into_iter()
                .filter_map(|(pointer, input)| Some((pointer, input.as_ref()?.slot().to_owned())))
                .collect();
        if texts.is_empty() {
            let help = Some("give it a `title`, a `subtitle` or a `text`".into());
            cx.problem("", code::EMPTY_TEXT, "this card shows nothing", help);
        }
        let bold = self.fonts.declare(&params.font, true, "/font", "bold_font", cx);
        let regular = self.fonts.declare(&params.font, false, "/font", "font", cx);
        let (Some(bold), Some(regular)) = (bold, regular) else {
            return;
        };
        for (pointer, slot) in texts {
            let Some(text) = cx.text(&slot) else {
                continue;
            };
            let fonts: &Fonts = if pointer == "/title" { &bold } else { &regular };
            if let Some((code, message, help)) = fonts.missing_glyph(&text) {
                cx.problem(pointer, code, message, Some(help));
            }
        }
        params.bold_faces = bold.into_faces();
        params.faces = regular.into_faces();
    }
}
