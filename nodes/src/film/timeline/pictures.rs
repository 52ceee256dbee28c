//! When each picture of a scene appears. It knows no sound.

use reel_engine::operation::Failure;
use reel_engine::quantity::Duration;

use super::Params;
use crate::media::time::{FrameRate, SAMPLE_RATE};
use crate::media::words::Word;
use crate::media::words::align::{bare, find};

/// The length, in frames, that the pictures themselves give a scene in which nothing is said.
pub(super) fn own_length(params: &Params, clips: &[Option<u64>]) -> Option<u64> {
    let lengths: Option<Vec<u64>> = (0..params.pictures.len()).map(|i| length(params, clips, i)).collect();
    lengths.filter(|lengths| !lengths.is_empty()).map(|lengths| lengths.iter().sum())
}

/// First frame of each picture: where its word is said, or where the one before ends; those for which neither
/// is known share the time between their neighbours evenly. A scene without pictures has one all the same.
pub(super) fn starts(
    params: &Params,
    clips: &[Option<u64>],
    words: &[Word],
    frames: u64,
) -> Result<Vec<u64>, Failure> {
    let mut fixed = vec![Some(0)];
    let mut from = 0;
    for i in 1..params.pictures.len() {
        let start = match &params.pictures[i].at {
            Some(word) => {
                let (frame, next) = said_at(word, words, from, params.fps, i)?;
                from = next;
                Some(frame)
            }
            None => match (fixed[i - 1], length(params, clips, i - 1)) {
                (Some(start), Some(length)) => Some(start + length),
                _ => None,
            },
        };
        fixed.push(start);
    }
    let starts = shared(&fixed, frames);
    for i in 1..starts.len() {
        if starts[i] <= starts[i - 1] || starts[i] >= frames {
            return Err(Failure::new(format!(
                "picture {} would appear at frame {} of {frames}, after picture {i} at frame {}",
                i + 1,
                starts[i],
                starts[i - 1]
            ))
            .help("each picture of a `show` list needs at least a frame: check its `for` and `at`"));
        }
    }
    Ok(starts)
}

pub(super) fn length(params: &Params, clips: &[Option<u64>], index: usize) -> Option<u64> {
    let of = |time: Duration| params.fps.nearest_frame(time.as_micros(), 1_000_000).max(1);
    let written = params.pictures[index].length.map(of);
    // A last frame that is only begun would freeze: a clip's length is cut to whole frames.
    let own = clips.get(index).copied().flatten().map(|samples| {
        let (num, den) = (u128::from(params.fps.num()), u128::from(params.fps.den()));
        ((u128::from(samples) * num / (u128::from(SAMPLE_RATE) * den)) as u64).max(1)
    });
    written.or(own)
}

fn said_at(
    wanted: &str,
    words: &[Word],
    from: usize,
    fps: FrameRate,
    index: usize,
) -> Result<(u64, usize), Failure> {
    let texts: Vec<String> = words.iter().map(|word| bare(&word.text)).collect();
    match find(&texts, wanted, from) {
        Some(found) => Ok((fps.nearest_frame(words[found].start, SAMPLE_RATE), found + 1)),
        None => Err(Failure::new(format!(
            "picture {} appears at `{wanted}`, which is not said in this scene{}",
            index + 1,
            if from > 0 { " after the picture before it" } else { "" }
        ))
        .help("`at` names a word as captions show it")),
    }
}

/// Fills the gaps evenly.
fn shared(fixed: &[Option<u64>], frames: u64) -> Vec<u64> {
    let mut starts: Vec<u64> = Vec::with_capacity(fixed.len());
    for (i, start) in fixed.iter().enumerate() {
        let start = start.unwrap_or_else(|| {
            let before = starts.last().copied().unwrap_or(0);
            let next = (i..fixed.len()).find(|&k| fixed[k].is_some());
            let end = next.and_then(|k| fixed[k]).unwrap_or(frames);
            let parts = (next.unwrap_or(fixed.len()) - i + 1) as u64;
            before + end.saturating_sub(before) / parts
        });
        starts.push(start);
    }
    starts
}
