//! Opening local media and reading its packets, with every sign of a file that was cut off made an error.
//! It knows no decoder.

use std::path::{Path, PathBuf};

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet, media};

use super::error::AvError;
use super::{ffi, log};

/// Containers that hold their media themselves. Playlists (`hls`, `concat`, `dash`), scripts, devices and
/// still pictures are not among them, so no file can make FFmpeg open another one.
const CONTAINERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mp3,wav,w64,flac,ogg,aac,aiff,au,caf,ac3,eac3,\
                          dts,amr,mpegts,mpeg,mpegvideo,flv,live_flv,asf,gif,apng,nut,mxf,ivf,h264,hevc,av1,obu,m4v,\
                          dv,yuv4mpegpipe,wv,tta,ape,rm,wtv,vob";

/// Microseconds by which a container may be shorter than it says before it counts as cut off.
pub(super) const SHORTFALL_US: i64 = 1_000_000;

/// Opens a local media file; `analyse` completes the facts of its streams from the first packets.
pub(super) fn open(path: &Path, analyse: bool) -> Result<Input, AvError> {
    open_with(path, analyse, &[])
}

/// Opens a local file with captions in SRT or WebVTT.
pub(super) fn open_captions(path: &Path) -> Result<Input, AvError> {
    super::init();
    let options = [("protocol_whitelist", "file"), ("format_whitelist", "srt,webvtt")];
    ffi::open_input(path, &options, false).map_err(|error| AvError::NotMedia {
        path: path.into(),
        cause: format!("no captions: {}", said(error)),
    })
}

/// As [`open`], with further options of the demuxer.
pub(super) fn open_with(path: &Path, analyse: bool, extra: &[(&str, &str)]) -> Result<Input, AvError> {
    super::init();
    let unopened = |cause: &str| AvError::Open { path: path.into(), cause: cause.into() };
    let facts = std::fs::metadata(path).map_err(|e| unopened(&e.to_string()))?;
    if !facts.is_file() {
        return Err(unopened("it is not a plain file"));
    }
    if facts.len() == 0 {
        return Err(unopened("it is empty"));
    }
    let mut options = vec![("protocol_whitelist", "file"), ("format_whitelist", CONTAINERS)];
    options.extend_from_slice(extra);
    ffi::open_input(path, &options, analyse).map_err(|error| match error {
        Error::Other { errno } if errno == ffmpeg_next::util::error::EINVAL => {
            AvError::Refused { path: path.into() }
        }
        Error::Other { .. } => unopened(&error.to_string()),
        _ => AvError::NotMedia { path: path.into(), cause: said(error) },
    })
}

/// FFmpeg's own words where it had any, else the text of its error code.
pub(super) fn said(error: Error) -> String {
    match (error, log::newest()) {
        (Error::InvalidData | Error::External | Error::Unknown, Some(line)) => line,
        _ => error.to_string().to_lowercase(),
    }
}

/// Whether the container is of the MP4 family, whose timestamps and index are exact.
pub(super) fn is_mov(input: &Input) -> bool {
    input.format().name().split(',').any(|name| name == "mov")
}

/// Whether the container is Matroska or WebM.
pub(super) fn is_matroska(input: &Input) -> bool {
    input.format().name().split(',').any(|name| name == "matroska")
}

/// The stream of a medium that a player would choose; cover art does not count as a picture.
pub(super) fn best(input: &Input, medium: media::Type) -> Option<usize> {
    let index = input.streams().best(medium)?.index();
    let cover = ffmpeg_next::format::stream::Disposition::ATTACHED_PIC;
    let is_cover = |i: usize| input.stream(i).is_some_and(|s| s.disposition().contains(cover));
    if !is_cover(index) {
        return Some(index);
    }
    input.streams().find(|s| s.parameters().medium() == medium && !is_cover(s.index())).map(|s| s.index())
}

