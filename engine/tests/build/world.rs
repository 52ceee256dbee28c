//! A small world for tests of the engine: fake operations on text, and a project in a folder.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reel_engine::artifact::{Port, PortType};
use reel_engine::cache::{Cache, CacheConfig, Clock};
use reel_engine::claim::{Capacity, Claim};
use reel_engine::digest::Digest;
use reel_engine::event::{Difference, Event};
use reel_engine::executor::inline::Inline;
use reel_engine::executor::toolbox::Toolbox;
use reel_engine::executor::{Executor, Report, ReportSink, Request, RunId};
use reel_engine::history::History;
use reel_engine::id::NodeId;
use reel_engine::operation::{
    Call, Failure, FailureCode, Info, Input, Kind, Outcome, Passed, Registry, Reproducible, Site, SubNode,
    Subgraph, Take, Text, Through, Typed,
};
use reel_engine::read::ReadOptions;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::schedule::foresee::Foresight;
use reel_engine::schedule::line::Line;
use reel_engine::session::{Equipment, Interrupter, Project, Summary, channel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::log::Log;

/// What operations look at beside their inputs, so that tests can make them fail or change.
#[derive(Default)]
pub struct Outside {
    /// What URLs give.
    pub web: Mutex<BTreeMap<String, String>>,
    /// Nodes (by their text) that fail.
    pub broken: Mutex<Vec<String>>,
    /// Version of `join`.
    pub version: Mutex<u32>,
    /// What somebody does to the project while `slow` reads it, once for each run.
    pub meddling: Mutex<VecDeque<Meddling>>,
}

/// What happens while an action runs.
pub type Meddling = Box<dyn FnOnce() + Send>;

/// A project, a cache, and everything a build needs.
pub struct World {
    pub root: tempfile::TempDir,
    pub cache: tempfile::TempDir,
    /// Where the cache is: in `cache`, unless a test lends another.
    pub cache_path: PathBuf,
    pub outside: Arc<Outside>,
    pub jobs: u32,
    pub keep_going: bool,
    pub locked: bool,
    pub offline: bool,
    pub afresh: Afresh,
    pub backwards: bool,
    pub tools: BTreeMap<String, String>,
    /// The cache's clock; without one, that of the machine.
    pub clock: Option<Clock>,
}

/// What one build did.
#[derive(Debug)]
pub struct Built {
    pub ran: Vec<String>,
    pub failed: Vec<(String, Failure)>,
    pub skipped: Vec<String>,
    pub warnings: Vec<String>,
    pub events: Vec<String>,
    /// Nodes that ran although they had a result, with what was different.
    pub compared: Vec<(String, Vec<Difference>)>,
    pub summary: Summary,
}

impl World {
    pub fn new(yaml: &str) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let world = Self {
            root: tempfile::tempdir().unwrap(),
            cache_path: cache.path().join("cache"),
            cache,
            outside: Arc::new(Outside { version: Mutex::new(1), ..Outside::default() }),
            jobs: 2,
            keep_going: false,
            locked: false,
            offline: false,
            afresh: Afresh::Nothing,
            backwards: false,
            tools: BTreeMap::from([("hammer".into(), "1.0".into())]),
            clock: None,
        };
        world.write("reel.yaml", yaml);
        world
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.path().join(path)).unwrap()
    }

    pub fn registry(&self) -> Registry {
        Registry::default()
            .with(Typed::new(Join { outside: Arc::clone(&self.outside) }))
            .with(Typed::new(Slow { outside: Arc::clone(&self.outside) }))
            .with(Typed::new(Glue { outside: Arc::clone(&self.outside) }))
            .with(Typed::new(Length))
            .with(Typed::new(Split))
            .with(Typed::new(Fetch { outside: Arc::clone(&self.outside) }))
    }

    pub fn load(&self) -> Result<Project, Vec<String>> {
        let options = ReadOptions { env: &|_| None, set: &[] };
        Project::load(self.root.path(), &self.registry(), &options).map_err(|faulty| {
            let line = |span| faulty.sources.line_column(span).map_or(0, |(line, _)| line);
            let say = |d: &reel_engine::diagnostic::Diagnostic| {
                format!("{} {}: {}", d.code.0, d.labels.first().map_or(0, |l| line(l.span)), d.message)
            };
            faulty.problems.iter().map(say).collect()
        })
    }

    pub fn build(&self) -> Built {
        self.build_targets(&[])
    }

    pub fn build_targets(&self, names: &[&str]) -> Built {
        self.build_with(names, &Inline::new(), |_, _| {})
    }

    /// Builds; `watch` sees each event and may interrupt.
    pub fn build_with(
        &self,
        names: &[&str],
        executor: &dyn Executor,
        watch: impl FnMut(&Event, &Interrupter),
    ) -> Built {
        let built = self.build_on(&mut channel(), names, executor, watch);
        executor.shutdown(Duration::from_secs(1));
        built
    }

    /// The same, as one of several builds on a line.
    pub fn build_on(
        &self,
        (interrupter, line): &mut (Interrupter, Line),
        names: &[&str],
        executor: &dyn Executor,
        mut watch: impl FnMut(&Event, &Interrupter),
    ) -> Built {
        let project = self.load().unwrap();
        let registry = self.registry();
        let mut config = CacheConfig::new(&self.cache_path, self.cache.path().join("spare"));
        if let Some(clock) = &self.clock {
            config.clock = Arc::clone(clock);
        }
        let cache = Cache::open(config);
        let _live = cache.begin_build();
        let scratch = tempfile::tempdir_in(self.cache.path()).unwrap();
        let toolbox = Toolbox::of(self.tools.clone());
        let equipment = Equipment {
            registry: &registry,
            cache: &cache,
            executor,
            toolbox: &toolbox,
            scratch: scratch.path().into(),
            snapshot: None,
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (targets, outputs) = project.targets(&names).unwrap();
        let mut built = Log::default();
        let mut observer = |event: &Event| {
            built.take(event);
            watch(event, interrupter);
        };
        let summary = project
            .build(
                &equipment,
                Settings { later: project.later(&names), ..self.settings() },
                (&targets, &outputs),
                &mut observer,
                line,
            )
            .unwrap();
        built.finish(summary)
    }

    /// Takes the result of a key out of the cache.
    pub fn forget(&self, key: &Digest) {
        let cache = Cache::open(CacheConfig::new(&self.cache_path, self.cache.path().join("spare")));
        cache.forget(key);
    }

    /// What the next build would do with everything, and what the last ones did.
    pub fn foresee(&self) -> (Foresight, History) {
        let project = self.load().unwrap();
        let registry = self.registry();
        let scratch = tempfile::tempdir().unwrap();
        let cache = Cache::open(CacheConfig::new(&self.cache_path, scratch.path().join("spare")));
        let toolbox = Toolbox::of(self.tools.clone());
        let inline = Inline::new();
        let equipment = Equipment {
            registry: &registry,
            cache: &cache,
            executor: &inline,
            toolbox: &toolbox,
            scratch: scratch.path().into(),
            snapshot: None,
        };
        let all: Vec<NodeId> = project.graph.nodes().map(|(id, _)| id).collect();
        (project.foresee(&equipment, &all, &[]).unwrap(), project.history())
    }

    pub fn settings(&self) -> Settings {
        let capacity = Capacity {
            cpu_milli: self.jobs * 1000,
            memory: 1 << 30,
            network: 4,
            gpus: Vec::new(),
            pools: BTreeMap::new(),
        };
        Settings {
            capacity,
            keep_going: self.keep_going,
            locked: self.locked,
            offline: self.offline,
            today: "2026-11-20".into(),
            afresh: self.afresh.clone(),
            backwards: self.backwards,
            later: Vec::new(),
        }
    }
}

