//! Keeps what failed nodes said, so that it can be read after the build. What succeeded is in the cache.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use reel_engine::event::{Event, Observer};
use reel_engine::operation::Failure;

use super::{End, Report};

const FILE: &str = "failures.json";

/// The last failure of each node that has not succeeded since.
pub(crate) struct Failures {
    folder: PathBuf,
    kept: BTreeMap<String, Failure>,
    /// Nodes that a file from an earlier build may speak of.
    mended: Vec<String>,
}

impl Failures {
    /// Keeps failures in a project's folder of states.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, kept: BTreeMap::new(), mended: Vec::new() }
    }

    /// What was kept by earlier builds; what cannot be read is as if never kept.
    pub(crate) fn read(folder: &Path) -> BTreeMap<String, Failure> {
        let bytes = std::fs::read(folder.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn save(&self, before: &BTreeMap<String, Failure>) -> std::io::Result<()> {
        let mut all = before.clone();
        all.retain(|node, _| !self.mended.contains(node));
        all.extend(self.kept.clone());
        if all == *before {
            return Ok(());
        }
        let mut temporary = tempfile::NamedTempFile::new_in(&self.folder)?;
        temporary.write_all(&serde_json::to_vec(&all)?)?;
        temporary.persist(self.folder.join(FILE)).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Observer for Failures {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::DidRun { node, .. } | Event::DidHit { node, fresh: false, .. } => {
                self.mended.push(node.name.clone());
            }
            Event::DidFail { node, failure } => {
                self.kept.insert(node.name.clone(), failure.clone());
            }
            _ => {}
        }
    }
}

impl Report for Failures {
    fn finish(&mut self, _: &End<'_>) {
        if self.kept.is_empty() && self.mended.is_empty() {
            return;
        }
        // It is a convenience: a folder that cannot be written was warned of already.
        let _ = self.save(&Self::read(&self.folder));
    }
}
