//! Runs actions in persistent worker processes. It knows no graph, cache or slots, and no kind by name.
//!
//! Nothing is started before the first action needs it. There is a thread and a process for each action that
//! runs at once; how many that are is the scheduler's business. A worker runs one action at a time and is used
//! again, first for the kind and the files it had last (its models are loaded). See [`frames`] for what they say.
//!
//! | what happens | what follows |
//! |---|---|
//! | a worker dies or babbles after earlier actions | the action runs once more, on a fresh one |
//! | a fresh one does | the action fails, with the last lines of its log |
//! | the deadline passes | its process group gets TERM, then KILL; the action fails |
//! | no report and no CPU time of the group | the same |
//! | cancelled | it is told; if it does not listen, TERM, then KILL |
//! | idle for a while, another one is up | it is ended, and its memory is free for those that work |
//! | reel ends, however | its input closes, and it ends itself and its children |

mod driver;
mod group;
mod meeting;
mod process;
mod watch;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::frames::{Confined, Confinement};
use super::inline::cancelled;
use super::{Executor, Report, ReportSink, Request, RunId};
use crate::digest::Digest;
use crate::operation::{Failure, FailureCode, Registry, Site};

/// Which program the workers are, and what is expected of it.
#[derive(Debug, Clone)]
pub struct WorkerProgram {
    /// The program.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// The build it must be of; `None` takes any.
    pub build_id: Option<String>,
    /// Versions of the kinds it is meant to run; it must have the same.
    pub kinds: BTreeMap<String, u32>,
    /// Identities that went into keys; where it names one of these, it must be the same.
    pub tools: BTreeMap<String, String>,
    /// What it may touch.
    pub confinement: Confinement,
    /// Its patience and ours.
    pub limits: Limits,
}

impl WorkerProgram {
    /// A program that must have the worker kinds of `registry`, confined to nothing but its own libraries.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, registry: &Registry) -> Self {
        let kinds = registry.kinds().map(|kind| kind.info()).filter(|info| info.site == Site::Worker);
        Self {
            path: path.into(),
            args: Vec::new(),
            env: Vec::new(),
            build_id: None,
            kinds: kinds.map(|info| (info.name.to_owned(), info.version)).collect(),
            tools: BTreeMap::new(),
            confinement: Confinement::default(),
            limits: Limits::default(),
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time without a report and without CPU time.
    pub no_progress: Duration,
    /// From being told that nobody wants the run to SIGTERM.
    pub polite: Duration,
    /// From SIGTERM to SIGKILL.
    pub grace: Duration,
    /// How long a worker stays idle beside others; a fresh one takes about 0.1 s, and its models longer.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            no_progress: Duration::from_secs(60),
            polite: Duration::from_millis(500),
            grace: Duration::from_secs(2),
            idle: Duration::from_secs(2),
        }
    }
}

/// The executor of worker processes.
pub struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    program: WorkerProgram,
    pool: Mutex<Pool>,
    /// A driver ended.
    change: Condvar,
}

#[derive(Default)]
struct Pool {
    desks: Vec<Desk>,
    /// Drivers that have not ended.
    drivers: usize,
    /// Set by the shutdown: when everything is killed.
    end: Option<Instant>,
    confined: Option<Confined>,
}

/// What a driver and the pool share; the driver's number is its index.
struct Desk {
    wake: UnixStream,
    assignment: Option<Assignment>,
    /// What it runs, from the assignment to the report.
    running: Option<RunId>,
    cancelled: bool,
    /// Whether its process is up.
    warm: bool,
    /// What it ran last: the kind, and the digests of its inputs, sorted.
    last: Option<(&'static str, Vec<Digest>)>,
}

struct Assignment {
    request: Request,
    sink: ReportSink,
    since: Instant,
}

impl Assignment {
    fn finish(&self, result: Result<crate::operation::Outcome, Failure>) {
        (self.sink)(Report::Finished(self.request.id, result));
    }
}

impl Workers {
    /// An executor without processes; they come with the first action.
    #[must_use]
    pub fn new(program: WorkerProgram) -> Self {
        let shared = Shared { program, pool: Mutex::default(), change: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// How the workers are confined; `None` before the first one has told.
    #[must_use]
    pub fn confined(&self) -> Option<Confined> {
        self.shared.lock().confined
    }

    fn hire(&self, pool: &mut Pool) -> std::io::Result<usize> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        let index = pool.desks.len();
        let shared = Arc::clone(&self.shared);
        thread::Builder::new()
            .name(format!("reel-worker-{index}"))
            .spawn(move || driver::drive(&shared, index, &theirs))?;
        pool.drivers += 1;
        pool.desks.push(Desk {
            wake: ours,
            assignment: None,
            running: None,
            cancelled: false,
            warm: false,
            last: None,
        });
        Ok(index)
    }
}

impl Executor for Workers {
    fn start(&self, request: Request, sink: ReportSink) {
        let assignment = Assignment { request, sink, since: Instant::now() };
        let mut pool = self.shared.lock();
        if pool.end.is_some() {
            drop(pool);
            return assignment.finish(Err(cancelled()));
        }
        let next = (assignment.request.operation.info().name, digests(&assignment.request));
        let index = match pool.free(&next).map_or_else(|| self.hire(&mut pool), Ok) {
            Ok(index) => index,
            Err(error) => {
                drop(pool);
                let message = format!("cannot start a thread for a worker: {error}");
                return assignment.finish(Err(Failure::of(FailureCode::Machine, message)));
            }
        };
        let desk = &mut pool.desks[index];
        desk.running = Some(assignment.request.id);
        desk.cancelled = false;
        desk.last = Some(next);
        desk.assignment = Some(assignment);
        desk.pull();
    }

