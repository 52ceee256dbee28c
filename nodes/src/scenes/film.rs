//! From the story and its formats to all nodes, and to the references that outputs take. It reads no section.

use reel_engine::diagnostic::Diagnostics;
use reel_engine::operation::{FrontGraph, FrontProject};
use reel_engine::quantity::{Color, Size};
use reel_engine::span::Span;
use reel_engine::spec::Located;

use super::delivery::Bound;
use super::formats::{Cut, FilmFormat, Formats};
use super::layers::{self, Lain};
use super::maker::{Maker, With, list, reference};
use super::pictures::{Ready, Seen, see};
use super::sections::Scene;
use super::sections::layers::{Over, Progress};
use super::sound;
use super::speech::{Said, speak};
use super::story::{Part, Story};
use super::style::{self, Style};
use super::transitions;
use super::trials::Trials;
use crate::media::encoding::Hardware;
use crate::media::look::CaptionStyle;
use crate::media::percent::Percent;
use crate::media::picture::Bar;
use crate::text::fonts::FontBook;

/// A scene with the nodes that everything shares.
pub(super) struct Staged<'a> {
    pub(super) scene: &'a Part<'a, Scene>,
    pub(super) said: Vec<Said>,
    pub(super) seen: Vec<Seen<'a>>,
    style: Style,
}

/// Everything that the making of nodes looks at.
pub(super) struct Film<'a> {
    pub(super) story: &'a Story<'a>,
    pub(super) formats: &'a Formats,
    pub(super) scenes: Vec<Staged<'a>>,
    /// What lies over all of it.
    mark: Option<Lain<'a>>,
}

/// All nodes of the film, and for each output the reference that makes it.
pub(super) fn compile(
    project: &FrontProject<'_>,
    story: &Story<'_>,
    formats: &Formats,
    fonts: &FontBook,
    problems: &mut Diagnostics,
) -> FrontGraph {
    let mut maker = Maker::default();
    if formats.asks_for_hardware {
        maker.surroundings.places.extend(Hardware::depends_on(&formats.offers));
    }
    let mut scenes = Vec::with_capacity(story.scenes.len());
    for scene in &story.scenes {
        let said = speak(project.root, story, scene, &mut maker, problems);
        let seen = see(scene, &said, &mut maker, problems);
        let style = style::of(story, Some(scene));
        if style.style != CaptionStyle::None && formats.films.iter().any(|film| film.burn) {
            style.check_glyphs(project.root, &said, fonts, problems);
        }
        scenes.push(Staged { scene, said, seen, style });
    }
    let mark = story.watermark.as_ref().and_then(|mark| layers::watermark(mark, &mut maker, problems));
    if scenes.iter().any(|staged| staged.seen.is_empty()) {
        // What is missing was reported; a half-made film would only add noise.
        return FrontGraph {
            nodes: maker.nodes,
            bindings: vec![None; project.outputs.len()],
            surroundings: maker.surroundings,
            ..FrontGraph::default()
        };
    }
    sound::check(story, &scenes, problems);
    if let Some(fps) = formats.rates.iter().next() {
        story.scenes.iter().skip(1).for_each(|scene| transitions::check(scene, *fps, problems));
    }
    let film = Film { story, formats, scenes, mark };
    for fps in formats.rates.iter() {
        for staged in &film.scenes {
            film.timeline(
                staged,
                &formats.rate_prefix(*fps),
                With::new(staged.scene.place()).set("fps", fps),
                &mut maker,
            );
        }
    }
    for (index, format) in formats.films.iter().enumerate() {
        film.pictures(index, format, &mut maker);
    }
    let Bound { bindings, beside, series } = film.outputs(&mut maker);
    let needs = formats.uses.iter().zip(&bindings).map(|(asking, binding)| {
        let made = asking.as_ref().zip(binding.as_ref());
        made.and_then(|(asking, binding)| film.expected(asking, binding, &mut maker)).into_iter().collect()
    });
    let needs = needs.collect();
    FrontGraph { nodes: maker.nodes, bindings, series, needs, beside, surroundings: maker.surroundings }
}

