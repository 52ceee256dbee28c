//! Choices between schemas: which branch was meant, so that only its errors are reported. They know no input.

use serde_json::Value;

use super::{At, Checker, object, shape, words};
use crate::diagnostic::{Diagnostics, code, nearest};
use crate::quantity;
use crate::spec::parse::is_decimal;
use crate::spec::value::{Located, Written};

impl Checker<'_> {
    /// A value against `oneOf`, `anyOf` or `allOf`.
    pub(super) fn choice(&mut self, written: &Located, schema: &Value, at: &At<'_>) -> Option<Value> {
        let mut branches = Vec::new();
        self.branches(schema, &mut branches, 0);
        if written.node == Written::Null && written.span.start == written.span.end {
            self.wrong_type(written, schema, at);
            return None;
        }
        let fitting: Vec<&Value> = branches.iter().filter(|branch| fits(branch, written)).collect();
        match (fitting.as_slice(), &written.node) {
            ([], _) => {
                self.wrong_type(written, schema, at);
                None
            }
            ([only], Written::Map(_)) => self.object_or_input(written, only, &[], at),
            ([only], _) => self.value(written, only, at),
            (_, Written::Map(_)) => self.mapping_choice(written, &fitting, at),
            _ => self.plain_choice(written, &fitting, at),
        }
    }

    /// The leaves of a choice, each with what stands beside the choice merged in.
    pub(super) fn branches(&self, schema: &Value, into: &mut Vec<Value>, depth: usize) {
        let schema = shape::followed(self.root, schema);
        let is_leaf = schema.get("format").is_some() || shape::options(schema).is_some();
        let parts = schema.get("allOf").and_then(Value::as_array);
        if is_leaf || depth > 8 {
            into.push(schema.clone());
        } else if let Some(parts) = parts {
            let mut whole = shape::without(schema, "allOf");
            for part in parts {
                let part = shape::followed(self.root, part);
                whole = shape::merged(&whole, part);
            }
            if shape::choice(&whole).is_some() {
                self.branches(&whole, into, depth + 1);
            } else {
                into.push(whole);
            }
        } else if let Some(choice) = shape::choice(schema) {
            let base = shape::without(&shape::without(schema, "oneOf"), "anyOf");
            let has_base = base.get("properties").is_some();
            for branch in choice {
                let mut leaves = Vec::new();
                self.branches(branch, &mut leaves, depth + 1);
                into.extend(leaves.into_iter().map(|leaf| {
                    if has_base && leaf.get("properties").is_some() {
                        shape::merged(&base, &leaf)
                    } else {
                        leaf
                    }
                }));
            }
        } else {
            into.push(schema.clone());
        }
    }

    /// Among texts, numbers and lists: the option that was written, else the first branch that takes it.
    fn plain_choice(&mut self, written: &Located, fitting: &[&Value], at: &At<'_>) -> Option<Value> {
        let options: Vec<&Value> = fitting.iter().filter_map(|b| shape::options(b)).flatten().collect();
        let open: Vec<&Value> = fitting.iter().filter(|b| shape::options(b).is_none()).copied().collect();
        let mut first_failure = None;
        if !options.is_empty() {
            match self.attempt(|checker| checker.one_of_these(written, &options, at)) {
                Ok(value) => return Some(value),
                Err(problems) => first_failure = Some(problems),
            }
        }
        let mut open_failure = None;
        for branch in &open {
            match self.attempt(|checker| checker.value(written, branch, at)) {
                Ok(value) => return Some(value),
                Err(problems) => open_failure = open_failure.or(Some(problems)),
            }
        }
        let names: Vec<String> = options.iter().map(|o| words::plain(o)).collect();
        let near_option =
            written.as_text().is_some_and(|text| nearest(text, names.iter().map(String::as_str)).is_some());
        let failure = if near_option || open_failure.is_none() { first_failure } else { open_failure };
        self.problems.extend(failure.unwrap_or_default());
        None
    }

    /// Among mappings: by the key whose value names the branch, else the branch that knows most of the keys.
    fn mapping_choice(&mut self, written: &Located, fitting: &[&Value], at: &At<'_>) -> Option<Value> {
        if let Some(tag) = shape::tag(fitting) {
            return self.tagged(written, fitting, &tag, at);
        }
        let beside = shape::all_keys(fitting);
        for branch in fitting {
            let tried = self.attempt(|checker| checker.object_or_input(written, branch, &beside, at));
            if let Ok(value) = tried {
                return Some(value);
            }
        }
        let known =
            |branch: &Value| written.entries().iter().filter(|(k, _)| shape::knows(branch, &k.value)).count();
        let lacking = |branch: &Value| shape::required(branch).filter(|k| written.get(k).is_none()).count();
        // The first of the best: `max_by_key` would give the last.
        let best = fitting.iter().rev().max_by_key(|b| (known(b) * 2 + 1).saturating_sub(lacking(b)))?;
        if written.entries().is_empty() || required_by_none(written, fitting) {
            self.none_meant(written, fitting, &beside, at);
            return None;
        }
        self.object_or_input(written, best, &beside, at)
    }

    /// No branch's own key is there: say which keys would decide.
    fn none_meant(&mut self, written: &Located, fitting: &[&Value], beside: &[String], at: &At<'_>) {
        let known: Vec<&str> = beside.iter().map(String::as_str).collect();
        let mut unknown = false;
        for (key, _) in written.entries().iter().filter(|(key, _)| !beside.contains(&key.value)) {
            self.unknown_key(key, &known, &[], at);
            unknown = true;
        }
        if unknown {
            return;
        }
        let mut deciding: Vec<&str> = Vec::new();
        for name in fitting.iter().flat_map(|branch| shape::required(branch)) {
            if !deciding.contains(&name) {
                deciding.push(name);
            }
        }
        let of = match at.name() {
            here if here == "this" => String::new(),
            here => format!(" in {here}"),
        };
        let span = object::short_span(written, at.key);
        let help = words::listed(deciding).map(|all| format!("write one of {all}"));
        self.problem(code::MISSING_KEY, span, format!("the key that says what it is is missing{of}"), help);
    }

    /// By the value of the key that every branch fixes differently.
    fn tagged(&mut self, written: &Located, fitting: &[&Value], tag: &str, at: &At<'_>) -> Option<Value> {
        let fixed = |branch: &Value| branch.pointer(&format!("/properties/{tag}/const")).cloned();
        let options: Vec<Value> = fitting.iter().filter_map(|branch| fixed(branch)).collect();
        let Some(named) = written.get(tag) else {
            let names: Vec<String> = options.iter().map(words::plain).collect();
            let help =
                words::listed(names.iter().map(String::as_str)).map(|all| format!("it is one of {all}"));
            let span = object::short_span(written, at.key);
            self.problem(code::MISSING_KEY, span, format!("the key `{tag}` is missing"), help);
            return None;
        };
        let meant =
            fitting.iter().find(|branch| fixed(branch).as_ref().and_then(Value::as_str) == named.as_text());
        match meant {
            Some(branch) if named.as_text().is_some() => self.object(written, branch, &[], at),
            _ => {
                let key = written.entries().iter().find(|(key, _)| key.value == tag).map(|(key, _)| key.span);
                let here = at.key(tag, key.unwrap_or(written.span));
                self.one_of_these(named, &options.iter().collect::<Vec<_>>(), &here);
                None
            }
        }
    }

    fn object_or_input(
        &mut self,
        written: &Located,
        branch: &Value,
        beside: &[String],
        at: &At<'_>,
    ) -> Option<Value> {
        if branch.get("format").is_some() || branch.get("properties").is_none() {
            self.value(written, branch, at)
        } else {
            self.object(written, branch, beside, at)
        }
    }

    /// Tries a check; its problems and inputs count only when it agrees.
    fn attempt(
        &mut self,
        check: impl FnOnce(&mut Checker<'_>) -> Option<Value>,
    ) -> Result<Value, Diagnostics> {
        let mut problems = Diagnostics::default();
        let mut trial = Checker { root: self.root, problems: &mut problems, inputs: Vec::new() };
        let value = check(&mut trial);
        let inputs = trial.inputs;
        match value {
            Some(value) => {
                self.inputs.extend(inputs);
                Ok(value)
            }
            None => Err(problems),
        }
    }
}

