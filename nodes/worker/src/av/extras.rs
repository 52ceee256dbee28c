//! What a film holds beside pictures and sound: metadata, chapters, subtitles, a cover. It decodes nothing.

use std::path::{Path, PathBuf};

use ffmpeg_next::format::context::{Input, Output};
use ffmpeg_next::{Dictionary, Error, Packet, Rational, codec, media};
use reel_nodes::media::encoding::Container;
use reel_nodes::media::time::FrameRate;

use super::container::is_mp4;
use super::error::AvError;
use super::ffi::{self, Made};
use super::input::{self, said};

/// What a film holds beside pictures and sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extras {
    /// Metadata: FFmpeg's name of each field, and what it says.
    pub tags: Vec<(&'static str, String)>,
    /// Chapters in their order: the frame on which each begins, and its title.
    pub chapters: Vec<(u64, String)>,
    /// Subtitle tracks.
    pub subtitles: Vec<Subtitles>,
    /// A picture that stands for the film.
    pub cover: Option<Cover>,
}

/// A subtitle track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtitles {
    /// A file in SRT, or in WebVTT for WebM.
    pub path: PathBuf,
    /// Its language, as three letters of ISO 639-2.
    pub language: String,
}

/// A picture that stands for the film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The bytes of a PNG or JPEG file.
    pub bytes: Vec<u8>,
    /// Whether it is PNG.
    pub is_png: bool,
    /// Pixels across and down.
    pub size: (u32, u32),
}

impl Extras {
    /// Writes metadata and chapters of a film of so many frames into the header that is to come.
    pub(super) fn tell(&self, output: &mut Output, rate: FrameRate, frames: u64) {
        let mut metadata = Dictionary::new();
        for (name, text) in &self.tags {
            metadata.set(name, &text.replace('\0', ""));
        }
        output.set_metadata(metadata);
        let frame = Rational::new(rate.den() as i32, rate.num() as i32);
        for (index, (start, title)) in self.chapters.iter().enumerate() {
            let end = self.chapters.get(index + 1).map_or(frames, |(next, _)| *next);
            // It fails for want of memory alone, and then so does what follows.
            let _ = output.add_chapter(
                index as i64 + 1,
                frame,
                *start as i64,
                end as i64,
                title.replace('\0', ""),
            );
        }
    }
}

/// The tracks that are written beside pictures and sound.
#[derive(Default)]
pub(super) struct Side {
    tracks: Vec<Track>,
    /// The cover and its stream, where the container has it as one.
    cover: Option<(usize, Packet)>,
}

/// A subtitle track being read.
struct Track {
    input: Input,
    stream: usize,
    /// Whether its texts are put as MP4 has them: behind their length.
    counted: bool,
    next: Option<Packet>,
}

impl Side {
    /// Adds the streams of what a film holds, before its header is written; `path` is for errors alone.
    pub(super) fn add(
        output: &mut Output,
        path: &Path,
        extras: &Extras,
        container: Container,
    ) -> Result<Self, AvError> {
        let failed = |error| AvError::Write { path: path.into(), cause: said(error) };
        let mut own = Self::default();
        for subtitles in &extras.subtitles {
            let (input, made) = open(subtitles, container)?;
            own.tracks.push(Track::add(output, input, made, &subtitles.language).map_err(failed)?);
        }
        if let Some(cover) = &extras.cover {
            own.cover = add_cover(output, cover, container).map_err(failed)?;
        }
        Ok(own)
    }

    /// Writes what stands before everything else.
    pub(super) fn begin(&mut self, output: &mut Output) -> Result<(), Error> {
        if let Some((stream, mut packet)) = self.cover.take() {
            packet.set_stream(stream);
            packet.write(output)?;
        }
        Ok(())
    }

    /// Writes all that begins before `limit`, in milliseconds.
    pub(super) fn write_until(&mut self, output: &mut Output, limit: i64) -> Result<(), Error> {
        for track in &mut self.tracks {
            while let Some(mut packet) = track.next.take_if(|p| p.pts().unwrap_or(0) < limit) {
                let per_tick = output.stream(track.stream).map_or(MILLISECOND, |s| s.time_base());
                packet.rescale_ts(MILLISECOND, per_tick);
                packet.set_stream(track.stream);
                packet.set_position(-1);
                packet.write(output)?;
                track.advance()?;
            }
        }
        Ok(())
    }
}

/// The time base of SRT and WebVTT.
const MILLISECOND: Rational = Rational(1, 1000);

