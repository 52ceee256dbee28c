//! What may be asked: reading the request from a stream and checking it; it knows no voice and no engine.

use std::io::Read;

use serde::Deserialize;

use crate::answer::Failure;

/// The largest request, in bytes.
pub(crate) const LARGEST_REQUEST: u64 = 1 << 20;

/// One utterance to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// What to say.
    pub text: String,
    /// Name or language of the voice, with `+variant` if wanted.
    #[serde(default = "default_voice")]
    pub voice: String,
    /// Words a minute, 80 to 450.
    #[serde(default = "default_rate")]
    pub rate: i64,
    /// Base pitch, 0 to 100.
    #[serde(default = "default_middle")]
    pub pitch: i64,
    /// How far the pitch moves, 0 to 100.
    #[serde(default = "default_middle")]
    pub range: i64,
    /// Loudness, 0 to 200.
    #[serde(default = "default_volume")]
    pub volume: i64,
    /// Extra silence between words, 0 to 1000, in 10 ms.
    #[serde(default)]
    pub gap: i64,
    /// Whether the text is SSML.
    #[serde(default)]
    pub ssml: bool,
}

fn default_voice() -> String {
    "en-us".to_owned()
}

fn default_rate() -> i64 {
    170
}

fn default_middle() -> i64 {
    50
}

fn default_volume() -> i64 {
    100
}

impl Request {
    /// Reads one JSON object up to the end of the stream.
    pub(crate) fn read(input: impl Read) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        input
            .take(LARGEST_REQUEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| Failure::input(format!("cannot read the request: {e}"), SHAPE))?;
        if bytes.len() as u64 > LARGEST_REQUEST {
            let error = format!("the request is larger than {LARGEST_REQUEST} bytes");
            return Err(Failure::input(error, "send one sentence at a time"));
        }
        // A list of the values in order would be understood too.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(Failure::input("the request is not a JSON object", SHAPE));
        }
        let request: Self = serde_json::from_slice(&bytes)
            .map_err(|e| Failure::input(format!("the request is not understood: {e}"), SHAPE))?;
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), Failure> {
        for (key, value, least, most) in [
            ("rate", self.rate, 80, 450),
            ("pitch", self.pitch, 0, 100),
            ("range", self.range, 0, 100),
            ("volume", self.volume, 0, 200),
            ("gap", self.gap, 0, 1000),
        ] {
            if !(least..=most).contains(&value) {
                let error = format!("`{key}` is {value}");
                return Err(Failure::input(error, format!("give a whole number from {least} to {most}")));
            }
        }
        if self.text.trim().is_empty() {
            return Err(Failure::input("`text` is empty", "give the words to say"));
        }
        // The engine takes control characters as commands, and a zero as the end.
        match self.text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            Some(c) => {
                let error = format!("`text` has the control character U+{:04X}", u32::from(c));
                Err(Failure::input(error, "take it out: only tab and line breaks are allowed"))
            }
            None => Ok(()),
        }
    }
}

const SHAPE: &str = "send one JSON object such as {\"text\":\"Hello.\",\"voice\":\"en-us\",\"rate\":170}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_fill_what_is_left_out() {
        let request = Request::read(&br#"{"text":"hi"}"#[..]).unwrap();
        assert_eq!((request.voice.as_str(), request.rate, request.pitch), ("en-us", 170, 50));
        assert_eq!((request.range, request.volume, request.gap, request.ssml), (50, 100, 0, false));
    }

    #[test]
    fn the_largest_request_passes_and_one_byte_more_does_not() {
        let empty = br#"{"text":""}"#.len();
        let fill = |size: usize| format!(r#"{{"text":"{}"}}"#, "a".repeat(size - empty));
        let largest = usize::try_from(LARGEST_REQUEST).unwrap();
        assert!(Request::read(fill(largest).as_bytes()).is_ok());
        assert!(Request::read(fill(largest + 1).as_bytes()).is_err());
    }
}
