//! From where everything sounds to nodes that mix it, passage by passage. It reads nothing.

use std::collections::BTreeMap;

use reel_engine::operation::{Failure, SubNode, Subgraph};
use serde_json::{Map, Value, json};

use super::Params;
use super::place::{Known, Placed, Score, Under};
use crate::media::encoding::SoundCodec;
use crate::media::passage::{AFTER, ATTACK, BEFORE, EDGE, LENGTH, RELEASE, Stem};
use crate::media::time::SAMPLE_RATE;

/// A last passage that is shorter than this belongs to the one before.
const LEAST: u64 = SAMPLE_RATE as u64;
/// Gains of music are computed for places that lie so many samples apart, in straight lines between.
const GRAIN: i64 = 64;
/// Music is cut in steps of this length, 10 minutes, so that a film may grow without another cut.
const CUT: u64 = 600 * SAMPLE_RATE as u64;

/// The nodes of a film's sound.
///
/// # Errors
/// When plans, voices, words and music do not agree.
pub fn subgraph(params: &Params, known: &Known) -> Result<Subgraph, Failure> {
    let score = Score::new(params, known)?;
    if score.samples == 0 {
        return Err(Failure::new("a film without frames has no sound"));
    }
    let mut made = Made { score: &score, sounds: BTreeMap::new(), nodes: Vec::new() };
    let passages = passages(score.samples);
    let mut measured = Vec::new();
    for (index, range) in passages.iter().enumerate() {
        let name = format!("loudness.{}", index + 1);
        measured.push(format!("${{{name}.loudness}}"));
        let passage = made.passage(*range);
        made.node(name, "loudness", json!({ "passage": passage }));
    }
    made.node("gain".into(), "gain", json!({ "passages": measured, "loudness": params.loudness }));
    let whole = vec![(0, score.samples)];
    let encoded = if params.codec == SoundCodec::Aac { passages } else { whole };
    let mut parts = Vec::new();
    for (index, range) in encoded.iter().enumerate() {
        let name = format!("mix.{}", index + 1);
        parts.push(format!("${{{name}.audio}}"));
        let mut with = Map::from_iter([
            ("passage".to_owned(), made.passage(*range)),
            ("gain".to_owned(), json!("${gain.gain}")),
            ("peak".to_owned(), json!(params.peak)),
            ("codec".to_owned(), json!(params.codec)),
            ("bitrate".to_owned(), json!(params.bitrate)),
        ]);
        if let Some(stem) = params.stem {
            with.insert("stem".into(), json!(stem));
        }
        made.node(name, "passage", Value::Object(with));
    }
    if parts.len() > 1 {
        let with = json!({ "passages": parts, "samples": score.samples });
        made.node("track".into(), "track", with);
        parts = vec!["${track.audio}".to_owned()];
    }
    Ok(Subgraph { nodes: made.nodes, ports: BTreeMap::from([("audio".to_owned(), parts)]) })
}

/// Passages of a film of so many samples: where each begins and ends.
fn passages(samples: u64) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let mut from = 0;
    while samples - from >= LENGTH + LEAST {
        found.push((from, from + LENGTH));
        from += LENGTH;
    }
    found.push((from, samples));
    found
}

/// Nodes in the making.
struct Made<'a> {
    score: &'a Score,
    /// The node that brings a sound into form, by the slot that it comes from.
    sounds: BTreeMap<String, String>,
    nodes: Vec<SubNode>,
}

