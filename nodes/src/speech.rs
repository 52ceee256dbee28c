//! Kinds of node that make or hear speech. They know no picture.

pub mod level;
pub mod transcribe;
pub mod tts;
