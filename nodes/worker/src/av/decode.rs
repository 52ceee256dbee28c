//! One stream of a file to decoded frames, in the order in which its decoder gives them. It knows neither sound
//! nor pictures.

use std::ops::DerefMut;
use std::path::Path;

use ffmpeg_next::codec::decoder::{self, Opened};
use ffmpeg_next::{Error, Frame, Stream, codec, frame, media};

use super::error::AvError;
use super::ffi::{self, StreamFacts};
use super::input::{PacketSource, said};

/// What is decoded, and by what.
pub(super) trait Medium {
    /// Its decoder.
    type Decoder: DerefMut<Target = Opened>;
    /// What that gives.
    type Frame: DerefMut<Target = Frame>;
    /// The streams that hold it.
    const STREAM: media::Type;
    /// As errors name it.
    const NAME: &'static str;
    /// As errors name what was lost of it.
    const PARTS: &'static str;

    /// Opens the decoder that is readied.
    fn open(decoder: decoder::Decoder) -> Result<Self::Decoder, Error>;
    /// A frame without content.
    fn empty() -> Self::Frame;
}

/// Sound.
pub(super) enum Sound {}

impl Medium for Sound {
    type Decoder = decoder::Audio;
    type Frame = frame::Audio;
    const STREAM: media::Type = media::Type::Audio;
    const NAME: &'static str = "sound";
    const PARTS: &'static str = "packets";

    fn open(decoder: decoder::Decoder) -> Result<Self::Decoder, Error> {
        decoder.audio()
    }

    fn empty() -> Self::Frame {
        frame::Audio::empty()
    }
}

/// Pictures.
pub(super) enum Pictures {}

impl Medium for Pictures {
    type Decoder = decoder::Video;
    type Frame = frame::Video;
    const STREAM: media::Type = media::Type::Video;
    const NAME: &'static str = "picture";
    const PARTS: &'static str = "frames";

    fn open(decoder: decoder::Decoder) -> Result<Self::Decoder, Error> {
        decoder.video()
    }

    fn empty() -> Self::Frame {
        frame::Video::empty()
    }
}

/// The stream of a medium that a player would choose, and its decoder.
pub(super) struct StreamDecoder<M: Medium> {
    pub(super) source: PacketSource,
    /// What the container says of the stream.
    pub(super) facts: StreamFacts,
    /// Seconds of a tick of its timestamps.
    pub(super) tick: (i32, i32),
    /// The tick at which it begins, where the container says so.
    pub(super) start: Option<i64>,
    decoder: M::Decoder,
    undecodable: u64,
    decoded: u64,
}

impl<M: Medium> StreamDecoder<M> {
    /// Opens a local file; an error when it has no such stream, or nothing decodes it.
    pub(super) fn open(path: &Path) -> Result<Self, AvError> {
        let source = PacketSource::open(path, M::STREAM, M::NAME)?;
        let missing = || AvError::NoStream { path: path.into(), wanted: M::NAME };
        let stream = source.input.stream(source.stream).ok_or_else(missing)?;
        let facts = ffi::stream_facts(&source.input, source.stream).ok_or_else(missing)?;
        let tick = ffi::pair(stream.time_base());
        let start = Some(stream.start_time()).filter(|tick| *tick != i64::MIN);
        let decoder = Self::decoder_of(&stream)
            .map_err(|error| AvError::Decode { path: path.into(), cause: said(error) })?;
        Ok(Self { source, facts, tick, start, decoder, undecodable: 0, decoded: 0 })
    }

    fn decoder_of(stream: &Stream<'_>) -> Result<M::Decoder, Error> {
        let mut decoder = codec::Context::from_parameters(stream.parameters())?.decoder();
        decoder.set_packet_time_base(stream.time_base());
        M::open(decoder)
    }

    /// An error of the file.
    pub(super) fn error(&self, error: Error) -> AvError {
        self.damaged(said(error))
    }

    /// The file is damaged.
    pub(super) fn damaged(&self, cause: String) -> AvError {
        AvError::Decode { path: self.source.path.clone(), cause }
    }

    /// The next decoded frame; `None` when the file ends.
    pub(super) fn next(&mut self) -> Result<Option<M::Frame>, AvError> {
        loop {
            let mut frame = M::empty();
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => {
                    self.decoded += 1;
                    return Ok(Some(frame));
                }
                Err(Error::Eof) => return self.judged().map(|()| None),
                Err(Error::Other { errno }) if errno == ffmpeg_next::util::error::EAGAIN => {}
                Err(_) => self.undecodable += 1,
            }
            let sent = match self.source.next()? {
                Some(packet) => self.decoder.send_packet(&packet),
                None => self.decoder.send_eof(),
            };
            match sent {
                Ok(()) | Err(Error::Eof) => {}
                Err(_) => self.undecodable += 1,
            }
        }
    }

    /// A file of which a tenth or more could not be decoded is not used as if it could.
    fn judged(&self) -> Result<(), AvError> {
        if self.decoded == 0 || self.undecodable > self.decoded / 10 {
            let (bad, good) = (self.undecodable, self.decoded);
            return Err(self.damaged(format!("{bad} of its {} are damaged, {good} are not", M::PARTS)));
        }
        Ok(())
    }
}
