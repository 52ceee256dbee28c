//! What reel does, stage by stage, on standard error, when `REEL_LOG` asks for it. It knows no stage.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::time::uptime;

use crate::ui::Paint;

/// The variable that asks for it.
pub(crate) const VARIABLE: &str = "REEL_LOG";

/// Begins to tell what `wish` asks for: `debug`, or by part, such as `reel_engine::cache=trace`.
///
/// # Errors
/// What is wrong with the wish.
pub(crate) fn begin(wish: &str, paint: Paint) -> Result<(), String> {
    let filter = EnvFilter::try_new(wish).map_err(|error| error.to_string())?;
    let told = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(paint.0)
        .with_timer(uptime())
        .with_span_events(FmtSpan::CLOSE);
    told.try_init().map_err(|error| error.to_string())
}
