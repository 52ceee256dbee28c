//! `compare`: what a viewer finds different between two films, sounds, pictures or caption files. It knows no build.
//!
//! ```yaml
//! nodes:
//!   difference: { uses: compare, with: { one: out/before.mp4, other: out/after.mp4 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - read `other` in the size and frame rate of `one`; put equal frames of both beside each other, in order, also where
//!   something was put in or taken out between them, and look at what lies between these;
//! - a frame is changed where one of its blocks of 16×16 pixels differs by more than 10 codes of luma in the mean;
//!   frames that differ by less are counted, and are no change. Where a stretch became longer or shorter, all of it is
//!   changed but the frames at its beginning and end that look the same; changes less than a quarter of a second apart
//!   are one range;
//! - sound is changed in a frame where the difference of both, in one channel, is above −50 dB of full scale and above a
//!   tenth of what is heard; in files without pictures, in stretches of 10 ms;
//! - captions are those of caption files, or the sentences of `words` and `other_words`;
//! - port `report`: JSON [`Report`], media `application/json`.

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{AnyFile, Info, Input, Json, Kind, Reproducible, Site, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;
use crate::text::read_back::Subtitle;

/// `with:` of `compare`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What was.
    pub one: Input<AnyFile>,
    /// What is.
    pub other: Input<AnyFile>,
    /// What is said in the scenes of `one`, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Scene>,
    /// What is said in the scenes of `other`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_words: Vec<Scene>,
}

/// What is said in a scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// From `timeline`.
    pub plan: Input<Json>,
    /// From `timeline`.
    pub words: Input<Words>,
}

/// What two files differ in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Whether nothing that is seen, heard or read is different.
    pub same: bool,
    /// What was.
    pub one: Side,
    /// What is.
    pub other: Side,
    /// Frames a second of both times, as a fraction: of `one`, or of stretches of sound.
    pub fps: (u32, u32),
    /// Where pictures are different, in order.
    pub pictures: Vec<Range>,
    /// Frames that were encoded otherwise and look the same.
    pub as_good_as_same: u64,
    /// Where sound is different, in order.
    pub sound: Vec<Range>,
    /// Captions that are different, in order.
    pub captions: Vec<Caption>,
    /// Captions that are the same at another time.
    pub retimed: u64,
}

/// Facts of one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Side {
    /// How long it lasts, in microseconds; of captions, to the end of the last.
    pub duration: u64,
    /// Pixels across and down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<(u32, u32)>,
    /// Frames a second, as a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<(u32, u32)>,
    /// Integrated loudness in hundredths of a LUFS; not there without sound, or where it is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lufs: Option<i32>,
}

/// A stretch of frames in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Range {
    /// First frame in `one`, and the first that is no longer of it.
    pub one: (u64, u64),
    /// The same in `other`.
    pub other: (u64, u64),
    /// Mean and least SSIM of frames beside each other, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssim: Option<(u32, u32)>,
    /// Loudness there in `one` and `other`, in hundredths of a LUFS.
    #[serde(default)]
    pub lufs: (Option<i32>, Option<i32>),
}

/// A caption that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// As it was; not there when it is new.
    pub one: Option<Subtitle>,
    /// As it is; not there when it is gone.
    pub other: Option<Subtitle>,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Compare;

impl Kind for Compare {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "compare",
            version: 1,
            summary: "finds what is seen, heard or read differently in two films, sounds, pictures or caption files",
            example: "difference: { uses: compare, with: { one: out/before.mp4, other: out/after.mp4 } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("report", PortType::Json)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 256)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG, tools::EBUR128, tools::IMAGE]
    }
}
