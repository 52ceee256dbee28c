//! A page of the book as a session: what it writes and changes, which commands it runs, and what they must say. It
//! knows no page by name and no command of reel but `watch`, which goes on while the page does.
//!
//! | on a page | what is done |
//! |---|---|
//! | a fence `yaml reel.yaml`, or any language and the name of a file | the file is written |
//! | a fence `diff reel.yaml` | in that file, the lines with `-` become those with `+` |
//! | a fence `console` | each line behind `$ ` is run, and must say what follows; `…` stands for any lines |
//! | a fence `console fails` | the same, but its last command must fail |
//! | `<!-- from PATH: FILE -->` | a file of the repository is there, unpacked if it is a `.zst` |
//!
//! `cd FOLDER` holds from there on. After `reel watch` a console without a command goes on with what it says, and `^C`
//! ends it. Times, sizes and digests are compared as such and not by their figures.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::pages::{Block, blocks};
use crate::repository;
use crate::space::{TestSpace, program};

/// How long `reel watch` may take to be quiet again.
const PATIENCE: Duration = Duration::from_secs(120);

/// One thing that a page does.
enum Step {
    /// A file of the repository, and what it is in the project.
    Bring(String, String),
    Write(Block, String),
    Edit(Block, String),
    Talk(Block),
}

/// A command, or none where what runs already says more, and what must be said: lines of the page, counted from 0.
struct Exchange {
    command: Option<String>,
    said: Vec<String>,
    from: usize,
}

/// What a command said in place of what the page says.
#[derive(Debug)]
pub struct Difference {
    /// Page and line.
    pub place: String,
    /// The command, if one was run there.
    pub command: String,
    /// The first line that replaces, counted from 0, and how many.
    lines: (usize, usize),
    /// What stands on the page.
    pub expected: Vec<String>,
    /// What was said.
    pub said: Vec<String>,
}

/// A page that is played.
struct Session {
    space: TestSpace,
    here: PathBuf,
    watch: Option<Watch>,
    differences: Vec<Difference>,
}

/// A `reel watch` that goes on.
struct Watch {
    child: Child,
    log: PathBuf,
    heard: usize,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Only when the page was left before it ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn steps(page: &Path) -> Vec<Step> {
    let text = fs::read_to_string(page).expect("a page can be read");
    let mut steps: Vec<(usize, Step)> = Vec::new();
    for block in blocks(page) {
        let (language, rest) = block.language.split_once(' ').unwrap_or((&block.language, ""));
        let file = rest.contains('.').then(|| rest.to_owned());
        let step = match (language, file) {
            ("console", _) => Step::Talk(block.clone()),
            ("diff", Some(file)) => Step::Edit(block.clone(), file),
            (_, Some(file)) => Step::Write(block.clone(), file),
            _ => continue,
        };
        steps.push((block.line, step));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let Some(words) = line.strip_prefix("<!-- from ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let (from, to) = words.split_once(": ").expect("`<!-- from PATH: FILE -->`");
        steps.push((number, Step::Bring(from.to_owned(), to.to_owned())));
    }
    steps.sort_by_key(|(line, _)| *line);
    steps.into_iter().map(|(_, step)| step).collect()
}

/// Plays a page in a folder of its own, and tells where it is not what happens. Nothing, where it runs no command.
#[must_use]
pub fn play(page: &Path) -> Vec<Difference> {
    let steps = steps(page);
    if !steps.iter().any(|step| matches!(step, Step::Talk(_))) {
        return Vec::new();
    }
    let space = TestSpace::of("");
    fs::remove_file(space.path("reel.yaml")).expect("the project that every space has");
    let here = space.project();
    let mut session = Session { space, here, watch: None, differences: Vec::new() };
    steps.into_iter().for_each(|step| session.take(step));
    assert!(session.watch.is_none(), "{}: `reel watch` is not ended by `^C`", page.display());
    session.differences
}

/// Writes what was said in the place of what a page says.
pub fn amend(page: &Path, differences: &[Difference]) {
    let text = fs::read_to_string(page).expect("a page can be read");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for difference in differences.iter().rev() {
        let (from, count) = difference.lines;
        drop(lines.splice(from..from + count, difference.said.iter().cloned()));
    }
    fs::write(page, lines.join("\n") + "\n").expect("a page can be written");
}

impl Session {
    fn take(&mut self, step: Step) {
        match step {
            Step::Bring(from, to) => self.bring(&repository().join(from), &to),
            Step::Write(block, file) => self.write(&file, &block.text),
            Step::Edit(block, file) => self.edit(&block, &file),
            Step::Talk(block) => self.talk(&block),
        }
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.here.join(file);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a new folder");
        fs::write(path, text).expect("a file of the project can be written");
    }

    fn bring(&self, from: &Path, to: &str) {
        if from.extension().is_none_or(|end| end != "zst") {
            return self
                .write(to, fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())));
        }
        let unpacked = Command::new("zstd").args(["-q", "-d", "-c"]).arg(from).output().expect("zstd starts");
        assert!(unpacked.status.success(), "{}", from.display());
        self.write(to, unpacked.stdout);
    }

