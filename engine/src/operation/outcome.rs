//! What comes back from a run: artifacts, more graph, or a failure. It knows neither cache nor schedule.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one action made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// An artifact for each port that the run itself fills; ports of the subgraph are not among them.
    pub produced: Vec<Produced>,
    /// More graph, from kinds that expand.
    pub graph: Option<Subgraph>,
    /// What it has to say to `reel log`.
    #[serde(default)]
    pub log: String,
    /// Whether somebody was paid for it: when room is needed, such a result is the last to go.
    #[serde(default)]
    pub paid: bool,
    /// What it used and did not declare; known only of runs that are watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Use>,
}

/// Something that a run used and that is not in its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Use {
    /// A path, or the name of a variable.
    pub name: String,
    /// What was done with it.
    pub how: How,
}

/// Ways of using what is not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// A file was opened for reading.
    Read,
    /// A file was opened for writing, or made.
    Written,
    /// A program was started.
    Started,
    /// A folder was listed.
    Listed,
    /// A file was looked at from outside: its size, its times, whether it is there.
    LookedAt,
    /// A file was wanted, and the system refused it.
    Refused,
    /// A variable of the environment was there to be read.
    Variable,
    /// Something that cannot be watched was done.
    Unwatched,
}

impl How {
    /// In a word, behind the name.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Read => "opened for reading",
            Self::Written => "opened for writing",
            Self::Started => "started",
            Self::Listed => "listed",
            Self::LookedAt => "looked at",
            Self::Refused => "wanted, and refused",
            Self::Variable => "in the environment",
            Self::Unwatched => "cannot be watched",
        }
    }
}

/// One artifact as the run left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Produced {
    /// The port.
    pub port: String,
    /// Media type, such as `audio/wav`.
    pub media: String,
    /// Its bytes.
    pub body: Body,
}

/// Bytes of an artifact before they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// In memory.
    Bytes(Vec<u8>),
    /// A file in the action's scratch folder, which the store takes over.
    File(PathBuf),
}

impl Outcome {
    /// Says that somebody was paid for it.
    #[must_use]
    pub const fn paid(mut self) -> Self {
        self.paid = true;
        self
    }

    /// Adds an artifact from memory.
    #[must_use]
    pub fn with_bytes(mut self, port: &str, media: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.produced.push(Produced {
            port: port.into(),
            media: media.into(),
            body: Body::Bytes(bytes.into()),
        });
        self
    }

    /// Adds a file of the scratch folder.
    #[must_use]
    pub fn with_file(mut self, port: &str, media: &str, path: impl Into<PathBuf>) -> Self {
        self.produced.push(Produced {
            port: port.into(),
            media: media.into(),
            body: Body::File(path.into()),
        });
        self
    }
}

/// More graph, in local names. A reference in `with` is `${NODE.PORT}` for a sibling of this subgraph or
/// `${self.SLOT}` for whatever fills an input of the node that expands. At the splice the made nodes stand
/// beside their maker: `hook.segments` makes `hook.encode.1`; a maker that is one of many (`deep.word.1`) or
/// has no dot in its name becomes the prefix itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Subgraph {
    /// The nodes, in any order.
    pub nodes: Vec<SubNode>,
    /// For each port of the maker that the subgraph fills: the references, in order.
    pub ports: BTreeMap<String, Vec<String>>,
}

impl Eq for Subgraph {}

/// One node of a subgraph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubNode {
    /// Local name.
    pub name: String,
    /// Kind.
    pub uses: String,
    /// Parameters, as the user would write them.
    pub with: Value,
}

/// Why an action did not succeed. It is a result, not a crash of reel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure, for exit codes and scripts.
    pub code: FailureCode,
    /// The cause, in one line, lower case.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// What it printed.
    #[serde(default)]
    pub log: String,
    /// What it used and did not declare; known only of runs that are watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Use>,
    /// Where in the project its node is written, such as `reel.yaml:24`; for whoever has the project's text to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Box<str>>,
}

/// Classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The operation said no: bad input, a command that failed.
    Failed,
    /// The worker died.
    Crashed,
    /// The deadline passed, or nothing moved.
    TimedOut,
    /// Nobody wants it any more.
    Cancelled,
    /// The network said no.
    Network,
    /// A pinned take did not match, or is forbidden.
    Take,
    /// The machine said no: disk full, no such program.
    Machine,
    /// A file that it reads was changed while it ran, again and again.
    Changed,
}

impl Failure {
    /// A failure of the operation itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(FailureCode::Failed, message)
    }

    /// A failure of a class.
    pub fn of(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, log: String::new(), used: Vec::new(), place: None }
    }

    /// What to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What it used and did not declare.
    #[must_use]
    pub fn used(mut self, used: Vec<Use>) -> Self {
        self.used = used;
        self
    }

    /// What it printed.
    #[must_use]
    pub fn log(mut self, log: impl Into<String>) -> Self {
        self.log = log.into();
        self
    }
}
