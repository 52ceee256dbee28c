//! Watches a run: whether its deadline passed, and whether anything moves. It knows no frame and sends no signal.

use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::{Assignment, WorkerProgram, group};

/// Why a run is being stopped.
#[derive(Clone, Copy)]
pub(super) enum Why {
    Cancelled,
    Deadline,
    Stuck,
}

/// Watches a run: its deadline, and whether anything moves.
pub(super) struct Watch {
    limit: Duration,
    deadline: Option<Instant>,
    last_sign: Instant,
    next_look: Instant,
    ticks: u64,
}

impl Watch {
    pub(super) fn new(program: &WorkerProgram, assignment: &Assignment) -> Self {
        let now = Instant::now();
        let limit = program.limits.no_progress;
        Self {
            limit,
            deadline: assignment.request.deadline.and_then(|limit| assignment.since.checked_add(limit)),
            last_sign: now,
            next_look: now + limit / 8,
            ticks: 0,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.deadline.map_or(self.next_look, |deadline| deadline.min(self.next_look))
    }

    pub(super) fn sign(&mut self) {
        self.last_sign = Instant::now();
    }

    pub(super) fn look(&mut self, group: Pid, now: Instant) -> Option<Why> {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Some(Why::Deadline);
        }
        if now < self.next_look {
            return None;
        }
        self.next_look = now + self.limit / 8;
        let ticks = group::cpu_ticks(group);
        if ticks != self.ticks {
            self.ticks = ticks;
            self.last_sign = now;
        }
        (now.saturating_duration_since(self.last_sign) >= self.limit).then_some(Why::Stuck)
    }
}
