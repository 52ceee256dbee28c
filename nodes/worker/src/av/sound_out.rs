//! Samples to a sound file: AAC, Opus, FLAC or WAV. It knows no mix and no loudness.

use std::path::{Path, PathBuf};

use ffmpeg_next::format::context::Output;
use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::{ChannelLayout, Dictionary, Error, Packet, Rational, codec, encoder, frame};
use reel_nodes::media::time::SAMPLE_RATE;

use super::error::AvError;
use super::ffi;
use super::input::said;

/// Bits per second and channel from which AAC's fast quantiser is taken.
const FAST_FROM: u32 = 64_000;

/// Samples of PCM that are written at a time.
const PCM_BLOCK: usize = 4096;

/// How sound is stored. Everything is at 48 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundFormat {
    /// AAC-LC in `.m4a`, at so many bits per second.
    Aac {
        /// Bits per second of all channels together.
        bitrate: u32,
    },
    /// Opus in Ogg, at so many bits per second; the pre-skip is told, and where the sound ends.
    Opus {
        /// Bits per second of all channels together.
        bitrate: u32,
    },
    /// FLAC, 24 bits.
    Flac,
    /// WAV, 24 bits: for people.
    Wav,
    /// WAV, 32-bit float: for other nodes, nothing is lost.
    WavFloat,
}

/// AAC-LC at 48 kHz in `.m4a`, with priming and padding declared, so that players begin with the first
/// sample and the track is exactly as long as what was pushed.
pub struct AacEncoder(SoundEncoder);

impl AacEncoder {
    /// Creates `path` for `channels` (1 or 2) at `bitrate` bits per second.
    ///
    /// # Errors
    /// When the parameters do not fit, or the file cannot be written.
    pub fn create(path: &Path, channels: u32, bitrate: u32) -> Result<Self, AvError> {
        SoundEncoder::create(path, SoundFormat::Aac { bitrate }, channels).map(Self)
    }

    /// Encodes interleaved samples; full scale is ±1.
    ///
    /// # Errors
    /// When encoding or writing fails.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), AvError> {
        self.0.push(samples)
    }

    /// Ends the file; gives the samples (per channel) that were pushed.
    ///
    /// # Errors
    /// When encoding or writing fails.
    pub fn finish(self) -> Result<u64, AvError> {
        self.0.finish()
    }
}

fn check_channels(path: &Path, channels: u32) -> Result<usize, AvError> {
    match channels {
        1 | 2 => Ok(channels as usize),
        _ => {
            let cause = format!("sound is written in 1 or 2 channels, not {channels}");
            Err(AvError::Unfit { path: path.into(), cause })
        }
    }
}

/// `x` at full scale ±1 as a signed 24-bit sample.
fn to_24_bits(x: f32) -> i32 {
    (f64::from(x) * 8_388_608.0).round().clamp(-8_388_608.0, 8_388_607.0) as i32
}

/// Which packets of an encoding are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packets {
    /// How many are left out at the start.
    pub skip: u64,
    /// How many are written then; all that are left when `None`.
    pub count: Option<u64>,
}

/// An encoder of any [`SoundFormat`] for 1 or 2 channels at 48 kHz.
pub struct SoundEncoder {
    path: PathBuf,
    encoder: encoder::Audio,
    output: Output,
    channels: usize,
    block: usize,
    /// Samples that do not fill a block yet.
    pending: Vec<f32>,
    pushed: i64,
    /// Set for a part of a longer encoding.
    part: Option<Packets>,
    /// Packets that came out of the encoder.
    packets: u64,
}

impl SoundEncoder {
    /// Creates `path` in `format` for 1 or 2 channels at 48 kHz.
    ///
    /// # Errors
    /// When the parameters do not fit, or the file cannot be written.
    pub fn create(path: &Path, format: SoundFormat, channels: u32) -> Result<Self, AvError> {
        super::init();
        let count = check_channels(path, channels)?;
        let failed = |error| AvError::Write { path: path.into(), cause: said(error) };
        let encoder = open(path, format, channels)?;
        let container = match format {
            SoundFormat::Aac { .. } => c"ipod",
            SoundFormat::Flac => c"flac",
            SoundFormat::Opus { .. } => c"ogg",
            SoundFormat::Wav | SoundFormat::WavFloat => c"wav",
        };
        let mut output = ffi::create_output(path, container).map_err(failed)?;
        let mut stream = output.add_stream_with(&encoder).map_err(failed)?;
        stream.set_time_base(Rational::new(1, SAMPLE_RATE as i32));
        let mut options = Dictionary::new();
        options.set("fflags", "+bitexact");
        if container == c"ipod" {
            options.set("movie_timescale", &SAMPLE_RATE.to_string());
        }
        output.write_header_with(options).map_err(failed)?;
        let block = match encoder.frame_size() {
            0 => PCM_BLOCK,
            n => n as usize,
        };
        Ok(Self {
            path: path.into(),
            encoder,
            output,
            channels: count,
            block,
            pending: Vec::new(),
            pushed: 0,
            part: None,
            packets: 0,
        })
    }

    /// As [`Self::create`], but only some packets are written: a part of what an encoding of more samples would give,
    /// with timestamps that mean nothing. [`super::join_sound()`] puts parts together.
    ///
    /// # Errors
    /// When the parameters do not fit, or the file cannot be written.
    pub fn create_part(
        path: &Path,
        format: SoundFormat,
        channels: u32,
        packets: Packets,
    ) -> Result<Self, AvError> {
        Ok(Self { part: Some(packets), ..Self::create(path, format, channels)? })
    }

