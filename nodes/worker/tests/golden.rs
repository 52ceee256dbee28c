//! The golden table: which bytes each version of each kind makes of a fixed input. A kind that makes other bytes
//! needs another version, or everybody's cache is wrong; this is where a forgotten one is found.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on must end, and say why it skips"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reel_engine::cache::{ActionResult, Cache, CacheConfig, Lookup};
use reel_engine::digest::Digest;
use reel_engine::event::Event;
use reel_engine::executor::inline::Inline;
use reel_engine::executor::toolbox::{ProgramSpec, Toolbox};
use reel_engine::executor::worker::{WorkerProgram, Workers};
use reel_engine::executor::{Executor, Executors};
use reel_engine::key::Manifest;
use reel_engine::machine::Machine;
use reel_engine::operation::Registry;
use reel_engine::read::ReadOptions;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::session::{Equipment, Project, channel};
use reel_nodes::{Host, Network};

const WORKER: &str = env!("CARGO_BIN_EXE_reel-worker");
const TEST: &str = "each_kind_makes_the_bytes_that_its_version_made";
const RENEW: &str = "REEL_UPDATE=1 cargo test -p reel-worker --test golden";

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// What the table says of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    kind: String,
    version: String,
    /// Operating system and architecture for kinds that are not exact; else `-`.
    platform: String,
    /// Short digests of what else is in the key.
    params: String,
    inputs: String,
    tools: BTreeMap<String, String>,
    /// Short digests of what was made, by port; `nodes` for the nodes of an expansion.
    bytes: BTreeMap<String, String>,
}

impl Row {
    fn of(manifest: &Manifest, result: &ActionResult) -> Self {
        let field = |name: &str| manifest.fields().iter().find(|field| field.name == name);
        let value = |name: &str| field(name).map_or_else(|| "-".to_owned(), |field| field.value.clone());
        let all = |prefix: &str| {
            let of = manifest.fields().iter().filter(|field| field.name.starts_with(prefix));
            let text: String = of.map(|field| format!("{}={}\n", field.name, field.value)).collect();
            if text.is_empty() { "-".to_owned() } else { short(text.as_bytes()) }
        };
        let tools = manifest.fields().iter().filter_map(|field| {
            Some((field.name.strip_prefix("tool.")?.to_owned(), short(field.value.as_bytes())))
        });
        let made =
            result.artifacts.iter().map(|stored| (stored.port.clone(), stored.artifact.digest.short()));
        let nodes = result.graph.as_ref().map(|graph| short(&serde_json::to_vec(graph).unwrap()));
        Self {
            kind: value("kind"),
            version: value("version"),
            platform: value("platform"),
            params: all("param."),
            inputs: all("input."),
            tools: tools.collect(),
            bytes: made.chain(nodes.map(|nodes| ("nodes".to_owned(), nodes))).collect(),
        }
    }

    fn write(&self) -> String {
        let list = |map: &BTreeMap<String, String>| {
            let items: Vec<String> = map.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            if items.is_empty() { "-".to_owned() } else { items.join(",") }
        };
        let (tools, bytes) = (list(&self.tools), list(&self.bytes));
        [&self.kind, &self.version, &self.platform, &self.params, &self.inputs, &tools, &bytes]
            .map(String::as_str)
            .join(" ")
    }

    fn read(line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, version, platform, params, inputs, tools, bytes] = words[..] else {
            panic!("not a row of the table: `{line}`");
        };
        let map = |text: &str| -> BTreeMap<String, String> {
            let items = text.split(',').filter_map(|item| item.split_once(':'));
            items.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        Self {
            kind: kind.into(),
            version: version.into(),
            platform: platform.into(),
            params: params.into(),
            inputs: inputs.into(),
            tools: map(tools),
            bytes: map(bytes),
        }
    }
}

fn short(bytes: &[u8]) -> String {
    Digest::of(bytes).short()
}

/// How a kind does against its row.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    /// It cannot be told here, for this reason.
    Unknown(String),
    Wrong(String),
}

