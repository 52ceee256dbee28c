//! Title cards: a few texts as one block on a plain ground. It knows no scene and no file.

use cosmic_text::Command;
use reel_nodes::media::words::line;
use reel_nodes::media::words::parts::parts;
use reel_nodes::text::breaks::{Widths, ends_at_pause};

use crate::draw::error::DrawError;
use crate::draw::ink::Ink;
use crate::draw::text::{Fonts, GlyphPicture, Line, directed, is_right_to_left};
use crate::frame::Rgba;

/// What a card shows. Colours are red, green, blue, opacity.
#[derive(Debug, Clone, Copy, Default)]
pub struct Card<'a> {
    /// Large and bold, at the top.
    pub title: Option<&'a str>,
    /// Beneath it.
    pub subtitle: Option<&'a str>,
    /// A paragraph.
    pub text: Option<&'a str>,
    /// The ground: one colour.
    pub background: [u8; 4],
    /// When it is there, the ground turns into this colour towards the bottom.
    pub background_below: Option<[u8; 4]>,
    /// Letters.
    pub color: [u8; 4],
    /// A bar beneath the title, when it is there.
    pub accent: Option<[u8; 4]>,
    /// Where lines begin.
    pub align: Align,
    /// Whether letters are as large as the size takes, instead of as large as on a whole frame.
    pub fill: bool,
}

/// Where lines begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// At the left margin.
    Left,
    /// Each line in the middle.
    #[default]
    Center,
    /// At the right margin.
    Right,
}

/// Ems in thousandths of the shorter side.
const TITLE: f32 = 75.0;
const SUBTITLE: f32 = 45.0;
const TEXT: f32 = 38.0;
/// Margins left and right in thousandths of the width; most height in thousandths.
const MARGIN: f32 = 80.0;
const HEIGHT: f32 = 840.0;
/// Baseline distances, gaps and the bar in thousandths of the em they belong to.
const PITCH: f32 = 1250.0;
const GAP: f32 = 700.0;
const BAR_GAP: f32 = 350.0;
const BAR_HEIGHT: f32 = 90.0;
const BAR_WIDTH: f32 = 1600.0;
/// Sizes are tried in percent, downwards; where letters fill a box, from so many on.
const SMALLEST: u32 = 4;
const FILLING: u32 = 1400;

/// One thing of the block, placed from its top.
enum Item {
    Line { line: Line, bold: bool, baseline: f32 },
    Bar { top: f32, width: f32, height: f32 },
}

/// The texts set at one size.
struct Block {
    items: Vec<Item>,
    height: f32,
    widest: f32,
}

/// Draws a card of `size` (width, height) pixels: the title with `bold`, the rest with `regular`. When the
/// block is too high or a word too wide, all of it shrinks together.
///
/// # Errors
/// Characters that the fonts lack; a size of zero or above 32768.
pub fn draw_card(
    card: &Card<'_>,
    (width, height): (usize, usize),
    bold: &mut Fonts,
    regular: &mut Fonts,
) -> Result<Rgba, DrawError> {
    if !(1..=32_768).contains(&width) || !(1..=32_768).contains(&height) {
        return Err(DrawError::Size { width, height });
    }
    bold.check(card.title.unwrap_or_default())?;
    for text in [card.subtitle, card.text].into_iter().flatten() {
        regular.check(text)?;
    }
    let margin = width as f32 * MARGIN / 1000.0;
    let column = width as f32 - 2.0 * margin;
    let most = height as f32 * HEIGHT / 1000.0;
    let mut block = None;
    let largest = if card.fill { FILLING } else { 100 };
    for percent in (SMALLEST..=largest).rev() {
        let em = width.min(height) as f32 * percent as f32 / 100_000.0;
        let set = set(card, em, column, bold, regular);
        let fits = set.height <= most && set.widest <= column;
        block = Some(set);
        if fits {
            break;
        }
    }
    let mut picture = ground(card, width, height);
    if let Some(block) = block {
        let top = ((height as f32 - block.height) / 2.0).round();
        let left = |wide: f32| match card.align {
            Align::Left => margin,
            Align::Center => (width as f32 - wide) / 2.0,
            Align::Right => width as f32 - margin - wide,
        };
        for item in &block.items {
            match item {
                Item::Line { line, bold: true, baseline } => {
                    draw_line(&mut picture, bold, line, left(line.width), top + baseline, card.color);
                }
                Item::Line { line, bold: false, baseline } => {
                    draw_line(&mut picture, regular, line, left(line.width), top + baseline, card.color);
                }
                Item::Bar { top: bar, width, height } => {
                    let accent = card.accent.unwrap_or(card.color);
                    draw_bar(&mut picture, [left(*width), top + bar, *width, *height], accent);
                }
            }
        }
    }
    Ok(picture)
}

