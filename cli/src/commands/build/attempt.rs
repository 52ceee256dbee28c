//! One build, from what is remembered of the last one to its summary. It knows no signal, and nothing of whoever
//! builds again and again.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reel_engine::cache::{Budget, Cache, LiveBuild, ProjectId};
use reel_engine::claim::Capacity;
use reel_engine::event::{Event, Observer};
use reel_engine::executor::Executor;
use reel_engine::id::NodeId;
use reel_engine::operation::Registry;
use reel_engine::output::Output;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::schedule::line::Line;
use reel_engine::session::{Dependency, Project, Recall, Resumption, STATE_FOLDER, Summary};
use reel_engine::snapshot::{Changes, Snapshot, Verdict};
use reel_nodes::host::Network;
use reel_nodes::trace::KINDS;

use super::super::names::{targets, warn};
use super::super::schema;
use super::placed::Placed;
use super::recall::recall;
use crate::args::{Insight, Making};
use crate::capacity::{enough, find};
use crate::config::today;
use crate::config::user::Limit;
use crate::diagnostics;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy, Site, Workshop, costs};
use crate::page::Hub;
use crate::report::collection::refused;
use crate::report::failures::Failures;
use crate::report::json::Json;
use crate::report::live::{Aside, Live};
use crate::report::plain::Plain;
use crate::report::roll::Roll;
use crate::report::summary::{Manner, Volume};
use crate::report::trace::Trace;
use crate::report::{All, End, Report};
use crate::texts::Texts;
use crate::ui::{print, print_error, print_json};

/// How long workers may take to end when the build is over.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is told of a build beside what happens.
#[derive(Clone, Default)]
pub(in crate::commands) struct Telling {
    /// Where what ran when is written.
    pub(in crate::commands) trace: Option<PathBuf>,
    /// Whether figures are told in the end.
    pub(in crate::commands) summary: bool,
    /// Where what happens is told to a page.
    pub(in crate::commands) page: Option<Hub>,
    /// The address of that page, where it is to have one.
    pub(in crate::commands) page_at: Option<SocketAddr>,
    /// Whether commands and voices run again, watched.
    pub(in crate::commands) check_inputs: bool,
    /// Where it is kept what becomes of each node, for a host of builds; then lines for people go to standard error.
    pub(in crate::commands) roll: Option<Roll>,
}

impl Telling {
    /// What flags ask for.
    pub(in crate::commands) fn of(insight: &Insight) -> Self {
        Self { trace: insight.trace.clone(), check_inputs: insight.check_inputs, ..Self::default() }
    }
}

/// One build.
pub(in crate::commands) struct Attempt<'a> {
    call: &'a Invocation,
    making: Making,
    telling: Telling,
    root: PathBuf,
    policy: Policy,
    recall: Option<Recall>,
    began: Instant,
    /// Set by whoever asks it to stop, for those who tell of it.
    pub(in crate::commands) stopping: Arc<AtomicBool>,
    /// For what is to be said while it goes on.
    pub(in crate::commands) aside: Aside,
    /// Opened when the first action may need it.
    pub(in crate::commands) shop: Arc<OnceLock<Workshop>>,
}

/// What is to be done.
pub(in crate::commands) enum Ready {
    /// Nothing: all is there.
    Nothing(Box<Nothing>),
    /// What depends on changed sources.
    Part(Box<Part>),
    /// All of the project.
    Whole(Box<Whole>),
}

/// All that was asked for is there.
pub(in crate::commands) struct Nothing {
    summary: Summary,
    snapshot: Snapshot,
}

/// What depends on changed sources, with what is needed to build it.
pub(in crate::commands) struct Part {
    registry: Registry,
    resumption: Resumption,
    capacity: Capacity,
}

/// A project that was read, with what is needed to build it.
pub(in crate::commands) struct Whole {
    registry: Registry,
    project: Project,
    nodes: Vec<NodeId>,
    outputs: Vec<Output>,
    capacity: Capacity,
}