/// Whether a branch can take the kind of thing that was written at all.
pub(super) fn fits(branch: &Value, written: &Located) -> bool {
    let format = branch.get("format").and_then(Value::as_str);
    if let Written::Pending | Written::Cell(_) = written.node {
        // A cell that fits no branch is told by the one that is tried.
        return !matches!(written.node, Written::Cell(_)) || cell_fits(branch, written);
    }
    if format == Some("input") {
        return matches!(written.node, Written::Text(_) | Written::Map(_));
    }
    if format.and_then(quantity::format).is_some() && matches!(written.node, Written::Number(_)) {
        // A bare number is a quantity whose unit was forgotten, which its format says better.
        return true;
    }
    let is = |name: &str| match shape::names_type(branch, name) {
        Some(named) => named,
        None => match shape::options(branch) {
            Some(options) => options.iter().any(|option| shape::json_type(option) == name),
            None => branch.get("properties").is_none() || name == "object",
        },
    };
    match &written.node {
        Written::Null => is("null"),
        Written::Bool(_) => is("boolean"),
        Written::Number(_) => is("number") || is("integer"),
        Written::Text(_) | Written::Cell(_) | Written::Pending => is("string"),
        Written::List(_) => is("array"),
        Written::Map(_) => is("object"),
    }
}

/// Whether a cell of a table can stand for something that a branch takes.
fn cell_fits(branch: &Value, cell: &Located) -> bool {
    let text = cell.as_words();
    let as_text = Located::text(cell.span, text);
    let as_number = || Located { node: Written::Number(text.to_owned()), span: cell.span };
    let as_truth = |value| Located { node: Written::Bool(value), span: cell.span };
    fits(branch, &as_text)
        || (is_decimal(text) && fits(branch, &as_number()))
        || text.parse().is_ok_and(|value| fits(branch, &as_truth(value)))
}

/// Whether every branch has keys of its own that must be there, and none of them is.
fn required_by_none(written: &Located, branches: &[&Value]) -> bool {
    let in_all = |name: &str| branches.iter().all(|b| shape::required(b).any(|r| r == name));
    branches.iter().all(|branch| {
        let mut own = shape::required(branch).filter(|name| !in_all(name)).peekable();
        own.peek().is_some() && own.all(|name| written.get(name).is_none())
    })
}
