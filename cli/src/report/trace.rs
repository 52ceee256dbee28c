//! What ran when, as a file for trace viewers. It knows a ledger and a format, not the build.
//!
//! The format is Chrome's, in its form as an object: "Trace Event Format",
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>, which Perfetto reads, too
//! (<https://perfetto.dev/docs/faq>: bars of one track may nest, and may not overlap otherwise). Times are whole
//! microseconds since the command began. What is written:
//!
//! | process | track | what |
//! |---|---|---|
//! | 1 `reel` | 0 `build` | instants (`i`): expansions, results that were found, warnings |
//! | 1 `reel` | 1, 2, … `slot N` | a bar (`X`) for each action, in it one for storing its result; arrows (`s`, `f`) along the critical path |
//! | 2 `critical path` | 1 | the actions of the critical path once more |
//! | 3 `cache` | 0 | counters (`C`): lookups, bytes; instants for outputs that were placed |

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use reel_engine::claim::Claim;
use reel_engine::event::{Event, Observer};
use serde_json::{Map, Value, json};

use super::ledger::{Instance, Ledger, Run};
use super::{End, Report};
use crate::ui::print_error;

const REEL: u32 = 1;
const PATH: u32 = 2;
const CACHE: u32 = 3;

/// The report that writes a trace.
pub(crate) struct Trace {
    file: PathBuf,
}

impl Trace {
    /// A trace that is written to `file` at the end.
    pub(crate) const fn new(file: PathBuf) -> Self {
        Self { file }
    }
}

impl Observer for Trace {
    // The ledger has it all.
    fn observe(&mut self, _: &Event) {}
}

impl Report for Trace {
    fn finish(&mut self, end: &End<'_>) {
        let Some(ledger) = end.ledger else { return };
        if let Err(error) = std::fs::write(&self.file, text(ledger)) {
            print_error(&format!("warning: cannot write the trace to `{}`: {error}\n", self.file.display()));
        }
    }
}

/// The whole trace as text.
pub(super) fn text(ledger: &Ledger) -> String {
    let path = ledger.critical_path();
    let critical: BTreeSet<usize> = path.iter().copied().collect();
    let mut events: Vec<Value> = Vec::new();
    for (index, run) in ledger.runs.iter().enumerate() {
        events.extend(bars(run, critical.contains(&index)));
    }
    let mut last = Duration::ZERO;
    for run in path.iter().map(|index| &ledger.runs[*index]) {
        // An action may begin within the microsecond in which the one before it ended.
        let began = run.began.max(last);
        last = run.ended.max(began + Duration::from_micros(1));
        events.push(bar(&run.node.name, run.node.kind, (began, last), (PATH, 1), &args(run, true)));
    }
    for (number, pair) in path.windows(2).enumerate() {
        events.extend(arrow(number, &ledger.runs[pair[0]], &ledger.runs[pair[1]]));
    }
    events.extend(ledger.instances.iter().map(|(at, instance)| instant(*at, instance)));
    for (at, sums) in &ledger.traffic {
        let lookups = json!({ "hits": sums.hits, "misses": sums.misses });
        let bytes = json!({ "stored": sums.stored, "read": sums.read, "placed": sums.placed });
        events.push(counter("lookups", *at, &lookups));
        events.push(counter("bytes", *at, &bytes));
    }
    // In the order of time, and of bars that begin together the one that holds the other first.
    events.sort_by_key(|event| (event["ts"].as_u64(), std::cmp::Reverse(event["dur"].as_u64())));
    let all: Vec<Value> = names(ledger.tracks(), !path.is_empty()).into_iter().chain(events).collect();
    json!({ "traceEvents": all, "displayTimeUnit": "ms", "otherData": { "producer": "reel" } }).to_string()
}

fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

/// Names and order of processes and tracks.
fn names(slots: usize, has_path: bool) -> Vec<Value> {
    let meta = |name: &str, pid: u32, tid: usize, args: Value| json!({ "name": name, "ph": "M", "pid": pid, "tid": tid, "args": args });
    let mut names = Vec::new();
    let mut track = |pid: u32, tid: usize, name: &str| {
        names.push(meta("thread_name", pid, tid, json!({ "name": name })));
        names.push(meta("thread_sort_index", pid, tid, json!({ "sort_index": tid })));
    };
    track(REEL, 0, "build");
    (1..=slots).for_each(|slot| track(REEL, slot, &format!("slot {slot}")));
    track(CACHE, 0, "outputs");
    if has_path {
        track(PATH, 1, "critical path");
    }
    let processes = [(PATH, "critical path"), (REEL, "reel"), (CACHE, "cache")];
    for (order, (pid, name)) in processes.into_iter().enumerate().filter(|(_, it)| it.0 != PATH || has_path) {
        names.push(meta("process_name", pid, 0, json!({ "name": name })));
        names.push(meta("process_sort_index", pid, 0, json!({ "sort_index": order })));
    }
    names
}

