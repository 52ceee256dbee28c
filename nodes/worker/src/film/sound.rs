//! The run of `sound`: any sound in the form that the mix takes. It knows no film.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::sound::{HEADROOM, Params};
use reel_nodes::media::encoding::SoundCodec;
use reel_nodes::media::time::SAMPLE_RATE;

use crate::av::{AudioReader, SoundEncoder, SoundFormat, SoundRange};
use crate::params;

/// Decodes slot `file` into port `audio`.
///
/// # Errors
/// When it cannot be decoded or has no sound in it, or the result cannot be written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (name, format, part) = match params.codec {
        SoundCodec::Flac => ("sound.flac", SoundFormat::Flac, 1.0 / HEADROOM),
        _ => ("sound.wav", SoundFormat::WavFloat, 1.0),
    };
    let range = SoundRange { from_us: 0, to_us: params.length.map(|length| length.as_micros()) };
    let from = &call.one(params.file.slot())?.path;
    let path = call.scratch.join(name);
    let mut encoder = SoundEncoder::create(&path, format, 2).map_err(crate::failure)?;
    let mut is_empty = true;
    for block in AudioReader::open(from, SAMPLE_RATE, 2, range).map_err(crate::failure)? {
        if (call.cancelled)() {
            return Err(crate::cancelled());
        }
        let mut block = block.map_err(crate::failure)?;
        block.iter_mut().for_each(|sample| *sample *= part);
        encoder.push(&block).map_err(crate::failure)?;
        is_empty = false;
    }
    if is_empty {
        return Err(Failure::new("the file has no sound in it").help("choose another sound file"));
    }
    encoder.finish().map_err(crate::failure)?;
    Ok(Outcome::default().with_file("audio", params.codec.media(), path))
}
