//! From a command line to what commands work with: the project, its kinds, the cache, who runs actions.
//! It decides nothing about a build.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use reel_engine::cache::{Budget, Cache, CacheConfig, Placing};
use reel_engine::diagnostic::{Diagnostic, code};
use reel_engine::executor::frames::Confinement;
use reel_engine::executor::inline::Inline;
use reel_engine::executor::toolbox::{ProgramSpec, Toolbox};
use reel_engine::executor::worker::{WorkerProgram, Workers};
use reel_engine::executor::{Executor, Executors, Report, ReportSink, Request, RunId};
use reel_engine::operation::{Failure, FailureCode, Registry};
use reel_engine::read::ReadOptions;
use reel_engine::session::{Equipment, PROJECT_FILE, Project, Recall, find_project};
use reel_nodes::host::{Host, Network, Offers};
use reel_nodes::media::tools::HARDWARE;
use tempfile::TempDir;

use crate::args::{Global, Reading};
use crate::config::user::{Limit, Place, UserConfig};
use crate::config::{Companion, Config};
use crate::error::CommandError;
use crate::ui::Ui;

/// The format of the cache's folder, beneath which everything of ours is.
const FORMAT: &str = "v1";
/// With less than this free beneath the cache, temporary files go elsewhere.
const LITTLE_ROOM: u64 = 64 << 20;
/// The file in a scratch folder that its owner holds locked.
const OWNED: &str = "owned";

/// One call of reel: what was asked, by whom, and where the answer goes.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// What every command takes.
    pub(crate) global: Global,
    /// The user's surroundings.
    pub(crate) config: Config,
    /// The terminal.
    pub(crate) ui: Ui,
    toolbox: Arc<OnceLock<Arc<Toolbox>>>,
}

/// What a project may do beside reading its own files.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    /// Run its own commands.
    pub(crate) exec: bool,
    /// What may be fetched.
    pub(crate) network: Network,
    /// Whether commands and voices are watched.
    pub(crate) watch: bool,
    /// Whether films are made small and fast.
    pub(crate) draft: bool,
}

impl Invocation {
    /// One call.
    pub(crate) fn new(global: Global, config: Config, ui: Ui) -> Self {
        Self { global, config, ui, toolbox: Arc::default() }
    }

    /// The same call as if there were no terminal.
    pub(crate) fn without_terminal(&self) -> Self {
        Self { ui: Ui::none(), ..self.clone() }
    }

    /// The folder of everything of ours in the cache.
    pub(crate) fn store(&self) -> PathBuf {
        self.cache_dir().join(FORMAT)
    }

    /// The cache's folder.
    pub(crate) fn cache_dir(&self) -> PathBuf {
        self.config.cache_dir(self.global.cache_dir.as_deref())
    }

    /// The project's folder.
    pub(crate) fn root(&self) -> Result<PathBuf, CommandError> {
        let here = &self.config.here;
        let asked = self.global.project.as_ref().map_or_else(|| here.clone(), |project| here.join(project));
        let start = if asked.is_file() { asked.parent().unwrap_or(&asked).to_owned() } else { asked };
        let missing = |message: String| {
            Diagnostic::general(code::NO_PROJECT, message).help("`reel new DIR` makes a project").into()
        };
        // A project above a folder that is not there is not what was meant.
        let Some(start) = start.canonicalize().ok().filter(|start| start.is_dir()) else {
            return Err(missing(format!("there is no folder `{}`", start.display())));
        };
        find_project(&start).ok_or_else(|| {
            missing(format!("there is no `{PROJECT_FILE}` in `{}` or a folder above it", start.display()))
        })
    }

    /// All kinds, on this machine and under this policy.
    pub(crate) fn registry(&self, policy: Policy) -> Registry {
        let call = self.clone();
        reel_nodes::registry(Host {
            font_dirs: self.config.font_dirs(),
            path: self.config.path(),
            allow_exec: policy.exec,
            network: policy.network,
            watch: policy.watch,
            draft: policy.draft,
            memo: Some(self.store().join("memo")),
            env: self.config.variables(),
            offers: Offers::new(move || call.toolbox()),
        })
    }

