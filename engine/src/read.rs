//! From the text of a project file to a [`Spec`], with every error of the file in one run. It reads what a spec is
//! made of and nothing else, and knows no graph.

mod axes;
mod capacity;
mod files;
mod include;
mod nodes;
mod outputs;
mod rows;
mod variables;

pub(crate) use nodes::EACH;
pub(crate) use rows::{artifact_rows, row_of};

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, code, nearest};
use crate::operation::{Operation, Registry};
use crate::paths::Root;
use crate::span::{Sources, Span, Spanned};
use crate::spec::{self, Checked, Located, NodeDecl, Spec, Variant, Written, keys};
use axes::Axes;
use files::Files;

/// What comes from outside the file.
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    /// The value of an environment variable; asked only for names that the file declares.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Values for `vars:` that replace those of the file (`--set k=v`).
    pub set: &'a [(String, String)],
}

/// Reads the text of a project file that names no other. The text joins `sources` under `path`, as the user would
/// name it.
///
/// What could be read is given back even when there are errors, so that later stages can report theirs in the
/// same run: a node without a kind has an empty one, and [`Spec::unread`] names sections that are wrong. It is `None`
/// when the file is no mapping, or of another version.
pub fn read_spec(
    text: &str,
    path: &Path,
    registry: &Registry,
    options: &ReadOptions<'_>,
    sources: &mut Sources,
) -> (Option<Spec>, Diagnostics) {
    let mut problems = Diagnostics::default();
    let mut files = Files { root: None, sources, read: Vec::new() };
    let source = files.sources.add(path.to_owned(), text.into());
    let spec = spec::parse_yaml(text, source, &mut problems)
        .and_then(|tree| whole(tree, path, registry, options, &mut files, &mut problems));
    (spec, problems)
}

/// What reading a whole project gives.
pub struct Reading {
    /// As [`read_spec`] gives it.
    pub spec: Option<Spec>,
    /// Every file that was read for it, the project file first.
    pub files: Vec<PathBuf>,
    /// What is wrong.
    pub problems: Diagnostics,
}

/// Reads the project file `name` in the folder `root`, and all that it includes.
pub fn read_project(
    root: &Path,
    name: &str,
    registry: &Registry,
    options: &ReadOptions<'_>,
    sources: &mut Sources,
) -> Reading {
    let mut problems = Diagnostics::default();
    let path = root.join(name);
    let real = path.canonicalize().unwrap_or_else(|_| path.clone());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", path.display());
            problems.push(Diagnostic::general(code::NO_PROJECT, message));
            return Reading { spec: None, files: vec![real], problems };
        }
    };
    let Some(text) = files::utf8(bytes, name, sources, &mut problems) else {
        return Reading { spec: None, files: vec![real], problems };
    };
    let source = sources.add(name.into(), text.as_str().into());
    let mut files = Files { root: Some(Root::new(root)), sources, read: vec![real] };
    let spec = spec::parse_yaml(&text, source, &mut problems)
        .and_then(|tree| whole(tree, Path::new(name), registry, options, &mut files, &mut problems));
    Reading { spec, files: files.read, problems }
}

/// Checks `with:` of a node against its kind; problems are reported, and then it is `None`.
pub fn check_with(decl: &NodeDecl, operation: &dyn Operation, problems: &mut Diagnostics) -> Option<Checked> {
    spec::check_at(&decl.with, operation.schema(), Some(&decl.name), problems)
}

