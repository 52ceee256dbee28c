//! The run of `subtitles`: the words of a subtitle file, against its sound. It knows no scene and no caption.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::media::time::{SAMPLE_RATE, rescale};
use reel_nodes::media::words::{Word, Words};
use reel_nodes::speech::subtitles::Params;
use reel_nodes::text::subtitles::{Caption, Fault, read, words};

use crate::av::{AudioReader, SoundRange, probe};
use crate::params;

/// Reads slot `captions`, against the sound in slot `audio` if there is one; port `words`.
///
/// # Errors
/// When the file cannot be read, or its captions are not those of the sound.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let captions = read(&call.read(params.captions.slot())?).map_err(|fault| {
        Failure::new(format!("the subtitle file cannot be read, {fault}")).help(Fault::HELP)
    })?;
    let sound = match &params.audio {
        Some(audio) => Some(length(call, audio.slot())?),
        None => None,
    };
    let rate = sound.map_or(SAMPLE_RATE, |(rate, _)| rate);
    let from = params.from.unwrap_or_default();
    let begin = (u128::from(from.as_micros()) * u128::from(rate) / 1_000_000) as u64;
    let mut words: Vec<Word> = words(&captions, rate).into_iter().filter(|word| word.end > begin).collect();
    if words.is_empty() {
        let help = "`from` is a time in the subtitle file";
        return Err(Failure::new(format!("the subtitle file has nothing after {from}")).help(help));
    }
    for word in &mut words {
        (word.start, word.end) = (word.start.saturating_sub(begin), word.end - begin);
    }
    let end = match sound {
        Some((_, end)) => {
            within(&captions, &mut words, (rate, begin, end))?;
            end
        }
        None => words.last().map_or(0, |word| word.end),
    };
    let json =
        serde_json::to_vec(&Words { rate, end, words }).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Outcome::default().with_bytes("words", "application/json", json))
}

/// The rate of a sound, and how many samples of it there are.
fn length(call: &Call<'_>, slot: &str) -> Result<(u32, u64), Failure> {
    let path = &call.one(slot)?.path;
    let sound = probe(path).map_err(crate::failure)?.audio;
    let sound =
        sound.ok_or_else(|| Failure::new("the file has no sound").help("give a recording of a voice"))?;
    let mut samples = 0;
    for block in AudioReader::open(path, sound.rate, 1, SoundRange::ALL).map_err(crate::failure)? {
        samples += block.map_err(crate::failure)?.len() as u64;
    }
    Ok((sound.rate, samples))
}

/// Ends words with the sound; one that begins after it is of another recording.
fn within(
    captions: &[Caption],
    words: &mut [Word],
    (rate, begin, end): (u32, u64, u64),
) -> Result<(), Failure> {
    if words.iter().any(|word| word.start >= end) {
        let late = captions.iter().find(|caption| rescale(caption.start, 1000, rate) >= begin + end);
        let line = late.map_or(0, |caption| caption.line);
        let seconds = end as f64 / f64::from(rate);
        let message = format!(
            "line {line} of the subtitle file begins after the end of the recording, at {seconds:.3}s"
        );
        return Err(Failure::new(message).help("the captions must be those of this recording"));
    }
    words.iter_mut().for_each(|word| word.end = word.end.min(end));
    Ok(())
}
