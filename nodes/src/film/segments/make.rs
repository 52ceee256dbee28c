//! From a scene's times and pictures to `encode` nodes. It runs nothing and reads nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use reel_engine::operation::{Failure, FailureCode, SubNode, Subgraph};
use reel_engine::quantity::Duration;
use reel_engine::spec::escape;
use serde_json::{Map, Value, json};

use super::cut::{Stretch, cut};
use super::sample::samples;
use super::{Overlay, Params, Picture, Transition};
use crate::media::picture::frame_port;
use crate::media::plan::Plan;
use crate::media::time::{FrameRate, SAMPLE_RATE};
use crate::media::words::{Cue, CueWord};

/// A segment: its frames in the scene, which picture is seen, and whether it comes in over the scene before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) frames: Range<u64>,
    pub(super) picture: usize,
    pub(super) comes_in: bool,
}

/// The `encode` nodes of a scene, in order, and the port that they fill; a failure once they are `unwanted`. A bar of
/// progress counts the scene's frames `within`: how many came before, of how many.
pub(super) fn subgraph(
    params: &Params,
    plan: &Plan,
    cues: &[Cue],
    before: Option<&Plan>,
    within: (u64, u64),
    unwanted: &dyn Fn() -> bool,
) -> Result<Subgraph, Failure> {
    if plan.pictures.len() != params.pictures.len() {
        return Err(Failure::new(format!(
            "the plan has {} pictures, but {} are given",
            plan.pictures.len(),
            params.pictures.len()
        )));
    }
    let incoming = match &params.transition {
        Some(transition) if before.is_some() => transition_frames(transition, plan)?,
        _ => 0,
    };
    let mut graph = Subgraph::default();
    let (mut videos, mut frames) = (Vec::new(), Vec::new());
    let mut parts = segments(params, plan, cues, incoming);
    let mut word = "encode";
    if let Some(count) = params.samples {
        (parts, word) = (samples(&parts, count, plan.fps), "sample");
    }
    for (i, segment) in parts.iter().enumerate() {
        if unwanted() {
            return Err(Failure::of(FailureCode::Cancelled, "cancelled"));
        }
        let name = format!("{word}.{}", i + 1);
        videos.push(format!("${{{name}.video}}"));
        let with = encode(params, plan, cues, (segment, within), before);
        graph.nodes.push(SubNode { name: name.clone(), uses: "encode".into(), with });
        if params.frames {
            let count = (segment.frames.end - segment.frames.start) as u32;
            let own = format!("frames.{}", i + 1);
            frames.extend((0..count).map(|frame| format!("${{{own}.{}}}", frame_port(frame))));
            let video = format!("${{{name}.video}}");
            let with = json!({ "video": video, "size": params.size, "fps": plan.fps, "frames": count });
            graph.nodes.push(SubNode { name: own, uses: "frames".into(), with });
        }
    }
    graph.ports = BTreeMap::from([("video".to_owned(), videos)]);
    if params.frames {
        graph.ports.insert("frames".to_owned(), frames);
    }
    Ok(graph)
}

fn transition_frames(transition: &Transition, plan: &Plan) -> Result<u64, Failure> {
    let first = plan.pictures.get(1).copied().unwrap_or(plan.frames);
    let Some(excess) = plan.fps.excess(transition.length, first) else {
        return Ok(plan.fps.nearest_frame(transition.length.as_micros(), 1_000_000).max(1));
    };
    let what = if plan.pictures.len() == 1 { "scene" } else { "first picture of this scene" };
    Err(Failure::new(format!(
        "the transition into this scene takes {:#}, but the {what} lasts only {:#}: {:#} too long",
        transition.length, excess.lasts, excess.by
    ))
    .help("make the transition shorter, or the scene longer with `for`"))
}

/// The segments of a scene: the transition, then each picture's stretch cut by itself.
pub(super) fn segments(params: &Params, plan: &Plan, cues: &[Cue], incoming: u64) -> Vec<Segment> {
    let mut marks: Vec<u64> = cues.iter().filter_map(|cue| u64::try_from(cue.start).ok()).collect();
    marks.extend(plan.sentences.iter().map(|s| plan.fps.nearest_frame(s.start, SAMPLE_RATE)));
    marks.sort_unstable();
    marks.dedup();
    let mut found = Vec::new();
    if incoming > 0 {
        found.push(Segment { frames: 0..incoming, picture: 0, comes_in: true });
    }
    for (picture, &start) in plan.pictures.iter().enumerate() {
        let end = plan.pictures.get(picture + 1).copied().unwrap_or(plan.frames);
        let start = if picture == 0 { incoming } else { start };
        if start >= end {
            continue; // the transition took all of it
        }
        let of = &params.pictures[picture];
        let is_static =
            of.video.is_none() && of.motion.is_static() && of.layers.iter().all(Overlay::is_static);
        let is_static = is_static && params.progress.is_none() && params.over.iter().all(Overlay::is_static);
        let stretch = Stretch { frames: start..end, is_static };
        found.extend(cut(&stretch, &marks, plan.fps).into_iter().map(|frames| Segment {
            frames,
            picture,
            comes_in: false,
        }));
    }
    found
}

