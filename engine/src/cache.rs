//! The persistent cache: action results by key and their bytes, shared by all projects of a user and by several
//! processes at once. It knows no graph, no schedule and no terminal.
//!
//! # What always holds
//!
//! - Bytes are stored before the record that names them: a record that can be read names whole bytes, or is
//!   found out. Dying at any moment loses nothing recorded.
//! - A hit needs only the record. Whether a blob is still right is asked when it is used: its size, modification
//!   time and inode are compared with the record, and it is hashed on any difference, or when a power cut may
//!   have come between. Bytes in the record are always hashed. Any doubt drops the entry: [`Lost`].
//! - Only a [`Ticket`] records a result. It holds the lock of its key between processes, which the kernel frees
//!   when the process dies, and was given out after looking once more.
//! - A store that is unwritable or full costs speed, never the build: what cannot be kept goes to a private
//!   store that ends with this cache. A store that is only readable still gives hits.
//!
//! What went wrong on the way is told by [`Cache::take_warnings`].

mod blobs;
mod files;
mod gc;
mod lock;
mod place;
mod records;
mod result;
mod warning;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub use files::FileStates;
pub use gc::{Budget, GcReport, KindStats, Stats, StoreError, VerifyReport};
pub use lock::LiveBuild;
pub use place::{Placing, same_content};
pub use records::Clock;
pub use result::{ActionResult, BlobState, Facts, INLINE_LIMIT, LOG_LIMIT, Place, Stored};
pub use warning::{CacheWarning, WarningKind};

use blobs::{Blobs, PutError, Written};
use lock::{KeyLock, Locks};
use records::{Change, Entry, Records};
use warning::Warnings;

use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::operation::{Body, Outcome, Produced};

/// The format of everything in the store; another one lives beside it.
const FORMAT: &str = "v1";

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
}

impl CacheConfig {
    /// A store to be read and written, by the clock of this machine.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, spare: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            spare: spare.into(),
            read_only: false,
            clock: Arc::new(|| {
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs())
            }),
        }
    }
}

/// The open cache; clones are the same cache.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

struct Shared {
    records: Records,
    blobs: Blobs,
    locks: Option<Arc<Locks>>,
    root: PathBuf,
    spare: Arc<Spare>,
    /// Set once a blob could not be written to the store: no more are tried.
    full: AtomicBool,
    warnings: Warnings,
    clock: Clock,
}

/// What this build made and the store could not keep.
struct Spare {
    parent: PathBuf,
    folder: OnceLock<(tempfile::TempDir, Blobs)>,
    results: Mutex<BTreeMap<Digest, ActionResult>>,
    /// Entries that should go from a store that cannot be written.
    dropped: Mutex<BTreeSet<Digest>>,
}

/// What looking up a key gives.
#[derive(Debug)]
pub enum Lookup {
    /// It was done before.
    Hit(Box<ActionResult>),
    /// It was not, as far as can be told.
    Miss(Miss),
}

/// A key that was not found; [`Cache::claim`] it to run the action.
#[derive(Debug, PartialEq, Eq)]
pub struct Miss {
    key: Digest,
}

impl Miss {
    /// The key.
    #[must_use]
    pub fn key(&self) -> Digest {
        self.key
    }
}

/// What claiming a key gives.
pub enum Claimed {
    /// Nobody else runs it: run it, then [`Ticket::commit`].
    Mine(Ticket),
    /// Somebody else finished it meanwhile.
    Hit(Box<ActionResult>),
    /// Somebody else runs it now: claim it again later.
    Busy(Miss),
}

/// The right to record the result of one key; dropped unused, it lets others try.
pub struct Ticket {
    cache: Cache,
    key: Digest,
    lock: Option<KeyLock>,
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

impl Cache {
    /// Opens the cache; there is always one, if need be a private one that ends with it.
    #[must_use]
    pub fn open(config: CacheConfig) -> Self {
        let warnings = Warnings::default();
        let root = config.dir.join(FORMAT);
        let locks = if config.read_only {
            None
        } else {
            prepare(&root, &warnings)
        };
        let records = Records::open(
            &root.join("records.db"),
            locks.clone(),
            warnings.clone(),
            Arc::clone(&config.clock),
        );
        Self(Arc::new(Shared {
            records,
            blobs: Blobs::new(root.join("blobs")),
            locks,
            root,
            spare: Arc::new(Spare {
                parent: config.spare,
                folder: OnceLock::new(),
                results: Mutex::default(),
                dropped: Mutex::default(),
            }),
            full: AtomicBool::new(false),
            warnings,
            clock: config.clock,
        }))
    }

    /// Whether results are kept for later builds.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.0.records.writable()
    }

