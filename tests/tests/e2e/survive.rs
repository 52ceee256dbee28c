//! Company, death and interruption: builds side by side, killed builds, killed workers, Ctrl-C.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reel_tests::ran::Ran;
use reel_tests::space::TestSpace;

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

fn wait(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

/// Waits until nothing of a test's projects is left running.
fn assert_nothing_left(space: &TestSpace) {
    let begin = Instant::now();
    while !space.processes().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "left running: {:?}", space.processes());
        sleep(Duration::from_millis(20));
    }
}

/// The nodes of whole `did-run` lines of a build that may have died while it wrote one.
fn whole_runs(text: &str) -> BTreeSet<String> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines
        .filter(|event| event["event"] == "did-run")
        .map(|event| event["node"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_worker_serves_many_actions_also_in_a_first_build() {
    let space = TestSpace::story();
    let mut command = space.command(&["build", "--jobs", "2"]);
    let told = command.env("REEL_LOG", "reel_engine=info").output().unwrap();
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{said}");
    let served = said
        .split("served=")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok());
    let served: Vec<u32> = served.collect();
    assert!(served.iter().any(|served| *served >= 5), "actions that each worker served: {served:?}\n{said}");
}

#[test]
fn two_builds_at_once_run_each_action_once() {
    let here = TestSpace::story();
    let there = here.sibling();
    let builds = [here.start(&["build", "--json"]), there.start(&["build", "--json"])];
    let [first, second] = builds.map(|child| wait(child).ok());
    let mut runs: BTreeMap<String, u32> = BTreeMap::new();
    for name in first.ran().into_iter().chain(second.ran()) {
        *runs.entry(name).or_default() += 1;
    }
    assert!(runs.values().all(|&count| count == 1), "{runs:?}");
    assert_eq!(runs.len() as u64, first.finished().planned);
    assert_eq!(first.finished().planned, second.finished().planned);
    assert!(here.read("out/short.mp4") == there.read("out/short.mp4"));

    here.edit("Red apples", "Green apples");
    let builds = [here.start(&["build", "--json"]), here.start(&["build", "--json"])];
    let [first, second] = builds.map(|child| wait(child).ok());
    assert!(first.ran().is_disjoint(&second.ran()), "{:?} {:?}", first.ran(), second.ran());
    here.build(&[]).ok().assert_nothing_ran();
}

#[test]
fn a_killed_build_loses_nothing_that_it_told_of() {
    let space = TestSpace::story();
    let clean = space.twin();
    let mut ran = BTreeSet::new();
    for delay in [60, 150, 300, 450, 600, 800] {
        let mut child = space.start(&["build", "--json", "--jobs", "1"]);
        let mut stdout = child.stdout.take().unwrap();
        sleep(Duration::from_millis(delay));
        let _ = kill(pid(&child), Signal::SIGKILL);
        child.wait().unwrap();
        let mut said = String::new();
        stdout.read_to_string(&mut said).unwrap();
        let now = whole_runs(&said);
        assert!(now.is_disjoint(&ran), "ran again after {delay} ms: {:?}", now.intersection(&ran));
        ran.extend(now);
        assert_nothing_left(&space);
    }
    let last = space.build(&[]).ok();
    assert!(last.ran().is_disjoint(&ran), "ran again: {:?}", last.ran().intersection(&ran));
    assert!(!ran.is_empty(), "some build came as far as to run something");
    let _ = clean.build(&[]).ok();
    for output in ["out/short.mp4", "out/short.srt"] {
        assert!(space.read(output) == clean.read(output), "{output}");
    }
    space.build(&[]).ok().assert_nothing_ran();
}

/// A film whose encoding takes its time.
const SLOW: &str = r##"version: 1
name: slow
format: { size: 1280x720, fps: 30 }
scenes:
  - { id: a, show: { image: tide.jpg, motion: push-in, fit: blur }, for: 6s }
  - { id: b, show: { image: tide.jpg, motion: pan-left }, for: 6s }
outputs: { film: out/film.mp4 }
"##;

fn slow() -> TestSpace {
    let space = TestSpace::story();
    space.write("reel.yaml", SLOW);
    space
}

/// Waits until the build has a worker.
fn a_worker(space: &TestSpace, child: &mut Child) -> Pid {
    let begin = Instant::now();
    loop {
        let found = space.processes().into_iter().find(|line| line.contains("reel-worker"));
        if let Some(line) = found {
            return Pid::from_raw(line.split(' ').next().unwrap().parse().unwrap());
        }
        assert!(child.try_wait().unwrap().is_none(), "the build ended before it had a worker");
        assert!(begin.elapsed() < Duration::from_secs(20), "no worker was started");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_worker_costs_a_retry_or_a_clear_failure() {
    let space = slow();
    let clean = space.twin();
    let mut child = space.start(&["build", "--json", "--jobs", "1"]);
    let worker = a_worker(&space, &mut child);
    sleep(Duration::from_millis(600));
    let _ = kill(worker, Signal::SIGKILL);
    let ran = wait(child);
    match ran.code {
        Some(0) => {}
        Some(1) => {
            let failed = ran.events_of("did-fail");
            assert_eq!(failed.len(), 1, "{}", ran.all());
            let message = failed[0]["message"].as_str().unwrap();
            assert!(message.contains("killed") || message.contains("worker"), "{message}");
            assert!(!space.path("out/film.mp4").exists());
        }
        other => panic!("{other:?}: {}", ran.all()),
    }
    let _ = ran.finished();
    assert_nothing_left(&space);
    let _ = space.build(&[]).ok();
    let _ = clean.build(&[]).ok();
    assert!(space.read("out/film.mp4") == clean.read("out/film.mp4"));
}

#[test]
fn an_interrupted_build_keeps_what_is_finished() {
    let space = slow();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut child = space.start(&["build", "--json", "--jobs", "1"]);
        a_worker(&space, &mut child);
        sleep(Duration::from_millis(400));
        kill(pid(&child), signal).unwrap();
        let begin = Instant::now();
        let ran = wait(child);
        assert_eq!(ran.code, Some(130), "{signal}: {}", ran.all());
        assert!(begin.elapsed() < Duration::from_secs(4), "{signal}: stopped after {:?}", begin.elapsed());
        let finished = ran.finished();
        assert!(finished.skipped > 0, "{signal}: {}", ran.stdout);
        assert_nothing_left(&space);
        assert!(!space.path("out/film.mp4").exists());
    }
    let next = space.build(&[]).ok();
    assert_eq!(next.finished().skipped, 0);
    space.build(&[]).ok().assert_nothing_ran();
}

#[test]
fn a_cache_that_is_gone_is_made_again() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let film = space.read("out/short.mp4");
    let _ = space.reel(&["cache", "clear"]).ok();
    let again = space.build(&[]).ok();
    assert_eq!(again.finished().failed, 0);
    assert!(space.read("out/short.mp4") == film);
    std::fs::remove_dir_all(space.cache()).unwrap();
    std::fs::remove_dir_all(space.path("out")).unwrap();
    let again = space.build(&[]).ok();
    assert_eq!(again.finished().ran, again.finished().planned);
    assert!(space.read("out/short.mp4") == film);
}
