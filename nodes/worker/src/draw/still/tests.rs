//! Tests of scaling stills.

mod colours;
mod inks;

use fast_image_resize::CpuExtensions;
use image::{ImageEncoder, Rgb, RgbImage};

use super::*;

fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn quarters() -> RgbImage {
    RgbImage::from_fn(40, 20, |x, y| match (x < 20, y < 10) {
        (true, true) => Rgb([200, 30, 30]),
        (false, true) => Rgb([30, 200, 30]),
        (true, false) => Rgb([30, 30, 200]),
        (false, false) => Rgb([240, 240, 240]),
    })
}

fn pixel(picture: &Rgba, x: usize, y: usize) -> [u8; 4] {
    picture.pixels.as_chunks::<4>().0[y * picture.width + x]
}

fn solid(width: usize, height: usize, pixel: [u8; 4]) -> Rgba {
    Rgba { width, height, pixels: pixel.repeat(width * height) }
}

#[test]
fn lossless_formats_come_out_as_they_went_in() {
    let picture = quarters();
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
        let decoded = decode_image(&encoded(&picture, format)).unwrap();
        assert_eq!((decoded.width, decoded.height), (40, 20));
        assert_eq!(pixel(&decoded, 3, 3), [200, 30, 30, 255]);
        assert_eq!(pixel(&decoded, 33, 3), [30, 200, 30, 255]);
        assert_eq!(pixel(&decoded, 33, 13), [240, 240, 240, 255]);
    }
}

#[test]
fn sixteen_bits_are_rounded_to_eight() {
    let picture = image::ImageBuffer::from_fn(256, 2, |x, y| {
        image::Luma([(x * 257 + y * if x < 255 { 128 } else { 0 }) as u16])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let decoded = decode_image(bytes.get_ref()).unwrap();
    for x in 0..256 {
        assert_eq!(usize::from(pixel(&decoded, x, 0)[0]), x);
        assert_eq!(usize::from(pixel(&decoded, x, 1)[0]), x, "128 of 257 is less than a half");
    }
}

#[test]
fn a_profile_is_converted_to_srgb_and_srgb_is_left_alone() {
    let tagged = |profile: &moxcms::ColorProfile| {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.set_icc_profile(profile.encode().unwrap()).unwrap();
        encoder.write_image(&quarters(), 40, 20, ExtendedColorType::Rgb8).unwrap();
        decode_image(&bytes).unwrap()
    };
    let same = tagged(&moxcms::ColorProfile::new_srgb());
    assert_eq!(pixel(&same, 3, 3), [200, 30, 30, 255]);
    let p3 = tagged(&moxcms::ColorProfile::new_display_p3());
    let [r, g, b, _] = pixel(&p3, 3, 3);
    // Display P3 (200, 30, 30) is redder than sRGB's (200, 30, 30).
    assert!(r > 212 && g < 15 && b < 32, "{r} {g} {b}");
    let [r, g, b, _] = pixel(&p3, 33, 13);
    assert!(r.abs_diff(240) <= 1 && g.abs_diff(240) <= 1 && b.abs_diff(240) <= 1, "grey stays grey");
}

#[test]
fn what_is_no_picture_is_named() {
    let error = decode_image(b"<!doctype html><html><body>404").unwrap_err().to_string();
    assert!(error.starts_with("not a picture reel can read: it looks like an HTML page"), "{error}");
}

#[test]
fn damaged_pictures_are_errors() {
    let noise = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, y as u8]));
    for format in
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff]
    {
        let bytes = encoded(&noise, format);
        for part in [bytes.len() / 4, bytes.len() / 2, bytes.len() * 9 / 10] {
            let result = decode_image(&bytes[..part]);
            assert!(matches!(result, Err(DrawError::Damaged { .. })), "{format:?} cut at {part}");
        }
    }
}

#[test]
fn a_picture_larger_than_the_limit_is_refused_unread() {
    let mut bytes = encoded(&quarters(), ImageFormat::Bmp);
    bytes[18..22].copy_from_slice(&20_000_u32.to_le_bytes());
    assert!(decode_image(&bytes).is_err());
}

#[test]
fn print_colours_are_refused() {
    let mut bytes = encoded(&quarters(), ImageFormat::Jpeg);
    let sof = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    bytes[sof + 9] = 4;
    assert!(matches!(decode_image(&bytes), Err(DrawError::PrintColours { .. })));
}

fn extensions() -> Vec<CpuExtensions> {
    #[cfg(target_arch = "x86_64")]
    let all = [CpuExtensions::None, CpuExtensions::Sse4_1, CpuExtensions::Avx2];
    #[cfg(not(target_arch = "x86_64"))]
    let all = [CpuExtensions::None];
    all.into_iter().filter(CpuExtensions::is_supported).collect()
}

