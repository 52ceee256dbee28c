//! A watch for as long as somebody works: edits of every sort, most of them before the last one was dealt with. Each of
//! them is in the outputs soon, in the end these are what a clean build makes, and the watch has not grown.
//!
//! `REEL_WATCH_EDITS` is how many edits there are, for whoever wants to go on for an hour, and `REEL_WATCH_SEED` makes
//! them others.

use std::collections::VecDeque;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant, SystemTime};

use reel_tests::has;
use reel_tests::space::TestSpace;

const SEED: u64 = 20_261_129;
const EDITS: u64 = 60;
/// How long a change may take to be in the outputs where everything else runs as well.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a watch may hold at the end beyond what it held after a third, in KiB.
const GROWTH: u64 = 8 << 10;

const FILES: [&str; 6] = ["a.txt", "b.txt", "deep/c.txt", "deep/d.txt", "deep/in/e.txt", "f.txt"];
const BRANCHES: [&str; 2] = ["main", "other"];

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn doze(&mut self, most: u64) {
        sleep(Duration::from_millis(self.below(most)));
    }
}

/// What the project should be: what its files hold, and the word that each node begins with.
#[derive(Clone)]
struct Meant {
    files: Vec<String>,
    words: Vec<String>,
}

impl Meant {
    fn new(of: &str) -> Self {
        let all = |what: &str| FILES.iter().map(|name| format!("{what} of {name} in {of}")).collect();
        Self { files: all("file"), words: all("word") }
    }

    /// A chain of texts, each of a word, a file and the text before, and all of them outputs.
    fn project(&self) -> String {
        let node = |(n, (file, word)): (usize, (&&str, &String))| {
            let before = n.checked_sub(1).map_or(String::new(), |n| format!(", \"${{n{n}.text}}\""));
            format!("  n{n}: {{ uses: text, with: {{ parts: [\"{word}\", {{ file: {file} }}{before}] }} }}\n")
        };
        let nodes: String = FILES.iter().zip(&self.words).enumerate().map(node).collect();
        let output = |n| format!("  n{n}: {{ from: \"${{n{n}.text}}\", file: out/n{n}.txt }}\n");
        let outputs: String = (0..FILES.len()).map(output).collect();
        format!("version: 1\nnodes:\n{nodes}outputs:\n{outputs}")
    }

    /// What each output should hold.
    fn outputs(&self) -> Vec<String> {
        let mut before = String::new();
        let each = self.words.iter().zip(&self.files).map(|(word, file)| {
            before = format!("{word}{file}{before}");
            before.clone()
        });
        each.collect()
    }

    fn write(&self, space: &TestSpace) {
        FILES.iter().zip(&self.files).for_each(|(name, content)| space.write(name, content));
        space.write("reel.yaml", self.project());
    }
}

fn output(number: usize) -> String {
    format!("out/n{number}.txt")
}

/// What a watch said last.
type Said = Arc<Mutex<VecDeque<String>>>;

/// How many lines of that are kept.
const SAID: usize = 80;

/// Somebody who edits.
struct Author<'a> {
    space: &'a TestSpace,
    seed: u64,
    said: Said,
    dice: Dice,
    meant: Meant,
    /// What stands in the branches of the repository; none without git.
    branches: Vec<Meant>,
    /// What was done.
    done: Vec<String>,
}

