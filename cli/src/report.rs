//! Those who listen to a build and tell of it. They decide nothing.

pub(crate) mod failures;
pub(crate) mod json;
pub(crate) mod live;
pub(crate) mod plain;
pub(crate) mod summary;
pub(crate) mod trace;

use std::time::Duration;

use reel_engine::event::{Event, Observer};
use reel_engine::session::Summary;

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
}

/// Several listeners as one, in order.
pub(crate) struct All {
    reports: Vec<Box<dyn Report>>,
    /// Whether any node is not what it was in the last build.
    pub(crate) changed: bool,
}

impl All {
    /// Listeners, of which the first is the one for people.
    pub(crate) fn new(reports: Vec<Box<dyn Report>>) -> Self {
        Self { reports, changed: false }
    }
}

impl Observer for All {
    fn observe(&mut self, event: &Event) {
        self.changed |= matches!(event, Event::DidRun { .. } | Event::DidHit { fresh: false, .. });
        self.reports.iter_mut().for_each(|report| report.observe(event));
    }

    fn tick(&mut self) {
        self.reports.iter_mut().for_each(|report| report.tick());
    }
}

impl Report for All {
    fn finish(&mut self, end: &End<'_>) {
        // The one for people comes first in the list and must have the last word.
        self.reports.iter_mut().rev().for_each(|report| report.finish(end));
    }
}

#[cfg(test)]
mod tests;
