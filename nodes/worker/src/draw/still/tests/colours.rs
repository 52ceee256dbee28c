//! Colours of pictures: profiles, palettes, depths and orientations, against what their standards say.

use std::io::Write;

use flate2::Crc;
use flate2::write::ZlibEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ImageEncoder, Rgb, RgbImage, Rgba as Pixel, RgbaImage};
use moxcms::ColorProfile;

use super::super::*;
use super::pixel;

const PATCHES: [[u8; 3]; 8] = [
    [0, 0, 0],
    [255, 255, 255],
    [118, 118, 118],
    [200, 60, 40],
    [30, 140, 60],
    [40, 60, 180],
    [230, 190, 60],
    [180, 120, 100],
];

/// What eight bits of a space with this transfer and this matrix to the primaries of sRGB are in sRGB.
fn in_srgb(code: [u8; 3], to_light: fn(f64) -> f64, matrix: [[f64; 3]; 3]) -> [f64; 3] {
    let light = code.map(|part| to_light(f64::from(part) / 255.0));
    matrix.map(|row| {
        let part: f64 = row.iter().zip(light).map(|(weight, part)| weight * part).sum();
        let part = part.clamp(0.0, 1.0);
        let code = if part <= 0.003_130_8 { 12.92 * part } else { 1.055 * part.powf(1.0 / 2.4) - 0.055 };
        code * 255.0
    })
}

fn srgb_light(code: f64) -> f64 {
    if code <= 0.040_45 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }
}

#[track_caller]
fn assert_near(found: [u8; 4], wanted: [f64; 3], by: f64, what: &str) {
    let near = found.iter().zip(wanted).all(|(found, wanted)| (f64::from(*found) - wanted).abs() <= by);
    assert!(near && found[3] == 255, "{what}: found {found:?}, wanted {wanted:.1?}");
}

#[test]
fn profiles_are_converted_as_their_spaces_say() {
    type Space = (&'static str, ColorProfile, fn(f64) -> f64, [[f64; 3]; 3]);
    let spaces: [Space; 2] = [
        (
            "Display P3",
            ColorProfile::new_display_p3(),
            srgb_light,
            [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]],
        ),
        (
            "Adobe RGB",
            ColorProfile::new_adobe_rgb(),
            |code| code.powf(563.0 / 256.0),
            [[1.3984, -0.3984, 0.0], [0.0, 1.0, 0.0], [0.0, -0.0429, 1.0429]],
        ),
    ];
    let picture = RgbImage::from_fn(8 * 16, 16, |x, _| Rgb(PATCHES[x as usize / 16]));
    for (name, profile, to_light, matrix) in spaces {
        let profile = profile.encode().unwrap();
        let mut png = Vec::new();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_icc_profile(profile.clone()).unwrap();
        encoder.write_image(&picture, 128, 16, ExtendedColorType::Rgb8).unwrap();
        let mut jpeg = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 100);
        encoder.set_icc_profile(profile).unwrap();
        encoder.write_image(&picture, 128, 16, ExtendedColorType::Rgb8).unwrap();
        // What JPEG itself rounds away comes on top.
        for (bytes, by) in [(png, 2.0), (jpeg, 5.0)] {
            let decoded = decode_image(&bytes).unwrap();
            for (index, patch) in PATCHES.into_iter().enumerate() {
                let wanted = in_srgb(patch, to_light, matrix);
                assert_near(pixel(&decoded, index * 16 + 8, 8), wanted, by, &format!("{name} {patch:?}"));
            }
        }
    }
}

#[test]
fn sixteen_bits_in_colour_with_transparency_are_rounded() {
    let of = |value: u16| {
        image::ImageBuffer::from_pixel(4, 4, image::Rgba([value, 65_535 - value, 257 * 9, value]))
    };
    for value in [0, 128, 129, 1000, 32_768, 40_000, 65_406, 65_407, 65_535] {
        let mut bytes = Cursor::new(Vec::new());
        of(value).write_to(&mut bytes, ImageFormat::Png).unwrap();
        let [r, g, b, a] = pixel(&decode_image(bytes.get_ref()).unwrap(), 1, 1);
        let wanted = |value: u16| (f64::from(value) / 257.0).round() as u8;
        assert_eq!([r, g, b, a], [wanted(value), wanted(65_535 - value), 9, wanted(value)], "{value}");
    }
}

/// A chunk of a PNG.
fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()[..]].concat()
}

#[test]
fn palettes_give_their_colours_and_their_transparency() {
    // Four pixels of two bits each: entries 0 to 3, of which entry 1 is half and entry 2 all transparent.
    let mut packed = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&[0, 0b00_01_10_11]).unwrap();
    let header = [&4_u32.to_be_bytes()[..], &1_u32.to_be_bytes()[..], &[2, 3, 0, 0, 0]].concat();
    let png = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"PLTE", &[200, 30, 30, 30, 200, 30, 30, 30, 200, 240, 240, 240]),
        chunk(b"tRNS", &[255, 128, 0]),
        chunk(b"IDAT", &packed.finish().unwrap()),
        chunk(b"IEND", &[]),
    ];
    let decoded = decode_image(&png.concat()).unwrap();
    let found: Vec<[u8; 4]> = (0..4).map(|x| pixel(&decoded, x, 0)).collect();
    assert_eq!(found, [[200, 30, 30, 255], [30, 200, 30, 128], [30, 30, 200, 0], [240, 240, 240, 255]]);
}

#[test]
fn an_animation_is_its_first_picture() {
    let frame = |pixel: [u8; 4]| image::Frame::new(RgbaImage::from_pixel(8, 8, Pixel(pixel)));
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    encoder.encode_frames([frame([200, 30, 30, 255]), frame([30, 200, 30, 255])]).unwrap();
    drop(encoder);
    let [r, g, b, a] = pixel(&decode_image(&gif).unwrap(), 4, 4);
    assert!(r.abs_diff(200) < 9 && g.abs_diff(30) < 9 && b.abs_diff(30) < 9 && a == 255, "{r} {g} {b} {a}");
}

#[test]
fn every_orientation_of_a_photograph_stands_upright() {
    // Where the stored picture's top left and top right corner are seen, by the table of EXIF 2.3: rows first.
    let seen = [
        (1, [(0, 0), (0, 1)]),
        (2, [(0, 1), (0, 0)]),
        (3, [(1, 1), (1, 0)]),
        (4, [(1, 0), (1, 1)]),
        (5, [(0, 0), (1, 0)]),
        (6, [(0, 1), (1, 1)]),
        (7, [(1, 1), (0, 1)]),
        (8, [(1, 0), (0, 0)]),
    ];
    let picture = super::quarters();
    for (orientation, [left, right]) in seen {
        let mut exif = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        exif[18] = orientation;
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder.write_image(&picture, 40, 20, ExtendedColorType::Rgb8).unwrap();
        let decoded = decode_image(&bytes).unwrap();
        let turned = orientation >= 5;
        assert_eq!((decoded.width, decoded.height), if turned { (20, 40) } else { (40, 20) });
        let corner = |(row, column): (usize, usize)| {
            pixel(&decoded, column * (decoded.width - 5) + 2, row * (decoded.height - 5) + 2)
        };
        let (red, green) = (corner(left), corner(right));
        assert!(red[0] > 180 && red[1] < 60, "{orientation}: {red:?} is to be red");
        assert!(green[1] > 180 && green[0] < 60, "{orientation}: {green:?} is to be green");
    }
}
