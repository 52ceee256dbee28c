//! One picture taking over from another, frame by frame, in integers. It knows no scene and no file.

use reel_nodes::media::ease::Ease;
use reel_nodes::media::picture::TransitionKind;

use crate::draw::blend::{cross_fade, fade_through_colour, masked, weight};
use crate::frame::Yuv420;

/// Black in limited range.
const BLACK: [u8; 3] = [16, 128, 128];
/// One pixel of lengths in the mask of a circle.
const FINE: i64 = 16;
/// The circle's edge is soft over this part of half the diagonal.
const SOFT: i64 = 8;

/// A transition over some frames.
#[derive(Debug)]
pub struct Transition {
    kind: TransitionKind,
    ease: Ease,
    frames: u32,
    /// The outgoing picture, while it is drawn larger.
    kept: Option<Yuv420>,
}

impl Transition {
    /// One that takes `frames` frames, at least one.
    #[must_use]
    pub const fn new(kind: TransitionKind, ease: Ease, frames: u32) -> Self {
        Self { kind, ease, frames, kept: None }
    }

    /// Frame `index` of it: `below`, the outgoing picture, becomes what is seen. `picture` is the incoming one, of
    /// the same size. Frames stand in the middle of their time, so neither picture is ever alone.
    pub fn apply(&mut self, below: &mut Yuv420, picture: &Yuv420, index: u32) {
        self.at(below, picture, (2 * u64::from(index) + 1, 2 * u64::from(self.frames)));
    }

    /// The same at `num / den` of the time: at 0 all is `below`, at 1 all is `picture`.
    fn at(&mut self, below: &mut Yuv420, picture: &Yuv420, (num, den): (u64, u64)) {
        debug_assert_eq!((below.width, below.height), (picture.width, picture.height));
        let (num, den) = self.ease.of(num.min(den) as i64, den as i64);
        let (num, den) = (num as u64, den as u64);
        let part =
            |length: usize| (length as u128 * u128::from(num) * 2 + u128::from(den)) / (2 * u128::from(den));
        let even = |length: usize| 2 * part(length / 2) as usize;
        let (width, height) = (below.width, below.height);
        let mut wipe = |columns: bool, back: bool| wipe(below, picture, columns, back, (num, den));
        match self.kind {
            TransitionKind::Cut => below.clone_from(picture),
            TransitionKind::Fade => cross_fade(below, picture, num, den),
            TransitionKind::FadeBlack => fade_through_colour(below, picture, BLACK, num, den),
            TransitionKind::Dissolve => dissolve(below, picture, weight(num, den)),
            TransitionKind::WipeLeft => wipe(true, true),
            TransitionKind::WipeRight => wipe(true, false),
            TransitionKind::WipeUp => wipe(false, true),
            TransitionKind::WipeDown => wipe(false, false),
            TransitionKind::SlideLeft => slide_across(below, picture, even(width), true),
            TransitionKind::SlideRight => slide_across(below, picture, even(width), false),
            TransitionKind::SlideUp => slide_down(below, picture, even(height), true),
            TransitionKind::SlideDown => slide_down(below, picture, even(height), false),
            TransitionKind::Circle => circle(below, picture, (num, den)),
            TransitionKind::Zoom => {
                let kept = self.kept.get_or_insert_with(|| below.clone());
                kept.clone_from(below);
                enlarge(kept, below, (num, den));
                cross_fade(below, picture, num, den);
            }
        }
    }
}

/// Cells of two by two pixels, one sample of colour each, change over one by one.
fn dissolve(below: &mut Yuv420, picture: &Yuv420, part: u16) {
    let whole = weight(1, 1);
    masked(below, picture, |y, weights| {
        for (x, cell) in weights.chunks_mut(2).enumerate() {
            let changed = grain(x as u32, (y / 2) as u32) < part;
            cell.fill(if changed { whole } else { 0 });
        }
    });
}

/// A number for a cell, evenly spread below the whole weight: the mixing of bits by xor, shift and multiplication
/// of 32-bit integers, with factors from Wellons, "Prospecting for hash functions" (2018).
const fn grain(x: u32, y: u32) -> u16 {
    let mut v = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_add(0x85EB_CA77).wrapping_mul(0xC2B2_AE3D);
    v = (v ^ (v >> 16)).wrapping_mul(0x7FEB_352D);
    v = (v ^ (v >> 15)).wrapping_mul(0x846C_A68B);
    ((v ^ (v >> 16)) >> 18) as u16
}

/// An edge that moves over columns, or else rows, `back` towards the first.
fn wipe(below: &mut Yuv420, picture: &Yuv420, columns: bool, back: bool, (num, den): (u64, u64)) {
    let whole = i128::from(weight(1, 1));
    let length = if columns { below.width } else { below.height };
    let edge = length as i128 * whole * i128::from(num) / i128::from(den);
    let covered = |at: usize| {
        let at = if back { length - 1 - at } else { at };
        (edge - at as i128 * whole).clamp(0, whole) as u16
    };
    let row: Vec<u16> = if columns { (0..length).map(covered).collect() } else { Vec::new() };
    masked(below, picture, |y, weights| {
        if columns {
            weights.copy_from_slice(&row);
        } else {
            weights.fill(covered(y));
        }
    });
}

