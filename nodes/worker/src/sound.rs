//! Arithmetic on samples: loudness, envelopes, limiting. It knows no file and no FFmpeg.

pub mod duck;
pub mod limit;
pub mod loudness;
