//! One plane of a still, made ready for sampling between its pixels. It knows no picture and no motion.
//!
//! Sampling uses the cubic B-spline: four taps, all positive, the same sharpness at every sub-pixel phase as
//! far as four taps can. It needs its coefficients computed once from the pixels (the inverse of the filter
//! 1/6, 4/6, 1/6), which is done here by a symmetric filter in integers.

use crate::draw::lanes;

/// Bits of fraction in a coefficient.
const FRACTION: u32 = 6;
/// Coefficients are kept within ±511 code values about 128, so that four fit a 16-bit sum at any weights.
const LIMIT: i32 = 511 << FRACTION;
/// √3 · (√3 − 2)^k in 13 bits of fraction, from k = 0; the sum over both sides is 8192 exactly.
const INVERSE: [i32; 8] = [14_190, -3_802, 1_019, -273, 73, -20, 5, -1];
/// Half of a chroma row: the cubic of a = −½ at twice the width, on the pixel. Sum 32.
const HALF_ON_PIXEL: [i32; 7] = [-1, 0, 9, 16, 9, 0, -1];
/// Half of a chroma column: the same cubic between two pixels. Sum 256.
const HALF_BETWEEN: [i32; 8] = [-3, -9, 29, 111, 111, 29, -9, -3];

/// A plane's pixels, and the spline coefficients of the same plane with a mirrored margin left and right.
#[derive(Debug)]
pub(super) struct Plane {
    /// Pixels in a row.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
    /// Extra coefficients on both sides of a row.
    pub(super) margin: usize,
    /// `width · height` bytes.
    pub(super) pixels: Vec<u8>,
    /// Coefficients in a row: `width + 2 · margin`, rounded up to whole [`Lanes`](super::lanes).
    pub(super) stride: usize,
    /// Pixels about 128 with [`FRACTION`] bits of fraction, until the coefficients are made of them.
    values: Vec<i16>,
    /// Rows of `stride` coefficients about 128, with [`FRACTION`] bits of fraction.
    coefficients: Vec<i16>,
}

impl Plane {
    /// A plane of `pixels` as it is.
    pub(super) fn full(width: usize, height: usize, pixels: &[u8], margin: usize) -> Self {
        let values = pixels.iter().map(|&v| (i16::from(v) - 128) << FRACTION).collect::<Vec<_>>();
        Self::of(width, height, margin, pixels.to_vec(), values)
    }

    /// A plane of half the size in both directions, sited as MPEG-2 chroma is: on the even columns, between
    /// the rows of a pair. `width` and `height` are even.
    pub(super) fn halved(width: usize, height: usize, pixels: &[u8], margin: usize) -> Self {
        let (w, h) = (width / 2, height / 2);
        let mut rows = vec![0_i32; w * height];
        for (row, out) in pixels.chunks_exact(width).zip(rows.chunks_exact_mut(w)) {
            halve_row(row, out);
        }
        let mut values = vec![0_i16; w * h];
        for (y, out) in values.chunks_exact_mut(w).enumerate() {
            let mut sums = vec![0_i32; w];
            for (k, &weight) in HALF_BETWEEN.iter().enumerate() {
                let row = mirrored(2 * y as i64 + k as i64 - 3, height) * w;
                for (sum, &v) in sums.iter_mut().zip(&rows[row..row + w]) {
                    *sum += weight * v;
                }
            }
            // Sums carry 5 + 8 bits of fraction.
            for (out, sum) in out.iter_mut().zip(&sums) {
                *out = ((sum + (1 << (12 - FRACTION))) >> (13 - FRACTION)) as i16;
            }
        }
        let half = 1 << (FRACTION - 1);
        let pixels = values.iter().map(|&v| (((v + half) >> FRACTION) + 128).clamp(0, 255) as u8).collect();
        Self::of(w, h, margin, pixels, values)
    }

    fn of(width: usize, height: usize, margin: usize, pixels: Vec<u8>, values: Vec<i16>) -> Self {
        let stride = (width + 2 * margin).next_multiple_of(lanes::COUNT);
        Self { width, height, margin, pixels, stride, values, coefficients: Vec::new() }
    }

    /// Makes the coefficients, once. A still that is only copied, pixel for pixel, needs none.
    pub(super) fn make_ready(&mut self) {
        if self.coefficients.is_empty() {
            let values = std::mem::take(&mut self.values);
            self.coefficients = coefficients(&values, self.width, self.height, self.margin, self.stride);
        }
    }

    /// Coefficients of row `y` of a plane made ready, mirrored above the first and below the last row.
    pub(super) fn coefficient_row(&self, y: i64) -> &[i16] {
        let start = mirrored(y, self.height) * self.stride;
        &self.coefficients[start..start + self.stride]
    }
}

/// A plane of half the size in both directions, between its pixels, brought to `into` (width, height) by repeating
/// mirrored edges on the right and below.
pub(super) fn half(width: usize, height: usize, pixels: &[u8], into: (usize, usize)) -> Vec<u8> {
    let tap = |at: usize, k: usize, size: usize| mirrored(2 * at as i64 + k as i64 - 3, size);
    let mut across = vec![0_i32; into.0 * height];
    for (row, out) in pixels.chunks_exact(width).zip(across.chunks_exact_mut(into.0)) {
        for (x, out) in out.iter_mut().enumerate() {
            let taps = HALF_BETWEEN.iter().enumerate();
            *out = taps.map(|(k, &weight)| weight * (i32::from(row[tap(x, k, width)]) - 128)).sum();
        }
    }
    let mut both = Vec::with_capacity(into.0 * into.1);
    for y in 0..into.1 {
        let rows: Vec<&[i32]> =
            (0..HALF_BETWEEN.len()).map(|k| &across[tap(y, k, height) * into.0..][..into.0]).collect();
        both.extend((0..into.0).map(|x| {
            let sum: i32 = HALF_BETWEEN.iter().zip(&rows).map(|(&weight, row)| weight * row[x]).sum();
            (((sum + (1 << 15)) >> 16) + 128).clamp(0, 255) as u8
        }));
    }
    both
}

