//! Drawn things with transparency, ready to be laid on frames. It knows no text and no outline.

use crate::draw::ink::Ink;
use crate::frame::{Rgba, Yuv420, yuv_of_rgb};

/// Opacity of one in a sprite's planes: 15 bits.
const OPAQUE: u32 = 1 << 15;
/// All of a sprite's opacity, for [`Sprite::blend_part`].
pub const WHOLE: u32 = 1 << 14;

/// Something that is blended into frames at a fixed place: planes multiplied by their opacity.
///
/// Values carry 7 bits of fraction, so an opaque pixel gives its code value exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sprite {
    /// Column in the frame, even.
    x: usize,
    /// Row in the frame, even.
    y: usize,
    /// Even, as is the height.
    width: usize,
    height: usize,
    luma: Layer<1>,
    chroma: Layer<2>,
}

/// Opacity and values of a plane or two that share it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer<const N: usize> {
    opacity: Vec<u16>,
    values: [Vec<u16>; N],
}

/// A sprite being painted: what is painted later covers what was painted before.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Per pixel Y, Cb, Cr times opacity (7 bits of fraction), and opacity (15 bits).
    pixels: Vec<[u16; 4]>,
}

impl Canvas {
    /// A transparent canvas; both sizes are even.
    pub(super) fn new(width: usize, height: usize) -> Self {
        debug_assert!(width.is_multiple_of(2) && height.is_multiple_of(2));
        Self { width, height, pixels: vec![[0; 4]; width * height] }
    }

    /// Paints one colour where there is ink, `opacity` of 255 times as opaque.
    pub(super) fn paint(&mut self, ink: &Ink, colour: [u8; 3], opacity: u8) {
        let colour = yuv_of_rgb(colour);
        for (pixel, &covered) in self.pixels.iter_mut().zip(&ink.covered) {
            if covered != 0 {
                let alpha = u32::from(covered) * u32::from(opacity);
                *pixel = over(*pixel, colour, (alpha * OPAQUE + 32_512) / 65_025);
            }
        }
    }

    /// Paints a straight RGBA picture at a place that may lie beyond the edges.
    pub(super) fn paint_picture(&mut self, left: i64, top: i64, width: usize, pixels: &[u8]) {
        for (i, &[r, g, b, a]) in pixels.as_chunks::<4>().0.iter().enumerate() {
            let (x, y) = (left + (i % width) as i64, top + (i / width) as i64);
            let inside = (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y);
            if inside && a != 0 {
                let pixel = &mut self.pixels[y as usize * self.width + x as usize];
                *pixel = over(*pixel, yuv_of_rgb([r, g, b]), (u32::from(a) * OPAQUE + 127) / 255);
            }
        }
    }

    /// The painted canvas as a sprite at `x`, `y` of a frame, both even, without its empty edges.
    pub(super) fn into_sprite(self, x: usize, y: usize) -> Sprite {
        let (left, top, right, bottom) = self.painted();
        let (width, height) = (right - left, bottom - top);
        let (mut luma, mut chroma) = (Layer::<1>::default(), Layer::<2>::default());
        for row in top..bottom {
            for pixel in &self.pixels[row * self.width + left..row * self.width + right] {
                luma.opacity.push(pixel[3]);
                luma.values[0].push(pixel[0]);
            }
        }
        for row in (top..bottom).step_by(2) {
            for column in (left..right).step_by(2) {
                let [_, cb, cr, opacity] = self.sited(column, row);
                chroma.opacity.push(opacity);
                chroma.values[0].push(cb);
                chroma.values[1].push(cr);
            }
        }
        Sprite { x: x + left, y: y + top, width, height, luma, chroma }
    }

    /// The smallest even rectangle around all paint: left, top, right, bottom.
    fn painted(&self) -> (usize, usize, usize, usize) {
        let rows: Vec<_> = self.pixels.chunks_exact(self.width).collect();
        let inked = |row: &[[u16; 4]]| row.iter().any(|pixel| pixel[3] != 0);
        let column = |x: usize| rows.iter().any(|row| row[x][3] != 0);
        let Some(top) = rows.iter().position(|row| inked(row)) else {
            return (0, 0, 0, 0);
        };
        let bottom = rows.iter().rposition(|row| inked(row)).map_or(0, |row| row + 1);
        let left = (0..self.width).position(column).unwrap_or(0);
        let right = (0..self.width).rposition(column).map_or(0, |x| x + 1);
        // A chroma sample reaches one column to the left of its own.
        let even = |v: usize| v / 2 * 2;
        (
            even(left.saturating_sub(1)),
            even(top),
            (right + 2).min(self.width).next_multiple_of(2),
            even(bottom + 1),
        )
    }

