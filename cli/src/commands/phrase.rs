//! Causes and effects in words, for people and for programs; what `why` and `plan` say alike. It prints nothing.

use std::path::Path;

use reel_engine::cache::same_content;
use reel_engine::explain::{Because, Effects, First};
use reel_engine::id::NodeId;
use reel_engine::key::Reason;
use reel_engine::output::Output;
use reel_engine::schedule::foresee::Foresight;
use reel_engine::session::Project;
use serde_json::{Value, json};

use super::names::change_line;
use crate::texts::{Shown, Texts, difference};
use crate::ui::count;

/// What words are made from.
#[derive(Clone, Copy)]
pub(super) struct Phrases<'a> {
    pub(super) project: &'a Project,
    pub(super) seen: &'a Foresight,
    pub(super) texts: &'a Texts,
}

impl Phrases<'_> {
    pub(super) fn name(&self, id: NodeId) -> &str {
        &self.seen.graph.node(id).name
    }

    pub(super) fn names(&self, ids: &[NodeId]) -> Vec<&str> {
        ids.iter().map(|id| self.name(*id)).collect()
    }

    /// A way to a cause: `a ← b ← input `text``; of a `long` one the middle is left out unless it is wanted whole.
    pub(super) fn chain(&self, nodes: &[NodeId], first: &First, long: usize) -> String {
        let mut parts = self.names(nodes);
        let more = format!("… {} more …", parts.len().saturating_sub(long) + 1);
        if parts.len() > long {
            parts.splice(long / 2..parts.len() - (long - 1) / 2, [more.as_str()]);
        }
        format!("{} ← {}", parts.join(" ← "), self.first(first))
    }

    /// A first cause in a few words.
    pub(super) fn first(&self, first: &First) -> String {
        match first {
            First::New => "it is new".to_owned(),
            First::Gone => "its result is gone from the cache".to_owned(),
            First::Blocked(why) => why.clone(),
            First::Changed(reasons) => {
                let sorted = self.sorted(reasons);
                match sorted.as_slice() {
                    [] => "a change that is not known any more".to_owned(),
                    [one] => one.subject(),
                    [one, rest @ ..] => format!("{} and {} more", one.subject(), rest.len()),
                }
            }
        }
    }

    /// Texts and other words first, then the rest, as they stand in the key.
    pub(super) fn sorted<'r>(&self, reasons: &'r [Reason]) -> Vec<&'r Reason> {
        let is_text = |value: &Option<String>| value.as_ref().is_some_and(|value| value.starts_with('"'));
        let rank = |reason: &&Reason| match reason.is_digest() {
            true if self.shown(reason).is_some() => 0,
            false if is_text(&reason.old) || is_text(&reason.new) => 0,
            true => 1,
            false => 2,
        };
        let mut sorted: Vec<&Reason> = reasons.iter().collect();
        sorted.sort_by_key(rank);
        sorted
    }

    /// The texts behind digests.
    fn shown(&self, reason: &Reason) -> Option<Shown> {
        let known = || self.texts.shown(reason.old.as_deref(), reason.new.as_deref());
        if reason.is_digest() { known() } else { None }
    }

    /// What people see of two values; who a tool is takes lines, of which a few words differ.
    fn seen_as(&self, reason: &Reason, whole: bool) -> Option<Shown> {
        match (&reason.old, &reason.new) {
            (Some(old), Some(new)) if reason.field.starts_with("tool.") && !whole => {
                let (old, new) = difference(old, new);
                Some((Some(old), Some(new)))
            }
            _ => self.shown(reason),
        }
    }

    /// A change with old and new value; where they are texts and `whole` is wanted, with their digests, too.
    pub(super) fn change(&self, reason: &Reason, whole: bool) -> String {
        let shown = self.seen_as(reason, whole);
        let line = change_line(reason, shown.as_ref());
        match (&shown, &reason.old, &reason.new) {
            (Some(_), Some(old), Some(new)) if whole && reason.is_digest() => {
                let short = |digest: &str| digest.chars().take(8).collect::<String>();
                format!("{line} ({} → {})", short(old), short(new))
            }
            _ => line,
        }
    }

    /// Where what a node is made of was written, as `reel.yaml:12`.
    pub(super) fn place(&self, id: NodeId) -> Option<String> {
        self.project.sources.place(self.seen.graph.node(id).span)
    }

    /// A change, for programs: values as people know them, and digests where there are any.
    pub(super) fn reason_json(&self, reason: &Reason, from: Option<NodeId>) -> Value {
        let shown = self.shown(reason);
        let (old, new) = match &shown {
            Some((old, new)) => (old.as_ref(), new.as_ref()),
            None => (reason.old.as_ref(), reason.new.as_ref()),
        };
        let digest = |value: &Option<String>| value.clone().filter(|_| reason.is_digest());
        json!({
            "field": reason.field,
            "subject": reason.subject(),
            "old": old,
            "new": new,
            "old-digest": digest(&reason.old),
            "new-digest": digest(&reason.new),
            "from": reason.note,
            "was-from": reason.was,
            "cause": from.map(|from| self.name(from)),
        })
    }

    /// Differences in the key of a node, for programs.
    pub(super) fn because_json(&self, because: &[Because]) -> Vec<Value> {
        because.iter().map(|it| self.reason_json(&it.reason, it.from)).collect()
    }

    /// A way to a first cause, for programs.
    pub(super) fn chain_json(&self, nodes: &[NodeId], first: &First) -> Value {
        let word = match first {
            First::Changed(_) => "changed",
            First::New => "new",
            First::Gone => "gone",
            First::Blocked(_) => "blocked",
        };
        let reasons: Vec<Value> = match first {
            First::Changed(reasons) => {
                self.sorted(reasons).iter().map(|it| self.reason_json(it, None)).collect()
            }
            _ => Vec::new(),
        };
        json!({
            "nodes": self.names(nodes),
            "cause": {
                "type": word,
                "message": self.first(first),
                "at": nodes.last().and_then(|id| self.place(*id)),
                "reasons": reasons,
            },
        })
    }

    /// The outputs among nodes, and those that `causes` make themselves.
    fn outputs(&self, effects: &Effects, causes: &[NodeId]) -> Vec<&Output> {
        let all = effects.all();
        let is_reached = |output: &&Output| {
            let mut behind =
                output.ports().flat_map(|(node, port)| self.seen.graph.behind(node, port)).map(|(id, _)| id);
            behind.any(|id| all.binary_search(&id).is_ok() || causes.contains(&id))
        };
        self.project.outputs.iter().filter(is_reached).collect()
    }

    /// Nodes that are expected of expansions among `effects` and `causes`.
    fn expected(&self, effects: &Effects, causes: &[NodeId]) -> Vec<&str> {
        let mut makers: Vec<&str> = self.names(&[effects.all().as_slice(), causes].concat());
        let mut names = Vec::new();
        // A maker comes before what it makes only when both are known by name: go on until nothing is added.
        loop {
            let more: Vec<&str> = self
                .seen
                .expected
                .iter()
                .filter(|node| makers.contains(&node.maker.as_str()) && !names.contains(&node.name.as_str()))
                .map(|node| node.name.as_str())
                .collect();
            if more.is_empty() {
                return names;
            }
            names.extend(&more);
            makers = more;
        }
    }

    /// What changes set off, in one line: how many nodes, which, and which outputs. `None` when it was nothing.
    pub(super) fn effects(&self, effects: &Effects, causes: &[NodeId], whole: bool) -> Option<String> {
        let expected = self.expected(effects, causes);
        let may = [self.names(&effects.may), expected].concat();
        let parts = [
            ("ran", self.names(&effects.ran)),
            ("found in the cache", self.names(&effects.found)),
            ("will run", self.names(&effects.will)),
            ("may run", may),
        ];
        let mut texts = Vec::new();
        for (word, names) in parts.iter().filter(|(_, names)| !names.is_empty()) {
            texts.push(format!("{} {word}: {}", count(names.len(), "node"), list(names, whole)));
        }
        let outputs: Vec<&str> =
            self.outputs(effects, causes).iter().map(|output| output.name.as_str()).collect();
        match outputs.as_slice() {
            [] => {}
            [one] => texts.push(format!("output {one}")),
            many => texts.push(format!("outputs {}", many.join(", "))),
        }
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// What changes set off, for programs.
    pub(super) fn effects_json(&self, effects: &Effects, causes: &[NodeId]) -> Value {
        let outputs: Vec<&str> =
            self.outputs(effects, causes).iter().map(|output| output.name.as_str()).collect();
        json!({
            "ran": self.names(&effects.ran),
            "found": self.names(&effects.found),
            "will-run": self.names(&effects.will),
            "may-run": self.names(&effects.may),
            "expected": self.expected(effects, causes),
            "outputs": outputs,
        })
    }

    /// How the file of an output stands to what the cache has for it; of a series, the file that is furthest from it.
    pub(super) fn file_state(&self, output: &Output) -> &'static str {
        const STATES: [&str; 4] = ["absent", "other", "unknown", "as-made"];
        let state = |file: &Output| {
            let stored = self.seen.results.artifact(&self.seen.graph, file.node, file.port);
            let path = self.project.root.join(Path::new(&file.file));
            match stored.map(|stored| same_content(&stored.artifact, &path)) {
                _ if !path.exists() => 0,
                Some(Ok(false)) => 1,
                Some(Ok(true)) => 3,
                _ => 2,
            }
        };
        let files = output.files(&self.seen.graph);
        STATES[files.iter().map(state).min().unwrap_or(0)]
    }
}

