//! Captions of a scene in a format: project, scene and defaults put together, in pixels. It draws nothing.

use std::path::Path;

use reel_engine::diagnostic::{Diagnostic, Diagnostics};
use reel_engine::quantity::{Color, Size};
use reel_engine::span::Span;
use reel_engine::spec::{Located, Written};

use super::maker::{With, list};
use super::sections::{Captions, Fonts, Scene};
use super::speech::Said;
use super::story::{Part, Story};
use crate::media::look::{CaptionLook, CaptionPosition, CaptionStyle, default_box, default_shadow};
use crate::media::percent::Percent;
use crate::text::fonts::FontBook;

/// The family that is taken when none is named.
const FONT: &str = "DejaVu Sans";
/// Sizes of letters and lines against the frame: `4.2%` and `86%`.
const SIZE: Percent = Percent(4_200);
const WIDTH: Percent = Percent(86_000);
/// Distance from the edge: on upright frames, above what players lay over them.
const MARGIN_UPRIGHT: Percent = Percent(16_000);
const MARGIN: Percent = Percent(7_000);
/// Width of the outline against the letters.
const OUTLINE: Percent = Percent(7_500);

/// Captions as a scene has them.
pub(super) struct Style {
    pub(super) lines: u32,
    /// The style, `none` when there are no captions.
    pub(super) style: CaptionStyle,
    fonts: Vec<String>,
    font: Located,
    bold: bool,
    size: Percent,
    width: Percent,
    margin: Option<Percent>,
    outline_width: Percent,
    look: CaptionLook,
    span: Span,
}

/// What a scene's captions are: its own settings, the project's, and defaults.
pub(super) fn of(story: &Story<'_>, scene: Option<&Part<'_, Scene>>) -> Style {
    let own = scene.and_then(|scene| scene.value.captions.as_ref());
    let project = story.captions.as_ref().map(|part| &part.value);
    let empty = Captions::default();
    let layers = [own.unwrap_or(&empty), project.unwrap_or(&empty)];
    macro_rules! pick {
        ($field:ident, $default:expr) => {
            layers.iter().find_map(|layer| layer.$field.clone()).unwrap_or($default)
        };
    }
    let own_font = scene.and_then(|scene| scene.written.get("captions")?.get("font"));
    let written = own_font.or_else(|| story.captions.as_ref()?.written.get("font"));
    let span = match (scene.and_then(|scene| scene.written.get("captions")), &story.captions) {
        (Some(own), _) => own.span,
        (None, Some(project)) => project.written.span,
        (None, None) => scene.map_or_else(Span::default, |scene| scene.place()),
    };
    let fonts = pick!(font, Fonts::One(FONT.into())).list();
    let font = match written {
        Some(font) if matches!(font.node, Written::List(_)) => font.clone(),
        Some(font) => list(font.span, [font.clone()]),
        None => list(span, [Located::text(span, FONT)]),
    };
    let style = pick!(style, CaptionStyle::Karaoke);
    // On a box letters need no outline.
    let outline_width = if style == CaptionStyle::Box { Percent(0) } else { OUTLINE };
    Style {
        lines: pick!(lines, 2),
        style,
        outline_width: pick!(outline_width, outline_width),
        fonts,
        font,
        bold: pick!(bold, true),
        size: pick!(size, SIZE),
        width: pick!(width, WIDTH),
        margin: layers.iter().find_map(|layer| layer.margin),
        look: CaptionLook {
            style,
            position: pick!(position, CaptionPosition::Bottom),
            margin: 0,
            color: pick!(color, Color::opaque(0xff, 0xff, 0xff)),
            highlight: pick!(highlight, Color::opaque(0xff, 0xd4, 0x00)),
            outline: pick!(outline, Color::opaque(0x00, 0x00, 0x00)),
            outline_width: 0,
            shadow: pick!(shadow, default_shadow()),
            plate: pick!(plate, default_box()),
        },
        span,
    }
}

impl Style {
    /// Letters and lines in a frame of this size, as parameters.
    pub(super) fn letters(&self, frame: Size) -> Located {
        With::new(self.span)
            .put("font", self.font.clone())
            .set("bold", self.bold)
            .set("size", self.pixels(frame))
            .set("width", self.width.of(frame.width).max(16))
            .located()
    }

    /// How they are drawn in a frame of this size.
    pub(super) fn look(&self, frame: Size) -> CaptionLook {
        let upright = if frame.height > frame.width { MARGIN_UPRIGHT } else { MARGIN };
        CaptionLook {
            margin: self.margin.unwrap_or(upright).of(frame.height),
            outline_width: match self.outline_width {
                Percent(0) => 0,
                part => part.of(self.pixels(frame)).max(1),
            },
            ..self.look.clone()
        }
    }

    /// The fonts, as they were written.
    pub(super) const fn font(&self) -> &Located {
        &self.font
    }

    fn pixels(&self, frame: Size) -> u32 {
        self.size.of(frame.height).clamp(4, 1000)
    }

    /// Reports characters of the shown text that no font has. A font that is missing is reported by its node.
    pub(super) fn check_glyphs(
        &self,
        root: &Path,
        said: &[Said],
        book: &FontBook,
        problems: &mut Diagnostics,
    ) {
        let Ok(fonts) = book.find(root, &self.fonts, self.bold) else { return };
        for sentence in said {
            let missing = sentence.shown.iter().find_map(|unit| fonts.missing_glyph(&unit.text));
            if let Some((code, message, help)) = missing {
                problems.push(Diagnostic::error(code, sentence.span, message).help(help));
            }
        }
    }
}
