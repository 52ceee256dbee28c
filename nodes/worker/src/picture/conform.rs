//! The run of `conform`: any video to the film's size, rate and colour. It knows no scene and no film.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::media::encoding::Encoding;
use reel_nodes::media::picture::Fit;
use reel_nodes::picture::conform::Params;

use crate::av::{ConformSpec, EncodeSpec, Fit as Fitted, VideoEncoder, VideoReader};
use crate::frame::yuv_of_rgb;
use crate::params;

/// A segment may begin on any frame: no more than this many are decoded for nothing.
const KEY_DISTANCE: u32 = 15;

/// Conforms slot `video` into port `video`, without loss.
///
/// # Errors
/// When the video cannot be decoded or the result not written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let [red, green, blue, _] = params.background.rgba;
    let rate = params.speed.of_recording(params.fps).ok_or_else(|| {
        Failure::new(format!("{} pictures a second at a speed of {} are too many", params.fps, params.speed))
    })?;
    let spec = ConformSpec {
        width: params.size.width,
        height: params.size.height,
        fit: match params.fit {
            Fit::Cover => Fitted::Cover { focus: (params.focus.x.0, params.focus.y.0) },
            Fit::Contain => Fitted::Contain { background: yuv_of_rgb([red, green, blue]) },
            Fit::Blur => Fitted::Blur,
        },
        rate,
        from_us: params.from.as_micros(),
        to_us: params.to.map(|to| to.as_micros()),
    };
    let reader = VideoReader::open(&call.one(params.video.slot())?.path, spec).map_err(crate::failure)?;
    let path = call.scratch.join("conform.mp4");
    let mut encoder = VideoEncoder::create(&path, &lossless(&params)).map_err(crate::failure)?;
    let mut frames = 0_u64;
    for frame in reader {
        if (call.cancelled)() {
            return Err(crate::cancelled());
        }
        encoder.push(&frame.map_err(crate::failure)?).map_err(crate::failure)?;
        frames += 1;
        if frames.is_multiple_of(30) {
            // How many there will be is not known; that it moves is what counts.
            (call.progress)(500);
        }
    }
    if frames == 0 {
        return Err(Failure::new("the video has no picture in the part that is asked for"));
    }
    encoder.finish().map_err(crate::failure)?;
    Ok(Outcome::default().with_file("video", "video/mp4", path))
}

fn lossless(params: &Params) -> EncodeSpec {
    EncodeSpec {
        width: params.size.width,
        height: params.size.height,
        rate: params.fps,
        encoding: Encoding::lossless(KEY_DISTANCE),
        gpu: None,
    }
}
