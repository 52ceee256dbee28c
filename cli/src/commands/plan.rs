//! `reel plan`: what a build would run and why, without running it.

mod outlook;

use reel_engine::schedule::foresee::{Forecast, Foresight, Standing};
use serde_json::{Value, json};

use super::build::capacity;
use super::names::{brief, foresee, texts, warn};
use crate::args::Plan;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::report::summary::seconds;
use crate::texts::Texts;
use crate::ui::{Paint, print, print_json, print_line, spell, table};
use outlook::{Expected, Outlook, would_run};

pub(super) fn run(call: &Invocation, args: &Plan) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    warn(call, &loaded.project);
    let shop = Workshop::open(call, &loaded)?;
    let seen = foresee(&loaded, &shop, &args.targets)?;
    let cores = capacity(&loaded.project, None).cpu_milli / 1000;
    let outlook = Outlook::new(&seen, &loaded.project.history(), cores);
    if call.global.json {
        listed(&seen, args.all).for_each(|forecast| print_json(&node_json(&seen, forecast)));
        outlook.expected.iter().for_each(|node| print_json(&expected_json(&seen, node)));
        print_json(&outlook.json(&seen));
        return Ok(Exit::Done);
    }
    if !call.global.quiet {
        let (paint, texts) = (call.ui.out(), texts(&loaded.project));
        let known = listed(&seen, args.all).map(|forecast| row(&seen, forecast, &texts, paint));
        let rows: Vec<Vec<String>> =
            known.chain(outlook.expected.iter().map(|node| expected_row(&seen, node, paint))).collect();
        print(&table(&rows));
    }
    print_line(&outlook.text(&seen));
    Ok(Exit::Done)
}

fn listed(seen: &Foresight, all: bool) -> impl Iterator<Item = &Forecast> {
    let quiet = move |forecast: &&Forecast| all || !matches!(forecast.standing, Standing::Fresh);
    seen.forecasts.values().filter(quiet)
}

fn row(seen: &Foresight, forecast: &Forecast, texts: &Texts, paint: Paint) -> Vec<String> {
    let node = seen.graph.node(forecast.node);
    let word = forecast.standing.as_str();
    let word = match forecast.standing {
        Standing::Fresh | Standing::Cached => paint.good(word),
        Standing::New | Standing::Stale | Standing::Missing => paint.warn(word),
        Standing::Blocked => paint.bad(word),
        Standing::Waiting => word.to_owned(),
    };
    let runs = would_run(forecast.standing) != Some(false);
    let time = if runs { spell(forecast.estimate) } else { String::new() };
    vec![word, node.name.clone(), paint.dim(node.kind()), time, why(seen, forecast, texts)]
}

/// The first reason, and how many more there are.
fn why(seen: &Foresight, forecast: &Forecast, texts: &Texts) -> String {
    if let Some(fault) = &forecast.fault {
        return fault.clone();
    }
    let (first, number) = match forecast.standing {
        Standing::Waiting => {
            let names: Vec<&str> =
                forecast.awaits.iter().map(|id| seen.graph.node(*id).name.as_str()).collect();
            (names.first().map(|name| format!("awaits {name}")), names.len())
        }
        Standing::Missing => (Some("its result is gone from the cache".to_owned()), 1),
        _ => (forecast.reasons.first().map(|reason| brief(reason, texts)), forecast.reasons.len()),
    };
    match (first, number) {
        (None, _) => String::new(),
        (Some(first), 0 | 1) => first,
        (Some(first), more) => format!("{first}, and {} more", more - 1),
    }
}

fn node_json(seen: &Foresight, forecast: &Forecast) -> Value {
    let node = seen.graph.node(forecast.node);
    let awaits: Vec<&str> = forecast.awaits.iter().map(|id| seen.graph.node(*id).name.as_str()).collect();
    json!({
        "event": "plan-node",
        "node": node.name,
        "kind": node.kind(),
        "state": forecast.standing,
        "reasons": forecast.reasons,
        "awaits": awaits,
        "fault": forecast.fault,
        "seconds": seconds(forecast.estimate),
    })
}

fn expected_row(seen: &Foresight, node: &Expected, paint: Paint) -> Vec<String> {
    let why = format!("expected from {}, as last time", seen.graph.node(node.maker).name);
    let word = Standing::Waiting.as_str().to_owned();
    vec![word, node.name.clone(), paint.dim(&node.kind), spell(node.cost), why]
}

fn expected_json(seen: &Foresight, node: &Expected) -> Value {
    json!({
        "event": "plan-expected",
        "node": node.name,
        "kind": node.kind,
        "state": Standing::Waiting,
        "from": seen.graph.node(node.maker).name,
        "seconds": seconds(node.cost),
    })
}
