//! Action results by key in SQLite, shared by several processes: the one place that knows it, with the files
//! beneath. It knows no blobs.
//!
//! One connection reads, on the caller's thread; another writes, on a thread of its own, and is opened at the
//! first write. Every row carries a digest of itself: one that does not agree is a miss and is removed.

mod checkpoint;
mod database;
mod rows;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

pub(super) use database::{beside, connect, connect_read_only, inode, is_damage, set_aside as put_aside};
pub(super) use rows::{Entry, Row, get as get_row, remove as remove_row};
pub(super) use writer::{Change, Done};

use super::lock::Locks;
use super::result::{ActionResult, Rank};
use super::warning::{WarningKind, Warnings};
use crate::digest::Digest;
use database::Refused;
use rows::Raw;

/// The clock: seconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// So many batches of changes may wait to be written; whoever has more waits, so that few locks are held at a time.
const WAITING: usize = 256;
/// So many changes of those that can wait are handed over at once.
const TOGETHER: usize = 1024;
/// A use is written down when the last one is longer ago than this, in seconds.
pub(super) const USE_GRAIN: u64 = 24 * 3600;

/// What the reading side and the writing thread have in common.
pub(super) struct Shared {
    path: PathBuf,
    /// `None` for a store that is only read.
    locks: Option<Arc<Locks>>,
    warnings: Warnings,
    clock: Clock,
    /// Which run of the machine this is; a blob written in another one may be torn. -1 when unknown.
    boot: i64,
    /// Raised when the file was replaced, so that the reading side opens it anew.
    generation: AtomicU64,
}

impl Shared {
    fn renew(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    fn said_damaged(&self) {
        self.warnings.push(
            WarningKind::DamagedRecord,
            format!("the cache's records were damaged and have been set aside: `{}`", self.path.display()),
            Some("earlier results are made again; nothing else is lost"),
        );
    }
}

/// The records of one store.
pub(super) struct Records {
    shared: Arc<Shared>,
    reader: Mutex<Reader>,
    outbox: Option<SyncSender<writer::Batch>>,
    /// Changes that can wait for more of them.
    held: Mutex<writer::Batch>,
    thread: Option<JoinHandle<()>>,
}

struct Reader {
    connection: Option<Connection>,
    generation: u64,
}

impl Records {
    /// Opens the records at `path`: to be written when there are `locks`, else only read.
    pub(super) fn open(path: &Path, locks: Option<Arc<Locks>>, warnings: Warnings, clock: Clock) -> Self {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            locks,
            warnings,
            clock,
            boot: boot().unwrap_or(-1),
            generation: AtomicU64::new(0),
        });
        let connection = open_reader(&shared);
        let (outbox, thread) = match &shared.locks {
            Some(_) => start_writer(&shared),
            None => (None, None),
        };
        let reader = Reader { connection, generation: shared.generation.load(Ordering::Relaxed) };
        Self { shared, reader: Mutex::new(reader), outbox, held: Mutex::default(), thread }
    }

    /// The result of a key; every doubt is none.
    pub(super) fn get(&self, key: &Digest) -> Option<ActionResult> {
        self.judged(key, self.read(|connection| rows::read(connection, key))??)
    }

    /// The same for many keys, which the connection is taken once for.
    pub(super) fn get_all(&self, keys: &[Digest]) -> Vec<Option<ActionResult>> {
        let read = self.read(|connection| {
            keys.iter().map(|key| rows::read(connection, key)).collect::<rusqlite::Result<Vec<_>>>()
        });
        let Some(raws) = read else { return vec![None; keys.len()] };
        keys.iter().zip(raws).map(|(key, raw)| self.judged(key, raw?)).collect()
    }

    /// The result in a row, if it is what was written. Others may read meanwhile.
    fn judged(&self, key: &Digest, raw: Raw) -> Option<ActionResult> {
        match raw.open(key, known(self.shared.boot)) {
            Row::Whole(result, used) => {
                let now = (self.shared.clock)();
                if now.abs_diff(used) > USE_GRAIN {
                    self.send(Change::Touch(*key), None);
                }
                Some(*result)
            }
            Row::Damaged => {
                self.shared.warnings.push(
                    WarningKind::DamagedRecord,
                    format!("the record of action {} was damaged; it is made again", key.short()),
                    Some("`reel cache verify` checks all the others"),
                );
                self.remove(key);
                None
            }
        }
    }

    /// The manifest behind a key.
    pub(super) fn manifest(&self, key: &Digest) -> Option<Vec<u8>> {
        self.read(|connection| rows::manifest(connection, key))?
    }

    /// How early the result of a key goes.
    pub(super) fn rank(&self, key: &Digest) -> Option<Rank> {
        self.read(|connection| rows::rank(connection, key))?
    }

    /// Microseconds an action of a kind is likely to take.
    pub(super) fn cost_estimate(&self, kind: &str) -> Option<u64> {
        self.read(|connection| rows::cost_estimate(connection, kind))?
    }

    /// Hands a change to the writing thread, behind those that waited; `done` is called in any case.
    pub(super) fn send(&self, change: Change, done: Option<Done>) {
        let mut held = self.held();
        held.push((change, done));
        self.hand_over(&mut held);
    }

    /// Keeps a change until there are many, or until [`Self::hurry`] or another change: to wake the writing thread for
    /// each takes longer than to write it.
    pub(super) fn send_with_more(&self, change: Change, done: Option<Done>) {
        let mut held = self.held();
        held.push((change, done));
        if held.len() >= TOGETHER {
            self.hand_over(&mut held);
        }
    }

    /// Hands over what was kept.
    pub(super) fn hurry(&self) {
        let mut held = self.held();
        if !held.is_empty() {
            self.hand_over(&mut held);
        }
    }

    fn held(&self) -> MutexGuard<'_, writer::Batch> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock is held until they are on their way, so that changes stay in their order.
    fn hand_over(&self, held: &mut writer::Batch) {
        let batch = std::mem::take(held);
        // The thread ends only after this outbox is gone, unless it panicked.
        let refused = match &self.outbox {
            Some(outbox) => outbox.send(batch).err().map(|mpsc::SendError(batch)| batch),
            None => Some(batch),
        };
        for done in refused.into_iter().flatten().filter_map(|(_, done)| done) {
            done(false);
        }
    }

    /// From now on all looks are one transaction, until [`Self::end_looks`]: they see the store as it is now.
    pub(super) fn begin_looks(&self) {
        let reader = self.lock();
        if let Some(connection) = reader.connection.as_ref().filter(|connection| connection.is_autocommit()) {
            // Without one, each look is as before.
            let _ = execute(connection, "begin");
        }
    }

    /// Looks see again what is there when they are taken.
    pub(super) fn end_looks(&self) {
        let reader = self.lock();
        if let Some(connection) = reader.connection.as_ref().filter(|connection| !connection.is_autocommit())
        {
            let _ = execute(connection, "commit");
        }
    }

    /// Waits until a change is written; false when it could not be.
    pub(super) fn send_and_wait(&self, change: Change) -> bool {
        let (told, answer) = mpsc::channel();
        self.send(
            change,
            Some(Box::new(move |written| {
                let _ = told.send(written);
            })),
        );
        answer.recv().unwrap_or(false)
    }

    /// Whether this store takes new records.
    pub(super) fn writable(&self) -> bool {
        self.outbox.is_some()
    }

    fn remove(&self, key: &Digest) {
        self.send_and_wait(Change::Remove(*key));
    }

    fn lock(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads; when the file turns out to be damaged it is set aside, and there is nothing.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let mut reader = self.lock();
        let generation = self.shared.generation.load(Ordering::Relaxed);
        if reader.generation != generation {
            reader.connection = open_reader(&self.shared);
            reader.generation = generation;
        }
        let error = match query(reader.connection.as_ref()?) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        if is_damage(&error) {
            let seen = inode(&self.shared.path);
            reader.connection = None;
            if set_aside(&self.shared, seen) {
                reader.connection = open_reader(&self.shared);
            }
        } else {
            self.shared.warnings.push(
                WarningKind::DamagedRecord,
                format!("the cache's records cannot be read: {error}"),
                None,
            );
        }
        None
    }
}

