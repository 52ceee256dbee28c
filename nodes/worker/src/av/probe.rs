//! What a media file holds, from its header and first packets. It knows no conforming.

use std::path::Path;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{codec, media};
use serde::{Deserialize, Serialize};

use super::error::AvError;
use super::{ffi, input};

/// Facts of a media file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// Length from the first picture on, if there are any, in microseconds, rounded down; 0 when the file does not tell.
    pub duration_us: u64,
    /// The picture that a player would show.
    pub video: Option<VideoInfo>,
    /// The sound that a player would play.
    pub audio: Option<AudioInfo>,
}

/// Facts of a stream of pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoInfo {
    /// Codec, as FFmpeg names it.
    pub codec: String,
    /// Pixels across as shown: after sample aspect ratio and rotation.
    pub width: u32,
    /// Pixels down as shown.
    pub height: u32,
    /// Pixels across as stored.
    pub coded_width: u32,
    /// Pixels down as stored.
    pub coded_height: u32,
    /// Frames per second as a fraction (mean where the rate varies); (0, 1) when unknown.
    pub rate: (u32, u32),
    /// How the stored picture is turned to be shown upright.
    pub turn: Turn,
    /// Sample aspect ratio, width to height, of the stored picture.
    pub sar: (u32, u32),
    /// Pixel format, as FFmpeg names it.
    pub pixel_format: String,
    /// Whether code values span 0 to 255.
    pub full_range: bool,
    /// Matrix, transfer and primaries as the code points of ITU-T H.273 (2 is unspecified).
    pub colour: (u8, u8, u8),
    /// Length of the pictures alone in microseconds, where the header tells.
    pub duration_us: Option<u64>,
    /// Number of frames, where the header tells.
    pub frames: Option<u64>,
    /// Whether the header says that frames are two fields.
    pub interlaced: bool,
}

/// Facts of a stream of sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioInfo {
    /// Codec, as FFmpeg names it.
    pub codec: String,
    /// Samples per second and channel.
    pub rate: u32,
    /// Channels.
    pub channels: u32,
    /// Length of the sound alone in microseconds, where the header tells.
    pub duration_us: Option<u64>,
}

/// How a stored picture is turned to be shown: first mirrored, then turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Turn {
    /// Mirrored left to right before turning.
    pub mirrored: bool,
    /// Quarter turns clockwise, 0 to 3.
    pub quarters: u8,
}

impl Turn {
    /// Shown as stored.
    pub const NONE: Self = Self { mirrored: false, quarters: 0 };

    /// Whether width and height change places.
    #[must_use]
    pub const fn swaps(self) -> bool {
        self.quarters % 2 == 1
    }

    /// The turn of a display matrix, to the nearest quarter: shown x = a·x + c·y, shown y = b·x + d·y.
    fn of_matrix(m: [i32; 9]) -> Self {
        let [a, b, c, d] = [m[0], m[1], m[3], m[4]].map(i64::from);
        let mirrored = a * d - b * c < 0;
        // A mirrored picture turns as its unmirrored twin does: take the mirror off the x column.
        let (a, b) = if mirrored { (-a, -b) } else { (a, b) };
        let quarters = match (a.abs() >= b.abs(), a >= 0, b >= 0) {
            (true, true, _) => 0,
            (false, _, true) => 1,
            (true, false, _) => 2,
            (false, _, false) => 3,
        };
        Self { mirrored, quarters }
    }
}

/// Reads the facts of a local media file.
///
/// # Errors
/// When the file cannot be opened, is no media, is cut off, or has neither picture nor sound.
pub fn probe(path: &Path) -> Result<MediaInfo, AvError> {
    let mut file = input::open(path, true)?;
    input::refuse_cut_off(&mut file, path)?;
    let pictures = input::best(&file, media::Type::Video);
    let video = pictures.and_then(|i| video_info(&file, i));
    let audio = input::best(&file, media::Type::Audio).and_then(|i| audio_info(&file, i));
    if video.is_none() && audio.is_none() {
        return Err(AvError::NoStream { path: path.into(), wanted: "picture or sound" });
    }
    let parts = [video.as_ref().and_then(|v| v.duration_us), audio.as_ref().and_then(|a| a.duration_us)];
    Ok(MediaInfo { duration_us: length_of(&file, pictures, parts), video, audio })
}

/// Length in microseconds from the first picture on, if there are any, by the container's header, put right by what its
/// streams say; 0 when nothing tells.
fn length_of(file: &Input, pictures: Option<usize>, parts: [Option<u64>; 2]) -> u64 {
    let begin = ffi::start_time(file).unwrap_or(0);
    let late = pictures.and_then(|i| stream_start(file, i)).map_or(0, |start| (start - begin).max(0));
    // Matroska says where it ends, not how long it lasts.
    let start = if input::is_matroska(file) { begin } else { 0 };
    let told = u64::try_from(file.duration().saturating_sub(start).saturating_sub(late)).unwrap_or(0);
    // A header may claim anything; the streams of an MP4 have the length of their samples.
    match parts.into_iter().flatten().max() {
        Some(longest) if input::is_mov(file) && told > longest.saturating_add(input::SHORTFALL_US as u64) => {
            longest
        }
        _ => told,
    }
}

