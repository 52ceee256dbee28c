//! Why nodes changed: from each to what it comes from, down to the first causes, and back to all that they set
//! off. It is given what is foreseen and what was; it runs nothing, and puts nothing into words.
//!
//! A node has causes at two moments: the change that a build would still have to deal with, or, if there is none,
//! the last one that a build dealt with. Each cause is either the node's own (a parameter, a text, a file, a tool,
//! that it is new, that its result is gone) or comes from another node: one whose artifact it reads, or the one
//! whose expansion made it. Following the latter ends at first causes; there is no circle, because the graph has
//! none. Builds are told apart by their number in the [`History`], so a change is never laid at the door of one
//! that came after it.

mod effects;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::graph::Feed;
use crate::history::{Came, History, Past};
use crate::id::NodeId;
use crate::key::Reason;
use crate::schedule::foresee::{Foresight, Standing};

pub use effects::{Effects, Origins, Web};

/// Which change of a node is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The one that the next build will deal with.
    Pending,
    /// The last one that a build dealt with.
    Past,
}

/// A node at a moment.
pub type Change = (NodeId, Moment);

/// Where a chain of causes begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// These are not what they were: parameters, texts, files, tools.
    Changed(Vec<Reason>),
    /// This project never had such a node.
    New,
    /// Its key is what it was, but its result was not in the cache.
    Gone,
    /// Its key cannot be computed, and why.
    Blocked(String),
}

/// A difference in a node's key, and the node that it comes from, if it is not the node's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// What differs.
    pub reason: Reason,
    /// Where that comes from.
    pub from: Option<NodeId>,
}

/// A way from a node to a first cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// From the node that was asked about to the one that has the cause.
    pub nodes: Vec<NodeId>,
    /// The moment of the last of them.
    pub moment: Moment,
    /// The cause.
    pub first: First,
}

/// What is known of the change of one node.
#[derive(Debug, Clone)]
pub struct Account {
    /// Which node.
    pub node: NodeId,
    /// How it stands.
    pub standing: Standing,
    /// Which change is told.
    pub moment: Moment,
    /// Differences in its own key.
    pub because: Vec<Because>,
    /// Ways to first causes, the shortest first; one for each node that has one.
    pub chains: Vec<Chain>,
}

/// The direct causes of a change.
#[derive(Debug, Default)]
struct Causes {
    first: Option<First>,
    from: BTreeSet<Change>,
    because: Vec<Because>,
}

/// Finds causes and effects.
#[derive(Clone, Copy)]
pub struct Explainer<'a> {
    seen: &'a Foresight,
    history: &'a History,
}

impl<'a> Explainer<'a> {
    /// Explains what is foreseen, and what the history tells of the last builds.
    #[must_use]
    pub const fn new(seen: &'a Foresight, history: &'a History) -> Self {
        Self { seen, history }
    }

    /// The change of a node that is to be told: the pending one, if there is one.
    #[must_use]
    pub fn moment(&self, id: NodeId) -> Moment {
        if self.is_pending(id) { Moment::Pending } else { Moment::Past }
    }

    /// All that is known of a node's change.
    #[must_use]
    pub fn account(&self, id: NodeId) -> Account {
        let moment = self.moment(id);
        let standing = self.seen.forecasts.get(&id).map_or(Standing::Waiting, |forecast| forecast.standing);
        let because = self.causes((id, moment)).because;
        Account { node: id, standing, moment, because, chains: self.chains((id, moment)) }
    }

    /// The cause of a node's change that comes from no other node, if it has one.
    #[must_use]
    pub fn first(&self, id: NodeId) -> Option<(Moment, First)> {
        let moment = self.moment(id);
        Some((moment, self.causes((id, moment)).first?))
    }

    /// Breadth first, so that the first way to a cause is a shortest one.
    fn chains(&self, start: Change) -> Vec<Chain> {
        let mut came_from: BTreeMap<Change, Change> = BTreeMap::new();
        let mut seen = BTreeSet::from([start]);
        let mut open = VecDeque::from([start]);
        let mut chains = Vec::new();
        while let Some(change) = open.pop_front() {
            let causes = self.causes(change);
            if let Some(first) = causes.first {
                let back = std::iter::successors(Some(change), |change| came_from.get(change).copied());
                let mut nodes: Vec<NodeId> = back.map(|(id, _)| id).collect();
                nodes.reverse();
                chains.push(Chain { nodes, moment: change.1, first });
            }
            for next in causes.from {
                if seen.insert(next) {
                    came_from.insert(next, change);
                    open.push_back(next);
                }
            }
        }
        chains
    }

    fn causes(&self, (id, moment): Change) -> Causes {
        match moment {
            Moment::Pending => self.pending_causes(id),
            Moment::Past => self.past_causes(id),
        }
    }

    fn pending_causes(&self, id: NodeId) -> Causes {
        let mut causes = Causes::default();
        let Some(forecast) = self.seen.forecasts.get(&id) else { return causes };
        match forecast.standing {
            Standing::Fresh => {}
            Standing::Blocked => {
                causes.first = Some(First::Blocked(forecast.fault.clone().unwrap_or_default()));
            }
            Standing::Missing => causes.first = Some(First::Gone),
            Standing::New => self.first_time(id, &mut causes),
            Standing::Stale | Standing::Waiting | Standing::Cached => {
                causes.from.extend(forecast.awaits.iter().map(|from| (*from, Moment::Pending)));
                match self.past(id) {
                    Some(_) => self.sort(id, Moment::Pending, &forecast.reasons, &mut causes),
                    // What is new because something before it is new needs no cause of its own.
                    None if forecast.awaits.iter().any(|from| self.past(*from).is_none()) => {}
                    None => self.first_time(id, &mut causes),
                }
            }
        }
        causes
    }

