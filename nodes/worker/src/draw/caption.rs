//! Captions into frames: a cue drawn as a sprite, its spoken word lit. It breaks no lines and reads no clock.

use cosmic_text::Command;
use reel_engine::quantity::Color;
use reel_nodes::media::look::{CaptionLook, CaptionPosition, CaptionStyle, CaptionType};
use reel_nodes::media::words::{Cue, line};
use zeno::{PathBuilder, Vector};

use crate::draw::ink::Ink;
use crate::draw::sprite::{Canvas, Sprite};
use crate::draw::text::{Fonts, GlyphPicture, Line, directed, is_right_to_left};
use crate::frame::Yuv420;

/// Distance of baselines, in parts of the em: 5/4.
const PITCH: f32 = 1.25;
/// Room between letters and the edge of their box, in parts of the em: aside, and above and below.
const BOX: (f32, f32) = (0.4, 0.22);
/// Radius of the box's corners, in parts of the em.
const CORNER: f32 = 0.28;
/// How much larger the spoken word is on its first frames and then on.
const POP: [f32; 4] = [1.07, 1.17, 1.2, 1.15];
/// How far the spoken word may reach over its neighbours, in parts of the em.
const REACH: f32 = 0.25;

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
    /// The box, or else the shadow.
    ground: Ink,
    outline: Ink,
    /// By word, in the order of the text.
    words: Vec<Ink>,
    /// The outlines of each word, for the style in which they move, and the em they are set in.
    outlines: Vec<Vec<Command>>,
    em: f32,
    pictures: Vec<(i64, i64, GlyphPicture)>,
    sprite: Option<(Lit, Sprite)>,
}

/// The spoken word, counted through all lines, and for how many frames it has been that, as far as it counts.
type Lit = Option<(usize, usize)>;

/// A line at its place in the frame.
struct Placed {
    line: Line,
    left: f32,
    baseline: f32,
    /// First byte after each word, in the text that was shaped.
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
            self.sprite(cue, at).blend(frame);
        }
    }

    /// The cue as it is on frame `at`. Kept until it looks different.
    pub fn sprite(&mut self, cue: &Cue, at: i64) -> &Sprite {
        let lit = lit_word(cue, at).filter(|_| self.look.style.lights()).map(|(word, frames)| {
            let moves = self.look.style == CaptionStyle::Pop;
            (word, if moves { (frames as usize).min(POP.len() - 1) } else { 0 })
        });
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
        let mut outlines: Vec<Vec<Command>> = Vec::new();
        let mut pictures = Vec::new();
        for placed in &lines {
            let mut of_line: Vec<Vec<Command>> = vec![Vec::new(); placed.ends.len()];
            for glyph in &placed.line.glyphs {
                let word = placed.ends.partition_point(|&end| end <= glyph.start);
                let (left, top) = (placed.left + glyph.x - x as f32, placed.baseline + glyph.y - y as f32);
                if let Some(picture) = self.fonts.picture(glyph) {
                    let (column, row) = (left.round() as i64, top.round() as i64);
                    pictures.push((column + i64::from(picture.left), row + i64::from(picture.top), picture));
                } else if let Some(outlines) = of_line.get_mut(word) {
                    outlines.extend(self.fonts.outline(glyph, left, top));
                }
            }
            words.extend(of_line.iter().map(|outline| Ink::filled(width, height, outline)));
            outlines.extend(of_line);
        }
        let all: Vec<Command> = outlines.iter().flatten().copied().collect();
        let outline = Ink::widened(width, height, &all, self.look.outline_width as f32);
        let ground = match self.look.style {
            CaptionStyle::Box => self.plate(&lines, size, (x, y, width, height)),
            _ if self.look.shadow.rgba[3] == 0 => Ink::none(width, height),
            _ => outline.softened(shadow_reach(size)),
        };
        let cue = cue.clone();
        Drawn { cue, x, y, ground, outline, words, outlines, em: size, pictures, sprite: None }
    }

    /// A box with round corners behind all lines.
    fn plate(
        &mut self,
        lines: &[Placed],
        size: f32,
        (x, y, width, height): (usize, usize, usize, usize),
    ) -> Ink {
        let (ascent, descent) = self.fonts.extent(size);
        let (aside, above) = (size * BOX.0, size * BOX.1);
        let left = lines.iter().map(|line| line.left).fold(f32::INFINITY, f32::min) - aside;
        let right = lines.iter().map(|line| line.left + line.line.width).fold(0.0, f32::max) + aside;
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return Ink::none(width, height);
        };
        let (top, bottom) = (first.baseline - ascent - above, last.baseline + descent + above);
        let (left, right) = (left.round() - x as f32, right.round() - x as f32);
        let (top, bottom) = (top.round() - y as f32, bottom.round() - y as f32);
        Ink::filled(width, height, &rounded([left, top, right, bottom], size * CORNER))
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
        let texts: Vec<String> = cue
            .lines
            .iter()
            .map(|words| line(words.iter().map(|word| (word.text.as_str(), word.joined))))
            .collect();
        let right_to_left = is_right_to_left(&texts.join(" "));
        let mut lines = Vec::new();
        for (index, (words, text)) in cue.lines.iter().zip(&texts).enumerate() {
            let shaped = directed(text, right_to_left);
            let mut end = shaped.len() - text.len();
            let ends = words.iter().enumerate().map(|(i, word)| {
                end += word.text.len() + usize::from(i > 0 && !word.joined);
                end
            });
            let ends = ends.collect();
            let line = self.fonts.shape(&shaped, size);
            let left = (frame_width - line.width) / 2.0;
            lines.push(Placed { line, left, baseline: (top + ascent + pitch * index as f32).round(), ends });
        }
        lines
    }

    /// The part of the frame that the lines need with all around them, on even pixels: x, y, width, height.
    fn room(&self, lines: &[Placed], size: f32) -> (usize, usize, usize, usize) {
        let around = size * 0.5 + self.look.outline_width as f32 + 4.0 * shadow_reach(size) as f32;
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
    fn coloured(&self, look: &CaptionLook, lit: Lit) -> Sprite {
        let (width, height) = (self.outline.width, self.outline.height);
        let mut canvas = Canvas::new(width, height);
        let paint = |canvas: &mut Canvas, ink: &Ink, colour: Color| {
            let [r, g, b, opacity] = colour.rgba;
            canvas.paint(ink, [r, g, b], opacity);
        };
        paint(
            &mut canvas,
            &self.ground,
            if look.style == CaptionStyle::Box { look.plate } else { look.shadow },
        );
        if look.outline_width > 0 {
            paint(&mut canvas, &self.outline, look.outline);
        }
        let moving = lit.filter(|_| look.style == CaptionStyle::Pop);
        for (index, word) in self.words.iter().enumerate() {
            if moving.is_none_or(|(moving, _)| moving != index) {
                let is_lit = lit.is_some_and(|(lit, _)| lit == index);
                paint(&mut canvas, word, if is_lit { look.highlight } else { look.color });
            }
        }
        if let Some((index, step)) = moving {
            // Over its neighbours, with an outline of its own.
            let word = enlarged(&self.outlines[index], POP[step], self.em);
            if look.outline_width > 0 {
                let around = Ink::widened(width, height, &word, look.outline_width as f32);
                paint(&mut canvas, &around, look.outline);
            }
            paint(&mut canvas, &Ink::filled(width, height, &word), look.highlight);
        }
        for (left, top, picture) in &self.pictures {
            canvas.paint_picture(*left, *top, picture.width, &picture.pixels);
        }
        canvas.into_sprite(self.x, self.y)
    }
}

