//! The film above its graph: a small picture of each scene, and how loud what is said is. Pictures are made by the kinds
//! that films are made with, from segments that are there, in a project of their own that nobody sees.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reel_engine::cache::Placing;
use reel_engine::event::Event;
use reel_engine::executor::Executor;
use reel_engine::graph::draw::{Part, Strip};
use reel_engine::id::NodeId;
use reel_engine::quantity::Size;
use reel_engine::read::ReadOptions;
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::session::{Built, PROJECT_FILE, Project, channel};
use reel_nodes::moment::{Film, Role, Stretch, heights};
use serde_json::{Map, Value, json};

use super::super::films::{film, seconds};
use super::super::names::targets;
use crate::args::Using;
use crate::capacity::find;
use crate::config::today;
use crate::error::CommandError;
use crate::open::{Invocation, Loaded, Site, Workshop};

/// How high small pictures are: as they are drawn on a fine screen.
const HIGH: u32 = 192;
/// And at most as wide.
const WIDEST: u32 = 512;
/// Values of loudness for each second.
const FINE: u64 = 24;

/// The strip of the first film among targets.
pub(super) fn strip(
    call: &Invocation,
    loaded: &Loaded,
    shop: &Workshop,
    names: &[String],
) -> Result<Strip, CommandError> {
    let project = &loaded.project;
    let history = project.history();
    let built = project.built(&loaded.registry, &shop.cache, &history);
    let outputs = targets(project, names)?.1;
    let Some(output) = outputs.iter().find(|output| built.graph.node(output.node).kind() == "mux") else {
        return Err(CommandError::usage(
            "there is no film among what is drawn",
            "ask for an output that is a film",
        ));
    };
    let film = film(project, &built, output.node, &output.name)?;
    let scenes: Vec<&Stretch> = film.stretches.iter().filter(|it| it.role == Role::Scene).collect();
    let pictures = pictures(call, (loaded, shop), &built, (&film, scenes.as_slice()))?;
    let part = |(scene, picture): (&&Stretch, Option<Small>)| Part {
        name: scene.text.clone(),
        seconds: seconds(&film, scene.end) - seconds(&film, scene.start),
        aspect: picture.as_ref().map(|small| f64::from(small.width) / f64::from(HIGH)),
        picture: picture.map(|small| format!("data:image/jpeg;base64,{}", STANDARD.encode(small.jpeg))),
        heights: loudness(&built, &film, scene),
    };
    Ok(Strip { name: output.name.clone(), parts: scenes.iter().zip(pictures).map(part).collect() })
}

/// How loud each part of a scene is, of what is said in it.
fn loudness(built: &Built<'_>, film: &Film, scene: &Stretch) -> Vec<u8> {
    let column = |frame: u64| {
        let (num, den) = (u64::from(film.fps.num()), u64::from(film.fps.den()));
        ((frame - scene.start) * FINE * den / num) as usize
    };
    let mut all = vec![0; column(scene.end) + 1];
    let said = film.stretches.iter().filter(|it| it.role == Role::Sentence);
    for sentence in said.filter(|it| scene.is_at(it.start)) {
        let (from, to) = (column(sentence.start), column(sentence.end.min(scene.end)));
        let wav = sentence.nodes.first().and_then(|level| built.read(*level, "audio"));
        let loud = wav.and_then(|wav| heights(&wav, to - from)).unwrap_or_default();
        all[from..].iter_mut().zip(loud).for_each(|(all, loud)| *all = loud.max(*all));
    }
    all
}

/// A moment of a scene that shows it, and the segment that it is in: two seconds after its beginning, or in its middle.
fn moment<'a>(film: &'a Film, scene: &Stretch) -> Option<(&'a Stretch, u64)> {
    let two = 2 * u64::from(film.fps.num()) / u64::from(film.fps.den());
    let frame = scene.start + two.min((scene.end - scene.start) / 2);
    film.at(frame).find(|it| it.role == Role::Segment).map(|segment| (segment, frame - segment.start))
}

/// A small picture.
#[derive(Clone)]
struct Small {
    width: u32,
    jpeg: Vec<u8>,
}

