//! A folder to play in: a project, a cache, and a home of its own.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const REEL: &str = env!("CARGO_BIN_EXE_reel");

/// A folder with a project; gone when dropped.
pub(crate) struct Play(TempDir);

/// What a run of reel left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A run that goes on.
pub(crate) struct Going {
    child: Child,
    stdout: BufReader<ChildStdout>,
    read: String,
}

/// Two texts, one made of the other.
pub(crate) fn hello() -> &'static str {
    "version: 1
nodes:
  hello: { uses: text, with: { parts: [\"hello \", { file: world.txt }] } }
  again: { uses: text, with: { parts: [\"${hello.text}\", \", again\"] } }
outputs:
  again: { from: \"${again.text}\", file: out/again.txt }
"
}

/// The page that explains codes.
pub(crate) fn errors_page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md")).unwrap()
}

impl Play {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("project")).unwrap();
        Self(dir)
    }

    /// A project, with the file that [`hello`] reads.
    pub(crate) fn with(text: &str) -> Self {
        let play = Self::empty();
        play.write("reel.yaml", text);
        play.write("world.txt", "world");
        play
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("project").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// All variables that programs see.
    pub(crate) fn env(&self) -> [(&'static str, OsString); 4] {
        let path = |path: &Path| path.as_os_str().to_owned();
        [
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("HOME", path(self.0.path())),
            ("REEL", REEL.into()),
            ("REEL_CACHE_DIR", path(&self.0.path().join("cache"))),
        ]
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path("")).env_clear().envs(self.env());
        command
    }

    /// Runs reel in the project.
    pub(crate) fn reel(&self, args: &[&str]) -> Run {
        self.reel_with(args, &[])
    }

    /// Runs reel with further variables.
    pub(crate) fn reel_with(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        Run::of(self.command(REEL).args(args).envs(env.iter().copied()))
    }

    /// Runs a line of shell, with reel as `$REEL`.
    pub(crate) fn shell(&self, line: &str) -> Run {
        Run::of(self.command("sh").args(["-c", line]))
    }

    /// Starts reel and does not wait.
    pub(crate) fn start(&self, args: &[&str]) -> Going {
        let mut command = self.command(REEL);
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Going { child, stdout, read: String::new() }
    }
}

/// The next line.
pub(crate) fn next_line(going: &mut Going) -> String {
    let mut line = String::new();
    assert!(going.stdout.read_line(&mut line).unwrap() > 0, "it ended: {}", going.read);
    going.read.push_str(&line);
    line
}

/// The number of the process.
pub(crate) fn pid(going: &Going) -> u32 {
    going.child.id()
}

/// Reads until a line begins so.
pub(crate) fn wait_for_line(going: &mut Going, start: &str) {
    loop {
        let mut line = String::new();
        assert!(going.stdout.read_line(&mut line).unwrap() > 0, "it ended before `{start}`: {}", going.read);
        going.read.push_str(&line);
        if line.starts_with(start) {
            return;
        }
    }
}

/// What a failed test leaves running, nobody would end.
impl Drop for Going {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to reel alone.
pub(crate) fn signal(going: &Going, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &going.child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits until a process with this word in its command line is there, or is gone.
pub(crate) fn wait_for_process(word: &str, there: bool) {
    let begin = Instant::now();
    while is_running(word) != there {
        assert!(begin.elapsed().as_secs() < 10, "`{word}` is {} there", if there { "not" } else { "still" });
        sleep(Duration::from_millis(10));
    }
}

fn is_running(word: &str) -> bool {
    !processes(word).is_empty()
}

/// Processes with this word in their command line, by number.
pub(crate) fn processes(word: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let has_word = |path: &Path| {
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|part| part == word.as_bytes())
    };
    let found = entries.filter(|entry| has_word(&entry.path()));
    let mut found: Vec<String> = found.map(|entry| entry.file_name().into_string().unwrap()).collect();
    found.sort();
    found
}

/// Waits for the end.
pub(crate) fn finish(mut going: Going) -> Run {
    going.stdout.read_to_string(&mut going.read).unwrap();
    let mut stderr = String::new();
    going.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let code = going.child.wait().unwrap().code().unwrap();
    Run { code, stdout: std::mem::take(&mut going.read), stderr }
}

impl Run {
    fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The last line of the output.
    pub(crate) fn last(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }

    /// The output as objects, one a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}\n{self}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}\n-- stdout\n{}-- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
