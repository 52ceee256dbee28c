//! By what a build finds what an earlier one left. It looks at no file of the project.

use std::path::{Path, PathBuf};

use super::STATE_FOLDER;
use crate::cache::Epoch;
use crate::snapshot::{Snapshot, SnapshotKey};

/// Under what a snapshot is kept, and what else must be as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// All that was said beside the project's files.
    pub key: SnapshotKey,
    /// What the store's epoch file holds.
    pub epoch: Option<Epoch>,
}

impl Recall {
    /// The same for a store in another epoch.
    #[must_use]
    pub const fn at(&self, epoch: Option<Epoch>) -> Self {
        Self { key: self.key, epoch }
    }

    /// The snapshot of the project in `root`, if there is one.
    #[must_use]
    pub fn open(&self, root: &Path) -> Option<Snapshot> {
        Snapshot::open(&root.join(STATE_FOLDER), self.key)
    }

    /// The place in the project in `root` where the clock of its file system may be read off.
    #[must_use]
    pub fn marker(root: &Path) -> PathBuf {
        root.join(STATE_FOLDER).join("snapshots.marker")
    }
}
