//! Motions over a still as exact paths: where the camera is on each frame. It knows no pixels.

use reel_nodes::media::picture::Motion;

/// One in the fixed point of [`View`]: 32 bits of fraction.
pub const ONE: i64 = 1 << 32;

/// Where the camera is, in pixels of the still, in fixed point with 32 bits of fraction.
///
/// Output point `q` (pixel index plus ½) of a picture `size` wide shows the still's point
/// `still/2 + centre + (q − size/2) · step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Column of the camera's centre, less the still's own centre.
    pub x: i64,
    /// Row of the camera's centre, less the still's own centre.
    pub y: i64,
    /// Still pixels per output pixel: the largest zoom divided by the zoom now.
    pub step: i64,
}

/// How much nearer the moving camera comes: 28/25 = 1.12, which is [`Motion::zoom_milli`].
const NEAREST: i64 = 28;
/// The whole picture in the same parts.
const WHOLE: i64 = 25;
/// `NEAREST` less `WHOLE`.
const TRAVEL: i64 = NEAREST - WHOLE;
/// A motion goes on past its last frame, under a transition, up to this progress (7/5), then rests.
const LAST_PROGRESS: (i64, i64) = (7, 5);

/// The way of the camera over one scene, at constant velocity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MotionPath {
    motion: Motion,
    frames: i64,
    width: i64,
    height: i64,
}

impl MotionPath {
    /// The path of `motion` over a scene of `frames` frames, in a picture of `width` × `height` pixels.
    #[must_use]
    pub fn new(motion: Motion, frames: u32, width: usize, height: usize) -> Self {
        Self { motion, frames: i64::from(frames), width: width as i64, height: height as i64 }
    }

    /// True when every frame shows the same view: draw one and keep it.
    #[must_use]
    pub const fn is_static(&self) -> bool {
        matches!(self.motion, Motion::None)
    }

    /// The view on `frame`, counted from the scene's first. Beyond the last frame, as the outgoing picture
    /// under a transition, the motion goes on at its velocity; before the first it rests.
    #[must_use]
    pub fn view(&self, frame: i64) -> View {
        let (num, den) = self.progress(frame);
        let step = |zoom_num: i64, zoom_den: i64| {
            rounded(i128::from(NEAREST) * i128::from(zoom_den), i128::from(zoom_num))
        };
        // The still is `NEAREST` times the frame, so a view at the largest zoom has this much room to move.
        let along = |size: i64| {
            let room = i128::from(size) * i128::from(TRAVEL) * i128::from(2 * num - den);
            rounded(room, i128::from(2 * den) * i128::from(WHOLE))
        };
        match self.motion {
            Motion::None => View { x: 0, y: 0, step: ONE },
            Motion::PushIn => View { x: 0, y: 0, step: step(WHOLE * den + TRAVEL * num, den) },
            Motion::PullOut => View { x: 0, y: 0, step: step(NEAREST * den - TRAVEL * num, den) },
            Motion::PanRight => View { x: along(self.width), y: 0, step: ONE },
            Motion::PanLeft => View { x: -along(self.width), y: 0, step: ONE },
            Motion::PanDown => View { x: 0, y: along(self.height), step: ONE },
            Motion::PanUp => View { x: 0, y: -along(self.height), step: ONE },
        }
    }

    /// `frame / (frames − 1)` as a fraction, held within 0 and [`LAST_PROGRESS`].
    fn progress(&self, frame: i64) -> (i64, i64) {
        let last = self.frames - 1;
        if last <= 0 || frame <= 0 {
            return (0, 1);
        }
        let (num, den) = LAST_PROGRESS;
        (frame.saturating_mul(den).min(last * num), last * den)
    }
}

/// `num / den` in 32 bits of fraction, a half rounded up.
fn rounded(num: i128, den: i128) -> i64 {
    ((num * i128::from(ONE) * 2 + den).div_euclid(den * 2)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stills_are_as_large_as_the_nearest_view_needs() {
        assert_eq!(i64::from(Motion::PushIn.zoom_milli()) * WHOLE, 1000 * NEAREST);
        assert_eq!(Motion::None.zoom_milli(), 1000);
    }

    #[test]
    fn a_push_in_starts_with_the_whole_still_and_ends_at_its_pixels() {
        let path = MotionPath::new(Motion::PushIn, 121, 1080, 1920);
        assert_eq!(path.view(0).step, rounded(28, 25));
        assert_eq!(path.view(120).step, ONE);
        assert!(path.view(121).step < ONE, "it goes on under a transition");
        let back = MotionPath::new(Motion::PullOut, 121, 1080, 1920);
        for frame in 0..=120 {
            assert_eq!(path.view(frame).step, back.view(120 - frame).step);
        }
    }

    #[test]
    fn pans_use_the_whole_room_and_keep_their_velocity() {
        let path = MotionPath::new(Motion::PanRight, 61, 1000, 500);
        assert_eq!(path.view(0).x, -60 * ONE);
        assert_eq!(path.view(60).x, 60 * ONE);
        assert_eq!(path.view(61).x - path.view(60).x, 2 * ONE);
        assert_eq!(path.view(10_000).x, 108 * ONE, "but not for ever");
        assert_eq!(MotionPath::new(Motion::PanUp, 61, 1000, 500).view(0).y, 30 * ONE);
    }

    #[test]
    fn a_scene_of_one_frame_rests() {
        let path = MotionPath::new(Motion::PullOut, 1, 100, 100);
        assert_eq!(path.view(0), path.view(5));
        assert_eq!(path.view(0).step, ONE);
    }
}
