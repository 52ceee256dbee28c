//! The run of `track`: passages put together to one track, by stream copy. It decodes nothing.

use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::track::Params;
use reel_nodes::media::encoding::SoundCodec;

use crate::av::join_sound;
use crate::params;

/// Puts slots `passages.*` together into port `audio`.
///
/// # Errors
/// When passages differ, or are not as long as the film.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let files = params.passages.iter().flat_map(|passage| call.many(passage.slot()));
    let passages: Vec<&Path> = files.map(|file| file.path.as_path()).collect();
    let path = call.scratch.join("track.m4a");
    join_sound(&passages, params.samples, &path).map_err(crate::failure)?;
    Ok(Outcome::default().with_file("audio", SoundCodec::Aac.media(), path))
}
