//! What this project's nodes were the last time: keys, manifests, costs. It knows no graph.
//!
//! `.reel/history` is an append log. A record is `u32 length, 8 bytes of BLAKE3, JSON`, lengths little-endian;
//! whatever does not agree with its digest, and all that follows it, is ignored. A write is one `write` call
//! on a file opened for appending, so that two builds of one project do not tear each other's records. When
//! the log holds four times what is live, it is written anew beside itself and renamed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::key::{ActionKey, Manifest};

/// Below this many bytes a log is not worth compacting.
const SMALL: u64 = 256 << 10;

/// The last known of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its last key.
    pub key: ActionKey,
    /// What went into that key.
    pub manifest: Manifest,
    /// The manifest before, if it was another one.
    pub before: Option<Manifest>,
    /// Wall time of the last run, in microseconds; zero if only hits are known.
    pub cost_micros: u64,
    /// Whether the last build ran it (and not found it).
    pub ran: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    node: String,
    #[serde(flatten)]
    past: Past,
}

/// The history of a project.
#[derive(Debug, Default)]
pub struct History {
    path: PathBuf,
    pasts: BTreeMap<String, Past>,
    log: Option<File>,
    pending: Vec<u8>,
    size: u64,
}

impl History {
    /// Reads the history in a project's `.reel` folder; what is damaged or not there is as if never known.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let path = folder.join("history");
        let bytes = fs::read(&path).unwrap_or_default();
        let mut pasts = BTreeMap::new();
        let mut rest = bytes.as_slice();
        while let Some((line, after)) = record(rest) {
            pasts.insert(line.node, line.past);
            rest = after;
        }
        // A torn tail would hide all that is appended behind it.
        let torn = !rest.is_empty();
        let size = if torn { u64::MAX } else { bytes.len() as u64 };
        Self { path, pasts, log: None, pending: Vec::new(), size }
    }

    /// The last known of a node.
    #[must_use]
    pub fn past(&self, node: &str) -> Option<&Past> {
        self.pasts.get(node)
    }

    /// How long a node took the last time it ran.
    #[must_use]
    pub fn cost(&self, node: &str) -> Option<Duration> {
        let micros = self.past(node)?.cost_micros;
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// All nodes that were ever seen, with their last state.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Past)> {
        self.pasts.iter().map(|(name, past)| (name.as_str(), past))
    }

    /// Notes that a node has this key now. `took` is the wall time if it ran.
    pub fn note(&mut self, node: &str, manifest: Manifest, took: Option<Duration>) {
        let key = manifest.key();
        let old = self.pasts.remove(node);
        let changed = old.as_ref().is_none_or(|past| past.key != key);
        let cost = |past: &Past| past.cost_micros;
        let past = Past {
            key,
            before: if changed {
                old.as_ref().map(|p| p.manifest.clone())
            } else {
                old.as_ref().and_then(|p| p.before.clone())
            },
            manifest,
            cost_micros: took
                .map_or_else(|| old.as_ref().map_or(0, cost), |took| took.as_micros().max(1) as u64),
            ran: took.is_some(),
        };
        if changed || took.is_some() || old.as_ref().is_some_and(|p| p.ran != past.ran) {
            self.pending.extend(encode(node, &past));
        }
        self.pasts.insert(node.to_owned(), past);
    }

    /// Writes what was noted.
    ///
    /// # Errors
    /// When the folder cannot be written; the history is then as it was.
    pub fn save(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() && self.size != u64::MAX {
            return Ok(());
        }
        if self.size == u64::MAX || self.size + pending.len() as u64 > SMALL.max(4 * self.live()) {
            return self.rewrite();
        }
        if self.log.is_none() {
            self.log = Some(OpenOptions::new().create(true).append(true).open(&self.path)?);
        }
        if let Some(log) = &mut self.log {
            log.write_all(&pending)?;
        }
        self.size += pending.len() as u64;
        Ok(())
    }

    /// Forgets nodes that are no longer there.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.pasts.retain(|name, _| keep(name));
    }

    fn live(&self) -> u64 {
        // An estimate that costs nothing: records hardly differ in length.
        self.pasts.len() as u64 * 1024
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        let all: Vec<u8> = self.pasts.iter().flat_map(|(node, past)| encode(node, past)).collect();
        temporary.write_all(&all)?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        self.log = None;
        self.size = all.len() as u64;
        Ok(())
    }
}

fn encode(node: &str, past: &Past) -> Vec<u8> {
    let line = Line { node: node.to_owned(), past: past.clone() };
    // Maps with string keys and plain values always serialise.
    let body = serde_json::to_vec(&line).unwrap_or_default();
    let mut bytes = Vec::with_capacity(body.len() + 12);
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(&Digest::of(&body).as_bytes()[..8]);
    bytes.extend(body);
    bytes
}

fn record(bytes: &[u8]) -> Option<(Line, &[u8])> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let check = bytes.get(4..12)?;
    let body = bytes.get(12..12usize.checked_add(length)?)?;
    if &Digest::of(body).as_bytes()[..8] != check {
        return None;
    }
    Some((serde_json::from_slice(body).ok()?, &bytes[12 + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(version: u32) -> Manifest {
        Manifest::of_kind("text", version)
    }

    #[test]
    fn the_last_two_different_manifests_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut history = History::read(dir.path());
        history.note("a", manifest(1), Some(Duration::from_millis(3)));
        history.note("a", manifest(2), None);
        history.note("a", manifest(2), None);
        history.save().unwrap();
        let again = History::read(dir.path());
        let past = again.past("a").unwrap();
        assert_eq!(past.manifest, manifest(2));
        assert_eq!(past.before, Some(manifest(1)));
        assert_eq!(again.cost("a"), Some(Duration::from_millis(3)));
    }

    #[test]
    fn a_torn_tail_is_ignored_and_mended() {
        let dir = tempfile::tempdir().unwrap();
        let mut history = History::read(dir.path());
        history.note("a", manifest(1), None);
        history.note("b", manifest(1), None);
        history.save().unwrap();
        let path = dir.path().join("history");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let mut history = History::read(dir.path());
        assert!(history.past("a").is_some() && history.past("b").is_none());
        history.note("c", manifest(1), None);
        history.save().unwrap();
        let again = History::read(dir.path());
        assert!(again.past("a").is_some() && again.past("c").is_some());
    }

    #[test]
    fn a_log_that_grows_is_compacted() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let mut history = History::read(dir.path());
            for _ in 0..100 {
                history.note("a", manifest(round), None);
            }
            history.save().unwrap();
            if round % 50 == 0 {
                assert!(fs::metadata(dir.path().join("history")).unwrap().len() < 2 * SMALL);
            }
        }
    }
}
