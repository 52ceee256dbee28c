//! Artifacts to the user's paths: only what is right, only where it differs, never half. It knows no schedule.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::debug_span;

use crate::cache::{Cache, FileStates, Stored, Unready};
use crate::graph::Graph;
use crate::id::NodeId;
use crate::paths::Numbered;
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
    /// Where it is a series of files: what more there is of it than that port's artifacts.
    pub series: Option<Series>,
    /// Where it is one file of a series: the output that is all of it.
    pub of: Option<Arc<Whole>>,
    /// Nodes that must succeed before it is placed; what stands at its place stays there until then.
    pub needs: Vec<NodeId>,
    /// Where it was written.
    pub span: Span,
}

/// What makes a series of files of an output.
#[derive(Debug, Clone)]
pub struct Series {
    /// The names of its files: the first is that of number 1.
    pub names: Numbered,
    /// Ports whose artifacts come behind.
    pub more: Vec<(NodeId, u32)>,
}

/// A series of files as the output that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// Its name.
    pub name: String,
    /// Its files, relative to the project, with `%05d` or the like in the place of numbers.
    pub file: String,
}

impl Output {
    /// The nodes without which it is not placed: the one that makes it, and those that it needs.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.ports().map(|(node, _)| node).chain(self.needs.iter().copied())
    }

    /// The ports that it is made of, as far as they were written.
    pub fn ports(&self) -> impl Iterator<Item = (NodeId, u32)> + '_ {
        let more = self.series.iter().flat_map(|series| &series.more);
        std::iter::once((self.node, self.port)).chain(more.copied())
    }

    /// Its files, each an output by itself with the port that makes it: one, unless it is a series.
    #[must_use]
    pub fn files(&self, graph: &Graph) -> Vec<Self> {
        let Some(series) = &self.series else {
            let behind = graph.behind(self.node, self.port);
            let (node, port) = behind.first().copied().unwrap_or((self.node, self.port));
            return vec![Self { node, port, ..self.clone() }];
        };
        let whole = Arc::new(Whole { name: self.name.clone(), file: self.file.clone() });
        let all = self.ports().flat_map(|(node, port)| graph.behind(node, port));
        let file = |(index, (node, port)): (usize, (NodeId, u32))| {
            let file = series.names.path(index as u64 + 1);
            let own = file.rsplit_once('/').map_or(file.as_str(), |(_, own)| own);
            Self {
                name: format!("{}/{own}", self.name),
                file,
                node,
                port,
                series: None,
                of: Some(Arc::clone(&whole)),
                needs: self.needs.clone(),
                span: self.span,
            }
        };
        all.enumerate().map(file).collect()
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

/// Removes files of a series that come behind its last one: what a longer one left. Gives how many there were.
///
/// # Errors
/// When one cannot be removed.
pub fn remove_behind(root: &Path, names: &Numbered, last: u64) -> io::Result<usize> {
    let folder = names.folder();
    let entries = match std::fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|name| names.number(&format!("{folder}{name}")));
        if number.is_some_and(|number| number == 0 || number > last) && !entry.file_type()?.is_dir() {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A link in the project may not lead an output out of it.
fn stays_inside(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.canonicalize()?.starts_with(root.canonicalize()?) {
        return Ok(());
    }
    Err(io::Error::other(format!("`{}` leads out of the project", folder.display())))
}
