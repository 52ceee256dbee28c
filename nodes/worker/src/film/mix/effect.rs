//! Sounds that are put into a scene, at its start, at a word, or later. It knows no speech sound and no loudness.

use std::path::Path;

use reel_engine::operation::{Call, Failure};
use reel_nodes::film::mix::Params;
use reel_nodes::media::plan::Start;
use reel_nodes::media::time::{SAMPLE_RATE, rescale};
use reel_nodes::media::words::Words;
use reel_nodes::media::words::align::{bare, find};

use super::bed::samples;
use super::decibels;
use super::voice::Placed;
use crate::av::{AudioReader, SoundEncoder, SoundFormat, SoundRange};
use crate::sound::loudness::factor;

/// The effects of a scene, decoded once.
pub(super) fn effects(
    call: &Call<'_>,
    params: &Params,
    scene: usize,
    start: Start,
) -> Result<Vec<Placed>, Failure> {
    let sound = &params.scenes[scene];
    let words: Option<Words> = match &sound.words {
        Some(words) if !sound.sfx.is_empty() => {
            let told = |error| Failure::new(format!("`{}` are no words: {error}", words.slot()));
            Some(serde_json::from_slice(&call.read(words.slot())?).map_err(told)?)
        }
        _ => None,
    };
    let mut placed = Vec::with_capacity(sound.sfx.len());
    for (index, effect) in sound.sfx.iter().enumerate() {
        let word = match &effect.at {
            Some(at) => said_at(at, words.as_ref(), scene)?,
            None => 0,
        };
        let path = call.scratch.join(format!("effect-{scene}-{index}.wav"));
        placed.push(Placed {
            samples: decode(&call.one(effect.file.slot())?.path, &path)?,
            path,
            start: start.sample + word + samples(effect.after),
            gain: factor(decibels(effect.gain)) as f32,
            fades: (0, 0),
            repeat: false,
        });
    }
    Ok(placed)
}

/// The sample of the scene with which a word begins.
fn said_at(at: &str, words: Option<&Words>, scene: usize) -> Result<u64, Failure> {
    let missing = || {
        Failure::new(format!("an effect comes in at `{at}`, which is not said in scene {}", scene + 1))
            .help("`at` names a word as captions show it")
    };
    let words = words.ok_or_else(missing)?;
    let texts: Vec<String> = words.words.iter().map(|word| bare(&word.text)).collect();
    let found = find(&texts, at, 0).ok_or_else(missing)?;
    Ok(rescale(words.words[found].start, words.rate, SAMPLE_RATE))
}

/// Any sound as the mix takes it; how many samples it has.
fn decode(from: &Path, to: &Path) -> Result<u64, Failure> {
    let reader = AudioReader::open(from, SAMPLE_RATE, 2, SoundRange::ALL).map_err(crate::failure)?;
    let mut encoder = SoundEncoder::create(to, SoundFormat::WavFloat, 2).map_err(crate::failure)?;
    for block in reader {
        encoder.push(&block.map_err(crate::failure)?).map_err(crate::failure)?;
    }
    encoder.finish().map_err(crate::failure)
}
