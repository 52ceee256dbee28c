//! A schema as the check reads it, in words that every validator and editor knows. It knows no kind.

use serde_json::{Map, Value, json};

use super::VARIABLE;
use crate::quantity;

/// Keywords whose values are schemas by name.
const BY_NAME: &[&str] = &["properties", "$defs"];

/// Keywords whose values are schemas.
const ONE: &[&str] = &["items", "additionalProperties", "propertyNames"];

/// Keywords whose values are lists of schemas.
const MANY: &[&str] = &["oneOf", "anyOf", "allOf", "prefixItems"];

/// The same schema without formats of our own, closed as the check closes it, and open to variables.
pub(super) fn soften(schema: &Value) -> Value {
    part(schema, true)
}

/// `whole` is false for a part of an object whose other keys stand elsewhere, and which therefore stays open.
fn part(schema: &Value, whole: bool) -> Value {
    let Value::Object(given) = schema else {
        return schema.clone();
    };
    let is_object = given.contains_key("properties");
    let mut soft = Map::new();
    for (key, value) in given {
        let key = key.as_str();
        if key.starts_with("x-") || key == "format" {
            continue;
        }
        let value = match value {
            Value::Object(named) if BY_NAME.contains(&key) => {
                Value::Object(named.iter().map(|(name, s)| (name.clone(), part(s, true))).collect())
            }
            Value::Array(list) if MANY.contains(&key) => {
                list.iter().map(|s| part(s, !is_object && key != "allOf")).collect()
            }
            value if ONE.contains(&key) => part(value, true),
            value => value.clone(),
        };
        soft.insert(key.to_owned(), value);
    }
    close(&mut soft, whole);
    // With variables among them, branches overlap: one must fit, but more may.
    if let Some(branches) = soft.remove("oneOf") {
        soft.insert("anyOf".into(), branches);
    }
    write_format(&mut soft, given.get("format").and_then(Value::as_str));
    open_to_variables(soft)
}

/// Objects are closed unless they say what other keys hold.
fn close(soft: &mut Map<String, Value>, whole: bool) {
    let joined = ["oneOf", "anyOf", "allOf"].iter().any(|key| soft.contains_key(*key));
    if !whole {
        soft.remove("additionalProperties");
        soft.remove("unevaluatedProperties");
    } else if soft.contains_key("properties") && joined {
        let rest = soft.remove("additionalProperties").unwrap_or(Value::Bool(false));
        soft.entry("unevaluatedProperties").or_insert(rest);
    } else if soft.contains_key("properties") {
        soft.entry("additionalProperties").or_insert(Value::Bool(false));
    }
}

/// A pattern in place of a format.
fn write_format(soft: &mut Map<String, Value>, format: Option<&str>) {
    let pattern = match format {
        Some("name") => r"^[A-Za-z_][A-Za-z0-9_-]*$",
        Some("reference") => r"^\$\{[^}]+\.[^}.]+\}$",
        Some(name) => match quantity::format(name) {
            Some(format) => format.pattern,
            None => return,
        },
        None => return,
    };
    soft.insert("pattern".into(), Value::from(format!("{pattern}|{VARIABLE}")));
}

/// Lets a variable stand where no text could: its value is only known when the project is read.
fn open_to_variables(mut soft: Map<String, Value>) -> Value {
    let variable = json!({ "type": "string", "pattern": VARIABLE });
    if soft.contains_key("enum") || is_lone_const_choice(&soft) {
        if let Some(Value::Array(branches)) = soft.get_mut("anyOf") {
            branches.push(variable);
            return Value::Object(soft);
        }
        let description = soft.remove("description");
        let mut open = json!({ "anyOf": [Value::Object(soft), variable] });
        if let Some(description) = description {
            open["description"] = description;
        }
        return open;
    }
    let types: Vec<&str> = match soft.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_scalar = ["integer", "number", "boolean"].iter().any(|t| types.contains(t));
    if is_scalar && !types.contains(&"string") {
        let types: Vec<&str> = types.into_iter().chain(["string"]).collect();
        let types = json!(types);
        soft.insert("type".into(), types);
        soft.insert("pattern".into(), Value::from(VARIABLE));
    }
    Value::Object(soft)
}

/// Whether a choice is between fixed values only, such as options with a description each.
fn is_lone_const_choice(soft: &Map<String, Value>) -> bool {
    let branches = soft.get("anyOf").and_then(Value::as_array);
    branches.is_some_and(|b| !b.is_empty() && b.iter().all(|branch| branch.get("const").is_some()))
}
