//! The run of `sprite`: a picture prepared to lie over others. It knows no scene and no place.

use reel_engine::operation::{Call, Failure, FailureCode, Outcome};
use reel_nodes::picture::sprite::Params;

use crate::draw::still::{decode_image, scale};
use crate::params;

/// Prepares slot `image` into port `sprite`.
///
/// # Errors
/// When the picture cannot be read or the result not written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let picture = decode_image(&call.read(params.image.slot())?).map_err(crate::draw_failure)?;
    let (width, height) = (params.size.width as usize, params.size.height as usize);
    let nearest = |num: usize, den: usize| ((2 * num + den) / (2 * den)).max(1);
    let (across, down) = if picture.width * height > picture.height * width {
        (width, nearest(width * picture.height, picture.width))
    } else {
        (nearest(height * picture.width, picture.height), height)
    };
    let scaled = scale(&picture, across, down).map_err(crate::draw_failure)?;
    let path = call.scratch.join("sprite");
    let write = || scaled.write(std::io::BufWriter::new(std::fs::File::create(&path)?));
    write()
        .map_err(|error| Failure::of(FailureCode::Machine, format!("cannot write the sprite: {error}")))?;
    Ok(Outcome::default().with_file("sprite", "application/x-reel-sprite", path))
}
