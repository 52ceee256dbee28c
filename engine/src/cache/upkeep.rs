//! What looking after a store needs: its parts, and the error. It knows nothing of what is done to it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::blobs::Blobs;
use super::lock::{Locks, live_builds};
use super::records;

/// Why the store could not be looked after.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} the cache `{}`: {cause}", folder.display())]
pub struct StoreError {
    what: &'static str,
    folder: PathBuf,
    cause: String,
}

impl StoreError {
    pub(super) fn new(what: &'static str, folder: &Path, cause: impl ToString) -> Self {
        Self { what, folder: folder.to_owned(), cause: cause.to_string() }
    }
}

/// A store to be looked after.
pub(super) struct Upkeep<'a> {
    pub(super) root: &'a Path,
    pub(super) blobs: &'a Blobs,
    pub(super) locks: &'a Locks,
    /// Seconds since 1970.
    pub(super) now: u64,
}

impl Upkeep<'_> {
    pub(super) fn error(&self, cause: impl ToString) -> StoreError {
        StoreError::new("clean", self.root, cause)
    }

    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        records::connect(&database(self.root)).map_err(|error| self.error(error))
    }

    pub(super) fn live(&self) -> Result<Vec<u64>, StoreError> {
        live_builds(&self.root.join("live")).map_err(|error| self.error(error))
    }
}

/// The database of a store.
pub(super) fn database(root: &Path) -> PathBuf {
    root.join("records.db")
}
