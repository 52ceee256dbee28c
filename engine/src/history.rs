//! What this project's nodes were the last time: keys, manifests, costs. It knows no graph.
//!
//! `.reel/history` is an append log. A record is `u32 length, 8 bytes of BLAKE3 (of the format's name and the
//! body), body`; a body is `u32 length, name of the node, 32 bytes of its key, u64 microseconds, u64 build, u8 how
//! it came, u32 length, manifest as JSON, manifest before as JSON or nothing`; numbers are little-endian. Manifests
//! are read only when somebody asks why: a build that runs nothing needs the keys alone. Whatever does not agree
//! with its digest (a record of an older format among it), and all that follows it, is ignored. A write is one
//! `write` call on a file opened for appending, so that two builds of one project do not tear each other's
//! records. When the log holds four times what is live, it is written anew beside itself and renamed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::digest::Digest;
use crate::key::{ActionKey, Manifest};

/// Below this many bytes a log is not worth compacting.
const SMALL: u64 = 256 << 10;
/// The name of the format, in the digest of each record.
const FORMAT: &[u8] = b"reel history 2\n";

/// How a build came to the result of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It was found in the cache.
    Found,
    /// It ran, because its key was not what it had been, or it was new.
    Ran,
    /// It ran with the key that it had before: the result was gone from the cache.
    RanAgain,
}

impl Came {
    /// Whether an action ran for it.
    #[must_use]
    pub const fn ran(self) -> bool {
        matches!(self, Self::Ran | Self::RanAgain)
    }
}

/// The last known of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its last key.
    pub key: ActionKey,
    /// Wall time of the last run, in microseconds; zero if only hits are known.
    pub cost_micros: u64,
    /// The build in which it last ran or got another key: builds that change something are counted from 1.
    pub build: u64,
    /// How that build came to its result.
    pub came: Came,
    manifest: Vec<u8>,
    before: Vec<u8>,
}

impl Past {
    /// What went into its last key.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        // It was written by this code and agrees with its digest.
        serde_json::from_slice(&self.manifest).unwrap_or_default()
    }

    /// The manifest before that, if it was another one.
    #[must_use]
    pub fn before(&self) -> Option<Manifest> {
        serde_json::from_slice(&self.before).ok()
    }
}

/// The history of a project.
#[derive(Debug, Default)]
pub struct History {
    path: PathBuf,
    pasts: BTreeMap<String, Past>,
    log: Option<File>,
    pending: Vec<u8>,
    size: u64,
    /// The number of this build, should it change anything.
    build: u64,
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
            pasts.insert(line.0, line.1);
            rest = after;
        }
        // A torn tail would hide all that is appended behind it.
        let torn = !rest.is_empty();
        let size = if torn { u64::MAX } else { bytes.len() as u64 };
        let build = pasts.values().map(|past: &Past| past.build).max().unwrap_or(0) + 1;
        Self { path, pasts, log: None, pending: Vec::new(), size, build }
    }

    /// The number of the last build that ran anything or gave a node another key; 0 if there was none.
    #[must_use]
    pub const fn last_build(&self) -> u64 {
        self.build.saturating_sub(1)
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
    pub fn note(&mut self, node: &str, manifest: &Manifest, took: Option<Duration>) {
        let key = manifest.key();
        let old = self.pasts.get(node);
        let same = old.is_some_and(|past| past.key == key);
        if took.is_none() && same {
            return;
        }
        // Names and texts always serialise.
        let own = serde_json::to_vec(manifest).unwrap_or_default();
        let before = match old {
            Some(past) if past.key == key => past.before.clone(),
            Some(past) => past.manifest.clone(),
            None => Vec::new(),
        };
        let cost = took.map(|took| took.as_micros().max(1) as u64);
        let cost_micros = cost.or_else(|| old.map(|past| past.cost_micros)).unwrap_or(0);
        // What was lost and made again within one build still ran for what had changed.
        let just_ran = old.is_some_and(|past| past.build == self.build && past.came == Came::Ran);
        let came = match (took, same) {
            (None, _) => Came::Found,
            (Some(_), true) if !just_ran => Came::RanAgain,
            (Some(_), _) => Came::Ran,
        };
        let past = Past { key, cost_micros, came, build: self.build, manifest: own, before };
        self.pending.extend(encode(node, &past));
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
    let mut body = Vec::with_capacity(past.manifest.len() + past.before.len() + node.len() + 64);
    body.extend((node.len() as u32).to_le_bytes());
    body.extend(node.as_bytes());
    body.extend(past.key.0.as_bytes());
    body.extend(past.cost_micros.to_le_bytes());
    body.extend(past.build.to_le_bytes());
    body.push(past.came as u8);
    body.extend((past.manifest.len() as u32).to_le_bytes());
    body.extend(&past.manifest);
    body.extend(&past.before);
    let mut bytes = Vec::with_capacity(body.len() + 12);
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(check(&body));
    bytes.extend(body);
    bytes
}

fn check(body: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&Digest::of(&[FORMAT, body].concat()).as_bytes()[..8]);
    check
}

