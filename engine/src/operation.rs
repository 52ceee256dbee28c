//! What a kind of node is: its parameters, ports, claim, version and run. It knows no graph and no schedule.
//!
//! A kind implements [`Kind`], with a typed struct of parameters from which the schema, the strict check, the
//! canonical form in the key and the documentation all follow; [`Typed`] makes an [`Operation`] of it, which is
//! what the rest of the engine sees.

mod input;
mod outcome;
mod registry;
mod surroundings;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use input::{
    AnyFile, Audio, Captions, Image, Input, Json, Passed, Place, PortMarker, Text, Through, Video, Words,
};
pub use outcome::{Body, Failure, FailureCode, How, Outcome, Produced, SubNode, Subgraph, Use};
pub use registry::Registry;
pub use surroundings::Surroundings;

use crate::artifact::{InputFile, Port};
use crate::claim::Claim;
use crate::diagnostic::{Code, Diagnostics};
use crate::span::Spanned;
use crate::spec::{Located, NodeDecl, OutputDecl, Resources, typed};

/// Where a kind runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// In this process: pure Rust on our own data, the network, or a command.
    Inline,
    /// In a worker process: whatever parses bytes from outside or runs C.
    Worker,
}

/// Across which machines the same key means the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reproducible {
    /// Everywhere.
    Exact,
    /// On one operating system and architecture, which then are in the key.
    PerArch,
}

/// What is fixed about a kind.
#[derive(Debug, Clone)]
pub struct Info {
    /// As in `uses:`.
    pub name: &'static str,
    /// Bumped whenever the same inputs may give other bytes.
    pub version: u32,
    /// One line for lists.
    pub summary: &'static str,
    /// A piece of YAML that shows its use.
    pub example: &'static str,
    /// Where it runs.
    pub site: Site,
    /// How far its bytes agree.
    pub reproducible: Reproducible,
    /// Whether it may return more graph.
    pub expands: bool,
}

/// What a node turns out to be once its parameters are known.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Canonical parameters: every default filled in, units normal, inputs as slots.
    pub params: Value,
    /// Its outputs.
    pub ports: Vec<Port>,
    /// What it holds while it runs, unless the project says otherwise.
    pub claim: Claim,
    /// Names in the toolbox whose identities are in the key, such as `x264`.
    pub tools: Vec<String>,
    /// Set for kinds that are not functions.
    pub take: Option<Take>,
}

/// How a kind that is not a function is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Take {
    /// May be fetched again, and must then match the digest in the lock file.
    Fetched {
        /// Its name in the lock file.
        url: String,
    },
}

