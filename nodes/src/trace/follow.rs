//! The border to ptrace(2): starts a program under it, follows its tree from call to call, and writes down the
//! files. It knows not what is declared. The only unsafe code here, and in this crate.
#![expect(unsafe_code, reason = "tracing and waiting as the system calls have it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reel_engine::operation::How;

use super::Watched;
use super::calls::{Act, Shape, is_native, shape};

/// Longest path that is read, as the kernel has it.
const LONGEST: usize = 4096;

/// Starts a program that stops before its first instruction, traced by this thread.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let traced = || ptrace::traceme().map_err(io::Error::from);
    // SAFETY: between fork and exec it makes one system call and allocates nothing.
    let child = unsafe { command.pre_exec(traced) }.spawn()?;
    Ok(child)
}

/// Follows a program that [`spawn`] started to its end, then ends what is left of its tree.
pub(super) fn follow(child: u32) -> io::Result<Watched> {
    let root = Pid::from_raw(child.cast_signed());
    let mut follower = Follower::new(root);
    let status = follower.begin().and_then(|()| follower.run());
    if status.is_err() {
        // It must not stand still for ever.
        let _ = kill(root, Signal::SIGKILL);
    }
    follower.end_rest();
    let Follower { seen, variables, .. } = follower;
    Ok(Watched { status: status?, seen, variables })
}

struct Follower {
    root: Pid,
    /// Processes and threads that are traced; a new one begins with a stop of its own.
    known: BTreeSet<Pid>,
    /// All that ever were.
    ever: BTreeSet<Pid>,
    /// Calls that were entered and not left yet.
    inside: BTreeMap<Pid, Entered>,
    seen: BTreeSet<(PathBuf, How)>,
    variables: BTreeSet<String>,
}

struct Entered {
    act: Act,
    flags: u64,
    path: PathBuf,
}

/// Why a traced process stands still.
enum Stop {
    /// It entered or left a system call.
    Call,
    /// Something of its life, by the number of ptrace(2).
    Event(i32),
    /// A signal is about to reach it.
    Signal(i32),
    /// It is gone.
    Ended(ExitStatus),
}

impl Follower {
    fn new(root: Pid) -> Self {
        Self {
            root,
            known: BTreeSet::from([root]),
            ever: BTreeSet::from([root]),
            inside: BTreeMap::new(),
            seen: BTreeSet::new(),
            variables: BTreeSet::new(),
        }
    }

    /// Waits for the first stop, behind the start of the program, and asks for all that follows.
    fn begin(&mut self) -> io::Result<()> {
        let (_, stop) = wait(self.root.as_raw())?;
        if matches!(stop, Stop::Ended(_)) {
            return Err(io::Error::other("it ended before it could be watched"));
        }
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_EXITKILL;
        ptrace::setoptions(self.root, options)?;
        self.variables = variables(self.root);
        self.saw_program(self.root);
        resume(self.root, 0);
        Ok(())
    }

    fn run(&mut self) -> io::Result<ExitStatus> {
        loop {
            let (pid, stop) = wait(-1)?;
            if let Stop::Ended(status) = stop {
                self.known.remove(&pid);
                self.inside.remove(&pid);
                if pid == self.root {
                    return Ok(status);
                }
                continue;
            }
            let is_new = self.known.insert(pid);
            self.ever.insert(pid);
            let signal = match stop {
                Stop::Call => {
                    self.call(pid);
                    0
                }
                Stop::Event(event) => {
                    if event == libc::PTRACE_EVENT_EXEC {
                        self.inside.remove(&pid).into_iter().for_each(|call| self.started(call));
                        self.saw_program(pid);
                    }
                    0
                }
                // With this one a new process announces itself.
                Stop::Signal(libc::SIGSTOP) if is_new => 0,
                // Without a signal behind it, it is a process that was stopped: it goes on.
                Stop::Signal(_) if ptrace::getsiginfo(pid) == Err(Errno::EINVAL) => 0,
                Stop::Signal(signal) => signal,
                Stop::Ended(_) => continue,
            };
            resume(pid, signal);
        }
    }