/// The first record, and what follows it.
fn record(bytes: &[u8]) -> Option<((String, Past), &[u8])> {
    let (length, rest) = number(bytes)?;
    let (told, rest) = rest.split_first_chunk::<8>()?;
    let (body, after) = rest.split_at_checked(length)?;
    if check(body) != *told {
        return None;
    }
    let (length, rest) = number(body)?;
    let (node, rest) = rest.split_at_checked(length)?;
    let (key, rest) = rest.split_first_chunk::<32>()?;
    let (cost, rest) = rest.split_first_chunk::<8>()?;
    let (build, rest) = rest.split_first_chunk::<8>()?;
    let (came, rest) = rest.split_first()?;
    let came = [Came::Found, Came::Ran, Came::RanAgain].into_iter().find(|known| *known as u8 == *came)?;
    let (length, rest) = number(rest)?;
    let (manifest, before) = rest.split_at_checked(length)?;
    let past = Past {
        key: ActionKey(Digest::from_bytes(*key)),
        cost_micros: u64::from_le_bytes(*cost),
        came,
        build: u64::from_le_bytes(*build),
        manifest: manifest.to_vec(),
        before: before.to_vec(),
    };
    Some(((String::from_utf8(node.to_vec()).ok()?, past), after))
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number) as usize, rest))
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
        history.note("a", &manifest(1), Some(Duration::from_millis(3)));
        history.note("a", &manifest(2), None);
        history.note("a", &manifest(2), None);
        history.save().unwrap();
        let again = History::read(dir.path());
        let past = again.past("a").unwrap();
        assert_eq!(past.manifest(), manifest(2));
        assert_eq!(past.before(), Some(manifest(1)));
        assert_eq!(again.cost("a"), Some(Duration::from_millis(3)));
    }

    #[test]
    fn builds_that_change_something_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let build = |notes: &[(&str, u32, bool)]| {
            let mut history = History::read(dir.path());
            for (node, version, ran) in notes {
                history.note(node, &manifest(*version), ran.then_some(Duration::from_millis(3)));
            }
            history.save().unwrap();
        };
        let told = |node: &str| {
            let history = History::read(dir.path());
            let past = history.past(node).unwrap();
            (past.build, past.came, history.last_build())
        };
        build(&[("a", 1, true), ("b", 1, true)]);
        assert_eq!(told("a"), (1, Came::Ran, 1));
        build(&[("a", 1, false), ("b", 1, false)]);
        assert_eq!(told("a"), (1, Came::Ran, 1), "a build that changed nothing is not counted");
        build(&[("a", 2, true), ("b", 1, false)]);
        build(&[("a", 1, false), ("b", 1, true)]);
        assert_eq!(told("a"), (3, Came::Found, 3), "an edit that was undone changed the key");
        assert_eq!(told("b"), (3, Came::RanAgain, 3));
    }

    #[test]
    fn a_log_of_another_format_is_as_if_never_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut history = History::read(dir.path());
        history.note("a", &manifest(1), None);
        history.save().unwrap();
        let path = dir.path().join("history");
        let mut bytes = fs::read(&path).unwrap();
        let old = Digest::of(&bytes[12..]);
        bytes[4..12].copy_from_slice(&old.as_bytes()[..8]);
        fs::write(&path, bytes).unwrap();
        assert!(History::read(dir.path()).past("a").is_none());
    }

    #[test]
    fn a_torn_tail_is_ignored_and_mended() {
        let dir = tempfile::tempdir().unwrap();
        let mut history = History::read(dir.path());
        history.note("a", &manifest(1), None);
        history.note("b", &manifest(1), None);
        history.save().unwrap();
        let path = dir.path().join("history");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let mut history = History::read(dir.path());
        assert!(history.past("a").is_some() && history.past("b").is_none());
        history.note("c", &manifest(1), None);
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
                history.note("a", &manifest(round), None);
            }
            history.save().unwrap();
            if round % 50 == 0 {
                assert!(fs::metadata(dir.path().join("history")).unwrap().len() < 2 * SMALL);
            }
        }
    }
}
