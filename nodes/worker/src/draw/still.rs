//! Pictures from bytes to what motion samples: decoded, turned, in sRGB, scaled once. It knows no file.

use std::io::Cursor;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbaImage,
};
use reel_nodes::media::camera::Point;
use reel_nodes::media::percent::Percent;
use reel_nodes::media::picture::Fit;

use crate::draw::error::DrawError;
use crate::draw::{colour, inks, sniff};
use crate::frame::{Rgba, Yuv444, yuv_of_rgb};

/// Longest side that is read, in pixels.
const MAX_SIDE: u32 = 16_384;
/// Most memory that a decoder may take, in bytes.
const MAX_ALLOC: u64 = 1 << 30;
/// Most pixels of a still of which all is kept: sampling takes about ten bytes of memory for each.
const MAX_KEPT: usize = 64 << 20;
/// The kinds of file that are read, with the names that errors use.
const FORMATS: [(ImageFormat, &str); 6] = [
    (ImageFormat::Png, "PNG"),
    (ImageFormat::Jpeg, "JPEG"),
    (ImageFormat::WebP, "WebP"),
    (ImageFormat::Gif, "GIF"),
    (ImageFormat::Bmp, "BMP"),
    (ImageFormat::Tiff, "TIFF"),
];

/// Decodes a picture: the first image of a file that holds several, upright, in sRGB, 8 bits a channel.
///
/// # Errors
/// Bytes that are no picture, damaged, too large, or in print colours without a profile.
pub fn decode_image(bytes: &[u8]) -> Result<Rgba, DrawError> {
    let kind = image::guess_format(bytes).ok().and_then(|kind| FORMATS.into_iter().find(|(k, _)| *k == kind));
    let Some((kind, format)) = kind else {
        return Err(DrawError::NotAPicture { what: sniff::looks_like(bytes) });
    };
    let damaged = |cause: &dyn ToString| DrawError::Damaged { format, cause: cause.to_string() };
    let mut is_inks = kind == ImageFormat::Jpeg && check_jpeg(bytes)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|e| limited(&e).unwrap_or_else(|| damaged(&e)))?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(DrawError::TooLarge { size: format!("{width} × {height}") });
    }
    is_inks |= matches!(decoder.original_color_type(), ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16);
    if u64::from(width) * u64::from(height) * 4 > MAX_ALLOC && is_inks {
        return Err(DrawError::TooLarge { size: format!("{width} × {height}") });
    }
    // A tag that cannot be read is as good as none: every viewer shows such a picture.
    let orientation = decoder.orientation().ok();
    let profile = decoder.icc_profile().ok().flatten();
    let mut picture = if is_inks {
        let shown = match kind {
            ImageFormat::Jpeg => inks::jpeg(bytes, profile.as_deref(), MAX_SIDE as usize),
            _ => inks::tiff(bytes, MAX_ALLOC as usize),
        };
        of_rgba(shown?)?
    } else {
        DynamicImage::from_decoder(decoder).map_err(|e| limited(&e).unwrap_or_else(|| damaged(&e)))?
    };
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let grey = !picture.color().has_color();
    let picture = picture.into_rgba8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut picture = Rgba { width, height, pixels: picture.into_raw() };
    if let Some(profile) = profile.filter(|_| !is_inks) {
        colour::to_srgb(&mut picture, &profile, grey);
    }
    Ok(picture)
}

fn of_rgba(picture: Rgba) -> Result<DynamicImage, DrawError> {
    let (width, height) = (picture.width, picture.height);
    let image = RgbaImage::from_raw(width as u32, height as u32, picture.pixels);
    image.map(DynamicImage::ImageRgba8).ok_or(DrawError::Size { width, height })
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    limits
}

/// The error for a picture beyond the limits; its size is not told where the decoder refused early.
fn limited(error: &ImageError) -> Option<DrawError> {
    let ImageError::Limits(limit) = error else {
        return None;
    };
    Some(DrawError::TooLarge { size: limit.to_string() })
}

