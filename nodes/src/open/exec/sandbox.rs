//! The clean folder of a command, and taking its network away. It starts no command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, unshare};

use crate::closed::Open;

/// Folders of one command.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) inputs: PathBuf,
    pub(super) outputs: PathBuf,
    pub(super) tools: PathBuf,
    /// Where it begins; empty.
    pub(super) work: PathBuf,
    pub(super) home: PathBuf,
    pub(super) tmp: PathBuf,
}

impl Place {
    /// The folder that all of them are in.
    pub(super) fn root(&self) -> &Path {
        self.work.parent().unwrap_or(&self.work)
    }

    /// Makes them in an empty folder.
    pub(super) fn make(scratch: &Path) -> std::io::Result<Self> {
        let scratch = scratch.canonicalize()?;
        let folder = |name: &str| {
            let path = scratch.join(name);
            std::fs::create_dir(&path).map(|()| path)
        };
        Ok(Self {
            inputs: folder("in")?,
            outputs: folder("out")?,
            tools: folder("tools")?,
            work: folder("work")?,
            home: folder("home")?,
            tmp: folder("tmp")?,
        })
    }

    /// What a command may do in them.
    pub(super) fn open(&self) -> Open {
        Open {
            read: vec![self.inputs.clone(), self.tools.clone()],
            write: vec![self.outputs.clone(), self.work.clone(), self.home.clone(), self.tmp.clone()],
            namespaces: false,
        }
    }
}

/// How a command was cut off the network.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The calling thread, and what it starts, is in a network of its own with nothing in it.
    Here,
    /// This program, with these arguments before the command, does it.
    Through(PathBuf, Vec<OsString>),
    /// Nothing here may.
    Not,
}

/// Takes the network away from what the calling thread will start; the thread must be one of its own. Where that
/// needs rights that reel lacks, `unshare` of util-linux does it in a user namespace, if that is allowed.
pub(super) fn cut_network(path: &[PathBuf]) -> Cut {
    if unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Cut::Here;
    }
    let Some(program) = super::find("unshare", path) else { return Cut::Not };
    let arguments: Vec<OsString> =
        ["--user", "--map-current-user", "--net", "--"].into_iter().map(OsString::from).collect();
    let works = std::process::Command::new(&program)
        .args(&arguments)
        .arg("true")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if works { Cut::Through(program, arguments) } else { Cut::Not }
}
