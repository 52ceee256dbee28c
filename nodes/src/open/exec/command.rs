//! One command from start to end: its output into a bounded log, its whole tree ended with it. It knows no node.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io::{self, PipeReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use reel_engine::operation::{Call, Failure, FailureCode, Use};

use super::leash::Leash;
use super::sandbox::{Cut, Place, cut_network};
use super::{Params, SHELL};
use crate::closed::{self, Open};
use crate::host::Host;
use crate::trace::{self, Declared, Watched};

/// Bytes of output that are kept from the start and from the end.
const KEPT: usize = 64 << 10;
/// How often it is looked whether the command ended or is unwanted.
const TICK: Duration = Duration::from_millis(10);
/// How long an unwanted command may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Runs the command and gives its log back, and what it used and did not declare, if it is watched.
pub(super) fn run(
    params: &Params,
    place: &Place,
    open: &Open,
    host: &Host,
    call: &Call<'_>,
) -> Result<(String, Vec<Use>), Failure> {
    // A thread of its own: a network is taken away from a thread and what it starts, not from all of reel.
    std::thread::scope(|scope| {
        scope.spawn(|| run_here(params, place, open, host, call)).join().unwrap_or_else(|_| {
            Err(Failure::of(FailureCode::Crashed, "running the command failed inside reel"))
        })
    })
}

fn run_here(
    params: &Params,
    place: &Place,
    open: &Open,
    host: &Host,
    call: &Call<'_>,
) -> Result<(String, Vec<Use>), Failure> {
    let cut = if params.network { Cut::Here } else { cut_network(&host.path) };
    let mut command = shell(&cut, place);
    // The first command that fails, fails the node: what comes after it would be made of nothing.
    command.arg("-e").arg("-c").arg(&params.run);
    surround(&mut command, params, place);
    if !call.gpus.is_empty() {
        command.env("CUDA_VISIBLE_DEVICES", call.gpus.join(","));
    }
    let cannot = |error| Failure::of(FailureCode::Machine, format!("cannot start `{SHELL}`: {error}"));
    let said = in_order(&mut command).map_err(cannot)?;
    let log = Arc::new(Mutex::new(Log::default()));
    if cut == Cut::Not {
        lock(&log).take(b"reel: this system does not let a command's network be taken away\n");
    }
    let open = Open { namespaces: matches!(cut, Cut::Through(..)), ..open.clone() };
    // A watched command is not shut in: what it reaches for is what the user wants to hear.
    let started = if host.watch {
        trace::spawn(&mut command).map(|child| (child, true))
    } else {
        closed::spawn(&mut command, &open)
    };
    let (mut child, is_closed) = started.map_err(cannot)?;
    // It holds the writing end of its own output, which would never end.
    drop(command);
    if !is_closed {
        lock(&log).take(b"reel: this kernel does not keep a command from files that it was not given\n");
    }
    let leash = Leash::tie(&place.tools.join(SHELL), child.id());
    let reader = read_into(said, Arc::clone(&log));
    let ended =
        if host.watch { watch(&child, call) } else { wait(&mut child, call).map(|status| (status, None)) };
    // Nothing of its tree is left running, whether it ended well or not.
    end_tree(&child, &place.home);
    drop(leash);
    let _ = reader.join();
    let log = lock(&log).text();
    let declared = || declared(params, place, &cut, call);
    let used =
        |watched: Option<Watched>| watched.map(|watched| watched.undeclared(&declared())).unwrap_or_default();
    match ended {
        Ok((Some(status), watched)) if status.success() => Ok((with_warning(log), used(watched))),
        Ok((Some(status), watched)) => {
            let shut = (is_closed && !host.watch).then_some(&open);
            Err(explain(status, shut, &log).log(log).used(used(watched)))
        }
        Ok((None, _)) => Err(Failure::of(FailureCode::Cancelled, "cancelled").log(log)),
        Err(error) => {
            Err(Failure::of(FailureCode::Machine, format!("cannot wait for the command: {error}")).log(log))
        }
    }
}

/// Why a command ended badly, as far as that can be known.
fn explain(status: ExitStatus, closed: Option<&Open>, log: &str) -> Failure {
    let plain = format!("the command {}", how(status));
    let Some(path) = closed.and_then(|open| closed::refused(log, open)) else {
        let names = if status.code() == Some(127) { missing(log) } else { Vec::new() };
        if names.is_empty() {
            return Failure::new(plain);
        }
        let which = names.join("` and no `");
        return Failure::new(format!("{plain}: it found no `{which}`")).help(format!(
            "a command finds only what stands under `tools:`, and the shell: add it, `tools: [{}]`",
            names.join(", ")
        ));
    };
    let folder = path.parent().unwrap_or(&path).display();
    Failure::new(format!("{plain}: `{}` is not open to it, nor is anything else in `{folder}/`", path.display()))
        .help(
            "a command reaches what it was given and what is installed: name files of the project under `in:` and \
             take them from `$in`, and name commands under `tools:`",
        )
}

/// A shell goes on when it does not find a command that is not the last of a pipe: then its end says nothing of it.
fn with_warning(mut log: String) -> String {
    let names = missing(&log);
    if !names.is_empty() {
        let names = names.join("` and no `");
        let warning = format!("warning: it found no `{names}`, and went on: name it under `tools:`\n");
        log.push_str(if log.ends_with('\n') { "" } else { "\n" });
        log.push_str(&warning);
    }
    log
}

