//! One JSON schema for the whole project file, for editors. It checks nothing: the check of the spec does.
//!
//! It is made of the same schemas that the check uses: the engine's own keys, the sections of front ends, and the
//! parameters of every kind. What only the check understands is put in words that any validator knows: a quantity
//! becomes a pattern, and whatever is no text may be a variable (`"${vars.x}"`) too.

mod soften;

use serde_json::{Map, Value, json};

use crate::operation::{Operation, Registry};
use crate::spec::keys;
use soften::soften;

/// What reads as a variable, a value of a matrix or a cell of a row, where another value is wanted.
const VARIABLE: &str = r"^\$\{[^}]+\}$";

/// The schema of `reel.yaml` for these kinds and front ends (draft 2020-12); the same registry gives the same text.
#[must_use]
pub fn project_schema(registry: &Registry) -> Value {
    let mut defs = Map::new();
    defs.insert("node".into(), node(registry));
    for kind in registry.kinds() {
        let name = format!("kind.{}", kind.info().name);
        let title = kind.info().name;
        let mut params = soften(kind.schema());
        describe(&mut params, title, kind.info().summary);
        adopt(&mut defs, &name, params);
    }
    let mut properties = Map::new();
    for (name, schema) in keys::top_level() {
        properties.insert(name.to_owned(), soften(&schema));
    }
    properties["nodes"]["additionalProperties"] = json!({ "$ref": "#/$defs/node" });
    properties["outputs"]["additionalProperties"] = outputs(registry, &mut defs);
    for (name, schema) in registry.front_ends().flat_map(|front| front.sections()) {
        let at = format!("section.{name}");
        adopt(&mut defs, &at, soften(schema));
        properties.insert((*name).to_owned(), json!({ "$ref": format!("#/$defs/{at}") }));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "reel project",
        "description": "What reel makes: scenes or nodes, and the outputs they end in.",
        "type": "object",
        "properties": properties,
        "required": ["version"],
        "additionalProperties": false,
        "$defs": defs,
    })
}

/// A node, whose `with:` follows from what it `uses`.
fn node(registry: &Registry) -> Value {
    let mut node = soften(&keys::node());
    let kinds = registry.kinds().map(|kind| {
        let info = kind.info();
        json!({ "const": info.name, "description": info.summary })
    });
    node["properties"]["uses"] = json!({
        "description": "The kind of the node.",
        "anyOf": kinds.chain([json!({ "type": "string", "pattern": VARIABLE })]).collect::<Vec<_>>(),
    });
    let rules: Vec<Value> = registry.kinds().map(|kind| rule(kind.as_ref())).collect();
    if !rules.is_empty() {
        node["allOf"] = Value::Array(rules);
    }
    node
}

/// If a node uses this kind, then its `with:` is that of the kind.
fn rule(kind: &dyn Operation) -> Value {
    let name = kind.info().name;
    let needs_with =
        kind.schema().get("required").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty());
    let mut then = json!({ "properties": { "with": { "$ref": format!("#/$defs/kind.{name}") } } });
    if needs_with {
        then["required"] = json!(["with"]);
    }
    json!({
        "if": { "properties": { "uses": { "const": name } }, "required": ["uses"] },
        "then": then,
    })
}

/// A path, the artifact of a node, or what a front end makes.
fn outputs(registry: &Registry, defs: &mut Map<String, Value>) -> Value {
    let mut forms = vec![
        json!({ "type": "string", "minLength": 1, "description": "Where it goes, in the project." }),
        any_output(soften(&keys::output_from())),
    ];
    for (index, front) in registry.front_ends().enumerate() {
        let name = if index == 0 { "output".to_owned() } else { format!("output.{index}") };
        adopt(defs, &name, any_output(soften(&front.output_schema())));
        forms.push(json!({ "$ref": format!("#/$defs/{name}") }));
    }
    json!({ "anyOf": forms })
}

/// An output with the keys that any may have.
fn any_output(mut output: Value) -> Value {
    if let Some(Value::Object(properties)) = output.get_mut("properties") {
        properties.insert("needs".into(), soften(&keys::output_needs()));
        properties.insert("matrix".into(), soften(&keys::matrix()));
        properties.insert("foreach".into(), soften(&keys::foreach()));
    }
    output
}

/// Takes a schema with definitions of its own in under a name; theirs are prefixed with it.
fn adopt(defs: &mut Map<String, Value>, name: &str, mut schema: Value) {
    let own = schema.as_object_mut().and_then(|schema| {
        schema.remove("$schema");
        schema.remove("$defs")
    });
    rename(&mut schema, name);
    defs.insert(name.to_owned(), schema);
    if let Some(Value::Object(own)) = own {
        for (key, mut value) in own {
            rename(&mut value, name);
            defs.insert(format!("{name}.{key}"), value);
        }
    }
}

/// Points references inside a schema at where its definitions now are.
fn rename(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref") {
                *target = match target.strip_prefix("#/$defs/") {
                    Some(key) => format!("#/$defs/{name}.{key}"),
                    None => format!("#/$defs/{name}"),
                };
            }
            object.values_mut().for_each(|value| rename(value, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name)),
        _ => {}
    }
}

/// The users' name in place of the code's, and what it is for.
fn describe(schema: &mut Value, title: &str, summary: &str) {
    schema["title"] = Value::from(title);
    if schema.get("description").is_none() && !summary.is_empty() {
        schema["description"] = Value::from(summary);
    }
}

#[cfg(test)]
mod tests;
