//! The run of `passage`: a passage of a film's sound mixed, limited and encoded. It knows no other passage.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::passage::Params;
use reel_nodes::media::encoding::SoundCodec;
use reel_nodes::media::passage::{AAC_FRAME, FilmGain, Passage};

use crate::av::{Packets, SoundEncoder, SoundFormat};
use crate::mixer::Mixer;
use crate::params;
use crate::sound::limit::{LATENCY, Limiter};
use crate::sound::loudness::{decibels, factor};

/// Stereo.
const CHANNELS: usize = 2;
/// Packets of AAC that are encoded before those of a passage, so that its encoder is as one that came this way.
const RUN_UP: u64 = 16;
/// Packets behind a passage that its encoder looks at. Of what is mixed behind it one more is left for the limiter.
const AHEAD: u64 = 3;

/// Mixes what is heard into port `audio`.
///
/// # Errors
/// When a sound cannot be read, or the result cannot be written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let gain: FilmGain = serde_json::from_slice(&call.read(params.gain.slot())?)
        .map_err(|error| Failure::new(format!("`{}` is no gain: {error}", params.gain.slot())))?;
    let (name, format) = match params.codec {
        SoundCodec::Aac => ("mix.m4a", SoundFormat::Aac { bitrate: params.bitrate * 1000 }),
        SoundCodec::Wav => ("mix.wav", SoundFormat::Wav),
        SoundCodec::Flac => ("mix.flac", SoundFormat::Flac),
        SoundCodec::Opus => ("mix.opus", SoundFormat::Opus { bitrate: params.bitrate * 1000 }),
    };
    let path = call.scratch.join(name);
    let passage = &params.passage;
    let (wanted, packets) = wanted(passage);
    let encoder = match packets {
        None => SoundEncoder::create(&path, format, CHANNELS as u32),
        Some(packets) => SoundEncoder::create_part(&path, format, CHANNELS as u32, packets),
    };
    let mut writer = Writer {
        encoder: encoder.map_err(crate::failure)?,
        limiter: Limiter::new(factor(decibels(params.peak)) as f32),
        gain: factor(decibels(gain.gain)) as f32,
        skip: LATENCY * CHANNELS + wanted.start as usize * CHANNELS,
        left: (wanted.end - wanted.start) as usize * CHANNELS,
    };
    Mixer::open(call, passage)?.play(params.stem, |all, part| writer.push(all, part))?;
    writer.finish()?;
    Ok(Outcome::default().with_file("audio", params.codec.media(), path))
}

/// Which samples of what is mixed are encoded, and which packets of them are the passage's own; all of them for a
/// passage without neighbours.
fn wanted(passage: &Passage) -> (std::ops::Range<u64>, Option<Packets>) {
    let Passage { samples, before, after, .. } = *passage;
    let own = samples.saturating_sub(before + after);
    if before == 0 && after == 0 {
        return (0..samples, None);
    }
    let run_up = (before / AAC_FRAME).min(RUN_UP);
    let behind = after.min(AHEAD * AAC_FRAME);
    // The first packet of a film is the encoder's priming; all others have the samples before their place, too.
    let count = (after > 0).then_some(own / AAC_FRAME);
    (before - run_up * AAC_FRAME..before + own + behind, Some(Packets { skip: run_up, count }))
}

/// Gain, limiter and encoder, with the limiter's delay taken out again.
struct Writer {
    encoder: SoundEncoder,
    limiter: Limiter,
    gain: f32,
    /// Values that are not encoded, at the start.
    skip: usize,
    /// Values that are still to be encoded.
    left: usize,
}

impl Writer {
    /// Writes all that sounds, or the part of it.
    fn push(&mut self, all: &mut [f32], part: Option<&mut [f32]>) -> Result<(), Failure> {
        all.iter_mut().for_each(|sample| *sample *= self.gain);
        match part {
            None => self.limited(all),
            Some(part) => {
                part.iter_mut().for_each(|sample| *sample *= self.gain);
                self.limiter.process_part(all, part);
                self.write(part)
            }
        }
    }

    fn limited(&mut self, window: &mut [f32]) -> Result<(), Failure> {
        self.limiter.process(window);
        self.write(window)
    }

    fn write(&mut self, window: &[f32]) -> Result<(), Failure> {
        let skip = self.skip.min(window.len());
        self.skip -= skip;
        let count = self.left.min(window.len() - skip);
        self.left -= count;
        self.encoder.push(&window[skip..skip + count]).map_err(crate::failure)
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.limited(&mut [0.0; LATENCY * CHANNELS])?;
        self.encoder.finish().map_err(crate::failure)?;
        Ok(())
    }
}
