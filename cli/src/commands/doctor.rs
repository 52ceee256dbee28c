//! `reel doctor`: what is installed, what is missing, and the command that gets it.

mod confined;
mod packages;

use std::collections::BTreeSet;
use std::path::Path;

use reel_engine::executor::toolbox::Toolbox;
use reel_engine::operation::Registry;
use serde_json::json;

use crate::config::Companion;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy};
use crate::ui::{Paint, add, count, print, print_json, print_line};
use packages::Wanted;

/// How the programs beside reel are made.
const INSTALL: &str = "run `scripts/install.sh` in reel's source, which puts it beside reel";

/// One thing that was looked at.
struct Finding {
    what: String,
    /// What there is, or what is wrong.
    found: Result<String, String>,
    /// How to get it.
    help: Option<String>,
}

impl Finding {
    fn new(what: impl Into<String>, found: Result<String, String>, help: impl Into<String>) -> Self {
        let help = found.is_err().then(|| help.into());
        Self { what: what.into(), found, help }
    }
}

pub(super) fn run(call: &Invocation) -> Result<Exit, CommandError> {
    let registry = call.registry(Policy { exec: true, ..Policy::default() });
    let toolbox = call.toolbox();
    let mut findings = vec![companion(call, Companion::Worker), companion(call, Companion::Speak)];
    findings.extend(programs(call, &toolbox));
    findings.extend(tools(&toolbox, call.global.verbose || call.global.json));
    findings.push(kinds(&registry, &toolbox));
    findings.push(fonts(call));
    findings.extend(confined::look(call));
    findings.push(commands());
    findings.push(cache(call));
    let missing = findings.iter().filter(|finding| finding.found.is_err()).count();
    for finding in &findings {
        if call.global.json {
            let (ok, text) = match &finding.found {
                Ok(text) => (true, text),
                Err(text) => (false, text),
            };
            let line = json!({ "event": "finding", "what": finding.what, "ok": ok, "found": text, "help": finding.help });
            print_json(&line);
        } else if finding.found.is_err() || !call.global.quiet {
            print(&text(finding, call.ui.out()));
        }
    }
    if !call.global.json {
        print_line(&match missing {
            0 => "all is there".to_owned(),
            missing => format!("{} missing", count(missing, "thing")),
        });
    }
    Ok(if missing == 0 { Exit::Done } else { Exit::Failed })
}

fn text(finding: &Finding, paint: Paint) -> String {
    let mut text = match &finding.found {
        Ok(found) => format!("{}    {}: {found}\n", paint.good("ok"), finding.what),
        Err(wrong) => format!("{}  {}: {wrong}\n", paint.bad("none"), finding.what),
    };
    if let Some(help) = &finding.help {
        add(&mut text, format_args!("      {}: {help}\n", paint.help("help")));
    }
    text
}

fn companion(call: &Invocation, which: Companion) -> Finding {
    let found = call.config.companion(which);
    let named = call.config.text(which.variable());
    let found = found.map(|path| path.display().to_string()).ok_or_else(|| match &named {
        Some(path) => format!("{} names `{path}`, which is not there", which.variable()),
        None => "not beside reel, nor in ../libexec/reel".to_owned(),
    });
    Finding::new(which.name(), found, format!("{INSTALL}; or name it in {}", which.variable()))
}

/// Programs that are there but do not tell who they are.
fn programs(call: &Invocation, toolbox: &Toolbox) -> Vec<Finding> {
    let problem = |problem: &reel_engine::executor::toolbox::ToolProblem| {
        let last = problem.log.lines().rfind(|line| !line.trim().is_empty());
        let cause = match last {
            Some(line) => format!("{} ({})", problem.cause, line.trim()),
            None => problem.cause.clone(),
        };
        let help = get(call, lacking(&problem.log)).unwrap_or_else(|| {
            "run `scripts/setup.sh` in reel's source: it installs the libraries that this needs".to_owned()
        });
        Finding::new(shown(call, &problem.program), Err(cause), help)
    };
    toolbox.problems.iter().map(problem).collect()
}

/// What the last words of a program that does not start say is missing.
fn lacking(log: &str) -> Option<Wanted> {
    let says = |words: &[&str]| words.iter().any(|word| log.contains(word));
    if says(&["libav", "libsw"]) {
        Some(Wanted::Media)
    } else if says(&["espeak"]) {
        Some(Wanted::Speech)
    } else {
        None
    }
}

