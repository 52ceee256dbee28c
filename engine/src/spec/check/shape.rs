//! What a JSON schema says, read from its keywords. It knows nothing that was written.

use serde_json::{Map, Value};

/// Most references that are followed one after another.
const MAX_DEPTH: usize = 64;

/// The schema that a `$ref` names, however many lead to it; one that leads nowhere allows anything.
pub(super) fn followed<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut here = schema;
    for _ in 0..MAX_DEPTH {
        let Some(target) = here.get("$ref").and_then(Value::as_str) else {
            return here;
        };
        match target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
            Some(found) => here = found,
            None => return &Value::Bool(true),
        }
    }
    &Value::Bool(true)
}

/// The types that a schema names; `None` where it leaves them open.
pub(super) fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) => Some(many.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

/// Whether a schema names a type; `None` where it leaves them open.
pub(super) fn names_type(schema: &Value, name: &str) -> Option<bool> {
    match schema.get("type")? {
        Value::String(one) => Some(one == name),
        Value::Array(many) => Some(many.iter().any(|one| one == name)),
        _ => None,
    }
}

/// The values of an enumeration.
pub(super) fn options(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(one), _) => Some(vec![one]),
        (None, Some(Value::Array(many))) => Some(many.iter().collect()),
        _ => None,
    }
}

/// The branches of a schema that offers several.
pub(super) fn choice(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array)
}

/// What JSON calls the type of a value.
pub(super) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The schema of keys that are not named, if there may be any.
pub(super) fn others(schema: &Value) -> Option<&Value> {
    let others = schema.get("additionalProperties").or_else(|| schema.get("unevaluatedProperties"));
    match others {
        Some(Value::Bool(false)) => None,
        Some(others) => Some(others),
        None if schema.get("properties").is_some() => None,
        None => Some(&Value::Bool(true)),
    }
}

/// The keys that must be there.
pub(super) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

/// The key that every branch has with a fixed value of its own.
pub(super) fn tag(branches: &[&Value]) -> Option<String> {
    let properties = branches.first()?.get("properties")?.as_object()?;
    let fixed_in_all = |name: &&String| {
        let fixed = |branch: &&Value| branch.pointer(&format!("/properties/{name}/const")).is_some();
        branches.iter().all(fixed)
    };
    properties.keys().find(fixed_in_all).cloned()
}

/// Whether a schema names a key.
pub(super) fn knows(branch: &Value, key: &str) -> bool {
    branch.get("properties").is_some_and(|p| p.get(key).is_some())
}

/// Every key that some branch knows, in order.
pub(super) fn all_keys(branches: &[&Value]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for name in
        branches.iter().filter_map(|b| b.get("properties").and_then(Value::as_object)).flat_map(Map::keys)
    {
        if !keys.contains(name) {
            keys.push(name.clone());
        }
    }
    keys
}

/// A schema without one of its keywords.
pub(super) fn without(schema: &Value, key: &str) -> Value {
    // Only what stays is copied: what goes is most of it, and this is asked for every choice of every node.
    match schema.as_object() {
        Some(object) => Value::Object(
            object.iter().filter(|(name, _)| *name != key).map(|(k, v)| (k.clone(), v.clone())).collect(),
        ),
        None => schema.clone(),
    }
}

/// Two object schemas as one: the keys of both, what either requires; closed if the second does not open it.
pub(super) fn merged(base: &Value, branch: &Value) -> Value {
    let (Some(base), Some(branch)) = (base.as_object(), branch.as_object()) else {
        return branch.clone();
    };
    let mut whole = base.clone();
    for (name, value) in branch {
        match (name.as_str(), whole.get_mut(name)) {
            ("properties", Some(Value::Object(into))) => {
                into.extend(value.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
            }
            ("required", Some(Value::Array(into))) => {
                into.extend(value.as_array().into_iter().flatten().cloned());
            }
            ("additionalProperties", Some(_)) => {}
            _ => {
                whole.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(whole)
}
