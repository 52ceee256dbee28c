//! What of the project's files was seen last, and which of them are not that any more. Content decides: it is told
//! that something happened, and looks. It knows no event and no build.

use std::collections::{BTreeSet, HashMap};
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
    /// A file that changed while a build went on, which may have read something else than what is there.
    Unsure,
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
    known: HashMap<PathBuf, Sight>,
    around: Around,
}

/// What lies around known paths. It is found folder by folder: there may be ten thousand files in a few.
#[derive(Default)]
struct Around {
    /// The folders that hold them.
    parents: BTreeSet<PathBuf>,
    /// All folders above them, and where links among all of these lead, with the folders above that.
    relevant: BTreeSet<PathBuf>,
    /// Folders in which links end.
    ends: BTreeSet<PathBuf>,
}

impl Around {
    fn of<'a>(known: impl Iterator<Item = &'a PathBuf>) -> Self {
        let mut around = Self::default();
        let (mut real, mut ends) = (HashMap::new(), Vec::new());
        for path in known {
            let Some(parent) = path.parent() else { continue };
            if !real.contains_key(parent) {
                real.insert(parent.to_owned(), target(parent));
                around.parents.insert(parent.to_owned());
            }
            let elsewhere = real.get(parent).and_then(Option::as_ref).zip(path.file_name());
            let below = elsewhere.map(|(folder, name)| folder.join(name));
            ends.extend(if path.is_symlink() { target(path) } else { below });
        }
        around.parents.iter().for_each(|path| add_with_above(&mut around.relevant, path));
        ends.extend(around.relevant.iter().filter_map(|path| target(path)));
        ends.iter().for_each(|path| add_with_above(&mut around.relevant, path));
        around.ends = ends.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
        around
    }
}

impl Seen {
    /// Nothing yet; digests that are remembered in the project's `.reel` are believed.
    pub(super) fn new(state_folder: &Path) -> Self {
        let states = FileStates::open(state_folder);
        Self { states, known: HashMap::new(), around: Around::default() }
    }

    /// How many files and places there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Looks at these from now on. A file whose content is told is taken to be so until the next look, which finds what
    /// became of it meanwhile; what lies around is to be [found out](Self::relate), too.
    pub(super) fn follow(&mut self, dependencies: Vec<Dependency>) {
        self.states.begin();
        self.known.clear();
        let mut open = Vec::new();
        for Dependency { path, counts } in dependencies {
            let sight = match counts {
                Counts::Content(Some(was)) => Sight::Content(was),
                Counts::Content(None) => {
                    open.push(path);
                    continue;
                }
                Counts::State => Sight::Place(FileState::of(&path).ok()),
            };
            self.known.insert(path, sight);
        }
        let seen = self.contents(open);
        self.known.extend(seen);
    }

    /// Looks at these, too, as they are now.
    pub(super) fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let new: Vec<PathBuf> = paths.into_iter().filter(|path| !self.known.contains_key(path)).collect();
        if new.is_empty() {
            return;
        }
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

    /// Forgets the content of files that changed since `marker` was written, so that the next look finds each of them to
    /// be another: a build that read them meanwhile may have seen neither what they were nor what they are. Tells
    /// whether there are any.
    pub(super) fn doubt(&mut self, marker: &FileState) -> bool {
        let mut any = false;
        for (path, sight) in self.known.iter_mut().filter(|(_, sight)| matches!(sight, Sight::Content(_))) {
            if FileState::of(path).is_ok_and(|state| state.is_since(marker)) {
                *sight = Sight::Unsure;
                any = true;
            }
        }
        any
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
        self.known.contains_key(path)
            || self.around.relevant.contains(path)
            || path.parent().is_some_and(place)
    }

