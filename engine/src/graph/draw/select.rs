//! Which part of a picture is drawn, and how coarsely; and what is another than in an earlier one. It draws nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Drawn, Edge, Picture};

/// What nodes are gathered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The scene, format or part of the film that they belong to.
    Scene,
    /// Their kind.
    Kind,
}

/// Nothing in the picture has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchNode(pub String);

/// States, before a build and after it, from the one that says most of a group to the one that says least.
const STATES: [&str; 10] =
    ["failed", "blocked", "missing", "stale", "new", "ran", "waiting", "skipped", "cached", "fresh"];

impl Picture {
    /// The nodes of this name, or whose names it begins, and those that are up to `depth` edges away, in both
    /// directions.
    ///
    /// # Errors
    /// When there are none.
    pub fn focus(self, name: &str, depth: usize) -> Result<Self, NoSuchNode> {
        let is_meant = |node: &str| {
            node.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/', '[']))
        };
        let named = self.nodes.iter().map(|node| node.name.clone()).filter(|node| is_meant(node));
        let mut kept: BTreeSet<String> = named.collect();
        if kept.is_empty() {
            return Err(NoSuchNode(name.to_owned()));
        }
        let (mut forward, mut back) = (kept.clone(), kept.clone());
        for _ in 0..depth {
            let to =
                self.edges.iter().filter(|edge| forward.contains(&edge.from)).map(|edge| edge.to.clone());
            let to: BTreeSet<String> = to.collect();
            let from = self.edges.iter().filter(|edge| back.contains(&edge.to)).map(|edge| edge.from.clone());
            let from: BTreeSet<String> = from.collect();
            kept.extend(to.iter().chain(&from).cloned());
            (forward, back) = (to, from);
        }
        Ok(self.only(|node| kept.contains(&node.name)))
    }

    fn only(mut self, wanted: impl Fn(&Drawn) -> bool) -> Self {
        self.nodes.retain(|node| wanted(node));
        let names: BTreeSet<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        self.edges.retain(|edge| names.contains(edge.from.as_str()) && names.contains(edge.to.as_str()));
        self.critical_path.retain(|name| names.contains(name.as_str()));
        self
    }

    /// Groups in place of nodes; one that stands alone stays what it is.
    #[must_use]
    pub fn grouped(self, by: By) -> Self {
        let group_of = |node: &Drawn| match by {
            By::Scene => node.group.clone().unwrap_or_else(|| node.name.clone()),
            By::Kind => node.kind.clone(),
        };
        let mut groups: BTreeMap<String, Vec<Drawn>> = BTreeMap::new();
        let mut of: BTreeMap<String, String> = BTreeMap::new();
        for node in self.nodes {
            let group = group_of(&node);
            of.insert(node.name.clone(), group.clone());
            groups.entry(group).or_default().push(node);
        }
        let names: BTreeMap<String, String> = of
            .into_iter()
            .map(|(node, group)| {
                let alone = groups.get(&group).is_some_and(|members| members.len() == 1);
                (node.clone(), if alone { node } else { group })
            })
            .collect();
        let between: BTreeSet<(String, String)> = self
            .edges
            .iter()
            .filter_map(|edge| Some((names.get(&edge.from)?.clone(), names.get(&edge.to)?.clone())))
            .filter(|(from, to)| from != to)
            .collect();
        let mut path: Vec<String> =
            self.critical_path.iter().filter_map(|name| names.get(name).cloned()).collect();
        path.dedup();
        let nodes = groups.into_iter().map(|(name, members)| gathered(name, members)).collect();
        let edges = between.into_iter().map(|(from, to)| Edge { from, to, port: None }).collect();
        Self {
            nodes,
            edges,
            critical_path: path,
            ..Self { project: self.project, critical_seconds: self.critical_seconds, ..Self::default() }
        }
    }

    /// Marks what is another than in `old`, and adds what is not there any more.
    #[must_use]
    pub fn since(mut self, old: &Self) -> Self {
        let inputs = |picture: &Self| {
            let mut inputs: BTreeMap<String, BTreeSet<(String, Option<String>)>> = BTreeMap::new();
            for edge in &picture.edges {
                inputs.entry(edge.to.clone()).or_default().insert((edge.from.clone(), edge.port.clone()));
            }
            inputs
        };
        let (was, is) = (inputs(old), inputs(&self));
        let before: BTreeMap<&str, &Drawn> =
            old.nodes.iter().map(|node| (node.name.as_str(), node)).collect();
        // Of what is not there yet nothing is known but its name.
        for node in self.nodes.iter_mut().filter(|node| !node.expected) {
            let Some(old) = before.get(node.name.as_str()) else {
                node.change = Some(Change::Added);
                continue;
            };
            let same = match (&old.key, &node.key) {
                (Some(old), Some(new)) => old == new,
                _ => old.kind == node.kind && was.get(&node.name) == is.get(&node.name),
            };
            node.change = (!same).then_some(Change::Changed);
        }
        let there: BTreeSet<String> = self.nodes.iter().map(|node| node.name.clone()).collect();
        let gone = old.nodes.iter().filter(|node| !there.contains(&node.name));
        self.nodes.extend(gone.map(|node| Drawn {
            state: None,
            change: Some(Change::Removed),
            order: usize::MAX,
            ..node.clone()
        }));
        self.nodes.sort_by(|one, other| one.name.cmp(&other.name));
        let known: BTreeSet<&Edge> = self.edges.iter().collect();
        let still = |edge: &Edge| there.contains(&edge.from) && there.contains(&edge.to);
        let is_gone = |edge: &&Edge| !(known.contains(*edge) || still(edge));
        let gone: Vec<Edge> = old.edges.iter().filter(is_gone).cloned().collect();
        self.edges.extend(gone);
        self.edges.sort();
        self
    }
}

/// Nodes as one.
fn gathered(name: String, mut members: Vec<Drawn>) -> Drawn {
    if members.len() == 1 {
        return members.remove(0);
    }
    let rank = |node: &Drawn| STATES.iter().position(|state| Some(*state) == node.state.as_deref());
    let worst = members.iter().filter_map(rank).min();
    let sum = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum());
    let changed = members.iter().filter(|node| node.change.is_some()).count();
    let same = members.iter().all(|node| node.change == members[0].change);
    let reasons =
        members.iter().flat_map(|node| node.reasons.first().map(|why| format!("{}: {why}", node.name)));
    Drawn {
        name,
        kind: format!("{} nodes", members.len()),
        state: worst.map(|worst| STATES[worst].to_owned()),
        seconds: sum(members.iter().filter_map(|node| node.seconds).collect()),
        bytes: members.iter().map(|node| node.bytes).sum(),
        reasons: reasons.take(8).collect(),
        files: members
            .iter()
            .flat_map(|node| node.files.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        members: Some(members.len()),
        change: match (changed, same) {
            (0, _) => None,
            (_, true) => members[0].change,
            (_, false) => Some(Change::Changed),
        },
        order: members.iter().map(|node| node.order).min().unwrap_or(0),
        ..Drawn::default()
    }
}
