//! Runs actions in this process, on threads that grow with the demand. It knows no graph, cache or slots.
//!
//! How many run at once is the scheduler's business: an action that waits for the network must not keep one
//! that computes waiting, so there is a thread for each running action, and threads are used again. An action that
//! only puts together what is in memory already runs at once on the thread that hands it over: some microseconds
//! of work are not worth waking another thread twice.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Executor, Report, ReportSink, Request, RunId};
use crate::operation::{Call, Failure, FailureCode, Outcome};

/// Most threads at once; further actions wait.
const MOST_THREADS: usize = 512;

/// How long an action that was told to end may take to listen, before its report is made without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The executor of this process.
pub struct Inline {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Wakes a thread for a waiting action.
    work: Condvar,
    /// Wakes whoever waits for runs to end or for a limit to pass.
    change: Condvar,
    patience: Duration,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Run>>,
    /// All that started and has not been reported, waiting ones among them.
    open: BTreeMap<RunId, Arc<Run>>,
    threads: usize,
    idle: usize,
    watching: bool,
    ended: bool,
}

struct Run {
    request: Request,
    sink: ReportSink,
    cancelled: AtomicBool,
    /// When the deadline passes.
    until: Option<Instant>,
    /// When a run that was cancelled is reported without its consent.
    forced: Mutex<Option<Instant>>,
}

impl Inline {
    /// An executor without threads; they come with the first action.
    #[must_use]
    pub fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    /// An executor that gives actions which were told to end this long to listen.
    #[must_use]
    pub fn with_patience(patience: Duration) -> Self {
        let shared =
            Shared { state: Mutex::default(), work: Condvar::new(), change: Condvar::new(), patience };
        Self { shared: Arc::new(shared) }
    }
}

impl Default for Inline {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for Inline {
    fn start(&self, request: Request, sink: ReportSink) {
        let run = Arc::new(Run {
            until: request.deadline.and_then(|limit| Instant::now().checked_add(limit)),
            request,
            sink,
            cancelled: AtomicBool::new(false),
            forced: Mutex::new(None),
        });
        let mut state = self.shared.lock();
        if state.ended {
            drop(state);
            return run.finish(Err(cancelled()));
        }
        if run.request.operation.in_memory() {
            drop(state);
            return run.finish(run.execute());
        }
        state.open.insert(run.request.id, Arc::clone(&run));
        let timed = run.until.is_some();
        state.waiting.push_back(run);
        if state.waiting.len() > state.idle && state.threads < MOST_THREADS {
            let shared = Arc::clone(&self.shared);
            let name = format!("reel-inline-{}", state.threads);
            if thread::Builder::new().name(name).spawn(move || shared.serve()).is_ok() {
                state.threads += 1;
            } else if state.threads == 0 {
                return self.shared.report_all(state, &|_| no_thread());
            }
        }
        self.shared.work.notify_one();
        if timed {
            self.shared.watch(&mut state);
        }
    }

    fn cancel(&self, id: RunId) {
        let mut state = self.shared.lock();
        if let Some(run) = state.open.get(&id) {
            run.cancel(self.shared.patience);
            self.shared.watch(&mut state);
        }
    }

    fn shutdown(&self, grace: Duration) {
        let end = Instant::now() + grace;
        let mut state = self.shared.lock();
        state.ended = true;
        self.shared.work.notify_all();
        let waiting: Vec<_> = state.waiting.drain(..).collect();
        for run in &waiting {
            state.open.remove(&run.request.id);
        }
        for run in state.open.values() {
            run.cancel(grace);
        }
        drop(state);
        for run in waiting {
            run.finish(Err(cancelled()));
        }
        let mut state = self.shared.lock();
        while !state.open.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait(&self.shared.change, state, left);
        }
        self.shared.report_all(state, &|_| cancelled());
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life: take a waiting action, run it, report it; end with the executor.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(run) = state.waiting.pop_front() {
                drop(state);
                let result = run.execute();
                state = self.lock();
                let mine = state.open.remove(&run.request.id).is_some();
                self.change.notify_all();
                if mine {
                    // The report may start the next action: no lock is held, and the thread counts as free.
                    state.idle += 1;
                    drop(state);
                    run.finish(result);
                    state = self.lock();
                    state.idle -= 1;
                }
            } else if state.ended {
                state.threads -= 1;
                return;
            } else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    /// Sees to it that somebody watches the limits.
    fn watch(self: &Arc<Self>, state: &mut State) {
        if state.watching {
            self.change.notify_all();
            return;
        }
        let shared = Arc::clone(self);
        let spawned =
            thread::Builder::new().name("reel-inline-limits".into()).spawn(move || shared.keep_limits());
        state.watching = spawned.is_ok();
    }

