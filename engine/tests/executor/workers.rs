//! Tests of worker processes: what a good one, a bad one and a dead one come to, and what is left afterwards.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use reel_engine::artifact::{Artifact, InputFile};
use reel_engine::digest::Digest;
use reel_engine::executor::frames::Confined;
use reel_engine::executor::worker::{WorkerProgram, Workers};
use reel_engine::executor::{Executor, RunId};
use reel_engine::operation::{Body, Failure, FailureCode, Outcome};
use serde_json::{Value, json};

use crate::Test;
use crate::play::{Fake, Stage, all_gone, code, pids, program};

pub(crate) const TESTS: &[Test] = &[
    ("worker_runs_and_reports_progress", runs_and_reports_progress),
    ("worker_is_used_again_and_first_for_its_kind", is_used_again_and_first_for_its_kind),
    ("worker_failures_and_panics_leave_it_alive", failures_and_panics_leave_it_alive),
    ("worker_large_artifacts_come_as_files", large_artifacts_come_as_files),
    ("worker_a_fresh_one_that_dies_fails_the_action", a_fresh_one_that_dies_fails_the_action),
    ("worker_one_that_served_and_dies_is_replaced_once", one_that_served_and_dies_is_replaced_once),
    ("worker_always_dying_fails_after_two_tries", always_dying_fails_after_two_tries),
    ("worker_that_died_idle_is_replaced", that_died_idle_is_replaced),
    ("worker_idle_beside_another_is_ended", idle_beside_another_is_ended),
    ("worker_garbage_on_the_pipe_fails_the_action", garbage_on_the_pipe_fails_the_action),
    ("worker_that_closes_its_pipe_is_ended", that_closes_its_pipe_is_ended),
    ("worker_may_read_the_inputs_it_is_given", may_read_the_inputs_it_is_given),
    ("worker_hang_is_noticed", hang_is_noticed),
    ("worker_cpu_time_and_reports_count_as_life", cpu_time_and_reports_count_as_life),
    ("worker_deadline_ends_the_group", deadline_ends_the_group),
    ("worker_of_another_build_is_refused", of_another_build_is_refused),
    ("worker_that_is_missing_or_silent_is_told", that_is_missing_or_silent_is_told),
    ("worker_cancel_keeps_one_that_listens", cancel_keeps_one_that_listens),
    ("worker_cancel_ends_one_that_does_not_listen", cancel_ends_one_that_does_not_listen),
    ("worker_shutdown_leaves_nothing", shutdown_leaves_nothing),
    ("worker_a_second_shutdown_is_less_patient", a_second_shutdown_is_less_patient),
    ("worker_nothing_survives_a_killed_reel", nothing_survives_a_killed_reel),
    ("worker_speed", speed),
];

fn text(outcome: &Outcome) -> String {
    match &outcome.produced[0].body {
        Body::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        Body::File(path) => path.display().to_string(),
    }
}

fn pid_of(stage: &mut Stage, workers: &Workers, id: u64) -> i32 {
    text(&stage.run(workers, id, "pid").unwrap()).parse().unwrap()
}

fn runs_and_reports_progress() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    assert_eq!(workers.confined(), None);
    assert!(stage.run(&workers, 1, "ok").is_ok());
    assert_eq!(stage.progress, [500]);
    assert_eq!(workers.confined(), Some(Confined { landlock: false, seccomp: true }));
}

fn is_used_again_and_first_for_its_kind() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let first = pid_of(&mut stage, &workers, 1);
    assert_eq!(pid_of(&mut stage, &workers, 2), first, "an idle worker is used again");
    stage.start(&workers, 3, "hang", Value::Null);
    let second = pid_of(&mut stage, &workers, 4);
    assert_ne!(second, first, "a busy worker is not");
    workers.cancel(RunId(3));
    assert_eq!(code(&stage.finished(3)), Some(FailureCode::Cancelled));
    assert_eq!(pid_of(&mut stage, &workers, 5), second, "the one that ran this kind last comes first");
}

fn failures_and_panics_leave_it_alive() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let pid = pid_of(&mut stage, &workers, 1);
    assert_eq!(stage.run(&workers, 2, "fail"), Err(Failure::new("no good").help("try another")));
    let failure = stage.run(&workers, 3, "panic").unwrap_err();
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (FailureCode::Crashed, "`panic` panicked: out of tune")
    );
    assert!(failure.log.contains("play.rs"), "its log says where: {}", failure.log);
    assert_eq!(pid_of(&mut stage, &workers, 4), pid);
}

fn large_artifacts_come_as_files() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let outcome = stage.run(&workers, 1, "large").unwrap();
    let Body::File(path) = &outcome.produced[0].body else { panic!("a file") };
    assert!(path.starts_with(stage.folder.path().join("scratch-1")));
    assert_eq!(fs::read(path).unwrap(), vec![7; 1 << 20]);
}