    /// The folder of blobs, which workers read.
    #[must_use]
    pub fn blob_folder(&self) -> &Path {
        self.0.blobs.root()
    }

    /// Announces a build: until the value is dropped, nothing it may use is collected. `None` when the store
    /// has no locks.
    #[must_use]
    pub fn begin_build(&self) -> Option<LiveBuild> {
        let locks = self.0.locks.as_ref()?;
        match LiveBuild::begin(&self.0.root.join("live"), locks, (self.0.clock)()) {
            Ok(build) => Some(build),
            Err(error) => {
                self.no_locks(&error);
                None
            }
        }
    }

    /// Looks for the result of a key.
    #[must_use]
    pub fn lookup(&self, key: &Digest) -> Lookup {
        match self.find(key) {
            Some(result) => Lookup::Hit(Box::new(result)),
            None => Lookup::Miss(Miss { key: *key }),
        }
    }

    fn find(&self, key: &Digest) -> Option<ActionResult> {
        let spare = &self.0.spare;
        if let Some(result) = guard(&spare.results).get(key) {
            return Some(result.clone());
        }
        if guard(&spare.dropped).contains(key) {
            return None;
        }
        self.0.records.get(key)
    }

    /// Takes the lock of a key, then looks once more. Never waits.
    #[must_use]
    pub fn claim(&self, miss: Miss) -> Claimed {
        let key = miss.key;
        let lock = match self.0.locks.as_ref().map(|locks| locks.try_acquire(&key)) {
            Some(Ok(None)) => return Claimed::Busy(miss),
            Some(Ok(lock)) => lock,
            Some(Err(error)) => {
                self.no_locks(&error);
                None
            }
            None => None,
        };
        match self.find(&key) {
            Some(result) => Claimed::Hit(Box::new(result)),
            None => Claimed::Mine(Ticket {
                cache: self.clone(),
                key,
                lock,
            }),
        }
    }

    /// Drops the result of a key, if there is one: the next look misses.
    pub fn forget(&self, key: &Digest) {
        guard(&self.0.spare.results).remove(key);
        if !self.0.records.send_and_wait(Change::Remove(*key)) {
            guard(&self.0.spare.dropped).insert(*key);
        }
    }

    /// The manifest that was recorded with a key.
    #[must_use]
    pub fn manifest(&self, key: &Digest) -> Option<Vec<u8>> {
        self.0.records.manifest(key)
    }

    /// Microseconds of wall time that this node took before, or else nodes of its kind.
    #[must_use]
    pub fn cost_estimate(&self, kind: &str, node: &str) -> Option<u64> {
        self.0.records.cost_estimate(kind, node)
    }

    /// A file with the bytes of an artifact, to be read and never written: the blob itself, or a file in
    /// `folder` for bytes that live in a record. The same folder may serve a whole build.
    ///
    /// # Errors
    /// [`Unready::Lost`] when the action must run again.
    pub fn materialise(&self, stored: &Stored, folder: &Path) -> Result<PathBuf, Unready> {
        match &stored.place {
            Place::Blob(blob) => Ok(self.blob_path(stored, *blob)?),
            Place::Inline(bytes) => {
                self.check_inline(stored, bytes)?;
                let path = folder.join(stored.artifact.digest.to_string());
                if fs::read(&path).is_ok_and(|found| found == **bytes) {
                    return Ok(path);
                }
                match place::place_bytes(bytes, &path) {
                    Ok(()) => Ok(path),
                    Err(cause) => Err(Unready::Io { path, cause }),
                }
            }
        }
    }

    /// The bytes of an artifact.
    ///
    /// # Errors
    /// [`Unready::Lost`] when the action must run again.
    pub fn read(&self, stored: &Stored) -> Result<Vec<u8>, Unready> {
        match &stored.place {
            Place::Inline(bytes) => {
                self.check_inline(stored, bytes)?;
                Ok(bytes.to_vec())
            }
            Place::Blob(blob) => {
                let path = self.blob_path(stored, *blob)?;
                let bytes = fs::read(&path).map_err(|cause| Unready::Io { path, cause })?;
                if Digest::of(&bytes) == stored.artifact.digest {
                    Ok(bytes)
                } else {
                    Err(self.lose(stored, "damaged").into())
                }
            }
        }
    }

