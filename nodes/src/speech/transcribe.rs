//! `transcribe`: the words of a recorded voice, and when each is said. It knows no scene and no caption.
//!
//! ```yaml
//! nodes:
//!   words: { uses: transcribe, with: { audio: "${voice.audio}", model: models/ggml-base.en.bin } }
//! ```
//!
//! What the run (in the worker) must do:
//! - decode slot `audio` (any audio or video file; its best audio stream);
//! - hear it with the whisper.cpp model in slot `model` (checked before it is loaded) in `language`,
//!   one thread, so that bytes do not follow from the machine;
//! - port `words`: [`crate::media::words::Words`] as JSON: `rate` is the sample rate of the sound **as
//!   decoded** (before resampling for the model) and `end` its exact number of samples at that rate, the same
//!   count from which `level` makes its own, so that words and levelled sound agree; words in order with
//!   punctuation attached, times within the sound and never backwards, `last: true` at the last word of each
//!   sentence (ends in `.`, `!`, `?` or `…`, and the last word of all);
//! - sound in which nothing is heard is not a failure: no words.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{AnyFile, Audio, Info, Input, Kind, Reproducible, Resolve, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// `with:` of `transcribe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The recording.
    pub audio: Input<Audio>,
    /// A whisper.cpp model file (`ggml-….bin`).
    pub model: Input<AnyFile>,
    /// Language that is spoken, as two letters.
    #[serde(default = "default_language")]
    #[schemars(regex(pattern = r"^[a-z]{2,3}$"))]
    pub language: String,
}

fn default_language() -> String {
    "en".into()
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transcribe;

impl Kind for Transcribe {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "transcribe",
            version: 1,
            summary: "hears the words of a recording and when each is said",
            example: "words: { uses: transcribe, with: { audio: voice.wav, model: models/ggml-base.en.bin } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("words", PortType::Words)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 768)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::WHISPER, tools::FFMPEG]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_content(params.audio.slot(), PortType::Audio, cx);
        let letters = params.language.chars().all(|c| c.is_ascii_lowercase());
        if !letters || !(2..=3).contains(&params.language.len()) {
            let message = format!("`{}` is not a language code", params.language);
            cx.problem(
                "/language",
                code::BAD_VALUE,
                message,
                Some("two letters, such as `en` or `de`".into()),
            );
        }
    }
}
