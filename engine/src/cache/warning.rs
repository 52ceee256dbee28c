//! What the cache has to say while a build goes on, as data. It prints nothing and stops nothing.

use std::sync::{Arc, Mutex, PoisonError};

/// What sort of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// The store cannot be written: results of this build are not kept.
    Unwritable,
    /// The records were unreadable and have been set aside, or one of them was dropped.
    DamagedRecord,
    /// Bytes of an earlier result were missing or changed; they are made again.
    LostBlob,
    /// The file system has no locks: two builds at once may do the same work twice.
    NoLocks,
}

/// One thing said once: the build goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheWarning {
    /// Its sort.
    pub kind: WarningKind,
    /// One line, lower case.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

/// Warnings of one open cache, shared by its parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Warnings(Arc<Mutex<Vec<CacheWarning>>>);

impl Warnings {
    /// Adds one, unless the same is already waiting to be told.
    pub(super) fn push(&self, kind: WarningKind, message: impl Into<String>, help: Option<&str>) {
        let warning = CacheWarning { kind, message: message.into(), help: help.map(str::to_owned) };
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !list.contains(&warning) {
            list.push(warning);
        }
    }

    /// Hands over what has gathered.
    pub(super) fn take(&self) -> Vec<CacheWarning> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
