//! What a build tells of its nodes: the facts in events. It changes nothing.

use std::time::Duration;

use super::Build;
use super::perform::Right;
use crate::cache::ActionResult;
use crate::event::{Event, NodeInfo, Start};
use crate::id::NodeId;
use crate::key::Manifest;

impl Build<'_> {
    /// What events say about a node.
    pub(super) fn info(&self, id: NodeId) -> NodeInfo {
        let node = self.graph.node(id);
        NodeInfo { id, name: node.name.clone(), kind: node.kind() }
    }

    /// The result was there.
    pub(super) fn hit(&self, id: NodeId, fresh: bool, shared: bool, result: &ActionResult) -> Event {
        let saved = Duration::from_micros(result.cost_micros);
        Event::DidHit { node: self.info(id), fresh, shared, saved }
    }

    /// An action has its slots.
    pub(super) fn will_run(&self, id: NodeId, manifest: &Manifest, right: &Right) -> Event {
        self.runs(id, manifest, !matches!(right, Right::Unpinned(_)))
    }

    /// An action that an earlier build started is wanted by this one, too.
    pub(super) fn will_go_on(&self, id: NodeId, manifest: &Manifest) -> Event {
        self.runs(id, manifest, self.facts().is_pinned(&self.graph, id))
    }

    fn runs(&self, id: NodeId, manifest: &Manifest, pinned: bool) -> Event {
        let start = Start {
            key: pinned.then(|| manifest.key()),
            claim: self.graph.node(id).claim.clone(),
            after: self.graph.after(id),
            read: self.results.read_by(&self.graph, id),
        };
        let estimate = self.estimates.known(&self.graph, self.history, id);
        Event::WillRun { node: self.info(id), estimate, start }
    }
}