/// Names in a line, the first dozen of them unless all are wanted.
pub(super) fn list(names: &[&str], whole: bool) -> String {
    const SHOWN: usize = 12;
    let mut groups = grouped(names);
    let more = groups.len().saturating_sub(if whole { usize::MAX } else { SHOWN });
    groups.truncate(groups.len() - more);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", groups.join(", "))
}

/// Names with those that only a number tells apart as one: `end.encode.1…3`.
fn grouped(names: &[&str]) -> Vec<String> {
    let split = |name: &str| -> Option<(String, u64)> {
        let (begin, number) = name.rsplit_once('.')?;
        Some((begin.to_owned(), number.parse().ok()?))
    };
    let mut runs: Vec<(String, Option<(u64, u64)>)> = Vec::new();
    for name in names {
        match split(name) {
            Some((begin, number)) => {
                // Numbers of one group need not stand beside each other in the list.
                let open = runs.iter_mut().find(|(other, range)| {
                    *other == begin && range.is_some_and(|(_, last)| last + 1 == number)
                });
                match open {
                    Some((_, Some((_, last)))) => *last = number,
                    _ => runs.push((begin, Some((number, number)))),
                }
            }
            None => runs.push(((*name).to_owned(), None)),
        }
    }
    let spell = |(begin, range): (String, Option<(u64, u64)>)| match range {
        None => begin,
        Some((first, last)) if first == last => format!("{begin}.{first}"),
        Some((first, last)) => format!("{begin}.{first}…{last}"),
    };
    runs.into_iter().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_a_number_are_one() {
        let names = ["end.encode.1", "film.mix", "end.encode.2", "end.encode.3", "a.encode.3", "x.1.y"];
        assert_eq!(grouped(&names), ["end.encode.1…3", "film.mix", "a.encode.3", "x.1.y"]);
        assert_eq!(grouped(&["a.1", "a.3"]), ["a.1", "a.3"]);
    }
}
