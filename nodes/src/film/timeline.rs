//! `timeline`: what happens in a scene at which frame and sample. It knows no picture, no format but the frame
//! rate, and no other scene.
//!
//! ```yaml
//! nodes:
//!   times: { uses: timeline, with: { fps: 30, sentences: [{ words: "${voice.words}" }], pause: 0.3s } }
//! ```

mod pictures;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{
    Call, Failure, Info, Input, Json, Kind, Outcome, Reproducible, Resolve, Site, Words as WordsPort,
};
use reel_engine::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::plan::{Plan, Span};
use crate::media::time::{FrameRate, SAMPLE_RATE, rescale};
use crate::media::words::{Shown, Word, Words, align, show};

/// Pauses within speech shorter than this (in samples: 0.3 s) do not end it.
const BREATH: u64 = 14_400;

/// A scene or picture that lasts longer is taken for a mistake.
const LONGEST: Duration = Duration::from_millis(24 * 3_600_000);

/// `with:` of `timeline`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Frames per second.
    pub fps: FrameRate,
    /// What is said, in order.
    #[serde(default)]
    pub sentences: Vec<Sentence>,
    /// Words that are shown and not said, such as those of a clip's subtitle file; those after the end of the scene are
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Input<WordsPort>>,
    /// What is seen, in order.
    #[serde(default)]
    pub pictures: Vec<Picture>,
    /// Length when nothing is said, or the least length.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<Duration>,
    /// Silence after the speech.
    #[serde(default = "default_pause")]
    pub pause: Duration,
    /// Silence between two sentences.
    #[serde(default = "default_gap")]
    pub gap: Duration,
}

impl Params {
    /// A scene in which nothing is said, with the usual pauses.
    #[must_use]
    pub const fn of(fps: FrameRate, pictures: Vec<Picture>) -> Self {
        let (pause, gap) = (default_pause(), default_gap());
        Self { fps, sentences: Vec::new(), words: None, pictures, length: None, pause, gap }
    }
}

/// One sentence, or one recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// Words with times, from `tts` or `transcribe`.
    pub words: Input<WordsPort>,
    /// What captions show for them; left out, the words themselves.
    #[serde(default)]
    pub shown: Vec<Shown>,
    /// What is known to be said, when the words were only heard: they are brought to this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One picture of a scene.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// How long it is seen.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<Duration>,
    /// The shown word with which it appears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What `clip` says of it, when it is a video: how long it lasts of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<Input<Json>>,
}

const fn default_pause() -> Duration {
    Duration::from_millis(300)
}

const fn default_gap() -> Duration {
    Duration::from_millis(150)
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeline;

impl Kind for Timeline {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "timeline",
            version: 2,
            summary: "says at which frame and sample everything in a scene happens",
            example: "times: { uses: timeline, with: { fps: 30, sentences: [{ words: \"${voice.words}\" }] } }",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("plan", PortType::Json), Port::one("words", PortType::Words)]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let zero = Duration::from_millis(0);
        let pictures = params.pictures.iter().enumerate();
        let lengths = pictures.map(|(n, picture)| (format!("/pictures/{n}/for"), picture.length));
        for (pointer, length) in [("/for".to_owned(), params.length)].into_iter().chain(lengths) {
            if length.is_some_and(|length| length > LONGEST) {
                let message = "nothing lasts longer than 24 hours";
                cx.problem(&pointer, code::BAD_VALUE, message, Some("such as `3s`".into()));
            }
        }
        let own = params.pictures.iter().any(|picture| picture.length.is_some() || picture.clip.is_some());
        if params.length == Some(zero) && params.sentences.is_empty() && !own {
            let message = "nothing is said here, so this must be longer than `0s`";
            cx.problem("/for", code::BAD_VALUE, message, Some("give it a length: `for: 3s`".into()));
        }
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::tiny()
    }

    fn run(&self, params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut said = Vec::with_capacity(params.sentences.len());
        for sentence in &params.sentences {
            said.push(read_json::<Words>(call, sentence.words.slot())?);
        }
        let mut clips = Vec::with_capacity(params.pictures.len());
        for picture in &params.pictures {
            clips.push(match &picture.clip {
                Some(input) => Some(read_json::<ClipLength>(call, input.slot())?.samples),
                None => None,
            });
        }
        let unsaid = match &params.words {
            Some(input) => Some(read_json::<Words>(call, input.slot())?),
            None => None,
        };
        let (plan, words) = arrange(&params, &said, unsaid.as_ref(), &clips)?;
        let json = |value: Result<Vec<u8>, serde_json::Error>| {
            value.map_err(|error| Failure::new(format!("cannot write the plan: {error}")))
        };
        let end = plan.fps.sample_of(plan.frames, SAMPLE_RATE);
        let late = unsaid.map_or(0, |words| words.words.len() - within(&words, end).count());
        let log = match late {
            0 => String::new(),
            1 => "warning: a word begins after the end of the scene, and is not shown\n".to_owned(),
            late => format!("warning: {late} words begin after the end of the scene, and are not shown\n"),
        };
        Ok(Outcome { log, ..Outcome::default() }
            .with_bytes("plan", "application/json", json(serde_json::to_vec(&plan))?)
            .with_bytes("words", "application/json", json(serde_json::to_vec(&words))?))
    }
}

