//! `${vars.x}` and `${env.X}`: values that the text of a project borrows. They know no reference to a node.

use std::collections::BTreeMap;

use super::reference::{escape, holes, is_unclosed, variable};
use super::value::{Located, Written};
use crate::diagnostic::{Diagnostic, Diagnostics, code, nearest};
use crate::span::Span;

/// Variables by name, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    vars: BTreeMap<String, Written>,
    /// Declared environment variables; `None` where nothing sets one and it has no default.
    env: BTreeMap<String, Option<String>>,
}

impl Variables {
    /// Declares an environment variable.
    pub(crate) fn declare_env(&mut self, name: &str, value: Option<String>) {
        self.env.insert(name.to_owned(), value);
    }

    /// Declares a variable.
    pub(crate) fn declare(&mut self, name: &str, value: Written) {
        self.vars.insert(name.to_owned(), value);
    }

    /// The environment variables that have a value, by name.
    pub(crate) fn env_values(&self) -> Vec<(String, String)> {
        let set = self.env.iter();
        set.filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect()
    }

    /// Replaces a declared variable by what the command line says (`--set name=value`), keeping its type.
    pub(crate) fn set(&mut self, name: &str, value: &str, problems: &mut Diagnostics) {
        let Some(declared) = self.vars.get_mut(name) else {
            let help = match nearest(name, self.vars.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it under `vars:`".to_owned(),
            };
            let message = format!("`--set {name}` names no variable of the project");
            problems.push(Diagnostic::general(code::UNKNOWN_VARIABLE, message).help(help));
            return;
        };
        let same_type = match (&*declared, value) {
            (Written::Number(_), text) if super::parse::is_decimal(text) => Written::Number(text.to_owned()),
            (Written::Number(_), _) => {
                return problems.push(wrong_set(name, value, "a number"));
            }
            (Written::Bool(_), "true") => Written::Bool(true),
            (Written::Bool(_), "false") => Written::Bool(false),
            (Written::Bool(_), _) => {
                return problems.push(wrong_set(name, value, "`true` or `false`"));
            }
            _ => Written::Text(value.to_owned()),
        };
        *declared = same_type;
    }

    /// Fills every text of a tree in; the keys stay as they are.
    pub(crate) fn fill(&self, tree: &mut Located, problems: &mut Diagnostics) {
        match &mut tree.node {
            Written::Text(text) if text.contains("${") => {
                if is_unclosed(text) {
                    let problem = Diagnostic::error(code::BAD_VALUE, tree.span, "a `${` has no end");
                    problems.push(
                        problem.help("close it with `}`, or write `$${` for the characters themselves"),
                    );
                }
                if let Some(filled) = self.filled(text, tree.span, problems) {
                    tree.node = filled;
                }
            }
            Written::List(items) => items.iter_mut().for_each(|item| self.fill(item, problems)),
            Written::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.fill(value, problems)),
            _ => {}
        }
    }

    /// The value of a text with variables in it; `None` where there are none, or one is not known.
    fn filled(&self, text: &str, span: Span, problems: &mut Diagnostics) -> Option<Written> {
        let mut joined = String::with_capacity(text.len());
        let mut copied = 0;
        for hole in holes(text) {
            let Some((scope, name)) = variable(hole.body) else {
                continue;
            };
            let value = match self.value(scope, name) {
                Ok(value) => value,
                Err((message, help)) => {
                    let problem = Diagnostic::error(code::UNKNOWN_VARIABLE, span, message);
                    problems.push(problem.maybe_help(help));
                    continue;
                }
            };
            if hole.start == 0 && hole.end == text.len() {
                return Some(value);
            }
            joined.push_str(&text[copied..hole.start]);
            joined.push_str(Located { node: value, span }.as_words());
            copied = hole.end;
        }
        if copied == 0 {
            return None;
        }
        joined.push_str(&text[copied..]);
        Some(Written::Text(joined))
    }

    fn value(&self, scope: &str, name: &str) -> Result<Written, (String, Option<String>)> {
        if scope == "vars" {
            return self.vars.get(name).cloned().ok_or_else(|| {
                let near = nearest(name, self.vars.keys().map(String::as_str));
                (format!("there is no variable `{name}`"), Some(unknown_help("vars", near)))
            });
        }
        match self.env.get(name) {
            // What comes from outside is text alone: it cannot refer to a node.
            Some(Some(value)) => Ok(Written::Text(escape(value))),
            Some(None) => {
                let help = "set it, or give it a default: `env: { NAME: default }`".replace("NAME", name);
                Err((format!("the environment variable `{name}` is not set"), Some(help)))
            }
            None => {
                let near = nearest(name, self.env.keys().map(String::as_str));
                let message = format!("the environment variable `{name}` is not declared");
                Err((message, Some(unknown_help("env", near))))
            }
        }
    }
}