    /// The chroma sample of the pair of rows at `row` on column `column` (MPEG-2 siting): 1 2 1 across, 1 1 down.
    fn sited(&self, column: usize, row: usize) -> [u16; 4] {
        let columns = [column.saturating_sub(1), column, column, (column + 1).min(self.width - 1)];
        let mut sums = [4_u32; 4];
        for y in [row, row + 1] {
            for x in columns {
                for (sum, &value) in sums.iter_mut().zip(&self.pixels[y * self.width + x]) {
                    *sum += u32::from(value);
                }
            }
        }
        sums.map(|sum| (sum / 8) as u16)
    }
}

/// One pixel with `colour` laid over it.
fn over(under: [u16; 4], colour: [u8; 3], opacity: u32) -> [u16; 4] {
    let rest = OPAQUE - opacity;
    let half = OPAQUE / 2;
    let value = |under: u16, colour: u32| ((u32::from(under) * rest + colour * opacity + half) >> 15) as u16;
    let [y, u, v] = colour.map(|c| u32::from(c) << 7);
    let [under_y, under_u, under_v, under_opacity] = under;
    [value(under_y, y), value(under_u, u), value(under_v, v), value(under_opacity, OPAQUE)]
}

impl<const N: usize> Default for Layer<N> {
    fn default() -> Self {
        Self { opacity: Vec::new(), values: [(); N].map(|()| Vec::new()) }
    }
}

impl Sprite {
    /// Where it lies in the frame: left, top, width, height in pixels.
    #[must_use]
    pub const fn bounds(&self) -> [usize; 4] {
        [self.x, self.y, self.width, self.height]
    }

    /// A straight RGBA picture whose upper left corner is at `left`, `top` of a frame of `size`, as far as it lies in
    /// the frame.
    #[must_use]
    pub fn of_picture(picture: &Rgba, left: i64, top: i64, size: (usize, usize)) -> Self {
        // Even edges, and room for the samples of colour beside it.
        let span = |at: i64, length: usize, whole: usize| {
            let first = (at - 2).clamp(0, whole as i64) as usize / 2 * 2;
            let end = (at + length as i64 + 2).clamp(0, whole as i64) as usize;
            (first, end.next_multiple_of(2).min(whole).saturating_sub(first))
        };
        let (x, width) = span(left, picture.width, size.0);
        let (y, height) = span(top, picture.height, size.1);
        if width == 0 || height == 0 {
            return Canvas::new(2, 2).into_sprite(0, 0);
        }
        let mut canvas = Canvas::new(width, height);
        canvas.paint_picture(left - x as i64, top - y as i64, picture.width, &picture.pixels);
        canvas.into_sprite(x, y)
    }

    /// Lays the sprite on a frame, which must reach as far.
    pub fn blend(&self, frame: &mut Yuv420) {
        self.blend_part(frame, WHOLE);
    }

    /// Lays it on a frame `part / WHOLE` times as opaque.
    pub fn blend_part(&self, frame: &mut Yuv420, part: u32) {
        let (x, y, width, stride) = (self.x, self.y, self.width, frame.width);
        let less = |values: &'_ [u16]| -> Vec<u16> {
            values.iter().map(|&v| ((u32::from(v) * part + WHOLE / 2) >> 14) as u16).collect()
        };
        let lay = |plane: &mut [u8], stride: usize, width: usize, values: &[u16], opacity: &[u16]| match part
        {
            WHOLE => blend_plane(plane, stride, width, values, opacity),
            _ => blend_plane(plane, stride, width, &less(values), &less(opacity)),
        };
        let [luma] = &self.luma.values;
        lay(&mut frame.y[y * stride + x..], stride, width, luma, &self.luma.opacity);
        let (x, y, width, stride) = (x / 2, y / 2, width / 2, stride / 2);
        for (plane, values) in [&mut frame.u, &mut frame.v].into_iter().zip(&self.chroma.values) {
            lay(&mut plane[y * stride + x..], stride, width, values, &self.chroma.opacity);
        }
    }
}

