//! `package`: a film as HTTP Live Streaming (RFC 8216): playlists, and the fragmented MP4 files whose ranges they name.
//! It knows no scene.
//!
//! ```yaml
//! nodes:
//!   stream: { uses: package, with: { name: film, renditions: [{ segments: ["${hook.segments.video}"] }],
//!             plans: ["${hook.timeline.plan}"], audio: "${sound.audio}" } }
//! ```
//!
//! What the run (in the worker) must do:
//! - a film begins with the artifacts of the slots `renditions.R.segments.0`, `.1`, … in order; their frames must be
//!   `Σ frames` of the plans in the slots `plans.0`, …, and those of all renditions equal, segment by segment;
//! - each rendition becomes one fragmented MP4 of its segments by stream copy, first frame at 0: a header, and a
//!   fragment for each piece. A piece is one segment or more: that of a transition (the first of the
//!   plans in `transitions`), and whatever is under a second, is merged with the next;
//! - `audio` (AAC from `mix`) becomes one of its own, cut at the packet in which a piece begins or behind it;
//! - playlists name ranges of those files by the names of [`Params::files`]; `BANDWIDTH` is that of the largest piece
//!   and the largest of the sound, `CODECS` is read from the headers (RFC 6381);
//! - `captions` (WebVTT) is a rendition in one piece.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Audio, Captions, Info, Input, Json, Kind, Reproducible, Resolve, Site, Video};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::language::wrong_language;
use crate::media::tools;

/// `with:` of `package`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// With what the names of its files begin, of letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What stands before the dot at which their names end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manner: String,
    /// The film in several sizes or rates, the first the one that players begin with.
    #[schemars(length(min = 1, max = 9))]
    pub renditions: Vec<Rendition>,
    /// Plans of the scenes, from `timeline`.
    pub plans: Vec<Input<Json>>,
    /// Which plans, from 0, begin with a transition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<u32>,
    /// The sound, in AAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Input<Audio>>,
    /// Captions in WebVTT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<Input<Captions>>,
    /// Their language, as three letters of ISO 639-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// The film in one size and rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rendition {
    /// Segments in the order of the film, H.264 or H.265.
    pub segments: Vec<Input<Video>>,
}

/// A file of a package: the port that it comes from, and its name as the playlists have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The port.
    pub port: String,
    /// The name.
    pub name: String,
}

/// The files of a package beside its first playlist and its captions, in the order of their ports.
#[must_use]
pub fn files(name: &str, manner: &str, renditions: usize, has_sound: bool, has_words: bool) -> Vec<File> {
    let file = |port: &str, part: &str, end: &str| File {
        port: port.to_owned(),
        name: format!("{name}-{part}{manner}.{end}"),
    };
    let mut all = Vec::new();
    for number in 1..=renditions {
        let part = number.to_string();
        all.push(file(&format!("list-{number}"), &part, "m3u8"));
        all.push(file(&format!("video-{number}"), &part, "mp4"));
    }
    if has_sound {
        all.push(file("sound-list", "sound", "m3u8"));
        all.push(file("sound", "sound", "mp4"));
    }
    if has_words {
        all.push(file("words-list", "words", "m3u8"));
    }
    all
}

/// The name of the file of captions, which another node makes.
#[must_use]
pub fn words_file(name: &str, manner: &str) -> String {
    format!("{name}-words{manner}.vtt")
}

/// Why this cannot stand in a playlist as it is, if it cannot.
#[must_use]
pub(crate) fn wrong_name(name: &str) -> Option<(String, String)> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let right = !name.is_empty() && name.chars().all(plain);
    let help = "its name is of the letters a to z, digits, `-`, `_` and `.`".to_owned();
    (!right).then(|| (format!("`{name}` cannot stand in a playlist as it is"), help))
}

impl Params {
    /// Its files but the first playlist and the captions.
    #[must_use]
    pub fn files(&self) -> Vec<File> {
        let (sound, words) = (self.audio.is_some(), self.captions.is_some());
        files(&self.name, &self.manner, self.renditions.len(), sound, words)
    }
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Package;

impl Kind for Package {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "package",
            version: 1,
            summary: "makes a film of segments that is streamed over HTTP, in several renditions",
            example: "stream: { uses: package, with: { name: film, renditions: [{ segments: [\"${hook.segments.video}\"] }], \
                      plans: [\"${hook.timeline.plan}\"] } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, params: &Params) -> Vec<Port> {
        let rest = params.files().into_iter().map(|file| {
            let ty = match file.port.split('-').next() {
                Some("video") => PortType::Video,
                Some("sound") if file.port == "sound" => PortType::Audio,
                _ => PortType::File,
            };
            Port::one(file.port, ty)
        });
        std::iter::once(Port::one("playlist", PortType::File)).chain(rest).collect()
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 96)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        if let Some((message, help)) = wrong_name(&params.name) {
            cx.problem("/name", code::BAD_VALUE, message, Some(help));
        }
        if let Some((message, help)) = params.language.as_deref().and_then(wrong_language) {
            cx.problem("/language", code::BAD_VALUE, message, Some(help));
        }
    }
}
