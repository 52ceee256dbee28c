//! Stretches of frames of which something is true, and what may be true of a frame. It knows no file and no rate.

/// Luma up to which a pixel is black: 4 % grey, in limited range.
const BLACK: u8 = 24;
/// Percent of the pixels that are black in a black frame.
const BLACK_PIXELS: usize = 98;
/// Codes of luma in limited range.
const LUMA_RANGE: u64 = 219;
/// Frames that differ less, in the mean of all pixels, in thousandths of the range, stand still.
const STILL: u64 = 1;

/// Sides of a block in which a difference is looked for.
const BLOCK: usize = 16;
/// Codes of luma by which such a block differs, in the mean, where somebody sees it.
const SEEN: u64 = 10;

/// Frames one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first.
    pub from: u64,
    /// The first that is no longer of it.
    pub to: u64,
}

impl Stretch {
    /// How many frames.
    #[must_use]
    pub const fn frames(self) -> u64 {
        self.to - self.from
    }
}

/// Collects the stretches of frames that are told one after the other.
#[derive(Debug, Default)]
pub struct Stretches {
    all: Vec<Stretch>,
    next: u64,
}

impl Stretches {
    /// Tells whether it is true of the next frame.
    pub fn push(&mut self, is_true: bool) {
        let at = self.next;
        self.next += 1;
        match self.all.last_mut() {
            Some(last) if is_true && last.to == at => last.to += 1,
            _ if is_true => self.all.push(Stretch { from: at, to: at + 1 }),
            _ => {}
        }
    }

    /// All of them, in order.
    #[must_use]
    pub fn all(&self) -> &[Stretch] {
        &self.all
    }
}

/// Whether a plane of limited-range luma is as good as black.
#[must_use]
pub fn is_black(luma: &[u8]) -> bool {
    let black = luma.iter().filter(|value| **value <= BLACK).count();
    black * 100 >= luma.len() * BLACK_PIXELS
}

/// Whether nobody sees a difference between two planes of limited-range luma.
#[must_use]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    differences(one, other) * 1000 < LUMA_RANGE * STILL * one.len() as u64
}

/// Whether somebody sees a difference between two planes of luma, `width` bytes a row: one block of 16×16 pixels is
/// other than an encoder makes of the same picture.
#[must_use]
pub fn shows_a_difference(one: &[u8], other: &[u8], width: usize) -> bool {
    one.chunks(width * BLOCK).zip(other.chunks(width * BLOCK)).any(|(one, other)| {
        (0..width.div_ceil(BLOCK)).any(|column| {
            let (mut difference, mut pixels) = (0, 0);
            for (a, b) in one.chunks(width).zip(other.chunks(width)) {
                let across = column * BLOCK..((column + 1) * BLOCK).min(a.len());
                pixels += across.len() as u64;
                difference += differences(&a[across.clone()], &b[across]);
            }
            difference > SEEN * pixels
        })
    })
}

fn differences(one: &[u8], other: &[u8]) -> u64 {
    one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_which_it_is_true_are_put_together() {
        let mut stretches = Stretches::default();
        [true, true, false, true, false, false, true, true, true]
            .into_iter()
            .for_each(|it| stretches.push(it));
        let found: Vec<(u64, u64)> = stretches.all().iter().map(|it| (it.from, it.to)).collect();
        assert_eq!(found, [(0, 2), (3, 4), (6, 9)]);
        assert_eq!(stretches.all()[2].frames(), 3);
    }

    #[test]
    fn black_may_have_a_speck_and_no_more() {
        let mut luma = vec![16; 1000];
        assert!(is_black(&luma));
        luma[..20].fill(235);
        assert!(is_black(&luma));
        luma[20] = 235;
        assert!(!is_black(&luma));
        assert!(!is_black(&[30; 1000]), "a dark ground is not black");
    }

    #[test]
    fn a_difference_is_seen_where_a_block_has_it() {
        let plain = vec![100; 40 * 40];
        let noisy: Vec<u8> = (0..1600).map(|i| 100 + (i % 7) as u8).collect();
        assert!(!shows_a_difference(&plain, &noisy, 40));
        let mut word = plain.clone();
        (34..38).for_each(|row| word[row * 40 + 33..row * 40 + 39].fill(200));
        assert!(shows_a_difference(&plain, &word, 40));
    }

    #[test]
    fn noise_of_an_encoder_stands_still_and_a_moving_word_does_not() {
        let still = vec![100; 10_000];
        let mut other = still.clone();
        other[..2000].fill(101);
        assert!(is_same(&still, &other));
        other[..200].fill(200);
        assert!(!is_same(&still, &other));
    }
}
