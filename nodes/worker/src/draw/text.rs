//! Text from declared fonts only: shaped lines of glyphs, and their outlines. It knows no cue and no card.

use std::borrow::Cow;
use std::sync::Arc;

use cosmic_text::fontdb::{Database, FaceInfo, ID, Language, Source, Stretch, Style, Weight};
use cosmic_text::{
    Attrs, Buffer, CacheKey, CacheKeyFlags, Command, Family, FontSystem, Metrics, Shaping, SwashCache,
    SwashContent, Wrap,
};
use unicode_segmentation::UnicodeSegmentation;
use zeno::Vector;

use crate::draw::error::DrawError;

/// What languages' rules text is set by when several are possible; the fonts are declared, so it picks none.
const LOCALE: &str = "en";
/// The family name under which the first font is known inside.
const FIRST: &str = "reel first";

/// Fonts in the order in which they are asked for a glyph.
#[derive(Debug)]
pub struct Fonts {
    system: FontSystem,
    cache: SwashCache,
    faces: Vec<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    id: ID,
    /// True when it has pictures in place of outlines.
    coloured: bool,
}

/// One line of text, shaped: glyphs at their places, in pixels from the line's left end on the baseline.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Advance of the whole line.
    pub(super) width: f32,
    pub(super) glyphs: Vec<Glyph>,
}

/// One glyph of a line.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    /// Byte at which its cluster begins in the text of the line.
    pub(super) start: usize,
    /// Byte after its cluster.
    pub(super) end: usize,
    /// Right of the line's left end.
    pub(super) x: f32,
    /// Below the baseline.
    pub(super) y: f32,
    key: CacheKey,
}

impl Glyph {
    /// The em it is set in, in pixels.
    pub(super) const fn size(&self) -> f32 {
        f32::from_bits(self.key.font_size_bits)
    }
}

/// A glyph that is a picture: straight RGBA.
#[derive(Debug)]
pub(super) struct GlyphPicture {
    /// Columns right of the glyph's place.
    pub(super) left: i32,
    /// Rows below the baseline (negative: above).
    pub(super) top: i32,
    pub(super) width: usize,
    pub(super) pixels: Vec<u8>,
}

impl Fonts {
    /// Loads faces from font files: bytes, and the face's index in a collection (0 for plain files). The first
    /// is the wanted one, the rest are asked in their order where it has no glyph.
    ///
    /// # Errors
    /// No font at all, a file that is none, or an index that it does not have.
    pub fn load(files: Vec<(Vec<u8>, u32)>) -> Result<Self, DrawError> {
        if files.is_empty() {
            return Err(DrawError::Font { number: 1, cause: "none is declared" });
        }
        let mut database = Database::new();
        let mut faces = Vec::new();
        for (position, (bytes, index)) in files.into_iter().enumerate() {
            let info = face(bytes, index).map_err(|cause| DrawError::Font { number: position + 1, cause })?;
            // Names of our own, which no built-in fallback list knows, and one weight and style for all: what
            // is left is the order of loading.
            let id = database.push_face_info(FaceInfo {
                families: vec![(family_name(position), Language::English_UnitedStates)],
                post_script_name: format!("reel-{position}"),
                style: Style::Normal,
                weight: Weight::NORMAL,
                stretch: Stretch::Normal,
                monospaced: false,
                ..info
            });
            faces.push(id);
        }
        let mut system = FontSystem::new_with_locale_and_db(LOCALE.to_owned(), database);
        let faces = faces
            .into_iter()
            .enumerate()
            .map(|(position, id)| {
                let damaged = DrawError::Font { number: position + 1, cause: "its tables are damaged" };
                let font = system.get_font(id, Weight::NORMAL).ok_or(damaged)?;
                let has = |tag: &[u8; 4]| font.as_swash().table(u32::from_be_bytes(*tag)).is_some();
                Ok(Loaded { id, coloured: has(b"COLR") || has(b"CBDT") || has(b"sbix") })
            })
            .collect::<Result<_, DrawError>>()?;
        Ok(Self { system, cache: SwashCache::new(), faces })
    }

