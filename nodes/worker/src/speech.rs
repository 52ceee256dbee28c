//! Runs of the kinds of speech. It knows no scene.

pub mod level;
pub mod speak;
pub mod subtitles;
pub mod transcribe;
pub mod tts;
