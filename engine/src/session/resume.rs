//! A build that begins where the last one ended: what depends on changed sources is built again, the rest is taken
//! from the snapshot without being read, resolved or expanded. It writes no snapshot, only what changed of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::place::drive;
use super::{Equipment, LOCK_FILE, STATE_FOLDER, Summary, read_takes, roots, warn};
use crate::cache::{ActionResult, Cache, FileStates, Known, Roots};
use crate::claim::Capacity;
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::event::{Event, NodeInfo, Observer};
use crate::graph::{Feed, Graph, Node, Slot, each};
use crate::history::{History, Past};
use crate::id::NodeId;
use crate::operation::{Operation, Registry};
use crate::output::{Output, Whole};
use crate::read::EACH;
use crate::schedule::line::Line;
use crate::schedule::{Base, Build, Settings, Wanted};
use crate::snapshot::{Body, Changes, FeedDetail, KnownOutput, NodeDetail, Snapshot, View};
use crate::span::Span;

/// So many nodes are known at a time before they are in a graph.
const TOGETHER: usize = 4096;
/// So many are looked up at a time.
const AT_A_TIME: usize = 64;

/// The part of a project that is to be built again.
pub struct Resumption {
    pub(super) snapshot: Snapshot,
    pub(super) changes: Changes,
    /// Number in the snapshot, by node of `graph`.
    numbers: Vec<u32>,
    graph: Graph,
    /// Nodes that depend on what changed.
    cone: Vec<NodeId>,
    base: Base,
    pasts: Vec<(String, Past)>,
    outputs: Vec<Output>,
    /// All nodes of the snapshot.
    body: Body,
    /// Keys of all nodes that do not depend on what changed.
    keys: Vec<Digest>,
}

impl Resumption {
    /// Finds what depends on what changed. `None` when that cannot be built without the rest: the graph might
    /// become another one, or a result that is needed is gone.
    #[must_use]
    pub fn prepare(snapshot: Snapshot, changes: Changes, registry: &Registry, cache: &Cache) -> Option<Self> {
        let body = snapshot.body()?;
        let view = body.view()?;
        let cone = cone(view, &changes.sources.iter().map(|(file, _)| *file).collect())?;
        let wanted = wanted_outputs(&snapshot, &changes, &cone);
        let mut around: BTreeSet<u32> = wanted.iter().map(|output| output.node).collect();
        for number in &cone {
            around.extend(view.awaits(*number)?);
        }
        let mut part =
            Part { snapshot: &snapshot, view, registry, graph: Graph::default(), ids: BTreeMap::new() };
        let mut base = Base { done: BTreeMap::new(), besides: view.count() as usize };
        let all: Vec<u32> = cone.union(&around).copied().collect();
        base.besides -= all.len();
        let looks = cache.looks();
        // A film may be made of a hundred thousand texts, and of these all results are needed.
        for numbers in all.chunks(TOGETHER) {
            let found: Vec<_> =
                numbers.par_chunks(AT_A_TIME).map(|some| known(cache, view, &cone, some)).collect();
            let found = found.into_iter().collect::<Option<Vec<_>>>()?;
            for (number, (detail, done)) in numbers.iter().zip(found.into_iter().flatten()) {
                let id = part.add(*number, detail)?;
                base.done.extend(done.map(|done| (id, done)));
            }
        }
        drop(looks);
        for number in &cone {
            part.fill(*number)?;
        }
        let past = |number: &u32| Some((view.name(*number)?.to_owned(), view.done(*number)?.into()));
        let pasts = cone.iter().map(past).collect::<Option<Vec<_>>>()?;
        let outside = (0..view.count()).filter(|number| !cone.contains(number));
        let keys = outside.map(|number| Some(view.done(number)?.key.0)).collect::<Option<Vec<_>>>()?;
        let Part { graph, ids, .. } = part;
        let whole: Vec<Arc<Whole>> = snapshot.meta.series.iter().cloned().map(Arc::new).collect();
        let outputs = wanted.into_iter().map(|output| bound(output, &ids, &whole)).collect::<Option<_>>()?;
        let numbers = ids.keys().copied().collect();
        let cone = cone.iter().map(|number| ids[number]).collect();
        Some(Self { snapshot, changes, numbers, graph, cone, base, pasts, outputs, body, keys })
    }

