//! A project, a cache and a home of a test's own. It knows how reel is started, not what it should do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::ran::Ran;
use crate::repository;

/// Everything that a test may change; gone when dropped.
#[derive(Debug)]
pub struct TestSpace {
    folder: TempDir,
    cache: PathBuf,
}

/// Three scenes: two sentences on a colour, one on a picture that fades in, a card.
pub const STORY: &str = r##"version: 1
name: story
format:   { size: 160x284, fps: 30 }
captions: { style: karaoke, font: DejaVu Sans, lines: 2 }
music:    { file: bed.wav, gain: -18dB, duck: -10dB }
scenes:
  - id: hook
    say: The moon is far. The sun is bright.
    show: { color: "#336699" }
  - id: mid
    say: Red apples fall down.
    show: { image: tide.jpg, motion: push-in }
    transition: { kind: fade, for: 0.3s }
  - id: end
    show: { card: { title: The end, background: "#0b1021" } }
    for: 1s
outputs:
  short: out/short.mp4
  words: out/short.srt
"##;

impl TestSpace {
    /// A project of this text, with nothing beside it.
    #[must_use]
    pub fn of(project: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("reel-e2e-").tempdir().expect("a temporary folder");
        // Names that reel prints have no link in them.
        let cache = folder.path().canonicalize().expect("the folder is there").join("cache");
        let space = Self { folder, cache };
        for name in ["project", "home", "tmp"] {
            fs::create_dir(space.root().join(name)).expect("a new folder");
        }
        space.write("reel.yaml", project);
        space
    }

    /// The project of [`STORY`], with its music and picture.
    #[must_use]
    pub fn story() -> Self {
        let space = Self::of(STORY);
        space.bed("bed.wav", 6);
        space.copy(repository().join("examples/two-formats/assets/tide.jpg"), "tide.jpg");
        space
    }

    /// A copy of an example, without what it made.
    #[must_use]
    pub fn example(name: &str) -> Self {
        let space = Self::of("");
        copy_folder(&repository().join("examples").join(name), &space.project());
        space
    }

    /// The same project, copied, with an empty cache.
    #[must_use]
    pub fn twin(&self) -> Self {
        let twin = Self::of("");
        copy_folder(&self.project(), &twin.project());
        twin
    }

    /// The same project, copied, with the same cache, which lives as long as the first does.
    #[must_use]
    pub fn sibling(&self) -> Self {
        let mut sibling = self.twin();
        sibling.cache.clone_from(&self.cache);
        sibling
    }

    /// The folder of it all.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("the folder is there")
    }

    /// The folder of the project.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    /// The folder of the cache.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// A path in the project.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.project().join(name)
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a new folder");
        fs::write(path, content).expect("a file of the project can be written");
    }

    /// The bytes of a file of the project.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
    }

    /// A file of the project as JSON.
    #[must_use]
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
    }

    /// Copies a file into the project.
    pub fn copy(&self, from: impl AsRef<Path>, name: &str) {
        let bytes = fs::read(&from).unwrap_or_else(|error| panic!("{}: {error}", from.as_ref().display()));
        self.write(name, bytes);
    }

    /// Replaces what stands exactly once in `reel.yaml`.
    #[track_caller]
    pub fn edit(&self, old: &str, new: &str) {
        let text = String::from_utf8(self.read("reel.yaml")).expect("UTF-8");
        assert_eq!(text.matches(old).count(), 1, "`{old}` must stand once in:\n{text}");
        self.write("reel.yaml", text.replace(old, new));
    }

    /// Adds to the end of `reel.yaml`.
    pub fn append(&self, more: &str) {
        let text = String::from_utf8(self.read("reel.yaml")).expect("UTF-8");
        self.write("reel.yaml", text + more);
    }

    /// Makes a quiet chord of some seconds, 48 kHz stereo: a bed that is never silent.
    pub fn bed(&self, name: &str, seconds: u32) {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 48_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(self.path(name), spec).expect("a new sound file");
        for n in 0..48_000 * seconds {
            let t = f64::from(n) / 48_000.0;
            let tone = |hertz: f64| (t * hertz * std::f64::consts::TAU).sin();
            let left = (tone(220.0) + tone(277.2) + tone(1760.0)) * 5_000.0;
            let right = (tone(220.0) + tone(329.6) + tone(2637.0)) * 5_000.0;
            wav.write_sample(left as i16).expect("a sample");
            wav.write_sample(right as i16).expect("a sample");
        }
        wav.finalize().expect("a whole sound file");
    }

    /// A call of reel in the project's folder, with nothing of this user's surroundings but `PATH`.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("reel"));
        command.args(args).current_dir(self.project()).stdin(Stdio::null());
        self.surround(&mut command);
        command
    }

    /// Takes the surroundings of this user away, and gives those of the test.
    #[expect(clippy::disallowed_methods, reason = "programs are found as this test would find them")]
    pub fn surround(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.root().join("home"))
            .env("TMPDIR", self.root().join("tmp"))
            .env("REEL_CACHE_DIR", &self.cache)
            .env("NO_COLOR", "1");
    }

    /// Calls reel and waits for it.
    #[must_use]
    pub fn reel(&self, args: &[&str]) -> Ran {
        self.command(args).output().expect("reel starts").into()
    }

    /// Starts reel and does not wait.
    #[must_use]
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("reel starts")
    }

    /// `reel build --json`, and more words.
    #[must_use]
    pub fn build(&self, more: &[&str]) -> Ran {
        self.reel(&[&["build", "--json"], more].concat())
    }

    /// Calls reel as a user who may do no more than others: this one, or, when that is root, nobody. Folders of the
    /// test are made writable for that user, but for those whose mode says otherwise. `None` when it cannot be done.
    #[must_use]
    pub fn unprivileged(&self, args: &[&str]) -> Option<Ran> {
        if !nix::unistd::geteuid().is_root() {
            return Some(self.reel(args));
        }
        // The programs of this build may lie where nobody else may look.
        let programs = self.root().join("bin");
        for folder in [&self.root(), &self.project(), &self.root().join("tmp"), &programs, &self.cache] {
            let new = !folder.exists();
            fs::create_dir_all(folder).expect("a new folder");
            if new || folder != &self.cache {
                fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("a folder of the test");
            }
        }
        for name in ["reel", "reel-worker", "reel-speak"] {
            let copy = programs.join(name);
            if !copy.exists() {
                fs::hard_link(program(name), &copy)
                    .or_else(|_| fs::copy(program(name), &copy).map(drop))
                    .expect("a copy of a program");
            }
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(programs.join("reel"));
        command.args(args).current_dir(self.project()).stdin(Stdio::null());
        self.surround(&mut command);
        let ran: Ran = command.output().ok()?.into();
        (ran.code != Some(127)).then_some(ran)
    }

    /// Command lines of the processes that work for this test's projects: reel gives its workers this home.
    #[must_use]
    pub fn processes(&self) -> Vec<String> {
        let home = format!("HOME={}", self.root().join("home").display());
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = entries.filter_map(|entry| {
            let env = fs::read(entry.path().join("environ")).ok()?;
            let found = env.split(|&byte| byte == 0).any(|variable| variable == home.as_bytes());
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let pid = entry.file_name();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            found.then(|| format!("{} {line}", pid.to_string_lossy()))
        });
        ours.collect()
    }
}

/// A program of the same build as this test.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests are built into `deps`");
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not there: `cargo build --workspace --bins` first", path.display());
    path
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("a folder can be read");
        let (name, path) = (entry.file_name(), entry.path());
        if name == ".reel" || name == "out" {
            continue;
        }
        if path.is_dir() {
            copy_folder(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}
