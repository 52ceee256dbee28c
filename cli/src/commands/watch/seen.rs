//! What of the project's files was seen last, and which of them are not that any more. Content decides: it is told
//! that something happened, and looks. It knows no event and no build.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reel_engine::cache::FileStates;
use reel_engine::digest::Digest;
use reel_engine::file_state::FileState;
use reel_engine::session::{Counts, Dependency};

/// How a file or a place was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// A file with this content.
    Content(Digest),
    /// No file, or one that cannot be read.
    Absent,
    /// A place that looked so.
    Place(Option<FileState>),
}

/// Files and places that are not what they were.
#[derive(Debug)]
pub(super) struct Changes(Vec<(PathBuf, Sight)>);

impl Changes {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a file is not there any more; it may come back in a moment.
    pub(super) fn gone(&self) -> bool {
        self.0.iter().any(|(_, sight)| *sight == Sight::Absent)
    }

    /// Where they are.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.0.iter().map(|(path, _)| path.clone()).collect()
    }
}

/// Files and places, as they were seen last.
pub(super) struct Seen {
    states: FileStates,
    known: BTreeMap<PathBuf, Sight>,
    /// All known paths, and the folders above them.
    relevant: BTreeSet<PathBuf>,
}

impl Seen {
    /// Nothing yet; digests that are remembered in the project's `.reel` are believed.
    pub(super) fn new(state_folder: &Path) -> Self {
        Self { states: FileStates::open(state_folder), known: BTreeMap::new(), relevant: BTreeSet::new() }
    }

    /// How many files and places there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Looks at these from now on; the answer are files that are already not what they were said to be.
    pub(super) fn follow(&mut self, dependencies: Vec<Dependency>) -> Vec<PathBuf> {
        self.states.begin();
        self.known.clear();
        let (mut told, mut open) = (BTreeMap::new(), Vec::new());
        for Dependency { path, counts } in dependencies {
            match counts {
                Counts::Content(was) => {
                    told.extend(was.map(|was| (path.clone(), was)));
                    open.push(path);
                }
                Counts::State => {
                    let state = FileState::of(&path).ok();
                    self.known.insert(path, Sight::Place(state));
                }
            }
        }
        let mut other = Vec::new();
        for (path, sight) in self.contents(open) {
            if told.get(&path).is_some_and(|was| sight != Sight::Content(*was)) {
                other.push(path.clone());
            }
            self.known.insert(path, sight);
        }
        self.relate();
        other
    }

