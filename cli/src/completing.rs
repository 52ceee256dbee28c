//! What may stand at the cursor of a shell: what the command line knows, and the names of the project in this folder. It
//! runs nothing of a project.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use clap::{Command, CommandFactory, Parser};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{CompleteEnv, Shells};
use reel_engine::history::History;
use reel_engine::operation::Registry;
use reel_engine::session::STATE_FOLDER;
use reel_nodes::Host;

use crate::args::{Cli, Global, Reading};
use crate::config::Config;
use crate::open::Invocation;
use crate::ui::Ui;

/// The variable by which the script of a shell asks.
const VARIABLE: &str = "REEL_COMPLETE";
/// Of more names than these, only the next parts are offered.
const MANY: usize = 60;

/// Answers the shell and ends, if this process was started to say what may stand at a cursor.
pub(crate) fn answer() {
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
}

/// The script that makes a shell ask.
///
/// # Errors
/// When there is no such shell.
pub(crate) fn script(shell: &str) -> io::Result<Vec<u8>> {
    let shells = Shells::builtins();
    let shell = shells.completer(shell).ok_or(io::ErrorKind::InvalidInput)?;
    let mut text = Vec::new();
    shell.write_registration(VARIABLE, "reel", "reel", "reel", &mut text)?;
    Ok(text)
}

/// The command line, with where the values of its arguments come from. What an argument takes is told by its name.
fn command() -> Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| {
            let takes = arg.get_value_names().and_then(<[_]>::first).map(|name| name.as_str().to_owned());
            match takes.as_deref() {
                Some("TARGET" | "NODE|OUTPUT|GROUP" | "NODE|GROUP") => arg.add(ArgValueCompleter::new(names)),
                Some("OUTPUT|FILE") => arg.add(ArgValueCompleter::new(names_and_files)),
                Some("KIND") => arg.add(ArgValueCompleter::new(kinds)),
                _ => arg,
            }
        })
    })
}

fn names_and_files(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = names(current);
    found.extend(PathCompleter::any().complete(current));
    found
}

/// Names of outputs, nodes and groups that begin so.
fn names(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(current), Some(call)) = (current.to_str(), call()) else { return Vec::new() };
    let Ok(root) = call.root() else { return Vec::new() };
    let mut all = BTreeSet::new();
    let history = History::read(&root.join(STATE_FOLDER));
    let made = history.nodes().map(|(name, _)| name.to_owned());
    match call.read(&root, &Reading::default(), &registry(&call)) {
        Ok(project) => {
            all.extend(project.outputs.iter().map(|output| output.name.clone()));
            all.extend(project.graph.nodes().map(|(_, node)| node.name.clone()));
            all.extend(made.filter(|name| !project.graph.makers(name).is_empty()));
        }
        // What a project that cannot be read has made is known, too.
        Err(_) => all.extend(made),
    }
    beginning(current, &all).into_iter().map(CompletionCandidate::new).collect()
}

/// The names that begin so; where these are many, each up to the end of its next part.
fn beginning(current: &str, all: &BTreeSet<String>) -> BTreeSet<String> {
    let found = || all.iter().filter(|name| name.starts_with(current));
    if found().count() <= MANY {
        return found().cloned().collect();
    }
    let part = |name: &String| {
        let end = name[current.len()..].find(['.', '/', '[']).map_or(name.len(), |at| current.len() + at);
        // A part that is written whole goes on with what stands behind it.
        if end == current.len() && end < name.len() {
            name[..=end].to_owned()
        } else {
            name[..end].to_owned()
        }
    };
    found().map(part).collect()
}

fn kinds(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(current), Some(call)) = (current.to_str(), call()) else { return Vec::new() };
    let registry = registry(&call);
    let names = registry.kinds().map(|operation| operation.info().name);
    names.filter(|name| name.starts_with(current)).map(CompletionCandidate::new).collect()
}

/// All kinds. What tools have is not asked for: nobody at a cursor waits for a program to be started.
fn registry(call: &Invocation) -> Registry {
    reel_nodes::registry(Host {
        font_dirs: call.config.font_dirs(),
        path: call.config.path(),
        allow_exec: true,
        memo: Some(call.store().join("memo")),
        env: call.config.variables(),
        ..Host::default()
    })
}

/// A call in the folder of the project that the command line names.
fn call() -> Option<Invocation> {
    let global = Cli::try_parse_from(["reel", "check"]).ok()?.global;
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let project = folder(&words).map(|named| match (named.strip_prefix("~/"), std::env::home_dir()) {
        // A shell has not replaced it yet.
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(named),
    });
    Some(Invocation::new(Global { project, ..global }, Config::read(), Ui::none()))
}

/// The value of `-C` or `--project` among the words of a command line.
fn folder(words: &[String]) -> Option<&str> {
    let apart = words.windows(2).find(|pair| pair[0] == "-C" || pair[0] == "--project");
    let joined = || {
        let value = |word: &'_ String| {
            let long = word.strip_prefix("--project=").map(str::len);
            long.or_else(|| word.strip_prefix("-C").map(str::len)).filter(|length| *length > 0)
        };
        words.iter().find_map(|word| Some(&word[word.len() - value(word)?..]))
    };
    apart.map(|pair| pair[1].as_str()).or_else(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(current: &str, names: &[&str]) -> Vec<String> {
        let all = names.iter().map(|name| (*name).to_owned()).collect();
        beginning(current, &all).into_iter().collect()
    }

    #[test]
    fn the_folder_of_the_project_is_found_in_each_of_its_forms() {
        for words in [["-C", "films"].as_slice(), &["--project", "films"], &["-Cfilms"], &["--project=films"]]
        {
            let words: Vec<String> =
                ["reel", "build"].iter().chain(words).map(|word| (*word).to_owned()).collect();
            assert_eq!(folder(&words), Some("films"), "{words:?}");
        }
        assert_eq!(folder(&["reel".to_owned(), "build".to_owned()]), None);
    }

    #[test]
    fn few_names_are_offered_whole_and_of_many_the_next_part() {
        assert_eq!(
            offered("hook.", &["hook.say.1", "hook.say.2", "end.still"]),
            ["hook.say.1", "hook.say.2"]
        );
        let many: Vec<String> =
            (0..100).flat_map(|n| [format!("s{n}.say.1"), format!("s{n}.say.2")]).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let first = offered("", &many);
        assert_eq!(first.len(), 100);
        assert!(first.contains(&"s42".to_owned()));
        assert_eq!(offered("s42.", &many), ["s42.say.1", "s42.say.2"]);
        let rows: Vec<String> = (0..100).map(|n| format!("row[{n}]")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(offered("r", &rows), ["row"]);
        assert_eq!(offered("row", &rows), ["row["]);
    }
}
