//! What the plans of a film's scenes come to together. It knows no segment.

use reel_engine::operation::{Call, Failure, Input, Json};
use reel_nodes::media::plan::Plan;
use reel_nodes::media::time::FrameRate;

/// The frame on which each plan begins, at last that behind the film, and the frame rate.
pub(crate) fn expected(call: &Call<'_>, plans: &[Input<Json>]) -> Result<(Vec<u64>, FrameRate), Failure> {
    let mut starts = vec![0];
    let mut frames = 0;
    let mut rate = None;
    for plan in plans {
        for file in call.many(plan.slot()) {
            let bytes = std::fs::read(&file.path)
                .map_err(|error| Failure::new(format!("cannot read a plan: {error}")))?;
            let plan: Plan = serde_json::from_slice(&bytes)
                .map_err(|error| Failure::new(format!("`{}` is not a plan: {error}", plan.slot())))?;
            frames += plan.frames;
            starts.push(frames);
            if *rate.get_or_insert(plan.fps) != plan.fps {
                return Err(Failure::new("the plans have different frame rates"));
            }
        }
    }
    let rate = rate.ok_or_else(|| Failure::new("a film needs the plan of at least one scene"))?;
    Ok((starts, rate))
}