#[test]
fn scaling_is_the_same_with_and_without_vector_instructions() {
    let noise: Vec<u8> =
        (0..301 * 203 * 4_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut opaque = noise.clone();
    opaque.as_chunks_mut::<4>().0.iter_mut().for_each(|p| p[3] = 255);
    for (pixels, use_alpha) in [(opaque, false), (noise, true)] {
        let picture = Rgba { width: 301, height: 203, pixels };
        for (width, height) in [(97, 61), (640, 480), (301, 203), (40, 400), (7, 5)] {
            let fast = scale(&picture, width, height).unwrap();
            let from = ImageRef::new(301, 203, &picture.pixels, PixelType::U8x4).unwrap();
            for extensions in extensions() {
                let mut out = Image::new(width as u32, height as u32, PixelType::U8x4);
                let mut resizer = Resizer::new();
                #[expect(unsafe_code, reason = "only those that the machine has are asked for")]
                // SAFETY: `extensions` gives what is supported here.
                unsafe {
                    resizer.set_cpu_extensions(extensions);
                }
                let options = ResizeOptions::new()
                    .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
                    .use_alpha(use_alpha);
                resizer.resize(&from, &mut out, &options).unwrap();
                assert_eq!(
                    fast.pixels,
                    out.into_vec(),
                    "{width} × {height}, alpha {use_alpha}, {extensions:?}"
                );
            }
        }
    }
}

#[test]
fn transparent_pixels_lend_no_colour() {
    let mut picture = solid(64, 64, [255, 0, 0, 255]);
    for p in &mut picture.pixels.as_chunks_mut::<4>().0[2048..] {
        *p = [0, 255, 0, 0];
    }
    let small = scale(&picture, 64, 21).unwrap();
    for &[r, g, _, a] in small.pixels.as_chunks::<4>().0 {
        assert!(a == 0 || (r > 250 && g < 5), "{r} {g} {a}");
    }
}

#[test]
fn flat_pictures_come_out_as_the_matrix_says() {
    for colour in [[255, 255, 255], [0, 0, 0], [11, 16, 33], [200, 30, 30], [1, 254, 128]] {
        let [r, g, b] = colour;
        for fit in [Fit::Cover, Fit::Contain, Fit::Blur] {
            let still =
                prepare_still(&solid(333, 777, [r, g, b, 255]), (216, 384), &placing(fit, colour, 1120))
                    .unwrap();
            assert_eq!((still.width, still.height), (242, 432));
            let want = yuv_of_rgb(colour);
            for (plane, want) in still.planes.iter().zip(want) {
                assert!(plane.iter().all(|&v| v == want), "{colour:?} {fit:?}");
            }
        }
    }
}

#[test]
fn contain_shows_all_and_cover_fills() {
    let wide = solid(400, 100, [255, 255, 255, 255]);
    let background = [0, 0, 0];
    let contained = prepare_still(&wide, (100, 100), &placing(Fit::Contain, background, 1000)).unwrap();
    let column: Vec<u8> = (0..100).map(|y| contained.planes[0][y * 100 + 50]).collect();
    assert_eq!(column.iter().filter(|&&y| y == 235).count(), 25);
    assert_eq!((column[0], column[50], column[99]), (16, 235, 16));
    let covered = prepare_still(&wide, (100, 100), &placing(Fit::Cover, background, 1000)).unwrap();
    assert!(covered.planes[0].iter().all(|&y| y == 235));
    let blurred = prepare_still(&wide, (100, 100), &placing(Fit::Blur, background, 1000)).unwrap();
    assert!(blurred.planes[0].iter().all(|&y| y == 235));
}

#[test]
fn transparency_shows_the_background() {
    let still =
        prepare_still(&solid(50, 50, [9, 9, 9, 0]), (50, 50), &placing(Fit::Cover, [11, 16, 33], 1000))
            .unwrap();
    assert!(still.planes[0].iter().all(|&y| y == yuv_of_rgb([11, 16, 33])[0]));
}

#[test]
fn an_odd_frame_is_refused() {
    assert!(prepare_still(&solid(5, 5, [0; 4]), (101, 100), &placing(Fit::Cover, [0; 3], 1000)).is_err());
}

fn placing(fit: Fit, background: [u8; 3], zoom_milli: u32) -> Placing {
    Placing { fit, focus: Point::default(), whole: false, background, zoom_milli }
}

/// Columns of different grey: which of them is seen tells where a picture was cut.
fn columns(width: usize, height: usize) -> Rgba {
    let grey = |x: usize| (x * 255 / (width - 1)) as u8;
    let pixels = (0..width * height).flat_map(|i| [grey(i % width), grey(i % width), grey(i % width), 255]);
    Rgba { width, height, pixels: pixels.collect() }
}

#[test]
fn a_focus_decides_what_is_cut_off() {
    let picture = columns(400, 100);
    let middle = |focus: u32| {
        let focus = Point { x: Percent(focus), ..Point::default() };
        let how = Placing { focus, ..placing(Fit::Cover, [0; 3], 1000) };
        let still = prepare_still(&picture, (100, 100), &how).unwrap();
        assert_eq!((still.width, still.height), (100, 100));
        (f64::from(still.planes[0][50 * 100 + 50]) - 16.0) / 219.0
    };
    for (focus, want) in [(50_000, 0.5), (25_000, 0.25), (0, 0.125), (100_000, 0.875), (80_000, 0.8)] {
        assert!((middle(focus) - want).abs() < 0.01, "{focus}: {}", middle(focus));
    }
}

#[test]
fn a_picture_for_a_travelling_camera_is_kept_whole() {
    let how = Placing { whole: true, ..placing(Fit::Cover, [0; 3], 1500) };
    let wide = prepare_still(&columns(400, 100), (100, 100), &how).unwrap();
    assert_eq!((wide.width, wide.height), (600, 150));
    let high = prepare_still(&columns(100, 333), (100, 100), &how).unwrap();
    assert_eq!((high.width, high.height), (150, 500));
    let endless = prepare_still(&columns(16_000, 10), (100, 100), &how);
    assert!(matches!(endless, Err(DrawError::Size { .. } | DrawError::TooLarge { .. })));
}
