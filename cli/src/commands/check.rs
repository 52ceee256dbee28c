//! `reel check`: every error of the project, nothing run.

use reel_engine::graph::Graph;
use serde_json::json;

use super::names::warn;
use crate::args::Check;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy};
use crate::ui::{count, print_line};

pub(super) fn run(call: &Invocation, args: &Check) -> Result<Exit, CommandError> {
    let loaded = call.load(&args.reading, Policy { exec: args.allow_exec, ..Policy::default() })?;
    let project = &loaded.project;
    warn(call, project);
    let (scenes, nodes, outputs) = (scenes(&project.graph), project.graph.len(), project.outputs.len());
    if call.global.json {
        let warnings = project.warnings.len();
        let line = json!({ "event": "ok", "scenes": scenes, "nodes": nodes, "outputs": outputs, "warnings": warnings });
        print_line(&line.to_string());
    } else if !call.global.quiet {
        let parts = [(scenes, "scene"), (nodes, "node"), (outputs, "output")];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| count(number, word))
            .collect();
        let rest = if parts.is_empty() { "nothing to make".to_owned() } else { parts.join(", ") };
        print_line(&format!("{}: {rest}", call.ui.out().good("ok")));
    }
    Ok(Exit::Done)
}

/// How many scenes became nodes: what stands before the first dot of a made node's name, without its format.
fn scenes(graph: &Graph) -> usize {
    let mut names: Vec<&str> = graph
        .nodes()
        .filter_map(|(_, node)| node.name.rsplit('/').next()?.split_once('.').map(|(scene, _)| scene))
        .filter(|scene| *scene != "film")
        .collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}
