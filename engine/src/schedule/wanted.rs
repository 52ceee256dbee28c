//! What a build is asked for, what can be asked of it, and what is left of it. It settles nothing and starts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::identify::Results;
use super::state::{State, Tally};
use super::{BASE_IS_LOST, Build, INTERRUPTED};
use crate::cache::ActionResult;
use crate::event::Observer;
use crate::graph::Graph;
use crate::id::NodeId;
use crate::key::ActionKey;
use crate::operation::Failure;
use crate::takes::Takes;

/// What is built.
pub struct Wanted<'t> {
    /// The graph before the expansions of this build.
    pub graph: Graph,
    /// Nodes that are asked for.
    pub targets: &'t [NodeId],
    /// Pins.
    pub takes: Takes,
    /// What is known to be done.
    pub base: Base,
}

/// Results of an earlier build that hold, when only part of its graph is built again.
#[derive(Default)]
pub struct Base {
    /// Nodes of the graph that are done. They cannot be made again within this build.
    pub done: BTreeMap<NodeId, Arc<ActionResult>>,
    /// How many more are done that are not even in the graph.
    pub besides: usize,
}

/// What is left of a build.
pub struct Ended {
    /// The graph with all expansions.
    pub graph: Graph,
    /// The key of every node that has a result and is not of the base.
    pub keys: Vec<(NodeId, ActionKey)>,
    /// Results by node.
    pub results: Results,
}

impl Build<'_> {
    /// How it adds up.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        let mut tally = self.states.tally();
        tally.planned += self.base.besides;
        tally.cached += self.base.besides;
        tally
    }

    /// Whether something is lost that this build cannot make again: all of the project must be built.
    #[must_use]
    pub fn has_lost_its_base(&self) -> bool {
        self.stopping == Some(BASE_IS_LOST)
    }

    /// What is left when the build is over.
    #[must_use]
    pub fn into_ended(self) -> Ended {
        Ended { keys: self.keys().collect(), graph: self.graph, results: self.results }
    }

    /// The key of every node that has a result and is not of the base.
    pub fn keys(&self) -> impl Iterator<Item = (NodeId, ActionKey)> + '_ {
        self.keys.iter().enumerate().filter_map(|(index, key)| Some((NodeId::of(index), (*key)?)))
    }

    /// The state of a node.
    #[must_use]
    pub fn state(&self, id: NodeId) -> State {
        self.states.get(id)
    }

    /// Whether somebody wanted it to end early.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        self.stopping == Some(INTERRUPTED)
    }

    /// The graph, with all expansions so far.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Names that were asked for and that no node turned out to have.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        self.later.unknown(&self.graph).map(str::to_owned).collect()
    }

    /// Results by node.
    #[must_use]
    pub const fn results(&self) -> &Results {
        &self.results
    }

    /// Why nodes failed.
    #[must_use]
    pub const fn failures(&self) -> &BTreeMap<NodeId, Failure> {
        &self.failures
    }

    /// Files that changed while they were read, as the user names them.
    #[must_use]
    pub const fn unsteady(&self) -> &BTreeSet<String> {
        &self.unsteady
    }

    /// The pins, old and new.
    pub const fn takes(&mut self) -> &mut Takes {
        &mut self.takes
    }

    /// Whoever listens.
    pub fn observer(&mut self) -> &mut dyn Observer {
        self.observer
    }
}
