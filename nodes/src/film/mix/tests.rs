//! Tests of `mix`.

use proptest::prelude::*;
use reel_engine::operation::Subgraph;
use serde_json::{Value, json};

use super::*;
use crate::media::passage::{BEFORE, LENGTH, Passage};
use crate::media::plan::{Plan, Span};
use crate::media::time::FrameRate;

/// A scene of so many frames (30 a second) in which somebody speaks for the first half.
fn plan(frames: u64) -> Plan {
    let spoken = Span { start: 4_800, samples: frames * 800 };
    Plan {
        frames,
        fps: FrameRate::new(30, 1).unwrap(),
        sentences: vec![spoken],
        speech: vec![spoken],
        pictures: vec![0],
    }
}

fn slot(name: &str) -> Value {
    json!({ "$input": name })
}

/// Scenes of these lengths with one voice each, over music.
fn film(frames: &[u64]) -> (Params, Known) {
    let scenes = (0..frames.len()).map(|i| {
        let voice = slot(&format!("scenes.{i}.voices.0"));
        json!({ "plan": slot(&format!("scenes.{i}.plan")), "voices": [voice] })
    });
    let scenes: Vec<Value> = scenes.collect();
    let params = json!({ "scenes": scenes, "music": { "file": slot("music.file") } });
    let known = Known {
        plans: frames.iter().map(|frames| plan(*frames)).collect(),
        words: vec![None; frames.len()],
        voices: vec![vec![1]; frames.len()],
        effects: vec![Vec::new(); frames.len()],
    };
    (serde_json::from_value(params).unwrap(), known)
}

fn withs(graph: &Subgraph, begin: &str) -> Vec<Value> {
    graph.nodes.iter().filter(|node| node.name.starts_with(begin)).map(|node| node.with.clone()).collect()
}

#[test]
fn an_edit_leaves_the_passages_before_it_as_they_are() {
    let (params, known) = film(&[300; 12]);
    let before = subgraph(&params, &known).unwrap();
    let mut longer = known;
    longer.plans[7] = plan(360);
    let after = subgraph(&params, &longer).unwrap();
    for kind in ["loudness.", "mix."] {
        let (old, new) = (withs(&before, kind), withs(&after, kind));
        assert_eq!((old.len(), new.len()), (5, 6), "120 s, and 2 s more");
        // The scene begins at 70 s, and how long it is makes no difference before 72 s.
        assert_eq!(old[..3], new[..3]);
        assert!(old.iter().zip(&new).skip(3).all(|(old, new)| old != new));
    }
    assert_eq!(withs(&before, "sound."), withs(&after, "sound."), "music is cut in long steps");
    assert_eq!(before.ports["audio"], ["${track.audio}"]);
    assert_eq!(withs(&after, "track")[0]["samples"], (12 * 300 + 60) * 1600);
}

#[test]
fn a_passage_knows_only_what_is_heard_in_it() {
    let (params, known) = film(&[300; 12]);
    let made = withs(&subgraph(&params, &known).unwrap(), "loudness.");
    let passage = &made[1]["passage"];
    // 24 s to 48 s: scenes 2 to 4, of which the first is over before the passage is heard by itself.
    let voices: Vec<&Value> =
        passage["sounds"].as_array().unwrap().iter().map(|sound| &sound["audio"]).collect();
    assert_eq!(
        voices,
        ["${self.scenes.2.voices.0}", "${self.scenes.3.voices.0}", "${self.scenes.4.voices.0}"]
    );
    let start = 20 * 48_000 + 4_800 - (LENGTH - BEFORE) as i64;
    assert_eq!(passage["sounds"][0]["start"], start);
    let music = &passage["music"][0];
    assert_eq!(
        (&music["start"], music.get("end"), music.get("fade_in")),
        (&json!(BEFORE as i64 - LENGTH as i64), None, None)
    );
    assert_eq!(made[0]["passage"]["music"][0]["fade_in"], 24_000);
    assert_eq!(made[4]["passage"]["music"][0]["fade_out"], 96_000);
    assert_eq!(made[4]["passage"]["music"][0]["end"], (120 * 48_000 - (4 * LENGTH - BEFORE)) as i64);
}

#[test]
fn short_films_and_lossless_files_are_one_passage() {
    let (mut params, known) = film(&[300, 300]);
    let made = subgraph(&params, &known).unwrap();
    let names: Vec<&str> = made.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["sound.1", "loudness.1", "gain", "mix.1"]);
    assert_eq!(made.ports["audio"], ["${mix.1.audio}"]);
    params.codec = SoundCodec::Wav;
    let (_, long) = film(&[300; 12]);
    params.scenes = film(&[300; 12]).0.scenes;
    let made = subgraph(&params, &long).unwrap();
    assert_eq!((withs(&made, "loudness.").len(), withs(&made, "mix.").len()), (5, 1));
    assert_eq!(withs(&made, "mix.")[0]["passage"]["samples"], 120 * 48_000);
}

#[test]
fn an_effect_goes_on_over_its_scene_and_no_further_than_it_is_long() {
    let (mut params, mut known) = film(&[300; 12]);
    let effect = json!({ "file": slot("scenes.1.sfx.0.file"), "after": "9s" });
    params.scenes[1].sfx = vec![serde_json::from_value(effect).unwrap()];
    known.effects[1] = vec![10 * 48_000];
    let made = subgraph(&params, &known).unwrap();
    let heard: Vec<bool> =
        withs(&made, "mix.").iter().map(|with| with.to_string().contains("\"part\":\"sfx\"")).collect();
    assert_eq!(heard, [true, true, false, false, false], "from 19 s to 29 s");
    known.effects[1] = vec![60 * 48_000];
    let longer = subgraph(&params, &known).unwrap();
    assert_eq!(withs(&made, "mix.")[0], withs(&longer, "mix.")[0], "where it ends is far away");
}

#[test]
fn voices_that_do_not_fit_to_the_plan_are_told() {
    let (params, mut known) = film(&[300, 300]);
    known.voices[1] = vec![2];
    let error = subgraph(&params, &known).unwrap_err();
    assert_eq!(error.message, "scene 2 has 1 sentences in its plan and 2 voices");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn passages_tile_the_film(frames in prop::collection::vec(1_u64..2_000, 1..20)) {
        let (params, known) = film(&frames);
        let total: u64 = frames.iter().sum::<u64>() * 1600;
        let mut at = 0;
        let made = withs(&subgraph(&params, &known).unwrap(), "mix.");
        for (index, with) in made.iter().enumerate() {
            // What stands in the place of inputs is another matter.
            let mut plain = with["passage"].clone();
            for key in ["sounds", "music"] {
                for item in plain.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
                    item["audio"] = slot("x");
                }
            }
            let passage: Passage = serde_json::from_value(plain).unwrap();
            let own = passage.samples - passage.before - passage.after;
            prop_assert_eq!(passage.before > 0, index > 0);
            prop_assert_eq!(passage.after > 0, index + 1 < made.len());
            prop_assert!(own == LENGTH || index + 1 == made.len());
            prop_assert!(own >= 48_000 || made.len() == 1);
            at += own;
        }
        prop_assert_eq!(at, total);
    }
}