    /// What a project may do, with what the user trusts it with for good.
    pub(crate) fn allowed(&self, root: &Path, policy: Policy) -> Policy {
        Policy { exec: policy.exec || self.config.is_trusted(root), ..policy }
    }

    /// The project, read and resolved, or every reason why not.
    pub(crate) fn load(&self, reading: &Reading, policy: Policy) -> Result<Loaded, CommandError> {
        let root = self.root()?;
        let policy = self.allowed(&root, Policy { draft: reading.draft, ..policy });
        let registry = self.registry(policy);
        let project = self.read(&root, reading, &registry)?;
        Ok(Loaded { project, registry, watch: policy.watch })
    }

    /// The project in `root`, or every reason why there is none.
    pub(crate) fn read(
        &self,
        root: &Path,
        reading: &Reading,
        registry: &Registry,
    ) -> Result<Project, CommandError> {
        let env = |name: &str| self.config.text(name);
        Ok(Project::load(root, registry, &ReadOptions { env: &env, set: &reading.set })?)
    }

    /// The project for looking at it: nothing of it will run, so it needs no trust.
    pub(crate) fn look(&self, reading: &Reading) -> Result<Loaded, CommandError> {
        self.load(reading, Policy { exec: true, ..Policy::default() })
    }

    /// How much the cache may hold: what was asked for now (bytes, seconds), else what the user's config file
    /// says, else a tenth of the file system.
    pub(crate) fn budget(&self, [size, age]: [Limit; 2]) -> Result<Budget, CommandError> {
        let user = self.user()?.cache;
        let size = size.or(user.max_size).resolve(|| usual_budget(&self.cache_dir()));
        Ok(Budget { max_size: size, max_age: age.or(user.max_age).resolve(|| None) })
    }

    /// What the user's config file says.
    pub(crate) fn user(&self) -> Result<UserConfig, CommandError> {
        let help = "`reel help cache gc` and `reel help devices` tell what may stand there";
        self.config.user().map_err(|wrong| CommandError::usage(wrong, help))
    }

    /// The open cache. What the user's store does not take goes to `spare`.
    pub(crate) fn cache(&self, spare: impl Into<PathBuf>) -> Cache {
        // A config file that is wrong is told where the budget is asked for, before anything runs.
        let placing = match self.config.user().unwrap_or_default().cache.place {
            Place::Copy => Placing::Copy,
            Place::Link => Placing::Link,
        };
        Cache::open(CacheConfig { placing, ..CacheConfig::new(self.cache_dir(), spare) })
    }

    /// A folder for temporary files.
    pub(crate) fn scratch(&self) -> Result<Scratch, CommandError> {
        Scratch::make(&self.store().join("tmp"), &self.config.temporary()).map_err(|error| {
            CommandError::failed(format!("cannot make a folder for temporary files: {error}"))
        })
    }

    /// Programs that do work, as the toolbox asks them who they are.
    pub(crate) fn programs(&self) -> Vec<ProgramSpec> {
        let worker = self.config.companion(Companion::Worker).map(|path| ProgramSpec {
            name: Companion::Worker.name().to_owned(),
            path,
            args: self.config.worker_args().into_iter().chain([OsString::from("--identity")]).collect(),
            env: self.config.companion_env(),
        });
        worker.into_iter().collect()
    }

    /// Identities of tools, remembered or asked for; once in a call.
    pub(crate) fn toolbox(&self) -> Arc<Toolbox> {
        let load = || Arc::new(Toolbox::load(&self.programs(), &self.store().join("toolbox")));
        Arc::clone(self.toolbox.get_or_init(load))
    }
}

/// A project that can be worked with, and the kinds it was resolved with.
pub(crate) struct Loaded {
    /// The project.
    pub(crate) project: Project,
    /// Its kinds.
    pub(crate) registry: Registry,
    /// Whether commands and voices are watched.
    watch: bool,
}

impl Loaded {
    /// What a workshop needs to know of it.
    pub(crate) fn site(&self) -> Site<'_> {
        Site { root: &self.project.root, registry: &self.registry, watch: self.watch }
    }
}

