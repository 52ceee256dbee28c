//! Coverage of ink on a canvas: filled and widened outlines, soft shadows. It knows no colour and no text.

use cosmic_text::Command;
use zeno::{Cap, Fill, Join, Mask, Stroke};

/// How much of each pixel is covered, 0 to 255, on a canvas with packed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ink {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) covered: Vec<u8>,
}

impl Ink {
    /// A canvas without ink.
    pub(super) fn none(width: usize, height: usize) -> Self {
        Self { width, height, covered: vec![0; width * height] }
    }

    /// What the outlines enclose.
    pub(super) fn filled(width: usize, height: usize, outlines: &[Command]) -> Self {
        let mut ink = Self::none(width, height);
        if !outlines.is_empty() {
            let mut mask = Mask::new(outlines);
            mask.style(Fill::NonZero).size(width as u32, height as u32).render_into(&mut ink.covered, None);
        }
        ink
    }

    /// What the outlines enclose and all within `reach` pixels of it, with round corners.
    pub(super) fn widened(width: usize, height: usize, outlines: &[Command], reach: f32) -> Self {
        let mut ink = Self::filled(width, height, outlines);
        if reach <= 0.0 || outlines.is_empty() {
            return ink;
        }
        let mut border = Self::none(width, height);
        let mut stroke = Stroke::new(2.0 * reach);
        stroke.join(Join::Round).cap(Cap::Round);
        let mut mask = Mask::new(outlines);
        mask.style(stroke).size(width as u32, height as u32).render_into(&mut border.covered, None);
        ink.unite(&border);
        ink
    }

    /// Adds ink of the same canvas where it covers more.
    pub(super) fn unite(&mut self, other: &Self) {
        for (covered, other) in self.covered.iter_mut().zip(&other.covered) {
            *covered = (*covered).max(*other);
        }
    }

    /// Spread softly: three running means of `2 · radius + 1` pixels both ways, close to a Gaussian.
    pub(super) fn softened(&self, radius: usize) -> Self {
        let mut soft = self.clone();
        if radius == 0 {
            return soft;
        }
        let (width, height) = (self.width, self.height);
        let mut line = vec![0; width.max(height)];
        for _ in 0..3 {
            for row in 0..height {
                running_mean(&mut soft.covered, row * width, 1, width, radius, &mut line);
            }
            for column in 0..width {
                running_mean(&mut soft.covered, column, width, height, radius, &mut line);
            }
        }
        soft
    }
}

/// Replaces `count` values from `start` on, `stride` apart, by means over their neighbours; nothing lies beyond
/// the ends.
fn running_mean(
    values: &mut [u8],
    start: usize,
    stride: usize,
    count: usize,
    radius: usize,
    line: &mut [u8],
) {
    let line = &mut line[..count];
    for (i, value) in line.iter_mut().enumerate() {
        *value = values[start + i * stride];
    }
    let window = 2 * radius as u32 + 1;
    let mut sum: u32 = line.iter().take(radius).map(|&v| u32::from(v)).sum();
    for i in 0..count {
        sum += line.get(i + radius).map_or(0, |&v| u32::from(v));
        values[start + i * stride] = ((2 * sum + window) / (2 * window)) as u8;
        sum -= i.checked_sub(radius).map_or(0, |first| u32::from(line[first]));
    }
}

#[cfg(test)]
mod tests {
    use zeno::PathBuilder;

    use super::*;

    fn square() -> Vec<Command> {
        let mut path = Vec::new();
        path.move_to([20.0, 20.0]).line_to([40.0, 20.0]).line_to([40.0, 40.0]).line_to([20.0, 40.0]).close();
        path
    }

    #[test]
    fn a_filled_square_covers_itself() {
        let ink = Ink::filled(64, 64, &square());
        let total: u32 = ink.covered.iter().map(|&v| u32::from(v)).sum();
        assert_eq!(total, 400 * 255);
    }

    #[test]
    fn widening_reaches_equally_far_everywhere() {
        let ink = Ink::widened(64, 64, &square(), 5.0);
        let at = |x: usize, y: usize| ink.covered[y * 64 + x];
        assert_eq!([at(15, 30), at(14, 30), at(30, 44), at(30, 45), at(30, 30)], [255, 0, 255, 0, 255]);
        assert!((100..156).contains(&at(16, 16)), "corners are round: 4.95 pixels away, {}", at(16, 16));
        assert!(at(17, 17) > 250 && at(15, 16) < 30, "{} {}", at(17, 17), at(15, 16));
    }

    #[test]
    fn softening_keeps_the_amount_of_ink() {
        let ink = Ink::filled(64, 64, &square());
        let soft = ink.softened(3);
        let total = |ink: &Ink| ink.covered.iter().map(|&v| u32::from(v)).sum::<u32>();
        assert!(total(&ink).abs_diff(total(&soft)) < 2000);
        assert!(soft.covered[30 * 64 + 18] > 20);
        assert_eq!(soft.covered[30 * 64 + 5], 0);
    }
}
