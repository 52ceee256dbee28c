//! The front door: check, build, foresee. The only file that sees every stage; it knows no terminal.

mod roots;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use tracing::{debug_span, info_span};

use crate::cache::{Cache, FileStates};
use crate::claim::{Allowance, Capacity};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::event::{Event, Observer};
use crate::executor::Executor;
use crate::executor::toolbox::Toolbox;
use crate::graph::resolve::{find_port, resolve, unknown_node};
use crate::graph::{Feed, Graph};
use crate::history::History;
use crate::id::NodeId;
use crate::operation::{FrontGraph, FrontProject, Registry};
use crate::output::{self, Output, Placed};
use crate::plan::Plan;
use crate::read::{ReadOptions, read_spec};
use crate::schedule::foresee::{Foresight, foresee};
use crate::schedule::perform::Message;
use crate::schedule::state::Tally;
use crate::schedule::{Build, Means, Settings};
use crate::span::{Sources, Spanned};
use crate::spec::{NodeDecl, OutputDecl, Spec};
use crate::takes::Takes;

/// Name of the project file.
pub const PROJECT_FILE: &str = "reel.yaml";
/// Name of the lock file.
pub const LOCK_FILE: &str = "reel.lock";
/// Name of the folder for what is known of a project on this machine.
pub const STATE_FOLDER: &str = ".reel";

/// A project that was read, checked and resolved.
pub struct Project {
    /// Its folder.
    pub root: PathBuf,
    /// Its name.
    pub name: String,
    /// The graph before any expansion.
    pub graph: Graph,
    /// Every node as declared, by the user or by a front end.
    pub nodes: Vec<NodeDecl>,
    /// Outputs, in the order written.
    pub outputs: Vec<Output>,
    /// What it says of the machine's capacity.
    pub capacity: Allowance,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// Texts, for drawing messages.
    pub sources: Sources,
}

/// A project that cannot be built, with every reason.
#[derive(Debug)]
pub struct Faulty {
    /// What is wrong, in the order of the file.
    pub problems: Vec<Diagnostic>,
    /// Texts, for drawing messages.
    pub sources: Sources,
}

/// What a build works with beside the project.
pub struct Equipment<'a> {
    /// Kinds.
    pub registry: &'a Registry,
    /// The store.
    pub cache: &'a Cache,
    /// Who runs actions.
    pub executor: &'a dyn Executor,
    /// Identities of tools.
    pub toolbox: &'a Toolbox,
    /// Where actions may write.
    pub scratch: PathBuf,
}

/// How a build ended.
#[derive(Debug, Clone)]
pub struct Summary {
    /// How it adds up.
    pub tally: Tally,
    /// Outputs that stand at their place, by name.
    pub outputs: Vec<(String, PathBuf)>,
    /// Outputs that were asked for and are not there as they should be.
    pub missing: Vec<String>,
    /// Names that were asked for and that no node turned out to have.
    pub unknown: Vec<Diagnostic>,
    /// Whether somebody ended it early.
    pub interrupted: bool,
    /// Files that changed while actions read them.
    pub changed: Vec<String>,
}

impl Summary {
    /// Whether all that was asked for is there.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        let whole = self.missing.is_empty() && self.unknown.is_empty() && !self.interrupted;
        self.tally.failed == 0 && self.tally.skipped == 0 && whole
    }
}

/// The nearest folder with a project file, from `start` upwards.
#[must_use]
pub fn find_project(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()).map(Path::to_owned)
}

/// A way to end a build from another thread.
#[derive(Clone)]
pub struct Interrupter(Sender<Message>);

impl Interrupter {
    /// Asks the build to stop: what runs is cancelled, what finished is kept.
    pub fn interrupt(&self) {
        drop(self.0.send(Message::Interrupt));
    }
}

/// The two ends over which a build is reached.
pub fn channel() -> (Interrupter, (Sender<Message>, Receiver<Message>)) {
    let (sender, receiver) = mpsc::channel();
    (Interrupter(sender.clone()), (sender, receiver))
}

