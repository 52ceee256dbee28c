//! Pictures in print colours, against what their profile says. The profile is made here: of two steps of each ink, in
//! CIELAB, from what each mixture is to look like.

use std::io::Cursor;

use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::Tag;

use super::super::*;
use super::pixel;

/// Patches of C, M, Y and K.
const PATCHES: [[u8; 4]; 8] = [
    [0, 0, 0, 0],
    [0, 0, 0, 255],
    [255, 0, 0, 0],
    [0, 255, 0, 0],
    [0, 0, 255, 0],
    [255, 255, 0, 0],
    [0, 0, 0, 128],
    [0, 0, 0, 64],
];

/// What a mixture of whole inks is to look like, in sRGB.
fn mixture(inks: [bool; 4]) -> [f64; 3] {
    let each = [[60.0, 160.0, 215.0], [220.0, 60.0, 130.0], [245.0, 225.0, 60.0], [0.0, 0.0, 0.0]];
    let laid = each.iter().zip(inks).filter(|(_, is_laid)| *is_laid);
    laid.fold([255.0; 3], |paper, (ink, _)| std::array::from_fn(|i| paper[i] * ink[i] / 255.0))
}

/// CIELAB under D50, by the matrix of sRGB with Bradford's adaptation.
fn lab(rgb: [f64; 3]) -> [f64; 3] {
    let light = rgb.map(|code| {
        let code = code / 255.0;
        if code <= 0.040_45 { code / 12.92 } else { ((code + 0.055) / 1.055_f64).powf(2.4) }
    });
    let rows = [
        [0.436_074_7, 0.385_064_9, 0.143_080_4],
        [0.222_504_5, 0.716_878_6, 0.060_616_9],
        [0.013_932_2, 0.097_104_5, 0.714_173_3],
    ];
    let white = [0.964_22, 1.0, 0.825_21];
    let f = |row: [f64; 3], white: f64| {
        let part = row.iter().zip(light).map(|(weight, light)| weight * light).sum::<f64>() / white;
        if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 }
    };
    let [x, y, z] = std::array::from_fn(|i| f(rows[i], white[i]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The grey of a lightness.
fn grey(lightness: f64) -> f64 {
    let y = ((lightness + 16.0) / 116.0).powi(3);
    255.0 * (1.055 * y.powf(1.0 / 2.4) - 0.055)
}

/// A profile of a press (ICC.1:2001-04): one table of sixteen bits from four inks to CIELAB.
fn profile() -> Vec<u8> {
    let fixed = |value: f64| ((value * 65_536.0) as i32).to_be_bytes();
    let mut table = b"mft2\0\0\0\0\x04\x03\x02\0".to_vec();
    for index in 0..9 {
        table.extend(fixed(f64::from(u8::from(index % 4 == 0))));
    }
    // Curves of two points, which are straight.
    table.extend([0, 2, 0, 2]);
    (0..4).for_each(|_| table.extend([0, 0, 0xFF, 0xFF]));
    for corner in 0..16_u8 {
        let [l, a, b] = lab(mixture(std::array::from_fn(|ink| corner >> (3 - ink) & 1 == 1)));
        let values = [l * 652.8, (a + 128.0) * 256.0, (b + 128.0) * 256.0];
        table.extend(
            values.iter().flat_map(|value| (value.round().clamp(0.0, 65_535.0) as u16).to_be_bytes()),
        );
    }
    (0..3).for_each(|_| table.extend([0, 0, 0xFF, 0xFF]));
    let white: Vec<u8> = [b"XYZ \0\0\0\0".to_vec(), [0.9642, 1.0, 0.8249].map(fixed).concat()].concat();
    let tags: [(&[u8; 4], &[u8]); 2] = [(b"A2B0", &table), (b"wtpt", &white)];
    let mut body = (tags.len() as u32).to_be_bytes().to_vec();
    let mut at = 128 + 4 + 12 * tags.len();
    for (name, bytes) in tags {
        body.extend([&name[..], &(at as u32).to_be_bytes(), &(bytes.len() as u32).to_be_bytes()].concat());
        at += bytes.len();
    }
    tags.iter().for_each(|(_, bytes)| body.extend(*bytes));
    let mut bytes = vec![0; 128];
    bytes[..4].copy_from_slice(&(at as u32).to_be_bytes());
    bytes[8] = 2;
    bytes[9] = 0x40;
    bytes[12..24].copy_from_slice(b"prtrCMYKLab ");
    bytes[24..36].copy_from_slice(&[7, 0xEA, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    bytes[36..40].copy_from_slice(b"acsp");
    bytes[68..80].copy_from_slice(&[0.9642, 1.0, 0.8249].map(fixed).concat());
    [bytes, body].concat()
}

/// A JPEG of flat blocks, one for each patch: a baseline scan in which blocks have no more than their mean.
fn jpeg(patches: &[[u8; 4]], adobe: Option<u8>, profile: Option<&[u8]>) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        [&[0xFF, marker], &(body.len() as u16 + 2).to_be_bytes()[..], body].concat()
    };
    let mut bytes = vec![0xFF, 0xD8];
    if let Some(transform) = adobe {
        bytes.extend(segment(0xEE, &[b"Adobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat()));
    }
    if let Some(profile) = profile {
        bytes.extend(segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", profile].concat()));
    }
    bytes.extend(segment(0xDB, &[&[0][..], &[8; 64]].concat()));
    let width = (patches.len() as u16 * 8).to_be_bytes();
    let parts = (1..=4).flat_map(|part| [part, 0x11, 0]);
    let frame: Vec<u8> = [8, 0, 8, width[0], width[1], 4].into_iter().chain(parts).collect();
    bytes.extend(segment(0xC0, &frame));
    // Means: nine lengths of four bits each. The rest: one bit that says that there is none.
    let means = [&[0, 0, 0, 0, 9][..], &[0; 12], &[0, 1, 2, 3, 4, 5, 6, 7, 8]].concat();
    bytes.extend(segment(0xC4, &means));
    bytes.extend(segment(0xC4, &[&[0x10, 1][..], &[0; 15], &[0]].concat()));
    bytes.extend(segment(0xDA, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]));
    let mut bits: Vec<bool> = Vec::new();
    let mut before = [0_i32; 4];
    for patch in patches {
        for (value, before) in patch.iter().zip(&mut before) {
            let step = i32::from(*value) - 128 - *before;
            *before += step;
            let length = 32 - step.unsigned_abs().leading_zeros();
            let low = if step < 0 { step - 1 } else { step };
            bits.extend((0..4).rev().map(|bit| length >> bit & 1 == 1));
            bits.extend((0..length).rev().map(|bit| low >> bit & 1 == 1));
            bits.push(false);
        }
    }
    for byte in bits.chunks(8) {
        let byte = (0..8).fold(0, |all, bit| all << 1 | u8::from(byte.get(bit).copied().unwrap_or(true)));
        bytes.push(byte);
        bytes.extend((byte == 0xFF).then_some(0));
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

#[track_caller]
fn assert_shown(picture: &Rgba, across: usize, by: f64, what: &str) {
    for (index, inks) in PATCHES.iter().enumerate() {
        let wanted = match inks {
            [0, 0, 0, black] if ![0, 255].contains(black) => {
                [grey(100.0 * (1.0 - f64::from(*black) / 255.0)); 3]
            }
            inks => mixture(inks.map(|ink| ink == 255)),
        };
        let found = pixel(picture, index * across + across / 2, 0);
        let near = found.iter().zip(wanted).all(|(found, wanted)| (f64::from(*found) - wanted).abs() <= by);
        assert!(near && found[3] == 255, "{what}: {inks:?} is {found:?}, wanted {wanted:.1?}");
    }
}

#[test]
fn a_jpeg_of_inks_looks_as_its_profile_says() {
    let profile = profile();
    let plain = jpeg(&PATCHES, None, Some(&profile));
    assert_shown(&decode_image(&plain).unwrap(), 8, 2.0, "plain");
    // Adobe's programs store what is left of the paper.
    let left = PATCHES.map(|inks| inks.map(|ink| 255 - ink));
    assert_shown(&decode_image(&jpeg(&left, Some(0), Some(&profile))).unwrap(), 8, 2.0, "Adobe");
    // … and as luma and chroma, of which red is what is not cyan.
    let luma = PATCHES.map(|[c, m, y, k]| {
        let [red, green, blue] = [c, m, y].map(f64::from);
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        let chroma = [(blue - luma) / 1.772 + 128.0, (red - luma) / 1.402 + 128.0];
        let [cb, cr] = chroma.map(|part| part.round().clamp(0.0, 255.0) as u8);
        [luma.round() as u8, cb, cr, 255 - k]
    });
    assert_shown(&decode_image(&jpeg(&luma, Some(2), Some(&profile))).unwrap(), 8, 3.0, "luma and chroma");
}

#[test]
fn a_tiff_of_inks_looks_as_its_profile_says() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = encoder.new_image::<colortype::CMYK8>(PATCHES.len() as u32, 1).unwrap();
    image.encoder().write_tag(Tag::IccProfile, profile().as_slice()).unwrap();
    image.write_data(PATCHES.as_flattened()).unwrap();
    assert_shown(&decode_image(bytes.get_ref()).unwrap(), 1, 2.0, "eight bits");
    let mut deep = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut deep).unwrap();
    let mut image = encoder.new_image::<colortype::CMYK16>(PATCHES.len() as u32, 1).unwrap();
    image.encoder().write_tag(Tag::IccProfile, profile().as_slice()).unwrap();
    let samples: Vec<u16> = PATCHES.as_flattened().iter().map(|ink| u16::from(*ink) * 257).collect();
    image.write_data(&samples).unwrap();
    assert_shown(&decode_image(deep.get_ref()).unwrap(), 1, 2.0, "sixteen bits");
}

#[test]
fn inks_without_a_profile_of_inks_are_refused() {
    let refused = |bytes: &[u8]| {
        let said = decode_image(bytes).unwrap_err();
        assert!(matches!(said, DrawError::PrintColours { .. }), "{said}");
        assert!(said.to_string().contains("without a profile of its inks"), "{said}");
    };
    refused(&jpeg(&PATCHES, Some(0), None));
    let of_light = moxcms::ColorProfile::new_srgb().encode().unwrap();
    refused(&jpeg(&PATCHES, Some(0), Some(&of_light)));
    refused(&jpeg(&PATCHES, None, Some(b"no profile")));
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    encoder.write_image::<colortype::CMYK8>(2, 1, &[0; 8]).unwrap();
    refused(bytes.get_ref());
}

#[test]
fn damaged_inks_are_errors() {
    let whole = jpeg(&PATCHES, Some(0), Some(&profile()));
    for part in [whole.len() / 2, whole.len() - 30] {
        let said = decode_image(&whole[..part]).unwrap_err();
        assert!(matches!(said, DrawError::Damaged { .. } | DrawError::PrintColours { .. }), "{part}: {said}");
    }
}
