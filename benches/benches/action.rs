//! What does an action cost that does nothing, in this process and in a warm worker? It measures no work.
//!
//! | question | what is timed |
//! |---|---|
//! | an empty action in a warm worker, alone | from handing it to the executor to its report |
//! | the same within a build | a build of 1,000 nodes whose keys are all new, by node: keys, slots, inputs, records |
//! | an empty action in this process within a build | the same |
//!
//! The worker is this program itself, in another role: its kinds do nothing, and what is timed is all around them.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up is to stop")]

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use reel_engine::artifact::{Port, PortType};
use reel_engine::cache::{Cache, CacheConfig};
use reel_engine::claim::{Capacity, Claim};
use reel_engine::event::Event;
use reel_engine::executor::frames::{Confined, Hello, PROTOCOL};
use reel_engine::executor::inline::Inline;
use reel_engine::executor::serve::{Service, serve};
use reel_engine::executor::toolbox::Toolbox;
use reel_engine::executor::worker::{WorkerProgram, Workers};
use reel_engine::executor::{Executor, Executors, Report, Request, RunId};
use reel_engine::id::NodeId;
use reel_engine::operation::{Call, Failure, Info, Kind, Outcome, Registry, Reproducible, Site, Typed};
use reel_engine::read::ReadOptions;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::session::{Equipment, Project, channel as line};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How many actions a build runs.
const NODES: u64 = 1_000;

/// A kind that does nothing, here or in a worker.
struct Nothing(Site);

#[derive(Serialize, Deserialize, JsonSchema)]
struct Params {
    /// Makes the keys differ.
    number: u64,
}

impl Kind for Nothing {
    type Params = Params;

    fn info(&self) -> Info {
        let name = if self.0 == Site::Worker { "nothing-there" } else { "nothing-here" };
        let (summary, example) = ("does nothing", "");
        let reproducible = Reproducible::Exact;
        Info { name, version: 1, summary, example, site: self.0, reproducible, expands: false }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("text", PortType::Text)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::tiny()
    }

    fn run(&self, _: Params, _: &Call<'_>) -> Result<Outcome, Failure> {
        Ok(nothing())
    }
}

fn nothing() -> Outcome {
    Outcome::default().with_bytes("text", "text/plain", "")
}

fn registry() -> Registry {
    Registry::default().with(Typed::new(Nothing(Site::Inline))).with(Typed::new(Nothing(Site::Worker)))
}

fn workers(registry: &Registry) -> Workers {
    let mut program = WorkerProgram::new(std::env::current_exe().unwrap(), registry);
    program.args = vec!["--as-worker".into()];
    Workers::new(program)
}

/// The other role of this program.
fn work() -> ExitCode {
    let kinds = [("nothing-there".to_owned(), 1)].into();
    let hello = Hello { protocol: PROTOCOL, build_id: "bench".into(), kinds, ..Hello::default() };
    let input = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let output = File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap());
    let service = Service {
        hello,
        confine: &|_| Confined::default(),
        run: &|_, _| Ok(nothing()),
        hangup: || std::process::exit(0),
    };
    ExitCode::from(u8::from(serve(input, output, &service).is_err()))
}

/// One action after the other on one worker.
fn alone(c: &mut Criterion) {
    let registry = registry();
    let workers = workers(&registry);
    let operation = Arc::clone(registry.get("nothing-there").unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut run = || {
        number += 1;
        let request = Request {
            id: RunId(number),
            node: "node".into(),
            operation: Arc::clone(&operation),
            params: Arc::new(json!({ "number": number })),
            inputs: Vec::new(),
            ports: Vec::new(),
            scratch: scratch.path().to_owned(),
            deadline: None,
            gpus: Vec::new(),
        };
        let (sender, reports) = channel();
        workers.start(request, Arc::new(move |report| drop(sender.send(report))));
        while !matches!(reports.recv().unwrap(), Report::Finished(_, result) if result.is_ok()) {}
    };
    run();
    c.benchmark_group("empty action").bench_function("in a warm worker, alone", |b| b.iter(&mut run));
    workers.shutdown(Duration::from_secs(1));
}

/// A project of nodes of one kind, none of which was ever made.
fn project(folder: &Path, kind: &str, round: u64, registry: &Registry) -> Project {
    let mut lines = vec!["version: 1".to_owned(), "nodes:".to_owned()];
    let numbers = (0..NODES).map(|index| round * NODES + index);
    lines.extend(numbers.map(|n| format!("  n{n}: {{ uses: {kind}, with: {{ number: {n} }} }}")));
    std::fs::write(folder.join("reel.yaml"), lines.join("\n")).unwrap();
    let options = ReadOptions { env: &|_| None, set: &[] };
    Project::load(folder, registry, &options).map_err(|faulty| faulty.problems).unwrap()
}

/// How long a build of new actions takes that is told and recorded like any other, without reading the project.
fn build(folder: &Path, kind: &str, round: u64, executor: &dyn Executor) -> Duration {
    let registry = registry();
    let project = project(folder, kind, round, &registry);
    let cache = Cache::open(CacheConfig::new(folder.join("cache"), folder.join("spare")));
    let toolbox = Toolbox::of(std::collections::BTreeMap::new());
    let scratch = folder.join("scratch");
    let equipment = Equipment {
        registry: &registry,
        cache: &cache,
        executor,
        toolbox: &toolbox,
        scratch,
        snapshot: None,
    };
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let capacity = Capacity {
        cpu_milli: cores * 1000,
        memory: 1 << 30,
        network: 1,
        gpus: Vec::new(),
        pools: std::collections::BTreeMap::new(),
    };
    let settings = Settings {
        capacity,
        keep_going: false,
        locked: false,
        offline: false,
        today: "2026-01-01".into(),
        afresh: Afresh::Nothing,
        backwards: false,
        later: Vec::new(),
    };
    let all: Vec<NodeId> = project.graph.nodes().map(|(id, _)| id).collect();
    let (_interrupter, mut line) = line();
    let began = Instant::now();
    let summary = project.build(&equipment, settings, (&all, &[]), &mut |_: &Event| {}, &mut line).unwrap();
    let took = began.elapsed();
    assert_eq!(summary.tally.ran as u64, NODES);
    took
}

fn within_builds(c: &mut Criterion) {
    let executor = Executors::new(Arc::new(Inline::new()), Arc::new(workers(&registry())));
    let mut group = c.benchmark_group("empty action");
    group.sample_size(10).throughput(Throughput::Elements(NODES));
    for (kind, name) in [("nothing-here", "in this process"), ("nothing-there", "in a warm worker")] {
        let folder = tempfile::tempdir().unwrap();
        let mut round = 0;
        build(folder.path(), kind, round, &executor);
        group.bench_function(format!("{name}, within a build of {NODES}"), |b| {
            b.iter_custom(|times| {
                (0..times)
                    .map(|_| {
                        round += 1;
                        build(folder.path(), kind, round, &executor)
                    })
                    .sum()
            });
        });
    }
    group.finish();
    executor.shutdown(Duration::from_secs(1));
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--as-worker") {
        return work();
    }
    let mut criterion = Criterion::default().configure_from_args();
    alone(&mut criterion);
    within_builds(&mut criterion);
    criterion.final_summary();
    ExitCode::SUCCESS
}