    fn past_causes(&self, id: NodeId) -> Causes {
        let mut causes = Causes::default();
        let Some(past) = self.past(id) else { return causes };
        match past.before() {
            _ if past.came == Came::RanAgain => causes.first = Some(First::Gone),
            Some(before) => {
                let reasons = past.manifest().reasons(&before);
                self.sort(id, Moment::Past, &reasons, &mut causes);
            }
            None => {
                let feeds = self.seen.graph.awaits(id).into_iter();
                let new = |from: &NodeId| {
                    self.past(*from).is_some_and(|it| it.build == past.build && it.before().is_none())
                };
                causes.from.extend(feeds.filter(new).map(|from| (from, Moment::Past)));
                if causes.from.is_empty() {
                    self.first_time(id, &mut causes);
                }
            }
        }
        causes
    }

    /// A node without a past is new, or was made by an expansion that changed.
    fn first_time(&self, id: NodeId, causes: &mut Causes) {
        let last = self.past(id).map_or_else(|| self.history.last_build(), |past| past.build);
        let maker = self.seen.graph.node(id).maker.filter(|maker| {
            let pending = self.past(id).is_none() && self.is_pending(*maker);
            pending || self.past(*maker).is_some_and(|past| past.build == last)
        });
        match maker {
            Some(maker) => {
                let moment = if self.past(id).is_none() { self.moment(maker) } else { Moment::Past };
                causes.from.insert((maker, moment));
            }
            None => causes.first = Some(First::New),
        }
    }

    /// Sorts differences into those of the node's own and those that come from others.
    fn sort(&self, id: NodeId, moment: Moment, reasons: &[Reason], causes: &mut Causes) {
        let mut own = Vec::new();
        for reason in reasons {
            let from = self.source(id, moment, reason);
            if let Some(from) = from {
                causes.from.insert(from);
            } else {
                own.push(reason.clone());
            }
            causes.because.push(Because { reason: reason.clone(), from: from.map(|(id, _)| id) });
        }
        if !own.is_empty() {
            causes.first = Some(First::Changed(own));
        }
    }

    /// The change of another node that a difference comes from.
    fn source(&self, id: NodeId, moment: Moment, reason: &Reason) -> Option<Change> {
        let graph = &self.seen.graph;
        // A file may be called as a port is: `voice.mp3` is none of a node `voice` where a file fills the input.
        let of_nodes = self.is_fed_by_nodes(id, &reason.field);
        let node = |note: &Option<String>| {
            let name = note.as_ref().filter(|_| of_nodes)?.rsplit_once('.')?.0;
            graph.find(name)
        };
        let of_the_work = reason.field.starts_with("tool.") || reason.field == "platform";
        if of_the_work || reason.field == "version" {
            return None;
        }
        if !reason.field.starts_with("input.") {
            // Parameters of a made node are what its maker gave it.
            return self.changed(id, graph.node(id).maker?, moment, false);
        }
        let producer = node(&reason.note);
        // A list that an expansion fills grows, shrinks or shifts with what that made.
        let resized = reason.new.is_none() || reason.old.is_none();
        let moved = [producer, node(&reason.was), Some(id)].into_iter().flatten();
        let around = if resized { graph.awaits(id) } else { Vec::new() };
        let makers = || {
            let mut makers = moved.chain(around).filter_map(|from| graph.node(from).maker);
            makers.find_map(|maker| self.changed(id, maker, moment, false))
        };
        let made = || producer.and_then(|from| self.changed(id, from, moment, reason.was.is_none()));
        let is_file = producer.is_none() && reason.note.is_some() && reason.new.is_some();
        match (is_file, resized) {
            (true, _) => None,
            (false, true) => makers().or_else(made),
            (false, false) => made().or_else(makers),
        }
    }

    /// Whether what others make may fill an input, as far as the graph still has it.
    fn is_fed_by_nodes(&self, id: NodeId, field: &str) -> bool {
        let slot = field.strip_prefix("input.").and_then(|rest| Some(rest.rsplit_once('.')?.0));
        let mut slots = self.seen.graph.node(id).slots.iter();
        let found = slots.find(|own| slot == Some(own.name.as_str()));
        found.is_none_or(|slot| slot.feeds.iter().any(|feed| matches!(feed, Feed::Port(..))))
    }

    /// The change of `from` that can have changed `id`; an `early` one may have come in a build before.
    fn changed(&self, id: NodeId, from: NodeId, moment: Moment, early: bool) -> Option<Change> {
        let own = self.past(id).map_or(0, |past| past.build);
        let other = self.past(from).map(|past| past.build);
        match moment {
            Moment::Pending if self.is_pending(from) => Some((from, Moment::Pending)),
            Moment::Pending => other.filter(|other| *other > own).map(|_| (from, Moment::Past)),
            Moment::Past => {
                other.filter(|other| *other == own || early && *other < own).map(|_| (from, Moment::Past))
            }
        }
    }

    fn past(&self, id: NodeId) -> Option<&'a Past> {
        self.history.past(&self.seen.graph.node(id).name)
    }

    fn is_pending(&self, id: NodeId) -> bool {
        self.seen.forecasts.get(&id).is_some_and(|forecast| forecast.standing != Standing::Fresh)
    }
}