    /// Shapes one line of text in an em of `size` pixels; line breaks in it count as spaces.
    pub(super) fn shape(&mut self, text: &str, size: f32) -> Line {
        // One byte for one byte, so that clusters still point into the caller's text.
        let text = text.replace(['\n', '\r', '\t'], " ");
        let mut buffer = Buffer::new(&mut self.system, Metrics::new(size, size));
        buffer.set_wrap(Wrap::None);
        let attrs = Attrs::new().family(Family::Name(FIRST)).cache_key_flags(CacheKeyFlags::DISABLE_HINTING);
        match self.faces.iter().position(|face| face.coloured).map(family_name) {
            // Emoji are asked of the font that has colours first, even where one before it could draw them without.
            Some(coloured) if text.contains(is_emoji) => {
                let emoji = attrs.clone().family(Family::Name(&coloured));
                let runs = runs(&text);
                let spans =
                    runs.iter().map(|(run, is)| (*run, if *is { emoji.clone() } else { attrs.clone() }));
                buffer.set_rich_text(spans, &attrs, Shaping::Advanced, None);
            }
            _ => buffer.set_text(&text, &attrs, Shaping::Advanced, None),
        }
        buffer.shape_until_scroll(&mut self.system, false);
        let mut line = Line { width: 0.0, glyphs: Vec::new() };
        for run in buffer.layout_runs() {
            line.width = run.line_w;
            let left = run.glyphs.iter().map(|glyph| glyph.x).fold(f32::INFINITY, f32::min);
            line.glyphs.extend(run.glyphs.iter().map(|glyph| {
                let place = (0.0, 0.0);
                let flags = CacheKeyFlags::DISABLE_HINTING;
                let weight = glyph.font_weight;
                let (key, _, _) = CacheKey::new(glyph.font_id, glyph.glyph_id, size, place, weight, flags);
                Glyph {
                    start: glyph.start,
                    end: glyph.end,
                    x: glyph.x - left + size * glyph.x_offset,
                    y: glyph.y - size * glyph.y_offset,
                    key,
                }
            }));
        }
        line
    }

    /// Height above and depth below the baseline of the first font, in an em of `size` pixels.
    pub(super) fn extent(&mut self, size: f32) -> (f32, f32) {
        let font = self.system.get_font(self.faces[0].id, Weight::NORMAL);
        font.map_or((size * 0.8, size * 0.2), |font| {
            let metrics = font.metrics();
            let scale = size / f32::from(metrics.units_per_em).max(1.0);
            (metrics.ascent * scale, -metrics.descent * scale)
        })
    }

    /// The outline of a glyph, moved to `x`, `y` on a canvas with rows downwards.
    pub(super) fn outline(&mut self, glyph: &Glyph, x: f32, y: f32) -> Vec<Command> {
        let commands = self.cache.get_outline_commands(&mut self.system, glyph.key).unwrap_or_default();
        let place = |p: Vector| Vector::new(x + p.x, y - p.y);
        commands
            .iter()
            .map(|command| match *command {
                Command::MoveTo(p) => Command::MoveTo(place(p)),
                Command::LineTo(p) => Command::LineTo(place(p)),
                Command::QuadTo(c, p) => Command::QuadTo(place(c), place(p)),
                Command::CurveTo(c, d, p) => Command::CurveTo(place(c), place(d), place(p)),
                Command::Close => Command::Close,
            })
            .collect()
    }

    /// The picture of a glyph of a colour font, such as an emoji.
    pub(super) fn picture(&mut self, glyph: &Glyph) -> Option<GlyphPicture> {
        let coloured = self.faces.iter().any(|face| face.id == glyph.key.font_id && face.coloured);
        let image = self.cache.get_image(&mut self.system, glyph.key).as_ref().filter(|_| coloured)?;
        (image.content == SwashContent::Color).then(|| GlyphPicture {
            left: image.placement.left,
            top: -image.placement.top,
            width: image.placement.width as usize,
            pixels: image.data.clone(),
        })
    }

    /// The characters of `text` that no font can draw, each once, in the order of the text.
    pub fn missing_glyphs(&mut self, text: &str) -> Vec<char> {
        let mut missing = Vec::new();
        for line in text.lines() {
            for glyph in self.shape(line, 64.0).glyphs {
                if glyph.key.glyph_id != 0 {
                    continue;
                }
                let cluster = line.get(glyph.start..glyph.end).unwrap_or_default();
                for c in cluster.chars().filter(|&c| !draws_nothing(c) && !self.has(c)) {
                    if !missing.contains(&c) {
                        missing.push(c);
                    }
                }
            }
        }
        missing
    }

    /// Fails with the characters of `text` that no font can draw.
    ///
    /// # Errors
    /// There is such a character.
    pub fn check(&mut self, text: &str) -> Result<(), DrawError> {
        let characters = self.missing_glyphs(text);
        if characters.is_empty() { Ok(()) } else { Err(DrawError::MissingGlyphs { characters }) }
    }

