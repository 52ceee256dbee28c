//! One worker process: its pipes, its last words, its end. It knows no action, only messages.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tracing::info;

use super::{WorkerProgram, group};
use crate::executor::frames::{self, Confined, FrameError, FromWorker, Inbox, ToWorker};

/// Most lines of standard error that are kept.
const TAIL_LINES: usize = 50;

/// Most bytes of standard error that are kept.
const TAIL_BYTES: usize = 64 << 10;

/// How long a process whose pipe closed may take to be dead by itself.
const DYING: Duration = Duration::from_secs(1);

/// How long the kernel may take to end a process after SIGKILL.
const KILLING: Duration = Duration::from_secs(10);

/// A running worker.
pub(super) struct Process {
    child: Child,
    group: Pid,
    input: Option<ChildStdin>,
    outbox: VecDeque<u8>,
    output: ChildStdout,
    inbox: Inbox,
    errors: Option<ChildStderr>,
    tail: Tail,
    /// Set once it has met reel and is confined.
    pub(super) confined: Option<Confined>,
    /// Actions that it ended so far.
    pub(super) served: u64,
}

/// What happened next.
pub(super) enum Event {
    /// It said something.
    Message(FromWorker),
    /// Somebody pulled the wake line.
    Woken,
    /// Nothing until the limit.
    Quiet,
    /// Its pipe closed, or brought bytes that are no message.
    Closed(Option<FrameError>),
}

/// How a worker ended.
pub(super) struct Death {
    how: String,
    /// Its last lines.
    pub(super) log: String,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.how)
    }
}

impl Process {
    /// Starts the program in a process group of its own.
    pub(super) fn spawn(program: &WorkerProgram) -> io::Result<Self> {
        let mut child = Command::new(&program.path)
            .args(&program.args)
            .env_clear()
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Pid::from_raw(child.id().cast_signed());
        info!(pid = child.id(), program = %program.path.display(), "worker started");
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = (input, output, errors) else {
            return Err(io::Error::other("a pipe is missing"));
        };
        for fd in [input.as_fd(), output.as_fd(), errors.as_fd()] {
            fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self {
            child,
            group,
            input: Some(input),
            outbox: VecDeque::new(),
            output,
            inbox: Inbox::default(),
            errors: Some(errors),
            tail: Tail::default(),
            confined: None,
            served: 0,
        })
    }

    pub(super) fn group(&self) -> Pid {
        self.group
    }

    /// Hands over a message; what the pipe does not take now goes out while waiting.
    pub(super) fn send(&mut self, message: &ToWorker) -> Result<(), FrameError> {
        self.outbox.extend(frames::encode(message)?);
        self.push_out();
        Ok(())
    }

    /// Signals all its processes.
    pub(super) fn signal(&self, signal: Signal) {
        group::signal(self.group, signal);
    }

    /// What it printed since the last call.
    pub(super) fn take_log(&mut self) -> String {
        self.pull_errors();
        std::mem::take(&mut self.tail).text()
    }

