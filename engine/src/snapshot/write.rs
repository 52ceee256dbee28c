//! Writing a snapshot at the end of a build that has everything. What cannot be known for sure is not written.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

use super::layout::{Done, FileRecord, Header, MAGIC, NodeRecord, Range, Role, Seen, UNSEALED};
use super::log::beside;
use super::{FOLDER, FeedDetail, KEPT, KnownOutput, Meta, NodeDetail, SlotDetail, SnapshotKey};
use crate::cache::{Epoch, FileStates};
use crate::claim::Allowance;
use crate::digest::Digest;
use crate::file_state::FileState;
use crate::graph::{Feed, Graph, SourceFile};
use crate::history::Brief;
use crate::id::NodeId;
use crate::output::Output;

/// So many nodes are written together.
const TOGETHER: usize = 4096;

/// What a snapshot is written of.
pub struct Draft<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// The graph with all expansions.
    pub graph: &'a Graph,
    /// Wanted nodes in the order they were made, and what came of each.
    pub nodes: &'a [(NodeId, Brief)],
    /// Outputs, all of them at their places.
    pub outputs: &'a [Output],
    /// Files of the project that were parsed, with the digest of the text that was.
    pub parsed: &'a [(PathBuf, Digest)],
    /// Identities of tools.
    pub tools: &'a BTreeMap<String, String>,
    /// What is known of files.
    pub files: &'a FileStates,
    /// What the store's epoch file held when the build began.
    pub epoch: Option<Epoch>,
    /// The name of the part of the project that was built; `None` for everything.
    pub part: Option<Digest>,
    /// What the project says of the machine's capacity.
    pub capacity: &'a Allowance,
    /// Where the clock of the file system may be read off.
    pub marker: &'a Path,
}

/// Writes a snapshot into a project's `.reel`, and removes those that are too many. Nothing is written when it is
/// not sure that every file is what the build saw.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(state_folder: &Path, key: SnapshotKey, draft: &Draft<'_>) -> io::Result<()> {
    let Some(bytes) = Writer::new(draft).and_then(Writer::finish) else { return Ok(()) };
    let path = key.path(state_folder);
    let folder = state_folder.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(&folder)?;
    temporary.write_all(&bytes)?;
    temporary.persist(&path).map_err(|error| error.error)?;
    // A log of the one before has another chain and is ignored; it may go.
    let _ = fs::remove_file(beside(&path));
    keep_some(&folder);
    Ok(())
}

/// Removes all but the youngest.
fn keep_some(folder: &Path) {
    let mut all: Vec<(std::time::SystemTime, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "snapshot"))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    all.sort_unstable();
    for (_, path) in all.iter().rev().skip(KEPT) {
        // Another build may have done so.
        let _ = fs::remove_file(path);
        let _ = fs::remove_file(beside(path));
    }
}

