//! Sound of a file as interleaved `f32` at the rate and channels asked for, sample-exact from the first
//! one. It knows no mix.

use std::path::Path;

use ffmpeg_next::{frame, media};

use super::decode::{Sound, StreamDecoder};
use super::error::AvError;
use super::ffi::{self, Resampler, SampleForm};
use super::input::{self, PacketSource};

/// Which part of a file's sound is wanted, in microseconds of its presentation. Sample s is inside when
/// `⌊from·rate + ½⌋ ≤ s < ⌊to·rate + ½⌋`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SoundRange {
    /// Where to begin.
    pub from_us: u64,
    /// Where to end; at the end of the sound when `None` or when it lies behind that.
    pub to_us: Option<u64>,
}

impl SoundRange {
    /// All of it.
    pub const ALL: Self = Self { from_us: 0, to_us: None };
}

/// Gaps and overlaps shorter than this (as a part of a second) are rounding of timestamps.
const JITTER: i64 = 20;
/// A gap longer than this many seconds is damage, not silence.
const LONGEST_GAP_S: i64 = 3600;
/// From here on, in seconds, it pays to seek; and how long before the place decoding begins.
const SEEK_FROM_S: u64 = 30;
const RUN_UP_S: u64 = 5;

/// Blocks of interleaved samples, in order and without gaps; memory does not grow with the file.
pub struct AudioReader {
    stream: StreamDecoder<Sound>,
    /// Time 0 in microseconds of the container; `None` until the first decoded sample gives it.
    origin: Option<Origin>,
    native: Option<(SampleForm, Resampler)>,
    rate_change: Option<Resampler>,
    rate: u32,
    channels: usize,
    source_rate: u32,
    /// The next sample of the source, at its own rate; `None` before the first.
    at: Option<i64>,
    /// The next sample that comes out of the rate change, counted at `rate` from time 0.
    made: u64,
    from: u64,
    to: u64,
    scratch: Vec<f32>,
    /// The newest frame's samples, held back until it is known not to be the last; with its padding.
    held: Option<(Vec<f32>, usize)>,
    ending: Ending,
    /// Whether decoding began near the wanted place and not at the file's start.
    seeked: bool,
    /// Whether a sample has been placed: the first one is placed exactly, the rest follow it.
    started: bool,
}

/// A time as ticks of a time base.
type Origin = (i64, (i32, i32));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Reading,
    Done,
}

/// `⌊us · rate / 10⁶ + ½⌋`.
fn sample_at(us: u64, rate: u32) -> u64 {
    u64::try_from((u128::from(us) * u128::from(rate) + 500_000) / 1_000_000).unwrap_or(u64::MAX)
}

