//! SVG drawings into pictures, with places in them filled in. It opens no file and knows no system font.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::read::GzDecoder;
use reel_nodes::picture::svg::filled_in;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, ID, Query, Source, Stretch, Style, Weight};
use resvg::usvg::{self, FontFamily, FontResolver, ImageHrefResolver, Options, Tree};
use skrifa::MetadataProvider;

use crate::draw::error::DrawError;
use crate::draw::text::draws_nothing;
use crate::frame::Rgba;

/// Most bytes of a drawing, unpacked.
const MAX_BYTES: u64 = 64 << 20;
/// Longest side of the picture, in pixels.
const MAX_SIDE: f64 = 16_384.0;

/// What went wrong while the drawing was read; the library calls back and cannot be told to stop.
#[derive(Debug, Default)]
struct Wrong {
    links: Vec<String>,
    characters: Vec<char>,
    fontless: bool,
}

/// The declared faces: the database, and its faces in their order.
struct Declared {
    database: Arc<Database>,
    faces: Vec<ID>,
}

/// Draws an SVG (UTF-8, or gzip of it) at the smallest scale at which it covers `width` × `height` pixels, on
/// nothing. Every `{{name}}` in it is first replaced by `set[name]`. Its text is drawn with `faces` only (font
/// files, and each face's index): matched by family, the first where there is none of that family, and the
/// others in their order where a glyph is missing.
///
/// # Errors
/// No SVG; a name without a value or a value without a name; text without fonts or with characters that none
/// of them has; a link to another file; sizes that cannot be drawn.
pub fn draw_svg(
    bytes: &[u8],
    set: &BTreeMap<String, String>,
    (width, height): (usize, usize),
    faces: Vec<(Vec<u8>, u32)>,
) -> Result<Rgba, DrawError> {
    let source = unpacked(bytes)?;
    let source = filled_in(&source, set).map_err(svg)?;
    let declared = declared(faces)?;
    let wrong = Mutex::new(Wrong::default());
    let tree = Tree::from_str(&source, &options(&declared, &wrong)).map_err(|e| svg(e.to_string()))?;
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(link) = wrong.links.first() {
        return Err(svg(format!("it links to `{link}`: put that picture into it as a `data:` URL")));
    }
    if wrong.fontless {
        return Err(svg("it has text, but no font is declared for it: declare `font`".into()));
    }
    if !wrong.characters.is_empty() {
        return Err(DrawError::MissingGlyphs { characters: wrong.characters });
    }
    render(&tree, width, height)
}

fn svg(cause: String) -> DrawError {
    DrawError::Svg { cause }
}

fn unpacked(bytes: &[u8]) -> Result<Cow<'_, str>, DrawError> {
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        let text = std::str::from_utf8(bytes).map_err(|e| svg(format!("it is not UTF-8 text ({e})")))?;
        return Ok(Cow::Borrowed(text));
    }
    let mut text = String::new();
    let read = GzDecoder::new(bytes).take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|e| svg(format!("it cannot be unpacked ({e})")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(svg("it is larger than 64 MiB when unpacked".into()));
    }
    Ok(Cow::Owned(text))
}

fn declared(files: Vec<(Vec<u8>, u32)>) -> Result<Declared, DrawError> {
    let mut database = Database::new();
    let mut faces = Vec::new();
    for (position, (bytes, index)) in files.into_iter().enumerate() {
        let wrong = |cause| DrawError::Font { number: position + 1, cause };
        let mut scratch = Database::new();
        let ids = scratch.load_font_source(Source::Binary(Arc::new(bytes)));
        let mut found = ids.iter().filter_map(|&id| scratch.face(id));
        let info = found.find(|info| info.index == index).ok_or_else(|| wrong("it has no such face"))?;
        faces.push(database.push_face_info(info.clone()));
    }
    Ok(Declared { database: Arc::new(database), faces })
}

