//! A few lines on a terminal that are drawn again and again: what runs, for how long, how much is left.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reel_engine::event::{Event, NodeInfo, Observer};
use reel_engine::id::NodeId;

use super::canvas::Canvas;
use super::collection::removed;
use super::findings;
use super::summary::{Manner, Volume, closing, failure};
use super::{End, Report};
use crate::ui::{add, print, print_error, spell};

/// A build shorter than this draws nothing.
const SILENT: Duration = Duration::from_millis(250);
/// How often lines are drawn again.
const REDRAW: Duration = Duration::from_millis(100);
/// Times below this are not worth estimating.
const SHORT: Duration = Duration::from_secs(1);
/// Most lines for running actions; one more is for the whole, and some for what ended last.
const MOST_LINES: usize = 7;
/// Lines for what ended last, where there is room.
const RECENT: usize = 3;
/// Rows of the terminal that are left alone: the one above, and the one that the cursor stands in.
const SPARE: usize = 2;

/// How long nodes took, as far as is known, by name.
pub(crate) type Costs = BTreeMap<String, Duration>;

/// Lines for the terminal from those who do not draw on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aside(Arc<Mutex<String>>);

impl Aside {
    /// Leaves a text that is shown soon.
    pub(crate) fn say(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    /// What was left.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The report for a terminal.
pub(crate) struct Live {
    manner: Manner,
    /// What others have to say meanwhile.
    aside: Aside,
    /// Set when the user asked to stop.
    stopping: Arc<AtomicBool>,
    /// How many actions run at once, at most.
    slots: usize,
    /// What nodes took that have neither begun nor ended, as far as is known, and the sum of it.
    costs: Costs,
    ahead: Duration,
    recent: VecDeque<String>,
    began: Instant,
    drawn: Option<Canvas>,
    redrawn: Instant,
    running: BTreeMap<NodeId, Running>,
    planned: usize,
    done: usize,
    happened: bool,
}

struct Running {
    node: NodeInfo,
    began: Instant,
    estimate: Option<Duration>,
    permille: u16,
    /// Whether it holds a GPU.
    gpu: bool,
}

impl Live {
    /// A report that knows what nodes took before.
    pub(crate) fn new(
        manner: Manner,
        (stopping, aside): (Arc<AtomicBool>, Aside),
        slots: usize,
        costs: Costs,
    ) -> Self {
        let now = Instant::now();
        Self {
            manner,
            aside,
            stopping,
            slots: slots.max(1),
            ahead: costs.values().sum(),
            costs,
            recent: VecDeque::new(),
            began: now,
            drawn: None,
            redrawn: now,
            running: BTreeMap::new(),
            planned: 0,
            done: 0,
            happened: false,
        }
    }

    fn did(&mut self, node: &NodeInfo) {
        self.running.remove(&node.id);
        self.not_ahead(node);
        self.done += 1;
    }

    fn not_ahead(&mut self, node: &NodeInfo) {
        if let Some(cost) = self.costs.remove(&node.name) {
            self.ahead = self.ahead.saturating_sub(cost);
        }
    }

    /// A line that stays.
    fn say(&self, text: &str) {
        match &self.drawn {
            Some(drawn) => print_error(&drawn.say(text, terminal().1)),
            None => print_error(text),
        }
    }

    fn redraw(&mut self) {
        let now = Instant::now();
        if now - self.redrawn < REDRAW || now - self.began < SILENT || self.running.is_empty() {
            return;
        }
        self.redrawn = now;
        let (rows, columns) = terminal();
        let mut lines = vec![self.whole()];
        lines.extend(self.texts(rows.saturating_sub(SPARE)));
        print_error(&self.drawn.get_or_insert_default().draw(&lines, columns));
    }

    /// What runs, the longest first, so that lines do not jump, and what ended last; not more than there is room for
    /// beside the line for the whole.
    fn texts(&self, rows: usize) -> Vec<String> {
        let room = rows.saturating_sub(1);
        let most = MOST_LINES.min(room);
        let mut running: Vec<&Running> = self.running.values().collect();
        running.sort_by_key(|run| run.began);
        let more = running.len().saturating_sub(most);
        let shown = if more > 0 { most.saturating_sub(1) } else { running.len() };
        let mut texts: Vec<String> = running[..shown].iter().map(|run| run.text(&self.manner)).collect();
        if more > 0 && most > 0 {
            texts.push(format!("  and {} more", running.len() - shown));
        }
        let recent = self.recent.iter().rev().take(room.saturating_sub(most));
        texts.extend(recent.map(|text| format!("  {}", self.manner.paint.dim(text))));
        texts
    }

    fn whole(&self) -> String {
        let stopping = self.stopping.load(Ordering::Relaxed);
        let word = if stopping { "stopping…" } else { "making" };
        let left = match self.left() {
            Some(left) if !stopping && left >= SHORT => format!(", about {} left", spell(round(left))),
            Some(_) if !stopping => ", nearly done".to_owned(),
            _ => String::new(),
        };
        // What is told first is seen in the narrowest of terminals, too.
        format!(
            "{} {}/{}  {}  {}{left}",
            self.manner.paint.bold(word),
            self.done,
            self.planned,
            bar(self.done, self.planned),
            spell(round(self.began.elapsed())),
        )
    }

    /// What is left, from what nodes took before: what runs, and what may still run, spread over all slots.
    fn left(&self) -> Option<Duration> {
        let waiting = self.planned.saturating_sub(self.done + self.running.len());
        // The history may speak of nodes that this build does not want, and be silent on new ones.
        let ahead = match (self.costs.len(), waiting) {
            (_, 0) => Duration::ZERO,
            (0, _) => return None,
            (known, waiting) => self.ahead.mul_f64(waiting as f64 / known as f64),
        };
        let rests: Option<Vec<Duration>> = self.running.values().map(Running::rest).collect();
        let rests = rests?;
        let longest = rests.iter().max().copied().unwrap_or_default();
        let spread = (ahead + rests.iter().sum::<Duration>()) / self.slots as u32;
        Some(spread.max(longest))
    }
}

impl Running {
    fn text(&self, manner: &Manner) -> String {
        let mut text = format!(
            "  {}  {}  {}",
            self.node.name,
            manner.paint.dim(self.node.kind),
            spell(round(self.began.elapsed()))
        );
        if self.gpu {
            text.push_str(&manner.paint.dim("  on a GPU"));
        }
        if self.permille > 0 {
            add(&mut text, format_args!("  {} %", self.permille / 10));
        }
        if let Some(estimate) = self.estimate.filter(|estimate| *estimate >= SHORT) {
            text.push_str(&manner.paint.dim(&format!("  of about {}", spell(round(estimate)))));
        }
        text
    }

    /// How long it may still take.
    fn rest(&self) -> Option<Duration> {
        let elapsed = self.began.elapsed();
        if self.permille >= 50 {
            return Some(
                elapsed.mul_f64(f64::from(1000 - self.permille.min(1000)) / f64::from(self.permille)),
            );
        }
        self.estimate.map(|estimate| estimate.saturating_sub(elapsed))
    }
}

/// Rows and columns.
fn terminal() -> (usize, usize) {
    let known = terminal_size::terminal_size();
    known.map_or((24, 80), |(columns, rows)| (rows.0.into(), columns.0.into()))
}

fn bar(done: usize, planned: usize) -> String {
    const WIDTH: usize = 24;
    let filled = (done * WIDTH).checked_div(planned).unwrap_or(0).min(WIDTH);
    format!("[{}{}]", "=".repeat(filled), " ".repeat(WIDTH - filled))
}

/// To tenths of a second below ten, else to seconds: what jumps about tells nothing.
fn round(time: Duration) -> Duration {
    let grain = if time < Duration::from_secs(10) { 100 } else { 1000 };
    Duration::from_millis(time.as_millis() as u64 / grain * grain)
}

impl Observer for Live {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::DidPlan { planned, .. } => self.planned = *planned,
            Event::WillRun { node, estimate, start } => {
                self.happened = true;
                self.not_ahead(node);
                let run = Running {
                    node: node.clone(),
                    began: Instant::now(),
                    estimate: *estimate,
                    permille: 0,
                    gpu: !start.claim.gpu.is_none(),
                };
                self.running.insert(node.id, run);
            }
            Event::DidProgress { node, permille } => {
                if let Some(run) = self.running.get_mut(node) {
                    run.permille = *permille;
                }
            }
            Event::DidRun { node, took, .. } => {
                self.did(node);
                self.recent.push_back(format!("done  {}  {}", node.name, spell(*took)));
                if self.recent.len() > RECENT {
                    self.recent.pop_front();
                }
                if self.manner.volume == Volume::Verbose {
                    self.say(&format!(
                        "{}  {}  ({})  {}\n",
                        self.manner.paint.good("done"),
                        node.name,
                        node.kind,
                        spell(*took)
                    ));
                }
            }
            Event::DidHit { node, fresh, .. } => {
                self.happened |= !fresh;
                self.did(node);
            }
            Event::DidExpand { planned, .. } => self.planned = *planned,
            Event::DidFail { node, failure: why } => {
                self.happened = true;
                self.did(node);
                self.say(&failure(&self.manner, node, why));
            }
            Event::DidSkip { node, .. } => {
                self.happened = true;
                self.did(node);
            }
            Event::DidWarn { message } => {
                self.say(&format!("{}: {message}\n", self.manner.paint.warn("warning")));
            }
            Event::DidNotPublish { message, .. } => {
                self.happened = true;
                self.say(&format!("{}: {message}\n", self.manner.paint.bad("error")));
            }
            Event::DidCollect(report) => self.say(&format!("cache: {}\n", removed(report))),
            Event::DidChange { node, files, again } => {
                self.running.remove(&node.id);
                self.say(&findings::changed(&self.manner, node, files, *again));
            }
            Event::DidRestart { node, reason } => {
                self.running.remove(&node.id);
                self.say(&findings::restarted(&self.manner, node, reason));
            }
            Event::DidUse { node, used } => self.say(&findings::used(&self.manner, node, used)),
            Event::DidCompare { node, differences } => {
                if !differences.is_empty() {
                    self.say(&findings::differences(&self.manner, node, differences));
                }
            }
            Event::DidPublish { written, .. } => self.happened |= *written,
        }
        self.redraw();
    }

