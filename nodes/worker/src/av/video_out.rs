//! Film frames to one segment that others of the same format can be joined to. It knows neither its place in the film
//! nor its length.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, Error, Packet, Rational, frame, picture};
use reel_nodes::media::encoding::VideoCodec;

use super::encoder::{self, EncodeSpec, Opened, Pass};
use super::error::AvError;
use super::ffi;
use super::input::said;
use super::pixels::Pixels;
use crate::frame::Yuv420;

/// What was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeReport {
    /// Frames that were encoded, or looked through.
    pub frames: u64,
}

/// Encodes frames into a file with one stream: closed groups of pictures, parameter sets that depend on
/// [`EncodeSpec`] alone.
pub struct VideoEncoder {
    path: PathBuf,
    encoder: Opened,
    /// Where packets go; nowhere in a first pass.
    output: Option<Output>,
    /// Where what was seen is written down, where this is a first pass.
    stats: Option<PathBuf>,
    pixels: Pixels,
    frame: frame::Video,
    time_base: Rational,
    delay: i64,
    lead_out: i64,
    pushed: i64,
    written: i64,
}

/// The container of segments of a codec, and its media type.
const fn container(codec: VideoCodec) -> (&'static CStr, &'static str) {
    match codec {
        VideoCodec::Prores => (c"mov", "video/quicktime"),
        _ => (c"mp4", "video/mp4"),
    }
}

/// Media type of a segment of a codec.
#[must_use]
pub const fn segment_media(codec: VideoCodec) -> &'static str {
    container(codec).1
}

impl VideoEncoder {
    /// Creates `path` and readies the encoder.
    ///
    /// # Errors
    /// When a parameter is not one of the encoder's, it is not there, or the file cannot be written.
    pub fn create(path: &Path, spec: &EncodeSpec) -> Result<Self, AvError> {
        Self::writing(path, spec, &Pass::Only)
    }

    /// The same for frames that were looked through before, with what that left at `stats`.
    ///
    /// # Errors
    /// As [`Self::create`], and when `stats` is not there.
    pub fn create_second(path: &Path, spec: &EncodeSpec, stats: &Path) -> Result<Self, AvError> {
        Self::writing(path, spec, &Pass::Second(stats.into()))
    }

    /// Looks through frames and leaves what they are like at `stats`; nothing is encoded.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn look_through(stats: &Path, spec: &EncodeSpec) -> Result<Self, AvError> {
        super::init();
        let mut own = Self::new(stats, spec, &Pass::First(stats.into()))?;
        own.stats = Some(stats.into());
        Ok(own)
    }

    fn writing(path: &Path, spec: &EncodeSpec, pass: &Pass) -> Result<Self, AvError> {
        super::init();
        let mut own = Self::new(path, spec, pass)?;
        let failed = |error| AvError::Write { path: path.into(), cause: said(error) };
        let (muxer, _) = container(spec.encoding.codec);
        let mut output = ffi::create_output(path, muxer).map_err(failed)?;
        let mut stream = output.add_stream_with(&own.encoder.video).map_err(failed)?;
        stream.set_time_base(own.time_base);
        stream.set_avg_frame_rate(own.time_base.invert());
        let options: Dictionary<'_> = [("fflags", "+bitexact")].iter().collect();
        if spec.encoding.codec == VideoCodec::H265 {
            ffi::set_codec_tag(&mut output, 0, b"hvc1");
        }
        output.write_header_with(options).map_err(failed)?;
        own.output = Some(output);
        Ok(own)
    }

    fn new(path: &Path, spec: &EncodeSpec, pass: &Pass) -> Result<Self, AvError> {
        let encoder = encoder::open(path, spec, pass)?;
        let pixels = Pixels::of(&spec.encoding);
        Ok(Self {
            path: path.into(),
            delay: encoder::delay(&encoder.video, &spec.encoding),
            lead_out: encoder::lead_out(&spec.encoding, pass),
            encoder,
            output: None,
            stats: None,
            pixels,
            frame: pixels.frame(spec.width, spec.height),
            time_base: encoder::frame_time(spec.rate),
            pushed: 0,
            written: 0,
        })
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
        self.pixels.fill(picture, &mut self.frame);
        self.frame.set_pts(Some(self.pushed));
        self.frame.set_kind(picture::Type::None);
        self.encoder.send(&self.frame).map_err(|e| self.failed(e))?;
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
        for more in 0..self.lead_out {
            self.frame.set_pts(Some(self.pushed + more));
            // Nothing before it refers to a key frame, or to what comes behind.
            self.frame.set_kind(if more == 0 { picture::Type::I } else { picture::Type::None });
            self.encoder.send(&self.frame).map_err(|e| self.failed(e))?;
            self.drain()?;
        }
        self.encoder.video.send_eof().map_err(|e| self.failed(e))?;
        self.drain()?;
        // A first pass may give nothing.
        if self.output.is_some() && self.written != self.pushed {
            let cause = format!("{} frames went in, {} came out", self.pushed, self.written);
            return Err(AvError::Wrong { path: self.path, cause });
        }
        let failed = |error| AvError::Write { path: self.path.clone(), cause: said(error) };
        if let Some(mut output) = self.output {
            output.write_trailer().map_err(failed)?;
            ffi::flush_output(&mut output).map_err(failed)?;
        }
        if let (Some(stats), Some(text)) = (&self.stats, ffi::first_pass(&self.encoder.video)) {
            std::fs::write(stats, text.as_bytes())
                .map_err(|error| AvError::Write { path: stats.clone(), cause: error.to_string() })?;
        }
        Ok(EncodeReport { frames: self.pushed.unsigned_abs() })
    }

    fn failed(&self, error: Error) -> AvError {
        AvError::Write { path: self.path.clone(), cause: said(error) }
    }

    fn drain(&mut self) -> Result<(), AvError> {
        loop {
            let mut packet = Packet::empty();
            match self.encoder.video.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(Error::Eof) => return Ok(()),
                Err(Error::Other { errno }) if errno == ffmpeg_next::util::error::EAGAIN => return Ok(()),
                Err(error) => return Err(self.failed(error)),
            }
            // Before the end all pictures have lower numbers.
            if self.lead_out == 0 || packet.pts().is_some_and(|pts| pts < self.pushed) {
                self.write(packet)?;
                self.written += 1;
            }
        }
    }

    fn write(&mut self, mut packet: Packet) -> Result<(), AvError> {
        let failed = |error| AvError::Write { path: self.path.clone(), cause: said(error) };
        let Some(output) = &mut self.output else { return Ok(()) };
        let stream = output.stream(0).map(|s| s.time_base());
        // Encoders leave irregular first decoding times in the shortest segments; these never are.
        packet.set_dts(Some(self.written - self.delay));
        packet.set_duration(1);
        packet.set_stream(0);
        packet.rescale_ts(self.time_base, stream.ok_or_else(|| failed(Error::StreamNotFound))?);
        packet.write(output).map_err(failed).map(|_| ())
    }
}
