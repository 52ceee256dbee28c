//! The loop that owns a build: states, order, slots, results. It knows no YAML, no terminal and no kind by name.
//!
//! The plan of the loop:
//! - Every node whose inputs are known gets its key; a hit is done at once, an expansion is spliced in.
//! - Misses wait for slots, the longest remaining path first, and start when they fit and no other process
//!   makes the same action.
//! - Where many are to be done, keys are made by several threads while this one waits, and so are actions that only put
//!   together what is in memory. All others report through one channel, and so does whoever interrupts.
//! - A result counts once it is recorded; then its dependents have one thing less to wait for.
//! - A recorded result whose bytes are gone makes its producer run again, within this build.
//! - An action whose files changed while it ran left nothing: it gets a new key, and runs again.

pub mod again;
mod awaiting;
mod compare;
pub mod dispatch;
pub mod estimate;
pub mod foresee;
mod handover;
pub mod identify;
pub mod later;
pub mod line;
pub mod perform;
mod pinning;
mod ranked;
pub mod ready;
mod shown;
pub mod simulate;
pub mod slots;
mod sources;
mod starting;
pub mod state;
mod tell;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use tracing::{debug_span, info_span};

use crate::cache::{ActionResult, Cache, FileStates, Lookup, Miss};
use crate::claim::Capacity;
use crate::event::{Event, Observer};
use crate::executor::toolbox::Toolbox;
use crate::executor::{Executor, RunId};
use crate::graph::{Graph, splice};
use crate::hands::Hands;
use crate::history::History;
use crate::id::NodeId;
use crate::key::ActionKey;
use crate::operation::{Failure, FailureCode, Registry};
use crate::plan::Plan;
use crate::takes::Takes;

use again::Afresh;
use dispatch::Dispatch;
use estimate::Estimates;
use identify::{Facts, Identified, Results};
use later::Later;
use line::Line;
use perform::{Message, Noted, Recorded, Settled, Unkept};
use starting::Recording;
use state::{State, States};

pub use wanted::{Base, Ended, Wanted};

/// How often a clock is redrawn and other processes are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often a result that another process makes is looked for.
const ELSEWHERE: Duration = Duration::from_millis(20);
/// So many nodes are identified together, and so many small actions are claimed, run and recorded.
const TOGETHER: usize = 2048;
/// Most lines of warning that one action tells beside its log.
const WARNINGS: usize = 5;

/// What a user decides about a build.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What actions may hold together.
    pub capacity: Capacity,
    /// Whether to finish what a failure does not block.
    pub keep_going: bool,
    /// Whether takes must be pinned already.
    pub locked: bool,
    /// Whether the network is forbidden.
    pub offline: bool,
    /// The day, `YYYY-MM-DD`, for new pins.
    pub today: String,
    /// Which actions run although their result is known.
    pub afresh: Afresh,
    /// Whether the shortest remaining path goes first, so that another order is seen.
    pub backwards: bool,
    /// Names that were asked for beside the targets, of nodes that only expansions make.
    pub later: Vec<String>,
}

/// What a build works with; all of it outlives the build.
pub struct Means<'a> {
    /// Kinds.
    pub registry: &'a Registry,
    /// The project's folder.
    pub root: &'a std::path::Path,
    /// The store.
    pub cache: &'a Cache,
    /// Who runs actions.
    pub executor: &'a dyn Executor,
    /// Identities of tools.
    pub toolbox: &'a Toolbox,
    /// Digests of files.
    pub files: &'a FileStates,
    /// Where actions may write.
    pub scratch: PathBuf,
}

