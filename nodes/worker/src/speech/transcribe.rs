//! The run of `transcribe`: the words of a recording, by whisper.cpp. It knows no scene and no caption.
//!
//! The recording is cut at silence and heard phrase by phrase: whisper.cpp 1.8.3 times the tokens of a first
//! segment well and those of later ones against the wrong sound.

mod model;
mod phrases;

use std::sync::{Mutex, PoisonError};

use reel_engine::digest::Digest;
use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::media::time::rescale;
use reel_nodes::media::words::{Word, Words};
use reel_nodes::speech::transcribe::Params;
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperState};

use self::phrases::{RATE, phrases};
use crate::av::{AudioReader, SoundRange, probe};
use crate::params;

/// Samples at [`RATE`] of a hundredth of a second, whisper.cpp's unit of time.
const TICK: u64 = RATE as u64 / 100;
/// What ends a sentence.
const STOPS: [char; 4] = ['.', '!', '?', '…'];

/// The model that was used last stays loaded, for the next action of this process.
static LOADED: Mutex<Option<(Digest, WhisperContext)>> = Mutex::new(None);

/// Hears slot `audio` with the model in slot `model`; port `words`.
///
/// # Errors
/// When the sound cannot be decoded, or the model not be loaded.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let path = &call.one(params.audio.slot())?.path;
    let sound = probe(path).map_err(crate::failure)?.audio;
    let sound =
        sound.ok_or_else(|| Failure::new("the file has no sound").help("give a recording of a voice"))?;
    let length = decode(path, sound.rate)?.len() as u64;
    let samples = decode(path, RATE)?;
    let heard = hear(call, &params, &samples)?;
    let words = Words { rate: sound.rate, end: length, words: placed(&heard, sound.rate, length) };
    let json = serde_json::to_vec(&words).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Outcome::default().with_bytes("words", "application/json", json))
}

fn decode(path: &std::path::Path, rate: u32) -> Result<Vec<f32>, Failure> {
    let mut samples = Vec::new();
    for block in AudioReader::open(path, rate, 1, SoundRange::ALL).map_err(crate::failure)? {
        samples.extend(block.map_err(crate::failure)?);
    }
    Ok(samples)
}

/// A word and its times in samples at [`RATE`].
struct Heard {
    text: String,
    start: u64,
    end: u64,
}

fn hear(call: &Call<'_>, params: &Params, samples: &[f32]) -> Result<Vec<Heard>, Failure> {
    let file = call.one(params.model.slot())?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.as_ref().is_none_or(|(digest, _)| *digest != file.artifact.digest) {
        *loaded = Some((file.artifact.digest, model::load(&file.path)?));
    }
    let Some((_, context)) = loaded.as_ref() else { return Err(Failure::new("the model is not loaded")) };
    let no = |error| Failure::new(format!("whisper.cpp cannot use this model: {error}"));
    let mut state = context.create_state().map_err(no)?;
    let phrases = phrases(samples);
    let mut heard = Vec::new();
    for (index, phrase) in phrases.iter().enumerate() {
        if (call.cancelled)() {
            return Err(crate::cancelled());
        }
        state.full(settings(&params.language), &samples[phrase.clone()]).map_err(no)?;
        words(&state, context.token_eot(), phrase.start as u64, phrase.end as u64, &mut heard)?;
        (call.progress)(((index + 1) * 1000 / phrases.len()) as u16);
    }
    Ok(heard)
}

/// One thread and no sampling: the same sound gives the same words.
fn settings(language: &str) -> FullParams<'_, '_> {
    let mut full = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    full.set_n_threads(1);
    full.set_language(Some(language));
    full.set_token_timestamps(true);
    full.set_temperature_inc(0.0);
    full.set_no_context(true);
    full.set_print_progress(false);
    full.set_print_realtime(false);
    full.set_print_special(false);
    full.set_print_timestamps(false);
    full
}

/// Tokens to words: one that begins with a blank begins a word, one that is no text ends nothing.
fn words(state: &WhisperState, eot: i32, start: u64, end: u64, out: &mut Vec<Heard>) -> Result<(), Failure> {
    let broken = |error| Failure::new(format!("whisper.cpp gives no text: {error}"));
    let mut bytes: Vec<u8> = Vec::new();
    let mut times = (0, 0);
    let mut finish = |bytes: &mut Vec<u8>, (from, to): (u64, u64)| {
        let text = String::from_utf8_lossy(bytes).trim().to_owned();
        bytes.clear();
        if !text.is_empty() {
            out.push(Heard { text, start: from.min(end), end: to.min(end) });
        }
    };
    for segment in state.as_iter() {
        for index in 0..segment.n_tokens() {
            let Some(token) = segment.get_token(index) else { continue };
            if token.token_id() >= eot {
                continue;
            }
            let piece = token.to_bytes().map_err(broken)?;
            let data = token.token_data();
            let at = |ticks: i64| start + ticks.max(0) as u64 * TICK;
            if bytes.is_empty() || piece.starts_with(b" ") {
                finish(&mut bytes, times);
                times.0 = at(data.t0);
            }
            bytes.extend(piece);
            times.1 = at(data.t1);
        }
        finish(&mut bytes, times);
    }
    Ok(())
}

/// Words in ticks of the sound's own rate, never backwards and never beyond its end.
fn placed(heard: &[Heard], rate: u32, length: u64) -> Vec<Word> {
    let mut latest = 0;
    let count = heard.len();
    let place = |(index, word): (usize, &Heard)| {
        let start = rescale(word.start, RATE, rate).clamp(latest, length);
        let end = rescale(word.end, RATE, rate).clamp(start, length);
        latest = end;
        let last = index + 1 == count || word.text.ends_with(STOPS);
        Word { text: word.text.clone(), start, end, last, joined: false }
    };
    heard.iter().enumerate().map(place).collect()
}
