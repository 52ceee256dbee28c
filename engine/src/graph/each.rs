//! A node for each item of a list that is made during the run: a template, and the operation that reads the list.
//! It knows no cache.
//!
//! `foreach: { item: "${find.list}" }` on a node declares a node of the kind `foreach`, with the list, the name of an
//! item, and what else was written as its template. Its ports are those of the template, as lists. When the list is
//! known, its run gives one row a node; the splice fills the template with each. So a row is in the key of its own
//! node alone, and what the template takes from other nodes is passed on, neither awaited nor in the key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::artifact::{Port, PortType};
use crate::claim::Claim;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::operation::{
    Call, Failure, FailureCode, Info, Operation, Outcome, Registry, Reproducible, Resolve, Resolved, Site,
    SubNode, Subgraph, Surroundings, Template,
};
use crate::paths::Root;
use crate::read::{EACH, artifact_rows, check_with};
use crate::span::{Span, Spanned};
use crate::spec::{
    self, InputBinding, InputSource, Located, NodeDecl, Written, check, label, parse_reference, refers,
};

use super::resolve::{Declared, literals};

/// So many rows are read before it is asked whether anybody still wants them.
const PATIENCE: usize = 1024;

/// Slot of the list.
const LIST: &str = "in";

/// Declares a node of the kind `foreach`.
pub(super) fn declare(
    decl: NodeDecl,
    registry: &Registry,
    root: &Root<'_>,
    problems: &mut Diagnostics,
) -> Option<Declared> {
    let list = check(&decl.with, schema(), problems)?.inputs;
    let item = decl.with.get("as")?.as_text()?.to_owned();
    let uses = decl.with.get("uses")?;
    let template = NodeDecl {
        uses: Spanned { value: uses.as_text()?.to_owned(), span: uses.span },
        with: decl.with.get("with").cloned().unwrap_or_else(|| Located::map::<String>(decl.span, [])),
        ..decl.clone()
    };
    let sample = sample(&template, &item, registry, root, problems)?;
    let mut bindings = list;
    let mut with = template.with;
    let mut passed = Vec::new();
    pass_on(&mut with, &mut String::from("with"), &item, &sample.bindings, &mut passed);
    bindings.extend(passed);
    let params = json!({
        LIST: { "$input": LIST },
        "as": item,
        "uses": template.uses.value,
        "with": with.to_json(),
    });
    let ports: Vec<Port> = sample.ports.iter().map(|port| Port::many(port.name.clone(), port.ty)).collect();
    let operation = Foreach {
        info: info(),
        names: ports.iter().map(|port| port.name.clone()).collect(),
        template: Template {
            item,
            uses: template.uses,
            with,
            resources: decl.resources.clone(),
            timeout: decl.timeout,
        },
    };
    let resolved = Resolved { params, ports, claim: Claim::tiny(), tools: Vec::new(), take: None };
    // What the node says of time and slots is meant for what it makes.
    let decl = NodeDecl { resources: None, timeout: None, ..decl };
    let (operation, extra, surroundings) = (Arc::new(operation), Vec::new(), sample.surroundings);
    Some(Declared { decl: Arc::new(decl), operation, resolved, bindings, extra, surroundings })
}

/// What is known of every node that the template will make.
struct Sample {
    ports: Vec<Port>,
    bindings: Vec<InputBinding>,
    surroundings: Surroundings,
}

/// What stands in a graph for a node of this kind that has made its nodes: it is not run any more, so it needs no
/// template.
pub(crate) fn spent() -> Arc<dyn Operation> {
    let span = Span::default();
    let template = Template {
        item: String::new(),
        uses: Spanned { value: String::new(), span },
        with: Located::map::<String>(span, []),
        resources: None,
        timeout: None,
    };
    Arc::new(Foreach { info: info(), names: Vec::new(), template })
}

