//! The encoders of film pictures, opened so that segments can be joined and are the same each time. It knows no file
//! and no frame.
//!
//! | codec | library | held still by |
//! |---|---|---|
//! | H.264 | x264 | `stitchable`, `cpu-independent`, frame threads as told |
//! | H.265 | x265 | no pools, frame threads as told, no wavefronts, no text about itself |
//! | AV1 | SVT-AV1 | as many logical processors as told, bound to none |
//! | VP9 | libvpx | as many threads as told, rows by one |
//! | ProRes | FFmpeg | slices by one thread |
//!
//! Encoders of graphics devices are told what [`hardware`] says.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use ffmpeg_next::codec::{Flags, threading};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Dictionary, Error, Rational, codec, color, encoder, frame};
use reel_nodes::media::encoding::{Encoding, Hardware, Preset, ProresProfile, Tune, VideoCodec};
use reel_nodes::media::time::FrameRate;

use super::error::AvError;
use super::ffi::device::Pool;
use super::input::said;
use super::pixels::Pixels;
use super::{ffi, hardware};

/// Everything that decides a segment's bytes beside its frames; all of it belongs into the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeSpec {
    /// Pixels across, even.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// Frames per second.
    pub rate: FrameRate,
    /// Codec, quality and speed.
    pub encoding: Encoding,
    /// For NVENC, the number of the device; in no key, since devices of one model give the same.
    pub gpu: Option<u32>,
}

/// Which time the pictures of a segment are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pass {
    /// Once.
    Only,
    /// To write down what they are like, at this place.
    First(PathBuf),
    /// With what was written down there.
    Second(PathBuf),
}

/// FFmpeg's name of the encoder.
fn name(encoding: &Encoding) -> &'static str {
    if let Some(name) = encoding.hw.and_then(|hardware| hardware.encoder(encoding.codec)) {
        return name;
    }
    match encoding.codec {
        VideoCodec::H264 => "libx264",
        VideoCodec::H265 => "libx265",
        VideoCodec::Av1 => "libsvtav1",
        VideoCodec::Vp9 => "libvpx-vp9",
        VideoCodec::Prores => "prores_ks",
    }
}

/// Seconds per frame.
pub(super) fn frame_time(rate: FrameRate) -> Rational {
    Rational::new(rate.den() as i32, rate.num() as i32)
}

/// An open encoder, and what it reads as long as it lives.
pub(super) struct Opened {
    pub(super) video: encoder::Video,
    /// Where frames are copied to first, if the encoder takes them from there.
    pool: Option<Pool>,
    /// What libvpx wrote in the first pass, where this is the second.
    _stats: Option<CString>,
}

impl Opened {
    /// Encodes a frame.
    pub(super) fn send(&mut self, frame: &frame::Video) -> Result<(), Error> {
        match &self.pool {
            Some(pool) => {
                let there: frame::Video = pool.upload(frame)?;
                self.video.send_frame(&there)
            }
            None => self.video.send_frame(frame),
        }
    }
}

/// The encoder as `spec` says; `path` is for errors alone.
pub(super) fn open(path: &Path, spec: &EncodeSpec, pass: &Pass) -> Result<Opened, AvError> {
    check(path, spec)?;
    let encoding = &spec.encoding;
    let time_base = frame_time(spec.rate);
    let name = name(encoding);
    let found = encoder::find_by_name(name).ok_or(AvError::Missing { what: "encoder", name })?;
    let mut context = codec::Context::new_with_codec(found);
    context.set_flags(flags(encoding.codec, pass));
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: spec.encoding.threads as usize,
        ..threading::Config::default()
    });
    ffi::site_chroma_left(&mut context);
    let stats = match (encoding.codec, pass) {
        (VideoCodec::Vp9, Pass::Second(at)) => Some(stats(at)?),
        _ => None,
    };
    if let Some(text) = &stats {
        ffi::second_pass(&mut context, text);
    }
    let unfit = |error| AvError::Unfit { path: path.into(), cause: said(error) };
    let pool = match encoding.hw {
        Some(Hardware::Vaapi) => {
            Some(Pool::open(spec.width, spec.height, render_node().as_deref()).map_err(unfit)?)
        }
        _ => None,
    };
    if let Some(pool) = &pool {
        pool.feed(&mut context).map_err(unfit)?;
    }
    let mut video = context.encoder().video().map_err(unfit)?;
    video.set_width(spec.width);
    video.set_height(spec.height);
    video.set_format(if pool.is_some() { Pixel::VAAPI } else { Pixels::of(encoding).format() });
    video.set_time_base(time_base);
    video.set_frame_rate(Some(time_base.invert()));
    video.set_aspect_ratio(Rational::new(1, 1));
    video.set_gop(encoding.keyint);
    video.set_colorspace(color::Space::BT709);
    video.set_color_range(color::Range::MPEG);
    video.set_color_primaries(color::Primaries::BT709);
    video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
    // libvpx holds a quality only where no rate is set.
    let rate = encoding.bitrate.map_or(0, |rate| rate.0);
    if encoding.bitrate.is_some() || encoding.codec == VideoCodec::Vp9 {
        video.set_bit_rate(usize::try_from(rate).unwrap_or(usize::MAX));
    }
    let options = match encoding.hw {
        Some(hardware) => hardware::options(hardware, encoding, spec.gpu),
        None => options(encoding, pass),
    };
    let video = video.open_as_with(found, options).map_err(unfit)?;
    Ok(Opened { video, pool, _stats: stats })
}

