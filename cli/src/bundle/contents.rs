//! The list of what a bundle holds, and what makes it one that can be believed. It reads and writes no bundle.

use std::collections::BTreeMap;

use reel_engine::cache::Rank;
use reel_engine::digest::Digest;
use reel_engine::key::Manifest;
use reel_engine::operation::Subgraph;
use reel_engine::session::PROJECT_FILE;
use serde::{Deserialize, Serialize};

/// The version of the format that this reel writes and reads.
pub(crate) const FORMAT: u32 = 1;
/// Folders that no bundle brings: they say what is done on a machine, not what a film is.
const FOREIGN: [&str; 2] = [".git", ".reel"];
/// The most bytes of a path.
const LONGEST: usize = 2048;

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contents {
    /// See [`FORMAT`].
    pub(crate) format: u32,
    /// The name of the project.
    pub(crate) project: String,
    /// What was asked for; empty for everything.
    pub(crate) targets: Vec<String>,
    /// Variables that were given other values, as `NAME=VALUE`.
    pub(crate) set: Vec<String>,
    /// Files of the project, by path.
    pub(crate) files: Vec<Source>,
    /// Results, by key.
    pub(crate) results: Vec<Entry>,
    /// Bytes of artifacts, by digest.
    pub(crate) blobs: Vec<Blob>,
    /// Files of the machine that went into keys, such as fonts, with their digests; they are not in the bundle.
    pub(crate) outside: BTreeMap<String, Digest>,
    /// Tools that went into keys, and who they were.
    pub(crate) tools: BTreeMap<String, String>,
}

/// A file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// From the project's folder, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// Whether it may be run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) executable: bool,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The key of the action.
    pub(crate) key: Digest,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// Bytes of one or more artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// What the cache knows of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    pub(crate) kind: String,
    /// Microseconds that it took.
    pub(crate) cost: u64,
    pub(crate) rank: Rank,
    pub(crate) artifacts: Vec<Made>,
    /// More graph, from kinds that expand.
    pub(crate) graph: Option<Subgraph>,
    pub(crate) log: String,
    /// Everything that is in the key.
    pub(crate) manifest: Manifest,
}

/// An artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Made {
    pub(crate) port: String,
    pub(crate) media: String,
    pub(crate) digest: Digest,
}

impl Contents {
    /// Why this list is not to be believed, if so.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.format != FORMAT {
            return Some(format!("its format is {}, and this reel knows {FORMAT}", self.format));
        }
        if let Some(file) = self.files.iter().find(|file| !is_plain(&file.path)) {
            return Some(format!("`{}` is not a path that a bundle may have", file.path.escape_debug()));
        }
        if !self.files.iter().any(|file| file.path == PROJECT_FILE) {
            return Some(format!("it holds no `{PROJECT_FILE}`"));
        }
        let in_order = self.files.is_sorted_by(|one, other| one.path < other.path)
            && self.results.is_sorted_by(|one, other| one.key < other.key)
            && self.blobs.is_sorted_by(|one, other| one.digest < other.digest);
        if !in_order {
            return Some("its list is not in order, or names something twice".to_owned());
        }
        self.bytes().is_none().then(|| "its sizes are beyond all measure".to_owned())
    }

    /// Bytes of all entries together; `None` if they are too many to count.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let files = self.files.iter().map(|file| file.size);
        let results = self.results.iter().map(|entry| entry.size);
        let blobs = self.blobs.iter().map(|blob| blob.size);
        files.chain(results).chain(blobs).try_fold(0_u64, u64::checked_add)
    }
}

/// Whether a path leads to one place below a project's folder, written in the one way, and to nothing that is not a
/// project's.
pub(crate) fn is_plain(path: &str) -> bool {
    let is_foreign = |part: &str| FOREIGN.iter().any(|foreign| part.eq_ignore_ascii_case(foreign));
    let is_part = |part: &str| !(matches!(part, "" | "." | "..") || is_foreign(part));
    path.len() <= LONGEST
        && path.split('/').all(is_part)
        && !path.chars().any(|c| c.is_control() || c == '\\')
}

impl Outcome {
    /// Why this is not what the cache would know of an action with this key, if so.
    pub(crate) fn fault(&self, key: &Digest) -> Option<String> {
        if self.manifest.key().0 != *key {
            return Some("what went into its key gives another key".to_owned());
        }
        let kind = self.manifest.fields().first();
        if kind.is_none_or(|field| field.name != "kind" || field.value != self.kind) {
            return Some("it is of another kind than its key".to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str) -> Source {
        Source { path: path.into(), digest: Digest::of(b""), size: 0, executable: false }
    }

    fn contents(paths: &[&str]) -> Contents {
        Contents {
            format: FORMAT,
            project: "film".into(),
            targets: Vec::new(),
            set: Vec::new(),
            files: paths.iter().map(|path| source(path)).collect(),
            results: Vec::new(),
            blobs: Vec::new(),
            outside: BTreeMap::new(),
            tools: BTreeMap::new(),
        }
    }

    #[test]
    fn only_plain_paths_below_the_project_are_believed() {
        for path in ["reel.yaml", "a/b c/ü.txt", ".hidden/x", "a..b/c", "...", "-rf"] {
            assert!(is_plain(path), "{path}");
        }
        let wrong = [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "a\0b",
            "a\nb",
            ".git/hooks/post-checkout",
            "a/.GIT/config",
            ".reel/history",
            ".Reel",
        ];
        for path in wrong {
            assert!(!is_plain(path), "{path:?}");
            assert!(contents(&[path, "reel.yaml"]).fault().is_some(), "{path:?}");
        }
        assert!(!is_plain(&"x/".repeat(2000)));
    }

    #[test]
    fn a_list_is_in_order_and_names_nothing_twice() {
        assert_eq!(contents(&["a", "reel.yaml"]).fault(), None);
        assert!(contents(&["reel.yaml", "a"]).fault().is_some());
        assert!(contents(&["reel.yaml", "reel.yaml"]).fault().is_some());
        assert!(contents(&["a"]).fault().is_some(), "it is no project");
        let mut large = contents(&["a", "reel.yaml"]);
        large.files.iter_mut().for_each(|file| file.size = u64::MAX);
        assert!(large.fault().is_some());
        assert!(Contents { format: 2, ..contents(&["reel.yaml"]) }.fault().is_some());
    }
}
