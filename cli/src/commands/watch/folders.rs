//! Folders that the kernel is asked to tell about. What happened in them is not believed, only that something did. It
//! knows no project and no build.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// What is told of folders.
#[derive(Debug)]
pub(super) enum Moved {
    /// Something happened at these paths.
    At(Vec<PathBuf>),
    /// Something happened that was not told in time: anything may have changed.
    Anywhere,
}

/// Watched folders.
pub(super) struct Folders {
    watcher: RecommendedWatcher,
    /// The folder that was meant, since another one may stand in its place by now.
    watched: BTreeMap<PathBuf, (u64, u64)>,
}

impl Folders {
    /// None yet; `tell` is called on another thread.
    ///
    /// # Errors
    /// Why the kernel tells nothing here.
    pub(super) fn new(tell: impl Fn(Moved) + Send + 'static) -> Result<Self, String> {
        let heard = move |event: notify::Result<notify::Event>| match event {
            Ok(event) if event.need_rescan() => tell(Moved::Anywhere),
            Ok(event) if matters(event.kind) => tell(Moved::At(event.paths)),
            Ok(_) => {}
            Err(_) => tell(Moved::Anywhere),
        };
        let watcher = notify::recommended_watcher(heard).map_err(|error| error.to_string())?;
        Ok(Self { watcher, watched: BTreeMap::new() })
    }

    /// Watches these and no others.
    ///
    /// # Errors
    /// Why one of them cannot be watched; there may be too many.
    pub(super) fn cover(&mut self, wanted: &BTreeSet<PathBuf>) -> Result<(), String> {
        let gone: Vec<PathBuf> =
            self.watched.keys().filter(|path| !wanted.contains(*path)).cloned().collect();
        for path in gone {
            self.leave(&path);
        }
        for path in wanted {
            // It may have gone just now, which then was told of the folder above it.
            let Ok(meta) = path.metadata() else { continue };
            let identity = (meta.dev(), meta.ino());
            match self.watched.get(path) {
                Some(known) if *known == identity => continue,
                Some(_) => self.leave(path),
                None => {}
            }
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(path.clone(), identity)),
                Err(_) if !path.is_dir() => {}
                Err(error) => return Err(format!("cannot watch `{}`: {error}", path.display())),
            }
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.watched.len()
    }

    fn leave(&mut self, path: &Path) {
        self.watched.remove(path);
        // A folder that is gone is not watched any more.
        let _ = self.watcher.unwatch(path);
    }
}

/// Whether content may be another one; reading is none of our business, and we do it ourselves.
const fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        _ => true,
    }
}
