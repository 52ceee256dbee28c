//! The run of `frames`: a segment decoded, and each of its pictures as PNG. It knows no film.

use reel_engine::operation::{Call, Failure, FailureCode, Outcome};
use reel_nodes::film::frames::Params;
use reel_nodes::media::picture::frame_port;

use crate::av::{ConformSpec, Fit, VideoReader, rgba_of};
use crate::frame::Yuv420;
use crate::params;

/// Makes the pictures of slot `video` into ports `frame-1`, `frame-2`, ….
///
/// # Errors
/// When the segment cannot be decoded, or has another number of pictures.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (width, height) = (params.size.width, params.size.height);
    let whole = ConformSpec { width, height, fit: Fit::COVER, rate: params.fps, from_us: 0, to_us: None };
    let mut reader =
        VideoReader::open(&call.one(params.video.slot())?.path, whole).map_err(crate::failure)?;
    let mut outcome = Outcome::default();
    let mut last: Option<(Yuv420, Vec<u8>)> = None;
    for index in 0..params.frames {
        if (call.cancelled)() {
            return Err(crate::cancelled());
        }
        let picture = reader.next().ok_or_else(|| counted(index, params.frames))?.map_err(crate::failure)?;
        // What stands still is made once.
        let bytes = match last.take() {
            Some((before, bytes)) if before == picture => bytes,
            _ => crate::png(&rgba_of(&picture).map_err(crate::failure)?)?,
        };
        let path = call.scratch.join(format!("{index}.png"));
        std::fs::write(&path, &bytes)
            .map_err(|error| Failure::of(FailureCode::Machine, format!("cannot write a picture: {error}")))?;
        outcome = outcome.with_file(&frame_port(index), "image/png", path);
        last = Some((picture, bytes));
        (call.progress)((u64::from(index + 1) * 1000 / u64::from(params.frames)) as u16);
    }
    let more = reader.take_while(Result::is_ok).count() as u32;
    if more > 0 {
        return Err(counted(params.frames + more, params.frames));
    }
    Ok(outcome)
}

fn counted(found: u32, wanted: u32) -> Failure {
    Failure::new(format!("the segment has {found} frames where {wanted} were expected"))
}