    /// How long nodes took before, by name.
    pub fn costs(&self) -> impl Iterator<Item = (&str, Duration)> {
        let costs = self.pasts.iter().filter(|(_, past)| past.cost_micros > 0);
        costs.map(|(name, past)| (name.as_str(), Duration::from_micros(past.cost_micros)))
    }

    /// Whether something that is to be built asks for a GPU.
    #[must_use]
    pub fn asks_for_gpus(&self) -> bool {
        self.cone.iter().any(|id| !self.graph.node(*id).claim.gpu.is_none())
    }

    /// Whether `capacity` can meet every claim of what is to be built.
    #[must_use]
    pub fn fits(&self, capacity: &Capacity) -> bool {
        self.cone.iter().all(|id| capacity.refuses(&self.graph.node(*id).claim).is_none())
    }

    /// Builds. `None` when a result of an earlier build is lost on the way: all of the project must be built.
    ///
    /// # Errors
    /// A problem when the lock file cannot be read; nothing ran then.
    pub fn build(
        self,
        root: &Path,
        equipment: &Equipment<'_>,
        settings: Settings,
        observer: &mut dyn Observer,
        line: &mut Line,
    ) -> Result<Option<Summary>, Diagnostic> {
        let Self { snapshot, changes, numbers, graph, cone, base, pasts, outputs, body, mut keys } = self;
        let folder = root.join(STATE_FOLDER);
        let takes = read_takes(root)?;
        let files = FileStates::empty(&folder);
        seed(&snapshot, &changes, &graph, root, &files);
        let Some(mut history) = History::part(&folder, pasts) else { return Ok(None) };
        let targets: Vec<NodeId> =
            cone.iter().copied().chain(outputs.iter().map(|output| output.node)).collect();
        let wanted = Wanted { graph, targets: &targets, takes, base };
        let means = equipment.means(root, &files);
        let mut build = Build::new(means, settings, wanted, &mut history, observer, line);
        build.begin();
        for (node, saved) in besides(&body, &numbers, build.graph().len(), equipment.registry) {
            build.observer().observe(&Event::DidHit { node, fresh: true, shared: false, saved });
        }
        drop(body);
        let mut summary = drive(&mut build, equipment.cache, &files, root, &outputs);
        if build.has_lost_its_base() {
            return Ok(None);
        }
        let ended: Vec<(u32, String)> =
            build.keys().map(|(id, _)| (numbers[id.index()], build.graph().node(id).name.clone())).collect();
        keys.extend(build.keys().map(|(_, key)| key.0));
        let saved = build.takes().save();
        warn(build.observer(), LOCK_FILE, saved);
        drop(build);
        if summary.is_success() && !files.wavered() {
            let brief = |(number, name): &(u32, String)| Some((*number, history.past(name)?.brief()));
            let nodes: Vec<_> = ended.iter().filter_map(brief).collect();
            let seen = seen_again(&snapshot, &changes, &outputs, root, &files);
            warn(observer, "the state of the project", snapshot.note(&seen, &nodes));
        }
        let left =
            Roots { folder: root.to_owned(), part: snapshot.meta.part, keys, complete: summary.is_success() };
        roots::register(equipment.cache, &folder, left, observer);
        warn(observer, "the project's history", history.save());
        equipment.end(observer);
        let placed = std::mem::take(&mut summary.outputs);
        summary.outputs = all_outputs(root, &snapshot, placed, &summary.missing);
        Ok(Some(summary))
    }
}

