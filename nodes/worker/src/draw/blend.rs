//! Two pictures into one: cross-fades and fades through a colour, in integers. It knows no time.

use std::ops::Range;

use crate::frame::Yuv420;

/// One in the fixed point of weights: 14 bits, so that a product of two fits 32 bits with vector instructions.
const ONE: i32 = 1 << 14;

/// `num / den` as a weight, rounded to the nearest; `num` above `den` counts as `den`, a `den` of zero as all of it.
#[must_use]
pub fn weight(num: u64, den: u64) -> u16 {
    if num >= den {
        return ONE as u16;
    }
    let (num, den) = (u128::from(num), u128::from(den));
    ((num * 2 * ONE as u128 + den) / (2 * den)) as u16
}

/// Fades `under` towards `over` in place: `num / den` of `over`, the rest of `under`, rounded to the nearest.
///
/// Both pictures have one size. `num` above `den` counts as `den`; a `den` of zero shows `over`.
pub fn cross_fade(under: &mut Yuv420, over: &Yuv420, num: u64, den: u64) {
    debug_assert_eq!((under.width, under.height), (over.width, over.height));
    let weight = i32::from(weight(num, den));
    mix(&mut under.y, over.y.iter().copied(), weight);
    mix(&mut under.u, over.u.iter().copied(), weight);
    mix(&mut under.v, over.v.iter().copied(), weight);
}

/// Fades `picture` towards one colour (limited-range Y, Cb, Cr) in place, as [`cross_fade`] does.
pub fn fade_to_colour(picture: &mut Yuv420, [y, u, v]: [u8; 3], num: u64, den: u64) {
    let weight = i32::from(weight(num, den));
    mix(&mut picture.y, std::iter::repeat(y), weight);
    mix(&mut picture.u, std::iter::repeat(u), weight);
    mix(&mut picture.v, std::iter::repeat(v), weight);
}

/// Fades through a colour: over the first half `under` turns into the colour, over the second half the colour
/// into `over`. The result is in `under`.
pub fn fade_through_colour(under: &mut Yuv420, over: &Yuv420, colour: [u8; 3], num: u64, den: u64) {
    if 2 * num <= den {
        fade_to_colour(under, colour, 2 * num, den);
    } else {
        under.clone_from(over);
        fade_to_colour(under, colour, 2 * den.saturating_sub(num), den);
    }
}

/// Lays `over` on `under` where a mask says: `mask` writes the weights of each row of pixels, out of
/// [`weight`]`(1, 1)`. A sample of colour has the mean weight of the pixels around it (MPEG-2 siting).
pub fn masked(under: &mut Yuv420, over: &Yuv420, mask: impl FnMut(usize, &mut [u16])) {
    let all = 0..under.height;
    masked_rows(under, over, all, mask);
}

/// The same for some rows alone, and the ones that share their colour.
pub fn masked_rows(
    under: &mut Yuv420,
    over: &Yuv420,
    which: Range<usize>,
    mut mask: impl FnMut(usize, &mut [u16]),
) {
    let (width, half) = (under.width, under.width / 2);
    let mut rows = [vec![0_u16; width], vec![0_u16; width]];
    let mut colour = vec![0_u16; half];
    for pair in which.start / 2..which.end.div_ceil(2).min(under.height / 2) {
        for (row, weights) in rows.iter_mut().enumerate() {
            let y = 2 * pair + row;
            mask(y, weights);
            mix_row(&mut under.y[y * width..][..width], &over.y[y * width..][..width], weights);
        }
        for (x, weight) in colour.iter_mut().enumerate() {
            let near = |row: &[u16]| {
                let at = |x: usize| u32::from(row[x]);
                at((2 * x).saturating_sub(1)) + 2 * at(2 * x) + at(2 * x + 1)
            };
            *weight = ((near(&rows[0]) + near(&rows[1]) + 4) / 8) as u16;
        }
        let row = pair * half..(pair + 1) * half;
        mix_row(&mut under.u[row.clone()], &over.u[row.clone()], &colour);
        mix_row(&mut under.v[row.clone()], &over.v[row], &colour);
    }
}

fn mix_row(under: &mut [u8], over: &[u8], weights: &[u16]) {
    for ((under, &over), &weight) in under.iter_mut().zip(over).zip(weights) {
        let difference = i32::from(over) - i32::from(*under);
        *under = (i32::from(*under) + ((difference * i32::from(weight) + ONE / 2) >> 14)) as u8;
    }
}

fn mix(under: &mut [u8], over: impl Iterator<Item = u8>, weight: i32) {
    for (under, over) in under.iter_mut().zip(over) {
        let difference = i32::from(over) - i32::from(*under);
        *under = (i32::from(*under) + ((difference * weight + ONE / 2) >> 14)) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(from: usize) -> Yuv420 {
        let ramp = |n: usize| (0..n).map(|i| (i + from) as u8).collect();
        Yuv420 { width: 32, height: 16, y: ramp(512), u: ramp(128), v: ramp(128) }
    }

    #[test]
    fn the_ends_of_a_fade_are_the_pictures() {
        let (a, b) = (ramp(0), ramp(77));
        for (num, want) in [(0, &a), (15, &b), (99, &b)] {
            let mut out = a.clone();
            cross_fade(&mut out, &b, num, 15);
            assert_eq!(&out, want);
        }
    }

    #[test]
    fn every_weight_rounds_to_the_nearest() {
        let (a, b) = (ramp(0), ramp(100));
        for num in 0..=30_u32 {
            let mut out = a.clone();
            cross_fade(&mut out, &b, u64::from(num), 30);
            for ((&a, &b), &out) in a.y.iter().zip(&b.y).zip(&out.y) {
                let exact = (f64::from(a) * f64::from(30 - num) + f64::from(b) * f64::from(num)) / 30.0;
                assert!((exact - f64::from(out)).abs() < 0.51, "{a} {b} {num}: {out}");
            }
        }
    }

    #[test]
    fn a_fade_through_black_is_black_in_the_middle() {
        let (a, b) = (ramp(0), ramp(9));
        let black = [16, 128, 128];
        let at = |num| {
            let mut out = a.clone();
            fade_through_colour(&mut out, &b, black, num, 20);
            out
        };
        assert_eq!(at(0), a);
        assert_eq!(at(10), Yuv420::filled(32, 16, black));
        assert_eq!(at(20), b);
        assert_ne!(at(5), at(15));
    }
}