const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl AudioReader {
    /// Opens the sound of a local file, to be read at `rate` samples per second in 1 or 2 channels.
    ///
    /// # Errors
    /// When the file cannot be opened, has no sound, or the channels are neither 1 nor 2.
    pub fn open(path: &Path, rate: u32, channels: u32, range: SoundRange) -> Result<Self, AvError> {
        if !(1..=2).contains(&channels) || rate == 0 || rate > 384_000 {
            let cause = format!("sound is read in 1 or 2 channels, not {channels} at {rate} Hz");
            return Err(AvError::Unfit { path: path.into(), cause });
        }
        let mut reader = Self::open_at(path, rate, channels, range, true)?;
        if reader.seeked && reader.made > reader.from {
            // The index led behind the wanted place: decode from the start, which is always right.
            reader = Self::open_at(path, rate, channels, range, false)?;
        }
        Ok(reader)
    }

    fn open_at(
        path: &Path,
        rate: u32,
        channels: u32,
        range: SoundRange,
        seek: bool,
    ) -> Result<Self, AvError> {
        let mut stream = StreamDecoder::open(path)?;
        let source_rate = stream.facts.rate.max(0) as u32;
        let origin = picture_start(&stream.source);
        let seeked = seek && seek_near(&mut stream.source, origin, range.from_us);
        let mut reader = Self {
            // Whoever seeks knows time 0 by the header: `seek_near` only does it where that is exact.
            origin: if seeked { origin.or(Some((stream.start.unwrap_or(0), stream.tick))) } else { origin },
            stream,
            native: None,
            rate_change: None,
            rate,
            channels: channels as usize,
            source_rate,
            at: None,
            made: 0,
            from: sample_at(range.from_us, rate),
            to: range.to_us.map_or(u64::MAX, |to| sample_at(to, rate)),
            scratch: Vec::new(),
            held: None,
            ending: Ending::Reading,
            seeked,
            started: false,
        };
        if seeked {
            reader.fill()?;
        }
        Ok(reader)
    }

    /// The next samples of the range; `None` at its end.
    fn block(&mut self) -> Result<Option<Vec<f32>>, AvError> {
        loop {
            let frames = (self.scratch.len() / self.channels) as u64;
            let begin = self.from.clamp(self.made, self.made + frames);
            let end = self.to.clamp(begin, self.made + frames);
            let cut = |s: u64| (s - self.made) as usize * self.channels;
            let (first, last) = (cut(begin), cut(end));
            self.made += frames;
            let mut block = std::mem::take(&mut self.scratch);
            block.truncate(last);
            block.drain(..first);
            if !block.is_empty() {
                return Ok(Some(block));
            }
            if self.made >= self.to || self.ending == Ending::Done {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Decodes on until there are samples, or the end.
    fn fill(&mut self) -> Result<(), AvError> {
        while self.scratch.is_empty() && self.ending != Ending::Done {
            match self.stream.next()? {
                Some(frame) => self.take(&frame)?,
                None => self.end()?,
            }
        }
        Ok(())
    }

    /// Takes what the rate change still holds; the end is where arithmetic says, not where its filter
    /// has rung out.
    fn end(&mut self) -> Result<(), AvError> {
        self.ending = Ending::Done;
        if let Some((mut last, padding)) = self.held.take() {
            let kept = (last.len() / self.channels).saturating_sub(padding);
            self.at = self.at.map(|at| at - (last.len() / self.channels - kept) as i64);
            last.truncate(kept * self.channels);
            self.pass_on(last)?;
        }
        if let Some(mut change) = self.rate_change.take() {
            change.drain(&mut self.scratch).map_err(|e| self.stream.error(e))?;
            let total = self.at.unwrap_or(0).max(0) as u128 * u128::from(self.rate);
            let total = total.div_ceil(u128::from(self.source_rate.max(1))) as u64;
            let left = total.saturating_sub(self.made) as usize;
            self.scratch.truncate(left.saturating_mul(self.channels));
        }
        Ok(())
    }

    /// Puts a decoded frame at its place in time.
    fn take(&mut self, frame: &frame::Audio) -> Result<(), AvError> {
        let form = SampleForm::of(frame);
        if form.channels <= 0 || form.rate <= 0 || form.rate as u32 > 768_000 {
            return Err(self.stream.damaged("a frame without channels or rate".into()));
        }
        if self.at.is_some() && form.rate as u32 != self.source_rate {
            let cause = format!("its rate changes from {} to {} Hz on the way", self.source_rate, form.rate);
            return Err(self.stream.damaged(cause));
        }
        let mut samples = Vec::new();
        let inner = form.channels.min(2) as usize;
        if self.native.as_ref().is_none_or(|(of, _)| *of != form) {
            let native = Resampler::new(form, inner as i32, form.rate).map_err(|e| self.stream.error(e))?;
            self.native = Some((form, native));
        }
        if let Some((_, native)) = self.native.as_mut() {
            native.convert_frame(frame, &mut samples).map_err(|e| self.stream.error(e))?;
        }
        let mut samples = mixed(samples, inner, self.channels);
        if self.at.is_none() {
            self.source_rate = form.rate as u32;
            self.begin(frame)?;
        }
        self.fit_in(frame, &mut samples)?;
        match self.held.replace((samples, self.padding_of(frame))) {
            Some((before, _)) => self.pass_on(before),
            None => Ok(()),
        }
    }

    /// Samples of a frame beyond the time that its packet lasts. MP4 says so of the last packet: what an
    /// encoder added to fill it. (FFmpeg 5.1 decodes these samples; later versions do not.)
    fn padding_of(&self, frame: &frame::Audio) -> usize {
        let lasts = usize::try_from(frame.packet().duration).unwrap_or(0);
        let exact = self.stream.tick.0 == 1 && u32::try_from(self.stream.tick.1) == Ok(self.source_rate);
        if exact && lasts > 0 && input::is_mov(&self.stream.source.input) {
            frame.samples().saturating_sub(lasts)
        } else {
            0
        }
    }

    /// The first frame says where the sound begins.
    fn begin(&mut self, frame: &frame::Audio) -> Result<(), AvError> {
        if self.origin.is_none() {
            self.origin = Some((frame.timestamp().or(frame.pts()).unwrap_or(0), self.stream.tick));
        }
        if self.source_rate != self.rate {
            let channels = self.channels as i32;
            let form = SampleForm::packed(channels, self.source_rate as i32);
            let change =
                Resampler::new(form, channels, self.rate as i32).map_err(|e| self.stream.error(e))?;
            self.rate_change = Some(change);
        }
        let common = gcd(u64::from(self.source_rate), u64::from(self.rate));
        let (step_in, step_out) = (u64::from(self.source_rate) / common, u64::from(self.rate) / common);
        // A rate change starts where samples of both rates coincide, so that its phase is that of a whole run.
        let first = self.place_of(frame).unwrap_or(0).max(0) as u64;
        let start = if self.seeked { first.div_ceil(step_in) } else { 0 };
        self.at = Some((start * step_in) as i64);
        self.made = start * step_out;
        Ok(())
    }

    /// The place of a frame's first sample, counted at the source's rate from time 0.
    fn place_of(&self, frame: &frame::Audio) -> Option<i64> {
        let stamp = frame.timestamp().or(frame.pts())?;
        let (start, (start_num, start_den)) = self.origin?;
        let rate = i128::from(self.source_rate);
        let (num, den) = (i128::from(self.stream.tick.0), i128::from(self.stream.tick.1.max(1)));
        let (start_num, start_den) = (i128::from(start_num), i128::from(start_den.max(1)));
        // (stamp · tick − start · its tick) · rate, rounded to the nearest sample.
        let wide = (i128::from(stamp) * num * start_den - i128::from(start) * start_num * den) * rate * 2;
        i64::try_from((wide + den * start_den).div_euclid(den * start_den * 2)).ok()
    }

    /// Fills a gap before the frame with silence, or drops what overlaps.
    fn fit_in(&mut self, frame: &frame::Audio, samples: &mut Vec<f32>) -> Result<(), AvError> {
        let Some(at) = self.at else { return Ok(()) };
        let rate = i64::from(self.source_rate);
        let first = !self.started;
        let place = self.place_of(frame).unwrap_or(at);
        let off = place - at;
        if off > LONGEST_GAP_S * rate {
            return Err(self.stream.damaged(format!("its timestamps leap by {} s", off / rate)));
        }
        if first || off.abs() > rate / JITTER {
            if off > 0 {
                let silence = off as usize * self.channels;
                samples.splice(..0, std::iter::repeat_n(0.0, silence));
            } else {
                let drop = (off.unsigned_abs() as usize).saturating_mul(self.channels).min(samples.len());
                samples.drain(..drop);
            }
        }
        self.started |= !samples.is_empty();
        self.at = Some(at + (samples.len() / self.channels) as i64);
        Ok(())
    }

    fn pass_on(&mut self, samples: Vec<f32>) -> Result<(), AvError> {
        if samples.is_empty() {
            return Ok(());
        }
        match self.rate_change.as_mut() {
            None => self.scratch = samples,
            Some(change) => {
                let done = change.convert_packed(&samples, self.channels, &mut self.scratch);
                done.map_err(|e| self.stream.error(e))?;
            }
        }
        Ok(())
    }
}

impl Iterator for AudioReader {
    type Item = Result<Vec<f32>, AvError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.block().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.ending = Ending::Done;
            self.scratch.clear();
            self.held = None;
            self.to = self.made;
        }
        next
    }
}

/// Time 0 of a file with pictures: its first picture.
fn picture_start(source: &PacketSource) -> Option<Origin> {
    let index = input::best(&source.input, media::Type::Video)?;
    let stream = source.input.stream(index)?;
    match stream.start_time() {
        i64::MIN => None,
        start => Some((start, ffi::pair(stream.time_base()))),
    }
}

/// Goes near a far place, where the container's timestamps are exact to the sample.
fn seek_near(source: &mut PacketSource, origin: Option<Origin>, from_us: u64) -> bool {
    let exact = ["mov", "wav", "flac", "w64", "aiff"];
    let name = source.input.format().name().to_owned();
    if from_us < SEEK_FROM_S * 1_000_000 || !name.split(',').any(|n| exact.contains(&n)) {
        return false;
    }
    let start_us = origin.map_or(0, |(start, (n, d))| {
        i64::try_from(i128::from(start) * 1_000_000 * i128::from(n) / i128::from(d.max(1))).unwrap_or(0)
    });
    let target = start_us.saturating_add(i64::try_from(from_us - RUN_UP_S * 1_000_000).unwrap_or(i64::MAX));
    source.input.seek(target, ..target).is_ok()
}

/// One or two channels as one or two: a mean, or the same in both.
fn mixed(samples: Vec<f32>, from: usize, to: usize) -> Vec<f32> {
    match (from, to) {
        (2, 1) => samples.chunks_exact(2).map(|pair| (pair[0] + pair[1]) * 0.5).collect(),
        (1, 2) => samples.iter().flat_map(|s| [*s, *s]).collect(),
        _ => samples,
    }
}