fn info(name: &'static str, version: u32, expands: bool) -> Info {
    Info {
        name,
        version,
        summary: "a fake",
        example: "",
        site: Site::Inline,
        reproducible: Reproducible::Exact,
        expands,
    }
}

/// Joins texts; fails when the result is among the broken ones.
pub struct Join {
    outside: Arc<Outside>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinParams {
    parts: Vec<Input<Text>>,
    #[serde(default)]
    between: String,
    #[serde(default = "one")]
    cores: u32,
}

const fn one() -> u32 {
    1
}

impl Kind for Join {
    type Params = JoinParams;

    fn info(&self) -> Info {
        info("join", *self.outside.version.lock().unwrap(), false)
    }

    fn ports(&self, _: &JoinParams) -> Vec<Port> {
        vec![Port::one("text", PortType::Text)]
    }

    fn claim(&self, params: &JoinParams) -> Claim {
        Claim::cores(params.cores, 1)
    }

    fn tools(&self, _: &JoinParams) -> Vec<&'static str> {
        vec!["hammer"]
    }

    fn run(&self, params: JoinParams, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut parts = Vec::new();
        for part in &params.parts {
            for file in call.many(part.slot()) {
                parts.push(std::fs::read_to_string(&file.path).unwrap());
            }
        }
        let text = parts.join(&params.between);
        if self.outside.broken.lock().unwrap().contains(&text) {
            return Err(Failure::new(format!("`{text}` is broken")).help("mend it"));
        }
        Ok(Outcome::default().with_bytes("text", "text/plain", text))
    }
}