/// One build of one graph.
pub struct Build<'a> {
    means: Means<'a>,
    settings: Settings,
    graph: Graph,
    plan: Plan,
    later: Later,
    estimates: Estimates<'a>,
    states: States,
    results: Results,
    takes: Takes,
    history: &'a mut History,
    observer: &'a mut dyn Observer,
    dependents: Vec<Vec<NodeId>>,
    dispatch: Dispatch,
    hands: Hands,
    /// Times of the dispatch are counted from here.
    began: Instant,
    /// Of nodes that are about to run.
    manifests: BTreeMap<NodeId, Noted>,
    keys: Vec<Option<ActionKey>>,
    misses: BTreeMap<NodeId, Miss>,
    elsewhere: BTreeSet<NodeId>,
    was_lost: BTreeSet<NodeId>,
    /// Results that are known, of nodes that run all the same.
    repeats: BTreeMap<NodeId, Arc<ActionResult>>,
    /// How often a node's files changed while it ran.
    tries: BTreeMap<NodeId, u32>,
    /// Nodes whose files changed, and when they are tried again.
    resting: BTreeMap<NodeId, Instant>,
    /// Files that changed while they were read.
    unsteady: BTreeSet<String>,
    /// What runs, and the key under which it started.
    running: BTreeMap<RunId, (NodeId, ActionKey)>,
    /// How much of that has ended, and only waits to be recorded.
    recording: Recording,
    failures: BTreeMap<NodeId, Failure>,
    base: Base,
    line: &'a mut Line,
    stopping: Option<&'static str>,
    looked_elsewhere: Instant,
}

impl<'a> Build<'a> {
    /// Prepares a build of `targets`. On `line` it can be reached, and it may take over what runs there.
    pub fn new(
        means: Means<'a>,
        settings: Settings,
        Wanted { graph, targets, takes, base }: Wanted<'_>,
        history: &'a mut History,
        observer: &'a mut dyn Observer,
        line: &'a mut Line,
    ) -> Self {
        let _span = info_span!("plan", nodes = graph.len()).entered();
        let estimates = Estimates::new(means.cache);
        let later = Later::new(&graph, targets, &settings.later);
        let plan = Plan::new(&graph, &later.targets(targets), |id| estimates.of(&graph, history, id));
        line.begin();
        let cores = (settings.capacity.cpu_milli / 1000) as usize;
        let mut build = Self {
            hands: Hands::new(cores),
            dispatch: Dispatch::on(settings.capacity.clone(), line),
            began: Instant::now(),
            means,
            settings,
            plan,
            later,
            estimates,
            states: States::default(),
            results: Results::default(),
            takes,
            history,
            observer,
            dependents: Vec::new(),
            manifests: BTreeMap::new(),
            keys: Vec::new(),
            misses: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
            was_lost: BTreeSet::new(),
            repeats: BTreeMap::new(),
            tries: BTreeMap::new(),
            resting: BTreeMap::new(),
            unsteady: BTreeSet::new(),
            running: BTreeMap::new(),
            recording: Recording::default(),
            failures: BTreeMap::new(),
            base,
            line,
            stopping: None,
            looked_elsewhere: Instant::now(),
            graph,
        };
        build.admit(build.plan.nodes().collect());
        let planned = build.tally().planned;
        let estimate = build.plan.nodes().map(|id| build.plan.priority(id)).max().unwrap_or_default();
        build.observer.observe(&Event::DidPlan { planned, estimate });
        build
    }

    /// Starts what fits, so that it runs while other things are told; call [`Self::run`] afterwards.
    pub fn begin(&mut self) {
        self.settle_ready();
        if !self.gives_way() {
            self.cancel_unwanted();
            self.start_fitting();
            self.means.cache.hurry();
        }
    }

    /// Runs until nothing more can be done.
    pub fn run(&mut self) {
        loop {
            self.settle_ready();
            if self.gives_way() {
                self.leave();
                break;
            }
            self.cancel_unwanted();
            self.start_fitting();
            if self.states.next_ready().is_some() {
                // Something that was found lost is to be made again.
                continue;
            }
            if self.running.is_empty() && !self.waits() && !self.awaits_left() {
                break;
            }
            self.means.cache.hurry();
            match self.line.messages.recv_timeout(if self.waits() { ELSEWHERE } else { TICK }) {
                Ok(message) => self.hear_all(message),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.observer.tick(),
            }
            self.look_elsewhere();
            self.wake_resting();
        }
        self.means.cache.hurry();
        self.skip_the_rest();
    }

