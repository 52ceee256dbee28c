//! `tts`: one utterance of speech with the times of its words. It knows no scene and no caption.
//!
//! ```yaml
//! nodes:
//!   voice: { uses: tts, with: { text: Good evening., engine: espeak, voice: en-us, rate: 170 } }
//! ```
//!
//! What the run (in the worker, through one fresh `reel-speak` process) must do:
//! - read slot `text` (UTF-8); speak it with `voice`, `rate` words per minute, `pitch`;
//! - port `audio`: WAV, mono, 16-bit or float, at the engine's own rate, exactly what the engine gave;
//! - port `words`: [`crate::media::words::Words`] as JSON, media `application/json`: `rate` is the WAV's sample
//!   rate, `end` its exact number of samples, and there is **exactly one entry for each whitespace-separated
//!   word of the text** ([`crate::media::words::parts`]), in order, its `text` the token as it stands; times never
//!   run backwards, `end ≤ words.end`. A token for which the engine gave no mark gets a share of the time of
//!   its neighbours. The last entry has `last: true`;
//! - text without a letter or digit, and text that makes no sound, are a failure.

use std::sync::OnceLock;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::{code, nearest};
use reel_engine::operation::{Info, Input, Kind, Reproducible, Resolve, Site, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Offers;
use crate::media::tools;

/// `with:` of `tts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What is said.
    pub text: Input<Text>,
    /// What speaks.
    #[serde(default)]
    pub engine: Engine,
    /// The engine's name of the voice, such as `en-us`.
    #[serde(default = "default_voice")]
    pub voice: String,
    /// Words per minute.
    #[serde(default = "default_rate")]
    #[schemars(range(min = 80, max = 450))]
    pub rate: u32,
    /// Pitch from 0 to 99.
    #[serde(default = "default_pitch")]
    #[schemars(range(min = 0, max = 99))]
    pub pitch: u32,
}

/// Speech engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// espeak-ng, built in.
    #[default]
    Espeak,
}

fn default_voice() -> String {
    "en-us".into()
}

const fn default_rate() -> u32 {
    170
}

const fn default_pitch() -> u32 {
    50
}

/// The kind.
#[derive(Debug, Default)]
pub struct Tts {
    offers: Offers,
    /// The voices, asked for once.
    voices: OnceLock<Option<Vec<String>>>,
}

impl Tts {
    /// A kind that knows the voices which these have.
    #[must_use]
    pub const fn new(offers: Offers) -> Self {
        Self { offers, voices: OnceLock::new() }
    }

    fn voices(&self) -> Option<&[String]> {
        self.voices.get_or_init(|| self.offers.of(tools::ESPEAK)).as_deref()
    }
}

impl Kind for Tts {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "tts",
            version: 2,
            summary: "speaks a text and tells when each word is said",
            example: "voice: { uses: tts, with: { text: Good evening., engine: espeak, voice: en-us } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("audio", PortType::Audio), Port::one("words", PortType::Words)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 48)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::ESPEAK]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        if cx.text(params.text.slot()).is_some_and(|text| !text.chars().any(char::is_alphanumeric)) {
            cx.problem(
                "/text",
                code::EMPTY_TEXT,
                "there is nothing to say in this text",
                Some(
                    "write at least one word, or leave `say` out and give the scene a length with `for`"
                        .into(),
                ),
            );
        }
        // The engine takes them as commands.
        let control = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        if let Some(wrong) = cx.text(params.text.slot()).and_then(|text| text.chars().find(control)) {
            let message = format!("there is the control character U+{:04X} in this text", u32::from(wrong));
            cx.problem("/text", code::BAD_VALUE, message, Some("take it out: nobody can say it".into()));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/');
        if params.voice.is_empty() || !params.voice.chars().all(plain) {
            cx.problem(
                "/voice",
                code::BAD_VALUE,
                format!("`{}` is not the name of a voice", params.voice),
                Some(format!("voices are named like `en-us`, `de` or `en-us+f3`; {LISTED}")),
            );
        } else if let Some((message, help)) = self.voices().and_then(|voices| unknown(&params.voice, voices))
        {
            cx.problem("/voice", code::BAD_VALUE, message, Some(help));
        }
    }
}

const LISTED: &str = "`espeak-ng --voices` lists them";

/// What is wrong with a name, `VOICE` or `VOICE+VARIANT`, and what to do; `None` when the engine takes it. Case
/// matters in a variant alone, which is the name of a file; among `known`, variants have a `+` before them.
fn unknown(name: &str, known: &[String]) -> Option<(String, String)> {
    let (voice, variant) =
        name.split_once('+').map_or((name, None), |(voice, variant)| (voice, Some(variant)));
    let (variants, voices): (Vec<&str>, Vec<&str>) =
        known.iter().map(String::as_str).partition(|name| name.starts_with('+'));
    let help = |near: Option<String>| match near {
        Some(near) => format!("did you mean `{near}`? {LISTED}"),
        None => LISTED.to_owned(),
    };
    if !voices.iter().any(|known| known.eq_ignore_ascii_case(voice)) {
        // Names as people write them come before names of files.
        let plain = |name: &&str| !name.contains(|c: char| c.is_uppercase() || c == '/');
        let near = nearest(voice, voices.iter().copied().filter(plain)).or_else(|| nearest(voice, voices));
        let near = near.map(|near| match variant {
            Some(variant) => format!("{near}+{variant}"),
            None => near.to_owned(),
        });
        return Some((format!("unknown voice `{voice}`"), help(near)));
    }
    let variant = variant?;
    let known = || variants.iter().filter_map(|known| known.strip_prefix('+'));
    if known().any(|known| known == variant) {
        return None;
    }
    let near = nearest(variant, known()).map(|near| format!("{voice}+{near}"));
    Some((format!("unknown voice variant `{variant}`"), help(near)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_and_variants_are_known_or_have_a_nearest() {
        let known =
            ["en-US", "en-us", "gmw/en-US", "de", "English (America)", "+f3", "+m1"].map(str::to_owned);
        for right in ["en-us", "EN-US", "gmw/en-US", "de+f3", "en-us+m1"] {
            assert_eq!(unknown(right, &known), None, "{right}");
        }
        let said = |name: &str| unknown(name, &known).unwrap();
        let (message, help) = said("en-uss");
        assert_eq!(message, "unknown voice `en-uss`");
        assert_eq!(help, "did you mean `en-us`? `espeak-ng --voices` lists them");
        assert!(said("en-uss+f3").1.starts_with("did you mean `en-us+f3`?"));
        let (message, help) = said("de+f33");
        assert_eq!(message, "unknown voice variant `f33`");
        assert!(help.starts_with("did you mean `de+f3`?"));
        assert_eq!(said("klingonisch").1, LISTED);
    }
}