impl Author<'_> {
    fn new(space: &TestSpace, said: Said) -> Author<'_> {
        let seed = asked("REEL_WATCH_SEED").unwrap_or(SEED);
        let meant = Meant::new(BRANCHES[0]);
        meant.write(space);
        let branches = if has("branches under watch", "git") {
            BRANCHES.iter().map(|name| Meant::new(name)).collect()
        } else {
            Vec::new()
        };
        let author = Author { space, seed, said, dice: Dice(seed), meant, branches, done: Vec::new() };
        for (number, branch) in author.branches.iter().enumerate() {
            if number == 0 {
                author.git(&["init", "--quiet"]);
                space.write(".gitignore", "out/\n.reel/\n");
            }
            author.git(&["checkout", "--quiet", "-B", BRANCHES[number]]);
            branch.write(space);
            author.git(&["add", "--all"]);
            author.git(&["commit", "--quiet", "--message", "all of it"]);
        }
        if !author.branches.is_empty() {
            author.git(&["checkout", "--quiet", BRANCHES[0]]);
        }
        author
    }

    fn git(&self, args: &[&str]) {
        let mut command = Command::new("git");
        self.space.surround(&mut command);
        let who = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let ran = command.args(who).args(args).current_dir(self.space.project()).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn edit(&mut self) {
        let which = self.dice.below(14);
        let said = match which {
            0..=5 => self.edit_file(which),
            6 | 7 => self.edit_project(),
            8 => self.break_project(),
            9 => self.change_nothing(),
            10 => self.write_many(),
            11 => self.take_folder_away(),
            12 if !self.branches.is_empty() => self.go_to_branch(),
            _ => self.write_what_is_nobodys(),
        };
        self.done.push(said);
    }

    /// Another content for one file, in one of the ways in which editors save.
    fn edit_file(&mut self, way: u64) -> String {
        let which = self.dice.below(FILES.len() as u64) as usize;
        let text = format!("edit {}", self.done.len());
        let path = self.space.path(FILES[which]);
        let beside = path.with_extension("new");
        match way {
            0 => fs::write(&path, &text).unwrap(),
            1 => {
                fs::write(&beside, &text).unwrap();
                fs::rename(&beside, &path).unwrap();
            }
            2 => {
                fs::rename(&path, &beside).unwrap();
                fs::write(&path, &text).unwrap();
                fs::remove_file(&beside).unwrap();
            }
            3 | 4 => {
                // Some come back so late that they are missed.
                fs::remove_file(&path).unwrap();
                self.dice.doze(if way == 3 { 100 } else { 500 });
                fs::write(&path, &text).unwrap();
            }
            _ => {
                let mut file = fs::File::create(&path).unwrap();
                for byte in text.as_bytes() {
                    std::io::Write::write_all(&mut file, &[*byte]).unwrap();
                    self.dice.doze(20);
                }
            }
        }
        self.meant.files[which] = text;
        format!("way {way} for {}", FILES[which])
    }

    fn edit_project(&mut self) -> String {
        let which = self.dice.below(FILES.len() as u64) as usize;
        self.meant.words[which] = format!("word {} ", self.done.len());
        let text = self.meant.project();
        if self.dice.below(2) == 0 {
            self.space.write("reel.yaml", text);
        } else {
            self.space.write("reel.yaml.new", text);
            fs::rename(self.space.path("reel.yaml.new"), self.space.path("reel.yaml")).unwrap();
        }
        format!("word of n{which}")
    }

    /// Wrong for a while, and files change meanwhile.
    fn break_project(&mut self) -> String {
        self.space.write("reel.yaml", "version: 1\nnodes: [\n");
        self.dice.doze(300);
        let file = self.edit_file(0);
        self.dice.doze(300);
        format!("broken, {file}, mended: {}", self.edit_project())
    }

    fn change_nothing(&mut self) -> String {
        let which = self.dice.below(FILES.len() as u64) as usize;
        let path = self.space.path(FILES[which]);
        match self.dice.below(3) {
            0 => {
                let file = fs::File::options().append(true).open(path).unwrap();
                file.set_modified(SystemTime::now()).unwrap();
            }
            1 => fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap(),
            _ => fs::write(path, &self.meant.files[which]).unwrap(),
        }
        format!("nothing in {}", FILES[which])
    }

    fn write_many(&mut self) -> String {
        self.meant.files.fill(format!("burst {} ", self.done.len()));
        FILES.iter().zip(&self.meant.files).for_each(|(name, content)| self.space.write(name, content));
        "all files".to_owned()
    }

    fn take_folder_away(&mut self) -> String {
        let (there, away) = (self.space.path("deep"), self.space.root().join("away"));
        fs::rename(&there, &away).unwrap();
        self.dice.doze(500);
        fs::rename(&away, &there).unwrap();
        "folder away and back".to_owned()
    }

    fn go_to_branch(&mut self) -> String {
        let which = self.dice.below(BRANCHES.len() as u64) as usize;
        self.git(&["checkout", "--quiet", "--force", BRANCHES[which]]);
        self.meant = self.branches[which].clone();
        format!("branch {}", BRANCHES[which])
    }

    fn write_what_is_nobodys(&mut self) -> String {
        let number = self.done.len();
        self.space.write(["notes.md", ".a.txt.swp", "deep/4913"][number % 3], number.to_string());
        "files of nobody".to_owned()
    }

    /// Waits until everything that was done is in the outputs.
    fn wait(&self) {
        let begin = Instant::now();
        for (number, wanted) in self.meant.outputs().into_iter().enumerate() {
            let held = || fs::read_to_string(self.space.path(&output(number))).unwrap_or_default();
            while held() != wanted {
                let late = begin.elapsed() > PATIENCE;
                assert!(
                    !late,
                    "`{}` is `{}`, not `{wanted}`: a change was lost. Seed {}, edits: {:#?}\nwatch: {:#?}",
                    output(number),
                    held(),
                    self.seed,
                    self.done,
                    self.said.lock().unwrap()
                );
                sleep(Duration::from_millis(5));
            }
        }
    }
}

/// A watch; it ends when dropped.
struct Watch(Child);

impl Watch {
    fn start(space: &TestSpace, said: Said) -> Self {
        let mut command = space.command(&["watch", "--ui", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // What it says must not fill the pipe.
        spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut said = said.lock().unwrap();
                if said.len() == SAID {
                    said.pop_front();
                }
                said.push_back(line);
            }
        });
        Self(child)
    }

    /// Memory that is its own, in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long this goes on is said by whoever wants more than a test"
)]
fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|said| said.parse().unwrap())
}

#[test]
fn after_many_edits_nothing_is_lost_and_the_watch_has_not_grown() {
    let space = TestSpace::of("");
    let said = Said::default();
    let mut author = Author::new(&space, Arc::clone(&said));
    let mut watch = Watch::start(&space, said);
    author.wait();
    let (edits, mut held) = (asked("REEL_WATCH_EDITS").unwrap_or(EDITS), 0);
    for number in 0..edits {
        author.edit();
        match author.dice.below(4) {
            0 => author.wait(),
            1 => author.dice.doze(200),
            _ => {}
        }
        if number == edits / 3 {
            author.wait();
            held = watch.memory();
        }
    }
    author.wait();
    let holds = watch.memory();
    assert!(
        holds < held + GROWTH,
        "it holds {holds} KiB, and held {held} KiB after a third of {edits} edits"
    );
    assert!(watch.0.try_wait().unwrap().is_none(), "it ended");
    drop(watch);

    assert_eq!(space.build(&[]).ok().finished().ran, 0, "nothing was left to do");
    let clean = space.twin();
    let _ = clean.build(&[]).ok();
    for number in 0..FILES.len() {
        assert_eq!(
            space.read(&output(number)),
            clean.read(&output(number)),
            "seed {}: {:#?}",
            author.seed,
            author.done
        );
    }
}
