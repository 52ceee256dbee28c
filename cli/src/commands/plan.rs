//! `reel plan`: what a build would run and why, without running it.

use std::time::Duration;

use reel_engine::id::NodeId;
use reel_engine::schedule::foresee::{Forecast, Foresight, Standing};
use serde_json::{Value, json};

use super::build::capacity;
use super::names::{brief, foresee, warn};
use crate::args::Plan;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::report::summary::seconds;
use crate::ui::{Paint, count, json_line, print, print_line, spell, table};

/// Nodes of the longest path that are shown.
const SHOWN: usize = 6;

pub(super) fn run(call: &Invocation, args: &Plan) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    warn(call, &loaded.project);
    let shop = Workshop::open(call, &loaded)?;
    let seen = foresee(&loaded, &shop, &args.targets)?;
    let outlook = Outlook::new(&seen, capacity(&loaded.project, None).cpu_milli / 1000);
    if call.global.json {
        print(&outlook.json(&seen, args.all));
        return Ok(Exit::Done);
    }
    if !call.global.quiet {
        let rows: Vec<Vec<String>> =
            listed(&seen, args.all).map(|forecast| row(&seen, forecast, call.ui.out())).collect();
        print(&table(&rows));
    }
    print_line(&outlook.text(&seen));
    Ok(Exit::Done)
}

/// Whether a build would run this node, may run it, or would not.
pub(super) const fn would_run(standing: Standing) -> Option<bool> {
    match standing {
        Standing::New | Standing::Stale | Standing::Missing => Some(true),
        Standing::Waiting => None,
        Standing::Fresh | Standing::Cached | Standing::Blocked => Some(false),
    }
}

fn listed(seen: &Foresight, all: bool) -> impl Iterator<Item = &Forecast> {
    let quiet = move |forecast: &&Forecast| all || !matches!(forecast.standing, Standing::Fresh);
    seen.forecasts.values().filter(quiet)
}

fn row(seen: &Foresight, forecast: &Forecast, paint: Paint) -> Vec<String> {
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
    vec![word, node.name.clone(), paint.dim(node.kind()), time, why(seen, forecast)]
}

/// The first reason, and how many more there are.
fn why(seen: &Foresight, forecast: &Forecast) -> String {
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
        _ => (forecast.reasons.first().map(brief), forecast.reasons.len()),
    };
    match (first, number) {
        (None, _) => String::new(),
        (Some(first), 0 | 1) => first,
        (Some(first), more) => format!("{first}, and {} more", more - 1),
    }
}

/// The whole in figures.
struct Outlook {
    planned: usize,
    will: usize,
    may: usize,
    /// Nodes that expand and whose expansion is not known.
    unknown: usize,
    work: Duration,
    path: Vec<NodeId>,
    path_time: Duration,
    total: Duration,
}

impl Outlook {
    fn new(seen: &Foresight, cores: u32) -> Self {
        let of =
            |wanted: Option<bool>| seen.forecasts.values().filter(move |f| would_run(f.standing) == wanted);
        let open = |id: &NodeId| seen.forecasts.get(id).is_some_and(|f| would_run(f.standing) != Some(false));
        let path: Vec<NodeId> = seen.plan.critical_path(&seen.graph).into_iter().filter(open).collect();
        let path_time = path.iter().map(|id| seen.plan.cost(*id)).sum();
        let work: Duration = of(Some(true)).chain(of(None)).map(|f| f.estimate).sum();
        let expands = |f: &&Forecast| seen.graph.node(f.node).operation.info().expands;
        Self {
            planned: seen.forecasts.len(),
            will: of(Some(true)).count(),
            may: of(None).count(),
            unknown: of(Some(true)).chain(of(None)).filter(expands).count(),
            work,
            path,
            path_time,
            total: (work / cores.max(1)).max(path_time),
        }
    }

    fn text(&self, seen: &Foresight) -> String {
        let known = self.planned - self.will - self.may;
        let head = format!(
            "planned {} = would run {} + may run {} + cached {known}",
            self.planned, self.will, self.may
        );
        if self.will + self.may == 0 {
            return format!("{head}: nothing to do");
        }
        let mut text = format!("about {}, {} of work", spell(self.total), spell(self.work));
        if self.unknown > 0 {
            text.push_str(&format!(
                "; {} will make more nodes, which are not counted",
                count(self.unknown, "node")
            ));
        }
        let names: Vec<&str> = self.path.iter().map(|id| seen.graph.node(*id).name.as_str()).collect();
        if !names.is_empty() {
            let shown = match names.len() {
                0..=SHOWN => names.join(" → "),
                more => format!(
                    "{} → … {} more … → {}",
                    names[..SHOWN - 2].join(" → "),
                    more - SHOWN + 1,
                    names[more - 1]
                ),
            };
            text.push_str(&format!("\nlongest path: {} through {shown}", spell(self.path_time)));
        }
        format!("{text}\n{head}")
    }

    fn json(&self, seen: &Foresight, all: bool) -> String {
        let mut out = String::new();
        for forecast in listed(seen, all) {
            out.push_str(&json_line(&node_json(seen, forecast)));
        }
        let path: Vec<&str> = self.path.iter().map(|id| seen.graph.node(*id).name.as_str()).collect();
        let last = json!({
            "event": "plan",
            "planned": self.planned,
            "would-run": self.will,
            "may-run": self.may,
            "cached": self.planned - self.will - self.may,
            "unexpanded": self.unknown,
            "seconds": seconds(self.total),
            "work-seconds": seconds(self.work),
            "critical-path": path,
            "critical-path-seconds": seconds(self.path_time),
        });
        out.push_str(&json_line(&last));
        out
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
