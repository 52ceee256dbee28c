//! `reel build`: makes outputs, and listens for Ctrl-C meanwhile.

mod recall;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use reel_engine::cache::{Budget, Cache, ProjectId};
use reel_engine::claim::Capacity;
use reel_engine::event::{Event, Observer};
use reel_engine::executor::Executor;
use reel_engine::operation::Registry;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::schedule::perform::Message;
use reel_engine::session::{Recall, Resumption, STATE_FOLDER, Summary, channel};
use reel_engine::snapshot::{Changes, Snapshot, Verdict};
use reel_nodes::host::Network;
use reel_nodes::trace::{self, KINDS};

use super::names::{targets, warn};
use crate::args::Build;
use crate::capacity::{enough, find};
use crate::config::today;
use crate::config::user::Limit;
use crate::diagnostics;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy, Site, Workshop, costs};
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
use recall::recall;

/// How long workers may take to end when the build is over.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) fn run(call: &Invocation, args: &Build) -> Result<Exit, CommandError> {
    let held = signals::hold();
    let root = call.root()?;
    let network = Network { offline: args.offline, allow_private: args.allow_private_network };
    if args.check_inputs {
        can_watch()?;
    }
    let policy = Policy { exec: args.allow_exec, network, watch: args.check_inputs };
    let policy = call.allowed(&root, policy);
    let recall = recall(call, args, &root, policy);
    let attempt =
        Attempt { call, args, root, policy, recall, began: Instant::now(), stopping: Arc::default() };
    match attempt.remember() {
        Remembered::Unchanged(summary) => Ok(attempt.finish(attempt.reports(1, BTreeMap::new()), &summary)),
        Remembered::Changed(snapshot, changes) => attempt.part(held, *snapshot, changes),
        Remembered::Stale => attempt.whole(held, &call.registry(policy)),
    }
}

/// One build, from the command line to its exit code.
struct Attempt<'a> {
    call: &'a Invocation,
    args: &'a Build,
    root: PathBuf,
    policy: Policy,
    recall: Option<Recall>,
    began: Instant,
    stopping: Arc<AtomicBool>,
}

/// What is left of earlier builds.
enum Remembered {
    /// All that was asked for.
    Unchanged(Summary),
    /// A graph that still holds.
    Changed(Box<Snapshot>, Changes),
    /// Nothing of use.
    Stale,
}