/// A small picture of each scene, as far as its segment is there.
fn pictures(
    call: &Invocation,
    (loaded, shop): (&Loaded, &Workshop),
    built: &Built<'_>,
    (film, scenes): (&Film, &[&Stretch]),
) -> Result<Vec<Option<Small>>, CommandError> {
    let failed = |what: &str, why: &dyn std::fmt::Display| {
        CommandError::failed(format!("cannot make pictures of the scenes: {what}: {why}"))
    };
    let folder = shop.scratch().join("strip");
    fs::create_dir_all(&folder).map_err(|error| failed("no folder", &error))?;
    let (mut nodes, mut widths) = (Map::new(), vec![0; scenes.len()]);
    for (number, scene) in scenes.iter().enumerate() {
        let Some((segment, frame)) = moment(film, scene) else { continue };
        let Some(stored) = segment.nodes.first().and_then(|id| built.artifact(*id, "video")) else {
            continue;
        };
        let file = format!("{number}.mp4");
        // One that is gone has no picture until it is made again.
        if shop.cache.place(&stored, &folder.join(&file), Placing::Copy).is_err() {
            continue;
        }
        let at = film.micros(frame);
        widths[number] = wide(built, segment);
        let size = format!("{}x{HIGH}", widths[number]);
        let small = json!({ "video": file, "size": size, "fps": 10, "from": format!("{at}us"), "to": format!("{}us", at + 1) });
        nodes.insert(format!("small{number}"), json!({ "uses": "conform", "with": small }));
        let picture = json!({ "video": format!("${{small{number}.video}}"), "format": "jpg" });
        nodes.insert(format!("picture{number}"), json!({ "uses": "thumbnail", "with": picture }));
    }
    if nodes.is_empty() {
        return Ok(vec![None; scenes.len()]);
    }
    let text = json!({ "version": 1, "nodes": nodes }).to_string();
    fs::write(folder.join(PROJECT_FILE), text).map_err(|error| failed("no project", &error))?;
    let project = Project::load(&folder, &loaded.registry, &ReadOptions { env: &|_| None, set: &[] })?;
    let site = Site { root: &folder, registry: &loaded.registry, watch: false };
    let beside = shop.open_for(call, site)?;
    make(call, &project, &beside, loaded).map_err(|why| failed("a picture failed", &why))?;
    let all: Vec<NodeId> = project.graph.nodes().map(|(id, _)| id).collect();
    let seen = project.foresee(&beside.equipment(&loaded.registry), &all, &[])?;
    let picture = |number: usize| {
        let id = seen.graph.find(&format!("picture{number}"))?;
        let jpeg = beside.cache.read(seen.results.get(id)?.port("image")?).ok()?;
        Some(Small { width: widths[number], jpeg })
    };
    Ok((0..scenes.len()).map(picture).collect())
}

/// How wide a small picture of a segment is.
fn wide(built: &Built<'_>, segment: &Stretch) -> u32 {
    let size = segment.nodes.first().map(|id| &built.graph.node(*id).params["size"]);
    let size = size.and_then(Value::as_str).and_then(|size| size.parse::<Size>().ok());
    let width = size.map_or(HIGH, |size| HIGH * size.width.min(1 << 14) / size.height.max(1));
    (width.min(WIDEST) / 2).max(8) * 2
}

/// Runs what was never run of it, and leaves nothing but results.
fn make(call: &Invocation, project: &Project, shop: &Workshop, loaded: &Loaded) -> Result<(), String> {
    let plain = |error: CommandError| error.draw(crate::ui::Paint(false));
    let capacity = find(call, None, &Using::default(), false).map_err(plain)?.capacity;
    let settings = Settings {
        capacity,
        keep_going: true,
        locked: false,
        offline: true,
        today: today(),
        afresh: Afresh::Nothing,
        backwards: false,
        later: Vec::new(),
    };
    let (_interrupter, mut line) = channel();
    let mut wrong = None;
    let mut listen = |event: &Event| {
        if let Event::DidFail { failure, .. } = event {
            wrong.get_or_insert_with(|| failure.message.clone());
        }
    };
    let all: Vec<NodeId> = project.graph.nodes().map(|(id, _)| id).collect();
    let _live = shop.cache.begin_build();
    let made = project.rehearse(&shop.equipment(&loaded.registry), settings, &all, &mut listen, &mut line);
    shop.executor.shutdown(std::time::Duration::from_millis(500));
    shop.cache.flush();
    made.map_err(|problem| problem.message)?;
    wrong.map_or(Ok(()), Err)
}
