//! What changed since a snapshot was written: batches that are appended beside it. It knows no graph.
//!
//! A batch is `u64 length, 32 bytes chain, u32 files, u32 nodes, FilePatch × files, NodePatch × nodes, 32 bytes
//! seal`, numbers little-endian. Its chain is the seal of the batch before it, or of the snapshot's head: a batch
//! that two builds wrote at once on the same base, and all that follows it, is ignored, so what is believed is
//! always the state at the end of one build.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::layout::{Done, Seen, take};
use crate::digest::Digest;

/// A file that was seen again.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct FilePatch {
    pub(super) index: U32,
    pub(super) seen: Seen,
}

/// A node that has another result.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct NodePatch {
    pub(super) index: U32,
    pub(super) done: Done,
}

/// The log of one snapshot.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// Seal of the last batch that counts.
    chain: Digest,
    /// Whether something is behind it that does not count: then nothing that is added will.
    pub(super) is_torn: bool,
    /// All batches that count.
    pub(super) files: Vec<FilePatch>,
    pub(super) nodes: Vec<NodePatch>,
}

impl Log {
    /// Reads the log beside a snapshot whose head has this seal.
    pub(super) fn read(path: PathBuf, base: Digest) -> Self {
        let bytes = fs::read(&path).unwrap_or_default();
        let mut log = Self { path, chain: base, is_torn: false, files: Vec::new(), nodes: Vec::new() };
        let mut rest = bytes.as_slice();
        while log.batch(&mut rest).is_some() {}
        log.is_torn = !rest.is_empty();
        log
    }

    fn batch(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (batch, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let (content, seal) = batch.split_last_chunk::<32>()?;
        let sealed = Digest::of(content);
        let (chain, content) = content.split_first_chunk::<32>()?;
        if sealed.as_bytes() != seal || chain != self.chain.as_bytes() {
            return None;
        }
        let mut content = content;
        let counts = take::<U32>(&mut content, 2)?;
        let files = take::<FilePatch>(&mut content, u64::from(counts[0].get()))?;
        let nodes = take::<NodePatch>(&mut content, u64::from(counts[1].get()))?;
        self.files.extend(files);
        self.nodes.extend(nodes);
        self.chain = sealed;
        *bytes = rest;
        Some(())
    }

    /// Adds a batch, in one write.
    pub(super) fn append(&self, files: &[FilePatch], nodes: &[NodePatch]) -> io::Result<()> {
        let mut content = self.chain.as_bytes().to_vec();
        content.extend((files.len() as u32).to_le_bytes());
        content.extend((nodes.len() as u32).to_le_bytes());
        content.extend(files.as_bytes());
        content.extend(nodes.as_bytes());
        let seal = Digest::of(&content);
        let mut bytes = (content.len() as u64 + 32).to_le_bytes().to_vec();
        bytes.extend(content);
        bytes.extend(seal.as_bytes());
        OpenOptions::new().create(true).append(true).open(&self.path)?.write_all(&bytes)
    }

    /// How many patches count.
    pub(super) fn len(&self) -> usize {
        self.files.len() + self.nodes.len()
    }
}

/// A log of batches that may be anything, each behind its length, with right chains and seals.
#[cfg(any(test, fuzzing))]
pub(super) fn sealed(mut chain: Digest, mut batches: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    while let Some((length, rest)) = batches.split_first_chunk::<4>() {
        let (batch, rest) = rest.split_at((u32::from_le_bytes(*length) as usize).min(rest.len()));
        let content = [chain.as_bytes().as_slice(), batch].concat();
        chain = Digest::of(&content);
        log.extend((content.len() as u64 + 32).to_le_bytes());
        log.extend(content);
        log.extend(chain.as_bytes());
        batches = rest;
    }
    log
}

/// The log's name beside the snapshot's.
pub(super) fn beside(snapshot: &Path) -> PathBuf {
    snapshot.with_extension("log")
}
