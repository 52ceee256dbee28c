//! Kinds of node that make, hear or read speech. They know no picture.

pub mod level;
pub mod subtitles;
pub mod transcribe;
pub mod tts;