/// Commands that a shell did not find: `sh: 1: python3: not found`, or `sh: line 1: python3: command not found`.
fn missing(log: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in log.lines() {
        let before = line.strip_suffix(": command not found").or_else(|| line.strip_suffix(": not found"));
        // The shell's own name or path comes first.
        let (shell, name) = match before.and_then(|before| before.split_once(": ")) {
            Some((shell, rest)) => (shell, rest.rsplit(": ").next().unwrap_or(rest)),
            None => continue,
        };
        let is_shell = shell.rsplit('/').next() == Some(SHELL);
        let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
        if is_shell && is_name && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn shell(cut: &Cut, place: &Place) -> Command {
    let shell = place.tools.join(SHELL);
    match cut {
        Cut::Through(program, arguments) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(shell);
            command
        }
        Cut::Here | Cut::Not => Command::new(shell),
    }
}

fn surround(command: &mut Command, params: &Params, place: &Place) {
    command
        .env_clear()
        .envs(&params.values)
        .env("PATH", &place.tools)
        .env("HOME", &place.home)
        .env("TMPDIR", &place.tmp)
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("SOURCE_DATE_EPOCH", "0")
        .env("in", &place.inputs)
        .env("out", &place.outputs)
        .current_dir(&place.work)
        .stdin(Stdio::null())
        .process_group(0);
}

/// One pipe for both outputs of a command, so that its log has them in the order in which they were written.
fn in_order(command: &mut Command) -> io::Result<PipeReader> {
    let (said, into) = io::pipe()?;
    command.stdout(into.try_clone()?).stderr(into);
    Ok(said)
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => {
            let name =
                Signal::try_from(signal).map_or_else(|_| signal.to_string(), |s| s.as_str().to_owned());
            format!("was killed by {name}")
        }
        (None, None) => "ended in an unknown way".into(),
    }
}

/// What the command may use without anybody being told.
fn declared(params: &Params, place: &Place, cut: &Cut, call: &Call<'_>) -> Declared {
    let ours = ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "SOURCE_DATE_EPOCH", "in", "out"];
    let named = params.values.keys().map(String::as_str);
    let mut declared = Declared::default().variables(ours.into_iter().chain(named));
    for tool in super::tools(params) {
        declared = declared.program(&place.tools.join(tool), tool);
    }
    let inputs = call.inputs.iter().filter(|(slot, _)| slot.starts_with(super::INTERPRETER));
    for file in inputs.flat_map(|(_, files)| files) {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        declared = declared.program(&file.path, &name);
    }
    if let Cut::Through(program, _) = cut {
        declared = declared.program(program, "unshare");
    }
    declared.folder(place.root())
}

/// Watches the command to its end; without a status when it was ended because nobody wants it any more.
fn watch(child: &Child, call: &Call<'_>) -> io::Result<(Option<ExitStatus>, Option<Watched>)> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let guard = scope.spawn(|| end_when_unwanted(child.id(), call, &over));
        let watched = trace::watch(child);
        over.store(true, Ordering::Release);
        let unwanted = guard.join().unwrap_or(false);
        watched.map(|watched| ((!unwanted).then_some(watched.status), Some(watched)))
    })
}

/// Ends a command that somebody else waits for once nobody wants it; tells whether it did.
fn end_when_unwanted(child: u32, call: &Call<'_>, over: &AtomicBool) -> bool {
    let group = Pid::from_raw(child as i32);
    let mut asked: Option<Instant> = None;
    while !over.load(Ordering::Acquire) {
        match asked {
            None if (call.cancelled)() => {
                let _ = killpg(group, Signal::SIGTERM);
                asked = Some(Instant::now());
            }
            Some(since) if since.elapsed() > GRACE => {
                let _ = killpg(group, Signal::SIGKILL);
            }
            _ => {}
        }
        std::thread::sleep(TICK);
    }
    asked.is_some()
}

/// Waits for the end; `None` when it was ended because nobody wants it any more.
fn wait(child: &mut Child, call: &Call<'_>) -> io::Result<Option<ExitStatus>> {
    let group = Pid::from_raw(child.id() as i32);
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(asked.is_none().then_some(status));
        }
        match asked {
            None if (call.cancelled)() => {
                let _ = killpg(group, Signal::SIGTERM);
                asked = Some(Instant::now());
            }
            Some(since) if since.elapsed() > GRACE => {
                let _ = killpg(group, Signal::SIGKILL);
                child.wait()?;
                return Ok(None);
            }
            _ => {}
        }
        std::thread::sleep(TICK);
    }
}

/// Ends what is left of a command's tree: its process group, and whatever went into a group of its own, which is
/// known by the `HOME` that only this command was given.
fn end_tree(child: &Child, home: &Path) {
    let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
    let mut mark = b"HOME=".to_vec();
    mark.extend_from_slice(home.as_os_str().as_encoded_bytes());
    // A process may start another while it is looked for: look until none is found.
    for _ in 0..16 {
        let left = marked(&mark);
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(TICK);
    }
}

fn marked(mark: &[u8]) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            environment.split(|byte| *byte == 0).any(|variable| variable == mark).then(|| Pid::from_raw(pid))
        })
        .collect()
}

/// Output of a command: the first and the last of it.
#[derive(Default)]
struct Log {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

fn lock(log: &Mutex<Log>) -> std::sync::MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn take(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if self.left_out > 0 {
            let _ = write!(text, "\n… {} bytes are left out …\n", self.left_out);
        }
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        text.push_str(&String::from_utf8_lossy(&tail));
        text
    }
}

fn read_into(mut pipe: PipeReader, log: Arc<Mutex<Log>>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            lock(&log).take(&buffer[..count]);
        }
    })
}
