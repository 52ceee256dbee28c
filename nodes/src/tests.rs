//! What holds for every kind, and for kinds together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reel_engine::artifact::{Artifact, InputFile};
use reel_engine::diagnostic::Diagnostics;
use reel_engine::digest::Digest;
use reel_engine::operation::{Body, Call, Operation, Outcome, Registry, Site};
use reel_engine::span::{Sources, Span};
use reel_engine::spec::{Located, check, parse_yaml};
use serde_json::{Value, json};

use super::{Host, registry};

fn all() -> Registry {
    registry(Host { allow_exec: true, path: vec!["/usr/bin".into(), "/bin".into()], ..Host::default() })
}

fn kind(name: &str) -> Arc<dyn Operation> {
    Arc::clone(all().get(name).unwrap())
}

#[test]
fn every_kind_of_the_first_wave_is_there() {
    let names: Vec<String> = all().kinds().map(|kind| kind.info().name.to_owned()).collect();
    assert_eq!(
        names,
        [
            "beside",
            "captions",
            "card",
            "clip",
            "compare",
            "conform",
            "cues",
            "encode",
            "exec",
            "expect",
            "fetch",
            "frames",
            "gain",
            "gif",
            "image",
            "level",
            "loudness",
            "mix",
            "mux",
            "package",
            "passage",
            "quality",
            "segments",
            "sound",
            "sprite",
            "still",
            "subtitles",
            "svg",
            "text",
            "thumbnail",
            "timeline",
            "track",
            "transcribe",
            "trial",
            "tts",
        ]
    );
}

#[test]
fn every_example_is_right() {
    for kind in all().kinds() {
        let info = kind.info();
        let mut problems = Diagnostics::default();
        let id = Sources::default().add(PathBuf::from("example"), Arc::from(info.example));
        let yaml = parse_yaml(info.example, id, &mut problems).unwrap();
        let (_, node) = &yaml.entries()[0];
        assert_eq!(node.get("uses").unwrap().as_text(), Some(info.name));
        let checked = check(node.get("with").unwrap(), kind.schema(), &mut problems);
        let said: Vec<_> = problems.iter().map(|problem| &problem.message).collect();
        assert!(checked.is_some(), "{}: {said:?}", info.name);
        assert!(said.is_empty(), "{}: {said:?}", info.name);
    }
}

#[test]
fn every_parameter_is_described() {
    for kind in all().kinds() {
        let schema = kind.schema();
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(property.get("description").is_some(), "{}: `{name}`", kind.info().name);
        }
        assert_eq!(schema["additionalProperties"], false, "{}", kind.info().name);
    }
}

/// Runs a kind that runs here, on inputs given as text by slot.
fn run(name: &str, with: &Value, inputs: &[(&str, &str)]) -> Outcome {
    let space = tempfile::tempdir().unwrap();
    let inputs: Vec<(String, Vec<InputFile>)> = inputs
        .iter()
        .enumerate()
        .map(|(i, (slot, text))| {
            let path = space.path().join(format!("input{i}"));
            std::fs::write(&path, text).unwrap();
            let artifact = Artifact {
                digest: Digest::of(text.as_bytes()),
                size: text.len() as u64,
                media: String::new(),
            };
            ((*slot).to_owned(), vec![InputFile::at(path, artifact)])
        })
        .collect();
    let kind = kind(name);
    assert_eq!(kind.info().site, Site::Inline);
    let call = Call {
        params: with,
        inputs: &inputs,
        scratch: space.path(),
        progress: &|_| {},
        cancelled: &|| false,
        gpus: &[],
    };
    kind.run(&call).unwrap()
}

fn slot(name: &str) -> Value {
    json!({ "$input": name })
}

const WORDS: &str = r#"{ "rate": 22050, "end": 110250, "words": [
    { "text": "Hello,", "start": 2205, "end": 11025 }, { "text": "you", "start": 13230, "end": 44100 },
    { "text": "there.", "start": 50000, "end": 99225, "last": true }] }"#;
const PLAN: &str = r#"{ "frames": 300, "fps": "30", "sentences": [{ "start": 0, "samples": 470000 }],
    "speech": [], "pictures": [0] }"#;
