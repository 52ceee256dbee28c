//! The last lines that FFmpeg and its codecs had to say. It knows neither who asked nor a terminal.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many lines are kept.
const LINES: usize = 50;

static RING: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Adds one message; a line that was not ended goes on with the next message.
pub(super) fn push(message: &str) {
    let mut ring = RING.lock().unwrap_or_else(PoisonError::into_inner);
    match ring.back_mut() {
        Some(last) if !last.ends_with('\n') => last.push_str(message),
        _ => ring.push_back(message.to_owned()),
    }
    if ring.len() > LINES {
        ring.pop_front();
    }
}

/// The last messages at warning level or worse since the last call, oldest first, at most 50 lines.
#[must_use]
pub fn take_log() -> String {
    RING.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
}

/// The newest message, trimmed, left in place: the cause behind a bare error code.
pub(super) fn newest() -> Option<String> {
    let ring = RING.lock().unwrap_or_else(PoisonError::into_inner);
    ring.back().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_lines_are_put_together_and_old_ones_go() {
        let mut ring = VecDeque::new();
        std::mem::swap(&mut *RING.lock().unwrap(), &mut ring);
        push("a");
        push("b\n");
        for n in 0..LINES {
            push(&format!("{n}\n"));
        }
        let text = take_log();
        assert!(!text.contains("ab\n"));
        assert!(text.contains("49\n"));
    }
}
