//! The states of a project's files: what was hashed before and has not changed is not read again. It knows no
//! graph and no store.
//!
//! # When a digest is believed
//!
//! Device, inode, size, modification and change time must be what they were. That is not enough for a file that
//! changed while it was hashed, or within the grain of the clock after: so a digest is kept only if both times
//! are at least two seconds older than a marker file which was written on the same file system before hashing
//! began. Files of another file system, whose clock may be another one, must be a day older.
//!
//! # When a file is still what it was
//!
//! An action reads its files after their digests went into its key, so they are looked at once more when it
//! has ended ([`Sight::holds`]): the state must be the same, and where that says too little, as above, the
//! digest as well.
//!
//! # The file
//!
//! Magic, `u64` count, entries (`u32` length and bytes of the path; device, inode, size as `u64`; both times as
//! `i64` nanoseconds; 32 bytes digest), all little-endian, then BLAKE3 of everything before. Any damage means
//! an empty start.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::digest::Digest;
use crate::file_state::FileState;

const MAGIC: &[u8; 8] = b"reelfs1\n";
const NAME: &str = "files";
const MARKER: &str = "files.marker";
/// Entries that were not asked for are kept while there are no more of them than this, or than the others.
const UNUSED: usize = 10_000;

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// How it looked from outside when it was read.
    pub state: FileState,
    /// Digest of what was read.
    pub digest: Digest,
    /// Whether a file that still looks like this still has this digest.
    pub trusted: bool,
}

/// A file as it was when its digest was taken.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    state: FileState,
    /// Whether any later change shows in its state.
    quiet: bool,
}

impl Sight {
    /// Whether the file is what it was, as far as can be told: neither written nor replaced since.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        FileState::of_file(path).is_ok_and(|now| now == self.state)
            && (self.quiet || Digest::of_file(path).is_ok_and(|(digest, _)| digest == self.digest))
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    known: Known,
    used: bool,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<PathBuf, Entry>,
    changed: bool,
    /// Whether some file did not stay what it was while somebody worked with it.
    wavered: bool,
}

/// Digests of files by path, remembered from build to build.
#[derive(Debug)]
pub struct FileStates {
    folder: PathBuf,
    marker: Mutex<Marker>,
    table: Mutex<Table>,
}

/// When hashing began; without a marker nothing new is believed, and what was remembered is still right.
#[derive(Debug, Clone, Copy)]
enum Marker {
    NotYet,
    Written(Option<FileState>),
}

