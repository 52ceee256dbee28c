//! How film pictures are compressed. It knows no encoder library.

mod bitrate;
mod codec;
mod fault;
mod hardware;
mod level;
mod preset;

use reel_engine::claim::{Claim, GpuClaim};
use reel_engine::quantity::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use bitrate::Bitrate;
pub use codec::{Factors, PixelFormat, ProresProfile, Tune, VideoCodec};
pub use fault::Fault;
pub use hardware::{Hardware, Hw, NoHardware};
pub use preset::{Preset, PresetName};

/// Settings of the video encoder, equal for all segments of a film: nothing in here follows from a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Asked")]
pub struct Encoding {
    /// The codec.
    pub codec: VideoCodec,
    /// Constant rate factor, where quality is held and no bit rate; less is better and larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crf: Option<u8>,
    /// The graphics device's interface to an encoder in it, instead of a library on the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hw: Option<Hardware>,
    /// How much time the encoder takes for smaller files.
    pub preset: Preset,
    /// Longest distance of key frames, in frames.
    pub keyint: u32,
    /// Threads of the encoder. They change its bytes, so they are a parameter and never follow from the machine.
    pub threads: u32,
    /// Bits a second, on the average of each segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<Bitrate>,
    /// Whether each segment is looked through once before it is encoded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub two_pass: bool,
    /// What the encoder takes the pictures for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tune: Option<Tune>,
    /// The level of the standard that is kept and declared, such as `4.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Ten bits instead of eight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_format: Option<PixelFormat>,
    /// The profile, for ProRes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProresProfile>,
}

/// Settings of the video encoder as they are written: what is left out follows from the codec.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// The codec; left out, H.264.
    pub codec: Option<VideoCodec>,
    /// Constant rate factor: 0 is the best, 51 the worst, 63 of VP9 and AV1.
    #[schemars(range(min = 0, max = 63))]
    pub crf: Option<u8>,
    /// The interface to an encoder in a graphics device, which must work here; left out, a library encodes.
    pub hw: Option<Hardware>,
    /// How much time the encoder takes for smaller files.
    pub preset: Option<Preset>,
    /// Longest distance of key frames, in frames.
    #[schemars(range(min = 1, max = 1000))]
    pub keyint: Option<u32>,
    /// Threads of the encoder. They change its bytes, so they are a parameter and never follow from the machine.
    #[schemars(range(min = 1, max = 64))]
    pub threads: Option<u32>,
    /// Bits a second, on the average of each segment, instead of `crf`.
    pub bitrate: Option<Bitrate>,
    /// Whether each segment is looked through once before it is encoded, so that `bitrate` is kept better.
    pub two_pass: Option<bool>,
    /// What the encoder takes the pictures for.
    pub tune: Option<Tune>,
    /// The level of the standard that is kept and declared, such as `4.1`.
    pub level: Option<String>,
    /// Eight bits or ten.
    pub pixel_format: Option<PixelFormat>,
    /// The profile, for ProRes.
    pub profile: Option<ProresProfile>,
}

impl From<Asked> for Encoding {
    fn from(asked: Asked) -> Self {
        let codec = asked.codec.unwrap_or(VideoCodec::H264);
        let plain = codec.crf().filter(|_| asked.bitrate.is_none()).map(|crf| crf.plain);
        let prores = codec == VideoCodec::Prores;
        Self {
            codec,
            crf: asked.crf.or(plain),
            hw: asked.hw,
            preset: asked.preset.unwrap_or(Preset::Veryfast),
            keyint: asked.keyint.unwrap_or(250),
            threads: asked.threads.unwrap_or(1),
            bitrate: asked.bitrate,
            two_pass: asked.two_pass.unwrap_or(false),
            tune: asked.tune,
            level: asked.level,
            // What is the case anyway is not written down, so that it is no other key.
            pixel_format: asked.pixel_format.filter(|format| *format != PixelFormat::Yuv420p),
            profile: asked.profile.or_else(|| prores.then_some(ProresProfile::Standard)),
        }
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Asked::default().into()
    }
}

