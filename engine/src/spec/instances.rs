//! Instances: the many that `matrix:` and `foreach:` make of one node, output or story, and which of them a reference
//! means. They know no kind and no port.
//!
//! An instance is called `voice[de,9x16]`: what was written, then the label of each axis. A reference picks by labels:
//! an axis that both sides have must agree, and what remains is one instance, or a list of them where one may stand.

use std::collections::BTreeMap;

use super::checked::InputSource;
use super::reference::parse_reference;
use super::value::{Located, Written};
use super::{NodeDecl, OutputDecl};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::span::{Span, Spanned};

/// Most instances that a message names.
const SHOWN: usize = 6;

/// Where an instance stands: axis and label, in order.
pub type Picks = Vec<(String, String)>;

/// The name of an instance: `voice[de,9x16]`, and `voice[de,9x16]` with one more label behind it.
#[must_use]
pub fn instance_name<'a>(base: &str, labels: impl IntoIterator<Item = &'a str>) -> String {
    let labels: Vec<&str> = labels.into_iter().collect();
    let joined = labels.join(",");
    match base.strip_suffix(']') {
        _ if labels.is_empty() => base.to_owned(),
        Some(open) => format!("{open},{joined}]"),
        None => format!("{base}[{joined}]"),
    }
}

/// What was written, and the labels, of the name of an instance.
#[must_use]
pub fn name_parts(name: &str) -> Option<(&str, Vec<&str>)> {
    let (base, labels) = name.strip_suffix(']')?.rsplit_once('[')?;
    Some((base, labels.split(',').collect()))
}

/// A label for a value: letters, digits, `_` and `-` stay, each run of anything else becomes one `-`.
#[must_use]
pub fn label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for c in text.chars() {
        if is_label(c) {
            label.push(c);
        } else if !label.ends_with('-') {
            label.push('-');
        }
    }
    label.trim_matches('-').to_owned()
}

/// Whether a character can stand in a label.
pub(super) fn is_label(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// All instances of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Family {
    axes: Vec<String>,
    /// Names and labels, in the order they were made.
    members: Vec<(String, Vec<String>)>,
}

/// Every instance of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instances {
    families: BTreeMap<String, Family>,
    places: BTreeMap<String, Picks>,
    outputs: BTreeMap<String, Picks>,
}

