//! A tree of values as written, every one with its place. It knows no schema and no YAML.

use serde_json::Value;

use crate::span::{Span, Spanned};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What was written.
    pub node: Written,
    /// Where.
    pub span: Span,
}

/// Any YAML value. Numbers keep their text, so that no float is ever made of a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as its text.
    Number(String),
    /// A string.
    Text(String),
    /// A scalar of a table, where nothing says of what type it is: a text, or a number or truth where that is wanted.
    Cell(String),
    /// A value that is not known yet, in the sample of a template, or that cannot be known because what decides it is
    /// wrong: it fits everywhere.
    Pending,
    /// A sequence.
    List(Vec<Located>),
    /// A mapping, in the order written.
    Map(Vec<(Spanned<String>, Located)>),
}

impl Located {
    /// A string at a place.
    pub fn text(span: Span, text: impl Into<String>) -> Self {
        Self { node: Written::Text(text.into()), span }
    }

    /// A scalar of a table at a place.
    pub fn cell(span: Span, text: impl Into<String>) -> Self {
        Self { node: Written::Cell(text.into()), span }
    }

    /// A mapping at a place, whose keys share it.
    pub fn map<K: Into<String>>(span: Span, entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries =
            entries.into_iter().map(|(key, value)| (Spanned { value: key.into(), span }, value)).collect();
        Self { node: Written::Map(entries), span }
    }

    /// A sequence at a place.
    pub fn list(span: Span, items: impl IntoIterator<Item = Self>) -> Self {
        Self { node: Written::List(items.into_iter().collect()), span }
    }

    /// A tree of JSON, all of it at one place.
    #[must_use]
    pub fn of_json(value: &Value, span: Span) -> Self {
        match value {
            Value::Null => Self { node: Written::Null, span },
            Value::Bool(b) => Self { node: Written::Bool(*b), span },
            Value::Number(n) => Self { node: Written::Number(n.to_string()), span },
            Value::String(s) => Self::text(span, s.clone()),
            Value::Array(items) => Self::list(span, items.iter().map(|v| Self::of_json(v, span))),
            Value::Object(map) => {
                Self::map(span, map.iter().map(|(k, v)| (k.clone(), Self::of_json(v, span))))
            }
        }
    }

    /// As JSON. A number that is not whole stays text: no float is ever made of a quantity.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.node {
            Written::Null | Written::Pending => Value::Null,
            Written::Bool(flag) => Value::Bool(*flag),
            Written::Number(text) => {
                text.parse::<i64>().map_or_else(|_| Value::from(text.as_str()), Value::from)
            }
            Written::Text(text) | Written::Cell(text) => Value::from(text.as_str()),
            Written::List(items) => items.iter().map(Self::to_json).collect(),
            Written::Map(entries) => {
                entries.iter().map(|(key, value)| (key.value.clone(), value.to_json())).collect()
            }
        }
    }

    /// The value of a key, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }

    /// The entries of a mapping; empty for anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Spanned<String>, Self)] {
        match &self.node {
            Written::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; empty for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.node {
            Written::List(items) => items,
            _ => &[],
        }
    }

    /// Whether some value in it is not known.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        match &self.node {
            Written::Pending => true,
            Written::List(items) => items.iter().any(Self::has_unknown),
            Written::Map(entries) => entries.iter().any(|(_, value)| value.has_unknown()),
            _ => false,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.node {
            Written::Text(text) | Written::Cell(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as it was written; nothing for anything else.
    #[must_use]
    pub fn as_words(&self) -> &str {
        match &self.node {
            Written::Text(text) | Written::Number(text) | Written::Cell(text) => text,
            Written::Bool(true) => "true",
            Written::Bool(false) => "false",
            Written::Null | Written::Pending | Written::List(_) | Written::Map(_) => "",
        }
    }

    /// The value at a JSON pointer (`/scenes/0/say`), if it is there.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |here, part| {
            let key = part.replace("~1", "/").replace("~0", "~");
            match &here.node {
                Written::List(items) => items.get(key.parse::<usize>().ok()?),
                _ => here.get(&key),
            }
        })
    }

    /// The place of the value at a JSON pointer, or of the nearest value around it.
    #[must_use]
    pub fn span_at(&self, pointer: &str) -> Span {
        let mut rest = pointer;
        loop {
            if let Some(found) = self.at(rest) {
                return found.span;
            }
            match rest.rfind('/') {
                Some(cut) => rest = &rest[..cut],
                None => return self.span,
            }
        }
    }
}