/// Joins texts in memory; fails when the result is among the broken ones.
pub struct Glue {
    outside: Arc<Outside>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlueParams {
    parts: Vec<Input<Text>>,
}

impl Kind for Glue {
    type Params = GlueParams;

    fn info(&self) -> Info {
        info("glue", 1, false)
    }

    fn ports(&self, _: &GlueParams) -> Vec<Port> {
        vec![Port::one("text", PortType::Text)]
    }

    fn claim(&self, _: &GlueParams) -> Claim {
        Claim::tiny()
    }

    fn in_memory(&self) -> bool {
        true
    }

    fn run(&self, params: GlueParams, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut text = Vec::new();
        for file in params.parts.iter().flat_map(|part| call.many(part.slot())) {
            text.extend_from_slice(&file.read().unwrap());
        }
        if self.outside.broken.lock().unwrap().iter().any(|broken| broken.as_bytes() == text) {
            return Err(Failure::new("it is broken").help("mend it"));
        }
        Ok(Outcome::default().with_bytes("text", "text/plain", text))
    }
}

/// The length of a text: many texts have the same.
pub struct Length;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneText {
    text: Input<Text>,
}

impl Kind for Length {
    type Params = OneText;

    fn info(&self) -> Info {
        info("length", 1, false)
    }

    fn ports(&self, _: &OneText) -> Vec<Port> {
        vec![Port::one("text", PortType::Text), Port::one("number", PortType::Json)]
    }

    fn claim(&self, _: &OneText) -> Claim {
        Claim::tiny()
    }

    fn run(&self, params: OneText, call: &Call<'_>) -> Result<Outcome, Failure> {
        let length = call.read(params.text.slot())?.len().to_string();
        let outcome = Outcome::default().with_bytes("text", "text/plain", length.clone());
        Ok(outcome.with_bytes("number", "application/json", length))
    }
}

/// Gives a text back, slowly: somebody may meddle with the project after half of it was read.
pub struct Slow {
    outside: Arc<Outside>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowParams {
    text: Input<Text>,
    /// Whether it adds what no key knows: the number of meddlings that are left.
    #[serde(default)]
    unstable: bool,
}

impl Kind for Slow {
    type Params = SlowParams;

    fn info(&self) -> Info {
        info("slow", 1, false)
    }

    fn ports(&self, _: &SlowParams) -> Vec<Port> {
        vec![Port::one("text", PortType::Text)]
    }

    fn claim(&self, _: &SlowParams) -> Claim {
        Claim::tiny()
    }

