//! `outputs:`: a path, an artifact of a node, or something a front end makes. They know no media.

use std::collections::BTreeMap;

use super::spanned;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::operation::Registry;
use crate::span::{Span, Spanned};
use crate::spec::{self, Located, OutputDecl, Spec, Written, keys};

/// Reads every output; those that are wrong are reported and left out.
pub(super) fn read(
    spec: &mut Spec,
    written: Option<&Located>,
    registry: &Registry,
    problems: &mut Diagnostics,
) {
    let of_nodes = keys::output_from();
    let of_front = registry.front_ends().next().map(|front| front.output_schema());
    let has_front = !spec.sections.is_empty() || !spec.unread.is_empty();
    let mut files: BTreeMap<String, (String, Span)> = BTreeMap::new();
    for (name, value) in written.map(Located::entries).unwrap_or_default() {
        let Some(whole) = as_mapping(value) else { continue };
        let from = whole.get("from");
        let schema = match (from, &of_front) {
            (None, Some(schema)) if has_front => schema,
            _ => &of_nodes,
        };
        let checked = spec::check_at(&whole, schema, Some(name), problems);
        let Some(file) = file_of(&whole, problems) else {
            continue;
        };
        clash(&file, name, &mut files, problems);
        if checked.is_none() {
            spec.unread.push("outputs".to_owned());
            continue;
        }
        spec.outputs.push(OutputDecl {
            name: name.clone(),
            file,
            from: from.and_then(|from| Some(spanned(from.as_text()?, from.span))),
            written: whole,
        });
    }
    spec.unread.dedup();
}

/// A plain path stands for `{ file: PATH }`.
fn as_mapping(value: &Located) -> Option<Located> {
    match &value.node {
        Written::Text(_) => Some(Located::map(value.span, [("file", value.clone())])),
        Written::Map(_) => Some(value.clone()),
        _ => None,
    }
}

/// Where the output goes, from the project's folder, in the one way of writing that path.
fn file_of(whole: &Located, problems: &mut Diagnostics) -> Option<Spanned<String>> {
    let file = whole.get("file")?;
    let problem = match spec::inner_path(file.as_text()?) {
        Ok(path) if !path.is_empty() => return Some(spanned(&path, file.span)),
        Ok(_) => Diagnostic::error(code::BAD_VALUE, file.span, "`file` is the project's own folder"),
        Err(why) => {
            let class = if file.as_text() == Some("") { code::BAD_VALUE } else { code::OUTSIDE };
            Diagnostic::error(class, file.span, format!("`file` {why}"))
        }
    };
    problems.push(problem.help("write a path of the project"));
    None
}

/// Two outputs must not write one file, nor one a file where another needs a folder.
fn clash(
    file: &Spanned<String>,
    name: &Spanned<String>,
    files: &mut BTreeMap<String, (String, Span)>,
    problems: &mut Diagnostics,
) {
    let within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    let nested = files
        .iter()
        .find(|(other, _)| within(other.as_str(), &file.value) || within(&file.value, other.as_str()));
    if let Some((inside, (other, first))) = nested {
        let message = format!("output `{}` cannot be `{}` beside `{inside}`", name.value, file.value);
        problems.push(
            Diagnostic::error(code::OUTPUT_CLASH, file.span, message)
                .label("a file and a folder of one name")
                .also(*first, format!("output `{other}`"))
                .help("give each output a file of its own"),
        );
        return;
    }
    if let Some((other, first)) = files.get(&file.value) {
        let message = format!("outputs `{other}` and `{}` write the same file `{}`", name.value, file.value);
        problems.push(
            Diagnostic::error(code::OUTPUT_CLASH, file.span, message)
                .label("again here")
                .also(*first, "first here")
                .help("give each output a file of its own"),
        );
        return;
    }
    files.insert(file.value.clone(), (name.value.clone(), file.span));
}
