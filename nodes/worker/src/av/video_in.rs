//! Pictures of a file as film frames: decoded, deinterlaced, chosen exactly, conformed. It knows no film.

use std::path::Path;

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::{Error, format, frame};
use reel_nodes::media::time::FrameRate;

use super::conform::{Conformer, Fit, Target};
use super::decode::{Pictures, StreamDecoder};
use super::error::AvError;
use super::ffi;
use super::probe::{probe, turn_of};
use super::select::FrameClock;
use crate::frame::Yuv420;

/// The frames that are wanted of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConformSpec {
    /// Pixels across, even.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// How a picture of another shape fills the frame.
    pub fit: Fit,
    /// Frames per second.
    pub rate: FrameRate,
    /// Where to begin, in microseconds after the first picture.
    pub from_us: u64,
    /// Where to end; at the end of the pictures when `None` or when it lies behind that.
    pub to_us: Option<u64>,
}

/// How long before the wanted place decoding begins, so that pictures with references are whole.
const RUN_UP_US: i64 = 2_000_000;

/// A decoded frame and the ticks during which it is shown.
struct Shown {
    frame: frame::Video,
    begin: i64,
    end: i64,
}

/// Frames at exactly the film's rate: frame n is the source frame shown at `from + n / rate`.
pub struct VideoReader {
    decoder: PictureDecoder,
    conformer: Conformer,
    clock: FrameClock,
    wanted: u64,
    n: u64,
    current: Option<Shown>,
    ahead: Option<Shown>,
    converted: Option<Yuv420>,
    done: bool,
}

impl VideoReader {
    /// Opens a local file for frames as `spec` says.
    ///
    /// # Errors
    /// When the file cannot be opened, has no picture, or the size is odd or zero.
    pub fn open(path: &Path, spec: ConformSpec) -> Result<Self, AvError> {
        if spec.width == 0 || spec.height == 0 || spec.width % 2 == 1 || spec.height % 2 == 1 {
            let cause = format!("a frame of {}x{} is not even in both sizes", spec.width, spec.height);
            return Err(AvError::Unfit { path: path.into(), cause });
        }
        let mut decoder = PictureDecoder::open(path)?;
        let target = Target {
            width: spec.width,
            height: spec.height,
            fit: spec.fit,
            turn: turn_of(&decoder.stream.source.input, decoder.stream.source.stream),
            sar: decoder.sar,
        };
        let (tick, origin) = (decoder.stream.tick, decoder.origin);
        let clock = FrameClock { rate: spec.rate, from_us: spec.from_us, origin, tick };
        let mut ahead = None;
        if decoder.seek(spec.from_us) {
            ahead = decoder.next()?;
            if ahead.as_ref().is_none_or(|shown| shown.begin > clock.due(0)) {
                // The index led behind the wanted frame: decode from the start, which is always right.
                (decoder, ahead) = (PictureDecoder::open(path)?, None);
            }
        }
        let wanted = spec.to_us.map_or(u64::MAX, |to| clock.frames_until(to));
        let conformer = Conformer::new(target);
        Ok(Self {
            decoder,
            conformer,
            clock,
            wanted,
            n: 0,
            current: None,
            ahead,
            converted: None,
            done: false,
        })
    }

    fn advance(&mut self) -> Result<Option<Yuv420>, AvError> {
        if self.n >= self.wanted {
            return Ok(None);
        }
        let due = self.clock.due(self.n);
        loop {
            if self.ahead.is_none() {
                self.ahead = self.decoder.next()?;
            }
            match self.ahead.take() {
                Some(next) if next.begin <= due || self.current.is_none() => {
                    self.current = Some(next);
                    self.converted = None;
                }
                Some(next) => {
                    self.ahead = Some(next);
                    break;
                }
                None if self.current.as_ref().is_some_and(|shown| due < shown.end) => break,
                None => return Ok(None),
            }
        }
        self.n += 1;
        if self.converted.is_none() {
            let Some(shown) = self.current.as_ref() else {
                return Ok(None);
            };
            self.converted = Some(self.conformer.run(&shown.frame, &self.decoder.stream.source.path)?);
        }
        let again = self.ahead.as_ref().is_none_or(|next| next.begin > self.clock.due(self.n));
        Ok(if again { self.converted.clone() } else { self.converted.take() })
    }
}

