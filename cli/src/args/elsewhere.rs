//! What the commands take that build where nobody looks on, carry a project elsewhere, and look whether all arrived.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{Insight, Making, Reading};

/// Build where nobody looks on, and tell the host of it.
///
/// As `reel build --locked`, without a terminal: nothing is asked, nothing is drawn in colour, and lines for people go
/// to standard error; objects of --json have standard output to themselves. What is there, what changed, what it cost
/// and what failed is told as a page in Markdown with the graph: GitHub shows it as the summary of the job, since it is
/// appended to the file that `GITHUB_STEP_SUMMARY` names; elsewhere name a file with --summary.
#[derive(Debug, Args)]
#[command(
    mut_arg("locked", |arg| arg.hide(true)),
    after_help = "Examples:\n  reel ci\n  reel ci --junit reel.xml --summary reel.md\n  reel ci short --keep-going --json\n  \
    reel ci --draft --allow-exec\n\n\
    Exit codes: 0 all that was asked for is there; 1 something failed, or a report could not be written; 2 the project \
    or the command line is wrong; 130 interrupted."
)]
pub(crate) struct Ci {
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) insight: Insight,
    /// Write a report in JUnit's XML: a test case for each node, in a suite for each scene, or kind where a node
    /// belongs to no scene.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Append the page to this file instead of the one that `GITHUB_STEP_SUMMARY` names.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) summary: Option<PathBuf>,
}

/// Pack the project and what it became into one file, or unpack such a file.
///
/// A bundle holds the project's files, `reel.lock`, and the results of all nodes that the targets need. Where it is
/// unpacked, a build makes the same outputs and runs nothing, without network and with an empty cache, as long as fonts and
/// tools are the same there; what is not is told. Everything in a bundle is compared with its digest before anything of it
/// is kept. Its results go into the cache, where builds believe them: open bundles of people whom you would let write
/// there, or keep their results apart with --cache-dir. `reel audit` runs everything again and compares.
#[derive(Debug, Args)]
#[command(
    mut_arg("set", |arg| arg.conflicts_with("open")),
    after_help = "Examples:\n  reel build && reel bundle film.reelbundle\n  reel bundle short.reelbundle short\n  \
    reel bundle film.reelbundle --open film"
)]
pub(crate) struct Bundle {
    /// The bundle.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// What it is to make; without it, all outputs.
    #[arg(value_name = "TARGET", conflicts_with = "open")]
    pub(crate) targets: Vec<String>,
    /// Unpack it: the project into this folder, which must not be there yet or be empty, its results into the cache.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) open: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Compute every digest anew, and tell what is not as the last build recorded it.
///
/// The files of outputs are compared with what was made, the project's files, texts, parameters and tools with what went
/// into the keys, and what the cache holds for these nodes with what was recorded. Nothing is run, mended or written; a
/// build makes what changed, and `reel cache verify` drops what is damaged.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel verify\n  reel verify short --json\n  reel verify --draft\n\n\
    Exit codes: 0 all is as it was recorded; 1 something differs; 2 the project or the command line is wrong.")]
pub(crate) struct Verify {
    /// What to look at; without it, all outputs and all that they need.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}
