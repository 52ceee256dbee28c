//! The strict check of a written value against a JSON schema. It knows no kind and no file system.
//!
//! The schema is the one that schemars makes of a kind's parameters. The check walks value and schema together,
//! reports every disagreement at its place, and gives back canonical JSON: quantities in their one text, inputs
//! as slots. An object is closed unless its schema says what other keys hold.

mod branch;
mod input;
mod object;
mod sample;
mod scalar;
mod shape;
mod words;

use serde_json::Value;

pub(crate) use scalar::{inner_path, wrong_name};

use super::checked::{Checked, InputBinding};
use super::parse::is_decimal;
use super::value::{Located, Written};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, code};
use crate::quantity;
use crate::span::{Span, Spanned};

/// Deepest nesting of a schema in itself that is followed.
const MAX_DEPTH: usize = 64;

/// Checks `written` against `schema` and reports every disagreement; `None` when there was one.
#[must_use]
pub fn check(written: &Located, schema: &Value, problems: &mut Diagnostics) -> Option<Checked> {
    check_at(written, schema, None, problems)
}

/// The same, under a key by which messages call the value, and where what is missing in it is reported.
pub(crate) fn check_at(
    written: &Located,
    schema: &Value,
    key: Option<&Spanned<String>>,
    problems: &mut Diagnostics,
) -> Option<Checked> {
    let mut found = Diagnostics::default();
    let mut checker = Checker { root: schema, problems: &mut found, inputs: Vec::new() };
    let root = At {
        parent: None,
        part: Part::Root(key.map(|key| key.value.as_str())),
        key: key.map(|key| key.span),
        depth: 0,
    };
    let value = checker.value(written, schema, &root);
    let inputs = checker.inputs;
    for problem in found.iter() {
        if !explained(problem, problems) {
            problems.push(problem.clone());
        }
    }
    Some(Checked { value: value?, inputs })
}

/// Whether a problem only follows from a variable that is not known, which has been reported at the same place.
fn explained(problem: &Diagnostic, before: &Diagnostics) -> bool {
    let place = |p: &Diagnostic| p.labels.first().map(|label| label.span);
    before
        .iter()
        .any(|p| p.code == code::UNKNOWN_VARIABLE && place(p).is_some() && place(p) == place(problem))
}

/// One walk over a value and its schema.
struct Checker<'a> {
    /// Where `$defs` are.
    root: &'a Value,
    problems: &'a mut Diagnostics,
    inputs: Vec<InputBinding>,
}

