//! What this project's nodes were the last time: keys, manifests, costs. It knows no graph.
//!
//! `.reel/history` is an append log. A record is `u32 length, 8 bytes of BLAKE3 (of the format's name and the
//! body), body, u32 length`; a body is `u32 length, name of the node, 32 bytes of its key, u64 microseconds, u64
//! build, u8 how it came, manifest as JSON`; numbers are little-endian. The last record of a node is what it is
//! now; the last one before with another key is what it was. Manifests are read only when somebody asks why: a
//! build that runs nothing needs the keys alone. Whatever does not agree with its digest (a record of an older
//! format among it), and all that follows it, is ignored. A write is one `write` call on a file opened for
//! appending, so that two builds of one project do not tear each other's records. The last record is of the last
//! build. When the log holds four times what is live, it is written anew beside itself and renamed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
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

/// The last known of a node, without its manifests; the fields are those of [`Past`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// Its last key.
    pub key: ActionKey,
    /// Microseconds.
    pub cost_micros: u64,
    /// The build.
    pub build: u64,
    /// How it came.
    pub came: Came,
}

impl From<Brief> for Past {
    fn from(brief: Brief) -> Self {
        let Brief { key, cost_micros, build, came } = brief;
        Self { key, cost_micros, build, came, manifest: Vec::new(), before: None }
    }
}

impl Came {
    /// The one that a byte stands for.
    pub(crate) fn of(byte: u8) -> Option<Self> {
        [Self::Found, Self::Ran, Self::RanAgain].into_iter().find(|known| *known as u8 == byte)
    }

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
    before: Option<(ActionKey, Vec<u8>)>,
}

impl Past {
    /// The short of it.
    #[must_use]
    pub const fn brief(&self) -> Brief {
        Brief { key: self.key, cost_micros: self.cost_micros, build: self.build, came: self.came }
    }

    /// What went into its last key.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        // It was written by this code and agrees with its digest.
        serde_json::from_slice(&self.manifest).unwrap_or_default()
    }

    /// What came before, when this one takes the place of `old`.
    fn follow(&self, old: &mut Self) -> Option<(ActionKey, Vec<u8>)> {
        if old.key == self.key {
            old.before.take()
        } else {
            Some((old.key, std::mem::take(&mut old.manifest)))
        }
    }

    /// The manifest before that, if it was another one.
    #[must_use]
    pub fn before(&self) -> Option<Manifest> {
        self.before.as_ref().and_then(|(_, manifest)| serde_json::from_slice(manifest).ok())
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
    /// Whether only some nodes are known: nothing is thrown away then.
    is_part: bool,
}