impl Attempt<'_> {
    fn remember(&self) -> Remembered {
        let Some(recall) = &self.recall else { return Remembered::Stale };
        let state_folder = self.root.join(STATE_FOLDER);
        // What failed is to be told of once more when it is mended.
        let failed = !Failures::read(&state_folder).is_empty();
        // So that the store goes on keeping what its outputs need.
        let seen = ProjectId::known(&state_folder).is_some_and(|id| Cache::seen(&self.call.cache_dir(), &id));
        let snapshot = if failed || !seen { None } else { recall.open(&self.root) };
        let Some(snapshot) = snapshot else { return Remembered::Stale };
        let toolbox = if snapshot.uses_tools() { self.call.toolbox() } else { Arc::default() };
        let env = |name: &str| self.call.config.text(name);
        let tool = |name: &str| toolbox.identity(name);
        match snapshot.examine(&env, recall.epoch, &Recall::marker(&self.root), tool) {
            Verdict::Unchanged => Remembered::Unchanged(Summary::unchanged(&self.root, &snapshot)),
            Verdict::Changed(changes) => Remembered::Changed(Box::new(snapshot), changes),
            Verdict::Stale => Remembered::Stale,
        }
    }

    /// Builds what depends on changed sources.
    fn part(&self, held: Held, snapshot: Snapshot, changes: Changes) -> Result<Exit, CommandError> {
        let registry = self.call.registry(self.policy);
        let said = snapshot.capacity().clone();
        let shop = Workshop::with(self.call, self.site(&registry))?;
        let resumption = Resumption::prepare(snapshot, changes, &registry, &shop.cache);
        let capacity =
            |part: &Resumption| find(self.call, Some(&said), &self.args.using, part.asks_for_gpus());
        let capacity = resumption.as_ref().map(capacity).transpose()?.map(|found| found.capacity);
        let (Some(resumption), Some(capacity)) = (resumption, capacity) else {
            drop(shop);
            return self.whole(held, &registry);
        };
        if !resumption.fits(&capacity) {
            drop(shop);
            return self.whole(held, &registry);
        }
        let budget = self.call.budget([Limit::Unsaid; 2])?;
        let live = shop.cache.begin_build();
        let ends = self.listen(&held, &shop);
        let costs = resumption.costs().map(|(name, cost)| (name.to_owned(), cost)).collect();
        let mut reports = self.reports(capacity.cpu_milli / 1000, costs);
        let equipment = shop.equipment(&registry);
        let settings = self.settings(capacity, Vec::new());
        let summary = resumption.build(&self.root, &equipment, settings, &mut reports, ends)?;
        shop.executor.shutdown(FAREWELL);
        match summary {
            Some(summary) => {
                drop(live);
                tidy(&shop.cache, budget, &mut reports);
                Ok(self.finish(reports, &summary))
            }
            None => {
                drop((live, shop));
                self.whole(held, &registry)
            }
        }
    }

    /// Reads all of the project and builds it.
    fn whole(&self, held: Held, registry: &Registry) -> Result<Exit, CommandError> {
        let (call, args) = (self.call, self.args);
        let project = call.read(&self.root, &args.reading, registry)?;
        let (nodes, outputs) = targets(&project, &args.targets)?;
        let capacity = enough(call, &project, &args.using)?;
        warn(call, &project);
        let shop = Workshop::with(call, self.site(registry))?;
        let budget = call.budget([Limit::Unsaid; 2])?;
        let live = shop.cache.begin_build();
        let ends = self.listen(&held, &shop);
        let mut reports = self.reports(capacity.cpu_milli / 1000, costs(&project));
        for problem in &shop.toolbox.problems {
            reports.observe(&Event::DidWarn { message: problem.to_string() });
        }
        // Of the time when nothing is removed any more.
        let recall = self.recall.as_ref().map(|recall| recall.at(Cache::epoch(&call.cache_dir())));
        let equipment = shop.leaving(registry, recall);
        let settings = self.settings(capacity, project.later(&args.targets));
        let summary = project.build(&equipment, settings, (&nodes, &outputs), &mut reports, ends)?;
        shop.executor.shutdown(FAREWELL);
        drop(live);
        tidy(&shop.cache, budget, &mut reports);
        if reports.changed {
            let kept = Texts::keep(&self.root.join(STATE_FOLDER), &project.graph, &project.history());
            if let Err(error) = kept {
                let message =
                    format!("cannot note the project's texts: {error}; `reel why` will show digests");
                reports.observe(&Event::DidWarn { message });
            }
        }
        for problem in summary.unknown.iter().filter(|_| call.global.json) {
            print_json(&diagnostics::json(problem, &project.sources));
        }
        let exit = self.finish(reports, &summary);
        if !call.global.json && !summary.unknown.is_empty() {
            return Err(CommandError::faulty(summary.unknown, project.sources));
        }
        Ok(exit)
    }

    /// First signal: what runs is cancelled, what finished is kept. Second: everything ends at once.
    fn listen(&self, held: &Held, shop: &Workshop) -> (Sender<Message>, Receiver<Message>) {
        let (interrupter, ends) = channel();
        let (scratch, stopping) = (shop.scratch().to_owned(), Arc::clone(&self.stopping));
        let quiet = self.call.global.json || self.call.ui.live;
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
        ends
    }

    fn settings(&self, capacity: Capacity, later: Vec<String>) -> Settings {
        Settings {
            capacity,
            keep_going: self.args.keep_going,
            locked: self.args.locked,
            offline: self.args.offline,
            today: today(),
            afresh: if self.args.check_inputs { Afresh::Kinds(KINDS.to_vec()) } else { Afresh::Nothing },
            backwards: false,
            later,
        }
    }

    fn site<'r>(&'r self, registry: &'r Registry) -> Site<'r> {
        Site { root: &self.root, registry, watch: self.policy.watch }
    }

    fn reports(&self, slots: u32, costs: BTreeMap<String, Duration>) -> All {
        let call = self.call;
        let volume = match (call.global.quiet, call.global.verbose) {
            (true, _) => Volume::Quiet,
            (_, true) => Volume::Verbose,
            _ => Volume::Normal,
        };
        let manner = Manner { paint: call.ui.out(), volume, here: call.config.here.clone() };
        let first: Box<dyn Report> = if call.global.json {
            Box::new(Json::new(Box::new(print)))
        } else if call.ui.live && volume > Volume::Quiet {
            Box::new(Live::new(manner, Arc::clone(&self.stopping), slots as usize, costs))
        } else {
            Box::new(Plain::new(manner, Box::new(print)))
        };
        let mut all = vec![first, Box::new(Failures::new(self.root.join(STATE_FOLDER))) as Box<dyn Report>];
        if let Some(file) = &self.args.trace {
            all.push(Box::new(Trace::new(call.config.here.join(file))));
        }
        let mut all = All::new(all);
        if self.args.trace.is_some() || self.args.summary {
            all.keep(self.began, self.args.summary);
        }
        all
    }

    fn finish(&self, mut reports: All, summary: &Summary) -> Exit {
        reports.finish(&End::new(summary, self.began.elapsed()));
        if self.args.check_inputs && !self.call.global.json && !summary.interrupted {
            print(&found(reports.found));
        }
        match exit(summary) {
            Exit::Done if reports.found > 0 => Exit::Failed,
            exit => exit,
        }
    }
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
