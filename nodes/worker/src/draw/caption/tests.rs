//! Tests of drawing captions.

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
        CueWord { text: text.into(), start: at - 10, end: at }
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
    assert_eq!(painter.sprite(&cue, Some(0)).clone(), *painter.sprite(&cue, Some(1)));
}

#[test]
fn blocks_stand_where_they_are_asked_to() {
    let text = cue(&["HHH", "HHH"]);
    let bounds = |position, outline_width| {
        let look = CaptionLook { position, outline_width, ..look() };
        let mut painter = painter(&look, &["DejaVuSans-Bold"]);
        let mut frame = Yuv420::filled(W, H, [16, 128, 128]);
        painter.sprite(&text, None).blend(&mut frame);
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
    let [x, _, width, _] =
        painter.sprite(&cue(&["Donaudampfschifffahrtsgesellschaftskapitän"]), None).bounds();
    assert!(x > 30 && x + width < W - 30, "{x} {width}");
}

#[test]
fn letters_at_the_edge_of_the_frame_are_cut_there() {
    for position in [CaptionPosition::Top, CaptionPosition::Bottom] {
        let look = CaptionLook { position, margin: 0, outline_width: 30, ..look() };
        let mut painter = painter(&look, &["DejaVuSans-Bold"]);
        let mut frame = Yuv420::filled(W, H, [16, 128, 128]);
        painter.sprite(&cue(&["Ägypten gy"; 3]), None).blend(&mut frame);
        assert!(frame.y.contains(&235));
    }
}

#[test]
fn white_letters_can_be_read_on_white() {
    let mut painter = painter(&look(), &["DejaVuSans-Bold"]);
    let mut frame = Yuv420::filled(W, H, yuv_of_rgb([255; 3]));
    painter.sprite(&cue(&["white on white"]), None).blend(&mut frame);
    let dark = frame.y.iter().filter(|&&y| y < 30).count();
    assert!(dark > 10_000, "an outline of 6 pixels around 12 letters: {dark}");
}
