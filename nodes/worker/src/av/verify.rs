//! Whether a finished file is what it should be, by its packets and, if asked, by decoding it. It knows
//! nothing of what the film should contain; the caller compares the facts.

use std::path::Path;

use ffmpeg_next::{Packet, media};

use super::error::AvError;
use super::ffi;
use super::input::{self, said};
use super::probe::probe;
use super::sound_in::{AudioReader, SoundRange};
use super::video_in::count_frames;

/// What a file was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmFacts {
    /// The pictures, if there are any.
    pub video: Option<TrackFacts>,
    /// The sound, if there is any.
    pub audio: Option<TrackFacts>,
    /// Pixels across and down as shown; (0, 0) without pictures.
    pub size: (u32, u32),
    /// Length of the container in microseconds.
    pub duration_us: u64,
}

/// One track, counted by its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackFacts {
    /// Packets: for pictures, frames.
    pub packets: u64,
    /// Where it begins as shown or heard, in ticks from 0; what an encoder put before that is not counted.
    pub begin: i64,
    /// Where it ends as shown or heard, in ticks from 0.
    pub end: i64,
    /// Ticks per second, as a fraction.
    pub ticks_per_second: (u32, u32),
    /// Frames or samples that came out of the decoder, when it was decoded.
    pub decoded: Option<u64>,
}

impl TrackFacts {
    /// The end at `per_second` ticks, rounded to the nearest: samples at 48000, microseconds at 1000000.
    #[must_use]
    pub fn end_at(&self, per_second: u32) -> u64 {
        self.rescaled(self.end, per_second)
    }

    /// The beginning, likewise.
    #[must_use]
    pub fn begin_at(&self, per_second: u32) -> u64 {
        self.rescaled(self.begin, per_second)
    }

    fn rescaled(&self, ticks: i64, per_second: u32) -> u64 {
        let (num, den) = (u128::from(self.ticks_per_second.0), u128::from(self.ticks_per_second.1));
        let wide = u128::from(ticks.max(0).unsigned_abs()) * u128::from(per_second) * den * 2;
        u64::try_from((wide + num) / (num * 2).max(1)).unwrap_or(u64::MAX)
    }
}

/// Counts and checks the packets of a file: all whole and, in MP4 and QuickTime, decoding times strictly rising, nothing
/// shown before it is decoded, the first picture at 0. With `deep` it also decodes everything.
///
/// # Errors
/// When something of this is not so; the error says where.
pub fn verify(path: &Path, deep: bool) -> Result<FilmFacts, AvError> {
    let info = probe(path)?;
    let mut file = input::open(path, false)?;
    let mut tracks: Vec<Counted> = Vec::new();
    let best = [media::Type::Video, media::Type::Audio].map(|medium| input::best(&file, medium));
    let strict = input::is_mov(&file);
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut file) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => break,
            Err(error) => {
                return Err(AvError::Truncated { path: path.into(), cause: said(error) });
            }
        }
        let index = packet.stream();
        if !best.contains(&Some(index)) {
            continue; // chapters, subtitles, a cover
        }
        if tracks.len() <= index {
            tracks.resize(index + 1, Counted::default());
        }
        tracks[index].count(&packet, strict).map_err(|fault| AvError::Wrong {
            path: path.into(),
            cause: format!("packet {} of stream {index} {fault}", tracks[index].packets),
        })?;
    }
    let facts = |medium| {
        let index = input::best(&file, medium)?;
        let (num, den) = file.stream(index).map(|s| ffi::pair(s.time_base()))?;
        let counted = tracks.get(index)?;
        let ticks_per_second = (u32::try_from(den).ok()?, u32::try_from(num).ok()?);
        let begin = counted.begin?;
        let (packets, end) = (counted.packets, counted.end);
        Some((begin, TrackFacts { packets, begin, end, ticks_per_second, decoded: None }))
    };
    let (mut video, mut audio) = (facts(media::Type::Video), facts(media::Type::Audio));
    if let Some((begin, _)) = video
        && begin != 0
        && input::is_mov(&file)
    {
        return Err(AvError::Wrong {
            path: path.into(),
            cause: format!("its first picture is at tick {begin}"),
        });
    }
    if deep {
        if let Some((_, facts)) = video.as_mut() {
            facts.decoded = Some(count_frames(path)?);
        }
        if let Some((_, facts)) = audio.as_mut() {
            facts.decoded = Some(count_samples(path)?);
        }
    }
    let size = info.video.map_or((0, 0), |v| (v.width, v.height));
    let (video, audio) = (video.map(|(_, f)| f), audio.map(|(_, f)| f));
    Ok(FilmFacts { video, audio, size, duration_us: info.duration_us })
}

fn count_samples(path: &Path) -> Result<u64, AvError> {
    let rate = probe(path)?.audio.map_or(48_000, |a| a.rate);
    let mut samples = 0;
    for block in AudioReader::open(path, rate, 1, SoundRange::ALL)? {
        samples += block?.len() as u64;
    }
    Ok(samples)
}

#[derive(Debug, Clone, Default)]
struct Counted {
    packets: u64,
    last_dts: Option<i64>,
    begin: Option<i64>,
    end: i64,
}

impl Counted {
    /// Counts a packet; with `strict`, its container keeps decoding times, and they must be right.
    fn count(&mut self, packet: &Packet, strict: bool) -> Result<(), String> {
        if packet.is_corrupt() {
            return Err("is incomplete".into());
        }
        if strict {
            self.decoding(packet)?;
        }
        let pts = packet.pts().or_else(|| packet.dts()).ok_or("has no time")?;
        self.begin = Some(self.begin.map_or(pts, |begin| begin.min(pts)));
        self.end = self.end.max(pts + packet.duration());
        self.packets += 1;
        Ok(())
    }

    fn decoding(&mut self, packet: &Packet) -> Result<(), String> {
        let dts = packet.dts().ok_or("has no decoding time")?;
        let pts = packet.pts().unwrap_or(dts);
        if let Some(last) = self.last_dts.filter(|last| *last >= dts) {
            return Err(format!("has decoding time {dts} after {last}"));
        }
        if pts < dts {
            return Err(format!("is shown at {pts}, before its decoding at {dts}"));
        }
        self.last_dts = Some(dts);
        Ok(())
    }
}