/// What a workshop needs to know of a project.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The project's folder.
    pub(crate) root: &'a Path,
    /// Its kinds.
    pub(crate) registry: &'a Registry,
    /// Whether commands and voices are watched.
    pub(crate) watch: bool,
}

/// Everything beside the project that a build works with.
pub(crate) struct Workshop {
    /// The cache.
    pub(crate) cache: Cache,
    /// Who runs actions.
    pub(crate) executor: Arc<Executors>,
    /// Identities of tools.
    pub(crate) toolbox: Arc<Toolbox>,
    scratch: Scratch,
}

impl Workshop {
    /// Opens the cache and finds out who the tools are; starts nothing that the memo knows.
    pub(crate) fn open(call: &Invocation, loaded: &Loaded) -> Result<Self, CommandError> {
        Self::with(call, loaded.site())
    }

    /// The same, for a project that need not be read.
    pub(crate) fn with(call: &Invocation, site: Site<'_>) -> Result<Self, CommandError> {
        Self::around(call, site, |scratch| call.cache(scratch))
    }

    /// The same, but the user's store is only read: what is made goes to a private one that ends with this.
    pub(crate) fn open_aside(call: &Invocation, loaded: &Loaded) -> Result<Self, CommandError> {
        let cache = |scratch: &Path| {
            Cache::open(CacheConfig { read_only: true, ..CacheConfig::new(call.cache_dir(), scratch) })
        };
        Self::around(call, loaded.site(), cache)
    }

    /// Another one beside this, with the same cache and everything else of its own.
    pub(crate) fn open_beside(&self, call: &Invocation, loaded: &Loaded) -> Result<Self, CommandError> {
        Self::around(call, loaded.site(), |_| self.cache.clone())
    }

    /// The same for another project, which is read but not kept.
    pub(crate) fn open_for(&self, call: &Invocation, site: Site<'_>) -> Result<Self, CommandError> {
        Self::around(call, site, |_| self.cache.clone())
    }

    fn around(
        call: &Invocation,
        site: Site<'_>,
        cache: impl FnOnce(&Path) -> Cache,
    ) -> Result<Self, CommandError> {
        let scratch = call.scratch()?;
        let cache = cache(scratch.folder.path());
        let toolbox = call.toolbox();
        let worker: Arc<dyn Executor> = match call.config.companion(Companion::Worker) {
            Some(path) => {
                let mut program = WorkerProgram::new(path, site.registry);
                let known = toolbox.programs.get(Companion::Worker.name());
                program.args = call.config.worker_args();
                program.env = call.config.companion_env();
                program.build_id = known.map(|identity| identity.build_id.clone());
                program.tools = known.map(|identity| identity.tools.clone()).unwrap_or_default();
                program.confinement = Confinement {
                    devices: toolbox.offers(HARDWARE).is_some_and(|works| !works.is_empty()),
                    ..confinement(call, site, &cache, scratch.folder.path())
                };
                Arc::new(Workers::new(program))
            }
            None => Arc::new(NoWorker),
        };
        let executor = Arc::new(Executors::new(Arc::new(Inline::new()), worker));
        Ok(Self { cache, executor, toolbox, scratch })
    }

    /// The folder for temporary files of this process.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// As the engine wants it.
    pub(crate) fn equipment<'a>(&'a self, registry: &'a Registry) -> Equipment<'a> {
        self.leaving(registry, None)
    }

    /// The same for a build that leaves a snapshot.
    pub(crate) fn leaving<'a>(&'a self, registry: &'a Registry, snapshot: Option<Recall>) -> Equipment<'a> {
        Equipment {
            registry,
            cache: &self.cache,
            executor: self.executor.as_ref(),
            toolbox: &self.toolbox,
            scratch: self.scratch.path().to_owned(),
            snapshot,
        }
    }
}

/// What workers may touch: the project, fonts and stored bytes to read, scratch to write, the speaker to start.
fn confinement(call: &Invocation, site: Site<'_>, cache: &Cache, scratch: &Path) -> Confinement {
    // Only folders that are there can be granted, and a first build has none for blobs yet: every action that reads
    // one would then need a worker of its own. Where it cannot be made, there are no blobs to read.
    let _ = fs::create_dir_all(cache.blob_folder());
    let mut read = call.config.font_dirs();
    read.push(site.root.to_owned());
    read.push(cache.blob_folder().to_owned());
    Confinement {
        read: read.into_iter().filter(|path| path.exists()).collect(),
        write: vec![scratch.to_owned()],
        execute: call.config.companion(Companion::Speak).into_iter().collect(),
        watch: site.watch,
        devices: false,
    }
}

