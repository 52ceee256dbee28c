//! One store and the private one behind it: where bytes go, where they are found again, and what is done when
//! they are not. It knows no tickets and gives no locks out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::blobs::{Blobs, PutError, Written};
use super::epoch;
use super::lock::Locks;
use super::place::Placing;
use super::records::{Change, Clock, Records};
use super::result::{ActionResult, BlobState, INLINE_LIMIT, Place, Stored};
use super::warning::{WarningKind, Warnings};
use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::operation::{Body, Produced};

/// The format of everything in the store; another one lives beside it.
pub(super) const FORMAT: &str = "v1";

/// Where a cache is and how it is used.
#[derive(Clone)]
pub struct CacheConfig {
    /// The user's store; made when absent.
    pub dir: PathBuf,
    /// A folder in which a private store may be made when the user's cannot be written.
    pub spare: PathBuf,
    /// Whether to leave the user's store as it is.
    pub read_only: bool,
    /// The clock, for last uses and ages.
    pub clock: Clock,
    /// How outputs get to their paths.
    pub placing: Placing,
}

impl CacheConfig {
    /// A store to be read and written, by the clock of this machine.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, spare: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            spare: spare.into(),
            read_only: false,
            placing: Placing::default(),
            clock: Arc::new(|| {
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
            }),
        }
    }
}

/// The store of a user, and what this build keeps beside it.
pub(super) struct Store {
    pub(super) records: Records,
    pub(super) blobs: Blobs,
    pub(super) locks: Option<Arc<Locks>>,
    pub(super) root: PathBuf,
    /// The folder that stood there when it was opened.
    pub(super) inode: Option<u64>,
    pub(super) spare: Arc<Spare>,
    /// Set once a result was handed over to be recorded.
    pub(super) recorded: AtomicBool,
    /// Set once a blob could not be written to the store: no more are tried.
    pub(super) full: AtomicBool,
    pub(super) warnings: Warnings,
    /// Never before a build that was announced began: what it uses is told by its last use, and must not look
    /// older because somebody set the clock back.
    pub(super) clock: Clock,
    pub(super) floor: Arc<AtomicU64>,
    pub(super) placing: Placing,
}

/// What this build made and the store could not keep.
pub(super) struct Spare {
    pub(super) parent: PathBuf,
    pub(super) folder: OnceLock<(tempfile::TempDir, Blobs)>,
    pub(super) results: Mutex<BTreeMap<Digest, ActionResult>>,
    /// Entries that should go from a store that cannot be written.
    pub(super) dropped: Mutex<BTreeSet<Digest>>,
}

/// Bytes that should be in the cache and are not, or not as they were. The entry has been dropped: run the
/// action of `key` again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes of `{port}` are {what} in the cache")]
pub struct Lost {
    /// The action that made them.
    pub key: Digest,
    /// The port they came from.
    pub port: String,
    /// `missing` or `damaged`.
    pub what: &'static str,
}

/// Why an artifact's bytes are not at hand.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// They are gone; the action must run again.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// They are there, but cannot be read or put where they are wanted.
    #[error("cannot write `{}`: {cause}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Why a result could not be stored anywhere.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The run promised a file and did not leave one that can be read.
    #[error("port `{port}`: {cause}")]
    NoFile {
        /// The port.
        port: String,
        /// Why.
        cause: String,
    },
    /// Neither the store nor the private one takes it.
    #[error("there is no room for the result: {0}")]
    NoRoom(String),
}

impl Store {
    /// Opens it; what cannot be opened is warned of and done without.
    pub(super) fn open(config: CacheConfig) -> Self {
        let warnings = Warnings::default();
        let floor = Arc::new(AtomicU64::new(0));
        let clock: Clock = {
            let floor = Arc::clone(&floor);
            Arc::new(move || (config.clock)().max(floor.load(Ordering::Relaxed)))
        };
        let root = config.dir.join(FORMAT);
        let locks = if config.read_only { None } else { prepare(&root, &warnings) };
        if locks.is_some() {
            epoch::ensure(&root);
        }
        let records =
            Records::open(&root.join("records.db"), locks.clone(), warnings.clone(), Arc::clone(&clock));
        Self {
            records,
            blobs: Blobs::new(root.join("blobs")),
            locks,
            inode: inode(&root),
            root,
            spare: Arc::new(Spare {
                parent: config.spare,
                folder: OnceLock::new(),
                results: Mutex::default(),
                dropped: Mutex::default(),
            }),
            recorded: AtomicBool::new(false),
            full: AtomicBool::new(false),
            warnings,
            clock,
            floor,
            placing: config.placing,
        }
    }