/// A kind as the engine sees it.
pub trait Operation: Send + Sync {
    /// What is fixed about it.
    fn info(&self) -> &Info;
    /// JSON schema of `with`, inputs marked as [`Input`] describes.
    fn schema(&self) -> &Value;
    /// Whether its run takes inputs in memory and needs no scratch folder.
    fn in_memory(&self) -> bool {
        false
    }
    /// First words of the names of what it makes, where these are fixed: see [`Kind::makes`].
    fn makes(&self) -> &'static [&'static str] {
        &[]
    }
    /// Places of parameters that it only passes on: see [`Kind::passes`].
    fn passes(&self) -> &'static [&'static str] {
        &[]
    }
    /// From checked parameters to ports, claim and canonical form; problems go to `cx`, and then it is `None`.
    fn resolve(&self, params: Value, cx: &mut Resolve<'_>) -> Option<Resolved>;
    /// What every node of its expansion is made from; the subgraph then has a row in the place of parameters.
    fn template(&self) -> Option<&Template> {
        None
    }
    /// Runs it here.
    ///
    /// # Errors
    /// A [`Failure`] with its cause, also when the kind runs elsewhere.
    fn run(&self, call: &Call<'_>) -> Result<Outcome, Failure>;
}

/// What many nodes have in common: parameters in which a row fills `${item}`.
#[derive(Debug, Clone)]
pub struct Template {
    /// The name of an item.
    pub item: String,
    /// Kind of the nodes.
    pub uses: Spanned<String>,
    /// Parameters, as the user wrote them; references are inputs of the node that expands.
    pub with: Located,
    /// What each asks of the machine.
    pub resources: Option<Resources>,
    /// Milliseconds that each may run.
    pub timeout: Option<u64>,
}

/// A kind, typed by its parameters.
pub trait Kind: Send + Sync + 'static {
    /// What `with:` holds.
    type Params: Serialize + DeserializeOwned + JsonSchema;

    /// What is fixed about it.
    fn info(&self) -> Info;
    /// Its outputs.
    fn ports(&self, params: &Self::Params) -> Vec<Port>;
    /// What it holds while it runs.
    fn claim(&self, params: &Self::Params) -> Claim;

    /// Names in the toolbox whose identities are in the key.
    fn tools(&self, _params: &Self::Params) -> Vec<&'static str> {
        Vec::new()
    }

    /// For a kind that expands: first words of the names of what it makes, such as `encode` for `encode.1` and
    /// `encode.2`, where these are fixed; empty where they are known only after it ran.
    fn makes(&self) -> &'static [&'static str] {
        &[]
    }

    /// For a kind that expands: places of parameters ([`Passed`]) that it only passes on to the nodes it makes, as JSON
    /// pointers. They are not in its key, its run does not see them, and a change of one does not make it run.
    fn passes(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a schema cannot say; may add inputs such as fonts.
    fn check(&self, _params: &mut Self::Params, _cx: &mut Resolve<'_>) {}

    /// Set for kinds that are not functions.
    fn take(&self, _params: &Self::Params) -> Option<Take> {
        None
    }

    /// Whether its run looks at inputs by [`Call::read`] and [`InputFile::read`] alone, and needs no scratch
    /// folder: then it is spared both, and no file is made of what lives in a record. For kinds that run in this
    /// process.
    fn in_memory(&self) -> bool {
        false
    }

    /// Runs it in this process.
    ///
    /// # Errors
    /// A [`Failure`] with its cause.
    fn run(&self, _params: Self::Params, _call: &Call<'_>) -> Result<Outcome, Failure> {
        Err(Failure::new(format!("`{}` runs in the worker program, not here", self.info().name)))
    }
}

/// Makes an [`Operation`] of a [`Kind`].
pub struct Typed<K: Kind> {
    kind: K,
    info: Info,
    schema: OnceLock<Value>,
}

impl<K: Kind> Typed<K> {
    /// Wraps a kind.
    pub fn new(kind: K) -> Self {
        Self { info: kind.info(), kind, schema: OnceLock::new() }
    }
}

impl<K: Kind> Operation for Typed<K> {
    fn info(&self) -> &Info {
        &self.info
    }

    fn in_memory(&self) -> bool {
        self.info.site == Site::Inline && self.kind.in_memory()
    }

    fn schema(&self) -> &Value {
        self.schema.get_or_init(|| schemars::schema_for!(K::Params).to_value())
    }

    fn makes(&self) -> &'static [&'static str] {
        self.kind.makes()
    }

    fn passes(&self) -> &'static [&'static str] {
        self.kind.passes()
    }

    fn resolve(&self, params: Value, cx: &mut Resolve<'_>) -> Option<Resolved> {
        let mut params: K::Params = typed(cx.written, params, cx.problems)?;
        let before = cx.problems.iter().count();
        self.kind.check(&mut params, cx);
        if cx.problems.iter().count() > before && cx.problems.has_errors() {
            return None;
        }
        Some(Resolved {
            ports: self.kind.ports(&params),
            claim: self.kind.claim(&params),
            tools: self.kind.tools(&params).into_iter().map(str::to_owned).collect(),
            take: self.kind.take(&params),
            params: serde_json::to_value(&params).ok()?,
        })
    }

    fn run(&self, call: &Call<'_>) -> Result<Outcome, Failure> {
        let params = K::Params::deserialize(call.params)
            .map_err(|error| Failure::new(format!("parameters of `{}`: {error}", self.info.name)))?;
        self.kind.run(params, call)
    }
}

/// What a kind may ask and add while its node is resolved.
pub struct Resolve<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// `with:` as written, to find places by pointer.
    pub written: &'a Located,
    /// Text of inputs that were written as literals, by slot.
    pub texts: &'a [(String, String)],
    /// Project files that fill slots, where they are there and can be read.
    pub paths: &'a [(String, PathBuf)],
    /// Problems found so far.
    pub problems: &'a mut Diagnostics,
    /// Files added as inputs: slot and path, which may lie outside the project (fonts, tools).
    pub files: &'a mut Vec<(String, PathBuf)>,
    /// What the answers depended on.
    pub surroundings: &'a mut Surroundings,
}

/// Largest text file that kinds may look into before the run.
const TEXT_LIMIT: u64 = 1 << 20;

impl Resolve<'_> {
    /// Reports a problem at `pointer` in `with:` (`/size`, `/in/clip.mp4`; empty: the whole).
    pub fn problem(&mut self, pointer: &str, code: Code, message: impl Into<String>, help: Option<String>) {
        let span = self.written.span_at(pointer);
        self.problems.push(crate::diagnostic::Diagnostic::error(code, span, message).maybe_help(help));
    }

    /// Adds a file as an input, such as a font: its digest is in the key, and the run finds it under `slot`.
    pub fn file(&mut self, slot: impl Into<String>, path: PathBuf) {
        self.files.push((slot.into(), path));
    }

    /// The project file that fills a slot, if one does, to look into it.
    pub fn path(&mut self, slot: &str) -> Option<PathBuf> {
        let path = self.paths.iter().find(|(name, _)| name == slot).map(|(_, path)| path.clone())?;
        self.surroundings.looked_into.insert(path.clone());
        Some(path)
    }

    /// The text that fills a slot, if it is known before the run: a literal, or a file of the project that is
    /// text of at most 1 MiB.
    pub fn text(&mut self, slot: &str) -> Option<String> {
        if let Some((_, text)) = self.texts.iter().find(|(name, _)| name == slot) {
            return Some(text.clone());
        }
        let path = self.path(slot)?;
        let small = std::fs::metadata(&path).ok()?.len() <= TEXT_LIMIT;
        if small { std::fs::read_to_string(path).ok() } else { None }
    }

    /// Tells that the answer depends on what is in a file.
    pub fn looked_into(&mut self, path: PathBuf) {
        self.surroundings.looked_into.insert(path);
    }

    /// Tells that the answer depends on a place: whether it is there, and what a folder lists.
    pub fn searched(&mut self, place: PathBuf) {
        self.surroundings.places.insert(place);
    }

    /// Tells that the answer depends on an environment variable, and what it is.
    pub fn asked_for(&mut self, name: &str, value: Option<&String>) {
        self.surroundings.env.insert(name.to_owned(), value.cloned());
    }
}

