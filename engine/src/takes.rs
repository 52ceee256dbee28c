//! The lock file: what takes are pinned to. It knows no network.
//!
//! `reel.lock` is JSON in a fixed order, kept in Git, and written once, atomically, at the end of a build.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Version of the file's format.
const VERSION: u32 = 1;

/// What a URL gave when it was first fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Media type.
    #[serde(rename = "type")]
    pub media: String,
    /// The day it was fetched, `YYYY-MM-DD`.
    pub date: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    fetched: BTreeMap<String, Pin>,
}

/// The pins of a project.
#[derive(Debug, Default)]
pub struct Takes {
    path: PathBuf,
    file: File,
    changed: bool,
}

impl Takes {
    /// Reads the lock file; one that is not there is empty.
    ///
    /// # Errors
    /// When it cannot be read or is not a lock file that this version knows.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from).and_then(|file: File| {
                match file.version {
                    VERSION => Ok(file),
                    other => {
                        Err(io::Error::other(format!("its version is {other}, this reel knows {VERSION}")))
                    }
                }
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                File { version: VERSION, ..File::default() }
            }
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), file, changed: false })
    }

    /// The pin of a URL.
    #[must_use]
    pub fn pin(&self, url: &str) -> Option<&Pin> {
        self.file.fetched.get(url)
    }

    /// Pins a URL.
    pub fn set(&mut self, url: &str, pin: Pin) {
        let same = self.pin(url).is_some_and(|old| old.digest == pin.digest);
        if !same {
            self.file.fetched.insert(url.to_owned(), pin);
            self.changed = true;
        }
    }

    /// Writes the file if a pin is new.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        let mut text = serde_json::to_vec_pretty(&self.file)?;
        text.push(b'\n');
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        // It is a file of the project like any other: as readable as the user's umask says.
        let mode = Permissions::from_mode(0o666);
        let mut temporary = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
        temporary.write_all(&text)?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_survive_and_stand_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reel.lock");
        let mut takes = Takes::read(&path).unwrap();
        let pin = |text: &str| Pin {
            digest: Digest::of(text.as_bytes()),
            size: 1,
            media: "image/png".into(),
            date: "2026-11-20".into(),
        };
        takes.set("https://b.example/x", pin("b"));
        takes.set("https://a.example/x", pin("a"));
        takes.save().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.find("a.example").unwrap() < text.find("b.example").unwrap());
        assert!(text.ends_with("}\n"), "{text}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary name is left");
        let again = Takes::read(&path).unwrap();
        assert_eq!(again.pin("https://a.example/x"), Some(&pin("a")));
    }

    #[test]
    fn an_unknown_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reel.lock");
        std::fs::write(&path, r#"{"version": 9}"#).unwrap();
        assert!(Takes::read(&path).unwrap_err().to_string().contains("version is 9"));
    }
}
