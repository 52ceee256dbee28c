//! Tests of `reel-worker` itself, met the way `reel` meets it.
#![expect(clippy::unwrap_used, reason = "these are tests, and what they share is no test by itself")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reel_engine::artifact::{Artifact, InputFile};
use reel_engine::digest::Digest;
use reel_engine::executor::toolbox::{ProgramIdentity, ProgramSpec, Toolbox};
use reel_engine::executor::worker::{WorkerProgram, Workers};
use reel_engine::executor::{Executor, Report, Request, RunId};
use reel_engine::operation::{Body, Failure, Operation, Outcome, Registry, Site, Typed};
use reel_nodes::host::Host;
use reel_nodes::speech::level::Level;
use reel_nodes::speech::tts::Tts;
use reel_worker::runs::runs;
use serde_json::{Value, json};

const WORKER: &str = env!("CARGO_BIN_EXE_reel-worker");

fn spec() -> ProgramSpec {
    ProgramSpec {
        name: "reel-worker".into(),
        path: WORKER.into(),
        args: vec!["--identity".into()],
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
    }
}

/// Half a second of a tone, 16-bit mono at 24 kHz.
fn tone(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 24_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..12_000 {
        writer.write_sample(((f64::from(n) * 0.1).sin() * 8000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

fn input(path: PathBuf) -> InputFile {
    let (digest, size) = Digest::of_file(&path).unwrap_or((Digest::of(b""), 0));
    InputFile::at(path, Artifact { digest, size, media: "audio/wav".into() })
}

/// Levels a file in a worker.
fn level(workers: &Workers, folder: &Path, id: u64, input: InputFile) -> Result<Outcome, Failure> {
    let params = json!({ "audio": { "$input": "audio" }, "target": "-16dB" });
    act(workers, folder, id, Arc::new(Typed::new(Level)), params, ("audio", input))
}

fn act(
    workers: &Workers,
    folder: &Path,
    id: u64,
    operation: Arc<dyn Operation>,
    params: Value,
    (slot, input): (&str, InputFile),
) -> Result<Outcome, Failure> {
    let (sender, reports) = channel();
    let sender = Mutex::new(sender);
    let scratch = folder.join(format!("scratch/{id}"));
    fs::create_dir_all(&scratch).unwrap();
    let request = Request {
        id: RunId(id),
        node: "hook.level.1".into(),
        operation,
        params: Arc::new(params),
        inputs: vec![(slot.into(), vec![input])],
        ports: Vec::new(),
        scratch,
        deadline: Some(Duration::from_secs(60)),
        gpus: Vec::new(),
    };
    workers.start(request, Arc::new(move |report| drop(sender.lock().unwrap().send(report))));
    loop {
        if let Report::Finished(run, result) = reports.recv_timeout(Duration::from_secs(90)).unwrap() {
            assert_eq!(run, RunId(id));
            return result;
        }
    }
}

#[test]
fn every_declared_kind_has_a_run_of_its_version() {
    let registry = reel_nodes::registry(Host::default());
    let infos = registry.kinds().map(|kind| kind.info()).filter(|info| info.site == Site::Worker);
    let declared: Vec<(&str, u32)> = infos.map(|info| (info.name, info.version)).collect();
    let runs: Vec<(&str, u32)> = runs().iter().map(|(name, version, _)| (*name, *version)).collect();
    assert_eq!(runs, declared);
}

#[test]
fn its_identity_is_one_line_and_is_remembered() {
    let output = Command::new(WORKER).arg("--identity").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    let identity: ProgramIdentity = serde_json::from_slice(&output.stdout).unwrap();
    let declared = reel_nodes::registry(Host::default()).get("tts").map(|kind| kind.info().version);
    assert_eq!(Some(identity.kinds["tts"]), declared);
    assert!(identity.files.iter().any(|file| file.to_string_lossy().contains("libavcodec.so")));
    let folder = tempfile::tempdir().unwrap();
    let load = || Toolbox::load(&[spec()], &folder.path().join("toolbox.json"));
    let (first, second) = (load(), load());
    assert_eq!(first.programs["reel-worker"], identity);
    assert_eq!(second.started, 0, "the memo holds");
    assert_eq!(second.entries, first.entries);
}

#[test]
fn it_runs_a_kind_confined_and_gives_the_same_bytes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("project")).unwrap();
    fs::create_dir(at("scratch")).unwrap();
    tone(&at("project/tone.wav"));
    tone(&at("outside.wav"));
    let toolbox = Toolbox::load(&[spec()], &at("toolbox.json"));
    let mut program = WorkerProgram::new(WORKER, &Registry::default().with(Typed::new(Level)));
    program.build_id = Some(toolbox.programs["reel-worker"].build_id.clone());
    program.tools = toolbox.entries;
    program.confinement.read = vec![at("project")];
    program.confinement.write = vec![at("scratch")];
    let workers = Workers::new(program);
    let digest = |id: u64| {
        let outcome = level(&workers, folder.path(), id, input(at("project/tone.wav"))).unwrap();
        let Body::File(path) = &outcome.produced[0].body else { panic!("a file") };
        Digest::of_file(path).unwrap()
    };
    assert_eq!(digest(1), digest(2));
    let confined = workers.confined().unwrap();
    println!("confined: {confined:?}");
    std::os::unix::fs::symlink(at("outside.wav"), at("project/link.wav")).unwrap();
    let outside = level(&workers, folder.path(), 3, input(at("project/link.wav")));
    assert_eq!(outside.is_err(), confined.landlock, "a link does not lead out: {outside:?}");
    fs::write(at("project/broken.wav"), "RIFF....WAVEnot really").unwrap();
    assert!(level(&workers, folder.path(), 4, input(at("project/broken.wav"))).is_err());
    assert_eq!(digest(5), digest(1), "a failure leaves the worker well");
    let given = level(&workers, folder.path(), 6, input(at("outside.wav")));
    assert!(given.is_ok(), "what reel itself names as an input may be read: {given:?}");
}

#[test]
fn a_confined_worker_starts_reel_speak_and_nothing_of_it_stays() {
    let speaker = Path::new(WORKER).with_file_name("reel-speak");
    if !speaker.exists() {
        println!("skipped: `reel-speak` is not built beside the worker");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("project")).unwrap();
    fs::create_dir(at("scratch")).unwrap();
    fs::write(at("project/line.txt"), "The shadow crosses the Earth.").unwrap();
    let mut program = WorkerProgram::new(WORKER, &Registry::default().with(Typed::new(Tts::default())));
    program.args = vec!["--speak".into(), speaker.into()];
    program.confinement.read = vec![at("project")];
    program.confinement.write = vec![at("scratch")];
    let workers = Workers::new(program);
    let speak = |id: u64| {
        let params = json!({ "text": { "$input": "text" } });
        let input = ("text", input(at("project/line.txt")));
        let outcome =
            act(&workers, folder.path(), id, Arc::new(Typed::new(Tts::default())), params, input).unwrap();
        let Body::File(path) = &outcome.produced[0].body else { panic!("a file") };
        Digest::of_file(path).unwrap()
    };
    let (first, second) = (speak(1), speak(2));
    assert!(first.1 > 20_000, "{} bytes are no sentence", first.1);
    assert_eq!(first, second);
    assert!(workers.confined().is_some());
}

#[test]
fn it_ends_when_its_input_closes_and_refuses_what_it_does_not_know() {
    let output = Command::new(WORKER).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "an empty input is a short life: {output:?}");
    assert!(output.stdout.len() > 4, "but it said hello");
    let output = Command::new(WORKER).arg("--nonsense").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--nonsense`"));
    let version = Command::new(WORKER).arg("--version").output().unwrap();
    assert!(version.stdout.starts_with(b"reel-worker "));
}
