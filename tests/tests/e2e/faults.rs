//! Faults at any moment: kills, full disks, damage, a cache that is removed or collected under a build. After each
//! the next build gives the right bytes. Points in time and places are drawn from fixed seeds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reel_tests::ran::Ran;
use reel_tests::skip;
use reel_tests::space::{TestSpace, program};

/// A small generator, so that a seed in a message is all that is needed to see a fault again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }
}

const OUTPUTS: [&str; 2] = ["out/film.mp4", "out/words.txt"];

/// Pictures through workers and texts in the process itself, quickly made.
fn project(title: u64) -> String {
    format!(
        r##"version: 1
name: faults
format: {{ size: 96x96, fps: 25 }}
scenes:
  - {{ id: a, show: {{ image: tide.jpg, motion: push-in }}, for: 1s }}
  - {{ id: b, show: {{ card: {{ title: "Take {title}", background: "#0b1021" }} }}, for: 1s }}
nodes:
  line: {{ uses: text, with: {{ parts: ["take {title} ", {{ file: long.txt }}] }} }}
  both: {{ uses: text, with: {{ parts: ["${{line.text}}", " and again ", "${{line.text}}"] }} }}
outputs:
  film: out/film.mp4
  words: {{ from: "${{both.text}}", file: out/words.txt }}
"##
    )
}

fn space() -> TestSpace {
    let space = TestSpace::story();
    space.write("reel.yaml", project(0));
    space.write("long.txt", "word ".repeat(6000));
    space
}

fn wait(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

fn outputs(space: &TestSpace) -> Vec<Vec<u8>> {
    OUTPUTS.iter().map(|name| space.read(name)).collect()
}

/// What the project makes with a cache of its own.
fn expected(space: &TestSpace) -> Vec<Vec<u8>> {
    let clean = space.twin();
    let _ = clean.build(&[]).ok();
    outputs(&clean)
}

/// The next build is right, the one after it has nothing to do, and the store is whole.
fn assert_mended(space: &TestSpace, expected: &[Vec<u8>]) {
    let ran = space.build(&[]).ok();
    assert!(outputs(space) == expected, "{}", ran.all());
    space.build(&[]).ok().assert_nothing_ran();
    let _ = space.reel(&["cache", "verify", "--json"]).ok();
}

fn workers(space: &TestSpace) -> Vec<Pid> {
    let lines = space.processes().into_iter().filter(|line| line.contains("reel-worker"));
    lines.map(|line| Pid::from_raw(line.split(' ').next().unwrap().parse().unwrap())).collect()
}

fn assert_nothing_left(space: &TestSpace) {
    let begin = Instant::now();
    while !space.processes().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "left running: {:?}", space.processes());
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn kills_of_builds_and_workers_at_any_moment_leave_nothing_wrong() {
    let space = space();
    let mut dice = Dice(7);
    let begin = Instant::now();
    let mut killed = 0;
    while begin.elapsed() < Duration::from_secs(15) && killed < 60 {
        // Something is always left to do.
        space.write("reel.yaml", project(killed / 3));
        let mut child = space.start(&["build", "--json"]);
        sleep(Duration::from_millis(5 + dice.roll(700)));
        let victims = if dice.roll(3) == 0 { workers(&space) } else { Vec::new() };
        match victims.first() {
            Some(worker) => drop(kill(*worker, Signal::SIGKILL)),
            None => child.kill().unwrap(),
        }
        if victims.is_empty() {
            child.wait().unwrap();
        } else {
            let ran = wait(child);
            assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.all());
        }
        assert_nothing_left(&space);
        killed += 1;
    }
    assert!(killed >= 3, "{killed} kills in {:?}", begin.elapsed());
    let gc = space.reel(&["cache", "gc", "--max-size", "none", "--json"]).ok();
    assert_eq!(gc.events()[0]["live-builds"], 0, "no lock outlives its process: {}", gc.stdout);
    assert_mended(&space, &expected(&space));
}

#[test]
fn four_builds_at_once_run_each_action_once() {
    let first = space();
    let alone = first.twin();
    // Two nodes may be the same action.
    let actions = alone.build(&[]).ok().finished().ran;
    let expected = outputs(&alone);
    let others = [first.sibling(), first.sibling(), first.sibling()];
    let all: Vec<&TestSpace> = std::iter::once(&first).chain(&others).collect();
    let builds: Vec<Child> = all.iter().map(|space| space.start(&["build", "--json"])).collect();
    let ran: Vec<Ran> = builds.into_iter().map(|child| wait(child).ok()).collect();
    let total: u64 = ran.iter().map(|ran| ran.finished().ran).sum();
    assert_eq!(total, actions, "each action once");
    for space in all {
        assert!(outputs(space) == expected);
        space.build(&[]).ok().assert_nothing_ran();
    }
}

