//! What is to be made of the scenes: the formats and cuts that the outputs ask for, each once. It makes no node.

use reel_engine::diagnostic::{Diagnostic, Diagnostics, code, nearest};
use reel_engine::operation::FrontProject;
use reel_engine::paths::Numbered;
use reel_engine::quantity::Size;
use reel_engine::span::Span;
use reel_engine::spec::{Located, OutputDecl};

use super::encodings;
use super::sections::output::{Burn, Output, Rendition};
use super::story::{Story, typed};
use crate::film::captions::Format as CaptionFormat;
use crate::film::thumbnail::Format as PictureFormat;
use crate::host::Offers;
use crate::media::encoding::{Container, Encoding, Hw, SoundCodec};
use crate::media::likeness::Likeness;
use crate::media::passage::Stem;
use crate::media::time::FrameRate;

/// Which scenes, in which order, at which frame rate: what decides times and sound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cut {
    pub(super) fps: FrameRate,
    /// Indexes into the story's scenes.
    pub(super) scenes: Vec<usize>,
}

/// A cut in a size and an encoding: what decides pictures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FilmFormat {
    pub(super) cut: usize,
    pub(super) size: Size,
    pub(super) encoding: Encoding,
    /// How alike its pictures must stay, where that is what decides the rate factor.
    pub(super) quality: Option<Likeness>,
    /// Whether each frame is made a picture by itself.
    pub(super) frames: bool,
    /// Whether captions are drawn into the pictures.
    pub(super) burn: bool,
}

/// What one output is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Use {
    Film { format: usize, container: Container, beside: Beside },
    Gif { format: usize, colors: Option<u32> },
    Frames { format: usize },
    Stream { formats: Vec<usize>, names: StreamNames, subtitles: Option<String> },
    Captions { cut: usize, kind: CaptionFormat, size: Size },
    Sound { cut: usize, codec: SoundCodec, stem: Option<Stem> },
    Picture { format: usize, kind: PictureFormat, at: Option<Located> },
}

/// What the files of a stream are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamNames {
    /// The name of the output's file without its end.
    pub(super) stem: String,
    /// What stands before the end where all is made in another manner.
    pub(super) manner: String,
}

/// An output, and what is to be made for it.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) what: Use,
    /// Its name.
    pub(super) name: String,
    /// Where it was written.
    pub(super) span: Span,
    /// What must hold before it is placed, as written; drafts are only looked at.
    pub(super) expect: Option<Located>,
}

/// What a film holds beside pictures and sound.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    /// Metadata by key, as written.
    pub(super) tags: Vec<(&'static str, Located)>,
    /// Whether each scene is a chapter.
    pub(super) chapters: bool,
    /// The language of a subtitle track, as three letters, if there is to be one.
    pub(super) subtitles: Option<String>,
    /// The cover as written.
    pub(super) cover: Option<Located>,
}

/// Where it was written makes no difference.
impl PartialEq for Beside {
    fn eq(&self, other: &Self) -> bool {
        let tags =
            |of: &Self| -> Vec<_> { of.tags.iter().map(|(key, text)| (*key, text.node.clone())).collect() };
        let cover = |of: &Self| of.cover.as_ref().map(|cover| cover.node.clone());
        let rest = |of: &Self| (of.chapters, of.subtitles.clone());
        tags(self) == tags(other) && cover(self) == cover(other) && rest(self) == rest(other)
    }
}

impl Beside {
    /// Whether its cover is a frame of the film itself.
    pub(super) fn has_frame(&self) -> bool {
        self.cover.as_ref().is_some_and(|cover| cover.get("at").is_some())
    }

    fn of(asked: &Asked<'_>) -> Self {
        let (output, written) = (&asked.output, &asked.decl.written);
        let tags = ["title", "artist", "comment", "date"];
        let subtitles = output.subtitles.as_ref();
        Self {
            tags: tags.into_iter().filter_map(|key| Some((key, written.get(key)?.clone()))).collect(),
            chapters: output.chapters == Some(true),
            subtitles: subtitles.map(|subtitles| subtitles.language().unwrap_or("und").to_owned()),
            cover: written.get("cover").cloned(),
        }
    }
}

/// Values without repetition, each named by the output that first asked for it.
#[derive(Debug)]
pub(super) struct Named<T>(Vec<(T, String)>);

