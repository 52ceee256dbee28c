//! The run of `svg`: a drawing made into a picture. It knows no scene and no film.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::picture::svg::Params;

use crate::draw::svg::draw_svg;
use crate::params;

/// Draws slot `file` into port `image`.
///
/// # Errors
/// When it is no SVG, or wants what is not declared.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let size = (params.size.width as usize, params.size.height as usize);
    let faces = crate::font_files(call, &params.faces)?;
    let (bytes, failure) = crate::read_to_draw(call, params.file.slot())?;
    let picture = draw_svg(&bytes, &params.set, size, faces).map_err(failure)?;
    Ok(Outcome::default().with_bytes("image", "image/png", crate::png(&picture)?))
}