/// By how many frames decoding comes before showing.
pub(super) fn delay(video: &encoder::Video, encoding: &Encoding) -> i64 {
    match (encoding.codec, encoding.tune) {
        _ if encoding.hw.is_some() => 0,
        // FFmpeg is not told by x265, which has B-frames in all presets, and others that refer to them; this tune has none.
        (VideoCodec::H265, Some(Tune::Zerolatency)) => 0,
        (VideoCodec::H265, _) => 2,
        _ => ffi::reorder_delay(video),
    }
}

/// How often the last frame is encoded once more, as a key frame and behind it, and thrown away.
///
/// x264 spends on a block what later frames take over from it (its tree of macroblocks), so pictures at the end of a
/// segment would be coarser by a third than those in its middle, and seen to jump where the next segment begins. So many
/// frames level that; more of them spend more than the middle has.
pub(super) fn lead_out(encoding: &Encoding, pass: &Pass) -> i64 {
    const FRAMES: i64 = 8;
    let looks_ahead = encoding.preset != Preset::Ultrafast && encoding.tune != Some(Tune::Zerolatency);
    let by_quality = encoding.crf.is_some_and(|crf| crf > 0) && *pass == Pass::Only;
    let is_x264 = encoding.codec == VideoCodec::H264 && encoding.hw.is_none();
    if is_x264 && by_quality && looks_ahead && encoding.keyint > 1 { FRAMES } else { 0 }
}

/// The first device that VAAPI may be on, for it: its model is the one in keys.
fn render_node() -> Option<CString> {
    let node = hardware::render_nodes().into_iter().next()?;
    CString::new(node.into_os_string().into_encoded_bytes()).ok()
}

fn check(path: &Path, spec: &EncodeSpec) -> Result<(), AvError> {
    let unfit = |cause: String| Err(AvError::Unfit { path: path.into(), cause });
    if spec.width == 0 || spec.height == 0 || spec.width % 2 == 1 || spec.height % 2 == 1 {
        return unfit(format!("a frame of {}x{} is not even in both sizes", spec.width, spec.height));
    }
    let encoding = &spec.encoding;
    let worst = encoding.codec.crf().map_or(0, |factors| factors.worst);
    if encoding.threads == 0 || encoding.keyint == 0 || encoding.crf.is_some_and(|crf| crf > worst) {
        return unfit(format!("`threads` and `keyint` are at least 1, `crf` at most {worst}"));
    }
    Ok(())
}

fn flags(codec: VideoCodec, pass: &Pass) -> Flags {
    let passes = match (codec, pass) {
        // x265 is told of passes in its own words.
        (VideoCodec::H265, _) | (_, Pass::Only) => Flags::empty(),
        (_, Pass::First(_)) => Flags::PASS1,
        (_, Pass::Second(_)) => Flags::PASS2,
    };
    Flags::GLOBAL_HEADER | Flags::CLOSED_GOP | Flags::BITEXACT | passes
}

fn stats(at: &Path) -> Result<CString, AvError> {
    let unreadable = |cause: String| AvError::Open { path: at.into(), cause };
    let text = std::fs::read(at).map_err(|error| unreadable(error.to_string()))?;
    CString::new(text).map_err(|error| unreadable(error.to_string()))
}