    /// Kills what the program left behind, and waits for it.
    fn end_rest(&mut self) {
        for pid in &self.known {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        while !self.known.is_empty() {
            match wait(-1) {
                Ok((pid, Stop::Ended(_))) => {
                    self.known.remove(&pid);
                }
                Ok((pid, _)) => {
                    self.known.insert(pid);
                    let _ = kill(pid, Signal::SIGKILL);
                }
                // There is nobody left to wait for.
                Err(_) => return,
            }
        }
    }

    /// A process entered or left a call.
    fn call(&mut self, pid: Pid) {
        let Ok(info) = ptrace::syscall_info(pid) else { return };
        match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => {
                // SAFETY: at an entry the kernel fills this part.
                let entry = unsafe { info.u.entry };
                if !is_native(info.arch) {
                    let name = fs::read_link(of(pid, "exe")).unwrap_or_default();
                    self.seen.insert((name, How::Unwatched));
                } else if let Some(entered) = shape(entry.nr).and_then(|shape| enter(pid, shape, entry.args))
                {
                    self.inside.insert(pid, entered);
                }
            }
            libc::PTRACE_SYSCALL_INFO_EXIT => {
                // SAFETY: at an exit the kernel fills this part.
                let exit = unsafe { info.u.exit };
                if let Some(entered) = self.inside.remove(&pid) {
                    self.left(pid, entered, exit.sval);
                }
            }
            _ => {}
        }
    }

    /// A call is over; `result` is negative for an error.
    fn left(&mut self, pid: Pid, call: Entered, result: i64) {
        if [libc::EACCES, libc::EPERM].map(|error| -i64::from(error)).contains(&result) {
            if call.act != Act::Ring {
                self.see(real(&call.path), How::Refused);
            }
            return;
        }
        if result < 0 {
            return;
        }
        match call.act {
            Act::Open(_) | Act::OpenHow(_) | Act::Create => {
                let opened = fs::read_link(of(pid, &format!("fd/{result}"))).unwrap_or(call.path);
                let flags = call.flags.cast_signed() as libc::c_int;
                let writes = flags & (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) != 0;
                let folder = opened.is_dir();
                match (writes || call.act == Act::Create, folder) {
                    _ if flags & libc::O_PATH != 0 => {}
                    (_, true) => self.see(opened, How::Listed),
                    (true, false) => self.see(opened, How::Written),
                    (false, false) => self.see(opened, How::Read),
                }
            }
            // What is told of a process of its own is no file, whatever it leads to.
            Act::Look if self.is_own(&call.path) || call.path.is_dir() => {}
            Act::Look => self.see(real(&call.path), How::LookedAt),
            Act::Change => self.see(call.path, How::Written),
            Act::Start => self.started(call),
            Act::Ring => {
                self.seen.insert(("io_uring".into(), How::Unwatched));
            }
        }
    }

    /// A file was started: a program, or a script that names one.
    fn started(&mut self, call: Entered) {
        if call.act == Act::Start {
            self.see(real(&call.path), How::Started);
        }
    }

    /// The program that a process is now.
    fn saw_program(&mut self, pid: Pid) {
        if let Ok(program) = fs::read_link(of(pid, "exe")) {
            self.see(program, How::Started);
        }
    }

    fn see(&mut self, path: PathBuf, how: How) {
        // Pipes, sockets and memory have names that are no paths.
        if !path.is_absolute() || path.starts_with("/memfd:") {
            return;
        }
        if !self.is_own(&path) {
            self.seen.insert((path, how));
        }
    }

    /// Whether it is what the kernel tells of one of the traced processes.
    fn is_own(&self, path: &Path) -> bool {
        let mut parts = path.components().skip(1).map(|part| part.as_os_str().to_str());
        parts.next() == Some(Some("proc"))
            && parts
                .next()
                .and_then(|owner| owner?.parse().ok())
                .is_some_and(|owner| self.ever.contains(&Pid::from_raw(owner)))
    }
}

