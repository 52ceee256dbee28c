//! Names of what does the work, as kinds ask for them and the toolbox identifies them. It knows no version.

/// All FFmpeg libraries together: avcodec, avformat, avfilter, avutil, swscale, swresample.
pub const FFMPEG: &str = "ffmpeg";
/// The H.264 encoder behind avcodec.
pub const X264: &str = "x264";
/// The H.265 encoder behind avcodec.
pub const X265: &str = "x265";
/// The AV1 encoder behind avcodec.
pub const SVT_AV1: &str = "svt-av1";
/// The VP9 encoder behind avcodec.
pub const VPX: &str = "libvpx";
/// Encoders in graphics devices: what works here is offered under this name, by the names that FFmpeg has for them.
pub const HARDWARE: &str = "hardware";
/// The Opus encoder behind avcodec.
pub const OPUS: &str = "libopus";
/// espeak-ng and its voice data, behind `reel-speak`.
pub const ESPEAK: &str = "espeak-ng";
/// whisper.cpp.
pub const WHISPER: &str = "whisper";
/// The drawer of SVG.
pub const RESVG: &str = "resvg";
/// The shaper and drawer of text.
pub const COSMIC_TEXT: &str = "cosmic-text";
/// The meter of loudness.
pub const EBUR128: &str = "ebur128";
/// The decoders of still pictures.
pub const IMAGE: &str = "image";
