//! Tests of transitions, on planes.

use super::*;

const W: usize = 96;
const H: usize = 64;

/// A picture that changes in every pixel, and another that shares no value with it.
fn pictures() -> (Yuv420, Yuv420) {
    let of = |base: u8| {
        let plane = |n: usize, seed: usize| (0..n).map(|i| base + (i * seed % 97) as u8).collect();
        Yuv420 { width: W, height: H, y: plane(W * H, 7), u: plane(W * H / 4, 5), v: plane(W * H / 4, 3) }
    };
    (of(16), of(130))
}

fn at(kind: TransitionKind, num: u64, den: u64) -> Yuv420 {
    let (mut below, picture) = pictures();
    Transition::new(kind, Ease::Linear, 1).at(&mut below, &picture, (num, den));
    below
}

fn moving() -> impl Iterator<Item = TransitionKind> {
    TransitionKind::ALL.into_iter().filter(|kind| *kind != TransitionKind::Cut)
}

/// The part of luma that shows the incoming picture, where each pixel shows one or the other.
fn part(frame: &Yuv420) -> f64 {
    frame.y.iter().filter(|&&v| v >= 130).count() as f64 / (W * H) as f64
}

#[test]
fn every_kind_begins_with_one_picture_and_ends_with_the_other() {
    let (below, picture) = pictures();
    for kind in moving() {
        assert!(at(kind, 0, 9) == below, "{kind:?} at 0");
        assert!(at(kind, 9, 9) == picture, "{kind:?} at 1");
        assert!(at(kind, 1, 2) != below && at(kind, 1, 2) != picture, "{kind:?} at ½");
    }
    assert!(at(TransitionKind::Cut, 1, 9) == picture);
}

#[test]
fn half_way_through_half_of_the_frame_has_changed() {
    let kinds = [
        TransitionKind::Dissolve,
        TransitionKind::WipeLeft,
        TransitionKind::WipeRight,
        TransitionKind::WipeUp,
        TransitionKind::WipeDown,
        TransitionKind::SlideLeft,
        TransitionKind::SlideRight,
        TransitionKind::SlideUp,
        TransitionKind::SlideDown,
    ];
    for kind in kinds {
        let seen = part(&at(kind, 1, 2));
        assert!((seen - 0.5).abs() < 0.03, "{kind:?}: {seen}");
    }
}

#[test]
fn directions_are_those_in_which_things_move() {
    let (below, picture) = pictures();
    let pixel = |frame: &Yuv420, x: usize, y: usize| frame.y[y * W + x];
    // A quarter of the way: at the middle of which side the new picture is seen.
    let sides = [(W - 1, H / 2), (0, H / 2), (W / 2, H - 1), (W / 2, 0)];
    let wipes = [
        TransitionKind::WipeLeft,
        TransitionKind::WipeRight,
        TransitionKind::WipeUp,
        TransitionKind::WipeDown,
    ];
    for (kind, from) in wipes.into_iter().zip(sides) {
        let frame = at(kind, 1, 4);
        for (x, y) in sides {
            let want = if (x, y) == from { &picture } else { &below };
            assert_eq!(pixel(&frame, x, y), pixel(want, x, y), "{kind:?} at {x}, {y}");
        }
    }
    // Slides: pictures move, so their pixels are found elsewhere.
    let (across, down) = (W / 4, H / 4);
    let left = at(TransitionKind::SlideLeft, 1, 4);
    assert_eq!(
        (pixel(&left, 0, 9), pixel(&left, W - across, 9)),
        (pixel(&below, across, 9), pixel(&picture, 0, 9))
    );
    let right = at(TransitionKind::SlideRight, 1, 4);
    assert_eq!(
        (pixel(&right, across, 9), pixel(&right, 0, 9)),
        (pixel(&below, 0, 9), pixel(&picture, W - across, 9))
    );
    let up = at(TransitionKind::SlideUp, 1, 4);
    assert_eq!((pixel(&up, 9, 0), pixel(&up, 9, H - down)), (pixel(&below, 9, down), pixel(&picture, 9, 0)));
    let fall = at(TransitionKind::SlideDown, 1, 4);
    assert_eq!(
        (pixel(&fall, 9, down), pixel(&fall, 9, 0)),
        (pixel(&below, 9, 0), pixel(&picture, 9, H - down))
    );
    for (frame, from, to) in [(&left, across / 2, 0), (&right, 0, across / 2)] {
        assert_eq!(frame.u[W / 2 * 4 + to], below.u[W / 2 * 4 + from], "colour moves along");
    }
}

