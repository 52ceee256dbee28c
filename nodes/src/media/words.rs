//! Words and cues: what is said or shown, and when. It knows no font and no file format.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod align;
pub mod parts;
pub mod show;

/// Words with times, as a speech engine or a recogniser gives them. The artifact type of `words` ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Ticks per second of every time in here.
    pub rate: u32,
    /// Length of the sound in ticks.
    pub end: u64,
    /// In the order they are said.
    pub words: Vec<Word>,
}

/// One word as it is shown, with punctuation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// What captions show.
    pub text: String,
    /// First tick.
    pub start: u64,
    /// First tick after it.
    pub end: u64,
    /// True for the last word of a sentence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// True where no blank stands between the word before and this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
}

/// What captions show for some of the words that are said: `[NASA](nassa)` shows one word for one, `2026` may
/// show one for three. Words are those of [`parts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// What is shown; empty for what is only said.
    pub text: String,
    /// For how many said words.
    #[serde(default = "one")]
    pub said: u32,
    /// Whether a sentence ends here.
    #[serde(default)]
    pub last: bool,
    /// Whether no blank stands before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
}

const fn one() -> u32 {
    1
}

/// A caption laid out for one format, in frames of its own scene or segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// First frame on which it shows.
    pub start: i64,
    /// First frame on which it no longer shows.
    pub end: i64,
    /// From top to bottom.
    pub lines: Vec<Vec<CueWord>>,
}

/// One word of a cue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CueWord {
    /// What is drawn.
    pub text: String,
    /// First frame on which it is the spoken word; times count like the cue's.
    pub start: i64,
    /// First frame on which it is no longer the spoken word.
    pub end: i64,
    /// Whether no blank stands before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
}

/// A line of words as text, with a blank wherever one stands.
#[must_use]
pub fn line<'a>(words: impl IntoIterator<Item = (&'a str, bool)>) -> String {
    let mut line = String::new();
    for (text, joined) in words {
        if !line.is_empty() && !joined {
            line.push(' ');
        }
        line.push_str(text);
    }
    line
}
