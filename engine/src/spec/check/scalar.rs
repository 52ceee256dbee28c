//! Texts, numbers, options and quantities. They know no mapping and no input.

use std::path::{Component, Path};

use serde_json::Value;

use super::{At, Checker, words};
use crate::diagnostic::{Diagnostic, code, nearest};
use crate::quantity::{Decimal, Format, Wrong};
use crate::span::Spanned;
use crate::spec::reference;
use crate::spec::value::{Located, Written};

impl Checker<'_> {
    /// A text that is only text: a reference in it would never be followed, so it is an error.
    pub(super) fn text(
        &mut self,
        written: &Located,
        text: &str,
        schema: &Value,
        at: &At<'_>,
    ) -> Option<Value> {
        let takes = schema.get("x-references") == Some(&Value::Bool(true));
        if !takes && let Some(found) = reference::inside(text) {
            let message = format!("{} takes no reference, but `{found}` stands in it", at.name());
            let help = format!("write `$${}` for the text itself", &found[1..]);
            self.problem(code::BAD_VALUE, written.span, message, Some(help));
            return None;
        }
        let text = reference::unescape(text);
        let length = text.chars().count() as u64;
        let limit = |name: &str| schema.get(name).and_then(Value::as_u64);
        if limit("minLength").is_some_and(|least| length < least) {
            let message = match length {
                0 => format!("{} is empty", at.name()),
                _ => format!("{} is too short", at.name()),
            };
            self.problem(code::BAD_VALUE, written.span, message, None);
            return None;
        }
        if let Some(most) = limit("maxLength").filter(|most| length > *most) {
            let message = format!("{} is longer than {most} characters", at.name());
            self.problem(code::BAD_VALUE, written.span, message, None);
            return None;
        }
        Some(Value::String(text))
    }

    pub(super) fn integer(
        &mut self,
        written: &Located,
        text: &str,
        schema: &Value,
        at: &At<'_>,
    ) -> Option<Value> {
        let whole = text.parse::<Decimal>().ok().and_then(|d| d.parts(1));
        let Some(whole) = whole else {
            let message = format!("{} wants a whole number, not `{text}`", at.name());
            self.problem(code::WRONG_TYPE, written.span, message, None);
            return None;
        };
        let (least, most) = integer_limits(schema);
        if whole < least || whole > most {
            let message = format!("{} cannot be `{text}`", at.name());
            let help = range_help(least, most);
            self.problem(code::BAD_VALUE, written.span, message, Some(help));
            return None;
        }
        u64::try_from(whole).map(Value::from).or_else(|_| i64::try_from(whole).map(Value::from)).ok()
    }

    pub(super) fn number(
        &mut self,
        written: &Located,
        text: &str,
        schema: &Value,
        at: &At<'_>,
    ) -> Option<Value> {
        let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
        let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
        let inside = number.is_some_and(|n| {
            limit("minimum").is_none_or(|least| n >= least)
                && limit("maximum").is_none_or(|most| n <= most)
                && limit("exclusiveMinimum").is_none_or(|least| n > least)
                && limit("exclusiveMaximum").is_none_or(|most| n < most)
        });
        if !inside {
            let message = format!("{} cannot be `{text}`", at.name());
            let help = match (limit("minimum"), limit("maximum")) {
                (Some(least), Some(most)) => Some(format!("write a number from {least} to {most}")),
                (Some(least), None) => Some(format!("write a number of at least {least}")),
                (None, Some(most)) => Some(format!("write a number of at most {most}")),
                (None, None) => None,
            };
            self.problem(code::BAD_VALUE, written.span, message, help);
            return None;
        }
        // A whole number is written one way, with or without a point.
        let whole = text.parse::<Decimal>().ok().and_then(|d| d.parts(1));
        let exact = whole.and_then(|whole| i64::try_from(whole).ok());
        exact.map(Value::from).or_else(|| number.map(Value::from))
    }

    /// One of a few fixed values.
    pub(super) fn one_of_these(
        &mut self,
        written: &Located,
        options: &[&Value],
        at: &At<'_>,
    ) -> Option<Value> {
        let found = options.iter().find(|option| is_option(written, option));
        if let Some(found) = found {
            return Some((*found).clone());
        }
        let names: Vec<String> = options.iter().map(|o| words::plain(o)).collect();
        let all = words::listed(names.iter().map(String::as_str));
        match &written.node {
            Written::Text(text) => {
                let near = nearest(text, names.iter().map(String::as_str));
                let message = format!("{} cannot be `{}`", at.name(), words::short(text));
                self.problem(code::BAD_VALUE, written.span, message, words::meant(near, all, "it is one of"));
            }
            Written::Number(text) if !options.iter().all(|o| o.is_string()) => {
                let message = format!("{} cannot be `{text}`", at.name());
                self.problem(code::BAD_VALUE, written.span, message, words::meant(None, all, "it is one of"));
            }
            _ => {
                let wants = all.map_or_else(|| "a text".to_owned(), |all| format!("one of {all}"));
                self.wrong_type_of(written, &wants, at);
            }
        }
        None
    }

    pub(super) fn quantity(
        &mut self,
        written: &Located,
        format: &Format,
        schema: &Value,
        at: &At<'_>,
    ) -> Option<Value> {
        let (Written::Text(text) | Written::Number(text)) = &written.node else {
            self.wrong_type(written, schema, at);
            return None;
        };
        let wrong = match (format.read)(text) {
            Ok(value) => return Some(value),
            Err(wrong) => wrong,
        };
        let class = match wrong {
            Wrong::Unit(_) => code::WRONG_UNIT,
            Wrong::Value(_) => code::BAD_VALUE,
        };
        let message = format!("{} wants {}, but {wrong}", at.name(), format.wants);
        let help = match text.parse::<Decimal>() {
            Ok(_) if !format.unit.is_empty() => format!("write it with its unit: `{text}{}`", format.unit),
            _ => format!("write it like `{}`", format.example),
        };
        self.problem(class, written.span, message, Some(help));
        None
    }

    /// A path of the project that the kind itself reads.
    pub(super) fn path(&mut self, written: &Located, at: &At<'_>) -> Option<Value> {
        let Written::Text(text) = &written.node else {
            self.wrong_type_of(written, "a path, which is a text", at);
            return None;
        };
        match inner_path(&reference::unescape(text)) {
            Ok(path) => Some(Value::String(path)),
            Err(why) => {
                let message = format!("{} {why}", at.name());
                let class = if text.is_empty() { code::BAD_VALUE } else { code::OUTSIDE };
                self.problem(class, written.span, message, Some("write a path of the project".to_owned()));
                None
            }
        }
    }

    /// A name of a node or an output.
    pub(super) fn name(&mut self, written: &Located, at: &At<'_>) -> Option<Value> {
        match &written.node {
            Written::Text(text) if reference::is_name(text) => Some(Value::String(text.clone())),
            Written::Text(text) => {
                let message = format!("{} cannot be `{}`", at.name(), words::short(text));
                self.problem(code::BAD_VALUE, written.span, message, Some(NAME_HELP.to_owned()));
                None
            }
            _ => {
                self.wrong_type_of(written, "a text", at);
                None
            }
        }
    }
}

