//! What lies over a picture on each frame: sprites, small videos, a bar of progress. It knows no scene.

use reel_engine::operation::{Call, Failure};
use reel_nodes::film::encode::{Over, Progress};
use reel_nodes::media::percent::Percent;
use reel_nodes::media::picture::Edge;
use reel_nodes::media::time::FrameRate;

use super::Clip;
use crate::draw::blend::{masked_rows, weight};
use crate::draw::sprite::{Sprite, WHOLE};
use crate::frame::{Rgba, Yuv420, yuv_of_rgb};

/// All that lies over one picture.
pub(super) struct Overlays(Vec<Lying>);

struct Lying {
    what: What,
    opacity: Percent,
    start: i64,
    end: Option<i64>,
    fade: i64,
}

enum What {
    Sprite(Sprite),
    /// A video in its own size, and the last frame of the segment for which it was asked.
    Video {
        clip: Clip,
        middle: (Percent, Percent),
        picture: Yuv420,
        asked: i64,
    },
}

impl Overlays {
    /// Opens them for frames of `size`.
    pub(super) fn open(
        call: &Call<'_>,
        layers: &[Over],
        size: (usize, usize),
        rate: FrameRate,
    ) -> Result<Self, Failure> {
        layers.iter().map(|over| Lying::open(call, over, size, rate)).collect::<Result<_, _>>().map(Self)
    }

    /// Lays what is there on frame `index` of the segment over it; frames come in order.
    pub(super) fn draw(&mut self, index: u32, frame: &mut Yuv420) -> Result<(), Failure> {
        self.0.iter_mut().try_for_each(|lying| lying.draw(i64::from(index), frame))
    }
}

impl Lying {
    fn open(call: &Call<'_>, over: &Over, size: (usize, usize), rate: FrameRate) -> Result<Self, Failure> {
        let what = if let Some(sprite) = &over.sprite {
            let file = std::fs::File::open(&call.one(sprite.slot())?.path);
            let file = file.map_err(|error| Failure::new(format!("cannot read a sprite: {error}")))?;
            let picture = Rgba::read(std::io::BufReader::new(file)).map_err(crate::draw_failure)?;
            let left = corner(over.x, size.0, picture.width);
            let top = corner(over.y, size.1, picture.height);
            What::Sprite(Sprite::of_picture(&picture, left, top, size))
        } else {
            let slot = over.video.as_ref().ok_or_else(|| Failure::new("a layer without a picture"))?.slot();
            // What was shown before the segment began is not decoded.
            let first = u32::try_from(-over.start).unwrap_or(0);
            let clip = Clip::open_in_its_size(call, slot, (first, over.repeat), rate)?;
            let picture = clip.blank();
            What::Video { clip, middle: (over.x, over.y), picture, asked: -1 }
        };
        let Over { opacity, start, end, fade, .. } = *over;
        Ok(Self { what, opacity, start, end, fade: i64::from(fade) })
    }

    fn draw(&mut self, index: i64, frame: &mut Yuv420) -> Result<(), Failure> {
        if index < self.start || self.end.is_some_and(|end| index >= end) {
            return Ok(());
        }
        let near = (index - self.start + 1).min(self.end.map_or(i64::MAX, |end| end - index));
        let steps = if self.fade > 0 { near.min(self.fade + 1) as u64 } else { 1 };
        let of = if self.fade > 0 { self.fade as u64 + 1 } else { 1 };
        let part = weight(steps * u64::from(self.opacity.0), of * 100_000);
        match &mut self.what {
            What::Sprite(sprite) => sprite.blend_part(frame, u32::from(part).min(WHOLE)),
            What::Video { clip, middle, picture, asked } => {
                while *asked < index {
                    *asked = if *asked < 0 { index } else { *asked + 1 };
                    clip.draw(picture)?;
                }
                let even = |at: i64| at.div_euclid(2) * 2;
                let left = even(corner(middle.0, frame.width, picture.width));
                let top = even(corner(middle.1, frame.height, picture.height));
                lay(frame, picture, (left, top), part);
            }
        }
        Ok(())
    }
}

/// Where something `long` begins whose middle is at a part of `whole`.
fn corner(middle: Percent, whole: usize, long: usize) -> i64 {
    // Twice the place, so that an odd length has its middle on a half.
    let twice = (2 * whole as i64 * i64::from(middle.0) + 50_000) / 100_000;
    (twice - long as i64).div_euclid(2)
}

