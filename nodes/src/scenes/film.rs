//! From the story and its formats to all nodes, and to the references that outputs take. It reads no section.

use reel_engine::diagnostic::Diagnostics;
use reel_engine::operation::{FrontGraph, FrontProject};
use reel_engine::quantity::{Color, Size};
use reel_engine::span::Span;
use reel_engine::spec::Located;

use super::formats::{Asking, Beside, Cut, FilmFormat, Formats, Use};
use super::layers::{self, Lain};
use super::maker::{Maker, With, list, reference};
use super::pictures::{Ready, Seen, see};
use super::sections::Scene;
use super::sections::layers::{Over, Progress};
use super::sound::{self, Track};
use super::speech::{Said, speak};
use super::story::{Part, Story};
use super::style::{self, Style};
use super::transitions;
use crate::film::captions::Format as CaptionFormat;
use crate::film::thumbnail::Format as PictureFormat;
use crate::media::encoding::Container;
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
            read: maker.read,
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
    let bindings = film.outputs(&mut maker);
    let needs = formats.uses.iter().zip(&bindings).map(|(asking, binding)| {
        let made = asking.as_ref().zip(binding.as_ref());
        made.and_then(|(asking, binding)| film.expected(asking, binding, &mut maker)).into_iter().collect()
    });
    let needs = needs.collect();
    FrontGraph { nodes: maker.nodes, bindings, needs, read: maker.read }
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
            maker.add(format!("{name}.segments"), "segments", with);
            before = ready.last().map(|last| (scene, last.clone()));
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

    /// What the outputs take, and the film-wide nodes behind it.
    fn outputs(&self, maker: &mut Maker) -> Vec<Option<String>> {
        let mut made = Made::default();
        if self.formats.uses.iter().flatten().next().is_none() {
            for index in 0..self.formats.films.iter().count() {
                let key = (index, Container::Mp4, Beside::default());
                self.film(&key, "film", Span::default(), &mut made, maker);
            }
        }
        let uses = &self.formats.uses;
        let mut bind = |Asking { what, name, span, .. }: &Asking| match what {
            Use::Film { format, container, beside } => {
                let key = (*format, *container, beside.clone());
                let node = self.film(&key, name, *span, &mut made, maker);
                format!("${{{node}.video}}")
            }
            Use::Gif { format, colors } => {
                let with = self.joined(*format, *span);
                let with = if let Some(colors) = colors { with.set("colors", colors) } else { with };
                format!("${{{}.video}}", maker.add(format!("{name}.gif"), "gif", with))
            }
            Use::Sound { cut, codec, stem } => {
                let track = Track { cut: *cut, codec: *codec, stem: *stem };
                format!("${{{}.audio}}", self.sound(track, name, *span, &mut made, maker))
            }
            Use::Captions { cut, kind, size } => {
                let with = self.caption_file(self.formats.cuts.get(*cut), *kind, *size, *span);
                format!("${{{}.captions}}", maker.add(format!("{name}.captions"), "captions", with))
            }
            Use::Picture { format, kind, at } => {
                let films = &made.films;
                let found = films.iter().find(|(key, _)| key.0 == *format).map(|(_, node)| node.clone());
                let found = found.or_else(|| self.film_asked_for(*format));
                let video = found.unwrap_or_else(|| {
                    let key = (*format, Container::Mp4, Beside::default());
                    self.film(&key, name, *span, &mut made, maker)
                });
                let with = With::new(*span)
                    .port("video", &video, "video")
                    .maybe("at", at.as_ref())
                    .set("format", kind);
                format!("${{{}.image}}", maker.add(format!("{name}.thumbnail"), "thumbnail", with))
            }
        };
        uses.iter().map(|found| found.as_ref().map(&mut bind)).collect()
    }
}

impl Film<'_> {
    /// The node that measures an output, if something is expected of it.
    fn expected(&self, asking: &Asking, binding: &str, maker: &mut Maker) -> Option<String> {
        let Asking { what, name, span, expect } = asking;
        let expect = expect.as_ref()?;
        let slot = match what {
            Use::Film { .. } | Use::Gif { .. } => "video",
            Use::Sound { .. } => "audio",
            Use::Captions { .. } => "captions",
            Use::Picture { .. } => "image",
        };
        let mut with =
            With::new(*span).put(slot, Located::text(*span, binding)).put("expect", expect.clone());
        if let Use::Film { format, .. } = what
            && ["cps", "glyphs"].iter().any(|key| expect.get(key).is_some())
        {
            with = with.put("scenes", self.scenes_of(*format, *span, maker));
        }
        Some(maker.add(format!("{name}.expect"), "expect", with))
    }

    /// The scenes of a film in order, with their captions where they have some.
    fn scenes_of(&self, format: usize, span: Span, maker: &Maker) -> Located {
        let cut = self.formats.cuts.get(self.formats.films.get(format).cut);
        let prefix = self.formats.films.prefix(format);
        let scenes = cut.scenes.iter().map(|scene| {
            let with = With::new(span).port("plan", &self.times(cut, *scene), "plan");
            let cues = format!("{prefix}{}.cues", self.scenes[*scene].scene.value.id);
            let has = maker.nodes.iter().any(|node| node.name.value == cues);
            if has { with.port("cues", &cues, "cues").located() } else { with.located() }
        });
        list(span, scenes)
    }
}

/// Format and container of a film, and what it holds beside pictures and sound.
type FilmKey = (usize, Container, Beside);

