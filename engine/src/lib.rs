//! The build engine of reel. It knows no video and no terminal.

pub mod artifact;
pub mod cache;
pub mod claim;
pub mod diagnostic;
pub mod digest;
pub mod executor;
pub mod id;
pub mod operation;
pub mod quantity;
pub mod read;
pub mod span;
pub mod spec;
