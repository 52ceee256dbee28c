//! From the files of a project to declarations and bound outputs. It resolves no node and builds nothing.

use std::path::{Path, PathBuf};

use tracing::info_span;

use super::{LOCK_FILE, PROJECT_FILE, STATE_FOLDER};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::graph::Graph;
use crate::graph::resolve::{find_port, unknown_node};
use crate::operation::{FrontGraph, FrontProject, Registry};
use crate::output::Output;
use crate::read::{ReadOptions, read_spec};
use crate::span::{Sources, Spanned};
use crate::spec::{OutputDecl, Spec};
use crate::takes::Takes;

/// The pins of the project in `root`.
pub(super) fn read_takes(root: &Path) -> Result<Takes, Diagnostic> {
    Takes::read(&root.join(LOCK_FILE)).map_err(|error| {
        Diagnostic::general(code::LOCKED, format!("cannot read `{LOCK_FILE}`: {error}"))
            .help("take it from Git again, or delete it to pin everything anew")
    })
}

pub(super) fn read(
    root: &Path,
    registry: &Registry,
    options: &ReadOptions<'_>,
    sources: &mut Sources,
    problems: &mut Diagnostics,
) -> Option<Spec> {
    let _span = info_span!("read", folder = %root.display()).entered();
    let path = root.join(PROJECT_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let (spec, found) = read_spec(&text, Path::new(PROJECT_FILE), registry, options, sources);
            problems.extend(found);
            spec
        }
        Err(error) => {
            let message = format!("cannot read `{PROJECT_FILE}`: {error}");
            problems.push(Diagnostic::general(code::NO_PROJECT, message));
            None
        }
    }
}

pub(super) fn compile(
    spec: &Spec,
    root: &Path,
    outputs: &[OutputDecl],
    registry: &Registry,
    problems: &mut Diagnostics,
) -> FrontGraph {
    let mut all = FrontGraph { bindings: vec![None; outputs.len()], ..FrontGraph::default() };
    for front_end in registry.front_ends() {
        let keys: Vec<&str> = front_end.sections().iter().map(|(key, _)| *key).collect();
        let sections: Vec<_> =
            spec.sections.iter().filter(|(key, _)| keys.contains(&key.as_str())).cloned().collect();
        if sections.is_empty() && outputs.is_empty() {
            continue;
        }
        let wrong = &spec.unread;
        let made = front_end.compile(&FrontProject { root, sections: &sections, wrong, outputs }, problems);
        all.nodes.extend(made.nodes);
        all.read.extend(made.read);
        for (slot, binding) in all.bindings.iter_mut().zip(made.bindings) {
            *slot = slot.take().or(binding);
        }
    }
    all
}

/// An output must not be written over what the project is made of.
pub(super) fn problems_of_place(
    root: &Path,
    decl: &OutputDecl,
    graph: &Graph,
    read: &[PathBuf],
    problems: &mut Diagnostics,
) {
    let (file, name) = (Path::new(&decl.file.value), &decl.name.value);
    let path = root.join(file);
    let is_source =
        graph.files().iter().any(|source| source.path == path || Path::new(&source.shown) == file)
            || read.contains(&path);
    let is_own = file.starts_with(STATE_FOLDER) || [PROJECT_FILE, LOCK_FILE].map(Path::new).contains(&file);
    let why = match (is_source, is_own) {
        (true, _) => "a file that the project is made of",
        (false, true) => "a file of reel itself",
        (false, false) => return,
    };
    let message = format!("output `{name}` would be written over `{}`, {why}", decl.file.value);
    let problem = Diagnostic::error(code::OUTPUT_CLASH, decl.file.span, message);
    problems.push(problem.help("give the output a file of its own, such as one in `out/`"));
}

pub(super) fn bind_output(
    graph: &Graph,
    decl: &OutputDecl,
    from: &Spanned<String>,
    faulty: bool,
    problems: &mut Diagnostics,
) -> Option<Output> {
    let inner = from.value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let Some((name, port)) = inner.and_then(|inner| inner.rsplit_once('.')) else {
        let message = format!("`{}` is not a reference", from.value);
        problems
            .push(Diagnostic::error(code::BAD_VALUE, from.span, message).help("write it as `${node.port}`"));
        return None;
    };
    let Some(node) = graph.find(name) else {
        // A node with problems of its own is not in the graph; those problems are reported already.
        if !faulty {
            problems.push(unknown_node(graph, name, from.span));
        }
        return None;
    };
    match find_port(graph, node, port, from.span) {
        Ok((index, found)) if !found.many => Some(Output {
            name: decl.name.value.clone(),
            file: decl.file.value.clone(),
            node,
            port: index,
            span: decl.name.span,
        }),
        Ok(_) => {
            let message = format!("`{name}.{port}` is a list, and an output is one file");
            problems.push(Diagnostic::error(code::PORT_TYPE, from.span, message));
            None
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

pub(super) fn folder_name(root: &Path) -> String {
    root.file_name().map_or_else(|| "film".to_owned(), |name| name.to_string_lossy().into_owned())
}
