//! What a graph makes, in its own time, as a strip above the picture: small pictures side by side, and how loud it is.
//! It is given both, and knows neither film nor sound.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layout::{HEAD, MARGIN};
use super::markup::{cut, escaped, put};

/// Sizes, in pixels.
const PICTURE: f64 = 96.0;
const WAVE: f64 = 30.0;
const LINE: f64 = 18.0;
/// The shortest part is at least so wide, unless the whole would become too long: enough for a picture made for phones.
const NARROWEST: f64 = 56.0;
const LONGEST: f64 = 24_000.0;

/// Something that lasts for a time, in parts one after the other.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Strip {
    /// What it is.
    pub name: String,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// How long it lasts, in seconds.
    pub seconds: f64,
    /// A picture of it, as a `data:` address.
    #[serde(default)]
    pub picture: Option<String>,
    /// How wide that is, as a part of its height.
    #[serde(default)]
    pub aspect: Option<f64>,
    /// How loud it is, of 255, at equal distances.
    #[serde(default)]
    pub heights: Vec<u8>,
}

/// A strip, drawn.
pub(super) struct Drawing {
    pub(super) svg: String,
    pub(super) width: f64,
    /// What it takes above what stands beneath it.
    pub(super) height: f64,
}

impl Drawing {
    /// Draws a strip beneath the head of a picture that is so wide.
    pub(super) fn of(strip: &Strip, room: f64) -> Self {
        let whole: f64 = strip.parts.iter().map(|part| part.seconds).sum();
        let shortest = strip.parts.iter().map(|part| part.seconds).fold(f64::MAX, f64::min).max(0.001);
        let fits = (room - 2.0 * MARGIN) / whole.max(0.001);
        let scale = fits.max((NARROWEST / shortest).min(LONGEST / whole.max(0.001)));
        let (mut svg, mut x, mut at) = (String::new(), MARGIN, 0.0);
        let top = HEAD + 4.0;
        put(
            &mut svg,
            format_args!("<g id=\"strip\" role=\"img\" aria-label=\"{}\">\n", escaped(&strip.name)),
        );
        for (number, part) in strip.parts.iter().enumerate() {
            let width = part.seconds * scale;
            draw(&mut svg, (number, part), (x, top, width), at);
            x += width;
            at += part.seconds;
        }
        svg.push_str("</g>\n");
        Self { svg, width: x + MARGIN, height: PICTURE + WAVE + 2.0 * LINE + MARGIN }
    }
}

fn draw(svg: &mut String, (number, part): (usize, &Part), (x, top, width): (f64, f64, f64), at: f64) {
    let inner = (width - 2.0).max(1.0);
    let name = escaped(&part.name);
    put(svg, format_args!("<g><title>{name}, {:.1} s, from {at:.1} s on</title>", part.seconds));
    put(
        svg,
        format_args!(
            "<rect class=\"lane\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{inner:.1}\" height=\"{:.1}\" rx=\"4\"/>",
            PICTURE + WAVE
        ),
    );
    pictures(svg, (number, part), (x, top, inner));
    wave(svg, &part.heights, (x, top + PICTURE + WAVE / 2.0, inner));
    // A letter is about six pixels wide.
    let letters = ((inner - 4.0) / 6.2).max(1.0) as usize;
    let text = top + PICTURE + WAVE + LINE - 4.0;
    let time = format!("{}:{:04.1}", (at / 60.0) as u64, at % 60.0);
    put(
        svg,
        format_args!(
            "<text class=\"name\" x=\"{x:.1}\" y=\"{text:.1}\">{}</text>\
             <text class=\"small\" x=\"{x:.1}\" y=\"{:.1}\">{time}</text></g>\n",
            escaped(&cut(&part.name, letters)),
            text + LINE - 3.0
        ),
    );
}

