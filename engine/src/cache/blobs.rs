//! Blobs by content: the one file that knows cacache and where it puts things. It knows no records.
//!
//! A blob's name is its SHA-256; its BLAKE3 is made in the same pass, on another thread when there is much. A file of the scratch folder is moved in
//! when it is on the same file system and has no other name, else its bytes are copied. Either way the blob
//! appears under its name at once and whole, and always as a new inode, so that its change time tells when it
//! was last stored.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cacache::{Algorithm, WriteOpts};

use super::hash::{self, Hashed, Stopped};
use super::result::BlobState;
use crate::digest::Digest;
use crate::operation::Body;

/// Where cacache of this major version keeps content with SHA-256 names.
const CONTENT: &str = "content-v2/sha256";
/// Where it keeps files that are being written.
const TMP: &str = "tmp";
const CHUNK: usize = 256 << 10;

/// A folder of blobs.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    root: PathBuf,
}

/// What storing made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// BLAKE3 of the bytes.
    pub(crate) digest: Digest,
    /// Their number.
    pub(crate) size: u64,
    /// The blob.
    pub(crate) blob: BlobState,
}

/// Why nothing was stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    /// What should be stored cannot be read.
    #[error("cannot read `{}`: {cause}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The store cannot be written.
    #[error("cannot write to `{}`: {cause}", root.display())]
    Store {
        /// The store.
        root: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// One blob found by walking the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its name.
    pub(crate) sha256: [u8; 32],
    /// Bytes.
    pub(crate) size: u64,
    /// When it was last stored or linked, in seconds since 1970.
    pub(crate) changed: u64,
}

impl Blobs {
    /// The blobs under `root`, which need not exist yet.
    #[must_use]
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder.
    #[must_use]
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Stores bytes, or takes over a file.
    ///
    /// # Errors
    /// [`PutError::Source`] when the file is not a regular, readable file; [`PutError::Store`] when the store is
    /// unwritable or full: then a file is still where it was.
    pub(crate) fn put(&self, body: &Body) -> Result<Written, PutError> {
        match body {
            Body::Bytes(bytes) => self.put_bytes(bytes),
            Body::File(path) => self.put_file(path),
        }
    }

    fn put_bytes(&self, bytes: &[u8]) -> Result<Written, PutError> {
        let store = |cause| self.store_error(cause);
        let mut writer = WriteOpts::new()
            .algorithm(Algorithm::Sha256)
            // A size is never passed on: with one, cacache writes through a map that chunked writes overrun.
            .open_hash_sync(&self.root)
            .map_err(|error| self.cacache_error(error))?;
        for chunk in bytes.chunks(CHUNK) {
            writer.write_all(chunk).map_err(store)?;
        }
        writer.flush().map_err(store)?;
        let integrity = writer.commit().map_err(|error| self.cacache_error(error))?;
        let (_, hex) = integrity.to_hex();
        let sha256 = hex.parse::<Digest>().map_err(|_| store(io::Error::other("cacache gave no SHA-256")))?;
        self.written(Digest::of(bytes), *sha256.as_bytes(), bytes.len() as u64)
    }

    fn put_file(&self, path: &Path) -> Result<Written, PutError> {
        let source = |cause| PutError::Source { path: path.to_owned(), cause };
        let meta = fs::symlink_metadata(path).map_err(source)?;
        if !meta.is_file() {
            return Err(source(io::Error::other("it is not a regular file")));
        }
        self.make_folder(&self.root)?;
        let home = fs::metadata(&self.root).map_err(|cause| self.store_error(cause))?;
        if meta.nlink() != 1 || meta.dev() != home.dev() {
            return self.copy_file(path);
        }
        let (digest, sha256, size) = hash_file(path).map_err(source)?;
        fs::set_permissions(path, Permissions::from_mode(0o400)).map_err(source)?;
        let target = self.folder_of(&sha256)?;
        match fs::rename(path, &target) {
            Ok(()) => self.written(digest, sha256, size),
            // Two mounts of one device, or folders with different quotas.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => self.copy_file(path),
            Err(cause) => Err(self.store_error(cause)),
        }
    }

