//! Tests of drawing cards.

use super::*;
use crate::draw::text::tests::dejavu;

const SIZE: (usize, usize) = (540, 960);
const INK: [u8; 4] = [11, 16, 33, 255];

fn drawn(card: &Card<'_>) -> Rgba {
    draw_card(card, SIZE, &mut dejavu(&["DejaVuSans-Bold"]), &mut dejavu(&["DejaVuSans"])).unwrap()
}

fn card(title: &str) -> Card<'_> {
    Card { title: Some(title), background: INK, color: [255; 4], ..Card::default() }
}

/// Left, top, right, bottom of all pixels that are not the ground.
fn extent(picture: &Rgba) -> [usize; 4] {
    let pixels = picture.pixels.as_chunks::<4>().0;
    let inked: Vec<_> = (0..pixels.len()).filter(|&i| pixels[i] != INK).collect();
    let columns = || inked.iter().map(|i| i % picture.width);
    [
        columns().min().unwrap(),
        inked[0] / picture.width,
        columns().max().unwrap(),
        inked[inked.len() - 1] / picture.width,
    ]
}

#[test]
fn the_ground_is_its_colour_exactly_and_the_title_stands_in_the_middle() {
    let picture = drawn(&card("The end"));
    assert_eq!((picture.width, picture.height), SIZE);
    assert_eq!(picture.pixels[..4], INK);
    let [left, top, right, bottom] = extent(&picture);
    assert!((left + right).abs_diff(540) < 8, "{left} {right}");
    assert!((top + bottom).abs_diff(960) < 24, "{top} {bottom}");
    assert!(picture.pixels.as_chunks::<4>().0.contains(&[255; 4]));
}

#[test]
fn a_long_title_wraps_and_shrinks_until_it_fits() {
    let long = "A very long title about the total eclipse of the Sun ".repeat(12);
    let [left, top, right, bottom] = extent(&drawn(&card(&long)));
    assert!(left >= 43 && right <= 497, "{left} {right}");
    assert!(bottom - top <= 807, "{top} {bottom}");
    let word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze".repeat(3);
    let [left, _, right, _] = extent(&drawn(&card(&word)));
    assert!(left >= 42 && right <= 498, "{left} {right}");
}

#[test]
fn texts_stand_one_below_the_other_with_a_bar_and_aligned() {
    let full = Card {
        subtitle: Some("and beneath it"),
        text: Some("A paragraph\n\nof its own"),
        accent: Some([255, 0, 0, 255]),
        align: Align::Left,
        ..card("Title")
    };
    let picture = drawn(&full);
    let pixels = picture.pixels.as_chunks::<4>().0;
    let red: Vec<_> = (0..pixels.len()).filter(|&i| pixels[i] == [255, 0, 0, 255]).collect();
    assert_eq!(red[0] % 540, 43, "at the left margin");
    let [_, top, _, bottom] = extent(&picture);
    assert!(top < red[0] / 540 && bottom > red[red.len() - 1] / 540 + 60);
    let right = extent(&drawn(&Card { align: Align::Right, ..full }));
    assert!((493..=498).contains(&right[2]), "{right:?}");
}

#[test]
fn a_gradient_goes_from_one_colour_to_the_other() {
    let picture = drawn(&Card { background_below: Some([111, 16, 133, 255]), ..card(" ") });
    assert_eq!(picture.pixels[..4], INK);
    assert_eq!(picture.pixels[picture.pixels.len() - 4..], [111, 16, 133, 255]);
    assert_eq!(picture.pixels[480 * 540 * 4], 61);
}

#[test]
fn a_missing_glyph_is_an_error() {
    let error = draw_card(&card("日"), SIZE, &mut dejavu(&["DejaVuSans-Bold"]), &mut dejavu(&["DejaVuSans"]));
    assert!(matches!(error, Err(DrawError::MissingGlyphs { characters }) if characters == ['日']));
}

#[test]
fn letters_on_no_ground_keep_their_colour_and_leave_the_rest_empty() {
    let picture = drawn(&Card { background: [0; 4], color: [200, 100, 50, 255], ..card("The end") });
    let pixels = picture.pixels.as_chunks::<4>().0;
    assert_eq!(pixels[0][3], 0);
    let solid = pixels.iter().filter(|pixel| pixel[3] == 255).count();
    let edges = pixels.iter().filter(|pixel| (1..255).contains(&pixel[3]));
    assert!(solid > 1000 && edges.clone().count() > 100);
    assert!(pixels.iter().all(|pixel| pixel[3] == 0 || pixel[..3] == [200, 100, 50]));
}

#[test]
fn letters_fill_a_small_box_where_that_is_asked_for() {
    let high = |fill: bool| {
        let (mut bold, mut regular) = (dejavu(&["DejaVuSans-Bold"]), dejavu(&["DejaVuSans"]));
        let picture = draw_card(&Card { fill, ..card("HHH") }, (400, 60), &mut bold, &mut regular).unwrap();
        let [_, top, _, bottom] = extent(&picture);
        bottom + 1 - top
    };
    assert!(high(false) < 8, "as on a frame of that size: {}", high(false));
    assert!((28..46).contains(&high(true)), "{}", high(true));
}
