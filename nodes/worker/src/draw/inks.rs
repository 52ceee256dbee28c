//! Pictures in print colours (CMYK) to sRGB, by the profile that they carry: what inks look like differs from press to
//! press, so without one there is no answer.

use std::io::Cursor;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::draw::error::DrawError;
use crate::frame::Rgba;

/// How much of each ink there is: cyan, magenta, yellow, black, 255 is all of it.
struct Inks {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Decodes a JPEG of four inks and shows it as its profile says.
///
/// # Errors
/// A damaged file, or one without a profile of inks.
pub(super) fn jpeg(bytes: &[u8], profile: Option<&[u8]>, most: usize) -> Result<Rgba, DrawError> {
    const FORMAT: &str = "JPEG";
    let profile = of_inks(profile, FORMAT)?;
    let damaged = |cause: String| DrawError::Damaged { format: FORMAT, cause };
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(most).set_max_height(most);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(error.to_string()))?;
    let stored =
        decoder.input_colorspace().filter(|space| matches!(space, ColorSpace::CMYK | ColorSpace::YCCK));
    let stored = stored.ok_or_else(|| damaged("its four channels are no inks".to_owned()))?;
    let mut decoder =
        JpegDecoder::new_with_options(ZCursor::new(bytes), options.jpeg_set_out_colorspace(stored));
    let mut pixels = decoder.decode().map_err(|error| damaged(error.to_string()))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    if pixels.len() != width * height * 4 {
        return Err(damaged("it has other channels than it says".to_owned()));
    }
    if stored == ColorSpace::YCCK {
        pixels.as_chunks_mut::<4>().0.iter_mut().for_each(from_ycck);
    }
    // Adobe's programs, and all that follow them, store how much paper is left.
    if is_adobe(bytes) {
        pixels.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    shown(&Inks { width, height, pixels }, &profile, FORMAT)
}

/// Decodes a TIFF of four inks and shows it as its profile says.
///
/// # Errors
/// A damaged file, or one without a profile of inks.
pub(super) fn tiff(bytes: &[u8], most: usize) -> Result<Rgba, DrawError> {
    const FORMAT: &str = "TIFF";
    let damaged = |error: &dyn ToString| DrawError::Damaged { format: FORMAT, cause: error.to_string() };
    let mut limits = Limits::default();
    limits.decoding_buffer_size = most;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?.with_limits(limits);
    let profile = of_inks(decoder.get_tag_u8_vec(Tag::IccProfile).ok().as_deref(), FORMAT)?;
    if decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).ok().flatten() == Some(2) {
        return Err(damaged(&"its inks are stored one after the other, which is not read"));
    }
    let (width, height) = decoder.dimensions().map_err(|error| damaged(&error))?;
    let pixels = match decoder.read_image().map_err(|error| damaged(&error))? {
        DecodingResult::U8(pixels) => pixels,
        // 65535 is 255 · 257.
        DecodingResult::U16(pixels) => {
            pixels.into_iter().map(|ink| ((u32::from(ink) + 128) / 257) as u8).collect()
        }
        _ => return Err(damaged(&"its inks are no whole numbers")),
    };
    let (width, height) = (width as usize, height as usize);
    if pixels.len() != width * height * 4 {
        return Err(damaged(&"it has other channels than it says"));
    }
    shown(&Inks { width, height, pixels }, &profile, FORMAT)
}

/// The profile of a picture, if it is one of four inks.
fn of_inks(profile: Option<&[u8]>, format: &'static str) -> Result<ColorProfile, DrawError> {
    let read = profile.and_then(|profile| ColorProfile::new_from_slice(profile).ok());
    let of_inks = read.filter(|profile| profile.color_space == DataColorSpace::Cmyk);
    of_inks.ok_or(DrawError::PrintColours { format })
}

/// Inks from luma, chroma and black, with BT.601's matrix as JPEG has it (JFIF 1.02, and libjpeg of Adobe's fourth
/// channel): what it gives as red is what is not cyan.
fn from_ycck(pixel: &mut [u8; 4]) {
    let [luma, blue, red] = [pixel[0], pixel[1], pixel[2]].map(i64::from);
    let (blue, red) = (blue - 128, red - 128);
    // Sixteen bits behind the point.
    let rgb = [91_881 * red, -22_554 * blue - 46_802 * red, 116_130 * blue];
    for (ink, more) in pixel.iter_mut().zip(rgb) {
        *ink = 255 - (luma + ((more + 32_768) >> 16)).clamp(0, 255) as u8;
    }
}

/// Whether a JPEG says that it is one of Adobe's (segment APP14).
fn is_adobe(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            0xFF => at += 1,
            0xDA => return false,
            0xEE if bytes.get(at + 4..at + 9) == Some(b"Adobe") => return true,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

/// What the inks look like, with the paper white.
fn shown(inks: &Inks, profile: &ColorProfile, format: &'static str) -> Result<Rgba, DrawError> {
    let unusable = |_| DrawError::PrintColours { format };
    let srgb = ColorProfile::new_srgb();
    // Four channels go by the name of the only layout of four that has no alpha to them.
    let transform = profile
        .create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, TransformOptions::default())
        .map_err(unusable)?;
    let Inks { width, height, pixels } = inks;
    let mut shown = Vec::with_capacity(width * height * 4);
    let mut row = vec![0; width * 3];
    for inks in pixels.chunks_exact((width * 4).max(1)) {
        transform.transform(inks, &mut row).map_err(unusable)?;
        shown.extend(row.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]));
    }
    Ok(Rgba { width: *width, height: *height, pixels: shown })
}
