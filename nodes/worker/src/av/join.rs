//! Segments and one sound track to a film, by stream copy with timestamps of its own. It decodes nothing
//! and knows no scenes.
//!
//! Film frame *F + d* is the segment's frame of display index *d*, *F* counting the frames before it; packet
//! *i* of the film is decoded at frame time *i − delay*, with one delay for the whole film. One edit list per
//! track puts its first frame or sample at 0. Memory is one packet and a bit per frame of a segment.

use std::path::{Path, PathBuf};

use ffmpeg_next::codec::Parameters;
use ffmpeg_next::format::context::{Input, Output};
use ffmpeg_next::{Error, Packet, Rational, media};
use reel_nodes::media::encoding::Container;
use reel_nodes::media::time::FrameRate;

use super::container::{self, Layout};
use super::error::AvError;
use super::extras::{Extras, Side};
use super::ffi::{self, StreamFacts};
use super::fragments;
use super::input::{self, said};

/// A segment to be joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where it is.
    pub path: PathBuf,
    /// How many frames the film expects of it.
    pub frames: u64,
}

impl Segment {
    /// A segment as its own header describes it, by a read of the header alone: a tenth of a millisecond,
    /// where a probe, which decodes first frames, takes many.
    ///
    /// # Errors
    /// When the file cannot be opened or its header tells no number of frames.
    pub fn of_header(path: &Path) -> Result<Self, AvError> {
        let file = input::open_with(path, false, &AS_STORED)?;
        let frames = file.stream(0).and_then(|s| u64::try_from(s.frames()).ok()).filter(|n| *n > 0);
        let cause = || AvError::Segment { path: path.into(), cause: "its header tells no frames".into() };
        Ok(Self { path: path.into(), frames: frames.ok_or_else(cause)? })
    }
}

/// What is joined, and how.
#[derive(Debug, Clone, Copy)]
pub struct JoinSpec<'a> {
    /// Segments in the order of the film.
    pub segments: &'a [Segment],
    /// One file with the film's whole sound, AAC or Opus at 48 kHz.
    pub sound: Option<&'a Path>,
    /// Frames per second of film and segments.
    pub rate: FrameRate,
    /// The kind of file.
    pub container: Container,
    /// Where its index is; fragments are for MP4.
    pub layout: Layout,
    /// The frames, in order, before which a fragment ends, where there are fragments.
    pub cuts: &'a [u64],
    /// What else it holds.
    pub extras: &'a Extras,
}

/// What was joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinReport {
    /// Frames of the film.
    pub frames: u64,
    /// Samples per channel that are heard; 0 without sound.
    pub samples: u64,
}

/// Joins segments and sound into a film at `out`.
///
/// # Errors
/// When a segment cannot be read, differs from the first in what all must share, or has other frames than
/// expected (the error names it), and when the film cannot be written.
pub fn join(spec: JoinSpec<'_>, out: &Path) -> Result<JoinReport, AvError> {
    super::init();
    let Some(first) = spec.segments.first() else {
        return Err(AvError::Unfit { path: out.into(), cause: "a film without segments".into() });
    };
    let opened = OpenSegment::open(first, spec.rate)?;
    let mut sound = spec.sound.map(Sound::open).transpose()?;
    let mut film = Film::create(out, &spec, &opened, sound.as_ref())?;
    let (like, delay) = (opened.facts.clone(), opened.delay);
    film.delay = delay;
    film.add(first, opened, sound.as_mut())?;
    let mut cuts = spec.cuts.iter().copied().peekable();
    for segment in &spec.segments[1..] {
        let opened = OpenSegment::open(segment, spec.rate)?;
        opened.refuse_unlike(segment, &like)?;
        if cuts.next_if_eq(&film.frames.unsigned_abs()).is_some() {
            fragments::end(&mut film.output, &mut film.has_head).map_err(|error| film.failed(error))?;
        }
        film.add(segment, opened, sound.as_mut())?;
    }
    film.finish(sound)
}

/// A segment whose header has been read.
struct OpenSegment {
    input: Input,
    facts: StreamFacts,
    /// Ticks per frame.
    frame_ticks: i64,
    /// The first packet, already taken, and by how many frames its decoding comes before its showing.
    head: Packet,
    delay: i64,
}