/// Film-wide nodes that were made, by what they are.
#[derive(Default)]
pub(super) struct Made {
    films: Vec<(FilmKey, String)>,
    pub(super) sounds: Vec<(Track, String)>,
}

impl Film<'_> {
    /// The name that the film of a format will have, when an output asks for one later in the list.
    fn film_asked_for(&self, format: usize) -> Option<String> {
        let asked = |what: &Use| matches!(what, Use::Film { format: of, .. } if *of == format);
        let any = self.formats.uses.iter().flatten().any(|asking| asked(&asking.what));
        any.then(|| format!("{}film.mux", self.formats.films.prefix(format)))
    }

    /// The node that joins a film, made once for equal outputs.
    fn film(&self, key: &FilmKey, output: &str, span: Span, made: &mut Made, maker: &mut Maker) -> String {
        if let Some((_, node)) = made.films.iter().find(|(known, _)| known == key) {
            return node.clone();
        }
        let (format, container, _) = key;
        let film = self.formats.films.get(*format);
        let cut = self.formats.cuts.get(film.cut);
        let prefix = self.formats.films.prefix(*format);
        let first = !made.films.iter().any(|(known, _)| known.0 == *format);
        let name = if first { format!("{prefix}film.mux") } else { format!("{output}.mux") };
        made.films.push((key.clone(), name.clone()));
        let mut with = self.joined(*format, span).set("container", container);
        if self.is_heard(cut) {
            let track = Track { cut: film.cut, codec: container.sound(), stem: None };
            with = with.port("audio", &self.sound(track, output, span, made, maker), "audio");
        }
        let with = self.beside(with, key, output, span, made, maker);
        maker.add(name, "mux", with)
    }

    /// The segments of a film and the plans that they must come to.
    fn joined(&self, format: usize, span: Span) -> With {
        let cut = self.formats.cuts.get(self.formats.films.get(format).cut);
        let prefix = self.formats.films.prefix(format);
        let id = |scene: &usize| &self.scenes[*scene].scene.value.id;
        let segments = cut
            .scenes
            .iter()
            .map(|scene| reference(span, &format!("{prefix}{}.segments", id(scene)), "video"));
        let plans = cut.scenes.iter().map(|scene| reference(span, &self.times(cut, *scene), "plan"));
        With::new(span).put("segments", list(span, segments)).put("plans", list(span, plans))
    }

    /// What a film holds beside pictures and sound, and the nodes behind it.
    fn beside(
        &self,
        mut with: With,
        (format, container, beside): &FilmKey,
        output: &str,
        span: Span,
        made: &mut Made,
        maker: &mut Maker,
    ) -> With {
        let film = self.formats.films.get(*format);
        let cut = self.formats.cuts.get(film.cut);
        for (key, text) in &beside.tags {
            with = with.put(key, text.clone());
        }
        if beside.chapters {
            let titles = cut.scenes.iter().map(|scene| {
                let scene = &self.scenes[*scene].scene;
                let title = || Located::text(scene.place(), scene.value.id.clone());
                scene.written.get("chapter").cloned().unwrap_or_else(title)
            });
            with = with.put("chapters", list(span, titles));
        }
        if let Some(language) = &beside.subtitles {
            let kind = match container {
                Container::Webm => CaptionFormat::Vtt,
                Container::Mp4 | Container::Mov | Container::Mkv => CaptionFormat::Srt,
            };
            let captions = self.caption_file(cut, kind, film.size, span);
            let captions = maker.add(format!("{output}.subtitles"), "captions", captions);
            let track = With::new(span).port("captions", &captions, "captions").set("language", language);
            with = with.put("subtitles", list(span, [track.located()]));
        }
        match &beside.cover {
            Some(cover) if beside.has_frame() => {
                // Taken from any film of these pictures whose cover is not taken from one; such a one comes first.
                let plain = |(of, _, beside): &FilmKey| of == format && !beside.has_frame();
                let found = made.films.iter().find(|(known, _)| plain(known)).map(|(_, node)| node.clone());
                let video = found.unwrap_or_else(|| {
                    let key = (*format, *container, Beside::default());
                    self.film(&key, output, cover.span, made, maker)
                });
                let frame = With::new(cover.span)
                    .port("video", &video, "video")
                    .maybe("at", cover.get("at"))
                    .set("format", PictureFormat::Jpg);
                let picture = maker.add(format!("{output}.cover"), "thumbnail", frame);
                with.port("cover", &picture, "image")
            }
            Some(cover) => with.put("cover", cover.clone()),
            None => with,
        }
    }

    fn caption_file(&self, cut: &Cut, kind: CaptionFormat, size: Size, span: Span) -> With {
        let scenes = cut.scenes.iter().map(|&scene| {
            let times = self.times(cut, scene);
            With::new(span).port("plan", &times, "plan").port("words", &times, "words").located()
        });
        let style = style::of(self.story, None);
        let with =
            With::new(span).put("scenes", list(span, scenes)).set("format", kind).set("lines", style.lines);
        if kind != CaptionFormat::Ass {
            return with;
        }
        let look =
            With::new(span).set("size", size).put("type", style.letters(size)).set("look", style.look(size));
        with.put("ass", look.located())
    }
}

/// The length of a transition as written, else its default.
fn for_of(written: Option<&Located>, default: String, span: Span) -> Located {
    match written.and_then(|written| written.get("for")) {
        Some(length) => length.clone(),
        None => Located::text(span, default),
    }
}
