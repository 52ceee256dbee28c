//! How captions look. It knows no font file and no pixels.

use reel_engine::quantity::Color;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What captions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaptionStyle {
    /// The spoken word is lit.
    #[default]
    Karaoke,
    /// One word at a time.
    Word,
    /// Lines without a lit word.
    Line,
    /// Lines on a box.
    Box,
    /// The spoken word is lit and jumps out a little.
    Pop,
    /// There are none.
    None,
}

impl CaptionStyle {
    /// Whether the spoken word has a colour of its own.
    #[must_use]
    pub const fn lights(self) -> bool {
        matches!(self, Self::Karaoke | Self::Pop)
    }

    /// Whether captions are read as a whole, and so must stand long enough.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Line | Self::Box)
    }
}

/// Where captions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaptionPosition {
    /// The first line's top is `margin` below the frame's top.
    Top,
    /// The block's middle is the frame's middle; `margin` does not count.
    Middle,
    /// The last line's bottom is `margin` above the frame's bottom.
    #[default]
    Bottom,
}

/// What of the captions decides where lines break: which glyphs, how large, how wide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptionType {
    /// Font families or font files of the project, the first that has a glyph draws it.
    pub font: Vec<String>,
    /// Whether the bold face of each family is taken where there is one.
    #[serde(default = "yes")]
    pub bold: bool,
    /// Size of the font (its em) in pixels of the frame.
    #[schemars(range(min = 4, max = 1000))]
    pub size: u32,
    /// Widest line in pixels of the frame.
    #[schemars(range(min = 16, max = 16384))]
    pub width: u32,
}

/// How the lines are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptionLook {
    /// Whether the spoken word is lit; never `none` in a segment.
    #[serde(default)]
    pub style: CaptionStyle,
    /// Where the block stands.
    #[serde(default)]
    pub position: CaptionPosition,
    /// Distance from the edge that `position` names, in pixels.
    pub margin: u32,
    /// Colour of words.
    pub color: Color,
    /// Colour of the spoken word.
    pub highlight: Color,
    /// Colour of the outline.
    pub outline: Color,
    /// Width of the outline in pixels, outwards from the glyph's edge; 0 draws none.
    pub outline_width: u32,
    /// Colour of the soft shadow; a transparent one draws none.
    #[serde(default = "default_shadow")]
    pub shadow: Color,
    /// Colour of the box behind the lines, for the style that has one.
    #[serde(default = "default_box", rename = "box")]
    pub plate: Color,
}

/// Black, a little less than half.
#[must_use]
pub fn default_shadow() -> Color {
    Color { rgba: [0, 0, 0, 120] }
}

/// Black, seven tenths.
#[must_use]
pub fn default_box() -> Color {
    Color { rgba: [0, 0, 0, 179] }
}

const fn yes() -> bool {
    true
}
