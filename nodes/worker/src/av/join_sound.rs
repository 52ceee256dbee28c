//! Parts of one encoding of a sound put together again, by stream copy with timestamps of its own. It decodes nothing
//! and knows no film.
//!
//! Packet *k* of AAC holds the samples from *(k − 1) · 1024* to *(k + 1) · 1024*, so the first is heard as nothing but
//! the encoder's priming: the track begins one packet before sample 0, and an edit list hides that.

use std::path::Path;

use ffmpeg_next::format::context::{Input, Output};
use ffmpeg_next::{Dictionary, Error, Packet, Rational};
use reel_nodes::media::passage::AAC_FRAME;
use reel_nodes::media::time::SAMPLE_RATE;

use super::error::AvError;
use super::ffi::{self, StreamFacts};
use super::input::{self, said};

/// Joins parts that [`super::SoundEncoder::create_part`] made to a sound of `samples` samples at `out`.
///
/// # Errors
/// When a part cannot be read or differs from the first, when they have other packets than so many samples, and when
/// the track cannot be written.
pub fn join_sound(parts: &[&Path], samples: u64, out: &Path) -> Result<(), AvError> {
    super::init();
    let Some(first) = parts.first() else {
        return Err(AvError::Unfit { path: out.into(), cause: "a track without parts".into() });
    };
    let packets = samples.div_ceil(AAC_FRAME) + 1;
    let failed = |error| AvError::Write { path: out.into(), cause: said(error) };
    let (head, facts) = open(first)?;
    let mut output = create(&head, out).map_err(failed)?;
    drop(head);
    let mut count = 0;
    for part in parts {
        let (mut input, own) = open(part)?;
        if (own.codec, own.rate, own.channels, &own.extradata)
            != (facts.codec, facts.rate, facts.channels, &facts.extradata)
        {
            let cause = "its sound is not encoded as that of the first".into();
            return Err(AvError::Segment { path: (*part).into(), cause });
        }
        while let Some(packet) = next(&mut input, part)? {
            if count < packets {
                write(packet, count, samples, &mut output).map_err(failed)?;
            }
            count += 1;
        }
    }
    if count != packets {
        let cause = format!("its parts have {count} packets where {packets} belong");
        return Err(AvError::Unfit { path: out.into(), cause });
    }
    output.write_trailer().map_err(failed)?;
    ffi::flush_output(&mut output).map_err(failed)
}

/// A part whose header has been read.
fn open(path: &Path) -> Result<(Input, StreamFacts), AvError> {
    let mut part = input::open_with(path, false, &[("fflags", "+noparse+nofillin")])?;
    input::refuse_cut_off(&mut part, path)?;
    match ffi::stream_facts(&part, 0) {
        Some(facts) if part.nb_streams() == 1 && facts.rate == SAMPLE_RATE as i32 => Ok((part, facts)),
        _ => {
            let cause = "it is not one stream of sound at 48 kHz".into();
            Err(AvError::Segment { path: path.into(), cause })
        }
    }
}

fn create(first: &Input, out: &Path) -> Result<Output, Error> {
    let mut output = ffi::create_output(out, c"ipod")?;
    let parameters = first.stream(0).map(|stream| stream.parameters()).ok_or(Error::StreamNotFound)?;
    {
        let mut stream = output.add_stream(None::<ffmpeg_next::Codec>)?;
        stream.set_parameters(parameters);
        stream.set_time_base(Rational::new(1, SAMPLE_RATE as i32));
    }
    ffi::clear_codec_tag(&mut output, 0);
    let mut options = Dictionary::new();
    options.set("fflags", "+bitexact");
    options.set("movie_timescale", &SAMPLE_RATE.to_string());
    output.write_header_with(options)?;
    Ok(output)
}

fn next(input: &mut Input, path: &Path) -> Result<Option<Packet>, AvError> {
    let mut packet = Packet::empty();
    match packet.read(input) {
        Ok(()) if packet.is_corrupt() => {
            let cause = "a packet of sound is incomplete".into();
            Err(AvError::Truncated { path: path.into(), cause })
        }
        Ok(()) => Ok(Some(packet)),
        Err(Error::Eof) => Ok(None),
        Err(error) => Err(AvError::Decode { path: path.into(), cause: said(error) }),
    }
}

/// Writes the packet of this number; the last one lasts as long as there are samples.
fn write(mut packet: Packet, number: u64, samples: u64, output: &mut Output) -> Result<(), Error> {
    let (frame, number) = (AAC_FRAME as i64, number as i64);
    let begin = (number - 1) * frame;
    packet.set_stream(0);
    packet.set_position(-1);
    packet.set_pts(Some(begin));
    packet.set_dts(Some(begin));
    packet.set_duration((samples as i64 - begin).min(frame));
    packet.write(output).map(|_| ())
}
