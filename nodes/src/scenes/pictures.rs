//! `show:` becomes pictures: once for the scene, and once for each format. It knows no speech.

use reel_engine::diagnostic::{Code, Diagnostic, Diagnostics, code};
use reel_engine::quantity::{Gain, Size};
use reel_engine::span::Span;
use reel_engine::spec::Located;

use super::layers::{self, Lain};
use super::maker::{Maker, With, list};
use super::sections::{Scene, Show, Sound};
use super::speech::{Said, known_words, said_at};
use super::story::Part;
use super::style::Style;
use crate::media::camera::Camera;
use crate::media::picture::Fit;
use crate::media::speed::Speed;
use crate::media::time::FrameRate;

/// One picture of a scene.
pub(super) struct Seen<'a> {
    /// From 1, as in the names of its nodes.
    number: usize,
    what: What,
    show: Show,
    written: &'a Located,
    layers: Vec<Lain<'a>>,
}

/// What a picture is made of.
enum What {
    /// The node with the port `image`.
    Image(String),
    /// Drawn for each format.
    Card,
    /// Drawn for each format.
    Svg,
    /// The node with the ports `info` and, where it is heard, `audio`.
    Clip {
        node: String,
        heard: Option<Gain>,
    },
    Color,
}

/// A picture as one format shows it: an entry of what `segments` takes.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) located: Located,
}

const KINDS: [&str; 6] = ["image", "clip", "card", "svg", "color", "search"];

/// The pictures of a scene; what is wrong is reported, and left out.
pub(super) fn see<'a>(
    scene: &Part<'a, Scene>,
    said: &[Said],
    maker: &mut Maker,
    problems: &mut Diagnostics,
) -> Vec<Seen<'a>> {
    let (Some(shows), Some(written)) = (&scene.value.show, scene.written.get("show")) else {
        let message = format!("scene `{}` shows nothing", scene.value.id);
        let help = "add what is seen, such as `show: { image: PATH }` or `show: { color: \"#000000\" }`";
        problems.push(Diagnostic::error(code::MISSING_KEY, scene.place(), message).help(help));
        return Vec::new();
    };
    let items = if written.items().is_empty() { std::slice::from_ref(written) } else { written.items() };
    let shows = shows.list();
    if shows.is_empty() {
        let message = format!("scene `{}` shows nothing", scene.value.id);
        problems.push(Diagnostic::error(code::BAD_VALUE, written.span, message));
    }
    let mut seen = Vec::new();
    for (i, (show, written)) in shows.into_iter().zip(items).enumerate() {
        let right = is_right(show, written, i, problems);
        let name = format!("{}.layer.{}", scene.value.id, i + 1);
        let layers = match (&show.layers, written.get("layers")) {
            (Some(layers), Some(written)) => layers::of(layers, written, &name, maker, problems),
            _ => Vec::new(),
        };
        if !right {
            continue;
        }
        let what = source(scene, show, written, i + 1, maker);
        seen.push(Seen { number: i + 1, what, show: show.clone(), written, layers });
    }
    check_words(scene, &seen, said, problems);
    seen
}