impl Ready {
    /// Files and places that it depends on, as far as they are known before it is built.
    pub(in crate::commands) fn dependencies(&self) -> Vec<Dependency> {
        match self {
            Self::Nothing(nothing) => nothing.snapshot.dependencies(),
            Self::Part(part) => part.resumption.dependencies(),
            Self::Whole(whole) => whole.project.dependencies(),
        }
    }
}

/// A build that is over.
pub(in crate::commands) struct Done {
    /// How it ended.
    pub(in crate::commands) summary: Summary,
    /// Nodes that used what is not in their key.
    pub(in crate::commands) found: usize,
    /// As long as it is there, nothing is collected that the build used.
    pub(in crate::commands) live: Option<LiveBuild>,
}

impl Done {
    pub(in crate::commands) const fn exit(&self) -> Exit {
        if self.summary.interrupted {
            Exit::Interrupted
        } else if !self.summary.unknown.is_empty() {
            Exit::Wrong
        } else if self.summary.is_success() && self.found == 0 {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

/// What is left of earlier builds.
enum Remembered {
    /// All that was asked for.
    Unchanged(Box<Nothing>),
    /// A graph that still holds.
    Changed(Box<Snapshot>, Changes),
    /// Nothing of use.
    Stale,
}

impl<'a> Attempt<'a> {
    /// A build that begins now.
    pub(in crate::commands) fn new(
        call: &'a Invocation,
        making: Making,
        root: &Path,
        telling: Telling,
        shop: Arc<OnceLock<Workshop>>,
    ) -> Self {
        let network = Network { offline: making.offline, allow_private: making.allow_private_network };
        let policy = Policy {
            exec: making.allow_exec,
            network,
            watch: telling.check_inputs,
            draft: making.reading.draft,
        };
        let policy = call.allowed(root, policy);
        let recall = recall(call, (&making, &telling), root, policy);
        let root = root.to_owned();
        let (began, stopping) = (Instant::now(), Arc::default());
        let aside = Aside::default();
        Self { call, making, telling, root, policy, recall, began, stopping, aside, shop }
    }

    /// Finds out what is to be done.
    pub(in crate::commands) fn prepare(&self) -> Result<Ready, CommandError> {
        match self.remember() {
            Remembered::Unchanged(nothing) => Ok(Ready::Nothing(nothing)),
            Remembered::Changed(snapshot, changes) => {
                let registry = self.call.registry(self.policy);
                match self.part(&registry, *snapshot, changes)? {
                    Some((resumption, capacity)) => {
                        Ok(Ready::Part(Box::new(Part { registry, resumption, capacity })))
                    }
                    None => self.whole(registry),
                }
            }
            Remembered::Stale => self.whole(self.call.registry(self.policy)),
        }
    }

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
            Verdict::Unchanged => {
                let summary = Summary::unchanged(&self.root, &snapshot);
                Remembered::Unchanged(Box::new(Nothing { summary, snapshot }))
            }
            Verdict::Changed(changes) => Remembered::Changed(Box::new(snapshot), changes),
            Verdict::Stale => Remembered::Stale,
        }
    }

    fn part(
        &self,
        registry: &Registry,
        snapshot: Snapshot,
        changes: Changes,
    ) -> Result<Option<(Resumption, Capacity)>, CommandError> {
        let said = snapshot.capacity().clone();
        let shop = self.open(registry)?;
        let Some(resumption) = Resumption::prepare(snapshot, changes, registry, &shop.cache) else {
            return Ok(None);
        };
        let found = find(self.call, Some(&said), &self.making.using, resumption.asks_for_gpus())?;
        Ok(resumption.fits(&found.capacity).then_some((resumption, found.capacity)))
    }

    fn whole(&self, registry: Registry) -> Result<Ready, CommandError> {
        let (call, making) = (self.call, &self.making);
        let project = call.read(&self.root, &making.reading, &registry)?;
        let (nodes, outputs) = targets(&project, &making.targets)?;
        let capacity = enough(call, &project, &making.using)?;
        Ok(Ready::Whole(Box::new(Whole { registry, project, nodes, outputs, capacity })))
    }

    /// The workshop, which is opened when it is not.
    fn open(&self, registry: &Registry) -> Result<&Workshop, CommandError> {
        if self.shop.get().is_none() {
            let site = Site { root: &self.root, registry, watch: self.policy.watch };
            // Nobody else opens it.
            let _ = self.shop.set(Workshop::with(self.call, site)?);
        }
        self.shop.get().ok_or_else(|| CommandError::failed("there is no folder for temporary files"))
    }

    /// Builds, tells of it, and tidies up. After the `last` build on a line, workers end.
    pub(in crate::commands) fn perform(
        &self,
        ready: Ready,
        line: &mut Line,
        last: bool,
    ) -> Result<Done, CommandError> {
        match ready {
            Ready::Nothing(nothing) => {
                let Nothing { summary, .. } = *nothing;
                let mut reports = self.reports(1, BTreeMap::new());
                reports.finish(&End::new(&summary, self.began.elapsed()));
                Ok(Done { summary, found: 0, live: None })
            }
            Ready::Part(part) => match self.perform_part(*part, line, last)? {
                Some(done) => Ok(done),
                None => {
                    let ready = self.whole(self.call.registry(self.policy))?;
                    self.perform(ready, line, last)
                }
            },
            Ready::Whole(whole) => {
                let done = self.perform_whole(&whole, line, last);
                if last {
                    // The process ends: nobody needs to wait until a hundred thousand nodes are gone.
                    std::mem::forget(whole);
                }
                done
            }
        }
    }

    fn perform_part(&self, part: Part, line: &mut Line, last: bool) -> Result<Option<Done>, CommandError> {
        let Part { registry, resumption, capacity } = part;
        let shop = self.open(&registry)?;
        let budget = self.call.budget([Limit::Unsaid; 2])?;
        let live = shop.cache.begin_build();
        let costs = resumption.costs().map(|(name, cost)| (name.to_owned(), cost)).collect();
        let mut reports = self.reports(capacity.cpu_milli / 1000, costs);
        let equipment = shop.equipment(&registry);
        let settings = self.settings(capacity, Vec::new());
        // The project was not read; when something fails there is time for that.
        let read = OnceCell::new();
        let place_of = |node: &str| {
            let project =
                read.get_or_init(|| self.call.read(&self.root, &self.making.reading, &registry).ok());
            project.as_ref()?.place_of(node)
        };
        let mut told = Placed::new(&mut reports, &place_of);
        let summary = resumption.build(&self.root, &equipment, settings, &mut told, line)?;
        let Some(summary) = summary else { return Ok(None) };
        let live = Self::close(shop, live, last);
        tidy(&shop.cache, budget, &mut reports);
        Ok(Some(self.finish(reports, summary, live)))
    }

    fn perform_whole(&self, whole: &Whole, line: &mut Line, last: bool) -> Result<Done, CommandError> {
        let Whole { registry, project, nodes, outputs, capacity } = whole;
        let call = self.call;
        warn(call, project);
        let shop = self.open(registry)?;
        let budget = call.budget([Limit::Unsaid; 2])?;
        let live = shop.cache.begin_build();
        let mut reports = self.reports(capacity.cpu_milli / 1000, costs(project));
        for problem in &shop.toolbox.problems {
            reports.observe(&Event::DidWarn { message: problem.to_string() });
        }
        // Of the time when nothing is removed any more.
        let recall = self.recall.as_ref().map(|recall| recall.at(Cache::epoch(&call.cache_dir())));
        let equipment = shop.leaving(registry, recall);
        let settings = self.settings(capacity.clone(), project.later(&self.making.targets));
        let place_of = |node: &str| project.place_of(node);
        let mut told = Placed::new(&mut reports, &place_of);
        let summary = project.build(&equipment, settings, (nodes, outputs), &mut told, line)?;
        let live = Self::close(shop, live, last);
        tidy(&shop.cache, budget, &mut reports);
        if project.outputs.is_empty() && self.making.targets.is_empty() && summary.tally.ran > 0 {
            let message = "the project has no `outputs:`, so what is made stays in the cache";
            reports.observe(&Event::DidWarn { message: message.into() });
        }
        let state = self.root.join(STATE_FOLDER);
        // Where there is no such folder, that was told. A copy for editors is no reason to say anything.
        if state.is_dir() {
            let _ = schema::keep(call, &state);
        }
        if reports.changed && state.is_dir() {
            let now = project.graph.literals().chain(&summary.texts);
            let kept = Texts::keep(&state, now, || project.history());
            if let Err(error) = kept {
                let message =
                    format!("cannot note the project's texts: {error}; `reel why` will show digests");
                reports.observe(&Event::DidWarn { message });
            }
        }
        for problem in summary.unknown.iter().filter(|_| call.global.json) {
            print_json(&diagnostics::json(problem, &project.sources));
        }
        let done = self.finish(reports, summary, live);
        if !call.global.json && !done.summary.unknown.is_empty() {
            return Err(CommandError::faulty(done.summary.unknown, project.sources.clone()));
        }
        Ok(done)
    }

    /// After the last build workers end, and what it used may be collected.
    fn close(shop: &Workshop, live: Option<LiveBuild>, last: bool) -> Option<LiveBuild> {
        if last {
            shop.executor.shutdown(FAREWELL);
        }
        live.filter(|_| !last)
    }

    fn settings(&self, capacity: Capacity, later: Vec<String>) -> Settings {
        let afresh = if self.telling.check_inputs { Afresh::Kinds(KINDS.to_vec()) } else { Afresh::Nothing };
        Settings {
            capacity,
            keep_going: self.making.keep_going,
            locked: self.making.locked,
            offline: self.making.offline,
            today: today(),
            afresh,
            backwards: false,
            later,
        }
    }

    fn reports(&self, slots: u32, costs: BTreeMap<String, Duration>) -> All {
        let call = self.call;
        let manner = manner(call);
        let mut all: Vec<Box<dyn Report>> = Vec::new();
        if call.global.json {
            all.push(Box::new(Json::new(Box::new(print))));
        }
        if let Some(roll) = &self.telling.roll {
            all.push(Box::new(Plain::new(manner, Box::new(print_error))));
            all.push(Box::new(roll.clone()));
        } else if call.global.json {
            // Nobody reads along.
        } else if call.ui.live && manner.volume > Volume::Quiet {
            let asked = (Arc::clone(&self.stopping), self.aside.clone());
            all.push(Box::new(Live::new(manner, asked, slots as usize, costs)));
        } else {
            all.push(Box::new(Plain::new(manner, Box::new(print))));
        }
        all.push(Box::new(Failures::new(self.root.join(STATE_FOLDER))));
        if let Some(hub) = self.telling.page.clone() {
            hub.begin();
            let tell = move |lines: &str| lines.lines().for_each(|line| hub.tell(line));
            all.push(Box::new(Json::new(Box::new(tell))));
        }
        if let Some(file) = &self.telling.trace {
            all.push(Box::new(Trace::new(call.config.here.join(file))));
        }
        let mut all = All::new(all);
        if self.telling.trace.is_some() || self.telling.summary {
            all.keep(self.began, self.telling.summary);
        }
        all
    }

    fn finish(&self, mut reports: All, summary: Summary, live: Option<LiveBuild>) -> Done {
        reports.finish(&End::new(&summary, self.began.elapsed()));
        Done { summary, found: reports.found, live }
    }
}

/// How reports for people are written in this call.
fn manner(call: &Invocation) -> Manner {
    let volume = match (call.global.quiet, call.global.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    };
    Manner { paint: call.ui.out(), volume, here: call.config.here.clone() }
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
