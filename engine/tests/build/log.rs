//! What a build tells, kept for tests. It knows no project.

use reel_engine::event::{Difference, Event};
use reel_engine::operation::Failure;
use reel_engine::session::Summary;

use crate::world::Built;

/// What was told of a build.
#[derive(Default)]
pub struct Log {
    ran: Vec<String>,
    failed: Vec<(String, Failure)>,
    skipped: Vec<String>,
    warnings: Vec<String>,
    events: Vec<String>,
    compared: Vec<(String, Vec<Difference>)>,
}

impl Log {
    pub fn take(&mut self, event: &Event) {
        let line = match event {
            Event::WillRun { node, .. } => format!("will-run {}", node.name),
            Event::DidRun { node, .. } => {
                self.ran.push(node.name.clone());
                format!("did-run {}", node.name)
            }
            Event::DidHit { node, .. } => {
                format!("did-hit {}", node.name)
            }
            Event::DidExpand { node, made, .. } => format!("did-expand {} {made}", node.name),
            Event::DidFail { node, failure } => {
                self.failed.push((node.name.clone(), failure.clone()));
                format!("did-fail {}", node.name)
            }
            Event::DidSkip { node, .. } => {
                self.skipped.push(node.name.clone());
                format!("did-skip {}", node.name)
            }
            Event::DidWarn { message } => {
                self.warnings.push(message.clone());
                format!("did-warn {message}")
            }
            Event::DidChange { node, files, again } => {
                format!("did-change {} {} {again}", node.name, files.join(" "))
            }
            Event::DidRestart { node, reason } => format!("did-restart {} {reason}", node.name),
            Event::DidUse { node, used } => format!("did-use {} {}", node.name, used.len()),
            Event::DidCompare { node, differences } => {
                self.compared.push((node.name.clone(), differences.clone()));
                format!("did-compare {} {}", node.name, differences.len())
            }
            Event::DidNotPublish { message, .. } => {
                self.warnings.push(message.clone());
                format!("did-not-publish {message}")
            }
            Event::DidPublish { name, written, .. } => format!("did-publish {name} {written}"),
            Event::DidPlan { .. } | Event::DidProgress { .. } | Event::DidCollect(_) => return,
        };
        self.events.push(line);
    }

    pub fn finish(mut self, summary: Summary) -> Built {
        let tally = summary.tally;
        assert_eq!(tally.planned, tally.ran + tally.cached + tally.skipped + tally.failed, "{tally:?}");
        // What was made in this very build and is lost again is made twice, which is told.
        let lost =
            self.warnings.iter().filter(|warning| warning.contains("is no longer in the cache")).count();
        let told = self.ran.len();
        assert!((tally.ran..=tally.ran + lost).contains(&told), "every run is told once: {:?}", self.events);
        self.ran.sort();
        self.skipped.sort();
        Built {
            ran: self.ran,
            failed: self.failed,
            skipped: self.skipped,
            warnings: self.warnings,
            events: self.events,
            compared: self.compared,
            summary,
        }
    }
}
