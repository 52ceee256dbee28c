//! Who `reel-speak` is: what it says of itself, and digests of the program, its engine and its voice data. It
//! knows no voice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reel_engine::digest::{Digest, Hasher};
use reel_nodes::trace::Declared;
use serde::Deserialize;

/// Identity of the speech engine as a whole.
pub(super) struct Speaker {
    /// For keys.
    pub(super) identity: String,
    /// What it depends on: the library, and all folders and files of the voice data.
    pub(super) files: Vec<PathBuf>,
    /// Names of its voices, and of variants with a `+` before them.
    pub(super) voices: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    espeak: String,
    data: PathBuf,
    library: PathBuf,
    voices: Vec<String>,
    variants: Vec<String>,
}

/// Variables that it is started with. Those that decide which engine and which voices it finds are in its
/// identity by what it finds; the others say how memory is kept, and what encoders tell.
const VARIABLES: [&str; 11] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "TZ",
    "LD_LIBRARY_PATH",
    "ESPEAK_DATA_PATH",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "SVT_LOG",
    "CUDA_DEVICE_ORDER",
];

/// What it may use because its identity covers it.
pub(super) fn declared(program: &Path) -> io::Result<Declared> {
    let answer = answer(program)?;
    Ok(Declared::default()
        .program(program, "reel-speak")
        .folder(&answer.data)
        .folder(&answer.library)
        .variables(VARIABLES))
}

/// Asks the program who it is.
pub(super) fn ask(program: &Path) -> io::Result<Speaker> {
    let answer = answer(program)?;
    let mut files = vec![answer.library.clone()];
    let data = digest_tree(&answer.data, &mut files)?;
    let (own, library) = (Digest::of_file(program)?.0, Digest::of_file(&answer.library)?.0);
    let identity = format!(
        "{} program={} library={} data={}",
        answer.espeak,
        own.short(),
        library.short(),
        data.short()
    );
    let mut voices = answer.voices;
    voices.extend(answer.variants.iter().map(|variant| format!("+{variant}")));
    Ok(Speaker { identity, files, voices })
}

fn answer(program: &Path) -> io::Result<Answer> {
    let output = Command::new(program).arg("--identity").stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return Err(io::Error::other(format!("{}: {}", output.status, said.trim())));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Digest of the names and contents below a folder, in the order of names; adds each folder and file to `seen`.
fn digest_tree(root: &Path, seen: &mut Vec<PathBuf>) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        if fs::metadata(&path)?.is_dir() {
            let entries: io::Result<Vec<PathBuf>> =
                fs::read_dir(&path)?.map(|entry| Ok(entry?.path())).collect();
            let mut entries = entries?;
            entries.sort_unstable_by(|a, b| b.cmp(a));
            waiting.extend(entries);
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path);
            hasher.field("name", name.as_os_str().as_encoded_bytes());
            hasher.field("digest", Digest::of_file(&path)?.0.as_bytes());
        }
        seen.push(path);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_are_in_the_digest_and_all_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("lang")).unwrap();
        fs::write(root.join("lang/en"), "a").unwrap();
        fs::write(root.join("phondata"), "b").unwrap();
        let digest = || {
            let mut seen = Vec::new();
            (digest_tree(root, &mut seen).unwrap(), seen.len())
        };
        let (first, count) = digest();
        assert_eq!(count, 4);
        assert_eq!(first, digest().0);
        fs::rename(root.join("lang/en"), root.join("lang/de")).unwrap();
        let second = digest().0;
        assert_ne!(first, second);
        fs::write(root.join("phondata"), "c").unwrap();
        assert_ne!(second, digest().0);
    }
}
