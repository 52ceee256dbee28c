//! The runs of kinds that decode bytes from outside or call C. It knows no schedule, cache or terminal.

pub mod av;
pub mod confine;
pub mod draw;
pub mod frame;
pub mod film;
pub mod identity;
pub mod runs;
pub mod serve;
pub mod sound;
pub mod speech;

use reel_engine::operation::{Call, Failure, FailureCode};
use serde::de::DeserializeOwned;

/// The parameters of a call, typed.
pub(crate) fn params<P: DeserializeOwned>(call: &Call<'_>) -> Result<P, Failure> {
    serde_json::from_value(call.params.clone())
        .map_err(|error| Failure::new(format!("parameters are not what this worker knows: {error}")))
}

/// A failure at the FFmpeg border, with what FFmpeg said.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(crate) fn failure(error: av::AvError) -> Failure {
    Failure::new(error.to_string()).help(error.help()).log(av::take_log())
}

/// What a run says that was told to stop.
pub(crate) fn cancelled() -> Failure {
    Failure::of(FailureCode::Cancelled, "cancelled")
}
