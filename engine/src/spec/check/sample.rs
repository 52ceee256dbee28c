//! A value that a schema takes, for what is not known yet. It knows nothing that was written.

use serde_json::{Map, Value, json};

use super::shape;
use crate::quantity;

/// Deepest nesting of a sample.
const MAX_DEPTH: usize = 8;

/// Canonical JSON that agrees with a schema, as far as the schema tells.
pub(super) fn of(root: &Value, schema: &Value, slot: &str, depth: usize) -> Value {
    let schema = shape::followed(root, schema);
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("input") => return json!({ "$input": slot }),
        Some("reference") => return Value::from("${x.x}"),
        Some(name) => {
            if let Some(format) = quantity::format(name) {
                return (format.read)(format.example).unwrap_or(Value::Null);
            }
        }
        None => {}
    }
    if let Some(options) = shape::options(schema) {
        return options.into_iter().find(|option| !option.is_null()).cloned().unwrap_or(Value::Null);
    }
    if let Some(branches) = shape::choice(schema) {
        let mut samples = branches.iter().map(|branch| of(root, branch, slot, depth + 1));
        return samples.find(|sample| !sample.is_null()).unwrap_or(Value::Null);
    }
    let named = shape::types(schema).unwrap_or_default();
    match named.into_iter().find(|name| *name != "null") {
        Some("string") => Value::from("x"),
        Some("integer" | "number") => number(schema),
        Some("boolean") => Value::Bool(false),
        Some("array") => list(root, schema, slot, depth),
        Some("object") => object(root, schema, slot, depth),
        _ => Value::Null,
    }
}

fn number(schema: &Value) -> Value {
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    let least = limit("minimum").or_else(|| Some(limit("exclusiveMinimum")? + 1.0)).unwrap_or(1.0);
    let value = least.max(1.0).min(limit("maximum").unwrap_or(f64::MAX));
    if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) }
}

fn list(root: &Value, schema: &Value, slot: &str, depth: usize) -> Value {
    let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(16);
    let item = schema.get("items").unwrap_or(&Value::Bool(true));
    (0..least).map(|index| of(root, item, &format!("{slot}.{index}"), depth + 1)).collect()
}

fn object(root: &Value, schema: &Value, slot: &str, depth: usize) -> Value {
    let property = |name: &str| schema.get("properties").and_then(|all| all.get(name));
    let entries = shape::required(schema).filter_map(|name| {
        Some((name.to_owned(), of(root, property(name)?, &format!("{slot}.{name}"), depth + 1)))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}