    /// The folders to watch so that nothing is missed: above each path up to `root`, and wherever links lead.
    pub(super) fn folders(&self, root: &Path) -> BTreeSet<PathBuf> {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([root.to_owned()]);
        folders.extend(root.parent().map(Path::to_owned));
        for parent in &self.around.parents {
            if parent.starts_with(root) {
                folders.extend(parent.ancestors().take_while(|folder| *folder != root).map(Path::to_owned));
            } else {
                let there = parent.ancestors().find(|folder| folder.is_dir());
                folders.extend(there.map(Path::to_owned));
            }
        }
        let places = self.known.iter().filter(|(_, sight)| matches!(sight, Sight::Place(Some(_))));
        folders.extend(places.map(|(path, _)| path.clone()));
        folders.extend(self.around.ends.iter().cloned());
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

    /// Finds out anew what lies around; links may lead elsewhere by now.
    pub(super) fn relate(&mut self) {
        self.around = Around::of(self.known.keys());
    }
}

fn add_with_above(all: &mut BTreeSet<PathBuf>, path: &Path) {
    for path in path.ancestors() {
        if !all.insert(path.to_owned()) {
            break;
        }
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
        seen.follow(vec![content(&a), content(&b)]);
        seen.relate();
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
    fn links_are_followed_wherever_they_stand_on_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (project, elsewhere) = (root.join("project"), root.join("elsewhere"));
        for folder in [&project, &elsewhere.join("deep"), &elsewhere.join("files")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(elsewhere.join("deep/a"), "a").unwrap();
        fs::write(elsewhere.join("files/b"), "b").unwrap();
        std::os::unix::fs::symlink(elsewhere.join("deep"), project.join("link")).unwrap();
        std::os::unix::fs::symlink(elsewhere.join("files/b"), project.join("b")).unwrap();
        let mut seen = Seen::new(&project.join(".reel"));
        seen.follow(vec![content(&project.join("link/a")), content(&project.join("b"))]);
        seen.relate();
        let folders = seen.folders(&project);
        // Where the files are, and where the folder is that the link names.
        for folder in ["project", "project/link", "elsewhere", "elsewhere/deep", "elsewhere/files"] {
            assert!(folders.contains(&root.join(folder)), "{folder} is not among {folders:?}");
        }
        for path in
            ["project/link", "project/link/a", "elsewhere/deep/a", "elsewhere/files/b", "elsewhere/deep"]
        {
            assert!(seen.concerns(&root.join(path)), "{path}");
        }
        assert!(!seen.concerns(&root.join("elsewhere/deep/other")));
        // A link that leads elsewhere is found without any content being another.
        fs::create_dir(root.join("third")).unwrap();
        fs::write(root.join("third/b"), "b").unwrap();
        fs::remove_file(project.join("b")).unwrap();
        std::os::unix::fs::symlink(root.join("third/b"), project.join("b")).unwrap();
        assert!(seen.look().is_empty());
        seen.relate();
        assert!(seen.folders(&project).contains(&root.join("third")) && seen.concerns(&root.join("third/b")));
    }

    #[test]
    fn what_changed_while_a_build_went_on_is_another_even_if_it_is_the_same_again() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "old").unwrap();
        fs::write(&b, "old").unwrap();
        let mut seen = Seen::new(&dir.path().join(".reel"));
        seen.follow(vec![content(&a), content(&b)]);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let marker = FileState::mark(&dir.path().join("marker")).unwrap();
        assert!(!seen.doubt(&marker));
        fs::write(&a, "new").unwrap();
        fs::write(&a, "old").unwrap();
        assert!(seen.look().is_empty());
        assert!(seen.doubt(&marker));
        assert_eq!(seen.look().paths(), slice::from_ref(&a));
        let changes = seen.look();
        seen.take(changes);
        assert!(seen.look().is_empty());
    }

    #[test]
    fn what_changed_while_a_project_was_read_is_found_by_the_next_look() {
        let dir = tempfile::tempdir().unwrap();
        let a = dir.path().join("a");
        fs::write(&a, "new").unwrap();
        let mut seen = Seen::new(&dir.path().join(".reel"));
        seen.follow(vec![Dependency::content(a.clone(), Some(Digest::of(b"old")))]);
        assert_eq!(seen.look().paths(), slice::from_ref(&a));
        seen.follow(vec![Dependency::content(a, Some(Digest::of(b"new")))]);
        assert!(seen.look().is_empty());
    }
}
