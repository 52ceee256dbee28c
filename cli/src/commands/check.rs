//! `reel check`: every error of the project, nothing run.

use reel_engine::diagnostic::Diagnostics;
use reel_engine::span::{SourceId, Sources};
use reel_engine::spec::parse_yaml;
use serde_json::json;

use super::names::warn;
use crate::args::Check;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy};
use crate::ui::{count, print_json, print_line};

pub(super) fn run(call: &Invocation, args: &Check) -> Result<Exit, CommandError> {
    let loaded = call.load(&args.reading, Policy { exec: args.allow_exec, ..Policy::default() })?;
    let project = &loaded.project;
    warn(call, project);
    let (scenes, nodes, outputs) = (scenes(&project.sources), project.graph.len(), project.outputs.len());
    if call.global.json {
        let warnings = project.warnings.len();
        let line = json!({ "event": "ok", "scenes": scenes, "nodes": nodes, "outputs": outputs, "warnings": warnings });
        print_json(&line);
    } else if !call.global.quiet {
        let parts = [(scenes, "scene"), (nodes, "node"), (outputs, "output")];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, word)| *number > 0 || *word == "output" && nodes > 0)
            .map(|(number, word)| count(number, word))
            .collect();
        let rest = if parts.is_empty() { "nothing to make".to_owned() } else { parts.join(", ") };
        print_line(&format!("{}: {rest}", call.ui.out().good("ok")));
    }
    Ok(Exit::Done)
}

/// How many scenes the project's own file has.
fn scenes(sources: &Sources) -> usize {
    let id = SourceId::default();
    let file = sources.get(id);
    // It was read without a problem before.
    let tree = file.and_then(|file| parse_yaml(&file.text, id, &mut Diagnostics::default()));
    tree.and_then(|tree| Some(tree.get("scenes")?.items().len())).unwrap_or(0)
}
