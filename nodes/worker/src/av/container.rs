//! What containers want: FFmpeg's muxers, their options, and the tags of codecs in them. It knows no packet.

use std::ffi::CStr;

use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, codec};
use reel_nodes::media::encoding::Container;
use reel_nodes::media::time::FrameRate;

use super::ffi;

/// Where a file of the family of MP4 has its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Behind the data, where it is written fastest.
    IndexLast,
    /// Before the data, for players that read from the start.
    IndexFirst,
    /// In pieces, each before its own data.
    Fragments,
}

/// FFmpeg's name of the muxer.
pub(super) const fn muxer(container: Container) -> &'static CStr {
    match container {
        Container::Mp4 => c"mp4",
        Container::Mov => c"mov",
        Container::Mkv => c"matroska",
        Container::Webm => c"webm",
    }
}

/// Whether it is of the family of MP4.
pub(super) const fn is_mp4(container: Container) -> bool {
    matches!(container, Container::Mp4 | Container::Mov)
}

/// Options of the muxer. Track durations of MP4 are counted in samples, so that those of pictures and sound of the
/// same length are equal wherever a frame is a whole number of samples; without sound, in parts of a frame.
pub(super) fn header_options<'a>(
    container: Container,
    rate: FrameRate,
    sound_rate: Option<i64>,
    layout: Layout,
) -> Dictionary<'a> {
    let mut options = Dictionary::new();
    options.set("fflags", "+bitexact");
    if !is_mp4(container) {
        // What the decoder of the sound drops is told, and taken from the times of its packets: nothing else is to be moved.
        options.set("avoid_negative_ts", "disabled");
        return options;
    }
    let per_second = match (sound_rate, rate.num()) {
        (Some(per_second), _) => per_second.unsigned_abs(),
        (None, num) if num < 1000 => u64::from(num) * 1000,
        (None, num) => u64::from(num),
    };
    options.set("movie_timescale", &per_second.to_string());
    match layout {
        Layout::IndexLast => {}
        Layout::IndexFirst => options.set("movflags", "+faststart"),
        // The header waits for the first times, so that its edit list can tell of them. Offsets below zero, which would
        // do without, FFmpeg itself reads as a later beginning.
        Layout::Fragments => {
            options.set("movflags", "+frag_custom+delay_moov+default_base_moof+skip_trailer");
        }
    }
    options
}

/// Gives a copied stream the tag that players want of its codec in this container.
pub(super) fn tag(output: &mut Output, index: usize, codec: codec::Id, container: Container) {
    match codec {
        // Parameter sets stand in the header alone, which is what `hvc1` says and Apple's players ask for.
        codec::Id::HEVC if is_mp4(container) => ffi::set_codec_tag(output, index, b"hvc1"),
        // The tag is the profile.
        codec::Id::PRORES => {}
        _ => ffi::clear_codec_tag(output, index),
    }
}

/// Says how many samples of a sound track are there for its decoder alone, where the container does not take that from
/// the timestamps.
pub(super) fn prime(output: &mut Output, index: usize, container: Container, samples: i64) {
    if !is_mp4(container)
        && samples > 0
        && let Ok(samples) = i32::try_from(samples)
    {
        ffi::set_initial_padding(output, index, samples);
    }
}