struct Writer<'a> {
    draft: &'a Draft<'a>,
    meta: Meta,
    files: Vec<FileRecord>,
    by_path: HashMap<PathBuf, u32>,
    head_text: Vec<u8>,
    /// Number by [`NodeId`]; `u32::MAX` for nodes that nobody wants.
    numbers: Vec<u32>,
    nodes: Vec<NodeRecord>,
    edges: Vec<U32>,
    uses: Vec<U32>,
    body_text: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(draft: &'a Draft<'a>) -> Option<Self> {
        if draft.files.wavered() {
            return None;
        }
        let mut numbers = vec![u32::MAX; draft.graph.len()];
        for (number, (id, ..)) in draft.nodes.iter().enumerate() {
            numbers[id.index()] = number as u32;
        }
        let mut writer = Self {
            draft,
            meta: Meta {
                epoch: draft.epoch.map(|epoch| *epoch.as_bytes()),
                part: draft.part,
                capacity: draft.capacity.clone(),
                ..Meta::default()
            },
            files: Vec::new(),
            by_path: HashMap::new(),
            head_text: Vec::new(),
            numbers,
            nodes: Vec::with_capacity(draft.nodes.len()),
            edges: Vec::new(),
            uses: Vec::new(),
            body_text: Vec::new(),
        };
        writer.surroundings()?;
        for nodes in draft.nodes.chunks(TOGETHER) {
            writer.nodes(nodes)?;
        }
        writer.outputs()?;
        Some(writer)
    }

    /// What the graph was made of. It was looked at before it could be hashed, so only what was left alone long
    /// enough is surely the same; of texts that were parsed the digest is known.
    fn surroundings(&mut self) -> Option<()> {
        let draft = self.draft;
        for (path, parsed) in draft.parsed {
            let (digest, _) = draft.files.digest_of(path).ok()?;
            (digest == *parsed).then_some(())?;
            self.file(path, Role::LookedInto)?;
        }
        let surroundings = draft.graph.surroundings();
        for path in &surroundings.looked_into {
            draft.files.digest_of(path).ok()?;
            draft.files.known(path)?.trusted.then_some(())?;
            self.file(path, Role::LookedInto)?;
        }
        let marker = FileState::mark(draft.marker).ok()?;
        for path in &surroundings.places {
            let state = FileState::of(path).ok();
            state.is_none_or(|state| state.is_quiet(&marker)).then_some(())?;
            self.add(path, Seen::place(state), Role::Place);
        }
        self.meta.env.clone_from(&surroundings.env);
        Some(())
    }

    fn file(&mut self, path: &Path, role: Role) -> Option<u32> {
        if let Some(index) = self.by_path.get(path) {
            return Some(*index);
        }
        let known = self.draft.files.known(path)?;
        Some(self.add(path, known.into(), role))
    }

    fn add(&mut self, path: &Path, seen: Seen, role: Role) -> u32 {
        let index = self.files.len() as u32;
        let text = push(&mut self.head_text, path.as_os_str().as_bytes());
        self.files.push(FileRecord::new(text, seen, role));
        self.by_path.insert(path.to_owned(), index);
        index
    }

    /// Adds nodes. What is long of them is written by several threads.
    fn nodes(&mut self, nodes: &[(NodeId, Brief)]) -> Option<()> {
        let details = nodes.iter().map(|(id, _)| self.detail(*id)).collect::<Option<Vec<_>>>()?;
        let texts: Vec<_> = details.par_iter().map(|(detail, _)| serde_json::to_vec(detail).ok()).collect();
        for (((id, brief), (_, around)), text) in nodes.iter().zip(&details).zip(texts) {
            self.node(*id, (*brief).into(), &text?, *around)?;
        }
        Some(())
    }

    fn node(&mut self, id: NodeId, done: Done, detail: &[u8], (awaits, uses): (Range, Range)) -> Option<()> {
        let node = self.draft.graph.node(id);
        for tool in &node.tools {
            let identity = self.draft.tools.get(tool)?;
            self.meta.tools.entry(tool.clone()).or_insert_with(|| identity.clone());
        }
        let name = push(&mut self.body_text, node.name.as_bytes());
        let detail = push(&mut self.body_text, detail);
        self.nodes.push(NodeRecord::new(name, detail, awaits, uses, done, node.operation.info().expands));
        // Larger than any number in a record.
        (self.body_text.len() < u32::MAX as usize).then_some(())
    }

    /// What is long of a node, and where its edges and files are now.
    fn detail(&mut self, id: NodeId) -> Option<(NodeDetail<'a>, (Range, Range))> {
        let node = self.draft.graph.node(id);
        let (edges, uses) = (self.edges.len(), self.uses.len());
        for from in self.draft.graph.awaits(id) {
            self.edges.push(self.number(from)?.into());
        }
        let mut slots = Vec::with_capacity(node.slots.len());
        for slot in node.slots.iter().filter(|slot| !slot.through) {
            let mut feeds = Vec::with_capacity(slot.feeds.len());
            for feed in &slot.feeds {
                self.feed(feed, &mut feeds)?;
            }
            slots.push(SlotDetail { name: (&slot.name).into(), feeds });
        }
        let detail = NodeDetail {
            uses: node.kind().into(),
            params: Cow::Borrowed(&*node.params),
            ports: (&node.ports).into(),
            slots,
            claim: Cow::Borrowed(&node.claim),
            tools: (&node.tools).into(),
            take: node.take.as_ref().map(Cow::Borrowed),
            timeout: node.timeout,
        };
        let awaits = Range::new(edges, self.edges.len() - edges);
        Some((detail, (awaits, Range::new(uses, self.uses.len() - uses))))
    }

    fn feed(&mut self, feed: &'a Feed, feeds: &mut Vec<FeedDetail<'a>>) -> Option<()> {
        match feed {
            Feed::Literal(text) => feeds.push(FeedDetail::Literal((&**text).into())),
            Feed::File(file) => {
                let file = self.draft.graph.file(*file);
                let index = self.file(&file.path, Role::Source)?;
                self.way_to(file)?;
                self.uses.push(index.into());
                feeds.push(FeedDetail::File(index, (&file.shown).into()));
            }
            Feed::Port(from, port) => {
                for (node, port) in self.draft.graph.behind(*from, *port) {
                    feeds.push(FeedDetail::Port(self.number(node)?, port));
                }
            }
        }
        Some(())
    }

    /// A link of the project may lead somewhere else tomorrow: it is looked at beside the file it leads to.
    fn way_to(&mut self, file: &SourceFile) -> Option<()> {
        for written in file.ways(self.draft.root) {
            if self.by_path.contains_key(&written) {
                continue;
            }
            let state = FileState::of(&written).ok()?;
            // It led there when the file was read.
            (state == self.draft.files.known(&file.path)?.state).then_some(())?;
            self.add(&written, Seen::place(Some(state)), Role::Place);
        }
        Some(())
    }

    fn number(&self, id: NodeId) -> Option<u32> {
        self.numbers.get(id.index()).copied().filter(|number| *number != u32::MAX)
    }

    fn outputs(&mut self) -> Option<()> {
        for output in self.draft.outputs {
            let needs = self.needs(output)?;
            let files = output.files(self.draft.graph);
            let of = files.first().and_then(|first| first.of.as_deref()).map(|whole| {
                self.meta.series.push(whole.clone());
                self.meta.series.len() as u32 - 1
            });
            // A series without files would not be told of.
            (!files.is_empty()).then_some(())?;
            for output in files {
                let path = self.draft.root.join(&output.file);
                // A file that is both written and read is not for a snapshot.
                (!self.by_path.contains_key(&path)).then_some(())?;
                let record = self.file(&path, Role::Output)?;
                let (node, port) = (self.number(output.node)?, output.port);
                let (name, file, needs) = (output.name, output.file, needs.clone());
                self.meta.outputs.push(KnownOutput { name, file, node, port, needs, record, of });
            }
        }
        Some(())
    }

    /// All that must succeed before an output is placed.
    fn needs(&self, output: &Output) -> Option<Vec<u32>> {
        let needed = output.needs.iter().flat_map(|node| self.draft.graph.whole(*node));
        needed.map(|node| self.number(node)).collect()
    }

    fn finish(self) -> Option<Vec<u8>> {
        let meta = serde_json::to_vec(&self.meta).ok()?;
        let mut header = Header {
            magic: MAGIC,
            head_seal: [0; 32],
            body_seal: [0; 32],
            meta: (meta.len() as u64).into(),
            files: (self.files.len() as u64).into(),
            head_text: (self.head_text.len() as u64).into(),
            nodes: (self.nodes.len() as u64).into(),
            edges: (self.edges.len() as u64).into(),
            uses: (self.uses.len() as u64).into(),
            body_text: (self.body_text.len() as u64).into(),
        };
        let head = [meta.as_slice(), self.files.as_bytes(), &self.head_text];
        let body = [self.nodes.as_bytes(), self.edges.as_bytes(), self.uses.as_bytes(), &self.body_text];
        header.body_seal = seal(body.into_iter());
        let sealed = header;
        header.head_seal = seal([&sealed.as_bytes()[UNSEALED..]].into_iter().chain(head));
        let mut bytes = header.as_bytes().to_vec();
        for part in head.into_iter().chain(body) {
            bytes.extend(part);
        }
        Some(bytes)
    }
}

fn seal<'p>(parts: impl Iterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

fn push(text: &mut Vec<u8>, piece: &[u8]) -> Range {
    let range = Range::new(text.len(), piece.len());
    text.extend(piece);
    range
}
