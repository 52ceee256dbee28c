//! `say:` becomes speech, one node a sentence, each levelled on its own; a subtitle file becomes words. It knows no picture and no format.

use std::path::Path;

use reel_engine::diagnostic::{Code, Diagnostic, Diagnostics, code, nearest};
use reel_engine::span::Span;
use reel_engine::spec::{Located, escape, parse_reference};

use super::maker::{Maker, With};
use super::sections::{Say, Scene};
use super::story::{Part, Story};
use crate::media::words::Shown;
use crate::media::words::align::{bare, find};
use crate::media::words::parts::parts;
use crate::text::sentences::{Sentence, sentences};
use crate::text::subtitles;

/// Longest text file that is read for its sentences.
const LONGEST: u64 = 1 << 20;

/// A sentence, recording or subtitle file that was turned into nodes.
pub(super) struct Said {
    /// The node with the port `words`.
    pub(super) words: String,
    /// The node with the levelled sound; `None` for words that are shown and not said.
    pub(super) level: Option<String>,
    /// What captions show; empty when that is known only after the run.
    pub(super) shown: Vec<Shown>,
    /// Whether the words of the node are those that captions show, as they are in a subtitle file.
    pub(super) is_shown: bool,
    /// What is known to be said in a recording.
    pub(super) text: Option<String>,
    /// Where it was written.
    pub(super) span: Span,
}

/// The speech of one scene.
pub(super) fn speak(
    root: &Path,
    story: &Story<'_>,
    scene: &Part<'_, Scene>,
    maker: &mut Maker,
    problems: &mut Diagnostics,
) -> Vec<Said> {
    let captions = scene.written.get("captions").filter(|captions| captions.get("file").is_some());
    if let (Some(captions), Some(_)) = (captions, &scene.value.say) {
        let message = format!("scene `{}` says something, and captions show what is said", scene.value.id);
        let help = "take `file` out; for a recording, write `say: { audio: PATH, captions: PATH }`";
        let span = captions.span_at("/file");
        problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help(help));
    }
    let (found, written) = match (&scene.value.say, scene.written.get("say"), captions) {
        (Some(Say::Recording(_)), Some(written), _) => {
            (recording(root, story, scene, written, maker), written)
        }
        (Some(Say::Text(_)), Some(written), _) => (spoken(root, story, scene, written, maker), written),
        (None, _, Some(written)) => (Ok(vec![unsaid(root, scene, written, maker)]), written),
        _ => return Vec::new(),
    };
    match found {
        Ok(said) => said,
        Err((code, message, help)) => {
            problems.push(Diagnostic::error(code, written.span, message).help(help));
            Vec::new()
        }
    }
}

/// The words that captions will show, bare; `None` when some are known only after the run.
pub(super) fn known_words(said: &[Said]) -> Option<Vec<String>> {
    if said.iter().any(|sentence| sentence.shown.is_empty()) {
        return None;
    }
    let shown = said.iter().flat_map(|sentence| &sentence.shown);
    Some(shown.flat_map(|unit| parts(&unit.text)).map(|part| bare(part.text)).collect())
}

