//! Captions in many scripts, drawn and compared with pictures beside this file that somebody has looked at.
//! `REEL_UPDATE=1` draws them anew; look at them before they are kept.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on must end, and say why it skips"
)]

use std::path::{Path, PathBuf};

use image::RgbImage;
use reel_engine::quantity::Color;
use reel_nodes::media::look::{
    CaptionLook, CaptionPosition, CaptionStyle, CaptionType, default_box, default_shadow,
};
use reel_nodes::media::time::FrameRate;
use reel_nodes::media::words::parts::parts;
use reel_nodes::media::words::{Cue, Word, Words};
use reel_worker::draw::caption::CaptionPainter;
use reel_worker::draw::cues::{CueStyle, layout_cues};
use reel_worker::draw::text::Fonts;
use reel_worker::frame::{Yuv420, yuv_of_rgb};

const W: usize = 480;
const H: usize = 160;

/// Where Debian's packages of fonts put them; the setup of this project installs them.
const FOLDERS: [&str; 3] =
    ["/usr/share/fonts/truetype/noto", "/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype/dejavu"];

/// A file, and the number of the face in it.
type Face = (&'static str, u32);

const LATIN: Face = ("DejaVuSans-Bold.ttf", 0);

fn file(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

fn fonts(test: &str, faces: &[Face]) -> Option<Fonts> {
    let read = |(name, index): &Face| {
        let path = file(name).or_else(|| {
            println!("{test}: skipped, the font {name} is not installed");
            None
        })?;
        Some((std::fs::read(path).unwrap(), *index))
    };
    Some(Fonts::load(faces.iter().map(read).collect::<Option<_>>()?).unwrap())
}

/// The words of a text, half a second each.
fn said(text: &str) -> Words {
    let all = parts(text);
    let time = |n: usize| n as u64 * 500;
    let word = |(n, part): (usize, &reel_nodes::media::words::parts::Part<'_>)| Word {
        text: part.text.to_owned(),
        start: time(n),
        end: time(n + 1),
        last: n + 1 == all.len(),
        joined: part.joined,
    };
    Words { rate: 1000, end: time(all.len()), words: all.iter().enumerate().map(word).collect() }
}

/// All cues of a text, and the first one drawn while its word number `lit` is said.
fn drawn(
    test: &str,
    faces: &[Face],
    text: &str,
    style: CaptionStyle,
    lit: i64,
) -> Option<(Vec<Cue>, RgbImage)> {
    let rules = style.rules(2);
    let layout = CueStyle { size: 40, width: 430, rules };
    let rate = FrameRate::new(30, 1).unwrap();
    let (cues, _) = layout_cues(&said(text), rate, layout, &mut fonts(test, faces)?).unwrap();
    let letters = CaptionType { font: Vec::new(), bold: true, size: 40, width: 430 };
    let look = CaptionLook {
        style,
        position: CaptionPosition::Middle,
        margin: 0,
        color: Color::opaque(255, 255, 255),
        highlight: Color::opaque(255, 212, 0),
        outline: Color::opaque(0, 0, 0),
        outline_width: if style == CaptionStyle::Box { 0 } else { 3 },
        shadow: default_shadow(),
        plate: default_box(),
    };
    let mut painter = CaptionPainter::new(fonts(test, faces)?, &letters, &look, (W, H));
    let mut frame = Yuv420::filled(W, H, yuv_of_rgb([70, 110, 140]));
    painter.paint(&cues, 15 * lit + 7, &mut frame);
    Some((cues, rgb(&frame)))
}

fn rgb(frame: &Yuv420) -> RgbImage {
    RgbImage::from_fn(W as u32, H as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let at = (y / 2) * (W / 2) + x / 2;
        let luma = (f64::from(frame.y[y * W + x]) - 16.0) * 255.0 / 219.0;
        let blue = (f64::from(frame.u[at]) - 128.0) * 255.0 / 224.0;
        let red = (f64::from(frame.v[at]) - 128.0) * 255.0 / 224.0;
        let values = [luma + 1.5748 * red, luma - 0.187_324 * blue - 0.468_124 * red, luma + 1.8556 * blue];
        image::Rgb(values.map(|v| v.round().clamp(0.0, 255.0) as u8))
    })
}

/// Compares a picture with the one that is kept of this name.
#[track_caller]
fn compare(name: &str, seen: &RgbImage) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captions").join(format!("{name}.png"));
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the test")]
    let update = std::env::var_os("REEL_UPDATE").is_some();
    if update {
        seen.save(&path).unwrap();
        return;
    }
    let kept = image::open(&path).unwrap().into_rgb8();
    assert_eq!(kept.dimensions(), seen.dimensions());
    let difference = |(a, b): (&u8, &u8)| u32::from(a.abs_diff(*b));
    let all: Vec<u32> = kept.as_raw().iter().zip(seen.as_raw()).map(difference).collect();
    let mean = f64::from(all.iter().sum::<u32>()) / all.len() as f64;
    let far = all.iter().filter(|&&d| d > 48).count() as f64 / all.len() as f64;
    if mean > 1.0 || far > 0.005 {
        let beside = std::env::temp_dir().join(format!("reel-{name}.png"));
        seen.save(&beside).unwrap();
        panic!(
            "`{name}` is {mean:.2} away, {:.2} % of it far; what was drawn is in {}",
            100.0 * far,
            beside.display()
        );
    }
}

