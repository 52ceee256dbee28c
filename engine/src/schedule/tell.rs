//! What a build tells of its nodes: the facts in events. It changes nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::Build;
use super::shown::{Given, Shown};
use crate::cache::ActionResult;
use crate::event::{Event, NodeInfo, Start};
use crate::executor::RunId;
use crate::id::NodeId;
use crate::key::ActionKey;
use crate::operation::Failure;

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

    /// An action has its slots; a take that is not pinned yet has no key.
    pub(super) fn will_run(&self, id: NodeId, key: Option<ActionKey>) -> Event {
        let start = Start {
            key,
            claim: self.graph.node(id).claim.clone(),
            after: self.graph.after(id),
            read: self.results.read_by(&self.graph, id),
        };
        let estimate = self.estimates.known(&self.graph, self.history, id);
        Event::WillRun { node: self.info(id), estimate, start }
    }

    /// An action that an earlier build started is wanted by this one, too.
    pub(super) fn will_go_on(&self, id: NodeId, key: ActionKey) -> Event {
        let pinned = self.facts().is_pinned(&self.graph, id);
        self.will_run(id, pinned.then_some(key))
    }

    /// A failure of a run, with names in place of this machine's paths.
    pub(super) fn in_names(&self, id: NodeId, run: RunId, given: &[Given], failure: Failure) -> Failure {
        let scratch = self.scratch_of(run);
        Shown::of(&self.graph, id, given, [&scratch, self.means.root]).tell(failure)
    }

    /// Where a run may write.
    pub(super) fn scratch_of(&self, run: RunId) -> PathBuf {
        self.means.scratch.join(format!("run-{}", run.0))
    }
}