/// Opens captions, and how they are stored in a container.
fn open(subtitles: &Subtitles, container: Container) -> Result<(Input, codec::Id), AvError> {
    let input = input::open_captions(&subtitles.path)?;
    let found = input.stream(0).map(|stream| stream.parameters().id());
    let (wanted, made, what) = match container {
        Container::Webm => (codec::Id::WEBVTT, codec::Id::WEBVTT, "WebVTT"),
        Container::Mkv => (codec::Id::SUBRIP, codec::Id::SUBRIP, "SRT"),
        Container::Mp4 | Container::Mov => (codec::Id::SUBRIP, codec::Id::MOV_TEXT, "SRT"),
    };
    if found == Some(wanted) {
        return Ok((input, made));
    }
    let cause = format!("subtitles of .{} are made of {what}", container.name());
    Err(AvError::Unfit { path: subtitles.path.clone(), cause })
}

impl Track {
    fn add(output: &mut Output, input: Input, made: codec::Id, language: &str) -> Result<Self, Error> {
        let stream = {
            let mut stream = output.add_stream(None::<ffmpeg_next::Codec>)?;
            stream.set_time_base(MILLISECOND);
            stream.set_metadata([("language", language)].iter().collect());
            stream.index()
        };
        let counted = made == codec::Id::MOV_TEXT;
        let extradata = if counted { &TEXT_SAMPLE[..] } else { &[] };
        let made = Made { medium: media::Type::Subtitle, codec: made, extradata, size: (0, 0) };
        ffi::describe(output, stream, &made)?;
        let mut own = Self { input, stream, counted, next: None };
        own.advance()?;
        Ok(own)
    }

    fn advance(&mut self) -> Result<(), Error> {
        let mut packet = Packet::empty();
        self.next = match packet.read(&mut self.input) {
            Ok(()) => Some(packet),
            Err(Error::Eof) => None,
            Err(error) => return Err(error),
        };
        if let (true, Some(packet)) = (self.counted, &mut self.next) {
            let text = packet.data().unwrap_or_default();
            // The most that the length can tell; no caption is near it.
            let text = &text[..text.len().min(usize::from(u16::MAX))];
            let mut sample = (text.len() as u16).to_be_bytes().to_vec();
            sample.extend_from_slice(text);
            let mut counted = Packet::copy(&sample);
            counted.set_pts(packet.pts());
            counted.set_dts(packet.pts());
            counted.set_duration(packet.duration());
            counted.set_flags(codec::packet::Flags::KEY);
            *packet = counted;
        }
        Ok(())
    }
}

/// How texts look unless they say otherwise (3GPP TS 26.245, 5.16): at the bottom, in the middle, white, size 18, in the
/// first font of the table, which has one.
const TEXT_SAMPLE: [u8; 53] = *b"\0\0\0\0\x01\xff\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\x01\0\x12\xff\xff\xff\xff\0\0\0\x17ftab\0\x01\0\x01\x0aSans-Serif";

/// Adds the cover; its packet, where it is one.
fn add_cover(
    output: &mut Output,
    cover: &Cover,
    container: Container,
) -> Result<Option<(usize, Packet)>, Error> {
    let (codec, ending, mime) = match cover.is_png {
        true => (codec::Id::PNG, "png", "image/png"),
        false => (codec::Id::MJPEG, "jpg", "image/jpeg"),
    };
    let stream = {
        let mut stream = output.add_stream(None::<ffmpeg_next::Codec>)?;
        stream.set_time_base(MILLISECOND);
        if !is_mp4(container) {
            let name = format!("cover.{ending}");
            let metadata: Dictionary<'_> = [("filename", name.as_str()), ("mimetype", mime)].iter().collect();
            stream.set_metadata(metadata);
        }
        stream.index()
    };
    if !is_mp4(container) {
        let made = Made { medium: media::Type::Attachment, codec, extradata: &cover.bytes, size: (0, 0) };
        ffi::describe(output, stream, &made)?;
        return Ok(None);
    }
    let made = Made { medium: media::Type::Video, codec, extradata: &[], size: cover.size };
    ffi::describe(output, stream, &made)?;
    ffi::make_cover(output, stream);
    let mut packet = Packet::copy(&cover.bytes);
    packet.set_pts(Some(0));
    packet.set_dts(Some(0));
    packet.set_flags(codec::packet::Flags::KEY);
    Ok(Some((stream, packet)))
}
