//! All kinds and front ends that a build knows. It knows none of them by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{FrontEnd, Operation};
use crate::diagnostic::nearest;

/// Kinds by name, and the front ends.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<String, Arc<dyn Operation>>,
    front_ends: Vec<Arc<dyn FrontEnd>>,
}

impl Registry {
    /// Adds a kind; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, operation: impl Operation + 'static) -> Self {
        self.kinds.insert(operation.info().name.to_owned(), Arc::new(operation));
        self
    }

    /// Adds a front end.
    #[must_use]
    pub fn with_front_end(mut self, front_end: impl FrontEnd + 'static) -> Self {
        self.front_ends.push(Arc::new(front_end));
        self
    }

    /// The kind of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Operation>> {
        self.kinds.get(name)
    }

    /// All kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<dyn Operation>> {
        self.kinds.values()
    }

    /// All front ends, in the order they were added.
    pub fn front_ends(&self) -> impl Iterator<Item = &Arc<dyn FrontEnd>> {
        self.front_ends.iter()
    }

    /// The nearest name of a kind, if one is near enough to be meant.
    #[must_use]
    pub fn nearest(&self, wrong: &str) -> Option<&str> {
        nearest(wrong, self.kinds.keys().map(String::as_str))
    }
}
