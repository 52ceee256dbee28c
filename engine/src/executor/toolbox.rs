//! Identities of the programs and libraries that do the work, remembered by the state of their files. It knows
//! no kind and no key.
//!
//! Asking a program who it is means starting it, and one that links a media library takes longer to start
//! than a build without changes may take as a whole. So the answer is kept in a file, the memo, with the state
//! of the program and of every file that the answer depends on (its libraries, its data). As long as none of
//! them changes, nothing is started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Hasher};
use crate::file_state::FileState;
use crate::memo;

/// Version of the memo's format; another one is as good as none.
const FORMAT: u32 = 5;

/// Longest time a program may take to tell who it is.
const LIMIT: Duration = Duration::from_secs(60);

/// For so long an answer counts that may be another one in a moment, nanoseconds.
const PASSING: i64 = 60_000_000_000;

/// The kernel stamps files by a clock that may lag this much behind the one that programs read, nanoseconds.
const CLOCK_LAG: i64 = 12_000_000;

/// Longest answer, bytes.
const LONGEST: u64 = 4 << 20;

/// A program that tells who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramSpec {
    /// Its name in messages, such as `reel-worker`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Arguments that make it print a [`ProgramIdentity`] as one line of JSON.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
}

/// Who a program is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramIdentity {
    /// Names the build of the program.
    pub build_id: String,
    /// Kinds it runs, with their versions.
    #[serde(default)]
    pub kinds: BTreeMap<String, u32>,
    /// Identity of each library, program or data it works with, as it goes into keys.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// Names that users may give to what a tool has, by tool: the voices of a speech engine. In no key.
    #[serde(default)]
    pub offers: BTreeMap<String, Vec<String>>,
    /// What is known by name and does no work on this machine, with the reason. In no key.
    #[serde(default)]
    pub refused: BTreeMap<String, String>,
    /// Whether the answer may be another one in a moment although no file changes: it is asked for again in a minute.
    #[serde(default)]
    pub passing: bool,
    /// Files and folders that the answer depends on, whether they exist or not.
    #[serde(default)]
    pub files: Vec<PathBuf>,
}

/// A program that did not tell who it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{program}` does not tell who it is: {cause}")]
pub struct ToolProblem {
    /// Its path.
    pub program: String,
    /// Why, in one line.
    pub cause: String,
    /// What it printed on standard error.
    pub log: String,
}

/// Identities of all tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolbox {
    /// Identity by name of the tool, such as `x264`.
    pub entries: BTreeMap<String, String>,
    /// The whole answer by name of the program.
    pub programs: BTreeMap<String, ProgramIdentity>,
    /// Programs that gave none; their tools are missing above.
    pub problems: Vec<ToolProblem>,
    /// How many programs had to be started for this.
    pub started: usize,
}

impl Toolbox {
    /// Identities that are known already, by name.
    #[must_use]
    pub fn of(entries: BTreeMap<String, String>) -> Self {
        Self { entries, ..Self::default() }
    }

    /// The identity of every program's tools: from the memo where it still holds, else by asking. The memo is
    /// a help only: one that is corrupt is replaced, one that cannot be written is done without.
    #[must_use]
    pub fn load(programs: &[ProgramSpec], memo: &Path) -> Self {
        let mut kept = Memo::read(memo);
        let mut toolbox = Self::default();
        let mut changed = false;
        for spec in programs {
            let identity = match kept.programs.get(&spec.name).filter(|entry| entry.holds(spec)) {
                Some(entry) => entry.identity(),
                None => {
                    toolbox.started += 1;
                    changed |= kept.programs.remove(&spec.name).is_some();
                    match ask(spec, LIMIT) {
                        Ok(entry) => {
                            let identity = entry.identity();
                            if entry.settled() {
                                kept.programs.insert(spec.name.clone(), entry);
                                changed = true;
                            }
                            identity
                        }
                        Err(problem) => {
                            toolbox.problems.push(problem);
                            continue;
                        }
                    }
                }
            };
            toolbox.entries.extend(identity.tools.clone());
            toolbox.programs.insert(spec.name.clone(), identity);
        }
        if changed {
            // Without it the next build asks again.
            let _ = memo::remember(memo, &kept);
        }
        toolbox
    }

    /// The names of what a tool has; `None` when no program tells them.
    #[must_use]
    pub fn offers(&self, tool: &str) -> Option<&[String]> {
        self.programs.values().find_map(|program| program.offers.get(tool)).map(Vec::as_slice)
    }

    /// What is known by name and does no work on this machine, with the reason.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &str)> {
        let refused = self.programs.values().flat_map(|program| &program.refused);
        refused.map(|(name, why)| (name.as_str(), why.as_str()))
    }

    /// The identity of a tool; `None` when no program knows it.
    #[must_use]
    pub fn identity(&self, tool: &str) -> Option<&str> {
        self.entries.get(tool).map(String::as_str)
    }
}

#[derive(Serialize, Deserialize)]
struct Memo {
    format: u32,
    programs: BTreeMap<String, Entry>,
}

