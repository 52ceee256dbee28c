//! Files that remember what could be found out again. It does not know what is in them.
//!
//! The first line is the digest of all that follows, as JSON. What is remembered may go into keys, so a memo
//! with a bit that fell over must be no memo: it is then found out again, which costs time only.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::digest::Digest;

/// What the file remembers; `None` when it is not there, damaged, or of another form.
#[must_use]
pub fn recall<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let bytes = fs::read(file).ok()?;
    let (digest, json) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
    let json = &json[1..];
    let whole = digest == Digest::of(json).to_string().as_bytes();
    whole.then(|| serde_json::from_slice(json).ok()).flatten()
}

/// Replaces the file as a whole, so that a reader beside never sees half of it.
///
/// # Errors
/// When it cannot be written; the next one to ask then finds out for itself.
pub fn remember<T: Serialize>(file: &Path, what: &T) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let json = serde_json::to_vec(what)?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(fresh, "{}", Digest::of(&json))?;
    fresh.write_all(&json)?;
    fresh.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_damage_is_no_memo() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deeper/memo");
        assert_eq!(recall::<Vec<String>>(&file), None);
        let what = vec!["libavfilter.so=ffbdeea4".to_owned(), "x264".to_owned()];
        remember(&file, &what).unwrap();
        assert_eq!(recall(&file), Some(what));
        let good = fs::read(&file).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, &bad).unwrap();
            assert_eq!(recall::<Vec<String>>(&file), None, "a bit at {at}");
            fs::write(&file, &good[..at]).unwrap();
            assert_eq!(recall::<Vec<String>>(&file), None, "cut at {at}");
        }
    }
}
