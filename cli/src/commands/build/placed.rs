//! Failures get their place in the project on their way to those who tell of them. It tells nothing.

use reel_engine::event::{Event, Observer};

use crate::report::All;

/// Listeners who are told where in the project a failure comes from.
pub(super) struct Placed<'a> {
    reports: &'a mut All,
    place_of: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Placed<'a> {
    /// `place_of` knows where a node is written; it is asked only when something fails.
    pub(super) fn new(reports: &'a mut All, place_of: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { reports, place_of }
    }
}

impl Observer for Placed<'_> {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::DidFail { node, failure } => {
                let mut failure = failure.clone();
                failure.place = (self.place_of)(&node.name).map(String::into_boxed_str);
                self.reports.observe(&Event::DidFail { node: node.clone(), failure });
            }
            _ => self.reports.observe(event),
        }
    }

    fn tick(&mut self) {
        self.reports.tick();
    }
}