/// Checks the template as far as it does not depend on rows.
fn sample(
    template: &NodeDecl,
    item: &str,
    registry: &Registry,
    root: &Root<'_>,
    problems: &mut Diagnostics,
) -> Option<Sample> {
    let Some(operation) = registry.get(&template.uses.value) else {
        problems.push(super::resolve::unknown_kind(registry, &template.uses));
        return None;
    };
    let mut decl = template.clone();
    let mut open = Vec::new();
    forget(&mut decl.with, item, &mut open);
    let checked = check_with(&decl, operation.as_ref(), problems)?;
    let texts = literals(&checked.inputs);
    let (mut found, mut files, mut surroundings): (Diagnostics, Vec<(String, PathBuf)>, Surroundings) =
        Default::default();
    let resolved = operation.resolve(
        checked.value,
        &mut Resolve {
            root: root.folder(),
            written: &decl.with,
            texts: &texts,
            paths: &[],
            problems: &mut found,
            files: &mut files,
            surroundings: &mut surroundings,
        },
    );
    // What the kind says of a value that was put in for a row's is nothing that the user wrote.
    let meant = |problem: &&Diagnostic| {
        problem.labels.first().is_none_or(|label| {
            open.is_empty() || (!open.contains(&label.span) && label.span != decl.with.span)
        })
    };
    let before = problems.has_errors();
    found.iter().filter(meant).for_each(|problem| problems.push(problem.clone()));
    match resolved {
        Some(resolved) => Some(Sample { ports: resolved.ports, bindings: checked.inputs, surroundings }),
        None => {
            if !problems.has_errors() || before {
                let message = format!(
                    "the ports of `{}` depend on its rows, so nothing can refer to them",
                    template.uses.value
                );
                problems.push(
                    Diagnostic::error(code::BAD_VALUE, template.uses.span, message)
                        .help("write out what decides them"),
                );
            }
            None
        }
    }
}

/// Puts what is not known yet in the place of every text that a row fills; notes where.
fn forget(tree: &mut Located, item: &str, open: &mut Vec<Span>) {
    match &mut tree.node {
        Written::Text(text) if refers(text, &[item]) => {
            tree.node = Written::Pending;
            open.push(tree.span);
        }
        Written::List(items) => items.iter_mut().for_each(|inner| forget(inner, item, open)),
        Written::Map(entries) => entries.iter_mut().for_each(|(_, inner)| forget(inner, item, open)),
        _ => {}
    }
}

/// Replaces references in the template by inputs of the node that makes many of it.
fn pass_on(
    tree: &mut Located,
    path: &mut String,
    item: &str,
    known: &[InputBinding],
    passed: &mut Vec<InputBinding>,
) {
    let length = path.len();
    match &mut tree.node {
        Written::Text(text) if !refers(text, &[item]) => {
            let Some(source @ InputSource::Reference { .. }) = parse_reference(text) else { return };
            let Some(binding) =
                known.iter().find(|binding| binding.span == tree.span && binding.source == source)
            else {
                return;
            };
            *text = format!("${{self.{path}}}");
            passed.push(InputBinding { slot: path.clone(), through: true, ..binding.clone() });
        }
        Written::List(items) => {
            for (index, inner) in items.iter_mut().enumerate() {
                path.push('.');
                path.push_str(&index.to_string());
                pass_on(inner, path, item, known, passed);
                path.truncate(length);
            }
        }
        Written::Map(entries) => {
            for (index, (key, inner)) in entries.iter_mut().enumerate() {
                path.push('.');
                // A slot is a name: what cannot stand in one is told apart by its place.
                match spec::is_name(&key.value) {
                    true => path.push_str(&key.value),
                    false => path.push_str(&index.to_string()),
                }
                pass_on(inner, path, item, known, passed);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn info() -> Info {
    Info {
        name: EACH,
        version: 1,
        summary: "a node for each item of a list",
        example: "shout: { foreach: { item: \"${find.list}\" }, uses: text, with: { parts: [\"${item}!\"] } }",
        site: Site::Inline,
        reproducible: Reproducible::Exact,
        expands: true,
    }
}

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        json!({
            "type": "object",
            "properties": {
                LIST: { "format": "input", "x-port": PortType::File.as_str() },
                "as": { "type": "string", "format": "name" },
                "uses": { "type": "string", "minLength": 1 },
                "with": { "type": ["object", "null"], "format": "later", "x-empty": true },
            },
            "required": [LIST, "as", "uses"],
            "additionalProperties": false,
        })
    })
}

/// Reads the list and gives a row for each node.
struct Foreach {
    info: Info,
    names: Vec<String>,
    template: Template,
}

impl Operation for Foreach {
    fn info(&self) -> &Info {
        &self.info
    }

    fn schema(&self) -> &Value {
        schema()
    }

    fn resolve(&self, _: Value, _: &mut Resolve<'_>) -> Option<Resolved> {
        // It is resolved where it is declared: its ports are those of another kind.
        None
    }

    fn template(&self) -> Option<&Template> {
        Some(&self.template)
    }

    fn run(&self, call: &Call<'_>) -> Result<Outcome, Failure> {
        let file = call.one(LIST)?;
        let bytes = call.read(LIST)?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::new("its list is not UTF-8 text"))?;
        let rows = artifact_rows(&text, &file.artifact.media)
            .map_err(|why| Failure::new(format!("its list {why}")))?;
        Ok(Outcome { graph: Some(self.subgraph(rows, call.cancelled)?), ..Outcome::default() })
    }
}

