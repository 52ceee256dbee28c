//! One action between getting its slots and having its result recorded. It knows no order and no states.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tracing::debug_span;

use super::compare::compare;
use super::identify::Results;
use super::shown::{Given, given};
use super::sources::Sources;
use crate::artifact::{Artifact, InputFile};
use crate::cache::{
    ActionResult, Cache, Claimed, Facts, FileStates, INLINE_LIMIT, Lookup, Rank, Ticket, Unready,
};
use crate::digest::Digest;
use crate::event::Difference;
use crate::executor::{Executor, Report, Request, RunId};
use crate::graph::{Feed, Graph};
use crate::id::NodeId;
use crate::key::{ActionKey, Manifest};
use crate::operation::{Body, Failure, FailureCode, Outcome, Use};

/// Deadline of an action whose project says nothing; commands (`exec`) have none.
const DEADLINE: Duration = Duration::from_secs(3600);

/// What the loop hears from outside itself.
pub enum Message {
    /// An executor tells how far a run is.
    Progress(RunId, u16),
    /// A run is over, and its result, if there is one, is recorded.
    Settled(RunId, Box<Settled>),
    /// Somebody wants the build to end.
    Interrupt,
    /// There is something to look at beside messages.
    Wake,
}

/// The end of a run.
pub struct Settled {
    /// What is recorded, or why nothing is.
    pub result: Result<Recorded, Unkept>,
    /// Wall time of the run, without storing.
    pub took: Duration,
    /// What it used and did not declare, if it was watched.
    pub used: Vec<Use>,
    /// For a run of what is recorded already: where it made other bytes.
    pub compared: Option<Vec<Difference>>,
    /// Files that it was given, for what is told of a failure.
    pub given: Vec<Given>,
}

/// Why a run left nothing that is kept.
pub enum Unkept {
    /// It failed.
    Failed(Failure),
    /// These files changed since their digests went into its key, so whatever it did says nothing.
    Changed(Vec<String>),
    /// It failed, and somebody removed the folder that it worked in, files that it was given, or the whole store: the
    /// failure may follow from that.
    Removed(Failure),
}

/// A result and what its key was made of.
pub struct Recorded {
    /// What was made.
    pub result: Arc<ActionResult>,
    /// What went into its key, the pin of a take among it.
    pub manifest: Noted,
}

/// A manifest that waits for its node to start, or is on its way to the history.
pub enum Noted {
    /// One that nobody wrote down yet.
    Fields(Manifest),
    /// As it is in the record.
    Json(Vec<u8>),
}

/// With more fields than these, a manifest that waits is packed: a segment's captions are hundreds, which are three times
/// as large by themselves, and a film may have hundreds of segments that wait for a core.
const MANY_FIELDS: usize = 48;

impl Noted {
    /// Of a node that waits for its start.
    pub(super) fn waiting(manifest: Manifest) -> Self {
        if manifest.fields().len() > MANY_FIELDS {
            Self::Json(manifest.to_json())
        } else {
            Self::Fields(manifest)
        }
    }

    /// The fields again.
    pub(super) fn into_manifest(self) -> Manifest {
        match self {
            Self::Fields(manifest) => manifest,
            // It was written by this code.
            Self::Json(json) => serde_json::from_slice(&json).unwrap_or_default(),
        }
    }

    /// The form in which it is kept.
    pub(super) fn into_json(self) -> Vec<u8> {
        match self {
            Self::Fields(manifest) => manifest.to_json(),
            Self::Json(json) => json,
        }
    }
}

/// How the result will be recorded.
pub(super) enum Right {
    /// Under a key that is known and claimed.
    Claimed(Ticket),
    /// Under the key that the digest of what is made completes: a take that is not pinned yet.
    Unpinned(String),
    /// Not at all: this is recorded already, and what is made is compared with it.
    Repeat(Arc<ActionResult>),
}

impl Right {
    /// The key, if it is known.
    pub(super) fn key(&self) -> Option<ActionKey> {
        match self {
            Self::Claimed(ticket) => Some(ActionKey(ticket.key())),
            Self::Unpinned(_) => None,
            Self::Repeat(result) => Some(ActionKey(result.key)),
        }
    }
}

