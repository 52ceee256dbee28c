//! The runs of kinds that decode bytes from outside or call C. It knows no schedule, cache or terminal.

pub mod av;
pub mod confine;
pub mod draw;
pub mod film;
pub mod frame;
pub mod identity;
pub mod measure;
mod mixer;
pub mod picture;
mod plans;
pub mod runs;
pub mod serve;
pub mod sound;
pub mod speech;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use reel_engine::operation::{Call, Failure, FailureCode};
use reel_nodes::media::font::Face;
use serde::de::DeserializeOwned;

/// The parameters of a call, typed.
pub(crate) fn params<P: DeserializeOwned>(call: &Call<'_>) -> Result<P, Failure> {
    serde_json::from_value(call.params.clone())
        .map_err(|error| Failure::new(format!("parameters are not what this worker knows: {error}")))
}

/// A failure at the FFmpeg border, with what FFmpeg said.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(crate) fn failure(error: av::AvError) -> Failure {
    Failure::new(error.to_string()).help(error.help()).log(av::take_log())
}

/// The number of the graphics device that the action was given, if it was given one.
pub(crate) fn gpu(call: &Call<'_>) -> Result<Option<u32>, Failure> {
    let Some(id) = call.gpus.first() else { return Ok(None) };
    let unknown = || Failure::of(FailureCode::Machine, format!("the driver tells of no device `{id}`"));
    av::hardware::number_of(id).map(Some).ok_or_else(unknown)
}

/// What a run says that was told to stop.
pub(crate) fn cancelled() -> Failure {
    Failure::of(FailureCode::Cancelled, "cancelled")
}

/// A failure at the border of drawing.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(crate) fn draw_failure(error: draw::error::DrawError) -> Failure {
    Failure::new(error.to_string())
}

/// The bytes of the one file in a slot, and how a failure to draw them names it.
pub(crate) fn read_to_draw(
    call: &Call<'_>,
    slot: &str,
) -> Result<(Vec<u8>, impl Fn(draw::error::DrawError) -> Failure), Failure> {
    let path = call.one(slot)?.path.display().to_string();
    Ok((call.read(slot)?, move |error| Failure::new(format!("`{path}`: {error}"))))
}

/// Fonts for drawing, from faces whose files are inputs.
pub(crate) fn fonts(call: &Call<'_>, faces: &[Face]) -> Result<draw::text::Fonts, Failure> {
    draw::text::Fonts::load(font_files(call, faces)?).map_err(draw_failure)
}

/// The bytes of font files that are inputs, with the index of the face in each.
pub(crate) fn font_files(call: &Call<'_>, faces: &[Face]) -> Result<Vec<(Vec<u8>, u32)>, Failure> {
    faces.iter().map(|face| Ok((call.read(&face.slot)?, face.index))).collect()
}

/// A picture as PNG: RGB when it is opaque, else with alpha; quickly compressed, without metadata.
pub(crate) fn png(picture: &frame::Rgba) -> Result<Vec<u8>, Failure> {
    let pixels = picture.pixels.as_chunks::<4>().0;
    let opaque = pixels.iter().all(|pixel| pixel[3] == 255);
    let rgb: Vec<u8> =
        if opaque { pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect() } else { Vec::new() };
    let (bytes, color) =
        if opaque { (&rgb, ExtendedColorType::Rgb8) } else { (&picture.pixels, ExtendedColorType::Rgba8) };
    let mut out = Vec::new();
    PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Sub)
        .write_image(bytes, picture.width as u32, picture.height as u32, color)
        .map_err(|error| Failure::of(FailureCode::Machine, format!("cannot encode a picture: {error}")))?;
    Ok(out)
}
