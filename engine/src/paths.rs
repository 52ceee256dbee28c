//! Paths that a project names: whether they stay inside it, and what is there. It knows no spec and no graph.

mod numbered;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::fcntl::OFlag;

use crate::diagnostic::{Diagnostic, code};
use crate::span::Span;

pub use numbered::Numbered;

/// What may be wrong with a path that a project names.
pub(crate) enum PathFault {
    Outside,
    Missing,
    Unreadable(io::Error),
}

impl PathFault {
    pub(crate) fn diagnostic(&self, path: &str, span: Span) -> Diagnostic {
        match self {
            Self::Outside => Diagnostic::error(code::OUTSIDE, span, format!("`{path}` leaves the project"))
                .help("copy the file into the project's folder"),
            Self::Missing => match path.split_once("://") {
                Some((scheme, _)) if !scheme.is_empty() => {
                    let message = format!("`{path}` is neither a path nor an `https://` address");
                    let help = "name a file of the project, as it is found from the folder of reel.yaml";
                    Diagnostic::error(code::BAD_VALUE, span, message).help(help)
                }
                _ => Diagnostic::error(code::MISSING_FILE, span, format!("no file at `{path}`"))
                    .help("paths are relative to the folder of reel.yaml"),
            },
            Self::Unreadable(error) => {
                Diagnostic::error(code::MISSING_FILE, span, format!("cannot read `{path}`: {error}"))
            }
        }
    }
}

/// The folder of a project, and the real places of what was asked for in it. It remembers them, since many nodes
/// read one file and many files stand in one folder; so it is made anew for each stage.
pub(crate) struct Root<'a> {
    folder: &'a Path,
    real: io::Result<PathBuf>,
    folders: Mutex<HashMap<PathBuf, PathBuf>>,
    files: Mutex<HashMap<String, PathBuf>>,
}

impl<'a> Root<'a> {
    /// The project in `folder`.
    pub(crate) fn new(folder: &'a Path) -> Self {
        Self { folder, real: folder.canonicalize(), folders: Mutex::default(), files: Mutex::default() }
    }

    /// As it was given.
    pub(crate) const fn folder(&self) -> &'a Path {
        self.folder
    }

    /// The real place of a file that can be read, with symlinks resolved.
    pub(crate) fn find(&self, path: &str) -> Result<PathBuf, PathFault> {
        if let Some(found) = lock(&self.files).get(path) {
            return Ok(found.clone());
        }
        let found = self.look(path)?;
        lock(&self.files).insert(path.to_owned(), found.clone());
        Ok(found)
    }

    fn look(&self, path: &str) -> Result<PathBuf, PathFault> {
        let written = Path::new(path);
        let climbs =
            written.components().any(|part| matches!(part, Component::ParentDir | Component::RootDir));
        let fault = |error: io::Error| match error.kind() {
            _ if climbs => PathFault::Outside,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PathFault::Missing,
            _ => PathFault::Unreadable(error),
        };
        let real = match (written.parent(), written.file_name()) {
            (Some(parent), Some(name)) if !climbs => {
                let place = self.real_folder(parent).map_err(fault)?.join(name);
                let is_link = place.symlink_metadata().map_err(fault)?.is_symlink();
                if is_link { place.canonicalize().map_err(fault)? } else { place }
            }
            _ => self.folder.join(written).canonicalize().map_err(fault)?,
        };
        match &self.real {
            Ok(root) if real.starts_with(root) => {}
            Ok(_) => return Err(PathFault::Outside),
            Err(error) => return Err(PathFault::Unreadable(error.kind().into())),
        }
        // A pipe would wait for somebody who writes.
        let open = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&real);
        let file = open.map_err(PathFault::Unreadable)?;
        let kind = file.metadata().map_err(PathFault::Unreadable)?.file_type();
        match kind.is_file() {
            true => Ok(real),
            false if kind.is_dir() => Err(PathFault::Unreadable(io::Error::other("it is a folder"))),
            false => Err(PathFault::Unreadable(io::Error::other("it is a pipe or a device"))),
        }
    }

    fn real_folder(&self, parent: &Path) -> io::Result<PathBuf> {
        if let Some(found) = lock(&self.folders).get(parent) {
            return Ok(found.clone());
        }
        let real = self.folder.join(parent).canonicalize()?;
        lock(&self.folders).insert(parent.to_owned(), real.clone());
        Ok(real)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn said(root: &Root<'_>, path: &str) -> String {
        match root.find(path) {
            Ok(found) => format!("at {}", found.strip_prefix(root.folder()).unwrap().display()),
            Err(PathFault::Outside) => "outside".to_owned(),
            Err(PathFault::Missing) => "missing".to_owned(),
            Err(PathFault::Unreadable(error)) => error.to_string(),
        }
    }

    #[test]
    fn a_path_is_followed_and_stays_inside() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().canonicalize().unwrap().join("project");
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("a/b/c.txt"), "c").unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        nix::unistd::mkfifo(&folder.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        symlink("a/b", folder.join("short")).unwrap();
        symlink("../../secret", folder.join("a/leak")).unwrap();
        symlink("..", folder.join("up")).unwrap();
        let root = Root::new(&folder);
        for (path, wanted) in [
            ("a/b/c.txt", "at a/b/c.txt"),
            ("./a//b/c.txt", "at a/b/c.txt"),
            ("short/c.txt", "at a/b/c.txt"),
            ("a/b", "it is a folder"),
            ("pipe", "it is a pipe or a device"),
            ("a/none", "missing"),
            ("none/c.txt", "missing"),
            ("a/b/c.txt/d", "missing"),
            ("../secret", "outside"),
            ("a/leak", "outside"),
            ("up/secret", "outside"),
            ("/etc/passwd", "outside"),
            ("a/../a/b/c.txt", "at a/b/c.txt"),
        ] {
            assert_eq!(said(&root, path), wanted, "{path}");
            assert_eq!(said(&root, path), wanted, "{path}, asked again");
        }
    }
}