/// One execution on concrete inputs, as the operation sees it.
pub struct Call<'a> {
    /// Canonical parameters.
    pub params: &'a Value,
    /// Artifacts by slot.
    pub inputs: &'a [(String, Vec<InputFile>)],
    /// A private folder, empty at the start, deleted at the end.
    pub scratch: &'a Path,
    /// How far it is, in thousandths; also tells the watchdog that something moves.
    pub progress: &'a (dyn Fn(u16) + Sync),
    /// Whether nobody wants the result any more.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// What drivers call the GPUs that it may use; which ones these are must not change what it makes.
    pub gpus: &'a [String],
}

impl Call<'_> {
    /// The artifacts that fill a slot; empty when the slot is not filled.
    #[must_use]
    pub fn many(&self, slot: &str) -> &[InputFile] {
        // They come in the order of their names; a node may have a hundred thousand.
        let found = self.inputs.binary_search_by(|(name, _)| name.as_str().cmp(slot));
        let found = found.ok().and_then(|index| self.inputs.get(index));
        let found = found.or_else(|| self.inputs.iter().find(|(name, _)| name == slot));
        found.map_or(&[], |(_, files)| files)
    }

    /// The one artifact that fills a slot.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn one(&self, slot: &str) -> Result<&InputFile, Failure> {
        match self.many(slot) {
            [file] => Ok(file),
            files => {
                Err(Failure::new(format!("input `{slot}` has {} artifacts where one is wanted", files.len())))
            }
        }
    }

    /// The bytes of the one artifact that fills a slot.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let file = self.one(slot)?;
        file.read().map(Cow::into_owned).map_err(|error| {
            Failure::of(FailureCode::Machine, format!("cannot read input `{slot}`: {error}"))
        })
    }
}

/// A way of writing a project in other words than `nodes:`, such as `scenes:`.
pub trait FrontEnd: Send + Sync {
    /// The top-level keys it owns, each with its JSON schema.
    fn sections(&self) -> &[(&'static str, Value)];
    /// JSON schema of an output that it makes (an object; a plain path always stands for `{ file: PATH }`).
    fn output_schema(&self) -> Value;
    /// The word for how it makes everything this time, such as `draft`, when that is not what the project says; every
    /// output then has it in its name, so that what the project says is not written over.
    fn manner(&self) -> Option<&'static str> {
        None
    }
    /// From checked sections to nodes. Called whenever one of its sections is there.
    fn compile(&self, project: &FrontProject<'_>, problems: &mut Diagnostics) -> FrontGraph;
}

/// What a front end gets: the sections that are there (checked against their schemas) and all outputs without `from`.
pub struct FrontProject<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// Sections by key, as written.
    pub sections: &'a [(String, Located)],
    /// Keys of those of them in which something is wrong that was reported already. The front end reports what is
    /// wrong with the rest; nothing is made of it.
    pub wrong: &'a [String],
    /// Outputs that the front end must bind.
    pub outputs: &'a [OutputDecl],
}

/// What a front end gives.
#[derive(Debug, Default)]
pub struct FrontGraph {
    /// Nodes, with `with:` in the user's words and places that point at the user's text.
    pub nodes: Vec<NodeDecl>,
    /// For each output, in the order given: the reference that makes it (`${film.mux.video}`), if it could be bound.
    pub bindings: Vec<Option<String>>,
    /// For each output in the same order, where it is a series of files: the references whose artifacts come behind that
    /// of its binding. May be shorter.
    pub series: Vec<Vec<String>>,
    /// For each output in the same order: names of nodes that must succeed before it is placed. May be shorter.
    pub needs: Vec<Vec<String>>,
    /// For each output in the same order: the files that belong to it beside its own. May be shorter.
    pub beside: Vec<Vec<Beside>>,
    /// What the nodes depend on beside the sections; a change in it makes the graph anew.
    pub surroundings: Surroundings,
}

/// A file that belongs to an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Its name, in the folder of the output's own file; like that, before it is told apart by manner.
    pub file: String,
    /// The reference that makes it (`${film.package.sound}`).
    pub from: String,
}
