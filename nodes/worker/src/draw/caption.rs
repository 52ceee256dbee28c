//! Captions into frames: a cue drawn as a sprite, its spoken word lit. It breaks no lines and reads no clock.

use cosmic_text::Command;
use reel_engine::quantity::Color;
use reel_nodes::media::look::{CaptionLook, CaptionPosition, CaptionStyle, CaptionType};
use reel_nodes::media::words::Cue;

use crate::draw::ink::Ink;
use crate::draw::sprite::{Canvas, Sprite};
use crate::draw::text::{Fonts, GlyphPicture, Line};
use crate::frame::Yuv420;

/// Distance of baselines, in parts of the em: 5/4.
const PITCH: f32 = 1.25;
/// The shadow that keeps letters readable without an outline: how dark, of 255.
const SHADOW: u8 = 120;

/// Draws captions of one look into frames of one size.
#[derive(Debug)]
pub struct CaptionPainter {
    fonts: Fonts,
    size: f32,
    width: f32,
    look: CaptionLook,
    frame: (usize, usize),
    drawn: Option<Drawn>,
}

/// The cue that was drawn last: all that does not depend on the lit word, and the sprite.
#[derive(Debug)]
struct Drawn {
    cue: Cue,
    x: usize,
    y: usize,
    shadow: Ink,
    outline: Ink,
    /// By word, in the order of the text.
    words: Vec<Ink>,
    pictures: Vec<(i64, i64, GlyphPicture)>,
    sprite: Option<(Option<usize>, Sprite)>,
}

/// A line at its place in the frame.
struct Placed {
    line: Line,
    left: f32,
    baseline: f32,
    /// First byte after each word.
    ends: Vec<usize>,
}

impl CaptionPainter {
    /// A painter for frames of `frame` (width, height) pixels, both even. `letters` tells size and width only;
    /// the faces are those of `fonts`.
    #[must_use]
    pub fn new(fonts: Fonts, letters: &CaptionType, look: &CaptionLook, frame: (usize, usize)) -> Self {
        let (size, width) = (letters.size as f32, letters.width as f32);
        Self { fonts, size, width, look: look.clone(), frame, drawn: None }
    }

    /// Draws the cue that shows on frame `at`, if there is one, over `frame`. Cues are in the order of time.
    pub fn paint(&mut self, cues: &[Cue], at: i64, frame: &mut Yuv420) {
        if let Some(cue) = cues.iter().find(|cue| cue.start <= at && at < cue.end) {
            self.sprite(cue, lit_word(cue, at)).blend(frame);
        }
    }

    /// The cue with its word `lit` (counted through all lines) in the highlight colour. Kept until another cue
    /// or word is asked for.
    pub fn sprite(&mut self, cue: &Cue, lit: Option<usize>) -> &Sprite {
        let lit = lit.filter(|_| self.look.style == CaptionStyle::Karaoke);
        let drawn = match self.drawn.take() {
            Some(drawn) if drawn.cue == *cue => drawn,
            _ => self.draw(cue),
        };
        let drawn = self.drawn.insert(drawn);
        let sprite = match drawn.sprite.take() {
            Some((known, sprite)) if known == lit => sprite,
            _ => drawn.coloured(&self.look, lit),
        };
        &drawn.sprite.insert((lit, sprite)).1
    }

    fn draw(&mut self, cue: &Cue) -> Drawn {
        let mut size = self.size;
        let mut lines = self.placed(cue, size);
        let widest = lines.iter().map(|line| line.line.width).fold(0.0, f32::max);
        if widest > self.width {
            size *= self.width / widest;
            lines = self.placed(cue, size);
        }
        let (x, y, width, height) = self.room(&lines, size);
        let mut words = Vec::new();
        let mut all = Vec::new();
        let mut pictures = Vec::new();
        for placed in &lines {
            let mut outlines: Vec<Vec<Command>> = vec![Vec::new(); placed.ends.len()];
            for glyph in &placed.line.glyphs {
                let word = placed.ends.partition_point(|&end| end <= glyph.start);
                let (left, top) = (placed.left + glyph.x - x as f32, placed.baseline + glyph.y - y as f32);
                if let Some(picture) = self.fonts.picture(glyph) {
                    let (column, row) = (left.round() as i64, top.round() as i64);
                    pictures.push((column + i64::from(picture.left), row + i64::from(picture.top), picture));
                } else if let Some(outlines) = outlines.get_mut(word) {
                    outlines.extend(self.fonts.outline(glyph, left, top));
                }
            }
            words.extend(outlines.iter().map(|outline| Ink::filled(width, height, outline)));
            all.extend(outlines.into_iter().flatten());
        }
        let outline = Ink::widened(width, height, &all, self.look.outline_width as f32);
        let shadow = outline.softened(shadow_reach(size));
        Drawn { cue: cue.clone(), x, y, shadow, outline, words, pictures, sprite: None }
    }

