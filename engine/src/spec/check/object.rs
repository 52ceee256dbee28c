//! Mappings: known, unknown and missing keys. They know no choice between schemas.

use serde_json::{Map, Value};

use super::scalar::wrong_name;
use super::{At, Checker, shape, words};
use crate::diagnostic::{code, nearest};
use crate::span::{Span, Spanned};
use crate::spec::value::{Located, Written};

impl Checker<'_> {
    /// A mapping against an object schema. `beside` are keys that other branches of a choice know.
    pub(super) fn object(
        &mut self,
        written: &Located,
        schema: &Value,
        beside: &[String],
        at: &At<'_>,
    ) -> Option<Value> {
        let Written::Map(entries) = &written.node else {
            self.wrong_type(written, schema, at);
            return None;
        };
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let others = shape::others(schema);
        let mut object = Some(Map::new());
        let required = |name: &str| shape::required(schema).any(|known| known == name);
        for (key, value) in entries {
            // What a row may leave out is best left out of a sample.
            if value.node == Written::Pending && properties.contains_key(&key.value) && !required(&key.value)
            {
                continue;
            }
            let here = at.key(&key.value, key.span);
            let of = properties.get(&key.value).or(others);
            let checked = match of {
                Some(of) if self.right_name(key, schema) => self.value(value, of, &here),
                Some(_) => None,
                None => {
                    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                    self.unknown_key(key, &known, beside, at);
                    None
                }
            };
            match (checked, &mut object) {
                (Some(value), Some(object)) => {
                    object.insert(key.value.clone(), value);
                }
                _ => object = None,
            }
        }
        for name in shape::required(schema).filter(|name| written.get(name).is_none()) {
            self.missing(name, schema, written, at);
            object = None;
        }
        object.map(Value::Object)
    }

    /// Whether a free key is a name, where the schema wants names.
    fn right_name(&mut self, key: &Spanned<String>, schema: &Value) -> bool {
        let format = schema.get("propertyNames").and_then(|names| names.get("format"));
        if format.and_then(Value::as_str) != Some("name") {
            return true;
        }
        let problem = wrong_name(key);
        let is_right = problem.is_none();
        problem.into_iter().for_each(|problem| self.problems.push(problem));
        is_right
    }

    pub(super) fn unknown_key(
        &mut self,
        key: &Spanned<String>,
        known: &[&str],
        beside: &[String],
        at: &At<'_>,
    ) {
        let name = &key.value;
        if beside.contains(name) {
            let message = format!("`{name}` does not go with the other keys of {}", at.name());
            let help = words::listed(known.iter().copied()).map(|all| format!("beside them go {all}"));
            return self.problem(code::BAD_VALUE, key.span, message, help);
        }
        let all = known.iter().copied().chain(beside.iter().map(String::as_str));
        let near = nearest(name, all);
        let help = words::meant(near, words::listed(known.iter().copied()), "known here:");
        self.problem(code::UNKNOWN_KEY, key.span, format!("unknown key `{}`", words::short(name)), help);
    }

    pub(super) fn missing(&mut self, name: &str, schema: &Value, written: &Located, at: &At<'_>) {
        let of = match at.name() {
            here if here == "this" => String::new(),
            here => format!(" in {here}"),
        };
        let wants = schema.get("properties").and_then(|p| p.get(name)).map(|s| words::wants(self.root, s));
        let help = match wants {
            Some(wants) if wants != words::ANYTHING => Some(format!("it is {wants}")),
            _ => None,
        };
        let span = short_span(written, at.key);
        self.problem(code::MISSING_KEY, span, format!("the key `{name}` is missing{of}"), help);
    }
}

/// A place for what is missing in a mapping: the key above it, or its first key.
pub(super) fn short_span(written: &Located, key: Option<Span>) -> Span {
    let first = written.entries().first().map(|(key, _)| key.span);
    match (key, first) {
        (Some(key), _) => key,
        (None, Some(first)) if first.start == written.span.start => first,
        _ => written.span,
    }
}
