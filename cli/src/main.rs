//! `reel` at the command line: parses it, runs one command, says how it went. It knows no command's doing.

mod args;
mod commands;
mod config;
mod diagnostics;
mod error;
mod open;
mod processes;
mod report;
mod signals;
mod texts;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::config::Config;
use crate::open::Invocation;
use crate::ui::{Ui, print_error, print_json};

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let config = Config::read();
    let ui = Ui::new(global.color, config.no_color(), config.dumb_terminal());
    let call = Invocation { global, config, ui };
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
