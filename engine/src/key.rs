//! Action keys and the manifests behind them: one walk that both hashes and explains.
//! It knows no cache and no graph; it is given what is known of a node.
//!
//! | in the action key | field | never in it |
//! |---|---|---|
//! | kind and its version | `kind`, `version` | name of the node, comments, order of keys, place in the file |
//! | canonical parameters, defaults filled in | `param./POINTER` | whether a default was written out |
//! | digests of input artifacts, by slot and position | `input.SLOT.N` | paths, times, host names |
//! | identity of what does the work | `tool.NAME` | cores, slots, claims, attempt, which executor |
//! | declared environment (substituted into parameters) | `param./POINTER` | secrets |
//! | operating system and architecture, for kinds that are not exact | `platform` | the CPU's model |
//! | the pin of a take | `take` | when it was taken |
//!
//! A [`Manifest`] is the list of these fields with, beside each value, a note (the path or node that it came
//! from) which is shown but not hashed. The key is the digest of the fields in order by the rule of
//! [`crate::digest`]; [`Manifest::reasons`] is the difference of two manifests, so what is hashed and what is
//! explained cannot drift apart.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{Digest, Hasher};

/// Digest of everything that can change an action's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionKey(pub Digest);

impl fmt::Display for ActionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One fact that is in a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// What it is, such as `param./rate`.
    pub name: String,
    /// Its value; this is hashed.
    pub value: String,
    /// Where it comes from, for people; this is not hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Everything that went into a key, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest {
    fields: Vec<Field>,
}

/// Why a key is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The field, such as `param./rate` or `input.image.0`.
    pub field: String,
    /// What it was; `None` if it was not there.
    pub old: Option<String>,
    /// What it is; `None` if it is gone.
    pub new: Option<String>,
    /// Where the new (or else the old) value comes from.
    pub note: Option<String>,
    /// Where the old value came from, if that was elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
}

impl Manifest {
    /// The manifest of a kind, before anything else is known.
    #[must_use]
    pub fn of_kind(kind: &str, version: u32) -> Self {
        let mut manifest = Self::default();
        manifest.push("kind", kind.to_owned(), None);
        manifest.push("version", version.to_string(), None);
        manifest
    }

    /// Adds the operating system and architecture.
    pub fn platform(&mut self) {
        self.push("platform", format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH), None);
    }

    /// Adds canonical parameters, a field a leaf; keys of objects in the order of their names.
    pub fn params(&mut self, params: &Value) {
        let mut path = String::from("param.");
        self.leaves(&mut path, params);
    }

    /// Adds the artifacts that fill a slot.
    pub fn input(&mut self, slot: &str, digests: impl IntoIterator<Item = (Digest, Option<String>)>) {
        for (index, (digest, note)) in digests.into_iter().enumerate() {
            self.push(format!("input.{slot}.{index}"), digest.to_string(), note);
        }
    }

    /// Adds the identity of something that does the work.
    pub fn tool(&mut self, name: &str, identity: &str) {
        self.push(format!("tool.{name}"), identity.to_owned(), None);
    }

    /// Adds the pin of a take.
    pub fn take(&mut self, pin: &str, note: &str) {
        self.push("take", pin.to_owned(), Some(note.to_owned()));
    }

    /// The key of all fields so far.
    #[must_use]
    pub fn key(&self) -> ActionKey {
        let mut hasher = Hasher::new();
        for field in &self.fields {
            hasher.field(&field.name, field.value.as_bytes());
        }
        ActionKey(hasher.finish())
    }

    /// The form in which it is kept.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Names and texts always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The fields, in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields, for those who keep them.
    #[must_use]
    pub fn into_fields(self) -> Vec<Field> {
        self.fields
    }

    /// What changed since `old`: the difference of two manifests.
    #[must_use]
    pub fn reasons(&self, old: &Self) -> Vec<Reason> {
        let index = |m: &Self| -> BTreeMap<String, Field> {
            m.fields.iter().map(|f| (f.name.clone(), f.clone())).collect()
        };
        let (before, after) = (index(old), index(self));
        let names: Vec<&String> = {
            let mut gone: Vec<_> = before.keys().filter(|name| !after.contains_key(*name)).collect();
            let mut all: Vec<_> = self.fields.iter().map(|f| &f.name).collect();
            all.append(&mut gone);
            all
        };
        names
            .into_iter()
            .filter_map(|name| {
                let (old, new) = (before.get(name), after.get(name));
                let value = |f: Option<&Field>| f.map(|f| f.value.clone());
                let notes = (old.and_then(|f| f.note.as_ref()), new.and_then(|f| f.note.as_ref()));
                (value(old) != value(new)).then(|| Reason {
                    field: name.clone(),
                    old: value(old),
                    new: value(new),
                    note: new.or(old).and_then(|f| f.note.clone()),
                    was: notes.0.filter(|_| new.is_some() && notes.0 != notes.1).cloned(),
                })
            })
            .collect()
    }

    fn leaves(&mut self, path: &mut String, value: &Value) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                let mut sorted: Vec<(&String, &Value)> = map.iter().collect();
                sorted.sort_unstable_by_key(|(key, _)| *key);
                for (key, inner) in sorted {
                    match key.contains(['~', '/']) {
                        true => self.under(path, &key.replace('~', "~0").replace('/', "~1"), inner),
                        false => self.under(path, key, inner),
                    }
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, inner) in items.iter().enumerate() {
                    self.under(path, &index.to_string(), inner);
                }
            }
            leaf => self.push(path.clone(), leaf.to_string(), None),
        }
    }

    fn under(&mut self, path: &mut String, part: &str, inner: &Value) {
        let length = path.len();
        path.push('/');
        path.push_str(part);
        self.leaves(path, inner);
        path.truncate(length);
    }

    fn push(&mut self, name: impl Into<String>, value: String, note: Option<String>) {
        self.fields.push(Field { name: name.into(), value, note });
    }
}

