//! Film frames to one H.264 segment that others of the same format can be joined to. It knows neither its
//! place in the film nor its length.

use std::path::{Path, PathBuf};

use ffmpeg_next::codec::threading;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, Error, Packet, Rational, codec, color, encoder, format, frame, picture};
use reel_nodes::media::time::FrameRate;

use super::conform::copy_in;
use super::error::AvError;
use super::ffi;
use super::input::said;
use crate::frame::Yuv420;

/// Everything that decides a segment's bytes beside its frames; all of it belongs into the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeSpec {
    /// Pixels across, even.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// Frames per second.
    pub rate: FrameRate,
    /// x264's constant rate factor, 0 to 51; less is better and larger.
    pub crf: u8,
    /// x264's preset (`veryfast`, `medium`, …).
    pub preset: String,
    /// The most frames between key frames.
    pub keyint: u32,
    /// H.264 level (`4.0`); from size and rate when `None`, never from the length.
    pub level: Option<String>,
    /// x264's tuning (`stillimage`, `animation`, …).
    pub tune: Option<String>,
    /// Encoder threads, at least 1. They change the bytes.
    pub threads: u32,
}

/// x264's presets, fastest first.
pub const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];
/// x264's tunings.
pub const TUNES: [&str; 8] =
    ["film", "animation", "grain", "stillimage", "psnr", "ssim", "fastdecode", "zerolatency"];

/// What was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeReport {
    /// Frames in the file.
    pub frames: u64,
}

/// Encodes frames into an MP4 with one stream of H.264: closed groups of pictures, parameter sets that
/// depend on [`EncodeSpec`] alone.
pub struct VideoEncoder {
    path: PathBuf,
    encoder: encoder::Video,
    output: Output,
    frame: frame::Video,
    time_base: Rational,
    delay: i64,
    pushed: i64,
    written: i64,
}

impl VideoEncoder {
    /// Creates `path` and readies x264.
    ///
    /// # Errors
    /// When a parameter is not one of x264's, or the file cannot be written.
    pub fn create(path: &Path, spec: &EncodeSpec) -> Result<Self, AvError> {
        super::init();
        check(path, spec)?;
        let failed = |error| AvError::Write { path: path.into(), cause: said(error) };
        let time_base = frame_time(spec.rate);
        let encoder = open_encoder(path, spec)?;
        let mut output = ffi::create_output(path, c"mp4").map_err(failed)?;
        let mut stream = output.add_stream_with(&encoder).map_err(failed)?;
        stream.set_time_base(time_base);
        stream.set_avg_frame_rate(time_base.invert());
        let options: Dictionary<'_> = [("fflags", "+bitexact")].iter().collect();
        output.write_header_with(options).map_err(failed)?;
        let mut frame = frame::Video::new(format::Pixel::YUV420P, spec.width, spec.height);
        frame.set_color_space(color::Space::BT709);
        frame.set_color_range(color::Range::MPEG);
        let delay = ffi::reorder_delay(&encoder);
        Ok(Self { path: path.into(), encoder, output, frame, time_base, delay, pushed: 0, written: 0 })
    }

    /// Encodes the next frame.
    ///
    /// # Errors
    /// When the frame has another size, or encoding or writing fails.
    pub fn push(&mut self, picture: &Yuv420) -> Result<(), AvError> {
        let size = (self.frame.width() as usize, self.frame.height() as usize);
        if (picture.width, picture.height) != size {
            let cause = format!(
                "frame {} is {}x{}, the segment {}x{}",
                self.pushed, picture.width, picture.height, size.0, size.1
            );
            return Err(AvError::Unfit { path: self.path.clone(), cause });
        }
        ffi::make_writable(&mut self.frame).map_err(|e| self.failed(e))?;
        copy_in(picture, &mut self.frame);
        self.frame.set_pts(Some(self.pushed));
        self.frame.set_kind(picture::Type::None);
        self.encoder.send_frame(&self.frame).map_err(|e| self.failed(e))?;
        self.pushed += 1;
        self.drain()
    }

    /// Ends the segment and closes the file.
    ///
    /// # Errors
    /// When there was no frame, or encoding or writing fails.
    pub fn finish(mut self) -> Result<EncodeReport, AvError> {
        if self.pushed == 0 {
            return Err(AvError::Unfit { path: self.path, cause: "a segment without frames".into() });
        }
        self.encoder.send_eof().map_err(|e| self.failed(e))?;
        self.drain()?;
        if self.written != self.pushed {
            let cause = format!("{} frames went in, {} came out", self.pushed, self.written);
            return Err(AvError::Wrong { path: self.path, cause });
        }
        self.output.write_trailer().map_err(|e| self.failed(e))?;
        ffi::flush_output(&mut self.output).map_err(|e| self.failed(e))?;
        Ok(EncodeReport { frames: self.written.unsigned_abs() })
    }

