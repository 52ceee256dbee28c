//! `expect`: what a film, a sound, a picture or captions must come to. It knows no output.
//!
//! ```yaml
//! nodes:
//!   check: { uses: expect, with: { video: "${film.mux.video}", expect: { duration: 28s..32s, lufs: -14 ± 0.5 } } }
//! ```
//!
//! What the run (in the worker) must do:
//! - measure what is expected, and nothing else, of the artifact of the one slot that is filled;
//! - a failure where anything is not as it is expected, which names all that is not, in the order below: what was
//!   measured, where, what was expected, and what to do; its log has what is met as well;
//! - `duration`: to the end of the last frame, or sample where there are no pictures;
//! - `lufs`, `true_peak`: EBU R128 over all of it, in two channels;
//! - `av_skew`: the greater of how far the beginnings and how far the ends of pictures and sound lie apart;
//! - `no_black`: the longest stretch of frames in which 98 % of the pixels are darker than 4 % grey;
//! - `no_freeze`: the longest stretch of frames that differ from its first by less than 0.1 % of the range of luma, in
//!   the mean;
//! - `cps`: the fastest caption, in characters a second without blanks; `glyphs`: every character of captions is in
//!   one of `faces`;
//! - `ssim_to`: SSIM of luma with a reference of the same length, or with the picture at a time; the least of a frame;
//! - port `report`: JSON `Vec<`[`Finding`]`>`, media `application/json`.

use std::sync::Arc;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{
    AnyFile, Audio, Captions, Image, Info, Input, Json, Kind, Reproducible, Resolve, Site, Video,
};
use reel_engine::quantity::{Duration, Durations, Gain, Numbers};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::font::Face;
use crate::media::likeness::Likeness;
use crate::media::tools;
use crate::text::fonts::FontBook;

/// `with:` of `expect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Input<Video>>,
    /// A sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Input<Audio>>,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Input<Image>>,
    /// A caption file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<Input<Captions>>,
    /// Captions that are drawn into a film, by scene.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenes: Vec<Scene>,
    /// What is expected.
    pub expect: Expected,
    /// Faces of the fonts of `glyphs`; filled by the check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub faces: Vec<Face>,
}

/// A scene of a film, and the captions in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// From `timeline`.
    pub plan: Input<Json>,
    /// From `cues`; left out where the scene has no captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cues: Option<Input<Json>>,
}

/// `expect:` — what must hold before a file is placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// How long it lasts, of a film or a sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Durations>,
    /// How loud it is as a whole, in LUFS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lufs: Option<Numbers>,
    /// The highest true peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub true_peak: Option<Gain>,
    /// How far pictures and sound may begin or end apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub av_skew: Option<Duration>,
    /// How long it may be black; `0s` is not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_black: Option<Duration>,
    /// How long the picture may stand still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_freeze: Option<Duration>,
    /// Most characters a second of a caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub cps: Option<u32>,
    /// Fonts in which every character of the captions must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub glyphs: Option<Vec<String>>,
    /// What it must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssim_to: Option<Like>,
}

/// A reference and how near it must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Like {
    /// A film or a picture.
    pub file: Input<AnyFile>,
    /// The least SSIM of any frame.
    pub least: Likeness,
    /// Where in a film a picture is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Duration>,
}

/// What was found of one thing that is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// Its key under `expect:`.
    pub expect: String,
    /// Whether it is met.
    pub met: bool,
    /// What was measured, in words.
    pub found: String,
    /// What was expected, in words.
    pub wanted: String,
    /// Where it is not so, in milliseconds: from and to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<(u64, u64)>,
    /// What to do, where it is not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Expected {
    /// The keys that say something.
    fn said(&self) -> Vec<&'static str> {
        let all = [
            ("duration", self.duration.is_some()),
            ("lufs", self.lufs.is_some()),
            ("true_peak", self.true_peak.is_some()),
            ("av_skew", self.av_skew.is_some()),
            ("no_black", self.no_black.is_some()),
            ("no_freeze", self.no_freeze.is_some()),
            ("cps", self.cps.is_some()),
            ("glyphs", self.glyphs.is_some()),
            ("ssim_to", self.ssim_to.is_some()),
        ];
        all.into_iter().filter(|(_, is_said)| *is_said).map(|(key, _)| key).collect()
    }
}

impl Params {
    /// What is measured: its name with an article, and what may be expected of it. `None` unless it is one thing.
    fn subject(&self) -> Option<Subject> {
        let all = [
            (self.video.is_some(), FILM),
            (self.audio.is_some(), SOUND),
            (self.image.is_some(), PICTURE),
            (self.captions.is_some(), CAPTIONS),
        ];
        let mut there = all.into_iter().filter(|(is_there, _)| *is_there);
        let one = there.next().map(|(_, subject)| subject);
        one.filter(|_| there.next().is_none())
    }

    fn has_cues(&self) -> bool {
        self.scenes.iter().any(|scene| scene.cues.is_some())
    }
}

/// What is measured, and what may be expected of it.
type Subject = (&'static str, &'static [&'static str]);

const FILM: Subject = (
    "a film",
    &["duration", "lufs", "true_peak", "av_skew", "no_black", "no_freeze", "cps", "glyphs", "ssim_to"],
);
const SOUND: Subject = ("a sound", &["duration", "lufs", "true_peak"]);
const PICTURE: Subject = ("a picture", &["ssim_to"]);
const CAPTIONS: Subject = ("captions", &["cps", "glyphs"]);

/// The kind.
pub struct Expect {
    /// Where the fonts of `glyphs` are found.
    pub fonts: Arc<FontBook>,
}

impl Kind for Expect {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "expect",
            version: 1,
            summary: "measures a film, a sound, a picture or captions, and fails where they are not as expected",
            example: "check: { uses: expect, with: { video: \"${film.mux.video}\", \
                      expect: { duration: 28s..32s, lufs: -14 ± 0.5 } } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("report", PortType::Json)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 192)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG, tools::EBUR128, tools::IMAGE, tools::COSMIC_TEXT]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let Some((what, known)) = params.subject() else {
            let message = "one of `video`, `audio`, `image` and `captions` says what is measured";
            cx.problem("", code::MISSING_KEY, message, None);
            return;
        };
        let said = params.expect.said();
        if said.is_empty() {
            let help = format!("{what} may be expected to have {}", known.join(", "));
            cx.problem("/expect", code::BAD_VALUE, "`expect` says nothing", Some(help));
        }
        for key in said {
            let wrong = if !known.contains(&key) {
                format!("`{key}` means nothing for {what}")
            } else if matches!(key, "cps" | "glyphs") && params.video.is_some() && !params.has_cues() {
                format!("`{key}` means nothing for a film without captions in it")
            } else {
                continue;
            };
            let help = format!("{what} may be expected to have {}", known.join(", "));
            cx.problem(&format!("/expect/{key}"), code::BAD_VALUE, wrong, Some(help));
        }
        if let (Some(like), None) = (&params.expect.ssim_to, &params.video)
            && like.at.is_some()
        {
            let message = "`at` means nothing for a picture: it has no times";
            cx.problem("/expect/ssim_to/at", code::BAD_VALUE, message, None);
        }
        if let Some(names) = &params.expect.glyphs
            && let Some(fonts) = self.fonts.declare(names, false, "/expect/glyphs", "font", cx)
        {
            params.faces = fonts.into_faces();
        }
    }
}
