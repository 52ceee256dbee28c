//! From the sections of front ends to nodes, once for a project or once for each story it is made into, with every
//! reference to one of many looked up. It resolves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::operation::{FrontGraph, FrontProject, Registry, Surroundings};
use crate::span::Spanned;
use crate::spec::{
    InputSource, Located, NodeDecl, OutputDecl, Picks, Spec, Written, instance_name, name_parts,
    parse_reference,
};

/// All declarations of a project.
pub(super) struct Declared {
    /// Nodes, those that were written first.
    pub(super) nodes: Vec<NodeDecl>,
    /// Outputs; one that nothing makes has no `from`.
    pub(super) outputs: Vec<OutputDecl>,
    /// What front ends looked at.
    pub(super) surroundings: Surroundings,
}

/// Runs every front end. The nodes of the spec go over to what is declared.
pub(super) fn compile(
    spec: &mut Spec,
    root: &Path,
    registry: &Registry,
    problems: &mut Diagnostics,
) -> Declared {
    let nodes = std::mem::take(&mut spec.nodes);
    let spec = &*spec;
    let mut all = Declared { nodes, outputs: spec.outputs.clone(), surroundings: Surroundings::default() };
    if spec.variants.is_empty() {
        let indexes: Vec<usize> = (0..spec.outputs.len()).collect();
        let story = Story { sections: &spec.sections, unread: &spec.unread, root, registry };
        let made = story.compile(&indexes, &Picks::new(), &mut all.outputs, problems);
        all.surroundings = made.surroundings;
        link(spec, &mut all, problems);
        add(made.beside, &mut all.outputs, problems);
        all.nodes.extend(made.nodes.into_iter().map(|mut node| {
            spec.instances.link_node(&mut node, &Picks::new(), problems);
            node
        }));
        return all;
    }
    let (mut fronts, mut beside) = (Vec::new(), Vec::new());
    let mut names = BTreeMap::new();
    for variant in &spec.variants {
        let story = Story { sections: &variant.sections, unread: &variant.unread, root, registry };
        let made = story.compile(&variant.outputs, &variant.picks, &mut all.outputs, problems);
        all.surroundings.extend(made.surroundings);
        beside.extend(made.beside);
        let prefix = prefix(&variant.picks);
        names.insert(prefix.clone(), made.nodes.iter().map(|node| node.name.value.clone()).collect());
        fronts.push((prefix, made.nodes, &variant.picks));
    }
    let depth = spec.variants[0].picks.len();
    let names = Names { of: names };
    for node in &mut all.nodes {
        if let Some(picks) = spec.instances.picks_of(&node.name.value).and_then(|picks| picks.get(..depth)) {
            names.tree(&prefix(&picks.to_vec()), &mut node.with);
        }
    }
    for (variant, index) in
        spec.variants.iter().flat_map(|variant| variant.outputs.iter().map(move |index| (variant, *index)))
    {
        if let Some(from) = &mut all.outputs[index].from {
            names.text(&prefix(&variant.picks), &mut from.value);
        }
        for more in &mut all.outputs[index].more {
            names.text(&prefix(&variant.picks), &mut more.value);
        }
        names.needs(&prefix(&variant.picks), &mut all.outputs[index].needs);
    }
    link(spec, &mut all, problems);
    add(beside, &mut all.outputs, problems);
    for (prefix, nodes, picks) in fronts {
        all.nodes.extend(nodes.into_iter().map(|mut node| {
            names.node(&prefix, &mut node);
            spec.instances.link_node(&mut node, picks, problems);
            node
        }));
    }
    all
}

fn link(spec: &Spec, all: &mut Declared, problems: &mut Diagnostics) {
    if !spec.instances.is_empty() {
        spec.instances.link(&mut all.nodes, &mut all.outputs, problems);
    }
}

/// Adds the files that belong to outputs; none may be written over another.
fn add(beside: Vec<OutputDecl>, outputs: &mut Vec<OutputDecl>, problems: &mut Diagnostics) {
    for decl in beside {
        if let Some(other) = outputs.iter().find(|other| other.file.value == decl.file.value) {
            let (file, name) = (&decl.file.value, &other.name.value);
            let message = format!("`{file}` is written by output `{name}`, too");
            let problem = Diagnostic::error(code::OUTPUT_CLASH, decl.name.span, message);
            problems.push(problem.help("give one of them another file"));
        }
        outputs.push(decl);
    }
}

/// What stands before the names of nodes of a story.
fn prefix(picks: &Picks) -> String {
    format!("{}/", instance_name("", picks.iter().map(|(_, label)| label.as_str())))
}

/// What a story comes to beside what its outputs take.
struct Compiled {
    nodes: Vec<NodeDecl>,
    surroundings: Surroundings,
    /// Files that belong to its outputs.
    beside: Vec<OutputDecl>,
}

/// One story: the sections from which front ends make nodes.
struct Story<'a> {
    sections: &'a [(String, Located)],
    unread: &'a [String],
    root: &'a Path,
    registry: &'a Registry,
}

