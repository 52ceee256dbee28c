//! Which font faces lie in a list of folders, remembered by the state of those folders. It chooses none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use reel_engine::memo;
use serde::{Deserialize, Serialize};

/// Folders below each other that are looked into.
const DEPTH: usize = 8;

/// A face of a font file, as far as choosing needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownFace {
    pub(super) path: PathBuf,
    pub(super) index: u32,
    pub(super) families: Vec<String>,
    /// 100 to 900.
    pub(super) weight: u16,
    /// 1 to 9; 5 is normal.
    pub(super) stretch: u16,
    pub(super) slanted: bool,
}

/// All faces, and every folder that was looked into for them.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) faces: Vec<KnownFace>,
    pub(super) folders: Vec<PathBuf>,
}

/// What is remembered: faces, and the state of every folder they were found in.
#[derive(Debug, Serialize, Deserialize)]
struct Memo {
    version: u32,
    asked: Vec<PathBuf>,
    folders: Vec<(PathBuf, u128)>,
    faces: Vec<KnownFace>,
}

const VERSION: u32 = 1;

/// All faces in the folders and those below, in a fixed order. A memo that cannot be read or written costs
/// time only.
pub(super) fn faces(dirs: &[PathBuf], memo: Option<&Path>) -> Scan {
    if let Some(scan) = memo.and_then(|file| recall(dirs, file)) {
        return scan;
    }
    let mut folders = BTreeSet::new();
    let mut files = BTreeSet::new();
    for dir in dirs {
        walk(dir, DEPTH, &mut folders, &mut files);
    }
    let faces = read(&files);
    if let Some(file) = memo {
        let folders = folders.iter().map(|dir| (dir.clone(), state(dir))).collect();
        let fresh = Memo { version: VERSION, asked: dirs.to_vec(), folders, faces: faces.clone() };
        // Without it the next run looks again.
        let _ = memo::remember(file, &fresh);
    }
    Scan { faces, folders: folders.into_iter().collect() }
}

fn recall(dirs: &[PathBuf], file: &Path) -> Option<Scan> {
    let memo: Memo = memo::recall(file)?;
    let same = memo.version == VERSION
        && memo.asked == dirs
        && memo.folders.iter().all(|(dir, then)| state(dir) == *then);
    let folders = memo.folders.into_iter().map(|(dir, _)| dir).collect();
    same.then_some(Scan { faces: memo.faces, folders })
}

/// Nanoseconds of the last change of a folder's list; 0 for one that is not there.
fn state(dir: &Path) -> u128 {
    std::fs::metadata(dir)
        .and_then(|m| m.modified())
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |d| d.as_nanos())
}

fn walk(dir: &Path, depth: usize, folders: &mut BTreeSet<PathBuf>, files: &mut BTreeSet<PathBuf>) {
    if !folders.insert(dir.to_owned()) || depth == 0 {
        return;
    }
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            walk(&path, depth - 1, folders, files);
        } else if is_font(&path) {
            files.insert(path);
        }
    }
}

fn is_font(path: &Path) -> bool {
    let end = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    ["ttf", "otf", "ttc", "otc"].iter().any(|known| end.eq_ignore_ascii_case(known))
}

fn read(files: &BTreeSet<PathBuf>) -> Vec<KnownFace> {
    let mut faces = Vec::new();
    for path in files {
        let mut book = fontdb::Database::new();
        if book.load_font_file(path).is_err() {
            continue; // not a font after all; another of its name may be
        }
        faces.extend(book.faces().map(|face| KnownFace {
            path: path.clone(),
            index: face.index,
            families: face.families.iter().map(|(name, _)| name.clone()).collect(),
            weight: face.weight.0,
            stretch: face.stretch.to_number(),
            slanted: face.style != fontdb::Style::Normal,
        }));
    }
    faces
}
