//! Nodes in the making: names, references, and values with the user's places. It knows no kind.

use reel_engine::operation::Surroundings;
use reel_engine::span::{Span, Spanned};
use reel_engine::spec::{Located, NodeDecl, Written};
use serde::Serialize;

/// Nodes that were made so far, and what was looked at for them.
#[derive(Debug, Default)]
pub(super) struct Maker {
    pub(super) nodes: Vec<NodeDecl>,
    pub(super) surroundings: Surroundings,
}

impl Maker {
    /// Adds a node and gives its name back.
    pub(super) fn add(&mut self, name: String, kind: &str, with: With) -> String {
        let span = with.span;
        self.nodes.push(NodeDecl {
            name: Spanned { value: name.clone(), span },
            uses: Spanned { value: kind.to_owned(), span },
            with: Located::map(span, with.entries),
            needs: Vec::new(),
            timeout: None,
            resources: None,
            span,
        });
        name
    }
}

/// Parameters in the making; whatever the user did not write has the place of the whole.
#[derive(Debug, Clone)]
pub(super) struct With {
    span: Span,
    entries: Vec<(String, Located)>,
}

impl With {
    /// None yet, for something that was written at `span`.
    pub(super) const fn new(span: Span) -> Self {
        Self { span, entries: Vec::new() }
    }

    /// What was written, with its own place.
    pub(super) fn put(mut self, key: &str, value: Located) -> Self {
        self.entries.push((key.to_owned(), value));
        self
    }

    /// What was written, if it was.
    pub(super) fn maybe(self, key: &str, value: Option<&Located>) -> Self {
        match value {
            Some(value) => self.put(key, value.clone()),
            None => self,
        }
    }

    /// A value that reel found out, instead of what stands there.
    pub(super) fn instead(mut self, key: &str, value: impl Serialize) -> Self {
        self.entries.retain(|(known, _)| known != key);
        self.set(key, value)
    }

    /// A value that reel found out.
    pub(super) fn set(self, key: &str, value: impl Serialize) -> Self {
        let span = self.span;
        match serde_json::to_value(value) {
            Ok(value) => self.put(key, Located::of_json(&value, span)),
            Err(_) => self,
        }
    }

    /// A port of a node.
    pub(super) fn port(self, key: &str, node: &str, port: &str) -> Self {
        let span = self.span;
        self.put(key, reference(span, node, port))
    }

    /// As a value.
    pub(super) fn located(self) -> Located {
        Located::map(self.span, self.entries)
    }
}

/// `${node.port}`.
pub(super) fn reference(span: Span, node: &str, port: &str) -> Located {
    Located::text(span, format!("${{{node}.{port}}}"))
}

/// A list with the place of the whole.
pub(super) fn list(span: Span, items: impl IntoIterator<Item = Located>) -> Located {
    Located { node: Written::List(items.into_iter().collect()), span }
}