impl<T: PartialEq> Named<T> {
    /// The index of a value, which is added when it is new.
    fn index(&mut self, value: T, output: &str) -> usize {
        if let Some(found) = self.0.iter().position(|(known, _)| *known == value) {
            return found;
        }
        self.0.push((value, output.to_owned()));
        self.0.len() - 1
    }

    pub(super) fn get(&self, index: usize) -> &T {
        &self.0[index].0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(value, _)| value)
    }

    /// What stands before names of nodes: nothing when there is only one.
    pub(super) fn prefix(&self, index: usize) -> String {
        if self.0.len() == 1 { String::new() } else { format!("{}/", self.0[index].1) }
    }
}

/// All that the outputs ask for.
pub(super) struct Formats {
    pub(super) rates: Named<FrameRate>,
    pub(super) cuts: Named<Cut>,
    pub(super) films: Named<FilmFormat>,
    /// For each output of the project, what it is, unless it is wrong.
    pub(super) uses: Vec<Option<Asking>>,
    /// Whether all is made small and fast.
    draft: bool,
    /// Encoders in this machine's graphics devices.
    pub(super) offers: Offers,
    /// Whether an output asks for one.
    pub(super) asks_for_hardware: bool,
}

impl Formats {
    /// What stands before names of nodes that only a frame rate changes.
    pub(super) fn rate_prefix(&self, fps: FrameRate) -> String {
        let index = self.rates.iter().position(|known| *known == fps).unwrap_or(0);
        self.rates.prefix(index)
    }
}

/// The kinds of output, by the end of their names.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    Film(Container),
    Stream,
    Gif,
    Frames,
    Captions(CaptionFormat),
    Sound(SoundCodec),
    Picture(PictureFormat),
}

const ENDS: &[(&str, Class)] = &[
    ("mp4", Class::Film(Container::Mp4)),
    ("mov", Class::Film(Container::Mov)),
    ("mkv", Class::Film(Container::Mkv)),
    ("webm", Class::Film(Container::Webm)),
    ("m3u8", Class::Stream),
    ("gif", Class::Gif),
    ("srt", Class::Captions(CaptionFormat::Srt)),
    ("vtt", Class::Captions(CaptionFormat::Vtt)),
    ("ass", Class::Captions(CaptionFormat::Ass)),
    ("wav", Class::Sound(SoundCodec::Wav)),
    ("flac", Class::Sound(SoundCodec::Flac)),
    ("m4a", Class::Sound(SoundCodec::Aac)),
    ("opus", Class::Sound(SoundCodec::Opus)),
    ("png", Class::Picture(PictureFormat::Png)),
    ("jpg", Class::Picture(PictureFormat::Jpg)),
    ("jpeg", Class::Picture(PictureFormat::Jpg)),
];

const FILM_KEYS: &[&str] = &[
    "size",
    "fps",
    "codec",
    "crf",
    "quality",
    "bitrate",
    "two_pass",
    "hw",
    "preset",
    "tune",
    "gop",
    "level",
    "pixel_format",
    "profile",
    "captions",
    "scenes",
    "title",
    "artist",
    "comment",
    "date",
    "chapters",
    "subtitles",
    "cover",
    "expect",
];

const STREAM_KEYS: &[&str] = &[
    "size",
    "fps",
    "codec",
    "crf",
    "quality",
    "bitrate",
    "two_pass",
    "hw",
    "preset",
    "tune",
    "level",
    "captions",
    "scenes",
    "subtitles",
    "renditions",
];

/// Frames between key frames of what a GIF or pictures of all frames are made from. It is read from its start.
const WHOLE_KEYINT: u32 = 250;

/// The keys that mean something for a class, and what to call it.
fn keys(class: Class) -> (&'static [&'static str], &'static str) {
    match class {
        Class::Film(_) => (FILM_KEYS, "a film"),
        Class::Stream => (STREAM_KEYS, "a stream"),
        Class::Gif => (&["size", "fps", "captions", "scenes", "colors"], "a GIF"),
        Class::Frames => (&["size", "fps", "captions", "scenes"], "pictures of all frames"),
        Class::Captions(_) => (&["size", "fps", "scenes", "expect"], "a caption file"),
        Class::Sound(_) => (&["fps", "scenes", "stem", "expect"], "a sound file"),
        Class::Picture(_) => (&["size", "at", "expect"], "a picture"),
    }
}

struct Asked<'a> {
    decl: &'a OutputDecl,
    class: Class,
    output: Output,
    scenes: Vec<usize>,
}

