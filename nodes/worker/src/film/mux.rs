//! The run of `mux`: segments and sound joined to a film and read back. It encodes nothing.

use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::mux::Params;
use reel_nodes::media::time::{FrameRate, SAMPLE_RATE};

use crate::av::{Cover, Extras, FilmFacts, JoinSpec, Layout, Segment, Subtitles, join, verify};
use crate::draw::still::decode_image;
use crate::params;
use crate::plans::expected;

/// Samples of an AAC frame: what a decoded end may be off by.
const AAC_FRAME: u64 = 1024;

/// Joins slots `segments.*` and `audio` into port `video`.
///
/// # Errors
/// When segments differ, or the film is not what the plans say.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (starts, rate) = expected(call, &params.plans)?;
    let frames = starts.last().copied().unwrap_or(0);
    let segments = segments(call, &params)?;
    let there: u64 = segments.iter().map(|segment| segment.frames).sum();
    if there != frames {
        return Err(Failure::new(format!("the segments have {there} frames, the scenes {frames}")));
    }
    let sound = match &params.audio {
        Some(audio) => Some(call.one(audio.slot())?.path.as_path()),
        None => None,
    };
    let path = call.scratch.join("film");
    let extras = extras(call, &params, &starts)?;
    let spec = JoinSpec {
        segments: &segments,
        sound,
        rate,
        container: params.container,
        layout: Layout::IndexFirst,
        cuts: &[],
        extras: &extras,
    };
    join(spec, &path).map_err(crate::failure)?;
    check(&path, frames, rate, sound.is_some())?;
    Ok(Outcome::default().with_file("video", params.container.media(), path))
}

fn segments(call: &Call<'_>, params: &Params) -> Result<Vec<Segment>, Failure> {
    let files = params.segments.iter().flat_map(|segment| call.many(segment.slot()));
    files.map(|file| Segment::of_header(&file.path).map_err(crate::failure)).collect()
}

/// What the film holds beside pictures and sound; `starts` are the frames on which its scenes begin, and its end.
fn extras(call: &Call<'_>, params: &Params, starts: &[u64]) -> Result<Extras, Failure> {
    let scenes = starts.len() - 1;
    if !params.chapters.is_empty() && params.chapters.len() != scenes {
        let titles = params.chapters.len();
        return Err(Failure::new(format!("there are {titles} titles of chapters for {scenes} plans")));
    }
    let tags = [
        ("title", &params.title),
        ("artist", &params.artist),
        ("comment", &params.comment),
        ("date", &params.date),
    ];
    let mut subtitles = Vec::new();
    for track in &params.subtitles {
        let path = call.one(track.captions.slot())?.path.clone();
        // Where nobody says anything there is nothing to show, and no track.
        if std::fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
            subtitles.push(Subtitles { path, language: track.language.clone() });
        }
    }
    Ok(Extras {
        tags: tags.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))).collect(),
        chapters: starts.iter().copied().zip(params.chapters.iter().cloned()).collect(),
        subtitles,
        cover: params.cover.as_ref().map(|cover| read_cover(call, cover.slot())).transpose()?,
    })
}

fn read_cover(call: &Call<'_>, slot: &str) -> Result<Cover, Failure> {
    let (bytes, failure) = crate::read_to_draw(call, slot)?;
    let is_png = bytes.starts_with(b"\x89PNG");
    if !is_png && !bytes.starts_with(b"\xff\xd8\xff") {
        return Err(Failure::new("the cover is neither PNG nor JPEG").help("convert it to one of these"));
    }
    let picture = decode_image(&bytes).map_err(failure)?;
    Ok(Cover { bytes, is_png, size: (picture.width as u32, picture.height as u32) })
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
