//! The roles that this program plays for its own tests: a worker with kinds that misbehave, and a reel that
//! gets killed. What a fake action does is the kind's name.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use reel_engine::artifact::Port;
use reel_engine::claim::Claim;
use reel_engine::executor::frames::{Confined, Confinement, FrameError, Hello, PROTOCOL};
use reel_engine::executor::serve::{Service, end_with_children, serve};
use reel_engine::executor::worker::{Limits, WorkerProgram, Workers};
use reel_engine::executor::{Executor, Report, ReportSink, Request, RunId};
use reel_engine::operation::{
    Call, Failure, FailureCode, Info, Operation, Outcome, Reproducible, Resolve, Resolved, Site,
};
use serde_json::{Value, json};

/// A kind by name; `inline` runs it here.
pub(crate) struct Fake {
    info: Info,
    schema: Value,
    inline: fn(&Call<'_>) -> Result<Outcome, Failure>,
}

impl Fake {
    pub(crate) fn inline(run: fn(&Call<'_>) -> Result<Outcome, Failure>) -> Arc<dyn Operation> {
        Self::of("fake", Site::Inline, run)
    }

    pub(crate) fn worker(name: &'static str) -> Arc<dyn Operation> {
        Self::of(name, Site::Worker, |_| Err(Failure::new("runs in the worker")))
    }

    fn of(
        name: &'static str,
        site: Site,
        inline: fn(&Call<'_>) -> Result<Outcome, Failure>,
    ) -> Arc<dyn Operation> {
        let info = Info {
            name,
            version: 1,
            summary: "",
            example: "",
            site,
            reproducible: Reproducible::Exact,
            expands: false,
        };
        Arc::new(Self { info, schema: Value::Null, inline })
    }
}

impl Operation for Fake {
    fn info(&self) -> &Info {
        &self.info
    }
    fn schema(&self) -> &Value {
        &self.schema
    }
    fn resolve(&self, params: Value, _: &mut Resolve<'_>) -> Option<Resolved> {
        Some(Resolved { params, ports: Vec::new(), claim: Claim::tiny(), tools: Vec::new(), take: None })
    }
    fn run(&self, call: &Call<'_>) -> Result<Outcome, Failure> {
        (self.inline)(call)
    }
}

/// An executor at work: reports arrive at one place.
pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    reports: Receiver<Report>,
    sink: ReportSink,
    pub(crate) progress: Vec<u16>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (sender, reports) = channel();
        let sender = Mutex::new(sender);
        let sink: ReportSink = Arc::new(move |report| drop(sender.lock().unwrap().send(report)));
        Self { folder: tempfile::tempdir().unwrap(), reports, sink, progress: Vec::new() }
    }

    pub(crate) fn sink(&self) -> ReportSink {
        Arc::clone(&self.sink)
    }

    pub(crate) fn request(&self, id: u64, operation: Arc<dyn Operation>, params: Value) -> Request {
        let scratch = self.folder.path().join(format!("scratch-{id}"));
        fs::create_dir_all(&scratch).unwrap();
        Request {
            id: RunId(id),
            node: format!("node-{id}"),
            operation,
            params: Arc::new(params),
            inputs: Vec::new(),
            ports: Vec::<Port>::new(),
            scratch,
            deadline: None,
            gpus: Vec::new(),
        }
    }

    pub(crate) fn start(&self, executor: &dyn Executor, id: u64, kind: &'static str, params: Value) {
        executor.start(self.request(id, Fake::worker(kind), params), self.sink());
    }

    /// Runs an action to its end.
    pub(crate) fn run(
        &mut self,
        executor: &dyn Executor,
        id: u64,
        kind: &'static str,
    ) -> Result<Outcome, Failure> {
        self.start(executor, id, kind, Value::Null);
        self.finished(id)
    }

    /// Waits for the end of an action; another one must not end before.
    pub(crate) fn finished(&mut self, id: u64) -> Result<Outcome, Failure> {
        loop {
            match self.reports.recv_timeout(Duration::from_secs(60)).expect("a report within a minute") {
                Report::Progress(_, permille) => self.progress.push(permille),
                Report::Finished(run, result) => {
                    assert_eq!(run, RunId(id));
                    return result;
                }
            }
        }
    }

    /// Nothing more may be reported.
    pub(crate) fn is_silent(&self) -> bool {
        self.reports.recv_timeout(Duration::from_millis(50)).is_err()
    }
}

/// This program as a worker.
pub(crate) fn program(flavour: &str) -> WorkerProgram {
    WorkerProgram {
        path: std::env::current_exe().unwrap(),
        args: vec!["--play-worker".into(), flavour.into()],
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        build_id: Some("fake-1".into()),
        kinds: BTreeMap::from([("ok".to_owned(), 1)]),
        tools: BTreeMap::from([("lib".to_owned(), "1.0".to_owned())]),
        confinement: Confinement::default(),
        limits: Limits {
            no_progress: Duration::from_millis(600),
            polite: Duration::from_millis(300),
            grace: Duration::from_millis(300),
            idle: Duration::from_secs(600),
        },
    }
}

pub(crate) fn worker(flavour: &str) -> ExitCode {
    let mut hello = Hello {
        protocol: PROTOCOL,
        build_id: "fake-1".into(),
        kinds: KINDS.iter().map(|kind| ((*kind).to_owned(), 1)).collect(),
        tools: BTreeMap::from([("lib".to_owned(), "1.0".to_owned())]),
    };
    match flavour {
        "other-protocol" => hello.protocol += 1,
        "other-build" => hello.build_id = "fake-2".into(),
        "other-version" => drop(hello.kinds.insert("ok".into(), 2)),
        "other-tool" => drop(hello.tools.insert("lib".into(), "1.1".into())),
        "no-kind" => hello.kinds.clear(),
        "dies-at-once" => return ExitCode::from(7),
        "never-speaks" => std::thread::sleep(Duration::from_secs(600)),
        _ => {}
    }
    let input = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let output = File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap());
    let confined = Confined { landlock: false, seccomp: true };
    let confine = |wanted: &Confinement| {
        GRANTED.set(wanted.read.clone()).unwrap();
        confined
    };
    let service = Service { hello, confine: &confine, run: &act, hangup: end_with_children };
    match serve(input, output, &service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(FrameError::Io(_)) => ExitCode::from(3),
        Err(_) => ExitCode::from(4),
    }
}