/// Reads what a call was given.
fn enter(pid: Pid, shape: Shape, args: [u64; 6]) -> Option<Entered> {
    let flags = match shape.act {
        Act::Open(argument) => args[argument],
        Act::OpenHow(argument) => word(pid, args[argument])?,
        _ => 0,
    };
    let Some(argument) = shape.path else {
        return Some(Entered { act: shape.act, flags, path: PathBuf::new() });
    };
    let text = text(pid, args[argument])?;
    if text.as_os_str().is_empty() {
        // It speaks of an open file, which was seen when it was opened.
        return None;
    }
    let folder = match shape.folder.map(|argument| args[argument] as libc::c_int) {
        Some(number) if number != libc::AT_FDCWD => format!("fd/{number}"),
        _ => "cwd".to_owned(),
    };
    let path = if text.is_absolute() { text } else { fs::read_link(of(pid, &folder)).ok()?.join(text) };
    // To whoever watches, these words mean somebody else.
    let own = |rest: &Path| of(pid, "").join(rest);
    let path = ["/proc/self", "/proc/thread-self"]
        .iter()
        .find_map(|itself| path.strip_prefix(itself).ok().map(own))
        .unwrap_or(path);
    Some(Entered { act: shape.act, flags, path })
}

fn of(pid: Pid, what: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{what}"))
}

/// The file behind links. What `/dev/stdin` and its like lead to depends on who asks.
fn real(path: &Path) -> PathBuf {
    if path.starts_with("/dev") {
        return path.to_owned();
    }
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Names of the variables that a program was started with.
fn variables(pid: Pid) -> BTreeSet<String> {
    let environment = fs::read(of(pid, "environ")).unwrap_or_default();
    let names = environment.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
    names
        .map(|variable| {
            String::from_utf8_lossy(variable.split(|byte| *byte == b'=').next().unwrap_or(variable)).into()
        })
        .collect()
}

/// A word of a process's memory.
fn word(pid: Pid, address: u64) -> Option<u64> {
    let address = usize::try_from(address).ok()? as *mut libc::c_void;
    ptrace::read(pid, address).ok().map(libc::c_long::cast_unsigned)
}

/// A text in a process's memory, up to its end.
fn text(pid: Pid, address: u64) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    // Whole words, so that none reaches into a page that is not there.
    let first = address & !7;
    for step in 0..LONGEST as u64 / 8 {
        let word = word(pid, first + step * 8)?.to_ne_bytes();
        let skip = if step == 0 { (address & 7) as usize } else { 0 };
        match word[skip..].iter().position(|byte| *byte == 0) {
            Some(end) => {
                bytes.extend_from_slice(&word[skip..skip + end]);
                return Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)));
            }
            None => bytes.extend_from_slice(&word[skip..]),
        }
    }
    None
}

/// Lets a process go on to its next call, with a signal or none. One that was killed meanwhile is told by [`wait`].
fn resume(pid: Pid, signal: i32) {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request takes no address, and the signal as a number in place of a pointer.
    unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid.as_raw(), nothing, signal as libc::c_long) };
}

/// Waits for a process of this thread: all signals are numbers here, as some have no name.
fn wait(pid: libc::pid_t) -> io::Result<(Pid, Stop)> {
    let mut status = 0;
    loop {
        // SAFETY: the status is a number of ours.
        let found = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
        match Errno::result(found) {
            Ok(found) => return Ok((Pid::from_raw(found), stop_of(status))),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn stop_of(status: i32) -> Stop {
    if !libc::WIFSTOPPED(status) {
        return Stop::Ended(ExitStatus::from_raw(status));
    }
    match (status >> 16, libc::WSTOPSIG(status)) {
        (0, signal) if signal == libc::SIGTRAP | 0x80 => Stop::Call,
        (0, signal) => Stop::Signal(signal),
        (event, _) => Stop::Event(event),
    }
}
