//! How films look: transitions, motion and what lies over pictures, in decoded frames.

use reel_tests::film::pictures;
use reel_tests::has;
use reel_tests::space::TestSpace;

/// Two flat scenes, of which the second comes in by a transition of 0.4 s.
fn joined(transition: &str) -> String {
    format!(
        r##"version: 1
name: joined
format: {{ size: 96x64, fps: 25 }}
scenes:
  - {{ id: a, show: {{ color: "#202020" }}, for: 1s }}
  - {{ id: b, show: {{ color: "#e0e0e0" }}, for: 1s, transition: {transition} }}
outputs: {{ film: out/film.mp4 }}
"##
    )
}

#[test]
fn every_transition_takes_over_within_its_time_and_touches_nothing_else() {
    if !has("every_transition_takes_over_within_its_time_and_touches_nothing_else", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(&joined("{ kind: cut }"));
    let _ = space.build(&[]).ok();
    let kinds = [
        "fade",
        "dissolve",
        "wipe-left",
        "wipe-right",
        "wipe-up",
        "wipe-down",
        "slide-left",
        "slide-right",
        "slide-up",
        "slide-down",
        "zoom",
        "circle",
    ];
    for (n, kind) in kinds.into_iter().enumerate() {
        let ease = ["linear", "in", "out", "in-out"][n % 4];
        space.write("reel.yaml", joined(&format!("{{ kind: {kind}, for: 0.4s, ease: {ease} }}")));
        let built = space.build(&[]).ok();
        // The first of them cuts what is left of the scene; after that a kind is one segment.
        let mut expected = vec!["b.segments", "b.encode.1", "film.mux"];
        expected.extend((n == 0).then_some("b.encode.2"));
        built.assert_ran(&expected);
        let film = pictures(&space.path("out/film.mp4"));
        assert_eq!(film.frames.len(), 50, "{kind}");
        let mean = |frame: usize| {
            let luma = &film.frames[frame][..96 * 64];
            luma.iter().map(|&v| (f64::from(v) - 16.0) / 219.0 * 255.0).sum::<f64>() / (96.0 * 64.0)
        };
        (0..25).for_each(|frame| assert!((mean(frame) - 32.0).abs() < 2.0, "{kind} at {frame}"));
        (35..50).for_each(|frame| assert!((mean(frame) - 224.0).abs() < 2.0, "{kind} at {frame}"));
        (25..34).for_each(|frame| assert!(mean(frame) < mean(frame + 1) + 1.0, "{kind} at {frame}"));
        assert!(mean(24) < mean(27) && mean(31) < mean(36), "{kind}");
        let middle = mean(29) + mean(30);
        if ease == "linear" || ease == "in-out" {
            assert!((middle / 2.0 - 128.0).abs() < 40.0, "{kind}: {middle}");
        }
    }
}

/// A picture of grey values as a BMP file.
fn bmp(width: usize, height: usize, grey: impl Fn(f64, f64) -> f64) -> Vec<u8> {
    let size = 54 + width * height * 3;
    let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let mut bytes = b"BM".to_vec();
    for n in [size, 0, 54, 40, width, height] {
        bytes.extend(number(n));
    }
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    // Rows come from the lowest up; widths here are multiples of four.
    for y in (0..height).rev() {
        for x in 0..width {
            bytes.extend([grey(x as f64 + 0.5, y as f64 + 0.5).round().clamp(0.0, 255.0) as u8; 3]);
        }
    }
    bytes
}

#[test]
fn a_blob_keeps_to_its_path_through_a_slow_zoom_and_the_encoder() {
    if !has("a_blob_keeps_to_its_path_through_a_slow_zoom_and_the_encoder", "ffmpeg") {
        return;
    }
    const SIZE: (f64, f64) = (320.0, 180.0);
    let space = TestSpace::of(
        r##"version: 1
name: blob
format: { size: 320x180, fps: 30 }
scenes:
  - id: near
    show:
      image: blob.bmp
      motion: { from: { zoom: 1 }, to: { x: 60%, y: 45%, zoom: 1.2 }, ease: in-out }
    for: 4s
  - id: far
    show: { image: blob.bmp, motion: { from: { zoom: 2.5 }, to: { zoom: 1.5 } } }
    for: 2s
outputs: { film: out/film.mp4 }
"##,
    );
    // Twice the frame's size; the blob is soft over 16 pixels of the frame.
    let (bx, by) = (0.57, 0.46);
    let blob = |x: f64, y: f64| {
        let (dx, dy) = (x / 2.0 - bx * SIZE.0, y / 2.0 - by * SIZE.1);
        40.0 + 180.0 * (-(dx * dx + dy * dy) / 32.0).exp()
    };
    space.write("blob.bmp", bmp(640, 360, blob));
    let _ = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    assert_eq!(film.frames.len(), 180);
    let centroid = |frame: usize, around: (f64, f64)| {
        let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
        for row in 0..180_usize {
            for column in 0..320_usize {
                let place = (column as f64 + 0.5, row as f64 + 0.5);
                if (place.0 - around.0).hypot(place.1 - around.1) < 16.0 {
                    let ground = 16.0 + 40.0 * 219.0 / 255.0;
                    let light = f64::from(film.frames[frame][row * 320 + column]) - ground;
                    (sum, x, y) = (sum + light, x + light * place.0, y + light * place.1);
                }
            }
        }
        (x / sum, y / sum)
    };
    // Where the camera looks, in parts of the picture, and how near, at each frame.
    let near = |frame: usize| {
        let p = frame as f64 / 119.0;
        let zoom = 1.0 + 0.2 * p * p * (3.0 - 2.0 * p);
        // At the end a tenth of the width is aimed at, but the picture reaches only half the room that 1.2 leaves.
        let room: f64 = (1.0 - 1.0 / 1.2) / 2.0;
        let way = (1.0 - 1.0 / zoom) / (1.0 - 1.0 / 1.2);
        (0.5 + room.min(0.1) * way, 0.5 - room.min(0.05) * way, zoom)
    };
    let far = |frame: usize| (0.5, 0.5, 2.5 - (frame as f64 - 120.0) / 59.0);
    for (name, frames) in [("near", 0..120), ("far", 120..180)] {
        let mut squares = 0.0;
        for frame in frames.clone() {
            let (x, y, zoom) = if frame < 120 { near(frame) } else { far(frame) };
            let ideal = (((bx - x) * zoom + 0.5) * SIZE.0, ((by - y) * zoom + 0.5) * SIZE.1);
            let seen = centroid(frame, ideal);
            squares += (seen.0 - ideal.0).powi(2) + (seen.1 - ideal.1).powi(2);
        }
        let rms = (squares / frames.len() as f64).sqrt();
        assert!(rms < 0.1, "{name}: {rms:.3} px from the ideal path");
    }
}

#[test]
fn a_camera_travels_over_all_of_a_wide_picture() {
    if !has("a_camera_travels_over_all_of_a_wide_picture", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(
        r##"version: 1
name: wide
format: { size: 64x64, fps: 25 }
scenes:
  - { id: pan, show: { image: wide.bmp, motion: { from: { x: 0% }, to: { x: 100% } } }, for: 2s }
  - { id: left, show: { image: wide.bmp, focus: { x: 25% } }, for: 0.4s }
outputs: { film: out/film.mp4 }
"##,
    );
    space.write("wide.bmp", bmp(640, 160, |x, _| x * 255.0 / 640.0));
    let _ = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    for (frame, want) in [(0, 0.125), (25, 0.51), (49, 0.875), (55, 0.25)] {
        let seen = film.pixel(frame, 32, 32)[1] / 255.0;
        assert!((seen - want).abs() < 0.02, "frame {frame} shows {seen:.3}, not {want}");
    }
}

#[test]
fn layers_lie_where_and_when_they_are_asked_to_and_stay_with_their_pictures() {
    if !has("layers_lie_where_and_when_they_are_asked_to_and_stay_with_their_pictures", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(
        r##"version: 1
name: lying
format: { size: 160x90, fps: 25 }
watermark: { image: white.bmp, x: 95%, y: 10%, width: 10%, height: 10%, opacity: 50% }
scenes:
  - id: a
    show:
      color: "#202020"
      layers:
        - { image: white.bmp, x: 25%, y: 50%, width: 20%, height: 20%, at: 0.4s, for: 0.8s }
        - { clip: red.mp4, x: 75%, y: 50%, width: 25% }
    for: 2s
  - id: b
    show: { color: "#808080" }
    for: 1s
    transition: { kind: wipe-down, for: 0.4s }
outputs: { film: out/film.mp4, short: { file: out/short.mp4, captions: none, scenes: [b] } }
"##,
    );
    space.write("white.bmp", bmp(40, 40, |_, _| 255.0));
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "color=red:s=64x64:r=25:d=1", "-pix_fmt", "yuv420p"])
        .arg(space.path("red.mp4"))
        .status()
        .unwrap();
    assert!(made.success());
    let _ = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    assert_eq!(film.frames.len(), 75);
    let grey = |frame: usize, x: usize, y: usize| film.pixel(frame, x, y)[1];
    for frame in [0, 9, 30, 49] {
        assert!((grey(frame, 40, 45) - 32.0).abs() < 12.0, "frame {frame}: {}", grey(frame, 40, 45));
    }
    for frame in [10, 20, 29] {
        assert!(grey(frame, 40, 45) > 240.0, "frame {frame}: {}", grey(frame, 40, 45));
        assert!((grey(frame, 40, 33) - 32.0).abs() < 12.0, "18 pixels high");
    }
    // The clip has ended after a second; its last picture stands, also beneath the wipe until that is there.
    for frame in [0, 30, 49, 51] {
        let [red, green, _] = film.pixel(frame, 120, 53);
        assert!(red > 200.0 && green < 60.0, "frame {frame}: {red} {green}");
    }
    assert!((grey(62, 120, 53) - 128.0).abs() < 4.0, "gone with its scene");
    for frame in [0, 40, 55, 70] {
        let ground = if frame < 52 { 32.0 } else { 128.0 };
        let seen = grey(frame, 152, 9);
        assert!((seen - (ground + 255.0) / 2.0).abs() < 12.0, "the mark at {frame}: {seen}");
    }
}

#[test]
fn a_layer_encodes_the_segments_that_show_it_and_no_others() {
    let space = TestSpace::of(
        r##"version: 1
name: segments
format: { size: 96x64, fps: 25 }
scenes:
  - id: long
    show: { image: grey.bmp, motion: push-in, layers: [{ text: One, height: 60%, at: 5s, for: 2s }] }
    for: 12s
  - { id: next, show: { color: "#204060" }, for: 1s }
outputs: { film: out/film.mp4 }
"##,
    );
    space.write("grey.bmp", bmp(96, 64, |x, y| x + y));
    let _ = space.build(&[]).ok();
    space.edit("text: One", "text: Two");
    let again = space.build(&[]).ok();
    again.assert_ran(&["long.layer.1.1.card", "long.layer.1.1.sprite", "long.encode.2", "film.mux"]);
}

#[test]
fn clips_are_shown_faster_slower_and_again() {
    if !has("clips_are_shown_faster_slower_and_again", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(
        r##"version: 1
name: speed
format: { size: 64x64, fps: 25 }
scenes:
  - { id: fast, show: { clip: ramp.mp4, speed: 2 } }
  - { id: slow, show: { clip: ramp.mp4, speed: 0.5 } }
  - { id: again, show: { clip: ramp.mp4, loop: true, to: 0.4s }, for: 2s }
outputs: { film: out/film.mp4, mix: out/mix.wav }
"##,
    );
    // A second of 25 pictures, each brighter than the one before, and a tone.
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg("color=black:s=64x64:r=25:d=1,geq=lum='40+7*N':cb=128:cr=128")
        .args(["-f", "lavfi", "-i", "sine=440:d=1", "-pix_fmt", "yuv420p", "-crf", "4", "-c:a", "pcm_s16le"])
        .arg(space.path("ramp.mov"))
        .status()
        .unwrap();
    assert!(made.success());
    std::fs::rename(space.path("ramp.mov"), space.path("ramp.mp4")).unwrap();
    let _ = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    assert_eq!(film.frames.len(), 12 + 50 + 50, "half a second, two, and two");
    let picture = |frame: usize| (f64::from(film.frames[frame][32 * 64 + 32]) - 40.0) / 7.0;
    for (frame, want) in [(0, 0.0), (5, 10.0), (11, 22.0), (12, 0.0), (32, 10.0), (61, 24.0)] {
        assert!((picture(frame) - want).abs() < 0.6, "frame {frame} shows {:.1}, not {want}", picture(frame));
    }
    for frame in 0..50 {
        let (seen, want) = (picture(62 + frame), (frame % 10) as f64);
        assert!((seen - want).abs() < 0.6, "frame {frame} of the loop shows {seen:.1}, not {want}");
    }
    let heard = reel_tests::film::sound(&space.path("out/mix.wav"));
    let loud = |from: f64, to: f64| {
        let part = &heard[(from * 48_000.0) as usize..(to * 48_000.0) as usize];
        part.iter().map(|v| v.abs()).fold(0.0, f32::max)
    };
    assert!(loud(0.0, 2.4) < 0.001, "at another speed nothing is heard");
    for start in 0..5 {
        let begin = 2.48 + 0.4 * f64::from(start);
        assert!(loud(begin + 0.05, begin + 0.35) > 0.05, "round {start} is heard");
    }
}

#[test]
fn a_bar_over_the_film_goes_on_through_its_scenes() {
    if !has("a_bar_over_the_film_goes_on_through_its_scenes", "ffmpeg") {
        return;
    }
    let space = TestSpace::of(
        r##"version: 1
name: bar
format: { size: 120x64, fps: 10 }
progress: { color: "#ffffff", height: 12%, over: film }
scenes:
  - { id: a, show: { color: "#000000" }, for: 1s }
  - { id: b, show: { color: "#000000" }, for: 2s }
  - { id: c, show: { color: "#000000" }, for: 1s, progress: { over: scene } }
outputs: { film: out/film.mp4 }
"##,
    );
    let check = space.reel(&["check"]).ok();
    assert!(check.all().contains("encodes every scene again"), "{}", check.all());
    let _ = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    let filled =
        |frame: usize| film.frames[frame][62 * 120..63 * 120].iter().filter(|luma| **luma > 130).count();
    for frame in 0..30 {
        let want = (frame + 1) * 120 / 40;
        assert!(filled(frame).abs_diff(want) <= 2, "frame {frame}: {} of {want}", filled(frame));
    }
    assert!(filled(30).abs_diff(12) <= 2 && filled(39) >= 118, "the last scene has a bar of its own");
    // Another length of one scene is in the keys of all that have the bar of the film.
    space.edit("for: 2s", "for: 2.4s");
    let ran = space.build(&[]).ok().ran();
    assert!(
        ran.contains("a.encode.1") && ran.contains("b.encode.1") && !ran.contains("c.encode.1"),
        "{ran:?}"
    );
}