/// Reads what all outputs ask for; one that is wrong is reported, and is no use.
pub(super) fn read(
    project: &FrontProject<'_>,
    story: &Story<'_>,
    (draft, offers): (bool, &Offers),
    problems: &mut Diagnostics,
) -> Formats {
    let asked: Vec<Option<Asked<'_>>> =
        project.outputs.iter().map(|decl| one(decl, story, offers, problems)).collect();
    let mut formats = Formats {
        rates: Named(Vec::new()),
        cuts: Named(Vec::new()),
        films: Named(Vec::new()),
        uses: Vec::new(),
        draft,
        offers: offers.clone(),
        asks_for_hardware: false,
    };
    let right = || asked.iter().flatten();
    for asked in right().filter(|asked| matches!(asked.class, Class::Film(_) | Class::Gif | Class::Frames)) {
        formats.film(asked, story);
    }
    for asked in right().filter(|asked| asked.class == Class::Stream) {
        formats.renditions(asked, story);
    }
    let wants_picture = right().any(|asked| matches!(asked.class, Class::Picture(_)));
    if formats.films.0.is_empty() && (right().next().is_none() || wants_picture) {
        let scenes = (0..story.scenes.len()).collect();
        let name = right().next().map_or("film", |asked| &asked.decl.name.value);
        let cut = formats.cut(story.format.fps, scenes, name);
        let film = FilmFormat {
            cut,
            size: story.format.size,
            encoding: Encoding::default(),
            quality: None,
            frames: false,
            burn: true,
        };
        let film = formats.as_made(film);
        formats.films.index(film, name);
    }
    for asked in &asked {
        let found = asked.as_ref().map(|asked| Asking {
            what: formats.what(asked, story),
            name: asked.decl.name.value.clone(),
            span: asked.decl.name.span,
            expect: asked.decl.written.get("expect").filter(|_| !draft).cloned(),
        });
        formats.uses.push(found);
    }
    formats
}

impl Formats {
    fn cut(&mut self, fps: FrameRate, scenes: Vec<usize>, name: &str) -> usize {
        self.rates.index(fps, name);
        self.cuts.index(Cut { fps, scenes }, name)
    }

    /// A film as it is asked for; a draft of it is half as wide and high, encoded fast, and made to no quality.
    fn as_made(&self, film: FilmFormat) -> FilmFormat {
        if !self.draft {
            return film;
        }
        FilmFormat { size: half(film.size), encoding: film.encoding.fast(), quality: None, ..film }
    }

    fn film(&mut self, asked: &Asked<'_>, story: &Story<'_>) -> usize {
        self.film_called(asked, &asked.decl.name.value, story)
    }

    /// The films that a stream is made of.
    fn renditions(&mut self, asked: &Asked<'_>, story: &Story<'_>) -> Vec<usize> {
        let own = renditions(&asked.output, story.format.size);
        let each = own.into_iter().enumerate().map(|(index, output)| {
            let asked = Asked { output, scenes: asked.scenes.clone(), ..*asked };
            let name = format!("{}.{}", asked.decl.name.value, index + 1);
            self.film_called(&asked, &name, story)
        });
        each.collect()
    }

    /// A film whose nodes are named by `name`, if no other has the same pictures.
    fn film_called(&mut self, asked: &Asked<'_>, name: &str, story: &Story<'_>) -> usize {
        let output = &asked.output;
        let cut = self.cut(output.fps.unwrap_or(story.format.fps), asked.scenes.clone(), name);
        let fps = self.cuts.get(cut).fps;
        let size = output.size.unwrap_or(story.format.size);
        let made = if self.draft { half(size) } else { size };
        let encoding = match asked.class {
            Class::Film(container) => encodings::encoding(output, container, (made, fps), &self.offers),
            Class::Stream => encodings::encoding(output, Container::Mp4, (made, fps), &self.offers),
            Class::Gif | Class::Frames => Encoding::lossless(WHOLE_KEYINT),
            _ => Encoding::default(),
        };
        // What is a track of its own need not be drawn, too.
        let burn = match output.captions {
            Some(asked) => asked == Burn::Burn,
            None => output.subtitles.is_none(),
        };
        self.asks_for_hardware |= output.hw.is_some_and(|hw| hw != Hw::Off);
        let quality = output.quality.map(|quality| quality.ssim);
        let frames = asked.class == Class::Frames;
        let film = self.as_made(FilmFormat { cut, size, encoding, quality, frames, burn });
        self.films.index(film, name)
    }