/// Where the walk is.
struct At<'p> {
    parent: Option<&'p Self>,
    part: Part<'p>,
    /// The key under which the value stands.
    key: Option<Span>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Part<'p> {
    /// The whole value, under a key that is no part of a slot.
    Root(Option<&'p str>),
    Key(&'p str),
    Item(usize),
}

impl<'p> At<'p> {
    fn key(&'p self, name: &'p str, span: Span) -> Self {
        Self { parent: Some(self), part: Part::Key(name), key: Some(span), depth: self.depth + 1 }
    }

    fn item(&'p self, index: usize) -> Self {
        Self { parent: Some(self), part: Part::Item(index), key: None, depth: self.depth + 1 }
    }

    /// Keys and indexes from the root, joined by dots.
    fn slot(&self) -> String {
        let own = match self.part {
            Part::Root(_) => return String::new(),
            Part::Key(name) => name.to_owned(),
            Part::Item(index) => index.to_string(),
        };
        match self.parent.map(At::slot) {
            Some(before) if !before.is_empty() => format!("{before}.{own}"),
            _ => own,
        }
    }

    /// What messages call it.
    fn name(&self) -> String {
        match self.part {
            Part::Root(None) => "this".to_owned(),
            Part::Root(Some(name)) | Part::Key(name) => format!("`{name}`"),
            Part::Item(index) => match self.parent.map(At::name) {
                Some(list) if list != "this" => format!("item {} of {list}", index + 1),
                _ => format!("item {}", index + 1),
            },
        }
    }
}

impl Checker<'_> {
    fn problem(&mut self, code: Code, span: Span, message: String, help: Option<String>) {
        self.problems.push(Diagnostic::error(code, span, message).maybe_help(help));
    }

    /// The canonical form of a value that agrees with its schema.
    fn value(&mut self, written: &Located, schema: &Value, at: &At<'_>) -> Option<Value> {
        if at.depth > MAX_DEPTH {
            self.problem(code::BAD_VALUE, written.span, format!("{} is nested too deeply", at.name()), None);
            return None;
        }
        let schema = shape::followed(self.root, schema);
        match &written.node {
            Written::Cell(text) => {
                return self.value(&self.as_wanted(text, written.span, schema), schema, at);
            }
            Written::Pending => return Some(sample::of(self.root, schema, &at.slot(), 0)),
            _ => {}
        }
        if written.node == Written::Null && shape::names_type(schema, "null") == Some(true) {
            return self.nothing(written, schema, at);
        }
        match schema.get("format").and_then(Value::as_str) {
            Some("input") => return self.input(written, schema, at),
            Some("reference") => return self.reference(written, at),
            Some("path") => return self.path(written, at),
            Some("name") => return self.name(written, at),
            Some("later") => return self.later(written, schema, at),
            Some(name) => {
                if let Some(format) = quantity::format(name) {
                    return self.quantity(written, format, schema, at);
                }
            }
            None => {}
        }
        if let Some(options) = shape::options(schema) {
            return self.one_of_these(written, &options, at);
        }
        if shape::choice(schema).is_some() || schema.get("allOf").is_some() {
            return self.choice(written, schema, at);
        }
        self.typed(written, schema, at)
    }

    /// A scalar of a table as what the schema wants: a text where one may stand.
    fn as_wanted(&self, text: &str, span: Span, schema: &Value) -> Located {
        let mut leaves = Vec::new();
        let as_text = Located::text(span, text);
        if shape::choice(schema).is_none() && schema.get("allOf").is_none() {
            if branch::fits(schema, &as_text) {
                return as_text;
            }
            leaves.push(schema.clone());
        } else {
            self.branches(schema, &mut leaves, 0);
        }
        let forms = [
            Some(Written::Text(text.to_owned())),
            is_decimal(text).then(|| Written::Number(text.to_owned())),
            text.parse().ok().map(Written::Bool),
        ];
        let fitting = forms.into_iter().flatten().find(|form| {
            let form = Located { node: form.clone(), span };
            leaves.iter().any(|leaf| branch::fits(leaf, &form))
        });
        Located { node: fitting.unwrap_or(as_text.node), span }
    }

    /// A key that may be null. One with nothing behind it is an error all the same: who writes `color: #fff` gets
    /// a comment and no colour.
    fn nothing(&mut self, written: &Located, schema: &Value, at: &At<'_>) -> Option<Value> {
        let bare = written.span.start == written.span.end && at.key.is_some();
        if bare && schema.get("x-empty") != Some(&Value::Bool(true)) {
            self.wrong_type(written, schema, at);
            return None;
        }
        Some(Value::Null)
    }

    /// What another stage checks: here only its type counts.
    fn later(&mut self, written: &Located, schema: &Value, at: &At<'_>) -> Option<Value> {
        if !branch::fits(schema, written) {
            self.wrong_type(written, schema, at);
            return None;
        }
        Some(Value::Null)
    }

    /// By the one type that the schema names, or by what was written where it names several or none.
    fn typed(&mut self, written: &Located, schema: &Value, at: &At<'_>) -> Option<Value> {
        let fits = |name: &str| shape::names_type(schema, name).unwrap_or(true);
        match &written.node {
            Written::Null if shape::types(schema).is_none() => Some(Value::Null),
            Written::Bool(value) if fits("boolean") => Some(Value::Bool(*value)),
            Written::Number(text) if fits("number") => self.number(written, text, schema, at),
            Written::Number(text) if fits("integer") => self.integer(written, text, schema, at),
            Written::Text(text) if fits("string") => self.text(written, text, schema, at),
            Written::List(items) if fits("array") => self.list(written, items, schema, at),
            Written::Map(_) if fits("object") => self.object(written, schema, &[], at),
            _ => {
                self.wrong_type(written, schema, at);
                None
            }
        }
    }

    fn list(&mut self, written: &Located, items: &[Located], schema: &Value, at: &At<'_>) -> Option<Value> {
        let count = |name: &str| schema.get(name).and_then(Value::as_u64);
        let (least, most) = (count("minItems"), count("maxItems"));
        let many = items.len() as u64;
        if least.is_some_and(|least| many < least) || most.is_some_and(|most| many > most) {
            let message = words::count(&at.name(), least, most, many);
            self.problem(code::BAD_VALUE, written.span, message, None);
            return None;
        }
        let first = schema.get("prefixItems").and_then(Value::as_array);
        let rest = schema.get("items").unwrap_or(&Value::Bool(true));
        let mut list = Some(Vec::with_capacity(items.len()));
        for (index, item) in items.iter().enumerate() {
            let of = first.and_then(|f| f.get(index)).unwrap_or(rest);
            match (self.value(item, of, &at.item(index)), &mut list) {
                (Some(value), Some(list)) => list.push(value),
                _ => list = None,
            }
        }
        list.map(Value::Array)
    }

    fn wrong_type(&mut self, written: &Located, schema: &Value, at: &At<'_>) {
        let wants = words::wants(self.root, schema);
        self.wrong_type_of(written, &wants, at);
    }

    fn wrong_type_of(&mut self, written: &Located, wants: &str, at: &At<'_>) {
        let message = match written.node {
            Written::Null if wants == words::ANYTHING => format!("{} has no value", at.name()),
            Written::Null => format!("{} has no value, but wants {wants}", at.name()),
            _ => format!("{} wants {wants}, not {}", at.name(), words::given(written)),
        };
        let help = words::quoting(written, wants);
        let span = match (&written.node, at.key) {
            (Written::Null, Some(key)) if written.span.start == written.span.end => key,
            _ => written.span,
        };
        self.problem(code::WRONG_TYPE, span, message, help);
    }
}
