//! Runs of the kinds of film. It knows no schedule.

pub mod beside;
pub mod compare;
pub mod cues;
pub mod encode;
pub mod expect;
pub mod frames;
pub mod gif;
pub mod loudness;
pub mod mix;
pub mod mux;
pub mod package;
pub mod passage;
pub mod sound;
pub mod thumbnail;
pub mod track;
pub mod trial;