    fn tick(&mut self) {
        let aside = self.aside.take();
        if !aside.is_empty() {
            self.say(&aside);
        }
        self.redraw();
    }
}

impl Report for Live {
    fn finish(&mut self, end: &End<'_>) {
        if let Some(mut drawn) = self.drawn.take() {
            print_error(&drawn.clear(terminal().1));
        }
        print_error(&self.aside.take());
        print(&closing(&self.manner, end, self.happened));
    }
}

#[cfg(test)]
mod tests {
    use reel_engine::event::Start;

    use super::*;
    use crate::ui::Paint;

    fn live(costs: &[(&str, u64)]) -> Live {
        let manner = Manner { paint: Paint(false), volume: Volume::Normal, here: "/".into() };
        let costs =
            costs.iter().map(|(name, secs)| ((*name).to_owned(), Duration::from_secs(*secs))).collect();
        Live::new(manner, (Arc::default(), Aside::default()), 2, costs)
    }

    fn info(id: u32) -> NodeInfo {
        NodeInfo { id: NodeId(id), name: format!("n{id}"), kind: "plain" }
    }

    #[test]
    fn what_is_left_is_spread_over_the_slots() {
        let mut live = live(&[("n0", 10), ("n1", 10), ("n2", 10), ("gone", 10)]);
        live.observe(&Event::DidPlan { planned: 3, estimate: Duration::ZERO });
        live.observe(&Event::WillRun {
            node: info(0),
            estimate: Some(Duration::from_secs(10)),
            start: Start::default(),
        });
        // Two wait, of three that the history knows: 20 s, and 10 s of what runs, on two slots.
        let left = live.left().unwrap();
        assert!((14..=15).contains(&left.as_secs()), "{left:?}");
        live.observe(&Event::DidRun { node: info(0), took: Duration::from_secs(10), stored: 0 });
        live.observe(&Event::DidHit { node: info(1), fresh: true, shared: false, saved: Duration::ZERO });
        live.observe(&Event::WillRun { node: info(2), estimate: None, start: Start::default() });
        assert_eq!(live.left(), None, "nothing is known of what runs");
    }

