//! From a node and the results of what it awaits to its manifest, and to what the cache has of it. It runs nothing.

use std::sync::Arc;

use tracing::trace;

use crate::cache::{ActionResult, Cache, FileStates, Lookup, Stored};
use crate::digest::Digest;
use crate::executor::toolbox::Toolbox;
use crate::graph::{Feed, Graph};
use crate::id::NodeId;
use crate::key::{ActionKey, Manifest};
use crate::operation::{Failure, FailureCode, Reproducible, Take};
use crate::takes::Takes;

/// Results by node, as far as they are known.
#[derive(Default)]
pub struct Results(Vec<Option<Arc<ActionResult>>>);

impl Results {
    /// The result of a node.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Arc<ActionResult>> {
        self.0.get(id.index())?.as_ref()
    }

    /// Keys of all results.
    pub fn keys(&self) -> impl Iterator<Item = Digest> + '_ {
        self.0.iter().flatten().map(|result| result.key)
    }

    /// Notes the result of a node.
    pub fn set(&mut self, id: NodeId, result: Option<Arc<ActionResult>>) {
        if self.0.len() <= id.index() {
            self.0.resize(id.index() + 1, None);
        }
        self.0[id.index()] = result;
    }

    /// The artifact at a port that the node itself filled.
    #[must_use]
    pub fn artifact(&self, graph: &Graph, id: NodeId, port: u32) -> Option<&Stored> {
        let name = &graph.node(id).ports[port as usize].name;
        self.get(id)?.port(name)
    }

    /// Bytes that a node reads of what others made, as far as their results are known.
    #[must_use]
    pub fn read_by(&self, graph: &Graph, id: NodeId) -> u64 {
        let feeds = graph.node(id).slots.iter().filter(|slot| !slot.through).flat_map(|slot| &slot.feeds);
        let ports = feeds.filter_map(|feed| match feed {
            Feed::Port(from, port) => Some(graph.behind(*from, *port)),
            _ => None,
        });
        ports
            .flatten()
            .filter_map(|(from, port)| self.artifact(graph, from, port))
            .map(|it| it.artifact.size)
            .sum()
    }
}

/// What a key is made of, the key, and what the cache has of it; that is not asked for while a take is not pinned.
pub(super) type Identified = Result<(Manifest, ActionKey, Option<Lookup>), Failure>;

/// What a key is computed from, beside the graph.
pub struct Facts<'a> {
    /// Results of producers.
    pub results: &'a Results,
    /// Identities of tools.
    pub toolbox: &'a Toolbox,
    /// Digests of files.
    pub files: &'a FileStates,
    /// Pins.
    pub takes: &'a Takes,
}

impl Facts<'_> {
    /// What is known of a node's key: its manifest, complete unless its take is not pinned yet.
    ///
    /// # Errors
    /// When a file cannot be read or a tool is not there.
    pub fn manifest(&self, graph: &Graph, id: NodeId) -> Result<Manifest, Failure> {
        self.fields(graph, id, true)
    }

    /// All that is to be known of a node before it is settled: its key, and what the cache has of it.
    pub(super) fn identified(&self, graph: &Graph, cache: &Cache, id: NodeId) -> Identified {
        let manifest = self.manifest(graph, id)?;
        let key = manifest.key();
        trace!(%key, node = %graph.node(id).name, "key");
        let found = self.is_pinned(graph, id).then(|| cache.lookup(&key.0));
        Ok((manifest, key, found))
    }

    /// What is known of a node's key before those are done that it awaits: no key, but enough to see whether it
    /// will be another one.
    ///
    /// # Errors
    /// When a file cannot be read or a tool is not there.
    pub fn own(&self, graph: &Graph, id: NodeId) -> Result<Manifest, Failure> {
        self.fields(graph, id, false)
    }

    fn fields(&self, graph: &Graph, id: NodeId, of_others: bool) -> Result<Manifest, Failure> {
        let node = graph.node(id);
        let info = node.operation.info();
        let mut manifest = Manifest::of_kind(info.name, info.version);
        if info.reproducible == Reproducible::PerArch {
            manifest.platform();
        }
        manifest.params(&node.own_params());
        for slot in node.slots.iter().filter(|slot| !slot.through) {
            if !of_others && slot.feeds.iter().any(|feed| matches!(feed, Feed::Port(..))) {
                continue;
            }
            let mut digests = Vec::with_capacity(slot.feeds.len());
            for feed in &slot.feeds {
                self.digests(graph, feed, &mut digests)?;
            }
            manifest.input(&slot.name, digests);
        }
        for tool in &node.tools {
            let identity = self.toolbox.identity(tool).ok_or_else(|| missing_tool(tool))?;
            manifest.tool(tool, identity);
        }
        if let Some(Take::Fetched { url }) = &node.take
            && let Some(pin) = self.takes.pin(url)
        {
            manifest.take(&pin.digest.to_string(), url);
        }
        Ok(manifest)
    }

    /// Whether a node's take is pinned, or it has none.
    #[must_use]
    pub fn is_pinned(&self, graph: &Graph, id: NodeId) -> bool {
        match &graph.node(id).take {
            Some(Take::Fetched { url }) => self.takes.pin(url).is_some(),
            None => true,
        }
    }

    fn digests(
        &self,
        graph: &Graph,
        feed: &Feed,
        out: &mut Vec<(Digest, Option<String>)>,
    ) -> Result<(), Failure> {
        match feed {
            Feed::Literal(text) => out.push((Graph::literal_digest(text), None)),
            Feed::File(file) => {
                let file = graph.file(*file);
                let (digest, _) = self.files.digest_of(&file.path).map_err(|error| {
                    Failure::of(FailureCode::Machine, format!("cannot read `{}`: {error}", file.shown))
                })?;
                out.push((digest, Some(file.shown.clone())));
            }
            Feed::Port(from, port) => {
                for (producer, port) in graph.behind(*from, *port) {
                    let node = graph.node(producer);
                    let name = &node.ports[port as usize].name;
                    let stored = self.results.artifact(graph, producer, port).ok_or_else(|| {
                        Failure::new(format!("`{}` has no artifact at port `{name}`", node.name))
                    })?;
                    out.push((stored.artifact.digest, Some(format!("{}.{name}", node.name))));
                }
            }
        }
        Ok(())
    }
}

fn missing_tool(tool: &str) -> Failure {
    Failure::of(FailureCode::Machine, format!("`{tool}` is not installed with this reel"))
        .help("`reel doctor` tells what is missing and how to get it")
}
