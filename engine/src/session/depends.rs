//! What a build depends on outside itself, for whoever wants to know when to build again. It watches nothing.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::{LOCK_FILE, Project, Resumption};
use crate::digest::Digest;
use crate::snapshot::Snapshot;

/// A file or a place that a build depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What of it counts.
    pub counts: Counts,
}

/// What of a file or place counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Its content, which was this, if that is known.
    Content(Option<Digest>),
    /// How it looks from outside, and whether it is there at all.
    State,
}

impl Dependency {
    /// The content of a file.
    #[must_use]
    pub const fn content(path: PathBuf, was: Option<Digest>) -> Self {
        Self { path, counts: Counts::Content(was) }
    }
}

impl Project {
    /// Files and places that it was made of, and that its nodes read; those of expansions are known after a build.
    #[must_use]
    pub fn dependencies(&self) -> Vec<Dependency> {
        let mut known: BTreeSet<PathBuf> = BTreeSet::new();
        let mut all = Vec::new();
        for source in self.sources.files() {
            let path = self.root.join(&source.path);
            if known.insert(path.clone()) {
                all.push(Dependency::content(path, Some(Digest::of(source.text.as_bytes()))));
            }
        }
        let surroundings = self.graph.surroundings();
        let read = self.spec_files.iter().chain(&surroundings.looked_into);
        let files = self.graph.files().iter();
        // A link of the project may lead somewhere else: its own name is looked at, too.
        let ways = files.clone().flat_map(|file| file.ways(&self.root));
        let read = read.chain(files.map(|file| &file.path)).cloned().chain(ways);
        for path in read.chain([self.root.join(LOCK_FILE)]) {
            if known.insert(path.clone()) {
                all.push(Dependency::content(path, None));
            }
        }
        let places = surroundings.places.iter().filter(|path| !known.contains(*path));
        all.extend(places.map(|path| Dependency { path: path.clone(), counts: Counts::State }));
        all
    }
}

impl Resumption {
    /// Files and places that the whole project depends on, as they are now.
    #[must_use]
    pub fn dependencies(&self) -> Vec<Dependency> {
        let sources = self.changes.sources.iter();
        let changed: HashMap<&Path, Digest> =
            sources.filter_map(|(index, known)| Some((self.snapshot.file(*index)?, known.digest))).collect();
        let mut all = self.snapshot.dependencies();
        for dependency in &mut all {
            if let Some(digest) = changed.get(dependency.path.as_path()) {
                dependency.counts = Counts::Content(Some(*digest));
            }
        }
        all
    }
}

impl Snapshot {
    /// Files and places that the project depended on, as they were; not its outputs.
    #[must_use]
    pub fn dependencies(&self) -> Vec<Dependency> {
        let content = |(path, digest): (&Path, Digest)| Dependency::content(path.to_owned(), Some(digest));
        let place = |path: &Path| Dependency { path: path.to_owned(), counts: Counts::State };
        self.contents().map(content).chain(self.places().map(place)).collect()
    }
}
