//! The command line as data; the comments on it are the help. It knows no command's doing.

mod elsewhere;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use reel_engine::claim::Allowance;
use reel_nodes::moment::When;

use crate::config::user::{self, Limit};
use crate::ui::Color;
pub(crate) use elsewhere::{Bundle, Ci, Verify};

/// Turns a folder into films the way a build system turns a folder into programs.
///
/// A project is a folder with a `reel.yaml`; commands find it from any folder inside. What was made before
/// is made again only when something that it depends on changed.
#[derive(Debug, Parser)]
#[command(name = "reel", version, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Examples:\n  reel new my-film && cd my-film && reel build\n  reel plan\n  reel help build\n\n\
    Environment:\n  REEL_LOG        What reel does, on standard error: `debug`, `reel_engine::cache=trace`, …\n  \
    REEL_CACHE_DIR  The cache's folder\n  REEL_WORKER     The program `reel-worker`\n  \
    REEL_SPEAK      The program `reel-speak`\n  NO_COLOR        No colours"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "For every command")]
pub(crate) struct Global {
    /// The project's folder, or one inside it; without it, the current folder.
    #[arg(long, short = 'C', global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) project: Option<PathBuf>,
    /// The cache's folder; without it, `REEL_CACHE_DIR`, else `reel` in the user's cache folder.
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// For programs: an object of JSON a line, or one object.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say only what failed, and the last line.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: what was found in the cache, whole logs.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(New),
    Check(Check),
    Build(Build),
    Ci(Ci),
    Watch(Watch),
    Plan(Plan),
    Why(Why),
    Audit(Audit),
    Diff(Diff),
    Verify(Verify),
    Bundle(Bundle),
    Graph(Graph),
    Expand(Expand),
    Log(Log),
    Nodes(Nodes),
    Schema(Schema),
    Devices(Devices),
    Cache(Cache),
    Doctor(Doctor),
    Completions(Completions),
    Man(Man),
    Trust(Trust),
}

/// Make a project that builds at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel new my-film\n  reel new holiday --template slides")]
pub(crate) struct New {
    /// The folder to make; it must not be there yet, or be empty.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// What to begin with.
    #[arg(long, value_name = "TEMPLATE", default_value = "short")]
    pub(crate) template: Template,
}

/// Beginnings of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// A narrated vertical film with captions.
    Short,
    /// Cards one after the other, without a voice.
    Slides,
    /// An episode that two people speak, and vertical clips of it.
    PodcastClips,
    /// What is new in a version, wide and square.
    ProductUpdate,
    /// A film for each row of a table.
    Catalog,
}

/// What decides how a project is read.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Reading {
    /// Give a variable of `vars:` another value; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
    /// Films half as wide and high, encoded fast, to be looked at; `out/short.mp4` becomes `out/short.draft.mp4`.
    #[arg(long)]
    pub(crate) draft: bool,
}

/// What of the machine is used.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Using {
    /// Cores to use at once; without it, all that this process may use.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) jobs: Option<u32>,
    /// Use these amounts, such as `cpu=2.5,memory=8GiB,gpu=0`; other names are those of pools. They take the place
    /// of what the project, the user's `config.yaml` and the machine say; `reel devices` shows all.
    #[arg(long, value_name = "AMOUNTS")]
    pub(crate) capacity: Vec<Allowance>,
}

/// What is made, and how.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Making {
    /// What to make.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) using: Using,
    /// After a failure, finish what does not depend on it.
    #[arg(long, short)]
    pub(crate) keep_going: bool,
    /// Fail instead of pinning anything new in `reel.lock`.
    #[arg(long)]
    pub(crate) locked: bool,
    /// Use no network.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Run the project's own commands (`uses: exec`); `reel trust` allows them for good.
    #[arg(long)]
    pub(crate) allow_exec: bool,
    /// Fetch from addresses of private networks and of this machine, too.
    #[arg(long)]
    pub(crate) allow_private_network: bool,
}