fn unknown_help(section: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it under `{section}:`, or write `$${{` for the text itself"),
    }
}

fn wrong_set(name: &str, value: &str, wants: &str) -> Diagnostic {
    let message = format!("`--set {name}` wants {wants}, not `{value}`");
    Diagnostic::general(code::WRONG_TYPE, message)
        .help("the value must have the type that the project gives the variable")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::span::{SourceId, Sources};
    use crate::spec::parse_yaml;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.declare("n", Written::Number("1.50".into()));
        variables.declare("voice", Written::Text("en-us".into()));
        variables.declare("on", Written::Bool(true));
        variables.declare_env("LANG", Some("${a.b}".into()));
        variables.declare_env("UNSET", None);
        variables
    }

    fn filled(text: &str) -> (Written, Vec<String>) {
        let mut problems = Diagnostics::default();
        let mut tree = Located::text(Span::default(), text);
        variables().fill(&mut tree, &mut problems);
        let said = problems.iter().map(|p| format!("{} ({})", p.message, p.help.clone().unwrap_or_default()));
        (tree.node, said.collect())
    }

    #[test]
    fn a_variable_alone_keeps_its_type_and_joined_it_is_text() {
        assert_eq!(filled("${vars.n}").0, Written::Number("1.50".into()));
        assert_eq!(filled("${vars.on}").0, Written::Bool(true));
        assert_eq!(filled("é ${vars.n} ${vars.voice}!").0, Written::Text("é 1.50 en-us!".into()));
    }

    #[test]
    fn references_escapes_and_braces_are_left_alone() {
        for text in ["${voice.audio}", "${self.in.a}", "$${vars.n}", "${HOME}", "$${vars.n", "$vars.n"] {
            assert_eq!(filled(text), (Written::Text(text.into()), vec![]), "{text}");
        }
    }

    #[test]
    fn a_variable_without_an_end_is_told() {
        let (tree, said) = filled("${vars.n} and ${vars.n");
        assert_eq!(tree, Written::Text("1.50 and ${vars.n".into()));
        assert_eq!(
            said,
            ["a `${` has no end (close it with `}`, or write `$${` for the characters themselves)"]
        );
    }

    #[test]
    fn the_environment_is_text_alone() {
        assert_eq!(filled("${env.LANG}").0, Written::Text("$${a.b}".into()));
    }

    #[test]
    fn unknown_variables_are_all_told_with_the_nearest() {
        assert_eq!(
            filled("${vars.vioce} ${vars.zebra} ${env.LANGUAGE} ${env.UNSET}").1,
            [
                "there is no variable `vioce` (did you mean `voice`?)",
                "there is no variable `zebra` (declare it under `vars:`, or write `$${` for the text itself)",
                "the environment variable `LANGUAGE` is not declared (declare it under `env:`, or write `$${` for the text itself)",
                "the environment variable `UNSET` is not set (set it, or give it a default: `env: { UNSET: default }`)",
            ]
        );
    }

    #[test]
    fn the_command_line_replaces_values_of_one_type() {
        let mut all = variables();
        let mut problems = Diagnostics::default();
        all.set("n", "2", &mut problems);
        all.set("on", "false", &mut problems);
        all.set("voice", "7", &mut problems);
        assert!(problems.is_empty());
        assert_eq!(all.vars["n"], Written::Number("2".into()));
        assert_eq!(all.vars["on"], Written::Bool(false));
        assert_eq!(all.vars["voice"], Written::Text("7".into()));
        all.set("n", "two", &mut problems);
        all.set("on", "yes", &mut problems);
        all.set("vioce", "x", &mut problems);
        let said: Vec<_> = problems.iter().map(|p| (p.code.0, p.message.as_str())).collect();
        assert_eq!(
            said,
            [
                ("R004", "`--set n` wants a number, not `two`"),
                ("R004", "`--set on` wants `true` or `false`, not `yes`"),
                ("R007", "`--set vioce` names no variable of the project"),
            ]
        );
    }

    #[test]
    fn every_text_of_a_tree_is_filled_and_no_key() {
        let mut sources = Sources::default();
        let text = "a: [\"${vars.n}\", { \"${vars.n}\": \"x${vars.on}\" }]";
        let source: SourceId = sources.add("reel.yaml".into(), text.into());
        let mut problems = Diagnostics::default();
        let mut tree = parse_yaml(text, source, &mut problems).unwrap();
        variables().fill(&mut tree, &mut problems);
        let list = tree.get("a").unwrap().items();
        assert_eq!(list[0].node, Written::Number("1.50".into()));
        assert_eq!(list[1].get("${vars.n}").unwrap().as_text(), Some("xtrue"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a${}.é]*(vars)?[a${}.n ]*") {
            let _ = filled(&text);
        }
    }
}