    /// Looks at these, too, as they are now.
    pub(super) fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let new = paths.into_iter().filter(|path| !self.known.contains_key(path)).collect();
        let seen = self.contents(new);
        self.known.extend(seen);
        self.relate();
    }

    /// Takes a file as it is now.
    pub(super) fn accept(&mut self, path: &Path) {
        if self.known.contains_key(path) {
            let seen = self.contents(vec![path.to_owned()]);
            self.known.extend(seen);
        }
    }

    /// Looks at everything, and says what is not what it was; it stays so until that is [taken](Self::take).
    pub(super) fn look(&self) -> Changes {
        self.states.begin();
        let files = self.known.iter().filter(|(_, sight)| !matches!(sight, Sight::Place(_)));
        let mut now = self.contents(files.map(|(path, _)| path.clone()).collect());
        let places = self.known.iter().filter(|(_, sight)| matches!(sight, Sight::Place(_)));
        now.extend(places.map(|(path, _)| (path.clone(), Sight::Place(FileState::of(path).ok()))));
        now.retain(|(path, sight)| self.known.get(path) != Some(sight));
        now.sort_by(|one, other| one.0.cmp(&other.0));
        Changes(now)
    }

    /// Takes files and places as they were found.
    pub(super) fn take(&mut self, changes: Changes) {
        self.known.extend(changes.0);
    }

    /// Whether something that happened at a path may have changed any of it.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        let place = |folder| matches!(self.known.get(folder), Some(Sight::Place(_)));
        self.relevant.contains(path) || path.parent().is_some_and(place)
    }

    /// The folders to watch so that nothing is missed: above each path up to `root`, and wherever links lead.
    pub(super) fn folders(&self, root: &Path) -> BTreeSet<PathBuf> {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([root.to_owned()]);
        folders.extend(root.parent().map(Path::to_owned));
        for (path, sight) in &self.known {
            let mut above = path.parent();
            while let Some(folder) = above.filter(|folder| folder.starts_with(root) && *folder != root) {
                if !folders.insert(folder.to_owned()) {
                    break;
                }
                above = folder.parent();
            }
            if !path.starts_with(root) {
                let there = path.ancestors().skip(1).find(|folder| folder.is_dir());
                folders.extend(there.map(Path::to_owned));
            }
            if matches!(sight, Sight::Place(Some(_))) && path.is_dir() {
                folders.insert(path.clone());
            }
        }
        let real: Vec<PathBuf> = self.relevant.iter().filter_map(|path| target(path)).collect();
        folders.extend(real.iter().filter_map(|path| path.parent()).map(Path::to_owned));
        folders.retain(|folder| folder.is_dir());
        folders
    }

    fn contents(&self, paths: Vec<PathBuf>) -> Vec<(PathBuf, Sight)> {
        let digests = self.states.digest_all(&paths);
        let sight = |found: std::io::Result<(Digest, u64)>| {
            found.map_or(Sight::Absent, |(digest, _)| Sight::Content(digest))
        };
        paths.into_iter().zip(digests.into_iter().map(sight)).collect()
    }

    fn relate(&mut self) {
        let mut relevant = BTreeSet::new();
        let links: Vec<PathBuf> = self.known.keys().filter_map(|path| target(path)).collect();
        for path in self.known.keys().chain(&links) {
            for path in path.ancestors() {
                if !relevant.insert(path.to_owned()) {
                    break;
                }
            }
        }
        self.relevant = relevant;
    }
}

/// Where a path leads to, if that is somewhere else.
fn target(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|real| real != path)
}

#[cfg(test)]
mod tests {
    use std::{fs, slice};

    use super::*;

    fn content(path: &Path) -> Dependency {
        Dependency::content(path.to_owned(), None)
    }

    #[test]
    fn content_decides_and_each_change_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("sub/b"));
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(&a, "one").unwrap();
        fs::write(&b, "two").unwrap();
        let mut seen = Seen::new(&dir.path().join(".reel"));
        assert!(seen.follow(vec![content(&a), content(&b)]).is_empty());
        fs::write(&a, "one").unwrap();
        assert!(seen.look().is_empty(), "written again, and the same");
        fs::write(&a, "two").unwrap();
        assert_eq!(seen.look().paths(), slice::from_ref(&a));
        let changes = seen.look();
        seen.take(changes);
        assert!(seen.look().is_empty());
        fs::remove_dir_all(dir.path().join("sub")).unwrap();
        let changes = seen.look();
        assert_eq!((changes.paths(), changes.gone()), (vec![b.clone()], true));
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(&b, "two").unwrap();
        assert!(seen.look().is_empty(), "it came back before anybody took it for gone");
        assert!(seen.concerns(&dir.path().join("sub")), "a folder that goes takes its files along");
        assert!(!seen.concerns(&dir.path().join("sub/.b.swp")));
        assert_eq!(seen.folders(dir.path()).len(), 3, "the folder, the one above it, and the one beneath");
    }

    #[test]
    fn what_changed_while_a_project_was_read_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let a = dir.path().join("a");
        fs::write(&a, "new").unwrap();
        let mut seen = Seen::new(&dir.path().join(".reel"));
        let was = Dependency::content(a.clone(), Some(Digest::of(b"old")));
        assert_eq!(seen.follow(vec![was]), [a]);
    }
}
