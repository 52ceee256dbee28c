//! Ends what this process started, and what that started. It knows no build and no signal of the user.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

/// How often is looked again: a process may start another while it is looked for.
const ROUNDS: usize = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// Kills all descendants of this process, and whatever has its `HOME` beneath `scratch`, as commands of projects
/// have even when they left the family.
pub(crate) fn end_all(scratch: &Path) {
    for _ in 0..ROUNDS {
        let left = descendants(scratch);
        if left.is_empty() {
            return;
        }
        for pid in left {
            // It may have ended by itself, which is as good.
            let _ = kill(pid, Signal::SIGKILL);
        }
        thread::sleep(PAUSE);
    }
}

fn descendants(scratch: &Path) -> Vec<Pid> {
    let mut mark = b"HOME=".to_vec();
    mark.extend_from_slice(scratch.as_os_str().as_bytes());
    let me = getpid().as_raw();
    let (mut parents, mut found) = (BTreeMap::new(), Vec::new());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Some((parent, alive)) = status(&entry.path()) else { continue };
        if !alive {
            continue;
        }
        parents.insert(pid, parent);
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if pid != me && environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(&mark)) {
            found.push(pid);
        }
    }
    let ours = |pid: i32| {
        let line = std::iter::successors(parents.get(&pid), |parent| parents.get(*parent));
        // A line is never longer than there are processes, even when it changes while it is read.
        line.take(parents.len()).any(|parent| *parent == me)
    };
    found.extend(parents.keys().copied().filter(|pid| ours(*pid)));
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(Pid::from_raw).collect()
}

/// The parent of a process, and whether it is more than the memory of one.
fn status(process: &Path) -> Option<(i32, bool)> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    // The name in brackets may hold anything.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    Some((fields.next()?.parse().ok()?, !matches!(state, "Z" | "X")))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn children_of_children_and_those_that_left_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("run-0/home");
        let line = "sleep 30 & (setsid sleep 30 >/dev/null 2>&1 &) ; wait";
        let mut child = Command::new("sh").args(["-c", line]).env("HOME", &home).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut count = 0;
        for _ in 0..500 {
            count = descendants(dir.path()).len();
            if count >= 3 {
                break;
            }
            thread::sleep(PAUSE);
        }
        assert!(count >= 3, "the shell, its child, and the one that left: {count}");
        // Only these: other tests of this process have children, too.
        for pid in descendants(dir.path()) {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let text = String::from_utf8_lossy(&environment).into_owned();
            if text.contains(home.to_str().unwrap()) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(status(Path::new(&format!("/proc/{pid}"))).is_none());
    }
}
