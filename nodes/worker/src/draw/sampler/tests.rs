//! Tests of sampling a still.

use reel_nodes::media::picture::Motion;

use super::*;
use crate::draw::motion::MotionPath;

const W: usize = 160;
const H: usize = 240;

fn still(motion: Motion, mut luma: impl FnMut(f64, f64) -> f64) -> Yuv444 {
    let even = |v: usize| (v * motion.zoom_milli() as usize).div_ceil(2000) * 2;
    let (width, height) = (even(W), even(H));
    let mut y = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let (dx, dy) = (column as f64 + 0.5 - width as f64 / 2.0, row as f64 + 0.5 - height as f64 / 2.0);
            y.push(luma(dx, dy).round().clamp(0.0, 255.0) as u8);
        }
    }
    let planes = [y, vec![90; width * height], vec![200; width * height]];
    Yuv444 { width, height, planes }
}

fn sub_pixel_views() -> impl Iterator<Item = View> {
    (0..256_i64).map(|i| View { x: i * ONE / 64 + 12_345, y: i * ONE / 37, step: ONE + (i % 7) * ONE / 60 })
}

#[test]
fn weights_sum_to_one_at_every_phase() {
    for fraction in 0..65_536 {
        let w = weights(fraction);
        assert_eq!(w.iter().map(|&v| i32::from(v)).sum::<i32>(), 32_768);
        assert!(w.iter().all(|&v| v >= 0));
    }
    assert_eq!(weights(0), [5461, 21_846, 5461, 0]);
}

#[test]
fn a_flat_picture_stays_flat_at_every_phase() {
    for value in [0, 1, 16, 17, 127, 128, 129, 200, 235, 254, 255] {
        let mut sampler = Sampler::new(&still(Motion::PushIn, |_, _| f64::from(value)), W, H);
        let want = Yuv420::filled(W, H, [value, 90, 200]);
        for view in sub_pixel_views() {
            let mut frame = Yuv420::filled(W, H, [7; 3]);
            sampler.render(&mut frame, view);
            assert_eq!(frame, want, "{value} at {view:?}");
        }
    }
}

#[test]
fn whole_pixels_are_copied_and_sampling_there_gives_the_same() {
    let picture = still(Motion::PanLeft, |x, y| 128.0 + 60.0 * (x * 1.9).sin() * (y * 1.3).cos());
    let mut sampler = Sampler::new(&picture, W, H);
    let mut copied = Yuv420::filled(W, H, [0; 3]);
    sampler.render(&mut copied, View { x: 0, y: 0, step: ONE });
    let left = (picture.width - W) / 2;
    let top = (picture.height - H) / 2;
    assert_eq!(copied.y[..W], picture.planes[0][top * picture.width + left..][..W]);
    let mut sampled = copied.clone();
    sampler.render(&mut sampled, View { x: 1 << 12, y: 0, step: ONE });
    let worst = copied.y.iter().zip(&sampled.y).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst <= Some(1), "{worst:?}");
}

#[test]
fn a_blob_follows_the_ideal_path_within_a_tenth_of_a_pixel() {
    for motion in [Motion::PushIn, Motion::PullOut, Motion::PanLeft, Motion::PanDown] {
        let (bx, by) = (31.3, -42.7);
        let blob = |x: f64, y: f64| 16.0 + 200.0 * (-((x - bx).powi(2) + (y - by).powi(2)) / 32.0).exp();
        let mut sampler = Sampler::new(&still(motion, blob), W, H);
        let path = MotionPath::new(motion, 300, W, H);
        let mut squares = 0.0;
        for frame in 0..310 {
            let view = path.view(frame);
            let mut picture = Yuv420::filled(W, H, [0; 3]);
            sampler.render(&mut picture, view);
            let (cx, cy) = centroid(&picture);
            let real = |v: i64| v as f64 / ONE as f64;
            let ideal = |blob: f64, centre: i64, size: usize| {
                (blob - real(centre)) / real(view.step) + size as f64 / 2.0
            };
            squares += (cx - ideal(bx, view.x, W)).powi(2) + (cy - ideal(by, view.y, H)).powi(2);
        }
        let rms = (squares / 310.0_f64).sqrt();
        assert!(rms < 0.02, "{motion:?}: {rms} px");
    }
}

