//! Roots: the results that current outputs of projects need, as each project registered them. It knows no
//! records and removes none.
//!
//! A project is a file in `projects/`, named by its random id, so it stays the same when its folder is moved,
//! and is still there when the folder is gone. The file's modification time is when the project was last seen:
//! 30 days later it lapses. A build that ends writes the file anew, beside itself and renamed, if anything in
//! it changed; one that had nothing to do sets the time and no more.
//!
//! # The file
//!
//! `reel-roots-1` and a line feed, 32 bytes BLAKE3 of all that follows; then the project's folder, and parts. A
//! part is what a build was asked for: 32 bytes that name its targets, zeros for all, then keys. The folder is
//! preceded by its `u32` length, keys by their `u32` number; numbers are little-endian. Whatever does not agree
//! is no project: what it needs can go, and is made again.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::project::{self, ProjectId};
use crate::digest::Digest;

const MAGIC: &[u8] = b"reel-roots-1\n";
/// How names of parts begin whose outputs stand beside all others.
const APART: &[u8] = b"apart\0\0\0";
/// A project that was not seen for so long lapses, in seconds.
pub(super) const LAPSE: u64 = 30 * 24 * 3600;
/// So many different lists of targets are remembered beside the one for everything.
const PARTS: usize = 8;

/// What a build leaves that a later collection must leave alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// The project's folder.
    pub folder: PathBuf,
    /// Which targets were asked for, in a digest; `None` for all.
    pub part: Option<Digest>,
    /// The keys of all results behind the outputs.
    pub keys: Vec<Digest>,
    /// Whether every output was made: then what they needed before is needed no more.
    pub complete: bool,
}

/// A project as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    /// Where it was last.
    pub(super) folder: PathBuf,
    /// For each list of targets, the last one last, all keys in order.
    parts: Vec<(Digest, Vec<Digest>)>,
}

/// All that is registered in a store.
#[derive(Debug, Default)]
pub(super) struct Registered {
    /// Projects that were seen within the last 30 days, and when (seconds since 1970).
    pub(super) projects: Vec<(Project, u64)>,
    /// Files of projects that were not.
    pub(super) lapsed: Vec<PathBuf>,
    /// Files that are damaged.
    pub(super) damaged: Vec<PathBuf>,
}

