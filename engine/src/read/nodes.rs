//! `nodes:` and `pools:`: each node checked, and made once for each combination of its axes. They know no kind.

use serde_json::Value;

use super::axes::{self, Axes, Dynamic, FOREACH, MATRIX, Place};
use super::files::Files;
use super::spanned;
use crate::claim::GpuClaim;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::quantity::{Bytes, Decimal, Duration};
use crate::span::Spanned;
use crate::spec::{self, Instances, Located, NodeDecl, Picks, Resources, Written, keys};

/// Names that stand for something else in `${…}`.
pub(super) const TAKEN: &[&str] = &["vars", "env", "secrets", "self", "matrix"];

/// The kind of a node that becomes many when a list is made.
pub(crate) const EACH: &str = "foreach";

/// What nodes are read with.
pub(super) struct Reader<'a, 'f> {
    /// The axes of the whole project.
    pub(super) outer: &'a Axes,
    /// Where rows are read.
    pub(super) files: &'a mut Files<'f>,
    /// What there are many of.
    pub(super) instances: &'a mut Instances,
}

impl Reader<'_, '_> {
    /// Every node as far as it can be read. What was wrong is left out, and has been reported.
    pub(super) fn read(
        &mut self,
        nodes: Vec<(Spanned<String>, Located)>,
        problems: &mut Diagnostics,
    ) -> Vec<NodeDecl> {
        let schema = keys::node();
        let mut all = Vec::with_capacity(nodes.len());
        for (name, written) in nodes {
            let wrong = spec::wrong_name(&name);
            let right = wrong.is_none();
            taken(&name).into_iter().chain(wrong).for_each(|problem| problems.push(problem));
            let many = [MATRIX, FOREACH].iter().any(|key| written.get(key).is_some());
            if !many && self.outer.is_empty() {
                let _ = right && spec::check_at(&written, &schema, Some(&name), problems).is_some();
                all.push(node(name, written));
            } else {
                self.instances(&name, &written, &schema, &mut all, problems);
            }
        }
        all
    }

    /// One node for each combination.
    fn instances(
        &mut self,
        name: &Spanned<String>,
        written: &Located,
        schema: &Value,
        all: &mut Vec<NodeDecl>,
        problems: &mut Diagnostics,
    ) {
        let place = Place { outer: Some(self.outer), dynamic: true };
        let Some((own, dynamic)) = axes::read(written, place, self.files, problems) else {
            // So that nobody is told that there is no such node.
            all.push(node(name.clone(), Located { node: Written::Null, span: written.span }));
            return;
        };
        let axes = self.outer.with(&own);
        let body = without_axes(written);
        if axes.is_empty() {
            let _ = spec::check_at(&body, schema, Some(name), problems);
            all.push(each(node(name.clone(), body), dynamic.as_ref()));
            return;
        }
        for one in axes.combinations(name.span, problems) {
            let mut body = body.clone();
            one.scope.fill(&mut body, problems);
            let _ = spec::check_at(&body, schema, Some(name), problems);
            let mut decl = node(name.clone(), body);
            decl.name.value = self.note(&name.value, &one.picks);
            let dynamic = dynamic.as_ref().map(|dynamic| {
                let mut list = dynamic.list.clone();
                one.scope.fill(&mut list, problems);
                Dynamic { name: dynamic.name.clone(), list }
            });
            all.push(each(decl, dynamic.as_ref()));
        }
    }

    fn note(&mut self, base: &str, picks: &Picks) -> String {
        let name = spec::instance_name(base, picks.iter().map(|(_, label)| label.as_str()));
        self.instances.add_node(base, &name, picks);
        name
    }
}

/// A mapping without the keys that make many of it.
pub(super) fn without_axes(written: &Located) -> Located {
    without(written, &[MATRIX, FOREACH])
}

/// A mapping without some of its keys.
pub(super) fn without(written: &Located, keys: &[&str]) -> Located {
    let Written::Map(entries) = &written.node else { return written.clone() };
    let rest = entries.iter().filter(|(key, _)| !keys.contains(&key.value.as_str())).cloned();
    Located { node: Written::Map(rest.collect()), span: written.span }
}

