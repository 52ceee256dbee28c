//! Those who listen to a build and tell of it. They decide nothing.

pub(crate) mod canvas;
pub(crate) mod collection;
pub(crate) mod failures;
pub(crate) mod findings;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod ledger;
pub(crate) mod live;
pub(crate) mod markdown;
pub(crate) mod plain;
pub(crate) mod profile;
pub(crate) mod roll;
pub(crate) mod summary;
pub(crate) mod trace;

use std::time::{Duration, Instant};

use reel_engine::event::{Event, Observer};
use reel_engine::session::Summary;

use ledger::Ledger;
use profile::Profile;

/// A listener that has a last word.
pub(crate) trait Report: Observer {
    /// The build is over.
    fn finish(&mut self, end: &End<'_>);
}

/// How a build ended.
pub(crate) struct End<'a> {
    /// How it adds up, and what stands where.
    pub(crate) summary: &'a Summary,
    /// Wall time of the whole command.
    pub(crate) took: Duration,
    /// What it did, if that was kept.
    pub(crate) ledger: Option<&'a Ledger>,
    /// The same in figures, if they were asked for.
    pub(crate) profile: Option<Profile<'a>>,
}

impl<'a> End<'a> {
    /// The end of a command that took so long.
    pub(crate) const fn new(summary: &'a Summary, took: Duration) -> Self {
        Self { summary, took, ledger: None, profile: None }
    }
}

/// Several listeners as one, in order.
pub(crate) struct All {
    reports: Vec<Box<dyn Report>>,
    /// Whether any node is not what it was in the last build.
    pub(crate) changed: bool,
    /// What is kept for those who tell of the whole.
    ledger: Option<Ledger>,
    /// Whether figures were asked for.
    profile: bool,
    /// Nodes that used what is not in their key, or that did not make the same bytes twice.
    pub(crate) found: usize,
}

impl All {
    /// Listeners, of which the first is the one for people.
    pub(crate) fn new(reports: Vec<Box<dyn Report>>) -> Self {
        Self { reports, changed: false, found: 0, ledger: None, profile: false }
    }

    /// Keeps what the build does, counting time from `began`; `profile` asks for figures in the end.
    pub(crate) fn keep(&mut self, began: Instant, profile: bool) {
        self.ledger = Some(Ledger::new(began));
        self.profile = profile;
    }
}

impl Observer for All {
    fn observe(&mut self, event: &Event) {
        self.changed |= matches!(event, Event::DidRun { .. } | Event::DidHit { fresh: false, .. });
        if let Some(ledger) = &mut self.ledger {
            ledger.observe(event);
        }
        self.found += usize::from(match event {
            Event::DidUse { .. } => true,
            Event::DidCompare { differences, .. } => !differences.is_empty(),
            _ => false,
        });
        self.reports.iter_mut().for_each(|report| report.observe(event));
    }

    fn tick(&mut self) {
        self.reports.iter_mut().for_each(|report| report.tick());
    }
}

impl Report for All {
    fn finish(&mut self, end: &End<'_>) {
        let ledger = self.ledger.as_ref();
        let profile = ledger.filter(|_| self.profile).map(|ledger| Profile::new(ledger, end.took));
        let end = End { ledger, profile, ..*end };
        // The one for people comes first in the list and must have the last word.
        self.reports.iter_mut().rev().for_each(|report| report.finish(&end));
    }
}

#[cfg(test)]
mod tests;