fn encode(
    params: &Params,
    plan: &Plan,
    cues: &[Cue],
    (segment, within): (&Segment, (u64, u64)),
    before: Option<&Plan>,
) -> Value {
    let start = plan.pictures[segment.picture];
    let end = plan.pictures.get(segment.picture + 1).copied().unwrap_or(plan.frames);
    let slot = format!("pictures.{}", segment.picture);
    let picture = &params.pictures[segment.picture];
    let mut with = Map::new();
    with.insert("size".into(), json!(params.size));
    with.insert("fps".into(), json!(plan.fps));
    with.insert("frames".into(), json!(segment.frames.end - segment.frames.start));
    with.insert("encoding".into(), json!(params.encoding));
    let frames = segment.frames.end - segment.frames.start;
    let shown = segment.frames.start - start..segment.frames.end - start;
    with.insert("picture".into(), layer(picture, &slot, &shown, end - start, plan.fps));
    put_overlays(&mut with, "over", overlays(&params.over, "over", &segment.frames, plan.fps));
    if let Some(bar) = params.progress {
        let (first, of) = (within.0 + segment.frames.start, within.1);
        with.insert("progress".into(), json!({ "bar": bar, "first": first, "of": of }));
    }
    if let (true, Some(transition), Some(before)) = (segment.comes_in, &params.transition, before) {
        // The outgoing picture goes on from the frame after its last one.
        let shown = before.frames - before.pictures.last().copied().unwrap_or(0);
        let beneath = shown..shown + frames;
        let beneath = layer(&transition.picture, "transition.picture", &beneath, shown, plan.fps);
        let Transition { kind, ease, .. } = transition;
        with.insert("under".into(), json!({ "kind": kind, "ease": ease, "picture": beneath }));
    }
    if let Some(captions) = &params.captions {
        let cues = visible(cues, &segment.frames);
        if !cues.is_empty() {
            with.insert(
                "captions".into(),
                json!({ "type": captions.letters, "look": captions.look, "cues": cues }),
            );
        }
    }
    Value::Object(with)
}

/// A picture from its frame `first` on, of `of` frames. What does not change with time says no time, so that
/// equal segments are one action wherever they lie.
fn layer(picture: &Picture, slot: &str, shown: &Range<u64>, of: u64, fps: FrameRate) -> Value {
    let first = shown.start;
    let mut layer = Map::new();
    let layers = format!("{slot}.layers");
    put_overlays(&mut layer, "layers", overlays(&picture.layers, &layers, shown, fps));
    if let Some(color) = picture.color {
        layer.insert("color".into(), json!(color));
    } else if picture.video.is_some() {
        layer.insert("video".into(), json!(format!("${{self.{slot}.video}}")));
        layer.insert("first".into(), json!(first));
        if picture.repeat {
            layer.insert("loop".into(), json!(true));
        }
    } else {
        layer.insert("still".into(), json!(format!("${{self.{slot}.still}}")));
        if !picture.motion.is_plain() {
            layer.insert("motion".into(), json!(picture.motion));
        }
        if !picture.motion.is_static() {
            layer.insert("first".into(), json!(first));
            layer.insert("of".into(), json!(of));
        }
    }
    Value::Object(layer)
}

fn put_overlays(into: &mut Map<String, Value>, key: &str, overlays: Vec<Value>) {
    if !overlays.is_empty() {
        into.insert(key.into(), Value::Array(overlays));
    }
}

/// What lies over the frames `shown` of a picture, in the time of its first one; what is there on all of them alike
/// says no time.
fn overlays(layers: &[Overlay], slot: &str, shown: &Range<u64>, fps: FrameRate) -> Vec<Value> {
    let count = (shown.end - shown.start) as i64;
    let frames = |time: Duration| fps.nearest_frame(time.as_micros(), 1_000_000) as i64;
    let mut found = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let start = frames(layer.at) - shown.start as i64;
        let end = layer.length.map(|length| start + frames(length).max(1));
        if start >= count || end.is_some_and(|end| end <= 0) {
            continue;
        }
        let mut with = Map::new();
        let port = if layer.video.is_some() { "video" } else { "sprite" };
        with.insert(port.into(), json!(format!("${{self.{slot}.{i}.{port}}}")));
        if layer.repeat {
            with.insert("loop".into(), json!(true));
        }
        with.insert("x".into(), json!(layer.x));
        with.insert("y".into(), json!(layer.y));
        with.insert("opacity".into(), json!(layer.opacity));
        let fade = frames(layer.fade);
        let changes = start + fade > 0 || end.is_some_and(|end| end - fade < count);
        if layer.video.is_some() || changes {
            with.insert("start".into(), json!(start));
            with.insert("fade".into(), json!(fade));
            with.extend(end.map(|end| ("end".to_owned(), json!(end))));
        }
        found.push(Value::Object(with));
    }
    found
}

/// The cues that show in a stretch, whole, in its own frames.
fn visible(cues: &[Cue], frames: &Range<u64>) -> Vec<Cue> {
    let (from, to) = (frames.start as i64, frames.end as i64);
    let local = |word: &CueWord| {
        let (start, end) = (word.start - from, word.end - from);
        CueWord { text: escape(&word.text), start, end, joined: word.joined }
    };
    cues.iter()
        .filter(|cue| cue.start < to && cue.end > from)
        .map(|cue| Cue {
            start: cue.start - from,
            end: cue.end - from,
            lines: cue.lines.iter().map(|line| line.iter().map(local).collect()).collect(),
        })
        .collect()
}
