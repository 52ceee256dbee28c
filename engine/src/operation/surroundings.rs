//! What a graph depends on beside the text of its project: files that were looked into, folders that were
//! searched, variables that were asked for. It only lists; it looks at nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What must be as it was for the same text to give the same graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Files whose content was looked into while the graph was made.
    pub looked_into: BTreeSet<PathBuf>,
    /// Files and folders that were searched for something, there or not: their state counts, not their content.
    pub places: BTreeSet<PathBuf>,
    /// Environment variables that were asked for, with what they were.
    pub env: BTreeMap<String, Option<String>>,
}

impl Surroundings {
    /// Takes in what another part of the graph depends on.
    pub fn extend(&mut self, other: Self) {
        self.looked_into.extend(other.looked_into);
        self.places.extend(other.places);
        self.env.extend(other.env);
    }
}
