//! Films of a project as its last builds made them: what is where in them, for whoever asks of a moment. It prints
//! nothing.

use reel_engine::graph::Graph;
use reel_engine::id::NodeId;
use reel_engine::output::Output;
use reel_engine::session::{Built, Project};
use reel_nodes::moment::{Clock, Film, Stretch, Unknown};
use serde_json::{Value, json};

use crate::error::CommandError;

/// What is where in the film that a node joined; `name` is what it was asked by.
pub(super) fn film(
    project: &Project,
    built: &Built<'_>,
    node: NodeId,
    name: &str,
) -> Result<Film, CommandError> {
    let read = |id: NodeId, port: &str| built.read(id, port);
    Film::of(&built.graph, node, &read).map_err(|unknown| match unknown {
        Unknown::NotJoined => {
            let films: Vec<String> =
                films(project, &built.graph).map(|output| format!("`{}`", output.name)).collect();
            let help = match films.as_slice() {
                [] => "this project has no film".to_owned(),
                films => format!("moments are known of films: {}", films.join(", ")),
            };
            CommandError::usage(format!("`{name}` is not a film that was joined from segments"), help)
        }
        Unknown::Unmade(id) => {
            let missing = &built.graph.node(id).name;
            CommandError::usage(
                format!(
                    "`{name}` was not built yet: `{missing}` decides what is where in it, and has no result"
                ),
                format!("`reel build {name}` makes it"),
            )
        }
        Unknown::Unread(id, why) => {
            let strange = &built.graph.node(id).name;
            CommandError::failed(format!("cannot read what `{strange}` made: {why}"))
        }
    })
}

/// The outputs that are films.
pub(super) fn films<'a>(project: &'a Project, graph: &'a Graph) -> impl Iterator<Item = &'a Output> {
    project.outputs.iter().filter(move |output| graph.node(output.node).kind() == "mux")
}

/// A frame's time as on a clock.
pub(super) fn clock(film: &Film, frame: u64) -> String {
    Clock(film.micros(frame)).to_string()
}

/// Something in a film, for programs.
pub(super) fn stretch_json(film: &Film, graph: &Graph, stretch: &Stretch) -> Value {
    let nodes: Vec<&str> = stretch.nodes.iter().map(|id| graph.node(*id).name.as_str()).collect();
    json!({
        "role": stretch.role.as_str(),
        "scene": stretch.scene,
        "text": stretch.text,
        "from": stretch.start,
        "to": stretch.end,
        "from-seconds": seconds(film, stretch.start),
        "to-seconds": seconds(film, stretch.end),
        "nodes": nodes,
    })
}

/// When a frame begins, in seconds, for programs that show it.
pub(super) fn seconds(film: &Film, frame: u64) -> f64 {
    film.micros(frame) as f64 / 1e6
}