/// Sets the texts, `em` being a thousandth of the shorter side at the size that is tried.
fn set(card: &Card<'_>, em: f32, column: f32, bold: &mut Fonts, regular: &mut Fonts) -> Block {
    let mut block = Block { items: Vec::new(), height: 0.0, widest: 0.0 };
    let texts = [(card.title, TITLE, true), (card.subtitle, SUBTITLE, false), (card.text, TEXT, false)];
    for (text, size, is_bold) in texts {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let size = size * em;
        if !block.items.is_empty() {
            block.height += size * GAP / 1000.0;
        }
        let fonts = if is_bold { &mut *bold } else { &mut *regular };
        let (ascent, descent) = fonts.extent(size);
        let lines = wrapped(fonts, text, size, column);
        for (index, line) in lines.into_iter().enumerate() {
            if index > 0 {
                block.height += size * PITCH / 1000.0 - ascent - descent;
            }
            block.widest = block.widest.max(line.width);
            block.items.push(Item::Line { line, bold: is_bold, baseline: (block.height + ascent).round() });
            block.height += ascent + descent;
        }
        if is_bold && card.accent.is_some() {
            let height = (size * BAR_HEIGHT / 1000.0).round().max(1.0);
            let top = (block.height + size * BAR_GAP / 1000.0).round();
            let width = (size * BAR_WIDTH / 1000.0).min(column);
            block.items.push(Item::Bar { top, width, height });
            block.height = top + height;
        }
    }
    block
}

/// The text in balanced lines no wider than `column` where words allow; its own line breaks stay.
fn wrapped(fonts: &mut Fonts, text: &str, size: f32, column: f32) -> Vec<Line> {
    let pixels = |width: f32| (width * 64.0).round() as i64;
    let space = pixels(fonts.shape("a a", size).width) - pixels(fonts.shape("aa", size).width);
    let mut lines = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        let words = parts(paragraph);
        let widths = Widths {
            words: words.iter().map(|word| pixels(fonts.shape(word.text, size).width)).collect(),
            gaps: words.iter().map(|word| if word.joined { 0 } else { space }).collect(),
            limit: pixels(column),
            pauses: words.iter().map(|word| ends_at_pause(word.text)).collect(),
        };
        let broken = widths.balanced(0..words.len());
        if broken.is_empty() {
            lines.push(fonts.shape("", size));
        }
        let rtl = is_right_to_left(paragraph);
        lines.extend(broken.into_iter().map(|these| {
            let text = line(words[these].iter().map(|word| (word.text, word.joined)));
            fonts.shape(&directed(&text, rtl), size)
        }));
    }
    lines
}

/// The ground: one colour, as opaque as it is, or two from top to bottom.
fn ground(card: &Card<'_>, width: usize, height: usize) -> Rgba {
    let below = card.background_below.unwrap_or(card.background);
    let last = (height.max(2) - 1) as u32;
    let mut pixels = Vec::with_capacity(width * height * 4);
    for row in 0..height as u32 {
        let mixed = |i: usize| {
            let sum = u32::from(card.background[i]) * (last - row.min(last)) + u32::from(below[i]) * row;
            ((2 * sum + last) / (2 * last)) as u8
        };
        pixels.extend([mixed(0), mixed(1), mixed(2), mixed(3)].repeat(width));
    }
    Rgba { width, height, pixels }
}

