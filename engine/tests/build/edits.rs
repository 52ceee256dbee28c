//! Random graphs under random edits: an incremental build makes what a clean one makes, and runs exactly the
//! actions that were never run before.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::world::World;

const FILES: usize = 3;

/// What fills one part of a node.
#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    File(usize),
    /// An earlier node, by its number.
    Node(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Join,
    Length,
    Split,
    /// A node for each line of its text, and one behind it that joins them.
    Each,
    /// A node for each end that its text may have, and one behind it that joins them.
    Grid,
}

/// The ends of a grid.
const ENDS: [&str; 2] = ["p", "q"];

/// A node as the user wrote it.
#[derive(Debug, Clone)]
struct Written {
    number: u32,
    name: String,
    sort: Sort,
    between: &'static str,
    /// One for all but `join`.
    parts: Vec<Part>,
}

impl Written {
    /// The port that others read and an output shows.
    fn port(&self) -> String {
        match self.sort {
            Sort::Split => format!("{}.count", self.name),
            Sort::Join | Sort::Length => format!("{}.text", self.name),
            Sort::Each | Sort::Grid => format!("{}_all.text", self.name),
        }
    }
}

/// A project as a value.
#[derive(Debug, Clone)]
struct Text {
    nodes: Vec<Written>,
    files: [String; FILES],
    next: u32,
}