fn judge(pinned: Option<&Row>, now: &Row) -> Verdict {
    let kind = &now.kind;
    let Some(pinned) = pinned else {
        return Verdict::Wrong(format!("`{kind}` has no row in the table: add one with `{RENEW}`"));
    };
    if pinned.version != now.version {
        let (old, new) = (&pinned.version, &now.version);
        return Verdict::Wrong(format!(
            "`{kind}` has version {new}, and the table is of version {old}: renew it with `{RENEW}`"
        ));
    }
    if pinned.bytes == now.bytes {
        return Verdict::Right;
    }
    if pinned.platform != now.platform {
        return Verdict::Unknown(format!(
            "`{kind}` is pinned for {}, and this is {}",
            pinned.platform, now.platform
        ));
    }
    let tool = now.tools.iter().find(|(name, identity)| pinned.tools.get(*name) != Some(identity));
    if let Some((tool, _)) = tool {
        return Verdict::Unknown(format!("`{kind}` is pinned for another `{tool}` than the one here"));
    }
    if pinned.inputs != now.inputs {
        return Verdict::Unknown(format!(
            "`{kind}` has other inputs here (fonts, programs, or what its tools made)"
        ));
    }
    if pinned.params != now.params {
        return Verdict::Wrong(format!(
            "the parameters of `{kind}` or their defaults changed, and so did its bytes. If that is meant, renew the \
             table with `{RENEW}`"
        ));
    }
    let (old, new) = (&pinned.bytes, &now.bytes);
    Verdict::Wrong(format!(
        "`{kind}` makes other bytes of the same input than its version {} did: {old:?} became {new:?}.\n  If that is \
         meant, raise `version` in the declaration of the kind (and in the worker's table of runs), then renew the \
         table with `{RENEW}`",
        now.version
    ))
}

/// Says that a kind cannot be judged here. Whoever runs all tests counts these, and prints them at the end.
#[expect(clippy::disallowed_methods, reason = "the one variable that the runner of all tests sets")]
fn skip(reason: &str) {
    println!("skipped: {reason}");
    let Some(list) = std::env::var_os("REEL_SKIPPED_TESTS") else { return };
    let mut file = fs::OpenOptions::new().append(true).create(true).open(list).unwrap();
    writeln!(file, "{TEST}: {reason}").unwrap();
}

/// Serves a line to whoever asks, and tells where.
fn web() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 7\r\nconnection: close\r\n\r\na line\n";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/line.txt")
}

/// Three seconds of two tones, made without a sine: those differ between machines.
fn bed(path: &Path) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    let triangle = |n: i32, period: i32| ((n % period - period / 2).abs() - period / 4) * 24_000 / period;
    for n in 0..3 * 48_000 {
        wav.write_sample(triangle(n, 218) as i16).unwrap();
        wav.write_sample(triangle(n, 146) as i16).unwrap();
    }
    wav.finalize().unwrap();
}

/// The project, and the kinds that cannot be tried here.
fn project(root: &Path) -> Vec<&'static str> {
    let mut left_out = Vec::new();
    for name in ["reel.yaml", "shape.svg", "words.json", "line.txt", "hello.srt"] {
        fs::copy(beside(name), root.join(name)).unwrap();
    }
    for name in
        ["tests/fixtures/hello.wav", "examples/two-formats/assets/tide.jpg", "examples/clips/assets/life.mp4"]
    {
        fs::copy(repository(name), root.join(Path::new(name).file_name().unwrap())).unwrap();
    }
    bed(&root.join("bed.wav"));
    let mut unpack = Command::new("zstd");
    unpack.args(["-q", "-d"]).arg(repository("tests/fixtures/ggml-tiny-espeak.bin.zst"));
    if !unpack.arg("-o").arg(root.join("tiny.bin")).status().is_ok_and(|status| status.success()) {
        fs::write(root.join("tiny.bin"), "no model").unwrap();
        left_out.push("transcribe");
    }
    if !Path::new(WORKER).with_file_name("reel-speak").exists() {
        left_out.push("tts");
    }
    left_out
}

fn registry() -> Registry {
    reel_nodes::registry(Host {
        font_dirs: ["/usr/share/fonts", "/usr/local/share/fonts"].map(PathBuf::from).to_vec(),
        path: ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).to_vec(),
        allow_exec: true,
        network: Network { offline: false, allow_private: true },
        ..Host::default()
    })
}