/// Timestamps are our own, so the demuxer need neither parse nor guess any.
const AS_STORED: [(&str, &str); 1] = [("fflags", "+noparse+nofillin")];

impl OpenSegment {
    fn open(segment: &Segment, rate: FrameRate) -> Result<Self, AvError> {
        let wrong = |cause: String| AvError::Segment { path: segment.path.clone(), cause };
        let mut input = input::open_with(&segment.path, false, &AS_STORED)?;
        input::refuse_cut_off(&mut input, &segment.path)?;
        if input.nb_streams() != 1 {
            return Err(wrong(format!(
                "it has {} streams, a segment has one of pictures",
                input.nb_streams()
            )));
        }
        let (facts, stream) = match (ffi::stream_facts(&input, 0), input.stream(0)) {
            (Some(facts), Some(stream)) if facts.width > 0 => (facts, stream),
            _ => return Err(wrong("it has no pictures".into())),
        };
        let (num, den) = ffi::pair(stream.time_base());
        let ticks = i64::from(rate.den()) * i64::from(den);
        let per = i64::from(rate.num()) * i64::from(num);
        if per == 0 || ticks % per != 0 {
            return Err(wrong(format!("its time base {num}/{den} has no whole frames at {rate} per second")));
        }
        let frame_ticks = ticks / per;
        let mut head = Packet::empty();
        head.read(&mut input).map_err(|e| wrong(format!("it has no frames: {}", said(e))))?;
        let ahead = head.pts().unwrap_or(0) - head.dts().unwrap_or(0);
        if !head.is_key() || ahead < 0 || ahead % frame_ticks != 0 {
            return Err(wrong("it does not begin with a key frame in time".into()));
        }
        Ok(Self { input, facts, frame_ticks, head, delay: ahead / frame_ticks })
    }

    fn refuse_unlike(&self, segment: &Segment, first: &StreamFacts) -> Result<(), AvError> {
        let own = &self.facts;
        let cause = if (own.width, own.height) != (first.width, first.height) {
            format!("it is {}x{}, the first is {}x{}", own.width, own.height, first.width, first.height)
        } else if own.codec != first.codec {
            "its codec is not that of the first".into()
        } else if own.tag != first.tag {
            "its profile is not that of the first".into()
        } else if own.extradata != first.extradata {
            "its parameter sets are not those of the first (other encoder settings)".into()
        } else {
            return Ok(());
        };
        Err(AvError::Segment { path: segment.path.clone(), cause })
    }
}

/// The sound track that is copied beside the pictures.
pub(super) struct Sound {
    pub(super) input: Input,
    path: PathBuf,
    pub(super) stream: usize,
    pub(super) rate: i64,
    pub(super) next: Option<Packet>,
    end: i64,
}

impl Sound {
    pub(super) fn open(path: &Path) -> Result<Self, AvError> {
        let mut input = input::open(path, true)?;
        input::refuse_cut_off(&mut input, path)?;
        let stream = input::best(&input, media::Type::Audio)
            .ok_or_else(|| AvError::NoStream { path: path.into(), wanted: "sound" })?;
        let rate = ffi::stream_facts(&input, stream).map_or(0, |facts| facts.rate);
        let per_second = input.stream(stream).map_or((0, 1), |s| ffi::pair(s.time_base()));
        if rate <= 0 || per_second != (1, rate) {
            let cause = "its timestamps do not count samples; give AAC in .m4a or Opus in .opus".into();
            return Err(AvError::Segment { path: path.into(), cause });
        }
        let mut own = Self { input, path: path.into(), stream, rate: i64::from(rate), next: None, end: 0 };
        own.advance()?;
        Ok(own)
    }

    pub(super) fn advance(&mut self) -> Result<(), AvError> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.is_corrupt() => {
                    let cause = "a packet of sound is incomplete".into();
                    return Err(AvError::Truncated { path: self.path.clone(), cause });
                }
                Ok(()) if packet.stream() != self.stream => {}
                Ok(()) => {
                    self.next = Some(packet);
                    return Ok(());
                }
                Err(Error::Eof) => {
                    self.next = None;
                    return Ok(());
                }
                Err(error) => {
                    return Err(AvError::Decode { path: self.path.clone(), cause: said(error) });
                }
            }
        }
    }
}

