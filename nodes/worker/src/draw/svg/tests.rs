//! Tests of drawing SVG.

use super::*;

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50">
<rect width="50" height="50" fill="#c81e1e"/>
<text x="55" y="30" font-size="12" font-family="Nowhere, sans-serif">{{city}}</text></svg>"##;

fn faces(names: &[&str]) -> Vec<(Vec<u8>, u32)> {
    let read =
        |name: &&str| (std::fs::read(format!("/usr/share/fonts/truetype/dejavu/{name}.ttf")).unwrap(), 0);
    names.iter().map(read).collect()
}

fn set(value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("city".to_owned(), value.to_owned())])
}

fn message(result: Result<Rgba, DrawError>) -> String {
    result.unwrap_err().to_string()
}

fn pixel(picture: &Rgba, x: usize, y: usize) -> [u8; 4] {
    picture.pixels.as_chunks::<4>().0[y * picture.width + x]
}

fn dark(picture: &Rgba) -> usize {
    picture.pixels.as_chunks::<4>().0.iter().filter(|p| p[0] < 100 && p[3] > 128).count()
}

#[test]
fn a_drawing_covers_the_size_that_is_asked_for() {
    let picture = draw_svg(DRAWING.as_bytes(), &set("Oslo"), (300, 400), faces(&["DejaVuSans"])).unwrap();
    assert_eq!((picture.width, picture.height), (800, 400));
    assert_eq!(pixel(&picture, 10, 10), [200, 30, 30, 255]);
    assert_eq!(pixel(&picture, 790, 10), [0; 4]);
    assert!(dark(&picture) > 500, "the text is there");
}

#[test]
fn values_are_text_whatever_they_hold() {
    let with =
        |value: &str| draw_svg(DRAWING.as_bytes(), &set(value), (200, 100), faces(&["DejaVuSans"])).unwrap();
    let hostile = with("</text><rect width=\"100\" height=\"50\"/>");
    assert_eq!(pixel(&hostile, 190, 10), [0; 4]);
    assert!(dark(&with("A & B")) > dark(&with("A")));
}

#[test]
fn names_and_values_must_match() {
    let none = BTreeMap::new();
    let error = message(draw_svg(DRAWING.as_bytes(), &none, (9, 9), faces(&["DejaVuSans"])));
    assert_eq!(error, "cannot draw this svg: `{{city}}` in it has no value: `set` gives nothing");
    let mut both = set("Oslo");
    both.insert("town".into(), String::new());
    let error = message(draw_svg(DRAWING.as_bytes(), &both, (9, 9), faces(&["DejaVuSans"])));
    assert!(error.contains("`set` gives `town`"), "{error}");
}

#[test]
fn text_needs_declared_fonts_with_its_glyphs() {
    let error = message(draw_svg(DRAWING.as_bytes(), &set("Oslo"), (200, 100), vec![]));
    assert!(error.contains("declare `font`"), "{error}");
    let error = message(draw_svg(DRAWING.as_bytes(), &set("東"), (200, 100), faces(&["DejaVuSans"])));
    assert!(error.contains("`東` (U+6771)"), "{error}");
    let both = draw_svg(DRAWING.as_bytes(), &set("عرب"), (200, 100), faces(&["DejaVuSerif", "DejaVuSans"]));
    assert!(dark(&both.unwrap()) > 30, "the second font has them");
}

#[test]
fn the_family_that_is_asked_for_is_taken_when_it_is_declared() {
    let in_family = |family: &str| {
        let drawing = DRAWING.replace("Nowhere, sans-serif", family);
        draw_svg(drawing.as_bytes(), &set("Oslo"), (800, 400), faces(&["DejaVuSans", "DejaVuSerif"])).unwrap()
    };
    assert_eq!(in_family("Nowhere"), in_family("DejaVu Sans"));
    assert_ne!(in_family("DejaVu Serif"), in_family("DejaVu Sans"));
}

#[test]
fn links_to_files_are_refused() {
    for link in ["/etc/hostname", "picture.png", "https://example.org/a.png"] {
        let drawing = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="{link}" width="9" height="9"/></svg>"#
        );
        let error = message(draw_svg(drawing.as_bytes(), &BTreeMap::new(), (9, 9), vec![]));
        assert!(error.contains(link), "{error}");
    }
}

#[test]
fn gzip_is_unpacked_and_what_is_no_svg_is_refused() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(br#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>"#).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(draw_svg(&packed, &BTreeMap::new(), (9, 9), vec![]).unwrap().width, 9);
    for bytes in [&packed[..20], b"<html></html>", b"", &[0xFF, 0xFE, 0]] {
        assert!(draw_svg(bytes, &BTreeMap::new(), (9, 9), vec![]).is_err());
    }
    let thin = br#"<svg xmlns="http://www.w3.org/2000/svg" width="1" height="10000"/>"#;
    assert!(message(draw_svg(thin, &BTreeMap::new(), (1080, 1920), vec![])).contains("16384"));
}
