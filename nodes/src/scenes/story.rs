//! The sections of a project as typed values, each beside what was written. It makes no node.

use std::collections::BTreeMap;

use reel_engine::diagnostic::{Diagnostic, Diagnostics, code};
use reel_engine::operation::FrontProject;
use reel_engine::span::{Span, Spanned};
use reel_engine::spec::{self, Located, Written, check};
use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;

use super::sections::layers::{Layer, Over, Progress};
use super::sections::{Captions, Format, Musics, Pronounce, Scene, Scenes, Transition, Voice};
use crate::media::picture::TransitionKind;
use crate::media::wrong_frame_size;

/// All sections.
pub(super) struct Story<'a> {
    pub(super) format: Format,
    pub(super) voice: Option<Part<'a, Voice>>,
    pub(super) captions: Option<Part<'a, Captions>>,
    pub(super) music: Option<Part<'a, Musics>>,
    pub(super) pronounce: Pronounce,
    pub(super) watermark: Option<Part<'a, Layer>>,
    pub(super) progress: Option<Part<'a, Progress>>,
    pub(super) scenes: Vec<Part<'a, Scene>>,
    /// Whether all of it is right. If not, what is wrong was reported, and the rest is here for its own errors.
    pub(super) whole: bool,
    /// Whether `captions` is right, whatever the rest is.
    pub(super) styled: bool,
    /// Whether no two scenes have one name.
    pub(super) apart: bool,
}

/// A value and what was written for it.
pub(super) struct Part<'a, T> {
    pub(super) value: T,
    pub(super) written: &'a Located,
}

impl<T> Part<'_, T> {
    /// The place of one of its values, or of the whole.
    pub(super) fn span(&self, pointer: &str) -> Span {
        self.written.span_at(pointer)
    }
}

impl Part<'_, Scene> {
    /// Where the scene is pointed at: its name.
    pub(super) fn place(&self) -> Span {
        self.span("/id")
    }

    /// The transition into the scene, unless it is a cut.
    pub(super) fn transition(&self) -> Option<&Transition> {
        self.value.transition.as_ref().filter(|transition| transition.kind != TransitionKind::Cut)
    }
}

/// Reads all sections; `None` when there is nothing in them to go on with, which then was reported.
pub(super) fn read<'a>(project: &FrontProject<'a>, problems: &mut Diagnostics) -> Option<Story<'a>> {
    let section = |key: &str| project.sections.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let Some(written) = section("scenes") else {
        if !problems.has_errors() {
            missing_scenes(project, problems);
        }
        return None;
    };
    // What is wrong in these was reported when they were read.
    let mut told = Diagnostics::default();
    let format = part(section("format"), &mut told);
    let voice = part(section("voice"), &mut told);
    let captions = part(section("captions"), &mut told);
    let music = part(section("music"), &mut told);
    let pronounce = part::<Pronounce>(section("pronounce"), &mut told);
    let watermark = part(section("watermark"), &mut told);
    let progress = part(section("progress"), &mut told);
    let (scenes, right) = scenes(written, &mut told);
    if project.wrong.is_empty() {
        problems.extend(told);
    }
    if scenes.is_empty() && right {
        let message = "there are no scenes";
        problems
            .push(Diagnostic::error(code::BAD_VALUE, written.span, message).help("add one: `- id: first`"));
    }
    let whole = right
        && format.is_some()
        && voice.is_some()
        && captions.is_some()
        && music.is_some()
        && pronounce.is_some()
        && watermark.is_some()
        && progress.is_some();
    let styled = captions.is_some();
    let mut story = Story {
        format: frames(format.flatten(), problems),
        voice: voice.flatten(),
        captions: captions.flatten(),
        music: music.flatten(),
        pronounce: pronounce.flatten().map_or_else(BTreeMap::new, |part| part.value),
        watermark: watermark.flatten(),
        progress: progress.flatten(),
        scenes,
        whole,
        styled,
        apart: true,
    };
    if whole {
        lengths(&story, problems);
    }
    single_words(project, problems);
    film_bars(&story, problems);
    own_words(&story, problems);
    story.apart = distinct(&story.scenes, problems);
    (!story.scenes.is_empty()).then_some(story)
}

/// The format; a size that no frame can have is reported where it was written, once, and then the usual one stands.
fn frames(part: Option<Part<'_, Format>>, problems: &mut Diagnostics) -> Format {
    let Some(Part { mut value, written }) = part else { return Format::default() };
    if let Some(message) = wrong_frame_size(value.size) {
        let span = written.span_at("/size");
        problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help("such as `1080x1920`"));
        value.size = Format::default().size;
    }
    value
}

/// All scenes, or, when something in them is wrong, those that are right, and whether that is all.
fn scenes<'a>(written: &'a Located, problems: &mut Diagnostics) -> (Vec<Part<'a, Scene>>, bool) {
    if let Some(all) = typed::<Scenes>(written, problems) {
        return (
            all.into_iter().zip(written.items()).map(|(value, written)| Part { value, written }).collect(),
            true,
        );
    }
    // What is wrong with the others is in `problems` by now.
    let alone = |written| Some(Part { value: as_far_as_right(written)?, written });
    (written.items().iter().filter_map(alone).collect(), false)
}

/// A scene without those of its keys in which something is wrong.
fn as_far_as_right(written: &Located) -> Option<Scene> {
    let (id, rest): (Vec<_>, Vec<_>) =
        written.entries().iter().cloned().partition(|(key, _)| key.value == "id");
    let scene = |entries: &[(Spanned<String>, Located)]| {
        let whole = Located { node: Written::Map(entries.to_vec()), span: written.span };
        typed::<Scene>(&whole, &mut Diagnostics::default())
    };
    let mut right = id;
    let mut found = scene(&right)?;
    for entry in rest {
        right.push(entry);
        match scene(&right) {
            Some(more) => found = more,
            None => drop(right.pop()),
        }
    }
    Some(found)
}

