//! The epoch of a store: a small file that gets new random content whenever records are removed. It knows no
//! records.
//!
//! Whoever notes the epoch after [`super::Cache::begin_build`] and before looking anything up may believe, for
//! as long as the file says the same, that every record found since is still there: without opening the
//! database. What has no epoch file is not known at all.
//!
//! The file is renewed before records go, so that a removal that is cut short is not missed, and once more
//! afterwards, for those who looked in between. Where it cannot be written, as on a full disk, it is removed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::store::FORMAT;

/// Names of files that become the epoch begin so.
pub(super) const TEMPORARY: &str = "epoch-";
const BYTES: usize = 16;

/// What a store's epoch file says; another content is another epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch([u8; BYTES]);

impl Epoch {
    /// From bytes that were noted.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be noted.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// The epoch of the store below a cache's folder; `None` when there is none to be relied on.
    #[must_use]
    pub(super) fn read(cache_dir: &Path) -> Option<Self> {
        // One byte more than there should be: a longer file is none of ours.
        let mut found = [0; BYTES + 1];
        let mut file = File::open(path(cache_dir)).ok()?;
        let length = file.read(&mut found).ok()?;
        let bytes = found.first_chunk().filter(|_| length == BYTES)?;
        Some(Self(*bytes))
    }
}

/// Where the epoch of the store below a cache's folder is.
pub(super) fn path(cache_dir: &Path) -> PathBuf {
    in_store(&cache_dir.join(FORMAT))
}

fn in_store(root: &Path) -> PathBuf {
    root.join("epoch")
}

/// Begins an epoch where there is none.
pub(super) fn ensure(root: &Path) {
    if !in_store(root).exists() {
        renew(root);
    }
}

/// Begins another epoch, or, where that cannot be written, none.
pub(super) fn renew(root: &Path) {
    if write(root).is_err() {
        // When it can neither be written nor removed, then nothing else can in this folder.
        let _ = fs::remove_file(in_store(root));
    }
}

fn write(root: &Path) -> io::Result<()> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(root)?;
    temporary.write_all(&bytes)?;
    temporary.persist(in_store(root)).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_lasts_until_it_is_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(FORMAT);
        assert_eq!(Epoch::read(folder.path()), None);
        fs::create_dir(&root).unwrap();
        ensure(&root);
        let first = Epoch::read(folder.path()).unwrap();
        ensure(&root);
        assert_eq!(Epoch::read(folder.path()), Some(first));
        renew(&root);
        let second = Epoch::read(folder.path()).unwrap();
        assert_ne!(first, second);
        assert_eq!(Epoch::from_bytes(*second.as_bytes()), second);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1, "no temporary name is left");
    }

    #[test]
    fn a_file_of_another_length_is_no_epoch() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FORMAT)).unwrap();
        for length in [0, 15, 17, 100] {
            fs::write(path(folder.path()), vec![7; length]).unwrap();
            assert_eq!(Epoch::read(folder.path()), None, "{length}");
        }
    }
}