/// Builds the project of all kinds, and gives a row for each kind that could be built.
fn rows(registry: &Registry) -> (Vec<Row>, Vec<&'static str>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["project", "scratch"] {
        fs::create_dir(at(name)).unwrap();
    }
    let left_out = project(&at("project"));
    let env = vec![("PATH".into(), "/usr/bin:/bin".into())];
    let spec = ProgramSpec {
        name: "reel-worker".into(),
        path: WORKER.into(),
        args: vec!["--identity".into()],
        env: env.clone(),
    };
    let toolbox = Toolbox::load(&[spec], &at("toolbox.json"));
    let cache = Cache::open(CacheConfig::new(at("cache"), at("scratch")));
    // What is not there cannot be opened for a worker.
    fs::create_dir_all(cache.blob_folder()).unwrap();
    let mut program = WorkerProgram::new(WORKER, registry);
    program.env = env;
    program.confinement.read = vec![at("project"), cache.blob_folder().to_owned(), "/usr/share/fonts".into()];
    program.confinement.write = vec![at("scratch")];
    let executors = Executors::new(Arc::new(Inline::new()), Arc::new(Workers::new(program)));
    let set = [("web".to_owned(), web())];
    let options = ReadOptions { env: &|_| None, set: &set };
    let project = Project::load(&at("project"), registry, &options).unwrap_or_else(|faulty| {
        let said: Vec<_> = faulty.problems.iter().map(|problem| problem.message.clone()).collect();
        panic!("{said:#?}")
    });
    let equipment = Equipment {
        registry,
        cache: &cache,
        executor: &executors,
        toolbox: &toolbox,
        scratch: at("scratch"),
        snapshot: None,
    };
    let settings = Settings {
        capacity: Machine::detect().capacity,
        keep_going: true,
        locked: false,
        offline: false,
        today: "2026-01-01".into(),
        afresh: Afresh::Nothing,
        backwards: false,
        later: Vec::new(),
    };
    let (targets, outputs) = project.targets(&[]).unwrap();
    let mut failed = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::DidFail { node, failure } = event
            && !left_out.contains(&node.kind)
        {
            failed.push(format!("{}: {failure}\n{}", node.name, failure.log));
        }
    };
    project.build(&equipment, settings, (&targets, &outputs), &mut observer, &mut channel().1).unwrap();
    executors.shutdown(Duration::from_secs(1));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let history = project.history();
    let mut rows: Vec<Row> = project
        .graph
        .nodes()
        .filter_map(|(_, node)| {
            let past = history.past(&node.name)?;
            let Lookup::Hit(result) = cache.lookup(&past.key.0) else { return None };
            Some(Row::of(&past.manifest(), &result))
        })
        .collect();
    rows.sort_by(|one, other| one.kind.cmp(&other.kind));
    (rows, left_out)
}

const HEAD: &str = "# What each version of each kind makes of its node in `reel.yaml`, beside this file. The test `golden` says what to
# do when it differs; `REEL_UPDATE=1 cargo test -p reel-worker --test golden` writes it anew.
#
# kind version platform params inputs tools bytes: digests are cut; what is not the same on another machine
# (tools, platform, inputs such as fonts) says whether the bytes can be compared there.
";

#[test]
fn each_kind_makes_the_bytes_that_its_version_made() {
    let registry = registry();
    let (rows, left_out) = rows(&registry);
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the test")]
    let update = std::env::var_os("REEL_UPDATE").is_some();
    if update {
        let text: String = rows.iter().map(|row| row.write() + "\n").collect();
        fs::write(beside("table.txt"), format!("{HEAD}{text}")).unwrap();
        println!("{text}");
    }
    let table = fs::read_to_string(beside("table.txt")).unwrap_or_default();
    let pinned: BTreeMap<String, Row> = table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| (line.split(' ').next().unwrap().to_owned(), Row::read(line)))
        .collect();
    let mut wrong = Vec::new();
    for kind in registry.kinds() {
        let kind = kind.info().name;
        match rows.iter().find(|row| row.kind == kind) {
            Some(row) => match judge(pinned.get(kind), row) {
                Verdict::Right => {}
                Verdict::Unknown(reason) => skip(&reason),
                Verdict::Wrong(reason) => wrong.push(reason),
            },
            None if left_out.contains(&kind) => skip(&format!("what `{kind}` needs is not here")),
            None => {
                wrong.push(format!("`{kind}` has no node in tests/golden/reel.yaml: give it a small one"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn other_bytes_are_told_apart_from_other_tools() {
    let row = Row::read("card 3 - aa bb resvg:11,cosmic:22 image:99");
    assert_eq!(Row::read(&row.write()), row);
    let with = |change: &dyn Fn(&mut Row)| {
        let mut now = Row { bytes: BTreeMap::from([("image".into(), "98".into())]), ..row.clone() };
        change(&mut now);
        judge(Some(&row), &now)
    };
    let is_wrong =
        |verdict: &Verdict, part: &str| matches!(verdict, Verdict::Wrong(said) if said.contains(part));
    assert_eq!(judge(Some(&row), &row), Verdict::Right);
    assert!(is_wrong(&with(&|_| {}), "raise `version`"));
    assert!(is_wrong(&with(&|now| now.version = "4".into()), "renew"));
    assert!(is_wrong(&with(&|now| now.params = "ab".into()), "defaults"));
    assert!(is_wrong(&judge(None, &row), "no row"));
    for change in [
        &(|now: &mut Row| now.platform = "linux-aarch64".into()) as &dyn Fn(&mut Row),
        &|now| drop(now.tools.insert("resvg".into(), "12".into())),
        &|now| now.inputs = "bc".into(),
    ] {
        assert!(matches!(with(change), Verdict::Unknown(_)));
    }
    let same = Row { tools: BTreeMap::new(), ..row.clone() };
    assert_eq!(judge(Some(&row), &same), Verdict::Right, "the same bytes are right, whoever made them");
}