impl Reason {
    /// What sort of thing changed, in the users' words: `parameter `rate``, `file `a.jpg``, `tool `x264``.
    #[must_use]
    pub fn subject(&self) -> String {
        if let Some(pointer) = self.field.strip_prefix("param./") {
            return format!("parameter `{}`", pointer.replace('/', "."));
        }
        if let Some(tool) = self.field.strip_prefix("tool.") {
            return format!("tool `{tool}`");
        }
        if let Some(slot) = self.field.strip_prefix("input.") {
            let slot = slot.strip_suffix(".0").unwrap_or(slot);
            return match (&self.note, &self.was) {
                (Some(note), Some(was)) => format!("input `{slot}` ({note}, was {was})"),
                (Some(note), None) => format!("input `{slot}` ({note})"),
                (None, Some(was)) => format!("input `{slot}` (was {was})"),
                (None, None) => format!("input `{slot}`"),
            };
        }
        match (self.field.as_str(), &self.note) {
            ("take", Some(url)) => format!("the pinned take of {url}"),
            ("version", _) => "the version of its kind".to_owned(),
            ("platform", _) => "the platform".to_owned(),
            (field, _) => format!("`{field}`"),
        }
    }

    /// Whether the values are digests, of which a few characters are enough for people.
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.field.starts_with("input.") || self.field == "take"
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.is_digest();
        let show = |value: &str| {
            if digest { value.chars().take(8).collect() } else { value.to_owned() }
        };
        write!(f, "{}", self.subject())?;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, ": {} → {}", show(old), show(new)),
            (None, Some(new)) => write!(f, " is new: {}", show(new)),
            (Some(old), None) => write!(f, " is gone: was {}", show(old)),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Manifest {
        let mut manifest = Manifest::of_kind("tts", 1);
        manifest.params(&json!({"rate": 170, "voice": "en-us", "text": {"$input": "text"}}));
        manifest.input("text", [(Digest::of(b"hello"), Some("script.txt".into()))]);
        manifest.tool("espeak-ng", "1.51");
        manifest
    }

    #[test]
    fn the_key_of_a_sample_manifest_is_pinned() {
        assert_eq!(
            sample().key().to_string(),
            "8b73643bd207b84914ef840e0e3a3ff2de42a566bbc09d8b0455a80594646dd8",
            "a key that changes by accident is a bug users pay for"
        );
    }

    #[test]
    fn notes_are_shown_but_not_hashed() {
        let mut moved = sample();
        for field in &mut moved.fields {
            field.note = Some("elsewhere".into());
        }
        assert_eq!(moved.key(), sample().key());
    }

    #[test]
    fn order_of_parameters_is_not_in_the_key() {
        let key = |text: &str| {
            let mut manifest = Manifest::of_kind("tts", 1);
            manifest.params(&serde_json::from_str(text).unwrap());
            manifest.key()
        };
        assert_eq!(key(r#"{"a":1,"b":{"c":2,"d":3}}"#), key(r#"{"b":{"d":3,"c":2},"a":1}"#));
        assert_ne!(key(r#"{"a":"1"}"#), key(r#"{"a":1}"#), "a text is not a number");
        assert_ne!(key(r#"{"a":[]}"#), key(r#"{"a":{}}"#));
        assert_ne!(key(r#"{"a/b":1}"#), key(r#"{"a":{"b":1}}"#));
    }

    #[test]
    fn a_reason_names_the_parameter_with_old_and_new_value() {
        let mut new = Manifest::of_kind("tts", 1);
        new.params(&json!({"rate": 180, "voice": "en-us", "text": {"$input": "text"}}));
        new.input("text", [(Digest::of(b"hallo"), Some("script.txt".into()))]);
        let reasons: Vec<String> = new.reasons(&sample()).iter().map(Reason::to_string).collect();
        assert_eq!(reasons[0], "parameter `rate`: 170 → 180");
        assert!(reasons[1].starts_with("input `text` (script.txt): "), "{}", reasons[1]);
        assert_eq!(reasons[2], "tool `espeak-ng` is gone: was 1.51");
    }
}
