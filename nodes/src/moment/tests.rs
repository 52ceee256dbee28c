//! What is where in a film, from made-up plans.

use std::path::Path;

use reel_engine::read::ReadOptions;
use reel_engine::session::Project;
use serde_json::json;

use super::*;
use crate::{Host, registry};

const FILM: &str = r##"version: 1
nodes:
  hook:  { uses: timeline, with: { fps: 30, sentences: [{ words: { file: words.json } }] } }
  end:   { uses: timeline, with: { fps: 30, for: 2s } }
  cut1:  { uses: encode, with: { size: 64x64, fps: 30, frames: 40, picture: { color: "#102030" } } }
  cut2:  { uses: encode, with: { size: 64x64, fps: 30, frames: 20, picture: { color: "#102030" } } }
  cut3:  { uses: encode, with: { size: 64x64, fps: 30, frames: 15, picture: { still: { file: b.still } },
           under: { kind: fade, picture: { color: "#102030" } } } }
  cut4:  { uses: encode, with: { size: 64x64, fps: 30, frames: 45, picture: { still: { file: b.still } },
           over: [{ sprite: { file: star.sprite }, x: 50%, y: 50%, opacity: 100%, start: 5, end: 25 }] } }
  sound: { uses: mix, with: { scenes: [{ plan: "${hook.plan}", voices: [{ file: v.wav }, { file: v.wav }] },
                                       { plan: "${end.plan}", sfx: [{ file: bell.wav, after: 500ms }] }],
           music: { file: bed.flac, first: 1 } } }
  film:  { uses: mux, with: { plans: ["${hook.plan}", "${end.plan}"], audio: "${sound.audio}",
           segments: ["${cut1.video}", "${cut2.video}", "${cut3.video}", "${cut4.video}"] } }
"##;

fn project() -> Project {
    let space = tempfile::tempdir().unwrap();
    let write = |name: &str, head: &[u8]| std::fs::write(space.path().join(name), head).unwrap();
    write("reel.yaml", FILM.as_bytes());
    for name in ["b.still", "star.sprite", "words.json"] {
        write(name, b"{}");
    }
    for name in ["v.wav", "bell.wav"] {
        write(name, b"RIFF\0\0\0\0WAVEfmt ");
    }
    write("bed.flac", b"fLaC");
    let options = ReadOptions { env: &|_| None, set: &[] };
    let loaded = Project::load(Path::new(space.path()), &registry(Host::default()), &options);
    loaded.unwrap_or_else(|faulty| panic!("{:?}", faulty.problems))
}

fn made(graph: &Graph) -> impl Fn(NodeId, &str) -> Option<Vec<u8>> + '_ {
    |id, port| {
        let value = match (graph.node(id).name.as_str(), port) {
            ("hook", "plan") => json!({ "frames": 60, "fps": "30", "pictures": [0], "speech": [],
                "sentences": [{ "start": 0, "samples": 40_000 }, { "start": 48_000, "samples": 40_000 }] }),
            ("hook", "words") => json!({ "rate": 1000, "end": 2000, "words": [
                { "text": "One", "start": 0, "end": 300 }, { "text": "star.", "start": 300, "end": 800, "last": true },
                { "text": "Two.", "start": 1000, "end": 1800, "last": true }] }),
            ("end", "plan") => {
                json!({ "frames": 60, "fps": "30", "pictures": [0], "speech": [], "sentences": [] })
            }
            _ => return None,
        };
        Some(value.to_string().into_bytes())
    }
}

/// What is there on a frame, a line each.
fn at(frame: u64) -> Vec<String> {
    let project = project();
    let graph = &project.graph;
    let film = Film::of(graph, graph.find("film").unwrap(), &made(graph)).unwrap();
    assert_eq!((film.frames, film.fps), (120, FrameRate::whole(30)));
    let line = |stretch: &Stretch| {
        let names: Vec<&str> = stretch.nodes.iter().map(|id| graph.node(*id).name.as_str()).collect();
        let role = stretch.role.as_str();
        format!("{role} {}-{} {} [{}]", stretch.start, stretch.end, stretch.text, names.join(" "))
    };
    film.at(frame).map(line).collect()
}

#[test]
fn a_moment_has_a_scene_a_sentence_a_picture_a_segment_and_sounds() {
    assert_eq!(
        at(24),
        [
            "scene 0-60 hook [hook]",
            "sentence 0-25 One star. []",
            "picture 0-60 #102030 []",
            "segment 0-40 40 frames [cut1]",
            "mix 0-120  [sound]",
            "film 0-120  [film]",
        ]
    );
    assert!(!at(25).iter().any(|line| line.starts_with("sentence")), "the silence between two sentences");
    assert!(at(30).contains(&"sentence 30-55 Two. []".to_owned()), "{:?}", at(30));
}

#[test]
fn a_transition_has_both_pictures_and_effects_and_layers_their_times() {
    assert_eq!(
        at(70),
        [
            "scene 60-120 end [end]",
            "picture 60-120 b.still []",
            "outgoing 60-75 #102030 []",
            "transition 60-75 fade [cut3]",
            "segment 60-75 15 frames [cut3]",
            "music 60-120 bed.flac []",
            "mix 0-120  [sound]",
            "film 0-120  [film]",
        ]
    );
    let later = at(80);
    assert!(later.contains(&"layer 80-100 star.sprite []".to_owned()), "{later:?}");
    assert!(later.contains(&"effect 75-120 bell.wav []".to_owned()), "{later:?}");
    assert!(!at(100).iter().any(|line| line.starts_with("layer")));
}

#[test]
fn what_was_not_made_yet_is_named() {
    let project = project();
    let graph = &project.graph;
    let node = |name: &str| graph.find(name).unwrap();
    let film = Film::of(graph, node("film"), &|_, _| None);
    assert_eq!(film, Err(Unknown::Unmade(node("hook"))));
    assert_eq!(Film::of(graph, node("sound"), &made(graph)), Err(Unknown::NotJoined));
    let broken = Film::of(graph, node("film"), &|_, _| Some(b"[]".to_vec()));
    assert!(matches!(broken, Err(Unknown::Unread(id, _)) if id == node("hook")), "{broken:?}");
}

#[test]
fn a_frames_time_means_that_frame() {
    for fps in ["24", "30", "30000/1001", "24000/1001"] {
        let film = Film { fps: fps.parse().unwrap(), frames: 9000, stretches: Vec::new() };
        for frame in [0, 1, 2, 99, 1001, 8999] {
            assert_eq!(When::Micros(film.micros(frame)).frame(film.fps), frame, "{fps} {frame}");
        }
    }
}