    /// The lines of a cue in an em of `size` pixels, each centred, the block where the look wants it.
    fn placed(&mut self, cue: &Cue, size: f32) -> Vec<Placed> {
        let (ascent, descent) = self.fonts.extent(size);
        let pitch = size * PITCH;
        let height = ascent + descent + pitch * cue.lines.len().saturating_sub(1) as f32;
        let (frame_width, frame_height) = (self.frame.0 as f32, self.frame.1 as f32);
        let margin = self.look.margin as f32;
        let top = match self.look.position {
            CaptionPosition::Top => margin,
            CaptionPosition::Middle => (frame_height - height) / 2.0,
            CaptionPosition::Bottom => frame_height - margin - height,
        };
        let mut lines = Vec::new();
        for (index, words) in cue.lines.iter().enumerate() {
            let mut text = String::new();
            let mut ends = Vec::new();
            for word in words {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(&word.text);
                ends.push(text.len());
            }
            let line = self.fonts.shape(&text, size);
            let left = (frame_width - line.width) / 2.0;
            lines.push(Placed { line, left, baseline: (top + ascent + pitch * index as f32).round(), ends });
        }
        lines
    }

    /// The part of the frame that the lines need with all around them, on even pixels: x, y, width, height.
    fn room(&self, lines: &[Placed], size: f32) -> (usize, usize, usize, usize) {
        let around = size * 0.35 + self.look.outline_width as f32 + 4.0 * shadow_reach(size) as f32;
        let left = lines.iter().map(|line| line.left).fold(f32::INFINITY, f32::min) - around;
        let right = lines.iter().map(|line| line.left + line.line.width).fold(0.0, f32::max) + around;
        let top = lines.first().map_or(0.0, |line| line.baseline) - size * 1.2 - around;
        let bottom = lines.last().map_or(0.0, |line| line.baseline) + size * 0.5 + around;
        let even = |v: f32, most: usize| (v.max(0.0) as usize / 2 * 2).min(most);
        let (x, y) = (even(left, self.frame.0 - 2), even(top, self.frame.1 - 2));
        let width = even(right + 2.0, self.frame.0).max(x + 2) - x;
        let height = even(bottom + 2.0, self.frame.1).max(y + 2) - y;
        (x, y, width, height)
    }
}

impl Drawn {
    fn coloured(&self, look: &CaptionLook, lit: Option<usize>) -> Sprite {
        let mut canvas = Canvas::new(self.outline.width, self.outline.height);
        let paint = |canvas: &mut Canvas, ink: &Ink, colour: Color| {
            let [r, g, b, opacity] = colour.rgba;
            canvas.paint(ink, [r, g, b], opacity);
        };
        canvas.paint(&self.shadow, [0; 3], SHADOW);
        if look.outline_width > 0 {
            paint(&mut canvas, &self.outline, look.outline);
        }
        for (index, word) in self.words.iter().enumerate() {
            paint(&mut canvas, word, if lit == Some(index) { look.highlight } else { look.color });
        }
        for (left, top, picture) in &self.pictures {
            canvas.paint_picture(*left, *top, picture.width, &picture.pixels);
        }
        canvas.into_sprite(self.x, self.y)
    }
}

/// The word of `cue` that is spoken on frame `at`, counted through all lines.
#[must_use]
pub fn lit_word(cue: &Cue, at: i64) -> Option<usize> {
    cue.lines.iter().flatten().position(|word| word.start <= at && at < word.end)
}

/// Pixels that each of the shadow's three passes spreads it.
fn shadow_reach(size: f32) -> usize {
    (size / 20.0).round() as usize
}

#[cfg(test)]
mod tests;
