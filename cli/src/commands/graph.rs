//! `reel graph`: the graph as text, with what is known of states and costs.

use reel_engine::graph::draw::{self, Mark, Marks};

use super::names::foresee;
use crate::args::{Graph, GraphFormat};
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::ui::print;

pub(super) fn run(call: &Invocation, args: &Graph) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    let shop = Workshop::open(call, &loaded)?;
    let seen = foresee(&loaded, &shop, &args.targets)?;
    let history = loaded.project.history();
    let marks: Marks = seen
        .forecasts
        .values()
        .map(|forecast| {
            let cost = history.cost(&seen.graph.node(forecast.node).name);
            (forecast.node, Mark { state: Some(forecast.standing.as_str()), cost })
        })
        .collect();
    let format = if call.global.json { GraphFormat::Json } else { args.format };
    print(&match format {
        GraphFormat::Dot => draw::dot(&seen.graph, &marks),
        GraphFormat::Mermaid => draw::mermaid(&seen.graph, &marks),
        GraphFormat::Json => format!("{}\n", draw::json(&seen.graph, &marks)),
    });
    Ok(Exit::Done)
}
