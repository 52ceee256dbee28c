//! `reel-speak` says one utterance with espeak-ng and exits; it knows no project, no cache and no film.
//!
//! A fresh process for every utterance, because what one utterance leaves behind in espeak-ng changes
//! the sound of the next: the first of a process is the same, byte for byte, every time.
//!
//! | call | answer on stdout |
//! |---|---|
//! | `reel-speak --identity` | one JSON line: `program`, `version`, `build`, `espeak`, `data`, `library`, `voices`, `variants` |
//! | `reel-speak --list-voices` | one JSON line: `voices`, and the `variants` that follow a `+` |
//! | `reel-speak`, a request on stdin | one JSON line (`rate`, `samples`, `events`), then the samples |
//!
//! Samples are signed 16-bit little-endian mono. No silence is added after the last word. An error is
//! one JSON line (`error`, `help`) with exit code 2 when the request is wrong and 1 when the engine is.

mod answer;
mod espeak;
mod request;
mod voices;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::answer::{Failure, Header, Mark};
use crate::espeak::{Engine, EngineError, EventKind, Manner, Speech};
use crate::request::Request;
use crate::voices::{UnknownVoice, VoiceTable};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The longest speech: half an hour.
const LONGEST_SECONDS: u32 = 30 * 60;

#[derive(Serialize)]
struct IdentityLine<'a> {
    program: &'static str,
    version: &'static str,
    build: &'static str,
    espeak: String,
    data: String,
    library: Option<String>,
    /// All that a request may name as its voice, before a `+`.
    voices: BTreeSet<&'a str>,
    /// What may follow it.
    variants: &'a BTreeSet<String>,
}

#[derive(Serialize)]
struct VoicesLine<'a> {
    voices: BTreeSet<&'a str>,
    variants: &'a BTreeSet<String>,
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let failure = match run(&mut out) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(failure)) => failure,
        // Nobody reads the answer any more, so nobody would read a message either.
        Err(_) => return ExitCode::FAILURE,
    };
    match answer::write_line(&mut out, &failure) {
        Ok(()) => ExitCode::from(failure.code()),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Outer error: stdout is gone. Inner error: to be told on stdout.
fn run(out: &mut impl Write) -> io::Result<Result<(), Failure>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    match arguments[..] {
        [] => say(out),
        ["--identity"] => identity(out),
        ["--list-voices"] => list_voices(out),
        [first, ..] => Ok(Err(Failure::input(
            format!("unknown argument `{first}`"),
            "use --identity, --list-voices, or no argument and a request on stdin",
        ))),
    }
}

fn identity(out: &mut impl Write) -> io::Result<Result<(), Failure>> {
    let engine = match Engine::start() {
        Ok(engine) => engine,
        Err(error) => return Ok(Err(engine_failure(&error))),
    };
    let (found, table) = (engine.identity(), engine.voices());
    let line = IdentityLine {
        program: "reel-speak",
        version: VERSION,
        build: VERSION,
        espeak: found.version,
        data: found.data,
        library: found.library,
        voices: table.accepted(),
        variants: table.variants(),
    };
    answer::write_line(out, &line).map(Ok)
}

fn list_voices(out: &mut impl Write) -> io::Result<Result<(), Failure>> {
    let table = match voices() {
        Ok((_, table)) => table,
        Err(failure) => return Ok(Err(failure)),
    };
    answer::write_line(out, &VoicesLine { voices: table.names(), variants: table.variants() }).map(Ok)
}

fn say(out: &mut impl Write) -> io::Result<Result<(), Failure>> {
    match Request::read(io::stdin().lock()).and_then(|request| speak(&request)) {
        Ok((header, samples)) => answer::write_speech(out, &header, &samples).map(Ok),
        Err(failure) => Ok(Err(failure)),
    }
}

/// Starts the engine and lists its voices; none at all is a broken installation.
fn voices() -> Result<(Engine, VoiceTable), Failure> {
    let engine = Engine::start().map_err(|error| engine_failure(&error))?;
    let table = engine.voices();
    if table.names().is_empty() {
        return Err(engine_failure(&EngineError::NoData));
    }
    Ok((engine, table))
}

fn speak(request: &Request) -> Result<(Header, Vec<i16>), Failure> {
    let (engine, table) = voices()?;
    let voice = table.find(&request.voice).map_err(voice_failure)?;
    let manner = Manner {
        rate: whole(request.rate),
        pitch: whole(request.pitch),
        range: whole(request.range),
        volume: whole(request.volume),
        gap: whole(request.gap),
        ssml: request.ssml,
    };
    let rate = engine.rate();
    let limit = rate.saturating_mul(LONGEST_SECONDS) as usize;
    let speech = engine.say(&request.text, &voice, &manner, limit).map_err(|error| engine_failure(&error))?;
    Ok(header(rate, speech))
}

/// A number whose range was checked when the request was read.
fn whole(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn header(rate: u32, speech: Speech) -> (Header, Vec<i16>) {
    let count = speech.samples.len();
    let marks = speech.events.iter().map(|event| Mark {
        kind: match event.kind {
            EventKind::Word => "word",
            EventKind::Sentence => "sentence",
            EventKind::End => "end",
        },
        position: event.position,
        length: event.length,
        sample: usize::try_from(event.sample).unwrap_or(0).min(count),
    });
    (Header { rate, samples: count, events: marks.collect() }, speech.samples)
}

fn voice_failure(unknown: UnknownVoice) -> Failure {
    let UnknownVoice { what, name, nearest } = unknown;
    let nearest: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
    let help = format!("nearest: {}; `reel-speak --list-voices` prints all", nearest.join(", "));
    Failure::input(format!("unknown {what} `{name}`"), help)
}

fn engine_failure(error: &EngineError) -> Failure {
    let report = "say the text with the `espeak-ng` program to see whether it fails there too";
    match error {
        EngineError::NoData => Failure::engine(
            "espeak-ng finds no voice data",
            "install the package `espeak-ng-data`, and see that its folder can be read",
        ),
        EngineError::UsedTwice => Failure::engine("espeak-ng was started twice in a process", report),
        EngineError::Refused(what) => Failure::engine(format!("espeak-ng {what}"), report),
        EngineError::ZeroByte => Failure::input("the request has a zero byte", "take it out"),
        EngineError::TooLong => Failure::input(
            format!("the text takes more than {} minutes to say", LONGEST_SECONDS / 60),
            "send one sentence at a time",
        ),
    }
}
