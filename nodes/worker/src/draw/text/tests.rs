//! Tests of shaping and drawing text.

use super::*;

const FONTS: &str = "/usr/share/fonts/truetype/dejavu";

/// DejaVu faces by file name; the setup of this project installs them.
pub(in crate::draw) fn dejavu(names: &[&str]) -> Fonts {
    let read = |name: &&str| (std::fs::read(format!("{FONTS}/{name}.ttf")).unwrap(), 0);
    Fonts::load(names.iter().map(read).collect()).unwrap()
}

#[test]
fn what_is_no_font_is_refused_with_its_number() {
    assert!(Fonts::load(vec![]).is_err());
    let bold = std::fs::read(format!("{FONTS}/DejaVuSans-Bold.ttf")).unwrap();
    let error = Fonts::load(vec![(bold.clone(), 0), (b"no font".to_vec(), 0)]).unwrap_err();
    assert_eq!(error.to_string(), "font 2 cannot be used: it is no TrueType or OpenType font");
    assert!(Fonts::load(vec![(bold, 1)]).unwrap_err().to_string().contains("no face of that number"));
}

#[test]
fn a_line_is_as_wide_as_its_glyphs_advance() {
    let mut fonts = dejavu(&["DejaVuSansMono"]);
    let line = fonts.shape("abcdefghij", 100.0);
    assert!((line.width - 602.0).abs() < 0.5, "{}", line.width);
    assert_eq!(line.glyphs.len(), 10);
    assert!((line.glyphs[5].x - 301.0).abs() < 0.5);
}

#[test]
fn missing_glyphs_are_named_and_invisible_ones_never_miss() {
    let mut fonts = dejavu(&["DejaVuSansMono-Bold"]);
    assert!(fonts.missing_glyphs("Zeit: 9 ¾ – ok\u{200d}\u{fe0f}\u{ad}\u{a0}\n\tend").is_empty());
    assert_eq!(fonts.missing_glyphs("日本 is 日"), ['日', '本']);
    let error = fonts.check("a日").unwrap_err().to_string();
    assert_eq!(error, "no declared font has a glyph for `日` (U+65E5): name one that does as a further font");
}

#[test]
fn fonts_are_asked_in_their_order() {
    // The Sans faces have mathematical letters that the Serif lacks; a letter that all have is the first's.
    let mut fonts = dejavu(&["DejaVuSerif", "DejaVuSans", "DejaVuSansMono"]);
    let ids: Vec<_> = fonts.faces.iter().map(|face| face.id).collect();
    let of = |fonts: &mut Fonts, text: &str| fonts.shape(text, 40.0).glyphs[0].key.font_id;
    assert_eq!(of(&mut fonts, "a"), ids[0]);
    let only_sans = ('\u{600}'..'\u{700}').find(|&c| {
        let has = |i: usize, fonts: &mut Fonts| {
            let font = fonts.system.get_font(ids[i], Weight::NORMAL).unwrap();
            font.as_swash().charmap().map(c) != 0
        };
        !has(0, &mut fonts) && has(1, &mut fonts) && has(2, &mut fonts)
    });
    let c = only_sans.unwrap();
    assert_eq!(of(&mut fonts, &c.to_string()), ids[1], "{c}");
    assert!(fonts.missing_glyphs(&c.to_string()).is_empty());
}

#[test]
fn arabic_runs_from_right_to_left_and_joins() {
    let mut fonts = dejavu(&["DejaVuSans-Bold"]);
    let line = fonts.shape("القمر", 60.0);
    let first = line.glyphs.iter().min_by_key(|glyph| glyph.start).unwrap();
    assert!(line.glyphs.iter().all(|glyph| glyph.x <= first.x), "the first letter is the rightmost");
    let alone: f32 = "القمر".chars().map(|c| fonts.shape(&c.to_string(), 60.0).width).sum();
    assert!(line.width < alone * 0.95, "joined letters are narrower than isolated ones");
}
