//! `reel why`: how a node stands, what changed, the way down to the first cause, and what that set off.

mod moment;

use std::collections::{BTreeMap, BTreeSet};

use reel_engine::explain::{Account, Chain, Explainer, First, Moment};
use reel_engine::history::{Came, History, Past};
use reel_engine::id::NodeId;
use reel_engine::operation::Failure;
use reel_engine::output::Output;
use reel_engine::schedule::foresee::{Expected, Foresight, Standing};
use reel_engine::session::{Project, STATE_FOLDER};
use serde_json::{Value, json};

use super::names::{Meant, foresee_all, meant_or_expected, texts};
use super::phrase::{Phrases, list};
use crate::args::Why;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::report::failures::Failures;
use crate::texts::Texts;
use crate::ui::{Paint, add, count, print, print_json};

pub(super) fn run(call: &Invocation, args: &Why) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    let shop = Workshop::open(call, &loaded)?;
    let seen = foresee_all(&loaded, &shop)?;
    let project = &loaded.project;
    let meant = meant_or_expected(call, project, &seen, &args.name)?;
    let (history, texts) = (project.history(), texts(project, &seen));
    let teller = Teller::new(project, &seen, &history, &texts);
    if let Some(when) = args.at {
        moment::run(call, (&loaded, &shop), (&teller, &meant), (args.name.as_str(), when))?;
        return Ok(Exit::Done);
    }
    let accounts: Vec<Account> = meant.nodes.iter().map(|id| teller.explainer.account(*id)).collect();
    if call.global.json {
        accounts.iter().for_each(|account| print_json(&teller.json(account, &meant)));
    } else {
        print(&teller.text(&accounts, &meant, call.ui.out(), call.global.verbose));
    }
    Ok(Exit::Done)
}

/// Changes and ways to causes that are shown without asking for more.
const SHOWN: usize = 4;
/// Nodes of a way that are shown without asking for more.
const LONG: usize = 9;

/// Tells of the changes of nodes.
pub(super) struct Teller<'a> {
    explainer: Explainer<'a>,
    phrases: Phrases<'a>,
    history: &'a History,
    failures: BTreeMap<String, Failure>,
}

impl<'a> Teller<'a> {
    /// Tells of what is foreseen for a project, and of what its history knows.
    pub(super) fn new(
        project: &'a Project,
        seen: &'a Foresight,
        history: &'a History,
        texts: &'a Texts,
    ) -> Self {
        Self {
            explainer: Explainer::new(seen, history),
            phrases: Phrases { project, seen, texts },
            history,
            failures: Failures::read(&project.root.join(STATE_FOLDER)),
        }
    }

    /// The accounts of what one node's name means, for programs.
    pub(super) fn told(&self, call: &Invocation, name: &str) -> Result<Vec<Value>, CommandError> {
        let known = meant_or_expected(call, self.phrases.project, self.phrases.seen, name)?;
        Ok(known.nodes.iter().map(|id| self.json(&self.explainer.account(*id), &known)).collect())
    }

    /// Where what one node is made of was written, as `reel.yaml:12`.
    pub(super) fn place(&self, call: &Invocation, name: &str) -> Result<Option<String>, CommandError> {
        let known = meant_or_expected(call, self.phrases.project, self.phrases.seen, name)?;
        Ok(known.nodes.first().and_then(|id| self.phrases.place(*id)))
    }

    /// The account of what one node's name means, for people; causes that were `told` are only named.
    fn one(
        &self,
        call: &Invocation,
        name: &str,
        told: &mut BTreeSet<NodeId>,
    ) -> Result<String, CommandError> {
        let known = meant_or_expected(call, self.phrases.project, self.phrases.seen, name)?;
        let paint = call.ui.out();
        if let Some(expected) = known.expected {
            return Ok(Self::expected_text(expected, paint));
        }
        let accounts = known.nodes.iter().map(|id| self.explainer.account(*id));
        Ok(accounts.map(|account| self.account_text(&account, told, paint, call.global.verbose)).collect())
    }

    fn text(&self, accounts: &[Account], meant: &Meant<'_>, paint: Paint, whole: bool) -> String {
        let telling: Vec<&Account> =
            accounts.iter().filter(|it| accounts.len() == 1 || whole || self.is_telling(it)).collect();
        let mut text = meant.note.clone().unwrap_or_default();
        text.extend(meant.output.map(|output| self.output_text(output, paint)));
        text.extend(meant.expected.map(|expected| Self::expected_text(expected, paint)));
        let mut told = BTreeSet::new();
        for account in &telling {
            text.push_str(&self.account_text(account, &mut told, paint, whole));
        }
        if let Some(effects) = self.all_effects(&telling, whole) {
            add(&mut text, format_args!("{effects}\n"));
        }
        let unchanged = accounts.len() - telling.len();
        if unchanged > 0 {
            let others = if telling.is_empty() { "" } else { " more" };
            let they = if unchanged == 1 { "it was" } else { "they were" };
            let number = count(unchanged, "node");
            add(&mut text, format_args!("{number}{others}: nothing changed since {they} first made\n"));
        }
        text
    }