/// Draws a line with its left end and baseline at a place of the picture.
fn draw_line(picture: &mut Rgba, fonts: &mut Fonts, line: &Line, left: f32, baseline: f32, colour: [u8; 4]) {
    let Some(first) = line.glyphs.first() else { return };
    // A canvas of the line's own rows, so that ink is looked for only where there may be some.
    let (ascent, descent) = fonts.extent(first.size());
    let top = (baseline - ascent * 1.5).max(0.0) as usize;
    let bottom = ((baseline + descent * 2.5).max(0.0) as usize + 1).min(picture.height);
    if top >= bottom {
        return;
    }
    let mut outlines: Vec<Command> = Vec::new();
    let mut pictures: Vec<(i64, i64, GlyphPicture)> = Vec::new();
    for glyph in &line.glyphs {
        let (x, y) = (left + glyph.x, baseline + glyph.y);
        if let Some(drawn) = fonts.picture(glyph) {
            let (column, row) = (x.round() as i64, y.round() as i64);
            pictures.push((column + i64::from(drawn.left), row + i64::from(drawn.top), drawn));
        } else {
            outlines.extend(fonts.outline(glyph, x, y - top as f32));
        }
    }
    let ink = Ink::filled(picture.width, bottom - top, &outlines);
    let rows = &mut picture.pixels[top * picture.width * 4..bottom * picture.width * 4];
    for (pixel, &covered) in rows.as_chunks_mut::<4>().0.iter_mut().zip(&ink.covered) {
        lay(pixel, colour, covered);
    }
    for (left, top, drawn) in pictures {
        for (i, &[r, g, b, a]) in drawn.pixels.as_chunks::<4>().0.iter().enumerate() {
            let (x, y) = (left + (i % drawn.width) as i64, top + (i / drawn.width) as i64);
            if (0..picture.width as i64).contains(&x) && (0..picture.height as i64).contains(&y) {
                let at = (y as usize * picture.width + x as usize) * 4;
                if let Some(pixel) = picture.pixels[at..].first_chunk_mut::<4>() {
                    lay(pixel, [r, g, b, 255], a);
                }
            }
        }
    }
}

/// Draws a bar at left, top, width, height, on whole pixels.
fn draw_bar(picture: &mut Rgba, [left, top, width, height]: [f32; 4], colour: [u8; 4]) {
    let within = |v: f32, most: usize| (v.round().max(0.0) as usize).min(most);
    let (x, right) = (within(left, picture.width), within(left + width, picture.width));
    for row in within(top, picture.height)..within(top + height, picture.height) {
        let start = row * picture.width;
        for pixel in &mut picture.pixels.as_chunks_mut::<4>().0[start + x..start + right] {
            lay(pixel, colour, 255);
        }
    }
}

/// Lays a colour on a pixel, as far as it is covered.
fn lay(pixel: &mut [u8; 4], [r, g, b, opacity]: [u8; 4], covered: u8) {
    let alpha = u32::from(covered) * u32::from(opacity);
    if pixel[3] < 255 {
        return lay_on_transparent(pixel, [r, g, b], alpha);
    }
    for (under, over) in pixel.iter_mut().zip([r, g, b]) {
        let sum = u32::from(*under) * (65_025 - alpha) + u32::from(over) * alpha;
        *under = ((sum + 32_512) / 65_025) as u8;
    }
}

/// The same where what lies below is not opaque: Porter and Duff's "over" of straight colours, `alpha` of 65025.
fn lay_on_transparent(pixel: &mut [u8; 4], colour: [u8; 3], alpha: u32) {
    const ONE: u64 = 65_025;
    let (over, under) = (u64::from(alpha), u64::from(pixel[3]) * 255);
    let left = under * (ONE - over) / ONE;
    let sum = over + left;
    if sum == 0 {
        return;
    }
    for (value, colour) in pixel.iter_mut().zip(colour) {
        *value = ((u64::from(colour) * over + u64::from(*value) * left + sum / 2) / sum) as u8;
    }
    pixel[3] = ((sum + 127) / 255) as u8;
}

#[cfg(test)]
mod tests;