    /// Makes the producer of a lost artifact run again; call [`Self::run`] afterwards. Nothing more is done when
    /// it belongs to the base.
    pub fn make_again(&mut self, id: NodeId) {
        if self.base.done.contains_key(&id) {
            self.stopping = Some(BASE_IS_LOST);
            return;
        }
        let name = self.graph.node(id).name.clone();
        self.observer.observe(&Event::DidWarn {
            message: format!("a result of `{name}` is no longer in the cache; it is made again"),
        });
        self.results.set(id, None);
        self.was_lost.insert(id);
        if let Some(Some(key)) = self.keys.get(id.index()) {
            self.means.cache.forget(&key.0);
        }
        self.await_or_ready(id);
    }

    /// Computes keys of all ready nodes; hits make more ready.
    fn settle_ready(&mut self) {
        if self.states.next_ready().is_none() {
            return;
        }
        let _looks = self.means.cache.looks();
        while self.states.next_ready().is_some() {
            let (facts, graph, cache) = (self.facts(), &self.graph, self.means.cache);
            let ids: Vec<NodeId> = self.states.ready().take(TOGETHER).collect();
            let identified = self.hands.each(ids, |id| (id, facts.identified(graph, cache, id)));
            // To settle one makes no other less ready: all that these await is done.
            for (id, identified) in identified {
                if self.stopping.is_some() || self.gives_way() {
                    self.states.set(id, State::Queued);
                } else {
                    self.settle_one(id, identified);
                }
            }
        }
    }

    fn settle_one(&mut self, id: NodeId, identified: Identified) {
        let _span = debug_span!("settle", node = %self.graph.node(id).name).entered();
        let (manifest, key, found) = match identified {
            Ok(identified) => identified,
            Err(failure) => return self.fail(id, failure),
        };
        let pinned = found.is_some();
        if let Some(found) = found {
            match found {
                Lookup::Hit(result) if self.settings.afresh.wants(self.graph.node(id)) => {
                    self.repeats.insert(id, Arc::from(result));
                }
                Lookup::Hit(result) => {
                    let past = self.history.past(&self.graph.node(id).name);
                    let fresh = past.is_some_and(|past| past.key == key);
                    let hit = self.hit(id, fresh, false, &result);
                    let manifest = Noted::Fields(manifest);
                    return self.complete(id, Recorded { result: Arc::from(result), manifest }, &hit);
                }
                Lookup::Miss(_) if self.take_over(id, key) => return,
                Lookup::Miss(miss) => drop(self.misses.insert(id, miss)),
            }
        } else if self.take_over(id, key) {
            return;
        }
        if let Some(refusal) = self.refuse_take(id, pinned).or_else(|| self.refuse_claim(id)) {
            return self.fail(id, refusal);
        }
        self.manifests.insert(id, Noted::waiting(manifest));
        self.queue(id);
    }

    fn queue(&mut self, id: NodeId) {
        self.states.set(id, State::Queued);
        let claim = &self.graph.node(id).claim;
        self.dispatch.push(id, claim, self.priority(id), self.plan.cost(id));
    }

    /// How urgent a node is.
    fn priority(&self, id: NodeId) -> Duration {
        let rest = self.plan.priority(id);
        if self.settings.backwards { Duration::MAX - rest } else { rest }
    }

    /// Why a node that came by an expansion can never have its slots; of others it was told before the build.
    fn refuse_claim(&self, id: NodeId) -> Option<Failure> {
        let refusal = self.dispatch.capacity().refuses(&self.graph.node(id).claim)?;
        let help =
            format!("ask for less under `resources:`, or allow more with `--capacity {}`", refusal.enough);
        Some(Failure::new(format!("it asks for {}", refusal.why)).help(help))
    }

