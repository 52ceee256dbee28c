//! Draws a still as the camera sees it, at sub-pixel positions, in integers. It knows no motion by name.
//!
//! The result is the same on every machine: 16-bit weights and sums, no float. A row of the picture is made
//! from four rows of the still (one weight each), then from its own columns: eight output columns at a time
//! share a stretch of the row, and each has its weights in a small table, so vector instructions serve although
//! the step between pixels is not one.

use crate::draw::lanes::{self, Lanes};
use crate::draw::motion::{ONE, View};
use crate::draw::plane::Plane;
use crate::frame::{Yuv420, Yuv444};

/// Columns that are made together.
const BLOCK: usize = lanes::COUNT;
/// Sums carry 4 bits of fraction; products are cut off, not rounded, which takes 3 of 16 on average.
const ROUNDING: i16 = 8 + 3;

/// A still made ready to be drawn on many frames of one size.
#[derive(Debug)]
pub struct Sampler {
    planes: [Plane; 3],
    width: usize,
    height: usize,
    columns: Columns,
    row: Vec<i16>,
}

/// For every block of output columns where it begins in the row, and the weights of each tap and column.
#[derive(Debug, Default)]
struct Columns {
    taps: usize,
    bases: Vec<usize>,
    weights: Vec<[i16; BLOCK]>,
}

/// Positions of output pixels in a plane: `first + index · step`, 32 bits of fraction, 0 = centre of pixel 0.
#[derive(Debug, Clone, Copy)]
struct Axis {
    first: i64,
    step: i64,
}

impl Sampler {
    /// Makes `still` ready for frames of `width` × `height` pixels. Both sizes must be even.
    #[must_use]
    pub fn new(still: &Yuv444, width: usize, height: usize) -> Self {
        // A pan that goes on under a transition leaves the still by less than a twentieth of the frame; the
        // rest is room for taps and for the last block.
        let margin = width / 20 + 24;
        let (w, h) = (still.width, still.height);
        let planes = [
            Plane::full(w, h, &still.planes[0], margin),
            Plane::halved(w, h, &still.planes[1], margin / 2 + 12),
            Plane::halved(w, h, &still.planes[2], margin / 2 + 12),
        ];
        Self { planes, width, height, columns: Columns::default(), row: Vec::new() }
    }

    /// Draws what `view` shows into `frame`, which is of the size given to [`Sampler::new`].
    pub fn render(&mut self, frame: &mut Yuv420, view: View) {
        debug_assert_eq!((frame.width, frame.height), (self.width, self.height));
        let [luma, cb, cr] = &mut self.planes;
        let x = Axis::luma(luma.width, self.width, view.x, view.step);
        let y = Axis::luma(luma.height, self.height, view.y, view.step);
        draw_plane(luma, x, y, &mut frame.y, self.width, &mut self.columns, &mut self.row);
        let (x, y) = (x.halved_on_pixel(), y.halved_between());
        draw_plane(cb, x, y, &mut frame.u, self.width / 2, &mut self.columns, &mut self.row);
        draw_plane(cr, x, y, &mut frame.v, self.width / 2, &mut self.columns, &mut self.row);
    }
}

impl Axis {
    /// Where output pixels of full size fall.
    fn luma(still: usize, size: usize, centre: i64, step: i64) -> Self {
        // still/2 + centre + (p + ½ − size/2) · step, less ½ from point to pixel index.
        let middle = still as i64 * (ONE / 2) + centre - ONE / 2;
        Self { first: middle - (size as i64 - 1) * (step / 2) - (size as i64 - 1) * (step & 1) / 2, step }
    }

    /// Chroma across: on luma column 2i in the frame and in the still alike.
    const fn halved_on_pixel(self) -> Self {
        Self { first: self.first >> 1, step: self.step }
    }

    /// Chroma down: between luma rows 2j and 2j + 1 in the frame and in the still alike.
    const fn halved_between(self) -> Self {
        Self { first: (self.first + (self.step >> 1) - ONE / 2) >> 1, step: self.step }
    }

    /// Whole pixel and 16 bits of fraction of output pixel `index`.
    const fn at(self, index: usize) -> (i64, i64) {
        let position = self.first + index as i64 * self.step;
        (position >> 32, (position & (ONE - 1)) >> 16)
    }

    /// The first pixel, when every output pixel falls on one of a plane `size` long.
    fn on_pixels(self, size: usize, count: usize) -> Option<usize> {
        let (first, fraction) = self.at(0);
        let inside = first >= 0 && first + count as i64 <= size as i64;
        (self.step == ONE && fraction == 0 && inside).then_some(first as usize)
    }
}

/// Draws one plane, `width` pixels wide.
fn draw_plane(
    plane: &mut Plane,
    x: Axis,
    y: Axis,
    out: &mut [u8],
    width: usize,
    columns: &mut Columns,
    row: &mut Vec<i16>,
) {
    let height = out.len() / width;
    if let (Some(left), Some(top)) = (x.on_pixels(plane.width, width), y.on_pixels(plane.height, height)) {
        for (out, from) in out.chunks_exact_mut(width).zip(plane.pixels.chunks_exact(plane.width).skip(top)) {
            out.copy_from_slice(&from[left..left + width]);
        }
        return;
    }
    plane.make_ready();
    columns.place(plane, x, width);
    // Blocks may read past the margin, where their weights are zero.
    row.clear();
    row.resize(plane.stride + 4 * BLOCK, 0);
    for (index, out) in out.chunks_exact_mut(width).enumerate() {
        let (at, fraction) = y.at(index);
        let rows = [-1, 0, 1, 2].map(|k| plane.coefficient_row(at + k));
        blend_rows(rows, weights(fraction), row);
        columns.blend(row, out);
    }
}

