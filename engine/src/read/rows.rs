//! The rows of `foreach:`: written out, from CSV, or from JSON. They know no instance.

mod exact;

use csv::{ReaderBuilder, StringRecord};
use exact::exact;
use serde_json::Value;
use serde_json::value::RawValue;

use super::files::{Files, Text};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::span::{SourceId, Span, Spanned};
use crate::spec::{Located, Written, escape, unescape};

/// Every row of a list or of the file that `written` names; what is wrong is reported, and then it is `None`.
pub(super) fn read(
    written: &Located,
    files: &mut Files<'_>,
    problems: &mut Diagnostics,
) -> Option<Vec<Located>> {
    if let Written::List(items) = &written.node {
        return inline(items, problems);
    }
    let path = written.as_text()?;
    let end = path.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    if !["csv", "tsv", "json"].contains(&end.as_str()) {
        let message = format!("`{path}` is no list: rows come from a .csv, .tsv or .json file");
        let problem = Diagnostic::error(code::BAD_VALUE, written.span, message);
        problems.push(problem.help("write a path, a list, or `\"${node.port}\"`"));
        return None;
    }
    let real = files.find(path, written.span, problems)?;
    let text = files.text(&real, path, written.span, problems)?;
    if end == "json" { of_json(&text, problems) } else { of_csv(&text, end == "tsv", problems) }
}

/// What is written out may refer to nodes, as everything that a project says.
fn inline(items: &[Located], problems: &mut Diagnostics) -> Option<Vec<Located>> {
    let mut right = true;
    for item in items {
        if matches!(item.node, Written::List(_) | Written::Null) {
            let message = "a row is a mapping or a single value";
            problems.push(Diagnostic::error(code::WRONG_TYPE, item.span, message));
            right = false;
        }
    }
    right.then(|| items.to_vec())
}

fn of_csv(text: &Text, tabs: bool, problems: &mut Diagnostics) -> Option<Vec<Located>> {
    let bare = text.text.strip_prefix('\u{feff}').unwrap_or(&text.text);
    let skipped = text.text.len() - bare.len();
    let place = |start: u64, end: u64| {
        let range = bare.get(start as usize..end as usize).unwrap_or_default();
        let blank = range.len() - range.trim_start().len();
        let start = skipped + start as usize + blank;
        Span { source: text.source, start: start as u32, end: (start + range.trim().len()) as u32 }
    };
    let first = bare.lines().next().unwrap_or_default();
    let delimiter = match (tabs, first.contains(','), first.contains(';')) {
        (true, ..) => b'\t',
        (false, false, true) => b';',
        _ => b',',
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bare.as_bytes());
    let mut header: Option<Vec<Spanned<String>>> = None;
    let mut rows = Vec::new();
    let mut right = true;
    let mut record = StringRecord::new();
    loop {
        let start = reader.position().byte();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let message = format!("this is not CSV: {error}");
                problems.push(Diagnostic::error(code::WRONG_CONTENT, place(start, start + 1), message));
                return None;
            }
        }
        let span = place(start, reader.position().byte());
        let Some(names) = &header else {
            header = Some(names(&record, span, problems)?);
            continue;
        };
        if record.len() != names.len() {
            let message = format!("this row has {} cells, but the header has {}", record.len(), names.len());
            let help = "put a cell that has the delimiter in it between double quotes";
            problems.push(Diagnostic::error(code::WRONG_CONTENT, span, message).help(help));
            right = false;
            continue;
        }
        let cells = names.iter().zip(&record).map(|(name, cell)| (name.clone(), cell_of(span, cell)));
        rows.push(Located { node: Written::Map(cells.collect()), span });
    }
    if bare.matches('"').count() % 2 == 1 {
        // Quotes within quotes are doubled, so one has no end, and swallowed whatever follows it.
        let last = rows.last().map_or(place(0, 1), |row| row.span);
        let message = "a double quote has no end";
        let help = "put a cell that has a quote in it between quotes, and double that quote";
        problems.push(Diagnostic::error(code::WRONG_CONTENT, last, message).help(help));
        return None;
    }
    right.then_some(rows)
}

/// The names of columns.
fn names(record: &StringRecord, span: Span, problems: &mut Diagnostics) -> Option<Vec<Spanned<String>>> {
    let names: Vec<Spanned<String>> =
        record.iter().map(|name| Spanned { value: name.trim().to_owned(), span }).collect();
    for (index, name) in names.iter().enumerate() {
        let message = if name.value.is_empty() {
            format!("column {} has no name", index + 1)
        } else if names[..index].contains(name) {
            format!("two columns are called `{}`", name.value)
        } else {
            continue;
        };
        let help = "the first row names the columns";
        problems.push(Diagnostic::error(code::WRONG_CONTENT, span, message).help(help));
        return None;
    }
    Some(names)
}