impl FileStates {
    /// Opens what is remembered in a project's folder (`.reel`).
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let entries = fs::read(folder.join(NAME)).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default();
        Self::with(folder, entries)
    }

    /// The same without what is remembered, for somebody who knows it already and will [`Self::seed`] it; such
    /// states are not to be saved.
    #[must_use]
    pub fn empty(folder: &Path) -> Self {
        Self::with(folder, HashMap::new())
    }

    fn with(folder: &Path, entries: HashMap<PathBuf, Entry>) -> Self {
        Self {
            folder: folder.to_owned(),
            marker: Mutex::new(Marker::NotYet),
            table: Mutex::new(Table { entries, ..Table::default() }),
        }
    }

    /// Lets the marker be written anew: to be called before each build of a process that lives on.
    pub fn begin(&self) {
        *lock(&self.marker) = Marker::NotYet;
    }

    /// The marker; it is written before the first file is read, and not at all when none is.
    fn marker(&self) -> Option<FileState> {
        let mut marker = lock(&self.marker);
        if let Marker::Written(state) = *marker {
            return state;
        }
        let state = FileState::mark(&self.folder.join(MARKER)).ok();
        *marker = Marker::Written(state);
        state
    }

    /// Takes in what somebody else remembers of a file.
    pub fn seed(&self, path: &Path, known: Known) {
        lock(&self.table).entries.insert(path.to_owned(), Entry { known, used: false });
    }

    /// Whether some file did not stay what it was while somebody worked with it.
    #[must_use]
    pub fn wavered(&self) -> bool {
        lock(&self.table).wavered
    }

    /// Notes that reel itself has just put content with this digest there.
    pub fn written(&self, path: &Path, digest: Digest) {
        let mut table = lock(&self.table);
        let old = match FileState::of_file(path) {
            Ok(state) => {
                let known = Known { state, digest, trusted: false };
                table.entries.insert(path.to_owned(), Entry { known, used: true })
            }
            Err(_) => table.entries.remove(path),
        };
        table.changed |= old.is_some_and(|old| old.known.trusted);
    }

    /// What is known of a file that was asked for.
    #[must_use]
    pub fn known(&self, path: &Path) -> Option<Known> {
        lock(&self.table).entries.get(path).filter(|entry| entry.used).map(|entry| entry.known)
    }

    /// Digest and size of a file, following links; read only when it is not known from before.
    ///
    /// # Errors
    /// When the file is not there, is no plain file, or cannot be read.
    pub fn digest_of(&self, path: &Path) -> io::Result<(Digest, u64)> {
        self.look(path).map(|sight| (sight.digest, sight.size))
    }

    /// The same, for those who want to know later whether the file changed meanwhile.
    ///
    /// # Errors
    /// As [`Self::digest_of`].
    pub fn look(&self, path: &Path) -> io::Result<Sight> {
        let state = FileState::of_file(path)?;
        if let Some(entry) = lock(&self.table).entries.get_mut(path)
            && entry.known.trusted
            && entry.known.state == state
        {
            entry.used = true;
            return Ok(Sight { digest: entry.known.digest, size: state.size, state, quiet: true });
        }
        let marker = self.marker();
        let (digest, size) = Digest::of_file(path)?;
        self.remember(path, state, digest, marker);
        let quiet = marker.is_some_and(|marker| state.is_quiet(&marker));
        Ok(Sight { digest, size, state, quiet })
    }

    fn remember(&self, path: &Path, before: FileState, digest: Digest, marker: Option<FileState>) {
        let steady = FileState::of_file(path).is_ok_and(|after| after == before);
        let trusted = steady && marker.is_some_and(|marker| before.is_quiet(&marker));
        let entry = Entry { known: Known { state: before, digest, trusted }, used: true };
        let mut table = lock(&self.table);
        let old =
            if steady { table.entries.insert(path.to_owned(), entry) } else { table.entries.remove(path) };
        table.wavered |= old.is_some_and(|old| old.used && old.known.digest != digest);
        table.changed |= trusted || old.is_some_and(|old| old.known.trusted);
    }

    /// The same for many files at once, in their order.
    pub fn digest_all(&self, paths: &[PathBuf]) -> Vec<io::Result<(Digest, u64)>> {
        paths.par_iter().map(|path| self.digest_of(path)).collect()
    }

    /// Writes what is known, if it is not what was read; whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written; then the next build reads the files again.
    pub fn save(&self) -> io::Result<()> {
        let mut table = lock(&self.table);
        let used = table.entries.values().filter(|entry| entry.used).count();
        if table.entries.len() > 2 * used.max(UNUSED) {
            table.entries.retain(|_, entry| entry.used);
            table.changed = true;
        }
        if !table.changed {
            return Ok(());
        }
        let bytes = encode(&table.entries);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&bytes)?;
        file.persist(self.folder.join(NAME)).map_err(|error| error.error)?;
        table.changed = false;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn encode(entries: &HashMap<PathBuf, Entry>) -> Vec<u8> {
    let mut sorted: Vec<_> = entries.iter().filter(|(_, entry)| entry.known.trusted).collect();
    sorted.sort_unstable_by_key(|(path, _)| *path);
    let mut out = MAGIC.to_vec();
    out.extend((sorted.len() as u64).to_le_bytes());
    for (path, entry) in sorted {
        let path = path.as_os_str().as_bytes();
        out.extend((path.len() as u32).to_le_bytes());
        out.extend(path);
        let FileState { device, inode, size, modified, changed } = entry.known.state;
        for number in [device, inode, size, modified.cast_unsigned(), changed.cast_unsigned()] {
            out.extend(number.to_le_bytes());
        }
        out.extend(entry.known.digest.as_bytes());
    }
    let seal = Digest::of(&out);
    out.extend(seal.as_bytes());
    out
}