    fn hear_all(&mut self, first: Message) {
        self.hear(first);
        while let Ok(message) = self.line.messages.try_recv() {
            self.hear(message);
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Progress(run, permille) => {
                if let Some((node, _)) = self.running.get(&run).copied() {
                    self.observer.observe(&Event::DidProgress { node, permille });
                }
            }
            Message::Settled(run, settled) => self.settled(run, *settled),
            Message::Wake => {}
            Message::Interrupt => {
                self.stopping = Some(INTERRUPTED);
                self.cancel_all_left();
                for run in self.running.keys() {
                    self.means.executor.cancel(*run);
                }
            }
        }
    }

    fn settled(&mut self, run: RunId, settled: Settled) {
        let Some((id, _)) = self.running.remove(&run) else {
            return self.left_ended(run);
        };
        let _span = debug_span!("settled", node = %self.graph.node(id).name).entered();
        self.release(id);
        let Settled { result, took, used, compared, given } = settled;
        let checked = result.and_then(|recorded| self.pin(id, recorded).map_err(Unkept::Failed));
        match checked {
            Ok(recorded) => {
                let stored = if compared.is_some() { 0 } else { recorded.result.bytes() };
                let ran = Event::DidRun { node: self.info(id), took, stored };
                self.complete(id, recorded, &ran);
            }
            Err(Unkept::Changed(files)) => return self.source_changed(id, files),
            Err(Unkept::Removed(failure)) => return self.folder_removed(id, failure),
            Err(Unkept::Failed(failure))
                if failure.code == FailureCode::Cancelled && self.stopping.is_some() =>
            {
                return self.skip(id, INTERRUPTED);
            }
            Err(Unkept::Failed(failure)) => self.fail(id, self.in_names(id, run, &given, failure)),
        }
        self.tell_findings(id, used, compared);
    }

    /// Tells what an action that ran warns of: the lines of its log that begin with `warning: `. A hit is silent, as its
    /// log was told when it was made.
    fn warn(&mut self, id: NodeId, log: &str) {
        let mut lines = log.lines().filter_map(|line| line.strip_prefix("warning: "));
        let name = self.graph.node(id).name.clone();
        for line in lines.by_ref().take(WARNINGS) {
            self.observer.observe(&Event::DidWarn { message: format!("`{name}`: {line}") });
        }
        let more = lines.count();
        if more > 0 {
            let message = format!("`{name}` warns of {more} more: `reel log {name}` has all of it");
            self.observer.observe(&Event::DidWarn { message });
        }
    }

    /// A result is known: splices, tells `event`, notes, wakes dependents.
    fn complete(&mut self, id: NodeId, Recorded { result, manifest }: Recorded, event: &Event) {
        let again = !self.graph.node(id).spliced.is_empty();
        let mut made = Vec::new();
        if let (Some(subgraph), false) = (&result.graph, again) {
            match splice::splice(&mut self.graph, id, subgraph, self.means.registry, self.means.root) {
                Ok(nodes) => made = nodes,
                Err(failure) => return self.fail(id, failure),
            }
        }
        self.observer.observe(event);
        let took = match event {
            Event::DidRun { took, .. } => Some(*took),
            _ => None,
        };
        if took.is_some() {
            self.warn(id, &result.log);
        }
        let key = ActionKey(result.key);
        self.keys.resize(self.graph.len(), None);
        self.keys[id.index()] = Some(key);
        self.history.note_json(&self.graph.node(id).name, key, || manifest.into_json(), took);
        self.results.set(id, Some(kept(result)));
        self.states.set(id, if took.is_some() { State::Ran } else { State::Cached });
        if !made.is_empty() {
            self.take_in(id, &made);
        }
        // What was made again changes what dependents await in ways that are not worth following.
        let recount = again || self.was_lost.contains(&id);
        for index in 0..self.dependents[id.index()].len() {
            let dependent = self.dependents[id.index()][index];
            match self.states.get(dependent) {
                State::Waiting(_) if recount => self.await_or_ready(dependent),
                State::Waiting(open) if !made.is_empty() => self.await_made(dependent, id, open),
                State::Waiting(_) => self.states.one_less(dependent),
                _ => {}
            }
        }
    }