/// Row or column `at` of a picture that is mirrored at its edges without end.
fn mirrored(at: i64, size: usize) -> usize {
    let size = size as i64;
    let at = at.rem_euclid(2 * size);
    at.min(2 * size - 1 - at) as usize
}

/// Every second pixel of a row about 128, low-passed, times 32.
fn halve_row(row: &[u8], out: &mut [i32]) {
    let at = |x: i64| i32::from(row[mirrored(x, row.len())]) - 128;
    for (i, out) in out.iter_mut().enumerate() {
        let centre = 2 * i;
        *out = if centre >= 3 && centre + 3 < row.len() {
            let near = &row[centre - 3..=centre + 3];
            HALF_ON_PIXEL.iter().zip(near).map(|(&w, &v)| w * (i32::from(v) - 128)).sum()
        } else {
            HALF_ON_PIXEL.iter().zip(-3..).map(|(&w, k)| w * at(centre as i64 + k)).sum()
        };
    }
}

/// The spline coefficients of `values`, rows and then columns, with a mirrored margin of columns.
fn coefficients(values: &[i16], width: usize, height: usize, margin: usize, stride: usize) -> Vec<i16> {
    let reach = INVERSE.len() - 1;
    let columns: Vec<usize> =
        (0..stride + 2 * reach).map(|x| mirrored(x as i64 - (margin + reach) as i64, width)).collect();
    let mut across = vec![0_i16; stride * height];
    let mut wide = vec![0_i16; stride + 2 * reach];
    let mut sums = vec![0_i32; stride];
    for (row, out) in values.chunks_exact(width).zip(across.chunks_exact_mut(stride)) {
        for (wide, &x) in wide.iter_mut().zip(&columns) {
            *wide = row[x];
        }
        invert(&mut sums, out, |k| (&wide[reach - k..][..stride], &wide[reach + k..][..stride]));
    }
    let mut both = vec![0_i16; stride * height];
    for (y, out) in both.chunks_exact_mut(stride).enumerate() {
        let row = |at: i64| &across[mirrored(at, height) * stride..][..stride];
        invert(&mut sums, out, |k| (row(y as i64 - k as i64), row(y as i64 + k as i64)));
    }
    both
}

/// One row of the inverse filter; `pair` gives the two rows at distance `k` on both sides.
fn invert<'a>(sums: &mut [i32], out: &mut [i16], pair: impl Fn(usize) -> (&'a [i16], &'a [i16])) {
    let (here, _) = pair(0);
    for (sum, &v) in sums.iter_mut().zip(here) {
        *sum = INVERSE[0] * i32::from(v) + (1 << 12);
    }
    for (k, &weight) in INVERSE.iter().enumerate().skip(1) {
        let (before, after) = pair(k);
        for ((sum, &a), &b) in sums.iter_mut().zip(before).zip(after) {
            *sum += weight * (i32::from(a) + i32::from(b));
        }
    }
    for (out, sum) in out.iter_mut().zip(&*sums) {
        *out = (sum >> 13).clamp(-LIMIT, LIMIT) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_keep_flat_pictures() {
        assert_eq!(INVERSE[0] + 2 * INVERSE[1..].iter().sum::<i32>(), 8192);
        assert_eq!(HALF_ON_PIXEL.iter().sum::<i32>(), 32);
        assert_eq!(HALF_BETWEEN.iter().sum::<i32>(), 256);
    }

    #[test]
    fn coefficients_give_the_pixels_back() {
        let (w, h) = (33, 21);
        let pixels: Vec<u8> = (0..w * h).map(|i| 60 + ((i * 7919) % 131) as u8).collect();
        let mut plane = Plane::full(w, h, &pixels, 8);
        plane.make_ready();
        let tap = [1_i32, 4, 1];
        for y in 0..h as i64 {
            for x in 0..w {
                let mut sum = 0;
                for (j, wy) in tap.iter().enumerate() {
                    let row = plane.coefficient_row(y + j as i64 - 1);
                    for (i, wx) in tap.iter().enumerate() {
                        sum += wx * wy * i32::from(row[x + plane.margin + i - 1]);
                    }
                }
                let value = (f64::from(sum) / 36.0 / 64.0 + 128.0).round() as u8;
                assert_eq!(value, pixels[y as usize * w + x], "at {x}, {y}");
            }
        }
    }

    #[test]
    fn chroma_is_halved_where_mpeg2_sites_it() {
        // A ramp: on the pixel across, half a pixel further down.
        let (w, h) = (64, 64);
        let pixels: Vec<u8> = (0..w * h).map(|i| (2 * (i % w) + i / w) as u8).collect();
        let plane = Plane::halved(w, h, &pixels, 8);
        for y in 4..28 {
            for x in 4..28 {
                let want = 4.0 * x as f64 + 2.0 * y as f64 + 0.5;
                assert!((f64::from(plane.pixels[y * 32 + x]) - want).abs() <= 0.51);
            }
        }
    }
}
