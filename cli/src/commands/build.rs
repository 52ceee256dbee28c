//! `reel build`: makes outputs, and listens for Ctrl-C meanwhile.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reel_engine::cache::{Budget, Cache};
use reel_engine::claim::Capacity;
use reel_engine::event::{Event, Observer};
use reel_engine::executor::Executor;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::session::{Interrupter, Project, STATE_FOLDER, Summary, channel};
use reel_nodes::host::Network;
use reel_nodes::trace::{self, KINDS};

use super::names::{targets, warn};
use crate::args::Build;
use crate::capacity::enough;
use crate::config::today;
use crate::config::user::Limit;
use crate::diagnostics;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy, Workshop, costs};
use crate::processes;
use crate::report::collection::refused;
use crate::report::failures::Failures;
use crate::report::json::Json;
use crate::report::live::Live;
use crate::report::plain::Plain;
use crate::report::summary::{Manner, Volume};
use crate::report::trace::Trace;
use crate::report::{All, End, Report};
use crate::signals::{self, Held};
use crate::texts::Texts;
use crate::ui::{count, print, print_error, print_json};

/// How long workers may take to end when the build is over.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) fn run(call: &Invocation, args: &Build) -> Result<Exit, CommandError> {
    let began = Instant::now();
    let held = signals::hold();
    let network = Network { offline: args.offline, allow_private: args.allow_private_network };
    if args.check_inputs {
        can_watch()?;
    }
    let policy = Policy { exec: args.allow_exec, network, watch: args.check_inputs };
    let loaded = call.load(&args.reading, policy)?;
    let project = &loaded.project;
    let (nodes, outputs) = targets(project, &args.targets)?;
    let capacity = enough(call, project, &args.using)?;
    warn(call, project);
    let shop = Workshop::open(call, &loaded)?;
    let budget = call.budget([Limit::Unsaid; 2])?;
    let live = shop.cache.begin_build();
    let (interrupter, ends) = channel();
    let stopping = Arc::new(AtomicBool::new(false));
    let quiet = call.global.json || call.ui.live;
    watch(held, interrupter, shop.scratch().to_owned(), Arc::clone(&stopping), quiet);

    let mut reports = reports(call, args, project, &capacity, &stopping, began);
    for problem in &shop.toolbox.problems {
        reports.observe(&Event::DidWarn { message: problem.to_string() });
    }
    let settings = Settings {
        capacity,
        keep_going: args.keep_going,
        locked: args.locked,
        offline: args.offline,
        today: today(),
        afresh: if args.check_inputs { Afresh::Kinds(KINDS.to_vec()) } else { Afresh::Nothing },
        backwards: false,
        later: project.later(&args.targets),
    };
    let equipment = shop.equipment(&loaded.registry);
    let summary = project.build(&equipment, settings, (&nodes, &outputs), &mut reports, ends)?;
    shop.executor.shutdown(FAREWELL);
    drop(live);
    tidy(&shop.cache, budget, &mut reports);
    if reports.changed {
        let kept = Texts::keep(&project.root.join(STATE_FOLDER), &project.graph, &project.history());
        if let Err(error) = kept {
            let message = format!("cannot note the project's texts: {error}; `reel why` will show digests");
            reports.observe(&Event::DidWarn { message });
        }
    }
    for problem in summary.unknown.iter().filter(|_| call.global.json) {
        print_json(&diagnostics::json(problem, &project.sources));
    }
    reports.finish(&End::new(&summary, began.elapsed()));
    if args.check_inputs && !call.global.json && !summary.interrupted {
        print(&found(reports.found));
    }
    if !call.global.json && !summary.unknown.is_empty() {
        return Err(CommandError::faulty(summary.unknown, project.sources.clone()));
    }
    Ok(match exit(&summary) {
        Exit::Done if reports.found > 0 => Exit::Failed,
        exit => exit,
    })
}

/// Nothing runs where nothing can be watched: the answer would be "nothing found".
fn can_watch() -> Result<(), CommandError> {
    trace::available().map_err(|error| {
        CommandError::usage(
            format!("programs cannot be watched here: {error}"),
            "--check-inputs needs ptrace(2): allow it in the container's profile, or set \
             `kernel.yama.ptrace_scope` to 0 or 1",
        )
    })
}

/// The last word on watched nodes.
fn found(nodes: usize) -> String {
    match nodes {
        0 => "every command and voice used only what is in its key\n".to_owned(),
        nodes => format!("{} used or made what is not in its key\n", count(nodes, "node")),
    }
}

const fn exit(summary: &Summary) -> Exit {
    if summary.interrupted {
        Exit::Interrupted
    } else if !summary.unknown.is_empty() {
        Exit::Wrong
    } else if summary.is_success() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

/// Keeps the cache within its budget, and tells what went and what could not go.
fn tidy(cache: &Cache, budget: Budget, reports: &mut All) {
    let report = match cache.tidy(budget) {
        Ok(Some(report)) => report,
        Ok(None) => return,
        Err(error) => return reports.observe(&Event::DidWarn { message: error.to_string() }),
    };
    for message in refused(&report) {
        reports.observe(&Event::DidWarn { message });
    }
    if report.records > 0 {
        reports.observe(&Event::DidCollect(report));
    }
}

/// First signal: what runs is cancelled, what finished is kept. Second: everything ends at once.
fn watch(held: Held, interrupter: Interrupter, scratch: PathBuf, stopping: Arc<AtomicBool>, quiet: bool) {
    held.watch(move |count| {
        if count == 1 {
            stopping.store(true, Ordering::Relaxed);
            if !quiet {
                print_error("stopping…\n");
            }
            interrupter.interrupt();
            return;
        }
        processes::end_all(&scratch);
        // What cannot be removed, the next build removes.
        let _ = fs::remove_dir_all(&scratch);
        process::exit(i32::from(Exit::Interrupted.number()));
    });
}

fn reports(
    call: &Invocation,
    args: &Build,
    project: &Project,
    capacity: &Capacity,
    stopping: &Arc<AtomicBool>,
    began: Instant,
) -> All {
    let volume = match (call.global.quiet, call.global.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    };
    let manner = Manner { paint: call.ui.out(), volume, here: call.config.here.clone() };
    let first: Box<dyn Report> = if call.global.json {
        Box::new(Json::new(Box::new(print)))
    } else if call.ui.live && volume > Volume::Quiet {
        let slots = (capacity.cpu_milli / 1000) as usize;
        Box::new(Live::new(manner, Arc::clone(stopping), slots, costs(project)))
    } else {
        Box::new(Plain::new(manner, Box::new(print)))
    };
    let mut all = vec![first, Box::new(Failures::new(project.root.join(STATE_FOLDER))) as Box<dyn Report>];
    if let Some(file) = &args.trace {
        all.push(Box::new(Trace::new(call.config.here.join(file))));
    }
    let mut all = All::new(all);
    if args.trace.is_some() || args.summary {
        all.keep(began, args.summary);
    }
    all
}
