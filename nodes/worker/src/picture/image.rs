//! The run of `image`: any picture to upright sRGB. It knows no frame size.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::picture::image::Params;

use crate::draw::still::decode_image;
use crate::params;

/// Reads slot `file` into port `image`.
///
/// # Errors
/// When the bytes are no picture that can be read.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (bytes, failure) = crate::read_to_draw(call, params.file.slot())?;
    let picture = decode_image(&bytes).map_err(failure)?;
    Ok(Outcome::default().with_bytes("image", "image/png", crate::png(&picture)?))
}
