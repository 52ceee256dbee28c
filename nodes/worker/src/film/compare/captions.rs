//! What is read differently in two caption files, or in what two films say. It knows no font.

use std::path::Path;

use reel_engine::operation::{Call, Failure};
use reel_nodes::film::compare::{Caption, Params, Report, Scene};
use reel_nodes::media::plan::{Plan, starts};
use reel_nodes::media::time::rescale;
use reel_nodes::media::words::{Words, line};
use reel_nodes::text::read_back::{self, Subtitle};

use super::side;
use crate::measure::{align, gaps};

/// Milliseconds by which a caption may come sooner or later and still be at its time.
const AT_ONCE: u64 = 40;
/// Larger files are no captions.
const LARGEST: u64 = 16 << 20;

/// Whether a file has captions.
pub(super) fn are_there(path: &Path) -> bool {
    let small = std::fs::metadata(path).is_ok_and(|facts| facts.len() <= LARGEST);
    small && read(path).is_ok_and(|all| !all.is_empty())
}

/// Compares two caption files.
pub(super) fn files(one: &Path, other: &Path) -> Result<Report, Failure> {
    let (one, other) = (read(one)?, read(other)?);
    let end = |all: &[Subtitle]| all.iter().map(|caption| caption.end * 1000).max().unwrap_or(0);
    let mut report =
        Report { fps: (1000, 1), one: side(end(&one)), other: side(end(&other)), ..Report::default() };
    put(&one, &other, &mut report);
    Ok(report)
}

/// Compares what two films say, sentence by sentence.
pub(super) fn of_words(call: &Call<'_>, params: &Params, report: &mut Report) -> Result<(), Failure> {
    let (one, other) = (sentences(call, &params.words)?, sentences(call, &params.other_words)?);
    put(&one, &other, report);
    Ok(())
}

fn put(one: &[Subtitle], other: &[Subtitle], report: &mut Report) {
    let texts = |all: &[Subtitle]| all.iter().map(|caption| caption.text.clone()).collect::<Vec<_>>();
    let equal = align(&texts(one), &texts(other));
    for run in &equal {
        let pairs = one[run.one..run.one + run.length].iter().zip(&other[run.other..]);
        let late = |(a, b): &(&Subtitle, &Subtitle)| {
            a.start.abs_diff(b.start) > AT_ONCE || a.end.abs_diff(b.end) > AT_ONCE
        };
        report.retimed += pairs.filter(late).count() as u64;
    }
    for (gone, new) in gaps(&equal, one.len(), other.len()) {
        let (gone, new) = (&one[gone], &other[new]);
        let at = |all: &[Subtitle], index: usize| all.get(index).cloned();
        let pair = |index| Caption { one: at(gone, index), other: at(new, index) };
        report.captions.extend((0..gone.len().max(new.len())).map(pair));
    }
}

fn read(path: &Path) -> Result<Vec<Subtitle>, Failure> {
    let wrong = |error: String| Failure::new(format!("the captions cannot be read: {error}"));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    read_back::read(&text).map_err(wrong)
}

/// What is said in all scenes of a film, with its times in the film.
fn sentences(call: &Call<'_>, scenes: &[Scene]) -> Result<Vec<Subtitle>, Failure> {
    let plans = scenes.iter().map(|scene| json::<Plan>(call, scene.plan.slot()));
    let plans = plans.collect::<Result<Vec<_>, _>>()?;
    let Some(fps) = plans.first().map(|plan| plan.fps) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (scene, start) in scenes.iter().zip(starts(fps, &plans)) {
        let words: Words = json(call, scene.words.slot())?;
        let begin = fps.sample_of(start.frame, 1000);
        for sentence in words.words.split_inclusive(|word| word.last) {
            let (Some(first), Some(last)) = (sentence.first(), sentence.last()) else { continue };
            let at = |tick: u64| begin + rescale(tick, words.rate, 1000);
            let text = line(sentence.iter().map(|word| (word.text.as_str(), word.joined)));
            all.push(Subtitle { start: at(first.start), end: at(last.end), text });
        }
    }
    Ok(all)
}

fn json<T: serde::de::DeserializeOwned>(call: &Call<'_>, slot: &str) -> Result<T, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("`{slot}` cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caption(start: u64, text: &str) -> Subtitle {
        Subtitle { start, end: start + 1000, text: text.into() }
    }

    #[test]
    fn changed_new_and_moved_captions_are_told_apart() {
        let one = [caption(0, "a"), caption(1000, "b"), caption(2000, "c"), caption(3000, "d")];
        let other =
            [caption(0, "a"), caption(1000, "B"), caption(2500, "c"), caption(3500, "d"), caption(5000, "e")];
        let mut report = Report::default();
        put(&one, &other, &mut report);
        assert_eq!(report.retimed, 2);
        let changed = Caption { one: Some(caption(1000, "b")), other: Some(caption(1000, "B")) };
        assert_eq!(report.captions, [changed, Caption { one: None, other: Some(caption(5000, "e")) }]);
    }
}