    /// Puts the bytes of an artifact at a user's path, whole or not at all. Whether they are there already is
    /// for the caller to ask ([`same_content`]).
    ///
    /// # Errors
    /// [`Unready::Lost`] when the action must run again; [`Unready::Io`] when the path cannot be written.
    pub fn place(&self, stored: &Stored, path: &Path, placing: Placing) -> Result<(), Unready> {
        let placed = match &stored.place {
            Place::Inline(bytes) => {
                self.check_inline(stored, bytes)?;
                place::place_bytes(bytes, path)
            }
            Place::Blob(blob) => {
                let source = self.blob_path(stored, *blob)?;
                let placed = place::place_file(&source, path, placing);
                if placed.is_err() && !source.exists() {
                    return Err(self.lose(stored, "missing").into());
                }
                placed
            }
        };
        placed.map_err(|cause| Unready::Io {
            path: path.to_owned(),
            cause,
        })
    }

    /// What the store holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        gc::stats(&self.0.root, &self.0.blobs)
    }

    /// Removes what exceeds the budget, never what is `pinned` nor what a build that is going on may use.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn gc(&self, budget: Budget, pinned: &BTreeSet<Digest>) -> Result<GcReport, StoreError> {
        self.flush();
        gc::collect(&self.collector()?, budget, pinned)
    }

    /// Removes everything but what a build that is going on may use.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn clear(&self) -> Result<GcReport, StoreError> {
        self.flush();
        gc::clear(&self.collector()?)
    }

    /// Hashes everything, and drops what is not as it was recorded.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.flush();
        gc::verify(&self.collector()?)
    }

    fn collector(&self) -> Result<gc::Collector<'_>, StoreError> {
        let locks = self
            .0
            .locks
            .as_ref()
            .ok_or_else(|| StoreError::read_only(&self.0.root))?;
        Ok(gc::Collector {
            root: &self.0.root,
            blobs: &self.0.blobs,
            locks,
            now: (self.0.clock)(),
        })
    }

    fn check_inline(&self, stored: &Stored, bytes: &[u8]) -> Result<(), Lost> {
        if Digest::of(bytes) == stored.artifact.digest {
            Ok(())
        } else {
            Err(self.lose(stored, "damaged"))
        }
    }

    /// The path of a blob that is right, wherever it is.
    fn blob_path(&self, stored: &Stored, blob: BlobState) -> Result<PathBuf, Lost> {
        let spare = self.0.spare.folder.get().map(|(_, blobs)| blobs);
        let mut what = "missing";
        for blobs in [Some(&self.0.blobs), spare].into_iter().flatten() {
            let Ok((state, size)) = blobs.state(&blob.sha256) else {
                continue;
            };
            let path = blobs.path(&blob.sha256);
            if blob.settled && size == stored.artifact.size && state == blob {
                return Ok(path);
            }
            match blobs.verify(&blob.sha256) {
                Ok((digest, true)) if digest == stored.artifact.digest => {
                    if std::ptr::eq(blobs, &self.0.blobs) {
                        let change = Change::Restat(stored.clone(), state, path.clone());
                        self.0.records.send(change, None);
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

    fn lose(&self, stored: &Stored, what: &'static str) -> Lost {
        let lost = Lost {
            key: stored.key,
            port: stored.port.clone(),
            what,
        };
        self.0.warnings.push(
            WarningKind::LostBlob,
            format!("{lost} (action {}); it is made again", stored.key.short()),
            Some("`reel cache verify` checks all the others"),
        );
        guard(&self.0.spare.results).remove(&stored.key);
        if !self.0.records.send_and_wait(Change::Forget(stored.clone())) {
            guard(&self.0.spare.dropped).insert(stored.key);
        }
        lost
    }

    /// Waits until everything committed so far is written.
    pub fn flush(&self) {
        self.0.records.send_and_wait(Change::Barrier);
    }

    /// Waits until everything committed so far survives a power cut; to be called once, at the end of a build.
    /// Does nothing when nothing was written.
    pub fn sync(&self) {
        self.0.records.send_and_wait(Change::Sync);
    }

    /// What went wrong since the last call, each thing once.
    #[must_use]
    pub fn take_warnings(&self) -> Vec<CacheWarning> {
        self.0.warnings.take()
    }

    fn no_locks(&self, error: &io::Error) {
        self.0.warnings.push(
            WarningKind::NoLocks,
            format!("the cache's folder has no locks ({error}): builds at once may do the same work twice"),
            Some("choose a folder on a local file system with `--cache-dir`"),
        );
    }

    /// Stores the bytes of a port: small ones for the record, others as a blob. The flag says whether later
    /// builds can find them.
    fn store(&self, key: Digest, produced: Produced) -> Result<(Stored, bool), CommitError> {
        let Produced { port, media, body } = produced;
        let inline = small(&body).map_err(|cause| CommitError::NoFile {
            port: port.clone(),
            cause,
        })?;
        let (digest, size, place, kept) = match inline {
            Some(bytes) => {
                let size = bytes.len() as u64;
                (Digest::of(&bytes), size, Place::Inline(bytes.into()), true)
            }
            None => {
                let (written, kept) = self.store_blob(&body).map_err(|error| match error {
                    PutError::Source { .. } => CommitError::NoFile {
                        port: port.clone(),
                        cause: error.to_string(),
                    },
                    PutError::Store { .. } => CommitError::NoRoom(error.to_string()),
                })?;
                (written.digest, written.size, Place::Blob(written.blob), kept)
            }
        };
        let artifact = Artifact { digest, size, media };
        let stored = Stored {
            key,
            port,
            artifact,
            place,
        };
        Ok((stored, kept))
    }

    fn store_blob(&self, body: &Body) -> Result<(Written, bool), PutError> {
        if self.is_writable() && !self.0.full.load(Ordering::Relaxed) {
            match self.0.blobs.put(body) {
                Ok(written) => return Ok((written, true)),
                Err(error @ PutError::Source { .. }) => return Err(error),
                Err(error) => {
                    self.0.full.store(true, Ordering::Relaxed);
                    self.0.warnings.push(
                        WarningKind::Unwritable,
                        format!("results of this build are not kept: {error}"),
                        Some("free some space, run `reel cache gc`, or choose another folder with `--cache-dir`"),
                    );
                }
            }
        }
        self.spare_blobs()?.put(body).map(|written| (written, false))
    }

    fn spare_blobs(&self) -> Result<&Blobs, PutError> {
        let Spare { parent, folder, .. } = &*self.0.spare;
        if folder.get().is_none() {
            let made = fs::create_dir_all(parent)
                .and_then(|()| tempfile::Builder::new().prefix("cache-").tempdir_in(parent))
                .map_err(|cause| PutError::Store {
                    root: parent.clone(),
                    cause,
                })?;
            let blobs = Blobs::new(made.path().to_owned());
            // When two threads meet here, one folder is dropped again, empty.
            let _ = folder.set((made, blobs));
        }
        folder
            .get()
            .map(|(_, blobs)| blobs)
            .ok_or_else(|| PutError::Store {
                root: parent.clone(),
                cause: io::Error::other("no private store"),
            })
    }
}

impl Ticket {
    /// The key.
    #[must_use]
    pub fn key(&self) -> Digest {
        self.key
    }

    /// Stores what an action made, then records it. Returns as soon as the bytes are stored, which may take
    /// long for large ones; `committed` is called on another thread once the record is written, with whether
    /// later builds will find it. A file of the scratch folder is taken over.
    ///
    /// # Errors
    /// When a promised file is not there, or nothing takes the bytes; then `committed` is not called.
    pub fn commit(
        self,
        outcome: Outcome,
        facts: Facts,
        committed: impl FnOnce(bool) + Send + 'static,
    ) -> Result<ActionResult, CommitError> {
        let Self { cache, key, lock } = self;
        let mut artifacts = Vec::with_capacity(outcome.produced.len());
        let mut all_kept = cache.is_writable();
        for produced in outcome.produced {
            let (stored, kept) = cache.store(key, produced)?;
            all_kept &= kept;
            artifacts.push(stored);
        }
        let result = ActionResult {
            key,
            kind: facts.kind,
            cost_micros: facts.cost_micros,
            created: (cache.0.clock)(),
            artifacts,
            graph: outcome.graph,
            log: result::bounded_log(outcome.log),
        };
        if !all_kept {
            guard(&cache.0.spare.results).insert(key, result.clone());
            drop(lock);
            committed(false);
            return Ok(result);
        }
        let entry = Entry {
            blob_paths: blob_paths(&cache.0.blobs, &result),
            result: result.clone(),
            node: facts.node,
            assembled: facts.assembled,
            manifest: facts.manifest,
        };
        let (spare, copy) = (Arc::clone(&cache.0.spare), result.clone());
        let done = move |written: bool| {
            if !written {
                guard(&spare.results).insert(key, copy);
            }
            // Only now may others look.
            drop(lock);
            committed(written);
        };
        cache
            .0
            .records
            .send(Change::Put(Box::new(entry)), Some(Box::new(done)));
        Ok(result)
    }
}

fn blob_paths(blobs: &Blobs, result: &ActionResult) -> Vec<PathBuf> {
    let path = |stored: &Stored| match &stored.place {
        Place::Blob(blob) => Some(blobs.path(&blob.sha256)),
        Place::Inline(_) => None,
    };
    result.artifacts.iter().filter_map(path).collect()
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
                format!(
                    "results of this build are not kept: cannot write to `{}`: {error}",
                    root.display()
                ),
                Some("choose another folder with `--cache-dir`"),
            );
            None
        }
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