    fn what(&mut self, asked: &Asked<'_>, story: &Story<'_>) -> Use {
        let (output, name) = (&asked.output, asked.decl.name.value.as_str());
        let first = self.films.0.first().map(|(film, _)| film.clone());
        // Sound and captions belong to the first film, unless they say otherwise.
        let film_fps = first.as_ref().map(|film| self.cuts.get(film.cut).fps);
        let fps = output.fps.or(film_fps).unwrap_or(story.format.fps);
        match asked.class {
            Class::Film(container) => {
                Use::Film { format: self.film(asked, story), container, beside: Beside::of(asked) }
            }
            Class::Stream => {
                let file = &asked.decl.file.value;
                let file = file.rsplit_once('/').map_or(file.as_str(), |(_, file)| file);
                let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned();
                let manner = if self.draft { format!(".{}", super::DRAFT) } else { String::new() };
                let subtitles = output.subtitles.as_ref();
                Use::Stream {
                    formats: self.renditions(asked, story),
                    names: StreamNames { stem, manner },
                    subtitles: subtitles.map(|subtitles| subtitles.language().unwrap_or("und").to_owned()),
                }
            }
            Class::Frames => Use::Frames { format: self.film(asked, story) },
            Class::Gif => Use::Gif { format: self.film(asked, story), colors: output.colors },
            Class::Captions(kind) => {
                let of_film = first.map_or(story.format.size, |film| film.size);
                // Sizes of drafts are halved already.
                let size = output.size.map_or(of_film, |size| if self.draft { half(size) } else { size });
                Use::Captions { cut: self.cut(fps, asked.scenes.clone(), name), kind, size }
            }
            Class::Sound(codec) => {
                Use::Sound { cut: self.cut(fps, asked.scenes.clone(), name), codec, stem: output.stem }
            }
            Class::Picture(kind) => {
                let asked_size = output.size.map(|size| if self.draft { half(size) } else { size });
                let of_size = |film: &FilmFormat| asked_size.is_none_or(|size| size == film.size);
                let fitting = self.films.iter().position(of_size);
                let format = match fitting {
                    Some(found) => found,
                    None => {
                        let output = Output { size: output.size, ..Output::default() };
                        let scenes = asked.scenes.clone();
                        self.film(&Asked { output, scenes, ..*asked }, story)
                    }
                };
                Use::Picture { format, kind, at: asked.decl.written.get("at").cloned() }
            }
        }
    }
}

/// Half as wide and high, and even, unless that is too small for a frame.
fn half(size: Size) -> Size {
    let even = |pixels: u32| (pixels / 4).max(1) * 2;
    let half = Size { width: even(size.width), height: even(size.height) };
    if crate::media::wrong_frame_size(half).is_none() { half } else { size }
}

/// What each rendition of a stream comes to: what is written there, else what the output says; left out, the film and
/// half of it.
fn renditions(output: &Output, size: Size) -> Vec<Output> {
    let size = output.size.unwrap_or(size);
    let plain = |size| Rendition { size: Some(size), ..Rendition::default() };
    let all = output.renditions.clone().unwrap_or_else(|| vec![plain(size), plain(half(size))]);
    let each = all.into_iter().map(|own| {
        // What is said there of the quality counts instead of all that the output says of it.
        let is_said = own.crf.is_some() || own.quality.is_some() || own.bitrate.is_some();
        let (crf, quality, bitrate) = match is_said {
            true => (own.crf, own.quality, own.bitrate),
            false => (output.crf, output.quality, output.bitrate),
        };
        let size = Some(own.size.unwrap_or(size));
        Output { size, crf, quality, bitrate, preset: own.preset.or(output.preset), ..output.clone() }
    });
    each.collect()
}

/// What is to be made, as the name of its file tells.
fn class(decl: &OutputDecl, problems: &mut Diagnostics) -> Option<Class> {
    let file = decl.file.value.as_str();
    let mut problem = |message: String, help: &str| {
        problems.push(Diagnostic::error(code::BAD_VALUE, decl.file.span, message).help(help));
        None
    };
    let end = file.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    let Some((_, class)) = ENDS.iter().find(|(known, _)| *known == end) else {
        let help = "let it end in .mp4 .mov .mkv .webm (film), .m3u8 (stream), .gif, .srt .vtt .ass (captions), \
                    .wav .flac .m4a .opus (sound) or .png .jpg (one picture, or with `%05d` in its name all frames), or \
                    take it from a node with `from`";
        return problem(format!("`{file}` does not say what is to be made"), help);
    };
    let numbered = Numbered::of(file).is_some();
    match class {
        Class::Picture(PictureFormat::Png) if numbered => Some(Class::Frames),
        Class::Picture(_) if numbered => {
            problem(format!("`{file}`: pictures of all frames are PNG files"), "let it end in .png")
        }
        Class::Picture(_) if file.contains("%d") || file.contains("%0") => {
            let message = format!("`{file}` does not say how frames are numbered");
            problem(message, "write `%05d` once, in the name of the file, for numbers of five digits")
        }
        class => Some(*class),
    }
}