fn options<'a>(declared: &'a Declared, wrong: &'a Mutex<Wrong>) -> Options<'a> {
    Options {
        fontdb: declared.database.clone(),
        font_resolver: FontResolver {
            select_font: Box::new(move |font, _| {
                let found = declared.select(font);
                note(wrong).fontless |= found.is_none();
                found
            }),
            select_fallback: Box::new(move |c, used, _| {
                let mut others = declared.faces.iter().copied().filter(|id| !used.contains(id));
                let found = others.find(|&id| declared.has(id, c));
                let mut wrong = note(wrong);
                if found.is_none() && !draws_nothing(c) && !wrong.characters.contains(&c) {
                    wrong.characters.push(c);
                }
                found
            }),
        },
        image_href_resolver: ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(move |href, _| {
                note(wrong).links.push(href.to_owned());
                None
            }),
        },
        ..Options::default()
    }
}

fn note(wrong: &Mutex<Wrong>) -> MutexGuard<'_, Wrong> {
    wrong.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Declared {
    /// The face for a font of the drawing: the closest of the first family that is declared, else of the
    /// family of the first face.
    fn select(&self, font: &usvg::Font) -> Option<ID> {
        let first = self.database.face(*self.faces.first()?)?;
        let named = font.families().iter().filter_map(|family| match family {
            FontFamily::Named(name) => Some(name.as_str()),
            _ => None,
        });
        let own = first.families.first().map(|(name, _)| name.as_str());
        let closest = |name| {
            self.database.query(&Query {
                families: &[Family::Name(name)],
                weight: Weight(font.weight()),
                stretch: stretch(font.stretch()),
                style: match font.style() {
                    usvg::FontStyle::Normal => Style::Normal,
                    usvg::FontStyle::Italic => Style::Italic,
                    usvg::FontStyle::Oblique => Style::Oblique,
                },
            })
        };
        named.chain(own).find_map(closest).or(Some(first.id))
    }

    fn has(&self, id: ID, c: char) -> bool {
        let has = |data: &[u8], index| {
            skrifa::FontRef::from_index(data, index).is_ok_and(|font| font.charmap().map(c).is_some())
        };
        self.database.with_face_data(id, has).unwrap_or(false)
    }
}

const fn stretch(of: usvg::FontStretch) -> Stretch {
    match of {
        usvg::FontStretch::UltraCondensed => Stretch::UltraCondensed,
        usvg::FontStretch::ExtraCondensed => Stretch::ExtraCondensed,
        usvg::FontStretch::Condensed => Stretch::Condensed,
        usvg::FontStretch::SemiCondensed => Stretch::SemiCondensed,
        usvg::FontStretch::Normal => Stretch::Normal,
        usvg::FontStretch::SemiExpanded => Stretch::SemiExpanded,
        usvg::FontStretch::Expanded => Stretch::Expanded,
        usvg::FontStretch::ExtraExpanded => Stretch::ExtraExpanded,
        usvg::FontStretch::UltraExpanded => Stretch::UltraExpanded,
    }
}

fn render(tree: &Tree, width: usize, height: usize) -> Result<Rgba, DrawError> {
    let (across, down) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
    let scale = (width as f64 / across).max(height as f64 / down);
    // What misses a whole pixel by less than a hundredth is one.
    let side = |length: f64| (length * scale - 0.01).ceil().max(1.0);
    let (full_width, full_height) = (side(across), side(down));
    let sizes = width > 0 && height > 0 && full_width <= MAX_SIDE && full_height <= MAX_SIDE;
    let pixmap = sizes.then(|| Pixmap::new(full_width as u32, full_height as u32)).flatten();
    let Some(mut pixmap) = pixmap else {
        return Err(svg(format!("at {full_width} × {full_height} pixels it is larger than 16384 on a side")));
    };
    let scaled = Transform::from_scale((full_width / across) as f32, (full_height / down) as f32);
    resvg::render(tree, scaled, &mut pixmap.as_mut());
    Ok(Rgba { width: full_width as usize, height: full_height as usize, pixels: pixmap.take_demultiplied() })
}

#[cfg(test)]
mod tests;