    fn copy_file(&self, path: &Path) -> Result<Written, PutError> {
        let source = |cause| PutError::Source { path: path.to_owned(), cause };
        self.copy(&mut File::open(path).map_err(source)?, path)
    }

    /// Writes what is read to a file of the store, which then gets its name.
    fn copy(&self, source: &mut impl Read, from: &Path) -> Result<Written, PutError> {
        let store = |cause| self.store_error(cause);
        let folder = self.root.join(TMP);
        self.make_folder(&folder)?;
        let mode = Permissions::from_mode(0o400);
        let mut copy = tempfile::Builder::new().permissions(mode).tempfile_in(&folder).map_err(store)?;
        let (digest, sha256, size) =
            hash::both(source, &mut |chunk| copy.write_all(chunk)).map_err(|stopped| match stopped {
                Stopped::Reading(cause) => PutError::Source { path: from.to_owned(), cause },
                Stopped::Passing(cause) => self.store_error(cause),
            })?;
        let target = self.folder_of(&sha256)?;
        copy.persist(&target).map_err(|error| store(error.error))?;
        self.written(digest, sha256, size)
    }

    /// Where a blob of this name goes, in a folder that is there.
    fn folder_of(&self, sha256: &[u8; 32]) -> Result<PathBuf, PutError> {
        let target = self.path(sha256);
        if let Some(folder) = target.parent() {
            self.make_folder(folder)?;
        }
        Ok(target)
    }

    fn written(&self, digest: Digest, sha256: [u8; 32], size: u64) -> Result<Written, PutError> {
        let meta = fs::metadata(self.path(&sha256)).map_err(|cause| self.store_error(cause))?;
        let blob = state_of(sha256, &meta);
        Ok(Written { digest, size, blob })
    }

    /// Where the bytes of this name are, if they are here.
    #[must_use]
    pub(crate) fn path(&self, sha256: &[u8; 32]) -> PathBuf {
        let hex = Digest::from_bytes(*sha256).to_string();
        let mut path = self.root.join(CONTENT);
        path.extend([&hex[0..2], &hex[2..4], &hex[4..]]);
        path
    }

    /// State and size of a blob as it is now.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn state(&self, sha256: &[u8; 32]) -> io::Result<(BlobState, u64)> {
        let meta = fs::symlink_metadata(self.path(sha256))?;
        if !meta.is_file() {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        Ok((state_of(*sha256, &meta), meta.len()))
    }

    /// Hashes a blob: BLAKE3, and whether its name is right.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn verify(&self, sha256: &[u8; 32]) -> io::Result<(Digest, bool)> {
        let (digest, found, _) = hash_file(&self.path(sha256))?;
        Ok((digest, found == *sha256))
    }

    /// Removes a blob; one that is gone already is fine.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) fn remove(&self, sha256: &[u8; 32]) -> io::Result<()> {
        match fs::remove_file(self.path(sha256)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// All blobs, by name.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub(crate) fn walk(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for first in entries(&self.root.join(CONTENT))? {
            for second in entries(&first.path())? {
                for third in entries(&second.path())? {
                    let hex: String = [first.file_name(), second.file_name(), third.file_name()]
                        .iter()
                        .filter_map(|name| name.to_str())
                        .collect();
                    // A blob may go while we look.
                    if let (Ok(name), Ok(meta)) = (hex.parse::<Digest>(), third.metadata()) {
                        found.push(Found {
                            sha256: *name.as_bytes(),
                            size: meta.len(),
                            changed: meta.ctime().max(0).cast_unsigned(),
                        });
                    }
                }
            }
        }
        found.sort_by_key(|found| found.sha256);
        Ok(found)
    }

    /// Removes what processes that died left half written before `before` (seconds since 1970).
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn sweep(&self, before: u64) -> io::Result<()> {
        for entry in entries(&self.root.join(TMP))? {
            if let Ok(meta) = entry.metadata()
                && meta.ctime().max(0).cast_unsigned() < before
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn make_folder(&self, folder: &Path) -> Result<(), PutError> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|cause| self.store_error(cause))
    }

    fn store_error(&self, cause: io::Error) -> PutError {
        PutError::Store { root: self.root.clone(), cause }
    }

    fn cacache_error(&self, error: cacache::Error) -> PutError {
        self.store_error(match error {
            cacache::Error::IoError(cause, _) => cause,
            other => io::Error::other(other.to_string()),
        })
    }
}

