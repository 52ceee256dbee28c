//! `reel plan`: what a build would run and why, without running it.

mod outlook;
mod simulate;

use reel_engine::explain::{Explainer, Origins};
use reel_engine::schedule::foresee::{Basis, Expected, Forecast, Foresight, Standing};
use serde_json::{Value, json};

use super::names::{brief, foresee, texts, warn};
use super::phrase::Phrases;
use crate::args::Plan;
use crate::capacity::{capacity, enough};
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::report::summary::seconds;
use crate::ui::{Paint, print, print_json, print_line, spell, table};
use outlook::Outlook;
use simulate::Comparison;

/// Rows that are shown without asking for more.
const ROWS: usize = 200;
/// Nodes of a way to a cause that are shown in a row.
const LONG: usize = 4;

pub(super) fn run(call: &Invocation, args: &Plan) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    warn(call, &loaded.project);
    let shop = Workshop::open(call, &loaded)?;
    let seen = foresee(&loaded, &shop, &args.targets)?;
    let history = loaded.project.history();
    // Whoever asks for another machine may know that this one is too small.
    let find = if args.simulate.is_some() { capacity } else { enough };
    let here = find(call, &loaded.project, &args.using)?;
    if let Some((_, other)) = &args.simulate
        && let Some(pool) = other.pools.keys().find(|pool| !asked_for(&seen, pool))
    {
        let help =
            "`reel devices` tells what there is; other names are those of pools that `resources:` names";
        return Err(CommandError::usage(format!("no node asks for `{pool}`"), help));
    }
    let outlook = Outlook::new(&seen, &here);
    let other = args.simulate.as_ref().map(|other| Comparison::new(&seen, &here, other));
    let texts = texts(&loaded.project, &seen);
    let phrases = Phrases { project: &loaded.project, seen: &seen, texts: &texts };
    let origins = Explainer::new(&seen, &history).origins();
    if call.global.json {
        listed(&seen, args.all).for_each(|forecast| print_json(&node_json(&phrases, &origins, forecast)));
        seen.expected.iter().for_each(|node| print_json(&expected_json(node)));
        other.iter().for_each(|other| print_json(&other.json()));
        print_json(&outlook.json());
        return Ok(Exit::Done);
    }
    if !call.global.quiet {
        let paint = call.ui.out();
        let limit = if args.all || call.global.verbose { usize::MAX } else { ROWS };
        let known = listed(&seen, args.all).map(|forecast| row(&phrases, &origins, forecast, paint));
        let rows = known.chain(seen.expected.iter().map(|node| expected_row(node, paint)));
        let all = listed(&seen, args.all).count() + seen.expected.len();
        print(&table(&rows.take(limit).collect::<Vec<_>>()));
        if all > limit {
            print_line(&paint.dim(&format!("and {} more; --verbose lists them", all - limit)));
        }
    }
    other.iter().for_each(|other| print_line(&other.text()));
    print_line(&outlook.text(call.global.verbose));
    Ok(Exit::Done)
}

/// Whether a node asks for places of a pool, or will once an expansion made it.
fn asked_for(seen: &Foresight, pool: &str) -> bool {
    seen.graph.nodes().any(|(_, node)| {
        let later = node.operation.template().and_then(|template| template.resources.as_ref());
        node.claim.pools.contains_key(pool)
            || later.is_some_and(|later| later.pools.iter().any(|(name, _)| name == pool))
    })
}

fn listed(seen: &Foresight, all: bool) -> impl Iterator<Item = &Forecast> {
    let quiet = move |forecast: &&Forecast| all || !matches!(forecast.standing, Standing::Fresh);
    seen.forecasts.values().filter(quiet)
}

fn row(phrases: &Phrases<'_>, origins: &Origins, forecast: &Forecast, paint: Paint) -> Vec<String> {
    let node = phrases.seen.graph.node(forecast.node);
    let word = forecast.standing.as_str();
    let word = match forecast.standing {
        Standing::Fresh | Standing::Cached => paint.good(word),
        Standing::New | Standing::Stale | Standing::Missing => paint.warn(word),
        Standing::Blocked => paint.bad(word),
        Standing::Waiting => word.to_owned(),
    };
    let runs = forecast.standing.would_run() != Some(false);
    let about = if forecast.basis == Basis::Node { "" } else { "~" };
    let time = if runs { format!("{about}{}", spell(forecast.estimate)) } else { String::new() };
    vec![word, node.name.clone(), paint.dim(node.kind()), time, why(phrases, origins, forecast)]
}

/// The first reason, and how many more there are; of a node without a reason of its own the way to one.
fn why(phrases: &Phrases<'_>, origins: &Origins, forecast: &Forecast) -> String {
    if let Some(fault) = &forecast.fault {
        return fault.clone();
    }
    if forecast.standing == Standing::Missing {
        return "its result is gone from the cache".to_owned();
    }
    let sorted = phrases.sorted(&forecast.reasons);
    match (sorted.as_slice(), origins.of(forecast.node)) {
        ([one], _) => brief(one, phrases.texts),
        ([one, rest @ ..], _) => format!("{}, and {} more", brief(one, phrases.texts), rest.len()),
        // The node itself stands in the row.
        ([], Some((chain, first))) if chain.len() > 1 => {
            format!("← {}", phrases.chain(&chain[1..], first, LONG))
        }
        ([], Some((_, first))) => phrases.first(first),
        ([], None) => String::new(),
    }
}

fn node_json(phrases: &Phrases<'_>, origins: &Origins, forecast: &Forecast) -> Value {
    let node = phrases.seen.graph.node(forecast.node);
    let reasons: Vec<Value> =
        phrases.sorted(&forecast.reasons).iter().map(|reason| phrases.reason_json(reason, None)).collect();
    let origin = origins.of(forecast.node);
    json!({
        "event": "plan-node",
        "node": node.name,
        "kind": node.kind(),
        "state": forecast.standing,
        "reasons": reasons,
        "awaits": phrases.names(&forecast.awaits),
        "chain": origin.map(|(chain, first)| phrases.chain_json(&chain, first)),
        "fault": forecast.fault,
        "seconds": seconds(forecast.estimate),
        "basis": forecast.basis,
    })
}

fn expected_row(node: &Expected, paint: Paint) -> Vec<String> {
    let why = format!("expected from {}, as last time", node.maker);
    let word = Standing::Waiting.as_str().to_owned();
    let time = format!("~{}", spell(node.cost.unwrap_or_default()));
    vec![word, node.name.clone(), paint.dim(&node.kind), time, why]
}

fn expected_json(node: &Expected) -> Value {
    json!({
        "event": "plan-expected",
        "node": node.name,
        "kind": node.kind,
        "state": Standing::Waiting,
        "from": node.maker,
        "seconds": seconds(node.cost.unwrap_or_default()),
        "basis": "last-expansion",
    })
}
