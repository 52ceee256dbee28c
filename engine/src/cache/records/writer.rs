//! The thread that writes records: one transaction for all that waits, at most 5 ms long where that comes one by one. It
//! reads nothing for others. Small results are handed to it many at a time, so that it is not woken for each, and as one
//! transaction: keys lie anywhere in their index, so that each transaction writes most of its pages again.
//!
//! A connection is opened at the first write, so a build that changes nothing never pays for it. After an error
//! of the file itself the file is set aside and the same batch is written to a fresh one; after any other error
//! nothing more is written by this process, and everybody who waits is told so.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::super::result::{BlobState, Stored};
use super::super::warning::WarningKind;
use super::Shared;
use super::checkpoint::{self, Checkpoints};
use super::database::{self, Refused};
use super::rows::{self, Entry};
use crate::digest::Digest;

/// A transaction is not kept open longer than this.
const BATCH: Duration = Duration::from_millis(5);
/// Up to this many blobs are synced one by one; more, and the whole file system is.
const SYNC_EACH: usize = 64;

/// Called after the transaction: whether it was committed.
pub(crate) type Done = Box<dyn FnOnce(bool) + Send>;

/// A change and who waits for it.
pub(crate) type Message = (Change, Option<Done>);

/// What is handed over together.
pub(crate) type Batch = Vec<Message>;

/// One thing to write.
pub(crate) enum Change {
    /// A result; the first of a key wins.
    Put(Box<Entry>),
    /// A result was used now.
    Touch(Digest),
    /// The bytes of this artifact are gone: its record goes, unless another has taken its place.
    Forget(Stored),
    /// This record is damaged, or asked to go.
    Remove(Digest),
    /// The blob of this artifact, at this path, was hashed and is right, in this state.
    Restat(Stored, BlobState, PathBuf),
    /// Everything before it; changes nothing.
    Barrier,
    /// A barrier, and everything before it survives a power cut.
    Sync,
}

impl Change {
    /// Whether a record goes.
    const fn removes(&self) -> bool {
        matches!(self, Self::Forget(_) | Self::Remove(_))
    }
}

/// The writing side.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    db: Option<(Connection, Option<u64>)>,
    broken: bool,
    dirty: bool,
    unsynced: Vec<(Digest, Vec<PathBuf>)>,
    checkpoints: Checkpoints,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let checkpoints = Checkpoints::new(shared.path.clone());
        Self { shared, db: None, broken: false, dirty: false, unsynced: Vec::new(), checkpoints }
    }

    /// Writes until nobody can send any more.
    pub(crate) fn run(mut self, inbox: &Receiver<Batch>) {
        while let Ok(mut batch) = inbox.recv() {
            let mut written = !self.broken && self.attempt(&mut batch, Some(inbox));
            if written && batch.iter().any(|(change, _)| matches!(change, Change::Sync)) {
                written = self.sync();
            }
            for (_, done) in batch {
                if let Some(done) = done {
                    done(written);
                }
            }
        }
    }

    /// Writes the batch, and what comes in meanwhile, once more after a repair if the file was damaged.
    fn attempt(&mut self, batch: &mut Batch, inbox: Option<&Receiver<Batch>>) -> bool {
        match self.transact(batch, inbox) {
            Ok(()) => true,
            Err(Refused::Damaged(_)) if inbox.is_some() && self.repair() => self.attempt(batch, None),
            Err(refused) => {
                self.broken = true;
                self.db = None;
                self.shared.warnings.push(
                    WarningKind::Unwritable,
                    format!("results of this build are not kept: {refused}"),
                    Some("free some space or choose another folder with `--cache-dir`"),
                );
                false
            }
        }
    }

    fn repair(&mut self) -> bool {
        let seen = self.db.take().map_or_else(|| database::inode(&self.shared.path), |(_, inode)| inode);
        let aside = super::set_aside(&self.shared, seen);
        if aside {
            self.shared.renew();
        }
        aside
    }

    fn transact(&mut self, batch: &mut Batch, inbox: Option<&Receiver<Batch>>) -> Result<(), Refused> {
        let idle = |change: &Change| matches!(change, Change::Barrier | Change::Sync);
        if batch.iter().all(|(change, _)| idle(change)) {
            return Ok(());
        }
        self.reconnect_if_moved();
        let now = (self.shared.clock)();
        let Some((connection, _)) = &self.db else {
            let connection = database::connect(&self.shared.path)?;
            self.db = Some((connection, database::inode(&self.shared.path)));
            return self.transact(batch, inbox);
        };
        let result = fill(connection, batch, inbox, &self.shared, now);
        if let Err(error) = result {
            let _ = connection.execute_batch("rollback");
            return Err(if database::is_damage(&error) {
                Refused::Damaged(error.to_string())
            } else {
                Refused::Unusable(error.to_string())
            });
        }
        self.dirty = true;
        self.checkpoints.note(batch.len());
        if batch.iter().any(|(change, _)| change.removes()) {
            database::renew_epoch(&self.shared.path);
        }
        for (change, _) in batch.iter() {
            match change {
                Change::Put(entry) if !entry.blob_paths.is_empty() => {
                    self.unsynced.push((entry.result.key, entry.blob_paths.clone()));
                }
                Change::Restat(stored, _, path) => self.unsynced.push((stored.key, vec![path.clone()])),
                _ => {}
            }
        }
        Ok(())
    }

    /// Somebody may have deleted the folder under us: then a record would go where nobody finds it.
    fn reconnect_if_moved(&mut self) {
        if let Some((_, opened)) = &self.db
            && database::inode(&self.shared.path) != *opened
        {
            self.db = None;
            if let Some(folder) = self.shared.path.parent() {
                let _ = std::fs::create_dir_all(folder);
            }
            self.shared.renew();
        }
    }

    /// Blobs first, then the records that name them.
    fn sync(&mut self) -> bool {
        self.checkpoints.wait();
        let Some((connection, _)) = self.db.as_ref().filter(|_| self.dirty) else {
            return true;
        };
        if sync_blobs(&self.unsynced, &self.shared.path).is_err() {
            return false;
        }
        let settle = || -> rusqlite::Result<()> {
            connection.execute_batch("begin immediate")?;
            for (key, _) in &self.unsynced {
                rows::settle(connection, key)?;
            }
            connection.execute_batch("commit")
        };
        if settle().is_err() {
            let _ = connection.execute_batch("rollback");
            return false;
        }
        if !checkpoint::make_last(connection, &self.shared.path) {
            return false;
        }
        self.unsynced.clear();
        self.dirty = false;
        checkpoint::cut(connection);
        true
    }
}

