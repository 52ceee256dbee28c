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
mod epoch;
mod files;
mod gc;
mod hash;
mod inspect;
mod lock;
mod looks;
mod place;
mod project;
mod records;
mod result;
mod roots;
mod store;
#[cfg(test)]
mod tests;
mod upkeep;
mod warning;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use epoch::Epoch;
#[cfg(any(test, fuzzing))]
pub(crate) use files::read_states;
pub use files::{FileStates, Known, Sight};
pub use gc::{Budget, GcReport};
pub use inspect::{Condition, KindStats, ProjectStats, Stats, VerifyReport};
pub use lock::LiveBuild;
pub use looks::Looks;
pub use place::{Placing, same_content};
pub use project::ProjectId;
pub use records::Clock;
#[cfg(any(test, fuzzing))]
pub(crate) use result::read_body;
pub use result::{ActionResult, BlobState, Facts, INLINE_LIMIT, LOG_LIMIT, Place, Rank, Stored};
pub use roots::Roots;
pub(crate) use roots::apart;
pub use store::{CacheConfig, CommitError, Lost, Unready};
pub use upkeep::StoreError;
pub use warning::{CacheWarning, WarningKind};

use tracing::{debug_span, trace, trace_span};

use lock::KeyLock;
use records::{Change, Done, Entry};
use store::{Store, guard};
use upkeep::Upkeep;

use crate::digest::Digest;
use crate::operation::Outcome;

/// The open cache; clones are the same cache.
#[derive(Clone)]
pub struct Cache(Arc<Store>);

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
    with_more: bool,
}

impl Cache {
    /// Opens the cache; there is always one, if need be a private one that ends with it.
    #[must_use]
    pub fn open(config: CacheConfig) -> Self {
        Self(Arc::new(Store::open(config)))
    }

    /// The file that says in which epoch the store below a cache's folder is: see [`Cache::epoch`].
    #[must_use]
    pub fn epoch_path(cache_dir: &Path) -> PathBuf {
        epoch::path(cache_dir)
    }

    /// The epoch of the store below a cache's folder, without opening it. Noted after [`Cache::begin_build`] and
    /// before the first look, it tells later, by being the same, that every record that was found or made since
    /// is still there. `None` is never the same.
    #[must_use]
    pub fn epoch(cache_dir: &Path) -> Option<Epoch> {
        Epoch::read(cache_dir)
    }

    /// Notes that a project was seen, so that what its outputs need is not collected for another 30 days: one
    /// call to the system, without opening the store. False when the store does not know the project: then a
    /// build that goes through the cache makes it known.
    #[must_use]
    pub fn seen(cache_dir: &Path, project: &ProjectId) -> bool {
        project::touch(&project.file(cache_dir))
    }