/// One output, checked by itself.
fn one<'a>(
    decl: &'a OutputDecl,
    story: &Story<'_>,
    offers: &Offers,
    problems: &mut Diagnostics,
) -> Option<Asked<'a>> {
    let output: Output = typed(&decl.written, problems)?;
    let class = class(decl, problems)?;
    let (known, what) = keys(class);
    let mut right = true;
    for (key, _) in decl.written.entries().iter().filter(|(key, _)| key.value != "file") {
        if !known.contains(&key.value.as_str()) {
            let message = format!("`{}` means nothing for {what}", key.value);
            let help = format!("it knows {}", known.join(", "));
            problems.push(Diagnostic::error(code::BAD_VALUE, key.span, message).help(help));
            right = false;
        }
    }
    right &= is_right((decl, &output), class, story, offers, problems);
    let scenes = scenes(decl, &output, story, problems);
    let asked = Asked { decl, class, output, scenes: scenes? };
    right.then_some(asked)
}

/// Reports what does not go together in an output; whether all is right.
fn is_right(
    (decl, output): (&OutputDecl, &Output),
    class: Class,
    story: &Story<'_>,
    offers: &Offers,
    problems: &mut Diagnostics,
) -> bool {
    let size = output.size.unwrap_or(story.format.size);
    let fps = output.fps.unwrap_or(story.format.fps);
    if let Some(message) = crate::media::wrong_frame_size(size) {
        let written = decl.written.get("size").map(|size| size.span);
        let span = written.unwrap_or(decl.name.span);
        problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help("such as `1080x1920`"));
        return false;
    }
    match class {
        Class::Film(container) => encodings::check((decl, output), container, (size, fps), offers, problems),
        Class::Stream => {
            let mut right = encodings::check_stream(decl, output.codec, problems);
            for (index, output) in renditions(output, story.format.size).iter().enumerate() {
                let size = output.size.unwrap_or(size);
                if let Some(message) = crate::media::wrong_frame_size(size) {
                    let span = decl.written.span_at(&format!("/renditions/{index}/size"));
                    problems
                        .push(Diagnostic::error(code::BAD_VALUE, span, message).help("such as `540x960`"));
                    right = false;
                } else if right {
                    right = encodings::check((decl, output), Container::Mp4, (size, fps), offers, problems);
                }
            }
            right
        }
        Class::Gif if fps.num() > 50 * fps.den() => {
            let span = decl.written.get("fps").map_or(decl.name.span, |fps| fps.span);
            let message = format!("a GIF shows at most 50 frames a second, not {fps}");
            problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help("such as `fps: 25`"));
            false
        }
        _ => true,
    }
}

fn scenes(
    decl: &OutputDecl,
    output: &Output,
    story: &Story<'_>,
    problems: &mut Diagnostics,
) -> Option<Vec<usize>> {
    let Some(wanted) = &output.scenes else {
        return Some((0..story.scenes.len()).collect());
    };
    let mut found = Some(Vec::new());
    for (i, id) in wanted.iter().enumerate() {
        let span = decl.written.span_at(&format!("/scenes/{i}"));
        let index = story.scenes.iter().position(|scene| scene.value.id == *id);
        let twice = wanted[..i].contains(id);
        match (index, &mut found) {
            (Some(index), Some(found)) if !twice => found.push(index),
            (Some(_), _) if twice => {
                let message = format!("scene `{id}` is named twice");
                problems.push(Diagnostic::error(code::DUPLICATE, span, message));
                found = None;
            }
            (Some(_), _) => {}
            (None, _) => {
                let ids = story.scenes.iter().map(|scene| scene.value.id.as_str());
                let help = nearest(id, ids).map(|near| format!("did you mean `{near}`?"));
                let message = format!("there is no scene `{id}`");
                problems.push(Diagnostic::error(code::UNKNOWN_NODE, span, message).maybe_help(help));
                found = None;
            }
        }
    }
    found
}
