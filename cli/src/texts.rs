//! Texts of the project by digest, so that a change can be shown in words: keys and manifests hold only digests.
//! It knows no build and no terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use reel_engine::graph::Graph;
use reel_engine::history::History;
use reel_engine::key::Manifest;

const FILE: &str = "texts.json";
/// Longer texts are shown as digests.
const LONGEST: usize = 64 << 10;
/// Characters of a text that are shown; of a longer one, those around the first difference.
const SHOWN: usize = 80;
/// Characters that are shown before the first difference.
const BEFORE: usize = 30;

/// What was and what is, in quotes; nothing where there was, or is, none.
pub(crate) type Shown = (Option<String>, Option<String>);

/// Texts by their digests.
#[derive(Debug, Default)]
pub(crate) struct Texts(BTreeMap<String, String>);

impl Texts {
    /// What is known in a project's folder of states, and what stands in its graph now.
    pub(crate) fn read(folder: &Path, graph: &Graph) -> Self {
        let mut texts = Self::kept(folder);
        texts.0.extend(digested(graph.literals()));
        texts
    }

    fn kept(folder: &Path) -> Self {
        let bytes = std::fs::read(folder.join(FILE)).unwrap_or_default();
        // What cannot be read is as if never kept: digests are shown then.
        Self(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Keeps what stands in the project now and in what it was expanded to, and what the history still speaks of.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn keep<'t>(
        folder: &Path,
        now: impl Iterator<Item = &'t Arc<str>>,
        history: impl FnOnce() -> History,
    ) -> io::Result<()> {
        let before = Self::kept(folder).0;
        let now: BTreeMap<String, String> = digested(now).collect();
        let after = if before.keys().all(|digest| now.contains_key(digest)) {
            now
        } else {
            let mut after = before.clone();
            let spoken = spoken_of(&history());
            after.retain(|digest, _| spoken.contains(digest.as_str()));
            after.extend(now);
            after
        };
        if after == before {
            return Ok(());
        }
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(&serde_json::to_vec(&after)?)?;
        temporary.persist(folder.join(FILE)).map_err(|error| error.error)?;
        Ok(())
    }

    /// What was and what is as the texts behind them, where all that is there is known.
    pub(crate) fn shown(&self, old: Option<&str>, new: Option<&str>) -> Option<Shown> {
        let text = |digest: Option<&str>| match digest {
            Some(digest) => self.0.get(digest).map(Some),
            None => Some(None),
        };
        match (text(old)?, text(new)?) {
            (Some(old), Some(new)) => {
                let (old, new) = difference(old, new);
                Some((Some(old), Some(new)))
            }
            (None, None) => None,
            (old, new) => Some((old.map(|old| excerpt(old, 0)), new.map(|new| excerpt(new, 0)))),
        }
    }
}

/// Digests of all inputs that the history has in a manifest.
fn spoken_of(history: &History) -> BTreeSet<String> {
    let pasts = history.nodes().map(|(_, past)| past);
    let manifests = pasts.flat_map(|past| std::iter::once(past.manifest()).chain(past.before()));
    let fields = manifests.flat_map(Manifest::into_fields);
    fields.filter(|field| field.name.starts_with("input.")).map(|field| field.value).collect()
}

/// Two texts in quotes; of long ones what is around the first difference.
pub(crate) fn difference(old: &str, new: &str) -> (String, String) {
    let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).count();
    (excerpt(old, same), excerpt(new, same))
}

fn digested<'t>(texts: impl Iterator<Item = &'t Arc<str>>) -> impl Iterator<Item = (String, String)> {
    let short = texts.filter(|text| text.len() <= LONGEST);
    short.map(|text| (Graph::literal_digest(text).to_string(), text.to_string()))
}

/// A text in quotes; of a long one what is around the character where it differs.
fn excerpt(text: &str, differs: usize) -> String {
    let length = text.chars().count();
    if length <= SHOWN {
        return serde_json::Value::from(text).to_string();
    }
    let start = differs.saturating_sub(BEFORE).min(length - SHOWN);
    let part: String = text.chars().skip(start).take(SHOWN).collect();
    let (before, after) = (if start > 0 { "…" } else { "" }, if start + SHOWN < length { "…" } else { "" });
    serde_json::Value::from(format!("{before}{part}{after}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_texts_the_difference_is_shown() {
        let long = |word: &str| format!("{} {word} {}", "a".repeat(100), "b".repeat(100));
        let texts = Texts([("1".to_owned(), long("sun")), ("2".to_owned(), long("moon"))].into());
        let (old, new) = texts.shown(Some("1"), Some("2")).unwrap();
        let (old, new) = (old.unwrap(), new.unwrap());
        assert!(old.starts_with("\"…aaa") && old.contains("a sun b") && old.ends_with("bbb…\""), "{old}");
        assert!(new.contains("a moon b"), "{new}");
        assert_eq!(texts.shown(Some("1"), Some("3")), None);
        let (gone, nothing) = texts.shown(Some("1"), None).unwrap();
        assert!(gone.unwrap().starts_with("\"aaa") && nothing.is_none());
    }

    #[test]
    fn short_texts_are_shown_whole() {
        assert_eq!(excerpt("The \"end\"", 2), "\"The \\\"end\\\"\"");
    }
}