fn blend_plane(plane: &mut [u8], stride: usize, width: usize, values: &[u16], opacity: &[u16]) {
    if width == 0 {
        return;
    }
    let rows = values.chunks_exact(width).zip(opacity.chunks_exact(width));
    for (under, (values, opacity)) in plane.chunks_mut(stride).zip(rows) {
        for ((under, &value), &opacity) in under.iter_mut().zip(values).zip(opacity) {
            let rest = i32::from(*under) * (OPAQUE as i32 - i32::from(opacity));
            *under = ((rest + (i32::from(value) << 8) + (1 << 14)) >> 15) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(width: usize, height: usize, covered: impl Fn(usize, usize) -> u8) -> Ink {
        let covered = (0..width * height).map(|i| covered(i % width, i / width)).collect();
        Ink { width, height, covered }
    }

    #[test]
    fn opaque_paint_gives_its_colour_exactly_and_none_changes_nothing() {
        let mut canvas = Canvas::new(40, 20);
        canvas.paint(&ink(40, 20, |x, _| if (10..30).contains(&x) { 255 } else { 0 }), [200, 30, 30], 255);
        let sprite = canvas.into_sprite(60, 40);
        let mut frame = Yuv420::filled(120, 80, [77, 99, 111]);
        sprite.blend(&mut frame);
        let [y, u, v] = yuv_of_rgb([200, 30, 30]);
        assert_eq!((frame.y[50 * 120 + 80], frame.u[25 * 60 + 40], frame.v[25 * 60 + 40]), (y, u, v));
        assert_eq!((frame.y[50 * 120 + 69], frame.y[50 * 120 + 70], frame.y[50 * 120 + 90]), (77, y, 77));
        assert_eq!((frame.u[25 * 60 + 33], frame.y[39 * 120 + 80]), (99, 77));
    }

    #[test]
    fn half_paint_is_half_of_both() {
        let mut canvas = Canvas::new(8, 8);
        canvas.paint(&ink(8, 8, |_, _| 255), [255, 255, 255], 128);
        let mut frame = Yuv420::filled(8, 8, [16, 128, 128]);
        canvas.into_sprite(0, 0).blend(&mut frame);
        assert!(frame.y.iter().all(|&y| y == 126), "{:?}", &frame.y[..8]);
        assert!(frame.u.iter().all(|&u| u == 128));
    }

    #[test]
    fn a_picture_lies_where_it_should_also_beyond_the_edges_and_fades() {
        let red = Rgba { width: 5, height: 3, pixels: [200, 30, 30, 255].repeat(15) };
        let [y, ..] = yuv_of_rgb([200, 30, 30]);
        for (left, top, pixels) in [(3, 5, 15), (-2, 1, 9), (60, 38, 8), (61, -1, 6), (99, 4, 0), (-9, 4, 0)]
        {
            let mut frame = Yuv420::filled(64, 40, [20, 128, 128]);
            let sprite = Sprite::of_picture(&red, left, top, (64, 40));
            sprite.blend(&mut frame);
            assert_eq!(frame.y.iter().filter(|&&v| v == y).count(), pixels, "{left} {top}");
            assert!(frame.y.iter().all(|&v| v == y || v == 20));
            if pixels == 15 {
                assert_eq!(frame.y[5 * 64 + 3], y);
                let mut half = Yuv420::filled(64, 40, [20, 128, 128]);
                sprite.blend_part(&mut half, WHOLE / 2);
                let seen = half.y[6 * 64 + 4];
                assert!(seen.abs_diff(u8::midpoint(y, 20)) <= 1, "{seen}");
                sprite.blend_part(&mut half, 0);
                assert_eq!(half.y[6 * 64 + 4], seen);
            }
        }
    }

    #[test]
    fn an_empty_canvas_is_an_empty_sprite() {
        let sprite = Canvas::new(8, 8).into_sprite(2, 2);
        let mut frame = Yuv420::filled(8, 8, [16, 128, 128]);
        sprite.blend(&mut frame);
        assert_eq!(frame, Yuv420::filled(8, 8, [16, 128, 128]));
        assert_eq!(sprite.bounds()[2..], [0, 0]);
    }
}
