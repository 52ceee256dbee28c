//! The run of `loudness`: how loud a passage of a film is. It knows no other passage.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::loudness::Params;

use crate::mixer::Mixer;
use crate::params;
use crate::sound::loudness::BlockMeter;

/// Measures what is heard into port `loudness`.
///
/// # Errors
/// When a sound cannot be read.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let passage = &params.passage;
    let own = passage.before..passage.samples.saturating_sub(passage.after);
    let mut meter = BlockMeter::new(own).ok_or_else(|| Failure::new("no loudness meter for stereo"))?;
    Mixer::open(call, passage)?.play(None, |all, _| {
        meter.push(all);
        Ok(())
    })?;
    let json = serde_json::to_vec(&meter.finish()).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Outcome::default().with_bytes("loudness", "application/json", json))
}