fn bar(
    name: &str,
    category: &str,
    (began, ended): (Duration, Duration),
    (pid, tid): (u32, usize),
    args: &Value,
) -> Value {
    json!({
        "name": name,
        "cat": category,
        "ph": "X",
        "ts": micros(began),
        "dur": micros(ended) - micros(began),
        "pid": pid,
        "tid": tid,
        "args": args,
    })
}

/// The bar of an action, and in it that of storing what it made.
fn bars(run: &Run, is_critical: bool) -> Vec<Value> {
    let place = (REEL, run.track + 1);
    let span = (run.began, run.ended);
    let mut own = bar(&run.node.name, run.node.kind, span, place, &args(run, is_critical));
    // Colours that viewers have names for; Perfetto takes its own.
    let colour = match (run.took, is_critical) {
        (None, _) => Some("terrible"),
        (Some(_), true) => Some("bad"),
        (Some(_), false) => None,
    };
    if let (Some(colour), Some(map)) = (colour, own.as_object_mut()) {
        map.insert("cname".into(), colour.into());
    }
    let stored_from = run.took.map(|took| run.began + took).filter(|at| micros(*at) < micros(run.ended));
    let storing = stored_from.map(|at| {
        bar("store", "cache", (at, run.ended), place, &json!({ "node": run.node.name, "bytes": run.stored }))
    });
    std::iter::once(own).chain(storing).collect()
}

fn args(run: &Run, is_critical: bool) -> Value {
    json!({
        "kind": run.node.kind,
        "result": run.end,
        "key": run.start.key.map(|key| key.to_string()),
        "claim": claim(&run.start.claim),
        "estimate-ms": run.estimate.map(|time| time.as_millis() as u64),
        "took-ms": run.took.map(|time| time.as_millis() as u64),
        "read-bytes": run.start.read,
        "stored-bytes": run.stored,
        "critical": is_critical,
    })
}

fn claim(claim: &Claim) -> Value {
    let mut map = Map::new();
    // Whatever a claim has a name for, and asks for some of.
    if let Ok(Value::Object(all)) = serde_json::to_value(claim) {
        map.extend(all.into_iter().filter(|(_, value)| *value != json!(0) && *value != json!({})));
    }
    Value::Object(map)
}

/// From the end of one action to the start of one that waited for it.
fn arrow(number: usize, from: &Run, to: &Run) -> [Value; 2] {
    let point = |ph: &str, run: &Run, at: u64| {
        json!({
            "name": "critical path",
            "cat": "critical path",
            "ph": ph,
            "id": number + 1,
            "ts": at,
            "pid": REEL,
            "tid": run.track + 1,
        })
    };
    // A point belongs to the bar that it lies in, and a bar does not hold its own end.
    let start = point("s", from, micros(from.ended) - 1);
    let mut end = point("f", to, micros(to.began));
    if let Some(map) = end.as_object_mut() {
        map.insert("bp".into(), "e".into());
    }
    [start, end]
}

fn instant(at: Duration, instance: &Instance) -> Value {
    let (pid, name, category, args) = match instance {
        Instance::Expanded { node, kind, made, planned } => {
            (REEL, format!("{node} grows by {made}"), *kind, json!({ "made": made, "planned": planned }))
        }
        Instance::Found { node, kind, shared } => {
            (REEL, format!("{node} found"), *kind, json!({ "made-by-another-build": shared }))
        }
        Instance::Placed { name, bytes, written } => {
            let what = if *written { "placed" } else { "is there" };
            (CACHE, format!("{name} {what}"), "output", json!({ "bytes": bytes, "written": written }))
        }
        Instance::Warned(message) => (REEL, message.clone(), "warning", json!({})),
    };
    json!({ "name": name, "cat": category, "ph": "i", "s": "t", "ts": micros(at), "pid": pid, "tid": 0, "args": args })
}

fn counter(name: &str, at: Duration, values: &Value) -> Value {
    json!({ "name": name, "cat": "cache", "ph": "C", "ts": micros(at), "pid": CACHE, "tid": 0, "args": values })
}
