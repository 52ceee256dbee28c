//! What the last build recorded of a project, digest by digest, against what is there now: files, keys, records, bytes,
//! outputs. It runs nothing, drops nothing and writes nothing.
//!
//! A key is not compared with itself: it is made anew from the project as it is, from files that are read again and from
//! the digests that the store has for what other nodes made. What differs is then told as `why` tells it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use tracing::info_span;

use super::{Equipment, Project};
use crate::cache::{ActionResult, Condition, FileStates, Lookup, Stored};
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::graph::{Feed, Graph, splice};
use crate::history::{History, Past};
use crate::id::{FileId, NodeId};
use crate::key::{Manifest, Reason};
use crate::output::Output;
use crate::plan::Plan;
use crate::schedule::identify::{Facts, Results};

/// Something that is not as the last build recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The file of an output.
    Output {
        /// Its name.
        name: String,
        /// Its file.
        file: String,
        /// What was made.
        made: Digest,
        /// What is there; `None` for nothing.
        found: Option<Digest>,
    },
    /// What a key is made of.
    Key {
        /// The node.
        node: String,
        /// Its kind.
        kind: &'static str,
        /// What changed.
        reasons: Vec<Reason>,
    },
    /// A node: never built, not in the store any more, or impossible to look at; and why.
    Node {
        /// The node.
        node: String,
        /// Its kind.
        kind: &'static str,
        /// Why.
        message: String,
    },
    /// The bytes of an artifact in the store.
    Bytes {
        /// The node.
        node: String,
        /// Its kind.
        kind: &'static str,
        /// The port.
        port: String,
        /// Whether they are not there at all.
        missing: bool,
    },
}

/// What was looked at, and what differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Outputs.
    pub outputs: usize,
    /// Nodes that have a result.
    pub nodes: usize,
    /// Files of the project, and others, that went into keys.
    pub files: usize,
    /// Artifacts whose bytes were hashed.
    pub artifacts: usize,
    /// Bytes of artifacts and outputs that were hashed.
    pub bytes: u64,
    /// Everything that differs: outputs first, then nodes in the order of the graph.
    pub differences: Vec<Difference>,
}

impl Project {
    /// Looks at everything that `targets` need, and at `outputs`.
    ///
    /// # Errors
    /// A problem when the lock file cannot be read.
    pub fn verify(
        &self,
        equipment: &Equipment<'_>,
        (targets, outputs): (&[NodeId], &[Output]),
    ) -> Result<Verified, Diagnostic> {
        let _span = info_span!("verify", project = %self.name, targets = targets.len()).entered();
        let takes = self.takes()?;
        let history = self.history();
        let mut look = Look {
            project: self,
            equipment,
            history: &history,
            graph: self.graph.clone(),
            results: Results::default(),
            found: Verified::default(),
        };
        let wanted = look.recall(targets);
        // Nothing that was remembered of files counts here.
        let files = FileStates::empty(&equipment.scratch);
        let facts =
            Facts { results: &look.results, toolbox: equipment.toolbox, files: &files, takes: &takes };
        let differences: Vec<Difference> = wanted.iter().filter_map(|id| look.key(&facts, *id)).collect();
        let read: BTreeSet<FileId> = wanted.iter().flat_map(|id| files_of(&look.graph, *id)).collect();
        look.found.nodes = wanted.iter().filter(|id| look.results.get(**id).is_some()).count();
        look.found.files = read.len();
        look.found.differences.extend(differences);
        look.artifacts(&wanted);
        look.outputs(outputs);
        Ok(look.found)
    }
}

/// One verification.
struct Look<'a> {
    project: &'a Project,
    equipment: &'a Equipment<'a>,
    history: &'a History,
    graph: Graph,
    results: Results,
    found: Verified,
}

