//! The run of `gif`: segments decoded twice, for their colours and for their pictures. It knows no scene.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::gif::Params;

use crate::av::{ConformSpec, Fit, GifEncoder, GifSpec, Palette, VideoReader, frame_at};
use crate::frame::Yuv420;
use crate::params;
use crate::plans::expected;

/// Makes a GIF of the slots `segments.*` in port `video`.
///
/// # Errors
/// When a segment cannot be read, or there are other pictures than the plans say.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (starts, rate) = expected(call, &params.plans)?;
    let frames = starts.last().copied().unwrap_or(0);
    if rate.num() > 50 * rate.den() {
        let fault = Failure::new(format!("a GIF shows at most 50 frames a second, not {rate}"));
        return Err(fault.help("say `fps: 25` for it"));
    }
    let segments: Vec<_> = params.segments.iter().flat_map(|segment| call.many(segment.slot())).collect();
    let first = segments.first().ok_or_else(|| Failure::new("a GIF without segments"))?;
    let picture = frame_at(&first.path, 0, None).map_err(crate::failure)?;
    let (width, height) = (picture.width as u32, picture.height as u32);
    let spec = GifSpec { width, height, rate, colors: params.colors };
    let each = |pass: u64, take: &mut dyn FnMut(&Yuv420) -> Result<(), Failure>| {
        let mut seen = 0;
        for segment in &segments {
            let whole = ConformSpec { width, height, fit: Fit::COVER, rate, from_us: 0, to_us: None };
            for picture in VideoReader::open(&segment.path, whole).map_err(crate::failure)? {
                if (call.cancelled)() {
                    return Err(crate::cancelled());
                }
                take(&picture.map_err(crate::failure)?)?;
                seen += 1;
                (call.progress)(((frames * pass + seen).min(frames * 2) * 500 / frames.max(1)) as u16);
            }
        }
        if seen == frames {
            return Ok(());
        }
        Err(Failure::new(format!("the segments have {seen} frames, the scenes {frames}")))
    };
    let path = call.scratch.join("film.gif");
    let mut palette = Palette::new(&path, spec).map_err(crate::failure)?;
    each(0, &mut |picture| palette.push(picture).map_err(crate::failure))?;
    let colors = palette.finish().map_err(crate::failure)?;
    let mut encoder = GifEncoder::create(&path, spec, &colors).map_err(crate::failure)?;
    each(1, &mut |picture| encoder.push(picture).map_err(crate::failure))?;
    encoder.finish().map_err(crate::failure)?;
    Ok(Outcome::default().with_file("video", "image/gif", path))
}