/// The folder for temporary files of this process; gone when dropped.
pub(crate) struct Scratch {
    folder: TempDir,
    /// Held until the folder is gone.
    _owned: Flock<File>,
}

impl Scratch {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make(wanted: &Path, fallback: &Path) -> std::io::Result<Self> {
        remove_leftovers(wanted);
        let prefix = format!("build-{}-", std::process::id());
        let make = |parent: &Path| tempfile::Builder::new().prefix(&prefix).tempdir_in(parent);
        let roomy = || fs::create_dir_all(wanted).and_then(|()| has_room(wanted));
        // Somebody may just be removing the cache.
        let within = || (0..3).find_map(|_| roomy().and_then(|()| make(wanted)).ok());
        let folder = within().map_or_else(|| make(fallback), Ok)?;
        let file = File::create_new(folder.path().join(OWNED))?;
        let owned = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| error)?;
        Ok(Self { folder, _owned: owned })
    }
}

/// A full disk beneath the cache shall not stop what only passes through.
fn has_room(folder: &Path) -> std::io::Result<()> {
    let found = nix::sys::statvfs::statvfs(folder)?;
    let free = found.blocks_available().saturating_mul(found.fragment_size());
    if free < LITTLE_ROOM { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

/// A tenth of the file system, at least 5 GiB and at most half of it; no limit where its size is not known.
fn usual_budget(cache_dir: &Path) -> Option<u64> {
    let there = cache_dir.ancestors().find(|folder| folder.exists())?;
    let found = nix::sys::statvfs::statvfs(there).ok()?;
    let whole = found.blocks().checked_mul(found.fragment_size()).filter(|whole| *whole > 0)?;
    Some((whole / 10).max(5 << 30).min(whole / 2))
}

/// Removes what killed builds left: their process is gone, and nobody holds the lock in their folder.
fn remove_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix("build-")?.split('-').next()?.parse().ok());
        let gone =
            pid.is_some_and(|pid: i32| kill(Pid::from_raw(pid), None) == Err(nix::errno::Errno::ESRCH));
        if gone && !is_owned(&entry.path()) {
            // Somebody else may be removing it, too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_owned(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(OWNED)) else { return false };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
}

/// Stands in for workers where there is no program for them.
struct NoWorker;

impl Executor for NoWorker {
    fn start(&self, request: Request, sink: ReportSink) {
        let kind = request.operation.info().name;
        let message = format!("`{kind}` needs the program `reel-worker`, which is not there");
        let failure = Failure::of(FailureCode::Machine, message).help("`reel doctor` tells how to get it");
        sink(Report::Finished(request.id, Err(failure)));
    }

    fn cancel(&self, _: RunId) {}

    fn shutdown(&self, _: Duration) {}
}

/// How long nodes took before, by name.
pub(crate) fn costs(project: &Project) -> BTreeMap<String, Duration> {
    let history = project.history();
    history.nodes().filter_map(|(name, _)| Some((name.to_owned(), history.cost(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_dead_builds_are_removed_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        for name in [format!("build-{dead}-a"), format!("build-{}-b", std::process::id()), "other".to_owned()]
        {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let held = dir.path().join(format!("build-{dead}-held"));
        fs::create_dir(&held).unwrap();
        let file = File::create_new(held.join(OWNED)).unwrap();
        let _lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        let scratch = Scratch::make(dir.path(), Path::new("/nonexistent")).unwrap();
        let mut left: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left.len(), 4, "{left:?}");
        assert!(!left.iter().any(|name| name.ends_with("-a")), "{left:?}");
        let path = scratch.folder.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn an_unwritable_cache_leaves_the_temporary_folder() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::make(Path::new("/proc/none"), dir.path()).unwrap();
        assert!(scratch.folder.path().starts_with(dir.path()));
    }
}