impl Project {
    /// Reads, checks and resolves the project in `root`.
    ///
    /// # Errors
    /// Every problem of its files, if one of them is an error.
    pub fn load(root: &Path, registry: &Registry, options: &ReadOptions<'_>) -> Result<Self, Faulty> {
        let mut sources = Sources::default();
        let mut problems = Diagnostics::default();
        let Some(spec) = read(root, registry, options, &mut sources, &mut problems) else {
            return Err(Faulty { problems: problems.sorted(), sources });
        };
        let bound: Vec<OutputDecl> = spec.outputs.iter().filter(|o| o.from.is_none()).cloned().collect();
        let span = info_span!("compile").entered();
        let front = compile(&spec, root, &bound, registry, &mut problems);
        let written = spec.nodes.iter().filter(|node| !node.uses.value.is_empty()).cloned();
        let nodes: Vec<NodeDecl> = written.chain(front.nodes).collect();
        drop(span);
        let graph = info_span!("resolve", nodes = nodes.len())
            .in_scope(|| resolve(nodes.clone(), registry, root, &mut problems));
        let mut bindings = front.bindings.into_iter();
        let outputs = spec
            .outputs
            .iter()
            .filter_map(|decl| {
                let from = match &decl.from {
                    Some(from) => Some(from.clone()),
                    None => bindings.next().flatten().map(|value| Spanned { value, span: decl.file.span }),
                };
                bind_output(&graph, decl, &from?, problems.has_errors(), &mut problems)
            })
            .collect();
        for decl in &spec.outputs {
            problems_of_place(root, decl, &graph, &front.read, &mut problems);
        }
        let name = spec.name.as_ref().map_or_else(|| folder_name(root), |name| name.value.clone());
        if problems.has_errors() {
            return Err(Faulty { problems: problems.sorted(), sources });
        }
        let warnings = problems.sorted();
        Ok(Self {
            root: root.to_owned(),
            name,
            graph,
            nodes,
            outputs,
            capacity: spec.capacity,
            warnings,
            sources,
        })
    }

    /// The nodes behind names of outputs, nodes or groups; without names, behind all outputs, or, where there are
    /// none, all nodes. What [`Self::later`] gives has none yet.
    ///
    /// # Errors
    /// A problem for each name that is none of these.
    pub fn targets(&self, names: &[String]) -> Result<(Vec<NodeId>, Vec<Output>), Vec<Diagnostic>> {
        if names.is_empty() {
            let nodes: Vec<NodeId> = if self.outputs.is_empty() {
                self.graph.nodes().map(|(id, _)| id).collect()
            } else {
                self.outputs.iter().map(|output| output.node).collect()
            };
            return Ok((nodes, self.outputs.clone()));
        }
        let (mut nodes, mut outputs, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let same = |output: &&Output| output.name == *name || output.file == *name;
            if let Some(output) = self.outputs.iter().find(same) {
                nodes.push(output.node);
                outputs.push(output.clone());
                continue;
            }
            let group = self.graph.group(name);
            if group.is_empty() && self.graph.makers(name).is_empty() {
                problems.push(self.unknown_target(name, &self.graph));
            }
            nodes.extend(group);
        }
        if problems.is_empty() { Ok((nodes, outputs)) } else { Err(problems) }
    }

    /// Those of `names` that only an expansion may answer.
    #[must_use]
    pub fn later(&self, names: &[String]) -> Vec<String> {
        let is_output =
            |name: &str| self.outputs.iter().any(|output| output.name == name || output.file == name);
        let is_open = |name: &&String| !is_output(name) && self.graph.group(name).is_empty();
        names.iter().filter(is_open).filter(|name| !self.graph.makers(name).is_empty()).cloned().collect()
    }