/// Whether one picture makes sense by itself.
fn is_right(show: &Show, written: &Located, index: usize, problems: &mut Diagnostics) -> bool {
    let mut right = true;
    let mut problem = |code: Code, span: Span, message: &str, help: &str| {
        problems.push(Diagnostic::error(code, span, message).help(help));
        right = false;
    };
    let given: Vec<_> =
        written.entries().iter().filter(|(key, _)| KINDS.contains(&key.value.as_str())).collect();
    match given.as_slice() {
        [] => {
            let help = "it is one of `image`, `clip`, `card`, `svg` and `color`";
            problem(code::MISSING_KEY, written.span, "nothing is shown here", help);
        }
        [_] => {}
        [first, second, ..] => {
            let message = format!("`{}` and `{}` do not go together", first.0.value, second.0.value);
            problem(
                code::BAD_VALUE,
                second.0.span,
                &message,
                "one picture shows one thing; write a list to show several",
            );
        }
    }
    if let Some((key, _)) = given.iter().find(|(key, _)| key.value == "search") {
        let help = "name a file or a URL: `image: PATH`";
        problem(code::BAD_VALUE, key.span, "`search` is not available yet", help);
    }
    let belongs: &[(&str, bool, &str)] = &[
        ("provider", show.search.is_some(), "`search`"),
        ("set", show.svg.is_some(), "`svg`"),
        ("font", show.svg.is_some(), "`svg`"),
        ("from", show.clip.is_some(), "`clip`"),
        ("to", show.clip.is_some(), "`clip`"),
        ("sound", show.clip.is_some(), "`clip`"),
        ("speed", show.clip.is_some(), "`clip`"),
        ("loop", show.clip.is_some(), "`clip`"),
        ("motion", show.clip.is_none() && show.color.is_none(), "a still picture"),
        ("fit", show.color.is_none(), "a picture"),
        ("focus", show.image.is_some() || show.clip.is_some(), "`image` and `clip`"),
        ("background", show.color.is_none(), "a picture"),
    ];
    for (key, _) in written.entries() {
        if let Some((_, false, of)) = belongs.iter().find(|(name, ..)| *name == key.value) {
            let message = format!("`{}` means nothing here: it belongs to {of}", key.value);
            problem(code::BAD_VALUE, key.span, &message, "take it out");
        }
    }
    if index == 0
        && let Some(at) = written.get("at")
    {
        let message = "the first picture appears with the scene";
        problem(code::BAD_VALUE, at.span, message, "take `at` out here");
    }
    right
}

/// The nodes of a picture that all formats share.
fn source(scene: &Part<'_, Scene>, show: &Show, written: &Located, number: usize, maker: &mut Maker) -> What {
    let id = &scene.value.id;
    if let Some(image) = written.get("image") {
        let with = With::new(image.span).put("file", image.clone());
        return What::Image(maker.add(format!("{id}.image.{number}"), "image", with));
    }
    if let Some(clip) = written.get("clip") {
        let heard = match show.sound {
            Some(Sound::Off(_)) => None,
            Some(Sound::Gain(gain)) => Some(gain),
            None => (scene.value.say.is_none() && show.speed.is_none_or(Speed::is_plain)).then(Gain::default),
        };
        let with = With::new(clip.span)
            .put("file", clip.clone())
            .maybe("from", written.get("from"))
            .maybe("to", written.get("to"))
            .maybe("speed", written.get("speed"))
            .set("sound", heard.is_some());
        return What::Clip { node: maker.add(format!("{id}.clip.{number}"), "clip", with), heard };
    }
    match (&show.card, &show.svg) {
        (Some(_), _) => What::Card,
        (None, Some(_)) => What::Svg,
        (None, None) => What::Color,
    }
}

/// Reports an `at` that names a word which captions do not show, when all words are known.
fn check_words(scene: &Part<'_, Scene>, seen: &[Seen<'_>], said: &[Said], problems: &mut Diagnostics) {
    let Some(words) = known_words(said) else { return };
    let mut from = 0;
    for picture in seen {
        let (Some(at), Some(place)) = (&picture.show.at, picture.written.get("at")) else { continue };
        let which = ", after the picture before";
        match said_at(scene, &words, (at, place.span), (from, which), problems) {
            Some(found) => from = found + 1,
            None => return,
        }
    }
}