fn sync_blobs(unsynced: &[(Digest, Vec<PathBuf>)], database: &std::path::Path) -> std::io::Result<()> {
    let paths: Vec<_> = unsynced.iter().flat_map(|(_, paths)| paths).collect();
    if paths.len() > SYNC_EACH {
        let file = File::open(database)?;
        return nix::unistd::syncfs(&file).map_err(Into::into);
    }
    for path in paths {
        match File::open(path) {
            Ok(file) => file.sync_data()?,
            // Collected meanwhile; its record says so when it is used.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn fill(
    connection: &Connection,
    batch: &mut Batch,
    inbox: Option<&Receiver<Batch>>,
    shared: &Shared,
    now: u64,
) -> rusqlite::Result<()> {
    connection.prepare_cached("begin immediate")?.execute([])?;
    let began = Instant::now();
    let mut next = 0;
    loop {
        while let Some((change, _)) = batch.get(next) {
            apply(connection, change, shared, now)?;
            next += 1;
        }
        match inbox.filter(|_| began.elapsed() < BATCH).map(Receiver::try_recv) {
            Some(Ok(more)) => batch.extend(more),
            None | Some(Err(_)) => break,
        }
    }
    learn_costs(connection, batch, now)?;
    connection.prepare_cached("commit")?.execute([])?;
    Ok(())
}

/// What actions took, once for each kind and not for each action.
fn learn_costs(connection: &Connection, batch: &[Message], now: u64) -> rusqlite::Result<()> {
    let mut costs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (change, _) in batch {
        if let Change::Put(entry) = change {
            costs.entry(&entry.result.kind).or_default().push(entry.result.cost_micros);
        }
    }
    costs.into_iter().try_for_each(|(kind, costs)| rows::record_costs(connection, kind, &costs, now))
}

fn apply(connection: &Connection, change: &Change, shared: &Shared, now: u64) -> rusqlite::Result<()> {
    if change.removes() {
        database::renew_epoch(&shared.path);
    }
    match change {
        Change::Put(entry) => rows::put(connection, entry, shared.boot, now),
        Change::Touch(key) => rows::touch(connection, key, now),
        Change::Forget(stored) => rows::forget(connection, stored),
        Change::Remove(key) => rows::remove(connection, key),
        Change::Restat(stored, state, _) => rows::restat(connection, stored, *state, shared.boot),
        Change::Barrier | Change::Sync => Ok(()),
    }
}
