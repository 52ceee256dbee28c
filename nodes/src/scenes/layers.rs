//! `layers:` and `watermark:` become nodes: what lies over pictures. It knows no speech and no time.

use reel_engine::diagnostic::{Code, Diagnostic, Diagnostics, code};
use reel_engine::quantity::{Color, Gain, Size};
use reel_engine::span::Span;
use reel_engine::spec::Located;

use super::maker::{Maker, With, list};
use super::pictures::with_fonts;
use super::sections::Sound;
use super::sections::layers::Layer;
use super::story::Part;
use super::style::Style;
use crate::media::percent::Percent;
use crate::media::time::FrameRate;

const KINDS: [&str; 5] = ["image", "clip", "card", "svg", "text"];

/// One of the things that lie over a picture.
pub(super) struct Lain<'a> {
    layer: Layer,
    written: &'a Located,
    /// What the names of its nodes begin with, after the format's prefix.
    name: String,
    /// The node of a picture that all formats share.
    image: Option<String>,
    /// The node with the sound of a clip that is heard, and how loud it is.
    heard: Option<(String, Gain)>,
    /// How large it is when nothing is said: width and height.
    usual: (Percent, Percent),
    /// Whether it lies over the whole film, in a corner unless something else is said.
    marks: bool,
}

/// The layers of a picture, whose names begin with `name`; what is wrong is reported, and left out.
pub(super) fn of<'a>(
    layers: &[Layer],
    written: &'a Located,
    name: &str,
    maker: &mut Maker,
    problems: &mut Diagnostics,
) -> Vec<Lain<'a>> {
    let both = layers.iter().zip(written.items()).enumerate();
    both.filter_map(|(i, (layer, written))| one(layer, written, format!("{name}.{}", i + 1), maker, problems))
        .collect()
}

/// One of them.
pub(super) fn one<'a>(
    layer: &Layer,
    written: &'a Located,
    name: String,
    maker: &mut Maker,
    problems: &mut Diagnostics,
) -> Option<Lain<'a>> {
    if !is_right(layer, written, problems) {
        return None;
    }
    let image = written.get("image").map(|image| {
        let with = With::new(image.span).put("file", image.clone());
        maker.add(format!("{name}.image"), "image", with)
    });
    let heard = match (written.get("clip"), layer.sound) {
        (Some(clip), Some(Sound::Gain(gain))) => {
            let with = With::new(clip.span).put("file", clip.clone());
            let with =
                ["from", "to", "speed"].into_iter().fold(with, |with, key| with.maybe(key, written.get(key)));
            Some((maker.add(format!("{name}.clip"), "clip", with), gain))
        }
        _ => None,
    };
    let percent = |whole: u32| Percent(whole * 1000);
    let usual = match (&layer.text, &layer.card, &layer.clip) {
        (Some(_), ..) => (percent(80), percent(10)),
        (_, Some(_), _) => (percent(80), percent(30)),
        // A clip fills its box, which by default has the frame's shape.
        (.., Some(_)) => {
            let side = layer.width.or(layer.height).unwrap_or(percent(40));
            (side, side)
        }
        _ => (percent(100), percent(100)),
    };
    Some(Lain { layer: layer.clone(), written, name, image, heard, usual, marks: false })
}

/// What lies over the whole film.
pub(super) fn watermark<'a>(
    part: &Part<'a, Layer>,
    maker: &mut Maker,
    problems: &mut Diagnostics,
) -> Option<Lain<'a>> {
    for key in ["clip", "at", "for", "fade"] {
        if let Some(written) = part.written.get(key) {
            let message = format!("a watermark has no `{key}`: it is the same on every frame");
            problems.push(Diagnostic::error(code::BAD_VALUE, written.span, message).help("take it out"));
            return None;
        }
    }
    let mark = one(&part.value, part.written, "film.watermark".to_owned(), maker, problems)?;
    Some(Lain { usual: (Percent(18_000), Percent(8_000)), marks: true, ..mark })
}

fn is_right(layer: &Layer, written: &Located, problems: &mut Diagnostics) -> bool {
    let mut right = true;
    let mut problem = |code: Code, span: Span, message: &str, help: &str| {
        problems.push(Diagnostic::error(code, span, message).help(help));
        right = false;
    };
    let given: Vec<_> =
        written.entries().iter().filter(|(key, _)| KINDS.contains(&key.value.as_str())).collect();
    match given.as_slice() {
        [] => {
            let help = "it is one of `image`, `clip`, `card`, `svg` and `text`";
            problem(code::MISSING_KEY, written.span, "nothing is laid over the picture here", help);
        }
        [_] => {}
        [first, second, ..] => {
            let message = format!("`{}` and `{}` do not go together", first.0.value, second.0.value);
            problem(code::BAD_VALUE, second.0.span, &message, "a layer shows one thing; write another layer");
        }
    }
    let text = layer.text.is_some();
    let belongs: &[(&str, bool, &str)] = &[
        ("set", layer.svg.is_some(), "`svg`"),
        ("font", layer.svg.is_some() || text, "`svg` and `text`"),
        ("color", text, "`text`"),
        ("background", text, "`text`"),
        ("align", text, "`text`"),
        ("from", layer.clip.is_some(), "`clip`"),
        ("to", layer.clip.is_some(), "`clip`"),
        ("speed", layer.clip.is_some(), "`clip`"),
        ("loop", layer.clip.is_some(), "`clip`"),
        ("sound", layer.clip.is_some(), "`clip`"),
    ];
    for (key, _) in written.entries() {
        if let Some((_, false, of)) = belongs.iter().find(|(name, ..)| *name == key.value) {
            let message = format!("`{}` means nothing here: it belongs to {of}", key.value);
            problem(code::BAD_VALUE, key.span, &message, "take it out");
        }
    }
    for (key, side) in [("width", layer.width), ("height", layer.height)] {
        if let (Some(Percent(0)), Some(written)) = (side, written.get(key)) {
            let message = format!("a layer without a {key} cannot be seen");
            problem(code::BAD_VALUE, written.span, &message, "such as `30%`");
        }
    }
    right
}

