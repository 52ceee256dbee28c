//! The run of `thumbnail`: one picture out of a video. It knows no scene.

use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use reel_engine::operation::{Call, Failure, FailureCode, Outcome};
use reel_nodes::film::thumbnail::{Format, Params};

use crate::av::{frame_at, rgba_of};
use crate::params;

/// Quality of JPEG, of 100.
const QUALITY: u8 = 90;

/// Takes the picture that slot `video` shows at a time into port `image`.
///
/// # Errors
/// When the video cannot be decoded.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let frame = frame_at(&call.one(params.video.slot())?.path, params.at.as_micros(), None);
    let picture = rgba_of(&frame.map_err(crate::failure)?).map_err(crate::failure)?;
    match params.format {
        Format::Png => Ok(Outcome::default().with_bytes("image", "image/png", crate::png(&picture)?)),
        Format::Jpg => {
            let rgb: Vec<u8> =
                picture.pixels.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, QUALITY)
                .write_image(&rgb, picture.width as u32, picture.height as u32, ExtendedColorType::Rgb8)
                .map_err(|error| {
                    Failure::of(FailureCode::Machine, format!("cannot encode the picture: {error}"))
                })?;
            Ok(Outcome::default().with_bytes("image", "image/jpeg", bytes))
        }
    }
}
