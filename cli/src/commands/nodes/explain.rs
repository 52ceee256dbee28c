//! What a kind's schema and example say, in words. It knows no terminal.

use std::path::Path;

use reel_engine::claim::{Claim, cores};
use reel_engine::diagnostic::Diagnostics;
use reel_engine::operation::{Operation, Resolve, Resolved, Surroundings};
use reel_engine::quantity::{self, Bytes};
use reel_engine::read::check_with;
use reel_engine::span::{SourceId, Spanned};
use reel_engine::spec::{Located, NodeDecl, Written, parse_yaml};
use serde_json::Value;

/// A parameter in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Param {
    /// Its name; inner ones are joined by dots.
    pub(super) name: String,
    /// What may be written.
    pub(super) ty: String,
    /// What it is when it is left out.
    pub(super) default: Option<String>,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What it is for.
    pub(super) doc: String,
}

/// How deep objects in objects are told.
const DEPTH: usize = 3;

/// The parameters of a schema, in the order of the struct.
pub(super) fn params(schema: &Value) -> Vec<Param> {
    let mut found = Vec::new();
    collect(schema, schema, "", DEPTH, &mut found);
    found
}

fn collect(root: &Value, schema: &Value, prefix: &str, depth: usize, found: &mut Vec<Param>) {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let target = follow(root, property);
        let doc = [property, target]
            .into_iter()
            .find_map(|schema| schema["description"].as_str())
            .unwrap_or_default();
        found.push(Param {
            name: format!("{prefix}{name}"),
            ty: ty(root, property),
            default: property.get("default").filter(|value| !value.is_null()).map(shown),
            required: required.contains(&name.as_str()),
            doc: doc.split_whitespace().collect::<Vec<_>>().join(" "),
        });
        if depth > 1 && target["properties"].is_object() && target["format"] != "input" {
            collect(root, target, &format!("{prefix}{name}."), depth - 1, found);
        }
    }
}

/// The schema behind references, and behind "this or nothing".
fn follow<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(target) = schema["$ref"].as_str() {
        return root.pointer(target.trim_start_matches('#')).map_or(schema, |target| follow(root, target));
    }
    let choices = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let [one, nothing] = choices
        && nothing["type"] == "null"
    {
        return follow(root, one);
    }
    schema
}

/// What may be written, in words.
fn ty(root: &Value, schema: &Value) -> String {
    let schema = follow(root, schema);
    if schema["format"] == "input" {
        return schema["x-port"].as_str().unwrap_or("file").to_owned();
    }
    if let Some(format) = schema["format"].as_str().and_then(quantity::format) {
        return format!("{}, such as {}", format.wants, format.example);
    }
    if let Some(fixed) = schema.get("const") {
        return shown(fixed);
    }
    let choices = |list: &Vec<Value>, word: &dyn Fn(&Value) -> String| {
        let mut words: Vec<String> =
            list.iter().filter(|choice| choice["type"] != "null").map(word).collect();
        words.dedup();
        words.join(" | ")
    };
    if let Some(values) = schema["enum"].as_array() {
        return choices(values, &shown);
    }
    if let Some(list) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        return choices(list, &|choice| ty(root, choice));
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect()
        }
        _ => Vec::new(),
    };
    let words: Vec<String> = names.into_iter().map(|name| plain(root, schema, name)).collect();
    if words.is_empty() { "anything".to_owned() } else { words.join(" | ") }
}

fn plain(root: &Value, schema: &Value, name: &str) -> String {
    match name {
        "string" => "text".to_owned(),
        "boolean" => "true | false".to_owned(),
        "integer" | "number" => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(least), Some(most)) => format!("number, {least} to {most}"),
            _ => "number".to_owned(),
        },
        "array" => format!("list of: {}", ty(root, &schema["items"])),
        "object" if schema["properties"].is_object() => "mapping".to_owned(),
        "object" => format!("mapping of names to: {}", ty(root, &schema["additionalProperties"])),
        other => other.to_owned(),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the kind's own example turns out to be; nothing when that needs files that are not here.
pub(super) fn in_example(kind: &dyn Operation) -> Option<Resolved> {
    let mut problems = Diagnostics::default();
    let tree = parse_yaml(kind.info().example, SourceId::default(), &mut problems)?;
    let (name, node) = tree.entries().first()?;
    let nothing = Located { node: Written::Map(Vec::new()), span: node.span };
    let with = node.get("with").unwrap_or(&nothing);
    let decl = NodeDecl {
        name: name.clone(),
        uses: Spanned { value: kind.info().name.to_owned(), span: node.span },
        with: with.clone(),
        needs: Vec::new(),
        timeout: None,
        resources: None,
        span: node.span,
    };
    let checked = check_with(&decl, kind, &mut problems)?;
    let mut resolve = Resolve {
        root: Path::new("/"),
        written: with,
        texts: &[],
        paths: &[],
        problems: &mut problems,
        files: &mut Vec::new(),
        surroundings: &mut Surroundings::default(),
    };
    kind.resolve(checked.value, &mut resolve)
}

/// What an action of it holds while it runs, in words.
pub(super) fn claim(claim: &Claim) -> String {
    let transfers = match claim.network {
        0 => String::new(),
        1 => ", 1 transfer".to_owned(),
        many => format!(", {many} transfers"),
    };
    format!("{}, {} of memory{transfers}", cores(claim.cpu_milli), Bytes(claim.memory))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_told_in_words() {
        let schema = json!({
            "type": "object",
            "properties": {
                "image": { "format": "input", "x-port": "image", "description": "A picture." },
                "for": { "anyOf": [{ "type": "string", "format": "duration" }, { "type": "null" }], "default": null },
                "motion": { "$ref": "#/$defs/Motion", "default": "none" },
                "rate": { "type": "integer", "minimum": 80, "maximum": 450, "default": 170 },
                "style": { "type": "object", "properties": { "lines": { "type": ["integer", "null"] } } }
            },
            "required": ["image"],
            "$defs": { "Motion": { "description": "How it moves.", "oneOf": [{ "const": "none" }, { "const": "push-in" }] } }
        });
        let lines: Vec<String> = params(&schema)
            .into_iter()
            .map(|p| format!("{} = {} / {:?} / {} / {}", p.name, p.ty, p.default, p.required, p.doc))
            .collect();
        assert_eq!(
            lines,
            [
                "for = a length of time, such as 0.5s / None / false / ",
                "image = image / None / true / A picture.",
                "motion = none | push-in / Some(\"none\") / false / How it moves.",
                "rate = number, 80 to 450 / Some(\"170\") / false / ",
                "style = mapping / None / false / ",
                "style.lines = number / None / false / ",
            ]
        );
    }
}
