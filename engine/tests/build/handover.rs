//! A build that gives way to the next one on its line: what is still wanted goes on, the rest is cancelled, and no slot
//! is held twice.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use reel_engine::event::Event;
use reel_engine::executor::inline::Inline;
use reel_engine::executor::{Executor, Report, ReportSink, Request, RunId};
use reel_engine::operation::{Failure, FailureCode};
use reel_engine::schedule::line::Line;
use reel_engine::session::{Interrupter, channel};

use crate::world::{Built, World};

const PROJECT: &str = "
version: 1
nodes:
  left:  { uses: slow, with: { text: { file: left.txt } } }
  right: { uses: slow, with: { text: { file: right.txt } } }
  both:  { uses: join, with: { parts: ['${left.text}', '${right.text}'] } }
outputs:
  out: { from: '${both.text}', file: out.txt }
";

/// Each wants a core.
const CORES: &str = "
version: 1
nodes:
  left:  { uses: join, with: { parts: [{ file: left.txt }] } }
  right: { uses: join, with: { parts: [{ file: right.txt }] } }
  both:  { uses: join, with: { parts: ['${left.text}', '${right.text}'] } }
";

/// Holds actions back until they are released, and notes what was asked.
struct Gate {
    inner: Inline,
    closed: Mutex<bool>,
    held: Mutex<BTreeMap<RunId, (Request, ReportSink)>>,
    asked: Mutex<Vec<String>>,
}

impl Gate {
    fn new() -> Self {
        Self {
            inner: Inline::new(),
            closed: Mutex::new(true),
            held: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// Lets everything run, what waits and what comes.
    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        for (request, sink) in std::mem::take(&mut *self.held.lock().unwrap()).into_values() {
            self.inner.start(request, sink);
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Executor for Gate {
    fn start(&self, request: Request, sink: ReportSink) {
        self.asked.lock().unwrap().push(format!("start {}", request.node));
        if *self.closed.lock().unwrap() {
            self.held.lock().unwrap().insert(request.id, (request, sink));
        } else {
            self.inner.start(request, sink);
        }
    }

    fn cancel(&self, id: RunId) {
        if let Some((request, sink)) = self.held.lock().unwrap().remove(&id) {
            self.asked.lock().unwrap().push(format!("cancel {}", request.node));
            sink(Report::Finished(id, Err(Failure::of(FailureCode::Cancelled, "cancelled"))));
        }
    }

    fn shutdown(&self, grace: Duration) {
        self.inner.shutdown(grace);
    }
}

fn world() -> World {
    let world = World::new(PROJECT);
    world.write("left.txt", "ll");
    world.write("right.txt", "rr");
    world
}

/// Gives way when so many actions have started.
fn after(starts: usize) -> impl FnMut(&Event, &Interrupter) {
    let mut seen = 0;
    move |event, interrupter| {
        seen += usize::from(matches!(event, Event::WillRun { .. }));
        if seen == starts {
            interrupter.give_way();
        }
    }
}

fn superseded(built: &Built) {
    assert!(built.summary.superseded && !built.summary.is_success(), "{:?}", built.events);
    assert!(built.skipped.is_empty(), "what is left is not told as skipped: {:?}", built.events);
}

#[test]
fn what_is_still_wanted_goes_on_and_the_rest_is_cancelled() {
    let (world, gate) = (world(), Gate::new());
    let mut ends = channel();
    superseded(&world.build_on(&mut ends, &[], &gate, after(2)));
    assert_eq!(gate.asked(), ["start left", "start right"]);
    assert_eq!(ends.1.left(), 2);

    world.write("right.txt", "RR");
    let built = world.build_on(&mut ends, &[], &gate, |event, _| {
        if matches!(event, Event::WillRun { node, .. } if node.name == "right") {
            gate.open();
        }
    });
    assert!(built.summary.is_success(), "{:?}", built.events);
    assert_eq!(gate.asked(), ["cancel right", "start right", "start both"]);
    assert_eq!(built.ran, ["both", "left", "right"], "what was taken over counts as a run of this build");
    assert_eq!(world.read("out.txt"), "llRR");
    assert_eq!(ends.1.left(), 0);
}

/// A build on one core has given way while `left` ran, which holds the core.
fn left_on_one_core() -> (World, Gate, (Interrupter, Line)) {
    let (mut world, gate) = (world(), Gate::new());
    world.write("reel.yaml", CORES);
    world.jobs = 1;
    let mut ends = channel();
    superseded(&world.build_on(&mut ends, &[], &gate, after(1)));
    assert_eq!(gate.asked(), ["start left"]);
    (world, gate, ends)
}

#[test]
fn slots_of_what_was_left_stay_held_until_it_ends() {
    let (world, gate, mut ends) = left_on_one_core();
    let built = world.build_on(&mut ends, &[], &gate, |event, _| {
        if matches!(event, Event::WillRun { node, .. } if node.name == "left") {
            // Now is when the other one would start if its slot were free.
            gate.open();
        }
    });
    assert_eq!(built.ran, ["both", "left", "right"]);
    assert_eq!(gate.asked(), ["start right", "start both"]);
    let order: Vec<&String> = built.events.iter().filter(|event| event.contains("-run ")).collect();
    assert_eq!(order[..3], ["will-run left", "did-run left", "will-run right"], "{:?}", built.events);
}

#[test]
fn a_slot_of_what_is_cancelled_is_waited_for_when_nothing_else_runs() {
    let (world, gate, mut ends) = left_on_one_core();
    world.write("left.txt", "LL");
    let built = world.build_on(&mut ends, &[], &gate, |event, _| {
        if matches!(event, Event::WillRun { .. }) {
            gate.open();
        }
    });
    assert!(built.summary.is_success(), "{:?}", built.events);
    assert_eq!(built.ran, ["both", "left", "right"]);
    assert_eq!((gate.asked()[0].as_str(), ends.1.left()), ("cancel left", 0));
}

#[test]
fn what_ends_between_two_builds_is_not_started_again() {
    let (world, gate) = (world(), Gate::new());
    let mut ends = channel();
    superseded(&world.build_on(&mut ends, &[], &gate, after(2)));
    gate.asked();
    gate.open();
    let built = world.build_on(&mut ends, &[], &gate, |_, _| {});
    assert_eq!(world.read("out.txt"), "llrr");
    assert!(built.summary.is_success());
    assert_eq!(gate.asked(), ["start both"], "nothing is started twice: {:?}", built.events);
}

#[test]
fn an_interrupt_cancels_what_was_left_too() {
    let (world, gate) = (world(), Gate::new());
    let mut ends = channel();
    superseded(&world.build_on(&mut ends, &[], &gate, after(2)));
    gate.asked();
    let built = world.build_on(&mut ends, &[], &gate, |event, interrupter| {
        if matches!(event, Event::WillRun { .. }) {
            interrupter.interrupt();
        }
    });
    assert!(built.summary.interrupted);
    assert_eq!(gate.asked(), ["cancel left", "cancel right"]);
}

#[test]
fn a_wish_to_give_way_is_forgotten_with_the_build_that_it_was_for() {
    let world = world();
    let mut ends = channel();
    ends.0.give_way();
    let built = world.build_on(&mut ends, &[], &Inline::new(), |_, _| {});
    assert!(built.summary.is_success(), "{:?}", built.events);
}
