//! What is told of a whole build: its trace and its figures.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use reel_engine::claim::Claim;
use reel_engine::event::{Event, NodeInfo, Observer, Start};
use reel_engine::id::NodeId;
use serde_json::Value;

use super::super::json::Json;
use super::super::ledger::Ledger;
use super::super::trace::text;
use super::super::{All, End, Report};
use super::{publish, sink, summary};

fn info(id: u32) -> NodeInfo {
    NodeInfo { id: NodeId(id), name: format!("n{id}"), kind: "encode" }
}

fn will(id: u32, after: &[u32]) -> Event {
    let after = after.iter().map(|id| NodeId(*id)).collect();
    let start = Start { key: None, claim: Claim::cores(2, 64), after, read: 10 };
    Event::WillRun { node: info(id), estimate: Some(Duration::from_millis(7)), start }
}

fn did(id: u32) -> Event {
    Event::DidRun { node: info(id), took: Duration::from_micros(200), stored: 100 }
}

fn hit(id: u32) -> Event {
    Event::DidHit { node: info(id), fresh: false, shared: false, saved: Duration::from_secs(3) }
}

/// 1 and 2 run side by side, 3 after 2, 4 after 3 and 1; 2 takes longer than 1.
fn small() -> Ledger {
    let mut ledger = Ledger::new(Instant::now());
    let pause = || sleep(Duration::from_millis(2));
    for event in [hit(9), will(1, &[9]), will(2, &[])] {
        ledger.observe(&event);
    }
    pause();
    ledger.observe(&did(1));
    pause();
    for event in [did(2), will(3, &[2])] {
        ledger.observe(&event);
    }
    pause();
    for event in [did(3), Event::DidExpand { node: info(3), made: 4, planned: 9 }, will(4, &[1, 3])] {
        ledger.observe(&event);
    }
    pause();
    for event in [did(4), publish(true)] {
        ledger.observe(&event);
    }
    ledger
}

fn events(ledger: &Ledger) -> Vec<Value> {
    let trace: Value = serde_json::from_str(&text(ledger)).unwrap();
    trace["traceEvents"].as_array().unwrap().clone()
}

/// Panics unless times never go back, bars of a track lie in each other or beside each other, arrows begin and end
/// in bars, every process and track that is used has a name, and every event has what its kind must have.
fn check(events: &[Value]) {
    let number = |event: &Value, key: &str| event[key].as_u64().unwrap_or_else(|| panic!("{key} of {event}"));
    let track = |event: &Value| (number(event, "pid"), number(event, "tid"));
    let named =
        |what: &str| -> Vec<Value> { events.iter().filter(|event| event["name"] == what).cloned().collect() };
    let (mut last, mut open): (u64, BTreeMap<(u64, u64), Vec<u64>>) = (0, BTreeMap::new());
    for event in events {
        let ph = event["ph"].as_str().unwrap();
        assert!(event["name"].is_string(), "{event}");
        if ph == "M" {
            continue;
        }
        let ts = number(event, "ts");
        assert!(ts >= last, "time goes back at {event}");
        last = ts;
        assert!(named("process_name").iter().any(|name| name["pid"] == event["pid"]), "{event}");
        assert!(named("thread_name").iter().any(|name| track(name) == track(event)), "{event}");
        let ends = open.entry(track(event)).or_default();
        ends.retain(|end| *end > ts);
        match ph {
            "X" => {
                let end = ts + number(event, "dur");
                assert!(end > ts, "nobody sees {event}");
                assert!(ends.iter().all(|outer| end <= *outer), "{event} overlaps");
                ends.push(end);
            }
            "s" | "f" => assert!(!ends.is_empty(), "{event} is in no bar"),
            "i" => assert_eq!(event["s"], "t", "{event}"),
            "C" => assert!(event["args"].as_object().unwrap().values().all(Value::is_u64), "{event}"),
            other => panic!("`{other}` is not expected: {event}"),
        }
    }
}

