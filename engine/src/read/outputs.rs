//! `outputs:`: a path, an artifact of a node, or something a front end makes, once for each combination of its axes.
//! They know no media.

use std::collections::BTreeMap;

use serde_json::Value;

use super::axes::{self, Axes, FOREACH, MATRIX, Place};
use super::files::Files;
use super::nodes::{needs, without, without_axes};
use super::spanned;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::operation::Registry;
use crate::paths::Numbered;
use crate::span::{Span, Spanned};
use crate::spec::{self, Located, OutputDecl, Picks, Spec, Written, keys};

/// What an output needs.
const NEEDS: &str = "needs";

/// What outputs are read with.
pub(super) struct Reader<'a, 'f> {
    /// Where they go.
    pub(super) spec: &'a mut Spec,
    /// The axes of the whole project.
    pub(super) outer: &'a Axes,
    /// Where rows are read.
    pub(super) files: &'a mut Files<'f>,
}

/// Schemas of outputs: of those with `from`, and of those that a front end makes.
struct Schemas {
    of_nodes: Value,
    of_front: Option<Value>,
}

impl Schemas {
    /// Outputs of either sort may need nodes; front ends do not see it.
    fn with_needs(mut self) -> Self {
        for schema in std::iter::once(&mut self.of_nodes).chain(&mut self.of_front) {
            if let Some(Value::Object(properties)) = schema.get_mut("properties") {
                properties.insert(NEEDS.into(), keys::output_needs());
            }
        }
        self
    }
}

impl Reader<'_, '_> {
    /// Reads every output; those that are wrong are reported and left out.
    pub(super) fn read(
        &mut self,
        written: Option<&Located>,
        registry: &Registry,
        problems: &mut Diagnostics,
    ) {
        let spec = &self.spec;
        let has_front = !spec.sections.is_empty()
            || !spec.unread.is_empty()
            || spec.variants.iter().any(|variant| !variant.sections.is_empty());
        let front = registry.front_ends().next().filter(|_| has_front);
        let schemas =
            Schemas { of_nodes: keys::output_from(), of_front: front.map(|front| front.output_schema()) }
                .with_needs();
        let mut places = Places::default();
        for (name, value) in written.map(Located::entries).unwrap_or_default() {
            let Some(whole) = as_mapping(value) else { continue };
            let many = [MATRIX, FOREACH].iter().any(|key| whole.get(key).is_some());
            if !many && self.outer.is_empty() {
                places.hint = None;
                self.one(name, name, &whole, &schemas, &mut places, problems);
                continue;
            }
            let place = Place { outer: Some(self.outer), dynamic: false };
            let Some((own, _)) = axes::read(&whole, place, self.files, problems) else { continue };
            let (axes, body) = (self.outer.with(&own), without_axes(&whole));
            places.hint = axes.hint();
            for one in axes.combinations(name.span, problems) {
                let mut body = body.clone();
                one.scope.fill(&mut body, problems);
                let labels = one.picks.iter().map(|(_, label)| label.as_str());
                let own = Spanned { value: spec::instance_name(&name.value, labels), span: name.span };
                if self.one(name, &own, &body, &schemas, &mut places, problems) {
                    self.note(&own.value, &one.picks);
                }
            }
        }
        self.spec.unread.dedup();
    }

    /// Reads one output; whether it is right.
    fn one(
        &mut self,
        base: &Spanned<String>,
        name: &Spanned<String>,
        whole: &Located,
        schemas: &Schemas,
        places: &mut Places,
        problems: &mut Diagnostics,
    ) -> bool {
        let from = whole.get("from");
        let schema = match (from, &schemas.of_front) {
            (None, Some(schema)) => schema,
            _ => &schemas.of_nodes,
        };
        let checked = spec::check_at(whole, schema, Some(base), problems);
        let Some(file) = file_of(whole, problems) else {
            return false;
        };
        places.clash(&file, name, problems);
        if checked.is_none() || whole.has_unknown() {
            self.spec.unread.push("outputs".to_owned());
            self.spec.variants.iter_mut().for_each(|variant| {
                if !variant.unread.iter().any(|key| key == "outputs") {
                    variant.unread.push("outputs".to_owned());
                }
            });
            return false;
        }
        self.spec.outputs.push(OutputDecl {
            name: name.clone(),
            file,
            from: from.and_then(|from| Some(spanned(from.as_text()?, from.span))),
            more: Vec::new(),
            needs: whole.get(NEEDS).map(needs).unwrap_or_default(),
            written: without(whole, &[NEEDS]),
        });
        true
    }

