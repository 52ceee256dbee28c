//! Values of film and sound that kinds share: exact time, words, sizes. It knows no engine and no FFmpeg.

pub mod time;
pub mod words;
