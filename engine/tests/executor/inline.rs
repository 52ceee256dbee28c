//! Tests of the executor in this process.

use std::thread;
use std::time::{Duration, Instant};

use reel_engine::executor::inline::Inline;
use reel_engine::executor::{Executor, RunId};
use reel_engine::operation::{FailureCode, Outcome};
use serde_json::Value;

use crate::Test;
use crate::play::{Fake, Stage, code};

pub(crate) const TESTS: &[Test] = &[
    ("inline_runs_and_reports_progress", runs_and_reports_progress),
    ("inline_a_panic_is_a_failure_and_the_next_action_runs", a_panic_is_a_failure),
    ("inline_cancelled_and_late_runs_say_so", cancelled_and_late_runs_say_so),
    ("inline_a_run_that_does_not_listen_is_given_up", a_run_that_does_not_listen_is_given_up),
    ("inline_as_many_run_at_once_as_are_started", as_many_run_at_once_as_are_started),
    ("inline_shutdown_reports_everything_once", shutdown_reports_everything_once),
    ("inline_speed", speed),
];

fn runs_and_reports_progress() {
    let (inline, mut stage) = (Inline::new(), Stage::new());
    let fake = Fake::inline(|call| {
        (call.progress)(250);
        Ok(Outcome::default().with_bytes("text", "text/plain", "hi"))
    });
    inline.start(stage.request(1, fake, Value::Null), stage.sink());
    assert_eq!(stage.finished(1).unwrap().produced[0].port, "text");
    assert_eq!(stage.progress, [250]);
}

fn a_panic_is_a_failure() {
    let (inline, mut stage) = (Inline::new(), Stage::new());
    let fake = Fake::inline(|_| panic!("out of tune"));
    inline.start(stage.request(1, fake, Value::Null), stage.sink());
    let failure = stage.finished(1).unwrap_err();
    assert_eq!(failure.code, FailureCode::Crashed);
    assert_eq!(failure.message, "`fake` panicked: out of tune");
    inline.start(stage.request(2, Fake::inline(|_| Ok(Outcome::default())), Value::Null), stage.sink());
    assert!(stage.finished(2).is_ok());
}

fn cancelled_and_late_runs_say_so() {
    let (inline, mut stage) = (Inline::new(), Stage::new());
    let patient = Fake::inline(|call| {
        while !(call.cancelled)() {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Outcome { log: "it listened".into(), ..Outcome::default() })
    });
    inline.start(stage.request(1, patient.clone(), Value::Null), stage.sink());
    inline.cancel(RunId(1));
    assert_eq!(code(&stage.finished(1)), Some(FailureCode::Cancelled));
    let mut late = stage.request(2, patient, Value::Null);
    late.deadline = Some(Duration::from_millis(40));
    inline.start(late, stage.sink());
    let failure = stage.finished(2).unwrap_err();
    assert_eq!((failure.code, failure.log.as_str()), (FailureCode::TimedOut, "it listened"));
    assert!(failure.message.contains("40 ms"), "{}", failure.message);
}

fn a_run_that_does_not_listen_is_given_up() {
    let (inline, mut stage) = (Inline::with_patience(Duration::from_millis(50)), Stage::new());
    let deaf = Fake::inline(|_| {
        thread::sleep(Duration::from_secs(1));
        Ok(Outcome::default())
    });
    let before = Instant::now();
    let mut late = stage.request(1, deaf.clone(), Value::Null);
    late.deadline = Some(Duration::from_millis(20));
    inline.start(late, stage.sink());
    assert_eq!(code(&stage.finished(1)), Some(FailureCode::TimedOut));
    inline.start(stage.request(2, deaf, Value::Null), stage.sink());
    inline.cancel(RunId(2));
    assert_eq!(code(&stage.finished(2)), Some(FailureCode::Cancelled));
    assert!(before.elapsed() < Duration::from_millis(900));
    thread::sleep(Duration::from_millis(1200));
    assert!(stage.is_silent(), "what ends later is not reported again");
}

fn as_many_run_at_once_as_are_started() {
    let (inline, stage) = (Inline::new(), Stage::new());
    let sleeper = Fake::inline(|_| {
        thread::sleep(Duration::from_millis(100));
        Ok(Outcome::default())
    });
    let before = Instant::now();
    for id in 0..40 {
        inline.start(stage.request(id, sleeper.clone(), Value::Null), stage.sink());
    }
    inline.shutdown(Duration::from_secs(10));
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
}

fn shutdown_reports_everything_once() {
    let (inline, mut stage) = (Inline::new(), Stage::new());
    let deaf = Fake::inline(|_| {
        thread::sleep(Duration::from_millis(400));
        Ok(Outcome::default())
    });
    inline.start(stage.request(1, deaf.clone(), Value::Null), stage.sink());
    thread::sleep(Duration::from_millis(20));
    inline.shutdown(Duration::from_millis(10));
    assert_eq!(code(&stage.finished(1)), Some(FailureCode::Cancelled));
    inline.start(stage.request(2, deaf, Value::Null), stage.sink());
    assert_eq!(code(&stage.finished(2)), Some(FailureCode::Cancelled));
    thread::sleep(Duration::from_millis(500));
    assert!(stage.is_silent());
}

fn speed() {
    let (inline, mut stage) = (Inline::new(), Stage::new());
    let empty = Fake::inline(|_| Ok(Outcome::default()));
    let request = stage.request(0, empty, Value::Null);
    let before = Instant::now();
    for id in 0..1000 {
        let mut request = request.clone();
        request.id = RunId(id);
        inline.start(request, stage.sink());
        stage.finished(id).unwrap();
    }
    println!("     an empty action in process: {} µs", before.elapsed().as_micros() / 1000);
}