#[test]
fn a_trace_has_a_track_for_each_action_that_runs_at_once_and_marks_the_critical_path() {
    let events = events(&small());
    check(&events);
    let bars = |pid: u64| -> Vec<(&str, u64)> {
        let bars = events.iter().filter(|event| event["ph"] == "X" && event["pid"] == pid);
        let bars = bars.filter(|event| event["cat"] == "encode");
        bars.map(|event| (event["name"].as_str().unwrap(), event["tid"].as_u64().unwrap())).collect()
    };
    assert_eq!(bars(1), [("n1", 1), ("n2", 2), ("n3", 1), ("n4", 1)]);
    assert_eq!(bars(2), [("n2", 1), ("n3", 1), ("n4", 1)]);
    let of = |ph: &str| events.iter().filter(|event| event["ph"] == ph).count();
    assert_eq!((of("s"), of("f")), (2, 2), "arrows from n2 to n3 to n4");
    let first = events.iter().find(|event| event["name"] == "n2").unwrap();
    assert_eq!(first["args"]["claim"], serde_json::json!({ "cpu_milli": 2000, "memory": 64 << 20 }));
    assert_eq!((&first["args"]["estimate-ms"], &first["args"]["critical"]), (&7.into(), &true.into()));
    assert!(events.iter().any(|event| event["name"] == "n3 grows by 4"));
    let counters: Vec<&Value> = events.iter().filter(|event| event["name"] == "bytes").collect();
    assert_eq!(counters.last().unwrap()["args"]["stored"], 400);
    assert_eq!(counters.last().unwrap()["args"]["placed"], 9);
}

#[test]
fn figures_of_a_build_add_up() {
    let (sink, told) = sink();
    let mut all = All::new(vec![Box::new(Json::new(sink))]);
    all.keep(Instant::now(), true);
    for event in [hit(9), will(1, &[9]), did(1), will(2, &[1]), did(2), publish(true)] {
        all.observe(&event);
    }
    let ended = summary([2, 1, 0, 0], &[]);
    all.finish(&End::new(&ended, Duration::from_millis(4)));
    let told = told.take();
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [.., figures, last] = lines.as_slice() else { panic!("{told}") };
    assert_eq!((&figures["event"], &last["event"]), (&"summary".into(), &"finished".into()));
    assert_eq!(figures["hits"].as_u64().unwrap() + figures["misses"].as_u64().unwrap(), 3);
    assert_eq!((&figures["hit-rate"], &figures["saved-seconds"]), (&0.333.into(), &3.0.into()));
    assert_eq!((&figures["stored-bytes"], &figures["read-bytes"]), (&200.into(), &20.into()));
    assert_eq!((&figures["parallelism"], &figures["placed-bytes"]), (&0.1.into(), &9.into()));
    let path: Vec<&str> =
        figures["critical-path"].as_array().unwrap().iter().map(|it| it["node"].as_str().unwrap()).collect();
    assert_eq!(path, ["n1", "n2"]);
    assert_eq!(figures["slowest"].as_array().unwrap().len(), 2);
}

proptest! {
    /// Whatever begins and ends in whatever order: the trace can be drawn, and has every action that ran.
    #[test]
    fn a_trace_of_anything_can_be_drawn(moves in prop::collection::vec((0u32..6, any::<bool>()), 0..60)) {
        let mut ledger = Ledger::new(Instant::now());
        let (mut running, mut ran) = (Vec::new(), 0);
        for (index, (id, fails)) in moves.into_iter().enumerate() {
            if let Some(at) = running.iter().position(|other| *other == id) {
                running.remove(at);
                if fails {
                    ledger.observe(&Event::DidSkip { node: info(id), reason: "interrupted".into() });
                } else {
                    ledger.observe(&did(id));
                    ran += 1;
                }
            } else {
                running.push(id);
                let others: Vec<u32> = (0..6).filter(|other| !running.contains(other)).collect();
                ledger.observe(&will(id, &others[..others.len().min(index % 3)]));
            }
        }
        running.iter().for_each(|id| ledger.observe(&did(*id)));
        ran += running.len();
        let events = events(&ledger);
        check(&events);
        let bars = events.iter().filter(|event| event["args"]["result"] == "ran" && event["pid"] == 1);
        prop_assert_eq!(bars.count(), ran);
    }
}
