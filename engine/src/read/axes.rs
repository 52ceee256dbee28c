//! `matrix:` and `foreach:`: the axes along which one thing becomes many, and their combinations. They know no node
//! and no output.

use std::collections::BTreeMap;

use super::files::Files;
use super::rows;
use crate::diagnostic::{Diagnostic, Diagnostics, code, nearest};
use crate::span::{Span, Spanned};
use crate::spec::{self, InputSource, Located, Picks, Scope, Written, keys};

/// The key of axes with values written out, and the name by which values are called.
pub(super) const MATRIX: &str = "matrix";
/// The key of rows.
pub(super) const FOREACH: &str = "foreach";
/// Combinations that are left out.
const EXCLUDE: &str = "exclude";
/// Most instances of one thing.
const MOST: usize = 1_000_000;

/// One axis.
#[derive(Clone)]
pub(super) struct Axis {
    /// As in `${matrix.NAME}`, or for rows as in `${NAME}`.
    name: String,
    rows: bool,
    /// Label and value of each.
    values: Vec<(String, Located)>,
}

/// The axes of one thing.
#[derive(Clone, Default)]
pub(super) struct Axes {
    axes: Vec<Axis>,
    exclude: Vec<(Picks, Span)>,
}

/// One of the combinations of axes: an instance in the making.
pub(super) struct Combination {
    /// Axis and label of each.
    pub(super) picks: Picks,
    /// What they stand for.
    pub(super) scope: Scope,
}

/// `foreach:` over a list that is made during the run.
pub(super) struct Dynamic {
    /// The name of an item.
    pub(super) name: Spanned<String>,
    /// The reference to the list.
    pub(super) list: Located,
}

impl Axes {
    /// Whether there is only one of it.
    pub(super) fn is_empty(&self) -> bool {
        self.axes.is_empty()
    }

    /// These axes, and then those of something inside.
    pub(super) fn with(&self, inner: &Self) -> Self {
        let mut all = self.clone();
        // An inner axis of the same name takes the place of the outer one's values; it is told where it is read.
        all.axes.extend(inner.axes.iter().filter(|axis| !self.has(&axis.name)).cloned());
        all.exclude.extend(inner.exclude.iter().cloned());
        all
    }

    fn has(&self, name: &str) -> bool {
        self.axes.iter().any(|axis| axis.name == name)
    }

    /// What a value is called in a `file:` so that it differs for each instance.
    pub(super) fn hint(&self) -> Option<String> {
        let names = self.axes.iter().map(|axis| match (axis.rows, axis.values.first()) {
            (false, _) => format!("`${{matrix.{}}}`", axis.name),
            (true, Some((_, value))) => match value.entries().first() {
                Some((key, _)) => format!("`${{{}.{}}}`", axis.name, key.value),
                None => format!("`${{{}}}`", axis.name),
            },
            (true, None) => format!("`${{{}}}`", axis.name),
        });
        let names: Vec<String> = names.collect();
        (!names.is_empty()).then(|| names.join(" and "))
    }

    /// Every combination that is not excluded; the last axis turns fastest.
    pub(super) fn combinations(&self, span: Span, problems: &mut Diagnostics) -> Vec<Combination> {
        let total = self.axes.iter().try_fold(1_usize, |all, axis| all.checked_mul(axis.values.len()));
        let Some(total) = total.filter(|total| *total <= MOST) else {
            let message = format!("this makes more than {MOST} of one");
            problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help("split the project"));
            return Vec::new();
        };
        let mut hit = vec![false; self.exclude.len()];
        let mut all = Vec::with_capacity(total);
        for index in 0..total {
            let chosen = self.chosen(index);
            let picks: Picks =
                chosen.iter().map(|(axis, (label, _))| (axis.name.clone(), label.clone())).collect();
            let excluded =
                self.exclude.iter().position(|(out, _)| out.iter().all(|pick| picks.contains(pick)));
            match excluded {
                Some(which) => hit[which] = true,
                None => all.push(Combination { scope: scope(&chosen), picks }),
            }
        }
        for ((out, span), _) in self.exclude.iter().zip(hit).filter(|(_, hit)| !hit) {
            let named: Vec<String> = out.iter().map(|(axis, label)| format!("{axis} {label}")).collect();
            let message = format!("`exclude` leaves out nothing: there is no {}", named.join(", "));
            problems.push(Diagnostic::warning(code::BAD_VALUE, *span, message));
        }
        if all.is_empty() && !self.exclude.is_empty() {
            let message = "`exclude` leaves nothing of the matrix";
            problems.push(Diagnostic::error(code::BAD_VALUE, span, message));
        }
        all
    }

    fn chosen(&self, mut index: usize) -> Vec<(&Axis, &(String, Located))> {
        let mut chosen = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            chosen.push((axis, &axis.values[index % axis.values.len()]));
            index /= axis.values.len();
        }
        chosen.reverse();
        chosen
    }
}

