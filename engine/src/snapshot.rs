//! The compiled project in `.reel/snapshots`: the graph after every expansion, with what came of each node, and the
//! state of every file that any of it depends on. It runs nothing and decides nothing but whether it still holds.
//!
//! A snapshot belongs to a [`SnapshotKey`]: the build of reel, the targets, and all else that a user may say on a
//! command line or in the environment. It is written at the end of a build that has everything, and never changed;
//! what later builds change goes to a log beside it ([`log`]). The last [`KEPT`] are kept, so that a draft and
//! the full film may alternate.
//!
//! # When it holds
//!
//! Every file is looked at again, at every build, several at once: project files and what else the graph was made of,
//! places that were searched, sources, outputs. A file that looks the same and was left alone long enough before it
//! was read ([`FileState::is_quiet`](crate::file_state::FileState::is_quiet)) is the same; any other is read again.
//! The variables that were asked for, the identities of tools and the store's epoch are compared, too.

mod examine;
mod layout;
mod log;
#[cfg(any(test, fuzzing))]
mod torn;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, IntoBytes};

use crate::artifact::Port;
use crate::claim::{Allowance, Claim};
use crate::digest::{Digest, Hasher};
use crate::history::Brief;
use crate::operation::Take;
use crate::output::Whole;
use layout::{Done, FileRecord, Header, MAGIC, NodeRecord, Range, UNSEALED, take};
use log::{FilePatch, Log, NodePatch, beside};

pub use examine::{Changes, Verdict};
#[cfg(any(test, fuzzing))]
pub(crate) use torn::write_torn;
pub use write::{Draft, write};

/// So many snapshots of a project are kept.
const KEPT: usize = 4;
/// The folder of snapshots in `.reel`.
const FOLDER: &str = "snapshots";

/// What a user may say beside the project's files that decides what its graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotKey(Digest);

impl SnapshotKey {
    /// The key of named values, in a fixed order.
    pub fn of<'v>(values: impl IntoIterator<Item = (&'v str, &'v [u8])>) -> Self {
        let mut hasher = Hasher::new();
        for (name, value) in values {
            hasher.field(name, value);
        }
        Self(hasher.finish())
    }

    fn path(&self, state_folder: &Path) -> PathBuf {
        let mut name = self.0.to_string();
        name.truncate(32);
        state_folder.join(FOLDER).join(name + ".snapshot")
    }
}

/// What is said once of a whole project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Outputs, in the order written.
    pub(crate) outputs: Vec<KnownOutput>,
    /// Outputs that are series of files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) series: Vec<Whole>,
    /// Environment variables that were asked for, and their values.
    pub(crate) env: BTreeMap<String, Option<String>>,
    /// Identities of the tools of all nodes.
    pub(crate) tools: BTreeMap<String, String>,
    /// What the store's epoch file held.
    pub(crate) epoch: Option<[u8; 16]>,
    /// The name of the part of the project that was built; `None` for everything.
    pub(crate) part: Option<Digest>,
    /// What the project says of the machine's capacity.
    pub(crate) capacity: Allowance,
}

/// An output whose file is at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownOutput {
    pub(crate) name: String,
    /// Relative to the project.
    pub(crate) file: String,
    /// The node behind it.
    pub(crate) node: u32,
    pub(crate) port: u32,
    /// Nodes that must succeed before it is placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) needs: Vec<u32>,
    /// Its place in the list of files.
    pub(crate) record: u32,
    /// The series that it is a file of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<u32>,
}

/// All that an action needs to run again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeDetail<'a> {
    pub(crate) uses: Cow<'a, str>,
    pub(crate) params: Cow<'a, serde_json::Value>,
    pub(crate) ports: Cow<'a, [Port]>,
    pub(crate) slots: Vec<SlotDetail<'a>>,
    pub(crate) claim: Cow<'a, Claim>,
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) tools: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) take: Option<Cow<'a, Take>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<u64>,
}

/// What fills a slot, expansions seen through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlotDetail<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) feeds: Vec<FeedDetail<'a>>,
}

/// One of possibly many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FeedDetail<'a> {
    /// A port of a node.
    Port(u32, u32),
    /// A file of the list, and as the user wrote it.
    File(u32, Cow<'a, str>),
    /// Text.
    Literal(Cow<'a, str>),
}

/// A snapshot that was read, with its log.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    header: Header,
    pub(crate) meta: Meta,
    files: Vec<FileRecord>,
    head_text: Vec<u8>,
    log: Log,
}

/// The part of a snapshot that only builds with something to do need.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    header: Header,
    patches: BTreeMap<u32, Done>,
}