/// The command that gets it on this system.
fn get(call: &Invocation, wanted: Option<Wanted>) -> Option<String> {
    packages::command(wanted?, &call.config.path()).map(|command| format!("run `{command}`"))
}

fn shown(call: &Invocation, program: &str) -> String {
    Path::new(program)
        .strip_prefix(&call.config.here)
        .map_or_else(|_| program.to_owned(), |path| path.display().to_string())
}

/// Identities as they are in keys; those of many parts are cut where they are for people.
fn tools(toolbox: &Toolbox, whole: bool) -> Vec<Finding> {
    const PARTS: usize = 4;
    let shown = |identity: &str| {
        let parts: Vec<&str> = identity.split(' ').collect();
        let more = parts.len().saturating_sub(PARTS);
        if whole || more == 0 { identity.to_owned() } else { format!("{} …", parts[..PARTS].join(" ")) }
    };
    toolbox.entries.iter().map(|(name, identity)| Finding::new(name, Ok(shown(identity)), "")).collect()
}

/// Whether the worker runs what the kinds of this reel need.
fn kinds(registry: &Registry, toolbox: &Toolbox) -> Finding {
    let wanted: Vec<_> = registry
        .kinds()
        .map(|kind| kind.info())
        .filter(|info| info.site == reel_engine::operation::Site::Worker)
        .collect();
    let Some(worker) = toolbox.programs.get(Companion::Worker.name()) else {
        let names: BTreeSet<&str> = wanted.iter().map(|info| info.name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        return Finding::new(
            "kinds",
            Err(format!("without a worker these cannot run: {}", names.join(", "))),
            INSTALL,
        );
    };
    let wrong: Vec<String> = wanted
        .iter()
        .filter_map(|info| match worker.kinds.get(info.name) {
            Some(version) if *version == info.version => None,
            Some(version) => {
                Some(format!("{} (version {version} in the worker, {} here)", info.name, info.version))
            }
            None => Some(format!("{} (not in the worker)", info.name)),
        })
        .collect();
    let found = if wrong.is_empty() {
        Ok(format!("{}, and the worker runs them", count(registry.kinds().count(), "kind")))
    } else {
        Err(format!("reel and its worker are of different builds: {}", wrong.join(", ")))
    };
    Finding::new("kinds", found, INSTALL)
}

/// Whether commands of projects (`exec`) are kept from files that they were not given.
fn commands() -> Finding {
    let found = if reel_nodes::closed::works() {
        Ok("they reach only files that they were given, and what is installed".to_owned())
    } else {
        Err("landlock is not there, so they reach every file that you do".to_owned())
    };
    Finding::new("commands", found, confined::HELP)
}

fn fonts(call: &Invocation) -> Finding {
    let mut found = 0;
    for folder in call.config.font_dirs() {
        count_fonts(&folder, 6, &mut found);
    }
    let found =
        if found > 0 { Ok(count(found, "font file")) } else { Err("none in the usual folders".to_owned()) };
    let own = "put font files into ~/.local/share/fonts";
    let help =
        get(call, Some(Wanted::Fonts)).map_or_else(|| own.to_owned(), |get| format!("{get}, or {own}"));
    Finding::new("fonts", found, help)
}

fn count_fonts(folder: &Path, depth: usize, found: &mut usize) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_font = path
            .extension()
            .and_then(|end| end.to_str())
            .is_some_and(|end| matches!(end, "ttf" | "otf" | "ttc"));
        if is_font {
            *found += 1;
        } else if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            count_fonts(&path, depth - 1, found);
        }
    }
}

fn cache(call: &Invocation) -> Finding {
    let cache = call.cache(call.config.temporary());
    let folder = call.cache_dir().display().to_string();
    let found = if cache.is_writable() {
        Ok(folder)
    } else {
        Err(format!("`{folder}` cannot be written: nothing is kept"))
    };
    Finding::new("cache", found, "choose another folder with `--cache-dir` or REEL_CACHE_DIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaders_words_tell_what_is_missing() {
        let log = "error while loading shared libraries: libavfilter.so.8: cannot open shared object file";
        assert_eq!(lacking(log), Some(Wanted::Media));
        assert_eq!(lacking("libespeak-ng.so.1: cannot open shared object file"), Some(Wanted::Speech));
        assert_eq!(lacking("Segmentation fault"), None);
    }
}