    fn run(&self, params: SlowParams, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut file = std::fs::File::open(&call.one(params.text.slot())?.path).unwrap();
        let mut text = vec![0; 2];
        file.read_exact(&mut text).unwrap();
        let (meddle, left) = {
            let mut meddling = self.outside.meddling.lock().unwrap();
            (meddling.pop_front(), meddling.len())
        };
        if let Some(meddle) = meddle {
            meddle();
        }
        file.read_to_end(&mut text).unwrap();
        if params.unstable {
            text.extend(left.to_string().bytes());
        }
        if text.ends_with(b"torn") {
            return Err(Failure::new("it ends in the middle of a word"));
        }
        Ok(Outcome::default().with_bytes("text", "text/plain", text))
    }
}

/// Expands to a node for each word of its text, and passes another text on to each.
pub struct Split;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitParams {
    text: Input<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suffix: Option<Through<Text>>,
    /// What stands before each word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<Passed<String>>,
    /// Whether each word is split again.
    #[serde(default)]
    deep: bool,
}

impl Kind for Split {
    type Params = SplitParams;

    fn info(&self) -> Info {
        info("split", 1, true)
    }

    fn ports(&self, _: &SplitParams) -> Vec<Port> {
        vec![Port::many("words", PortType::Text), Port::one("count", PortType::Text)]
    }

    fn claim(&self, _: &SplitParams) -> Claim {
        Claim::tiny()
    }

    fn passes(&self) -> &'static [&'static str] {
        &["/prefix"]
    }

    fn run(&self, params: SplitParams, call: &Call<'_>) -> Result<Outcome, Failure> {
        let text = String::from_utf8(call.read(params.text.slot())?).unwrap();
        let mut subgraph = Subgraph::default();
        let mut references = Vec::new();
        for (index, word) in text.split_whitespace().enumerate() {
            let name = format!("word.{}", index + 1);
            let with = if params.deep {
                json!({ "text": word, "deep": true })
            } else {
                let mut parts: Vec<_> = params.prefix.iter().map(|prefix| json!(prefix)).collect();
                parts.push(json!(word));
                parts.extend(
                    params.suffix.as_ref().map(|suffix| json!(format!("${{self.{}}}", suffix.slot()))),
                );
                json!({ "parts": parts })
            };
            let uses = if params.deep { "split" } else { "join" };
            references.push(format!("${{{name}.{}}}", if params.deep { "count" } else { "text" }));
            subgraph.nodes.push(SubNode { name, uses: uses.into(), with });
        }
        let count = references.len().to_string();
        subgraph.ports.insert("words".into(), references);
        Ok(Outcome { graph: Some(subgraph), ..Outcome::default() }.with_bytes("count", "text/plain", count))
    }
}

/// A take from a fake web.
pub struct Fetch {
    outside: Arc<Outside>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchParams {
    url: String,
    #[serde(default, rename = "as")]
    what: String,
}

impl Kind for Fetch {
    type Params = FetchParams;

    fn info(&self) -> Info {
        info("fetch", 1, false)
    }

    fn ports(&self, _: &FetchParams) -> Vec<Port> {
        vec![Port::one("file", PortType::Text)]
    }

    fn claim(&self, _: &FetchParams) -> Claim {
        Claim { network: 1, ..Claim::tiny() }
    }

    fn take(&self, params: &FetchParams) -> Option<Take> {
        Some(Take::Fetched { url: params.url.clone() })
    }

    fn run(&self, params: FetchParams, _: &Call<'_>) -> Result<Outcome, Failure> {
        let web = self.outside.web.lock().unwrap();
        let text = web.get(&params.url).ok_or_else(|| Failure::of(FailureCode::Network, "404"))?;
        Ok(Outcome::default().with_bytes("file", "text/plain", text.clone()))
    }
}

/// An executor whose runs end only when they are cancelled.
#[derive(Default)]
pub struct Endless {
    sinks: Mutex<BTreeMap<RunId, ReportSink>>,
}

impl Executor for Endless {
    fn start(&self, request: Request, sink: ReportSink) {
        self.sinks.lock().unwrap().insert(request.id, sink);
    }

    fn cancel(&self, id: RunId) {
        if let Some(sink) = self.sinks.lock().unwrap().remove(&id) {
            sink(Report::Finished(id, Err(Failure::of(FailureCode::Cancelled, "cancelled"))));
        }
    }

    fn shutdown(&self, _: Duration) {}
}

/// All files under a folder with their contents.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}
