//! Locks between processes: one byte of a file for each key, and a list of live builds. The kernel frees them
//! when a process dies. It knows no records.
//!
//! The kernel walks all locks of a file to take one of them or to free it, so keys are spread over several files: a
//! build may hold thousands.
//!
//! Locks belong to an open file (`F_OFD_SETLK`), not to a process, so two caches open in one process exclude
//! each other as two processes do; within one cache a set of held offsets does the same.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::digest::Digest;

/// Offset of the gate between collecting garbage and builds that begin; above every key's offset.
const GATE: u64 = 1 << 62;
/// Over so many files the locks of keys are spread.
const FILES: usize = 32;

/// The lock files of a store.
#[derive(Debug)]
pub(crate) struct Locks {
    path: PathBuf,
    /// Files of keys' locks, opened when they are needed.
    files: [OnceLock<File>; FILES],
    held: Mutex<BTreeSet<u64>>,
}

/// One key, held by this cache until dropped.
#[derive(Debug)]
pub(crate) struct KeyLock {
    locks: Arc<Locks>,
    offset: u64,
}

impl Locks {
    /// Opens or makes the lock file; those of keys lie beside it.
    ///
    /// # Errors
    /// When the file cannot be opened for writing.
    pub(crate) fn open(path: &Path) -> io::Result<Arc<Self>> {
        lock_file(path)?;
        let files = [const { OnceLock::new() }; FILES];
        Ok(Arc::new(Self { path: path.to_owned(), files, held: Mutex::default() }))
    }

    /// The file that an offset is locked in.
    fn file(&self, offset: u64) -> io::Result<&File> {
        let number = (offset % FILES as u64) as usize;
        let place = &self.files[number];
        if let Some(file) = place.get() {
            return Ok(file);
        }
        let file = lock_file(&self.path.with_extension(number.to_string()))?;
        // Where two threads meet, one file is closed again. No lock is lost with it: it has none yet.
        Ok(place.get_or_init(|| file))
    }

    /// Takes the lock of a key, or says that somebody has it; never waits.
    ///
    /// # Errors
    /// When the file system has no such locks.
    pub(crate) fn try_acquire(self: &Arc<Self>, key: &Digest) -> io::Result<Option<KeyLock>> {
        let offset = offset_of(key);
        if !self.held().insert(offset) {
            return Ok(None);
        }
        // From here on it is held in this cache; what the kernel refuses is given back.
        let taken = self.file(offset).and_then(|file| Ok(set(file, libc::F_WRLCK, offset, false)?));
        if taken.is_ok() {
            return Ok(Some(KeyLock { locks: Arc::clone(self), offset }));
        }
        self.held().remove(&offset);
        match taken {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => Ok(None),
            other => other.map(|()| None),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no garbage is being collected (`shared`), or until nobody is at the gate.
    ///
    /// # Errors
    /// When the file system has no such locks.
    pub(crate) fn gate(&self, shared: bool) -> io::Result<Gate> {
        let file = lock_file(&self.path)?;
        let kind = if shared { libc::F_RDLCK } else { libc::F_WRLCK };
        set(&file, kind, GATE, true)?;
        Ok(Gate { _file: file })
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // The kernel frees it with the file at the latest.
        if let Ok(file) = self.locks.file(self.offset) {
            let _ = set(file, libc::F_UNLCK, self.offset, false);
        }
        // Not before: another thread of this cache would take it from under that.
        self.locks.held().remove(&self.offset);
    }
}

/// The gate, held until dropped: its file is its own, so closing it is enough.
#[derive(Debug)]
pub(crate) struct Gate {
    _file: File,
}

/// A build that is going on; what it uses is not collected. Ends when dropped, or with the process.
#[derive(Debug)]
pub struct LiveBuild {
    path: PathBuf,
    _file: File,
}

impl LiveBuild {
    /// Announces a build that begins at `now` (seconds since 1970) in the folder of live builds.
    ///
    /// # Errors
    /// When the folder cannot be written or has no locks.
    pub(crate) fn begin(folder: &Path, locks: &Locks, now: u64) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let _gate = locks.gate(true)?;
        fs::create_dir_all(folder)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{now}-{}-{number}", std::process::id()));
        let file = lock_file(&path)?;
        set(&file, libc::F_WRLCK, 0, false)?;
        Ok(Self { path, _file: file })
    }
}

impl Drop for LiveBuild {
    fn drop(&mut self) {
        // A file left behind without a lock is swept by the next collection.
        let _ = fs::remove_file(&self.path);
    }
}

/// When the builds that are going on began, oldest first. Ask with the gate held alone; files of builds that
/// died are removed.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn live_builds(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut began = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let start =
            name.to_str().and_then(|name| name.split('-').next()).and_then(|start| start.parse().ok());
        let alive = OpenOptions::new()
            .write(true)
            .open(entry.path())
            .is_ok_and(|file| set(&file, libc::F_WRLCK, 0, false).is_err());
        match start {
            Some(start) if alive => began.push(start),
            _ => {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    began.sort_unstable();
    Ok(began)
}

fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// The first eight bytes of the key, within what a file offset can be.
fn offset_of(key: &Digest) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *key.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> 2
}

fn set(file: &File, kind: libc::c_int, offset: u64, wait: bool) -> nix::Result<()> {
    let range = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: offset as libc::off_t,
        l_len: 1,
        l_pid: 0,
    };
    loop {
        let result = if wait {
            fcntl(file, FcntlArg::F_OFD_SETLKW(&range))
        } else {
            fcntl(file, FcntlArg::F_OFD_SETLK(&range))
        };
        match result {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_holder_whether_in_one_cache_or_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks");
        let (a, b) = (Locks::open(&path).unwrap(), Locks::open(&path).unwrap());
        let key = Digest::of(b"one");
        let lock = a.try_acquire(&key).unwrap().expect("free");
        assert!(a.try_acquire(&key).unwrap().is_none());
        assert!(b.try_acquire(&key).unwrap().is_none());
        assert!(b.try_acquire(&Digest::of(b"two")).unwrap().is_some());
        drop(lock);
        assert!(b.try_acquire(&key).unwrap().is_some());
    }

    #[test]
    fn a_build_is_live_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let locks = Locks::open(&folder.path().join("locks")).unwrap();
        assert_eq!(live_builds(&live).unwrap(), Vec::<u64>::new());
        let late = LiveBuild::begin(&live, &locks, 20).unwrap();
        let early = LiveBuild::begin(&live, &locks, 10).unwrap();
        fs::write(live.join("5-1-0"), "").unwrap();
        assert_eq!(live_builds(&live).unwrap(), [10, 20]);
        assert!(!live.join("5-1-0").exists(), "a dead build's file is swept");
        drop(early);
        assert_eq!(live_builds(&live).unwrap(), [20]);
        drop(late);
        assert_eq!(live_builds(&live).unwrap(), Vec::<u64>::new());
    }

    #[test]
    fn the_gate_lets_many_builds_or_one_collection_through() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::open(&folder.path().join("locks")).unwrap();
        let first = locks.gate(true).unwrap();
        let second = locks.gate(true).unwrap();
        drop((first, second));
        let alone = locks.gate(false).unwrap();
        let other = lock_file(&locks.path).unwrap();
        assert_eq!(set(&other, libc::F_RDLCK, GATE, false), Err(Errno::EAGAIN));
        drop(alone);
        assert_eq!(set(&other, libc::F_RDLCK, GATE, false), Ok(()));
    }
}