const CUES: &str = r#"[{ "start": 3, "end": 140, "lines": [[{ "text": "${Hello}", "start": 3, "end": 140 }]] },
    { "start": 140, "end": 290, "lines": [[{ "text": "there.", "start": 140, "end": 290 }]] }]"#;

fn segments() -> Outcome {
    let with = json!({
        "plan": slot("plan"), "size": "108x192",
        "encoding": { "codec": "h264", "crf": 21, "preset": "veryfast", "keyint": 250, "threads": 1 },
        "pictures": [{ "still": slot("pictures.0.still"), "motion": "push-in" }],
        "captions": {
            "cues": slot("captions.cues"),
            "type": { "font": ["DejaVu Sans"], "bold": true, "size": 12, "width": 90 },
            "look": { "style": "line", "position": "top", "margin": 10, "color": "#ffffff", "highlight": "#ffd400",
                      "outline": "#000000", "outline_width": 1 },
        },
        "transition": { "kind": "fade", "for": "500ms", "plan": slot("transition.plan"),
                        "picture": { "video": slot("transition.picture.video"), "motion": "none" } },
    });
    run("segments", &with, &[("plan", PLAN), ("captions.cues", CUES), ("transition.plan", PLAN)])
}

#[test]
fn what_segments_makes_is_what_encode_takes() {
    let graph = segments().graph.unwrap();
    assert_eq!(graph.nodes.len(), 3);
    for node in &graph.nodes {
        let kind = kind(&node.uses);
        let mut problems = Diagnostics::default();
        let checked = check(&Located::of_json(&node.with, Span::default()), kind.schema(), &mut problems);
        let said: Vec<_> = problems.iter().map(|problem| &problem.message).collect();
        assert!(checked.is_some() && said.is_empty(), "{said:?}\n{:#}", node.with);
    }
    let first = graph.nodes[0].with.to_string();
    assert!(first.contains("${self.transition.picture.video}") && first.contains("$${Hello}"), "{first}");
}

/// The version of each kind that runs here and the digest of what it makes of a fixed input: when a digest changes,
/// so must the version.
#[test]
fn a_change_of_behaviour_bumps_the_version() {
    let timeline = json!({
        "fps": "30000/1001", "pause": "300ms", "gap": "150ms", "for": "2s", "pictures": [{}, { "at": "there" }],
        "sentences": [{ "words": slot("w"), "shown": [
            { "text": "Hi,", "said": 1, "last": false }, { "text": "you there.", "said": 2, "last": true }] }],
    });
    let captions = json!({
        "scenes": [{ "plan": slot("p"), "words": slot("w") }, { "plan": slot("p"), "words": slot("w") }],
        "format": "srt", "lines": 2, "chars": 12,
    });
    let text = json!({ "parts": [slot("a"), slot("b")], "separator": "-" });
    let made = [
        ("text", run("text", &text, &[("a", "one"), ("b", "two")])),
        ("timeline", run("timeline", &timeline, &[("w", WORDS)])),
        ("segments", segments()),
        ("captions", run("captions", &captions, &[("p", PLAN), ("w", WORDS)])),
    ];
    let pins: Vec<String> = made
        .iter()
        .map(|(name, outcome)| {
            let mut bytes = serde_json::to_vec(&outcome.graph).unwrap();
            for produced in &outcome.produced {
                match &produced.body {
                    Body::Bytes(body) => bytes.extend_from_slice(body),
                    Body::File(path) => panic!("{} is a file", path.display()),
                }
            }
            format!("{name} {} {}", kind(name).info().version, Digest::of(&bytes))
        })
        .collect();
    insta::assert_snapshot!(pins.join("\n"));
}

#[test]
fn no_kind_imports_another() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for area in ["speech", "picture", "film", "open"] {
        let entries = std::fs::read_dir(src.join(area)).unwrap().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| path.is_file()) {
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines().filter(|line| line.trim_start().starts_with("use crate::")) {
                let other = ["speech", "picture", "film", "open", "scenes"]
                    .iter()
                    .any(|area| line.contains(&format!("crate::{area}::")));
                assert!(!other, "{}: {line}", path.display());
            }
        }
    }
}