/// An outer `None` for what is wrong, an inner one for what is not there.
#[expect(clippy::option_option, reason = "what is wrong and what is absent are told apart here alone")]
fn part<'a, T: JsonSchema + DeserializeOwned>(
    written: Option<&'a Located>,
    problems: &mut Diagnostics,
) -> Option<Option<Part<'a, T>>> {
    match written {
        None => Some(None),
        Some(written) => Some(Some(Part { value: typed(written, problems)?, written })),
    }
}

/// A written value as its type.
pub(super) fn typed<T: JsonSchema + DeserializeOwned>(
    written: &Located,
    problems: &mut Diagnostics,
) -> Option<T> {
    let checked = check(written, &schema_for!(T).to_value(), problems)?;
    spec::typed(written, checked.value, problems)
}

fn missing_scenes(project: &FrontProject<'_>, problems: &mut Diagnostics) {
    let help = "add `scenes:`, or take the output from a node with `from: \"${node.port}\"`";
    for output in project.outputs {
        let message = format!("output `{}` is to be made of scenes, but there are none", output.name.value);
        problems.push(Diagnostic::error(code::MISSING_KEY, output.name.span, message).help(help));
    }
}

fn distinct(scenes: &[Part<'_, Scene>], problems: &mut Diagnostics) -> bool {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut right = true;
    for scene in scenes {
        let id = scene.value.id.as_str();
        match seen.get(id) {
            Some(first) => {
                let message = format!("two scenes are called `{id}`");
                problems.push(
                    Diagnostic::error(code::DUPLICATE, scene.place(), message)
                        .also(*first, "the first one")
                        .help("give one of them another name"),
                );
                right = false;
            }
            None => {
                seen.insert(id, scene.place());
            }
        }
    }
    right
}

/// What can be known of lengths before anything is said.
fn lengths(story: &Story<'_>, problems: &mut Diagnostics) {
    let mut problem = |code, span, message: String, help: &str| {
        problems.push(Diagnostic::error(code, span, message).help(help));
    };
    for (i, scene) in story.scenes.iter().enumerate() {
        let Scene { id, say, show, length, captions, .. } = &scene.value;
        let shows = show.as_ref().map(|show| show.list()).unwrap_or_default();
        let lasts = !shows.is_empty()
            && shows
                .iter()
                .all(|show| show.length.is_some() || (show.clip.is_some() && show.repeat != Some(true)));
        let reads = captions.as_ref().is_some_and(|captions| captions.file.is_some());
        if say.is_none() && length.is_none() && !lasts && !reads {
            let message = format!("nothing is said in scene `{id}`, so nothing gives it a length");
            problem(code::MISSING_KEY, scene.place(), message, "add `for: 3s`, or something to `say`");
        }
        if i == 0 && scene.transition().is_some() {
            let message = format!("scene `{id}` is the first: there is nothing that it could come in over");
            problem(code::TRANSITION, scene.span("/transition"), message, "take `transition` out here");
        }
    }
}

/// A bar over all of the film costs something: once, where the first one is asked for, that is told.
fn film_bars(story: &Story<'_>, problems: &mut Diagnostics) {
    let project = story.progress.iter().map(|part| (&part.value, part.written));
    let scenes = story.scenes.iter();
    let scenes =
        scenes.filter_map(|scene| Some((scene.value.progress.as_ref()?, scene.written.get("progress")?)));
    let over = project.chain(scenes).find(|(bar, _)| bar.over == Some(Over::Film));
    if let Some((_, written)) = over {
        let message = "a bar over all of the film: a scene of another length encodes every scene again";
        let help = "`over: scene` leaves the other scenes alone";
        let span = written.span_at("/over");
        problems.push(Diagnostic::warning(code::BAD_VALUE, span, message).help(help));
    }
}

/// Subtitle files belong to scenes, and `from` to them.
fn own_words(story: &Story<'_>, problems: &mut Diagnostics) {
    let mut problem = |written: Option<&Located>, message: &str, help: &str| {
        let span = written.map_or_else(Span::default, |written| written.span);
        problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help(help));
    };
    if let Some(Part { value: Captions { file: Some(_), .. }, written }) = &story.captions {
        let help = "write it in the scene that shows its words: `captions: { file: PATH }`";
        problem(written.get("file"), "a subtitle file belongs to a scene", help);
    }
    let scenes = story
        .scenes
        .iter()
        .filter_map(|scene| Some((scene.value.captions.as_ref()?, scene.written.get("captions")?)));
    let project = story.captions.iter().map(|part| (&part.value, part.written));
    for (captions, written) in scenes.chain(project) {
        if captions.from.is_some() && captions.file.is_none() {
            problem(written.get("from"), "`from` is a place in a subtitle file", "name it: `file: PATH`");
        }
    }
}

/// A list of pronunciations has single words.
fn single_words(project: &FrontProject<'_>, problems: &mut Diagnostics) {
    let written = project.sections.iter().find(|(name, _)| name == "pronounce");
    for (key, _) in written.map(|(_, value)| value.entries()).unwrap_or_default() {
        if key.value.trim().is_empty() || key.value.contains(char::is_whitespace) {
            let message = format!("`{}` is not one word", key.value);
            let help = "a pronunciation is for one word; write `[shown](spoken)` in the text for more";
            problems.push(Diagnostic::error(code::BAD_VALUE, key.span, message).help(help));
        }
    }
}
