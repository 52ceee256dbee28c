//! Whole projects from text to graph: names, references, places of errors, and what a change touches.

mod hardware;
mod many;
mod names;
mod wrong;

use std::collections::BTreeMap;
use std::path::Path;

use reel_engine::read::ReadOptions;
use reel_engine::session::Project;

use crate::{Host, registry};

/// Where the fonts of Debian's `fonts-dejavu-core` are.
const FONTS: &str = "/usr/share/fonts/truetype/dejavu";

const ECLIPSE: &str = r##"version: 1
name: eclipse
vars: { voice: en-us }
format: { size: 1080x1920, fps: 30 }
voice: { engine: espeak, voice: "${vars.voice}", rate: 170 }
captions: { style: karaoke, font: DejaVu Sans, lines: 2, position: bottom }
music: { file: assets/bed.flac, gain: -18dB, duck: -10dB }
scenes:
  - id: hook
    say: A total eclipse lasts, at most, seven and a half minutes. Most are far shorter.
    show: { image: assets/eclipse.jpg, motion: push-in }
  - id: shadow
    say: The Moon's shadow crosses the Earth at 1700 kilometres an hour.
    show: { image: assets/shadow.png }
    transition: { kind: fade, for: 0.5s }
  - id: end
    show: { card: { title: "Next: 12 August 2026", background: "#0b1021" } }
    for: 3s
outputs:
  short: out/short.mp4
  square: { file: out/square.mp4, size: 1080x1080 }
  words: out/short.srt
"##;

/// A project's folder with the files that samples name.
fn folder(yaml: &str) -> tempfile::TempDir {
    let space = tempfile::tempdir().unwrap();
    std::fs::create_dir(space.path().join("assets")).unwrap();
    for file in ["bed.flac", "eclipse.jpg", "shadow.png", "walk.mp4", "voice.wav", "model.bin", "map.svg"] {
        // Each begins as files of its kind do; more of them is not read here.
        let head: &[u8] = match file.rsplit_once('.').unwrap().1 {
            "flac" => b"fLaC",
            "jpg" => b"\xff\xd8\xff\xe0",
            "png" => b"\x89PNG\r\n\x1a\n",
            "mp4" => b"\0\0\0\x20ftypisom",
            "wav" => b"RIFF\0\0\0\0WAVEfmt ",
            "bin" => b"lmgg",
            "svg" => b"<svg xmlns='http://www.w3.org/2000/svg'/><!-- {{city}} --> ",
            _ => b"",
        };
        // After a drawing there is nothing but comments.
        let name: &[u8] = if file.ends_with("svg") { b"" } else { file.as_bytes() };
        std::fs::write(space.path().join("assets").join(file), [head, name].concat()).unwrap();
    }
    std::fs::write(space.path().join("script.txt"), "From a file. Two ${sentences}.\n").unwrap();
    std::fs::write(space.path().join("reel.yaml"), yaml).unwrap();
    space
}

/// The project, or its problems as `CODE LINE:COLUMN message (help)`.
fn load(root: &Path) -> Result<Project, Vec<String>> {
    load_on(root, Host { font_dirs: vec![FONTS.into()], ..Host::default() })
}

/// The same on a machine.
fn load_on(root: &Path, host: Host) -> Result<Project, Vec<String>> {
    let options = ReadOptions { env: &|_| None, set: &[] };
    Project::load(root, &registry(host), &options).map_err(|faulty| {
        let line = |problem: &reel_engine::diagnostic::Diagnostic| {
            let place = problem.labels.first().and_then(|label| faulty.sources.line_column(label.span));
            let (line, column) = place.unwrap_or_default();
            let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{} {line}:{column} {}{help}", problem.code.0, problem.message)
        };
        faulty.problems.iter().map(line).collect()
    })
}

fn graph(yaml: &str) -> Project {
    let space = folder(yaml);
    load(space.path()).unwrap_or_else(|problems| panic!("{}", problems.join("\n")))
}

#[test]
fn files_that_are_not_what_their_place_wants_are_told_before_anything_runs() {
    let yaml = "
version: 1
music: { file: assets/eclipse.jpg }
scenes:
  - { id: a, for: 2s, show: { image: script.txt } }
  - { id: b, for: 2s, show: { image: assets/voice.wav } }
  - { id: c, for: 2s, show: { clip: script.txt } }
outputs: { film: out/film.mp4 }
";
    let found = problems(yaml);
    let codes: Vec<&str> = found.iter().map(|problem| problem.split(' ').next().unwrap()).collect();
    assert!(codes.iter().all(|code| *code == "R021"), "{found:#?}");
    assert!(
        found.iter().any(|p| p.contains("`script.txt` is not a picture") && p.contains("looks like text"))
    );
    assert!(found.iter().any(|p| p.contains("`script.txt` is not a video")));
    assert!(
        found.iter().any(|p| p.contains("`assets/voice.wav` is not a picture") && p.contains("audio/wav"))
    );
    assert!(found.iter().any(|p| p.contains("`assets/eclipse.jpg` is not a sound")));
}

fn problems(yaml: &str) -> Vec<String> {
    let space = folder(yaml);
    load(space.path()).err().unwrap_or_default()
}

/// Kind and canonical parameters of every node, by name.
fn params(yaml: &str) -> BTreeMap<String, (String, serde_json::Value)> {
    let project = graph(yaml);
    let nodes = project.graph.nodes();
    nodes
        .map(|(_, node)| {
            (node.name.clone(), (node.kind().to_owned(), serde_json::Value::clone(&node.params)))
        })
        .collect()
}

/// Names of nodes whose parameters differ, or that are only in one.
fn changed(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (params(before), params(after));
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| before.get(name) != after.get(name));
    names
}

fn fonts_are_there() -> bool {
    let there = Path::new(FONTS).join("DejaVuSans-Bold.ttf").exists();
    if !there {
        eprintln!("skipped: no fonts in {FONTS}");
    }
    there
}