fn options(encoding: &Encoding, pass: &Pass) -> Dictionary<'static> {
    let mut options = Dictionary::new();
    if let Some(crf) = encoding.crf {
        options.set("crf", &crf.to_string());
    }
    if let Some(tune) = encoding.tune {
        options.set("tune", tune.name());
    }
    match encoding.codec {
        VideoCodec::H264 => {
            options.set("preset", encoding.preset.name());
            options.set("x264-params", x264_params(encoding));
            if let Some(level) = &encoding.level {
                options.set("level", level);
            }
            if let Pass::First(at) | Pass::Second(at) = pass {
                options.set("stats", &at.to_string_lossy());
            }
        }
        VideoCodec::H265 => {
            options.set("preset", encoding.preset.name());
            options.set("x265-params", &x265_params(encoding, pass));
        }
        VideoCodec::Av1 => {
            options.set("preset", &svt_preset(encoding.preset).to_string());
            options.set("svtav1-params", &format!("lp={}:pin=0", encoding.threads));
        }
        VideoCodec::Vp9 => {
            options.set("deadline", "good");
            options.set("cpu-used", &vpx_speed(encoding.preset).to_string());
            options.set("row-mt", "0");
            options.set("auto-alt-ref", "1");
            options.set("lag-in-frames", "25");
        }
        VideoCodec::Prores => {
            options.set("profile", prores_profile(encoding.profile));
            options.set("vendor", "apl0");
        }
    }
    options
}

/// What x264 is told beside the preset, so that segments can be joined and are the same on every CPU.
///
/// The fastest presets refer to one picture. B-frames that others refer to stand in for a nearer one then, so a
/// pyramid of them makes pictures with fine detail 3 to 4 % larger at the same quality, plain ones no smaller,
/// and holds two more pictures in memory.
const fn x264_params(encoding: &Encoding) -> &'static str {
    match encoding.preset {
        Preset::Ultrafast | Preset::Superfast | Preset::Veryfast => {
            "stitchable=1:cpu-independent=1:b-pyramid=none"
        }
        _ => "stitchable=1:cpu-independent=1",
    }
}

/// What x265 is told beside the preset. Without pools its threads are one for each frame in work, whatever the
/// machine has; without text about itself its parameter sets do not tell of the quality.
fn x265_params(encoding: &Encoding, pass: &Pass) -> String {
    let mut params = vec![
        "log-level=error:pools=none:wpp=0:pmode=0:pme=0:open-gop=0:info=0".to_owned(),
        format!("frame-threads={}", encoding.threads),
        format!("keyint={}", encoding.keyint),
    ];
    if let Some(level) = &encoding.level {
        params.push(format!("level-idc={level}"));
    }
    let (number, at) = match pass {
        Pass::Only => return params.join(":"),
        Pass::First(at) => (1, at),
        Pass::Second(at) => (2, at),
    };
    let escaped: String =
        at.to_string_lossy().chars().flat_map(|c| escape(c).into_iter().flatten()).collect();
    params.push(format!("pass={number}:stats={escaped}"));
    params.join(":")
}

/// A character in a list of options of FFmpeg.
const fn escape(c: char) -> [Option<char>; 2] {
    match c {
        ':' | '=' | '\\' | '\'' => [Some('\\'), Some(c)],
        _ => [None, Some(c)],
    }
}

/// SVT-AV1's preset that takes its time as x264's of that name does.
const fn svt_preset(preset: Preset) -> u8 {
    match preset {
        Preset::Ultrafast => 12,
        Preset::Superfast => 11,
        Preset::Veryfast => 10,
        Preset::Faster => 9,
        Preset::Fast => 8,
        Preset::Medium => 7,
        Preset::Slow => 6,
        Preset::Slower => 5,
        Preset::Veryslow => 4,
    }
}

/// libvpx's speed that takes its time as x264's preset of that name does.
const fn vpx_speed(preset: Preset) -> u8 {
    match preset {
        Preset::Ultrafast | Preset::Superfast | Preset::Veryfast => 5,
        Preset::Faster => 4,
        Preset::Fast => 3,
        Preset::Medium => 2,
        Preset::Slow | Preset::Slower => 1,
        Preset::Veryslow => 0,
    }
}

const fn prores_profile(profile: Option<ProresProfile>) -> &'static str {
    match profile {
        Some(ProresProfile::Proxy) => "0",
        Some(ProresProfile::Lt) => "1",
        None | Some(ProresProfile::Standard) => "2",
        Some(ProresProfile::Hq) => "3",
    }
}