    /// Whether results are kept for later builds.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.0.records.writable()
    }

    /// How outputs get to their paths.
    #[must_use]
    pub fn placing(&self) -> Placing {
        self.0.placing
    }

    /// Whether somebody has removed the store since it was opened.
    #[must_use]
    pub fn was_removed(&self) -> bool {
        self.0.inode.is_some() && store::inode(&self.0.root) != self.0.inode
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
        let now = (self.0.clock)();
        self.0.floor.store(now, Ordering::Relaxed);
        match LiveBuild::begin(&self.0.root.join("live"), locks, now) {
            Ok(build) => Some(build),
            Err(error) => {
                self.0.no_locks(&error);
                None
            }
        }
    }

    /// Looks for the result of a key.
    #[must_use]
    pub fn lookup(&self, key: &Digest) -> Lookup {
        let found = trace_span!("lookup", %key).in_scope(|| self.0.find(key));
        trace!(%key, hit = found.is_some(), "looked up");
        match found {
            Some(result) => Lookup::Hit(Box::new(result)),
            None => Lookup::Miss(Miss { key: *key }),
        }
    }

    /// The results of many keys, in their order.
    #[must_use]
    pub fn results(&self, keys: &[Digest]) -> Vec<Option<ActionResult>> {
        trace_span!("results", keys = keys.len()).in_scope(|| self.0.find_all(keys))
    }

    /// Whether the bytes of all artifacts of a result are there, so that what reads them can run.
    #[must_use]
    pub fn has_bytes(&self, result: &ActionResult) -> bool {
        result.artifacts.iter().all(|stored| match &stored.place {
            Place::Inline(_) => true,
            Place::Blob(blob) => self.0.blob_path(stored, *blob).is_ok(),
        })
    }

    /// How the bytes of an artifact are: all are read and hashed, and nothing is dropped.
    #[must_use]
    pub fn condition(&self, stored: &Stored) -> Condition {
        inspect::condition(&self.0.blobs, stored)
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

    /// How early the result of a key goes when room is needed; `None` if it is not recorded.
    #[must_use]
    pub fn rank(&self, key: &Digest) -> Option<Rank> {
        self.0.records.rank(key)
    }

    /// Microseconds of wall time that actions of this kind took of late.
    #[must_use]
    pub fn cost_estimate(&self, kind: &str) -> Option<u64> {
        self.0.records.cost_estimate(kind)
    }

    /// A file with the bytes of an artifact, to be read and never written: the blob itself, or a file in
    /// `folder` for bytes that live in a record. The same folder may serve a whole build.
    ///
    /// # Errors
    /// [`Unready::Lost`] when the action must run again.
    pub fn materialise(&self, stored: &Stored, folder: &Path) -> Result<PathBuf, Unready> {
        match &stored.place {
            Place::Blob(blob) => Ok(self.0.blob_path(stored, *blob)?),
            Place::Inline(bytes) => {
                self.0.check_inline(stored, bytes)?;
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

    /// The bytes of an artifact, if they live in its record.
    ///
    /// # Errors
    /// When they are not what was recorded: the action must run again.
    pub fn in_record(&self, stored: &Stored) -> Result<Option<Arc<[u8]>>, Lost> {
        match &stored.place {
            Place::Inline(bytes) => self.0.check_inline(stored, bytes).map(|()| Some(Arc::clone(bytes))),
            Place::Blob(_) => Ok(None),
        }
    }

    /// The bytes of an artifact.
    ///
    /// # Errors
    /// [`Unready::Lost`] when the action must run again.
    pub fn read(&self, stored: &Stored) -> Result<Vec<u8>, Unready> {
        match &stored.place {
            Place::Inline(bytes) => {
                self.0.check_inline(stored, bytes)?;
                Ok(bytes.to_vec())
            }
            Place::Blob(blob) => {
                let path = self.0.blob_path(stored, *blob)?;
                let bytes = fs::read(&path).map_err(|cause| Unready::Io { path, cause })?;
                if Digest::of(&bytes) == stored.artifact.digest {
                    Ok(bytes)
                } else {
                    Err(self.0.lose(stored, "damaged").into())
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
                self.0.check_inline(stored, bytes)?;
                place::place_bytes(bytes, path)
            }
            Place::Blob(blob) => {
                let source = self.0.blob_path(stored, *blob)?;
                let placed = place::place_file(&source, path, placing, &stored.artifact.digest);
                match &placed {
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                        return Err(self.0.lose(stored, "damaged").into());
                    }
                    Err(_) if !source.exists() => return Err(self.0.lose(stored, "missing").into()),
                    _ => placed,
                }
            }
        };
        placed.map_err(|cause| Unready::Io { path: path.to_owned(), cause })
    }

    /// What the store holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        inspect::stats(&self.0.root, &self.0.blobs, (self.0.clock)())
    }

    /// The folder in which a project was when it was last registered.
    #[must_use]
    pub fn folder_of(&self, project: &ProjectId) -> Option<PathBuf> {
        roots::folder_of(&self.0.root, project)
    }

    /// Registers what the current outputs of a project need, so that it is not collected, until the project was
    /// not seen for 30 days.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn register(&self, project: &ProjectId, roots: Roots) -> Result<(), StoreError> {
        let store = self.upkeep()?;
        roots::register(store.root, project, roots, store.now).map_err(|error| store.error(error))
    }

    /// Removes what exceeds the budget, never what current outputs of projects need nor what a build that is
    /// going on may use.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn gc(&self, budget: Budget) -> Result<GcReport, StoreError> {
        self.flush();
        gc::collect(&self.upkeep()?, budget)
    }

    /// To be called after a build, when it is no longer announced: collects if this cache recorded anything, and
    /// the store is over its budget or was not looked through for a week. `None` when there was no need.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn tidy(&self, budget: Budget) -> Result<Option<GcReport>, StoreError> {
        if !self.0.recorded.load(Ordering::Relaxed) {
            return Ok(None);
        }
        self.flush();
        let store = self.upkeep()?;
        if gc::is_needed(&store, budget)? { gc::collect(&store, budget).map(Some) } else { Ok(None) }
    }

    /// Removes everything but what a build that is going on may use.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn clear(&self) -> Result<GcReport, StoreError> {
        self.flush();
        gc::clear(&self.upkeep()?)
    }

    /// Hashes everything, and drops what is not as it was recorded.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.flush();
        inspect::verify(&self.upkeep()?)
    }

    fn upkeep(&self) -> Result<Upkeep<'_>, StoreError> {
        let Some(locks) = &self.0.locks else {
            return Err(StoreError::new("write to", &self.0.root, "it is read-only"));
        };
        Ok(Upkeep { root: &self.0.root, blobs: &self.0.blobs, locks, now: (self.0.clock)() })
    }

    /// Sees to it that what was committed [with more](Ticket::with_more) is written now.
    pub fn hurry(&self) {
        self.0.records.hurry();
    }

    /// Waits until everything committed so far is written.
    pub fn flush(&self) {
        self.0.records.send_and_wait(Change::Barrier);
    }

    /// Begins with what [`Self::sync`] waits for.
    pub fn begin_sync(&self) {
        self.0.records.send(Change::Sync, None);
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
}

