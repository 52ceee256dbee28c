//! The front door: check, build, foresee. The only file that sees every stage; it knows no terminal.

mod built;
mod depends;
mod fronts;
mod load;
mod place;
mod recall;
mod resume;
mod roots;
mod targets;
mod verify;
mod written;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug_span, info_span};

use crate::cache::{Cache, FileStates, Roots};
use crate::claim::{Allowance, Capacity, Claim};
use crate::diagnostic::{Diagnostic, code};
use crate::digest::Digest;
use crate::event::{Event, Observer};
use crate::executor::Executor;
use crate::executor::toolbox::Toolbox;
use crate::graph::resolve::{override_claim, resolve};
use crate::graph::{Feed, Graph};
use crate::history::History;
use crate::id::NodeId;
use crate::operation::{Registry, Surroundings};
use crate::output::Output;
use crate::plan::Plan;
use crate::read::{ReadOptions, Reading, read_project};
use crate::schedule::foresee::{Foresight, foresee};
use crate::schedule::line::Line;
use crate::schedule::state::Tally;
use crate::schedule::{Base, Build, Ended, Means, Settings, Wanted};
use crate::snapshot::{self, Draft, Snapshot};
use crate::span::Sources;
use crate::spec::NodeDecl;
use crate::takes::Takes;
use fronts::Declared;

pub use crate::schedule::line::{Interrupter, channel};
pub use built::Built;
pub use depends::{Counts, Dependency};
use load::{bind_output, folder_name, in_manner, problems_of_places, read_takes};
use place::drive;
pub use recall::Recall;
pub use resume::Resumption;
use roots::warn;
pub use verify::{Difference, Verified};

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
    /// The word for how everything is made, if that is not what the project says.
    pub manner: Option<&'static str>,
    /// The graph before any expansion.
    pub graph: Graph,
    /// Every node as declared, by the user or by a front end.
    pub nodes: Vec<Arc<NodeDecl>>,
    /// Outputs, in the order written.
    pub outputs: Vec<Output>,
    /// What it says of the machine's capacity.
    pub capacity: Allowance,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// Texts, for drawing messages.
    pub sources: Sources,
    /// Every file that was read to make this, the project file first; a change in one makes it anew.
    pub spec_files: Vec<PathBuf>,
}

/// A project that cannot be built, with every reason.
#[derive(Debug)]
pub struct Faulty {
    /// What is wrong, in the order of the file.
    pub problems: Vec<Diagnostic>,
    /// Texts, for drawing messages.
    pub sources: Sources,
    /// Every file that was read so far.
    pub spec_files: Vec<PathBuf>,
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
    /// How to find what this build leaves, if it is to leave anything.
    pub snapshot: Option<Recall>,
}

impl Equipment<'_> {
    fn means<'m>(&'m self, root: &'m Path, files: &'m FileStates) -> Means<'m> {
        Means {
            registry: self.registry,
            root,
            cache: self.cache,
            executor: self.executor,
            toolbox: self.toolbox,
            files,
            scratch: self.scratch.clone(),
        }
    }

    /// The end of a build: what was recorded is made durable, and what went wrong with the store is told.
    fn end(&self, observer: &mut dyn Observer) {
        self.cache.sync();
        for warning in self.cache.take_warnings() {
            observer.observe(&Event::DidWarn { message: warning.message });
        }
    }
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
    /// Whether it ended so that another build takes its place; what ran goes on.
    pub superseded: bool,
    /// Files that nodes read which expansions made.
    pub files: Vec<PathBuf>,
    /// Texts that stand in nodes which expansions made: keys and manifests hold only their digests.
    pub texts: Vec<Arc<str>>,
    /// Files that changed while actions read them.
    pub changed: Vec<String>,
}

impl Summary {
    /// What a build tells that found a snapshot unchanged.
    #[must_use]
    pub fn unchanged(root: &Path, snapshot: &Snapshot) -> Self {
        let outputs = snapshot.outputs().map(|(name, file)| (name.to_owned(), root.join(file))).collect();
        let tally = Tally { planned: snapshot.nodes(), cached: snapshot.nodes(), ..Tally::default() };
        Self {
            tally,
            outputs,
            missing: Vec::new(),
            interrupted: false,
            superseded: false,
            files: Vec::new(),
            texts: Vec::new(),
            changed: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Whether all that was asked for is there.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        let whole = self.missing.is_empty() && self.unknown.is_empty() && !self.interrupted;
        self.tally.failed == 0 && self.tally.skipped == 0 && whole && !self.superseded
    }
}

/// The nearest folder with a project file, from `start` upwards.
#[must_use]
pub fn find_project(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()).map(Path::to_owned)
}

