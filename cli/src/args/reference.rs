//! `docs/commands.md` is the help of all commands; this writes it, and compares.

use clap::{Command, CommandFactory};

use super::Cli;
use crate::ui::add;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");

fn page() -> String {
    let mut root = Cli::command().term_width(96);
    root.build();
    let mut text = String::from(
        "# Commands\n\nThis page is the help of each command, as `reel help COMMAND` prints it. It is made by a test:\n\
         `REEL_UPDATE=1 cargo test -p reel reference` writes it anew.\n",
    );
    section(&mut root, "reel", 2, &mut text);
    text
}

fn section(command: &mut Command, path: &str, depth: usize, text: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    add(text, format_args!("\n{} `{path}`\n\n```text\n{}\n```\n", "#".repeat(depth), help.join("\n").trim()));
    let names: Vec<String> = visible(command);
    for name in names {
        if let Some(inner) = command.find_subcommand_mut(&name) {
            section(inner, &format!("{path} {name}"), (depth + 1).min(3), text);
        }
    }
}

fn visible(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|inner| inner.get_name().to_owned()).filter(|name| name != "help").collect()
}

#[test]
fn the_reference_of_commands_is_their_help() {
    let page = page();
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the test")]
    let update = std::env::var_os("REEL_UPDATE").is_some();
    if update {
        std::fs::write(FILE, &page).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(written == page, "docs/commands.md is not what the help says: run this test with REEL_UPDATE=1");
}

#[test]
fn every_command_has_an_example_that_parses() {
    fn look(command: &Command, path: &str) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Examples:"), "`{path}` has no example");
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            for call in line.trim().split(" && ").filter(|call| call.starts_with("reel ")) {
                let call =
                    call.split(" | ").next().unwrap_or_default().split(" > ").next().unwrap_or_default();
                if let Err(error) = Cli::command().try_get_matches_from(call.split(' ')) {
                    assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "`{call}`: {error}");
                }
            }
        }
        for name in visible(command) {
            look(command.find_subcommand(&name).unwrap(), &format!("{path} {name}"));
        }
    }
    look(&Cli::command(), "reel");
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}
