//! `reel completions` and `reel man`: the command line for shells and for `man`. They know no project.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use serde_json::json;

use crate::args::{Cli, Completions, Man};
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{count, print, print_json, print_line};

pub(super) fn run(args: &Completions) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "reel", &mut text);
    print(&String::from_utf8_lossy(&text));
    Exit::Done
}

pub(super) fn man(call: &Invocation, args: &Man) -> Result<Exit, CommandError> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map_err(|error| CommandError::failed(format!("cannot write the page: {error}")))?;
        print(&String::from_utf8_lossy(&page));
        return Ok(Exit::Done);
    };
    let folder = call.config.here.join(folder);
    let written = write(&folder, command);
    let written = written
        .map_err(|error| CommandError::failed(format!("cannot write to `{}`: {error}", folder.display())))?;
    if call.global.json {
        print_json(&json!({ "event": "man", "folder": folder, "pages": written }));
    } else if !call.global.quiet {
        print_line(&format!("{} in `{}`", count(written, "page"), folder.display()));
    }
    Ok(Exit::Done)
}

/// A page for reel and for each command.
fn write(folder: &Path, command: clap::Command) -> std::io::Result<usize> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)?;
    Ok(fs::read_dir(folder)?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "1"))
        .count())
}
