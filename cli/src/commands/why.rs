//! `reel why`: what changed, old value and new, down to the first cause.

use std::collections::BTreeSet;

use reel_engine::history::{History, Past};
use reel_engine::id::NodeId;
use reel_engine::key::Reason;
use reel_engine::schedule::foresee::{Foresight, Standing};
use serde_json::{Value, json};

use super::names::{change_line, foresee_all, meant, texts};
use crate::args::Why;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::texts::Texts;
use crate::ui::{Paint, add, count, print, print_json};

pub(super) fn run(call: &Invocation, args: &Why) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    let shop = Workshop::open(call, &loaded)?;
    let seen = foresee_all(&loaded, &shop)?;
    let nodes = meant(&loaded.project, &seen.graph, &args.name)?;
    let (history, texts) = (loaded.project.history(), texts(&loaded.project));
    let mut story = Story { seen: &seen, history: &history, texts: &texts, told: BTreeSet::new() };
    let mut accounts: Vec<Account> = nodes.iter().map(|id| story.account(*id)).collect();
    if call.global.json {
        for account in &accounts {
            print_json(&account.json("why"));
        }
        return Ok(Exit::Done);
    }
    let all = accounts.len();
    if all > 1 && !call.global.verbose {
        accounts.retain(Account::is_telling);
    }
    let whole = call.global.verbose;
    let paint = call.ui.out();
    let mut text: String = accounts.iter().map(|account| account.text(paint, 0, whole)).collect();
    let unchanged = all - accounts.len();
    if unchanged > 0 {
        let others = if accounts.is_empty() { "" } else { " more" };
        let they = if unchanged == 1 { "it was" } else { "they were" };
        add(
            &mut text,
            format_args!("{}{others}: nothing changed since {they} first made\n", count(unchanged, "node")),
        );
    }
    print(&text);
    Ok(Exit::Done)
}

/// Changes of one node that are shown without asking for more.
const SHOWN: usize = 6;

/// What is known of the changes of all nodes.
struct Story<'a> {
    seen: &'a Foresight,
    history: &'a History,
    texts: &'a Texts,
    /// Nodes whose account was given already.
    told: BTreeSet<NodeId>,
}

/// What changed for one node.
struct Account {
    node: String,
    kind: &'static str,
    standing: Standing,
    /// Whether the change is one that a build would still have to deal with.
    pending: bool,
    /// How it stands, in words.
    words: String,
    changes: Vec<Change>,
    /// Nodes that it awaits and that would run.
    awaited: Vec<Self>,
    /// The node whose expansion made it, when its parameters changed.
    maker: Option<Box<Self>>,
    /// Whether all this was told above.
    repeated: bool,
}

/// One thing that changed.
struct Change {
    reason: Reason,
    /// Old and new value in words, where the values themselves are digests.
    shown: Option<(String, String)>,
    /// The node that made it.
    cause: Option<Account>,
}

impl Story<'_> {
    fn account(&mut self, id: NodeId) -> Account {
        let node = self.seen.graph.node(id);
        let forecast = self.seen.forecasts.get(&id);
        let standing = forecast.map_or(Standing::Waiting, |forecast| forecast.standing);
        let past = self.history.past(&node.name);
        let mut account = Account {
            node: node.name.clone(),
            kind: node.kind(),
            standing,
            pending: !matches!(standing, Standing::Fresh),
            words: words(standing, past),
            changes: Vec::new(),
            awaited: Vec::new(),
            maker: None,
            repeated: !self.told.insert(id),
        };
        if account.repeated {
            return account;
        }
        if let Some(fault) = forecast.and_then(|forecast| forecast.fault.as_ref()) {
            account.words = format!("blocked: {fault}");
        }
        let (old, new) = match forecast.and_then(|forecast| forecast.manifest.as_ref()) {
            Some(new) if past.is_some_and(|past| past.key != new.key()) => {
                (past.map(Past::manifest), Some(new.clone()))
            }
            _ => (past.and_then(Past::before), past.map(Past::manifest)),
        };
        if let (Some(old), Some(new), true) = (old, new, standing != Standing::Waiting) {
            account.changes = new.reasons(&old).into_iter().map(|reason| self.change(reason)).collect();
        }
        // What people wrote says more than a frame that moved.
        account.changes.sort_by_key(Change::rank);
        if let Some(maker) = node.maker.filter(|_| account.changes.iter().any(|change| change.rank() != 1)) {
            account.maker = Some(Box::new(self.account(maker)));
        }
        for awaited in forecast.map(|forecast| forecast.awaits.clone()).unwrap_or_default() {
            account.awaited.push(self.account(awaited));
        }
        account
    }

    fn change(&mut self, reason: Reason) -> Change {
        let shown = match (&reason.old, &reason.new) {
            (Some(old), Some(new)) if reason.field.starts_with("input.") => self.texts.shown(old, new),
            _ => None,
        };
        let producer = match &reason.note {
            Some(note) if reason.field.starts_with("input.") => {
                note.rsplit_once('.').and_then(|(node, _)| self.seen.graph.find(node))
            }
            _ => None,
        };
        Change { cause: producer.map(|id| self.account(id)), reason, shown }
    }
}

