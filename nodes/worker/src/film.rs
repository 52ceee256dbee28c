//! Runs of the kinds of film. It knows no schedule.

pub mod mix;
