//! The thread that owns one worker process: starts it, meets it, hands it actions, ends it. It knows no pool
//! policy and no operation.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::meeting::check;
use super::process::{Death, Event, Process};
use super::watch::{Watch, Why};
use super::{Assignment, Shared};
use crate::executor::frames::{FrameError, FromWorker, RunMessage, ToWorker};
use crate::executor::inline::{cancelled, deadline_passed, spell};
use crate::executor::{Report, RunId};
use crate::operation::{Failure, FailureCode, Outcome};

/// A driver's life, until the executor ends.
pub(super) fn drive(shared: &Shared, index: usize, wake: &UnixStream) {
    let guard = Leaving { shared, index };
    let mut driver = Driver { shared, index, wake, process: None, granted: Vec::new(), folders: Vec::new() };
    while let Some(assignment) = driver.next_assignment() {
        let result = driver.execute(&assignment);
        {
            // Free before the report, so that whoever hears it can use this worker at once.
            let mut pool = shared.lock();
            pool.desks[index].running = None;
            pool.desks[index].warm = driver.process.is_some();
        }
        assignment.finish(result);
    }
    driver.dismiss();
    drop(guard);
}

/// Reports what was not begun and counts the driver out, also when it panicked.
struct Leaving<'a> {
    shared: &'a Shared,
    index: usize,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let left = self.shared.lock().desks[self.index].assignment.take();
        if let Some(assignment) = left {
            assignment.finish(Err(cancelled()));
        }
        let mut pool = self.shared.lock();
        pool.drivers -= 1;
        self.shared.change.notify_all();
    }
}

struct Driver<'a> {
    shared: &'a Shared,
    index: usize,
    wake: &'a UnixStream,
    process: Option<Process>,
    /// Inputs that lie outside what the program may read by itself, such as a model or a tool of the user.
    granted: Vec<PathBuf>,
    /// Which folders the program may use, when the last action began. What is allowed is allowed for a folder, not for
    /// its name: one that was removed and made again is another.
    folders: Vec<Option<(u64, u64)>>,
}

/// How one try on one process went.
enum Attempt {
    Ended(Result<Outcome, Failure>),
    Died(Death),
}

/// A run that is being stopped, each stage harder than the last.
struct Stop {
    why: Why,
    stage: Stage,
    /// When the next stage comes.
    next: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Term,
    Kill,
}

impl Driver<'_> {
    /// Waits for an action and looks after the idle process; `None` when the executor ends.
    fn next_assignment(&mut self) -> Option<Assignment> {
        let mut until = Some(Instant::now() + self.shared.program.limits.idle);
        loop {
            {
                let mut pool = self.shared.lock();
                let desk = &mut pool.desks[self.index];
                if let Some(assignment) = desk.assignment.take() {
                    return Some(assignment);
                }
                if pool.end.is_some() {
                    return None;
                }
            }
            match &mut self.process {
                Some(process) => match process.wait(self.wake, until) {
                    Event::Woken => {}
                    Event::Quiet if self.is_spare() => self.drop_process(None),
                    // The only one that is up gets the next action, whenever that comes.
                    Event::Quiet => until = None,
                    // An idle worker that dies or talks is of no more use.
                    Event::Message(_) => self.drop_process(Some(io::Error::other("it spoke unasked").into())),
                    Event::Closed(fault) => self.drop_process(fault),
                },
                None => wait_for_wake(self.wake),
            }
        }
    }

    /// Whether this idle worker is not needed because another one is up; from then on it does not count as up.
    fn is_spare(&self) -> bool {
        let mut pool = self.shared.lock();
        let mut others = pool.desks.iter().enumerate().filter(|(index, _)| *index != self.index);
        let another = others.any(|(_, desk)| desk.warm || desk.running.is_some());
        let desk = &mut pool.desks[self.index];
        let spare = another && desk.assignment.is_none();
        desk.warm &= !spare;
        spare
    }

    fn drop_process(&mut self, fault: Option<FrameError>) {
        if let Some(process) = self.process.take() {
            process.bury(fault);
        }
        self.shared.lock().desks[self.index].warm = false;
    }

    /// Runs an action; after a death of a worker that served before, once more on a fresh one.
    fn execute(&mut self, assignment: &Assignment) -> Result<Outcome, Failure> {
        let program = &self.shared.program;
        self.grant(assignment);
        loop {
            let process = match self.process.take() {
                Some(process) => process,
                None => Process::spawn(program).map_err(|error| cannot_start(&program.path, &error))?,
            };
            let served_before = process.served > 0;
            let attempt =
                Try { driver: self, assignment, process, watch: Watch::new(program, assignment), stop: None };
            let (attempt, process) = attempt.run();
            self.process = process;
            match attempt {
                Attempt::Ended(result) => return result,
                Attempt::Died(_) if served_before => {
                    empty(&assignment.request.scratch).map_err(|error| {
                        let message = format!("cannot empty the scratch folder for a second try: {error}");
                        Failure::of(FailureCode::Machine, message)
                    })?;
                }
                Attempt::Died(death) => return Err(crashed(&assignment.request.node, death)),
            }
        }
    }

    /// Lets the worker read the inputs of an action. A confined process cannot be given more, so one that may
    /// not read all of them, or whose folders are not there any more, makes room for a fresh one.
    fn grant(&mut self, assignment: &Assignment) {
        let confinement = &self.shared.program.confinement;
        let inputs = assignment.request.inputs.iter().flat_map(|(_, files)| files);
        let mut more = Vec::new();
        for path in inputs.map(|file| &file.path) {
            let mut known =
                confinement.read.iter().chain(&confinement.write).chain(&self.granted).chain(&more);
            if !known.any(|known| path.starts_with(known)) {
                more.push(path.clone());
            }
        }
        let folders = confinement.read.iter().chain(&confinement.write).map(|path| {
            let found = fs::metadata(path).ok()?;
            Some((found.dev(), found.ino()))
        });
        let folders: Vec<_> = folders.collect();
        if !more.is_empty() || folders != self.folders {
            self.granted.append(&mut more);
            self.folders = folders;
            self.drop_process(None);
        }
    }

    /// Ends the idle process: its input closes; if that does not do, it is killed when the time is up.
    fn dismiss(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        process.close_input();
        loop {
            let end = self.shared.lock().end.unwrap_or_else(Instant::now);
            match process.wait(self.wake, Some(end)) {
                Event::Woken | Event::Message(_) => {}
                Event::Quiet => process.signal(Signal::SIGKILL),
                Event::Closed(_) => break,
            }
            if Instant::now() >= end {
                process.signal(Signal::SIGKILL);
                break;
            }
        }
        process.bury(None);
    }
}