/// The node that makes one for each item of a list; what was written is its template.
fn each(decl: NodeDecl, dynamic: Option<&Dynamic>) -> NodeDecl {
    let Some(Dynamic { name, list }) = dynamic.filter(|_| !decl.uses.value.is_empty()) else { return decl };
    let uses = Located::text(decl.uses.span, decl.uses.value.clone());
    let key = |text: &str, span| Spanned { value: text.to_owned(), span };
    let entries = vec![
        (key("in", list.span), list.clone()),
        (key("as", name.span), Located::text(name.span, name.value.clone())),
        (key("uses", uses.span), uses),
        (key("with", decl.with.span), decl.with),
    ];
    let uses = Spanned { value: EACH.to_owned(), span: decl.uses.span };
    NodeDecl { uses, with: Located { node: Written::Map(entries), span: decl.span }, ..decl }
}

fn taken(name: &Spanned<String>) -> Option<Diagnostic> {
    if TAKEN.contains(&name.value.as_str()) {
        let message = format!("a node cannot be called `{}`", name.value);
        let help = format!("`${{{}.…}}` stands for something else", name.value);
        return Some(Diagnostic::error(code::BAD_VALUE, name.span, message).help(help));
    }
    None
}

fn node(name: Spanned<String>, mut written: Located) -> NodeDecl {
    let with = match &mut written.node {
        Written::Map(entries) => entries.iter_mut().find(|(key, _)| key.value == "with"),
        _ => None,
    };
    let nothing = |span| Located { node: Written::Map(Vec::new()), span };
    let with = with.map(|(_, with)| std::mem::replace(with, nothing(name.span)));
    let uses = written.get("uses").and_then(|uses| Some(spanned(uses.as_text()?, uses.span)));
    NodeDecl {
        uses: uses.unwrap_or_else(|| spanned("", name.span)),
        with: with.filter(|with| matches!(with.node, Written::Map(_))).unwrap_or_else(|| nothing(name.span)),
        name,
        needs: written.get("needs").map(needs).unwrap_or_default(),
        timeout: written
            .get("timeout")
            .and_then(|timeout| timeout.as_text()?.parse::<Duration>().ok())
            .map(Duration::as_millis),
        resources: written.get("resources").map(resources),
        span: written.span,
    }
}

/// Names of nodes under `needs:`.
pub(super) fn needs(written: &Located) -> Vec<Spanned<String>> {
    let one = |item: &Located| Some(spanned(item.as_text()?, item.span));
    match &written.node {
        Written::List(items) => items.iter().filter_map(one).collect(),
        _ => one(written).into_iter().collect(),
    }
}

fn resources(written: &Located) -> Resources {
    let whole = |key: &str| written.get(key).and_then(number);
    Resources {
        cpu_milli: written.get("cpu").and_then(milli),
        memory: written.get("memory").and_then(bytes),
        gpu: written.get("gpu").and_then(gpu),
        network: whole("network"),
        pools: written.get("pools").map(pools).unwrap_or_default(),
    }
}

/// Whole devices, or a part of one.
fn gpu(written: &Located) -> Option<GpuClaim> {
    if let Written::Map(_) = written.node {
        let memory = written.get("memory").and_then(bytes).unwrap_or_default();
        let sessions = written.get("sessions").and_then(number).unwrap_or_default();
        return Some(GpuClaim::Part { memory, sessions });
    }
    number(written).map(GpuClaim::Whole)
}

pub(super) fn bytes(written: &Located) -> Option<u64> {
    written.as_text()?.parse::<Bytes>().ok().map(|bytes| bytes.0)
}

/// Names and places of `pools:`.
pub(super) fn pools(written: &Located) -> Vec<(String, u32)> {
    let entries = written.entries().iter();
    entries.filter_map(|(name, places)| Some((name.value.clone(), number(places)?))).collect()
}

fn decimal(written: &Located) -> Option<Decimal> {
    match &written.node {
        Written::Number(text) | Written::Text(text) | Written::Cell(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn number(written: &Located) -> Option<u32> {
    u32::try_from(decimal(written)?.parts(1)?).ok()
}

pub(super) fn milli(written: &Located) -> Option<u32> {
    u32::try_from(decimal(written)?.parts(1000)?).ok()
}