/// Every node that depends on changed files; `None` when one of them may make more graph.
fn cone(view: View<'_>, dirty: &BTreeSet<u32>) -> Option<BTreeSet<u32>> {
    let count = view.count();
    // Who awaits whom, turned around: the dependents of `n` are `list[starts[n]..starts[n + 1]]`.
    let mut starts = vec![0u32; count as usize + 1];
    for number in 0..count {
        for from in view.awaits(number)? {
            *starts.get_mut(from as usize + 1)? += 1;
        }
    }
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let mut next = starts.clone();
    let mut list = vec![0u32; *starts.last()? as usize];
    let mut open = Vec::new();
    for number in 0..count {
        for from in view.awaits(number)? {
            let place = &mut next[from as usize];
            list[*place as usize] = number;
            *place += 1;
        }
        if view.uses(number)?.any(|file| dirty.contains(&file)) {
            open.push(number);
        }
    }
    let mut cone = BTreeSet::new();
    while let Some(number) = open.pop() {
        if cone.insert(number) {
            if view.expands(number) {
                return None;
            }
            let range = starts[number as usize] as usize..starts[number as usize + 1] as usize;
            open.extend(&list[range]);
        }
    }
    Some(cone)
}

fn wanted_outputs(snapshot: &Snapshot, changes: &Changes, cone: &BTreeSet<u32>) -> Vec<KnownOutput> {
    let is_wanted = |output: &&KnownOutput| {
        let mut nodes = std::iter::once(&output.node).chain(&output.needs);
        changes.outputs.contains(&output.record) || nodes.any(|node| cone.contains(node))
    };
    snapshot.meta.outputs.iter().filter(is_wanted).cloned().collect()
}

fn bound(output: KnownOutput, ids: &BTreeMap<u32, NodeId>, series: &[Arc<Whole>]) -> Option<Output> {
    let KnownOutput { name, file, node, port, needs, of, .. } = output;
    let of = match of {
        Some(index) => Some(Arc::clone(series.get(index as usize)?)),
        None => None,
    };
    // What is not built again has succeeded.
    let needs = needs.iter().filter_map(|node| ids.get(node).copied()).collect();
    Some(Output { name, file, node: ids[&node], port, series: None, of, needs, span: Span::default() })
}

/// What is to be known of nodes: all of one that is built again, and of another one its result, whose bytes are all
/// there.
fn known(cache: &Cache, view: View<'_>, cone: &BTreeSet<u32>, numbers: &[u32]) -> Option<Vec<Found>> {
    let outside = numbers.iter().filter(|number| !cone.contains(number));
    let keys = outside.map(|number| Some(view.done(*number)?.key.0)).collect::<Option<Vec<_>>>()?;
    let mut results = cache.results(&keys).into_iter();
    let known = |number: &u32| {
        if cone.contains(number) {
            return Some((view.detail(*number)?, None));
        }
        let result = results.next()?.filter(|result| cache.has_bytes(result))?;
        Some((view.brief_detail(*number)?, Some(Arc::new(result))))
    };
    numbers.iter().map(known).collect()
}

/// What a node is made of, and its result.
type Found = (NodeDetail<'static>, Option<Arc<ActionResult>>);

/// A graph in the making, of some nodes of a snapshot.
struct Part<'p> {
    snapshot: &'p Snapshot,
    view: View<'p>,
    registry: &'p Registry,
    graph: Graph,
    ids: BTreeMap<u32, NodeId>,
}

impl Part<'_> {
    /// Adds a node without its inputs.
    fn add(&mut self, number: u32, detail: NodeDetail<'_>) -> Option<NodeId> {
        let id = self.graph.add(Node {
            name: self.view.name(number)?.to_owned(),
            operation: operation(self.registry, &detail.uses)?,
            params: Arc::new(detail.params.into_owned()),
            ports: detail.ports.into_owned(),
            slots: Vec::new(),
            after: Vec::new(),
            claim: detail.claim.into_owned(),
            tools: detail.tools.into_owned(),
            take: detail.take.map(Cow::into_owned),
            timeout: detail.timeout,
            span: Span::default(),
            maker: None,
            spliced: BTreeMap::new(),
        });
        self.ids.insert(number, id);
        Some(id)
    }

    /// Gives a node its inputs.
    fn fill(&mut self, number: u32) -> Option<()> {
        let detail = self.view.detail(number)?;
        let mut slots = Vec::with_capacity(detail.slots.len());
        for slot in detail.slots {
            let feeds = slot.feeds.into_iter().map(|feed| self.feed(feed)).collect::<Option<_>>()?;
            slots.push(Slot { name: slot.name.into_owned(), feeds, through: false });
        }
        let after = self.view.awaits(number)?.map(|from| self.ids.get(&from).copied());
        let after = after.collect::<Option<Vec<_>>>()?;
        let node = self.graph.node_mut(self.ids[&number]);
        node.slots = slots;
        node.after = after;
        Some(())
    }

    fn feed(&mut self, feed: FeedDetail<'_>) -> Option<Feed> {
        Some(match feed {
            FeedDetail::Port(from, port) => Feed::Port(*self.ids.get(&from)?, port),
            FeedDetail::File(file, shown) => {
                Feed::File(self.graph.add_file(self.snapshot.file(file)?.to_owned(), &shown))
            }
            FeedDetail::Literal(text) => Feed::Literal((*text).into()),
        })
    }
}

