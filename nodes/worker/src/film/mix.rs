//! The run of `mix`: looks at plans, words and effects, and lets the film's sound be cut into passages. It mixes
//! nothing.

use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::mix::{Known, Params, SceneSound, subgraph};
use reel_nodes::media::time::SAMPLE_RATE;
use serde::de::DeserializeOwned;

use crate::av::{AudioReader, SoundRange};
use crate::params;

/// Makes the nodes that fill port `audio`.
///
/// # Errors
/// When an input cannot be read, or plans and voices disagree.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let mut known = Known::default();
    for scene in &params.scenes {
        known.plans.push(read(call, scene.plan.slot(), "plan")?);
        known.words.push(match &scene.words {
            Some(words) if !scene.sfx.is_empty() => Some(read(call, words.slot(), "list of words")?),
            _ => None,
        });
        known.voices.push(scene.voices.iter().map(|voice| call.many(voice.slot()).len() as u32).collect());
        known.effects.push(lengths(call, scene)?);
    }
    let graph = subgraph(&params, &known)?;
    Ok(Outcome { graph: Some(graph), ..Outcome::default() })
}

/// How many samples each effect of a scene has.
fn lengths(call: &Call<'_>, scene: &SceneSound) -> Result<Vec<u64>, Failure> {
    scene.sfx.iter().map(|effect| length(&call.one(effect.file.slot())?.path)).collect()
}

fn length(path: &Path) -> Result<u64, Failure> {
    let reader = AudioReader::open(path, SAMPLE_RATE, 1, SoundRange::ALL).map_err(crate::failure)?;
    let mut samples = 0;
    for block in reader {
        samples += block.map_err(crate::failure)?.len() as u64;
    }
    Ok(samples)
}

fn read<T: DeserializeOwned>(call: &Call<'_>, slot: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("`{slot}` is no {what}: {error}")))
}
