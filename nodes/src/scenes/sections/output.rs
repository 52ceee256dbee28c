//! What users write under `outputs:` for what is made of scenes, as a typed struct. It makes nothing.

use reel_engine::operation::{Image, Input};
use reel_engine::quantity::{Duration, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::film::expect::Expected;
use crate::media::encoding::{Bitrate, Hw, PixelFormat, PresetName, ProresProfile, Tune, VideoCodec};
use crate::media::likeness::Likeness;
use crate::media::passage::Stem;
use crate::media::time::FrameRate;

/// One of `outputs:` that is made of scenes. What it is follows from the end of its name: `.mp4 .mov .mkv .webm` a
/// film, `.m3u8` one that is streamed, `.gif` one without sound, `.srt .vtt .ass` captions, `.wav .flac .m4a .opus` sound,
/// `.png .jpg` one picture, and `%05d.png` all frames, numbered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Where it goes.
    #[schemars(extend("format" = "path"))]
    pub file: String,
    /// Size of the frame, instead of the format's.
    #[serde(default)]
    pub size: Option<Size>,
    /// Frames per second, instead of the format's.
    #[serde(default)]
    pub fps: Option<FrameRate>,
    /// The codec of the pictures.
    #[serde(default)]
    pub codec: Option<VideoCodec>,
    /// Constant rate factor: 0 is the best, 51 the worst, 63 of VP9 and AV1.
    #[serde(default)]
    #[schemars(range(min = 0, max = 63))]
    pub crf: Option<u8>,
    /// How good pictures must look, instead of `crf`: the largest one is found with which samples of the film do.
    #[serde(default)]
    pub quality: Option<Quality>,
    /// Bits a second, instead of `crf`.
    #[serde(default)]
    pub bitrate: Option<Bitrate>,
    /// Whether each segment is looked through before it is encoded, so that `bitrate` is kept better.
    #[serde(default)]
    pub two_pass: Option<bool>,
    /// Whether an encoder in the machine's graphics device makes it: `off` as long as nothing is said.
    #[serde(default)]
    pub hw: Option<Hw>,
    /// How much time the encoder takes for smaller files, or what the film is for.
    #[serde(default)]
    pub preset: Option<PresetName>,
    /// What the encoder takes the pictures for.
    #[serde(default)]
    pub tune: Option<Tune>,
    /// The longest time between key frames.
    #[serde(default)]
    pub gop: Option<Duration>,
    /// The level of the standard that is kept and declared, such as `4.1`, for H.264 and H.265.
    #[serde(default)]
    pub level: Option<String>,
    /// Eight bits or ten.
    #[serde(default)]
    pub pixel_format: Option<PixelFormat>,
    /// The profile, for ProRes.
    #[serde(default)]
    pub profile: Option<ProresProfile>,
    /// For a stream: the sizes and rates that players choose from, the first the one that they begin with.
    #[serde(default)]
    #[schemars(length(min = 1, max = 9))]
    pub renditions: Option<Vec<Rendition>>,
    /// For a GIF: how many colours there are.
    #[serde(default)]
    #[schemars(range(min = 4, max = 256))]
    pub colors: Option<u32>,
    /// Whether captions are drawn into the pictures.
    #[serde(default)]
    pub captions: Option<Burn>,
    /// Only these scenes, in this order.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub scenes: Option<Vec<String>>,
    /// For sound: only what is said, what clips sound like, what is put in, or the music. Together they are the film.
    #[serde(default)]
    pub stem: Option<Stem>,
    /// Title, in the film's metadata.
    #[serde(default)]
    pub title: Option<String>,
    /// Who made it, in the film's metadata.
    #[serde(default)]
    pub artist: Option<String>,
    /// Anything else, in the film's metadata.
    #[serde(default)]
    pub comment: Option<String>,
    /// When it was made, in the film's metadata: as it is written here, or not at all.
    #[serde(default)]
    pub date: Option<String>,
    /// Whether each scene is a chapter.
    #[serde(default)]
    pub chapters: Option<bool>,
    /// Captions that the player shows when it is asked to: `soft`, or `{ language: eng }`.
    #[serde(default)]
    pub subtitles: Option<Subtitles>,
    /// A picture that stands for the film: a PNG or JPEG file, or `{ at: 3s }` of the film.
    #[serde(default)]
    pub cover: Option<Cover>,
    /// For one picture: when.
    #[serde(default)]
    pub at: Option<Duration>,
    /// What must hold before the file is placed.
    #[serde(default)]
    pub expect: Option<Expected>,
}

/// One of the sizes and rates of a stream: what is said here counts more than what the output says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rendition {
    /// Size of the frame.
    pub size: Option<Size>,
    /// Constant rate factor: 0 is the best, 51 the worst.
    #[schemars(range(min = 0, max = 51))]
    pub crf: Option<u8>,
    /// How good pictures must look, instead of `crf`.
    pub quality: Option<Quality>,
    /// Bits a second, instead of `crf`.
    pub bitrate: Option<Bitrate>,
    /// How much time the encoder takes for smaller files, or what the film is for.
    pub preset: Option<PresetName>,
}

/// How good pictures must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// The least structural similarity to what was drawn, such as `0.97`.
    pub ssim: Likeness,
}

/// Whether captions are drawn into the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Burn {
    /// They are.
    Burn,
    /// They are not.
    None,
}

/// Captions that the player shows when it is asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Subtitles {
    /// In a language that is not told.
    Soft(Soft),
    /// In a language.
    Of(Spoken),
}

impl Subtitles {
    /// The language, as three letters, if it is told.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        match self {
            Self::Soft(_) => None,
            Self::Of(spoken) => Some(&spoken.language),
        }
    }
}

/// The word for captions that are a track of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Soft {
    /// They are.
    Soft,
}

/// A language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spoken {
    /// Three letters of ISO 639-2, such as `eng`.
    pub language: String,
}

/// A picture that stands for the film.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cover {
    /// A frame of the film.
    Frame(CoverFrame),
    /// A file.
    File(Input<Image>),
}

/// A frame of the film.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoverFrame {
    /// When.
    pub at: Duration,
}
