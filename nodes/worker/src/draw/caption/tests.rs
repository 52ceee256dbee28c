//! Tests of drawing captions.

use reel_nodes::media::look::{default_box, default_shadow};
use reel_nodes::media::words::CueWord;

use super::*;
use crate::draw::text::tests::dejavu;
use crate::frame::yuv_of_rgb;

const W: usize = 1080;
const H: usize = 1920;

fn cue(lines: &[&str]) -> Cue {
    let mut at = 0;
    let mut word = |text: &str| {
        at += 10;
        CueWord { text: text.into(), start: at - 10, end: at, joined: false }
    };
    let lines = lines.iter().map(|line| line.split(' ').map(&mut word).collect()).collect();
    Cue { start: 0, end: 100, lines }
}

fn look() -> CaptionLook {
    CaptionLook {
        style: CaptionStyle::Karaoke,
        position: CaptionPosition::Bottom,
        margin: 300,
        color: Color::opaque(255, 255, 255),
        highlight: Color::opaque(255, 216, 0),
        outline: Color::opaque(0, 0, 0),
        outline_width: 6,
        shadow: default_shadow(),
        plate: default_box(),
    }
}

fn painter(look: &CaptionLook, names: &[&str]) -> CaptionPainter {
    let letters = CaptionType { font: vec![], bold: true, size: 84, width: 920 };
    CaptionPainter::new(dejavu(names), &letters, look, (W, H))
}

/// Pixels of a frame whose luma and chroma are those of a colour.
fn count(frame: &Yuv420, colour: [u8; 3]) -> usize {
    let [y, u, v] = yuv_of_rgb(colour);
    let at = |i: usize| (i / W / 2) * (W / 2) + i % W / 2;
    frame.y.iter().enumerate().filter(|&(i, &l)| l == y && frame.u[at(i)] == u && frame.v[at(i)] == v).count()
}

#[test]
fn the_spoken_word_is_lit_and_only_it_changes() {
    let mut painter = painter(&look(), &["DejaVuSans-Bold"]);
    let cues = [cue(&["A total eclipse", "lasts at most"])];
    let ground = Yuv420::filled(W, H, yuv_of_rgb([90, 90, 90]));
    let at = |painter: &mut CaptionPainter, frame: i64| {
        let mut picture = ground.clone();
        painter.paint(&cues, frame, &mut picture);
        picture
    };
    let first = at(&mut painter, 0);
    assert_eq!(at(&mut painter, 9), first, "the same word");
    let second = at(&mut painter, 10);
    assert_ne!(second, first);
    assert!(count(&second, [255, 216, 0]) > 2 * count(&first, [255, 216, 0]), "`total` is larger than `A`");
    assert!(count(&second, [255, 255, 255]) > 5000);
    assert_eq!(at(&mut painter, 100), ground, "the cue is over");
    assert_eq!(at(&mut painter, 95).y.len(), ground.y.len());
    assert_eq!(count(&at(&mut painter, 95), [255, 216, 0]), 0, "no word is spoken");
    assert_eq!(at(&mut painter, 0), first, "drawn again, the same");
}

#[test]
fn without_karaoke_nothing_is_lit() {
    let mut painter = painter(&CaptionLook { style: CaptionStyle::Line, ..look() }, &["DejaVuSans-Bold"]);
    let cue = cue(&["one two"]);
    assert_eq!(painter.sprite(&cue, 0).clone(), *painter.sprite(&cue, 10));
}

#[test]
fn blocks_stand_where_they_are_asked_to() {
    let text = cue(&["HHH", "HHH"]);
    let bounds = |position, outline_width| {
        let look = CaptionLook { position, outline_width, ..look() };
        let mut painter = painter(&look, &["DejaVuSans-Bold"]);
        let mut frame = Yuv420::filled(W, H, [16, 128, 128]);
        painter.sprite(&text, 99).blend(&mut frame);
        let bright: Vec<usize> = (0..W * H).filter(|&i| frame.y[i] > 200).collect();
        let columns = bright.iter().map(|i| i % W);
        let (left, right) = (columns.clone().min().unwrap(), columns.max().unwrap());
        (bright[0] / W, bright[bright.len() - 1] / W, left, right)
    };
    let (top, _, left, right) = bounds(CaptionPosition::Top, 0);
    // Capitals begin about 0.2 em below the line's top.
    assert!((300..330).contains(&top), "{top}");
    assert!((left as i64 - (W - 1 - right) as i64).abs() <= 2, "centred: {left} {right}");
    let (_, bottom, ..) = bounds(CaptionPosition::Bottom, 0);
    assert!((H - 330..H - 300).contains(&bottom), "{bottom}");
    let (top, bottom, ..) = bounds(CaptionPosition::Middle, 4);
    assert!(((top + bottom) as i64 / 2 - H as i64 / 2).abs() < 12, "{top} {bottom}");
}