/// What this fake worker may read.
static GRANTED: OnceLock<Vec<PathBuf>> = OnceLock::new();

const KINDS: &[&str] = &[
    "granted",
    "ok",
    "pid",
    "fail",
    "panic",
    "abort",
    "abort-if-marked",
    "hang",
    "deaf",
    "spin",
    "slow",
    "garbage",
    "babble-idle",
    "children",
    "large",
    "close",
    "exit",
    "kill-by-term",
];

fn act(kind: &str, call: &Call<'_>) -> Result<Outcome, Failure> {
    let done = Outcome::default();
    match kind {
        "ok" => (call.progress)(500),
        "pid" => return Ok(done.with_bytes("pid", "text/plain", std::process::id().to_string())),
        "granted" => {
            let granted = serde_json::to_vec(GRANTED.get().unwrap()).unwrap();
            return Ok(done.with_bytes("granted", "application/json", granted));
        }
        "fail" => return Err(Failure::new("no good").help("try another")),
        "panic" => panic!("out of tune"),
        "abort" => {
            (0..80).for_each(|line| eprintln!("last words {line}"));
            std::process::abort();
        }
        // Dies while a file named in the parameters exists, and removes it; leaves something in scratch.
        "abort-if-marked" => {
            assert_eq!(fs::read_dir(call.scratch).unwrap().count(), 0, "scratch is empty at each try");
            fs::write(call.scratch.join("half"), "half").unwrap();
            if fs::remove_file(call.params.as_str().unwrap()).is_ok() {
                std::process::abort();
            }
        }
        "hang" => sleep_until_told(call),
        "deaf" => std::thread::sleep(Duration::from_secs(600)),
        "spin" => spin(Duration::from_secs(2)),
        "slow" => {
            for permille in 1..=10 {
                std::thread::sleep(Duration::from_millis(150));
                (call.progress)(permille * 100);
            }
        }
        "garbage" => say(&[0xff; 64]),
        "babble-idle" => {
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(30));
                say(b"\x05\0\0\0hello");
            });
        }
        "children" => {
            let mut child = Command::new("sleep").arg("600").spawn().unwrap();
            fs::write(call.params.as_str().unwrap(), format!("{} {}", std::process::id(), child.id()))
                .unwrap();
            child.wait().unwrap();
        }
        "large" => return Ok(done.with_bytes("large", "video/mp4", vec![7; 1 << 20])),
        "close" => {
            nix::unistd::close(1).unwrap();
            std::thread::sleep(Duration::from_secs(600));
        }
        "exit" => std::process::exit(9),
        other => return Err(Failure::new(format!("no such fake `{other}`"))),
    }
    Ok(done)
}

fn say(bytes: &[u8]) {
    let mut out = std::io::stdout();
    out.write_all(bytes).unwrap();
    out.flush().unwrap();
}

fn sleep_until_told(call: &Call<'_>) {
    while !(call.cancelled)() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Starts two workers with children that hang, then waits to be killed.
pub(crate) fn reel(folder: &str) -> ExitCode {
    let workers = Workers::new(program(""));
    let stage = Stage::new();
    for id in 0..2 {
        let marker = PathBuf::from(folder).join(format!("pids-{id}"));
        stage.start(&workers, id, "children", json!(marker));
    }
    stage.start(&workers, 2, "ok", Value::Null);
    std::thread::sleep(Duration::from_secs(600));
    ExitCode::SUCCESS
}

/// The process numbers that "children" wrote, once they are there.
pub(crate) fn pids(path: &Path) -> Vec<i32> {
    let written = || {
        let text = fs::read_to_string(path).ok()?;
        let pids: Vec<i32> = text.split(' ').filter_map(|pid| pid.parse().ok()).collect();
        (pids.len() == 2).then_some(pids)
    };
    for _ in 0..2000 {
        if let Some(pids) = written() {
            return pids;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("`{}` did not appear", path.display())
}

/// Whether a process lives (one that is dead and not waited for does not).
pub(crate) fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until all of them are gone.
pub(crate) fn all_gone(pids: &[i32]) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while pids.iter().any(|pid| lives(*pid)) {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The code of a failure.
pub(crate) fn code(result: &Result<Outcome, Failure>) -> Option<FailureCode> {
    result.as_ref().err().map(|failure| failure.code)
}
