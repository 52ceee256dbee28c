//! What the cache keeps of an action, and its encoding in a record. It knows no database and no files.
//!
//! # The encoding of a record's body
//!
//! Numbers are little-endian, text and bytes are preceded by a `u32` length. `u32` number of artifacts, each:
//! port, 32 bytes BLAKE3, `u64` size, media type, then `0` and the bytes, or `1`, 32 bytes SHA-256, `i64`
//! modification time in nanoseconds and `u64` inode. Then the subgraph as JSON (empty for none) and the log.
//! Anything that does not read back exactly is no record.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::operation::Subgraph;

/// Outputs up to this many bytes live inside their record.
pub const INLINE_LIMIT: u64 = 16 << 10;
/// A log is cut to this many bytes; its end is kept.
pub const LOG_LIMIT: usize = 64 << 10;

/// A successful action, as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionResult {
    /// Its action key.
    pub key: Digest,
    /// The kind that ran.
    pub kind: String,
    /// What it took, in microseconds of wall time.
    pub cost_micros: u64,
    /// When it was recorded, in seconds since 1970.
    pub created: u64,
    /// What it made, in the order it made it.
    pub artifacts: Vec<Stored>,
    /// More graph, from kinds that expand.
    pub graph: Option<Subgraph>,
    /// What it said, at most [`LOG_LIMIT`] bytes.
    pub log: String,
}

impl ActionResult {
    /// Bytes of all artifacts together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.artifacts.iter().map(|stored| stored.artifact.size).sum()
    }

    /// The artifact of a port.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<&Stored> {
        self.artifacts.iter().find(|stored| stored.port == name)
    }
}

/// An artifact and where the cache has its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The action that made it; dropped with it when its bytes are gone.
    pub key: Digest,
    /// The port it came from.
    pub port: String,
    /// Digest, size and type.
    pub artifact: Artifact,
    /// Where the bytes are.
    pub place: Place,
}

/// Where bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the record.
    Inline(Arc<[u8]>),
    /// In the store of blobs.
    Blob(BlobState),
}

/// A blob as it was when it was last known to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobState {
    /// SHA-256 of its bytes, which is its name in the store.
    pub sha256: [u8; 32],
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Inode.
    pub inode: u64,
    /// False when a power cut may have come between writing it and now: then only hashing tells.
    pub settled: bool,
}

/// How early a result goes when room is needed, before its cost and last use are asked for: in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// It only puts other results together, which are there.
    Assembled,
    /// It was made here.
    #[default]
    Made,
    /// Somebody was paid for it.
    Paid,
}

impl Rank {
    /// As it is in a record.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Assembled => 0,
            Self::Made => 1,
            Self::Paid => 2,
        }
    }

    /// From a record; whatever is not known was made here.
    pub(super) const fn of(number: i64) -> Self {
        match number {
            0 => Self::Assembled,
            2 => Self::Paid,
            _ => Self::Made,
        }
    }
}

/// What a caller tells about a run besides its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The kind that ran.
    pub kind: String,
    /// Wall time in microseconds.
    pub cost_micros: u64,
    /// How early it goes when room is needed.
    pub rank: Rank,
    /// Everything behind the key, in the caller's own form.
    pub manifest: Vec<u8>,
}

/// A log of at most [`LOG_LIMIT`] bytes: the end, with a word on what is left out.
pub(super) fn bounded_log(mut log: String) -> String {
    if log.len() <= LOG_LIMIT {
        return log;
    }
    let mut from = log.len() - (LOG_LIMIT - 64);
    while !log.is_char_boundary(from) {
        from += 1;
    }
    let kept = log.split_off(from);
    format!("[{from} bytes left out]\n{kept}")
}