    /// Waits for the next event, at most until a time; `None` for no limit.
    pub(super) fn wait(&mut self, wake: &UnixStream, until: Option<Instant>) -> Event {
        loop {
            match self.inbox.take() {
                Ok(Some(message)) => return Event::Message(message),
                Ok(None) => {}
                Err(error) => return Event::Closed(Some(error)),
            }
            let timeout = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => return Event::Quiet,
                // Whole milliseconds, rounded up so that a rest below one does not spin.
                Some(left) => {
                    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
                }
                None => PollTimeout::NONE,
            };
            let Ready { woken, output } = match self.ready(wake, timeout) {
                Ok(ready) => ready,
                Err(error) => return Event::Closed(Some(error.into())),
            };
            self.push_out();
            self.pull_errors();
            if output {
                match self.pull_output() {
                    Ok(true) => {}
                    Ok(false) => return Event::Closed(None),
                    Err(error) => return Event::Closed(Some(error.into())),
                }
            }
            if woken {
                swallow(wake);
                return Event::Woken;
            }
        }
    }

    fn ready(&self, wake: &UnixStream, timeout: PollTimeout) -> io::Result<Ready> {
        let mut fds = vec![
            PollFd::new(wake.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.output.as_fd(), PollFlags::POLLIN),
        ];
        if let Some(errors) = &self.errors {
            fds.push(PollFd::new(errors.as_fd(), PollFlags::POLLIN));
        }
        if let Some(input) = self.input.as_ref().filter(|_| !self.outbox.is_empty()) {
            fds.push(PollFd::new(input.as_fd(), PollFlags::POLLOUT));
        }
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let any = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        Ok(Ready { woken: any(&fds[0]), output: any(&fds[1]) })
    }

    fn push_out(&mut self) {
        while let Some(input) = self.input.as_mut().filter(|_| !self.outbox.is_empty()) {
            match input.write(self.outbox.as_slices().0) {
                Ok(count) => drop(self.outbox.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // It reads no more; that its output closes, or that nothing moves, tells the rest.
                Err(_) => {
                    self.input = None;
                    self.outbox.clear();
                }
            }
        }
    }

    /// Reads what is there; false at the end.
    fn pull_output(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 16 << 10];
        match self.output.read(&mut bytes) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.inbox.fill(&bytes[..count]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn pull_errors(&mut self) {
        let mut bytes = [0; 4 << 10];
        while let Some(errors) = &mut self.errors {
            match errors.read(&mut bytes) {
                Ok(0) => self.errors = None,
                Ok(count) => self.tail.add(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.errors = None,
            }
        }
    }

    /// Closes its input, which is what tells it to end.
    pub(super) fn close_input(&mut self) {
        self.input = None;
        self.outbox.clear();
    }

    /// Sees to its end and that of all its children, and tells how it came.
    pub(super) fn bury(mut self, fault: Option<FrameError>) -> Death {
        self.close_input();
        let by_itself = fault.is_none() && self.dead_within(DYING);
        // The leader is not waited for yet, so the number of its group cannot belong to anybody else.
        self.signal(Signal::SIGKILL);
        // A signal is delivered when its process is next scheduled: nothing is gone before that.
        let children_until = Instant::now() + KILLING;
        while group::lives(self.group) && Instant::now() < children_until {
            thread::sleep(Duration::from_micros(200));
        }
        let status = if self.dead_within(KILLING) { self.child.wait().ok() } else { None };
        let how = match (fault, status) {
            (Some(fault), _) => format!("it sent bytes that make no sense ({fault})"),
            (None, Some(status)) if by_itself => describe(status),
            (None, Some(_)) => "it closed its pipe and went on running".into(),
            (None, None) => "it could not be ended".into(),
        };
        info!(pid = self.child.id(), served = self.served, %how, "worker ended");
        Death { how, log: self.take_log() }
    }

    /// Whether the process is dead, if need be after a while; it stays unreaped.
    fn dead_within(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut pause = Duration::from_micros(50);
        loop {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
            match waitid(Id::Pid(self.group), flags) {
                Ok(WaitStatus::StillAlive) | Err(nix::Error::EINTR) => {}
                Ok(_) | Err(_) => return true,
            }
            if Instant::now() >= end {
                return false;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    /// A process that was not buried (a panic in its thread) does not go on running.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::SIGKILL);
        }
    }
}

struct Ready {
    woken: bool,
    output: bool,
}

/// Empties a wake line.
pub(super) fn swallow(mut wake: &UnixStream) {
    let mut bytes = [0; 64];
    while matches!(wake.read(&mut bytes), Ok(count) if count == bytes.len()) {}
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    if let Some(number) = status.signal() {
        let name =
            Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.to_string());
        return format!("killed by {name}");
    }
    status.code().map_or_else(|| "ended".into(), |code| format!("exit code {code}"))
}

/// The last lines of a stream.
#[derive(Default)]
struct Tail {
    bytes: VecDeque<u8>,
    cut: bool,
}

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(TAIL_BYTES);
        if over > 0 {
            self.bytes.drain(..over);
            self.cut = true;
        }
    }

    fn text(mut self) -> String {
        let text = String::from_utf8_lossy(self.bytes.make_contiguous());
        // After a cut the first line is the end of one.
        let whole = if self.cut { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
        let lines: Vec<&str> = whole.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_fifty_whole_lines() {
        let mut tail = Tail::default();
        for line in 0..120 {
            tail.add(format!("line {line}\n").as_bytes());
        }
        let text = tail.text();
        assert_eq!(text.lines().count(), TAIL_LINES);
        assert!(text.starts_with("line 70\n") && text.ends_with("line 119"), "{text}");
    }

    #[test]
    fn the_tail_of_a_flood_is_bounded_and_starts_at_a_line() {
        let mut tail = Tail::default();
        for line in 0..3000 {
            tail.add(format!("{line} {}\n", "x".repeat(2000)).as_bytes());
        }
        assert!(tail.bytes.len() <= TAIL_BYTES);
        let text = tail.text();
        assert!(text.lines().all(|line| line.len() > 2000), "no half line");
    }
}