    fn edit(&self, block: &Block, file: &str) {
        let part = |mark: char| {
            let lines = block.text.lines().filter_map(|line| line.strip_prefix(mark));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        let (old, new) = (part('-'), part('+'));
        let text = fs::read_to_string(self.here.join(file)).expect("a file that is changed is there");
        // Lines that are only added follow the line that stands before them.
        let (old, new) = if old.is_empty() {
            let before = block.text.lines().find_map(|line| line.strip_prefix(' ')).expect("a line before");
            (format!("{before}\n"), format!("{before}\n{new}"))
        } else {
            (old, new)
        };
        assert_eq!(text.matches(&old).count(), 1, "{}: `{old}` must stand once in\n{text}", block.place);
        self.write(file, text.replace(&old, &new));
    }

    fn talk(&mut self, block: &Block) {
        let exchanges = exchanges(block);
        let fails = block.language.ends_with(" fails");
        let last = exchanges.len() - 1;
        for (n, exchange) in exchanges.into_iter().enumerate() {
            let said = match exchange.command.as_deref() {
                Some(command) if command.starts_with("cd ") => {
                    self.here.push(&command[3..]);
                    String::new()
                }
                Some(command) if command.starts_with("reel watch") => {
                    self.start(command);
                    self.hear(&exchange.said)
                }
                Some(command) => self.run(block, command, fails && n == last),
                None => self.hear(&exchange.said),
            };
            self.compare(block, exchange, &said);
        }
    }

    /// A shell in the folder where the page is, which finds reel by its name.
    fn shell(&self, command: &str, log: &Path) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&self.here).stdin(Stdio::null());
        self.space.surround(&mut shell);
        let folder = program("reel");
        let path = shell.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
        let path = format!(
            "{}:{}",
            folder.parent().expect("a program is in a folder").display(),
            path.expect("there is a PATH").to_string_lossy()
        );
        let out = File::create(log).expect("a log can be written");
        shell.env("PATH", path).stderr(out.try_clone().expect("a second handle")).stdout(out);
        shell
    }

    fn run(&self, block: &Block, command: &str, fails: bool) -> String {
        let log = self.space.root().join("said");
        let status = self.shell(command, &log).status().expect("a shell starts");
        let said = fs::read_to_string(&log).expect("what was said");
        assert_eq!(status.success(), !fails, "{}: `{command}` ended with {status}\n{said}", block.place);
        said
    }

    fn start(&mut self, command: &str) {
        let log = self.space.root().join("watched");
        let child = self.shell(&format!("exec {command}"), &log).spawn().expect("a shell starts");
        self.watch = Some(Watch { child, log, heard: 0 });
    }

    /// What the watch says until it waits again; a last line `^C` ends it.
    fn hear(&mut self, expected: &[String]) -> String {
        let mut watch = self.watch.take().expect("a console without a command goes on with `reel watch`");
        let until = Instant::now() + PATIENCE;
        let mut said = loop {
            let log = fs::read_to_string(&watch.log).expect("what was said");
            let new = &log[watch.heard..];
            if new.ends_with('\n') && new.lines().any(|line| line.starts_with("watching ")) {
                watch.heard = log.len();
                break new.to_owned();
            }
            assert!(Instant::now() < until, "`reel watch` is not quiet: {log}");
            thread::sleep(Duration::from_millis(20));
        };
        if expected.last().is_some_and(|line| line == "^C") {
            let pid = Pid::from_raw(i32::try_from(watch.child.id()).expect("a process number"));
            kill(pid, Signal::SIGINT).expect("it is there");
            let status = watch.child.wait().expect("it ends");
            assert_eq!(status.code(), Some(130), "{said}");
            said.push_str("^C\n");
        } else {
            self.watch = Some(watch);
        }
        said
    }

    fn compare(&mut self, block: &Block, exchange: Exchange, said: &str) {
        let names = [
            (self.space.cache().display().to_string(), "~/.cache/reel"),
            (self.space.project().display().to_string(), "~/films"),
            (self.space.root().join("home").display().to_string(), "~"),
        ];
        let said = names.iter().fold(said.to_owned(), |said, (path, name)| said.replace(path, name));
        let mut said: Vec<String> = said.lines().map(|line| line.trim_end().to_owned()).collect();
        while said.last().is_some_and(String::is_empty) {
            said.pop();
        }
        let mut expected = exchange.said.clone();
        while expected.last().is_some_and(String::is_empty) {
            expected.pop();
        }
        if !agree(&plain(&expected), &plain(&said)) {
            // A page that left out what ran goes on to do so.
            if expected.first().is_some_and(|line| line == "…") {
                let rest = said.iter().skip_while(|line| is_run(line)).cloned();
                said = [vec!["…".to_owned()], rest.collect()].concat();
            }
            self.differences.push(Difference {
                place: format!("{}, line {}", block.place, exchange.from),
                command: exchange.command.unwrap_or_default(),
                lines: (exchange.from, exchange.said.len()),
                expected: exchange.said,
                said,
            });
        }
    }
}

