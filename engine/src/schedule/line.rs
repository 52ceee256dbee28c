//! How a build is reached from outside, and what it leaves running for the build that takes its place. It knows no
//! graph and decides nothing.
//!
//! A line outlives builds: one build after the other is on it. A build that is asked to give way starts nothing
//! more, cancels nothing, and leaves what runs; the next one on the line takes over the actions whose keys it wants,
//! and cancels the others. Slots that these hold stay held until they end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

use super::dispatch::Kept;
use super::perform::Message;
use crate::claim::Claim;
use crate::executor::RunId;
use crate::key::ActionKey;

/// The end of a line where builds are; see the module.
pub struct Line {
    pub(super) sender: Sender<Message>,
    pub(super) messages: Receiver<Message>,
    pub(super) yields: Arc<AtomicBool>,
    pub(super) next_run: u64,
    /// What earlier builds left running.
    pub(super) left: BTreeMap<RunId, Left>,
    /// The slots, as far as what is left holds them.
    pub(super) slots: Option<Kept>,
}

/// An action that an earlier build started.
pub(super) struct Left {
    pub(super) name: String,
    /// What it makes; of a take that is not pinned, all that is known before it has come.
    pub(super) key: ActionKey,
    pub(super) claim: Claim,
    pub(super) cancelled: bool,
}

/// A way to reach builds from another thread.
#[derive(Clone)]
pub struct Interrupter {
    sender: Sender<Message>,
    yields: Arc<AtomicBool>,
}

impl Interrupter {
    /// Asks the build to stop: what runs is cancelled, what finished is kept.
    pub fn interrupt(&self) {
        drop(self.sender.send(Message::Interrupt));
    }

    /// Asks the build to end at once and to leave what runs to the next build on the line.
    pub fn give_way(&self) {
        self.yields.store(true, Ordering::Release);
        drop(self.sender.send(Message::Wake));
    }
}

/// The two ends over which builds are reached.
#[must_use]
pub fn channel() -> (Interrupter, Line) {
    let (sender, messages) = mpsc::channel();
    let yields: Arc<AtomicBool> = Arc::default();
    let interrupter = Interrupter { sender: sender.clone(), yields: Arc::clone(&yields) };
    let line = Line { sender, messages, yields, next_run: 0, left: BTreeMap::new(), slots: None };
    (interrupter, line)
}

impl Line {
    /// How many actions run that no build has taken over.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.len()
    }

    pub(super) fn is_asked_to_yield(&self) -> bool {
        self.yields.load(Ordering::Acquire)
    }

    /// A build begins: what its predecessor was asked does not count for it.
    pub(super) fn begin(&self) {
        self.yields.store(false, Ordering::Release);
    }

    pub(super) const fn run(&mut self) -> RunId {
        let run = RunId(self.next_run);
        self.next_run += 1;
        run
    }
}
