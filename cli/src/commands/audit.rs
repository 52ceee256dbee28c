//! `reel audit`: runs actions twice, the second time otherwise, and tells which do not make the same bytes. It
//! leaves the cache and the project as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reel_engine::claim::Capacity;
use reel_engine::event::{Difference, Event, NodeInfo, Observer};
use reel_engine::executor::Executor;
use reel_engine::id::NodeId;
use reel_engine::operation::Failure;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::session::{Interrupter, Project, channel};
use serde_json::json;

use super::names::{foresee_all, meant, targets, warn};
use crate::args::{Audit, Using};
use crate::capacity::enough;
use crate::config::today;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Loaded, Policy, Workshop};
use crate::processes;
use crate::report::findings;
use crate::report::summary::{Manner, Volume, failure, seconds};
use crate::signals::{self, Held};
use crate::ui::{count, print, print_error, print_json, spell};

/// How long workers may take to end when a run is over.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) fn run(call: &Invocation, args: &Audit) -> Result<Exit, CommandError> {
    let began = Instant::now();
    let held = signals::hold();
    let loaded = call.load(&args.reading, Policy { exec: args.allow_exec, ..Policy::default() })?;
    let project = &loaded.project;
    warn(call, project);
    let first = Workshop::open_aside(call, &loaded)?;
    let second = first.open_beside(call, &loaded)?;
    let wanted = wanted(&loaded, &first, &args.names)?;
    let using = Using { jobs: args.jobs, ..Using::default() };
    let capacities = capacities(project, enough(call, project, &using)?);
    let stop = Stop::watch(held, [&first, &second].map(|shop| shop.scratch().to_owned()));
    let mut found = Found::new(call);
    let [normal, other] = capacities;
    for (shop, capacity, backwards) in [(&first, normal, false), (&second, other, true)] {
        let (interrupter, mut line) = channel();
        if !stop.reaches(interrupter) {
            break;
        }
        let settings = Settings {
            capacity,
            keep_going: true,
            locked: false,
            offline: false,
            today: today(),
            afresh: wanted.afresh.clone(),
            backwards,
            later: wanted.later.clone(),
        };
        found.begin(backwards);
        let equipment = shop.equipment(&loaded.registry);
        let summary = project.rehearse(&equipment, settings, &wanted.nodes, &mut found, &mut line)?;
        shop.executor.shutdown(FAREWELL);
        if summary.interrupted {
            break;
        }
    }
    let interrupted = stop.was_asked();
    Ok(found.finish(began.elapsed(), interrupted))
}

/// What is run twice.
struct Wanted {
    nodes: Vec<NodeId>,
    /// Names of nodes that only expansions make.
    later: Vec<String>,
    afresh: Afresh,
}

fn wanted(loaded: &Loaded, shop: &Workshop, names: &[String]) -> Result<Wanted, CommandError> {
    let project = &loaded.project;
    if names.is_empty() {
        let nodes = targets(project, &[])?.0;
        return Ok(Wanted { nodes, later: Vec::new(), afresh: Afresh::Everything });
    }
    // A name may be one of a node that only an expansion makes; then all that may make it is wanted.
    let known = names.iter().all(|name| project.targets(std::slice::from_ref(name)).is_ok());
    let nodes = if known { targets(project, names)?.0 } else { targets(project, &[])?.0 };
    let later = if known { project.later(names) } else { Vec::new() };
    let seen = foresee_all(loaded, shop)?;
    let mut meant_names = Vec::new();
    for name in names {
        let (ids, _) = meant(project, &seen.graph, name)?;
        meant_names.extend(ids.iter().map(|id| seen.graph.node(*id).name.clone()));
        // What a group will be is known only later.
        meant_names.push(name.clone());
    }
    Ok(Wanted { nodes, later, afresh: Afresh::Named(meant_names) })
}

/// What actions may hold the first time, and the second.
fn capacities(project: &Project, first: Capacity) -> [Capacity; 2] {
    let cores = first.cpu_milli / 1000;
    let other = if cores > 1 { cores / 2 } else { 2 };
    let second = Capacity { cpu_milli: other * 1000, ..first.clone() };
    // An action that asks for more than half of the cores is still to run.
    if project.refused_claims(&second).is_empty() {
        return [first, second];
    }
    let second = Capacity { cpu_milli: (cores + 1) * 1000, ..first.clone() };
    [first, second]
}

/// The wish to stop, from Ctrl-C to whichever run is going on.
struct Stop(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    stop: bool,
    running: Option<Interrupter>,
}

