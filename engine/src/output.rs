//! Artifacts to the user's paths: only what is right, only where it differs, never half. It knows no schedule.

use std::io;
use std::path::{Path, PathBuf};

use tracing::debug_span;

use crate::cache::{Cache, FileStates, Stored, Unready};
use crate::id::NodeId;
use crate::span::Span;

/// An output whose producer is known.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Where it goes, relative to the project.
    pub file: String,
    /// The node that makes it.
    pub node: NodeId,
    /// That node's port.
    pub port: u32,
    /// Nodes that must succeed before it is placed; what stands at its place stays there until then.
    pub needs: Vec<NodeId>,
    /// Where it was written.
    pub span: Span,
}

impl Output {
    /// The nodes without which it is not placed: the one that makes it, and those that it needs.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::once(self.node).chain(self.needs.iter().copied())
    }
}

/// What came of placing an output.
#[derive(Debug)]
pub enum Placed {
    /// It was there already.
    Unchanged(PathBuf),
    /// It was written.
    Written(PathBuf),
    /// Its bytes are no longer in the cache: the producer must run again.
    Lost,
}

/// Puts an artifact where the user wants it, through a temporary name and a rename.
///
/// # Errors
/// When the place cannot be written.
pub fn place(
    cache: &Cache,
    files: &FileStates,
    root: &Path,
    file: &str,
    stored: &Stored,
) -> io::Result<Placed> {
    let _span = debug_span!("place", file, bytes = stored.artifact.size).entered();
    let path = root.join(file);
    if files.digest_of(&path).is_ok_and(|(digest, _)| digest == stored.artifact.digest) {
        return Ok(Placed::Unchanged(path));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
        stays_inside(root, folder)?;
    }
    match cache.place(stored, &path, cache.placing()) {
        Ok(()) => {
            files.written(&path, stored.artifact.digest);
            Ok(Placed::Written(path))
        }
        Err(Unready::Lost(_)) => Ok(Placed::Lost),
        Err(Unready::Io { cause, .. }) => Err(cause),
    }
}

/// A link in the project may not lead an output out of it.
fn stays_inside(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.canonicalize()?.starts_with(root.canonicalize()?) {
        return Ok(());
    }
    Err(io::Error::other(format!("`{}` leads out of the project", folder.display())))
}
