//! `reel build --summary`: the slowest actions, the critical path, what the cache gave. It knows a ledger only.

use std::time::Duration;

use serde_json::{Value, json};

use super::ledger::{Ledger, Run};
use super::summary::seconds;
use crate::ui::{Paint, add, bytes, count, spell, table};

/// Actions that are listed.
const SLOWEST: usize = 5;
/// Actions of the critical path that are listed for people.
const SHOWN: usize = 12;

/// A build in figures.
pub(crate) struct Profile<'a> {
    ledger: &'a Ledger,
    slowest: Vec<&'a Run>,
    path: Vec<&'a Run>,
    work: Duration,
    wall: Duration,
}

impl<'a> Profile<'a> {
    /// Sums up what a ledger has; the command took `wall`.
    pub(crate) fn new(ledger: &'a Ledger, wall: Duration) -> Self {
        let mut slowest: Vec<&Run> = ledger.ran().collect();
        slowest.sort_by_key(|run| (std::cmp::Reverse(run.took), run.node.id));
        let work = slowest.iter().filter_map(|run| run.took).sum();
        slowest.truncate(SLOWEST);
        let path = ledger.critical_path().into_iter().map(|index| &ledger.runs[index]).collect();
        Self { ledger, slowest, path, work, wall }
    }

    fn path_time(&self) -> Duration {
        self.path.iter().map(|run| run.ended - run.began).sum()
    }

    /// Of all keys that were looked up, those that were known; `None` when none was looked up.
    fn hit_rate(&self) -> Option<f64> {
        let sums = self.ledger.sums();
        let all = sums.hits + sums.misses;
        (all > 0).then(|| (sums.hits as f64 / all as f64 * 1000.0).round() / 1000.0)
    }

    fn at_once(&self) -> f64 {
        let ratio = self.work.as_secs_f64() / self.wall.as_secs_f64().max(1e-6);
        (ratio * 100.0).round() / 100.0
    }

    /// In words.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        if !self.slowest.is_empty() {
            add(&mut text, format_args!("{}\n", paint.bold("slowest actions")));
            let rows: Vec<Vec<String>> =
                self.slowest.iter().map(|run| row(run, run.took.unwrap_or_default())).collect();
            text.push_str(&table(&rows));
            let total = spell(self.path_time());
            add(&mut text, format_args!("{} {total}\n", paint.bold("critical path")));
            let mut rows: Vec<Vec<String>> =
                self.path.iter().take(SHOWN).map(|run| row(run, run.ended - run.began)).collect();
            if self.path.len() > SHOWN {
                rows.push(vec![format!("  … {} more", self.path.len() - SHOWN)]);
            }
            text.push_str(&table(&rows));
        }
        let sums = self.ledger.sums();
        let rate = self.hit_rate().map_or_else(String::new, |rate| format!(" ({:.1} %)", rate * 100.0));
        let found = count(sums.hits as usize, "result");
        add(
            &mut text,
            format_args!(
                "{} {found} found of {}{rate}, which saved {}; {} stored, {} read, {} placed\n",
                paint.bold("cache"),
                sums.hits + sums.misses,
                spell(self.ledger.saved),
                bytes(sums.stored),
                bytes(sums.read),
                bytes(sums.placed),
            ),
        );
        if !self.slowest.is_empty() {
            let (work, wall) = (spell(self.work), spell(self.wall));
            add(
                &mut text,
                format_args!("{} {work} in {wall}: {:.2} at once\n", paint.bold("work"), self.at_once()),
            );
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let entry = |run: &Run, time: Duration| json!({ "node": run.node.name, "kind": run.node.kind, "seconds": seconds(time) });
        let slowest: Vec<Value> =
            self.slowest.iter().map(|run| entry(run, run.took.unwrap_or_default())).collect();
        let path: Vec<Value> = self.path.iter().map(|run| entry(run, run.ended - run.began)).collect();
        let sums = self.ledger.sums();
        json!({
            "event": "summary",
            "slowest": slowest,
            "critical-path": path,
            "critical-path-seconds": seconds(self.path_time()),
            "hits": sums.hits,
            "misses": sums.misses,
            "hit-rate": self.hit_rate(),
            "saved-seconds": seconds(self.ledger.saved),
            "stored-bytes": sums.stored,
            "read-bytes": sums.read,
            "placed-bytes": sums.placed,
            "work-seconds": seconds(self.work),
            "wall-seconds": seconds(self.wall),
            "parallelism": self.at_once(),
        })
    }
}

fn row(run: &Run, time: Duration) -> Vec<String> {
    vec![format!("  {}", run.node.name), run.node.kind.to_owned(), spell(time)]
}