    pub(super) fn find(&self, key: &Digest) -> Option<ActionResult> {
        let spare = &self.spare;
        if let Some(result) = guard(&spare.results).get(key) {
            return Some(result.clone());
        }
        if guard(&spare.dropped).contains(key) {
            return None;
        }
        self.records.get(key)
    }

    /// The same for many keys.
    pub(super) fn find_all(&self, keys: &[Digest]) -> Vec<Option<ActionResult>> {
        let recorded = self.records.get_all(keys);
        let (spare, dropped) = (guard(&self.spare.results), guard(&self.spare.dropped));
        let found = |(key, recorded): (&Digest, Option<ActionResult>)| {
            let recorded = recorded.filter(|_| !dropped.contains(key));
            spare.get(key).cloned().or(recorded)
        };
        keys.iter().zip(recorded).map(found).collect()
    }

    pub(super) fn check_inline(&self, stored: &Stored, bytes: &[u8]) -> Result<(), Lost> {
        if Digest::of(bytes) == stored.artifact.digest { Ok(()) } else { Err(self.lose(stored, "damaged")) }
    }

    /// The path of a blob that is right, wherever it is.
    pub(super) fn blob_path(&self, stored: &Stored, blob: BlobState) -> Result<PathBuf, Lost> {
        let spare = self.spare.folder.get().map(|(_, blobs)| blobs);
        let mut what = "missing";
        for blobs in [Some(&self.blobs), spare].into_iter().flatten() {
            let Ok((state, size)) = blobs.state(&blob.sha256) else {
                continue;
            };
            let path = blobs.path(&blob.sha256);
            if blob.settled && size == stored.artifact.size && state == blob {
                return Ok(path);
            }
            match blobs.verify(&blob.sha256) {
                Ok((digest, true)) if digest == stored.artifact.digest => {
                    if std::ptr::eq(blobs, &self.blobs) {
                        let change = Change::Restat(stored.clone(), state, path.clone());
                        self.records.send(change, None);
                    }
                    return Ok(path);
                }
                _ => {
                    what = "damaged";
                    let _ = blobs.remove(&blob.sha256);
                }
            }
        }
        Err(self.lose(stored, what))
    }

    pub(super) fn lose(&self, stored: &Stored, what: &'static str) -> Lost {
        let lost = Lost { key: stored.key, port: stored.port.clone(), what };
        self.warnings.push(
            WarningKind::LostBlob,
            format!("{lost} (action {}); it is made again", stored.key.short()),
            Some("`reel cache verify` checks all the others"),
        );
        guard(&self.spare.results).remove(&stored.key);
        if !self.records.send_and_wait(Change::Forget(stored.clone())) {
            guard(&self.spare.dropped).insert(stored.key);
        }
        lost
    }

    pub(super) fn no_locks(&self, error: &io::Error) {
        self.warnings.push(
            WarningKind::NoLocks,
            format!("the cache's folder has no locks ({error}): builds at once may do the same work twice"),
            Some("choose a folder on a local file system with `--cache-dir`"),
        );
    }

    /// Stores the bytes of a port: small ones for the record, others as a blob. The flag says whether later
    /// builds can find them.
    pub(super) fn store(&self, key: Digest, produced: Produced) -> Result<(Stored, bool), CommitError> {
        let Produced { port, media, body } = produced;
        let inline = small(&body).map_err(|cause| CommitError::NoFile { port: port.clone(), cause })?;
        let (digest, size, place, kept) = match inline {
            Some(bytes) => {
                let size = bytes.len() as u64;
                (Digest::of(&bytes), size, Place::Inline(bytes.into()), true)
            }
            None => {
                let (written, kept) = self.store_blob(&body).map_err(|error| match error {
                    PutError::Source { .. } => {
                        CommitError::NoFile { port: port.clone(), cause: error.to_string() }
                    }
                    PutError::Store { .. } => CommitError::NoRoom(error.to_string()),
                })?;
                (written.digest, written.size, Place::Blob(written.blob), kept)
            }
        };
        let artifact = Artifact { digest, size, media };
        let stored = Stored { key, port, artifact, place };
        Ok((stored, kept))
    }

