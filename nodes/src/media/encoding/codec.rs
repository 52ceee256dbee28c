//! The codecs of film pictures and what each can be told. It knows no encoder library.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::tools;

/// Codecs of film pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264 by x264.
    H264,
    /// H.265 by x265.
    H265,
    /// AV1 by SVT-AV1.
    Av1,
    /// VP9 by libvpx.
    Vp9,
    /// ProRes 422, 10 bits, every picture by itself: for cutting rooms.
    Prores,
}

/// The rate factors of a codec, all from 0 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    /// The least that is tried for a quality: what is finer costs many times the bytes, and no eye tells it apart.
    pub finest: u8,
    /// What is taken where nothing is said.
    pub plain: u8,
    /// The worst.
    pub worst: u8,
}

impl VideoCodec {
    /// As users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Av1 => "av1",
            Self::Vp9 => "vp9",
            Self::Prores => "prores",
        }
    }

    /// The rate factors it knows; `None` where quality is not held by one. The plain ones look alike.
    #[must_use]
    pub const fn crf(self) -> Option<Factors> {
        match self {
            Self::H264 => Some(Factors { finest: 8, plain: 21, worst: 51 }),
            Self::H265 => Some(Factors { finest: 10, plain: 24, worst: 51 }),
            Self::Av1 => Some(Factors { finest: 8, plain: 30, worst: 63 }),
            Self::Vp9 => Some(Factors { finest: 8, plain: 31, worst: 63 }),
            Self::Prores => None,
        }
    }

    /// The library that encodes it, as the toolbox calls it.
    #[must_use]
    pub const fn tool(self) -> Option<&'static str> {
        match self {
            Self::H264 => Some(tools::X264),
            Self::H265 => Some(tools::X265),
            Self::Av1 => Some(tools::SVT_AV1),
            Self::Vp9 => Some(tools::VPX),
            Self::Prores => None,
        }
    }

    /// The fewest pixels in each direction of a frame.
    #[must_use]
    pub const fn least_side(self) -> u32 {
        match self {
            Self::H264 | Self::Vp9 | Self::Prores => 16,
            Self::H265 | Self::Av1 => 64,
        }
    }

    /// The tunings it knows.
    #[must_use]
    pub const fn tunes(self) -> &'static [Tune] {
        use Tune::{Animation, Fastdecode, Film, Grain, Psnr, Ssim, Stillimage, Zerolatency};
        match self {
            Self::H264 => &[Film, Animation, Grain, Stillimage, Psnr, Ssim, Fastdecode, Zerolatency],
            Self::H265 => &[Animation, Grain, Psnr, Ssim, Fastdecode, Zerolatency],
            Self::Av1 | Self::Vp9 | Self::Prores => &[],
        }
    }

    /// Whether a segment can be looked through before it is encoded.
    #[must_use]
    pub const fn has_two_passes(self) -> bool {
        matches!(self, Self::H264 | Self::H265 | Self::Vp9)
    }
}

/// What an encoder takes the pictures for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of x264 and x265")]
pub enum Tune {
    Film,
    Animation,
    Grain,
    Stillimage,
    Psnr,
    Ssim,
    Fastdecode,
    Zerolatency,
}

impl Tune {
    /// As encoders and users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Film => "film",
            Self::Animation => "animation",
            Self::Grain => "grain",
            Self::Stillimage => "stillimage",
            Self::Psnr => "psnr",
            Self::Ssim => "ssim",
            Self::Fastdecode => "fastdecode",
            Self::Zerolatency => "zerolatency",
        }
    }
}

/// How many bits a sample of the encoded pictures has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PixelFormat {
    /// 8 bits, 4:2:0: what every player shows.
    Yuv420p,
    /// 10 bits, 4:2:0: less banding for the same bits, where players know it.
    Yuv420p10,
}

/// Profiles of ProRes 422, from small to large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProresProfile {
    /// About 45 Mbit/s at 1920 × 1080 and 30 frames a second.
    Proxy,
    /// About 100 Mbit/s.
    Lt,
    /// About 150 Mbit/s.
    Standard,
    /// About 220 Mbit/s.
    Hq,
}
