//! `reel ci`: a build where nobody looks on, with reports for its host: JUnit's XML, and a page in Markdown.

mod after;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use super::build::attempt::{Done, Telling};
use super::build::{build, found};
use crate::args::{Ci, Making};
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::report::junit::{self, Problem};
use crate::report::markdown::Page;
use crate::report::roll::{Entries, Roll};
use crate::signals;
use crate::ui::{Paint, print_error};

pub(super) fn run(call: &Invocation, args: &Ci) -> Result<Exit, CommandError> {
    let held = signals::hold();
    let call = &call.without_terminal();
    let roll = Roll::default();
    let telling = Telling { summary: true, roll: Some(roll.clone()), ..Telling::of(&args.insight) };
    let making = Making { locked: true, ..args.making.clone() };
    let built = build(call, making, telling, &held, None);
    let entries = roll.entries().clone();
    let problems = problems(&built);
    if let (Err(error), true) = (&built, call.global.json) {
        print_error(&error.draw(Paint(false)));
    }
    if let Ok(done) = &built
        && args.insight.check_inputs
        && !done.summary.interrupted
    {
        print_error(&found(done.found));
    }
    let told = tell(call, args, &entries, problems);
    let exit = built?.exit();
    Ok(if exit == Exit::Done && !told { Exit::Failed } else { exit })
}

/// What kept a build from beginning, or from knowing what was asked for.
fn problems(built: &Result<Done, CommandError>) -> Vec<Problem> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of_json = |problem: &Value| Problem {
        place: match (problem["file"].as_str(), problem["line"].as_u64()) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.to_owned(),
            (None, _) => "reel".to_owned(),
        },
        code: text(&problem["code"]),
        message: text(&problem["message"]).unwrap_or_default(),
        help: text(&problem["help"]),
    };
    match built {
        Err(error) => {
            error.json().iter().filter(|problem| problem["severity"] == "error").map(of_json).collect()
        }
        Ok(done) => {
            let unknown = done.summary.unknown.iter();
            let of_name = |problem: &reel_engine::diagnostic::Diagnostic| Problem {
                place: "reel".to_owned(),
                code: Some(problem.code.0.to_owned()),
                message: problem.message.clone(),
                help: problem.help.clone(),
            };
            unknown.map(of_name).collect()
        }
    }
}

/// Writes the reports; whether all that were asked for are written.
fn tell(call: &Invocation, args: &Ci, entries: &Entries, problems: Vec<Problem>) -> bool {
    let summary = match &args.summary {
        Some(file) => Some(call.config.here.join(file)),
        None => call.config.job_summary(),
    };
    let junit = args.junit.as_ref().map(|file| call.config.here.join(file));
    if junit.is_none() && summary.is_none() {
        return true;
    }
    let page = match after::page(call, &args.making, entries) {
        Ok(page) => Page { problems, ..page },
        // Then this is among the problems.
        Err(_) => Page { project: folder_name(call), problems, ..Page::default() },
    };
    let mut told = true;
    if let Some(file) = junit {
        let report = junit::report(&page.project, entries, &page.problems);
        told &= noted("JUnit report", &file, with_folder(&file).and_then(|()| fs::write(&file, report)));
    }
    if let Some(file) = summary {
        let text = page.text(entries);
        let written = with_folder(&file)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(&file))
            .and_then(|mut file| file.write_all(text.as_bytes()));
        told &= noted("summary", &file, written);
    }
    told
}

/// The folder of a report is made where there is none: a long build is not to fail for it.
fn with_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

fn noted(what: &str, file: &Path, written: io::Result<()>) -> bool {
    if let Err(error) = &written {
        print_error(&format!("error: cannot write the {what} to `{}`: {error}\n", file.display()));
    }
    written.is_ok()
}

/// What a project that cannot be read is called.
fn folder_name(call: &Invocation) -> String {
    let root = call.root().ok();
    let name = root.as_ref().and_then(|root| root.file_name());
    name.map_or_else(|| "reel".to_owned(), |name| name.to_string_lossy().into_owned())
}
