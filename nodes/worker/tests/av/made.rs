//! Inputs for the tests: small pictures, segments, and files from the `ffmpeg` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use reel_nodes::media::encoding::Encoding;
use reel_nodes::media::time::FrameRate;
use reel_worker::av::{ConformSpec, EncodeSpec, Fit, VideoEncoder, VideoReader};
use reel_worker::frame::Yuv420;

pub(crate) const WIDTH: usize = 320;
pub(crate) const HEIGHT: usize = 180;

pub(crate) fn rate(text: &str) -> FrameRate {
    text.parse().unwrap()
}

/// Runs `ffmpeg` quietly in `dir`.
pub(crate) fn ffmpeg(dir: &Path, arguments: &str) {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let done =
        Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(words).current_dir(dir).output();
    let done = done.expect("the `ffmpeg` command is installed");
    assert!(done.status.success(), "ffmpeg {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

/// What a tool prints, both streams.
pub(crate) fn said_by(program: &str, arguments: &[&str], file: &Path) -> String {
    let done = Command::new(program).args(arguments).arg(file).output().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

pub(crate) fn spec() -> EncodeSpec {
    EncodeSpec {
        width: WIDTH as u32,
        height: HEIGHT as u32,
        rate: rate("30"),
        encoding: Encoding { crf: Some(23), ..Encoding::default() },
        gpu: None,
    }
}

/// A picture that differs for every `n`, with smooth and sharp parts.
pub(crate) fn moving(n: usize) -> Yuv420 {
    let mut picture = Yuv420::filled(WIDTH, HEIGHT, [16, 128, 128]);
    for (i, y) in picture.y.iter_mut().enumerate() {
        let (column, row) = (i % WIDTH, i / WIDTH);
        let block = ((column / 16 + row / 16 + n) % 2) as u8 * 40;
        *y = 40 + ((column + row + n * 3) % 128) as u8 + block;
    }
    let half = WIDTH / 2;
    for (i, (u, v)) in picture.u.iter_mut().zip(&mut picture.v).enumerate() {
        *u = 90 + ((i % half + n) % 64) as u8;
        *v = 90 + ((i / half + n) % 64) as u8;
    }
    picture
}

pub(crate) fn segment(
    dir: &Path,
    name: &str,
    spec: &EncodeSpec,
    pictures: impl Iterator<Item = Yuv420>,
) -> PathBuf {
    let path = dir.join(name);
    let mut encoder = VideoEncoder::create(&path, spec).unwrap();
    let mut count = 0;
    for picture in pictures {
        encoder.push(&picture).unwrap();
        count += 1;
    }
    assert_eq!(encoder.finish().unwrap().frames, count);
    path
}

pub(crate) fn conform(width: u32, height: u32, fps: &str) -> ConformSpec {
    ConformSpec { width, height, fit: Fit::COVER, rate: rate(fps), from_us: 0, to_us: None }
}

pub(crate) fn read(path: &Path, spec: ConformSpec) -> Vec<Yuv420> {
    VideoReader::open(path, spec).unwrap().map(Result::unwrap).collect()
}

/// The colour at a place, as sRGB.
pub(crate) fn rgb_at(picture: &Yuv420, x: usize, y: usize) -> [u8; 3] {
    let rgba = reel_worker::av::rgba_of(picture).unwrap();
    let at = (y * rgba.width + x) * 4;
    rgba.pixels[at..at + 3].try_into().unwrap()
}

#[track_caller]
pub(crate) fn assert_near(found: [u8; 3], wanted: [u8; 3], by: u8) {
    let near = found.iter().zip(wanted).all(|(f, w)| f.abs_diff(w) <= by);
    assert!(near, "found {found:?}, wanted {wanted:?} within {by}");
}