    /// Reports runs that were told to end and did not listen; ends when no run has a limit.
    fn keep_limits(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let late: Vec<_> = state
                .open
                .values()
                .filter(|run| run.limit(self.patience).is_some_and(|at| at <= now))
                .cloned()
                .collect();
            if !late.is_empty() {
                for run in &late {
                    state.open.remove(&run.request.id);
                    state.waiting.retain(|other| other.request.id != run.request.id);
                }
                self.change.notify_all();
                drop(state);
                for run in late {
                    run.cancelled.store(true, Ordering::Release);
                    let failure = run.verdict().unwrap_or_else(cancelled);
                    run.finish(Err(failure));
                }
                state = self.lock();
                continue;
            }
            let Some(next) = state.open.values().filter_map(|run| run.limit(self.patience)).min() else {
                state.watching = false;
                return;
            };
            state = wait(&self.change, state, next.saturating_duration_since(now));
        }
    }

    /// Reports everything that is open.
    fn report_all(&self, mut state: MutexGuard<'_, State>, failure: &dyn Fn(&Run) -> Failure) {
        let open = std::mem::take(&mut state.open);
        state.waiting.clear();
        self.change.notify_all();
        drop(state);
        for run in open.values() {
            run.finish(Err(failure(run)));
        }
    }
}

impl Run {
    /// Runs the operation; what it returns after its deadline, or unwanted, does not count.
    fn execute(&self) -> Result<Outcome, Failure> {
        if let Some(failure) = self.verdict() {
            return Err(failure);
        }
        let id = self.request.id;
        let progress = |permille: u16| (self.sink)(Report::Progress(id, permille.min(1000)));
        let cancelled = || self.verdict().is_some();
        let call = Call {
            params: &self.request.params,
            inputs: &self.request.inputs,
            scratch: &self.request.scratch,
            progress: &progress,
            cancelled: &cancelled,
            gpus: &self.request.gpus,
        };
        let result = panic::catch_unwind(AssertUnwindSafe(|| self.request.operation.run(&call)))
            .unwrap_or_else(|panic| Err(self.panicked(panic.as_ref())));
        match self.verdict() {
            Some(mut failure) => {
                failure.log = result.map_or_else(|failed| failed.log, |outcome| outcome.log);
                Err(failure)
            }
            None => result,
        }
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Failure {
        let kind = self.request.operation.info().name;
        Failure::of(FailureCode::Crashed, format!("`{kind}` panicked: {}", panic_text(panic)))
            .help("this is a defect of reel; please report it with the project that shows it")
    }

    /// Why its result does not count any more, if so.
    fn verdict(&self) -> Option<Failure> {
        if self.cancelled.load(Ordering::Acquire) && self.until.is_none_or(|until| Instant::now() < until) {
            return Some(cancelled());
        }
        let passed = self.until.is_some_and(|until| Instant::now() >= until);
        passed.then(|| deadline_passed(self.request.deadline.unwrap_or_default()))
    }

    fn cancel(&self, patience: Duration) {
        self.cancelled.store(true, Ordering::Release);
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        forced.get_or_insert(Instant::now() + patience);
    }

    /// When it is reported without its consent.
    fn limit(&self, patience: Duration) -> Option<Instant> {
        let forced = *self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        let until = self.until.map(|until| until + patience);
        forced.into_iter().chain(until).min()
    }

    fn finish(&self, result: Result<Outcome, Failure>) {
        (self.sink)(Report::Finished(self.request.id, result));
    }
}

fn wait<'a>(condvar: &Condvar, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
    condvar.wait_timeout(state, limit).map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state)
}

fn no_thread() -> Failure {
    Failure::of(FailureCode::Machine, "the system gives no thread")
        .help("raise the limit on processes (`ulimit -u`), or build with fewer `--jobs`")
}

/// The failure of a run that nobody wants.
pub(super) fn cancelled() -> Failure {
    Failure::of(FailureCode::Cancelled, "cancelled")
}

/// The failure of a run that took too long.
pub(super) fn deadline_passed(limit: Duration) -> Failure {
    Failure::of(FailureCode::TimedOut, format!("took longer than its limit of {}", spell(limit)))
        .help("give the node more time with `timeout:`")
}

/// A duration in words.
pub(super) fn spell(limit: Duration) -> String {
    let millis = limit.as_millis();
    match (millis.is_multiple_of(1000), millis / 1000) {
        (true, seconds) if seconds >= 120 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        (true, seconds) => format!("{seconds} s"),
        (false, _) => format!("{millis} ms"),
    }
}

/// What a panic said.
#[must_use]
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".into())
}
