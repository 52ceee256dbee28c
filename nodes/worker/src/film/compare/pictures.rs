//! What is seen differently in two films or pictures. It hears nothing.

use std::path::Path;

use reel_engine::digest::{Digest, Hasher};
use reel_engine::operation::{Call, Failure};
use reel_nodes::film::compare::{Range, Report, Side};
use reel_nodes::media::time::FrameRate;

use super::joined;
use crate::av::{ConformSpec, Fit, VideoInfo, VideoReader, probe};
use crate::draw::still::{decode_image, scale};
use crate::frame::{Rgba, Yuv420, yuv_of_rgb};
use crate::measure::{Equal, Gap, Stretches, align, gaps, shows_a_difference, ssim};

/// Frames of two films that belong together: runs of the same length, in order.
pub(super) struct Beside {
    pub(super) runs: Vec<Equal>,
    pub(super) rate: FrameRate,
}

/// A film that is read in the shape of another.
struct Film<'a> {
    path: &'a Path,
    shape: Shape,
}

#[derive(Clone, Copy)]
struct Shape {
    width: u32,
    height: u32,
    rate: FrameRate,
}

impl Film<'_> {
    fn frames(&self, from: u64, to: Option<u64>) -> Result<VideoReader, Failure> {
        let Shape { width, height, rate } = self.shape;
        // A little behind the beginning of a frame, so that rounding never leads to the one before.
        let at = |frame| rate.sample_of(frame, 1_000_000) + 100;
        let from_us = if from == 0 { 0 } else { at(from) };
        let spec = ConformSpec { width, height, fit: Fit::COVER, rate, from_us, to_us: to.map(at) };
        VideoReader::open(self.path, spec).map_err(crate::failure)
    }

    /// What tells one frame from another, for all of them.
    fn digests(&self, call: &Call<'_>, progress: impl Fn(u64) -> u16) -> Result<Vec<Digest>, Failure> {
        let mut all = Vec::new();
        for frame in self.frames(0, None)? {
            let frame = frame.map_err(crate::failure)?;
            if (call.cancelled)() {
                return Err(crate::cancelled());
            }
            let mut hasher = Hasher::new();
            for (name, plane) in [("y", &frame.y), ("u", &frame.u), ("v", &frame.v)] {
                hasher.field(name, plane);
            }
            all.push(hasher.finish());
            (call.progress)(progress(all.len() as u64));
        }
        Ok(all)
    }
}

/// Compares the pictures of two films; the loudness of sides and ranges is for others to say.
pub(super) fn films(call: &Call<'_>, one: &Path, other: &Path) -> Result<(Report, Beside), Failure> {
    let (one_info, other_info) = (pictures_of(one)?, pictures_of(other)?);
    let rate = FrameRate::new(one_info.rate.0, one_info.rate.1)
        .ok_or_else(|| Failure::new("how many frames a second the film has cannot be told"))?;
    let even = |pixels: u32| pixels + pixels % 2;
    let shape = Shape { width: even(one_info.width), height: even(one_info.height), rate };
    let (before, after) = (Film { path: one, shape }, Film { path: other, shape });
    let about = one_info.frames.unwrap_or(1000).max(1);
    let half = |done: u64| (done * 400 / about).min(400) as u16;
    let (a, b) = (before.digests(call, half)?, after.digests(call, |done| 400 + half(done))?);
    let mut runs = align(&a, &b);
    let between = gaps(&runs, a.len(), b.len());
    let mut report = Report { fps: (rate.num(), rate.den()), ..Report::default() };
    let mut ranges = Vec::new();
    for (one, other) in between {
        if one.len() == other.len() {
            runs.push(Equal { one: one.start, other: other.start, length: one.len() });
            let (seen, unseen) = look(call, (&before, &after), (one, other))?;
            ranges.extend(seen);
            report.as_good_as_same += unseen;
        } else {
            let (front, back) = alike_at_ends(call, (&before, &after), (one.clone(), other.clone()))?;
            runs.push(Equal { one: one.start, other: other.start, length: front });
            runs.push(Equal { one: one.end - back, other: other.end - back, length: back });
            report.as_good_as_same += (front + back) as u64;
            let inner =
                |range: std::ops::Range<usize>| ((range.start + front) as u64, (range.end - back) as u64);
            ranges.push(Range { one: inner(one), other: inner(other), ssim: None, lufs: (None, None) });
        }
    }
    runs.sort_unstable_by_key(|run| run.one);
    report.pictures = joined(ranges, rate.nearest_frame(1, 4).max(1));
    report.one = side(&one_info, rate.sample_of(a.len() as u64, 1_000_000));
    report.other = side(&other_info, rate.sample_of(b.len() as u64, 1_000_000));
    Ok((report, Beside { runs, rate }))
}

fn pictures_of(path: &Path) -> Result<VideoInfo, Failure> {
    let info = probe(path).map_err(crate::failure)?;
    info.video.ok_or_else(|| Failure::new("it has no pictures"))
}