impl Look<'_> {
    /// Takes in what the last build recorded, grows the graph by what it expanded to, and gives all nodes that are
    /// needed. Nodes of which nothing is recorded are told.
    fn recall(&mut self, targets: &[NodeId]) -> Vec<NodeId> {
        let mut plan = Plan::new(&self.graph, targets, |_| Duration::ZERO);
        let mut open: Vec<NodeId> = plan.nodes().collect();
        let mut faults = Vec::new();
        while let Some(id) = open.pop() {
            let result = match self.recorded(id) {
                Ok(result) => result,
                Err(message) => {
                    faults.push((id, message));
                    continue;
                }
            };
            if let Some(subgraph) = &result.graph {
                let (registry, root) = (self.equipment.registry, &self.project.root);
                match splice::splice(&mut self.graph, id, subgraph, registry, root) {
                    Ok(made) => open.extend(plan.grow(&self.graph, id, (&made, None), |_| Duration::ZERO)),
                    Err(failure) => faults.push((id, failure.message)),
                }
            }
            self.results.set(id, Some(result));
        }
        faults.sort_unstable();
        for (id, message) in faults {
            let node = self.graph.node(id);
            let (node, kind) = (node.name.clone(), node.kind());
            self.found.differences.push(Difference::Node { node, kind, message });
        }
        plan.nodes().collect()
    }

    fn past(&self, id: NodeId) -> Option<&Past> {
        self.history.past(&self.graph.node(id).name)
    }

    /// The result that the last build had for a node, and whose record holds together.
    fn recorded(&self, id: NodeId) -> Result<Arc<ActionResult>, String> {
        let Some(past) = self.past(id) else { return Err("it was never built here".to_owned()) };
        let cache = self.equipment.cache;
        let Lookup::Hit(result) = cache.lookup(&past.key.0) else {
            return Err("its result is not in the cache, or damaged".to_owned());
        };
        let manifest = cache.manifest(&past.key.0);
        let manifest: Option<Manifest> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // Nothing of a result can be seen to be wrong by its key but this: that it is of another action.
        if manifest.is_none_or(|manifest| manifest.key() != past.key) || past.manifest().key() != past.key {
            return Err("its key is not that of what is noted to have gone into it".to_owned());
        }
        Ok(Arc::from(result))
    }

    /// Makes the key of a node anew; `None` if it is what it was, or cannot be made because a node before it has no
    /// result.
    fn key(&self, facts: &Facts<'_>, id: NodeId) -> Option<Difference> {
        let past = self.past(id)?;
        if self.graph.awaits(id).iter().any(|from| facts.results.get(*from).is_none()) {
            return None;
        }
        let node = self.graph.node(id);
        let (name, kind) = (node.name.clone(), node.kind());
        match facts.manifest(&self.graph, id) {
            Ok(manifest) if manifest.key() == past.key => None,
            Ok(manifest) => {
                Some(Difference::Key { node: name, kind, reasons: manifest.reasons(&past.manifest()) })
            }
            Err(failure) => Some(Difference::Node { node: name, kind, message: failure.message }),
        }
    }

    /// Hashes the bytes of all results.
    fn artifacts(&mut self, wanted: &[NodeId]) {
        let cache = self.equipment.cache;
        let all: Vec<(NodeId, &Stored)> = wanted
            .iter()
            .filter_map(|id| Some((*id, self.results.get(*id)?)))
            .flat_map(|(id, result)| result.artifacts.iter().map(move |stored| (id, stored)))
            .collect();
        let wrong: Vec<Difference> = all
            .par_iter()
            .filter_map(|(id, stored)| {
                let missing = match cache.condition(stored) {
                    Condition::Right => return None,
                    Condition::Missing => true,
                    Condition::Damaged => false,
                };
                let node = self.graph.node(*id);
                let (node, kind, port) = (node.name.clone(), node.kind(), stored.port.clone());
                Some(Difference::Bytes { node, kind, port, missing })
            })
            .collect();
        self.found.artifacts = all.len();
        self.found.bytes += all.iter().map(|(_, stored)| stored.artifact.size).sum::<u64>();
        self.found.differences.extend(wrong);
    }

    /// Hashes the files of outputs.
    fn outputs(&mut self, outputs: &[Output]) {
        let mut differences = Vec::new();
        for output in outputs {
            let mut is_known = false;
            for file in output.files(&self.graph) {
                // That nothing is recorded of what makes it is told of the node.
                let Some(stored) = self.results.artifact(&self.graph, file.node, file.port) else { continue };
                let made = stored.artifact.digest;
                let found = digest_of(&self.project.root.join(&file.file));
                is_known = true;
                self.found.bytes += found.map_or(0, |(_, size)| size);
                let found = found.map(|(digest, _)| digest);
                if found != Some(made) {
                    let (name, file) = (file.name, file.file);
                    differences.push(Difference::Output { name, file, made, found });
                }
            }
            self.found.outputs += usize::from(is_known);
        }
        self.found.differences.splice(0..0, differences);
    }
}

/// Digest and size of a file; one that cannot be read is as good as none.
fn digest_of(path: &Path) -> Option<(Digest, u64)> {
    let is_file = std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
    is_file.then(|| Digest::of_file(path).ok()).flatten()
}

/// Files that a node reads.
fn files_of(graph: &Graph, id: NodeId) -> impl Iterator<Item = FileId> {
    let feeds = graph.node(id).slots.iter().flat_map(|slot| &slot.feeds);
    feeds.filter_map(|feed| match feed {
        Feed::File(file) => Some(*file),
        Feed::Literal(_) | Feed::Port(..) => None,
    })
}
