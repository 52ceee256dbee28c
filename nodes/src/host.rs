//! What kinds need to know of the machine and of the user's wishes. It asks nobody: whoever makes it did.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use reel_engine::executor::toolbox::Toolbox;

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
    /// Whether films are made small and fast, to be looked at.
    pub draft: bool,
    /// What installed tools have.
    pub offers: Offers,
}

/// Names of what installed tools have, such as voices. They are asked for only when a node wants to know.
#[derive(Clone, Default)]
pub struct Offers(Option<Arc<Ask>>);

type Ask = dyn Fn() -> Arc<Toolbox> + Send + Sync;

impl Offers {
    /// What a toolbox has, which is opened when it is needed.
    pub fn new(open: impl Fn() -> Arc<Toolbox> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(open)))
    }

    /// The names of what a tool has; `None` when they cannot be known here.
    #[must_use]
    pub fn of(&self, tool: &str) -> Option<Vec<String>> {
        self.0.as_ref().and_then(|open| open().offers(tool).map(<[String]>::to_vec))
    }

    /// The files on which it depends what a tool has, without folders.
    #[must_use]
    pub fn files(&self, tool: &str) -> Vec<PathBuf> {
        let Some(open) = &self.0 else { return Vec::new() };
        let toolbox = open();
        let programs = toolbox.programs.values().filter(|program| program.offers.contains_key(tool));
        programs.flat_map(|program| &program.files).filter(|file| !file.is_dir()).cloned().collect()
    }

    /// Why something that is known by name does no work on this machine; `None` where nobody says so.
    #[must_use]
    pub fn refused(&self, name: &str) -> Option<String> {
        let toolbox = self.0.as_ref()?();
        let found = toolbox.refused().find(|(refused, _)| *refused == name);
        found.map(|(_, why)| why.to_owned())
    }
}

impl fmt::Debug for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Offers")
    }
}

/// What may be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Network {
    /// Nothing may.
    pub offline: bool,
    /// Private, loopback and link-local addresses may be asked, too.
    pub allow_private: bool,
}
