//! Watches a program and all that it starts, and tells what they used beside what was declared for them. It knows
//! no node and no key.
//!
//! The kernel stops a traced program at each of its system calls (ptrace(2)); those that name a file are written
//! down. That needs no rights but those over one's own children, as root or not; where even that is forbidden,
//! [`available`] says so. A watched program does what it would do otherwise, only more slowly.
//!
//! What is told: files that were opened, looked at or refused, folders that were listed, programs that were
//! started, variables in the environment. What is not: files that were looked for and are not there, folders that
//! were only walked through, and what a declared program brings along (see [`Declared`]).

mod calls;
mod declared;
mod follow;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use reel_engine::operation::{How, Use};

pub use declared::Declared;

/// Kinds whose work is done by programs that can be watched.
pub const KINDS: [&str; 2] = ["exec", "tts"];

/// How a watched program ended, and all that it used.
#[derive(Debug)]
pub struct Watched {
    /// How it ended.
    pub status: ExitStatus,
    seen: BTreeSet<(PathBuf, How)>,
    variables: BTreeSet<String>,
}

impl Watched {
    /// What was used and is not declared, in order.
    #[must_use]
    pub fn undeclared(&self, declared: &Declared) -> Vec<Use> {
        let told = |(path, how): &&(PathBuf, How)| {
            // Whoever opened a file has looked at it as well.
            let more = [How::Read, How::Written, How::Started];
            let said =
                *how == How::LookedAt && more.iter().any(|more| self.seen.contains(&(path.clone(), *more)));
            !said && !declared.covers(path, *how)
        };
        let files = self.seen.iter().filter(told);
        let files = files.map(|(path, how)| Use { name: path.display().to_string(), how: *how });
        let variables = self.variables.iter().filter(|name| !declared.has_variable(name));
        let variables = variables.map(|name| Use { name: name.clone(), how: How::Variable });
        files.chain(variables).collect()
    }
}

/// Whether programs can be watched here.
///
/// # Errors
/// Why not.
pub fn available() -> io::Result<()> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", ":"]).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let watch = || {
        let child = spawn(&mut command)?;
        let watched = watch(&child)?;
        if watched.seen.is_empty() {
            return Err(io::Error::other("nothing of a program's doings is told"));
        }
        Ok(())
    };
    // A thread of its own: what it leaves behind when something fails ends with it.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, watch)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("watching a program failed inside reel")))
    })
}

/// Starts a program that is to be watched. It stands still until [`watch`] is called, on the same thread.
///
/// # Errors
/// When it cannot be started, or not be watched.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    follow::spawn(command)
}

/// Watches a program to its end, and ends whatever it leaves behind. Nobody else may wait for it.
///
/// # Errors
/// When it cannot be watched; then it has been killed.
pub fn watch(child: &Child) -> io::Result<Watched> {
    follow::follow(child.id())
}

#[cfg(test)]
mod tests;
