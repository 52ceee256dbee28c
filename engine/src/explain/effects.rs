//! What a change set off: the causes of all nodes, read the other way round.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Change, Explainer, First, Moment};
use crate::id::NodeId;
use crate::schedule::foresee::Standing;

/// For each change those that come right after it.
#[derive(Debug, Clone, Default)]
pub struct Web {
    after: BTreeMap<Change, Vec<Change>>,
}

/// Nodes that come after changes because of them, in the order they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// They ran.
    pub ran: Vec<NodeId>,
    /// Their keys changed, and results for the new ones were found.
    pub found: Vec<NodeId>,
    /// They will run.
    pub will: Vec<NodeId>,
    /// They await nodes that will run; what these give decides.
    pub may: Vec<NodeId>,
}

/// For every node with a pending change the nearest first cause.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    next: BTreeMap<NodeId, Option<NodeId>>,
    first: BTreeMap<NodeId, First>,
}

impl Effects {
    /// All of them, in the order they were made.
    #[must_use]
    pub fn all(&self) -> Vec<NodeId> {
        let mut all = [self.ran.as_slice(), &self.found, &self.will, &self.may].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Origins {
    /// The shortest way from a node to a first cause, itself first, and that cause. `None` for a node that no
    /// change reaches.
    #[must_use]
    pub fn of(&self, id: NodeId) -> Option<(Vec<NodeId>, &First)> {
        self.next.get(&id)?;
        let chain: Vec<NodeId> =
            std::iter::successors(Some(id), |id| self.next.get(id).copied().flatten()).collect();
        let first = self.first.get(chain.last()?)?;
        Some((chain, first))
    }
}

impl Explainer<'_> {
    /// Everything pending, and what happened in these builds, by what it comes from.
    #[must_use]
    pub fn web(&self, builds: &BTreeSet<u64>) -> Web {
        let mut web = Web::default();
        let mut note = |change: Change| {
            for from in self.causes(change).from {
                web.after.entry(from).or_default().push(change);
            }
        };
        for (id, _) in self.seen.graph.nodes() {
            if self.is_pending(id) {
                note((id, Moment::Pending));
            }
            if self.past(id).is_some_and(|past| builds.contains(&past.build)) {
                note((id, Moment::Past));
            }
        }
        web
    }

    /// The builds in which these changes happened, as far as they are past.
    #[must_use]
    pub fn builds(&self, changes: &[Change]) -> BTreeSet<u64> {
        let past = changes.iter().filter(|(_, moment)| *moment == Moment::Past);
        past.filter_map(|(id, _)| Some(self.past(*id)?.build)).collect()
    }

    /// What changes set off, or will.
    #[must_use]
    pub fn effects(&self, web: &Web, changes: &[Change]) -> Effects {
        // One of the changes may itself come of another.
        let mut reached: BTreeSet<Change> = BTreeSet::new();
        let mut open = changes.to_vec();
        while let Some(change) = open.pop() {
            for next in web.after.get(&change).into_iter().flatten() {
                if reached.insert(*next) {
                    open.push(*next);
                }
            }
        }
        let mut effects = Effects::default();
        for change in reached {
            self.list(change, &mut effects);
        }
        effects
    }

    fn list(&self, (id, moment): Change, effects: &mut Effects) {
        let standing = self.seen.forecasts.get(&id).map(|forecast| forecast.standing);
        let place = match (moment, standing) {
            (Moment::Past, _) if self.past(id).is_some_and(|past| past.came.ran()) => &mut effects.ran,
            (Moment::Past, _) | (_, Some(Standing::Cached)) => &mut effects.found,
            (_, Some(Standing::New | Standing::Stale | Standing::Missing)) => &mut effects.will,
            _ => &mut effects.may,
        };
        place.push(id);
    }

    /// The nearest first cause of every node with a pending change.
    #[must_use]
    pub fn origins(&self) -> Origins {
        let mut origins = Origins::default();
        let mut after: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        let mut open = VecDeque::new();
        for id in self.seen.forecasts.keys().copied().filter(|id| self.is_pending(*id)) {
            let causes = self.causes((id, Moment::Pending));
            let mut left_behind = false;
            for (from, moment) in causes.from {
                match moment {
                    Moment::Pending => after.entry(from).or_default().push(id),
                    Moment::Past => left_behind = true,
                }
            }
            // What a build before left behind is where the way ends for a plan.
            let reasons = || causes.because.iter().map(|because| because.reason.clone()).collect();
            let left = left_behind.then(|| First::Changed(reasons()));
            if let Some(first) = causes.first.or(left) {
                origins.first.insert(id, first);
                origins.next.insert(id, None);
                open.push_back(id);
            }
        }
        while let Some(id) = open.pop_front() {
            for next in after.get(&id).into_iter().flatten() {
                if !origins.next.contains_key(next) {
                    origins.next.insert(*next, Some(id));
                    open.push_back(*next);
                }
            }
        }
        origins
    }
}