    fn unknown_target(&self, name: &str, graph: &Graph) -> Diagnostic {
        let outputs = self.outputs.iter().map(|output| output.name.as_str());
        let near = crate::diagnostic::nearest(name, outputs).map(str::to_owned);
        let near = near.or_else(|| graph.nearest_target(name));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`reel plan` lists outputs and nodes".to_owned(),
        };
        Diagnostic::general(code::UNKNOWN_NODE, format!("no output or node is called `{name}`")).help(help)
    }

    /// Every claim that `capacity` can never meet.
    #[must_use]
    pub fn refused_claims(&self, capacity: &Capacity) -> Vec<Diagnostic> {
        let refused = |node: &crate::graph::Node| {
            let refusal = capacity.refuses(&node.claim)?;
            let message = format!("`{}` asks for {}", node.name, refusal.why);
            let enough = format!(
                "ask for less under `resources:`, or allow more with `--capacity {}`; `reel devices` tells what there is, and why",
                refusal.enough
            );
            Some(Diagnostic::error(code::CLAIM, node.span, message).help(enough))
        };
        self.graph.nodes().filter_map(|(_, node)| refused(node)).collect()
    }

    fn state_folder(&self) -> std::io::Result<PathBuf> {
        let folder = self.root.join(STATE_FOLDER);
        if !folder.is_dir() {
            std::fs::create_dir_all(&folder)?;
            // So that nobody commits what is known of one machine.
            std::fs::write(folder.join(".gitignore"), "*\n")?;
        }
        Ok(folder)
    }

    /// What is known of the project's last builds.
    #[must_use]
    pub fn history(&self) -> History {
        History::read(&self.root.join(STATE_FOLDER))
    }

    /// The pins of the project.
    ///
    /// # Errors
    /// A problem when the lock file cannot be read.
    pub fn takes(&self) -> Result<Takes, Diagnostic> {
        Takes::read(&self.root.join(LOCK_FILE)).map_err(|error| {
            Diagnostic::general(code::LOCKED, format!("cannot read `{LOCK_FILE}`: {error}"))
                .help("take it from Git again, or delete it to pin everything anew")
        })
    }

    /// Builds nodes and places outputs.
    ///
    /// # Errors
    /// A problem when the lock file cannot be read; nothing ran then.
    pub fn build(
        &self,
        equipment: &Equipment<'_>,
        settings: Settings,
        (targets, outputs): (&[NodeId], &[Output]),
        observer: &mut dyn Observer,
        channel: (Sender<Message>, Receiver<Message>),
    ) -> Result<Summary, Diagnostic> {
        let _span = info_span!("build", project = %self.name, targets = targets.len()).entered();
        let takes = self.takes()?;
        let folder = self.state_folder();
        if let Err(error) = &folder {
            let message = format!("cannot write `{STATE_FOLDER}`: {error}; the next build forgets this one");
            observer.observe(&Event::DidWarn { message });
        }
        let files = FileStates::open(&self.root.join(STATE_FOLDER));
        files.digest_all(&self.wanted_files(targets));
        let mut history = debug_span!("history").in_scope(|| self.history());
        let mut build = Build::new(
            self.means(equipment, &files),
            settings,
            (self.graph.clone(), targets, takes),
            &mut history,
            observer,
            channel,
        );
        let mut summary = drive(&mut build, equipment.cache, &files, &self.root, outputs);
        summary.unknown =
            build.unknown().iter().map(|name| self.unknown_target(name, build.graph())).collect();
        let saved = build.takes().save();
        warn(build.observer(), "reel.lock", saved);
        if let Ok(folder) = &folder {
            let wanted = (targets, outputs);
            let done = roots::register(equipment.cache, self, folder, &build, wanted, summary.is_success());
            if let Err(error) = done {
                let message = format!("cannot note in the cache what this project needs: {error}");
                build.observer().observe(&Event::DidWarn { message });
            }
        }
        drop(build);
        if folder.is_ok() {
            warn(observer, "the project's history", history.save());
            warn(observer, "the states of files", files.save());
        }
        equipment.cache.sync();
        for warning in equipment.cache.take_warnings() {
            observer.observe(&Event::DidWarn { message: warning.message });
        }
        Ok(summary)
    }

    /// Runs nodes and leaves the project as it is: nothing is placed, pinned or noted.
    ///
    /// # Errors
    /// A problem when the lock file cannot be read; nothing ran then.
    pub fn rehearse(
        &self,
        equipment: &Equipment<'_>,
        settings: Settings,
        targets: &[NodeId],
        observer: &mut dyn Observer,
        channel: (Sender<Message>, Receiver<Message>),
    ) -> Result<Summary, Diagnostic> {
        let takes = self.takes()?;
        let files = FileStates::open(&self.root.join(STATE_FOLDER));
        let mut history = self.history();
        let graph = (self.graph.clone(), targets, takes);
        let means = self.means(equipment, &files);
        let mut build = Build::new(means, settings, graph, &mut history, observer, channel);
        Ok(drive(&mut build, equipment.cache, &files, &self.root, &[]))
    }

    /// What a build would do; `later` are names that only expansions may answer.
    ///
    /// # Errors
    /// A problem when the lock file cannot be read, or when a name is known to be of no node.
    pub fn foresee(
        &self,
        equipment: &Equipment<'_>,
        targets: &[NodeId],
        later: &[String],
    ) -> Result<Foresight, Diagnostic> {
        let files = FileStates::open(&self.root.join(STATE_FOLDER));
        files.digest_all(&self.wanted_files(targets));
        let takes = self.takes()?;
        let (means, graph) = (self.means(equipment, &files), self.graph.clone());
        let seen = foresee(&means, graph, (targets, later), &takes, &self.history());
        let unknown =
            seen.later.unknown(&seen.graph).next().map(|name| self.unknown_target(name, &seen.graph));
        unknown.map_or(Ok(seen), Err)
    }

    fn means<'a>(&'a self, equipment: &Equipment<'a>, files: &'a FileStates) -> Means<'a> {
        Means {
            registry: equipment.registry,
            root: &self.root,
            cache: equipment.cache,
            executor: equipment.executor,
            toolbox: equipment.toolbox,
            files,
            scratch: equipment.scratch.clone(),
        }
    }

    fn wanted_files(&self, targets: &[NodeId]) -> Vec<PathBuf> {
        let plan = Plan::new(&self.graph, targets, |_| Duration::ZERO);
        let mut files: Vec<PathBuf> = plan
            .nodes()
            .flat_map(|id| &self.graph.node(id).slots)
            .flat_map(|slot| &slot.feeds)
            .filter_map(|feed| match feed {
                Feed::File(file) => Some(self.graph.file(*file).path.clone()),
                _ => None,
            })
            .collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

fn read(
    root: &Path,
    registry: &Registry,
    options: &ReadOptions<'_>,
    sources: &mut Sources,
    problems: &mut Diagnostics,
) -> Option<Spec> {
    let _span = info_span!("read", folder = %root.display()).entered();
    let path = root.join(PROJECT_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let (spec, found) = read_spec(&text, Path::new(PROJECT_FILE), registry, options, sources);
            problems.extend(found);
            spec
        }
        Err(error) => {
            let message = format!("cannot read `{PROJECT_FILE}`: {error}");
            problems.push(Diagnostic::general(code::NO_PROJECT, message));
            None
        }
    }
}