/// A cell is text alone: it cannot refer to a node.
fn cell_of(span: Span, text: &str) -> Located {
    Located::cell(span, escape(text.trim()))
}

fn of_json(text: &Text, problems: &mut Diagnostics) -> Option<Vec<Located>> {
    let whole = |start: usize, end: usize| Span { source: text.source, start: start as u32, end: end as u32 };
    if let Err(error) = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&text.text) {
        let before: usize =
            text.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (before + error.column().saturating_sub(1)).min(text.text.len());
        let message = format!("this is no JSON list: {error}");
        problems.push(Diagnostic::error(code::WRONG_CONTENT, whole(at, at), message));
        return None;
    }
    let mut rows = Vec::new();
    let mut at = text.text.find('[').map_or(0, |open| open + 1);
    // The list is right, so between its items there is one comma and nothing else.
    while let Some(rest) = text.text.get(at..) {
        let start = at + rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n', ',']).len();
        let mut items = serde_json::Deserializer::from_str(&text.text[start..]).into_iter::<&RawValue>();
        let Some(Ok(raw)) = items.next() else { break };
        at = start + items.byte_offset();
        let span = whole(start, at);
        let value = match exact(raw) {
            Ok(value) => value,
            Err(why) => {
                problems.push(Diagnostic::error(code::WRONG_CONTENT, span, format!("this row {why}")));
                return None;
            }
        };
        match row_of(&value, span) {
            Some(row) => rows.push(row),
            None => {
                let message = "a row is an object of single values, or a single value";
                problems.push(Diagnostic::error(code::WRONG_CONTENT, span, message));
                return None;
            }
        }
    }
    Some(rows)
}

/// A row of JSON: an object, whose values may be objects, or a scalar.
pub(crate) fn row_of(value: &Value, span: Span) -> Option<Located> {
    match value {
        Value::Null | Value::Array(_) => None,
        value => Some(data(value, span)),
    }
}

/// Data from outside: scalars are cells.
fn data(value: &Value, span: Span) -> Located {
    match value {
        Value::Null => Located { node: Written::Null, span },
        Value::Bool(flag) => Located::cell(span, flag.to_string()),
        Value::Number(number) => Located::cell(span, number.to_string()),
        Value::String(text) => Located::cell(span, escape(text)),
        Value::Array(items) => Located::list(span, items.iter().map(|item| data(item, span))),
        Value::Object(map) => {
            Located::map(span, map.iter().map(|(key, value)| (key.clone(), data(value, span))))
        }
    }
}

/// The rows of a list that was made during the run, as JSON: a JSON list, CSV, or lines of text.
pub(crate) fn artifact_rows(text: &str, media: &str) -> Result<Vec<Value>, String> {
    let bare = text.trim_start_matches('\u{feff}');
    let is_json = media.contains("json") || bare.trim_start().starts_with('[');
    if is_json {
        let rows = serde_json::from_str::<Vec<&RawValue>>(bare);
        let rows = rows.map_err(|error| format!("is no JSON list: {error}"))?;
        let row =
            |(index, raw)| exact(raw).map_err(|why| format!("is wrong in item {}, which {why}", index + 1));
        return rows.into_iter().enumerate().map(row).collect();
    }
    if !media.contains("csv") && !media.contains("tab-separated") {
        let lines = bare.lines().map(str::trim).filter(|line| !line.is_empty());
        return Ok(lines.map(Value::from).collect());
    }
    let mut problems = Diagnostics::default();
    let source = Text { text: text.into(), source: SourceId::default() };
    match of_csv(&source, media.contains("tab"), &mut problems) {
        Some(rows) => Ok(rows.iter().map(to_json).collect()),
        None => {
            let problem = problems.iter().next();
            let line = problem.and_then(|problem| Some(problem.labels.first()?.span.start as usize));
            let line = text.get(..line.unwrap_or(0)).map_or(1, |before| before.matches('\n').count() + 1);
            let message = problem.map_or_else(String::new, |problem| problem.message.clone());
            Err(format!("is wrong in line {line}: {message}"))
        }
    }
}

fn to_json(row: &Located) -> Value {
    match &row.node {
        Written::Map(entries) => {
            Value::Object(entries.iter().map(|(key, cell)| (key.value.clone(), to_json(cell))).collect())
        }
        _ => Value::from(unescape(row.as_words())),
    }
}
