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

use std::fs::File;
use std::io::Read;

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

/// How a model file begins: `ggml` as a 32-bit number, the low byte first (`GGML_FILE_MAGIC` of whisper.cpp).
pub const MAGIC: [u8; 4] = *b"lmgg";

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
        check_model(params.model.slot(), cx);
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

/// Reports a file of the project that is no model at all; one that is damaged is found out when it is loaded.
fn check_model(slot: &str, cx: &mut Resolve<'_>) {
    let Some(path) = cx.path(slot) else { return };
    let mut head = [0; MAGIC.len()];
    let read = File::open(&path).and_then(|mut file| file.read_exact(&mut head));
    if read.is_ok() && head == MAGIC {
        return;
    }
    let shown = path.strip_prefix(cx.root).unwrap_or(&path).display().to_string();
    let message = format!("`{shown}` is not a model of whisper.cpp");
    let help = "give a ggml model, such as `ggml-base.en.bin`";
    cx.problem(&format!("/{slot}"), code::WRONG_CONTENT, message, Some(help.into()));
}