/// The picture of a part, whole, as many times side by side as there is room.
fn pictures(svg: &mut String, (number, part): (usize, &Part), (x, top, room): (f64, f64, f64)) {
    let Some(picture) = &part.picture else { return };
    let count = part.aspect.map_or(1.0, |aspect| (room / (aspect.max(0.01) * PICTURE)).floor().max(1.0));
    let each = room / count;
    put(
        svg,
        format_args!(
            "<image id=\"part-{number}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{each:.1}\" height=\"{PICTURE}\" href=\"{}\"/>",
            escaped(picture)
        ),
    );
    for n in 1..count as usize {
        put(svg, format_args!("<use href=\"#part-{number}\" x=\"{:.1}\"/>", n as f64 * each));
    }
}

/// Both halves of what is heard, around a line.
fn wave(svg: &mut String, heights: &[u8], (x, middle, width): (f64, f64, f64)) {
    if heights.iter().all(|height| *height == 0) {
        return;
    }
    let step = width / heights.len() as f64;
    let half = |height: u8| f64::from(height) / 255.0 * (WAVE / 2.0 - 1.0) + 0.4;
    let points = |sign: f64| {
        let place =
            move |(n, height): (usize, &u8)| (x + (n as f64 + 0.5) * step, middle + sign * half(*height));
        heights.iter().enumerate().map(place)
    };
    put(svg, format_args!("<path class=\"wave\" d=\"M{x:.1} {middle:.1}"));
    for (x, y) in points(-1.0).chain(points(1.0).rev()) {
        put(svg, format_args!("L{x:.1} {y:.1}"));
    }
    svg.push_str("Z\"/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(seconds: &[f64]) -> Strip {
        let part = |seconds: &f64| Part {
            name: format!("<{seconds}>"),
            seconds: *seconds,
            picture: Some("data:image/jpeg;base64,AA==".into()),
            aspect: Some(0.5625),
            heights: vec![0, 255, 10],
        };
        Strip { name: "short".into(), parts: seconds.iter().map(part).collect() }
    }

    #[test]
    fn a_strip_takes_the_room_that_there_is_and_more_when_parts_would_be_too_narrow() {
        let wide = Drawing::of(&strip(&[2.0, 6.0]), 848.0);
        assert!((wide.width - 848.0).abs() < 0.01, "{}", wide.width);
        assert!(wide.svg.contains("width=\"198.0\"") && wide.svg.contains("width=\"598.0\""), "{}", wide.svg);
        let narrow = Drawing::of(&strip(&[0.5; 100]), 848.0);
        assert!((narrow.width - 5648.0).abs() < 0.01, "{}", narrow.width);
        assert!(Drawing::of(&strip(&[0.01, 3600.0]), 848.0).width < 25_000.0, "but not without end");
    }

    #[test]
    fn pictures_are_whole_and_stand_side_by_side() {
        let drawn = Drawing::of(&strip(&[2.0, 6.0]), 848.0).svg;
        // In the first part are three of 54 pixels, and a fourth would be cut off.
        assert_eq!(drawn.matches("width=\"66.0\" height=\"96\" href=\"data:").count(), 1, "{drawn}");
        assert_eq!(drawn.matches("href=\"#part-0\"").count(), 2, "{drawn}");
        assert!(!drawn.contains("slice"), "none is cropped: {drawn}");
        let mut narrow = strip(&[2.0]);
        narrow.parts[0].aspect = None;
        assert!(!Drawing::of(&narrow, 848.0).svg.contains("<use"), "one of unknown width stands once");
    }

    #[test]
    fn names_are_words_and_no_marks() {
        let drawn = Drawing::of(&strip(&[2.0]), 848.0).svg;
        assert!(drawn.contains("&lt;2&gt;") && !drawn.contains("<2>"), "{drawn}");
        assert!(drawn.contains("class=\"wave\""));
        assert!(Drawing::of(&Strip::default(), 848.0).width > 0.0, "nothing is drawn of nothing");
    }
}
