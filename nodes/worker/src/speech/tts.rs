//! The run of `tts`: text to sound and word times. It knows no scene and no caption.

use reel_engine::operation::{Call, Failure, FailureCode, Outcome};
use reel_nodes::media::words::parts::{Part, parts};
use reel_nodes::media::words::{Word, Words};
use reel_nodes::speech::tts::{Engine, Params};

use super::speak::{Speech, Utterance, speak};
use crate::params;

/// Speaks slot `text` into ports `audio` and `words`.
///
/// # Errors
/// When there is nothing to say, or the engine says no.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let bytes = call.read(params.text.slot())?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::new("the text to say is not UTF-8"))?;
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Failure::new("there is nothing to say in this text").help("write at least one word"));
    }
    let speech = match params.engine {
        Engine::Espeak => {
            speak(&Utterance { text: &text, voice: &params.voice, rate: params.rate, pitch: params.pitch })?
        }
    };
    if speech.samples.is_empty() {
        return Err(Failure::new(format!("the voice `{}` makes no sound of this text", params.voice))
            .help("try a voice of the text's language, such as `de` or `fr`"));
    }
    let words =
        Words { rate: speech.rate, end: speech.samples.len() as u64, words: time_words(&text, &speech) };
    let json = serde_json::to_vec(&words).map_err(|error| Failure::new(error.to_string()))?;
    let path = call.scratch.join("speech.wav");
    write(&path, &speech)
        .map_err(|error| Failure::of(FailureCode::Machine, format!("cannot write speech: {error}")))?;
    let outcome = Outcome { used: speech.used, ..Outcome::default() };
    Ok(outcome.with_file("audio", "audio/wav", path).with_bytes("words", "application/json", json))
}

fn write(path: &std::path::Path, speech: &Speech) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: speech.rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in &speech.samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()
}

/// A time for each whitespace-separated token: the engine's mark where there is one, else a share of the time
/// between the marks around it.
fn time_words(text: &str, speech: &Speech) -> Vec<Word> {
    let end = speech.samples.len() as u64;
    let tokens = tokens(text);
    let mut starts: Vec<Option<u64>> = vec![None; tokens.len()];
    let mut latest = 0;
    for (position, sample) in &speech.words {
        let token = tokens.partition_point(|(first, _)| first <= position).saturating_sub(1);
        if starts[token].is_none() {
            latest = latest.max((*sample).min(end));
            starts[token] = Some(latest);
        }
    }
    let starts = fill(&starts, end);
    let ends = starts.iter().skip(1).copied().chain([end]);
    tokens
        .iter()
        .zip(starts.iter().zip(ends))
        .enumerate()
        .map(|(index, ((_, part), (start, end)))| Word {
            text: part.text.to_owned(),
            joined: part.joined,
            start: *start,
            end,
            last: index + 1 == tokens.len(),
        })
        .collect()
}

/// Words with the position, in characters, of the first of each.
fn tokens(text: &str) -> Vec<(usize, Part<'_>)> {
    let (mut position, mut from) = (0, 0);
    parts(text)
        .into_iter()
        .map(|part| {
            position += text[from..part.at].chars().count();
            from = part.at;
            (position, part)
        })
        .collect()
}

/// Gives every gap equal shares of the time between the known starts around it; never backwards.
fn fill(starts: &[Option<u64>], end: u64) -> Vec<u64> {
    let mut out: Vec<u64> = Vec::with_capacity(starts.len());
    for (index, start) in starts.iter().enumerate() {
        let last = out.last().copied().unwrap_or(0);
        let value = start.unwrap_or_else(|| {
            let ahead = starts[index..].iter().position(Option::is_some);
            let (distance, next) = match ahead.and_then(|n| Some((n, starts[index + n]?))) {
                Some((n, next)) => (n as u64, next),
                None => ((starts.len() - index) as u64, end),
            };
            // The word before shares its time with this one and all until the next mark.
            if index == 0 { 0 } else { last + next.saturating_sub(last) / (distance + 1) }
        });
        out.push(value.max(last).min(end));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(words: &[(usize, u64)]) -> Speech {
        Speech { rate: 100, samples: vec![0; 1000], words: words.to_vec(), used: Vec::new() }
    }

    #[test]
    fn a_merged_pair_shares_its_time() {
        // `in the` is one unit of espeak's.
        let words = time_words("in the dark", &speech(&[(0, 10), (7, 410)]));
        let times: Vec<_> = words.iter().map(|w| (w.text.as_str(), w.start, w.end)).collect();
        assert_eq!(times, [("in", 10, 210), ("the", 210, 410), ("dark", 410, 1000)]);
        assert!(words[2].last && !words[0].last);
    }

    #[test]
    fn several_marks_in_one_token_count_once() {
        let words =
            time_words("costs $5.50 now", &speech(&[(0, 0), (6, 200), (7, 300), (9, 500), (12, 800)]));
        let starts: Vec<_> = words.iter().map(|w| w.start).collect();
        assert_eq!(starts, [0, 200, 800]);
    }

    #[test]
    fn positions_count_characters_not_bytes() {
        let of = |text| tokens(text).into_iter().map(|(at, part)| (at, part.text)).collect::<Vec<_>>();
        assert_eq!(of("  Zoë  süß a"), [(2, "Zoë"), (7, "süß"), (11, "a")]);
        assert_eq!(of("月亮很远。"), [(0, "月亮"), (2, "很"), (3, "远。")]);
    }

    #[test]
    fn without_any_mark_words_share_all_of_it() {
        let words = time_words("a b c d", &speech(&[]));
        let starts: Vec<_> = words.iter().map(|w| w.start).collect();
        assert_eq!(starts, [0, 250, 500, 750]);
    }
}