fn whole(
    mut tree: Located,
    path: &Path,
    registry: &Registry,
    options: &ReadOptions<'_>,
    files: &mut Files<'_>,
    problems: &mut Diagnostics,
) -> Option<Spec> {
    let Written::Map(_) = tree.node else {
        let message = "a project is a mapping of keys to values";
        problems.push(
            Diagnostic::error(code::WRONG_TYPE, tree.span, message).help("begin the file with `version: 1`"),
        );
        return None;
    };
    version(&tree, problems)?;
    include::merge(&mut tree, &path.display().to_string(), files, problems);
    let variables = variables::fill(&mut tree, options, problems);
    let mut spec = Spec { version: keys::VERSION, env: variables.env_values(), ..Spec::default() };
    let place = axes::Place { outer: None, dynamic: false };
    let outer = match axes::read(&tree, place, files, problems) {
        Some((outer, _)) => outer,
        None => {
            axes::forget(&mut tree);
            Axes::default()
        }
    };
    let span = tree.entries().first().map_or(tree.span, |(key, _)| key.span);
    let stories = if outer.is_empty() { Vec::new() } else { outer.combinations(span, problems) };
    spec.variants =
        stories.iter().map(|one| Variant { picks: one.picks.clone(), ..Variant::default() }).collect();
    let sections: Vec<_> = registry.front_ends().flat_map(|front| front.sections()).collect();
    let own = keys::top_level();
    let entries: &mut [(Spanned<String>, Located)] = match &mut tree.node {
        Written::Map(entries) => entries,
        _ => &mut [],
    };
    for (key, value) in entries {
        let key = &*key;
        if let Some((name, schema)) = sections.iter().find(|(name, _)| *name == key.value) {
            if stories.is_empty() {
                spec.sections.push(((*name).to_owned(), value.clone()));
                if spec::check_at(value, schema, Some(key), problems).is_none() || value.has_unknown() {
                    spec.unread.push((*name).to_owned());
                }
            }
            for (one, variant) in stories.iter().zip(&mut spec.variants) {
                let mut value = value.clone();
                one.scope.fill(&mut value, problems);
                if spec::check_at(&value, schema, Some(key), problems).is_none() {
                    variant.unread.push((*name).to_owned());
                }
                variant.sections.push(((*name).to_owned(), value));
            }
        } else if key.value == "nodes" {
            let Written::Map(nodes) = &mut value.node else {
                let _ = spec::check_at(value, &keys::nodes(), Some(key), problems);
                continue;
            };
            // They are most of a large file: they go over to the spec as they are.
            let (nodes, instances) = (std::mem::take(nodes), &mut spec.instances);
            spec.nodes = nodes::Reader { outer: &outer, files, instances }.read(nodes, problems);
        } else if let Some((_, schema)) = own.iter().find(|(name, _)| *name == key.value) {
            section(&mut spec, key, value, schema, problems);
        } else {
            let known = own.iter().map(|(name, _)| *name).chain(sections.iter().map(|(name, _)| *name));
            unknown(key, known, problems);
        }
    }
    outputs::Reader { spec: &mut spec, outer: &outer, files }.read(tree.get("outputs"), registry, problems);
    Some(spec)
}

/// One key of the engine's own; outputs wait until it is known which sections there are.
fn section(
    spec: &mut Spec,
    key: &Spanned<String>,
    value: &Located,
    schema: &serde_json::Value,
    problems: &mut Diagnostics,
) {
    let checked = match key.value.as_str() {
        // Already checked, since they had to be known before anything else.
        "version" | "vars" | "env" | axes::MATRIX | axes::FOREACH => return,
        _ => spec::check_at(value, schema, Some(key), problems),
    };
    match key.value.as_str() {
        "name" => {
            spec.name = value.as_text().map(|name| Spanned { value: name.to_owned(), span: value.span });
        }
        "pools" if checked.is_some() => {
            // What `capacity:` says of a pool stands, wherever it is written.
            let said = std::mem::take(&mut spec.capacity.pools);
            spec.capacity.pools = nodes::pools(value).into_iter().chain(said).collect();
        }
        "capacity" if checked.is_some() => capacity::read(value, &mut spec.capacity),
        _ => {}
    }
}

/// The version decides how everything else is read, so a wrong one is the only error.
fn version(tree: &Located, problems: &mut Diagnostics) -> Option<()> {
    let line = format!("version: {}", keys::VERSION);
    let Some(written) = tree.get("version") else {
        let span = tree.entries().first().map_or(tree.span, |(key, _)| key.span);
        problems.push(
            Diagnostic::error(code::MISSING_KEY, span, "the key `version` is missing")
                .help(format!("begin the file with `{line}`")),
        );
        return Some(());
    };
    match &written.node {
        Written::Number(text) if *text == keys::VERSION.to_string() => Some(()),
        Written::Number(text) => {
            let message = format!("this reel reads version {} of the file, not `{text}`", keys::VERSION);
            problems.push(
                Diagnostic::error(code::VERSION, written.span, message).help(format!("write `{line}`")),
            );
            None
        }
        _ => {
            let message = "`version` wants a number";
            problems.push(
                Diagnostic::error(code::WRONG_TYPE, written.span, message).help(format!("write `{line}`")),
            );
            Some(())
        }
    }
}

fn unknown<'a>(
    key: &Spanned<String>,
    known: impl Iterator<Item = &'a str> + Clone,
    problems: &mut Diagnostics,
) {
    let help = match nearest(&key.value, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let all: Vec<String> = known.map(|name| format!("`{name}`")).collect();
            format!("a project has {}", all.join(", "))
        }
    };
    let message = format!("unknown key `{}`", key.value);
    problems.push(Diagnostic::error(code::UNKNOWN_KEY, key.span, message).help(help));
}

/// A text with its place.
fn spanned(text: &str, span: Span) -> Spanned<String> {
    Spanned { value: text.to_owned(), span }
}

#[cfg(test)]
pub(crate) mod tests;
