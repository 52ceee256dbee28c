//! `say:` becomes speech, one node a sentence, each levelled on its own. It knows no picture and no format.

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

/// Longest text file that is read for its sentences.
const LONGEST: u64 = 1 << 20;

/// A sentence or recording that was turned into nodes.
pub(super) struct Said {
    /// The node with the port `words`.
    pub(super) words: String,
    /// The node with the levelled sound.
    pub(super) level: String,
    /// What captions show; empty when that is known only after the run.
    pub(super) shown: Vec<Shown>,
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
    let (Some(say), Some(written)) = (&scene.value.say, scene.written.get("say")) else {
        return Vec::new();
    };
    let found = match say {
        Say::Recording(_) => recording(root, story, scene, written, maker),
        Say::Text(_) => spoken(root, story, scene, written, maker),
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
    let level =
        maker.add(format!("{id}.level.{number}"), "level", With::new(span).port("audio", &say, "audio"));
    Said { words: say, level, shown, text: None, span }
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
            format!("scene `{id}` has a recording, but no model to hear its words"),
            "name a whisper.cpp model: `voice: { model: models/ggml-base.en.bin }`".into(),
        ));
    };
    let span = written.span;
    let with = With::new(span)
        .put("audio", audio.clone())
        .put("model", model.clone())
        .maybe("language", voice(story, scene, "language"));
    let words = maker.add(format!("{id}.transcribe"), "transcribe", with);
    let level = maker.add(format!("{id}.level.1"), "level", With::new(span).put("audio", audio.clone()));
    Ok(vec![Said { words, level, shown, text, span }])
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
    let unreadable = |code: Code, why: &str| {
        (
            code,
            format!("cannot read `{path}`: {why}"),
            "paths are relative to the folder of reel.yaml".to_owned(),
        )
    };
    let missing = |error: std::io::Error| unreadable(code::MISSING_FILE, &error.to_string());
    let root = root.canonicalize().map_err(missing)?;
    let file = root.join(path).canonicalize().map_err(missing)?;
    if !file.starts_with(&root) {
        let help = "copy the file into the project's folder".to_owned();
        return Err((code::OUTSIDE, format!("`{path}` leaves the project"), help));
    }
    if std::fs::metadata(&file).map_err(missing)?.len() > LONGEST {
        return Err(unreadable(code::WRONG_CONTENT, "it is longer than 1 MiB"));
    }
    let bytes = std::fs::read(&file).map_err(missing)?;
    let text =
        String::from_utf8(bytes).map_err(|_| unreadable(code::WRONG_CONTENT, "it is not UTF-8 text"))?;
    maker.read.push(file);
    Ok(Some(escape(text.trim_start_matches('\u{feff}'))))
}