/// The part of what `clip` says that counts here.
#[derive(Debug, Deserialize)]
struct ClipLength {
    samples: u64,
}

fn read_json<T: serde::de::DeserializeOwned>(call: &Call<'_>, slot: &str) -> Result<T, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("input `{slot}` is not what was expected: {error}")))
}

/// The frame at which the first picture ends, or the scene if it has one only, as far as that is known before the
/// run: `None` when it hangs on what is said. `clips` are lengths of videos in samples, where they are known.
#[must_use]
pub fn first_end(params: &Params, is_spoken: bool, clips: &[Option<u64>]) -> Option<u64> {
    let follows = params.pictures.get(1).is_some_and(|second| second.at.is_none());
    if let (true, Some(first)) = (follows, pictures::length(params, clips, 0)) {
        return Some(first);
    }
    if is_spoken || params.pictures.iter().any(|picture| picture.at.is_some()) {
        return None;
    }
    let (plan, _) = arrange(params, &[], None, clips).ok()?;
    Some(plan.pictures.get(1).copied().unwrap_or(plan.frames))
}

/// From what is said, shown in words and seen to the plan, and the shown words in the scene's own time.
fn arrange(
    params: &Params,
    said: &[Words],
    unsaid: Option<&Words>,
    clips: &[Option<u64>],
) -> Result<(Plan, Words), Failure> {
    let fps = params.fps;
    let (sentences, speech, mut words) = speech(params, said);
    let spoken = sentences.last().map_or(0, |last: &Span| last.end() + samples(params.pause));
    let mut frames = fps.frames_covering(spoken, SAMPLE_RATE);
    if let Some(least) = params.length {
        frames = frames.max(fps.frames_covering(least.as_micros(), 1_000_000));
    }
    if frames == 0 {
        let shown = unsaid.map(|words| fps.frames_covering(words.end, words.rate));
        frames = pictures::own_length(params, clips).or(shown).ok_or_else(|| {
            Failure::new("nothing is said in this scene, and nothing else gives it a length")
                .help("give the scene a length: `for: 3s`")
        })?;
    }
    let frames = frames.max(1);
    words.extend(unsaid.into_iter().flat_map(|words| within(words, fps.sample_of(frames, SAMPLE_RATE))));
    let pictures = pictures::starts(params, clips, &words, frames)?;
    let end = fps.sample_of(frames, SAMPLE_RATE);
    let plan = Plan { frames, fps, sentences, speech, pictures };
    Ok((plan, Words { rate: SAMPLE_RATE, end, words }))
}

/// Where the sentences lie, when somebody speaks, and the shown words.
fn speech(params: &Params, said: &[Words]) -> (Vec<Span>, Vec<Span>, Vec<Word>) {
    let (mut sentences, mut speech, mut shown) = (Vec::new(), Vec::<Span>::new(), Vec::new());
    let mut now = 0;
    for (sentence, words) in params.sentences.iter().zip(said) {
        let at = |tick: u64| now + rescale(tick.min(words.end), words.rate, SAMPLE_RATE);
        let length = at(words.end) - now;
        let placed: Vec<Word> = heard(sentence, words)
            .into_iter()
            .map(|word| Word { start: at(word.start), end: at(word.end), ..word })
            .collect();
        for word in &placed {
            match speech.last_mut() {
                Some(open) if word.start <= open.end() + BREATH => {
                    open.samples = open.samples.max(word.end.saturating_sub(open.start));
                }
                _ => speech.push(Span { start: word.start, samples: word.end - word.start }),
            }
        }
        shown.extend(match sentence.shown.as_slice() {
            [] => show::separate(placed),
            shown => show::show(&placed, shown),
        });
        sentences.push(Span { start: now, samples: length });
        now += length + samples(params.gap);
    }
    (sentences, speech, shown)
}

/// Words that are not said, in samples; what begins at `end` or later is left out, and the last one ends with it.
fn within(words: &Words, end: u64) -> impl Iterator<Item = Word> {
    let at = |tick: u64| rescale(tick, words.rate, SAMPLE_RATE);
    let placed = words.words.iter().map(move |word| Word {
        start: at(word.start),
        end: at(word.end).min(end),
        ..word.clone()
    });
    placed.take_while(move |word| word.start < end)
}

/// The words of a sentence in the engine's time, brought to the known text if there is one.
fn heard(sentence: &Sentence, words: &Words) -> Vec<Word> {
    match &sentence.text {
        Some(text) => align::align(text, &words.words, words.end),
        None => words.words.clone(),
    }
}

/// A length of time in whole samples, rounded up.
fn samples(time: Duration) -> u64 {
    (u128::from(time.as_micros()) * u128::from(SAMPLE_RATE)).div_ceil(1_000_000) as u64
}

#[cfg(test)]
mod tests;
