//! `nodes:` and `pools:` from checked text. They know no kind, and report only what a check cannot.

use super::spanned;
use crate::claim::GpuClaim;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::quantity::{Bytes, Decimal, Duration};
use crate::span::Spanned;
use crate::spec::{Located, NodeDecl, Resources, Written};

/// Names that stand for something else in `${…}`.
const TAKEN: &[&str] = &["vars", "env", "secrets", "self"];

/// Every node as far as it can be read. What was wrong is left out, and has been reported.
pub(super) fn read(nodes: &Located, problems: &mut Diagnostics) -> Vec<NodeDecl> {
    for (name, _) in nodes.entries() {
        if TAKEN.contains(&name.value.as_str()) {
            let message = format!("a node cannot be called `{}`", name.value);
            problems.push(
                Diagnostic::error(code::BAD_VALUE, name.span, message)
                    .help(format!("`${{{}.…}}` stands for something else", name.value)),
            );
        }
    }
    nodes.entries().iter().map(|(name, written)| node(name, written)).collect()
}

fn node(name: &Spanned<String>, written: &Located) -> NodeDecl {
    let uses = written.get("uses").and_then(|uses| Some(spanned(uses.as_text()?, uses.span)));
    let with = written.get("with").filter(|with| matches!(with.node, Written::Map(_)));
    NodeDecl {
        name: name.clone(),
        uses: uses.unwrap_or_else(|| spanned("", name.span)),
        with: with.cloned().unwrap_or_else(|| empty(name)),
        needs: written.get("needs").map(needs).unwrap_or_default(),
        timeout: written
            .get("timeout")
            .and_then(|timeout| timeout.as_text()?.parse::<Duration>().ok())
            .map(Duration::as_millis),
        resources: written.get("resources").map(resources),
        span: written.span,
    }
}

fn empty(name: &Spanned<String>) -> Located {
    Located { node: Written::Map(Vec::new()), span: name.span }
}

fn needs(written: &Located) -> Vec<Spanned<String>> {
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
        Written::Number(text) | Written::Text(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn number(written: &Located) -> Option<u32> {
    u32::try_from(decimal(written)?.parts(1)?).ok()
}

pub(super) fn milli(written: &Located) -> Option<u32> {
    u32::try_from(decimal(written)?.parts(1000)?).ok()
}