impl Iterator for VideoReader {
    type Item = Result<Yuv420, AvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The frame shown at `at_us` (or the last one), upright, at `size` or else at the size it is shown in
/// (made even).
///
/// # Errors
/// When the file cannot be opened or decoded, or has no picture.
pub fn frame_at(path: &Path, at_us: u64, size: Option<(u32, u32)>) -> Result<Yuv420, AvError> {
    let nothing = || AvError::NoStream { path: path.into(), wanted: "picture" };
    let (width, height) = match size {
        Some(size) => size,
        None => probe(path)?
            .video
            .map(|v| (v.width + v.width % 2, v.height + v.height % 2))
            .ok_or_else(nothing)?,
    };
    let rate = FrameRate::new(1, 1).ok_or_else(nothing)?;
    let spec = ConformSpec { width, height, fit: Fit::COVER, rate, from_us: at_us, to_us: None };
    let mut reader = VideoReader::open(path, spec)?;
    if let Some(frame) = reader.next() {
        return frame;
    }
    match reader.current.take() {
        Some(last) => reader.conformer.run(&last.frame, path),
        None => Err(nothing()),
    }
}

/// How long the pictures of a file last, in microseconds, by decoding all of them: for files whose header does not tell.
///
/// # Errors
/// When the file cannot be opened or decoded, or has no picture.
pub fn measured_length(path: &Path) -> Result<u64, AvError> {
    let mut decoder = PictureDecoder::open(path)?;
    let origin = decoder.origin;
    let mut end = origin;
    while let Some(shown) = decoder.next()? {
        end = shown.end;
    }
    let (num, den) = (i128::from(decoder.stream.tick.0), i128::from(decoder.stream.tick.1.max(1)));
    let length = i128::from(end - origin) * 1_000_000 * num / den;
    Ok(u64::try_from(length).unwrap_or(0))
}

/// How many frames a file decodes to.
pub(super) fn count_frames(path: &Path) -> Result<u64, AvError> {
    let mut decoder = PictureDecoder::open(path)?;
    let mut frames = 0;
    while decoder.next()?.is_some() {
        frames += 1;
    }
    Ok(frames)
}

/// Decodes one stream of pictures, deinterlacing where frames say that they are two fields.
struct PictureDecoder {
    stream: StreamDecoder<Pictures>,
    deinterlacer: Option<Graph>,
    /// The sample aspect ratio of the container, for frames that bring none.
    sar: (u32, u32),
    /// The tick of the first picture.
    origin: i64,
    /// Ticks that a frame lasts where nothing else tells.
    usual: i64,
    last_begin: Option<i64>,
    flushed: bool,
}

impl PictureDecoder {
    fn open(path: &Path) -> Result<Self, AvError> {
        let stream = StreamDecoder::open(path)?;
        let (tick_num, tick_den) = stream.tick;
        let rate = stream.source.input.stream(stream.source.stream).map(|s| ffi::pair(s.avg_frame_rate()));
        let usual = match rate {
            Some((n, d)) if n > 0 && d > 0 => {
                i64::from(d) * i64::from(tick_den) / (i64::from(n) * i64::from(tick_num)).max(1)
            }
            _ => 1,
        };
        let sar = match stream.facts.sar {
            (n, d) if n > 0 && d > 0 => (n as u32, d as u32),
            _ => (1, 1),
        };
        let origin = stream.start.unwrap_or(0);
        let usual = usual.max(1);
        Ok(Self { stream, deinterlacer: None, sar, origin, usual, last_begin: None, flushed: false })
    }