fn centroid(picture: &Yuv420) -> (f64, f64) {
    let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
    for (i, &v) in picture.y.iter().enumerate() {
        let v = f64::from(v) - 16.0;
        sum += v;
        x += v * ((i % W) as f64 + 0.5);
        y += v * ((i / W) as f64 + 0.5);
    }
    (x / sum, y / sum)
}

/// Energy of differences between neighbours, over sub-pixel shifts of a slow pan.
fn energies(luma: impl FnMut(f64, f64) -> f64) -> Vec<f64> {
    let mut sampler = Sampler::new(&still(Motion::PanLeft, luma), W, H);
    (0..16)
        .map(|phase| {
            let mut frame = Yuv420::filled(W, H, [0; 3]);
            sampler.render(&mut frame, View { x: phase * ONE / 16, y: phase * ONE / 16, step: ONE });
            frame
                .y
                .chunks(W)
                .flat_map(|row| row.windows(2))
                .map(|p| f64::from(p[1].abs_diff(p[0])).powi(2))
                .sum()
        })
        .collect()
}

fn spread(energies: &[f64]) -> f64 {
    let (low, high) = energies.iter().fold((f64::MAX, f64::MIN), |(l, h), &e| (l.min(e), h.max(e)));
    (high - low) / high
}

#[test]
fn sharpness_is_the_same_at_every_phase() {
    // Waves of all directions, the finest with a period of four pixels, falling as photographs do.
    let waves: Vec<[f64; 4]> = (1..400)
        .map(|i| {
            let i = f64::from(i);
            let frequency = std::f64::consts::FRAC_PI_2 * ((i * 0.618).fract() * 0.98 + 0.02);
            let angle = i * 2.399;
            [frequency * angle.cos(), frequency * angle.sin(), i * 1.7, 2.2 / frequency.max(0.2)]
        })
        .collect();
    let photograph = |x: f64, y: f64| {
        128.0 + waves.iter().map(|[fx, fy, phase, size]| size * (fx * x + fy * y + phase).sin()).sum::<f64>()
    };
    let energies = energies(photograph);
    assert!(spread(&energies) < 0.05, "{:.3} of {energies:?}", spread(&energies));
}

#[test]
fn colour_stays_where_the_brightness_is() {
    // A red half and a blue half meet at the centre: after a shift, chroma changes where luma does.
    let mut picture = still(Motion::PanLeft, |x, _| if x < 0.0 { 50.0 } else { 180.0 });
    let width = picture.width;
    for (i, v) in picture.planes[1].iter_mut().enumerate() {
        *v = if i % width < width / 2 { 60 } else { 190 };
    }
    let mut sampler = Sampler::new(&picture, W, H);
    for shift in [0, 3 * ONE / 4, -5 * ONE / 3, 6 * ONE] {
        let mut frame = Yuv420::filled(W, H, [0; 3]);
        sampler.render(&mut frame, View { x: shift, y: 0, step: ONE });
        let edge = |row: &[u8], low: f64, high: f64| {
            row.iter().map(|&v| (high - f64::from(v)) / (high - low)).sum::<f64>()
        };
        let luma = edge(&frame.y[W * 100..W * 101], 50.0, 180.0);
        // Chroma sample i lies on luma column 2i: the edge at luma point e is at (e − ½) / 2 + ½.
        let chroma = edge(&frame.u[W / 2 * 50..W / 2 * 51], 60.0, 190.0);
        assert!((luma - (W as f64 / 2.0 - shift as f64 / ONE as f64)).abs() < 0.05, "{luma}");
        assert!((chroma - ((luma - 0.5) / 2.0 + 0.5)).abs() < 0.05, "{luma} {chroma}");
    }
}

#[test]
fn views_beyond_the_still_are_mirrored_not_torn() {
    for motion in Motion::ALL {
        let mut sampler = Sampler::new(&still(motion, |x, y| 128.0 + 40.0 * (x / 9.0).sin() + y / 8.0), W, H);
        let path = MotionPath::new(motion, 10, W, H);
        for frame in [9, 12, 100] {
            let mut picture = Yuv420::filled(W, H, [0; 3]);
            sampler.render(&mut picture, path.view(frame));
            for pair in picture.y.chunks(W).flat_map(|row| row.windows(2)) {
                assert!(pair[0].abs_diff(pair[1]) < 12, "{motion:?} {frame}");
            }
        }
    }
}
