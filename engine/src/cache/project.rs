//! Which project a build is of: a random id in the project's `.reel` folder, and the file in the store by which
//! the project is known there. It knows nothing of what a project is made of.
//!
//! `.reel/project` holds the id, 32 hex digits in a line, and behind it the folder's own path. The path tells
//! what became of a folder that is found somewhere else:
//!
//! - nothing is left at the old place: it was **moved**, and stays the same project;
//! - the old place still has a `.reel/project` with the same id, and it is another file: this one is a **copy**,
//!   and becomes a project of its own;
//! - it is the same file: another way to the same folder (a link, a bind mount), and the same project.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;

use super::store::FORMAT;

const FILE: &str = "project";

/// The random id of a project; it moves with the project's folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProjectId(String);

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ProjectId {
    /// An id as it is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let right = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        right.then(|| Self(text.to_owned()))
    }

    /// The id in a project's `.reel` folder, if it has one and stands where it did: one small file is read, and
    /// nothing is written. `None` is for [`Self::of`] to find out.
    #[must_use]
    pub fn known(state_folder: &Path) -> Option<Self> {
        let noted = Noted::read(state_folder)?;
        (noted.folder == state_folder).then_some(noted.id)
    }

    /// The id in a project's `.reel` folder, which must be there: the one it has, or a new one when it has none
    /// or is a copy of another that is still there. `last_seen` is the `.reel` folder that the store knows for an id:
    /// of two copies whose original is gone, the first that is built is what was moved.
    ///
    /// # Errors
    /// When the folder cannot be written, or there are no random numbers.
    pub fn of(state_folder: &Path, last_seen: impl FnOnce(&Self) -> Option<PathBuf>) -> io::Result<Self> {
        let noted = Noted::read(state_folder);
        let id = match noted {
            Some(noted) if noted.folder == state_folder => return Ok(noted.id),
            Some(noted) if !noted.is_elsewhere(state_folder) => {
                let id = noted.id;
                let other = last_seen(&id).map(|folder| Noted { id: id.clone(), folder });
                if other.is_some_and(|other| other.is_elsewhere(state_folder)) { Self::random()? } else { id }
            }
            _ => Self::random()?,
        };
        let mut temporary = tempfile::NamedTempFile::new_in(state_folder)?;
        let mut text = format!("{id}\n").into_bytes();
        text.extend(state_folder.as_os_str().as_bytes());
        temporary.write_all(&text)?;
        temporary.persist(state_folder.join(FILE)).map_err(|error| error.error)?;
        Ok(id)
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Self(format!("{:032x}", u128::from_le_bytes(bytes))))
    }

    /// The file by which the store below a cache's folder knows this project. Its modification time is when
    /// the project was last seen.
    pub(super) fn file(&self, cache_dir: &Path) -> PathBuf {
        folder(&cache_dir.join(FORMAT)).join(&self.0)
    }
}

/// The folder of a store in which projects are known.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join("projects")
}

/// Sets a file's times to now; false when it is not there or may not be written.
pub(super) fn touch(path: &Path) -> bool {
    let now = TimeSpec::UTIME_NOW;
    utimensat(AT_FDCWD, path, &now, &now, UtimensatFlags::NoFollowSymlink).is_ok()
}

/// What a `.reel/project` says.
struct Noted {
    id: ProjectId,
    /// The `.reel` folder that it was written in.
    folder: PathBuf,
}

impl Noted {
    fn read(state_folder: &Path) -> Option<Self> {
        let bytes = fs::read(state_folder.join(FILE)).ok()?;
        let end = bytes.iter().position(|&byte| byte == b'\n')?;
        let id = ProjectId::parse(std::str::from_utf8(&bytes[..end]).ok()?)?;
        Some(Self { id, folder: Path::new(OsStr::from_bytes(&bytes[end + 1..])).to_owned() })
    }

    /// Whether the project that it was written for is still where it was, and is not this one.
    fn is_elsewhere(&self, state_folder: &Path) -> bool {
        let file = |folder: &Path| fs::metadata(folder.join(FILE)).map(|meta| (meta.dev(), meta.ino()));
        let same_id = Self::read(&self.folder).is_some_and(|there| there.id == self.id);
        match (file(&self.folder), file(state_folder)) {
            (Ok(there), Ok(here)) => same_id && there != here,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(state_folder: &Path) -> ProjectId {
        ProjectId::of(state_folder, |_| None).unwrap()
    }

    fn project(folder: &Path, name: &str) -> PathBuf {
        let state = folder.join(name).join(".reel");
        fs::create_dir_all(&state).unwrap();
        state
    }

    #[test]
    fn an_id_stays_and_two_projects_have_two() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (project(folder.path(), "a"), project(folder.path(), "b"));
        assert_eq!(ProjectId::known(&a), None);
        let id = of(&a);
        assert_eq!((of(&a), ProjectId::known(&a)), (id.clone(), Some(id.clone())));
        assert_ne!(of(&b), id);
        assert_eq!(ProjectId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn a_moved_folder_is_the_same_project_and_a_copy_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let a = project(folder.path(), "a");
        let id = of(&a);
        let copy = project(folder.path(), "copy");
        fs::copy(a.join(FILE), copy.join(FILE)).unwrap();
        assert_eq!(ProjectId::known(&copy), None, "it has to be found out");
        let other = of(&copy);
        assert_ne!(other, id);
        assert_eq!(ProjectId::known(&copy), Some(other));

        fs::rename(folder.path().join("a"), folder.path().join("moved")).unwrap();
        let moved = folder.path().join("moved/.reel");
        assert_eq!(of(&moved), id);
        assert_eq!(ProjectId::known(&moved), Some(id));
    }

    #[test]
    fn of_two_copies_without_an_original_one_is_it() {
        let folder = tempfile::tempdir().unwrap();
        let gone = project(folder.path(), "gone");
        let id = of(&gone);
        let copies = ["a", "b"].map(|name| project(folder.path(), name));
        for copy in &copies {
            fs::copy(gone.join(FILE), copy.join(FILE)).unwrap();
        }
        fs::remove_dir_all(folder.path().join("gone")).unwrap();
        assert_eq!(ProjectId::of(&copies[0], |_| Some(gone.clone())).unwrap(), id);
        let other = ProjectId::of(&copies[1], |_| Some(copies[0].clone())).unwrap();
        assert_ne!(other, id);
        assert_eq!(ProjectId::known(&copies[1]), Some(other));
    }

    #[test]
    fn another_way_to_a_folder_is_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let a = project(folder.path(), "a");
        let id = of(&a);
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("link")).unwrap();
        assert_eq!(of(&folder.path().join("link/.reel")), id);
        assert_eq!(of(&a), id);
    }

    #[test]
    fn what_is_no_id_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let a = project(folder.path(), "a");
        for rubbish in ["", "x", "0123\n/a", "ABCDEF00112233445566778899aabbcc\n/a", "../../../etc/passwd\n/"]
        {
            fs::write(a.join(FILE), rubbish).unwrap();
            assert_eq!(ProjectId::known(&a), None, "{rubbish:?}");
            let id = of(&a);
            assert_eq!(ProjectId::known(&a), Some(id));
        }
    }
}
