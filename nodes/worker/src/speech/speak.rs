//! Calls `reel-speak`: one fresh process an utterance. It knows no artifact and no node.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use reel_engine::operation::{Failure, FailureCode, How, Use};
use reel_nodes::closed::{self, Open};
use reel_nodes::trace::{self, Declared};
use serde::{Deserialize, Serialize};

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
static LIBRARIES: OnceLock<Vec<PathBuf>> = OnceLock::new();
static WATCHED: OnceLock<Declared> = OnceLock::new();

/// Names folders of libraries that are not where the system has its own; the first call counts.
pub fn set_libraries(folders: Vec<PathBuf>) {
    let _ = LIBRARIES.set(folders);
}

/// Names the program; the first call counts.
pub fn set_program(path: PathBuf) {
    let _ = PROGRAM.set(path);
}

/// From now on the program is watched, and what it uses beside what is declared is told; the first call counts.
pub fn watch(declared: Declared) {
    let _ = WATCHED.set(declared);
}

/// The program that was named, else the one beside this one.
#[must_use]
pub fn program() -> PathBuf {
    PROGRAM.get().cloned().unwrap_or_else(|| {
        let own = std::env::current_exe().unwrap_or_default();
        own.parent().unwrap_or_else(|| Path::new(".")).join("reel-speak")
    })
}

/// What is said, and how.
#[derive(Debug, Clone, Serialize)]
pub struct Utterance<'a> {
    /// The text.
    pub text: &'a str,
    /// The engine's name of the voice.
    pub voice: &'a str,
    /// Words per minute.
    pub rate: u32,
    /// From 0 to 99.
    pub pitch: u32,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    /// Samples per second.
    pub rate: u32,
    /// Mono.
    pub samples: Vec<i16>,
    /// Where words begin: character of the text (from 0) and sample.
    pub words: Vec<(usize, u64)>,
    /// What the program used and did not declare, if it is watched.
    pub used: Vec<Use>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Header {
    Speech { rate: u32, samples: u64, events: Vec<Mark> },
    Error { error: String, help: Option<String> },
}

#[derive(Deserialize)]
struct Mark {
    kind: String,
    position: usize,
    sample: u64,
}

/// Speaks in a fresh process.
///
/// # Errors
/// When the program is not there, dies, or says no.
pub fn speak(utterance: &Utterance<'_>) -> Result<Speech, Failure> {
    let program = program();
    let missing = |error: std::io::Error| {
        Failure::of(FailureCode::Machine, format!("cannot run `{}`: {error}", program.display()))
            .help("`reel doctor` tells what is missing and how to get it")
    };
    // Its text comes through a pipe, and its voices are installed: it needs no file of anybody's.
    let mut open = Open { read: closed::tree(&program), ..Open::default() };
    open.read.extend(LIBRARIES.get().into_iter().flatten().cloned());
    let mut command = Command::new(&program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let request = serde_json::to_vec(utterance).map_err(|error| Failure::new(error.to_string()))?;
    let declared = WATCHED.get();
    let spawned = match declared {
        Some(_) => trace::spawn(&mut command),
        None => closed::spawn(&mut command, &open).map(|(child, _)| child),
    };
    let mut child = spawned.map_err(missing)?;
    let pipes = (child.stdin.take(), child.stdout.take());
    let (answer, status, used) = match declared {
        None => (converse(pipes, &request), child.wait().map_err(missing)?, Vec::new()),
        // Whoever started it must watch it, so somebody else speaks with it.
        Some(declared) => std::thread::scope(|scope| {
            let talk = scope.spawn(|| converse(pipes, &request));
            let watched = trace::watch(&child).map_err(missing)?;
            let answer = talk.join().unwrap_or_else(|_| Err(std::io::Error::other("it was not heard")));
            // The bars around this process are there in every build: what they refuse, it never has.
            let mut used = watched.undeclared(declared);
            used.retain(|used| used.how != How::Refused);
            Ok::<_, Failure>((answer, watched.status, used))
        })?,
    };
    match answer {
        Ok(Ok(speech)) => Ok(Speech { used, ..speech }),
        Ok(Err(failure)) => Err(failure.used(used)),
        Err(error) => Err(broken(&error.to_string(), &status.to_string()).used(used)),
    }
}

/// Sends the request and reads the answer.
fn converse(
    (stdin, stdout): (Option<ChildStdin>, Option<ChildStdout>),
    request: &[u8],
) -> std::io::Result<Result<Speech, Failure>> {
    if let Some(mut stdin) = stdin {
        // A program that refuses the request may end before it has read it; its answer says why.
        drop(stdin.write_all(request));
    }
    read(BufReader::new(stdout.ok_or_else(|| std::io::Error::other("it has no output"))?))
}

fn broken(what: &str, status: &str) -> Failure {
    Failure::of(FailureCode::Crashed, format!("reel-speak ended without a whole answer: {what} ({status})"))
}

/// Outer error: no whole answer came. Inner error: the answer is no.
fn read(mut out: impl BufRead) -> std::io::Result<Result<Speech, Failure>> {
    let mut line = String::new();
    out.read_line(&mut line)?;
    let (rate, count, events) = match serde_json::from_str(&line)? {
        Header::Speech { rate, samples, events } => (rate, samples, events),
        Header::Error { error, help } => {
            let failure = Failure::new(error);
            return Ok(Err(match help {
                Some(help) => failure.help(help),
                None => failure,
            }));
        }
    };
    let mut bytes = Vec::new();
    out.take(count * 2).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != count * 2 {
        return Err(std::io::Error::other(format!("{} of {} bytes of sound", bytes.len(), count * 2)));
    }
    let samples = bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    let words = events.into_iter().filter(|mark| mark.kind == "word");
    let words = words.map(|mark| (mark.position.saturating_sub(1), mark.sample)).collect();
    Ok(Ok(Speech { rate, samples, words, used: Vec::new() }))
}