/// What a name is made of.
const NAME_HELP: &str = "a name is a letter or `_`, then letters, digits, `_` and `-`";

/// What is wrong with a key that is to name something, if anything is.
pub(crate) fn wrong_name(key: &Spanned<String>) -> Option<Diagnostic> {
    let message = || format!("`{}` cannot be a name", words::short(&key.value));
    let wrong = !reference::is_name(&key.value);
    wrong.then(|| Diagnostic::error(code::BAD_VALUE, key.span, message()).help(NAME_HELP))
}

/// A path in the project by its text alone: relative, never above its start, without `.` and doubled slashes.
pub(crate) fn inner_path(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("is an empty path".to_owned());
    }
    let mut parts: Vec<&str> = Vec::new();
    for component in Path::new(text).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
            Component::ParentDir if parts.pop().is_some() => {}
            _ => return Err(format!("leaves the project: `{}`", words::short(text))),
        }
    }
    Ok(parts.join("/"))
}

fn is_option(written: &Located, option: &Value) -> bool {
    match (&written.node, option) {
        (Written::Text(text), Value::String(option)) => text == option,
        (Written::Bool(value), Value::Bool(option)) => value == option,
        (Written::Null, Value::Null) => true,
        (Written::Number(text), Value::Number(option)) => {
            text.parse::<Decimal>().ok().and_then(|d| d.parts(1)) == option.as_i64().map(i128::from)
        }
        _ => false,
    }
}

/// The least and the greatest whole number that a schema allows, also by the name of its machine type.
fn integer_limits(schema: &Value) -> (i128, i128) {
    let (mut least, mut most) = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => (0, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint64" | "uint" | "uint128") => (0, u64::MAX.into()),
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN.into(), u64::MAX.into()),
    };
    let limit = |name: &str| schema.get(name).and_then(Value::as_number).and_then(whole);
    least = limit("minimum").map_or(least, |l| l.max(least));
    most = limit("maximum").map_or(most, |m| m.min(most));
    least = limit("exclusiveMinimum").map_or(least, |l| (l + 1).max(least));
    most = limit("exclusiveMaximum").map_or(most, |m| (m - 1).min(most));
    (least, most)
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i128))
}

fn range_help(least: i128, most: i128) -> String {
    if most >= i128::from(u32::MAX) {
        format!("write a whole number of at least {least}")
    } else {
        format!("write a whole number from {least} to {most}")
    }
}
