//! A still at several sizes, so that it is sharp near by and does not glitter far away. It knows no motion by name.
//!
//! One size is enough while the camera stays near: a step of 1.2 pixels of the still loses nothing to aliasing that
//! can be seen. Farther away two sizes are sampled and mixed, so that no frame changes its sharpness at once.

use crate::draw::blend::cross_fade;
use crate::draw::motion::{ONE, View};
use crate::draw::plane;
use crate::draw::sampler::Sampler;
use crate::frame::{Yuv420, Yuv444};

/// A size alone serves up to this step, in tenths of a pixel.
const ALONE: i64 = 12;
/// From this step on the next size serves alone.
const NEXT: i64 = 16;

/// A still made ready to be drawn on many frames of one size, from near and far.
#[derive(Debug)]
pub struct Pyramid {
    /// From the still's own size down, each half of the one before.
    levels: Vec<Level>,
    /// The farther of two sizes, while they are mixed.
    second: Option<Yuv420>,
}

#[derive(Debug)]
struct Level {
    sampler: Sampler,
    /// The picture's middle less the level's own, in its pixels: a level is brought to an even size.
    off: (i64, i64),
}

impl Pyramid {
    /// Makes `still` ready for frames of `width` × `height` pixels, both even, in views whose step is no larger
    /// than `farthest`.
    #[must_use]
    pub fn new(still: &Yuv444, width: usize, height: usize, farthest: i64) -> Self {
        let mut levels = vec![Level { sampler: Sampler::new(still, width, height), off: (0, 0) }];
        let mut step = farthest;
        let mut smaller: Option<Yuv444> = None;
        let mut off = (0, 0);
        while step * 10 > ALONE * ONE {
            let from = smaller.as_ref().unwrap_or(still);
            let into = (from.width.div_ceil(4) * 2, from.height.div_ceil(4) * 2);
            let planes = [0, 1, 2].map(|i| plane::half(from.width, from.height, &from.planes[i], into));
            let shift = |off: i64, from: usize, into: usize| {
                off / 2 + from as i64 * (ONE / 4) - into as i64 * (ONE / 2)
            };
            off = (shift(off.0, from.width, into.0), shift(off.1, from.height, into.1));
            let level = Yuv444 { width: into.0, height: into.1, planes };
            levels.push(Level { sampler: Sampler::new(&level, width, height), off });
            smaller = Some(level);
            step /= 2;
        }
        Self { levels, second: None }
    }

    /// Draws what `view` shows into `frame`.
    pub fn render(&mut self, frame: &mut Yuv420, view: View) {
        let mut level = 0;
        while view.step * 10 > (NEXT * ONE) << level && level + 1 < self.levels.len() {
            level += 1;
        }
        self.draw(level, frame, view);
        let step = view.step >> level;
        let over = (step * 10 - ALONE * ONE).max(0);
        if over == 0 || level + 1 >= self.levels.len() {
            return;
        }
        let mut second = self.second.take().unwrap_or_else(|| frame.clone());
        self.draw(level + 1, &mut second, view);
        cross_fade(frame, &second, over as u64, ((NEXT - ALONE) * ONE) as u64);
        self.second = Some(second);
    }

    fn draw(&mut self, level: usize, frame: &mut Yuv420, view: View) {
        let Level { sampler, off } = &mut self.levels[level];
        let [x, y, step] = [view.x, view.y, view.step].map(|v| v >> level);
        sampler.render(frame, View { x: x + off.0, y: y + off.1, step });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const W: usize = 160;
    const H: usize = 120;

    /// A still four times the frame, a little off even halves.
    fn still(luma: impl Fn(f64, f64) -> f64) -> Yuv444 {
        let (width, height) = (642, 486);
        let place = |i: usize| {
            ((i % width) as f64 + 0.5 - width as f64 / 2.0, (i / width) as f64 + 0.5 - height as f64 / 2.0)
        };
        let y = (0..width * height).map(|i| luma(place(i).0, place(i).1).round() as u8).collect();
        Yuv444 { width, height, planes: [y, vec![90; width * height], vec![200; width * height]] }
    }

    fn drawn(pyramid: &mut Pyramid, step: i64) -> Yuv420 {
        let mut frame = Yuv420::filled(W, H, [0; 3]);
        pyramid.render(&mut frame, View { x: 7 * ONE / 3, y: -5 * ONE / 2, step });
        frame
    }

    #[test]
    fn near_views_are_those_of_the_sampler_alone() {
        let still = still(|x, y| 128.0 + 90.0 * (x * 1.3).sin() * (y * 0.7).cos());
        assert_eq!(Pyramid::new(&still, W, H, ONE * 28 / 25).levels.len(), 1);
        let mut pyramid = Pyramid::new(&still, W, H, 4 * ONE);
        assert_eq!(pyramid.levels.len(), 3);
        let view = View { x: 7 * ONE / 3, y: -5 * ONE / 2, step: ONE * 11 / 10 };
        let mut alone = Yuv420::filled(W, H, [0; 3]);
        Sampler::new(&still, W, H).render(&mut alone, view);
        assert!(drawn(&mut pyramid, view.step) == alone);
    }

    #[test]
    fn a_soft_blob_is_where_it_should_be_at_every_distance() {
        let (bx, by) = (31.0, -22.0);
        let blob = |x: f64, y: f64| 16.0 + 200.0 * (-((x - bx).powi(2) + (y - by).powi(2)) / 128.0).exp();
        let mut pyramid = Pyramid::new(&still(blob), W, H, 4 * ONE);
        for tenths in 10..=40 {
            let step = ONE * tenths / 10;
            let frame = drawn(&mut pyramid, step);
            let (mut sum, mut cx, mut cy) = (0.0, 0.0, 0.0);
            for (i, &v) in frame.y.iter().enumerate() {
                let v = f64::from(v) - 16.0;
                (sum, cx, cy) = (sum + v, cx + v * ((i % W) as f64 + 0.5), cy + v * ((i / W) as f64 + 0.5));
            }
            let ideal = |blob: f64, centre: f64, size: usize| {
                (blob - centre) / (tenths as f64 / 10.0) + size as f64 / 2.0
            };
            let (dx, dy) = (cx / sum - ideal(bx, 7.0 / 3.0, W), cy / sum - ideal(by, -2.5, H));
            assert!(dx.abs() < 0.04 && dy.abs() < 0.04, "at {tenths}: {dx:.3} {dy:.3}");
        }
    }

    #[test]
    fn fine_patterns_fade_with_distance_and_never_glitter() {
        // Waves with a period of 3 pixels of the still: at a step of 2 they cannot be drawn, only aliased.
        let mut pyramid = Pyramid::new(&still(|x, _| 128.0 + 90.0 * (x * 2.1).sin()), W, H, 4 * ONE);
        let contrast = |frame: &Yuv420| {
            let row = &frame.y[60 * W + 8..61 * W - 8];
            f64::from(row.iter().max().unwrap() - row.iter().min().unwrap())
        };
        assert!(contrast(&drawn(&mut pyramid, ONE)) > 60.0);
        for tenths in [20, 24, 30, 36, 40] {
            let left = contrast(&drawn(&mut pyramid, ONE * tenths / 10));
            assert!(left < 30.0, "at {tenths}: {left}");
        }
        let all: Vec<f64> =
            (10..=40).map(|tenths| contrast(&drawn(&mut pyramid, ONE * tenths / 10))).collect();
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] < 30.0), "{all:?}");
    }
}
