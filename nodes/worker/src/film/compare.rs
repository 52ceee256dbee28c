//! The run of `compare`: what two files are, and what differs in them put together. It measures nothing itself.

mod captions;
mod pictures;
mod sound;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::compare::{Params, Range, Report, Side};
use reel_nodes::media::sniff;

use crate::av::probe;
use crate::params;

/// Hundredths of a LUFS that nobody hears.
const UNHEARD: i32 = 10;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Film,
    Sound,
    Picture,
    Captions,
}

impl Sort {
    fn of(path: &Path) -> Result<Self, Failure> {
        let mut head = Vec::new();
        let cannot = |error| Failure::new(format!("cannot read what is compared: {error}"));
        File::open(path).map_err(cannot)?.take(sniff::HEAD as u64).read_to_end(&mut head).map_err(cannot)?;
        let media = sniff::media_type(&head);
        if media.is_some_and(|media| media.starts_with("image/") && media != "image/gif") {
            return Ok(Self::Picture);
        }
        if media.is_none() && captions::are_there(path) {
            return Ok(Self::Captions);
        }
        let info = probe(path).map_err(crate::failure)?;
        Ok(if info.video.is_some() { Self::Film } else { Self::Sound })
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Film => "a film",
            Self::Sound => "a sound",
            Self::Picture => "a picture",
            Self::Captions => "a caption file",
        }
    }
}

/// Compares slots `one` and `other` into port `report`.
///
/// # Errors
/// When one cannot be decoded, or they are of different sorts.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (one, other) = (&call.one(params.one.slot())?.path, &call.one(params.other.slot())?.path);
    let sorts = (Sort::of(one)?, Sort::of(other)?);
    let mut report = match sorts {
        (Sort::Film, Sort::Film) => films(call, one, other)?,
        (Sort::Sound, Sort::Sound) => sound::compare(one, other)?,
        (Sort::Picture, Sort::Picture) => pictures::compare(one, other)?,
        (Sort::Captions, Sort::Captions) => captions::files(one, other)?,
        (one, other) => {
            let message = format!("the one is {}, the other {}", one.words(), other.words());
            return Err(Failure::new(message).help("compare two files of one sort"));
        }
    };
    // A caption file has its own words.
    let says = matches!(sorts.0, Sort::Film | Sort::Sound);
    if says && !params.words.is_empty() && !params.other_words.is_empty() {
        captions::of_words(call, &params, &mut report)?;
    }
    report.same = is_same(&report);
    let json = serde_json::to_vec(&report).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Outcome::default().with_bytes("report", "application/json", json))
}

fn films(call: &Call<'_>, one: &Path, other: &Path) -> Result<Report, Failure> {
    let (mut report, beside) = pictures::films(call, one, other)?;
    sound::of_films((one, other), &beside, &mut report)?;
    Ok(report)
}

/// Whether nothing that is seen, heard or read is different.
fn is_same(report: &Report) -> bool {
    let (one, other) = (&report.one, &report.other);
    let frame = 1_000_000 * u64::from(report.fps.1) / u64::from(report.fps.0.max(1));
    let as_loud = match (one.lufs, other.lufs) {
        (Some(one), Some(other)) => one.abs_diff(other) <= UNHEARD.unsigned_abs(),
        (one, other) => one == other,
    };
    let as_long = one.duration.abs_diff(other.duration) <= frame;
    let nothing = report.pictures.is_empty() && report.sound.is_empty() && report.captions.is_empty();
    nothing && report.retimed == 0 && as_long && as_loud && one.size == other.size && one.fps == other.fps
}

/// Ranges that lie less than `near` frames apart in both, as one.
fn joined(ranges: Vec<Range>, near: u64) -> Vec<Range> {
    let mut all: Vec<Range> = Vec::with_capacity(ranges.len());
    for next in ranges {
        match all.last_mut() {
            Some(last) if next.one.0 < last.one.1 + near && next.other.0 < last.other.1 + near => {
                last.ssim = match (last.ssim, next.ssim) {
                    (Some(a), Some(b)) => Some(mean((a, frames(last)), (b, frames(&next)))),
                    _ => None,
                };
                (last.one.1, last.other.1) = (next.one.1, next.other.1);
            }
            _ => all.push(next),
        }
    }
    all
}

const fn frames(range: &Range) -> u64 {
    range.one.1 - range.one.0
}

/// Mean and least of two ranges, each with its frames.
fn mean((a, n): ((u32, u32), u64), (b, m): ((u32, u32), u64)) -> (u32, u32) {
    let sum = u64::from(a.0) * n + u64::from(b.0) * m;
    ((sum / (n + m).max(1)) as u32, a.1.min(b.1))
}

/// A side of which only its length is known.
fn side(duration: u64) -> Side {
    Side { duration, ..Side::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: u64, to: u64, ssim: Option<(u32, u32)>) -> Range {
        Range { one: (from, to), other: (from + 5, to + 5), ssim, lufs: (None, None) }
    }

    #[test]
    fn ranges_that_are_near_are_one() {
        let all = joined(
            vec![
                range(0, 2, Some((900_000, 800_000))),
                range(4, 6, Some((700_000, 600_000))),
                range(20, 21, None),
            ],
            6,
        );
        assert_eq!(all, [range(0, 6, Some((800_000, 600_000))), range(20, 21, None)]);
    }

    #[test]
    fn what_nobody_sees_or_hears_is_the_same() {
        let mut report =
            Report { fps: (25, 1), one: side(1_000_000), other: side(1_020_000), ..Report::default() };
        report.as_good_as_same = 3;
        report.one.lufs = Some(-1400);
        report.other.lufs = Some(-1404);
        assert!(is_same(&report));
        report.other.lufs = None;
        assert!(!is_same(&report));
        report.other = side(1_100_000);
        report.one.lufs = None;
        assert!(!is_same(&report));
    }
}
