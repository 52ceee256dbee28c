//! Names that users give, and what they mean; what several commands say alike.

use reel_engine::diagnostic::{Diagnostic, code};
use reel_engine::graph::Graph;
use reel_engine::id::NodeId;
use reel_engine::key::Reason;
use reel_engine::output::Output;
use reel_engine::schedule::foresee::{Expected, Foresight};
use reel_engine::session::{Project, STATE_FOLDER};

use crate::diagnostics;
use crate::error::CommandError;
use crate::open::{Invocation, Loaded, Workshop};
use crate::texts::{Shown, Texts};
use crate::ui::{print_error, print_json};

/// The nodes and outputs behind targets.
pub(super) fn targets(
    project: &Project,
    names: &[String],
) -> Result<(Vec<NodeId>, Vec<Output>), CommandError> {
    project.targets(names).map_err(|problems| CommandError::faulty(problems, project.sources.clone()))
}

/// What a build of `names` would do. Names may be those of nodes that only an expansion makes.
pub(super) fn foresee(loaded: &Loaded, shop: &Workshop, names: &[String]) -> Result<Foresight, CommandError> {
    let project = &loaded.project;
    let (nodes, _) = targets(project, names)?;
    Ok(project.foresee(&shop.equipment(&loaded.registry), &nodes, &project.later(names))?)
}

/// What a build of everything would do: every node of the project, and of every expansion that is known.
pub(super) fn foresee_all(loaded: &Loaded, shop: &Workshop) -> Result<Foresight, CommandError> {
    let all: Vec<NodeId> = loaded.project.graph.nodes().map(|(id, _)| id).collect();
    Ok(loaded.project.foresee(&shop.equipment(&loaded.registry), &all, &[])?)
}

/// What a name means.
pub(super) struct Meant<'a> {
    /// Nodes; of a node that is only expected, the one that makes it.
    pub(super) nodes: Vec<NodeId>,
    /// The output, if it was one's name or file.
    pub(super) output: Option<&'a Output>,
    /// The node that is not in the graph yet, if it was one's name.
    pub(super) expected: Option<&'a Expected>,
    /// A line that says what will make it, if only an expansion can, and that never did.
    pub(super) note: Option<String>,
}

/// The nodes that a name means: an output's, a node, all of a group, or, for one that only an expansion makes, the
/// node that will make it, with a line that says so.
pub(super) fn meant(
    project: &Project,
    graph: &Graph,
    name: &str,
) -> Result<(Vec<NodeId>, Option<String>), CommandError> {
    let mut outputs: Vec<NodeId> = Vec::new();
    for node in project.outputs_called(name).iter().flat_map(|output| output.nodes()) {
        // One node makes all the files of a stream.
        if !outputs.contains(&node) {
            outputs.push(node);
        }
    }
    if !outputs.is_empty() {
        return Ok((outputs, None));
    }
    let group = graph.group(name);
    if !group.is_empty() {
        return Ok((group, None));
    }
    match to_come(graph, name) {
        Some((makers, note)) => Ok((makers, Some(note))),
        None => Err(unknown(project, graph, name)),
    }
}

/// The nodes that may make what has this name, and a line that says so.
fn to_come(graph: &Graph, name: &str) -> Option<(Vec<NodeId>, String)> {
    let makers = graph.makers(name);
    let shown: Vec<String> = makers.iter().map(|id| format!("`{}`", graph.node(*id).name)).collect();
    let shown = shown.join(" or ");
    let note = format!("`{name}` is not there yet: {shown} will make it, or tell that there is none\n");
    (!makers.is_empty()).then_some((makers, note))
}

/// As [`meant`], with nodes that an expansion which would run made the last time, and outputs by any path to
/// their files.
pub(super) fn meant_or_expected<'a>(
    call: &Invocation,
    project: &'a Project,
    seen: &'a Foresight,
    name: &str,
) -> Result<Meant<'a>, CommandError> {
    let path = call.config.here.join(name);
    let path = path.canonicalize().unwrap_or(path);
    let is_meant = |output: &&Output| {
        output.name == name || output.file == name || project.root.join(&output.file) == path
    };
    if let Some(output) = project.outputs.iter().find(is_meant) {
        let nodes = output.nodes().collect();
        return Ok(Meant { nodes, output: Some(output), expected: None, note: None });
    }
    let mut nodes: Vec<NodeId> =
        project.outputs_called(name).iter().flat_map(|output| output.nodes()).collect();
    if nodes.is_empty() {
        nodes = seen.graph.group(name);
    }
    if !nodes.is_empty() {
        return Ok(Meant { nodes, output: None, expected: None, note: None });
    }
    let within = |node: &&Expected| node.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let exact = seen.expected.iter().find(|node| node.name == name);
    let mut maker = exact.or_else(|| seen.expected.iter().find(within));
    let expected = maker;
    while let Some(node) = maker {
        if let Some(id) = seen.graph.find(&node.maker) {
            return Ok(Meant { nodes: vec![id], output: None, expected, note: None });
        }
        maker = seen.expected.iter().find(|other| other.name == node.maker);
    }
    let (nodes, note) = to_come(&seen.graph, name).ok_or_else(|| unknown(project, &seen.graph, name))?;
    Ok(Meant { nodes, output: None, expected: None, note: Some(note) })
}

/// Nothing has this name.
pub(super) fn unknown(project: &Project, graph: &Graph, name: &str) -> CommandError {
    let outputs = project.outputs.iter().map(|output| output.name.as_str());
    let near = reel_engine::diagnostic::nearest(name, outputs).map(str::to_owned);
    let near = near.or_else(|| graph.nearest_target(name));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "`reel plan --all` lists nodes; those that an expansion makes are known after a build".to_owned()
        }
    };
    let message = format!("no output, node or group is called `{name}`");
    Diagnostic::general(code::UNKNOWN_NODE, message).help(help).into()
}

/// Says the warnings of a project.
pub(super) fn warn(call: &Invocation, project: &Project) {
    for problem in &project.warnings {
        if call.global.json {
            print_json(&diagnostics::json(problem, &project.sources));
        } else {
            print_error(&format!("{}\n", diagnostics::draw_one(problem, &project.sources, call.ui.err())));
        }
    }
}

/// The texts that changes of a project can be shown in, those of known expansions among them.
pub(super) fn texts(project: &Project, seen: &Foresight) -> Texts {
    Texts::read(&project.root.join(STATE_FOLDER), &seen.graph)
}

/// A change in one line; `shown` are the texts behind its digests.
pub(super) fn change_line(reason: &Reason, shown: Option<&Shown>) -> String {
    match shown {
        Some((Some(old), Some(new))) => format!("{}: {old} → {new}", reason.subject()),
        Some((None, Some(new))) => format!("{} is new: {new}", reason.subject()),
        Some((Some(old), None)) => format!("{} is gone: was {old}", reason.subject()),
        _ => reason.to_string(),
    }
}

/// A change in one line that fits a list.
pub(super) fn brief(reason: &Reason, texts: &Texts) -> String {
    const LONGEST: usize = 100;
    let shown = texts.shown(reason.old.as_deref(), reason.new.as_deref());
    let text = change_line(reason, shown.as_ref()).replace('\n', " ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut cut: String = text.chars().take(LONGEST - 1).collect();
    cut.push('…');
    cut
}