/// Why inputs could not be gathered.
pub(super) enum Missing {
    /// The bytes of this node's result are gone.
    Lost(NodeId),
    /// These files are not what went into its key.
    Changed(Vec<String>),
    /// The machine said no.
    Failure(Failure),
}

/// Artifacts by slot.
pub(super) type Inputs = Vec<(String, Vec<InputFile>)>;

/// Finds the bytes of all inputs of a node.
pub(super) struct Gather<'a> {
    pub(super) graph: &'a Graph,
    pub(super) results: &'a Results,
    pub(super) cache: &'a Cache,
    pub(super) files: &'a FileStates,
    /// Where bytes go that are in no file of their own; shared by all actions of a build.
    pub(super) folder: &'a Path,
}

impl Gather<'_> {
    /// The same, if files among them are what is in the manifest.
    pub(super) fn steady_inputs(
        &self,
        id: NodeId,
        manifest: &Manifest,
    ) -> Result<(Inputs, Sources), Missing> {
        let (inputs, sources) = self.inputs(id)?;
        let changed = sources.other_than(manifest);
        if changed.is_empty() { Ok((inputs, sources)) } else { Err(Missing::Changed(changed)) }
    }

    /// Inputs by slot, and those among them that lie where somebody may change them.
    fn inputs(&self, id: NodeId) -> Result<(Inputs, Sources), Missing> {
        let mut sources = Sources::default();
        let node = self.graph.node(id);
        let in_memory = node.operation.in_memory();
        if !in_memory {
            // It is there, unless somebody has removed the cache meanwhile.
            fs::create_dir_all(self.folder).map_err(machine)?;
        }
        let slots = node.slots.iter().filter(|slot| !slot.through);
        let inputs: Result<Inputs, Missing> = slots
            .map(|slot| {
                let mut files = Vec::with_capacity(slot.feeds.len());
                for feed in &slot.feeds {
                    self.add(feed, (&slot.name, in_memory), &mut files, &mut sources)?;
                }
                Ok((slot.name.clone(), files))
            })
            .collect();
        Ok((inputs?, sources))
    }

    fn add(
        &self,
        feed: &Feed,
        (slot, in_memory): (&str, bool),
        files: &mut Vec<InputFile>,
        sources: &mut Sources,
    ) -> Result<(), Missing> {
        match feed {
            Feed::Literal(text) => files.push(self.literal(text, in_memory)?),
            Feed::File(file) => {
                let file = self.graph.file(*file);
                let path = file.path.clone();
                let sight = self.files.look(&path).map_err(machine)?;
                sources.add(slot, files.len(), path.clone(), file.shown.clone(), sight);
                let artifact = Artifact { digest: sight.digest, size: sight.size, media: String::new() };
                files.push(InputFile::at(path, artifact));
            }
            Feed::Port(from, port) => {
                for (producer, port) in self.graph.behind(*from, *port) {
                    let stored =
                        self.results.artifact(self.graph, producer, port).ok_or(Missing::Lost(producer))?;
                    if in_memory
                        && let Some(bytes) =
                            self.cache.in_record(stored).map_err(|_| Missing::Lost(producer))?
                    {
                        files.push(self.held(stored.artifact.clone(), bytes));
                        continue;
                    }
                    let path = self.cache.materialise(stored, self.folder).map_err(|fault| match fault {
                        Unready::Lost(_) => Missing::Lost(producer),
                        Unready::Io { cause, .. } => machine(cause),
                    })?;
                    files.push(InputFile::at(path, stored.artifact.clone()));
                }
            }
        }
        Ok(())
    }

    /// Bytes of which no file is made.
    fn held(&self, artifact: Artifact, bytes: Arc<[u8]>) -> InputFile {
        InputFile { path: self.folder.join("no-file"), artifact, bytes: Some(bytes) }
    }

    fn literal(&self, text: &str, in_memory: bool) -> Result<InputFile, Missing> {
        let digest = Graph::literal_digest(text);
        let artifact = Artifact { digest, size: text.len() as u64, media: "text/plain".into() };
        if in_memory {
            return Ok(self.held(artifact, text.as_bytes().into()));
        }
        let path = self.folder.join(digest.to_string());
        if fs::read(&path).map_or(true, |found| found != text.as_bytes()) {
            fs::write(&path, text.as_bytes()).map_err(machine)?;
        }
        Ok(InputFile::at(path, artifact))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn machine(error: std::io::Error) -> Missing {
    Missing::Failure(Failure::of(FailureCode::Machine, format!("cannot prepare its inputs: {error}")))
}

/// One action, ready to start.
pub(super) struct Start {
    pub(super) node: NodeId,
    pub(super) run: RunId,
    pub(super) inputs: Inputs,
    /// Those of its inputs that somebody may change while it runs.
    pub(super) sources: Sources,
    pub(super) right: Right,
    pub(super) manifest: Manifest,
    pub(super) scratch: PathBuf,
    pub(super) gpus: Vec<String>,
}

/// Starts the action; a [`Message::Settled`] follows. It may have ended already and only wait to be recorded with more:
/// [`Cache::hurry`] is to be called before anybody waits for that.
pub(super) fn start(
    graph: &Graph,
    start: Start,
    cache: &Cache,
    executor: &dyn Executor,
    messages: &Sender<Message>,
) {
    let Start { node, run, inputs, sources, right, manifest, scratch, gpus } = start;
    let node = graph.node(node);
    let _span = debug_span!("start", node = %node.name).entered();
    let info = node.operation.info();
    let deadline = match (node.timeout, info.name) {
        (Some(millis), _) => Some(Duration::from_millis(millis)),
        (None, "exec") => None,
        (None, _) => Some(DEADLINE),
    };
    let needs_folder = !node.operation.in_memory();
    let made = if needs_folder { fs::create_dir_all(&scratch) } else { Ok(()) };
    let keeper = Keeper {
        run,
        cache: cache.clone(),
        ports: node.ports.iter().map(|port| port.name.clone()).collect(),
        kind: info.name,
        sources,
        right,
        manifest,
        given: given(&inputs),
        scratch: needs_folder.then(|| scratch.clone()),
        began: Instant::now(),
        messages: messages.clone(),
    };
    if let Err(error) = made {
        let message = format!("cannot make a scratch folder: {error}");
        return keeper.settle(Err(Failure::of(FailureCode::Machine, message)), false);
    }
    let request = Request {
        id: run,
        node: node.name.clone(),
        operation: Arc::clone(&node.operation),
        params: node.own_params(),
        inputs,
        ports: node.ports.clone(),
        scratch,
        deadline,
        gpus,
    };
    let keeper = Mutex::new(Some(keeper));
    let progress = Mutex::new(messages.clone());
    let starter = thread::current().id();
    let sink = move |report| match report {
        Report::Progress(run, permille) => {
            if let Ok(messages) = progress.lock() {
                // A closed channel means that the build is over and nobody listens.
                drop(messages.send(Message::Progress(run, permille)));
            }
        }
        Report::Finished(_, result) => {
            let keeper = keeper.lock().ok().and_then(|mut keeper| keeper.take());
            let is_here = thread::current().id() == starter;
            match keeper {
                // Storing these takes no longer than handing them to somebody else.
                Some(keeper) if keeper.is_quick(&result) => keeper.settle(result, is_here),
                // These hold no slots: thousands of large ones must not wait in memory until they are stored.
                Some(keeper) if is_here => keeper.settle(result, false),
                Some(keeper) => rayon::spawn(move || keeper.settle(result, false)),
                None => {}
            }
        }
    };
    executor.start(request, Arc::new(sink));
}

/// Stores and records what a run made.
struct Keeper {
    run: RunId,
    cache: Cache,
    ports: Vec<String>,
    kind: &'static str,
    sources: Sources,
    right: Right,
    manifest: Manifest,
    given: Vec<Given>,
    scratch: Option<PathBuf>,
    began: Instant,
    messages: Sender<Message>,
}

impl Keeper {
    /// Whether nothing large has to be read or written before the result is on its way.
    fn is_quick(&self, result: &Result<Outcome, Failure>) -> bool {
        let small = |body: &Body| matches!(body, Body::Bytes(bytes) if bytes.len() as u64 <= INLINE_LIMIT);
        (self.scratch.is_none() || self.sources.is_empty())
            && matches!(self.right, Right::Claimed(_))
            && result.as_ref().is_ok_and(|outcome| outcome.produced.iter().all(|made| small(&made.body)))
    }

    fn settle(mut self, result: Result<Outcome, Failure>, with_more: bool) {
        if with_more && let Right::Claimed(ticket) = self.right {
            self.right = Right::Claimed(ticket.with_more());
        }
        let took = self.began.elapsed();
        let (run, messages, scratch) = (self.run, self.messages.clone(), self.scratch.clone());
        let given = std::mem::take(&mut self.given);
        // When nobody wants it any more, it does not matter why it failed.
        let failed = result.as_ref().is_err_and(|failure| failure.code != FailureCode::Cancelled);
        let gone = failed
            && (self.lost_its_folder() || !given.iter().all(Given::is_there) || self.cache.was_removed());
        let used = match &result {
            Ok(outcome) => outcome.used.clone(),
            Err(failure) => failure.used.clone(),
        };
        let send = move |result, compared| {
            let settled = Settled { result, took, used, compared, given };
            drop(messages.send(Message::Settled(run, Box::new(settled))));
        };
        let changed = self.changed(&result);
        match result.and_then(|outcome| self.whole(outcome)) {
            _ if !changed.is_empty() => send(Err(Unkept::Changed(changed)), None),
            Ok(outcome) => self.keep(outcome, took, send),
            Err(failure) if gone => send(Err(Unkept::Removed(failure)), None),
            Err(failure) => send(Err(Unkept::Failed(failure)), None),
        }
        if let Some(scratch) = scratch {
            drop(fs::remove_dir_all(scratch));
        }
    }

    /// Whether somebody has removed the folder in which it worked.
    fn lost_its_folder(&self) -> bool {
        self.scratch.as_ref().is_some_and(|scratch| !scratch.exists())
    }

    /// Files that changed since their digests went into the key. A failure may come of that as well, but what
    /// nobody wants any more is not looked at.
    fn changed(&self, result: &Result<Outcome, Failure>) -> Vec<String> {
        match result {
            Err(failure) if failure.code == FailureCode::Cancelled => Vec::new(),
            _ => self.sources.changed(),
        }
    }

    fn keep(
        self,
        outcome: Outcome,
        took: Duration,
        send: impl FnOnce(Result<Recorded, Unkept>, Option<Vec<Difference>>) + Send + 'static,
    ) {
        let Right::Repeat(result) = self.right else {
            return self.record(outcome, took, |result| send(result, None));
        };
        match compare(&result, &outcome, &self.cache) {
            Ok(found) => send(Ok(Recorded { result, manifest: Noted::Fields(self.manifest) }), Some(found)),
            Err(failure) => send(Err(Unkept::Failed(failure)), None),
        }
    }

    /// Whether every port is filled, and nothing else.
    fn whole(&self, outcome: Outcome) -> Result<Outcome, Failure> {
        let by_graph =
            |port: &str| outcome.graph.as_ref().is_some_and(|graph| graph.ports.contains_key(port));
        let by_run = |port: &str| outcome.produced.iter().any(|produced| produced.port == port);
        if let Some(port) = self.ports.iter().find(|port| !by_graph(port) && !by_run(port)) {
            let failure = Failure::new(format!("it ended without an artifact at port `{port}`"));
            return Err(failure.log(outcome.log));
        }
        match outcome.produced.iter().find(|produced| !self.ports.contains(&produced.port)) {
            Some(extra) => {
                Err(Failure::new(format!("it made `{}`, which is not among its ports", extra.port)))
            }
            None => Ok(outcome),
        }
    }

    fn record(
        self,
        outcome: Outcome,
        took: Duration,
        send: impl FnOnce(Result<Recorded, Unkept>) + Send + 'static,
    ) {
        let mut manifest = self.manifest;
        let ticket = match self.right {
            Right::Claimed(ticket) => ticket,
            Right::Repeat(result) => {
                return send(Ok(Recorded { result, manifest: Noted::Fields(manifest) }));
            }
            Right::Unpinned(url) => match pin(&self.cache, &mut manifest, &url, &outcome) {
                Ok(Ok(ticket)) => ticket,
                Ok(Err(result)) => {
                    let result = Arc::new(*result);
                    return send(Ok(Recorded { result, manifest: Noted::Fields(manifest) }));
                }
                Err(failure) => return send(Err(Unkept::Failed(failure))),
            },
        };
        let rank = match self.kind {
            _ if outcome.paid => Rank::Paid,
            "mux" => Rank::Assembled,
            _ => Rank::Made,
        };
        let _span = debug_span!("record", kind = self.kind, took = ?took).entered();
        let manifest = manifest.to_json();
        let facts = Facts {
            kind: self.kind.to_owned(),
            cost_micros: took.as_micros() as u64,
            rank,
            manifest: manifest.clone(),
        };
        // Whichever comes last, the stored result or the commit of its record, sends the message.
        let meeting: Arc<Mutex<Meeting<_>>> =
            Arc::new(Mutex::new(Meeting { send: Some(send), result: None, committed: false }));
        let other = Arc::clone(&meeting);
        let committed = move |_kept| Meeting::advance(&other, |meeting| meeting.committed = true);
        match ticket.commit(outcome, facts, committed) {
            Ok(result) => {
                let recorded = Recorded { result, manifest: Noted::Json(manifest) };
                Meeting::advance(&meeting, |meeting| meeting.result = Some(Ok(recorded)));
            }
            Err(error) => {
                let failure = Failure::of(FailureCode::Machine, format!("cannot keep its result: {error}"));
                let unkept = match self.scratch {
                    Some(scratch) if !scratch.exists() => Unkept::Removed(failure),
                    _ => Unkept::Failed(failure),
                };
                Meeting::advance(&meeting, |meeting| {
                    meeting.result = Some(Err(unkept));
                    meeting.committed = true;
                });
            }
        }
    }
}

/// Completes the key of a take with the digest of what came, and claims it; a result that is there is as good.
fn pin(
    cache: &Cache,
    manifest: &mut Manifest,
    url: &str,
    outcome: &Outcome,
) -> Result<Result<Ticket, Box<ActionResult>>, Failure> {
    let made = outcome.produced.first().map(|produced| &produced.body);
    let digest = match made {
        Some(Body::Bytes(bytes)) => Digest::of(bytes),
        Some(Body::File(path)) => {
            let digest = Digest::of_file(path);
            digest
                .map_err(|error| {
                    Failure::of(FailureCode::Machine, format!("cannot read what came: {error}"))
                })?
                .0
        }
        None => return Err(Failure::new("nothing came that could be pinned")),
    };
    manifest.take(&digest.to_string(), url);
    let mut found = cache.lookup(&manifest.key().0);
    loop {
        match found {
            Lookup::Hit(result) => return Ok(Err(result)),
            Lookup::Miss(miss) => match cache.claim(miss) {
                Claimed::Mine(ticket) => return Ok(Ok(ticket)),
                Claimed::Hit(result) => return Ok(Err(result)),
                // Another build is just recording the same bytes: that takes no time worth a message.
                Claimed::Busy(miss) => {
                    thread::sleep(Duration::from_millis(2));
                    found = Lookup::Miss(miss);
                }
            },
        }
    }
}

/// Where the stored result and the commit of its record meet.
struct Meeting<S> {
    send: Option<S>,
    result: Option<Result<Recorded, Unkept>>,
    committed: bool,
}

impl<S: FnOnce(Result<Recorded, Unkept>)> Meeting<S> {
    fn advance(meeting: &Mutex<Self>, change: impl FnOnce(&mut Self)) {
        let Ok(mut meeting) = meeting.lock() else { return };
        change(&mut meeting);
        if !meeting.committed {
            return;
        }
        if let Some(result) = meeting.result.take()
            && let Some(send) = meeting.send.take()
        {
            send(result);
        }
    }
}