impl Drop for Records {
    /// Everything sent is written before the store is closed. The last owner may be a callback of the writing
    /// thread itself, which then ends on its own.
    fn drop(&mut self) {
        self.hurry();
        self.outbox = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

type Started = (Option<SyncSender<writer::Batch>>, Option<JoinHandle<()>>);

fn start_writer(shared: &Arc<Shared>) -> Started {
    let (outbox, inbox) = mpsc::sync_channel(WAITING);
    let writer = writer::Writer::new(Arc::clone(shared));
    let spawned = std::thread::Builder::new().name("reel-records".into()).spawn(move || writer.run(&inbox));
    match spawned {
        Ok(thread) => (Some(outbox), Some(thread)),
        Err(error) => {
            shared.warnings.push(
                WarningKind::Unwritable,
                format!("results of this build are not kept: {error}"),
                None,
            );
            (None, None)
        }
    }
}

fn set_aside(shared: &Shared, seen: Option<u64>) -> bool {
    shared.said_damaged();
    shared.locks.as_ref().is_some_and(|locks| database::set_aside(&shared.path, locks, seen).is_ok())
}

/// A connection to read with; records that cannot be opened to be written may still be readable.
fn open_reader(shared: &Shared) -> Option<Connection> {
    if shared.locks.is_none() && !shared.path.exists() {
        return None;
    }
    let open = || match &shared.locks {
        Some(locks) => connect_alone(&shared.path, locks),
        None => connect_read_only(&shared.path),
    };
    let seen = inode(&shared.path);
    let opened = match open() {
        Err(Refused::Damaged(_)) if set_aside(shared, seen) => open(),
        Err(Refused::Unusable(cause)) => {
            connect_read_only(&shared.path).map_err(|_| Refused::Unusable(cause))
        }
        opened => opened,
    };
    match opened {
        Ok(connection) => Some(connection),
        Err(refused) => {
            shared.warnings.push(
                WarningKind::Unwritable,
                format!("the cache's records cannot be used: {refused}"),
                None,
            );
            None
        }
    }
}

/// A new file is made by one process at a time: turning it into what it shall be is not a transaction.
fn connect_alone(path: &Path, locks: &Locks) -> Result<Connection, Refused> {
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0) {
        return connect(path);
    }
    // Where there are no locks, a race costs a miss.
    let _gate = locks.gate(false).ok();
    connect(path)
}

/// A number for this run of the machine, never 0.
fn boot() -> Option<i64> {
    let id = std::fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    let [a, b, c, d, e, f, g, ..] = *Digest::of(&id).as_bytes();
    Some(i64::from_le_bytes([a, b, c, d, e, f, g, 0]) | 1)
}

fn known(boot: i64) -> Option<i64> {
    (boot != -1).then_some(boot)
}