impl Memo {
    fn read(path: &Path) -> Self {
        memo::recall(path)
            .filter(|memo: &Self| memo.format == FORMAT)
            .unwrap_or(Self { format: FORMAT, programs: BTreeMap::new() })
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// When it was asked, nanoseconds since 1970.
    asked: i64,
    /// The program and the files it named, a line each: there are hundreds, and every build reads them.
    watched: String,
    /// Digest of the states of all of these.
    states: Digest,
    /// When the youngest of them last changed, nanoseconds since 1970.
    latest: i64,
    /// The answer, without the files.
    identity: ProgramIdentity,
}

impl Entry {
    fn holds(&self, spec: &ProgramSpec) -> bool {
        let (args, env) = (words(spec), surroundings(spec));
        self.is_lasting()
            && self.path == spec.path
            && self.args == args
            && self.env == env
            && States::of(self.watched.lines().map(Path::new)).digest() == self.states
    }

    /// Whether it still counts, if no file changed.
    fn is_lasting(&self) -> bool {
        let age = now().saturating_sub(self.asked);
        !self.identity.passing || (0..PASSING).contains(&age)
    }

    /// The answer, whole.
    fn identity(&self) -> ProgramIdentity {
        let files = self.watched.lines().skip(1).map(PathBuf::from).collect();
        ProgramIdentity { files, ..self.identity.clone() }
    }

    /// Whether no file changed while the program was asked: such a change may or may not be in the answer.
    fn settled(&self) -> bool {
        self.latest + CLOCK_LAG < self.asked
    }
}

/// The states of many files, as they are now.
struct States {
    hasher: Hasher,
    latest: i64,
}

impl States {
    fn of<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut states = Self { hasher: Hasher::new(), latest: i64::MIN };
        for path in paths {
            states.add(FileState::of(path).ok());
        }
        states
    }

    fn add(&mut self, state: Option<FileState>) {
        match state {
            Some(FileState { device, inode, size, modified, changed }) => {
                let mut bytes = [0; 40];
                let numbers = [device, inode, size, modified.cast_unsigned(), changed.cast_unsigned()];
                for (to, from) in bytes.iter_mut().zip(numbers.into_iter().flat_map(u64::to_le_bytes)) {
                    *to = from;
                }
                self.hasher.field("file", &bytes);
                self.latest = self.latest.max(changed);
            }
            None => self.hasher.field("absent", &[]),
        }
    }

    fn digest(&self) -> Digest {
        self.hasher.finish()
    }
}

fn words(spec: &ProgramSpec) -> Vec<String> {
    spec.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

fn surroundings(spec: &ProgramSpec) -> Vec<(String, String)> {
    let text = |value: &OsString| value.to_string_lossy().into_owned();
    spec.env.iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// Who a program is, asked anew; nothing is remembered.
///
/// # Errors
/// When it does not tell within `limit`.
pub fn identify(spec: &ProgramSpec, limit: Duration) -> Result<ProgramIdentity, ToolProblem> {
    ask(spec, limit).map(|entry| entry.identity())
}

/// Nanoseconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}

/// Starts the program and takes its answer.
fn ask(spec: &ProgramSpec, limit: Duration) -> Result<Entry, ToolProblem> {
    let asked = now();
    let program = FileState::of(&spec.path).ok();
    let problem =
        |cause: String, log: String| ToolProblem { program: spec.path.display().to_string(), cause, log };
    let run = || run(spec, limit).map_err(|error| problem(error.to_string(), String::new()));
    let mut answer = run()?;
    if answer.was_killed {
        // Not by its own fault, as far as that can be told.
        answer = run()?;
    }
    if !answer.success {
        return Err(problem(answer.how, answer.errors));
    }
    let identity: ProgramIdentity = serde_json::from_slice(&answer.output)
        .map_err(|error| problem(format!("its answer is not what was expected ({error})"), answer.errors))?;
    let watched = [&spec.path].into_iter().chain(&identity.files);
    let watched: Vec<String> = watched.map(|path| path.to_string_lossy().into_owned()).collect();
    let mut states = States::of(std::iter::empty());
    states.add(program);
    for file in &watched[1..] {
        states.add(FileState::of(Path::new(file)).ok());
    }
    Ok(Entry {
        path: spec.path.clone(),
        args: words(spec),
        env: surroundings(spec),
        asked,
        watched: watched.join("\n"),
        states: states.digest(),
        latest: states.latest,
        identity: ProgramIdentity { files: Vec::new(), ..identity },
    })
}

struct Answer {
    output: Vec<u8>,
    errors: String,
    success: bool,
    was_killed: bool,
    how: String,
}

fn run(spec: &ProgramSpec, limit: Duration) -> io::Result<Answer> {
    let mut child = Command::new(&spec.path)
        .args(&spec.args)
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let end = Instant::now() + limit;
    let output = collect(child.stdout.take());
    let errors = collect(child.stderr.take());
    let left = || end.saturating_duration_since(Instant::now());
    let (Ok(output), Ok(errors)) = (output.recv_timeout(left()), errors.recv_timeout(left())) else {
        kill(&mut child);
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} s", limit.as_secs()),
        ));
    };
    while child.try_wait()?.is_none() {
        if left().is_zero() {
            kill(&mut child);
        }
        thread::sleep(Duration::from_micros(200));
    }
    let status = child.wait()?;
    Ok(Answer {
        output,
        errors: String::from_utf8_lossy(&errors).into_owned(),
        success: status.success(),
        was_killed: status.signal().is_some(),
        how: status.to_string(),
    })
}

/// Reads a stream to its end, or to the bound, on a thread of its own.
fn collect(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            // What was read until an error is all there is; if it is no answer, that is what is reported.
            let _ = stream.take(LONGEST).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn kill(child: &mut Child) {
    let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
    // It may have ended in this moment, which is what is wanted.
    let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    let _ = child.wait();
}

#[cfg(test)]
mod tests;