/// What is looked at more closely, and noted, while something is made.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Insight {
    /// Run commands and voices again, watched, and report what they use that is not in their key.
    ///
    /// Files, programs, fonts and variables that a command (`uses: exec`) or a voice (`uses: tts`) uses and does
    /// not declare are listed under its node; then the exit code is 1. Their shared libraries, the loader and what
    /// is installed under a declared program's own name count as declared with it. Workers are not watched: the
    /// kernel lets them reach what they were given and nothing else. Where programs cannot be watched, nothing
    /// runs, and the exit code is 2.
    #[arg(long)]
    pub(crate) check_inputs: bool,
    /// Write what ran when, for chrome://tracing or ui.perfetto.dev.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trace: Option<PathBuf>,
}

/// Report every error of the project; nothing is run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel check\n  reel check --project examples/eclipse --json")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Accept the project's own commands (`uses: exec`), as `build` would with the same flag.
    #[arg(long)]
    pub(crate) allow_exec: bool,
}

/// Make outputs; what is there already is not made again.
///
/// A target is the name or file of an output, a node, or the beginning of nodes' names, such as a scene.
/// Without one, all outputs are made. Ctrl-C stops, and keeps what is finished; a second one stops at once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reel build\n  reel build short --jobs 4\n  reel build --draft\n  reel build --set voice=de --keep-going\n  reel build --ui\n\n\
    Exit codes: 0 all that was asked for is there; 1 something failed; 2 the project or the command line is wrong; \
    130 interrupted."
)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) insight: Insight,
    /// Tell at the end what took longest, the critical path, and what the cache gave.
    #[arg(long)]
    pub(crate) summary: bool,
    #[command(flatten)]
    pub(crate) page: Page,
}

/// The page that shows what is made; it stays until Ctrl-C.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Page {
    /// Serve a page that shows the film, the graph and what runs, for this machine and whoever has its address alone.
    #[arg(long)]
    pub(crate) ui: bool,
    /// Serve it at this address, which stays the same from call to call: `127.0.0.1:8080`, or `0.0.0.0:8080` for other
    /// machines that are given all of it.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) ui_at: Option<SocketAddr>,
}

impl Page {
    /// Whether it is wanted.
    pub(crate) const fn is_wanted(self) -> bool {
        self.ui || self.ui_at.is_some()
    }
}

/// Build whenever something is saved, until told to stop.
///
/// Folders are watched; whether anything changed, the content of files decides. A change while a build runs starts the
/// next one at once: actions that are still wanted go on, the others are cancelled. A project that is wrong is told of,
/// and what was made stays. On a terminal, `r` builds, `d` goes over to drafts and back,
/// `g` writes the graph as a page, `w` tells why what ran did, `q` quits.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reel watch\n  reel watch short --jobs 2\n  reel watch --ui\n  reel watch --poll\n  reel watch --json\n\n\
    Exit codes: 0 after `q`; 2 there is no project, or the command line is wrong; 130 after Ctrl-C."
)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) page: Page,
    /// Look at the files again and again instead of being told: for network folders and shared folders of containers.
    #[arg(long)]
    pub(crate) poll: bool,
}

/// Show what `build` would run and why, and how long it may take; nothing is run.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reel plan\n  reel plan short --all\n  reel plan --simulate cpu=64,gpu=8\n  reel plan --json"
)]
pub(crate) struct Plan {
    /// What would be made.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// List nodes that would not run, too.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) using: Using,
    /// Tell how long it would take on a machine with these amounts, such as `cpu=64,gpu=8`, and how busy that would
    /// be; the rest is taken to be as here, and each action as fast as here.
    #[arg(long, value_name = "AMOUNTS", value_parser = machine)]
    pub(crate) simulate: Option<(String, Allowance)>,
}