    fn cancel(&self, id: RunId) {
        let mut pool = self.shared.lock();
        if let Some(desk) = pool.desks.iter_mut().find(|desk| desk.running == Some(id)) {
            desk.cancelled = true;
            desk.pull();
        }
    }

    fn shutdown(&self, grace: Duration) {
        let end = Instant::now() + grace;
        let mut pool = self.shared.lock();
        // A second call may be less patient, never more.
        pool.end = Some(pool.end.map_or(end, |earlier| earlier.min(end)));
        for desk in &pool.desks {
            desk.pull();
        }
        while pool.drivers > 0 {
            pool = self.shared.change.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// A driver without an action: best one that ran this kind last, with the most files in common, since a model
    /// is a file among its inputs; else one whose process is up.
    fn free(&self, (kind, inputs): &(&'static str, Vec<Digest>)) -> Option<usize> {
        let free = self.desks.iter().enumerate().filter(|(_, desk)| desk.running.is_none());
        free.max_by_key(|(index, desk)| {
            let last = desk.last.as_ref().filter(|(last, _)| desk.warm && last == kind);
            let common = |(_, before): &(_, Vec<Digest>)| {
                1 + inputs.iter().filter(|digest| before.binary_search(digest).is_ok()).count()
            };
            (last.map(common), desk.warm, usize::MAX - index)
        })
        .map(|(index, _)| index)
    }
}

fn digests(request: &Request) -> Vec<Digest> {
    let mut digests: Vec<Digest> =
        request.inputs.iter().flat_map(|(_, files)| files).map(|file| file.artifact.digest).collect();
    digests.sort_unstable();
    digests
}

impl Desk {
    /// Wakes the driver.
    fn pull(&self) {
        // A full line wakes as well as one more byte would.
        let _ = (&self.wake).write(&[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(kind: &'static str, inputs: &[&str], warm: bool, running: Option<RunId>) -> Desk {
        let mut digests: Vec<Digest> = inputs.iter().map(|name| Digest::of(name.as_bytes())).collect();
        digests.sort_unstable();
        let (wake, _) = UnixStream::pair().unwrap();
        Desk { wake, assignment: None, running, cancelled: false, warm, last: Some((kind, digests)) }
    }

    #[test]
    fn the_worker_that_has_the_model_comes_first() {
        let pool = Pool {
            desks: vec![
                desk("speak", &["voice"], true, None),
                desk("transcribe", &["large", "a"], true, Some(RunId(1))),
                desk("transcribe", &["small", "b"], true, None),
                desk("transcribe", &["large", "c"], true, None),
                desk("transcribe", &["huge", "d"], false, None),
            ],
            ..Pool::default()
        };
        let free = |kind, inputs: &[&str]| {
            pool.free(&(kind, inputs.iter().map(|name| Digest::of(name.as_bytes())).collect()))
        };
        assert_eq!(free("transcribe", &["large", "x"]), Some(3), "the first of them is busy");
        assert_eq!(free("transcribe", &["small", "x"]), Some(2));
        assert_eq!(free("transcribe", &["other", "x"]), Some(2), "one that ran the kind");
        assert_eq!(free("transcribe", &["huge", "d"]), Some(2), "a process that is gone has nothing");
        assert_eq!(free("speak", &["large"]), Some(0));
        assert_eq!(free("encode", &["large"]), Some(0), "any that is up");
    }
}
