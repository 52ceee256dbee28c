//! How a command ends: what went wrong, said once, and the exit code. It knows no command.

use std::process::ExitCode;

use reel_engine::diagnostic::Diagnostic;
use reel_engine::session::Faulty;
use reel_engine::span::Sources;
use serde_json::{Value, json};

use crate::diagnostics;
use crate::ui::{Paint, add};

/// How a command ended that said itself all there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All that was asked for is there.
    Done,
    /// Something failed.
    Failed,
    /// The project or the command line is wrong.
    Wrong,
    /// Somebody stopped it.
    Interrupted,
}

impl Exit {
    /// The number that a shell sees.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Wrong => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The project is wrong: every reason, with its place.
    Faulty(Box<Faulty>),
    /// The command line is wrong, or what it points at.
    Usage(Told),
    /// The machine did not play along.
    Failed(Told),
}

/// One error without a place in a file.
#[derive(Debug)]
pub(crate) struct Told {
    message: String,
    help: Option<String>,
}

impl CommandError {
    /// Problems in files.
    pub(crate) fn faulty(problems: Vec<Diagnostic>, sources: Sources) -> Self {
        Self::Faulty(Box::new(Faulty { problems, sources, spec_files: Vec::new() }))
    }

    /// The command line is wrong; `help` tells what to do next.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage(Told { message: message.into(), help: Some(help.into()) })
    }

    /// Something failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Told { message: message.into(), help: None })
    }

    /// What to do next.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        if let Self::Usage(told) | Self::Failed(told) = &mut self {
            told.help = Some(help.into());
        }
        self
    }

    /// The exit code that goes with it.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Faulty(_) | Self::Usage(_) => Exit::Wrong,
            Self::Failed(_) => Exit::Failed,
        }
    }

    /// For people.
    pub(crate) fn draw(&self, paint: Paint) -> String {
        match self {
            Self::Faulty(faulty) => diagnostics::draw(&faulty.problems, &faulty.sources, paint),
            Self::Usage(told) | Self::Failed(told) => {
                let mut text = format!("{}: {}\n", paint.bad("error"), told.message);
                if let Some(help) = &told.help {
                    add(&mut text, format_args!("{}: {help}\n", paint.help("help")));
                }
                text
            }
        }
    }

    /// For programs: an object for each problem.
    pub(crate) fn json(&self) -> Vec<Value> {
        match self {
            Self::Faulty(faulty) => {
                faulty.problems.iter().map(|problem| diagnostics::json(problem, &faulty.sources)).collect()
            }
            Self::Usage(told) | Self::Failed(told) => vec![json!({
                "event": "diagnostic",
                "severity": "error",
                "code": null,
                "message": told.message,
                "file": null,
                "line": null,
                "column": null,
                "help": told.help,
            })],
        }
    }
}

impl From<Faulty> for CommandError {
    fn from(faulty: Faulty) -> Self {
        Self::Faulty(Box::new(faulty))
    }
}

impl From<Diagnostic> for CommandError {
    fn from(problem: Diagnostic) -> Self {
        Self::faulty(vec![problem], Sources::default())
    }
}