/// Tell what changed: before a build what is about to run, after it what ran.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reel why end.encode\n  reel why short\n  reel why short --at 00:31.4\n  reel why hook --json"
)]
pub(crate) struct Why {
    /// A node, an output, or the beginning of nodes' names.
    #[arg(value_name = "NODE|OUTPUT|GROUP")]
    pub(crate) name: String,
    /// Tell what is seen and heard at this moment of a film, as it was last made, and the nodes behind it; a time such as
    /// `31.4s`, `00:31.4` or `1:02:03.5`, or a frame, counted from 0, such as `@940`.
    #[arg(long, value_name = "TIME|@FRAME")]
    pub(crate) at: Option<When>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Run actions twice, and report those that do not make the same bytes.
///
/// The second time is backwards, with another number of slots and in another folder. What the cache has is
/// compared as well, and stays as it is; the project does, too. Without a name, all that the outputs need is run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel audit\n  reel audit hook.encode --jobs 4\n  reel audit --json\n\n\
    Exit codes: 0 the same bytes everywhere; 1 something differs or failed; 2 the project or the command line is \
    wrong; 130 interrupted.")]
pub(crate) struct Audit {
    /// A node, an output, or the beginning of nodes' names.
    #[arg(value_name = "NODE|OUTPUT|GROUP")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Cores to use at once, the first time; without it, all that this process may use.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) jobs: Option<u32>,
    /// Run the project's own commands (`uses: exec`); `reel trust` allows them for good.
    #[arg(long)]
    pub(crate) allow_exec: bool,
}

/// Compare the last two builds of an output, or two files: what is seen, heard and read differently, and when.
///
/// Frames that were put in or taken out do not make the rest different. What only the encoder made otherwise, and
/// nobody sees, is counted and is no difference. An output is as it was made the last time and before that, whether
/// it was placed or not, as long as the cache has both.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel diff short\n  reel diff short --clip changes.mp4\n  \
    reel diff before.mp4 out/short.mp4 --json\n\n\
    Exit codes: 0 nothing is different; 1 something is; 2 there are no two to compare, or they cannot be read.")]
pub(crate) struct Diff {
    /// An output of the project, or two files: films, sounds, pictures or captions.
    #[arg(value_name = "OUTPUT|FILE", required = true, num_args = 1..=2)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Write a clip of the changed seconds, without sound: what was at the left, what is at the right.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) clip: Option<PathBuf>,
}

/// Draw the graph with states, reasons and costs, as far as it is known.
///
/// Drawings have the critical path marked, by what nodes took the last time. Those for people (`svg`, `html`) show groups
/// in place of nodes where there are more than 150.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reel graph --format svg > graph.svg\n  reel graph --format html > graph.html\n  \
    reel graph --format mermaid short\n  reel graph --format svg --focus hook.encode --depth 2\n  \
    reel graph --format svg --film-strip > film.svg\n  \
    reel graph --format json > before.json\n  reel graph --format svg --diff before.json > changes.svg\n  \
    reel graph | dot -Tsvg > graph.svg"
)]
pub(crate) struct Graph {
    /// What to draw: these targets and all they need.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The language to draw in; `--json` means `json`.
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    pub(crate) format: GraphFormat,
    /// Draw only this node, or these whose names begin so, and what is near.
    #[arg(long, value_name = "NODE|GROUP")]
    pub(crate) focus: Option<String>,
    /// How many steps away from --focus is near.
    #[arg(long, value_name = "N", default_value = "1", requires = "focus")]
    pub(crate) depth: usize,
    /// Gather nodes.
    #[arg(long, value_name = "BY")]
    pub(crate) group: Option<Group>,
    /// Mark what is another than in this file, which `--format json` wrote earlier.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) diff: Option<PathBuf>,
    /// Draw the film above it, in its own time: a small picture of each scene, and how loud what is said is, as it was last
    /// made. Pictures that are not there yet are made now, and kept in the cache.
    #[arg(long)]
    pub(crate) film_strip: bool,
    /// Print the JSON schema of `--format json` instead.
    #[arg(long)]
    pub(crate) schema: bool,
}

/// Languages of drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Graphviz.
    Dot,
    /// Mermaid, which forges draw in Markdown.
    Mermaid,
    /// Nodes and edges, for programs.
    Json,
    /// A drawing.
    Svg,
    /// A drawing to move about in and to search; one file that needs nothing else.
    Html,
}

/// What nodes are gathered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// What their names begin with: the scene, format or part of the film.
    Scene,
    /// Their kind.
    Kind,
    /// Nothing: every node is drawn.
    None,
}

