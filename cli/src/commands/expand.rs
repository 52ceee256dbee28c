//! `reel expand`: the nodes that scenes became, as YAML that a project could hold under `nodes:`.

mod made;
mod yaml;

use reel_engine::spec::NodeDecl;
use serde_json::{Value, json};

use super::names::meant;
use crate::args::Expand;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Loaded, Workshop};
use crate::ui::{print, print_json};

pub(super) fn run(call: &Invocation, args: &Expand) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    let project = &loaded.project;
    let (mut wanted, mut made) = (Vec::new(), Vec::new());
    for name in &args.names {
        let known = !project.graph.group(name).is_empty() || !project.outputs_called(name).is_empty();
        if !known {
            let of_builds = made_by_builds(call, &loaded, name)?;
            if !of_builds.is_empty() {
                made.extend(of_builds);
                continue;
            }
        }
        let (nodes, note) = meant(project, &project.graph, name)?;
        if let Some(note) = note.filter(|_| !call.global.json) {
            print(&format!("# {note}"));
        }
        wanted.extend(nodes);
    }
    let names: Vec<&str> = wanted.iter().map(|id| project.graph.node(*id).name.as_str()).collect();
    let chosen = project
        .nodes
        .iter()
        .map(AsRef::as_ref)
        .filter(|decl: &&NodeDecl| args.names.is_empty() || names.contains(&decl.name.value.as_str()))
        .chain(&made);
    if call.global.json {
        for decl in chosen {
            print_json(&declared(decl));
        }
    } else {
        print(&yaml::nodes(chosen));
    }
    Ok(Exit::Done)
}

/// What has this name of all that the last builds made of the project.
fn made_by_builds(call: &Invocation, loaded: &Loaded, name: &str) -> Result<Vec<NodeDecl>, CommandError> {
    let shop = Workshop::open(call, loaded)?;
    let history = loaded.project.history();
    let built = loaded.project.built(&loaded.registry, &shop.cache, &history);
    let group = built.graph.group(name);
    Ok(group.into_iter().map(|id| made::declaration(&built.graph, id)).collect())
}

fn declared(decl: &NodeDecl) -> Value {
    let needs: Vec<&str> = decl.needs.iter().map(|name| name.value.as_str()).collect();
    json!({
        "event": "node",
        "node": decl.name.value,
        "uses": decl.uses.value,
        "with": decl.with.to_json(),
        "needs": needs,
        "timeout-ms": decl.timeout,
    })
}