impl History {
    /// Reads the history in a project's `.reel` folder; what is damaged or not there is as if never known.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let path = folder.join("history");
        let bytes = fs::read(&path).unwrap_or_default();
        let mut pasts = BTreeMap::new();
        let mut rest = bytes.as_slice();
        while let Some(((node, mut past), after)) = record(rest) {
            rest = after;
            match pasts.entry(node) {
                Entry::Vacant(place) => drop(place.insert(past)),
                Entry::Occupied(mut old) => {
                    past.before = past.follow(old.get_mut());
                    old.insert(past);
                }
            }
        }
        // A torn tail would hide all that is appended behind it.
        let torn = !rest.is_empty();
        let size = if torn { u64::MAX } else { bytes.len() as u64 };
        let build = pasts.values().map(|past: &Past| past.build).max().unwrap_or(0).saturating_add(1);
        Self { path, pasts, log: None, pending: Vec::new(), size, build, is_part: false }
    }

    /// Whether some of what was written could not be read: the next [`Self::save`] leaves it out.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.size == u64::MAX
    }

    /// The history of some nodes, known from elsewhere; what is noted is appended to that of the project. `None`
    /// when it cannot be told which build was the last.
    #[must_use]
    pub fn part(folder: &Path, pasts: impl IntoIterator<Item = (String, Past)>) -> Option<Self> {
        let path = folder.join("history");
        let build = last_build(&path)?.saturating_add(1);
        Some(Self { path, pasts: pasts.into_iter().collect(), build, is_part: true, ..Self::default() })
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
    pub fn note(&mut self, node: &str, key: ActionKey, manifest: &Manifest, took: Option<Duration>) {
        self.note_json(node, key, || manifest.to_json(), took);
    }

    /// The same, of a manifest that may be written as JSON already; nothing is asked for where nothing is new.
    pub(crate) fn note_json(
        &mut self,
        node: &str,
        key: ActionKey,
        manifest: impl FnOnce() -> Vec<u8>,
        took: Option<Duration>,
    ) {
        let old = self.pasts.get_mut(node);
        let same = old.as_ref().is_some_and(|past| past.key == key);
        if took.is_none() && same {
            return;
        }
        let own = manifest();
        let cost = took.map(|took| took.as_micros().max(1) as u64);
        let cost_micros = cost.or_else(|| old.as_ref().map(|past| past.cost_micros)).unwrap_or(0);
        // What was lost and made again within one build still ran for what had changed.
        let just_ran = old.as_ref().is_some_and(|past| past.build == self.build && past.came == Came::Ran);
        let came = match (took, same) {
            (None, _) => Came::Found,
            (Some(_), true) if !just_ran => Came::RanAgain,
            (Some(_), _) => Came::Ran,
        };
        let mut past = Past { key, cost_micros, came, build: self.build, manifest: own, before: None };
        encode(&mut self.pending, node, past.key, &past, &past.manifest);
        match old {
            Some(old) => {
                past.before = past.follow(old);
                *old = past;
            }
            None => drop(self.pasts.insert(node.to_owned(), past)),
        }
    }

    /// Writes what was noted.
    ///
    /// # Errors
    /// When the folder cannot be written; the history is then as it was.
    pub fn save(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() && !self.is_damaged() {
            return Ok(());
        }
        let too_long = self.size.saturating_add(pending.len() as u64) > SMALL.max(4 * self.live());
        if !self.is_part && (self.is_damaged() || too_long) {
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
        let mut all = Vec::new();
        let mut pasts: Vec<_> = self.pasts.iter().collect();
        pasts.sort_by_key(|(_, past)| past.build);
        for (node, past) in pasts {
            if let Some((key, manifest)) = &past.before {
                encode(&mut all, node, *key, past, manifest);
            }
            encode(&mut all, node, past.key, past, &past.manifest);
        }
        temporary.write_all(&all)?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        self.log = None;
        self.size = all.len() as u64;
        Ok(())
    }
}

fn encode(out: &mut Vec<u8>, node: &str, key: ActionKey, past: &Past, manifest: &[u8]) {
    let start = out.len();
    out.extend([0; 12]);
    out.extend((node.len() as u32).to_le_bytes());
    out.extend(node.as_bytes());
    out.extend(key.0.as_bytes());
    out.extend(past.cost_micros.to_le_bytes());
    out.extend(past.build.to_le_bytes());
    out.push(past.came as u8);
    out.extend(manifest);
    let (head, body) = out[start..].split_at_mut(12);
    let length = (body.len() as u32).to_le_bytes();
    head[..4].copy_from_slice(&length);
    head[4..].copy_from_slice(&check(body));
    out.extend(length);
}

/// The number of the last build of a log, by its last record alone; 0 where there is no log.
fn last_build(path: &Path) -> Option<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return (error.kind() == io::ErrorKind::NotFound).then_some(0),
    };
    let size = file.seek(SeekFrom::End(0)).ok()?;
    if size == 0 {
        return Some(0);
    }
    let mut length = [0; 4];
    file.seek(SeekFrom::End(-4)).ok()?;
    file.read_exact(&mut length).ok()?;
    let whole = u64::from(u32::from_le_bytes(length)) + 16;
    file.seek(SeekFrom::Start(size.checked_sub(whole)?)).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let ((_, past), _) = record(&bytes)?;
    Some(past.build)
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
    let (body, rest) = rest.split_at_checked(length)?;
    let (again, after) = number(rest)?;
    if check(body) != *told || again != length {
        return None;
    }
    let (length, rest) = number(body)?;
    let (node, rest) = rest.split_at_checked(length)?;
    let (key, rest) = rest.split_first_chunk::<32>()?;
    let (cost, rest) = rest.split_first_chunk::<8>()?;
    let (build, rest) = rest.split_first_chunk::<8>()?;
    let (came, manifest) = rest.split_first()?;
    let came = Came::of(*came)?;
    let past = Past {
        key: ActionKey(Digest::from_bytes(*key)),
        cost_micros: u64::from_le_bytes(*cost),
        came,
        build: u64::from_le_bytes(*build),
        manifest: manifest.to_vec(),
        before: None,
    };
    Some(((String::from_utf8(node.to_vec()).ok()?, past), after))
}

/// A log of bodies, each behind its length, that may be anything.
#[cfg(any(test, fuzzing))]
pub(crate) fn sealed(mut bodies: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    while let Some((length, rest)) = number(bodies) {
        let (body, rest) = rest.split_at(length.min(rest.len()));
        let length = (body.len() as u32).to_le_bytes();
        for part in [length.as_slice(), check(body).as_slice(), body, length.as_slice()] {
            log.extend(part);
        }
        bodies = rest;
    }
    log
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
        history.note("a", manifest(1).key(), &manifest(1), Some(Duration::from_millis(3)));
        history.note("a", manifest(2).key(), &manifest(2), None);
        history.note("a", manifest(2).key(), &manifest(2), None);
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
                history.note(
                    node,
                    manifest(*version).key(),
                    &manifest(*version),
                    ran.then_some(Duration::from_millis(3)),
                );
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
        let known = History::read(dir.path()).past("b").unwrap().brief();
        let mut part = History::part(dir.path(), [("b".to_owned(), known.into())]).unwrap();
        part.note("b", manifest(5).key(), &manifest(5), Some(Duration::from_millis(1)));
        part.save().unwrap();
        assert_eq!(told("b"), (4, Came::Ran, 4), "a part goes on where the whole ended");
        assert_eq!(told("a"), (3, Came::Found, 4));
        let history = History::read(dir.path());
        assert_eq!(history.past("b").unwrap().before(), Some(manifest(1)));
    }

    #[test]
    fn a_log_of_another_format_is_as_if_never_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut history = History::read(dir.path());
        history.note("a", manifest(1).key(), &manifest(1), None);
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
        history.note("a", manifest(1).key(), &manifest(1), None);
        history.note("b", manifest(1).key(), &manifest(1), None);
        history.save().unwrap();
        let path = dir.path().join("history");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let mut history = History::read(dir.path());
        assert!(history.past("a").is_some() && history.past("b").is_none());
        history.note("c", manifest(1).key(), &manifest(1), None);
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
                history.note("a", manifest(round).key(), &manifest(round), None);
            }
            history.save().unwrap();
            if round % 50 == 0 {
                assert!(fs::metadata(dir.path().join("history")).unwrap().len() < 2 * SMALL);
            }
        }
    }
}
