//! `mux`: segments and sound joined to a film. It knows no scene and encodes nothing.
//!
//! ```yaml
//! nodes:
//!   film: { uses: mux, with: { segments: ["${hook.segments.video}"], plans: ["${hook.timeline.plan}"],
//!           audio: "${sound.audio}", container: mp4 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - join all artifacts of the slots `segments.0`, `segments.1`, … in order by stream copy; codec, size, frame
//!   rate and parameter sets must be equal, else a failure that says which differs;
//! - write own timestamps: decode index less a constant delay, display index; one edit list; strictly monotone;
//! - the number of pictures must be `Σ frames` of the plans in the slots `plans.0`, …; else a failure that says
//!   both; `fps` is the plans';
//! - add the one track of slot `audio`, when it is there, by stream copy (AAC or Opus from `mix`), first decoded
//!   sample = sample 0, cut or declared to end with the pictures: container durations agree exactly;
//! - container `mp4` or `mov` with the index in front (faststart), `mkv` or `webm`; H.265 as `hvc1`; tagged bt709;
//!   `title`, `artist`, `comment`, `date` as metadata; no library tags, no dates of its own: the same inputs give the
//!   same bytes;
//! - chapter `i` begins with plan `i`, on its first frame; subtitles become `mov_text`, SRT in Matroska, WebVTT in WebM;
//!   the cover becomes the picture of the file in MP4, an attachment in Matroska;
//! - read the result back (streams, counts, duration) before it is handed on;
//! - port `video`, media by container ([`crate::media::encoding::Container::media`]).

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{
    Audio, Captions, Image, Info, Input, Json, Kind, Reproducible, Resolve, Site, Video,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::encoding::Container;
use crate::media::language::wrong_language;
use crate::media::tools;

/// `with:` of `mux`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Segments in the order of the film, each from `encode`, or all of a scene from `segments`.
    pub segments: Vec<Input<Video>>,
    /// Plans of the scenes, from `timeline`: what the film must come to.
    pub plans: Vec<Input<Json>>,
    /// The sound, from `mix`; left out, the film is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Input<Audio>>,
    /// The kind of file.
    #[serde(default = "default_container")]
    pub container: Container,
    /// Title, in the file's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who made it, in the file's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    /// Anything else, in the file's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was made, in the file's metadata: as it is written here, or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Titles of chapters, one for each plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<String>,
    /// Captions that the player shows when it is asked to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtitles: Vec<Subtitles>,
    /// A picture in PNG or JPEG that stands for the film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Input<Image>>,
}

/// A subtitle track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subtitles {
    /// From `captions`: `srt`, or `vtt` for WebM.
    pub captions: Input<Captions>,
    /// Their language, as three letters of ISO 639-2, such as `eng`.
    #[serde(default = "undetermined")]
    pub language: String,
}

fn undetermined() -> String {
    "und".into()
}

/// Why a container holds no cover, if it holds none.
pub(crate) fn wrong_cover(container: Container) -> Option<(&'static str, String)> {
    match container {
        Container::Mp4 | Container::Mkv => None,
        Container::Mov => {
            Some(("a film in .mov has no cover", "take `cover` away, or make .mp4 or .mkv".to_owned()))
        }
        Container::Webm => {
            Some(("a film in .webm has no cover", "take `cover` away, or make .mkv or .mp4".to_owned()))
        }
    }
}

const fn default_container() -> Container {
    Container::Mp4
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mux;

impl Kind for Mux {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "mux",
            version: 1,
            summary: "joins segments and sound to a film, without encoding again",
            example: "film: { uses: mux, with: { segments: [\"${hook.segments.video}\"], \
                      plans: [\"${hook.timeline.plan}\"], audio: \"${sound.audio}\" } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("video", PortType::Video)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 96)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        for (index, track) in params.subtitles.iter().enumerate() {
            if let Some((message, help)) = wrong_language(&track.language) {
                cx.problem(&format!("/subtitles/{index}/language"), code::BAD_VALUE, message, Some(help));
            }
        }
        if let Some(cover) = &params.cover {
            crate::media::check_content(cover.slot(), PortType::Image, cx);
            if let Some((message, help)) = wrong_cover(params.container) {
                cx.problem("/cover", code::BAD_VALUE, message, Some(help));
            }
        }
    }
}