fn a_fresh_one_that_dies_fails_the_action() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let failure = stage.run(&workers, 1, "abort").unwrap_err();
    assert_eq!(failure.code, FailureCode::Crashed);
    assert_eq!(failure.message, "the worker that ran `node-1` died: killed by SIGABRT");
    assert_eq!(failure.log.lines().count(), 50);
    assert!(failure.log.ends_with("last words 79"), "{}", failure.log);
    let failure = stage.run(&workers, 2, "exit").unwrap_err();
    assert_eq!(failure.message, "the worker that ran `node-2` died: exit code 9");
    assert!(stage.run(&workers, 3, "ok").is_ok(), "the next action gets a fresh one");
}

fn one_that_served_and_dies_is_replaced_once() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let pid = pid_of(&mut stage, &workers, 1);
    let marker = stage.folder.path().join("die");
    fs::write(&marker, "").unwrap();
    stage.start(&workers, 2, "abort-if-marked", json!(marker));
    assert_eq!(stage.finished(2), Ok(Outcome::default()));
    assert!(!marker.exists(), "it did die once");
    assert_ne!(pid_of(&mut stage, &workers, 3), pid);
}

fn always_dying_fails_after_two_tries() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    stage.run(&workers, 1, "ok").unwrap();
    assert_eq!(code(&stage.run(&workers, 2, "abort")), Some(FailureCode::Crashed));
    assert!(stage.is_silent());
}

fn that_died_idle_is_replaced() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let pid = pid_of(&mut stage, &workers, 1);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_ne!(pid_of(&mut stage, &workers, 2), pid);
    stage.run(&workers, 3, "babble-idle").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(stage.run(&workers, 4, "ok").is_ok());
}

fn idle_beside_another_is_ended() {
    let mut impatient = program("");
    impatient.limits.idle = Duration::from_millis(100);
    let (workers, mut stage) = (Workers::new(impatient), Stage::new());
    let first = pid_of(&mut stage, &workers, 1);
    stage.start(&workers, 2, "slow", Value::Null);
    let second = pid_of(&mut stage, &workers, 3);
    assert_ne!(second, first);
    assert!(all_gone(&[second]), "the idle one goes while the other works");
    assert!(stage.finished(2).is_ok());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(pid_of(&mut stage, &workers, 4), first, "the last one stays");
    stage.start(&workers, 5, "slow", Value::Null);
    assert_ne!(pid_of(&mut stage, &workers, 6), second, "and another one comes when it is needed");
    assert!(stage.finished(5).is_ok());
}

fn garbage_on_the_pipe_fails_the_action() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let failure = stage.run(&workers, 1, "garbage").unwrap_err();
    assert_eq!(failure.code, FailureCode::Crashed);
    assert!(failure.message.contains("bytes that make no sense"), "{}", failure.message);
    assert!(stage.run(&workers, 2, "ok").is_ok());
}

fn that_closes_its_pipe_is_ended() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    // It keeps a copy of the pipe, so only the watchdog can tell that it will never answer.
    assert_eq!(code(&stage.run(&workers, 1, "close")), Some(FailureCode::TimedOut));
}

fn may_read_the_inputs_it_is_given() {
    let mut program = program("");
    program.confinement.read = vec!["/project".into()];
    let (workers, mut stage) = (Workers::new(program), Stage::new());
    let pid = pid_of(&mut stage, &workers, 1);
    let artifact = Artifact { digest: Digest::of(b""), size: 0, media: String::new() };
    let mut granted = |id: u64, paths: &[&str]| {
        let mut request = stage.request(id, Fake::worker("granted"), Value::Null);
        let file = |path: &&str| InputFile::at(path.into(), artifact.clone());
        request.inputs = vec![("files".into(), paths.iter().map(file).collect())];
        workers.start(request, stage.sink());
        text(&stage.finished(id).unwrap())
    };
    assert_eq!(granted(2, &["/project/a"]), r#"["/project"]"#);
    let second = granted(3, &["/project/b", "/models/tiny", "/models/tiny"]);
    assert_eq!(second, r#"["/project","/models/tiny"]"#, "what lies elsewhere is granted by itself");
    assert_eq!(granted(4, &["/models/tiny"]), second);
    let fresh = pid_of(&mut stage, &workers, 5);
    assert_ne!(fresh, pid, "a confined process cannot be given more");
    assert_eq!(pid_of(&mut stage, &workers, 6), fresh);
}

fn hang_is_noticed() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let before = Instant::now();
    let failure = stage.run(&workers, 1, "deaf").unwrap_err();
    assert_eq!(failure.code, FailureCode::TimedOut);
    assert_eq!(failure.message, "the worker did nothing for 600 ms");
    assert!(before.elapsed() >= Duration::from_millis(600) && before.elapsed() < Duration::from_secs(5));
    assert!(stage.run(&workers, 2, "ok").is_ok());
}

fn cpu_time_and_reports_count_as_life() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    assert!(stage.run(&workers, 1, "spin").is_ok(), "2 s of work without a report");
    assert!(stage.run(&workers, 2, "slow").is_ok(), "1.5 s of reports without work");
}

fn deadline_ends_the_group() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let marker = stage.folder.path().join("pids");
    let mut request = stage.request(1, Fake::worker("children"), json!(marker));
    request.deadline = Some(Duration::from_millis(400));
    workers.start(request, stage.sink());
    let failure = stage.finished(1).unwrap_err();
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (FailureCode::TimedOut, "took longer than its limit of 400 ms")
    );
    assert!(all_gone(&pids(&marker)));
}

