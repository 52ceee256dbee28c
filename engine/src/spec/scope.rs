//! Values that stand for something in one instance alone: `${matrix.lang}`, `${row.name}`, `${item}`. It knows neither
//! variables of the project nor nodes.

use super::reference::holes;
use super::value::{Located, Written};
use crate::diagnostic::{Diagnostic, Diagnostics, code, nearest};
use crate::span::Span;

/// Named values, each a scalar or a mapping.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    values: Vec<(String, Located)>,
}

/// What a hole stands for, or why it does not.
type Found<'a> = Option<Result<&'a Located, (String, Option<String>)>>;

impl Scope {
    /// Adds a name.
    pub(crate) fn set(&mut self, name: &str, value: Located) {
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.values.push((name.to_owned(), value)),
        }
    }

    /// Fills every text of a tree in. A value that stands alone brings its own place with it.
    pub(crate) fn fill(&self, tree: &mut Located, problems: &mut Diagnostics) {
        match &mut tree.node {
            Written::Text(text) if text.contains("${") => {
                if let Some(filled) = self.filled(text, tree.span, problems) {
                    *tree = filled;
                }
            }
            Written::List(items) => items.iter_mut().for_each(|item| self.fill(item, problems)),
            Written::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.fill(value, problems)),
            _ => {}
        }
    }

    fn filled(&self, text: &str, span: Span, problems: &mut Diagnostics) -> Option<Located> {
        let mut joined = String::new();
        let mut copied = 0;
        for hole in holes(text) {
            let Some(found) = self.find(hole.body) else { continue };
            let alone = hole.start == 0 && hole.end == text.len();
            let value = found.and_then(|value| match value.node {
                Written::List(_) | Written::Map(_) if !alone => Err(many(hole.body, value)),
                _ => Ok(value),
            });
            match value {
                Ok(value) if alone => return Some(value.clone()),
                Ok(value) => {
                    joined.push_str(&text[copied..hole.start]);
                    joined.push_str(value.as_words());
                    copied = hole.end;
                }
                Err((message, help)) => {
                    let problem = Diagnostic::error(code::UNKNOWN_VARIABLE, span, message);
                    problems.push(problem.maybe_help(help));
                }
            }
        }
        if copied == 0 {
            return None;
        }
        joined.push_str(&text[copied..]);
        Some(Located::text(span, joined))
    }

    /// What `body` stands for; `None` if it is nothing of this scope.
    fn find(&self, body: &str) -> Found<'_> {
        let mut parts = body.split('.');
        let first = parts.next()?;
        let mut here = &self.values.iter().find(|(name, _)| name == first)?.1;
        let mut path = first.to_owned();
        for part in parts {
            match here.get(part) {
                Some(inner) => here = inner,
                None => return Some(Err(unknown(&path, part, here))),
            }
            path = format!("{path}.{part}");
        }
        Some(Ok(here))
    }
}

/// Whether a text has a hole of one of these names.
pub(crate) fn refers(text: &str, names: &[&str]) -> bool {
    holes(text).any(|hole| names.contains(&hole.body.split('.').next().unwrap_or_default()))
}

fn unknown(path: &str, part: &str, here: &Located) -> (String, Option<String>) {
    let known = || here.entries().iter().map(|(key, _)| key.value.as_str());
    if known().next().is_none() {
        return (format!("`{path}` is one value, it has no `{part}`"), Some(format!("write `${{{path}}}`")));
    }
    let help = match nearest(part, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    };
    (format!("`{path}` has no `{part}`"), Some(help))
}

fn many(body: &str, value: &Located) -> (String, Option<String>) {
    let first = value.entries().first().map(|(key, _)| key.value.as_str());
    let help = first.map(|first| format!("write `${{{body}.{first}}}`, say"));
    (format!("`{body}` is no single value, and stands inside a text"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> (Written, Vec<String>) {
        let span = Span::default();
        let mut scope = Scope::default();
        let row = Located::map(span, [("name", Located::text(span, "Mug")), ("n", Located::cell(span, "7"))]);
        scope.set("row", row);
        scope.set("item", Located::text(span, "x"));
        let mut tree = Located::text(span, text);
        let mut problems = Diagnostics::default();
        scope.fill(&mut tree, &mut problems);
        let said = problems.iter().map(|p| format!("{} ({})", p.message, p.help.clone().unwrap_or_default()));
        (tree.node, said.collect())
    }

    #[test]
    fn values_fill_texts_and_alone_they_stay_what_they_are() {
        assert_eq!(filled("${row.n}").0, Written::Cell("7".into()));
        assert_eq!(filled("a ${row.name}, ${item} ${row.n}").0, Written::Text("a Mug, x 7".into()));
        for other in ["${voice.audio}", "${rows.n}", "$${row.n}", "${row"] {
            assert_eq!(filled(other), (Written::Text(other.into()), vec![]), "{other}");
        }
        assert!(matches!(filled("${row}").0, Written::Map(_)));
    }

    #[test]
    fn what_a_row_has_not_is_told() {
        assert_eq!(
            filled("${row.nmae} ${item.a} ${row}").1,
            [
                "`row` has no `nmae` (did you mean `name`?)",
                "`item` is one value, it has no `a` (write `${item}`)",
                "`row` is no single value, and stands inside a text (write `${row.name}`, say)",
            ]
        );
    }
}