/// One action on one process.
struct Try<'a, 'b> {
    driver: &'a Driver<'b>,
    assignment: &'a Assignment,
    process: Process,
    watch: Watch,
    stop: Option<Stop>,
}

impl Try<'_, '_> {
    /// Runs it to its end; gives the process back if it may be used again.
    fn run(mut self) -> (Attempt, Option<Process>) {
        self.process.take_log();
        if self.process.confined.is_some()
            && let Err(failure) = self.send_action()
        {
            return (Attempt::Ended(Err(failure)), Some(self.process));
        }
        self.heed();
        loop {
            let until = self.stop.as_ref().map_or(self.watch.next(), |stop| stop.next);
            match self.process.wait(self.driver.wake, Some(until)) {
                Event::Message(message) => {
                    self.watch.sign();
                    match self.hear(message) {
                        Heard::Goes => {}
                        Heard::Ended(result) => return self.ended(result),
                        Heard::Refused(failure) => {
                            self.process.signal(Signal::SIGKILL);
                            self.process.bury(None);
                            return (Attempt::Ended(Err(failure)), None);
                        }
                        Heard::Nonsense(what) => {
                            return self.closed(Some(io::Error::other(what).into()));
                        }
                    }
                }
                Event::Woken => self.heed(),
                Event::Quiet => {
                    if self.stop.as_ref().is_some_and(|stop| stop.stage == Stage::Kill) {
                        return self.closed(None);
                    }
                    self.tick();
                }
                Event::Closed(fault) => return self.closed(fault),
            }
        }
    }

    /// Takes a message in; what it means depends on how far the two have come.
    fn hear(&mut self, message: FromWorker) -> Heard {
        let mine = self.assignment.request.id.0;
        let met = self.process.confined.is_some();
        match message {
            FromWorker::Hello(hello) if !met => match check(&hello, &self.driver.shared.program, self.kind())
            {
                Err(failure) => Heard::Refused(failure),
                Ok(()) => {
                    let configure = self.configure();
                    self.process
                        .send(&configure)
                        .map_or_else(|error| Heard::Refused(unsendable(&error)), |()| Heard::Goes)
                }
            },
            FromWorker::Configured(confined) if !met => {
                self.process.confined = Some(confined);
                self.driver.shared.lock().confined = Some(confined);
                self.send_action().map_or_else(|failure| Heard::Ended(Err(failure)), |()| Heard::Goes)
            }
            FromWorker::Progress { id, permille } if met && id == mine => {
                (self.assignment.sink)(Report::Progress(RunId(id), permille.min(1000)));
                Heard::Goes
            }
            FromWorker::Done { id, outcome } if met && id == mine => Heard::Ended(Ok(outcome)),
            FromWorker::Failed { id, failure } if met && id == mine => Heard::Ended(Err(failure)),
            _ => Heard::Nonsense("a message out of turn"),
        }
    }

    fn configure(&self) -> ToWorker {
        let mut confinement = self.driver.shared.program.confinement.clone();
        confinement.read.extend(self.driver.granted.iter().cloned());
        ToWorker::Configure(confinement)
    }

