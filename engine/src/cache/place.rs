//! Bytes at a user's path: by reflink, else by copy, or by hard link when that is asked for; always through a
//! temporary name beside it and a rename. It knows no store and no records.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::artifact::Artifact;
use crate::digest::Digest;

/// How an output gets to its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placing {
    /// A file of its own, 0644: a reflink where the file system has them, else a copy.
    #[default]
    Copy,
    /// A hard link into the store, read-only; a copy where links cannot be made.
    Link,
}

/// Whether a path already holds the bytes of an artifact; a path that is absent or no plain file does not.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn same_content(artifact: &Artifact, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() == artifact.size => {
            Ok(Digest::of_file(path)?.0 == artifact.digest)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts the bytes of a file at a path. Those that are copied are read anyway, so they must be `wanted`: a disk may change
/// what no time of a file tells.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the file holds something else, and whatever else keeps it from being placed.
pub(super) fn place_file(source: &Path, path: &Path, placing: Placing, wanted: &Digest) -> io::Result<()> {
    through_temporary(path, |temporary| {
        if placing == Placing::Link && link(source, temporary).is_ok() {
            return Ok(());
        }
        if reflink_copy::reflink(source, temporary).is_err() {
            fs::copy(source, temporary)?;
            if Digest::of_file(temporary)?.0 != *wanted {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        fs::set_permissions(temporary, Permissions::from_mode(0o644))
    })
}

/// Puts bytes at a path.
pub(super) fn place_bytes(bytes: &[u8], path: &Path) -> io::Result<()> {
    through_temporary(path, |temporary| {
        fs::write(temporary, bytes)?;
        fs::set_permissions(temporary, Permissions::from_mode(0o644))
    })
}

/// The mode belongs to the blob as well: nobody shall write through the link.
fn link(source: &Path, temporary: &Path) -> io::Result<()> {
    fs::set_permissions(source, Permissions::from_mode(0o444))?;
    fs::hard_link(source, temporary)
}

fn through_temporary(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
        sweep(folder);
    }
    let temporary = temporary_beside(path);
    let result = make(&temporary).and_then(|()| fs::rename(&temporary, path));
    // After a failure it is rubbish; and a rename onto another link of the same file leaves it where it is.
    match fs::remove_file(&temporary) {
        Err(error) if result.is_ok() && error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => result,
    }
}

/// What is left alone of what others may still write.
const YOUNG: Duration = Duration::from_secs(3600);
/// What stands before the process in a temporary name.
const OURS: &str = ".reel-";

fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!("{OURS}{}-{number}", std::process::id()));
    path.with_file_name(name)
}

/// Removes what killed processes left in a folder under temporary names; each folder is looked through once. A process
/// of another machine or container cannot be asked, so what is young is left alone: nothing takes an hour to place.
fn sweep(folder: &Path) {
    static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if !SWEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned()) {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_gone = |owner| kill(owner, None) == Err(Errno::ESRCH);
        if name.to_str().and_then(owner).is_some_and(is_gone) && is_old(&entry) {
            // Somebody else may be removing it, too.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_old(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|meta| meta.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > YOUNG))
}

/// The process that made a temporary name, if it is one.
fn owner(name: &str) -> Option<Pid> {
    let (_, numbers) = name.strip_prefix('.')?.rsplit_once(OURS)?;
    let (process, count) = numbers.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(process) && is_number(count)).then(|| process.parse().ok().map(Pid::from_raw)).flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_copy_is_a_file_of_its_own_and_a_link_is_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("blob");
        fs::write(&source, b"film").unwrap();
        let copy = folder.path().join("out/a/film.mp4");
        let film = Digest::of(b"film");
        place_file(&source, &copy, Placing::Copy, &film).unwrap();
        assert_eq!((fs::read(&copy).unwrap(), mode(&copy)), (b"film".to_vec(), 0o644));
        assert_ne!(fs::metadata(&copy).unwrap().ino(), fs::metadata(&source).unwrap().ino());
        let linked = folder.path().join("out/b.mp4");
        for _ in 0..2 {
            place_file(&source, &linked, Placing::Link, &film).unwrap();
            assert_eq!(fs::metadata(&linked).unwrap().ino(), fs::metadata(&source).unwrap().ino());
            assert_eq!(mode(&linked), 0o444);
        }
        place_bytes(b"words", &linked).unwrap();
        assert_eq!(fs::read(&source).unwrap(), b"film", "replacing a link leaves the blob alone");
        let left: Vec<_> = fs::read_dir(folder.path().join("out")).unwrap().collect();
        assert_eq!(left.len(), 2, "no temporary name is left: {left:?}");
    }

    #[test]
    fn what_cannot_be_placed_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.mp4");
        fs::write(&path, b"old").unwrap();
        assert!(place_file(&folder.path().join("absent"), &path, Placing::Copy, &Digest::of(b"")).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let own = std::process::id();
        let left = format!(".film.mp4.reel-{dead}-3");
        let young = format!(".film.mp4.reel-{dead}-4");
        let stay = [
            format!(".film.mp4.reel-{own}-3"),
            format!("x.reel-{dead}-3"),
            format!(".y.reel-{dead}"),
            young.clone(),
        ];
        for name in stay.iter().chain([&left]) {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let age = if *name == young { Duration::ZERO } else { 2 * YOUNG };
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
        }
        place_bytes(b"words", &folder.path().join("film.mp4")).unwrap();
        assert!(!folder.path().join(left).exists());
        assert!(stay.iter().all(|name| folder.path().join(name).exists()));
    }

    #[test]
    fn same_content_compares_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let artifact = Artifact { digest: Digest::of(b"abc"), size: 3, media: "text/plain".into() };
        assert!(!same_content(&artifact, &path).unwrap());
        for (bytes, same) in [("abc", true), ("abd", false), ("abcd", false)] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(same_content(&artifact, &path).unwrap(), same);
        }
    }

    #[test]
    fn what_is_copied_is_what_was_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let (source, path) = (folder.path().join("blob"), folder.path().join("film.mp4"));
        fs::write(&source, b"fxlm").unwrap();
        fs::write(&path, b"the last one").unwrap();
        match place_file(&source, &path, Placing::Copy, &Digest::of(b"film")) {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                assert_eq!(fs::read(&path).unwrap(), b"the last one");
                assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
            }
            // Where files share their blocks nothing was read.
            Ok(()) => assert!(reflink_copy::reflink(&source, folder.path().join("same")).is_ok()),
        }
    }
}