impl Foreach {
    fn subgraph(&self, rows: Vec<Value>, cancelled: &dyn Fn() -> bool) -> Result<Subgraph, Failure> {
        let has_id = rows.iter().any(|row| row.get("id").is_some());
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut nodes = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let number = index + 1;
            if index.is_multiple_of(PATIENCE) && cancelled() {
                return Err(Failure::of(FailureCode::Cancelled, "cancelled"));
            }
            if row.is_array() || row.is_null() {
                return Err(Failure::new(format!(
                    "row {number} of its list is neither an object nor a single value"
                )));
            }
            let words = match row.get("id") {
                Some(Value::String(id)) => id.clone(),
                Some(id) => id.to_string(),
                None if has_id => {
                    return Err(Failure::new(format!(
                        "row {number} of its list has no `id`, though others have"
                    )));
                }
                None => number.to_string(),
            };
            let label = label(&words);
            if label.is_empty() {
                return Err(Failure::new(format!("the id `{words}` of row {number} names nothing"))
                    .help("an id has letters or digits in it"));
            }
            if let Some(first) = seen.insert(label.clone(), number) {
                return Err(Failure::new(format!(
                    "rows {first} and {number} of its list have the id `{words}`"
                ))
                .help("nodes are named by it, so each needs one of its own"));
            }
            nodes.push(SubNode {
                name: format!("[{label}]"),
                uses: self.template.uses.value.clone(),
                with: row,
            });
        }
        let all = |port: &String| {
            nodes.iter().map(|node: &SubNode| format!("${{{}.{port}}}", node.name)).collect::<Vec<_>>()
        };
        let ports = self.names.iter().map(|port| (port.clone(), all(port))).collect();
        Ok(Subgraph { nodes, ports })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_list_that_nobody_wants_any_more_is_not_read_to_its_end() {
        let span = Span::default();
        let template = Template {
            item: "row".into(),
            uses: Spanned { value: "text".into(), span },
            with: Located::map::<String>(span, []),
            resources: None,
            timeout: None,
        };
        let foreach = Foreach { info: info(), names: vec!["text".into()], template };
        let rows = |count: usize| (0..count).map(Value::from).collect();
        let asked = Cell::new(0);
        let unwanted_later = || asked.replace(asked.get() + 1) > 0;
        let failure = foreach.subgraph(rows(PATIENCE + 1), &unwanted_later).unwrap_err();
        assert_eq!(failure.code, FailureCode::Cancelled);
        asked.set(0);
        assert_eq!(foreach.subgraph(rows(PATIENCE), &unwanted_later).unwrap().nodes.len(), PATIENCE);
    }
}