    fn store_blob(&self, body: &Body) -> Result<(Written, bool), PutError> {
        if self.records.writable() && !self.full.load(Ordering::Relaxed) {
            match self.blobs.put(body) {
                Ok(written) => return Ok((written, true)),
                Err(error @ PutError::Source { .. }) => return Err(error),
                Err(error) => {
                    self.full.store(true, Ordering::Relaxed);
                    self.warnings.push(
                        WarningKind::Unwritable,
                        format!("results of this build are not kept: {error}"),
                        Some("free some space, run `reel cache gc`, or choose another folder with `--cache-dir`"),
                    );
                }
            }
        }
        self.spare_blobs()?.put(body).map(|written| (written, false))
    }

    /// Where the blobs of a result are.
    pub(super) fn blob_paths(&self, result: &ActionResult) -> Vec<PathBuf> {
        let path = |stored: &Stored| match &stored.place {
            Place::Blob(blob) => Some(self.blobs.path(&blob.sha256)),
            Place::Inline(_) => None,
        };
        result.artifacts.iter().filter_map(path).collect()
    }

    fn spare_blobs(&self) -> Result<&Blobs, PutError> {
        let Spare { parent, folder, .. } = &*self.spare;
        if folder.get().is_none() {
            let made = fs::create_dir_all(parent)
                .and_then(|()| tempfile::Builder::new().prefix("cache-").tempdir_in(parent))
                .map_err(|cause| PutError::Store { root: parent.clone(), cause })?;
            let blobs = Blobs::new(made.path().to_owned());
            // When two threads meet here, one folder is dropped again, empty.
            let _ = folder.set((made, blobs));
        }
        folder.get().map(|(_, blobs)| blobs).ok_or_else(|| PutError::Store {
            root: parent.clone(),
            cause: io::Error::other("no private store"),
        })
    }
}

/// The number of a folder, if it is there.
pub(super) fn inode(folder: &Path) -> Option<u64> {
    fs::metadata(folder).ok().map(|meta| meta.ino())
}

/// The bytes, when they are few enough to live in the record.
fn small(body: &Body) -> Result<Option<Vec<u8>>, String> {
    match body {
        Body::Bytes(bytes) if bytes.len() as u64 <= INLINE_LIMIT => Ok(Some(bytes.clone())),
        Body::Bytes(_) => Ok(None),
        Body::File(path) => {
            let told = |cause: io::Error| format!("cannot read `{}`: {cause}", path.display());
            let meta = fs::symlink_metadata(path).map_err(told)?;
            if !meta.is_file() {
                return Err(format!("`{}` is not a regular file", path.display()));
            }
            if meta.len() > INLINE_LIMIT {
                return Ok(None);
            }
            fs::read(path).map(Some).map_err(told)
        }
    }
}

/// Makes the folder of the store, and opens its locks; `None` when it cannot be written.
fn prepare(root: &Path, warnings: &Warnings) -> Option<Arc<Locks>> {
    let make = || {
        if !root.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(root)?;
            if let Some(dir) = root.parent() {
                // Tells backup programs to leave it out.
                let tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
                fs::write(dir.join("CACHEDIR.TAG"), tag)?;
            }
        }
        // Locks may be there and writable when the folder no longer is.
        nix::unistd::access(root, nix::unistd::AccessFlags::W_OK)?;
        Locks::open(&root.join("locks"))
    };
    match make() {
        Ok(locks) => Some(locks),
        Err(error) => {
            warnings.push(
                WarningKind::Unwritable,
                format!("results of this build are not kept: cannot write to `{}`: {error}", root.display()),
                Some("choose another folder with `--cache-dir`"),
            );
            None
        }
    }
}

/// The value, also after a thread died holding it: every change is one call.
pub(super) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