/// The body of a record.
pub(super) fn encode(artifacts: &[Stored], graph: Option<&Subgraph>, log: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend((artifacts.len() as u32).to_le_bytes());
    for stored in artifacts {
        put_bytes(&mut out, stored.port.as_bytes());
        out.extend(stored.artifact.digest.as_bytes());
        out.extend(stored.artifact.size.to_le_bytes());
        put_bytes(&mut out, stored.artifact.media.as_bytes());
        match &stored.place {
            Place::Inline(bytes) => {
                out.push(0);
                put_bytes(&mut out, bytes);
            }
            Place::Blob(blob) => {
                out.push(1);
                out.extend(blob.sha256);
                out.extend(blob.mtime_ns.to_le_bytes());
                out.extend(blob.inode.to_le_bytes());
            }
        }
    }
    // A subgraph is names and plain JSON values, which always have a JSON form.
    let graph = graph.and_then(|graph| serde_json::to_vec(graph).ok());
    put_bytes(&mut out, graph.as_deref().unwrap_or_default());
    put_bytes(&mut out, log.as_bytes());
    out
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

/// Artifacts, subgraph and log of a body.
pub(super) type Decoded = (Vec<Stored>, Option<Subgraph>, String);

/// Reads a body back; `None` unless every byte makes sense. `settled` is put into each blob.
pub(super) fn decode(key: Digest, body: &[u8], settled: bool) -> Option<Decoded> {
    let mut reader = Reader(body);
    let count = reader.u32()?;
    let mut artifacts = Vec::new();
    for _ in 0..count {
        artifacts.push(reader.stored(key, settled)?);
    }
    let graph = match reader.bytes()? {
        [] => None,
        json => Some(serde_json::from_slice(json).ok()?),
    };
    let log = reader.text()?;
    reader.0.is_empty().then_some((artifacts, graph, log))
}

/// Reads a body that may be anything; whatever it gives is what would be written again.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_body(body: &[u8]) {
    let key = Digest::of(b"");
    if let Some((artifacts, graph, log)) = decode(key, body, true) {
        let again = encode(&artifacts, graph.as_ref(), &log);
        assert_eq!(decode(key, &again, true), Some((artifacts, graph, log)));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()? as usize;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn stored(&mut self, key: Digest, settled: bool) -> Option<Stored> {
        let port = self.text()?;
        let digest = Digest::from_bytes(self.array()?);
        let size = u64::from_le_bytes(self.array()?);
        let media = self.text()?;
        let place = match self.array::<1>()? {
            [0] => Place::Inline(self.bytes()?.into()),
            [1] => Place::Blob(BlobState {
                sha256: self.array()?,
                mtime_ns: i64::from_le_bytes(self.array()?),
                inode: u64::from_le_bytes(self.array()?),
                settled,
            }),
            _ => return None,
        };
        let artifact = Artifact { digest, size, media };
        Some(Stored { key, port, artifact, place })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::operation::SubNode;

    fn sample() -> (Digest, Vec<Stored>, Subgraph) {
        let key = Digest::of(b"key");
        let stored = |port: &str, place| Stored {
            key,
            port: port.into(),
            artifact: Artifact { digest: Digest::of(b"abc"), size: 3, media: "text/plain".into() },
            place,
        };
        let blob = BlobState { sha256: [7; 32], mtime_ns: -5, inode: u64::MAX, settled: true };
        let graph = Subgraph {
            nodes: vec![SubNode {
                name: "encode.1".into(),
                uses: "encode".into(),
                with: serde_json::json!({ "a": [1, "ü"] }),
            }],
            ports: BTreeMap::from([("video".into(), vec!["${encode.1.video}".into()])]),
        };
        (
            key,
            vec![stored("text", Place::Inline(b"abc".as_slice().into())), stored("video", Place::Blob(blob))],
            graph,
        )
    }

    #[test]
    fn a_body_reads_back() {
        let (key, artifacts, graph) = sample();
        let body = encode(&artifacts, Some(&graph), "said");
        assert_eq!(decode(key, &body, true), Some((artifacts, Some(graph), "said".into())));
    }

    #[test]
    fn a_body_cut_short_or_with_more_behind_it_is_none() {
        let (key, artifacts, graph) = sample();
        let mut body = encode(&artifacts, Some(&graph), "said");
        for end in 0..body.len() {
            assert_eq!(decode(key, &body[..end], true), None, "cut at {end}");
        }
        body.push(0);
        assert_eq!(decode(key, &body, true), None);
    }

    #[test]
    fn a_long_log_keeps_its_end() {
        let log = bounded_log("é".repeat(LOG_LIMIT) + "the end");
        assert!(log.len() <= LOG_LIMIT && log.ends_with("the end"), "{}", log.len());
        assert!(log.starts_with('['));
        assert_eq!(bounded_log("short".into()), "short");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(Digest::of(b""), &body, false);
        }
    }
}
