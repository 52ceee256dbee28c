//! What is written back: one JSON line, and the samples after it; it knows no engine.

use std::io::{self, Write};

use serde::Serialize;

/// Why there is no speech, and what to do about it.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    error: String,
    help: String,
    #[serde(skip)]
    code: u8,
}

impl Failure {
    /// What was asked cannot be done: exit code 2.
    pub(crate) fn input(error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { error: error.into(), help: help.into(), code: 2 }
    }

    /// The engine or the machine failed: exit code 1.
    pub(crate) fn engine(error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { error: error.into(), help: help.into(), code: 1 }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

/// The line before the samples.
#[derive(Serialize)]
pub(crate) struct Header {
    /// Samples a second.
    pub rate: u32,
    /// How many samples follow.
    pub samples: usize,
    /// Words, sentences and ends in the order of the text.
    pub events: Vec<Mark>,
}

/// One place of the text in the samples.
#[derive(Serialize)]
pub(crate) struct Mark {
    /// `word`, `sentence` or `end`.
    pub kind: &'static str,
    /// Character of the text, counted from 1.
    pub position: i32,
    /// Length of a word in characters, else 0.
    pub length: i32,
    /// Index of its first sample.
    pub sample: usize,
}

/// Writes a value as one line of JSON.
pub(crate) fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    out.write_all(&line)?;
    out.flush()
}

/// Writes the header line and then the samples, little-endian.
pub(crate) fn write_speech(out: &mut impl Write, header: &Header, samples: &[i16]) -> io::Result<()> {
    write_line(out, header)?;
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    out.write_all(&bytes)?;
    out.flush()
}