fn of_another_build_is_refused() {
    let cases = [
        ("other-protocol", "protocol"),
        ("other-build", "its build is `fake-2`, not `fake-1`"),
        ("other-version", "its `ok` has version 2, not 1"),
        ("other-tool", "its `lib` is `1.1`, not `1.0`"),
        ("no-kind", "does not know the kind `ok`"),
    ];
    for (flavour, expected) in cases {
        let (workers, mut stage) = (Workers::new(program(flavour)), Stage::new());
        let failure = stage.run(&workers, 1, "ok").unwrap_err();
        assert_eq!(failure.code, FailureCode::Machine, "{flavour}");
        assert!(failure.message.contains("is of another build"), "{}", failure.message);
        assert!(failure.message.contains(expected), "{}", failure.message);
        assert!(failure.help.is_some());
    }
}

fn that_is_missing_or_silent_is_told() {
    let mut stage = Stage::new();
    let missing = WorkerProgram { path: "/nowhere/reel-worker".into(), ..program("") };
    let failure = stage.run(&Workers::new(missing), 1, "ok").unwrap_err();
    assert_eq!(failure.code, FailureCode::Machine);
    assert!(failure.message.starts_with("cannot start `/nowhere/reel-worker`: "), "{}", failure.message);
    let failure = stage.run(&Workers::new(program("dies-at-once")), 2, "ok").unwrap_err();
    assert!(failure.message.ends_with("exit code 7"), "{}", failure.message);
    let result = stage.run(&Workers::new(program("never-speaks")), 3, "ok");
    assert_eq!(code(&result), Some(FailureCode::TimedOut));
}

fn cancel_keeps_one_that_listens() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let pid = pid_of(&mut stage, &workers, 1);
    stage.start(&workers, 2, "hang", Value::Null);
    workers.cancel(RunId(2));
    assert_eq!(code(&stage.finished(2)), Some(FailureCode::Cancelled));
    assert_eq!(pid_of(&mut stage, &workers, 3), pid);
    workers.cancel(RunId(99));
    assert!(stage.is_silent(), "an unknown run is nothing to cancel");
}

fn cancel_ends_one_that_does_not_listen() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let marker = stage.folder.path().join("pids");
    stage.start(&workers, 1, "children", json!(marker));
    let pids = pids(&marker);
    workers.cancel(RunId(1));
    assert_eq!(code(&stage.finished(1)), Some(FailureCode::Cancelled));
    assert!(all_gone(&pids));
    assert!(stage.run(&workers, 2, "ok").is_ok());
}

fn shutdown_leaves_nothing() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    let marker = stage.folder.path().join("pids");
    stage.start(&workers, 1, "children", json!(marker));
    let idle = pid_of(&mut stage, &workers, 2);
    let mut pids = pids(&marker);
    pids.push(idle);
    workers.shutdown(Duration::from_secs(2));
    assert!(!pids.iter().any(|pid| crate::play::lives(*pid)), "gone when it returns");
    assert_eq!(code(&stage.finished(1)), Some(FailureCode::Cancelled));
    assert_eq!(code(&stage.run(&workers, 3, "ok")), Some(FailureCode::Cancelled));
}

fn a_second_shutdown_is_less_patient() {
    let mut program = program("");
    // A shell that ignores TERM and never says hello.
    program.path = "/bin/sh".into();
    program.args = vec!["-c".into(), "trap '' TERM; while :; do sleep 0.1; done".into()];
    let (workers, mut stage) = (Workers::new(program), Stage::new());
    stage.start(&workers, 1, "ok", Value::Null);
    std::thread::sleep(Duration::from_millis(100));
    let before = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| workers.shutdown(Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(100));
        workers.shutdown(Duration::ZERO);
    });
    assert!(before.elapsed() < Duration::from_secs(10));
    assert_eq!(code(&stage.finished(1)), Some(FailureCode::Cancelled));
}

fn nothing_survives_a_killed_reel() {
    let folder = tempfile::tempdir().unwrap();
    let mut reel =
        Command::new(std::env::current_exe().unwrap()).arg("--play-reel").arg(folder.path()).spawn().unwrap();
    let pids: Vec<i32> = (0..2).flat_map(|id| pids(&folder.path().join(format!("pids-{id}")))).collect();
    assert!(pids.iter().all(|pid| crate::play::lives(*pid)));
    reel.kill().unwrap();
    reel.wait().unwrap();
    assert!(all_gone(&pids), "{pids:?}");
}

fn speed() {
    let (workers, mut stage) = (Workers::new(program("")), Stage::new());
    stage.run(&workers, 0, "fail").unwrap_err();
    let request = stage.request(1, Fake::worker("fail"), Value::Null);
    let before = Instant::now();
    for id in 1..=1000 {
        let mut request = request.clone();
        request.id = RunId(id);
        workers.start(request, stage.sink());
        stage.finished(id).unwrap_err();
    }
    println!("     an empty action in a warm worker: {} µs", before.elapsed().as_micros() / 1000);
}
