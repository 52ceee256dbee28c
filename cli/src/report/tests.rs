//! What reports say of small builds.

mod whole;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use reel_engine::event::{Event, NodeInfo, Start};
use reel_engine::id::NodeId;
use reel_engine::operation::{Failure, FailureCode};
use reel_engine::schedule::state::Tally;
use reel_engine::session::Summary;
use serde_json::Value;

use super::failures::Failures;
use super::json::Json;
use super::plain::{Plain, Sink};
use super::summary::{Manner, Volume};
use super::{End, Report};
use crate::ui::Paint;

fn info(id: u32, name: &str) -> NodeInfo {
    NodeInfo { id: NodeId(id), name: name.to_owned(), kind: "encode" }
}

fn hit(name: &str, fresh: bool) -> Event {
    Event::DidHit { node: info(9, name), fresh, shared: false, saved: Duration::ZERO }
}

fn publish(written: bool) -> Event {
    Event::DidPublish { name: "short".into(), path: "/p/out/short.mp4".into(), written, bytes: 9 }
}

fn failure() -> Event {
    let log: String = (1..=20).map(|n| format!("line {n}\n")).collect();
    let failure = Failure::of(FailureCode::Crashed, "the worker died").help("try again").log(log);
    Event::DidFail { node: info(2, "hook.encode.2"), failure }
}

fn run_of_one() -> [Event; 2] {
    [
        Event::WillRun { node: info(1, "hook.encode.1"), estimate: None, start: Start::default() },
        Event::DidRun { node: info(1, "hook.encode.1"), took: Duration::from_millis(1234), stored: 5 },
    ]
}

fn sink() -> (Sink, Rc<RefCell<String>>) {
    let text = Rc::new(RefCell::new(String::new()));
    let inner = Rc::clone(&text);
    (Box::new(move |part: &str| inner.borrow_mut().push_str(part)), text)
}

fn summary(tally: [usize; 4], missing: &[&str]) -> Summary {
    let [ran, cached, skipped, failed] = tally;
    let there = missing.is_empty();
    Summary {
        tally: Tally { planned: ran + cached + skipped + failed, ran, cached, skipped, failed },
        outputs: if there { vec![("short".into(), PathBuf::from("/p/out/short.mp4"))] } else { Vec::new() },
        missing: missing.iter().map(|name| (*name).to_owned()).collect(),
        unknown: Vec::new(),
        interrupted: false,
        superseded: false,
        files: Vec::new(),
        texts: Vec::new(),
        changed: Vec::new(),
    }
}

fn tell(report: &mut dyn Report, events: &[Event], summary: &Summary) {
    events.iter().for_each(|event| report.observe(event));
    report.finish(&End::new(summary, Duration::from_millis(4)));
}

fn plain(volume: Volume, events: &[Event], summary: &Summary) -> String {
    let (sink, text) = sink();
    let manner = Manner { paint: Paint(false), volume, here: "/p".into() };
    tell(&mut Plain::new(manner, sink), events, summary);
    text.take()
}

fn json(events: &[Event], summary: &Summary) -> Vec<Value> {
    let (sink, text) = sink();
    tell(&mut Json::new(sink), events, summary);
    text.take().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[test]
fn a_build_that_did_nothing_is_one_line() {
    let events = [hit("a", true), hit("b", true), publish(false)];
    let summary = summary([0, 2, 0, 0], &[]);
    assert_eq!(
        plain(Volume::Normal, &events, &summary),
        "planned 2 = ran 0 + cached 2 in 4 ms, nothing to do\n"
    );
    let told = json(&events, &summary);
    assert_eq!(names(&told), ["finished"]);
    assert_eq!(told[0]["outputs"][0]["path"], "/p/out/short.mp4");
    assert_eq!(told[0]["planned"], 2);
}

#[test]
fn what_was_held_is_told_once_something_happens() {
    let [will, did] = run_of_one();
    let events = [hit("a", true), will, hit("b", true), did, publish(true)];
    let told = json(&events, &summary([1, 2, 0, 0], &[]));
    assert_eq!(names(&told), ["did-hit", "will-run", "did-hit", "did-run", "did-publish", "finished"]);
    assert_eq!(told[0]["node"], "a");
    assert_eq!(told[3]["seconds"], 1.234);
}

#[test]
fn a_hit_that_is_new_to_the_project_is_something_that_happens() {
    let told = json(&[hit("a", true), hit("b", false), publish(false)], &summary([0, 2, 0, 0], &[]));
    assert_eq!(names(&told), ["did-hit", "did-hit", "did-publish", "finished"]);
}

#[test]
fn a_warning_does_not_tell_what_is_held() {
    let warning = Event::DidWarn { message: "the cache is full".into() };
    let told = json(&[hit("a", true), warning], &summary([0, 1, 0, 0], &[]));
    assert_eq!(names(&told), ["warning", "finished"]);
}

#[test]
fn lines_tell_what_runs_and_where_outputs_are() {
    let [will, did] = run_of_one();
    let text =
        plain(Volume::Normal, &[hit("a", true), will, did, publish(true)], &summary([1, 1, 0, 0], &[]));
    insta::assert_snapshot!(text, @r"
    run   hook.encode.1  (encode)
    done  hook.encode.1  (encode)  1.2 s
    made  short  out/short.mp4
    planned 2 = ran 1 + cached 1 in 4 ms
    ");
}

#[test]
fn a_failure_is_told_with_its_cause_the_end_of_its_log_and_help() {
    let skip = Event::DidSkip { node: info(3, "film.mux"), reason: "`hook.encode.2` failed".into() };
    let text = plain(Volume::Quiet, &[failure(), skip], &summary([0, 4, 1, 1], &["short"]));
    insta::assert_snapshot!(text, @r"
    FAIL  hook.encode.2  (encode)
          the worker died
          8 lines before; `reel log hook.encode.2` shows them
          | line 9
          | line 10
          | line 11
          | line 12
          | line 13
          | line 14
          | line 15
          | line 16
          | line 17
          | line 18
          | line 19
          | line 20
          help: try again
    none  short  (not made; what was there is untouched)
    planned 6 = ran 0 + cached 4 + skipped 1 + failed 1 in 4 ms
    ");
    let told = json(&[failure()], &summary([0, 0, 0, 1], &["short"]));
    assert_eq!((&told[0]["event"], &told[0]["code"]), (&"did-fail".into(), &"crashed".into()));
}

#[test]
fn failures_are_kept_until_the_node_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let end = summary([0, 0, 0, 1], &["short"]);
    tell(&mut Failures::new(dir.path().into()), &[failure()], &end);
    assert_eq!(Failures::read(dir.path())["hook.encode.2"].message, "the worker died");
    let did = Event::DidRun { node: info(2, "hook.encode.2"), took: Duration::ZERO, stored: 0 };
    tell(&mut Failures::new(dir.path().into()), &[did], &end);
    assert!(Failures::read(dir.path()).is_empty());
}
