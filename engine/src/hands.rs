//! Many small pieces of work, done at once by whoever waits for them and by some helpers. It knows no work.
//!
//! Helpers are threads of their own, not those that store large results and hash large files: a build must not stand
//! still because all of these are busy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// So many pieces are taken at a time: they take far longer than to take them.
const TAKEN: usize = 16;

/// One who waits, and helpers, which come with the first work that is worth waking them.
#[derive(Debug)]
pub struct Hands {
    helpers: usize,
    pool: OnceLock<Option<ThreadPool>>,
}

impl Hands {
    /// As many threads as this machine has cores, and no more than `most`, the caller among them.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let threads = rayon::current_num_threads().min(most);
        Self { helpers: threads.saturating_sub(1), pool: OnceLock::new() }
    }

    /// What `work` makes of each item, in their order. A panic of `work` goes on here.
    pub fn each<T: Send, R: Send>(&self, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
        let helpers = self.helpers.min(items.len() / TAKEN);
        let Some(pool) = (helpers > 0).then(|| self.pool()).flatten() else {
            return items.into_iter().map(work).collect();
        };
        let mut rest = items.into_iter();
        let mut parts: Vec<Mutex<Part<T, R>>> = Vec::with_capacity(rest.len().div_ceil(TAKEN));
        while rest.len() > 0 {
            parts.push(Mutex::new(Part { items: rest.by_ref().take(TAKEN).collect(), made: Vec::new() }));
        }
        let next = AtomicUsize::new(0);
        let take = || {
            while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
                part.made = std::mem::take(&mut part.items).into_iter().map(&work).collect();
            }
        };
        pool.in_place_scope(|scope| {
            (0..helpers).for_each(|_| scope.spawn(|_| take()));
            take();
        });
        parts
            .into_iter()
            .flat_map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner).made)
            .collect()
    }

    /// The helpers; where the system gives no threads there are none.
    fn pool(&self) -> Option<&ThreadPool> {
        let build = || {
            let name = |number| format!("reel-hand-{number}");
            ThreadPoolBuilder::new().num_threads(self.helpers).thread_name(name).build().ok()
        };
        self.pool.get_or_init(build).as_ref()
    }
}

struct Part<T, R> {
    items: Vec<T>,
    made: Vec<R>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_comes_in_the_order_of_the_items() {
        for most in [0, 1, 2, 9] {
            for count in [0, 1, TAKEN - 1, TAKEN, 5 * TAKEN + 3] {
                let made = Hands::new(most).each((0..count).collect(), |item| item * 2);
                assert_eq!(made, (0..count).map(|item| item * 2).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    #[should_panic(expected = "seventy")]
    fn a_panic_is_not_lost() {
        Hands::new(4).each((0..100).collect(), |item| assert_ne!(item, 70, "seventy"));
    }
}