impl Snapshot {
    /// The snapshot of this key in a project's `.reel`; damaged is as good as none.
    #[must_use]
    pub fn open(state_folder: &Path, key: SnapshotKey) -> Option<Self> {
        let path = key.path(state_folder);
        let mut file = File::open(&path).ok()?;
        let mut start = [0; size_of::<Header>()];
        file.read_exact(&mut start).ok()?;
        let header = Header::read_from_bytes(&start).ok()?;
        if header.magic != MAGIC {
            return None;
        }
        let length = head_length(&header)?;
        let mut head = Vec::new();
        file.take(length).read_to_end(&mut head).ok()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&start[UNSEALED..]).update(&head);
        if hasher.finalize().as_bytes() != &header.head_seal {
            return None;
        }
        let mut rest = head.as_slice();
        let meta = serde_json::from_slice(take::<u8>(&mut rest, header.meta.get())?).ok()?;
        let mut files = take::<FileRecord>(&mut rest, header.files.get())?.to_vec();
        let head_text = rest.to_vec();
        let log = Log::read(beside(&path), Digest::from_bytes(header.head_seal));
        for FilePatch { index, seen } in &log.files {
            files.get_mut(index.get() as usize)?.seen = *seen;
        }
        Some(Self { path, header, meta, files, head_text, log })
    }

    /// How many nodes it knows; all of them have a result.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.header.nodes.get() as usize
    }

    /// Names and places of outputs, relative to the project, a series as one.
    pub fn outputs(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut last = None;
        self.meta.outputs.iter().filter_map(move |output| {
            let Some(index) = output.of else { return Some((output.name.as_str(), output.file.as_str())) };
            // The files of a series stand beside each other.
            let again = last.replace(index) == Some(index);
            let series = self.meta.series.get(index as usize).filter(|_| !again)?;
            Some((series.name.as_str(), series.file.as_str()))
        })
    }

    /// What the project says of the machine's capacity.
    #[must_use]
    pub const fn capacity(&self) -> &Allowance {
        &self.meta.capacity
    }

    /// Whether some tool's identity must be compared.
    #[must_use]
    pub fn uses_tools(&self) -> bool {
        !self.meta.tools.is_empty()
    }

    fn file_path(&self, record: &FileRecord) -> Option<&Path> {
        let bytes = record.path.of(&self.head_text)?;
        Some(Path::new(std::ffi::OsStr::from_bytes(bytes)))
    }

    /// A file by its place in the list.
    pub(crate) fn file(&self, index: u32) -> Option<&Path> {
        self.file_path(self.files.get(index as usize)?)
    }

    /// Sources, and how they were.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&Path, crate::cache::Known)> {
        let sources = self.files.iter().filter(|record| record.role() != layout::Role::Place);
        sources.filter_map(|record| Some((self.file_path(record)?, record.seen.known())))
    }

    /// Files whose content counts, with its digest; outputs are not among them.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&Path, Digest)> {
        let read =
            |record: &&FileRecord| matches!(record.role(), layout::Role::Source | layout::Role::LookedInto);
        let known = |record| Some((self.file_path(record)?, record.seen.known().digest));
        self.files.iter().filter(read).filter_map(known)
    }

    /// Places that were searched.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Path> {
        let searched = self.files.iter().filter(|record| record.role() == layout::Role::Place);
        searched.filter_map(|record| self.file_path(record))
    }

    /// How a file was.
    pub(crate) fn file_known(&self, index: u32) -> Option<crate::cache::Known> {
        self.files.get(index as usize).map(|record| record.seen.known())
    }

    /// The rest of it; `None` when it is damaged.
    pub(crate) fn body(&self) -> Option<Body> {
        let bytes = fs::read(&self.path).ok()?;
        let start = size_of::<Header>() + usize::try_from(head_length(&self.header)?).ok()?;
        // Another build may have replaced the file meanwhile.
        let same = bytes.get(..size_of::<Header>())? == self.header.as_bytes();
        let body = bytes.get(start..)?;
        let sealed = blake3::Hasher::new().update_rayon(body).finalize();
        if !same || sealed.as_bytes() != &self.header.body_seal {
            return None;
        }
        let patches = self.log.nodes.iter().map(|NodePatch { index, done }| (index.get(), *done)).collect();
        Some(Body { bytes: body.to_vec(), header: self.header, patches })
    }

    /// Notes how a build ended that had everything: files that were seen again, and nodes with other results.
    ///
    /// # Errors
    /// When the log cannot be written; the next build then does again what this one did, and finds it in the cache.
    pub(crate) fn note(
        &self,
        files: &[(u32, crate::cache::Known)],
        nodes: &[(u32, Brief)],
    ) -> std::io::Result<()> {
        let files: Vec<FilePatch> = files
            .iter()
            .map(|(index, known)| FilePatch { index: (*index).into(), seen: (*known).into() })
            .collect();
        let nodes: Vec<NodePatch> = nodes
            .iter()
            .map(|(index, brief)| NodePatch { index: (*index).into(), done: (*brief).into() })
            .collect();
        let length = self.log.len() + files.len() + nodes.len();
        if self.log.is_torn || length > (self.files.len() + self.nodes()).max(64) {
            // It would not count, or be longer than what it patches: the next build writes all of it anew.
            return fs::remove_file(&self.path);
        }
        self.log.append(&files, &nodes)
    }
}

