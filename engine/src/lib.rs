//! The build engine of reel. It knows no video and no terminal.

pub mod artifact;
pub mod cache;
pub mod claim;
pub mod diagnostic;
pub mod digest;
pub mod event;
pub mod executor;
pub mod explain;
pub mod file_state;
pub mod graph;
mod hands;
pub mod history;
pub mod id;
pub mod key;
pub mod machine;
pub mod memo;
pub mod operation;
pub mod output;
pub mod paths;
pub mod plan;
pub mod quantity;
pub mod read;
pub mod schedule;
pub mod schema;
pub mod session;
pub mod snapshot;
pub mod span;
pub mod spec;
pub mod takes;
#[cfg(any(test, fuzzing))]
pub mod torn;
