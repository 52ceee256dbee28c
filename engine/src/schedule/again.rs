//! Nodes that run once more although they did already: what they read changed meanwhile, or somebody wants to
//! see whether they make the same bytes.

use std::time::{Duration, Instant};

use super::state::State;
use super::{Build, INTERRUPTED};
use crate::event::{Difference, Event};
use crate::graph::Node;
use crate::id::NodeId;
use crate::operation::{Failure, FailureCode, Use};

/// How often an action is run whose files change while it reads them.
const TRIES: u32 = 4;
/// The pause before the second try; each one after that is four times as long.
const PAUSE: Duration = Duration::from_millis(50);

/// Which actions run although their result is known; the result is compared, and what is recorded stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Afresh {
    /// None.
    #[default]
    Nothing,
    /// Those of these kinds.
    Kinds(Vec<&'static str>),
    /// Nodes of these names, and groups: `hook` means `hook.say.1`, too.
    Named(Vec<String>),
    /// All.
    Everything,
}

impl Afresh {
    /// Whether an action is among them. Takes are not: their pin says what they are.
    #[must_use]
    pub fn wants(&self, node: &Node) -> bool {
        let named = |name: &String| {
            node.name.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        node.take.is_none()
            && match self {
                Self::Nothing => false,
                Self::Kinds(kinds) => kinds.contains(&node.kind()),
                Self::Named(names) => names.iter().any(named),
                Self::Everything => true,
            }
    }
}

impl Build<'_> {
    /// Files that a node read changed while it ran: what it made is worth nothing. It runs again after a pause, a
    /// few times.
    pub(super) fn source_changed(&mut self, id: NodeId, files: Vec<String>) {
        let (tries, again) = self.another_try(id);
        self.observer.observe(&Event::DidChange { node: self.info(id), files: files.clone(), again });
        self.unsteady.extend(files.iter().cloned());
        if again {
            return self.rest(id, tries);
        }
        if self.stopping.is_some() {
            return self.skip(id, INTERRUPTED);
        }
        let names: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
        let message = format!("{} changed while it was read, {tries} times in a row", names.join(", "));
        let help = "wait until whatever writes there is done, then build again";
        self.fail(id, Failure::of(FailureCode::Changed, message).help(help));
    }

    /// The folder of a run was removed with the cache, or what it read. It runs again, after what it reads was made again.
    pub(super) fn folder_removed(&mut self, id: NodeId, failure: Failure) {
        let (tries, again) = self.another_try(id);
        if self.stopping.is_some() {
            return self.skip(id, INTERRUPTED);
        }
        if !again {
            return self.fail(id, failure);
        }
        let reason = "the cache was removed while it ran".to_owned();
        self.observer.observe(&Event::DidRestart { node: self.info(id), reason });
        self.rest(id, tries);
    }

    /// The number of a node's tries so far, and whether there is to be another one.
    fn another_try(&mut self, id: NodeId) -> (u32, bool) {
        let tries = self.tries.entry(id).or_default();
        *tries += 1;
        (*tries, *tries < TRIES && self.stopping.is_none())
    }

    /// It gets a new key after a pause.
    fn rest(&mut self, id: NodeId, tries: u32) {
        let pause = PAUSE * 4_u32.pow(tries - 1);
        self.resting.insert(id, Instant::now() + pause);
        self.states.set(id, State::Settling);
    }

    /// Nodes whose pause is over get a new key.
    pub(super) fn wake_resting(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let now = Instant::now();
        let over: Vec<NodeId> =
            self.resting.iter().filter(|(_, until)| **until <= now).map(|(id, _)| *id).collect();
        for id in over {
            self.resting.remove(&id);
            self.manifests.remove(&id);
            self.await_or_ready(id);
        }
    }

    /// What a run that was watched or repeated has shown.
    pub(super) fn tell_findings(&mut self, id: NodeId, used: Vec<Use>, compared: Option<Vec<Difference>>) {
        if !used.is_empty() {
            self.observer.observe(&Event::DidUse { node: self.info(id), used });
        }
        if let Some(differences) = compared {
            self.observer.observe(&Event::DidCompare { node: self.info(id), differences });
        }
    }
}
