//! ICC profiles to sRGB, without vector code that differs between machines. It knows no file format.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::frame::Rgba;

/// Converts a picture from the colours that `profile` describes to sRGB. A profile that cannot be read, or is
/// for another kind of picture, or says sRGB itself, changes nothing, as in every viewer.
pub(super) fn to_srgb(picture: &mut Rgba, profile: &[u8], grey: bool) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return;
    };
    match profile.color_space {
        DataColorSpace::Rgb => rgb_to_srgb(picture, &profile),
        DataColorSpace::Gray if grey => grey_to_srgb(picture, &profile),
        _ => {}
    }
}

fn rgb_to_srgb(picture: &mut Rgba, profile: &ColorProfile) {
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options) else {
        return;
    };
    let probe: Vec<u8> =
        (0..16_u32.pow(3) * 3).map(|i| (i / 3 / 16_u32.pow(i % 3) % 16 * 17) as u8).collect();
    let mut there = vec![0; probe.len()];
    let same = |a: &[u8], b: &[u8]| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1);
    if transform.transform(&probe, &mut there).is_err() || same(&probe, &there) {
        return;
    }
    let mut row = Vec::new();
    let mut out = vec![0; picture.width * 3];
    for pixels in picture.pixels.chunks_exact_mut(picture.width * 4) {
        row.clear();
        row.extend(pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]));
        if transform.transform(&row, &mut out).is_err() {
            return;
        }
        for (pixel, colour) in pixels.as_chunks_mut::<4>().0.iter_mut().zip(out.as_chunks::<3>().0) {
            pixel[..3].copy_from_slice(colour);
        }
    }
}

fn grey_to_srgb(picture: &mut Rgba, profile: &ColorProfile) {
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(Layout::Gray, &srgb, Layout::Rgb, options) else {
        return;
    };
    let levels: Vec<u8> = (0..=255).collect();
    let mut table = vec![0; levels.len() * 3];
    if transform.transform(&levels, &mut table).is_err() {
        return;
    }
    for pixel in picture.pixels.as_chunks_mut::<4>().0 {
        let level = usize::from(pixel[0]) * 3;
        pixel[..3].copy_from_slice(&table[level..level + 3]);
    }
}