/// One script: how its words lie on lines, and what it looks like.
#[track_caller]
fn script(name: &str, faces: &[Face], text: &str, lit: i64, lines: &[&[&str]]) {
    let Some((cues, picture)) = drawn(name, faces, text, CaptionStyle::Karaoke, lit) else { return };
    let found: Vec<Vec<&str>> = cues
        .iter()
        .flat_map(|cue| &cue.lines)
        .map(|line| line.iter().map(|word| word.text.as_str()).collect())
        .collect();
    assert_eq!(found, lines, "{name}");
    compare(name, &picture);
}

#[test]
fn latin_with_marks() {
    let text = "Żółć, ǎ̈ ệ ș ő Ďábel Straße";
    script("latin", &[LATIN], text, 4, &[&["Żółć,", "ǎ̈", "ệ", "ș", "ő"], &["Ďábel", "Straße"]]);
}

#[test]
fn arabic_runs_from_right_to_left_and_joins() {
    let faces = [("NotoSansArabic-Bold.ttf", 0), LATIN];
    let text = "القمر بعيد جدا عن NASA الأرض الآن";
    script("arabic", &faces, text, 0, &[&["القمر", "بعيد", "جدا", "عن"], &["NASA", "الأرض", "الآن"]]);
}

#[test]
fn hebrew_runs_from_right_to_left_with_a_name_that_does_not() {
    let faces = [("NotoSansHebrew-Bold.ttf", 0), LATIN];
    let text = "הירח רחוק מאוד מכאן, NASA אומרת זאת";
    script("hebrew", &faces, text, 4, &[&["הירח", "רחוק", "מאוד", "מכאן,"], &["NASA", "אומרת", "זאת"]]);
}

#[test]
fn devanagari_forms_its_clusters() {
    let faces = [("NotoSansDevanagari-Bold.ttf", 0), LATIN];
    let text = "चन्द्रमा पृथ्वी से बहुत दूर है, श्री कृष्ण";
    script("devanagari", &faces, text, 1, &[&["चन्द्रमा", "पृथ्वी", "से"], &["बहुत", "दूर", "है,", "श्री", "कृष्ण"]]);
}

#[test]
fn thai_is_broken_by_its_dictionary() {
    let faces = [("NotoSansThai-Bold.ttf", 0), LATIN];
    let text = "ดวงจันทร์อยู่ไกลจากโลกมากและสวยงาม";
    script(
        "thai",
        &faces,
        text,
        0,
        &[&["ดวง", "จันทร์", "อยู่", "ไกล", "จาก"], &["โลก", "มาก", "และ", "สวยงาม"]],
    );
}

#[test]
fn chinese_is_broken_between_words_and_marks_begin_no_line() {
    let faces = [("NotoSansCJK-Bold.ttc", 2), LATIN];
    let text = "我们的月亮很远，太阳比月亮更远。";
    script(
        "chinese",
        &faces,
        text,
        1,
        &[&["我们", "的", "月亮", "很", "远，"], &["太阳", "比", "月亮", "更远。"]],
    );
}

#[test]
fn japanese_is_broken_between_words_and_marks_begin_no_line() {
    let faces = [("NotoSansCJK-Bold.ttc", 0), LATIN];
    let text = "「月」は地球から、とても遠いところにあります。";
    script(
        "japanese",
        &faces,
        text,
        1,
        &[&["「月」", "は", "地球", "から、"], &["とても", "遠い", "ところ"], &["に", "ありま", "す。"]],
    );
}

#[test]
fn emoji_are_in_colour() {
    let faces = [LATIN, ("NotoColorEmoji.ttf", 0)];
    script(
        "emoji",
        &faces,
        "Moon 🌙 rocket 🚀 and 👩‍🚀 😀",
        1,
        &[&["Moon", "🌙", "rocket"], &["🚀", "and", "👩‍🚀", "😀"]],
    );
}

#[test]
fn each_style_has_its_look() {
    for (name, style) in [
        ("style-line", CaptionStyle::Line),
        ("style-box", CaptionStyle::Box),
        ("style-pop", CaptionStyle::Pop),
        ("style-word", CaptionStyle::Word),
    ] {
        let text = "The Moon's shadow crosses the Earth";
        let Some((_, picture)) = drawn(name, &[LATIN], text, style, 2) else { return };
        compare(name, &picture);
    }
}
