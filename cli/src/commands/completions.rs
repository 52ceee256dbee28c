//! `reel completions` and `reel man`: the command line for shells and for `man`. They know no project.

use std::path::Path;
use std::{fs, io};

use clap::{Command, CommandFactory};
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use crate::args::{Cli, Completions, Man};
use crate::completing;
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{count, print, print_json, print_line};

pub(super) fn run(args: &Completions) -> Result<Exit, CommandError> {
    let text = completing::script(&args.shell.to_string())
        .map_err(|error| CommandError::failed(format!("there is no script for `{}`: {error}", args.shell)))?;
    print(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}

pub(super) fn man(call: &Invocation, args: &Man) -> Result<Exit, CommandError> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &args.folder else {
        let page = page(&command)
            .map_err(|error| CommandError::failed(format!("cannot write the page: {error}")))?;
        print(&String::from_utf8_lossy(&page));
        return Ok(Exit::Done);
    };
    let folder = call.config.here.join(folder);
    let written = fs::create_dir_all(&folder).and_then(|()| write(&folder, &command, "reel"));
    let written = written
        .map_err(|error| CommandError::failed(format!("cannot write to `{}`: {error}", folder.display())))?;
    if call.global.json {
        print_json(&json!({ "event": "man", "folder": folder, "pages": written }));
    } else if !call.global.quiet {
        print_line(&format!("{} in `{}`", count(written, "page"), folder.display()));
    }
    Ok(Exit::Done)
}

/// A page for a command and for each of its own; how many there are.
fn write(folder: &Path, command: &Command, name: &str) -> io::Result<usize> {
    fs::write(folder.join(format!("{name}.1")), page(command)?)?;
    let mut written = 1;
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        written += write(folder, inner, &format!("{name}-{}", inner.get_name()))?;
    }
    Ok(written)
}

/// The page of one command. What stands behind its options in `--help` gets the headings that pages have for it.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = clap_mangen::Man::new(command.clone());
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for part in after.split("\n\n").filter(|part| !part.trim().is_empty()) {
        let mut roff = Roff::new();
        match part.split_once(':') {
            Some(("Examples" | "Example", lines)) => {
                roff.control("SH", ["EXAMPLES"]);
                for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
                    roff.control("PP", []).control("RS", ["4"]).text([roman(line)]).control("RE", []);
                }
            }
            Some(("Exit codes", codes)) => {
                roff.control("SH", ["EXIT STATUS"]).text([roman(codes.trim())]);
            }
            _ => {
                roff.control("SH", ["NOTES"]).text([roman(part.trim())]);
            }
        }
        roff.to_writer(&mut out)?;
    }
    Ok(out)
}