/// An outline `times` as large about its middle, or as much as its neighbours bear.
fn enlarged(outline: &[Command], times: f32, em: f32) -> Vec<Command> {
    let points = outline.iter().flat_map(|command| match *command {
        Command::MoveTo(p) | Command::LineTo(p) => vec![p],
        Command::QuadTo(c, p) => vec![c, p],
        Command::CurveTo(c, d, p) => vec![c, d, p],
        Command::Close => Vec::new(),
    });
    let [mut left, mut right, mut top, mut bottom] =
        [f32::INFINITY, -f32::INFINITY, f32::INFINITY, -f32::INFINITY];
    for point in points {
        (left, right) = (left.min(point.x), right.max(point.x));
        (top, bottom) = (top.min(point.y), bottom.max(point.y));
    }
    let times = times.min(1.0 + 2.0 * REACH * em / (right - left).max(1.0));
    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let place = |p: Vector| Vector::new(x + (p.x - x) * times, y + (p.y - y) * times);
    let moved = |command: &Command| match *command {
        Command::MoveTo(p) => Command::MoveTo(place(p)),
        Command::LineTo(p) => Command::LineTo(place(p)),
        Command::QuadTo(c, p) => Command::QuadTo(place(c), place(p)),
        Command::CurveTo(c, d, p) => Command::CurveTo(place(c), place(d), place(p)),
        Command::Close => Command::Close,
    };
    outline.iter().map(moved).collect()
}

/// The outline of a rectangle (left, top, right, bottom) with round corners.
fn rounded([left, top, right, bottom]: [f32; 4], radius: f32) -> Vec<Command> {
    let radius = radius.min((right - left) / 2.0).min((bottom - top) / 2.0);
    // A quarter of a circle by one cubic: its handles are 4/3 · (√2 − 1) of the radius long.
    let handle = radius * (1.0 - 0.552_284_8);
    let mut path = Vec::new();
    path.move_to([left + radius, top]).line_to([right - radius, top]);
    path.curve_to([right - handle, top], [right, top + handle], [right, top + radius]);
    path.line_to([right, bottom - radius]);
    path.curve_to([right, bottom - handle], [right - handle, bottom], [right - radius, bottom]);
    path.line_to([left + radius, bottom]);
    path.curve_to([left + handle, bottom], [left, bottom - handle], [left, bottom - radius]);
    path.line_to([left, top + radius]);
    path.curve_to([left, top + handle], [left + handle, top], [left + radius, top]).close();
    path
}

/// The word of `cue` that is spoken on frame `at`, counted through all lines, and for how many frames it has been.
#[must_use]
pub fn lit_word(cue: &Cue, at: i64) -> Option<(usize, i64)> {
    let words = cue.lines.iter().flatten().enumerate();
    words.filter(|(_, word)| word.start <= at && at < word.end).map(|(i, word)| (i, at - word.start)).next()
}

/// Pixels that each of the shadow's three passes spreads it.
fn shadow_reach(size: f32) -> usize {
    (size / 20.0).round() as usize
}

#[cfg(test)]
mod tests;
