//! `gain`: the gain of a film, from how loud its passages are. It knows no sound.
//!
//! ```yaml
//! nodes:
//!   gain: { uses: gain, with: { passages: ["${loud.loudness}"], loudness: -14dB } }
//! ```

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Call, Failure, Info, Input, Json, Kind, Outcome, Reproducible, Site};
use reel_engine::quantity::Gain;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::passage::{FilmGain, Loudness};

/// `with:` of `gain`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What `loudness` says of each passage of the film, in any order.
    #[schemars(length(min = 1))]
    pub passages: Vec<Input<Json>>,
    /// Loudness that the film is brought to, in LUFS (written as dB below full scale).
    #[serde(default = "default_loudness")]
    pub loudness: Gain,
}

fn default_loudness() -> Gain {
    Gain::from_hundredths(-1400)
}

/// Below this a measurement means silence: the absolute gate of ITU-R BS.1770-4.
const SILENCE_LUFS: f64 = -70.0;
/// Blocks that are softer than the others together by more than this do not count: its relative gate.
const RELATIVE_GATE: f64 = -10.0;
/// What its formula adds to the power of a sound.
const OFFSET: f64 = -0.691;

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct LevelOfFilm;

impl Kind for LevelOfFilm {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "gain",
            version: 1,
            summary: "finds the gain that brings a film to its loudness",
            example: "gain: { uses: gain, with: { passages: [\"${loud.loudness}\"], loudness: -14dB } }",
            site: Site::Inline,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("gain", PortType::Json)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::tiny()
    }

    fn in_memory(&self) -> bool {
        true
    }

    fn run(&self, params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut passages: Vec<Loudness> = Vec::new();
        for slot in params.passages.iter().map(Input::slot) {
            for file in call.many(slot) {
                let bytes =
                    file.read().map_err(|error| Failure::new(format!("cannot read `{slot}`: {error}")))?;
                let told = |error| Failure::new(format!("`{slot}` is not what `loudness` says: {error}"));
                passages.push(serde_json::from_slice(&bytes).map_err(told)?);
            }
        }
        let measured = integrated(&passages);
        let target = f64::from(params.loudness.hundredths()) / 100.0;
        // Half decibels, so that a small edit seldom changes the level of the whole film.
        let halves = measured.map_or(0.0, |lufs| ((target - lufs) * 2.0).round());
        let gain = FilmGain { gain: Gain::from_hundredths(halves as i32 * 50) };
        let json = serde_json::to_vec(&gain).map_err(|error| Failure::new(error.to_string()))?;
        let measured = measured.map_or_else(|| "-inf".to_owned(), |lufs| format!("{lufs:.2}"));
        let log = format!("loudness {measured} LUFS before, film gain {:+.1} dB\n", halves / 2.0);
        Ok(Outcome { log, ..Outcome::default() }.with_bytes("gain", "application/json", json))
    }
}

/// Integrated loudness of passages that stand one after the other, in LUFS; `None` for silence. What is shorter than
/// a gating block, or all below the gates, is measured without gates (and without the filter, which at speech's
/// frequencies is near 0 dB).
fn integrated(passages: &[Loudness]) -> Option<f64> {
    let energies: Vec<f64> = passages
        .iter()
        .flat_map(|passage| &passage.blocks)
        .map(|block| 10_f64.powf((f64::from(*block) / 1e6 - OFFSET) / 10.0))
        .collect();
    if let Some(all) = mean(energies.iter().copied()) {
        let gate = all * 10_f64.powf(RELATIVE_GATE / 10.0);
        return mean(energies.into_iter().filter(|energy| *energy >= gate)).map(lufs);
    }
    let power: f64 = passages.iter().map(|passage| passage.power as f64 / 1e12).sum();
    let samples: u64 = passages.iter().map(|passage| passage.samples).sum();
    let ungated = lufs(power / samples.max(1) as f64);
    (ungated > SILENCE_LUFS).then_some(ungated)
}

fn lufs(energy: f64) -> f64 {
    OFFSET + 10.0 * energy.log10()
}

fn mean(energies: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u64);
    energies.for_each(|energy| {
        sum += energy;
        count += 1;
    });
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(blocks: &[i32], power: u64) -> Loudness {
        Loudness { blocks: blocks.to_vec(), power, samples: 48_000 }
    }

    #[test]
    fn softer_blocks_than_the_gate_do_not_count() {
        let loud = passage(&[-20_000_000; 10], 0);
        let quiet = passage(&[-45_000_000; 10], 0);
        assert!((integrated(&[loud.clone(), quiet]).unwrap() + 20.0).abs() < 1e-9);
        let near = integrated(&[loud, passage(&[-24_000_000; 10], 0)]).unwrap();
        assert!((near + 21.55).abs() < 0.01, "{near}");
    }

    #[test]
    fn what_has_no_block_is_measured_without_gates_and_silence_not_at_all() {
        // A sine at half of full scale in both channels has a power of 0.25 a sample.
        let short = integrated(&[passage(&[], 12_000_000_000_000_000)]).unwrap();
        assert!((short + 6.71).abs() < 0.01, "{short}");
        assert_eq!(integrated(&[passage(&[], 0)]), None);
        assert_eq!(integrated(&[]), None);
    }
}