/// What the JPEG decoder passes over: print colours, which it would convert by a rule of thumb, and a missing
/// end, which it would fill with grey. Gives whether it is the former, with a profile.
fn check_jpeg(bytes: &[u8]) -> Result<bool, DrawError> {
    let (mut is_inks, mut has_profile) = (false, false);
    let damaged = |cause: &str| DrawError::Damaged { format: "JPEG", cause: cause.to_owned() };
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([high, low]));
        match marker {
            0xFF => at += 1,
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                is_inks = bytes.get(at + 9) == Some(&4);
                at += 2 + length;
            }
            0xE2 => {
                has_profile |= bytes.get(at + 4..at + 15) == Some(b"ICC_PROFILE");
                at += 2 + length;
            }
            0xDA if is_inks && !has_profile => return Err(DrawError::PrintColours { format: "JPEG" }),
            0xDA => {
                let rest = &bytes[at..];
                let ended = rest.windows(2).any(|pair| pair == [0xFF, 0xD9]);
                return if ended { Ok(is_inks) } else { Err(damaged("it breaks off before its end")) };
            }
            _ => at += 2 + length,
        }
    }
    Err(damaged("it breaks off before its pixels"))
}

/// Scales to `width` × `height` pixels: cubic (a = −½), wide enough when it makes smaller; transparent pixels
/// lend no colour. The same on every machine: the weights come from a polynomial, the sums are integers.
///
/// # Errors
/// A size of zero or above 32768.
pub fn scale(picture: &Rgba, width: usize, height: usize) -> Result<Rgba, DrawError> {
    let whole = (0.0, 0.0, picture.width as f64, picture.height as f64);
    resample(picture, whole, width, height)
}

/// Scales the part of `picture` at (left, top, width, height), in pixels with a fraction.
fn resample(
    picture: &Rgba,
    (left, top, across, down): (f64, f64, f64, f64),
    width: usize,
    height: usize,
) -> Result<Rgba, DrawError> {
    let size = |_| DrawError::Size { width, height };
    if !(1..=32_768).contains(&width) || !(1..=32_768).contains(&height) {
        return Err(DrawError::Size { width, height });
    }
    let (from_width, from_height) = (picture.width as u32, picture.height as u32);
    let from =
        ImageRef::new(from_width, from_height, &picture.pixels, PixelType::U8x4).map_err(|_| size(()))?;
    let mut out = Image::new(width as u32, height as u32, PixelType::U8x4);
    let opaque = picture.pixels.as_chunks::<4>().0.iter().all(|p| p[3] == 255);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .crop(left, top, across, down)
        .use_alpha(!opaque);
    Resizer::new().resize(&from, &mut out, &options).map_err(|_| size(()))?;
    Ok(Rgba { width, height, pixels: out.into_vec() })
}

/// How a picture is brought to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placing {
    /// How it fills a frame of another shape.
    pub fit: Fit,
    /// For [`Fit::Cover`]: the point that comes as near to the middle as it can.
    pub focus: Point,
    /// For [`Fit::Cover`]: whether what stands over is kept.
    pub whole: bool,
    /// What shows where it is transparent or does not reach.
    pub background: [u8; 3],
    /// The largest zoom, in thousandths.
    pub zoom_milli: u32,
}

/// Makes a picture ready to be sampled in frames of `width` × `height` pixels at zooms up to the largest: scaled
/// once to the frame at that zoom (rounded up to even numbers), placed as `how` says.
///
/// # Errors
/// A frame that is odd, empty or too large.
pub fn prepare_still(
    picture: &Rgba,
    (width, height): (usize, usize),
    how: &Placing,
) -> Result<Yuv444, DrawError> {
    if width % 2 + height % 2 != 0 || width == 0 || height == 0 {
        return Err(DrawError::Size { width, height });
    }
    let zoomed = |side: usize| (side * how.zoom_milli.max(1000) as usize).div_ceil(2000) * 2;
    let (width, height) = (zoomed(width), zoomed(height));
    let picture = flattened(picture, how.background);
    let fitted = match how.fit {
        Fit::Cover if how.whole => {
            let (width, height) = standing_over(&picture, width, height)?;
            scale(&picture, width, height)?
        }
        Fit::Cover => cover(&picture, width, height, how.focus)?,
        Fit::Contain => {
            let [r, g, b] = how.background;
            let pixels = [r, g, b, 255].repeat(width * height);
            contain(&picture, Rgba { width, height, pixels })?
        }
        Fit::Blur => contain(&picture, blurred_cover(&picture, width, height)?)?,
    };
    Ok(yuv444(&fitted))
}

/// The even size of the picture's own shape that just covers `width` × `height`.
fn standing_over(picture: &Rgba, width: usize, height: usize) -> Result<(usize, usize), DrawError> {
    let even = |num: usize, den: usize| (num + den) / (2 * den) * 2;
    let (w, h) = (picture.width, picture.height);
    let (wide, high) = if w * height > h * width {
        (even(w * height, h).max(width), height)
    } else {
        (width, even(h * width, w).max(height))
    };
    if wide * high > MAX_KEPT {
        let size = format!("{w} × {h}, of which all is kept for the camera to travel over,");
        return Err(DrawError::TooLarge { size });
    }
    Ok((wide, high))
}