/// The film being written.
struct Film {
    path: PathBuf,
    output: Output,
    rate: FrameRate,
    /// Seconds per tick of the pictures, as a fraction.
    tick: (i32, i32),
    side: Side,
    delay: i64,
    frames: i64,
    /// Samples by which the container itself puts sound earlier.
    sound_shift: i64,
    /// Which display indexes of the segment at hand have come.
    seen: Vec<bool>,
    /// Whether the header of a fragmented file was written.
    has_head: bool,
}

impl Film {
    fn create(
        path: &Path,
        spec: &JoinSpec<'_>,
        first: &OpenSegment,
        sound: Option<&Sound>,
    ) -> Result<Self, AvError> {
        let failed = |error| AvError::Write { path: path.into(), cause: said(error) };
        let mut output = ffi::create_output(path, container::muxer(spec.container)).map_err(failed)?;
        let frame_time = Rational::new(spec.rate.den() as i32, spec.rate.num() as i32);
        let pictures = first.input.stream(0).map(|s| s.parameters());
        add_stream(&mut output, pictures, frame_time, spec.container).map_err(failed)?;
        if let Some(mut stream) = output.stream_mut(0) {
            stream.set_avg_frame_rate(frame_time.invert());
        }
        let mut sound_shift = 0;
        if let Some(sound) = sound {
            let parameters = sound.input.stream(sound.stream).map(|s| s.parameters());
            let second = Rational::new(1, sound.rate as i32);
            let index = add_stream(&mut output, parameters, second, spec.container).map_err(failed)?;
            let before = sound.next.as_ref().and_then(Packet::pts).unwrap_or(0).min(0);
            container::prime(&mut output, index, spec.container, -before);
            sound_shift = if container::is_mp4(spec.container) { 0 } else { -before };
        }
        let side = Side::add(&mut output, path, spec.extras, spec.container)?;
        spec.extras.tell(&mut output, spec.rate, spec.segments.iter().map(|segment| segment.frames).sum());
        let sound_rate = sound.map(|sound| sound.rate);
        let options = container::header_options(spec.container, spec.rate, sound_rate, spec.layout);
        output.write_header_with(options).map_err(failed)?;
        let tick = output.stream(0).map_or((1, 1), |s| ffi::pair(s.time_base()));
        let mut film = Self {
            path: path.into(),
            output,
            rate: spec.rate,
            tick,
            side,
            delay: 0,
            frames: 0,
            sound_shift,
            seen: Vec::new(),
            has_head: false,
        };
        film.side.begin(&mut film.output).map_err(failed)?;
        Ok(film)
    }

    /// The time of a film frame in ticks, to the nearest.
    fn ticks(&self, frame: i64) -> i64 {
        let (num, den) = (i128::from(self.tick.0), i128::from(self.tick.1));
        let per_tick = 2 * i128::from(self.rate.num()) * num.max(1);
        let doubled = 2 * i128::from(frame) * i128::from(self.rate.den()) * den;
        (doubled + per_tick / 2).div_euclid(per_tick) as i64
    }

    fn failed(&self, error: Error) -> AvError {
        AvError::Write { path: self.path.clone(), cause: said(error) }
    }