/// Registers what a build leaves, seen at `now` (seconds since 1970).
pub(super) fn register(root: &Path, id: &ProjectId, roots: Roots, now: u64) -> io::Result<()> {
    let folder = project::folder(root);
    let path = folder.join(id.to_string());
    let old = fs::read(&path).ok().and_then(|bytes| Project::decode(&bytes));
    let new = Project::after(old.as_ref(), roots);
    if old.as_ref() == Some(&new) {
        return File::open(&path)?.set_modified(time(now));
    }
    fs::create_dir_all(&folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(&folder)?;
    temporary.write_all(&new.encode())?;
    temporary.as_file().set_modified(time(now))?;
    temporary.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// The folder in which a project was when it was last registered.
pub(super) fn folder_of(root: &Path, id: &ProjectId) -> Option<PathBuf> {
    let bytes = fs::read(project::folder(root).join(id.to_string())).ok()?;
    Some(Project::decode(&bytes)?.folder)
}

/// The name of a part as that of one whose outputs stand beside those of everything, such as a draft: a build of
/// everything does not take its place.
pub(crate) fn apart(name: Digest) -> Digest {
    let mut bytes = *name.as_bytes();
    bytes[..APART.len()].copy_from_slice(APART);
    Digest::from_bytes(bytes)
}

fn is_apart(name: &Digest) -> bool {
    name.as_bytes().starts_with(APART)
}

fn time(now: u64) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_secs(now)
}

/// Reads what is registered. A time to come counts as now: a clock that was wrong makes no project immortal,
/// and lets none lapse early.
pub(super) fn registered(root: &Path, now: u64) -> io::Result<Registered> {
    let mut all = Registered::default();
    let entries = match fs::read_dir(project::folder(root)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let is_id = path.file_name().and_then(OsStr::to_str).is_some_and(|n| ProjectId::parse(n).is_some());
        let Ok(seen) = fs::metadata(&path).and_then(|meta| meta.modified()) else {
            continue;
        };
        let seen = seen.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if seen > now {
            // It lapses 30 days from now, whatever it says; where this cannot be noted, it stays.
            let _ = File::open(&path).and_then(|file| file.set_modified(time(now)));
        }
        if now.saturating_sub(seen) > LAPSE {
            all.lapsed.push(path);
        } else if is_id {
            match fs::read(&path).ok().and_then(|bytes| Project::decode(&bytes)) {
                Some(project) => all.projects.push((project, seen.min(now))),
                None => all.damaged.push(path),
            }
        }
    }
    all.projects.sort_by(|(a, _), (b, _)| a.folder.cmp(&b.folder));
    Ok(all)
}

/// Forgets every project: nothing that they need is left.
pub(super) fn forget_all(root: &Path) -> io::Result<()> {
    match fs::remove_dir_all(project::folder(root)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Project {
    /// All keys that its outputs need, in order.
    pub(super) fn keys(&self) -> Vec<Digest> {
        let mut keys: Vec<Digest> = self.parts.iter().flat_map(|(_, keys)| keys).copied().collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// What is registered after a build. Outputs that were not asked for stand as they did, unless everything
    /// was asked for and made.
    fn after(old: Option<&Self>, roots: Roots) -> Self {
        let Roots { folder, part, mut keys, complete } = roots;
        let name = part.unwrap_or(EVERYTHING);
        let mut parts = old.map(|old| old.parts.clone()).unwrap_or_default();
        if let (Some(at), false) = (parts.iter().position(|(other, _)| *other == name), complete) {
            // Some of its outputs are the old ones.
            keys.extend_from_slice(&parts[at].1);
        }
        if complete && part.is_none() {
            parts.retain(|(other, _)| is_apart(other));
        }
        parts.retain(|(other, _)| *other != name);
        let named = parts.iter().filter(|(other, _)| *other != EVERYTHING).count();
        if part.is_some()
            && named >= PARTS
            && let Some(oldest) = parts.iter().position(|(other, _)| *other != EVERYTHING)
        {
            parts.remove(oldest);
        }
        keys.sort_unstable();
        keys.dedup();
        parts.push((name, keys));
        Self { folder, parts }
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let folder = self.folder.as_os_str().as_bytes();
        body.extend((folder.len() as u32).to_le_bytes());
        body.extend(folder);
        for (name, keys) in &self.parts {
            body.extend(name.as_bytes());
            body.extend((keys.len() as u32).to_le_bytes());
            body.extend(keys.iter().flat_map(|key| *key.as_bytes()));
        }
        [MAGIC, Digest::of(&body).as_bytes(), &body].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (digest, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
        if Digest::of(body).as_bytes() != digest {
            return None;
        }
        let (folder, mut rest) = counted(body, 1)?;
        let mut parts = Vec::new();
        while let Some((name, after)) = rest.split_first_chunk::<32>() {
            let (keys, after) = counted(after, 32)?;
            let keys = keys.as_chunks::<32>().0.iter().map(|key| Digest::from_bytes(*key)).collect();
            parts.push((Digest::from_bytes(*name), keys));
            rest = after;
        }
        rest.is_empty().then(|| Self { folder: Path::new(OsStr::from_bytes(folder)).to_owned(), parts })
    }
}

const EVERYTHING: Digest = Digest::from_bytes([0; 32]);

/// So many things of `size` bytes as the number in front says, and what is behind them.
fn counted(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked((u32::from_le_bytes(*number) as usize).checked_mul(size)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Digest {
        Digest::of(name.as_bytes())
    }

    fn roots(part: Option<&str>, keys: &[&str], complete: bool) -> Roots {
        let keys = keys.iter().map(|name| key(name)).collect();
        Roots { folder: "/films/a".into(), part: part.map(key), keys, complete }
    }

    fn sorted(names: &[&str]) -> Vec<Digest> {
        let mut keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn each_list_of_targets_has_its_own_and_a_whole_build_replaces_them_all() {
        let all = Project::after(None, roots(None, &["a", "b"], true));
        let part = Project::after(Some(&all), roots(Some("short"), &["c", "a"], true));
        assert_eq!(part.keys(), sorted(&["a", "b", "c"]));
        let part = Project::after(Some(&part), roots(Some("short"), &["d"], true));
        assert_eq!(part.keys(), sorted(&["a", "b", "d"]));
        let failed = Project::after(Some(&part), roots(None, &["e"], false));
        assert_eq!(failed.keys(), sorted(&["a", "b", "d", "e"]), "old outputs still stand");
        assert_eq!(Project::after(Some(&failed), roots(None, &["f"], true)).keys(), sorted(&["f"]));
    }

    #[test]
    fn lists_of_targets_are_not_kept_for_ever() {
        let mut project = Project::after(None, roots(None, &["all"], true));
        for n in 0..30 {
            let name = n.to_string();
            project = Project::after(Some(&project), roots(Some(&name), &[&name], true));
        }
        assert_eq!(project.parts.len(), PARTS + 1);
        let keys = project.keys();
        assert!(keys.contains(&key("all")) && keys.contains(&key("29")) && !keys.contains(&key("0")));
    }

    #[test]
    fn a_file_reads_back_and_any_other_byte_makes_it_none() {
        let project = Project::after(None, roots(None, &["a", "b"], true));
        let project = Project::after(Some(&project), roots(Some("x"), &[], true));
        let bytes = project.encode();
        assert_eq!(Project::decode(&bytes), Some(project));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Project::decode(&flipped), None, "flipped at {at}");
            assert_eq!(Project::decode(&bytes[..at]), None, "cut at {at}");
        }
        assert_eq!(Project::decode(&[bytes, vec![0]].concat()), None);
    }

    #[test]
    fn a_project_lapses_after_thirty_days_unless_it_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let id = ProjectId::parse("00112233445566778899aabbccddeeff").unwrap();
        let day = 24 * 3600;
        let count = |now| {
            let all = registered(folder.path(), now).unwrap();
            (all.projects.len(), all.lapsed.len(), all.damaged.len())
        };
        assert_eq!(count(0), (0, 0, 0));
        for _ in 0..2 {
            register(folder.path(), &id, roots(None, &["a"], true), 100 * day).unwrap();
            assert_eq!(count(130 * day), (1, 0, 0));
            assert_eq!(count(130 * day + 1), (0, 1, 0));
        }
        register(folder.path(), &id, roots(None, &["a"], true), 110 * day).unwrap();
        assert_eq!(count(130 * day + 1), (1, 0, 0), "the same roots again are enough to be seen");
        assert_eq!(count(50 * day), (1, 0, 0), "a clock that was ahead");
        assert_eq!(count(81 * day), (0, 1, 0), "is not believed for long");
        fs::write(project::folder(folder.path()).join(id.to_string()), "rubbish").unwrap();
        assert_eq!(count(0), (0, 0, 1));
    }
}