/// The weights of the four pixels around a point `fraction` (16 bits) after the second; their sum is 2^15.
fn weights(fraction: i64) -> [i16; 4] {
    // The uniform cubic B-spline, t³/6 and so on, in 48 bits of fraction.
    let t = fraction;
    let one = 1_i64 << 16;
    let sixth = |v: i64| ((v + (3 << 33)) / (6 << 33)) as i16;
    let u = one - t;
    let first = sixth(u * u * u);
    let last = sixth(t * t * t);
    let third = sixth(one * one * one + 3 * t * one * one + 3 * t * t * one - 3 * t * t * t);
    // 2^15 does not fit, but no weight is above 2/3 of it.
    [first, (32_768 - i32::from(first) - i32::from(third) - i32::from(last)) as i16, third, last]
}

/// The weighted sum of four rows, one bit of fraction less. Rows are whole lanes long.
fn blend_rows(rows: [&[i16]; 4], weights: [i16; 4], out: &mut [i16]) {
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<BLOCK>().0);
    let [first, second, third, last] = weights.map(Lanes::all);
    for ((((a, b), c), d), out) in a.iter().zip(b).zip(c).zip(d).zip(out.as_chunks_mut::<BLOCK>().0) {
        let before = Lanes::of(a).scaled(first).plus(Lanes::of(b).scaled(second));
        let after = Lanes::of(c).scaled(third).plus(Lanes::of(d).scaled(last));
        *out = before.plus(after).values();
    }
}

impl Columns {
    /// Computes the tables for `width` output columns at `axis`.
    fn place(&mut self, plane: &Plane, axis: Axis, width: usize) {
        let margin = plane.margin as i64;
        // Held so that every tap lies in the margin; beyond it the outermost column repeats.
        let (low, high) = (8 - margin, plane.width as i64 + margin - 8);
        let blocks = width.div_ceil(BLOCK);
        let place = |column: usize| {
            let (at, fraction) = axis.at(column);
            if at < low {
                (low, 0)
            } else if at >= high {
                (high, 0)
            } else {
                (at, fraction)
            }
        };
        let start = |block: usize| {
            let first = block * BLOCK;
            (0..BLOCK).map(|j| place(first + j).0 - 1 - j as i64).min().unwrap_or(0)
        };
        let spread = |block: usize| {
            let first = block * BLOCK;
            (0..BLOCK).map(|j| place(first + j).0 - 1 - j as i64 - start(block)).max().unwrap_or(0)
        };
        self.taps = 4 + (0..blocks).map(spread).max().unwrap_or(0) as usize;
        self.bases.clear();
        self.weights.clear();
        self.weights.resize(blocks * self.taps, [0; BLOCK]);
        for (block, table) in self.weights.chunks_exact_mut(self.taps).enumerate() {
            let base = start(block);
            self.bases.push((base + margin) as usize);
            (0..BLOCK).for_each(|j| {
                let (at, fraction) = place(block * BLOCK + j);
                let shift = (at - 1 - j as i64 - base) as usize;
                for (tap, weight) in weights(fraction).into_iter().enumerate() {
                    table[shift + tap][j] = weight;
                }
            });
        }
    }

    /// One output row from a row of sums.
    fn blend(&self, row: &[i16], out: &mut [u8]) {
        match self.taps {
            4 => self.blend_with::<4>(row, out),
            5 => self.blend_with::<5>(row, out),
            6 => self.blend_with::<6>(row, out),
            _ => self.blend_any(row, out),
        }
    }

    fn blend_with<const TAPS: usize>(&self, row: &[i16], out: &mut [u8]) {
        let (tables, _) = self.weights.as_chunks::<TAPS>();
        for ((out, &base), table) in out.chunks_mut(BLOCK).zip(&self.bases).zip(tables) {
            let Some(from) = row.get(base..base + BLOCK + TAPS - 1) else {
                continue;
            };
            put(blended(from, table), out);
        }
    }

    fn blend_any(&self, row: &[i16], out: &mut [u8]) {
        let tables = self.weights.chunks_exact(self.taps);
        for ((out, &base), table) in out.chunks_mut(BLOCK).zip(&self.bases).zip(tables) {
            put(blended(&row[base..base + BLOCK + self.taps - 1], table), out);
        }
    }
}

/// The rounded sum of each column's taps, about 128.
#[inline(always)]
fn blended(from: &[i16], table: &[[i16; BLOCK]]) -> [u8; BLOCK] {
    let stretches = from.array_windows::<BLOCK>();
    stretches
        .zip(table)
        .fold(Lanes::all(ROUNDING), |sums, (from, weights)| {
            sums.plus(Lanes::of(from).scaled(Lanes::of(weights)))
        })
        .bytes()
}

/// The last block of a row may be shorter.
#[inline(always)]
fn put(bytes: [u8; BLOCK], out: &mut [u8]) {
    if let Ok(out) = <&mut [u8; BLOCK]>::try_from(&mut *out) {
        *out = bytes;
    } else {
        out.copy_from_slice(&bytes[..out.len()]);
    }
}

#[cfg(test)]
mod tests;
