//! Single keys of a terminal. It knows what none of them means.

use std::io::{self, IsTerminal, Read};
use std::sync::{Mutex, PoisonError};
use std::thread;

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

/// How the terminal was before.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A terminal that gives keys one by one, and does not show them; as it was before when dropped.
pub(super) struct Keys(());

impl Keys {
    /// Listens; `None` where standard input is no terminal, or is not ours now. Ctrl-C and its like stay signals.
    pub(super) fn listen(heard: impl Fn(u8) + Send + 'static) -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() || tcgetpgrp(&stdin).ok()? != getpgrp() {
            return None;
        }
        take().ok()?;
        let read = move || {
            for byte in io::stdin().lock().bytes() {
                match byte {
                    Ok(byte) => heard(byte),
                    Err(_) => return,
                }
            }
        };
        // Without the thread no key is heard, and Ctrl-C still ends it.
        let _ = thread::Builder::new().name("reel-keys".into()).spawn(read);
        Some(Self(()))
    }
}

/// Keys one by one from now on, without showing them.
fn take() -> nix::Result<()> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut single = before.clone();
    single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
    single.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    single.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    tcsetattr(&stdin, SetArg::TCSANOW, &single)?;
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    Ok(())
}

/// The process goes on after a pause, and so does listening, if the terminal is ours.
pub(super) fn go_on() {
    let stdin = io::stdin();
    if tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp()) {
        restore();
        // A terminal that is gone gives no keys.
        let _ = take();
    }
}

/// Gives the terminal back as it was.
pub(super) fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A terminal that is gone needs no care.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}
