//! From the files of a project to declarations and bound outputs. It resolves no node and builds nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{LOCK_FILE, PROJECT_FILE, STATE_FOLDER};
use crate::artifact::PortType;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::graph::resolve::{find_port, unknown_node};
use crate::graph::{Graph, Node};
use crate::id::NodeId;
use crate::output::{Output, Series};
use crate::paths::Numbered;
use crate::span::Spanned;
use crate::spec::OutputDecl;
use crate::takes::Takes;

/// The pins of the project in `root`.
pub(super) fn read_takes(root: &Path) -> Result<Takes, Diagnostic> {
    Takes::read(&root.join(LOCK_FILE)).map_err(|error| {
        Diagnostic::general(code::LOCKED, format!("cannot read `{LOCK_FILE}`: {error}"))
            .help("take it from Git again, or delete it to pin everything anew")
    })
}

/// The place of an output that is made in another manner: `out/short.mp4` becomes `out/short.draft.mp4`.
pub(super) fn in_manner(file: &str, manner: &str) -> String {
    let name = file.rfind('/').map_or(0, |slash| slash + 1);
    match file[name..].rfind('.').filter(|dot| *dot > 0) {
        Some(dot) => format!("{}.{manner}{}", &file[..name + dot], &file[name + dot..]),
        None => format!("{file}.{manner}"),
    }
}

/// An output must not be written over what the project is made of.
pub(super) fn problems_of_places(
    root: &Path,
    outputs: &[OutputDecl],
    graph: &Graph,
    read: &[PathBuf],
    problems: &mut Diagnostics,
) {
    let files = graph.files().iter();
    let sources: BTreeSet<PathBuf> = files
        .flat_map(|source| [source.path.clone(), root.join(&source.shown)])
        .chain(read.iter().cloned())
        .collect();
    for decl in outputs {
        let path = root.join(&decl.file.value);
        let series = Numbered::of(&path.to_string_lossy());
        let of_series = |source: &PathBuf| {
            let number = |series: &Numbered| series.number(&source.to_string_lossy());
            series.as_ref().and_then(number).is_some()
        };
        let is_source = sources.contains(&path) || series.is_some() && sources.iter().any(of_series);
        problems_of_place(decl, is_source, problems);
    }
    outputs.iter().filter_map(|decl| blocked(root, decl)).for_each(|problem| problems.push(problem));
}

/// What stands in the way of an output already now.
fn blocked(root: &Path, decl: &OutputDecl) -> Option<Diagnostic> {
    let (file, name) = (&decl.file.value, &decl.name.value);
    let path = root.join(file);
    let clash = |what: String| {
        let problem = Diagnostic::error(code::OUTPUT_CLASH, decl.file.span, what);
        Some(problem.help("give it another file, or move what is there"))
    };
    if path.is_dir() {
        return clash(format!("output `{name}` would be written over the folder `{file}`"));
    }
    let above = path.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok())?;
    if !above.is_dir() {
        let shown = above.strip_prefix(root).unwrap_or(above).display();
        return clash(format!("output `{name}` needs a folder where the file `{shown}` is"));
    }
    let inside = above.canonicalize().ok()?.starts_with(root.canonicalize().ok()?);
    let message = format!("`{file}` leads out of the project, through a link");
    let outside = Diagnostic::error(code::OUTSIDE, decl.file.span, message);
    (!inside).then(|| outside.help("let it go into a folder of the project"))
}

fn problems_of_place(decl: &OutputDecl, is_source: bool, problems: &mut Diagnostics) {
    let (file, name) = (Path::new(&decl.file.value), &decl.name.value);
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

/// An output whose name promises what its port does not carry.
fn misnamed(decl: &OutputDecl, node: &Node, port: u32) -> Option<Diagnostic> {
    let port = node.ports.get(port as usize)?;
    let named = PortType::named(&decl.file.value)?;
    if port.ty == PortType::File || named.contains(&port.ty) {
        return None;
    }
    let (file, name) = (&decl.file.value, &decl.name.value);
    let message = format!(
        "output `{name}` is called `{file}` as if it were {}, but `{}.{}` gives `{}`",
        named.iter().map(|ty| format!("`{ty}`")).collect::<Vec<_>>().join(" or "),
        node.name,
        port.name,
        port.ty
    );
    let problem = Diagnostic::error(code::PORT_TYPE, decl.file.span, message);
    Some(problem.help("take it from another port, or let the file end in what it holds"))
}

/// An output with the ports that make it, if they are there.
pub(super) fn bind_output(
    graph: &Graph,
    decl: &OutputDecl,
    from: &Spanned<String>,
    faulty: bool,
    problems: &mut Diagnostics,
) -> Option<Output> {
    let (node, port) = bind_port(graph, from, faulty, problems)?;
    let wrong = misnamed(decl, graph.node(node), port);
    wrong.into_iter().for_each(|problem| problems.push(problem));
    let mut series = None;
    if graph.node(node).ports[port as usize].many {
        let more = decl.more.iter().map(|from| bind_port(graph, from, faulty, problems));
        let more = more.collect::<Option<Vec<_>>>()?;
        let Some(names) = Numbered::of(&decl.file.value) else {
            let inner = from.value.trim_start_matches("${").trim_end_matches('}');
            let message = format!("`{inner}` is a list, and an output is one file");
            let help = format!("number its files, such as `{}`", numbered(&decl.file.value));
            problems.push(Diagnostic::error(code::PORT_TYPE, from.span, message).help(help));
            return None;
        };
        series = Some(Series { names, more });
    }
    Some(Output {
        name: decl.name.value.clone(),
        file: decl.file.value.clone(),
        node,
        port,
        series,
        of: None,
        needs: needed(graph, decl, faulty, problems),
        span: decl.name.span,
    })
}

/// A path with a number before its end.
fn numbered(file: &str) -> String {
    in_manner(file, "%05d")
}

fn bind_port(
    graph: &Graph,
    from: &Spanned<String>,
    faulty: bool,
    problems: &mut Diagnostics,
) -> Option<(NodeId, u32)> {
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
        Ok((index, _)) => Some((node, index)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// The nodes that must succeed before an output is placed.
fn needed(graph: &Graph, decl: &OutputDecl, faulty: bool, problems: &mut Diagnostics) -> Vec<NodeId> {
    let mut all = Vec::new();
    for name in &decl.needs {
        let group = graph.group(&name.value);
        if group.is_empty() && !faulty {
            problems.push(unknown_node(graph, &name.value, name.span));
        }
        all.extend(group);
    }
    all.sort_unstable();
    all.dedup();
    all
}

pub(super) fn folder_name(root: &Path) -> String {
    root.file_name().map_or_else(|| "film".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_manner_has_another_name_of_the_same_kind() {
        assert_eq!(in_manner("out/short.mp4", "draft"), "out/short.draft.mp4");
        assert_eq!(in_manner("out.put/film", "draft"), "out.put/film.draft");
        assert_eq!(in_manner(".hidden", "draft"), ".hidden.draft");
    }
}