    fn has(&mut self, c: char) -> bool {
        let Self { system, faces, .. } = self;
        faces.iter().any(|face| {
            let font = system.get_font(face.id, Weight::NORMAL);
            font.is_some_and(|font| font.as_swash().charmap().map(c) != 0)
        })
    }
}

/// The family name under which the font at a position is known inside.
fn family_name(position: usize) -> String {
    if position == 0 { FIRST.into() } else { format!("reel {position}") }
}

/// Stretches of a text, each all emoji or without any.
fn runs(text: &str) -> Vec<(&str, bool)> {
    let mut runs: Vec<(usize, bool)> = Vec::new();
    for (at, cluster) in text.grapheme_indices(true) {
        // The last selector says how the character before it is to be shown: 16 with colours, 15 without.
        let emoji =
            cluster.contains('\u{FE0F}') || cluster.contains(is_emoji) && !cluster.contains('\u{FE0E}');
        if runs.last().is_none_or(|(_, last)| *last != emoji) {
            runs.push((at, emoji));
        }
    }
    let ends = runs.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    runs.iter().zip(ends).map(|((from, emoji), to)| (&text[*from..to], *emoji)).collect()
}

/// Characters that are shown in colour unless something else is asked for, and the selector that asks for it:
/// `Emoji_Presentation` of Unicode's emoji-data.txt, with the blocks that hold nothing else as a whole.
fn is_emoji(c: char) -> bool {
    matches!(u32::from(c),
        0xFE0F | 0x1F004 | 0x1F0CF | 0x1F18E | 0x1F191..=0x1F19A | 0x1F1E6..=0x1F1FF | 0x1F201 | 0x1F21A | 0x1F22F
        | 0x1F232..=0x1F236 | 0x1F238..=0x1F23A | 0x1F250..=0x1F251 | 0x1F300..=0x1F64F | 0x1F680..=0x1F6FF
        | 0x1F7E0..=0x1F7EB | 0x1F7F0 | 0x1F900..=0x1FAFF
        | 0x231A..=0x231B | 0x23E9..=0x23EC | 0x23F0 | 0x23F3 | 0x25FD..=0x25FE | 0x2614..=0x2615 | 0x2648..=0x2653
        | 0x267F | 0x2693 | 0x26A1 | 0x26AA..=0x26AB | 0x26BD..=0x26BE | 0x26C4..=0x26C5 | 0x26CE | 0x26D4 | 0x26EA
        | 0x26F2..=0x26F3 | 0x26F5 | 0x26FA | 0x26FD | 0x2705 | 0x270A..=0x270B | 0x2728 | 0x274C | 0x274E
        | 0x2753..=0x2755 | 0x2757 | 0x2795..=0x2797 | 0x27B0 | 0x27BF | 0x2B1B..=0x2B1C | 0x2B50 | 0x2B55)
}

/// Whether a text begins with a letter of a script that runs from right to left, and so runs that way as a whole.
pub(super) fn is_right_to_left(text: &str) -> bool {
    let direction = |c: char| match u32::from(c) {
        0x590..=0x8FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFC | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF => {
            c.is_alphabetic().then_some(true)
        }
        _ => c.is_alphabetic().then_some(false),
    };
    text.chars().find_map(direction).unwrap_or(false)
}

/// A line with a mark before it where it must run another way than it would by itself: one that begins with a name
/// in other letters still runs as the text that it is a line of.
pub(super) fn directed(line: &str, right_to_left: bool) -> Cow<'_, str> {
    match (is_right_to_left(line), right_to_left) {
        (false, true) => Cow::Owned(format!("\u{200F}{line}")),
        (true, false) => Cow::Owned(format!("\u{200E}{line}")),
        _ => Cow::Borrowed(line),
    }
}

/// What the file says about its face number `index`.
fn face(bytes: Vec<u8>, index: u32) -> Result<FaceInfo, &'static str> {
    let mut scratch = Database::new();
    let ids = scratch.load_font_source(Source::Binary(Arc::new(bytes)));
    if ids.is_empty() {
        return Err("it is no TrueType or OpenType font");
    }
    let found = ids.iter().filter_map(|&id| scratch.face(id)).find(|info| info.index == index);
    found.cloned().ok_or("it has no face of that number")
}

/// Spaces, controls and marks that steer shaping: never missing, whatever the font.
pub(super) fn draws_nothing(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
pub(super) mod tests;
