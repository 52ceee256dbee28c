//! The run of `still`: a picture prepared for one frame size. It knows no scene and no encoder.

use std::io::Write;

use reel_engine::operation::{Call, Failure, FailureCode, Outcome};
use reel_nodes::picture::still::Params;

use crate::draw::still::{Placing, decode_image, prepare_still};
use crate::params;

/// Prepares slot `image` into port `still`.
///
/// # Errors
/// When the picture cannot be read or the result not written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let picture = decode_image(&call.read(params.image.slot())?).map_err(crate::draw_failure)?;
    let size = (params.size.width as usize, params.size.height as usize);
    let [red, green, blue, _] = params.background.rgba;
    let Params { fit, focus, whole, zoom, .. } = params;
    let how = Placing { fit, focus, whole, background: [red, green, blue], zoom_milli: zoom };
    let still = prepare_still(&picture, size, &how).map_err(crate::draw_failure)?;
    let path = call.scratch.join("still");
    let write = || {
        let mut file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(&path)?);
        still.write(&mut file)?;
        file.flush()
    };
    write().map_err(|error| Failure::of(FailureCode::Machine, format!("cannot write the still: {error}")))?;
    Ok(Outcome::default().with_file("still", "application/x-reel-still", path))
}
