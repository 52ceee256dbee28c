//! What is known of a project after a build of it: the graph by what became of its nodes, outputs, first causes. It
//! builds nothing.

use reel_engine::explain::{Change, Explainer, First, Moment};
use reel_engine::graph::draw::{self, By, Mark, Marks, Picture};
use reel_engine::history::History;
use reel_engine::id::NodeId;
use reel_engine::output::Output;
use reel_engine::schedule::foresee::Foresight;
use reel_engine::session::Project;
use reel_nodes::media::length;

use super::super::names::{foresee, targets, texts};
use super::super::phrase::{Phrases, list};
use crate::args::Making;
use crate::error::CommandError;
use crate::open::{Invocation, Workshop};
use crate::report::markdown::{Page, Row, inline, verbatim};
use crate::report::roll::{Entries, Fate};
use crate::ui::count;

/// More nodes than this are drawn as groups, and more arrows than forges draw are not drawn.
const NODES: usize = 60;
const ARROWS: usize = 400;

/// What the page of a build is made of.
pub(super) fn page(call: &Invocation, making: &Making, entries: &Entries) -> Result<Page, CommandError> {
    let loaded = call.look(&making.reading)?;
    let project = &loaded.project;
    let (_, outputs) = targets(project, &making.targets)?;
    let shop = Workshop::open(call, &loaded)?;
    let seen = foresee(&loaded, &shop, &making.targets)?;
    let (history, texts) = (project.history(), texts(project, &seen));
    let phrases = Phrases { project, seen: &seen, texts: &texts };
    let explainer = Explainer::new(&seen, &history);
    let causes = causes(&seen, &explainer, entries);
    let changes: Vec<Change> = causes.iter().map(|(id, moment, _)| (*id, *moment)).collect();
    Ok(Page {
        project: project.name.clone(),
        outputs: outputs.iter().map(|output| row(project, &seen, output, entries)).collect(),
        effects: effects(&phrases, &explainer, &changes, &causes),
        changes: lines(&phrases, causes),
        graph: graph(project, &seen, &history, entries),
        problems: Vec::new(),
    })
}

type Cause = (NodeId, Moment, First);

/// Changes that come from no other node, of those that this build dealt with or could not deal with.
fn causes(seen: &Foresight, explainer: &Explainer<'_>, entries: &Entries) -> Vec<Cause> {
    let is_changed = |name: &str| {
        !matches!(entries.fate(name), None | Some(Fate::Skipped(_) | Fate::Found { fresh: true, .. }))
    };
    let nodes = seen.graph.nodes().filter(|(_, node)| is_changed(&node.name));
    let first = |id| explainer.first(id).map(|(moment, first)| (id, moment, first));
    nodes.filter_map(|(id, _)| first(id)).collect()
}

/// A line for each first cause, in the words of `reel why`; nodes that have the same are named together.
fn lines(phrases: &Phrases<'_>, causes: Vec<Cause>) -> Vec<String> {
    let mut alike: Vec<(First, Vec<NodeId>)> = Vec::new();
    for (id, _, first) in causes {
        match alike.iter_mut().find(|(other, _)| *other == first) {
            Some((_, nodes)) => nodes.push(id),
            None => alike.push((first, vec![id])),
        }
    }
    alike.iter().map(|(first, nodes)| line(phrases, first, nodes)).collect()
}

fn line(phrases: &Phrases<'_>, first: &First, nodes: &[NodeId]) -> String {
    let names = phrases.names(nodes);
    let all = || format!("{} ({})", count(nodes.len(), "node"), inline(&list(&names, false)));
    let reasons = match first {
        First::New => return format!("new: {}", all()),
        First::Gone => return format!("the result was gone from the cache: {}", all()),
        First::Blocked(why) => return format!("{}: {}", all(), inline(why)),
        First::Changed(reasons) => reasons,
    };
    let place = phrases.place(nodes[0]).map_or_else(String::new, |place| format!(" ({place})"));
    let what: Vec<String> =
        phrases.sorted(reasons).iter().map(|it| told(&phrases.change(it, false))).collect();
    let others = match &names[1..] {
        [] => String::new(),
        others => format!("; and the same in {}", inline(&list(others, false))),
    };
    format!("{}: {}{}{others}", verbatim(names[0]), what.join("; "), inline(&place))
}

/// A change in a line of Markdown; of one that is long, the beginning.
fn told(change: &str) -> String {
    const LONGEST: usize = 400;
    let cut: String = change.chars().take(LONGEST).collect();
    let more = if cut.len() < change.len() { "…" } else { "" };
    format!("{}{more}", inline(&cut))
}

fn effects(
    phrases: &Phrases<'_>,
    explainer: &Explainer<'_>,
    changes: &[Change],
    causes: &[Cause],
) -> Option<String> {
    let nodes: Vec<NodeId> = changes.iter().map(|(id, _)| *id).collect();
    // All that comes of new nodes is new; nobody wants to read their names twice.
    if causes.iter().all(|(_, _, first)| *first == First::New) {
        return None;
    }
    let web = explainer.web(&explainer.builds(changes));
    phrases.effects(&explainer.effects(&web, changes), &nodes, false)
}

fn row(project: &Project, seen: &Foresight, output: &Output, entries: &Entries) -> Row {
    let is_there = entries.end.iter().flat_map(|end| &end.outputs).any(|(name, _)| *name == output.name);
    let behind = seen.graph.behind(output.node, output.port);
    let maker = behind.first().map_or(output.node, |(id, _)| *id);
    let state = match entries.fate(&seen.graph.node(maker).name) {
        _ if !is_there => "not made",
        Some(Fate::Ran(_)) => "new",
        Some(Fate::Found { fresh: false, .. }) => "from the cache",
        _ => "as before",
    };
    let path = project.root.join(&output.file);
    let bytes = entries.placed.get(&output.name).copied().filter(|_| is_there);
    Row {
        name: output.name.clone(),
        file: output.file.clone(),
        bytes,
        lasts: bytes.and_then(|_| length::of_file(&path).ok().flatten()),
        state,
    }
}

/// The graph in Mermaid: nodes, or groups of them, so that it can be read and is drawn. `None` if no form is small
/// enough.
fn graph(project: &Project, seen: &Foresight, history: &History, entries: &Entries) -> Option<String> {
    let mark = |id: NodeId| {
        let name = &seen.graph.node(id).name;
        let fate = entries.fate(name);
        let cost = fate.map(Fate::took).filter(|took| !took.is_zero()).or_else(|| history.cost(name));
        Mark { state: fate.map(Fate::word), cost, ..Mark::default() }
    };
    let marks: Marks = seen.forecasts.keys().map(|id| (*id, mark(*id))).collect();
    let whole = Picture::new(Some(&project.name), &seen.graph, &marks);
    let fits = |picture: &Picture| picture.nodes.len() <= NODES && picture.edges.len() <= ARROWS;
    if fits(&whole) {
        return Some(draw::mermaid(&whole));
    }
    let forms = [By::Scene, By::Kind].map(|by| whole.clone().grouped(by));
    forms.iter().find(|picture| fits(picture)).map(draw::mermaid)
}