/// What an action is, for whoever knows nothing of digests: its kind, its parameters, the texts of its inputs.
type Key = (&'static str, String, Vec<Vec<String>>);

impl Text {
    fn new() -> Self {
        Self { nodes: Vec::new(), files: ["one".into(), "two words".into(), "a b a".into()], next: 0 }
    }

    fn add(&mut self, sort: u8, picks: &[u8]) {
        let sorts = [Sort::Join, Sort::Join, Sort::Length, Sort::Split, Sort::Each, Sort::Grid];
        let sort = sorts[usize::from(sort) % sorts.len()];
        let count = if sort == Sort::Join { picks.len() } else { 1 };
        let parts = picks.iter().take(count).map(|pick| self.part(*pick)).collect();
        let number = self.next;
        self.next += 1;
        self.nodes.push(Written { number, name: format!("n{number}"), sort, between: "-", parts });
    }

    fn part(&self, pick: u8) -> Part {
        let pick = usize::from(pick);
        match pick % 3 {
            0 => Part::Literal(["x", "y z", "one"][pick / 3 % 3].into()),
            1 => Part::File(pick / 3 % FILES),
            _ if self.nodes.is_empty() => Part::File(0),
            _ => Part::Node(self.nodes[pick / 3 % self.nodes.len()].number),
        }
    }

    /// Takes a node out; who read it reads a literal instead.
    fn remove(&mut self, at: u8) {
        if self.nodes.len() < 2 {
            return;
        }
        let gone = self.nodes.remove(usize::from(at) % self.nodes.len()).number;
        for part in self.nodes.iter_mut().flat_map(|node| &mut node.parts) {
            if matches!(part, Part::Node(number) if *number == gone) {
                *part = Part::Literal("gone".into());
            }
        }
    }

    fn node(&mut self, at: u8) -> Option<&mut Written> {
        let count = self.nodes.len();
        self.nodes.get_mut(usize::from(at) % count.max(1))
    }

    fn by_number(&self, number: u32) -> &Written {
        self.nodes.iter().find(|node| node.number == number).unwrap()
    }

    /// The project file. Nodes are written in an order of their own: the last first.
    fn yaml(&self) -> String {
        let nodes: String = self.nodes.iter().rev().map(|node| self.declared(node)).collect();
        let output = |node: &Written| {
            format!("  {0}: {{ from: '${{{1}}}', file: out/{0}.txt }}\n", node.name, node.port())
        };
        let outputs: String = self.nodes.iter().rev().map(output).collect();
        format!("version: 1\nnodes:\n{nodes}outputs:\n{outputs}")
    }

    fn declared(&self, node: &Written) -> String {
        let parts: Vec<String> = node.parts.iter().map(|part| self.written(part)).collect();
        let (name, between) = (&node.name, node.between);
        let many = |axis: &str, part: &str| {
            format!(
                "  {name}: {{ {axis}, uses: join, with: {{ parts: [{part}], between: '{between}' }} }}\n  \
                 {name}_all: {{ uses: join, with: {{ parts: ['${{{name}.text}}'], between: '{between}' }} }}\n"
            )
        };
        let (uses, with) = match node.sort {
            // A list that is made during the run is a port: of a node that says the same.
            Sort::Each => {
                let list = format!("  {name}_list: {{ uses: join, with: {{ parts: [{}] }} }}\n", parts[0]);
                let axis = format!("foreach: {{ line: '${{{name}_list.text}}' }}");
                return list + &many(&axis, "'${line}'");
            }
            Sort::Grid => {
                let axis = format!("matrix: {{ end: [{}] }}", ENDS.join(", "));
                return many(&axis, &format!("{}, '${{matrix.end}}'", parts[0]));
            }
            Sort::Join => ("join", format!("parts: [{}], between: '{}'", parts.join(", "), node.between)),
            Sort::Length => ("length", format!("text: {}", parts[0])),
            Sort::Split => ("split", format!("text: {}", parts[0])),
        };
        format!("  {}: {{ uses: {uses}, with: {{ {with} }} }}\n", node.name)
    }

    fn written(&self, part: &Part) -> String {
        match part {
            Part::Literal(text) => format!("'{text}'"),
            Part::File(file) => format!("{{ file: f{file}.txt }}"),
            Part::Node(number) => format!("'${{{}}}'", self.by_number(*number).port()),
        }
    }

    fn save(&self, world: &World) {
        world.write("reel.yaml", &self.yaml());
        for (index, text) in self.files.iter().enumerate() {
            world.write(&format!("f{index}.txt"), text);
        }
    }

    /// What each node says, and each action that stands behind all nodes, by the name of its node.
    fn evaluate(&self) -> (BTreeMap<String, String>, BTreeMap<String, Key>) {
        let mut said: BTreeMap<String, String> = BTreeMap::new();
        let mut keys = BTreeMap::new();
        for node in &self.nodes {
            let inputs: Vec<String> = node
                .parts
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => text.clone(),
                    Part::File(file) => self.files[*file].clone(),
                    Part::Node(number) => said[&self.by_number(*number).name].clone(),
                })
                .collect();
            if matches!(node.sort, Sort::Each | Sort::Grid) {
                let text = many(node, &inputs[0], &mut keys);
                said.insert(node.name.clone(), text);
                continue;
            }
            let text = match node.sort {
                Sort::Each | Sort::Grid => unreachable!(),
                Sort::Join => inputs.join(node.between),
                Sort::Length => inputs[0].len().to_string(),
                Sort::Split => {
                    for (index, word) in inputs[0].split_whitespace().enumerate() {
                        let made = format!("{}.word.{}", node.name, index + 1);
                        keys.insert(made, ("join", String::new(), vec![vec![word.to_owned()]]));
                    }
                    inputs[0].split_whitespace().count().to_string()
                }
            };
            let (kind, param) = match node.sort {
                Sort::Each | Sort::Grid => unreachable!(),
                Sort::Join => ("join", node.between),
                Sort::Length => ("length", ""),
                Sort::Split => ("split", ""),
            };
            let inputs = inputs.into_iter().map(|input| vec![input]).collect();
            keys.insert(node.name.clone(), (kind, param.to_owned(), inputs));
            said.insert(node.name.clone(), text);
        }
        (said, keys)
    }
}

/// What a node that is many says, all together, and the actions behind it.
fn many(node: &Written, input: &str, keys: &mut BTreeMap<String, Key>) -> String {
    let (name, between) = (&node.name, node.between.to_owned());
    let mut joined = |name: String, between: &str, slots: Vec<Vec<String>>| {
        let text = slots.concat().join(between);
        keys.insert(name, ("join", between.to_owned(), slots));
        text
    };
    let one = |text: &str| vec![text.to_owned()];
    let texts: Vec<String> = if node.sort == Sort::Each {
        let list = joined(format!("{name}_list"), "", vec![one(input)]);
        let lines: Vec<&str> = list.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let made = lines
            .iter()
            .enumerate()
            .map(|(index, line)| joined(format!("{name}[{}]", index + 1), &between, vec![one(line)]));
        let made = made.collect();
        keys.insert(name.clone(), ("each", between.clone(), vec![one(&list)]));
        made
    } else {
        let made = ENDS.map(|end| joined(format!("{name}[{end}]"), &between, vec![one(input), one(end)]));
        made.into()
    };
    let text = texts.join(&between);
    keys.insert(format!("{name}_all"), ("join", between, vec![texts]));
    text
}