impl Instances {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.families.is_empty() && self.outputs.is_empty()
    }

    /// Notes a node that stands for `base` at `picks`.
    pub(crate) fn add_node(&mut self, base: &str, name: &str, picks: &Picks) {
        let family = self.families.entry(base.to_owned()).or_default();
        if family.members.is_empty() {
            family.axes = picks.iter().map(|(axis, _)| axis.clone()).collect();
        }
        let labels = picks.iter().map(|(_, label)| label.clone()).collect();
        family.members.push((name.to_owned(), labels));
        self.places.insert(name.to_owned(), picks.clone());
    }

    /// Notes an output that stands at `picks`.
    pub(crate) fn add_output(&mut self, name: &str, picks: &Picks) {
        self.outputs.insert(name.to_owned(), picks.clone());
    }

    /// Names of the instances of `base` that agree with `picks`; `None` if there is no such family.
    fn pick(&self, base: &str, picks: &Picks) -> Option<Vec<&str>> {
        let family = self.families.get(base)?;
        let label = |axis: &String| picks.iter().find(|(name, _)| name == axis).map(|(_, label)| label);
        let wanted: Vec<Option<&String>> = family.axes.iter().map(label).collect();
        if wanted.iter().all(Option::is_some) {
            // The usual case: one name, found without a search.
            let name = instance_name(base, wanted.iter().flatten().map(|label| label.as_str()));
            return Some(
                self.places.get_key_value(&name).map(|(name, _)| name.as_str()).into_iter().collect(),
            );
        }
        let agrees = |labels: &Vec<String>| {
            labels.iter().zip(&wanted).all(|(label, wanted)| wanted.is_none_or(|wanted| wanted == label))
        };
        Some(
            family
                .members
                .iter()
                .filter(|(_, labels)| agrees(labels))
                .map(|(name, _)| name.as_str())
                .collect(),
        )
    }

    /// Where a node stands, if it is one of many.
    pub(crate) fn picks_of(&self, name: &str) -> Option<&Picks> {
        self.places.get(name)
    }

    /// Replaces references to what was written by references to instances.
    pub(crate) fn link(
        &self,
        nodes: &mut [NodeDecl],
        outputs: &mut [OutputDecl],
        problems: &mut Diagnostics,
    ) {
        let nowhere = Picks::new();
        for node in nodes {
            let picks = self.places.get(&node.name.value).unwrap_or(&nowhere);
            self.link_node(node, picks, problems);
        }
        for output in outputs {
            let picks = self.outputs.get(&output.name.value).unwrap_or(&nowhere);
            self.link_needs(&mut output.needs, picks, problems);
            if let Some(from) = &mut output.from
                && let Some(found) = self.meant(&from.value, picks, from.span, problems)
            {
                match found.as_slice() {
                    [one] => from.value.clone_from(one),
                    many => {
                        problems.push(
                            one_wanted(&from.value, many, from.span).help(
                                "give the output the same `matrix:` or `foreach:`, or name one instance",
                            ),
                        );
                        output.from = None;
                    }
                }
            }
        }
    }

    /// As [`Self::link`], for one node, which stands at `picks`.
    pub(crate) fn link_node(&self, node: &mut NodeDecl, picks: &Picks, problems: &mut Diagnostics) {
        if !self.families.is_empty() {
            self.link_tree(&mut node.with, picks, problems);
            self.link_needs(&mut node.needs, picks, problems);
        }
    }

    fn link_tree(&self, tree: &mut Located, picks: &Picks, problems: &mut Diagnostics) {
        match &mut tree.node {
            Written::Text(text) => {
                if let Some(found) = self.meant(text, picks, tree.span, problems) {
                    match found.as_slice() {
                        [one] => text.clone_from(one),
                        many => {
                            let problem = one_wanted(text, many, tree.span);
                            problems.push(problem.help("name one of them, or put the reference into a list"));
                            // So that its port is looked at all the same.
                            text.clone_from(&many[0]);
                        }
                    }
                }
            }
            Written::List(items) => self.link_list(items, picks, problems),
            Written::Map(entries) => {
                entries.iter_mut().for_each(|(_, value)| self.link_tree(value, picks, problems));
            }
            _ => {}
        }
    }

    /// In a list, a reference to several becomes several references.
    fn link_list(&self, items: &mut Vec<Located>, picks: &Picks, problems: &mut Diagnostics) {
        let refers = |item: &Located| matches!(&item.node, Written::Text(text) if text.starts_with("${"));
        if !items.iter().any(refers) {
            return items.iter_mut().for_each(|item| self.link_tree(item, picks, problems));
        }
        for mut item in std::mem::take(items) {
            let found = match &item.node {
                Written::Text(text) => self.meant(text, picks, item.span, problems),
                _ => None,
            };
            match found {
                Some(found) => items.extend(found.into_iter().map(|one| Located::text(item.span, one))),
                None => {
                    self.link_tree(&mut item, picks, problems);
                    items.push(item);
                }
            }
        }
    }

    fn link_needs(&self, needs: &mut Vec<Spanned<String>>, picks: &Picks, problems: &mut Diagnostics) {
        if !needs.iter().any(|name| self.families.contains_key(&name.value)) {
            return;
        }
        for name in std::mem::take(needs) {
            match self.pick(&name.value, picks) {
                Some(found) if found.is_empty() => problems.push(self.none(&name.value, picks, name.span)),
                Some(found) => needs
                    .extend(found.into_iter().map(|one| Spanned { value: one.to_owned(), span: name.span })),
                None => needs.push(name),
            }
        }
    }

    /// The references that one reference means; `None` if it is none, or names no family.
    fn meant(
        &self,
        text: &str,
        picks: &Picks,
        span: Span,
        problems: &mut Diagnostics,
    ) -> Option<Vec<String>> {
        if !text.starts_with("${") {
            return None;
        }
        let Some(InputSource::Reference { node, port }) = parse_reference(text) else { return None };
        let found = self.pick(&node, picks)?;
        if found.is_empty() {
            problems.push(self.none(&node, picks, span));
            // So that its port is looked at all the same.
            let (first, _) = self.families.get(&node)?.members.first()?;
            return Some(vec![format!("${{{first}.{port}}}")]);
        }
        Some(found.into_iter().map(|name| format!("${{{name}.{port}}}")).collect())
    }

    fn none(&self, base: &str, picks: &Picks, span: Span) -> Diagnostic {
        let family = self.families.get(base);
        let here: Vec<String> = picks
            .iter()
            .filter(|(axis, _)| family.is_some_and(|family| family.axes.contains(axis)))
            .map(|(axis, label)| format!("{axis} {label}"))
            .collect();
        let names: Vec<&str> =
            family.into_iter().flat_map(|family| &family.members).map(|(name, _)| name.as_str()).collect();
        Diagnostic::error(code::UNKNOWN_NODE, span, format!("there is no `{base}` for {}", here.join(", ")))
            .help(format!("there are {}", listed(&names)))
    }
}

fn one_wanted(reference: &str, found: &[String], span: Span) -> Diagnostic {
    let node = |text: &String| {
        let inner = text.trim_start_matches("${").trim_end_matches('}');
        inner.rsplit_once('.').map_or_else(|| inner.to_owned(), |(node, _)| node.to_owned())
    };
    let names: Vec<String> = found.iter().take(SHOWN + 1).map(node).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let message = format!("`{reference}` is {} nodes where one is wanted: {}", found.len(), listed(&names));
    Diagnostic::error(code::PORT_TYPE, span, message)
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together_and_taken_apart() {
        assert_eq!(instance_name("voice", ["de", "9x16"]), "voice[de,9x16]");
        assert_eq!(instance_name("voice[de]", ["mug"]), "voice[de,mug]");
        assert_eq!(instance_name("voice", []), "voice");
        assert_eq!(name_parts("voice[de,9x16]"), Some(("voice", vec!["de", "9x16"])));
        assert_eq!(name_parts("voice"), None);
        assert_eq!(label(" Größe 12/3 (rot)"), "Größe-12-3-rot");
        assert_eq!(label("29.97"), "29-97");
    }
}