fn scope(chosen: &[(&Axis, &(String, Located))]) -> Scope {
    let mut scope = Scope::default();
    let written = chosen.iter().filter(|(axis, _)| !axis.rows);
    let entries: Vec<(String, Located)> =
        written.map(|(axis, (_, value))| (axis.name.clone(), value.clone())).collect();
    if let Some((_, first)) = entries.first() {
        scope.set(MATRIX, Located::map(first.span, entries.clone()));
    }
    for (axis, (_, value)) in chosen.iter().filter(|(axis, _)| axis.rows) {
        scope.set(&axis.name, value.clone());
    }
    scope
}

/// Where axes stand.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The axes of what is around it.
    pub(super) outer: Option<&'a Axes>,
    /// Whether a list may be made during the run.
    pub(super) dynamic: bool,
}

/// Reads `matrix:` and `foreach:` of a mapping; `None` where they are wrong, which was reported.
pub(super) fn read(
    written: &Located,
    place: Place<'_>,
    files: &mut Files<'_>,
    problems: &mut Diagnostics,
) -> Option<(Axes, Option<Dynamic>)> {
    let mut read = Read { axes: Axes::default(), dynamic: None, place, right: true };
    for (key, value) in written.entries() {
        match key.value.as_str() {
            MATRIX => read.matrix(key, value, problems),
            FOREACH => read.foreach(key, value, files, problems),
            _ => {}
        }
    }
    read.right.then_some((read.axes, read.dynamic))
}

