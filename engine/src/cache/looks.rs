//! Many keys looked up or claimed together, as one transaction of the database instead of one for each. It records
//! nothing.

use std::io;

use tracing::trace_span;

use super::lock::KeyLock;
use super::store::Store;
use super::{Cache, Claimed, Miss, Ticket};
use crate::hands::Hands;

/// Looks that are taken together, until it is dropped.
pub struct Looks<'c>(&'c Store);

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        self.0.records.end_looks();
    }
}

impl Cache {
    /// Until the value is dropped, looks see the store as it is now, which costs less than to see for each what was
    /// recorded meanwhile. To claim a key sees that all the same.
    #[must_use]
    pub fn looks(&self) -> Looks<'_> {
        self.0.records.begin_looks();
        Looks(&self.0)
    }

    /// Takes the lock of a key, then looks once more. Never waits.
    #[must_use]
    pub fn claim(&self, miss: Miss) -> Claimed {
        let lock = self.lock(&miss);
        // What was seen before the lock was taken says nothing.
        self.0.records.end_looks();
        self.decide(miss, lock)
    }

    /// The same for many keys: first all locks are taken, then all are looked up. What becomes of each is for `then` to
    /// say, which is told its position, on any thread.
    #[must_use]
    pub fn claim_all<R: Send>(
        &self,
        misses: Vec<Miss>,
        hands: &Hands,
        then: impl Fn(usize, Claimed) -> R + Sync,
    ) -> Vec<R> {
        // In their order: of two with one key the first gets it.
        let locked: Vec<_> =
            misses.into_iter().enumerate().map(|(index, miss)| (index, self.lock(&miss), miss)).collect();
        self.0.records.end_looks();
        let _looks = self.looks();
        hands.each(locked, |(index, lock, miss)| then(index, self.decide(miss, lock)))
    }

    /// The lock of a key; `None` if somebody has it, and `Some(None)` where there are no locks.
    fn lock(&self, miss: &Miss) -> Option<Option<KeyLock>> {
        let locked: Option<io::Result<_>> = self.0.locks.as_ref().map(|locks| locks.try_acquire(&miss.key));
        match locked {
            Some(Ok(lock)) => lock.map(Some),
            Some(Err(error)) => {
                self.0.no_locks(&error);
                Some(None)
            }
            None => Some(None),
        }
    }

    fn decide(&self, miss: Miss, lock: Option<Option<KeyLock>>) -> Claimed {
        let _span = trace_span!("claim", key = %miss.key).entered();
        let Some(lock) = lock else { return Claimed::Busy(miss) };
        match self.0.find(&miss.key) {
            Some(result) => Claimed::Hit(Box::new(result)),
            None => Claimed::Mine(Ticket { cache: self.clone(), key: miss.key, lock, with_more: false }),
        }
    }
}