/// What a user does between two builds.
#[derive(Debug, Clone)]
enum Edit {
    Add(u8, Vec<u8>),
    Remove(u8),
    Rename(u8),
    Between(u8, u8),
    Part(u8, u8),
    File(u8, u8),
    /// Nothing but new times.
    Touch,
    /// The project as it was before the last edit.
    Undo,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (any::<u8>(), prop::collection::vec(any::<u8>(), 1..4)).prop_map(|(s, p)| Edit::Add(s, p)),
        1 => any::<u8>().prop_map(Edit::Remove),
        1 => any::<u8>().prop_map(Edit::Rename),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(n, b)| Edit::Between(n, b)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(n, p)| Edit::Part(n, p)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(f, t)| Edit::File(f, t)),
        1 => Just(Edit::Touch),
        2 => Just(Edit::Undo),
    ]
}

fn apply(text: &mut Text, past: &mut Vec<Text>, edit: &Edit) {
    let before = text.clone();
    match edit {
        Edit::Add(sort, picks) => text.add(*sort, picks),
        Edit::Remove(at) => text.remove(*at),
        Edit::Rename(at) => {
            if let Some(node) = text.node(*at) {
                node.name += "x";
            }
        }
        Edit::Between(at, pick) => {
            if let Some(node) = text.node(*at) {
                node.between = ["-", "", "+"][usize::from(*pick) % 3];
            }
        }
        Edit::Part(at, pick) => {
            // Literals and files only: no circle can come of it.
            let pick = if pick % 3 == 2 { pick - 1 } else { *pick };
            let part = text.part(pick);
            if let Some(node) = text.node(*at) {
                node.parts[0] = part;
            }
        }
        Edit::File(file, pick) => {
            let words =
                ["one", "two words", "a b a", "", "b a a longer one", "one\n\n a b a\n", "a b a\none\none"];
            text.files[usize::from(*file) % FILES] = words[usize::from(*pick) % words.len()].into();
        }
        Edit::Touch => {}
        Edit::Undo => {
            if let Some(earlier) = past.pop() {
                *text = Text { next: text.next, ..earlier };
            }
            return;
        }
    }
    past.push(before);
}

/// Builds, and holds what ran against what was never run before.
fn build(world: &World, text: &Text, seen: &mut BTreeSet<Key>) {
    text.save(world);
    let built = world.build();
    assert!(built.summary.is_success(), "{:?}\n{}", built.events, text.yaml());
    let (said, keys) = text.evaluate();
    for (name, expected) in &said {
        assert_eq!(&world.read(&format!("out/{name}.txt")), expected, "{name} of\n{}", text.yaml());
    }
    let new: BTreeSet<Key> = keys.values().filter(|key| !seen.contains(*key)).cloned().collect();
    let ran: Vec<Key> = built.ran.iter().map(|name| keys[name].clone()).collect();
    let once: BTreeSet<Key> = ran.iter().cloned().collect();
    assert_eq!(once, new, "what ran is what was new:\n{}", text.yaml());
    assert_eq!(ran.len(), once.len(), "and nothing ran twice: {:?}", built.ran);
    assert_eq!(built.summary.tally.planned, keys.len());
    seen.extend(new);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 30, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn an_incremental_build_makes_what_a_clean_one_makes_and_runs_only_what_is_new(
        first in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 1..4)), 1..6),
        edits in prop::collection::vec(edit(), 1..9),
        jobs in 1_u32..5,
    ) {
        let mut text = Text::new();
        first.iter().for_each(|(sort, picks)| text.add(*sort, picks));
        let world = World { jobs, ..World::new("") };
        let (mut past, mut seen) = (Vec::new(), BTreeSet::new());
        build(&world, &text, &mut seen);
        for edit in &edits {
            apply(&mut text, &mut past, edit);
            build(&world, &text, &mut seen);
        }
        let clean = World::new("");
        build(&clean, &text, &mut BTreeSet::new());
        let outputs = |world: &World| -> BTreeMap<String, String> {
            text.nodes.iter().map(|node| (node.name.clone(), world.read(&format!("out/{}.txt", node.name)))).collect()
        };
        prop_assert_eq!(outputs(&world), outputs(&clean));
    }
}
