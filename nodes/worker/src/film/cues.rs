//! The run of `cues`: words to captions of lines that fit. It knows no colour and no segment.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::cues::Params;
use reel_nodes::media::words::Words;

use crate::draw::cues::{CueStyle, layout_cues};
use crate::params;

/// Breaks slot `words` into port `cues`.
///
/// # Errors
/// When the words cannot be read, or hold a character that no font has.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let words: Words = serde_json::from_slice(&call.read(params.words.slot())?)
        .map_err(|error| Failure::new(format!("the words cannot be read: {error}")))?;
    let mut fonts = crate::fonts(call, &params.faces)?;
    let rules = params.style.rules(params.lines);
    let style = CueStyle { size: params.letters.size, width: params.letters.width, rules };
    let (cues, fast) = layout_cues(&words, params.fps, style, &mut fonts).map_err(crate::draw_failure)?;
    let json = serde_json::to_vec(&cues).map_err(|error| Failure::new(error.to_string()))?;
    let log = fast.iter().fold(String::new(), |log, (millis, speed)| {
        let (seconds, millis) = (millis / 1000, millis % 1000);
        log + &format!(
            "warning: {speed} characters a second at {seconds}.{millis:03}s: too fast to be read\n"
        )
    });
    Ok(Outcome { log, ..Outcome::default() }.with_bytes("cues", "application/json", json))
}