/// Refuses an MP4 whose index names bytes beyond the file's end.
pub(super) fn refuse_cut_off(input: &mut Input, path: &Path) -> Result<(), AvError> {
    let Some(size) = input.io_size().filter(|_| is_mov(input)) else {
        return Ok(());
    };
    let end = (0..input.nb_streams() as usize).filter_map(|i| ffi::index_end(input, i)).max().unwrap_or(0);
    if end > size {
        let cause = format!("its index ends at byte {end}, the file at byte {size}");
        return Err(AvError::Truncated { path: path.into(), cause });
    }
    Ok(())
}

/// Refuses a file that ends long before its header says. Only its last seconds are read, unless these are not there.
///
/// # Errors
/// When it cannot be opened, has no picture, or is cut off.
pub fn refuse_short(path: &Path) -> Result<(), AvError> {
    let open = || PacketSource::open(path, media::Type::Video, "picture");
    let mut source = open()?;
    if is_mov(&source.input) {
        return Ok(()); // its index was looked at
    }
    let near = source.input.duration().saturating_sub(5 * SHORTFALL_US);
    if near > 0 && source.input.seek(near, ..near).is_ok() && source.drain().is_ok() {
        return Ok(());
    }
    open()?.drain()
}

/// The packets of one stream, in file order.
pub(super) struct PacketSource {
    pub input: Input,
    pub path: PathBuf,
    pub stream: usize,
    /// The latest end of any packet so far, in microseconds of the container.
    end_us: i64,
}

impl PacketSource {
    /// Opens `path` and chooses its stream of `medium`; `wanted` names the medium in errors.
    pub(super) fn open(path: &Path, medium: media::Type, wanted: &'static str) -> Result<Self, AvError> {
        let mut input = open(path, true)?;
        refuse_cut_off(&mut input, path)?;
        let stream = best(&input, medium).ok_or(AvError::NoStream { path: path.into(), wanted })?;
        if is_mov(&input) {
            // Its index has been checked, so the end of the other streams need not be watched.
            (0..input.nb_streams() as usize)
                .filter(|i| *i != stream)
                .for_each(|i| ffi::discard_stream(&mut input, i));
        }
        Ok(Self { input, path: path.into(), stream, end_us: i64::MIN })
    }

    /// The next packet; `None` at the end of a file that is whole.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, AvError> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) => {}
                Err(Error::Eof) => return self.ended().map(|()| None),
                Err(error) => {
                    return Err(AvError::Truncated { path: self.path.clone(), cause: said(error) });
                }
            }
            if packet.is_corrupt() && self.input.format().name() != "mpegts" {
                let cause = format!("a packet near byte {} is incomplete", packet.position());
                return Err(AvError::Truncated { path: self.path.clone(), cause });
            }
            self.note_end(&packet);
            if packet.stream() == self.stream {
                return Ok(Some(packet));
            }
        }
    }

    fn drain(&mut self) -> Result<(), AvError> {
        while self.next()?.is_some() {}
        Ok(())
    }

    fn note_end(&mut self, packet: &Packet) {
        let Some(stream) = self.input.stream(packet.stream()) else {
            return;
        };
        let (num, den) = ffi::pair(stream.time_base());
        if let Some(time) = packet.pts().or(packet.dts()) {
            let ticks = i128::from(time) + i128::from(packet.duration().max(0));
            let us = ticks * 1_000_000 * i128::from(num) / i128::from(den.max(1));
            self.end_us = self.end_us.max(i64::try_from(us).unwrap_or(i64::MAX));
        }
    }

    fn ended(&self) -> Result<(), AvError> {
        let declared = self.input.duration();
        if is_mov(&self.input) || declared <= 0 || !ffi::duration_is_exact(&self.input) {
            return Ok(());
        }
        // Packets may begin before or after zero; a file that starts late ends late, so this never accuses.
        if self.end_us != i64::MIN && self.end_us < declared - SHORTFALL_US {
            let cause = format!(
                "it ends after {} ms, its header says {} ms",
                self.end_us.max(0) / 1000,
                declared / 1000
            );
            return Err(AvError::Truncated { path: self.path.clone(), cause });
        }
        Ok(())
    }
}