/// Lays a picture over a frame, its corner on even pixels, as far as it lies in the frame.
fn lay(frame: &mut Yuv420, picture: &Yuv420, (left, top): (i64, i64), part: u16) {
    let (width, height) = (frame.width, frame.height);
    let planes =
        [(&mut frame.y, &picture.y, 1), (&mut frame.u, &picture.u, 2), (&mut frame.v, &picture.v, 2)];
    for (under, over, less) in planes {
        let (under_width, over_width) = (width / less, picture.width / less);
        let (left, top) = (left / less as i64, top / less as i64);
        for (y, row) in (top..).zip(over.chunks_exact(over_width)) {
            if y < 0 || y >= (height / less) as i64 {
                continue;
            }
            for (x, &over) in (left..).zip(row) {
                if x >= 0 && x < under_width as i64 {
                    let under = &mut under[y as usize * under_width + x as usize];
                    let difference = i32::from(over) - i32::from(*under);
                    *under = (i32::from(*under) + ((difference * i32::from(part) + (1 << 13)) >> 14)) as u8;
                }
            }
        }
    }
}

/// A bar of progress, and its colour all over a frame.
pub(super) struct ProgressBar {
    progress: Progress,
    colour: Yuv420,
}

impl ProgressBar {
    /// A bar for frames of `size`.
    pub(super) fn new(progress: &Progress, size: (usize, usize)) -> Self {
        let [red, green, blue, _] = progress.bar.color.rgba;
        let colour = Yuv420::filled(size.0, size.1, yuv_of_rgb([red, green, blue]));
        Self { progress: progress.clone(), colour }
    }

    /// Draws it on frame `index` of the segment.
    pub(super) fn draw(&self, index: u32, frame: &mut Yuv420) {
        let Progress { bar, first, of } = &self.progress;
        let height = (bar.height as usize).min(frame.height);
        let rows = match bar.edge {
            Edge::Top => 0..height,
            Edge::Bottom => frame.height - height..frame.height,
        };
        let opaque = u64::from(weight(u64::from(bar.color.rgba[3]), 255));
        let done = u64::from(first + index + 1).min(u64::from(*of));
        let edge = frame.width as u64 * opaque * done / u64::from(*of);
        masked_rows(frame, &self.colour, rows.clone(), |y, weights| {
            for (x, weight) in weights.iter_mut().enumerate() {
                let left = edge.saturating_sub(x as u64 * opaque).min(opaque);
                *weight = if rows.contains(&y) { left as u16 } else { 0 };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use reel_engine::quantity::Color;
    use reel_nodes::media::picture::Bar;

    use super::*;

    #[test]
    fn a_corner_is_half_of_the_length_before_the_middle() {
        assert_eq!(corner(Percent(50_000), 100, 20), 40);
        assert_eq!(corner(Percent(50_000), 100, 21), 39);
        assert_eq!(corner(Percent(0), 100, 20), -10);
        assert_eq!(corner(Percent(100_000), 100, 20), 90);
    }

    #[test]
    fn a_small_picture_lies_where_it_should_as_far_as_there_is_frame() {
        let small = Yuv420::filled(8, 4, [200, 60, 70]);
        for (place, luma, chroma) in [((4, 6), 32, 8), ((-4, -2), 8, 2), ((28, 22), 8, 2), ((40, 0), 0, 0)] {
            let mut frame = Yuv420::filled(32, 24, [20, 128, 128]);
            lay(&mut frame, &small, place, weight(1, 1));
            assert_eq!(frame.y.iter().filter(|&&v| v == 200).count(), luma, "{place:?}");
            assert_eq!(frame.u.iter().filter(|&&v| v == 60).count(), chroma, "{place:?}");
        }
        let mut frame = Yuv420::filled(32, 24, [20, 128, 128]);
        lay(&mut frame, &small, (4, 6), weight(1, 2));
        assert_eq!((frame.y[6 * 32 + 4], frame.y[6 * 32 + 3]), (110, 20));
    }

    #[test]
    fn the_bar_is_full_on_the_last_frame_of_the_scene() {
        let bar = Bar { color: Color::opaque(255, 255, 255), height: 4, edge: Edge::Bottom };
        let progress = Progress { bar, first: 30, of: 60 };
        let lit = |index: u32| {
            let mut frame = Yuv420::filled(64, 32, [16, 128, 128]);
            ProgressBar::new(&progress, (64, 32)).draw(index, &mut frame);
            assert!(frame.y[..64 * 28].iter().all(|&y| y == 16));
            frame.y[64 * 28..].iter().filter(|&&y| y > 200).count()
        };
        assert_eq!((lit(1), lit(29)), (4 * 34, 4 * 64));
        assert!((0..29).all(|index| lit(index) <= lit(index + 1)));
    }
}