impl Lain<'_> {
    /// Where it was written.
    pub(super) const fn span(&self) -> Span {
        self.written.span
    }

    /// Whether it is a clip that is heard.
    pub(super) const fn is_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// Its entry among the sounds of `mix`, when it lies over this picture and is heard.
    pub(super) fn sound(&self, picture: usize) -> Option<Located> {
        let (node, gain) = self.heard.as_ref()?;
        let with = With::new(self.written.span).port("audio", node, "audio").set("picture", picture);
        let with =
            ["at", "for", "loop"].into_iter().fold(with, |with, key| with.maybe(key, self.written.get(key)));
        Some(with.set("gain", gain).located())
    }

    /// Its nodes for a format, and its entry among the layers that `segments` takes.
    pub(super) fn prepare(
        &self,
        prefix: &str,
        frame: Size,
        fps: FrameRate,
        style: &Style,
        maker: &mut Maker,
    ) -> Located {
        let span = self.written.span;
        let name = |kind: &str| format!("{prefix}{}.{kind}", self.name);
        let size = self.size(frame);
        let with = With::new(span);
        let entry = if self.layer.clip.is_some() {
            let with = with
                .maybe("video", self.written.get("clip"))
                .set("size", size)
                .set("fps", fps)
                .maybe("from", self.written.get("from"))
                .maybe("to", self.written.get("to"))
                .maybe("speed", self.written.get("speed"));
            let node = maker.add(name("conform"), "conform", with);
            With::new(span).port("video", &node, "video").maybe("loop", self.written.get("loop"))
        } else {
            let image = self.image(&name, size, style, maker);
            let with = with.port("image", &image, "image").set("size", size);
            let node = maker.add(name("sprite"), "sprite", with);
            With::new(span).port("sprite", &node, "sprite")
        };
        ["x", "y", "opacity", "at", "for", "fade"]
            .into_iter()
            .fold(entry, |entry, key| match (self.written.get(key), key) {
                (None, "x") if self.marks => entry.set(key, Percent(88_000)),
                (None, "y") if self.marks => entry.set(key, Percent(6_000)),
                (None, "opacity") if self.marks => entry.set(key, Percent(70_000)),
                (written, _) => entry.maybe(key, written),
            })
            .located()
    }

    /// The node that draws it.
    fn image(&self, name: &impl Fn(&str) -> String, size: Size, style: &Style, maker: &mut Maker) -> String {
        if let Some(image) = &self.image {
            return image.clone();
        }
        let span = self.written.span;
        let with = With::new(span).set("size", size);
        if self.layer.svg.is_some() {
            let with = with.maybe("file", self.written.get("svg")).maybe("set", self.written.get("set"));
            return maker.add(name("svg"), "svg", with_fonts(with, self.written.get("font")));
        }
        let (from, title) = match self.written.get("card") {
            Some(card) => (card, card.get("title")),
            None => (self.written, self.written.get("text")),
        };
        let mut with = with.set("fill", true).maybe("title", title);
        if self.layer.card.is_some() {
            for key in ["subtitle", "text", "accent"] {
                with = with.maybe(key, from.get(key));
            }
        }
        for key in ["color", "align"] {
            with = with.maybe(key, from.get(key));
        }
        with = match from.get("background") {
            Some(background) => with.put("background", background.clone()),
            None => with.set("background", Color { rgba: [0; 4] }),
        };
        let with = match from.get("font") {
            Some(font) => with_fonts(with, Some(font)),
            None => with.put("font", style.font().clone()),
        };
        maker.add(name("card"), "card", with)
    }

    /// Its box in pixels, even.
    fn size(&self, frame: Size) -> Size {
        let side = |part: Percent, whole: u32| part.of(whole).next_multiple_of(2).max(2);
        let width = self.layer.width.unwrap_or(self.usual.0);
        let height = self.layer.height.unwrap_or(self.usual.1);
        Size { width: side(width, frame.width), height: side(height, frame.height) }
    }
}

/// The entries of several.
pub(super) fn prepared(
    layers: &[Lain<'_>],
    (prefix, span): (&str, Span),
    (frame, fps): (Size, FrameRate),
    style: &Style,
    maker: &mut Maker,
) -> Located {
    let made: Vec<Located> =
        layers.iter().map(|layer| layer.prepare(prefix, frame, fps, style, maker)).collect();
    list(span, made)
}