/// Makes the folder for what is known of the project in `root` on this machine, if it is not there.
///
/// # Errors
/// When the project's folder cannot be written.
pub fn make_state_folder(root: &Path) -> std::io::Result<PathBuf> {
    let folder = root.join(STATE_FOLDER);
    if !folder.is_dir() {
        std::fs::create_dir_all(&folder)?;
        // So that nobody commits what is known of one machine.
        std::fs::write(folder.join(".gitignore"), "*\n")?;
    }
    Ok(folder)
}

impl Project {
    /// Reads, checks and resolves the project in `root`.
    ///
    /// # Errors
    /// Every problem of its files, if one of them is an error.
    pub fn load(root: &Path, registry: &Registry, options: &ReadOptions<'_>) -> Result<Self, Faulty> {
        let mut sources = Sources::default();
        let asked = RefCell::new(BTreeMap::new());
        let env = |name: &str| {
            let value = (options.env)(name);
            asked.borrow_mut().insert(name.to_owned(), value.clone());
            value
        };
        let options = &ReadOptions { env: &env, ..*options };
        let Reading { spec, files: mut spec_files, mut problems } =
            info_span!("read", folder = %root.display())
                .in_scope(|| read_project(root, PROJECT_FILE, registry, options, &mut sources));
        let Some(mut spec) = spec else {
            return Err(Faulty { problems: problems.sorted(), sources, spec_files });
        };
        let Declared { nodes, outputs: mut declared, surroundings } =
            info_span!("compile").in_scope(|| fronts::compile(&mut spec, root, registry, &mut problems));
        let nodes: Vec<Arc<NodeDecl>> = nodes.into_iter().map(Arc::new).collect();
        let manner = registry.front_ends().find_map(|front_end| front_end.manner());
        if let Some(manner) = manner {
            declared.iter_mut().for_each(|decl| decl.file.value = in_manner(&decl.file.value, manner));
        }
        let mut graph = info_span!("resolve", nodes = nodes.len())
            .in_scope(|| resolve(nodes.clone(), registry, root, &mut problems));
        let outputs = declared
            .iter()
            .filter_map(|decl| {
                bind_output(&graph, decl, decl.from.as_ref()?, problems.has_errors(), &mut problems)
            })
            .collect();
        spec_files.extend(surroundings.looked_into.iter().cloned());
        let parsed: BTreeSet<PathBuf> = sources.files().map(|source| root.join(&source.path)).collect();
        let looked_into = spec_files.iter().filter(|file| !parsed.contains(*file)).cloned().collect();
        let env = asked.take().into_iter().chain(surroundings.env).collect();
        graph.depends_on(Surroundings { looked_into, env, places: surroundings.places });
        problems_of_places(root, &declared, &graph, &spec_files, &mut problems);
        let name = spec.name.as_ref().map_or_else(|| folder_name(root), |name| name.value.clone());
        if problems.has_errors() {
            let problems = problems.told_once(!spec.instances.is_empty());
            return Err(Faulty { problems, sources, spec_files });
        }
        let warnings = problems.sorted();
        let (root, capacity) = (root.to_owned(), spec.capacity);
        Ok(Self { root, name, manner, graph, nodes, outputs, capacity, warnings, sources, spec_files })
    }