/// Where among the words of a scene `at` is said, from a word on (`which` says it in words); that it is not is reported.
pub(super) fn said_at(
    scene: &Part<'_, Scene>,
    words: &[String],
    (at, place): (&str, Span),
    (from, which): (usize, &str),
    problems: &mut Diagnostics,
) -> Option<usize> {
    let found = find(words, at, from);
    if found.is_none() {
        let near = nearest(&bare(at), words[from..].iter().map(String::as_str));
        let help = near.map_or_else(
            || format!("`at` names a word as captions show it{which}"),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("`{at}` is not said here in scene `{}`", scene.value.id);
        problems.push(Diagnostic::error(code::BAD_VALUE, place, message).help(help));
    }
    found
}

type Problem = (Code, String, String);

fn spoken(
    root: &Path,
    story: &Story<'_>,
    scene: &Part<'_, Scene>,
    written: &Located,
    maker: &mut Maker,
) -> Result<Vec<Said>, Problem> {
    let id = &scene.value.id;
    let Some(script) = script(root, written, maker)? else {
        // Made by another node: what it says is known only after that node ran.
        return Ok(vec![sentence(story, scene, 1, written.clone(), Vec::new(), maker)]);
    };
    let found = sentences(&script, &story.pronounce);
    if found.is_empty() {
        return Err(nothing_to_say(id));
    }
    Ok(found
        .into_iter()
        .enumerate()
        .map(|(i, Sentence { said, shown })| {
            sentence(story, scene, i + 1, Located::text(written.span, said), shown, maker)
        })
        .collect())
}

fn nothing_to_say(id: &str) -> Problem {
    (
        code::EMPTY_TEXT,
        format!("there is nothing to say in scene `{id}`"),
        "write at least one word, or take `say` out and give the scene a length with `for`".into(),
    )
}

/// One sentence: what is said is in the key of its speech, what is shown is not.
fn sentence(
    story: &Story<'_>,
    scene: &Part<'_, Scene>,
    number: usize,
    text: Located,
    shown: Vec<Shown>,
    maker: &mut Maker,
) -> Said {
    let id = &scene.value.id;
    let span = text.span;
    let mut with = With::new(span).put("text", text);
    for key in ["engine", "voice", "rate", "pitch"] {
        with = with.maybe(key, voice(story, scene, key));
    }
    let say = maker.add(format!("{id}.say.{number}"), "tts", with);
    let with = treated(story, scene, With::new(span).port("audio", &say, "audio"));
    let level = maker.add(format!("{id}.level.{number}"), "level", with);
    Said { words: say, level: Some(level), shown, is_shown: false, text: None, span }
}

/// What is done to the voice, as the kind that levels it takes it.
fn treated(story: &Story<'_>, scene: &Part<'_, Scene>, with: With) -> With {
    ["denoise", "eq", "compress"]
        .into_iter()
        .fold(with, |with, key| with.maybe(key, voice(story, scene, key)))
}

/// A setting of the voice: the scene's own, else the project's.
fn voice<'a>(story: &Story<'a>, scene: &Part<'a, Scene>, key: &str) -> Option<&'a Located> {
    let own = scene.written.get("voice").and_then(|voice| voice.get(key));
    own.or_else(|| story.voice.as_ref().and_then(|voice| voice.written.get(key)))
}

fn recording(
    root: &Path,
    story: &Story<'_>,
    scene: &Part<'_, Scene>,
    written: &Located,
    maker: &mut Maker,
) -> Result<Vec<Said>, Problem> {
    let id = &scene.value.id;
    let Some(audio) = written.get("audio") else { return Ok(Vec::new()) };
    if let Some(captions) = written.get("captions") {
        return told(root, story, scene, (written, audio, captions), maker).map(|said| vec![said]);
    }
    let (mut shown, mut text) = (Vec::new(), None);
    if let Some(known) = written.get("text") {
        let Some(script) = script(root, known, maker)? else {
            return Err((
                code::BAD_VALUE,
                "the text of a recording must be known before the run".into(),
                "write it here, or name a file: `text: { file: PATH }`".into(),
            ));
        };
        let found = sentences(&script, &story.pronounce);
        if found.is_empty() {
            return Err(nothing_to_say(id));
        }
        text = Some(found.iter().map(|sentence| sentence.said.as_str()).collect::<Vec<_>>().join(" "));
        shown = found.into_iter().flat_map(|sentence| sentence.shown).collect();
    }
    let Some(model) = voice(story, scene, "model") else {
        return Err((
            code::MISSING_KEY,
            match &text {
                None => format!("scene `{id}` has a recording, but no model to hear its words"),
                Some(_) => format!("scene `{id}` has a recording and its text, but no model to hear when each word is said"),
            },
            "name a whisper.cpp model: `voice: { model: models/ggml-base.en.bin }`, or the recording's subtitle file: \
             `captions: PATH` beside `audio`"
                .into(),
        ));
    };
    let span = written.span;
    let with = With::new(span)
        .put("audio", audio.clone())
        .put("model", model.clone())
        .maybe("language", voice(story, scene, "language"));
    let words = maker.add(format!("{id}.transcribe"), "transcribe", with);
    let with = treated(story, scene, With::new(span).put("audio", audio.clone()));
    let level = maker.add(format!("{id}.level.1"), "level", with);
    Ok(vec![Said { words, level: Some(level), shown, is_shown: false, text, span }])
}

/// A recording with its subtitle file.
fn told(
    root: &Path,
    story: &Story<'_>,
    scene: &Part<'_, Scene>,
    (written, audio, captions): (&Located, &Located, &Located),
    maker: &mut Maker,
) -> Result<Said, Problem> {
    let (id, span) = (&scene.value.id, written.span);
    if written.get("text").is_some() {
        let message = format!("two things say what is said in scene `{id}`: `text` and `captions`");
        return Err((code::BAD_VALUE, message, "take one of them out".into()));
    }
    let shown = captions_of(root, captions, maker);
    let with = With::new(span).put("captions", captions.clone()).put("audio", audio.clone());
    let words = maker.add(format!("{id}.words"), "subtitles", with);
    let with = treated(story, scene, With::new(span).put("audio", audio.clone()));
    let level = maker.add(format!("{id}.level.1"), "level", with);
    Ok(Said { words, level: Some(level), shown, is_shown: true, text: None, span: captions.span })
}

/// Words that captions show, and nobody says.
fn unsaid(root: &Path, scene: &Part<'_, Scene>, captions: &Located, maker: &mut Maker) -> Said {
    let file = captions.get("file").unwrap_or(captions);
    // With `from`, only a part of the words is shown.
    let shown = if captions.get("from").is_none() { captions_of(root, file, maker) } else { Vec::new() };
    let with = With::new(file.span).put("captions", file.clone()).maybe("from", captions.get("from"));
    let words = maker.add(format!("{}.words", scene.value.id), "subtitles", with);
    Said { words, level: None, shown, is_shown: true, text: None, span: file.span }
}

/// The words of a subtitle file of the project; none where another node makes it, or where it cannot be read, which
/// its node says.
fn captions_of(root: &Path, written: &Located, maker: &mut Maker) -> Vec<Shown> {
    let path = written.as_text().or_else(|| written.get("file")?.as_text());
    let Some(path) = path.filter(|path| parse_reference(path).is_none()) else { return Vec::new() };
    let Ok(bytes) = bytes_of(root, path, subtitles::LONGEST, maker) else { return Vec::new() };
    let captions = subtitles::read(&bytes).unwrap_or_default();
    let words = subtitles::words(&captions, 1000).into_iter();
    words.map(|word| Shown { text: word.text, said: 1, last: word.last, joined: word.joined }).collect()
}

/// The text behind `say`, as the check of parameters takes it; `None` when another node makes it.
fn script(root: &Path, written: &Located, maker: &mut Maker) -> Result<Option<String>, Problem> {
    if let Some(text) = written.as_text() {
        return Ok(parse_reference(text).is_none().then(|| text.to_owned()));
    }
    let Some(path) = written.get("file").and_then(Located::as_text) else { return Ok(None) };
    if parse_reference(path).is_some() {
        return Ok(None);
    }
    let bytes = bytes_of(root, path, LONGEST, maker)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| unreadable(path, code::WRONG_CONTENT, "it is not UTF-8 text"))?;
    Ok(Some(escape(text.trim_start_matches('\u{feff}'))))
}