impl Ticket {
    /// The key.
    #[must_use]
    pub fn key(&self) -> Digest {
        self.key
    }

    /// Its result may be written a little later, with many others: whoever asks for that calls [`Cache::hurry`] before
    /// waiting for it.
    #[must_use]
    pub fn with_more(self) -> Self {
        Self { with_more: true, ..self }
    }

    /// Stores what an action made, then records it. Returns as soon as the bytes are stored, which may take
    /// long for large ones; `committed` is called on another thread once the record is written, with whether
    /// later builds will find it; it must be quick and not use this cache. A file of the scratch folder is taken
    /// over.
    ///
    /// # Errors
    /// When a promised file is not there, or nothing takes the bytes; then `committed` is not called.
    pub fn commit(
        self,
        outcome: Outcome,
        facts: Facts,
        committed: impl FnOnce(bool) + Send + 'static,
    ) -> Result<Arc<ActionResult>, CommitError> {
        let Self { cache, key, lock, with_more } = self;
        let _span = debug_span!("store", %key, kind = %facts.kind).entered();
        let mut artifacts = Vec::with_capacity(outcome.produced.len());
        let mut all_kept = cache.is_writable();
        for produced in outcome.produced {
            let (stored, kept) = cache.0.store(key, produced)?;
            all_kept &= kept;
            artifacts.push(stored);
        }
        let result = Arc::new(ActionResult {
            key,
            kind: facts.kind,
            cost_micros: facts.cost_micros,
            created: (cache.0.clock)(),
            artifacts,
            graph: outcome.graph,
            log: result::bounded_log(outcome.log),
        });
        if !all_kept {
            guard(&cache.0.spare.results).insert(key, ActionResult::clone(&result));
            drop(lock);
            committed(false);
            return Ok(result);
        }
        cache.0.recorded.store(true, Ordering::Relaxed);
        let entry = Entry {
            blob_paths: cache.0.blob_paths(&result),
            result: Arc::clone(&result),
            rank: facts.rank,
            manifest: facts.manifest,
        };
        let (spare, copy) = (Arc::clone(&cache.0.spare), Arc::clone(&result));
        let done = move |written: bool| {
            if !written {
                guard(&spare.results).insert(key, ActionResult::clone(&copy));
            }
            // Only now may others look.
            drop(lock);
            committed(written);
        };
        let (change, done): (_, Done) = (Change::Put(Box::new(entry)), Box::new(done));
        if with_more {
            cache.0.records.send_with_more(change, Some(done));
        } else {
            cache.0.records.send(change, Some(done));
        }
        Ok(result)
    }
}
