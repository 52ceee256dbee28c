//! Whether a snapshot still holds: every file is looked at, a few are read. It changes nothing but what it noted.

use std::path::Path;

use rayon::prelude::*;

use super::Snapshot;
use super::layout::{FileRecord, Role};
use crate::cache::{Epoch, Known};
use crate::digest::Digest;
use crate::file_state::FileState;

/// What became of a snapshot's project.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing changed: everything that was asked for is there.
    Unchanged,
    /// Only sources or outputs are not what they were: the graph is.
    Changed(Changes),
    /// The graph itself may be another one.
    Stale,
}

/// Files that are not what they were, by their place in the list.
#[derive(Debug, Default)]
pub struct Changes {
    /// Sources with other content.
    pub(crate) sources: Vec<(u32, Known)>,
    /// Outputs that are not at their place, or not what was put there.
    pub(crate) outputs: Vec<u32>,
    /// Files that look different from outside, and are the same.
    pub(crate) restated: Vec<(u32, Known)>,
}

/// What became of a file that is not plainly the same.
enum Finding {
    Restated(Known),
    Changed(Known),
    Gone,
}

/// Files are shared out to threads in pieces of so many.
const PIECE: usize = 256;

impl Snapshot {
    /// Looks at everything it depends on. `env` gives the value of a variable, `epoch` is that of the
    /// store, `marker` where the clock of the file system may be read off, `tool` gives identities.
    #[must_use]
    pub fn examine<'t>(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
        epoch: Option<Epoch>,
        marker: &Path,
        tool: impl Fn(&str) -> Option<&'t str>,
    ) -> Verdict {
        let same_env = self.meta.env.iter().all(|(name, value)| env(name) == *value);
        let same_tools = self.meta.tools.iter().all(|(name, identity)| tool(name) == Some(identity));
        let same_epoch = epoch.is_some_and(|epoch| self.meta.epoch == Some(*epoch.as_bytes()));
        if !same_env || !same_tools || !same_epoch {
            return Verdict::Stale;
        }
        let mut changes = Changes::default();
        for (index, finding) in self.findings(marker) {
            let role = self.files[index as usize].role();
            match (role, finding) {
                (_, Finding::Restated(known)) => changes.restated.push((index, known)),
                (Role::Source, Finding::Changed(known)) => changes.sources.push((index, known)),
                (Role::Output, Finding::Changed(_) | Finding::Gone) => changes.outputs.push(index),
                (Role::Source | Role::LookedInto | Role::Place, Finding::Changed(_) | Finding::Gone) => {
                    return Verdict::Stale;
                }
            }
        }
        if !changes.sources.is_empty() || !changes.outputs.is_empty() {
            return Verdict::Changed(changes);
        }
        if changes.restated.iter().any(|(_, known)| known.trusted) {
            // So that they need not be read the next time; if it cannot be noted, they are.
            let _ = self.note(&changes.restated, &[]);
        }
        Verdict::Unchanged
    }

    /// Findings that are not plainly "the same".
    fn findings(&self, marker: &Path) -> Vec<(u32, Finding)> {
        let doubtful: Vec<u32> = self
            .files
            .par_chunks(PIECE)
            .enumerate()
            .flat_map_iter(|(piece, records)| {
                let doubtful = records.iter().enumerate().filter(|(_, record)| !self.is_plainly_same(record));
                doubtful.map(move |(index, _)| (piece * PIECE + index) as u32).collect::<Vec<_>>()
            })
            .collect();
        if doubtful.is_empty() {
            return Vec::new();
        }
        let marker = FileState::mark(marker).ok();
        doubtful.into_par_iter().map(|index| (index, self.read_again(index, marker))).collect()
    }

    fn is_plainly_same(&self, record: &FileRecord) -> bool {
        let Some(path) = self.file_path(record) else { return false };
        match (FileState::of(path), record.seen.is_absent()) {
            (Ok(state), false) => record.seen.known().trusted && state == record.seen.state(),
            (Err(error), true) => error.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    fn read_again(&self, index: u32, marker: Option<FileState>) -> Finding {
        let record = &self.files[index as usize];
        let Some(path) = self.file_path(record) else { return Finding::Gone };
        if record.role() == Role::Place {
            return Finding::Gone;
        }
        let read = || {
            let before = FileState::of_file(path)?;
            let (digest, _) = Digest::of_file(path)?;
            let steady = FileState::of_file(path)? == before;
            let trusted = steady && marker.is_some_and(|marker| before.is_quiet(&marker));
            std::io::Result::Ok(Known { state: before, digest, trusted })
        };
        match read() {
            Ok(known) if known.digest == record.seen.known().digest => Finding::Restated(known),
            Ok(known) => Finding::Changed(known),
            Err(_) => Finding::Gone,
        }
    }
}