impl Film<'_> {
    fn timeline(&self, staged: &Staged<'_>, prefix: &str, with: With, maker: &mut Maker) {
        let Staged { scene, said, seen, .. } = staged;
        let sentences = said.iter().filter(|said| said.level.is_some()).map(|said| {
            let with = With::new(said.span).port("words", &said.words, "words");
            let is_known = said.is_shown || said.shown.is_empty();
            let with = if is_known { with } else { with.set("shown", &said.shown) };
            match &said.text {
                Some(text) => with.set("text", text).located(),
                None => with.located(),
            }
        });
        let place = scene.place();
        let unsaid = said.iter().find(|said| said.level.is_none());
        let unsaid = unsaid.map(|said| reference(said.span, &said.words, "words"));
        let with = with
            .put("sentences", list(place, sentences))
            .maybe("words", unsaid.as_ref())
            .put("pictures", list(place, seen.iter().map(Seen::timing)))
            .maybe("for", scene.written.get("for"))
            .maybe("pause", scene.written.get("pause"));
        maker.add(format!("{prefix}{}.timeline", scene.value.id), "timeline", with);
    }

    /// The name of a scene's timeline in a cut.
    pub(super) fn times(&self, cut: &Cut, scene: usize) -> String {
        format!("{}{}.timeline", self.formats.rate_prefix(cut.fps), self.scenes[scene].scene.value.id)
    }

    /// Pictures, captions and segments of every scene in one format.
    fn pictures(&self, index: usize, format: &FilmFormat, maker: &mut Maker) {
        let prefix = self.formats.films.prefix(index);
        let cut = self.formats.cuts.get(format.cut);
        let mark = self.mark.as_ref().map(|mark| {
            let (style, shape) = (style::of(self.story, None), (format.size, cut.fps));
            layers::prepared(std::slice::from_ref(mark), (&prefix, mark.span()), shape, &style, maker)
        });
        let mut trials = format.quality.map(|ssim| Trials::new(&prefix, ssim, cut.scenes.len()));
        let mut before: Option<(usize, Ready)> = None;
        for (place, &scene) in cut.scenes.iter().enumerate() {
            let staged = &self.scenes[scene];
            let name = format!("{prefix}{}", staged.scene.value.id);
            let ready: Vec<Ready> = staged
                .seen
                .iter()
                .map(|seen| seen.prepare(&name, format.size, cut.fps, &staged.style, maker))
                .collect();
            let mut with = With::new(staged.scene.place())
                .port("plan", &self.times(cut, scene), "plan")
                .set("size", format.size)
                .set("encoding", &format.encoding)
                .put("pictures", list(staged.scene.place(), ready.iter().map(|ready| ready.located.clone())));
            if format.burn && staged.style.style != CaptionStyle::None && !staged.said.is_empty() {
                with = with.put("captions", self.captions(staged, scene, cut, format, &name, maker));
            }
            if let Some(mark) = &mark {
                with = with.put("over", mark.clone());
            }
            if let Some(bar) = self.progress(staged, format.size) {
                with = with.set("progress", bar);
                if self.fills_over_film(staged) {
                    let span = staged.scene.place();
                    let plans =
                        cut.scenes.iter().map(|scene| reference(span, &self.times(cut, *scene), "plan"));
                    let film = With::new(span).put("plans", list(span, plans)).set("scene", place);
                    with = with.put("film", film.located());
                }
            }
            if let (Some(transition), Some((earlier, picture))) = (staged.scene.transition(), &before) {
                let span = staged.scene.span("/transition");
                let written = staged.scene.written.get("transition");
                let value = With::new(span)
                    .set("kind", transition.kind)
                    .put("for", for_of(written, transition.length.to_string(), span))
                    .set("ease", transition.ease)
                    .port("plan", &self.times(cut, *earlier), "plan")
                    .put("picture", picture.located.clone());
                with = with.put("transition", value.located());
            }
            if format.frames {
                with = with.set("frames", true);
            }
            if let Some(trials) = &mut trials {
                let place = (name.as_str(), place, staged.scene.place());
                with = trials.scene(place, with, (&format.encoding, format.size, cut.fps), maker);
            }
            maker.add(format!("{name}.segments"), "segments", with);
            before = ready.last().map(|last| (scene, last.clone()));
        }
        if let (Some(trials), Some(first)) = (trials, cut.scenes.first()) {
            trials.finish(self.scenes[*first].scene.place(), maker);
        }
    }

    /// What a scene and the project say of the bar of progress.
    fn bars<'b>(&'b self, staged: &'b Staged<'_>) -> Vec<&'b Progress> {
        let own = staged.scene.value.progress.iter();
        own.chain(self.story.progress.as_ref().map(|part| &part.value)).collect()
    }

    /// Whether a scene's bar fills over all of the film.
    fn fills_over_film(&self, staged: &Staged<'_>) -> bool {
        self.bars(staged).into_iter().find_map(|bar| bar.over) == Some(Over::Film)
    }

    /// The bar of progress of a scene: its own settings, the project's, and defaults.
    fn progress(&self, staged: &Staged<'_>, frame: Size) -> Option<Bar> {
        let all = self.bars(staged);
        if all.is_empty() {
            return None;
        }
        let height = all.iter().find_map(|bar| bar.height).unwrap_or(Percent(800));
        Some(Bar {
            color: all.iter().find_map(|bar| bar.color).unwrap_or(Color::opaque(0xff, 0xd4, 0x00)),
            height: height.of(frame.height).max(2),
            edge: all.iter().find_map(|bar| bar.position).unwrap_or_default(),
        })
    }

    fn captions(
        &self,
        staged: &Staged<'_>,
        scene: usize,
        cut: &Cut,
        format: &FilmFormat,
        name: &str,
        maker: &mut Maker,
    ) -> Located {
        let place = staged.scene.place();
        let letters = staged.style.letters(format.size);
        let with = With::new(place)
            .port("words", &self.times(cut, scene), "words")
            .set("fps", cut.fps)
            .set("lines", staged.style.lines)
            .set("style", staged.style.style)
            .put("type", letters.clone());
        let cues = maker.add(format!("{name}.cues"), "cues", with);
        With::new(place)
            .port("cues", &cues, "cues")
            .put("type", letters)
            .set("look", staged.style.look(format.size))
            .located()
    }
}

/// The length of a transition as written, else its default.
fn for_of(written: Option<&Located>, default: String, span: Span) -> Located {
    match written.and_then(|written| written.get("for")) {
        Some(length) => length.clone(),
        None => Located::text(span, default),
    }
}