/// The turn of a stream's display matrix.
pub(super) fn turn_of(input: &Input, index: usize) -> Turn {
    ffi::display_matrix(input, index).map_or(Turn::NONE, Turn::of_matrix)
}

fn codec_name(input: &Input, index: usize) -> String {
    let id = input.stream(index).map_or(codec::Id::None, |s| s.parameters().id());
    id.name().to_owned()
}

/// Where a stream begins, in microseconds.
fn stream_start(input: &Input, index: usize) -> Option<i64> {
    let stream = input.stream(index)?;
    let (num, den) = ffi::pair(stream.time_base());
    let ticks = Some(stream.start_time()).filter(|tick| *tick != i64::MIN)?;
    i64::try_from(i128::from(ticks) * 1_000_000 * i128::from(num) / i128::from(den.max(1))).ok()
}

/// The length that a stream's header tells, in microseconds, rounded down.
fn stream_duration(input: &Input, index: usize) -> Option<u64> {
    let stream = input.stream(index)?;
    let (num, den) = ffi::pair(stream.time_base());
    let ticks = u128::try_from(stream.duration()).ok().filter(|t| *t > 0)?;
    let us = ticks * 1_000_000 * u128::from(positive(num)) / u128::from(positive(den).max(1));
    u64::try_from(us).ok()
}

fn positive(n: i32) -> u32 {
    u32::try_from(n).unwrap_or(0)
}

fn video_info(input: &Input, index: usize) -> Option<VideoInfo> {
    let stream = input.stream(index)?;
    let facts = ffi::stream_facts(input, index)?;
    let (coded_width, coded_height) = (positive(facts.width), positive(facts.height));
    if coded_width == 0 || coded_height == 0 {
        return None;
    }
    let sar = match facts.sar {
        (n, d) if n > 0 && d > 0 => (positive(n), positive(d)),
        _ => (1, 1),
    };
    let stretched = (u64::from(coded_width) * u64::from(sar.0) + u64::from(sar.1) / 2) / u64::from(sar.1);
    let stretched = u32::try_from(stretched).ok()?;
    let turn = turn_of(input, index);
    let (width, height) = if turn.swaps() { (coded_height, stretched) } else { (stretched, coded_height) };
    let rate = match (stream.avg_frame_rate(), stream.rate()) {
        (mean, _) if mean.0 > 0 && mean.1 > 0 => mean,
        (_, base) => base,
    };
    let pixel_format = ffi::pixel_name(facts.format).unwrap_or("unknown").to_owned();
    Some(VideoInfo {
        codec: codec_name(input, index),
        width,
        height,
        coded_width,
        coded_height,
        rate: if rate.0 > 0 && rate.1 > 0 { (positive(rate.0), positive(rate.1)) } else { (0, 1) },
        turn,
        sar,
        full_range: facts.range == RANGE_FULL || pixel_format.starts_with("yuvj"),
        pixel_format,
        colour: (facts.matrix as u8, facts.transfer as u8, facts.primaries as u8),
        duration_us: stream_duration(input, index),
        frames: u64::try_from(stream.frames()).ok().filter(|n| *n > 0),
        interlaced: facts.field_order > PROGRESSIVE,
    })
}

/// `AVCOL_RANGE_JPEG`.
pub(super) const RANGE_FULL: i32 = 2;
/// `AV_FIELD_PROGRESSIVE`; what follows it are orders of two fields.
const PROGRESSIVE: i32 = 1;

fn audio_info(input: &Input, index: usize) -> Option<AudioInfo> {
    let facts = ffi::stream_facts(input, index)?;
    (facts.rate > 0 && facts.channels > 0).then(|| AudioInfo {
        codec: codec_name(input, index),
        rate: positive(facts.rate),
        channels: positive(facts.channels),
        duration_us: stream_duration(input, index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(a: i32, b: i32, c: i32, d: i32) -> [i32; 9] {
        let one = 1 << 16;
        [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
    }

    #[test]
    fn a_phone_held_upright_is_a_quarter_turn_clockwise() {
        // The matrix that phones write: x → y, y → −x.
        assert_eq!(Turn::of_matrix(matrix(0, 1, -1, 0)), Turn { mirrored: false, quarters: 1 });
        assert_eq!(Turn::of_matrix(matrix(-1, 0, 0, -1)), Turn { mirrored: false, quarters: 2 });
        assert_eq!(Turn::of_matrix(matrix(0, -1, 1, 0)), Turn { mirrored: false, quarters: 3 });
        assert_eq!(Turn::of_matrix(matrix(1, 0, 0, 1)), Turn::NONE);
    }

    #[test]
    fn a_mirror_is_told_from_a_turn() {
        assert_eq!(Turn::of_matrix(matrix(-1, 0, 0, 1)), Turn { mirrored: true, quarters: 0 });
        assert_eq!(Turn::of_matrix(matrix(1, 0, 0, -1)), Turn { mirrored: true, quarters: 2 });
    }
}
