//! Ends a command when reel dies before it, however that comes. It knows no node and no command.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits until its input closes, which the kernel sees to, then kills the process group it was given.
const SCRIPT: &str = "read -r _; kill -s KILL -- \"-$0\"";

/// A small process that outlives reel by a moment, in a process group of its own. Dropped in time, it does
/// nothing.
pub(super) struct Leash(Option<Child>);

impl Leash {
    /// Ties the process group `group` to the life of this process. Where that cannot be done, a command that
    /// reel leaves behind by being killed goes on.
    pub(super) fn tie(shell: &Path, group: u32) -> Self {
        let spawned = Command::new(shell)
            .args(["-c", SCRIPT])
            .arg(group.to_string())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        Self(spawned.ok())
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // Killed before its input closes, so that it never gets to its own killing.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_group_ends_when_the_input_of_its_leash_closes() {
        let mut sleeper = sleeper();
        let mut leash = Leash::tie(Path::new("/bin/sh"), sleeper.id());
        // What the kernel does to the pipe when reel is killed.
        let mut guard = leash.0.take().unwrap();
        drop(guard.stdin.take());
        let until = Instant::now() + Duration::from_secs(10);
        while sleeper.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "the group still lives");
            std::thread::sleep(Duration::from_millis(5));
        }
        guard.wait().unwrap();
    }

    #[test]
    fn a_leash_that_is_dropped_kills_nothing() {
        let mut sleeper = sleeper();
        drop(Leash::tie(Path::new("/bin/sh"), sleeper.id()));
        std::thread::sleep(Duration::from_millis(50));
        assert!(sleeper.try_wait().unwrap().is_none());
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
}