fn exchanges(block: &Block) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for (number, line) in (block.line..).zip(block.text.lines()) {
        if let Some(command) = line.strip_prefix("$ ") {
            let command = Some(command.to_owned());
            exchanges.push(Exchange { command, said: Vec::new(), from: number + 1 });
            continue;
        }
        if exchanges.is_empty() {
            exchanges.push(Exchange { command: None, said: Vec::new(), from: number });
        }
        if let Some(exchange) = exchanges.last_mut() {
            exchange.said.push(line.to_owned());
        }
    }
    assert!(!exchanges.is_empty(), "{}: an empty console", block.place);
    exchanges
}

/// Lines without what differs from run to run: figures of times, sizes and parts, digests, the widths of columns, and
/// the order of actions that run side by side.
fn plain(lines: &[String]) -> Vec<String> {
    let mut plain: Vec<String> = lines.iter().map(|line| redacted(line)).collect();
    plain.chunk_by_mut(|a, b| is_run(a) && is_run(b)).for_each(<[String]>::sort);
    plain
}

/// Whether a line tells that an action began or ended.
fn is_run(line: &str) -> bool {
    line.starts_with("run ") || line.starts_with("done ")
}

fn redacted(line: &str) -> String {
    /// Stands for a figure that was measured: one with a unit, or with a decimal point.
    const AMOUNT: &str = "⟨amount⟩";
    const UNITS: &[&str] = &["µs", "ms", "s", "min", "B", "KiB", "MiB", "GiB", "TiB", "%"];
    let is_mark = |c: char| matches!(c, ',' | ';' | ':' | '.' | '(' | ')' | '~' | '"' | '`');
    let mut out: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let core = word.trim_matches(is_mark);
        let number = |text: &str| text.parse::<f64>().is_ok() && !text.is_empty();
        if core.contains('.') && number(core) && !word.contains('`') {
            out.push(word.replace(core, AMOUNT));
            continue;
        }
        let before = out.last().map(|text| text.trim_start_matches(is_mark).to_owned()).unwrap_or_default();
        let is_digest = core.len() >= 8
            && core.chars().all(|c| c.is_ascii_hexdigit())
            && core.chars().any(|c| c.is_ascii_digit());
        if UNITS.contains(&core) && (number(&before) || before.starts_with(AMOUNT)) {
            out.pop();
            let end = &word[word.find(core).unwrap_or_default() + core.len()..];
            // One minute and two seconds are a time like any other.
            if out.last().is_some_and(|last| last == AMOUNT) {
                out.pop();
            }
            out.push(format!("{AMOUNT}{end}"));
        } else if is_digest {
            out.push(word.replace(core, "⟨digest⟩"));
        } else {
            out.push(word.to_owned());
        }
    }
    out.join(" ")
}

/// Whether what was said is what must be said, where `…` stands for any lines.
fn agree(expected: &[String], said: &[String]) -> bool {
    match expected.split_first() {
        None => said.is_empty(),
        Some((any, rest)) if any == "…" => (0..=said.len()).any(|n| agree(rest, &said[n..])),
        Some((line, rest)) => {
            said.split_first().is_some_and(|(first, more)| first == line && agree(rest, more))
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = |lines: &[String]| {
            lines.iter().fold(String::new(), |mut text, line| {
                let _ = writeln!(text, "    {line}");
                text
            })
        };
        let (expected, said) = (lines(&self.expected), lines(&self.said));
        write!(f, "{}: `{}` must say\n{expected}  and says\n{said}", self.place, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(expected: &str, said: &str) -> bool {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        agree(&plain(&lines(expected)), &plain(&lines(said)))
    }

    #[test]
    fn figures_of_times_sizes_and_digests_may_differ_and_others_not() {
        assert!(same("planned 5 = ran 5 in 2.0 s", "planned 5 = ran 5 in 1 min 02 s"));
        assert!(same("a  ~120 ms  saved 3.1 MiB, 4 %", "a  ~9 s  saved 400 B, 12 %"));
        assert!(same("work 1.9 s in 0.7 s: 1.26 at once", "work 2.9 s in 1 s: 2.00 at once"));
        assert!(same("input: 33211ab8 → e27bb661", "input: 00000001 → e27bb662"));
        assert!(!same("planned 5 = ran 5 in 2.0 s", "planned 6 = ran 5 in 2.0 s"));
        assert!(!same("rate 170", "rate 171"));
        assert!(!same("planned 5 in 2.0 s, nothing to do", "planned 5 in 2.0 s"));
    }

    #[test]
    fn dots_stand_for_any_lines_and_actions_for_any_order() {
        assert!(same("…\nend", "one\ntwo\nend"));
        assert!(same("…\nend", "end"));
        assert!(!same("…\nend", "one\nend\ntwo"));
        assert!(!same("one", "one\ntwo"));
        assert!(same("run  a\nrun  b\ndone  a  1 s\nend", "run  b\nrun  a\ndone  a  2 s\nend"));
        assert!(!same("run  a\nend", "run  b\nend"));
    }
}