    /// Whether there is anything to tell but that it is there.
    fn is_telling(&self, account: &Account) -> bool {
        let name = self.phrases.name(account.node);
        let first_time = self.history.past(name).is_none_or(|past| past.before().is_none());
        account.moment == Moment::Pending || self.failures.contains_key(name) || !first_time
    }

    fn expected_text(expected: &Expected, paint: Paint) -> String {
        let kind = paint.dim(&format!("({})", expected.kind));
        let words = format!("waiting: `{}` would make it again, as last time or otherwise", expected.maker);
        format!("{} {kind}: {words}\n", paint.bold(&expected.name))
    }

    fn output_text(&self, output: &Output, paint: Paint) -> String {
        let state = match self.phrases.file_state(output) {
            "as-made" => "the file is as it was made",
            "absent" => "the file is not there; a build places it",
            "other" => "the file is not what the cache has for it; a build places it",
            _ => "a build may change the file",
        };
        let maker = self.phrases.name(output.node);
        format!("output {} ({}), made by {maker}: {state}\n", paint.bold(&output.name), output.file)
    }

    /// The account of one node; causes that were `told` are only named.
    fn account_text(
        &self,
        account: &Account,
        told: &mut BTreeSet<NodeId>,
        paint: Paint,
        whole: bool,
    ) -> String {
        let node = self.phrases.seen.graph.node(account.node);
        let kind = paint.dim(&format!("({})", node.kind()));
        let mut text = format!("{} {kind}: {}\n", paint.bold(&node.name), self.words(account));
        if let Some(failure) = self.failures.get(&node.name) {
            add(&mut text, format_args!("  {} the last time: {}\n", paint.bad("failed"), failure.message));
        }
        let limit = if whole { usize::MAX } else { SHOWN };
        let chains = alike(self.worth_telling(account, whole));
        for (chain, others) in chains.iter().take(limit) {
            if chain.nodes.len() > 1 {
                let long = if whole { usize::MAX } else { LONG };
                let way = self.phrases.chain(&chain.nodes, &chain.first, long);
                add(&mut text, format_args!("  {way}\n"));
            }
            let indent = if chain.nodes.len() > 1 { "      " } else { "  " };
            if let Some(cause) = chain.nodes.last().filter(|cause| told.insert(**cause)) {
                text.push_str(&self.first_text(*cause, &chain.first, indent, paint, whole));
            }
            if !others.is_empty() {
                let names = list(&self.phrases.names(others), whole);
                add(&mut text, format_args!("{indent}{}\n", paint.dim(&format!("and the same in {names}"))));
            }
        }
        more(&mut text, chains.len(), limit, "ways to a cause", paint);
        let inherited: Vec<_> = account.because.iter().filter(|it| it.from.is_some()).collect();
        if !inherited.is_empty() {
            text.push_str("  in its key\n");
        }
        for because in inherited.iter().take(limit) {
            let from = because.from.map_or("", |from| self.phrases.name(from));
            let line = self.phrases.change(&because.reason, whole);
            // An input says by itself where it comes from.
            let from = if line.contains(from) { String::new() } else { format!(", by {from}") };
            add(&mut text, format_args!("      {}\n", paint.dim(&format!("{line}{from}"))));
        }
        more(&mut text, inherited.len(), limit, "of its key", paint);
        text
    }

    /// What changed at a first cause, a line each, with the place in the project where it is written.
    fn first_text(&self, node: NodeId, first: &First, indent: &str, paint: Paint, whole: bool) -> String {
        let First::Changed(reasons) = first else { return String::new() };
        let place = self.phrases.place(node).unwrap_or_default();
        let mut text = String::new();
        let limit = if whole { usize::MAX } else { SHOWN };
        for reason in self.phrases.sorted(reasons).into_iter().take(limit) {
            let written = !reason.field.starts_with("tool.") && reason.note.is_none();
            let place = if written { paint.dim(&format!("  {place}")) } else { String::new() };
            add(&mut text, format_args!("{indent}{}{place}\n", self.phrases.change(reason, whole)));
        }
        more(&mut text, reasons.len(), limit, "changes", paint);
        text
    }