fn decode(bytes: &[u8]) -> Option<HashMap<PathBuf, Entry>> {
    let (content, seal) = bytes.split_last_chunk::<32>()?;
    if Digest::of(content).as_bytes() != seal {
        return None;
    }
    let mut rest = content.strip_prefix(MAGIC)?;
    let array = |rest: &mut &[u8]| -> Option<u64> {
        let (head, tail) = rest.split_first_chunk::<8>()?;
        *rest = tail;
        Some(u64::from_le_bytes(*head))
    };
    let count = array(&mut rest)?;
    let mut entries = HashMap::with_capacity(usize::try_from(count).ok()?.min(bytes.len() / 76));
    for _ in 0..count {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let (path, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = tail;
        let state = FileState {
            device: array(&mut rest)?,
            inode: array(&mut rest)?,
            size: array(&mut rest)?,
            modified: array(&mut rest)?.cast_signed(),
            changed: array(&mut rest)?.cast_signed(),
        };
        let (digest, tail) = rest.split_first_chunk::<32>()?;
        rest = tail;
        let known = Known { state, digest: Digest::from_bytes(*digest), trusted: true };
        let entry = Entry { known, used: false };
        entries.insert(PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())), entry);
    }
    rest.is_empty().then_some(entries)
}

/// Reads what may be anything, once it is sealed; whatever it gives can be written again.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_states(content: &[u8]) {
    let sealed = [content, Digest::of(content).as_bytes().as_slice()].concat();
    if let Some(entries) = decode(&sealed) {
        assert_eq!(decode(&encode(&entries)).map(|again| again.len()), Some(entries.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::time::{Duration, SystemTime};

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// A folder whose files look `age` seconds old. A change time cannot be set, so the marker is moved on
    /// instead: as if hashing had begun that much later.
    struct Space {
        folder: tempfile::TempDir,
    }

    impl Space {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn states(&self, age: u64) -> FileStates {
            let states = FileStates::open(&self.folder.path().join("state"));
            let mut marker = states.marker().unwrap();
            marker.modified += age as i64 * SECOND;
            *lock(&states.marker) = Marker::Written(Some(marker));
            states
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        }

        fn remembered(&self) -> usize {
            let bytes = fs::read(self.folder.path().join("state").join(NAME)).unwrap_or_default();
            decode(&bytes).map_or(0, |entries| entries.len())
        }
    }

    /// Gives the entry of a file another digest, which shows when it is believed.
    fn falsify(states: &FileStates, path: &Path) {
        lock(&states.table).entries.get_mut(path).unwrap().known.digest = Digest::of(b"false");
    }

    #[test]
    fn an_old_file_is_read_once() {
        let space = Space::new();
        let path = space.write("a", "abc");
        let states = space.states(3);
        assert_eq!(states.digest_of(&path).unwrap(), (Digest::of(b"abc"), 3));
        falsify(&states, &path);
        assert_eq!(states.digest_of(&path).unwrap().0, Digest::of(b"false"));
        states.save().unwrap();
        let states = space.states(0);
        assert_eq!(states.digest_of(&path).unwrap(), (Digest::of(b"false"), 3), "also by the next build");
    }

    #[test]
    fn a_file_younger_than_the_grain_is_read_each_time() {
        let space = Space::new();
        let path = space.write("a", "abc");
        for age in [0, 1] {
            let states = space.states(age);
            states.digest_of(&path).unwrap();
            states.save().unwrap();
            assert_eq!(space.remembered(), 0, "{age}");
        }
        // The same size and, by force, the same time.
        let states = space.states(0);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        states.digest_of(&path).unwrap();
        space.write("a", "abd");
        File::open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(states.digest_of(&path).unwrap().0, Digest::of(b"abd"));
    }

    #[test]
    fn any_change_of_state_is_noticed() {
        let space = Space::new();
        let path = space.write("a", "abc");
        let modified = SystemTime::now() - Duration::from_secs(1000);
        File::open(&path).unwrap().set_modified(modified).unwrap();
        let states = space.states(3);
        states.digest_of(&path).unwrap();
        space.write("a", "abd");
        File::open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(states.digest_of(&path).unwrap().0, Digest::of(b"abd"), "size and time are as before");
        space.write("b", "abe");
        fs::rename(space.folder.path().join("b"), &path).unwrap();
        assert_eq!(states.digest_of(&path).unwrap().0, Digest::of(b"abe"));
        fs::remove_file(&path).unwrap();
        assert_eq!(states.digest_of(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(states.digest_of(space.folder.path()).is_err(), "a folder has no digest");
    }

    #[test]
    fn a_file_that_changed_after_it_was_seen_is_not_what_it_was() {
        let space = Space::new();
        for age in [0, 3] {
            let path = space.write("a", "abc");
            let states = space.states(age);
            let sight = states.look(&path).unwrap();
            assert!(sight.holds(&path));
            fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"d").unwrap();
            assert!(!sight.holds(&path), "it grew");
            let sight = states.look(&path).unwrap();
            fs::rename(space.write("b", "abcd"), &path).unwrap();
            assert!(!sight.holds(&path), "another one stands in its place");
            let sight = states.look(&path).unwrap();
            fs::remove_file(&path).unwrap();
            assert!(!sight.holds(&path), "it is gone");
        }
    }

    #[test]
    fn a_young_file_is_read_again_because_its_state_says_too_little() {
        let space = Space::new();
        let path = space.write("a", "abc");
        let mut sight = space.states(0).look(&path).unwrap();
        assert!(!sight.quiet && sight.holds(&path));
        // As if the change and the look had been within one tick of the clock.
        sight.digest = Digest::of(b"abd");
        assert!(!sight.holds(&path));
    }

    #[test]
    fn a_clock_that_jumped_back_believes_less_not_more() {
        let space = Space::new();
        let path = space.write("a", "abc");
        let states = space.states(0);
        let mut marker = states.marker().unwrap();
        marker.modified -= 1_000_000 * SECOND;
        *lock(&states.marker) = Marker::Written(Some(marker));
        states.digest_of(&path).unwrap();
        assert!(!states.known(&path).unwrap().trusted);
        states.save().unwrap();
        assert_eq!(space.remembered(), 0);
    }

    #[test]
    fn damage_means_an_empty_start() {
        let space = Space::new();
        let states = space.states(3);
        for n in 0..20 {
            states.digest_of(&space.write(&n.to_string(), "abc")).unwrap();
        }
        states.save().unwrap();
        let file = space.folder.path().join("state").join(NAME);
        let whole = fs::read(&file).unwrap();
        assert_eq!(space.remembered(), 20);
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            assert!(decode(&bytes).is_none(), "at {at}");
            assert!(decode(&whole[..at]).is_none(), "cut at {at}");
        }
        fs::write(&file, "rubbish").unwrap();
        assert!(lock(&space.states(3).table).entries.is_empty());
    }

    #[test]
    fn many_at_once_come_in_their_order_and_unchanged_states_are_not_written() {
        let space = Space::new();
        let mut paths: Vec<_> = (0..300).map(|n| space.write(&n.to_string(), &n.to_string())).collect();
        paths.push(space.folder.path().join("absent"));
        let states = space.states(3);
        let digests = states.digest_all(&paths);
        for (n, digest) in digests[..300].iter().enumerate() {
            assert_eq!(digest.as_ref().unwrap().0, Digest::of(n.to_string().as_bytes()));
        }
        assert!(digests[300].is_err());
        states.save().unwrap();
        let inode = |space: &Space| fs::metadata(space.folder.path().join("state").join(NAME)).unwrap().ino();
        let before = inode(&space);
        let states = space.states(3);
        states.digest_all(&paths);
        states.save().unwrap();
        assert_eq!(inode(&space), before);
    }
}