    #[test]
    fn no_more_lines_are_drawn_than_there_is_room_for() {
        let mut live = live(&[]);
        for id in 0..20 {
            live.observe(&Event::WillRun { node: info(id), estimate: None, start: Start::default() });
        }
        let texts = live.texts(30);
        assert_eq!(texts.len(), MOST_LINES);
        assert_eq!(texts[MOST_LINES - 1], "  and 14 more");
        let texts = live.texts(4);
        assert_eq!(
            (texts.len(), texts[2].as_str()),
            (3, "  and 18 more"),
            "with the line for the whole it is four"
        );
        assert_eq!(live.texts(1), [""; 0]);
        for id in 0..5 {
            live.observe(&Event::DidRun { node: info(id), took: Duration::from_secs(1), stored: 0 });
        }
        let texts = live.texts(30);
        assert_eq!(texts.len(), MOST_LINES + RECENT);
        assert_eq!(texts[MOST_LINES], "  done  n4  1.0 s", "the last one first");
    }

    #[test]
    fn a_hundred_thousand_nodes_are_no_burden() {
        let costs = (0..100_000).map(|id| (format!("n{id}"), Duration::from_secs(1))).collect();
        let manner = Manner { paint: Paint(false), volume: Volume::Normal, here: "/".into() };
        let mut live = Live::new(manner, (Arc::default(), Aside::default()), 16, costs);
        live.observe(&Event::DidPlan { planned: 100_000, estimate: Duration::ZERO });
        let began = Instant::now();
        for id in 0..100_000 {
            live.observe(&Event::WillRun { node: info(id), estimate: None, start: Start::default() });
            live.observe(&Event::DidRun { node: info(id), took: Duration::from_secs(1), stored: 0 });
        }
        for _ in 0..100 {
            live.whole();
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(live.left(), Some(Duration::ZERO));
    }

    #[test]
    fn a_bar_is_full_at_the_end() {
        assert_eq!(bar(0, 0), format!("[{}]", " ".repeat(24)));
        assert_eq!(bar(7, 7), format!("[{}]", "=".repeat(24)));
    }
}
