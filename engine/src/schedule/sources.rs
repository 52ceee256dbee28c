//! The files of the project that an action reads, as they were when its key was made. It knows no action.

use std::path::PathBuf;

use crate::cache::Sight;
use crate::key::Manifest;

/// One file that is read where it lies.
struct Source {
    /// Its field in the manifest.
    field: String,
    path: PathBuf,
    shown: String,
    sight: Sight,
}

/// All files that one action reads where they lie.
#[derive(Default)]
pub(super) struct Sources(Vec<Source>);

impl Sources {
    /// Adds the file at a position of a slot. Files come in the order of the manifest.
    pub(super) fn add(&mut self, slot: &str, position: usize, path: PathBuf, shown: String, sight: Sight) {
        let field = format!("input.{slot}.{position}");
        self.0.push(Source { field, path, shown, sight });
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Files that are not what is in the manifest, as the user names them.
    pub(super) fn other_than(&self, manifest: &Manifest) -> Vec<String> {
        let mut fields = manifest.fields().iter();
        let differs = |source: &&Source| {
            let field = fields.by_ref().find(|field| field.name == source.field);
            field.is_none_or(|field| field.value != source.sight.digest.to_string())
        };
        named(self.0.iter().filter(differs))
    }

    /// Files that are no longer what they were, as the user names them.
    pub(super) fn changed(&self) -> Vec<String> {
        named(self.0.iter().filter(|source| !source.sight.holds(&source.path)))
    }
}

fn named<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut names: Vec<String> = sources.map(|source| source.shown.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