#[test]
fn an_edge_stands_at_a_part_of_a_pixel() {
    let (mut below, picture) = (Yuv420::filled(W, H, [50, 60, 70]), Yuv420::filled(W, H, [150, 160, 170]));
    Transition::new(TransitionKind::WipeRight, Ease::Linear, 1).at(
        &mut below,
        &picture,
        (4 * 30 + 1, 4 * 96),
    );
    assert_eq!(below.y[28..33], [150, 150, 75, 50, 50], "30 columns and a quarter");
}

#[test]
fn cells_of_a_dissolve_never_change_back_and_never_stand_in_rows() {
    let mut before = at(TransitionKind::Dissolve, 0, 1);
    for step in 1..=16 {
        let now = at(TransitionKind::Dissolve, step, 16);
        assert!(before.y.iter().zip(&now.y).all(|(a, b)| *a < 130 || a == b), "step {step}");
        assert!((part(&now) - step as f64 / 16.0).abs() < 0.04, "step {step}: {}", part(&now));
        before = now;
    }
    let half = at(TransitionKind::Dissolve, 1, 2);
    for row in half.y.chunks(W) {
        let new = row.iter().filter(|&&v| v >= 130).count();
        assert!((W / 4..=3 * W / 4).contains(&new), "{new} of a row");
    }
}

#[test]
fn a_circle_is_round_grows_from_the_middle_and_has_a_soft_edge() {
    let run = |num: u64| {
        let (mut below, picture) =
            (Yuv420::filled(W, H, [50, 60, 70]), Yuv420::filled(W, H, [250, 160, 170]));
        Transition::new(TransitionKind::Circle, Ease::Linear, 1).at(&mut below, &picture, (num, 8));
        below
    };
    let frame = run(4);
    let pixel = |x: usize, y: usize| frame.y[y * W + x];
    assert_eq!((pixel(W / 2, H / 2), pixel(0, 0)), (250, 50));
    for offset in 0..30 {
        let (right, below) = (pixel(W / 2 + offset, H / 2), pixel(W / 2, H / 2 + offset));
        assert_eq!((right, below), (pixel(W / 2 - 1 - offset, H / 2), pixel(W / 2, H / 2 - 1 - offset)));
        assert!(right.abs_diff(below) <= 1, "{offset}: {right} {below}");
    }
    let edge = (0..W / 2).filter(|&x| (60..240).contains(&pixel(W / 2 + x, H / 2))).count();
    assert!((4..9).contains(&edge), "soft over {edge} pixels");
    let areas: Vec<usize> = (0..=8).map(|num| run(num).y.iter().map(|&v| usize::from(v)).sum()).collect();
    assert!(areas.windows(2).all(|pair| pair[0] < pair[1]), "{areas:?}");
}

#[test]
fn a_zoom_enlarges_what_goes_about_the_middle() {
    let mut below = Yuv420::filled(W, H, [50, 60, 70]);
    for y in H / 2 - 4..H / 2 + 4 {
        below.y[y * W + W / 2 - 4..y * W + W / 2 + 4].fill(200);
    }
    let mut large = below.clone();
    enlarge(&below, &mut large, (1, 1));
    let lit = |frame: &Yuv420| frame.y.iter().map(|&v| u32::from(v) - 50).sum::<u32>();
    let (before, after) = (4 * lit(&below), lit(&large));
    assert!(before.abs_diff(after) < before / 100, "twice as large both ways: {before} {after}");
    for (x, y) in [(8, 0), (0, 8), (7, 7)] {
        let right = large.y[(H / 2 + y) * W + W / 2 + x];
        let left = large.y[(H / 2 - 1 - y) * W + W / 2 - 1 - x];
        assert_eq!(right, left, "about the middle");
    }
    assert_eq!((large.u[0], large.v[W / 2 * 9]), (60, 70));
}

#[test]
fn frames_stand_in_the_middle_of_their_time_and_ease_bends_it() {
    let lit = |ease: Ease, index: u32| {
        let (mut below, picture) = (Yuv420::filled(8, 8, [20, 1, 1]), Yuv420::filled(8, 8, [220, 1, 1]));
        Transition::new(TransitionKind::Fade, ease, 10).apply(&mut below, &picture, index);
        below.y[0]
    };
    assert_eq!([0, 4, 9].map(|index| lit(Ease::Linear, index)), [30, 110, 210]);
    assert_eq!([0, 4, 9].map(|index| lit(Ease::In, index)), [21, 61, 201], "p²");
    assert_eq!([0, 4, 9].map(|index| lit(Ease::Out, index)), [39, 160, 219], "1 − (1 − p)²");
    assert_eq!([0, 4, 9].map(|index| lit(Ease::InOut, index)), [21, 105, 219], "p² (3 − 2p)");
}