    /// Notes where the output stands that was read last.
    fn note(&mut self, name: &str, picks: &Picks) {
        self.spec.instances.add_output(name, picks);
        let last = self.spec.outputs.len() - 1;
        let of_variant = |own: &Picks| picks.get(..own.len()) == Some(own.as_slice());
        if let Some(variant) = self.spec.variants.iter_mut().find(|variant| of_variant(&variant.picks)) {
            variant.outputs.push(last);
        }
    }
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

/// Where outputs go.
#[derive(Default)]
struct Places {
    /// File to the output that writes it.
    files: BTreeMap<String, (String, Span)>,
    /// Those of them that are series of files.
    series: Vec<(Numbered, String)>,
    /// What makes the file of an instance differ from that of another.
    hint: Option<String>,
}

impl Places {
    /// Two outputs must not write one file, nor one a file where another needs a folder.
    fn clash(&mut self, file: &Spanned<String>, name: &Spanned<String>, problems: &mut Diagnostics) {
        if let Some((inside, (other, first))) = self.nested(&file.value) {
            let message = format!("output `{}` cannot be `{}` beside `{inside}`", name.value, file.value);
            problems.push(
                Diagnostic::error(code::OUTPUT_CLASH, file.span, message)
                    .label("a file and a folder of one name")
                    .also(*first, format!("output `{other}`"))
                    .help("give each output a file of its own"),
            );
            return;
        }
        if let Some((other, first)) = self.files.get(&file.value) {
            let message =
                format!("outputs `{other}` and `{}` write the same file `{}`", name.value, file.value);
            let base = |name: &str| spec::name_parts(name).map(|(base, _)| base.to_owned());
            let same = base(other).is_some() && base(other) == base(&name.value);
            let help = match self.hint.as_ref().filter(|_| same) {
                Some(hint) => format!("put {hint} into `file`, so that each has one of its own"),
                None => "give each output a file of its own".to_owned(),
            };
            let problem = Diagnostic::error(code::OUTPUT_CLASH, file.span, message).label("again here");
            problems.push(problem.also(*first, "first here").help(help));
            return;
        }
        let own = Numbered::of(&file.value);
        if let Some((met, (other, first))) = self.met(&file.value, own.as_ref()) {
            let message = format!("outputs `{other}` and `{}` may write the same files", name.value);
            problems.push(
                Diagnostic::error(code::OUTPUT_CLASH, file.span, message)
                    .label(format!("in one series with `{met}`"))
                    .also(*first, "first here")
                    .help("give the series a folder of its own"),
            );
            return;
        }
        self.series.extend(own.map(|own| (own, file.value.clone())));
        self.files.insert(file.value.clone(), (name.value.clone(), file.span));
    }

    /// An output that may have a file of the same series.
    fn met(&self, file: &str, own: Option<&Numbered>) -> Option<(&String, &(String, Span))> {
        let meets = |(other, _): &&(Numbered, String)| match own {
            Some(own) => own.meets(other),
            None => other.number(file).is_some(),
        };
        if let Some((_, path)) = self.series.iter().find(meets) {
            return self.files.get_key_value(path);
        }
        let own = own?;
        self.files.iter().find(|(other, _)| own.number(other).is_some())
    }

    /// An output whose file is a folder above this one, or stands below it.
    fn nested(&self, file: &str) -> Option<(&String, &(String, Span))> {
        let above = file.match_indices('/').find_map(|(at, _)| self.files.get_key_value(&file[..at]));
        let folder = format!("{file}/");
        let below = || {
            let next = self.files.range(folder.clone()..).next();
            next.filter(|(path, _)| path.starts_with(&folder))
        };
        above.or_else(below)
    }
}