    fn failed(&self, error: Error) -> AvError {
        AvError::Write { path: self.path.clone(), cause: said(error) }
    }

    fn drain(&mut self) -> Result<(), AvError> {
        let Some(stream) = self.output.stream(0).map(|s| s.time_base()) else {
            return Err(self.failed(Error::StreamNotFound));
        };
        loop {
            let mut packet = Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(Error::Eof) => return Ok(()),
                Err(Error::Other { errno }) if errno == ffmpeg_next::util::error::EAGAIN => return Ok(()),
                Err(error) => return Err(self.failed(error)),
            }
            // x264 leaves irregular first decoding times in the shortest segments; these never are.
            packet.set_dts(Some(self.written - self.delay));
            packet.set_duration(1);
            packet.set_stream(0);
            packet.rescale_ts(self.time_base, stream);
            packet.write(&mut self.output).map_err(|e| self.failed(e))?;
            self.written += 1;
        }
    }
}

fn check(path: &Path, spec: &EncodeSpec) -> Result<(), AvError> {
    let unfit = |cause: String| Err(AvError::Unfit { path: path.into(), cause });
    if spec.width == 0 || spec.height == 0 || spec.width % 2 == 1 || spec.height % 2 == 1 {
        return unfit(format!("a frame of {}x{} is not even in both sizes", spec.width, spec.height));
    }
    if spec.threads == 0 || spec.keyint == 0 || spec.crf > 51 {
        return unfit("`threads` and `keyint` are at least 1, `crf` at most 51".into());
    }
    // x264 prints to standard error about names that it does not know; it must not come to that.
    if !PRESETS.contains(&spec.preset.as_str()) {
        return unfit(format!("x264 has no preset `{}`; it has {}", spec.preset, PRESETS.join(", ")));
    }
    if let Some(tune) = spec.tune.as_deref().filter(|tune| !TUNES.contains(tune)) {
        return unfit(format!("x264 has no tune `{tune}`; it has {}", TUNES.join(", ")));
    }
    Ok(())
}

/// Seconds per frame.
fn frame_time(rate: FrameRate) -> Rational {
    Rational::new(rate.den() as i32, rate.num() as i32)
}

/// What x264 is told beside the preset, so that segments can be joined and are the same on every CPU.
///
/// The fastest presets refer to one picture. B-frames that others refer to stand in for a nearer one then, so a
/// pyramid of them makes pictures with fine detail 3 to 4 % larger at the same quality, plain ones no smaller,
/// and holds two more pictures in memory.
fn x264_params(spec: &EncodeSpec) -> &'static str {
    match spec.preset.as_str() {
        "ultrafast" | "superfast" | "veryfast" => "stitchable=1:cpu-independent=1:b-pyramid=none",
        _ => "stitchable=1:cpu-independent=1",
    }
}

/// x264 as `spec` says; `path` is for errors alone.
pub(super) fn open_encoder(path: &Path, spec: &EncodeSpec) -> Result<encoder::Video, AvError> {
    let time_base = frame_time(spec.rate);
    let x264 =
        encoder::find_by_name("libx264").ok_or(AvError::Missing { what: "encoder", name: "libx264" })?;
    let mut context = codec::Context::new_with_codec(x264);
    context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP | codec::Flags::BITEXACT);
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: spec.threads as usize,
        ..threading::Config::default()
    });
    ffi::site_chroma_left(&mut context);
    let unfit = |error| AvError::Unfit { path: path.into(), cause: said(error) };
    let mut video = context.encoder().video().map_err(unfit)?;
    video.set_width(spec.width);
    video.set_height(spec.height);
    video.set_format(format::Pixel::YUV420P);
    video.set_time_base(time_base);
    video.set_frame_rate(Some(time_base.invert()));
    video.set_aspect_ratio(Rational::new(1, 1));
    video.set_gop(spec.keyint);
    video.set_colorspace(color::Space::BT709);
    video.set_color_range(color::Range::MPEG);
    video.set_color_primaries(color::Primaries::BT709);
    video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
    let mut options = Dictionary::new();
    options.set("preset", &spec.preset);
    options.set("crf", &spec.crf.to_string());
    options.set("x264-params", x264_params(spec));
    if let Some(level) = &spec.level {
        options.set("level", level);
    }
    if let Some(tune) = &spec.tune {
        options.set("tune", tune);
    }
    video.open_as_with(x264, options).map_err(unfit)
}
