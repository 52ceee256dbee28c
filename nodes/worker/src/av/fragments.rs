//! Files of the family of MP4 in fragments, for streams: where each begins, and sound by itself. It knows no playlist.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Error, Packet, Rational};
use reel_nodes::media::encoding::Container;
use reel_nodes::media::time::FrameRate;

use super::container::{self, Layout};
use super::error::AvError;
use super::ffi;
use super::input::{self, said};
use super::join::{Sound, add_stream};

/// A range of bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Bytes before it.
    pub start: u64,
    /// Bytes in it.
    pub length: u64,
}

/// The parts of a fragmented file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragments {
    /// The header, without which no fragment can be read.
    pub head: Range,
    /// The fragments in order.
    pub pieces: Vec<Range>,
}

/// Ends a fragment of a file that is being written, before that its header.
pub(super) fn end(output: &mut Output, has_head: &mut bool) -> Result<(), Error> {
    if !*has_head {
        ffi::end_fragment(output)?;
        *has_head = true;
    }
    ffi::end_fragment(output)
}

impl Fragments {
    /// Reads where the parts of a file are, from the boxes that it is made of (ISO/IEC 14496-12, 4.2).
    ///
    /// # Errors
    /// When the file cannot be read, or is not a header and fragments behind it.
    pub fn of(path: &Path) -> Result<Self, AvError> {
        let unreadable =
            |error: std::io::Error| AvError::Open { path: path.into(), cause: error.to_string() };
        let wrong = |cause: &str| AvError::Wrong { path: path.into(), cause: cause.into() };
        let mut file = File::open(path).map_err(unreadable)?;
        let end = file.metadata().map_err(unreadable)?.len();
        let mut own = Self { head: Range { start: 0, length: 0 }, pieces: Vec::new() };
        let mut at = 0;
        while at < end {
            let mut top = [0; 8];
            file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut top)).map_err(unreadable)?;
            let [a, b, c, d, kind @ ..] = top;
            let length = u64::from(u32::from_be_bytes([a, b, c, d]));
            if length < 8 || length > end - at {
                return Err(wrong("a box of it has no length, or more than there is"));
            }
            match (&kind, own.pieces.last_mut()) {
                (b"moof", _) => own.pieces.push(Range { start: at, length }),
                (_, Some(piece)) => piece.length += length,
                (_, None) => own.head.length += length,
            }
            at += length;
        }
        if own.pieces.is_empty() { Err(wrong("it has no fragments")) } else { Ok(own) }
    }
}

/// Copies the one sound of a file into a fragmented file at `out`; a fragment ends before the first packet that begins
/// at a frame of `cuts` or behind it. Gives how many samples are heard in each.
///
/// # Errors
/// When the sound cannot be read or the file cannot be written.
pub fn sound(path: &Path, rate: FrameRate, cuts: &[u64], out: &Path) -> Result<Vec<u64>, AvError> {
    super::init();
    let failed = |error| AvError::Write { path: out.into(), cause: said(error) };
    let mut from = Sound::open(path)?;
    let mut output = ffi::create_output(out, container::muxer(Container::Mp4)).map_err(failed)?;
    let second = Rational::new(1, from.rate as i32);
    let parameters = from.input.stream(from.stream).map(|stream| stream.parameters());
    add_stream(&mut output, parameters, second, Container::Mp4).map_err(failed)?;
    let options = container::header_options(Container::Mp4, rate, Some(from.rate), Layout::Fragments);
    output.write_header_with(options).map_err(failed)?;
    let per_second = from.rate as u32;
    let mut cuts = cuts.iter().map(|cut| rate.sample_of(*cut, per_second) as i64).peekable();
    let (mut has_head, mut lengths, mut begin, mut heard) = (false, Vec::new(), 0, 0);
    while let Some(packet) = from.next.take() {
        let at = packet.pts().unwrap_or(0);
        if cuts.next_if(|cut| *cut <= at).is_some() {
            end(&mut output, &mut has_head).map_err(failed)?;
            lengths.push((at - begin).unsigned_abs());
            begin = at;
        }
        heard = heard.max(at + packet.duration());
        write(packet, second, &mut output).map_err(failed)?;
        from.advance()?;
    }
    lengths.push((heard - begin).max(0).unsigned_abs());
    output.write_trailer().map_err(failed)?;
    ffi::flush_output(&mut output).map_err(failed)?;
    Ok(lengths)
}

fn write(mut packet: Packet, second: Rational, output: &mut Output) -> Result<(), Error> {
    let per_tick = output.stream(0).map_or(second, |stream| stream.time_base());
    packet.set_stream(0);
    packet.set_position(-1);
    packet.rescale_ts(second, per_tick);
    packet.write(output).map(|_| ())
}

/// What a playlist says of the codec of a file's first stream (RFC 6381); `None` of one that streams are not made of.
///
/// # Errors
/// When the file cannot be read.
pub fn codec_name(path: &Path) -> Result<Option<String>, AvError> {
    let file = input::open(path, false)?;
    let facts = ffi::stream_facts(&file, 0);
    let id = file.stream(0).map(|stream| stream.parameters().id());
    let name = facts.zip(id).and_then(|(facts, id)| named(id, &facts.extradata));
    Ok(name)
}

fn named(id: ffmpeg_next::codec::Id, header: &[u8]) -> Option<String> {
    use ffmpeg_next::codec::Id;
    match (id, header) {
        (Id::AAC, _) => Some("mp4a.40.2".into()),
        // ISO/IEC 14496-15, 5.3.3.1: version, profile, compatibility, level.
        (Id::H264, [1, profile, compatible, level, ..]) => {
            Some(format!("avc1.{profile:02X}{compatible:02X}{level:02X}"))
        }
        // The same, 8.3.3.1, and E.3 for the form.
        (Id::HEVC, [1, profile, a, b, c, d, constraints @ .., _, _]) if constraints.len() > 6 => {
            let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
            let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
            let compatible = u32::from_be_bytes([*a, *b, *c, *d]).reverse_bits();
            let (constraints, level) = (&constraints[..6], constraints[6]);
            let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let rest: String = constraints[..used].iter().map(|byte| format!(".{byte:X}")).collect();
            Some(format!("hvc1.{space}{}.{compatible:X}.{tier}{level}{rest}", profile & 0x1f))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ffmpeg_next::codec::Id;

    use super::*;

    #[test]
    fn codecs_are_named_as_playlists_have_them() {
        assert_eq!(named(Id::H264, &[1, 0x64, 0, 0x28, 0xff]).unwrap(), "avc1.640028");
        let main = [1, 0x01, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93, 0xf0, 0];
        assert_eq!(named(Id::HEVC, &main).unwrap(), "hvc1.1.6.L93.90");
        assert!(named(Id::VP9, &[]).is_none() && named(Id::H264, &[]).is_none());
    }
}
