//! Tests of finding fonts and glyphs.

use std::path::Path;

use super::*;

const DEJAVU: &str = "/usr/share/fonts/truetype/dejavu";

fn book() -> Option<FontBook> {
    let there = Path::new(DEJAVU).join("DejaVuSans-Bold.ttf").exists();
    if !there {
        eprintln!("skipped: {DEJAVU} has no fonts");
    }
    there.then(|| FontBook::new(vec![DEJAVU.into()], None))
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_family_gives_its_upright_face_of_the_weight() {
    let Some(book) = book() else { return };
    let file = |bold| {
        let fonts = book.find(Path::new("/"), &names(&["dejavu sans"]), bold).unwrap();
        fonts.found[0].path.file_name().unwrap().to_owned()
    };
    assert_eq!(file(false), "DejaVuSans.ttf");
    assert_eq!(file(true), "DejaVuSans-Bold.ttf");
}

#[test]
fn a_missing_family_suggests_the_nearest() {
    let Some(book) = book() else { return };
    let (code, message, help) = book.find(Path::new("/"), &names(&["Dejavu Sanz"]), false).unwrap_err();
    assert_eq!(code, code::MISSING_FONT);
    assert_eq!(message, "there is no font `Dejavu Sanz`");
    assert_eq!(help, "did you mean `DejaVu Sans`?");
}

#[test]
fn a_character_without_a_glyph_is_named() {
    let Some(book) = book() else { return };
    let fonts = book.find(Path::new("/"), &names(&["DejaVu Sans"]), true).unwrap();
    assert_eq!(fonts.missing_glyph("Déjà vu, 12 °C — ok\u{200b}\u{fe0f}\n"), None);
    let (code, message, _) = fonts.missing_glyph("go 漢").unwrap();
    assert_eq!(code, code::MISSING_GLYPH);
    assert_eq!(message, "`漢` (U+6F22) is not in `DejaVu Sans`");
}

#[test]
fn the_memo_is_used_until_a_folder_changes() {
    let Some(_) = book() else { return };
    let space = tempfile::tempdir().unwrap();
    let (fonts, memo) = (space.path().join("fonts"), space.path().join("memo"));
    std::fs::create_dir(&fonts).unwrap();
    let find = || {
        let book = FontBook::new(vec![fonts.clone()], Some(&memo));
        book.find(space.path(), &names(&["DejaVu Sans"]), true).is_ok()
    };
    assert!(!find());
    let kept = std::fs::metadata(memo.join("fonts.json")).unwrap().modified().unwrap();
    assert!(!find());
    assert_eq!(std::fs::metadata(memo.join("fonts.json")).unwrap().modified().unwrap(), kept);
    std::fs::copy(Path::new(DEJAVU).join("DejaVuSans-Bold.ttf"), fonts.join("b.ttf")).unwrap();
    assert!(find());
}

#[test]
fn font_files_stay_inside_the_project() {
    let space = tempfile::tempdir().unwrap();
    let book = FontBook::new(Vec::new(), None);
    let code = |name: &str| book.find(space.path(), &names(&[name]), false).unwrap_err().0;
    assert_eq!(code("none.ttf"), code::MISSING_FONT);
    std::fs::write(space.path().join("not.ttf"), "text").unwrap();
    assert_eq!(code("not.ttf"), code::WRONG_CONTENT);
    let inner = space.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    assert_eq!(book.find(&inner, &names(&["../not.ttf"]), false).unwrap_err().0, code::OUTSIDE);
}
