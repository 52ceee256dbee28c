//! Ctrl-C, Ctrl-Z, and being told to end. It knows no build.

use std::thread;

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::getpid;

/// Signals that are held back from this thread, and from threads that it starts later, until somebody waits
/// for them. Programs that reel starts begin with none held back.
pub(crate) struct Held(SigSet);

/// Holds back SIGINT and SIGTERM; call it before other threads are started.
pub(crate) fn hold() -> Held {
    let set: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    // If this fails, a signal ends the process as it always did.
    let _ = set.thread_block();
    Held(set)
}

impl Held {
    /// Calls `heard` with 1 for the first signal, 2 for the second and so on, on a thread of its own. When
    /// somebody else listens afterwards, either of the two hears a signal: both must be at the same business.
    pub(crate) fn watch(&self, mut heard: impl FnMut(u32) + Send + 'static) {
        let set = self.0;
        let wait = move || {
            let mut count = 0;
            while set.wait().is_ok() {
                count += 1;
                heard(count);
            }
        };
        // Without a thread nobody hears the signals; they can be heard again at once.
        if thread::Builder::new().name("reel-signals".into()).spawn(wait).is_err() {
            let _ = set.thread_unblock();
        }
    }
}

/// Being stopped by a shell and going on, held back as [`Held`] is.
pub(crate) struct Pauses(SigSet);

/// Holds back SIGTSTP and SIGCONT; call it before other threads are started.
pub(crate) fn hold_pauses() -> Pauses {
    let set: SigSet = [Signal::SIGTSTP, Signal::SIGCONT].into_iter().collect();
    // If this fails, a terminal is left to the shell as it is, which most of them mend.
    let _ = set.thread_block();
    Pauses(set)
}

impl Pauses {
    /// Calls `stops` before the process stops, and `goes_on` when it goes on, in the foreground or not, on a thread of
    /// its own.
    pub(crate) fn watch(self, stops: impl Fn() + Send + 'static, goes_on: impl Fn() + Send + 'static) {
        let set = self.0;
        let wait = move || {
            while let Ok(signal) = set.wait() {
                if signal == Signal::SIGTSTP {
                    stops();
                    // Nobody can hold this one back, and with it everything here rests until SIGCONT.
                    let _ = kill(getpid(), Signal::SIGSTOP);
                } else {
                    goes_on();
                }
            }
        };
        if thread::Builder::new().name("reel-pauses".into()).spawn(wait).is_err() {
            let _ = set.thread_unblock();
        }
    }
}