/// Print the nodes that the scenes became, as YAML.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel expand\n  reel expand hook")]
pub(crate) struct Expand {
    /// Only these nodes, or nodes whose names begin so; also those that the last builds made of a list or a film.
    #[arg(value_name = "NODE|GROUP")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Print what a node said when its last result was made.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel log film.mux\n  reel log hook")]
pub(crate) struct Log {
    /// A node, an output, or the beginning of nodes' names.
    #[arg(value_name = "NODE|OUTPUT|GROUP")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// List the kinds of nodes, or explain one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel nodes\n  reel nodes tts")]
pub(crate) struct Nodes {
    /// The kind to explain.
    #[arg(value_name = "KIND")]
    pub(crate) kind: Option<String>,
}

/// Print the JSON schema of `reel.yaml`, for editors.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel schema > reel.schema.json")]
pub(crate) struct Schema {}

/// Show what this machine has for builds, and where each figure comes from.
///
/// In a project, what it says of the machine counts, too: `capacity:` and `pools:` of its `reel.yaml` take the place
/// of what was found, `capacity:` in `reel/config.yaml` of the user's configuration folder that of the project, and
/// flags that of all.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reel devices\n  reel devices --capacity gpu=2x24GiB\n  reel devices --json"
)]
pub(crate) struct Devices {
    #[command(flatten)]
    pub(crate) using: Using,
}

/// Look after the cache, which all projects of a user share.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel cache stats\n  reel cache gc --max-size 20GiB")]
pub(crate) struct Cache {
    #[command(subcommand)]
    pub(crate) action: CacheAction,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheAction {
    /// Show how much there is, by kind.
    #[command(after_help = "Examples:\n  reel cache stats\n  reel cache stats --json")]
    Stats,
    /// Remove what is worth least, down to a budget.
    ///
    /// What current outputs of projects need stays, until a project was not seen for 30 days; so does what a
    /// running build uses. Films that were put together from parts go first, then what is cheap to make again and
    /// was not used for long; what was paid for goes last. Builds do this by themselves when the cache is over
    /// its budget: `cache: { max-size: 50GiB, max-age: 90d }` in `reel/config.yaml` in the user's config folder,
    /// else a tenth of the file system.
    #[command(
        after_help = "Examples:\n  reel cache gc\n  reel cache gc --max-size 20GiB\n  reel cache gc --max-age 30d"
    )]
    Gc {
        /// Keep at most this much, such as `20GiB`, or `none`; without it, the user's budget.
        #[arg(long, value_name = "SIZE", value_parser = size_limit)]
        max_size: Option<Limit>,
        /// Keep nothing that was not used for so long, such as `30d` or `12h`, or `none`; without it, the user's
        /// budget.
        #[arg(long, value_name = "AGE", value_parser = age_limit)]
        max_age: Option<Limit>,
    },
    /// Read every blob again, and drop what is damaged.
    #[command(after_help = "Examples:\n  reel cache verify")]
    Verify,
    /// Remove everything. Results are made again when they are needed.
    #[command(after_help = "Examples:\n  reel cache clear")]
    Clear,
}

/// Show what is installed, what is missing, and how to get it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel doctor\n  reel doctor --json")]
pub(crate) struct Doctor {}

/// Print what a shell needs to complete commands, options, files, and names of nodes and outputs.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reel completions bash > ~/.local/share/bash-completion/completions/reel\n  \
    reel completions zsh > ~/.zfunc/_reel\n  reel completions fish > ~/.config/fish/completions/reel.fish"
)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page, or write those of all commands into a folder.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel man > reel.1\n  reel man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The folder, which is made where it is not there.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}

/// Let this project run its own commands (`uses: exec`), from now on and for this user.
///
/// A command may do whatever you may do within its folder's reach: read the project before you trust it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reel trust\n  reel trust --revoke\n  reel trust --list")]
pub(crate) struct Trust {
    /// Take the trust back.
    #[arg(long, conflicts_with = "list")]
    pub(crate) revoke: bool,
    /// List trusted projects.
    #[arg(long)]
    pub(crate) list: bool,
}

/// The text, to name it by, and what it says.
fn machine(text: &str) -> Result<(String, Allowance), String> {
    if text.trim().is_empty() {
        return Err("say what that machine has, such as `cpu=64,gpu=8`".to_owned());
    }
    Ok((text.to_owned(), text.parse()?))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn size_limit(text: &str) -> Result<Limit, String> {
    Limit::read(text, user::size)
}

fn age_limit(text: &str) -> Result<Limit, String> {
    Limit::read(text, user::age)
}

#[cfg(test)]
mod reference;
