//! The database file: opening, schema, setting aside what is damaged. It knows no rows.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::super::epoch;
use super::super::lock::Locks;

/// The version of the tables below, kept in `user_version`. Another one is set aside.
const SCHEMA_VERSION: i64 = 2;
/// `used` and `unsynced` change by themselves and are not under the seal; `manifest` has its own.
const SCHEMA: &str = "
create table results (
  id integer primary key,
  key blob not null unique,
  kind text not null,
  created integer not null,
  cost integer not null,
  rank integer not null,
  seal blob not null,
  used integer not null,
  unsynced integer not null,
  blob_bytes integer not null,
  body blob not null,
  manifest blob not null
);
create table result_blobs (
  result integer not null,
  sha256 blob not null,
  size integer not null,
  primary key (result, sha256)
) without rowid;
create table costs (
  kind text primary key,
  micros integer not null,
  seen integer not null
) without rowid;
";
/// So many pages of 4 KiB are written at most before all go to their places, and nothing is written meanwhile. Pages of
/// the index are written again and again, so it pays to wait, and most are moved beside ([`super::checkpoint`]); what a
/// crash leaves behind is read within a moment.
const CHECKPOINT: u32 = 131_072;
/// So much of that is kept for the next time, bytes.
const KEPT_LOG: u32 = 16 << 20;
/// How long a statement waits for another process.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The file is not what we wrote.
    #[error("{0}")]
    Damaged(String),
    /// The file cannot be opened, or not for writing.
    #[error("{0}")]
    Unusable(String),
}

/// Whether this error says that the file itself is bad.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(
            error,
            rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        )
        || error.to_string().contains("no such table")
        || error.to_string().contains("no such column")
}

/// A connection that reads and writes; makes the tables when there are none.
pub(crate) fn connect(path: &Path) -> Result<Connection, Refused> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    prepare(&connection).map_err(refused)?;
    match version(&connection).map_err(refused)? {
        SCHEMA_VERSION => {}
        0 => {
            // Whatever was recorded here is gone, or it was never there.
            renew_epoch(path);
            create(&mut connection).map_err(refused)?;
        }
        other => {
            let message = format!("its format is {other}, and this reel knows {SCHEMA_VERSION}");
            return Err(Refused::Damaged(message));
        }
    }
    Ok(connection)
}

/// A connection that only reads: without locks and side files when those cannot be made.
pub(crate) fn connect_read_only(path: &Path) -> Result<Connection, Refused> {
    let plain =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .and_then(|connection| {
                connection.busy_timeout(BUSY)?;
                version(&connection).map(|version| (connection, version))
            });
    let opened = match plain {
        Ok(opened) => Ok(opened),
        Err(error) if is_damage(&error) => Err(refused(error)),
        Err(_) => immutable(path),
    };
    match opened? {
        (connection, SCHEMA_VERSION) => Ok(connection),
        (_, other) => {
            Err(Refused::Damaged(format!("its format is {other}, and this reel knows {SCHEMA_VERSION}")))
        }
    }
}

/// Right only while nobody can write, so only when no log of changes lies beside the file.
fn immutable(path: &Path) -> Result<(Connection, i64), Refused> {
    if fs::metadata(beside(path, "-wal")).is_ok_and(|meta| meta.len() > 0) {
        return Err(Refused::Unusable(
            "another build left changes that cannot be read from a read-only folder".into(),
        ));
    }
    let escaped: String = path
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                char::from(*byte).to_string()
            }
            other => format!("%{other:02x}"),
        })
        .collect();
    let uri = format!("file:{escaped}?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags).map_err(refused)?;
    let version = version(&connection).map_err(refused)?;
    Ok((connection, version))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    // Commits survive the death of any process without a sync; a power cut may take the last of them.
    connection.execute_batch(&format!(
        "pragma synchronous = normal; pragma wal_autocheckpoint = {CHECKPOINT};
         pragma journal_size_limit = {KEPT_LOG}; pragma temp_store = memory; pragma cache_size = -16000;",
    ))
}

/// Makes the tables. A power cut while that goes on leaves a file that is set aside, so nothing waits for the
/// disk. What is kept in the file itself is set here alone: setting it again would be a change.
fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "pragma synchronous = off; pragma auto_vacuum = incremental; pragma journal_mode = wal;",
    )?;
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    if version(&change)? == 0 {
        change.execute_batch(SCHEMA)?;
        change.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    change.commit()?;
    prepare(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("pragma user_version", [], |row| row.get(0))
}

fn refused(error: rusqlite::Error) -> Refused {
    if is_damage(&error) || error.to_string().contains("already exists") {
        Refused::Damaged(error.to_string())
    } else {
        Refused::Unusable(error.to_string())
    }
}

/// Inode of the file, to tell whether it is still the one that was opened.
pub(crate) fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|meta| meta.ino())
}

/// Renames a damaged database, unless another process has put a fresh one in its place since `seen`.
/// One such file is kept.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn set_aside(path: &Path, locks: &Locks, seen: Option<u64>) -> io::Result<()> {
    // Where there are no locks, a race costs the records of one more build.
    let _gate = locks.gate(false).ok();
    if inode(path) != seen {
        return Ok(());
    }
    renew_epoch(path);
    match fs::rename(path, beside(path, ".damaged")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// To be called before records go, and after.
pub(crate) fn renew_epoch(path: &Path) {
    if let Some(root) = path.parent() {
        epoch::renew(root);
    }
}

/// The path with something behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