/// Where the axes of the whole project are wrong: puts a value that is not known in the place of everything that needs
/// them, so that all else is still checked. That is what refers to a value, or to one of many by its label.
pub(super) fn forget(tree: &mut Located) {
    let rows = tree.get(FOREACH).map(Located::entries).unwrap_or_default();
    let names: Vec<String> =
        rows.iter().map(|(name, _)| name.value.clone()).chain([MATRIX.to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Written::Map(entries) = &mut tree.node {
        let own = |key: &str| [MATRIX, FOREACH].contains(&key);
        entries.iter_mut().filter(|(key, _)| !own(&key.value)).for_each(|(_, value)| blur(value, &names));
    }
}

fn blur(tree: &mut Located, names: &[&str]) {
    match &mut tree.node {
        Written::Text(text) if spec::refers(text, names) || means_one_of_many(text) => {
            tree.node = Written::Pending;
        }
        Written::List(items) => items.iter_mut().for_each(|item| blur(item, names)),
        Written::Map(entries) => entries.iter_mut().for_each(|(_, value)| blur(value, names)),
        _ => {}
    }
}

/// Whether a text refers to one of many: `${word[de].text}`, or `word[de]` among `needs:`.
fn means_one_of_many(text: &str) -> bool {
    match spec::parse_reference(text) {
        Some(InputSource::Reference { node, .. }) => node.contains('['),
        _ => spec::name_parts(text).is_some_and(|(base, _)| spec::is_name(base)),
    }
}

struct Read<'a> {
    axes: Axes,
    dynamic: Option<Dynamic>,
    place: Place<'a>,
    right: bool,
}

impl Read<'_> {
    fn wrong(&mut self, problems: &mut Diagnostics, problem: Diagnostic) {
        problems.push(problem);
        self.right = false;
    }

    /// Whether a name is free for an axis.
    fn name(&mut self, name: &Spanned<String>, problems: &mut Diagnostics) -> bool {
        let outer = self.place.outer.is_some_and(|outer| outer.has(&name.value));
        if !outer && !self.axes.has(&name.value) {
            return true;
        }
        let message = format!("`{}` is an axis already", name.value);
        self.wrong(
            problems,
            Diagnostic::error(code::DUPLICATE, name.span, message).help("give it another name"),
        );
        false
    }

    fn matrix(&mut self, key: &Spanned<String>, value: &Located, problems: &mut Diagnostics) {
        if spec::check_at(value, &keys::matrix(), Some(key), problems).is_none() {
            self.right = false;
            return;
        }
        let axes = value.entries().iter().filter(|(name, _)| name.value != EXCLUDE);
        for (name, list) in axes {
            if !self.name(name, problems) {
                continue;
            }
            match labelled(&name.value, list.items().to_vec(), true, problems) {
                Some(values) => {
                    self.axes.axes.push(Axis { name: name.value.clone(), rows: false, values });
                }
                None => self.right = false,
            }
        }
        for out in value.get(EXCLUDE).map(Located::items).unwrap_or_default() {
            self.exclude(out, problems);
        }
    }

    fn exclude(&mut self, out: &Located, problems: &mut Diagnostics) {
        let mut picks = Picks::new();
        for (axis, value) in out.entries() {
            if !self.axes.has(&axis.value) {
                let near = nearest(&axis.value, self.axes.axes.iter().map(|axis| axis.name.as_str()));
                let message = format!("`{}` is no axis of this matrix", axis.value);
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let problem = Diagnostic::error(code::UNKNOWN_KEY, axis.span, message).maybe_help(help);
                return self.wrong(problems, problem);
            }
            picks.push((axis.value.clone(), spec::label(value.as_words())));
        }
        self.axes.exclude.push((picks, out.span));
    }

    fn foreach(
        &mut self,
        key: &Spanned<String>,
        value: &Located,
        files: &mut Files<'_>,
        problems: &mut Diagnostics,
    ) {
        if spec::check_at(value, &keys::foreach(), Some(key), problems).is_none() {
            self.right = false;
            return;
        }
        for (name, list) in value.entries() {
            if !self.name(name, problems) {
                continue;
            }
            if super::nodes::TAKEN.contains(&name.value.as_str()) {
                let message = format!("rows cannot be called `{}`", name.value);
                let help = format!("`${{{}.…}}` stands for something else", name.value);
                self.wrong(problems, Diagnostic::error(code::BAD_VALUE, name.span, message).help(help));
                continue;
            }
            if list.as_text().is_some_and(|text| spec::parse_reference(text).is_some()) {
                self.made(name, list, problems);
                continue;
            }
            match rows::read(list, files, problems)
                .and_then(|items| labelled(&name.value, items, false, problems))
            {
                Some(values) if values.is_empty() => {
                    let message = format!("`{}` has no rows", name.value);
                    let problem = Diagnostic::error(code::BAD_VALUE, list.span, message);
                    self.wrong(problems, problem.help("a list that may be empty is one that a node makes"));
                }
                Some(values) => self.axes.axes.push(Axis { name: name.value.clone(), rows: true, values }),
                None => self.right = false,
            }
        }
    }

    /// A list that is made during the run.
    fn made(&mut self, name: &Spanned<String>, list: &Located, problems: &mut Diagnostics) {
        if !self.place.dynamic {
            let message = "a list that is made during the run can only make many of a node";
            let problem = Diagnostic::error(code::BAD_VALUE, list.span, message);
            return self.wrong(problems, problem.help("write a list or a file, or put it on a node"));
        }
        if self.dynamic.is_some() {
            let message = "a node can follow one list that is made during the run, not two";
            return self.wrong(problems, Diagnostic::error(code::BAD_VALUE, list.span, message));
        }
        self.dynamic = Some(Dynamic { name: name.clone(), list: list.clone() });
    }
}

/// Values with their labels: a mapping by its `id`, a scalar by itself if it `names_itself`, else by number.
fn labelled(
    axis: &str,
    items: Vec<Located>,
    names_itself: bool,
    problems: &mut Diagnostics,
) -> Option<Vec<(String, Located)>> {
    let scalars = items.iter().all(|item| item.entries().is_empty());
    let with_id = items.iter().filter(|item| item.get("id").is_some()).count();
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut values = Vec::with_capacity(items.len());
    let mut right = true;
    for (index, item) in items.into_iter().enumerate() {
        let named = if with_id > 0 { item.get("id") } else { None };
        let (words, span) = match named {
            Some(id) => (id.as_words().to_owned(), id.span),
            None if with_id > 0 => {
                let message = format!("this value of `{axis}` has no `id`, though others have");
                problems.push(Diagnostic::error(code::MISSING_KEY, item.span, message));
                right = false;
                continue;
            }
            None if scalars && names_itself => (item.as_words().to_owned(), item.span),
            None => ((index + 1).to_string(), item.span),
        };
        let label = spec::label(&words);
        if label.is_empty() {
            let message = format!("`{words}` names no instance of `{axis}`");
            let help = "an id has letters or digits in it";
            problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help(help));
            right = false;
        } else if let Some(first) = seen.get(&label) {
            let message = format!("two values of `{axis}` have the id `{words}`");
            problems.push(
                Diagnostic::error(code::DUPLICATE, span, message)
                    .label("again here")
                    .also(*first, "first here")
                    .help("instances are named by it, so each needs one of its own"),
            );
            right = false;
        } else {
            seen.insert(label.clone(), span);
            values.push((label, item));
        }
    }
    right.then_some(values)
}
