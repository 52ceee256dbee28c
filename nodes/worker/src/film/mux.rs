//! The run of `mux`: segments and sound joined to a film and read back. It encodes nothing.

use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::mux::Params;
use reel_nodes::media::plan::Plan;
use reel_nodes::media::time::{FrameRate, SAMPLE_RATE};

use crate::av::{FilmFacts, JoinSpec, Segment, join, verify};
use crate::params;

/// Samples of an AAC frame: what a decoded end may be off by.
const AAC_FRAME: u64 = 1024;

/// Joins slots `segments.*` and `audio` into port `video`.
///
/// # Errors
/// When segments differ, or the film is not what the plans say.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (frames, rate) = expected(call, &params)?;
    let segments = segments(call, &params)?;
    let there: u64 = segments.iter().map(|segment| segment.frames).sum();
    if there != frames {
        return Err(Failure::new(format!("the segments have {there} frames, the scenes {frames}")));
    }
    let sound = match &params.audio {
        Some(audio) => Some(call.one(audio.slot())?.path.as_path()),
        None => None,
    };
    let path = call.scratch.join("film.mp4");
    let spec = JoinSpec {
        segments: &segments,
        sound,
        rate,
        container: params.container,
        faststart: true,
        title: params.title.as_deref(),
    };
    join(spec, &path).map_err(crate::failure)?;
    check(&path, frames, rate, sound.is_some())?;
    Ok(Outcome::default().with_file("video", params.container.media(), path))
}

/// Frames and frame rate that the plans come to.
fn expected(call: &Call<'_>, params: &Params) -> Result<(u64, FrameRate), Failure> {
    let mut frames = 0;
    let mut rate = None;
    for plan in &params.plans {
        for file in call.many(plan.slot()) {
            let bytes = std::fs::read(&file.path)
                .map_err(|error| Failure::new(format!("cannot read a plan: {error}")))?;
            let plan: Plan = serde_json::from_slice(&bytes)
                .map_err(|error| Failure::new(format!("`{}` is not a plan: {error}", plan.slot())))?;
            frames += plan.frames;
            if *rate.get_or_insert(plan.fps) != plan.fps {
                return Err(Failure::new("the plans have different frame rates"));
            }
        }
    }
    let rate = rate.ok_or_else(|| Failure::new("a film needs the plan of at least one scene"))?;
    Ok((frames, rate))
}

fn segments(call: &Call<'_>, params: &Params) -> Result<Vec<Segment>, Failure> {
    let files = params.segments.iter().flat_map(|segment| call.many(segment.slot()));
    files.map(|file| Segment::of_header(&file.path).map_err(crate::failure)).collect()
}

/// Reads the film back: streams, counts and ends.
fn check(path: &Path, frames: u64, rate: FrameRate, with_sound: bool) -> Result<(), Failure> {
    let FilmFacts { video, audio, .. } = verify(path, false).map_err(crate::failure)?;
    let wrong = |what: String| Failure::new(format!("the joined film is not right: {what}"));
    let video = video.ok_or_else(|| wrong("it has no pictures".into()))?;
    if video.packets != frames {
        return Err(wrong(format!("it has {} frames where {frames} belong", video.packets)));
    }
    let end = rate.sample_of(frames, SAMPLE_RATE);
    match audio {
        None if with_sound => Err(wrong("it has no sound".into())),
        Some(audio) if audio.end_at(SAMPLE_RATE).abs_diff(end) > AAC_FRAME => Err(wrong(format!(
            "its sound ends at sample {}, its pictures at {end}",
            audio.end_at(SAMPLE_RATE)
        ))),
        _ => Ok(()),
    }
}
