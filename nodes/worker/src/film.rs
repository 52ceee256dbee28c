//! Runs of the kinds of film. It knows no schedule.

pub mod beside;
pub mod compare;
pub mod cues;
pub mod encode;
pub mod expect;
pub mod mix;
pub mod mux;
pub mod thumbnail;