impl Made<'_> {
    fn node(&mut self, name: String, uses: &str, with: Value) {
        self.nodes.push(SubNode { name, uses: uses.to_owned(), with });
    }

    /// What is heard from one sample to another and near them, in its own time.
    fn passage(&mut self, (from, to): (u64, u64)) -> Value {
        let score = self.score;
        let (before, after) = (from.min(BEFORE), (score.samples - to).min(AFTER));
        let (from, to) = (from - before, to + after);
        let mut with = Map::from_iter([("samples".to_owned(), json!(to - from))]);
        put(&mut with, "before", before);
        put(&mut with, "after", after);
        let here = |start: u64, end: u64| start < to && from < end;
        let sounds: Vec<Value> = (score.sounds.iter())
            .filter(|sound| here(sound.start, sound.start + sound.samples))
            .map(|sound| self.sound(sound, (from, to)))
            .collect();
        let beds: Vec<&Under> = score.music.iter().filter(|bed| here(bed.start, bed.end)).collect();
        if beds.iter().any(|bed| bed.duck.hundredths() != 0) {
            let speech = spoken(&score.speech, (from, to));
            if !speech.is_empty() {
                with.insert("speech".into(), Value::Array(speech));
            }
        }
        let music: Vec<Value> = beds.into_iter().map(|bed| self.bed(bed, (from, to))).collect();
        for (key, list) in [("sounds", sounds), ("music", music)] {
            if !list.is_empty() {
                with.insert(key.into(), Value::Array(list));
            }
        }
        Value::Object(with)
    }

    /// A sound in the time of a passage. Where it ends is told as far as it can be heard.
    fn sound(&mut self, sound: &Placed, (from, to): (u64, u64)) -> Value {
        let audio = match sound.part {
            Stem::Sfx => self.in_form(&sound.slot, json!({ "codec": "wav" })),
            _ => format!("${{self.{}}}", sound.slot),
        };
        let heard = to + EDGE.max(sound.goes_out) - sound.start.min(to);
        let mut with = Map::from_iter([
            ("audio".to_owned(), json!(audio)),
            ("part".to_owned(), json!(sound.part)),
            ("start".to_owned(), json!(local(sound.start, from))),
            ("samples".to_owned(), json!(sound.samples.min(heard))),
            ("gain".to_owned(), json!(sound.gain)),
        ]);
        put(&mut with, "nth", sound.nth.into());
        let came_in = sound.start + sound.comes_in <= from;
        put(&mut with, "comes_in", if came_in { 0 } else { sound.comes_in });
        let goes_out = sound.start + sound.samples < to + sound.goes_out;
        put(&mut with, "goes_out", if goes_out { sound.goes_out } else { 0 });
        if sound.repeat {
            with.insert("loop".into(), json!(true));
        }
        Value::Object(with)
    }

    /// Music in the time of a passage. Its fades are told where they are near.
    fn bed(&mut self, bed: &Under, (from, to): (u64, u64)) -> Value {
        let length = (bed.end - bed.start).div_ceil(CUT) * CUT + SAMPLE_RATE as u64;
        let length = format!("{}s", length / SAMPLE_RATE as u64);
        let audio = self.in_form(&bed.slot, json!({ "codec": "flac", "length": length }));
        let mut with = Map::from_iter([
            ("audio".to_owned(), json!(audio)),
            ("start".to_owned(), json!(local(bed.start, from))),
            ("gain".to_owned(), json!(bed.gain)),
            ("duck".to_owned(), json!(bed.duck)),
        ]);
        let (start, end) = (local(bed.start, from), local(bed.end, from));
        if start + bed.fade_in as i64 > -GRAIN {
            put(&mut with, "fade_in", bed.fade_in);
        }
        if end - bed.fade_out as i64 <= local(to, from) + GRAIN {
            with.insert("end".into(), json!(end));
            put(&mut with, "fade_out", bed.fade_out);
        }
        if bed.repeat {
            with.insert("loop".into(), json!(true));
        }
        Value::Object(with)
    }

    /// A reference to a sound as the mix takes it.
    fn in_form(&mut self, slot: &str, mut with: Value) -> String {
        let name = self.sounds.get(slot).cloned().unwrap_or_else(|| {
            let name = format!("sound.{}", self.sounds.len() + 1);
            self.sounds.insert(slot.to_owned(), name.clone());
            with["file"] = json!(format!("${{self.{slot}}}"));
            self.node(name.clone(), "sound", with);
            name
        });
        format!("${{{name}.audio}}")
    }
}

/// Speech as far as it ducks music from one sample to another.
fn spoken(speech: &[(u64, u64)], (from, to): (u64, u64)) -> Vec<Value> {
    let (low, high) = (-GRAIN, local(to, from) + GRAIN);
    let near = speech.iter().map(|(start, end)| (local(*start, from), local(*end, from)));
    near.filter(|(start, end)| *end + RELEASE as i64 > low && start - (ATTACK as i64) < high)
        .map(|(start, end)| json!({ "start": start.max(low).min(end), "end": end.min(high + 1) }))
        .collect()
}

/// A sample of the film, counted from another.
const fn local(sample: u64, from: u64) -> i64 {
    sample as i64 - from as i64
}

fn put(with: &mut Map<String, Value>, key: &str, samples: u64) {
    if samples > 0 {
        with.insert(key.into(), json!(samples));
    }
}