fn compile(
    spec: &Spec,
    root: &Path,
    outputs: &[OutputDecl],
    registry: &Registry,
    problems: &mut Diagnostics,
) -> FrontGraph {
    let mut all = FrontGraph { bindings: vec![None; outputs.len()], ..FrontGraph::default() };
    for front_end in registry.front_ends() {
        let keys: Vec<&str> = front_end.sections().iter().map(|(key, _)| *key).collect();
        let sections: Vec<_> =
            spec.sections.iter().filter(|(key, _)| keys.contains(&key.as_str())).cloned().collect();
        if sections.is_empty() && outputs.is_empty() {
            continue;
        }
        let wrong = &spec.unread;
        let made = front_end.compile(&FrontProject { root, sections: &sections, wrong, outputs }, problems);
        all.nodes.extend(made.nodes);
        all.read.extend(made.read);
        for (slot, binding) in all.bindings.iter_mut().zip(made.bindings) {
            *slot = slot.take().or(binding);
        }
    }
    all
}

/// An output must not be written over what the project is made of.
fn problems_of_place(
    root: &Path,
    decl: &OutputDecl,
    graph: &Graph,
    read: &[PathBuf],
    problems: &mut Diagnostics,
) {
    let (file, name) = (Path::new(&decl.file.value), &decl.name.value);
    let path = root.join(file);
    let is_source =
        graph.files().iter().any(|source| source.path == path || Path::new(&source.shown) == file)
            || read.contains(&path);
    let is_own = file.starts_with(STATE_FOLDER) || [PROJECT_FILE, LOCK_FILE].map(Path::new).contains(&file);
    let why = match (is_source, is_own) {
        (true, _) => "a file that the project is made of",
        (false, true) => "a file of reel itself",
        (false, false) => return,
    };
    let message = format!("output `{name}` would be written over `{}`, {why}", decl.file.value);
    let problem = Diagnostic::error(code::OUTPUT_CLASH, decl.file.span, message);
    problems.push(problem.help("give the output a file of its own, such as one in `out/`"));
}