#[test]
fn a_word_too_wide_is_drawn_smaller_not_cut() {
    let mut painter = painter(&look(), &["DejaVuSans-Bold"]);
    let [x, _, width, _] = painter.sprite(&cue(&["Donaudampfschifffahrtsgesellschaftskapitän"]), 99).bounds();
    assert!(x > 30 && x + width < W - 30, "{x} {width}");
}

#[test]
fn letters_at_the_edge_of_the_frame_are_cut_there() {
    for position in [CaptionPosition::Top, CaptionPosition::Bottom] {
        let look = CaptionLook { position, margin: 0, outline_width: 30, ..look() };
        let mut painter = painter(&look, &["DejaVuSans-Bold"]);
        let mut frame = Yuv420::filled(W, H, [16, 128, 128]);
        painter.sprite(&cue(&["Ägypten gy"; 3]), 99).blend(&mut frame);
        assert!(frame.y.contains(&235));
    }
}

#[test]
fn white_letters_can_be_read_on_white() {
    let mut painter = painter(&look(), &["DejaVuSans-Bold"]);
    let mut frame = Yuv420::filled(W, H, yuv_of_rgb([255; 3]));
    painter.sprite(&cue(&["white on white"]), 99).blend(&mut frame);
    let dark = frame.y.iter().filter(|&&y| y < 30).count();
    assert!(dark > 10_000, "an outline of 6 pixels around 12 letters: {dark}");
}

#[test]
fn a_box_stands_behind_all_lines_and_casts_no_shadow() {
    let look = CaptionLook {
        style: CaptionStyle::Box,
        outline_width: 0,
        plate: Color::opaque(10, 20, 200),
        ..look()
    };
    let mut painter = painter(&look, &["DejaVuSans-Bold"]);
    let ground = Yuv420::filled(W, H, yuv_of_rgb([90, 90, 90]));
    let mut frame = ground.clone();
    painter.paint(&[cue(&["two lines", "on a box"])], 5, &mut frame);
    let blue = count(&frame, [10, 20, 200]);
    assert!(blue > 40_000, "{blue}");
    assert_eq!(count(&frame, [255, 216, 0]), 0, "nothing is lit");
    // Between both lines, and beside the shorter one, is box; away from it nothing has changed.
    let changed: Vec<usize> = (0..W * H).filter(|&i| frame.y[i] != ground.y[i]).collect();
    let rows: Vec<usize> = changed.iter().map(|i| i / W).collect();
    let (top, bottom) = (rows[0], rows[rows.len() - 1]);
    assert!((top..bottom).all(|row| frame.y[row * W + W / 2] != ground.y[0]), "no gap");
    assert!(
        changed.len() as f64 > 0.97 * blue as f64
            && blue + count(&frame, [255, 255, 255]) > changed.len() / 2
    );
}

#[test]
fn a_popping_word_grows_within_its_first_frames_and_then_stays() {
    let look = CaptionLook { style: CaptionStyle::Pop, ..look() };
    let mut painter = painter(&look, &["DejaVuSans-Bold"]);
    let cues = [cue(&["one big word"])];
    let lit = |painter: &mut CaptionPainter, at: i64| {
        let mut frame = Yuv420::filled(W, H, yuv_of_rgb([90, 90, 90]));
        painter.paint(&cues, at, &mut frame);
        count(&frame, [255, 216, 0])
    };
    let sizes: Vec<usize> = (10..20).map(|at| lit(&mut painter, at)).collect();
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2] && sizes[3] < sizes[2], "{sizes:?}");
    assert!(sizes[3..].iter().all(|&size| size == sizes[3]), "{sizes:?}");
    let mut plain =
        self::painter(&CaptionLook { style: CaptionStyle::Karaoke, ..look }, &["DejaVuSans-Bold"]);
    assert!(lit(&mut plain, 15) < sizes[9], "larger than a word that is only lit");
}

#[test]
fn without_a_shadow_nothing_is_dark_around_the_letters() {
    let look = CaptionLook { shadow: Color { rgba: [0; 4] }, outline_width: 0, ..look() };
    let mut painter = painter(&look, &["DejaVuSans-Bold"]);
    let mut frame = Yuv420::filled(W, H, yuv_of_rgb([90, 90, 90]));
    painter.paint(&[cue(&["plain"])], 99, &mut frame);
    let darkest = frame.y.iter().min().unwrap();
    assert!(*darkest + 1 >= yuv_of_rgb([90, 90, 90])[0], "{darkest}");
}