    /// Goes near a place that is far enough from the start; false where decoding begins at the start.
    fn seek(&mut self, from_us: u64) -> bool {
        let (num, den) = (i128::from(self.stream.tick.0), i128::from(self.stream.tick.1.max(1)));
        let start_us = i64::try_from(i128::from(self.origin) * 1_000_000 * num / den).unwrap_or(0);
        let from_us = i64::try_from(from_us).unwrap_or(i64::MAX);
        if from_us < 2 * RUN_UP_US {
            return false;
        }
        let target = start_us.saturating_add(from_us - RUN_UP_US);
        self.stream.source.input.seek(target, ..target).is_ok()
    }

    /// The next frame in the order of showing.
    fn next(&mut self) -> Result<Option<Shown>, AvError> {
        loop {
            let Some(frame) = self.pull()? else {
                return Ok(None);
            };
            let stamp = frame.timestamp().or(frame.pts());
            let begin = match (stamp, self.last_begin) {
                (Some(t), _) => t,
                (None, Some(last)) => last.saturating_add(self.usual),
                (None, None) => self.origin,
            };
            if self.last_begin.is_some_and(|last| begin <= last) {
                continue; // a frame that claims to come before its predecessor was never to be seen
            }
            self.last_begin = Some(begin);
            let lasts = Some(frame.packet().duration).filter(|d| *d > 0).unwrap_or(self.usual);
            return Ok(Some(Shown { frame, begin, end: begin.saturating_add(lasts) }));
        }
    }

    fn pull(&mut self) -> Result<Option<frame::Video>, AvError> {
        loop {
            if let Some(graph) = self.deinterlacer.as_mut() {
                let mut frame = frame::Video::empty();
                let mut sink = graph.get("out").ok_or_else(|| self.stream.error(Error::Bug))?;
                match sink.sink().frame(&mut frame) {
                    Ok(()) => return Ok(Some(from_half_ticks(frame))),
                    Err(Error::Eof) => return Ok(None),
                    Err(_) if self.flushed => return Ok(None),
                    Err(_) => {}
                }
            }
            let decoded = self.stream.next()?;
            if self.deinterlacer.is_none() {
                match decoded {
                    Some(frame) if frame.is_interlaced() => {
                        self.deinterlacer = Some(self.make_deinterlacer(&frame)?);
                        self.feed(Some(frame))?;
                    }
                    other => return Ok(other),
                }
            } else {
                self.flushed = decoded.is_none();
                self.feed(decoded)?;
            }
        }
    }

    fn make_deinterlacer(&self, frame: &frame::Video) -> Result<Graph, AvError> {
        let build = || -> Result<Graph, Error> {
            let mut graph = ffi::single_threaded_graph();
            let pixel = frame.format().descriptor().map_or("none", format::pixel::Descriptor::name);
            let (w, h, (n, d)) = (frame.width(), frame.height(), self.stream.tick);
            let arguments = format!("video_size={w}x{h}:pix_fmt={pixel}:time_base={n}/{d}:pixel_aspect=0/1");
            graph.add(&filter::find("buffer").ok_or(Error::FilterNotFound)?, "in", &arguments)?;
            graph.add(&filter::find("buffersink").ok_or(Error::FilterNotFound)?, "out", "")?;
            let filters = "bwdif=mode=send_frame:parity=auto:deint=interlaced";
            graph.output("in", 0)?.input("out", 0)?.parse(filters)?;
            graph.validate()?;
            Ok(graph)
        };
        build().map_err(|error| self.stream.error(error))
    }

    /// Gives a frame, or the end, to the deinterlacer.
    fn feed(&mut self, frame: Option<frame::Video>) -> Result<(), AvError> {
        let Some(graph) = self.deinterlacer.as_mut() else {
            return Ok(());
        };
        let Some(mut source) = graph.get("in") else {
            return Ok(());
        };
        let fed = match frame {
            Some(mut frame) => {
                let stamp = frame.timestamp().or(frame.pts());
                frame.set_pts(stamp);
                source.source().add(&frame)
            }
            None => source.source().flush(),
        };
        fed.map_err(|error| self.stream.error(error))
    }
}

/// The deinterlacer counts in half ticks.
fn from_half_ticks(mut frame: frame::Video) -> frame::Video {
    let stamp = frame.pts().map(|t| t.div_euclid(2));
    frame.set_pts(stamp);
    frame
}