/// Laid on one colour.
fn flattened(picture: &Rgba, background: [u8; 3]) -> Rgba {
    let mut picture = picture.clone();
    for [r, g, b, a] in picture.pixels.as_chunks_mut::<4>().0 {
        let alpha = u32::from(*a);
        for (value, under) in [r, g, b].into_iter().zip(background) {
            *value = ((u32::from(*value) * alpha + u32::from(under) * (255 - alpha) + 127) / 255) as u8;
        }
        *a = 255;
    }
    picture
}

/// The part of the target's shape about the focus, scaled to it.
fn cover(picture: &Rgba, width: usize, height: usize, focus: Point) -> Result<Rgba, DrawError> {
    let (w, h) = (picture.width as f64, picture.height as f64);
    let (across, down) = if picture.width * height > picture.height * width {
        (h * width as f64 / height as f64, h)
    } else {
        (w, w * height as f64 / width as f64)
    };
    let from = |side: f64, cut: f64, focus: Percent| {
        (side * f64::from(focus.0) / 100_000.0 - cut / 2.0).clamp(0.0, side - cut)
    };
    let part = (from(w, across, focus.x), from(h, down, focus.y), across, down);
    resample(picture, part, width, height)
}

/// All of `picture`, as large as fits, in the middle of `under`.
fn contain(picture: &Rgba, mut under: Rgba) -> Result<Rgba, DrawError> {
    let (w, h) = (under.width, under.height);
    let nearest = |num: usize, den: usize| ((2 * num + den) / (2 * den)).max(1);
    let (across, down) = if picture.width * h > picture.height * w {
        (w, nearest(w * picture.height, picture.width))
    } else {
        (nearest(h * picture.width, picture.height), h)
    };
    let scaled = scale(picture, across, down)?;
    let (left, top) = ((w - across) / 2, (h - down) / 2);
    for (row, from) in scaled.pixels.chunks_exact(across * 4).enumerate() {
        let start = ((top + row) * w + left) * 4;
        under.pixels[start..start + across * 4].copy_from_slice(from);
    }
    Ok(under)
}

/// A copy that covers, so blurred that only its light and colour remain: scaled to a few dozen pixels, mixed
/// with its neighbours, and up again.
fn blurred_cover(picture: &Rgba, width: usize, height: usize) -> Result<Rgba, DrawError> {
    let small = |side: usize| side.div_ceil(32).max(2);
    let mut tiny = cover(picture, small(width), small(height), Point::default())?;
    for _ in 0..2 {
        tiny = neighbours_mixed(&tiny);
    }
    scale(&tiny, width, height)
}

/// Every pixel the mean of itself and its eight neighbours, weighted 1 2 1 both ways, edges repeated.
fn neighbours_mixed(picture: &Rgba) -> Rgba {
    let (w, h) = (picture.width, picture.height);
    let at = |x: usize, y: usize, c: usize| u32::from(picture.pixels[(y * w + x) * 4 + c]);
    let near = |i: usize, size: usize| [(i.saturating_sub(1), 1), (i, 2), ((i + 1).min(size - 1), 1)];
    let mut pixels = Vec::with_capacity(w * h * 4);
    for i in 0..w * h * 4 {
        let (x, y, c) = (i / 4 % w, i / 4 / w, i % 4);
        let rows = near(y, h).into_iter();
        let sum: u32 = rows
            .map(|(y, wy)| near(x, w).into_iter().map(|(x, wx)| wx * wy * at(x, y, c)).sum::<u32>())
            .sum();
        pixels.push(((sum + 8) / 16) as u8);
    }
    Rgba { width: w, height: h, pixels }
}

/// Opaque sRGB as the planes that are sampled.
fn yuv444(picture: &Rgba) -> Yuv444 {
    let size = picture.width * picture.height;
    let mut planes = [Vec::with_capacity(size), Vec::with_capacity(size), Vec::with_capacity(size)];
    for &[r, g, b, _] in picture.pixels.as_chunks::<4>().0 {
        for (plane, value) in planes.iter_mut().zip(yuv_of_rgb([r, g, b])) {
            plane.push(value);
        }
    }
    Yuv444 { width: picture.width, height: picture.height, planes }
}

#[cfg(test)]
mod tests;
