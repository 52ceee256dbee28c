//! A thread that moves records from the log of changes to their place, while the writing thread goes on. It writes no
//! record.
//!
//! To move them waits for the disk, twice. Done between two transactions, a build of a hundred thousand actions would
//! stand still for a second at a time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row};

use super::database::{self, beside};

/// So many records are written before they are moved.
const EACH: usize = 8192;

/// When records are moved, and who does it.
pub(super) struct Checkpoints {
    path: PathBuf,
    /// Records that were written since the last time.
    written: usize,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, written: 0, thread: None }
    }

    /// Takes note of records that were written.
    pub(super) fn note(&mut self, written: usize) {
        self.written += written;
        let is_free = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        if self.written < EACH || !is_free {
            return;
        }
        self.written = 0;
        let path = self.path.clone();
        let moving = move || drop(move_all(&path));
        // Without a thread it is done with the rest, at the end.
        self.thread = thread::Builder::new().name("reel-checkpoint".into()).spawn(moving).ok();
    }

    /// Waits until nobody moves records: two at once are one too many, and the second would do nothing.
    pub(super) fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It has no result, and whatever it did not do is done with the rest.
            let _ = thread.join();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Moves what is in the log now. What goes wrong here goes wrong again where somebody waits for it, and is told then.
fn move_all(path: &Path) -> rusqlite::Result<()> {
    // Never one that is made by this: whoever writes finds out when the file is gone.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(database::BUSY)?;
    checkpoint(&connection, "passive").map(drop)
}

/// Sees to it that all that was committed survives a power cut; whether it does.
pub(super) fn make_last(connection: &Connection, path: &Path) -> bool {
    match checkpoint(connection, "passive") {
        Ok((0, logged, moved)) if logged == moved => true,
        // Another process moves records now, or reads what was there before: then the log itself must last.
        Ok(_) => File::open(beside(path, "-wal")).and_then(|log| log.sync_data()).is_ok(),
        Err(_) => false,
    }
}

/// Cuts off what is left of the log, or whoever closes the store last waits for that. Where somebody reads now, it is left
/// to them.
pub(super) fn cut(connection: &Connection) {
    if connection.busy_timeout(Duration::ZERO).is_ok() {
        let _ = checkpoint(connection, "truncate");
        let _ = connection.busy_timeout(database::BUSY);
    }
}

/// Whether somebody else was in the way, how many pages are in the log, and how many of these are at their place.
fn checkpoint(connection: &Connection, how: &str) -> rusqlite::Result<(i64, i64, i64)> {
    let told = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    connection.query_row(&format!("pragma wal_checkpoint({how})"), [], told)
}