    /// Every claim that `capacity` can never meet.
    #[must_use]
    pub fn refused_claims(&self, capacity: &Capacity) -> Vec<Diagnostic> {
        let refused = |node: &crate::graph::Node| {
            // Of nodes that an expansion will make is known what the project says of all of them.
            let asked = node.operation.template().and_then(|template| template.resources.as_ref());
            let later = asked.map(|asked| override_claim(Claim::cores(0, 0), Some(asked)));
            let refusal = later.iter().chain([&node.claim]).find_map(|claim| capacity.refuses(claim))?;
            let message = format!("`{}` asks for {}", node.name, refusal.why);
            let enough = format!(
                "ask for less under `resources:`, or allow more with `--capacity {}`; `reel devices` tells what there is, and why",
                refusal.enough
            );
            Some(Diagnostic::error(code::CLAIM, node.span, message).help(enough))
        };
        self.graph.nodes().filter_map(|(_, node)| refused(node)).collect()
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
        read_takes(&self.root)
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
        line: &mut Line,
    ) -> Result<Summary, Diagnostic> {
        let _span = info_span!("build", project = %self.name, targets = targets.len()).entered();
        let takes = self.takes()?;
        let folder = make_state_folder(&self.root);
        if let Err(error) = &folder {
            let message = format!("cannot write `{STATE_FOLDER}`: {error}; the next build forgets this one");
            observer.observe(&Event::DidWarn { message });
        }
        let files = FileStates::open(&self.root.join(STATE_FOLDER));
        files.digest_all(&self.wanted_files(targets));
        let mut history = debug_span!("history").in_scope(|| self.history());
        if history.is_damaged() {
            let message = format!(
                "`{STATE_FOLDER}/history` is damaged or of another version of reel, and is begun anew behind what can be \
                 read: reasons and times of earlier builds are forgotten"
            );
            observer.observe(&Event::DidWarn { message });
        }
        let wanted = Wanted { graph: self.graph.clone(), targets, takes, base: Base::default() };
        let means = equipment.means(&self.root, &files);
        let mut build = Build::new(means, settings, wanted, &mut history, observer, line);
        let mut summary = drive(&mut build, equipment.cache, &files, &self.root, outputs);
        summary.unknown =
            build.unknown().iter().map(|name| self.unknown_target(name, build.graph())).collect();
        let saved = build.takes().save();
        warn(build.observer(), LOCK_FILE, saved);
        let mut ended = build.into_ended();
        let more = ended.graph.files().iter().skip(self.graph.files().len());
        summary.files = more.map(|file| file.path.clone()).collect();
        summary.texts = ended.graph.literals().skip(self.graph.literals().count()).cloned().collect();
        let part = roots::part(self, targets, outputs);
        if let Ok(folder) = &folder {
            let keys = ended.results.keys().collect();
            let left = Roots { folder: self.root.clone(), part, keys, complete: summary.is_success() };
            roots::register(equipment.cache, folder, left, observer);
            if let (Some(recall), true) = (&equipment.snapshot, summary.is_success()) {
                let known = (&history, &files, equipment.toolbox);
                let written = self.keep(folder, recall, &mut ended, (outputs, part), known);
                warn(observer, "the state of the project", written);
            }
        }
        // A hundred thousand nodes and results take a while to go, and nobody needs to wait for that.
        rayon::spawn(move || drop(ended));
        if folder.is_ok() {
            warn(observer, "the project's history", history.save());
            warn(observer, "the states of files", files.save());
        }
        equipment.end(observer);
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
        line: &mut Line,
    ) -> Result<Summary, Diagnostic> {
        let takes = self.takes()?;
        let files = FileStates::open(&self.root.join(STATE_FOLDER));
        let mut history = self.history();
        let wanted = Wanted { graph: self.graph.clone(), targets, takes, base: Base::default() };
        let means = equipment.means(&self.root, &files);
        let mut build = Build::new(means, settings, wanted, &mut history, observer, line);
        Ok(drive(&mut build, equipment.cache, &files, &self.root, &[]))
    }

    /// Writes down how everything is after a build that has everything. A project with warnings is read at each
    /// build, so that they are told at each.
    fn keep(
        &self,
        folder: &Path,
        recall: &Recall,
        ended: &mut Ended,
        (outputs, part): (&[Output], Option<Digest>),
        (history, files, toolbox): (&History, &FileStates, &Toolbox),
    ) -> std::io::Result<()> {
        if !self.warnings.is_empty() {
            return Ok(());
        }
        let mut parsed: Vec<(PathBuf, Digest)> = self
            .sources
            .files()
            .map(|source| (self.root.join(&source.path), Digest::of(source.text.as_bytes())))
            .collect();
        let lock = self.root.join(LOCK_FILE);
        match files.digest_of(&lock) {
            Ok((digest, _)) => parsed.push((lock, digest)),
            Err(_) => {
                ended.graph.depends_on(Surroundings { places: [lock].into(), ..Surroundings::default() });
            }
        }
        let brief = |id: NodeId, key| {
            let past = history.past(&ended.graph.node(id).name)?;
            (past.key == key).then_some((id, past.brief()))
        };
        let Some(nodes) = ended.keys.iter().map(|(id, key)| brief(*id, *key)).collect::<Option<Vec<_>>>()
        else {
            return Ok(());
        };
        let draft = Draft {
            root: &self.root,
            graph: &ended.graph,
            nodes: &nodes,
            outputs,
            parsed: &parsed,
            tools: &toolbox.entries,
            files,
            epoch: recall.epoch,
            part,
            capacity: &self.capacity,
            marker: &Recall::marker(&self.root),
        };
        snapshot::write(folder, recall.key, &draft)
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
        let (means, graph) = (equipment.means(&self.root, &files), self.graph.clone());
        let seen = foresee(&means, graph, (targets, later), &takes, &self.history());
        let unknown =
            seen.later.unknown(&seen.graph).next().map(|name| self.unknown_target(name, &seen.graph));
        unknown.map_or(Ok(seen), Err)
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
        // As bytes: paths are compared part by part, and there may be very many.
        files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
        files.dedup();
        files
    }
}
