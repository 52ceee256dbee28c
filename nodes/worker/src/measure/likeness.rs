//! Structural similarity of luma, as FFmpeg and x264 measure it. It knows no file.
//!
//! Z. Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004), in windows of
//! 8×8 pixels, 4 apart, each pixel weighing the same.

/// Sums over a block of 4×4 pixels: of one, of the other, of the squares of both, of their product.
type Sums = [u32; 4];

/// Steps from block to block.
const BLOCK: usize = 4;

/// How alike two planes of luma are, in millionths: 1,000,000 is the same. Both have `width · height` bytes; what is
/// smaller than a window is only the same or not.
#[must_use]
pub fn ssim(one: &[u8], other: &[u8], (width, height): (usize, usize)) -> u32 {
    let (across, down) = (width / BLOCK, height / BLOCK);
    if across < 2 || down < 2 {
        return if one == other { 1_000_000 } else { 0 };
    }
    let row = |row: usize| -> Vec<Sums> {
        (0..across).map(|column| block(one, other, width, (column * BLOCK, row * BLOCK))).collect()
    };
    let mut above = row(0);
    let mut sum = 0.0;
    for index in 1..down {
        let below = row(index);
        for pair in 0..across - 1 {
            let blocks = [above[pair], above[pair + 1], below[pair], below[pair + 1]];
            let window = std::array::from_fn(|i| blocks.iter().map(|sums| sums[i]).sum());
            sum += of_window(window);
        }
        above = below;
    }
    let mean = sum / ((across - 1) * (down - 1)) as f64;
    (mean.clamp(0.0, 1.0) * 1e6).round() as u32
}

fn block(one: &[u8], other: &[u8], width: usize, (x, y): (usize, usize)) -> Sums {
    let mut sums = [0; 4];
    for row in y..y + BLOCK {
        let at = row * width + x;
        for (a, b) in one[at..at + BLOCK].iter().zip(&other[at..at + BLOCK]) {
            let (a, b) = (u32::from(*a), u32::from(*b));
            sums[0] += a;
            sums[1] += b;
            sums[2] += a * a + b * b;
            sums[3] += a * b;
        }
    }
    sums
}

/// The index of a window of 64 pixels.
fn of_window(sums: Sums) -> f64 {
    /// (0.01 · 255)² · 64 and (0.03 · 255)² · 64 · 63, so that sums need not be divided.
    const C1: f64 = 0.01 * 0.01 * 255.0 * 255.0 * 64.0;
    const C2: f64 = 0.03 * 0.03 * 255.0 * 255.0 * 64.0 * 63.0;
    let [a, b, squares, product] = sums.map(f64::from);
    let spread = squares * 64.0 - a * a - b * b;
    let together = product * 64.0 - a * b;
    (2.0 * a * b + C1) * (2.0 * together + C2) / ((a * a + b * b + C1) * (spread + C2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(at: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..32 * 32).map(|i| at(i % 32, i / 32)).collect()
    }

    #[test]
    fn the_same_is_one_and_less_is_less() {
        let ramp = plane(|x, y| (x * 5 + y * 2) as u8);
        assert_eq!(ssim(&ramp, &ramp, (32, 32)), 1_000_000);
        let noisy = plane(|x, y| (x * 5 + y * 2) as u8 + ((x * 7 + y * 13) % 5) as u8);
        let noisier = plane(|x, y| (x * 5 + y * 2) as u8 + ((x * 7 + y * 13) % 23) as u8);
        let (near, far) = (ssim(&ramp, &noisy, (32, 32)), ssim(&ramp, &noisier, (32, 32)));
        assert!(1_000_000 > near && near > far && far > 0, "{near} {far}");
        assert_eq!(ssim(&ramp, &noisy, (32, 32)), ssim(&noisy, &ramp, (32, 32)));
    }

    /// Two flat planes differ in luminance alone: (2ab + c₁) / (a² + b² + c₁).
    #[test]
    fn flat_planes_have_the_index_of_the_formula() {
        let (a, b) = (100.0_f64, 120.0_f64);
        let c1 = (0.01_f64 * 255.0).powi(2) / 64.0;
        let want = (2.0 * a * b + c1) / (a * a + b * b + c1);
        let got = ssim(&plane(|_, _| 100), &plane(|_, _| 120), (32, 32));
        assert!((f64::from(got) / 1e6 - want).abs() < 1e-4, "{got} {want}");
    }

    #[test]
    fn what_is_smaller_than_a_window_is_the_same_or_not() {
        assert_eq!(ssim(&[1; 16], &[1; 16], (4, 4)), 1_000_000);
        assert_eq!(ssim(&[1; 16], &[2; 16], (4, 4)), 0);
    }
}