    fn take_in(&mut self, maker: NodeId, made: &[NodeId]) {
        let Self { plan, graph, history, estimates, later, .. } = self;
        let only = later.take_in(graph, maker, made);
        let new = plan.grow(graph, maker, (made, only), |id| estimates.of(graph, history, id));
        if self.stopping.is_none() && later.unknown(graph).next().is_some() {
            self.stopping = Some(UNKNOWN);
        }
        self.admit(new);
        let planned = self.tally().planned;
        let node = self.info(maker);
        self.observer.observe(&Event::DidExpand { node, made: made.len(), planned });
    }

    fn fail(&mut self, id: NodeId, failure: Failure) {
        self.states.set(id, State::Failed);
        self.observer.observe(&Event::DidFail { node: self.info(id), failure: failure.clone() });
        self.failures.insert(id, failure);
        let reason = format!("`{}` failed", self.graph.node(id).name);
        self.block_dependents(id, &reason);
        if !self.settings.keep_going && self.stopping.is_none() {
            self.stopping = Some(FAILED);
        }
    }

    fn block_dependents(&mut self, id: NodeId, reason: &str) {
        let mut open: Vec<NodeId> = self.dependents[id.index()].iter().rev().copied().collect();
        while let Some(dependent) = open.pop() {
            if !self.states.get(dependent).is_final() {
                self.skip(dependent, reason);
                open.extend(self.dependents[dependent.index()].iter().rev());
            }
        }
    }

    fn skip(&mut self, id: NodeId, reason: &str) {
        self.dispatch.remove(id);
        self.states.set(id, State::Skipped);
        self.observer.observe(&Event::DidSkip { node: self.info(id), reason: reason.to_owned() });
    }

    /// What has no result at the end is skipped, for the reason that stopped the build.
    fn skip_the_rest(&mut self) {
        let rest: Vec<NodeId> = self.plan.nodes().filter(|id| !self.states.get(*id).is_final()).collect();
        if self.has_lost_its_base() || self.was_superseded() {
            // Another build takes over at once: nothing is told, but it adds up.
            rest.into_iter().for_each(|id| self.states.set(id, State::Skipped));
            return;
        }
        let reason = self.stopping.unwrap_or("what it awaits has no result");
        for id in rest {
            self.skip(id, reason);
        }
    }

    /// Whether there is something to wait for beside what runs here.
    fn waits(&self) -> bool {
        self.stopping.is_none() && !(self.elsewhere.is_empty() && self.resting.is_empty())
    }

    /// Tries again for results that other processes make.
    fn look_elsewhere(&mut self) {
        if self.looked_elsewhere.elapsed() < ELSEWHERE || !self.waits() {
            return;
        }
        self.looked_elsewhere = Instant::now();
        for id in std::mem::take(&mut self.elsewhere) {
            self.queue(id);
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            results: &self.results,
            toolbox: self.means.toolbox,
            files: self.means.files,
            takes: &self.takes,
        }
    }
}

/// What of a result is still asked for when its graph was spliced and its log told: a film's little graphs hold all its
/// captions, once more than the graph itself does.
fn kept(result: Arc<ActionResult>) -> Arc<ActionResult> {
    if result.graph.is_none() && result.log.is_empty() {
        return result;
    }
    let mut result = Arc::unwrap_or_clone(result);
    (result.graph, result.log) = (None, String::new());
    Arc::new(result)
}

const INTERRUPTED: &str = "interrupted";
const SUPERSEDED: &str = "another build took its place";
const UNKNOWN: &str = "stopped because a name that was asked for is not there";
const BASE_IS_LOST: &str = "a result of an earlier build is gone";
const FAILED: &str = "stopped after a failure";
