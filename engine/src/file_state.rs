//! What a file looks like from outside, and when that is enough to believe that its content is still the same.
//! It reads no file and knows no digest.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;
/// How much older than the marker a file must be.
const GRAIN: i64 = 2 * SECOND;
/// The same for files of another file system, whose clock may be another one.
const FOREIGN_GRAIN: i64 = 24 * 3600 * SECOND;
/// By how much the clock of a file system may be behind: several ticks of any kernel.
const TICK: i64 = SECOND / 50;

/// What a file looks like from outside; times in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileState {
    /// The device it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When its content last changed, as far as anybody says: this can be set.
    pub modified: i64,
    /// When anything of it last changed: this cannot.
    pub changed: i64,
}

impl FileState {
    /// The state of what a path leads to, file or folder, links followed.
    ///
    /// # Errors
    /// When there is nothing, or it cannot be reached.
    pub fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|meta| Self::from(&meta))
    }

    /// The same of a regular file.
    ///
    /// # Errors
    /// When there is none, or something else.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        if meta.is_file() { Ok(Self::from(&meta)) } else { Err(io::Error::other("it is not a regular file")) }
    }

    /// Whether it was left alone long enough before `marker` was written: a change after that would show.
    #[must_use]
    pub const fn is_quiet(&self, marker: &Self) -> bool {
        let grain = if self.device == marker.device { GRAIN } else { FOREIGN_GRAIN };
        let last = if self.modified > self.changed { self.modified } else { self.changed };
        last <= marker.modified.saturating_sub(grain)
    }

    /// Whether anything of it changed since `marker` was written, or so little before that nobody can tell.
    #[must_use]
    pub const fn is_since(&self, marker: &Self) -> bool {
        self.changed >= marker.modified.saturating_sub(TICK)
    }

    /// Writes a marker file anew and gives its state: the time that the file system itself has now.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn mark(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Writing a byte sets the time even where the file was there.
        File::create(path)?.write_all(b"\n")?;
        Self::of(path)
    }
}

impl From<&Metadata> for FileState {
    fn from(meta: &Metadata) -> Self {
        let nanoseconds = |s: i64, ns: i64| s.saturating_mul(SECOND).saturating_add(ns);
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            modified: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            changed: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        }
    }
}