    fn kind(&self) -> &'static str {
        self.assignment.request.operation.info().name
    }

    fn send_action(&mut self) -> Result<(), Failure> {
        let request = &self.assignment.request;
        let run = ToWorker::Run(RunMessage {
            id: request.id.0,
            kind: self.kind().to_owned(),
            params: Value::clone(&request.params),
            inputs: request.inputs.clone(),
            scratch: request.scratch.clone(),
            gpus: request.gpus.clone(),
        });
        self.process.send(&run).map_err(|error| unsendable(&error))
    }

    /// The worker answered: the process stays.
    fn ended(mut self, mut result: Result<Outcome, Failure>) -> (Attempt, Option<Process>) {
        self.process.served += 1;
        let printed = self.process.take_log();
        if let Some(stop) = &self.stop {
            result = Err(self.stopped(stop.why));
        }
        let log = match &mut result {
            Ok(outcome) => &mut outcome.log,
            Err(failure) => &mut failure.log,
        };
        join_lines(log, &printed);
        // A worker that got a signal may die any moment: it is not used again.
        if self.stop.as_ref().is_some_and(|stop| stop.stage != Stage::Asked) {
            self.process.signal(Signal::SIGKILL);
            self.process.bury(None);
            return (Attempt::Ended(result), None);
        }
        (Attempt::Ended(result), Some(self.process))
    }

    /// The process is gone, or as good as gone.
    fn closed(self, fault: Option<FrameError>) -> (Attempt, Option<Process>) {
        let failure = self.stop.as_ref().map(|stop| self.stopped(stop.why));
        let death = self.process.bury(fault);
        match failure {
            Some(failure) => (Attempt::Ended(Err(failure.log(death.log))), None),
            None => (Attempt::Died(death), None),
        }
    }

    fn stopped(&self, why: Why) -> Failure {
        match why {
            Why::Cancelled => cancelled(),
            Why::Deadline => deadline_passed(self.assignment.request.deadline.unwrap_or_default()),
            Why::Stuck => {
                let limit = spell(self.driver.shared.program.limits.no_progress);
                Failure::of(FailureCode::TimedOut, format!("the worker did nothing for {limit}"))
                    .help("no report came and no CPU time was used; the log shows its last lines")
            }
        }
    }

    /// Looks at what others want: a cancelled run, or the end of everything.
    fn heed(&mut self) {
        let (end, cancelled) = {
            let pool = self.driver.shared.lock();
            (pool.end, pool.desks[self.driver.index].cancelled)
        };
        if let Some(end) = end {
            if self.stop.as_ref().is_none_or(|stop| stop.stage == Stage::Asked) {
                let why = self.stop.as_ref().map_or(Why::Cancelled, |stop| stop.why);
                self.term(why, end);
            } else if let Some(stop) = &mut self.stop
                && stop.stage == Stage::Term
            {
                stop.next = stop.next.min(end);
            }
        } else if cancelled && self.stop.is_none() {
            let cancel = ToWorker::Cancel { id: self.assignment.request.id.0 };
            // It cannot fail: the message is short and holds no path.
            let _ = self.process.send(&cancel);
            let next = Instant::now() + self.driver.shared.program.limits.polite;
            self.stop = Some(Stop { why: Why::Cancelled, stage: Stage::Asked, next });
        }
    }

    /// A limit may have passed.
    fn tick(&mut self) {
        let now = Instant::now();
        let end = now + self.driver.shared.program.limits.grace;
        match &self.stop {
            None => {
                if let Some(why) = self.watch.look(self.process.group(), now) {
                    self.term(why, end);
                }
            }
            Some(stop) if now < stop.next => {}
            Some(stop) if stop.stage == Stage::Asked => self.term(stop.why, end),
            Some(stop) => {
                let why = stop.why;
                self.process.signal(Signal::SIGKILL);
                // What SIGKILL does not end within this, nothing does.
                self.stop = Some(Stop { why, stage: Stage::Kill, next: now + Duration::from_secs(10) });
            }
        }
    }

    fn term(&mut self, why: Why, next: Instant) {
        self.process.signal(Signal::SIGTERM);
        self.stop = Some(Stop { why, stage: Stage::Term, next });
    }
}

enum Heard {
    Goes,
    Ended(Result<Outcome, Failure>),
    Refused(Failure),
    Nonsense(&'static str),
}

fn cannot_start(path: &Path, error: &io::Error) -> Failure {
    Failure::of(FailureCode::Machine, format!("cannot start `{}`: {error}", path.display())).help(
        "install `reel-worker` beside `reel`, or set REEL_WORKER to it; `reel doctor` tells what is missing",
    )
}

fn crashed(node: &str, death: Death) -> Failure {
    Failure::of(FailureCode::Crashed, format!("the worker that ran `{node}` died: {death}"))
        .help("the log has its last lines; an input that is damaged or huge is the usual cause")
        .log(death.log)
}

fn unsendable(error: &FrameError) -> Failure {
    Failure::of(FailureCode::Machine, format!("cannot hand the action to a worker: {error}"))
}

fn join_lines(log: &mut String, more: &str) {
    if !more.is_empty() {
        if !log.is_empty() && !log.ends_with('\n') {
            log.push('\n');
        }
        log.push_str(more);
    }
}

/// Removes what a dead worker left in a folder, not the folder.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn wait_for_wake(wake: &UnixStream) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;

    // An interrupted wait is as good as a wake: the caller looks again.
    let _ = poll(&mut [PollFd::new(wake.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
    super::process::swallow(wake);
}
