//! The words that all reports for people share: a failure, where outputs are, the line that adds up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reel_engine::event::NodeInfo;
use reel_engine::operation::Failure;
use reel_engine::schedule::state::Tally;

use super::End;
use super::findings::ticked;
use crate::ui::{Paint, add, spell, table};

/// Lines of a log that are shown without asking for more.
const LOG_TAIL: usize = 12;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Volume {
    /// Failures and the last line.
    Quiet,
    /// What runs.
    Normal,
    /// What was found, too, and whole logs.
    Verbose,
}

/// How reports for people are written.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// Colours.
    pub(crate) paint: Paint,
    /// How much.
    pub(crate) volume: Volume,
    /// The folder that paths are shown from.
    pub(crate) here: PathBuf,
}

/// A failed node: its cause, the end of its log, what to do next.
pub(crate) fn failure(manner: &Manner, node: &NodeInfo, failure: &Failure) -> String {
    let paint = manner.paint;
    let place = failure.place.as_ref().map_or_else(String::new, |at| paint.dim(&format!("  {at}")));
    let mut text = format!(
        "{}  {}  ({}){place}\n      {}\n",
        paint.bad("FAIL"),
        paint.bold(&node.name),
        node.kind,
        failure.message
    );
    let limit = if manner.volume == Volume::Verbose { usize::MAX } else { LOG_TAIL };
    let (left_out, lines) = tail(&failure.log, limit);
    if left_out > 0 {
        let note = format!("{left_out} lines before; `reel log {}` shows them", node.name);
        add(&mut text, format_args!("      {}\n", paint.dim(&note)));
    }
    for line in lines {
        add(&mut text, format_args!("      {} {line}\n", paint.dim("|")));
    }
    if let Some(help) = &failure.help {
        add(&mut text, format_args!("      {}: {help}\n", paint.help("help")));
    }
    text
}

/// The last lines of a log, at most so many, and how many are left out; empty ones do not count.
pub(crate) fn tail(log: &str, limit: usize) -> (usize, Vec<&str>) {
    let lines: Vec<&str> = log.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let left_out = lines.len().saturating_sub(limit);
    (left_out, lines[left_out..].to_vec())
}

/// The end of a build: where outputs are if anything happened, what is missing, and the line that adds up.
pub(crate) fn closing(manner: &Manner, end: &End<'_>, happened: bool) -> String {
    let mut text = String::new();
    let summary = end.summary;
    if summary.superseded {
        // What is to be said of it, the build says that takes its place.
        return text;
    }
    if happened && manner.volume > Volume::Quiet || manner.volume == Volume::Verbose {
        let row = |(name, path): &(String, PathBuf)| {
            vec![manner.paint.good("made"), name.clone(), shown_from(&manner.here, path)]
        };
        text.push_str(&table(&summary.outputs.iter().map(row).collect::<Vec<_>>()));
    }
    for name in &summary.missing {
        let what = if summary.interrupted { "not made yet" } else { "not made; what was there is untouched" };
        add(&mut text, format_args!("{}  {name}  ({what})\n", manner.paint.bad("none")));
    }
    if let Some(profile) = &end.profile {
        text.push_str(&profile.text(manner.paint));
    }
    if !summary.changed.is_empty() {
        let files = ticked(&summary.changed);
        let note = "changed during the build; what was made of what they were is not kept";
        add(&mut text, format_args!("{}: {files} {note}\n", manner.paint.warn("warning")));
    }
    let note = match (summary.interrupted, happened) {
        (true, _) => ", interrupted",
        (false, false) if summary.is_success() => ", nothing to do",
        _ => "",
    };
    add(&mut text, format_args!("{} in {}{note}\n", adding_up(summary.tally), spell(end.took)));
    text
}

/// `planned 61 = ran 7 + cached 54`, with what was skipped or failed where there is any.
pub(crate) fn adding_up(tally: Tally) -> String {
    let mut text = format!("planned {} = ran {} + cached {}", tally.planned, tally.ran, tally.cached);
    for (number, word) in [(tally.skipped, "skipped"), (tally.failed, "failed")] {
        if number > 0 {
            add(&mut text, format_args!(" + {word} {number}"));
        }
    }
    text
}

/// A path as it is reached from `here`, if it lies beneath; else as it is.
pub(crate) fn shown_from(here: &Path, path: &Path) -> String {
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

/// A duration in seconds, to the millisecond, for programs.
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}