    /// Ways to causes; that a node which was made for the first time comes from new nodes goes without saying.
    fn worth_telling<'b>(&self, account: &'b Account, whole: bool) -> impl Iterator<Item = &'b Chain> {
        let past = self.history.past(self.phrases.name(account.node));
        let first_time = past.is_none_or(|past| past.before().is_none() && account.moment == Moment::Past);
        account.chains.iter().filter(move |it| whole || !first_time || it.first != First::New)
    }

    /// What the first causes of these nodes set off, all in one.
    fn all_effects(&self, accounts: &[&Account], whole: bool) -> Option<String> {
        let chains = accounts.iter().flat_map(|account| self.worth_telling(account, whole));
        let changes: Vec<_> = chains.filter_map(|chain| Some((*chain.nodes.last()?, chain.moment))).collect();
        let web = self.explainer.web(&self.explainer.builds(&changes));
        let effects = self.explainer.effects(&web, &changes);
        let causes: Vec<NodeId> = changes.iter().map(|(id, _)| *id).collect();
        let pending = changes.iter().any(|(_, moment)| *moment == Moment::Pending);
        let verb = if pending { "sets off" } else { "set off" };
        Some(format!("{verb}: {}", self.phrases.effects(&effects, &causes, whole)?))
    }

    fn words(&self, account: &Account) -> String {
        let past = self.history.past(self.phrases.name(account.node));
        let chains = &account.chains;
        let has_own = chains.iter().any(|it| it.nodes.len() == 1 && matches!(it.first, First::Changed(_)));
        let text = match (account.standing, past) {
            (Standing::Fresh, Some(past)) => return self.past_words(past),
            (Standing::Fresh, None) => "fresh: its result is in the cache",
            (Standing::Cached, Some(_)) => "cached: it changed, but a result for it is in the cache already",
            (Standing::Cached, None) => "cached: new to this project, but its result is in the cache already",
            (Standing::New, _) => "new: it will run for the first time",
            (Standing::Stale, _) => "stale: it will run",
            (Standing::Missing, _) => "missing: it will run, because its result is gone from the cache",
            (Standing::Waiting, Some(_)) if !has_own => "waiting: whether it runs depends on what it awaits",
            (Standing::Waiting, _) => "waiting: it will run, unless its new result is in the cache",
            (Standing::Blocked, _) => match chains.first().map(|it| &it.first) {
                Some(First::Blocked(why)) => return format!("blocked: {why}"),
                _ => "blocked",
            },
        };
        text.to_owned()
    }

    fn past_words(&self, past: &Past) -> String {
        let ago = self.history.last_build().saturating_sub(past.build);
        let when = match ago {
            0 => "in the last build".to_owned(),
            1 => "in the build before the last".to_owned(),
            more => format!("{more} builds before the last"),
        };
        let first_time = past.before().is_none();
        let what = match past.came {
            Came::RanAgain => format!("ran {when}, because its result was gone from the cache"),
            Came::Ran if first_time => format!("ran {when}, for the first time"),
            Came::Ran => format!("ran {when}"),
            Came::Found if first_time => format!("was new {when}, and its result was in the cache"),
            Came::Found => format!("changed {when}, and its result was in the cache"),
        };
        format!("fresh: {what}")
    }

    fn json(&self, account: &Account, meant: &Meant<'_>) -> Value {
        let phrases = &self.phrases;
        let node = phrases.seen.graph.node(account.node);
        let past = self.history.past(&node.name);
        let changes: Vec<_> =
            account.chains.iter().filter_map(|it| Some((*it.nodes.last()?, it.moment))).collect();
        let web = self.explainer.web(&self.explainer.builds(&changes));
        let chains: Vec<Value> =
            account.chains.iter().map(|it| phrases.chain_json(&it.nodes, &it.first)).collect();
        let causes: Vec<NodeId> = changes.iter().map(|(id, _)| *id).collect();
        let effects = phrases.effects_json(&self.explainer.effects(&web, &changes), &causes);
        let output = meant.output.map(
            |output| json!({ "name": output.name, "file": output.file, "state": phrases.file_state(output) }),
        );
        json!({
            "event": "why",
            "node": meant.expected.map_or(&node.name, |expected| &expected.name),
            "kind": meant.expected.map_or(node.kind(), |expected| &expected.kind),
            "state": if meant.expected.is_some() { Standing::Waiting } else { account.standing },
            "pending": account.moment == Moment::Pending,
            "message": self.words(account),
            "output": output,
            "made-by": meant.expected.map(|expected| &expected.maker),
            "last-ran": past.map(|past| past.came.ran()),
            "builds-ago": past.map(|past| self.history.last_build().saturating_sub(past.build)),
            "failed": self.failures.get(&node.name).map(|failure| &failure.message),
            "reasons": phrases.because_json(&account.because),
            "chains": chains,
            "set-off": effects,
        })
    }
}

/// Ways to causes, of those with the same change only the first, with the nodes that have the others: one edit is
/// often a parameter of many nodes.
fn alike<'a>(chains: impl Iterator<Item = &'a Chain>) -> Vec<(&'a Chain, Vec<NodeId>)> {
    let mut found: Vec<(&Chain, Vec<NodeId>)> = Vec::new();
    for chain in chains {
        let is_change = matches!(chain.first, First::Changed(_));
        match found.iter_mut().find(|(other, _)| is_change && other.first == chain.first) {
            Some((_, others)) => others.extend(chain.nodes.last()),
            None => found.push((chain, Vec::new())),
        }
    }
    found
}

fn more(text: &mut String, number: usize, limit: usize, what: &str, paint: Paint) {
    if number > limit {
        let rest = format!("and {} more {what}; --verbose lists them", number - limit);
        add(text, format_args!("      {}\n", paint.dim(&rest)));
    }
}
