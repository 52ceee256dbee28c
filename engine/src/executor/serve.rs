//! The worker's side of the conversation: hello, confinement, then one action after another. It knows no kind
//! and no standard stream; the program around it passes those in.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::frames::{
    self, Confined, Confinement, FrameError, FromWorker, Hello, INLINE_BYTES, RunMessage, ToWorker,
};
use super::inline::panic_text;
use crate::operation::{Body, Call, Failure, FailureCode, Outcome};

/// Shortest time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// What a worker program is made of.
pub struct Service<'a> {
    /// Who it is.
    pub hello: Hello,
    /// Confines this thread and all that it starts later; called once, before anything runs and before any
    /// other thread is started here.
    pub confine: &'a dyn Fn(&Confinement) -> Confined,
    /// Runs an action of a kind.
    pub run: &'a dyn Fn(&str, &Call<'_>) -> Result<Outcome, Failure>,
    /// Called on a thread of its own when nobody is left at the other end, whatever runs: it ends the process.
    pub hangup: fn(),
}

/// Serves until the input ends. Actions run on the calling thread, so what they start by `fork` has a parent
/// that lives as long as the process.
///
/// # Errors
/// When the other side breaks the protocol, or the pipes break.
pub fn serve(input: File, output: File, service: &Service<'_>) -> Result<(), FrameError> {
    let line = Line { input: Mutex::new(input), output: Mutex::new(output) };
    line.say(&FromWorker::Hello(service.hello.clone()))?;
    let confinement = match line.hear()? {
        Some(ToWorker::Configure(confinement)) => confinement,
        Some(_) => return Err(out_of_turn()),
        None => return Ok(()),
    };
    let confined = (service.confine)(&confinement);
    line.watch(service.hangup)?;
    line.say(&FromWorker::Configured(confined))?;
    while let Some(message) = line.hear()? {
        match message {
            ToWorker::Run(run) => line.answer(&run, service)?,
            // It crossed with the answer.
            ToWorker::Cancel { .. } => {}
            ToWorker::Configure(_) => return Err(out_of_turn()),
        }
    }
    Ok(())
}

/// Both directions; the locks let an action report and listen from any of its threads.
struct Line {
    input: Mutex<File>,
    output: Mutex<File>,
}

impl Line {
    fn say(&self, message: &FromWorker) -> Result<(), FrameError> {
        let frame = frames::encode(message)?;
        lock(&self.output).write_all(&frame)?;
        Ok(())
    }

    fn hear(&self) -> Result<Option<ToWorker>, FrameError> {
        frames::read(&mut *lock(&self.input))
    }

    /// Watches for the other side to go away. Asking for no event at all still tells of a hang-up, and leaves
    /// what was sent to whoever reads.
    fn watch(&self, hangup: fn()) -> Result<(), FrameError> {
        let input = lock(&self.input).try_clone()?;
        let watch = move || {
            loop {
                let mut fds = [PollFd::new(input.as_fd(), PollFlags::empty())];
                match poll(&mut fds, PollTimeout::NONE) {
                    Ok(_) => break hangup(),
                    Err(nix::Error::EINTR) => {}
                    // Without a watch it still ends when it is idle.
                    Err(_) => break,
                }
            }
        };
        thread::Builder::new().name("reel-hangup".into()).spawn(watch)?;
        Ok(())
    }

    fn answer(&self, run: &RunMessage, service: &Service<'_>) -> Result<(), FrameError> {
        let id = run.id;
        let message = match self.execute(run, service).and_then(|outcome| leave_large(outcome, run)) {
            Ok(outcome) => FromWorker::Done { id, outcome },
            Err(failure) => FromWorker::Failed { id, failure },
        };
        match self.say(&message) {
            // The pipes are well, the message is not: too long, or a path that is not UTF-8.
            Err(error @ (FrameError::TooLong(_) | FrameError::NoMessage(_))) => {
                let failure =
                    Failure::of(FailureCode::Machine, format!("its result cannot be handed over: {error}"));
                self.say(&FromWorker::Failed { id, failure })
            }
            said => said,
        }
    }

    fn execute(&self, run: &RunMessage, service: &Service<'_>) -> Result<Outcome, Failure> {
        let reported = Mutex::new((0_u16, Instant::now()));
        let progress = |permille: u16| {
            let mut last = reported.lock().unwrap_or_else(PoisonError::into_inner);
            if permille > last.0 && (last.1.elapsed() >= REPORT_EVERY || last.0 == 0) {
                *last = (permille, Instant::now());
                // A broken pipe ends the process elsewhere.
                let _ = self.say(&FromWorker::Progress { id: run.id, permille });
            }
        };
        let unwanted = AtomicBool::new(false);
        let cancelled = || unwanted.load(Ordering::Acquire) || self.cancel_arrived(run.id, &unwanted);
        let call = Call {
            params: &run.params,
            inputs: &run.inputs,
            scratch: &run.scratch,
            progress: &progress,
            cancelled: &cancelled,
            gpus: &run.gpus,
        };
        panic::catch_unwind(AssertUnwindSafe(|| (service.run)(&run.kind, &call))).unwrap_or_else(|panic| {
            let message = format!("`{}` panicked: {}", run.kind, panic_text(panic.as_ref()));
            Err(Failure::of(FailureCode::Crashed, message)
                .help("this is a defect of reel; please report it with the input that shows it"))
        })
    }

    /// Looks at what arrived while an action runs; only its cancellation is expected.
    fn cancel_arrived(&self, id: u64, unwanted: &AtomicBool) -> bool {
        let mut input = lock(&self.input);
        let arrived = {
            let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
        };
        if arrived {
            // Anything but the cancellation of an earlier run means that this one has no future either.
            match frames::read(&mut *input) {
                Ok(Some(ToWorker::Cancel { id: other })) if other != id => {}
                _ => unwanted.store(true, Ordering::Release),
            }
        }
        unwanted.load(Ordering::Acquire)
    }
}

/// Moves large artifacts from memory into scratch, so that frames stay short.
fn leave_large(mut outcome: Outcome, run: &RunMessage) -> Result<Outcome, Failure> {
    for (number, produced) in outcome.produced.iter_mut().enumerate() {
        if let Body::Bytes(bytes) = &produced.body
            && bytes.len() > INLINE_BYTES
        {
            let path = run.scratch.join(format!(".bytes-{number}"));
            fs::write(&path, bytes).map_err(|error| {
                Failure::of(FailureCode::Machine, format!("cannot write `{}`: {error}", path.display()))
            })?;
            produced.body = Body::File(path);
        }
    }
    Ok(outcome)
}

fn out_of_turn() -> FrameError {
    io::Error::new(io::ErrorKind::InvalidData, "a message out of turn").into()
}

fn lock(file: &Mutex<File>) -> MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills this process and, if it leads its process group, everything in the group: for [`Service::hangup`].
pub fn end_with_children() {
    use nix::sys::signal::{Signal, kill, killpg};
    use nix::unistd::{getpgrp, getpid};

    let itself = getpid();
    if getpgrp() == itself {
        // It ends this process too; nothing after it runs.
        let _ = killpg(itself, Signal::SIGKILL);
    }
    let _ = kill(itself, Signal::SIGKILL);
}