fn unreadable(path: &str, code: Code, why: &str) -> Problem {
    let help = "paths are relative to the folder of reel.yaml".to_owned();
    (code, format!("cannot read `{path}`: {why}"), help)
}

/// A file of the project, at most so long.
fn bytes_of(root: &Path, path: &str, longest: u64, maker: &mut Maker) -> Result<Vec<u8>, Problem> {
    let missing = |error: std::io::Error| unreadable(path, code::MISSING_FILE, &error.to_string());
    let root = root.canonicalize().map_err(missing)?;
    let file = root.join(path).canonicalize().map_err(missing)?;
    if !file.starts_with(&root) {
        let help = "copy the file into the project's folder".to_owned();
        return Err((code::OUTSIDE, format!("`{path}` leaves the project"), help));
    }
    let found = std::fs::metadata(&file).map_err(missing)?;
    if !found.is_file() {
        return Err(unreadable(path, code::MISSING_FILE, "it is no file"));
    }
    if found.len() > longest {
        let why = format!("it is longer than {} MiB", longest >> 20);
        return Err(unreadable(path, code::WRONG_CONTENT, &why));
    }
    let bytes = std::fs::read(&file).map_err(missing)?;
    // The name as well: it may be a link, and lead elsewhere tomorrow.
    maker.surroundings.looked_into.extend([file, root.join(path)]);
    Ok(bytes)
}