    fn failed(&self, error: Error) -> AvError {
        AvError::Write { path: self.path.clone(), cause: said(error) }
    }

    /// Encodes interleaved samples; full scale is ±1.
    ///
    /// # Errors
    /// When encoding or writing fails.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), AvError> {
        let whole = self.block * self.channels;
        let mut rest = samples;
        if !self.pending.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(whole - self.pending.len()));
            self.pending.extend_from_slice(head);
            rest = tail;
            if self.pending.len() == whole {
                let block = std::mem::take(&mut self.pending);
                self.encode(&block)?;
            }
        }
        let blocks = rest.chunks_exact(whole);
        self.pending.extend_from_slice(blocks.remainder());
        blocks.into_iter().try_for_each(|block| self.encode(block))
    }

    fn encode(&mut self, block: &[f32]) -> Result<(), AvError> {
        let samples = block.len() / self.channels;
        let layout = ChannelLayout::default(self.channels as i32);
        let mut frame = frame::Audio::new(self.encoder.format(), samples, layout);
        frame.set_rate(SAMPLE_RATE);
        frame.set_pts(Some(self.pushed));
        match self.encoder.format() {
            Sample::F32(Type::Planar) => {
                for channel in 0..self.channels {
                    let from = block.iter().skip(channel).step_by(self.channels);
                    frame.plane_mut::<f32>(channel).iter_mut().zip(from).for_each(|(to, x)| *to = *x);
                }
            }
            packed => {
                let float = matches!(packed, Sample::F32(_));
                let bytes = frame.data_mut(0).chunks_exact_mut(4).zip(block);
                bytes.for_each(|(to, x)| {
                    let integer = to_24_bits(*x) << 8;
                    to.copy_from_slice(&if float { x.to_ne_bytes() } else { integer.to_ne_bytes() });
                });
            }
        }
        self.encoder.send_frame(&frame).map_err(|e| self.failed(e))?;
        self.pushed += samples as i64;
        self.drain()
    }

    fn drain(&mut self) -> Result<(), AvError> {
        loop {
            let mut packet = Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(Error::Eof) => return Ok(()),
                Err(Error::Other { errno }) if errno == ffmpeg_next::util::error::EAGAIN => return Ok(()),
                Err(error) => return Err(self.failed(error)),
            }
            packet.set_stream(0);
            self.packets += 1;
            if let Some(part) = self.part {
                let Some(number) = (self.packets - 1).checked_sub(part.skip) else { continue };
                if part.count.is_some_and(|count| number >= count) {
                    continue;
                }
                let place = number as i64 * self.block as i64;
                packet.set_pts(Some(place));
                packet.set_dts(Some(place));
                packet.set_duration(self.block as i64);
            }
            packet.write(&mut self.output).map_err(|e| self.failed(e))?;
        }
    }

    /// Ends the file; gives the samples (per channel) that were pushed.
    ///
    /// # Errors
    /// When encoding or writing fails.
    pub fn finish(mut self) -> Result<u64, AvError> {
        let last = std::mem::take(&mut self.pending);
        if last.len() >= self.channels {
            self.encode(&last)?;
        }
        if self.pushed == 0 {
            return Err(AvError::Unfit { path: self.path, cause: "a sound without samples".into() });
        }
        self.encoder.send_eof().map_err(|e| self.failed(e))?;
        self.drain()?;
        self.output.write_trailer().map_err(|e| self.failed(e))?;
        ffi::flush_output(&mut self.output).map_err(|e| self.failed(e))?;
        Ok(self.pushed.unsigned_abs())
    }
}

fn open(path: &Path, format: SoundFormat, channels: u32) -> Result<encoder::Audio, AvError> {
    let (name, sample) = match format {
        SoundFormat::Aac { .. } => ("aac", Sample::F32(Type::Planar)),
        SoundFormat::Flac => ("flac", Sample::I32(Type::Packed)),
        SoundFormat::Opus { .. } => ("libopus", Sample::F32(Type::Packed)),
        SoundFormat::Wav => ("pcm_s24le", Sample::I32(Type::Packed)),
        SoundFormat::WavFloat => ("pcm_f32le", Sample::F32(Type::Packed)),
    };
    let codec = encoder::find_by_name(name).ok_or(AvError::Missing { what: "encoder", name })?;
    let mut context = codec::Context::new_with_codec(codec);
    context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
    context.set_time_base(Rational::new(1, SAMPLE_RATE as i32));
    if format == SoundFormat::Flac {
        ffi::set_sample_bits(&mut context, 24);
    }
    let unfit = |error| AvError::Unfit { path: path.into(), cause: said(error) };
    let mut audio = context.encoder().audio().map_err(unfit)?;
    audio.set_rate(SAMPLE_RATE as i32);
    audio.set_format(sample);
    audio.set_channels(channels as i32);
    audio.set_channel_layout(ChannelLayout::default(channels as i32));
    let mut options = Dictionary::new();
    if let SoundFormat::Aac { bitrate } = format {
        audio.set_bit_rate(bitrate as usize);
        // FFmpeg's manual: from 64 kbit/s a channel on, `fast` is as good or better, at half the time.
        let coder = if bitrate / channels >= FAST_FROM { "fast" } else { "twoloop" };
        options.set("aac_coder", coder);
    }
    if let SoundFormat::Opus { bitrate } = format {
        audio.set_bit_rate(bitrate as usize);
    }
    audio.open_as_with(codec, options).map_err(unfit)
}
