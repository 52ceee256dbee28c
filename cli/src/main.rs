//! `reel` at the command line: parses it, runs one command, says how it went. It knows no command's doing.

mod args;
mod bundle;
mod capacity;
mod commands;
mod completing;
mod config;
mod diagnostics;
mod error;
mod logs;
mod open;
mod page;
mod processes;
mod report;
mod signals;
mod texts;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use mimalloc::MiMalloc;

use crate::args::Cli;
use crate::config::Config;
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{Ui, print_error, print_json};

/// A project of many nodes is many small pieces of memory: a third of the time of reading one was the system's
/// allocator.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    completing::answer();
    let Cli { global, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => return misread(&wrong),
    };
    let config = Config::read();
    let mut ui = Ui::new(global.color, config.no_color(), config.dumb_terminal());
    // Nothing is set up for those who do not ask: a build with nothing to do takes a few milliseconds.
    if let Some(wish) = config.text(logs::VARIABLE) {
        // Lines that are drawn again and again would be torn.
        ui.live = false;
        if let Err(wrong) = logs::begin(&wish, ui.err()) {
            print_error(&format!("warning: cannot read `{}={wish}`: {wrong}\n", logs::VARIABLE));
        }
    }
    let call = Invocation::new(global, config, ui);
    match commands::run(&call, command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            if call.global.json {
                error.json().iter().for_each(print_json);
            } else {
                print_error(&error.draw(call.ui.err()));
            }
            error.exit().into()
        }
    }
}

/// A command line that cannot be read, or one that asks for help, which is no mistake.
fn misread(wrong: &clap::Error) -> ExitCode {
    let for_programs = std::env::args_os().take_while(|arg| arg != "--").any(|arg| arg == "--json");
    if !(for_programs && wrong.use_stderr()) {
        wrong.exit();
    }
    let text = wrong.render().to_string();
    // The first paragraph is the mistake; what follows is what else there is.
    let (message, rest) = text.trim().split_once("\n\n").unwrap_or((text.trim(), ""));
    let message = message.trim_start_matches("error: ");
    let help = rest.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    CommandError::usage(message, help).json().iter().for_each(print_json);
    Exit::Wrong.into()
}