    /// Copies all packets of a segment, and the sound that belongs before them.
    fn add(
        &mut self,
        segment: &Segment,
        mut opened: OpenSegment,
        mut sound: Option<&mut Sound>,
    ) -> Result<(), AvError> {
        let wrong = |cause: String| AvError::Segment { path: segment.path.clone(), cause };
        let start = opened.head.pts().unwrap_or(0);
        self.seen.clear();
        self.seen.resize(usize::try_from(segment.frames).unwrap_or(0), false);
        let mut count = 0;
        let mut packet = opened.head;
        loop {
            let ticks = packet.pts().map_or(-1, |pts| pts - start);
            let display = ticks.div_euclid(opened.frame_ticks);
            let place = usize::try_from(display).ok().filter(|_| ticks % opened.frame_ticks == 0);
            match place.and_then(|p| self.seen.get_mut(p)) {
                Some(seen) if !*seen => *seen = true,
                _ => {
                    let cause =
                        format!("packet {count} is shown as frame {display} of {} expected", segment.frames);
                    return Err(wrong(cause));
                }
            }
            if packet.is_corrupt() {
                return Err(wrong(format!("frame {display} is incomplete")));
            }
            if display < count - self.delay {
                return Err(wrong(format!("frame {display} is decoded after it is shown")));
            }
            if let Some(sound) = sound.as_deref_mut() {
                self.copy_sound(sound, Some(self.frames + count))?;
            }
            self.write_side(Some(self.frames + count))?;
            self.write_picture(packet, count, display)?;
            count += 1;
            packet = Packet::empty();
            match packet.read(&mut opened.input) {
                Ok(()) => {}
                Err(Error::Eof) => break,
                Err(error) => return Err(wrong(said(error))),
            }
        }
        if u64::try_from(count) != Ok(segment.frames) {
            return Err(wrong(format!("it has {count} frames, the film expects {}", segment.frames)));
        }
        self.frames += count;
        Ok(())
    }

    fn write_picture(&mut self, mut packet: Packet, count: i64, display: i64) -> Result<(), AvError> {
        packet.set_stream(0);
        packet.set_position(-1);
        let shown = self.frames + display;
        packet.set_pts(Some(self.ticks(shown)));
        packet.set_dts(Some(self.ticks(self.frames + count - self.delay)));
        packet.set_duration(self.ticks(shown + 1) - self.ticks(shown));
        packet.write(&mut self.output).map_err(|e| self.failed(e)).map(|_| ())
    }

    /// Copies the sound that begins before film frame `until`, or all that is left.
    fn copy_sound(&mut self, sound: &mut Sound, until: Option<i64>) -> Result<(), AvError> {
        let limit = until
            .map_or(i64::MAX, |frame| self.rate.sample_of(frame.unsigned_abs(), sound.rate as u32) as i64);
        while let Some(mut packet) = sound.next.take_if(|p| p.pts().unwrap_or(0) < limit) {
            sound.end = sound.end.max(packet.pts().unwrap_or(0) + packet.duration());
            packet.set_stream(1);
            packet.set_position(-1);
            let begin = packet.pts().unwrap_or(0) + self.sound_shift;
            packet.set_pts(Some(begin));
            packet.set_dts(Some(begin));
            let second = Rational::new(1, sound.rate as i32);
            let per_tick = self.output.stream(1).map_or(second, |s| s.time_base());
            packet.rescale_ts(second, per_tick);
            packet.write(&mut self.output).map_err(|e| self.failed(e))?;
            sound.advance()?;
        }
        Ok(())
    }

    /// Writes the subtitles that begin before film frame `until`, or all that are left.
    fn write_side(&mut self, until: Option<i64>) -> Result<(), AvError> {
        let limit = until.map_or(i64::MAX, |frame| {
            let rate = i128::from(self.rate.num());
            (i128::from(frame) * i128::from(self.rate.den()) * 1000 / rate) as i64
        });
        let path = &self.path;
        let failed = |error| AvError::Write { path: path.clone(), cause: said(error) };
        self.side.write_until(&mut self.output, limit).map_err(failed)
    }

    fn finish(mut self, sound: Option<Sound>) -> Result<JoinReport, AvError> {
        let mut samples = 0;
        if let Some(mut sound) = sound {
            self.copy_sound(&mut sound, None)?;
            samples = sound.end.unsigned_abs();
        }
        self.write_side(None)?;
        self.output.write_trailer().map_err(|e| self.failed(e))?;
        ffi::flush_output(&mut self.output).map_err(|e| self.failed(e))?;
        Ok(JoinReport { frames: self.frames.unsigned_abs(), samples })
    }
}

pub(super) fn add_stream(
    output: &mut Output,
    from: Option<Parameters>,
    time_base: Rational,
    container: Container,
) -> Result<usize, Error> {
    let parameters = from.ok_or(Error::StreamNotFound)?;
    let codec = parameters.id();
    let index = {
        let mut stream = output.add_stream(None::<ffmpeg_next::Codec>)?;
        stream.set_parameters(parameters);
        stream.set_time_base(time_base);
        stream.index()
    };
    container::tag(output, index, codec, container);
    Ok(index)
}
