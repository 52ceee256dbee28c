//! What schemas and values are called in messages. It checks nothing.

use serde_json::Value;

use super::shape;
use crate::quantity;
use crate::spec::value::{Located, Written};

/// What a schema that says nothing wants.
pub(super) const ANYTHING: &str = "another value";

/// Longest list of names that a message shows in full.
const MANY: usize = 16;

/// Longest text that a message shows in full, in characters.
const LONG: usize = 40;

/// What a schema wants, as the end of a sentence.
pub(super) fn wants(root: &Value, schema: &Value) -> String {
    let mut all = Vec::new();
    collect(root, schema, &mut all, 0);
    let mut seen: Vec<String> = Vec::new();
    for want in all {
        if !seen.contains(&want) {
            seen.push(want);
        }
    }
    match seen.split_last() {
        None => ANYTHING.to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

fn collect(root: &Value, schema: &Value, into: &mut Vec<String>, depth: usize) {
    let schema = shape::followed(root, schema);
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        match quantity::format(format) {
            Some(format) => return into.push(format!("{} such as `{}`", format.wants, format.example)),
            None if format == "input" => return into.push(input(schema).to_owned()),
            None if format == "reference" => return into.push("`${node.port}`".to_owned()),
            None if format == "path" => return into.push("a path of the project".to_owned()),
            None => {}
        }
    }
    if let Some(options) = shape::options(schema) {
        return into.extend(options.into_iter().filter(|o| !o.is_null()).map(|o| format!("`{}`", plain(o))));
    }
    if let (Some(branches), true) = (shape::choice(schema), depth < 8) {
        for branch in branches {
            collect(root, branch, into, depth + 1);
        }
        return;
    }
    let named = shape::types(schema).unwrap_or_default();
    into.extend(named.into_iter().filter(|t| *t != "null").map(|t| type_name(t).to_owned()));
}

/// What an input of this schema wants.
pub(super) fn input(schema: &Value) -> &'static str {
    let is = |name: &str, value: &Value| schema.get(name) == Some(value);
    if is("x-port", &Value::from("text")) {
        "a text, `{ file: PATH }` or `${node.port}`"
    } else if is("x-url", &Value::Bool(true)) {
        "a path, a URL or `${node.port}`"
    } else {
        "a path or `${node.port}`"
    }
}

fn type_name(name: &str) -> &str {
    match name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

/// What was written, as the end of a sentence.
pub(super) fn given(written: &Located) -> String {
    match &written.node {
        Written::Null => "nothing".to_owned(),
        Written::Bool(value) => format!("`{value}`"),
        Written::Number(text) => format!("the number `{text}`"),
        Written::Text(text) | Written::Cell(text) => format!("the text `{}`", short(text)),
        Written::Pending => "what a row gives".to_owned(),
        Written::List(_) => "a list".to_owned(),
        Written::Map(_) => "a mapping".to_owned(),
    }
}

/// What to do when only quotes are wrong.
pub(super) fn quoting(written: &Located, wants: &str) -> Option<String> {
    match &written.node {
        Written::Number(text) if wants.contains("a text") => {
            Some(format!("put it between quotes: `\"{text}\"`"))
        }
        Written::Bool(value) if wants.contains("a text") => {
            Some(format!("put it between quotes: `\"{value}\"`"))
        }
        Written::Text(text) if wants.contains("number") && text.parse::<quantity::Decimal>().is_ok() => {
            Some(format!("write it without quotes: `{text}`"))
        }
        Written::Text(text) if wants.contains("`true`") => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some("write `true`, without quotes".to_owned()),
            "false" | "no" | "off" | "n" => Some("write `false`, without quotes".to_owned()),
            _ => None,
        },
        Written::Null if wants.contains("a colour") => {
            Some("put it between quotes: a bare `#` begins a comment".to_owned())
        }
        _ => None,
    }
}

/// The text of an option without the quotes of JSON.
pub(super) fn plain(option: &Value) -> String {
    option.as_str().map_or_else(|| option.to_string(), str::to_owned)
}

/// The first line of a text, cut where it grows long.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(LONG).collect();
    if cut.len() == text.len() { cut } else { format!("{cut}…") }
}

/// Names in backticks, in full when they are few.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    (1..=MANY).contains(&names.len()).then(|| names.join(", "))
}

/// A help that names the nearest, then all that there are.
pub(super) fn meant(nearest: Option<&str>, all: Option<String>, intro: &str) -> Option<String> {
    match (nearest, all) {
        (Some(near), Some(all)) if all != format!("`{near}`") => {
            Some(format!("did you mean `{near}`? {intro} {all}"))
        }
        (Some(near), _) => Some(format!("did you mean `{near}`?")),
        (None, Some(all)) => Some(format!("{intro} {all}")),
        (None, None) => None,
    }
}

/// A list of the wrong length.
pub(super) fn count(name: &str, least: Option<u64>, most: Option<u64>, many: u64) -> String {
    let wants = match (least, most) {
        (Some(least), Some(most)) if least == most => format!("exactly {least}"),
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "other".to_owned(),
    };
    let items = if (least, most) == (Some(1), None) { "item" } else { "items" };
    match many {
        0 => format!("{name} is empty, but wants {wants} {items}"),
        _ => format!("{name} has {many}, but wants {wants} {items}"),
    }
}