/// How a node stands, in words.
fn words(standing: Standing, past: Option<&Past>) -> String {
    let text = match (standing, past) {
        (Standing::Fresh, Some(past)) => match (past.ran, past.before().is_some()) {
            (true, true) => "ran in the last build, because of",
            (true, false) => "ran in the last build, for the first time",
            (false, true) => "nothing to do; when it last changed, it was because of",
            (false, false) => "nothing to do; unchanged since it was first made",
        },
        (Standing::Fresh, None) => "its result is in the cache",
        (Standing::Cached, Some(_)) => "changed, but a result for it is in the cache already",
        (Standing::Cached, None) => "new to this project, but its result is in the cache already",
        (Standing::New, _) => "new: it will run for the first time",
        (Standing::Stale, _) => "stale: it will run, because of",
        (Standing::Missing, _) => "missing: it will run, because its result is gone from the cache",
        (Standing::Waiting, _) => "waiting: whether it runs depends on what these give",
        (Standing::Blocked, _) => "blocked",
    };
    text.to_owned()
}

impl Account {
    /// Whether there is anything to tell.
    fn is_telling(&self) -> bool {
        self.pending || !self.changes.is_empty()
    }

    fn text(&self, paint: Paint, depth: usize, whole: bool) -> String {
        let indent = "  ".repeat(depth);
        let head = format!("{indent}{} {}", paint.bold(&self.node), paint.dim(&format!("({})", self.kind)));
        if self.repeated {
            return format!("{head}: see above\n");
        }
        let mut text = format!("{head}: {}\n", self.words);
        let shown = if whole || self.changes.len() <= SHOWN + 1 { self.changes.len() } else { SHOWN };
        for change in &self.changes[..shown] {
            add(&mut text, format_args!("{indent}  {}\n", change.line()));
            if let Some(cause) = &change.cause {
                text.push_str(&cause.text(paint, depth + 2, whole));
            }
        }
        if shown < self.changes.len() {
            let rest = format!("and {} more; --verbose lists them", self.changes.len() - shown);
            add(&mut text, format_args!("{indent}  {}\n", paint.dim(&rest)));
        }
        if let Some(maker) = &self.maker {
            add(&mut text, format_args!("{indent}  as made by\n{}", maker.text(paint, depth + 2, whole)));
        }
        for awaited in &self.awaited {
            text.push_str(&awaited.text(paint, depth + 1, whole));
        }
        text
    }

    fn json(&self, event: &str) -> Value {
        let changes: Vec<Value> = self.changes.iter().map(Change::json).collect();
        let awaited: Vec<Value> = self.awaited.iter().map(|account| account.json("awaited")).collect();
        json!({
            "event": event,
            "node": self.node,
            "kind": self.kind,
            "state": self.standing,
            "pending": self.pending,
            "repeated": self.repeated,
            "reasons": changes,
            "awaits": awaited,
            "made-by": self.maker.as_ref().map(|maker| maker.json("maker")),
        })
    }
}

impl Change {
    /// Texts and other parameters that are words first, then inputs, then the rest.
    fn rank(&self) -> u8 {
        let is_text = |value: &Option<String>| value.as_ref().is_some_and(|value| value.starts_with('"'));
        match (self.reason.field.starts_with("input."), &self.shown) {
            (true, Some(_)) => 0,
            (true, None) => 1,
            (false, _) if is_text(&self.reason.old) || is_text(&self.reason.new) => 0,
            (false, _) => 2,
        }
    }

    fn line(&self) -> String {
        change_line(&self.reason, self.shown.as_ref())
    }

    fn json(&self) -> Value {
        let (old, new) = match &self.shown {
            Some((old, new)) => (Some(old), Some(new)),
            None => (self.reason.old.as_ref(), self.reason.new.as_ref()),
        };
        json!({
            "field": self.reason.field,
            "subject": self.reason.subject(),
            "old": old,
            "new": new,
            "from": self.reason.note,
            "cause": self.cause.as_ref().map(|cause| cause.json("cause")),
        })
    }
}