impl Story<'_> {
    /// Compiles the story and binds its outputs; the labels of `picks` are taken off their names for that.
    fn compile(
        &self,
        indexes: &[usize],
        picks: &Picks,
        outputs: &mut [OutputDecl],
        problems: &mut Diagnostics,
    ) -> Compiled {
        let open: Vec<usize> =
            indexes.iter().copied().filter(|index| outputs[*index].from.is_none()).collect();
        let bound: Vec<OutputDecl> = open
            .iter()
            .map(|index| {
                let mut output = outputs[*index].clone();
                output.name.value = own_name(&output.name.value, picks.len());
                output
            })
            .collect();
        let made = self.front_ends(&bound, problems);
        let prefix = if picks.is_empty() { String::new() } else { prefix(picks) };
        let needs = made.needs.into_iter().chain(std::iter::repeat_with(Vec::new));
        let series = made.series.into_iter().chain(std::iter::repeat_with(Vec::new));
        let of_each = made.beside.into_iter().chain(std::iter::repeat_with(Vec::new));
        let mut beside = Vec::new();
        let of_each = needs.zip(series).zip(of_each);
        for ((index, binding), ((needs, more), files)) in open.into_iter().zip(made.bindings).zip(of_each) {
            let output = &mut outputs[index];
            let span = output.name.span;
            let in_story = |from: &str| from.replacen("${", &format!("${{{prefix}"), 1);
            output.needs.extend(needs.into_iter().map(|value| Spanned { value, span }));
            let more =
                more.into_iter().map(|from| Spanned { value: in_story(&from), span: output.file.span });
            output.more = more.collect();
            output.from = binding.map(|from| Spanned { value: in_story(&from), span: output.file.span });
            let output = &*output;
            beside.extend(files.into_iter().map(|file| belonging(output, &file.file, in_story(&file.from))));
        }
        Compiled { nodes: made.nodes, surroundings: made.surroundings, beside }
    }

    fn front_ends(&self, outputs: &[OutputDecl], problems: &mut Diagnostics) -> FrontGraph {
        let count = outputs.len();
        let mut all = FrontGraph {
            bindings: vec![None; count],
            needs: vec![Vec::new(); count],
            series: vec![Vec::new(); count],
            beside: vec![Vec::new(); count],
            ..FrontGraph::default()
        };
        for front_end in self.registry.front_ends() {
            let keys: Vec<&str> = front_end.sections().iter().map(|(key, _)| *key).collect();
            let sections: Vec<_> =
                self.sections.iter().filter(|(key, _)| keys.contains(&key.as_str())).cloned().collect();
            if sections.is_empty() && outputs.is_empty() {
                continue;
            }
            let project = FrontProject { root: self.root, sections: &sections, wrong: self.unread, outputs };
            let made = front_end.compile(&project, problems);
            all.nodes.extend(made.nodes);
            all.surroundings.extend(made.surroundings);
            for (slot, binding) in all.bindings.iter_mut().zip(made.bindings) {
                *slot = slot.take().or(binding);
            }
            for (needs, more) in all.needs.iter_mut().zip(made.needs) {
                needs.extend(more);
            }
            for (series, more) in all.series.iter_mut().zip(made.series) {
                series.extend(more);
            }
            for (beside, more) in all.beside.iter_mut().zip(made.beside) {
                beside.extend(more);
            }
        }
        all
    }
}

/// A file that belongs to an output, as an output of its own.
fn belonging(output: &OutputDecl, name: &str, from: String) -> OutputDecl {
    let (own, span) = (&output.file, output.name.span);
    let file =
        own.value.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"));
    OutputDecl {
        name: Spanned { value: format!("{}/{name}", output.name.value), span },
        file: Spanned { value: file, span: own.span },
        from: Some(Spanned { value: from, span: own.span }),
        more: Vec::new(),
        needs: output.needs.clone(),
        written: output.written.clone(),
    }
}

/// The name of an output within its story.
fn own_name(name: &str, depth: usize) -> String {
    match name_parts(name) {
        Some((base, labels)) if depth > 0 => instance_name(base, labels.into_iter().skip(depth)),
        _ => name.to_owned(),
    }
}

/// The nodes that front ends made, by what stands before their names.
struct Names {
    of: BTreeMap<String, BTreeSet<String>>,
}

impl Names {
    fn has(&self, prefix: &str, name: &str) -> bool {
        self.of.get(prefix).is_some_and(|names| names.contains(name))
    }

    fn node(&self, prefix: &str, node: &mut NodeDecl) {
        self.tree(prefix, &mut node.with);
        self.needs(prefix, &mut node.needs);
        node.name.value.insert_str(0, prefix);
    }

    /// Puts the prefix before the name of every node or group of the story.
    fn needs(&self, prefix: &str, needs: &mut [Spanned<String>]) {
        for name in needs {
            let group = format!("{}.", name.value);
            let is_group = || {
                let next = self.of.get(prefix).and_then(|names| names.range(group.clone()..).next());
                next.is_some_and(|next| next.starts_with(&group))
            };
            if self.has(prefix, &name.value) || is_group() {
                name.value.insert_str(0, prefix);
            }
        }
    }

    /// Puts the prefix before every reference to a node of the story.
    fn tree(&self, prefix: &str, tree: &mut Located) {
        match &mut tree.node {
            Written::Text(text) => self.text(prefix, text),
            Written::List(items) => items.iter_mut().for_each(|item| self.tree(prefix, item)),
            Written::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.tree(prefix, value)),
            _ => {}
        }
    }

    fn text(&self, prefix: &str, text: &mut String) {
        if !text.starts_with("${") {
            return;
        }
        if let Some(InputSource::Reference { node, .. }) = parse_reference(text)
            && self.has(prefix, &node)
        {
            text.insert_str(2, prefix);
        }
    }
}