#[test]
fn a_build_during_collections_and_clears_is_right() {
    let space = space();
    let expected = expected(&space);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for args in [&["cache", "gc", "--max-size", "1KiB", "--max-age", "1s"][..], &["cache", "clear"]] {
            let (space, over) = (&space, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let _ = space.reel(args).ok();
                }
            });
        }
        for _ in 0..2 {
            let ran = space.build(&[]);
            over.store(ran.code != Some(0), Ordering::Relaxed);
            assert!(outputs(&space) == expected, "{}", ran.ok().all());
            fs::remove_dir_all(space.path("out")).unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_mended(&space, &expected);
}

#[test]
fn a_cache_that_is_removed_under_a_build_is_made_again() {
    let mut dice = Dice(3);
    let expected = expected(&space());
    for round in 0..4 {
        let space = space();
        let child = space.start(&["build", "--json"]);
        sleep(Duration::from_millis(100 + dice.roll(1200)));
        // Something may be written meanwhile.
        while fs::remove_dir_all(space.cache()).is_err_and(|e| e.kind() != std::io::ErrorKind::NotFound) {}
        // What ran just then lost its folder, and runs again.
        let ran = wait(child).ok();
        assert!(outputs(&space) == expected, "round {round}: {}", ran.all());
        assert_mended(&space, &expected);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn every_file_of_the_store_may_be_damaged() {
    let space = space();
    let expected = expected(&space);
    let _ = space.build(&[]).ok();
    for seed in 0..3 {
        let mut dice = Dice(seed);
        for path in files(space.cache()) {
            let mut bytes = fs::read(&path).unwrap();
            let at = dice.roll(bytes.len() as u64) as usize;
            match (dice.roll(4), bytes.get_mut(at)) {
                (0, _) => bytes.truncate(at),
                (_, Some(byte)) => *byte ^= 1 << dice.roll(8),
                (_, None) => {}
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(&path, bytes).unwrap();
        }
        fs::remove_dir_all(space.path("out")).unwrap();
        let ran = space.build(&[]);
        assert_eq!(ran.code, Some(0), "seed {seed}: {}", ran.all());
        assert!(outputs(&space) == expected, "seed {seed}: {}", ran.all());
        assert!(ran.finished().ran > 0, "seed {seed}: {}", ran.all());
        assert!(!ran.events_of("warning").is_empty(), "seed {seed}: nothing is said: {}", ran.all());
        space.build(&[]).ok().assert_nothing_ran();
    }
}

/// A build while a folder is a disk of its own of so many bytes; `None` where no disk can be mounted.
fn on_small_disk(space: &TestSpace, folder: &Path, bytes: u64) -> Option<Ran> {
    const NO_MOUNT: i32 = 99;
    fs::create_dir_all(folder).unwrap();
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let script = format!(
        "mount -t tmpfs -o size={bytes} none \"$1\" 2>/dev/null || exit {NO_MOUNT}; exec \"$2\" build --json"
    );
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(folder).arg(program("reel"));
    command.current_dir(space.project()).stdin(Stdio::null());
    space.surround(&mut command);
    let ran: Ran = command.output().ok()?.into();
    // `unshare` itself ends with 1 and says so, when there may be no namespaces.
    let refused = ran.code == Some(NO_MOUNT) || ran.stderr.starts_with("unshare:");
    (!refused).then_some(ran)
}

const NO_DISK: &str = "no small disk can be mounted here";

#[test]
fn a_cache_on_a_full_disk_costs_speed_only() {
    let space = space();
    let expected = expected(&space);
    let Some(ran) = on_small_disk(&space, space.cache(), 96 << 10) else {
        return skip("a_cache_on_a_full_disk_costs_speed_only", NO_DISK);
    };
    let ran = ran.ok();
    assert!(outputs(&space) == expected, "{}", ran.all());
    let warnings = ran.events_of("warning");
    assert!(warnings.iter().any(|w| w["message"].as_str().unwrap().contains("not kept")), "{}", ran.all());
    assert_mended(&space, &expected);
}

#[test]
fn an_output_on_a_full_disk_is_told() {
    let space = space();
    let expected = expected(&space);
    let Some(ran) = on_small_disk(&space, &space.path("out"), 4096) else {
        return skip("an_output_on_a_full_disk_is_told", NO_DISK);
    };
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(ran.all().contains("out/words.txt"), "{}", ran.all());
    assert!(ran.finished().failed == 0 && ran.finished().ran > 0, "what ran is kept: {}", ran.all());
    assert_eq!(space.build(&[]).ok().finished().ran, 0);
    assert_mended(&space, &expected);
}
