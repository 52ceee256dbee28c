//! What outputs take: the film-wide nodes that join, package and measure. It makes no picture and no sound.

use reel_engine::operation;
use reel_engine::quantity::Size;
use reel_engine::span::Span;
use reel_engine::spec::Located;

use super::film::Film;
use super::formats::{Asking, Beside, Cut, StreamNames, Use};
use super::maker::{Maker, With, list, reference};
use super::sound::Track;
use super::style;
use crate::film::captions::Format as CaptionFormat;
use crate::film::package::{self, words_file};
use crate::film::thumbnail::Format as PictureFormat;
use crate::media::encoding::{Container, SoundCodec};

impl Film<'_> {
    /// What the outputs take, and the film-wide nodes behind it.
    pub(super) fn outputs(&self, maker: &mut Maker) -> Bound {
        let mut made = Made::default();
        if self.formats.uses.iter().flatten().next().is_none() {
            for index in 0..self.formats.films.iter().count() {
                let key = (index, Container::Mp4, Beside::default());
                self.film(&key, "film", Span::default(), &mut made, maker);
            }
        }
        let uses = &self.formats.uses;
        let mut beside = vec![Vec::new(); uses.len()];
        let mut series = vec![Vec::new(); uses.len()];
        let mut bind = |index: usize, Asking { what, name, span, .. }: &Asking| match what {
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
            Use::Frames { format } => {
                let mut scenes = self.segments(*format).map(|node| format!("${{{node}.frames}}"));
                let first = scenes.next().unwrap_or_default();
                series[index] = scenes.collect();
                first
            }
            Use::Stream { formats, names, subtitles } => {
                let stream = (formats.as_slice(), names, subtitles.as_deref());
                let node = self.stream(stream, name, *span, &mut made, maker);
                beside[index] = node.1;
                format!("${{{}.playlist}}", node.0)
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
        let bindings =
            uses.iter().enumerate().map(|(index, found)| Some(bind(index, found.as_ref()?))).collect();
        Bound { bindings, beside, series }
    }
}

impl Film<'_> {
    /// The node that measures an output, if something is expected of it.
    pub(super) fn expected(&self, asking: &Asking, binding: &str, maker: &mut Maker) -> Option<String> {
        let Asking { what, name, span, expect } = asking;
        let expect = expect.as_ref()?;
        let slot = match what {
            Use::Film { .. } | Use::Gif { .. } | Use::Frames { .. } | Use::Stream { .. } => "video",
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

/// What outputs take.
pub(super) struct Bound {
    /// The reference of each, if it could be made.
    pub(super) bindings: Vec<Option<String>>,
    /// The files that belong to each.
    pub(super) beside: Vec<Vec<operation::Beside>>,
    /// References whose artifacts come behind that of each, where it is a series of files.
    pub(super) series: Vec<Vec<String>>,
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
        let mut name = if first { format!("{prefix}film.mux") } else { format!("{output}.mux") };
        let mut number = 2;
        while made.films.iter().any(|(_, known)| *known == name) {
            name = format!("{output}.mux.{number}");
            number += 1;
        }
        made.films.push((key.clone(), name.clone()));
        let mut with = self.joined(*format, span).set("container", container);
        if self.is_heard(cut) {
            let track = Track { cut: film.cut, codec: container.sound(), stem: None };
            with = with.port("audio", &self.sound(track, output, span, made, maker), "audio");
        }
        let with = self.beside(with, key, output, span, made, maker);
        maker.add(name, "mux", with)
    }

    /// The nodes that cut the scenes of a film into segments, in its order.
    fn segments(&self, format: usize) -> impl Iterator<Item = String> + '_ {
        let cut = self.formats.cuts.get(self.formats.films.get(format).cut);
        let prefix = self.formats.films.prefix(format);
        let id = |scene: &usize| &self.scenes[*scene].scene.value.id;
        cut.scenes.iter().map(move |scene| format!("{prefix}{}.segments", id(scene)))
    }

    /// The segments of a film and the plans that they must come to.
    fn joined(&self, format: usize, span: Span) -> With {
        let cut = self.formats.cuts.get(self.formats.films.get(format).cut);
        let segments = self.segments(format).map(|node| reference(span, &node, "video"));
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

    /// The node that makes a stream of films, and the files that belong to it.
    fn stream(
        &self,
        (formats, names, subtitles): (&[usize], &StreamNames, Option<&str>),
        output: &str,
        span: Span,
        made: &mut Made,
        maker: &mut Maker,
    ) -> (String, Vec<operation::Beside>) {
        let first = self.formats.films.get(formats[0]);
        let cut = self.formats.cuts.get(first.cut);
        let renditions = formats.iter().map(|format| {
            let joined = self.joined(*format, span).located();
            let segments = joined.get("segments").cloned();
            With::new(span).maybe("segments", segments.as_ref()).located()
        });
        let plans = cut.scenes.iter().map(|scene| reference(span, &self.times(cut, *scene), "plan"));
        let transitions = (0..cut.scenes.len())
            .skip(1)
            .filter(|place| self.scenes[cut.scenes[*place]].scene.transition().is_some());
        let transitions: Vec<usize> = transitions.collect();
        let mut with = With::new(span)
            .set("name", &names.stem)
            .put("renditions", list(span, renditions))
            .put("plans", list(span, plans));
        if !names.manner.is_empty() {
            with = with.set("manner", &names.manner);
        }
        if !transitions.is_empty() {
            with = with.set("transitions", &transitions);
        }
        let is_heard = self.is_heard(cut);
        if is_heard {
            let track = Track { cut: first.cut, codec: SoundCodec::Aac, stem: None };
            with = with.port("audio", &self.sound(track, output, span, made, maker), "audio");
        }
        let mut files = Vec::new();
        let node = format!("{output}.package");
        if let Some(language) = subtitles {
            let captions = self.caption_file(cut, CaptionFormat::Vtt, first.size, span);
            let captions = maker.add(format!("{output}.subtitles"), "captions", captions);
            with = with.port("captions", &captions, "captions");
            if language != "und" {
                with = with.set("language", language);
            }
            let from = format!("${{{captions}.captions}}");
            files.push(operation::Beside { file: words_file(&names.stem, ""), from });
        }
        let own = package::files(&names.stem, "", formats.len(), is_heard, subtitles.is_some());
        files.extend(own.into_iter().map(|package::File { port, name }| operation::Beside {
            file: name,
            from: format!("${{{node}.{port}}}"),
        }));
        (maker.add(node, "package", with), files)
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