/// The code behind a kind. One that may make more graph is not run here, so a `foreach`, which is in no registry,
/// needs none of what it was declared with.
fn operation(registry: &Registry, kind: &str) -> Option<Arc<dyn Operation>> {
    if kind == EACH { Some(each::spent()) } else { registry.get(kind).cloned() }
}

/// All nodes but those of these numbers, and what they took when they ran. Their ids begin where those of the graph end.
fn besides(body: &Body, numbers: &[u32], first: usize, registry: &Registry) -> Vec<(NodeInfo, Duration)> {
    let Some(view) = body.view() else { return Vec::new() };
    let inside: BTreeSet<u32> = numbers.iter().copied().collect();
    let outside: Vec<u32> = (0..view.count()).filter(|number| !inside.contains(number)).collect();
    let info = |(index, number): (usize, &u32)| {
        let kind = operation(registry, &view.kind(*number)?)?.info().name;
        let saved = Duration::from_micros(view.done(*number)?.cost_micros);
        let name = view.name(*number)?.to_owned();
        Some((NodeInfo { id: NodeId::of(first + index), name, kind }, saved))
    };
    outside.par_iter().enumerate().filter_map(info).collect()
}

/// Tells what is known of the files that will be asked for.
fn seed(snapshot: &Snapshot, changes: &Changes, graph: &Graph, root: &Path, files: &FileStates) {
    let used: BTreeSet<&Path> = graph.files().iter().map(|file| file.path.as_path()).collect();
    for (path, known) in snapshot.sources().filter(|(path, _)| used.contains(path)) {
        files.seed(path, known);
    }
    for output in &snapshot.meta.outputs {
        if let Some(known) = snapshot.file_known(output.record) {
            files.seed(&root.join(&output.file), known);
        }
    }
    for (index, known) in changes.sources.iter().chain(&changes.restated) {
        if let Some(path) = snapshot.file(*index) {
            files.seed(path, *known);
        }
    }
}

/// Files that are not what the snapshot knows.
fn seen_again(
    snapshot: &Snapshot,
    changes: &Changes,
    outputs: &[Output],
    root: &Path,
    files: &FileStates,
) -> Vec<(u32, Known)> {
    let mut seen: Vec<(u32, Known)> = changes.restated.clone();
    for (index, _) in &changes.sources {
        seen.extend(snapshot.file(*index).and_then(|path| Some((*index, files.known(path)?))));
    }
    let known = snapshot.meta.outputs.iter().map(|known| (known.name.as_str(), known.record));
    let records: BTreeMap<&str, u32> = known.collect();
    for output in outputs {
        let known = files.known(&root.join(&output.file));
        seen.extend(records.get(output.name.as_str()).and_then(|record| Some((*record, known?))));
    }
    seen
}

/// Outputs that stand at their places, in the order written: those that were placed now, and those that were there.
fn all_outputs(
    root: &Path,
    snapshot: &Snapshot,
    placed: Vec<(String, PathBuf)>,
    missing: &[String],
) -> Vec<(String, PathBuf)> {
    let mut placed: BTreeMap<String, PathBuf> = placed.into_iter().collect();
    let all = snapshot.outputs().filter(|(name, _)| !missing.iter().any(|missing| missing == name));
    all.map(|(name, file)| (name.to_owned(), placed.remove(name).unwrap_or_else(|| root.join(file))))
        .collect()
}