fn head_length(header: &Header) -> Option<u64> {
    let files = header.files.get().checked_mul(size_of::<FileRecord>() as u64)?;
    header.meta.get().checked_add(files)?.checked_add(header.head_text.get())
}

impl Body {
    fn parts(&self) -> Option<Parts<'_>> {
        let mut rest = self.bytes.as_slice();
        let nodes = take(&mut rest, self.header.nodes.get())?;
        let edges = take(&mut rest, self.header.edges.get())?;
        let uses = take(&mut rest, self.header.uses.get())?;
        let text = take(&mut rest, self.header.body_text.get())?;
        rest.is_empty().then_some(Parts { nodes, edges, uses, text })
    }

    /// What lies in it; `None` when its lengths do not agree.
    pub(crate) fn view(&self) -> Option<View<'_>> {
        Some(View { parts: self.parts()?, patches: &self.patches })
    }
}

#[derive(Clone, Copy)]
struct Parts<'b> {
    nodes: &'b [NodeRecord],
    edges: &'b [zerocopy::little_endian::U32],
    uses: &'b [zerocopy::little_endian::U32],
    text: &'b [u8],
}

/// Nodes by their number.
#[derive(Clone, Copy)]
pub(crate) struct View<'b> {
    parts: Parts<'b>,
    patches: &'b BTreeMap<u32, Done>,
}

impl<'b> View<'b> {
    pub(crate) fn count(&self) -> u32 {
        self.parts.nodes.len() as u32
    }

    fn record(&self, index: u32) -> Option<&'b NodeRecord> {
        self.parts.nodes.get(index as usize)
    }

    fn text(&self, range: Range) -> Option<&'b [u8]> {
        range.of(self.parts.text)
    }

    /// The name of a node.
    pub(crate) fn name(&self, index: u32) -> Option<&'b str> {
        std::str::from_utf8(self.text(self.record(index)?.name)?).ok()
    }

    /// What it is made of.
    pub(crate) fn detail(&self, index: u32) -> Option<NodeDetail<'static>> {
        serde_json::from_slice(self.text(self.record(index)?.detail)?).ok()
    }

    /// The same of a node that is done: what its artifacts are known by, and no more.
    pub(crate) fn brief_detail(&self, index: u32) -> Option<NodeDetail<'static>> {
        #[derive(Deserialize)]
        struct Known {
            uses: String,
            ports: Vec<Port>,
        }
        let Known { uses, ports } = serde_json::from_slice(self.text(self.record(index)?.detail)?).ok()?;
        Some(NodeDetail { uses: uses.into(), ports: ports.into(), ..NodeDetail::default() })
    }

    /// The name of its kind, without reading all of its detail.
    pub(crate) fn kind(&self, index: u32) -> Option<String> {
        #[derive(Deserialize)]
        struct Kind {
            uses: String,
        }
        serde_json::from_slice::<Kind>(self.text(self.record(index)?.detail)?).ok().map(|kind| kind.uses)
    }

    /// Nodes that it awaits, expansions seen through.
    pub(crate) fn awaits(&self, index: u32) -> Option<impl Iterator<Item = u32> + 'b> {
        let range = self.record(index)?.awaits;
        Some(range.of(self.parts.edges)?.iter().map(|edge| edge.get()))
    }

    /// Files that it reads.
    pub(crate) fn uses(&self, index: u32) -> Option<impl Iterator<Item = u32> + 'b> {
        let range = self.record(index)?.uses;
        Some(range.of(self.parts.uses)?.iter().map(|file| file.get()))
    }

    /// Whether it may make more graph.
    pub(crate) fn expands(&self, index: u32) -> bool {
        self.record(index).is_none_or(NodeRecord::expands)
    }

    /// What came of it.
    pub(crate) fn done(&self, index: u32) -> Option<Brief> {
        self.patches.get(&index).or_else(|| Some(&self.record(index)?.done))?.brief()
    }
}
