//! `subtitles`: the words of a subtitle file, with the times that it gives them. It knows no scene and no caption.
//!
//! ```yaml
//! nodes:
//!   words: { uses: subtitles, with: { captions: voice.srt, audio: voice.wav } }
//! ```
//!
//! What the run (in the worker) must do:
//! - read slot `captions` by [`crate::text::subtitles`]; what cannot be read is a failure with its line;
//! - port `words`: [`crate::media::words::Words`] as JSON. With `audio`, `rate` and `end` are those of the sound **as
//!   decoded**, so that words and levelled sound agree, and a caption that begins after the sound's end is a failure;
//!   without, `rate` is 48 kHz and `end` that of the last word;
//! - with `from`, that place of the file is time 0: what ends before it is left out; that nothing is left is a failure.

use std::fs::File;
use std::io::Read;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{AnyFile, Audio, Info, Input, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;
use crate::text::subtitles::{Fault, LONGEST, read};

/// `with:` of `subtitles`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A SubRip or WebVTT file.
    pub captions: Input<AnyFile>,
    /// The recording whose words they are; left out, nobody says them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Input<Audio>>,
    /// The place in the file that is time 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Duration>,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subtitles;

impl Kind for Subtitles {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "subtitles",
            version: 1,
            summary: "reads the words of a subtitle file and when each is shown",
            example: "words: { uses: subtitles, with: { captions: voice.srt, audio: voice.wav } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("words", PortType::Words)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 48)
    }

    fn tools(&self, params: &Params) -> Vec<&'static str> {
        params.audio.iter().map(|_| tools::FFMPEG).collect()
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        if let Some(audio) = &params.audio {
            crate::media::check_content(audio.slot(), PortType::Audio, cx);
        }
        let Some(path) = cx.path(params.captions.slot()) else { return };
        let mut bytes = Vec::new();
        let opened = File::open(&path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
        if opened.is_err() {
            return;
        }
        let shown = path.strip_prefix(cx.root).unwrap_or(&path).display().to_string();
        if let Err(fault) = read(&bytes) {
            let message = format!("`{shown}`, {fault}");
            cx.problem("/captions", code::WRONG_CONTENT, message, Some(Fault::HELP.into()));
        }
    }
}