fn bind_output(
    graph: &Graph,
    decl: &OutputDecl,
    from: &Spanned<String>,
    faulty: bool,
    problems: &mut Diagnostics,
) -> Option<Output> {
    let inner = from.value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let Some((name, port)) = inner.and_then(|inner| inner.rsplit_once('.')) else {
        let message = format!("`{}` is not a reference", from.value);
        problems
            .push(Diagnostic::error(code::BAD_VALUE, from.span, message).help("write it as `${node.port}`"));
        return None;
    };
    let Some(node) = graph.find(name) else {
        // A node with problems of its own is not in the graph; those problems are reported already.
        if !faulty {
            problems.push(unknown_node(graph, name, from.span));
        }
        return None;
    };
    match find_port(graph, node, port, from.span) {
        Ok((index, found)) if !found.many => Some(Output {
            name: decl.name.value.clone(),
            file: decl.file.value.clone(),
            node,
            port: index,
            span: decl.name.span,
        }),
        Ok(_) => {
            let message = format!("`{name}.{port}` is a list, and an output is one file");
            problems.push(Diagnostic::error(code::PORT_TYPE, from.span, message));
            None
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// Runs the build and places outputs until nothing is lost any more.
fn drive(
    build: &mut Build<'_>,
    cache: &Cache,
    files: &FileStates,
    root: &Path,
    outputs: &[Output],
) -> Summary {
    let mut placed: Vec<Option<PathBuf>> = vec![None; outputs.len()];
    let mut failed: Vec<String> = Vec::new();
    loop {
        build.run();
        let mut lost = Vec::new();
        for (output, place) in outputs.iter().zip(&mut placed) {
            if place.is_some() || !build.state(output.node).is_done() || failed.contains(&output.name) {
                continue;
            }
            match publish(build, cache, files, root, output) {
                Ok(Placed::Lost) => lost.push(output.node),
                Ok(Placed::Unchanged(path) | Placed::Written(path)) => *place = Some(path),
                Err(message) => {
                    build.observer().observe(&Event::DidWarn { message });
                    failed.push(output.name.clone());
                }
            }
        }
        if lost.is_empty() || build.was_interrupted() {
            break;
        }
        for node in lost {
            build.make_again(node);
        }
    }
    let names = |found: bool| {
        outputs
            .iter()
            .zip(&placed)
            .filter(move |(_, place)| place.is_some() == found)
            .map(|(output, _)| output)
    };
    Summary {
        tally: build.tally(),
        outputs: outputs
            .iter()
            .zip(&placed)
            .filter_map(|(o, p)| Some((o.name.clone(), p.clone()?)))
            .collect(),
        missing: names(false).map(|output| output.name.clone()).collect(),
        unknown: Vec::new(),
        interrupted: build.was_interrupted(),
        changed: build.unsteady().iter().cloned().collect(),
    }
}

fn publish(
    build: &mut Build<'_>,
    cache: &Cache,
    files: &FileStates,
    root: &Path,
    output: &Output,
) -> Result<Placed, String> {
    let behind = build.graph().behind(output.node, output.port);
    let (node, port) = behind.first().copied().unwrap_or((output.node, output.port));
    let Some(stored) = build.results().artifact(build.graph(), node, port).cloned() else {
        return Err(format!("output `{}` has no artifact", output.name));
    };
    let placed = output::place(cache, files, root, &output.file, &stored)
        .map_err(|error| format!("cannot write output `{}` to `{}`: {error}", output.name, output.file))?;
    if let Placed::Unchanged(path) | Placed::Written(path) = &placed {
        let written = matches!(placed, Placed::Written(_));
        let bytes = stored.artifact.size;
        let event = Event::DidPublish { name: output.name.clone(), path: path.clone(), written, bytes };
        build.observer().observe(&event);
    }
    Ok(placed)
}

fn warn(observer: &mut dyn Observer, what: &str, saved: std::io::Result<()>) {
    if let Err(error) = saved {
        observer.observe(&Event::DidWarn { message: format!("cannot save {what}: {error}") });
    }
}

fn folder_name(root: &Path) -> String {
    root.file_name().map_or_else(|| "film".to_owned(), |name| name.to_string_lossy().into_owned())
}