fn state_of(sha256: [u8; 32], meta: &Metadata) -> BlobState {
    BlobState {
        sha256,
        mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
        inode: meta.ino(),
        settled: true,
    }
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn hash_file(path: &Path) -> io::Result<Hashed> {
    hash::both(&mut File::open(path)?, &mut |_| Ok(())).map_err(|stopped| match stopped {
        Stopped::Reading(cause) | Stopped::Passing(cause) => cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().join("blobs"));
        (folder, blobs)
    }

    #[test]
    fn bytes_and_a_moved_file_get_the_same_name() {
        let (folder, blobs) = blobs();
        for length in [0, 5, 100_000, 3_000_000] {
            let bytes: Vec<u8> = (0..length).map(|i: u32| (i * 7 % 251) as u8).collect();
            let file = folder.path().join("scratch");
            fs::write(&file, &bytes).unwrap();
            let inode = fs::metadata(&file).unwrap().ino();
            let copied = blobs.put(&Body::Bytes(bytes.clone())).unwrap();
            let moved = blobs.put(&Body::File(file.clone())).unwrap();
            assert!(!file.exists(), "the store takes the file over");
            assert_eq!(
                (copied.digest, copied.size, copied.blob.sha256),
                (moved.digest, moved.size, moved.blob.sha256)
            );
            assert_eq!(moved.blob.inode, inode, "not a byte is copied");
            assert_eq!(moved.digest, Digest::of(&bytes));
            assert_eq!(fs::read(blobs.path(&moved.blob.sha256)).unwrap(), bytes);
            assert_eq!(blobs.state(&moved.blob.sha256).unwrap(), (moved.blob, moved.size));
            assert_eq!(blobs.verify(&moved.blob.sha256).unwrap(), (moved.digest, true));
        }
        assert_eq!(blobs.walk().unwrap().len(), 4);
    }

    #[test]
    fn our_paths_are_where_cacache_looks() {
        let (_folder, blobs) = blobs();
        let written = blobs.put(&Body::Bytes(b"abc".to_vec())).unwrap();
        let hex = Digest::from_bytes(written.blob.sha256).to_string();
        let integrity = cacache::Integrity::from_hex(hex, Algorithm::Sha256).unwrap();
        assert_eq!(cacache::read_hash_sync(blobs.root(), &integrity).unwrap(), b"abc");
    }

    #[test]
    fn a_file_with_another_name_is_copied() {
        let (folder, blobs) = blobs();
        let (file, other) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, b"shared").unwrap();
        fs::hard_link(&file, &other).unwrap();
        let written = blobs.put(&Body::File(file.clone())).unwrap();
        assert_ne!(written.blob.inode, fs::metadata(&other).unwrap().ino());
        assert!(file.exists());
        fs::write(&other, b"SHARED").unwrap();
        assert_eq!(blobs.verify(&written.blob.sha256).unwrap(), (Digest::of(b"shared"), true));
    }

    #[test]
    fn what_is_not_a_file_is_refused() {
        let (folder, blobs) = blobs();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        for path in [link, folder.path().to_owned(), folder.path().join("absent")] {
            let error = blobs.put(&Body::File(path)).unwrap_err();
            assert!(matches!(error, PutError::Source { .. }), "{error}");
        }
        assert_eq!(blobs.walk().unwrap(), []);
    }
}