impl Encoding {
    /// H.264 from which every picture comes out as it went in, made fast.
    #[must_use]
    pub fn lossless(keyint: u32) -> Self {
        Self { crf: Some(0), preset: Preset::Ultrafast, keyint, ..Self::default() }
    }

    /// The same, made fast and no larger than it was asked for: for drafts.
    #[must_use]
    pub fn fast(self) -> Self {
        let profile = self.profile.map(|_| ProresProfile::Proxy);
        Self { preset: Preset::Ultrafast, two_pass: false, profile, ..self }
    }

    /// What encodes it, as the toolbox calls it.
    #[must_use]
    pub fn tool(&self) -> Option<&'static str> {
        match self.hw {
            Some(hardware) => hardware.encoder(self.codec),
            None => self.codec.tool(),
        }
    }

    /// What drawing frames of this size and encoding them holds.
    #[must_use]
    pub fn claim(&self, size: Size) -> Claim {
        let gpu = self.hw.map_or(GpuClaim::None, Hardware::claim);
        Claim { gpu, ..Claim::cores(self.threads, self.memory(size)) }
    }

    /// MiB that drawing frames of this size and encoding them holds, at most.
    #[must_use]
    pub fn memory(&self, size: Size) -> u64 {
        let threads = u64::from(self.threads);
        let (ahead, references) = self.preset.depth();
        // Bytes for each pixel, measured, and MiB beside them: x264 holds 3 of a picture that waits and 5 of one that
        // others refer to; the others hold about as much at every preset. The still, what was drawn last and its way
        // to the encoder take 10. Libraries and fonts take 48 MiB.
        let (each, beside) = match self.codec {
            // Frames on their way; what the encoder refers to is the device's. Its driver's libraries are large.
            _ if self.hw.is_some() => (30, 200),
            VideoCodec::H264 => (3 * (ahead + 3 + threads) + 5 * (references + 1 + threads), 0),
            VideoCodec::H265 => (130 + ahead + 10 * threads, 48),
            VideoCodec::Av1 => (150 + ahead + 10 * threads, 80),
            VideoCodec::Vp9 => (120 + 10 * threads, 32),
            VideoCodec::Prores => (20, 8),
        };
        let deep = if self.pixel_format.is_some() { 2 } else { 1 };
        let pixels = u64::from(size.width) * u64::from(size.height);
        48 + beside + ((pixels * (each * deep + 10)) >> 20)
    }
}

/// How film sound is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SoundCodec {
    /// AAC in an M4A file.
    Aac,
    /// 16-bit PCM in a WAV file.
    Wav,
    /// FLAC, 16 bits.
    Flac,
    /// Opus in an Ogg file.
    Opus,
}

impl SoundCodec {
    /// Media type of a file of it.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::Aac => "audio/mp4",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::Opus => "audio/ogg",
        }
    }
}

/// Containers of films.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// MP4, with the index in front.
    Mp4,
    /// QuickTime.
    Mov,
    /// Matroska.
    Mkv,
    /// WebM.
    Webm,
}

impl Container {
    /// Its name, as files end in it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "mkv",
            Self::Webm => "webm",
        }
    }

    /// Media type of a file of it.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::Mkv => "video/x-matroska",
            Self::Webm => "video/webm",
        }
    }

    /// The codecs of pictures that players expect in it; the first is taken where nothing is said.
    #[must_use]
    pub const fn codecs(self) -> &'static [VideoCodec] {
        use VideoCodec::{Av1, H264, H265, Prores, Vp9};
        match self {
            // MP4 tells of VP9 what FFmpeg does not know of a copied stream.
            Self::Mp4 => &[H264, H265, Av1],
            Self::Mkv => &[H264, H265, Av1, Vp9],
            Self::Mov => &[H264, H265, Prores],
            Self::Webm => &[Vp9, Av1],
        }
    }

    /// The codec of its sound.
    #[must_use]
    pub const fn sound(self) -> SoundCodec {
        match self {
            // Matroska has no place for what an AAC decoder drops at the start, and has one for Opus.
            Self::Mkv | Self::Webm => SoundCodec::Opus,
            Self::Mp4 | Self::Mov => SoundCodec::Aac,
        }
    }
}
