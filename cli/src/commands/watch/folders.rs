//! Folders that the kernel is asked to tell about. What happened in them is not believed, only that something did. It
//! knows no project and no build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
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
    /// What went from its place, and everything beneath it: such a folder is watched no more, also when it is back, or
    /// when another one with the same number is there.
    left: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Folders {
    /// None yet; `tell` is called on another thread.
    ///
    /// # Errors
    /// Why the kernel tells nothing here.
    pub(super) fn new(tell: impl Fn(Moved) + Send + 'static) -> Result<Self, String> {
        let left: Arc<Mutex<BTreeSet<PathBuf>>> = Arc::default();
        let gone = Arc::clone(&left);
        let note = move |paths: &[PathBuf]| {
            gone.lock().unwrap_or_else(PoisonError::into_inner).extend(paths.iter().cloned());
        };
        let heard = move |event: notify::Result<notify::Event>| match event {
            Ok(event) if event.need_rescan() => {
                note(&["/".into()]);
                tell(Moved::Anywhere);
            }
            Ok(event) if matters(event.kind) => {
                if goes(event.kind) {
                    note(&event.paths);
                }
                tell(Moved::At(event.paths));
            }
            Ok(_) => {}
            Err(_) => tell(Moved::Anywhere),
        };
        let watcher = notify::recommended_watcher(heard).map_err(|error| error.to_string())?;
        Ok(Self { watcher, watched: BTreeMap::new(), left })
    }

    /// Watches these and no others; the answer is whether it was not told of some of them until now.
    ///
    /// # Errors
    /// Why one of them cannot be watched; there may be too many.
    pub(super) fn cover(&mut self, wanted: &BTreeSet<PathBuf>) -> Result<bool, String> {
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        let is_left = |path: &Path| !left.is_empty() && path.ancestors().any(|above| left.contains(above));
        let gone = self.watched.keys().filter(|path| !wanted.contains(*path) || is_left(path));
        for path in gone.cloned().collect::<Vec<PathBuf>>() {
            self.leave(&path);
        }
        let mut news = false;
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
                Ok(()) => {
                    self.watched.insert(path.clone(), identity);
                    news = true;
                }
                Err(_) if !path.is_dir() => {}
                Err(error) => return Err(format!("cannot watch `{}`: {error}", path.display())),
            }
        }
        Ok(news)
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

/// Whether what was at a path may be there no more.
const fn goes(kind: EventKind) -> bool {
    matches!(kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
}

/// Whether content may be another one; reading is none of our business, and we do it ourselves.
const fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        _ => true,
    }
}

/// All folders of a project, for as long as nobody knows which file is missing; not those that are hidden, and not more
/// than anybody has.
pub(super) fn all_folders(root: &Path, found: &mut BTreeSet<PathBuf>) {
    const MOST: usize = 4096;
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && found.len() < MOST && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                found.insert(entry.path());
                open.push(entry.path());
            }
        }
    }
}
