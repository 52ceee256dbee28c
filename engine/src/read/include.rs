//! `include:`: other files merged into the one that names them. It knows which sections are lists or mappings only
//! by what was written.
//!
//! Included files come first, in the order they are named; mappings are joined key by key, lists one behind the
//! other. A file that several name is read once.

use std::path::PathBuf;

use super::files::Files;
use super::version;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::span::{Span, Spanned};
use crate::spec::{self, Located, Written};

/// The key.
const INCLUDE: &str = "include";

type Entries = Vec<(Spanned<String>, Located)>;

/// A file that is being merged: its name, and where that was written.
struct Open {
    real: PathBuf,
    shown: String,
}

/// Replaces `include:` in `tree` by what it names. What cannot be read or merged is reported and left out.
pub(super) fn merge(tree: &mut Located, first: &str, files: &mut Files<'_>, problems: &mut Diagnostics) {
    if tree.get(INCLUDE).is_none() {
        return;
    }
    let real = files.read.first().cloned().unwrap_or_default();
    let mut merge = Merge { files, open: vec![Open { real, shown: first.to_owned() }], done: Vec::new() };
    if let Written::Map(own) = &mut tree.node {
        *own = merge.whole(std::mem::take(own), problems);
    }
}

struct Merge<'a, 'f> {
    files: &'a mut Files<'f>,
    /// The files that lead to the one at hand, itself the last.
    open: Vec<Open>,
    /// Files that are merged already.
    done: Vec<PathBuf>,
}

impl Merge<'_, '_> {
    /// The entries of a file behind those of all that it includes.
    fn whole(&mut self, own: Entries, problems: &mut Diagnostics) -> Entries {
        let (include, own): (Entries, Entries) = own.into_iter().partition(|(key, _)| key.value == INCLUDE);
        let mut all = Entries::new();
        let paths: Vec<_> = include.iter().flat_map(|(_, value)| named(value, problems)).collect();
        for (path, span) in paths {
            if let Some(entries) = self.file(&path, span, problems) {
                join(&mut all, entries, problems);
            }
        }
        join(&mut all, own, problems);
        all
    }

    /// The entries of one included file.
    fn file(&mut self, path: &str, span: Span, problems: &mut Diagnostics) -> Option<Entries> {
        let real = self.files.find(path, span, problems)?;
        if let Some(at) = self.open.iter().position(|open| open.real == real) {
            let circle = self.open[at..].iter().map(|open| open.shown.as_str()).chain([path]);
            let circle: Vec<&str> = circle.collect();
            let message = format!("files include each other in a circle: {}", circle.join(" → "));
            problems.push(
                Diagnostic::error(code::INCLUDE, span, message).help("take one of these `include:` out"),
            );
            return None;
        }
        if self.done.contains(&real) {
            return None;
        }
        let text = self.files.text(&real, path, span, problems)?;
        let tree = spec::parse_yaml(&text.text, text.source, problems)?;
        let Written::Map(entries) = tree.node else {
            let message = format!("`{path}` is no mapping of keys to values");
            problems.push(
                Diagnostic::error(code::WRONG_TYPE, tree.span, message)
                    .also(span, "included here")
                    .help("an included file has the keys of a project: `nodes:`, `scenes:`, `vars:`, …"),
            );
            return None;
        };
        let tree = Located { node: Written::Map(entries), span: tree.span };
        if tree.get("version").is_some() {
            version(&tree, problems)?;
        }
        let Written::Map(mut entries) = tree.node else { return None };
        entries.retain(|(key, _)| key.value != "version");
        self.open.push(Open { real: real.clone(), shown: path.to_owned() });
        let whole = self.whole(entries, problems);
        self.open.pop();
        self.done.push(real);
        Some(whole)
    }
}

/// The paths that `include:` names.
fn named(value: &Located, problems: &mut Diagnostics) -> Vec<(String, Span)> {
    let schema = spec::keys::include();
    let key = Spanned { value: INCLUDE.to_owned(), span: value.span };
    if spec::check_at(value, &schema, Some(&key), problems).is_none() {
        return Vec::new();
    }
    let items = match &value.node {
        Written::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    items.iter().filter_map(|item| Some((item.as_text()?.to_owned(), item.span))).collect()
}

/// Adds entries to those that are there.
fn join(all: &mut Entries, more: Entries, problems: &mut Diagnostics) {
    for (key, value) in more {
        match all.iter_mut().find(|(known, _)| known.value == key.value) {
            None => all.push((key, value)),
            Some((first, known)) => section(first, known, &key, value, problems),
        }
    }
}

/// Adds one section to another of the same name.
fn section(
    first: &Spanned<String>,
    known: &mut Located,
    key: &Spanned<String>,
    more: Located,
    problems: &mut Diagnostics,
) {
    if key.value == "env" {
        as_mapping(known, &more);
    }
    match (&mut known.node, more.node) {
        (Written::Map(known), Written::Map(more)) => entries(known, more, problems),
        (Written::List(known), Written::List(more)) => known.extend(more),
        // A section with nothing in it adds nothing.
        (_, Written::Null) => {}
        (known @ Written::Null, more) => *known = more,
        _ => problems.push(twice(&key.value, first.span, key.span)),
    }
}

fn entries(known: &mut Entries, more: Entries, problems: &mut Diagnostics) {
    let mut places: std::collections::BTreeMap<String, Span> =
        known.iter().map(|(key, _)| (key.value.clone(), key.span)).collect();
    for (key, value) in more {
        match places.get(&key.value) {
            Some(first) => problems.push(twice(&key.value, *first, key.span)),
            None => {
                places.insert(key.value.clone(), key.span);
                known.push((key, value));
            }
        }
    }
}

/// `env:` may be a list of names in one file and have defaults in another.
fn as_mapping(known: &mut Located, more: &Located) {
    let (Written::List(items), Written::Map(_)) = (&known.node, &more.node) else { return };
    let without_default = |item: &Located| {
        let name = Spanned { value: item.as_text()?.to_owned(), span: item.span };
        Some((name, Located { node: Written::Null, span: item.span }))
    };
    known.node = Written::Map(items.iter().filter_map(without_default).collect());
}

fn twice(key: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(code::DUPLICATE, second, format!("the key `{key}` stands in two files"))
        .label("again here")
        .also(first, "first here")
        .help("keep one of them")
}