/// Both pictures side by side, moved by `by` columns, `back` towards the first.
fn slide_across(below: &mut Yuv420, picture: &Yuv420, by: usize, back: bool) {
    let width = below.width;
    let planes = [
        (&mut below.y, &picture.y, width, by),
        (&mut below.u, &picture.u, width / 2, by / 2),
        (&mut below.v, &picture.v, width / 2, by / 2),
    ];
    for (below, picture, width, by) in planes {
        for (below, picture) in below.chunks_exact_mut(width).zip(picture.chunks_exact(width)) {
            push(below, picture, by, back);
        }
    }
}

/// Both pictures one below the other, moved by `by` rows, `back` towards the first.
fn slide_down(below: &mut Yuv420, picture: &Yuv420, by: usize, back: bool) {
    let (width, half) = (below.width, below.width / 2);
    push(&mut below.y, &picture.y, by * width, back);
    push(&mut below.u, &picture.u, by / 2 * half, back);
    push(&mut below.v, &picture.v, by / 2 * half, back);
}

/// `by` values leave at one end, and as many of `picture` come in at the other.
fn push(below: &mut [u8], picture: &[u8], by: usize, back: bool) {
    let rest = below.len() - by;
    if back {
        below.copy_within(by.., 0);
        below[rest..].copy_from_slice(&picture[..by]);
    } else {
        below.copy_within(..rest, by);
        below[..by].copy_from_slice(&picture[rest..]);
    }
}

/// A disc about the middle that covers the frame in the end.
fn circle(below: &mut Yuv420, picture: &Yuv420, (num, den): (u64, u64)) {
    let whole = i64::from(weight(1, 1));
    let (width, height) = (below.width as i64, below.height as i64);
    // Twice the distance from the middle is whole for the middles of pixels.
    let distance = |twice_squared: i64| ((twice_squared * FINE * FINE / 4) as u64).isqrt() as i64;
    let reach = distance(width * width + height * height) + 1;
    let soft = (reach / SOFT).max(1);
    let outer = (i128::from(reach + soft) * i128::from(num) / i128::from(den)) as i64;
    let inner = (outer - soft).max(-1);
    let squared = |fine: i64| if fine < 0 { -1 } else { fine * fine * 4 / (FINE * FINE) };
    let (within, beyond) = (squared(inner), squared(outer));
    masked(below, picture, |y, weights| {
        let down = 2 * y as i64 + 1 - height;
        for (x, weight) in weights.iter_mut().enumerate() {
            let across = 2 * x as i64 + 1 - width;
            let place = across * across + down * down;
            *weight = if place <= within {
                whole as u16
            } else if place > beyond {
                0
            } else {
                (whole * (outer - distance(place)) / soft).clamp(0, whole) as u16
            };
        }
    });
}

/// Draws `from` into `into`, `1 + num / den` times as large about the middle.
fn enlarge(from: &Yuv420, into: &mut Yuv420, (num, den): (u64, u64)) {
    let step = ((u128::from(den) << 16) / (u128::from(den) + u128::from(num))) as i64;
    let (width, height) = (from.width as i64, from.height as i64);
    // Twice the place of the middle of a sample, in pixels: 2p + 1 for luma; a sample of colour lies on the middle
    // of the even column, and on the border of its two rows.
    let full = |p: i64, size: i64| place(2 * p + 1, size, step) - (1 << 15);
    let across = |p: i64| (place(4 * p + 1, width, step) - (1 << 15)) >> 1;
    let down = |p: i64| (place(4 * p + 2, height, step) - (1 << 16)) >> 1;
    let luma = (Taps::all(width, |p| full(p, width)), Taps::all(height, |p| full(p, height)));
    let colour = (Taps::all(width / 2, across), Taps::all(height / 2, down));
    sample(&from.y, &mut into.y, &luma.0, &luma.1);
    sample(&from.u, &mut into.u, &colour.0, &colour.1);
    sample(&from.v, &mut into.v, &colour.0, &colour.1);
}

/// Where the point at `twice / 2` of a side falls in the smaller picture, with 16 bits of fraction.
const fn place(twice: i64, size: i64, step: i64) -> i64 {
    (((twice - size) * step) >> 1) + (size << 15)
}

/// Two neighbours, and how much of the second, of 256.
struct Taps {
    first: usize,
    second: usize,
    part: u32,
}

impl Taps {
    fn all(size: i64, place: impl Fn(i64) -> i64) -> Vec<Self> {
        let hold = |at: i64| at.clamp(0, size - 1) as usize;
        let taps = |p| {
            let at: i64 = place(p);
            Self { first: hold(at >> 16), second: hold((at >> 16) + 1), part: ((at >> 8) & 255) as u32 }
        };
        (0..size).map(taps).collect()
    }
}

fn sample(from: &[u8], into: &mut [u8], columns: &[Taps], rows: &[Taps]) {
    let width = columns.len();
    for (row, out) in rows.iter().zip(into.chunks_exact_mut(width)) {
        let (above, below) = (&from[row.first * width..][..width], &from[row.second * width..][..width]);
        for (column, out) in columns.iter().zip(out) {
            let mix = |a: u32, b: u32, part: u32| a * (256 - part) + b * part;
            let along = |row: &[u8]| mix(row[column.first].into(), row[column.second].into(), column.part);
            *out = ((mix(along(above), along(below), row.part) + (1 << 15)) >> 16) as u8;
        }
    }
}

#[cfg(test)]
mod tests;
