//! Motions over a still as exact paths: where the camera is on each frame. It knows no pixels.

use reel_nodes::media::camera::{Aim, Camera, Travel, Zoom};
use reel_nodes::media::percent::Percent;
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

/// The way of the camera over one scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MotionPath {
    camera: Camera,
    frames: i64,
    width: i64,
    height: i64,
    /// Width and height of the still.
    still: (i64, i64),
}

impl MotionPath {
    /// The path of `motion` over a scene of `frames` frames, in a picture of `width` × `height` pixels.
    #[must_use]
    pub fn new(motion: Motion, frames: u32, width: usize, height: usize) -> Self {
        Self::of(Camera::Named(motion), frames, (width, height), (width, height))
    }

    /// The path of a camera over a scene of `frames` frames of one size, in a still of another: as large as the
    /// frame at the camera's largest zoom, or larger where more than the frame was kept.
    #[must_use]
    pub fn of(camera: Camera, frames: u32, (width, height): (usize, usize), still: (usize, usize)) -> Self {
        let still = (still.0 as i64, still.1 as i64);
        Self { camera, frames: i64::from(frames), width: width as i64, height: height as i64, still }
    }

    /// True when every frame shows the same view: draw one and keep it.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.camera.is_static()
    }

    /// The largest step of any view: how many pixels of the still fall on one of the frame at the farthest.
    #[must_use]
    pub fn farthest(&self) -> i64 {
        let nearest = i128::from(self.camera.zoom_milli());
        match &self.camera {
            Camera::Named(_) => rounded(nearest, 1000),
            Camera::Travel(travel) => {
                // Under a transition it goes back, but no further than to the whole picture.
                let (from, to) = (travel.from.zoom.0, travel.to.zoom.0);
                rounded(nearest, i128::from(if to < from { 1000 } else { from }))
            }
        }
    }

    /// The view on `frame`, counted from the scene's first. Beyond the last frame, as the outgoing picture
    /// under a transition, the motion goes on at its velocity; before the first it rests.
    #[must_use]
    pub fn view(&self, frame: i64) -> View {
        let (num, den) = self.progress(frame);
        let motion = match &self.camera {
            Camera::Named(motion) => *motion,
            Camera::Travel(travel) => return self.travel(travel, travel.ease.of(num, den)),
        };
        let step = |zoom_num: i64, zoom_den: i64| {
            rounded(i128::from(NEAREST) * i128::from(zoom_den), i128::from(zoom_num))
        };
        // The still is `NEAREST` times the frame, so a view at the largest zoom has this much room to move.
        let along = |size: i64| {
            let room = i128::from(size) * i128::from(TRAVEL) * i128::from(2 * num - den);
            rounded(room, i128::from(2 * den) * i128::from(WHOLE))
        };
        match motion {
            Motion::None => View { x: 0, y: 0, step: ONE },
            Motion::PushIn => View { x: 0, y: 0, step: step(WHOLE * den + TRAVEL * num, den) },
            Motion::PullOut => View { x: 0, y: 0, step: step(NEAREST * den - TRAVEL * num, den) },
            Motion::PanRight => View { x: along(self.width), y: 0, step: ONE },
            Motion::PanLeft => View { x: -along(self.width), y: 0, step: ONE },
            Motion::PanDown => View { x: 0, y: along(self.height), step: ONE },
            Motion::PanUp => View { x: 0, y: -along(self.height), step: ONE },
        }
    }

    /// The view at `num / den` of the way from one aim to the other. The zoom goes evenly, and the camera so that it
    /// keeps to a straight line and one point of the picture stands still in the frame: its place is linear in the
    /// width of what is seen.
    fn travel(&self, travel: &Travel, (num, den): (i64, i64)) -> View {
        let nearest = i128::from(self.camera.zoom_milli());
        let (first, last) = (i128::from(travel.from.zoom.0), i128::from(travel.to.zoom.0));
        let (mut num, mut den) = (i128::from(num), i128::from(den));
        let whole = i128::from(Zoom::default().0);
        if first * den + (last - first) * num < whole * den {
            // Beyond its end it goes back no further than to the whole picture.
            (num, den) = (first - whole, first - last);
        }
        let zoom = first * den + (last - first) * num;
        let step = rounded(nearest * den, zoom);
        let step_of = |zoom: i128| rounded(nearest, zoom);
        let room = |still: i64, frame: i64, step: i64| ((still * ONE - frame * step) / 2).max(0);
        let along = |still: i64, frame: i64, part: fn(&Aim) -> Percent| {
            let end = |aim: &Aim| {
                let from_middle = i128::from(part(aim).0) * 2 - 100_000;
                let most = room(still, frame, step_of(i128::from(aim.zoom.0)));
                rounded(i128::from(still) * from_middle, 200_000).clamp(-most, most)
            };
            let (from, to) = (end(&travel.from), end(&travel.to));
            let way = i128::from(to - from) * num * last;
            let at = from + ((2 * way + zoom).div_euclid(2 * zoom)) as i64;
            let most = room(still, frame, step);
            at.clamp(-most, most)
        };
        View {
            x: along(self.still.0, self.width, |aim| aim.x),
            y: along(self.still.1, self.height, |aim| aim.y),
            step,
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
    use reel_nodes::media::ease::Ease;

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

    fn travel(from: (u32, u32, u32), to: (u32, u32, u32), ease: Ease) -> MotionPath {
        let aim = |(x, y, zoom): (u32, u32, u32)| Aim { x: Percent(x), y: Percent(y), zoom: Zoom(zoom) };
        let camera = Camera::Travel(Travel { from: aim(from), to: aim(to), ease });
        let side = |side: usize| side * camera.zoom_milli() as usize / 1000;
        MotionPath::of(camera, 101, (1000, 500), (side(1000), side(500)))
    }

    #[test]
    fn a_camera_goes_from_one_aim_to_the_other_and_one_point_stands_still() {
        let path = travel((50_000, 50_000, 1000), (30_000, 60_000, 2000), Ease::Linear);
        assert_eq!(path.view(0), View { x: 0, y: 0, step: 2 * ONE });
        assert_eq!(path.view(100), View { x: -400 * ONE, y: 100 * ONE, step: ONE });
        // The point at a tenth of the width, from the middle: four fifths of the way to the left edge.
        let place = |frame: i64| {
            let view = path.view(frame);
            (-800.0 - view.x as f64 / ONE as f64) / (view.step as f64 / ONE as f64)
        };
        for frame in 0..=100 {
            assert!((place(frame) + 400.0).abs() < 1e-3, "frame {frame}: {}", place(frame));
        }
        let zoom = |frame: i64| 2.0 * ONE as f64 / path.view(frame).step as f64;
        assert!((zoom(50) - 1.5).abs() < 1e-6, "the zoom goes evenly");
    }

    #[test]
    fn the_camera_never_looks_beyond_the_picture() {
        for (from, to) in [
            ((0, 0, 1500), (100_000, 100_000, 4000)),
            ((0, 100_000, 3000), (100_000, 0, 1000)),
            ((0, 50_000, 2000), (100_000, 50_000, 2000)),
        ] {
            for ease in Ease::ALL {
                let path = travel(from, to, ease);
                for frame in 0..300 {
                    let View { x, y, step } = path.view(frame);
                    assert!(step > 0 && 2 * x.abs() + 1000 * step <= path.still.0 * ONE, "{from:?} {frame}");
                    assert!(2 * y.abs() + 500 * step <= path.still.1 * ONE, "{from:?} {frame}");
                }
            }
        }
        let pan = travel((0, 50_000, 2000), (100_000, 50_000, 2000), Ease::InOut);
        assert_eq!((pan.view(0).x, pan.view(50).x, pan.view(100).x), (-500 * ONE, 0, 500 * ONE));
        assert_eq!(pan.view(130), pan.view(100), "eased to rest, it rests beneath a transition");
    }

    #[test]
    fn a_scene_of_one_frame_rests() {
        let path = MotionPath::new(Motion::PullOut, 1, 100, 100);
        assert_eq!(path.view(0), path.view(5));
        assert_eq!(path.view(0).step, ONE);
    }
}