impl Stop {
    /// First signal: what runs is cancelled. Second: everything ends at once, and nothing is left either.
    fn watch(held: Held, scratch: [PathBuf; 2]) -> Self {
        let asked: Arc<Mutex<Asked>> = Arc::default();
        let inner = Arc::clone(&asked);
        held.watch(move |signals| {
            if signals == 1 {
                let mut asked = inner.lock().unwrap_or_else(PoisonError::into_inner);
                asked.stop = true;
                if let Some(interrupter) = asked.running.take() {
                    interrupter.interrupt();
                }
                return;
            }
            for folder in &scratch {
                processes::end_all(folder);
                // What cannot be removed, the next build removes.
                let _ = fs::remove_dir_all(folder);
            }
            process::exit(i32::from(Exit::Interrupted.number()));
        });
        Self(asked)
    }

    /// Lets it reach the next run; false when there is to be none.
    fn reaches(&self, interrupter: Interrupter) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.running = Some(interrupter);
        !asked.stop
    }

    fn was_asked(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stop
    }
}

/// What came of running twice.
struct Found<'a> {
    call: &'a Invocation,
    manner: Manner,
    /// Nodes that were compared in the run that is going on.
    compared: BTreeMap<String, (NodeInfo, Vec<Difference>)>,
    failed: BTreeMap<String, NodeInfo>,
}

impl<'a> Found<'a> {
    fn new(call: &'a Invocation) -> Self {
        let volume = if call.global.verbose { Volume::Verbose } else { Volume::Normal };
        let manner = Manner { paint: call.ui.out(), volume, here: call.config.here.clone() };
        Self { call, manner, compared: BTreeMap::new(), failed: BTreeMap::new() }
    }

    fn begin(&self, second: bool) {
        if !self.call.global.json && !self.call.global.quiet {
            let which = if second { "second run, backwards, with other slots" } else { "first run" };
            print_error(&format!("{which}…\n"));
        }
    }

    fn finish(self, took: Duration, interrupted: bool) -> Exit {
        let differing: Vec<_> = self.compared.values().filter(|(_, found)| !found.is_empty()).collect();
        let (json, failed) = (self.call.global.json, self.failed.len());
        for (node, differences) in self.compared.values() {
            if json {
                print_json(&json!({
                    "event": "did-compare",
                    "node": node.name,
                    "kind": node.kind,
                    "same": differences.is_empty(),
                    "differences": differences,
                }));
            } else if !differences.is_empty() {
                print(&findings::differences(&self.manner, node, differences));
            } else if self.manner.volume == Volume::Verbose {
                print(&format!("same  {}  ({})\n", node.name, node.kind));
            }
        }
        if json {
            print_json(&json!({
                "event": "finished",
                "compared": self.compared.len(),
                "differing": differing.len(),
                "failed": failed,
                "interrupted": interrupted,
                "seconds": seconds(took),
            }));
        } else {
            let note = if interrupted { ", interrupted" } else { "" };
            print(&format!(
                "compared {}: {} the same, {} not, {failed} failed, in {}{note}\n",
                count(self.compared.len(), "node"),
                self.compared.len() - differing.len(),
                differing.len(),
                spell(took)
            ));
        }
        match (interrupted, differing.is_empty() && failed == 0) {
            (true, _) => Exit::Interrupted,
            (false, true) => Exit::Done,
            (false, false) => Exit::Failed,
        }
    }

    /// A failure is told once, whichever run it was in.
    fn failed(&mut self, node: &NodeInfo, why: &Failure) {
        if self.failed.insert(node.name.clone(), node.clone()).is_some() {
            return;
        }
        self.say(&failure(&self.manner, node, why));
        if self.call.global.json {
            print_json(&json!({
                "event": "did-fail", "node": node.name, "kind": node.kind, "code": why.code,
                "message": why.message, "help": why.help, "log": why.log,
            }));
        }
    }

    fn say(&self, text: &str) {
        if !self.call.global.json {
            print(text);
        }
    }
}

impl Observer for Found<'_> {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::DidCompare { node, differences } => {
                let (_, found) =
                    self.compared.entry(node.name.clone()).or_insert_with(|| (node.clone(), Vec::new()));
                // What was different once is not the same, whatever the other run made.
                if found.is_empty() {
                    found.clone_from(differences);
                }
            }
            Event::DidFail { node, failure: why } => self.failed(node, why),
            Event::DidChange { node, files, again } => {
                self.say(&findings::changed(&self.manner, node, files, *again));
            }
            Event::DidRestart { node, reason } => {
                self.say(&findings::restarted(&self.manner, node, reason));
            }
            Event::DidWarn { message } => {
                if self.call.global.json {
                    print_json(&json!({ "event": "warning", "message": message }));
                } else {
                    print_error(&format!("{}: {message}\n", self.manner.paint.warn("warning")));
                }
            }
            _ => {}
        }
    }
}
