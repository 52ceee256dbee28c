//! What kinds need to know of the machine and of the user's wishes. It asks nobody: whoever makes it did.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The machine, as far as kinds care.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Folders of installed fonts.
    pub font_dirs: Vec<PathBuf>,
    /// Folders of commands, as `PATH` lists them.
    pub path: Vec<PathBuf>,
    /// Whether the project may run commands.
    pub allow_exec: bool,
    /// What may be fetched.
    pub network: Network,
    /// Where kinds may remember what is tedious to find out; `None`: nowhere.
    pub memo: Option<PathBuf>,
    /// Whether commands are watched, to find what they use and do not declare.
    pub watch: bool,
    /// Values of environment variables that commands may be given, by name.
    pub env: BTreeMap<String, String>,
}

/// What may be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Network {
    /// Nothing may.
    pub offline: bool,
    /// Private, loopback and link-local addresses may be asked, too.
    pub allow_private: bool,
}