impl Seen<'_> {
    /// Its entry among the pictures of `timeline`.
    pub(super) fn timing(&self) -> Located {
        let with = With::new(self.written.span)
            .maybe("for", self.written.get("for"))
            .maybe("at", self.written.get("at"));
        match &self.what {
            // What begins again has no length of its own.
            What::Clip { node, .. } if self.show.repeat != Some(true) => {
                with.port("clip", node, "info").located()
            }
            _ => with.located(),
        }
    }

    /// Whether it is heard, or what lies over it.
    pub(super) fn is_heard(&self) -> bool {
        matches!(self.what, What::Clip { heard: Some(_), .. }) || self.layers.iter().any(Lain::is_heard)
    }

    /// Its entries among the sounds of `mix`: its own, and those of what lies over it.
    pub(super) fn sounds(&self) -> Vec<Located> {
        let picture = self.number - 1;
        let own = match &self.what {
            What::Clip { node, heard: Some(gain) } => {
                let with = With::new(self.written.span).port("audio", node, "audio").set("picture", picture);
                Some(with.set("gain", gain).maybe("loop", self.written.get("loop")).located())
            }
            _ => None,
        };
        own.into_iter().chain(self.layers.iter().filter_map(|layer| layer.sound(picture))).collect()
    }

    /// Its nodes for a format, whose names begin with `prefix` and the scene's name.
    pub(super) fn prepare(
        &self,
        prefix: &str,
        size: Size,
        fps: FrameRate,
        style: &Style,
        maker: &mut Maker,
    ) -> Ready {
        let span = self.written.span;
        let before = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
        let over = layers::prepared(&self.layers, (before, span), (size, fps), style, maker);
        let ready = |with: With| {
            let with = if self.layers.is_empty() { with } else { with.put("layers", over.clone()) };
            Ready { located: with.located() }
        };
        let name = |kind: &str| format!("{prefix}.{kind}.{}", self.number);
        let fitted = |with: With| {
            with.set("size", size)
                .maybe("fit", self.written.get("fit"))
                .maybe("focus", self.written.get("focus"))
                .maybe("background", self.written.get("background"))
        };
        let image = match &self.what {
            What::Color => {
                return ready(With::new(span).maybe("color", self.written.get("color")));
            }
            What::Clip { .. } => {
                let with = fitted(With::new(span).maybe("video", self.written.get("clip")))
                    .set("fps", fps)
                    .maybe("from", self.written.get("from"))
                    .maybe("to", self.written.get("to"))
                    .maybe("speed", self.written.get("speed"));
                let node = maker.add(name("conform"), "conform", with);
                let clip = With::new(span).port("video", &node, "video");
                return ready(clip.maybe("loop", self.written.get("loop")));
            }
            What::Image(node) => node.clone(),
            What::Card => maker.add(name("card"), "card", self.card(size, style)),
            What::Svg => {
                let with = With::new(span)
                    .maybe("file", self.written.get("svg"))
                    .maybe("set", self.written.get("set"))
                    .set("size", self.drawn(size));
                maker.add(name("svg"), "svg", with_fonts(with, self.written.get("font")))
            }
        };
        let camera = self.camera();
        let whole = matches!(camera, Camera::Travel(_)) && self.show.image.is_some();
        let whole = whole && self.show.fit.unwrap_or_default() == Fit::Cover;
        let with = fitted(With::new(span).port("image", &image, "image")).set("zoom", camera.zoom_milli());
        let with = if whole { with.set("whole", true) } else { with };
        let still = maker.add(name("still"), "still", with);
        let with = With::new(span).port("still", &still, "still");
        ready(if camera.is_plain() { with } else { with.set("motion", camera) })
    }

    /// The camera; a point that it does not say is the picture's focus.
    fn camera(&self) -> Camera {
        let camera = self.show.motion.unwrap_or_default();
        let Camera::Travel(mut travel) = camera else { return camera };
        let focus = self.show.focus.unwrap_or_default();
        let written = self.written.get("motion");
        for (key, aim) in [("from", &mut travel.from), ("to", &mut travel.to)] {
            let says = |side: &str| written.and_then(|motion| motion.get(key)?.get(side)).is_some();
            aim.x = if says("x") { aim.x } else { focus.x };
            aim.y = if says("y") { aim.y } else { focus.y };
        }
        Camera::Travel(travel)
    }

    /// The size in which a drawing is made, so that the nearest the camera comes still shows its pixels.
    fn drawn(&self, size: Size) -> Size {
        let zoom = u64::from(self.camera().zoom_milli());
        let side = |pixels: u32| (u64::from(pixels) * zoom).div_ceil(1000).next_multiple_of(2) as u32;
        Size { width: side(size.width), height: side(size.height) }
    }

    fn card(&self, size: Size, style: &Style) -> With {
        let empty = Located::map(self.written.span, Vec::<(String, Located)>::new());
        let card = self.written.get("card").unwrap_or(&empty);
        let mut with = With::new(card.span).set("size", self.drawn(size));
        for key in ["title", "subtitle", "text", "background", "color", "accent", "align"] {
            with = with.maybe(key, card.get(key));
        }
        match card.get("font") {
            Some(font) => with_fonts(with, Some(font)),
            None => with.put("font", style.font().clone()),
        }
    }
}

/// One font or a list of them, as kinds take it.
pub(super) fn with_fonts(with: With, font: Option<&Located>) -> With {
    match font {
        Some(one) if one.as_text().is_some() => with.put("font", list(one.span, [one.clone()])),
        many => with.maybe("font", many),
    }
}