fn side(info: &VideoInfo, duration: u64) -> Side {
    Side { duration, size: Some((info.width, info.height)), fps: Some(info.rate), lufs: None }
}

/// Where frames beside each other look different, and how many do not.
fn look(
    call: &Call<'_>,
    (before, after): (&Film<'_>, &Film<'_>),
    (one, other): Gap,
) -> Result<(Vec<Range>, u64), Failure> {
    let frames = |film: &Film<'_>, range: &std::ops::Range<usize>| {
        film.frames(range.start as u64, Some(range.end as u64))
    };
    let pairs = frames(before, &one)?.zip(frames(after, &other)?).take(one.len());
    let (mut seen, mut found): (Stretches, Vec<u32>) = (Stretches::default(), Vec::new());
    for (a, b) in pairs {
        let (a, b): (Yuv420, Yuv420) = (a.map_err(crate::failure)?, b.map_err(crate::failure)?);
        if (call.cancelled)() {
            return Err(crate::cancelled());
        }
        let differs = shows_a_difference(&a.y, &b.y, a.width) || differs_in_colour(&a, &b);
        seen.push(differs);
        found.push(if differs { ssim(&a.y, &b.y, (a.width, a.height)) } else { 1_000_000 });
        (call.progress)(900);
    }
    let range = |stretch: &crate::measure::Stretch| {
        let of = &found[stretch.from as usize..stretch.to as usize];
        let sum: u64 = of.iter().map(|ssim| u64::from(*ssim)).sum();
        let ssim = ((sum / stretch.frames().max(1)) as u32, of.iter().copied().min().unwrap_or(0));
        let at = |start: usize| (start as u64 + stretch.from, start as u64 + stretch.to);
        Range { one: at(one.start), other: at(other.start), ssim: Some(ssim), lufs: (None, None) }
    };
    let ranges: Vec<Range> = seen.all().iter().map(range).collect();
    let changed: u64 = seen.all().iter().map(|stretch| stretch.frames()).sum();
    Ok((ranges, one.len() as u64 - changed))
}

/// How many frames look the same at the beginning and at the end of stretches of different lengths.
fn alike_at_ends(
    call: &Call<'_>,
    films: (&Film<'_>, &Film<'_>),
    (one, other): Gap,
) -> Result<(usize, usize), Failure> {
    let short = one.len().min(other.len());
    if short == 0 {
        return Ok((0, 0));
    }
    let heads = (one.start..one.start + short, other.start..other.start + short);
    let (seen, _) = look(call, films, heads)?;
    let front = seen.first().map_or(short, |range| range.one.0 as usize - one.start);
    let rest = short - front;
    if rest == 0 {
        return Ok((front, 0));
    }
    let (seen, _) = look(call, films, (one.end - rest..one.end, other.end - rest..other.end))?;
    let back = seen.last().map_or(rest, |range| one.end - range.one.1 as usize);
    Ok((front, back))
}

/// Colours may differ where luma does not.
fn differs_in_colour(a: &Yuv420, b: &Yuv420) -> bool {
    let width = a.width / 2;
    shows_a_difference(&a.u, &b.u, width) || shows_a_difference(&a.v, &b.v, width)
}

/// Compares two pictures.
pub(super) fn compare(one: &Path, other: &Path) -> Result<Report, Failure> {
    let decoded = |path: &Path| -> Result<Rgba, Failure> {
        let bytes =
            std::fs::read(path).map_err(|error| Failure::new(format!("cannot read a picture: {error}")))?;
        decode_image(&bytes).map_err(crate::draw_failure)
    };
    let (one, other) = (decoded(one)?, decoded(other)?);
    let size = (one.width, one.height);
    let of =
        |picture: &Rgba| Side { size: Some((picture.width as u32, picture.height as u32)), ..super::side(0) };
    let mut report = Report { fps: (1, 1), one: of(&one), other: of(&other), ..Report::default() };
    let fitted = scale(&other, size.0, size.1).map_err(crate::draw_failure)?;
    let beside = if (other.width, other.height) == size { &other } else { &fitted };
    let differs = (0..3).any(|part| {
        let plane = |picture: &Rgba| -> Vec<u8> {
            let pixels = picture.pixels.as_chunks::<4>().0.iter();
            pixels.map(|[r, g, b, _]| yuv_of_rgb([*r, *g, *b])[part]).collect()
        };
        shows_a_difference(&plane(&one), &plane(beside), size.0)
    });
    if differs {
        let luma = |picture: &Rgba| -> Vec<u8> {
            picture.pixels.as_chunks::<4>().0.iter().map(|[r, g, b, _]| yuv_of_rgb([*r, *g, *b])[0]).collect()
        };
        let found = ssim(&luma(&one), &luma(beside), size);
        let range = Range { one: (0, 1), other: (0, 1), ssim: Some((found, found)), lufs: (None, None) };
        report.pictures.push(range);
    }
    Ok(report)
}
