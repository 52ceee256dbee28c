//! Places where an artifact goes in: what was written there becomes a binding. They know no node.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{At, Checker, Part, words};
use crate::artifact::PortType;
use crate::diagnostic::code;
use crate::spec::checked::{InputBinding, InputSource};
use crate::spec::reference;
use crate::spec::value::{Located, Written};

impl Checker<'_> {
    /// Records what fills an input and leaves its slot.
    pub(super) fn input(&mut self, written: &Located, schema: &Value, at: &At<'_>) -> Option<Value> {
        let ty =
            schema.get("x-port").and_then(|port| PortType::deserialize(port).ok()).unwrap_or(PortType::File);
        let url = schema.get("x-url") == Some(&Value::Bool(true));
        let (source, span) = match &written.node {
            Written::Text(text) => {
                (self.source(written, text, ty, url, ty == PortType::Text, at)?, written.span)
            }
            Written::Map(_) => {
                let file = self.file_of(written, schema, at)?;
                if file.node == Written::Pending {
                    return Some(json!({ "$input": at.slot() }));
                }
                let text = file.as_text().unwrap_or_default();
                (self.source(file, text, ty, url, false, at)?, file.span)
            }
            _ => {
                self.wrong_type_of(written, words::input(schema), at);
                return None;
            }
        };
        let slot = at.slot();
        let value = json!({ "$input": slot });
        self.inputs.push(InputBinding {
            slot,
            ty,
            through: schema.get("x-through") == Some(&Value::Bool(true)),
            in_list: matches!(at.part, Part::Item(_)),
            source,
            span,
        });
        Some(value)
    }

    /// The value of `file` in `{ file: PATH }`.
    fn file_of<'w>(&mut self, written: &'w Located, schema: &Value, at: &At<'_>) -> Option<&'w Located> {
        let mut right = true;
        for (key, _) in written.entries().iter().filter(|(key, _)| key.value != "file") {
            self.unknown_key(key, &["file"], &[], at);
            right = false;
        }
        let Some(file) = written.get("file") else {
            if right {
                self.missing("file", &Value::Null, written, at);
            }
            return None;
        };
        if file.as_text().is_none() && file.node != Written::Pending {
            self.wrong_type_of(file, words::input(schema), at);
            return None;
        }
        right.then_some(file)
    }

    /// What a text stands for: a reference, a URL, a path, or where text is wanted, itself.
    fn source(
        &mut self,
        written: &Located,
        text: &str,
        ty: PortType,
        url: bool,
        literal: bool,
        at: &At<'_>,
    ) -> Option<InputSource> {
        if let Some(reference) = reference::parse_reference(text) {
            return Some(reference);
        }
        if let Some(found) = reference::inside(text) {
            let message = format!("`{found}` stands inside another text");
            let help = match ty {
                PortType::Text => {
                    "join them in a node: `{ uses: text, with: { parts: [\"…\", \"${node.text}\"] } }`"
                }
                _ => "a reference stands alone: `\"${node.port}\"`",
            };
            self.problem(code::BAD_VALUE, written.span, message, Some(help.to_owned()));
            return None;
        }
        if !literal && let Some(hole) = reference::holes(text).next() {
            let body = hole.body;
            let message = format!("`${{{body}}}` names no node and port");
            let help = format!("write `${{{}.PORT}}`", if body.is_empty() { "NODE" } else { body });
            self.problem(code::BAD_VALUE, written.span, message, Some(help));
            return None;
        }
        if literal {
            return Some(InputSource::Literal(reference::unescape(text)));
        }
        let path = reference::unescape(text);
        if is_url(&path) {
            if url {
                return Some(InputSource::Url(path));
            }
            let message = format!("{} takes no URL", at.name());
            self.problem(
                code::BAD_VALUE,
                written.span,
                message,
                Some("write a path of the project".to_owned()),
            );
            return None;
        }
        if path.is_empty() {
            self.problem(code::BAD_VALUE, written.span, format!("{} is an empty path", at.name()), None);
            return None;
        }
        Some(InputSource::File(path))
    }

    /// A reference kept as text, for whoever reads the section.
    pub(super) fn reference(&mut self, written: &Located, at: &At<'_>) -> Option<Value> {
        match written.as_text() {
            Some(text) if reference::parse_reference(text).is_some() => Some(Value::String(text.to_owned())),
            Some(text) => {
                let message =
                    format!("{} wants a node and its port, not `{}`", at.name(), words::short(text));
                self.problem(
                    code::BAD_VALUE,
                    written.span,
                    message,
                    Some("write `\"${node.port}\"`".to_owned()),
                );
                None
            }
            None => {
                self.wrong_type_of(written, "`\"${node.port}\"`", at);
                None
            }
        }
    }
}

fn is_url(text: &str) -> bool {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}
