//! Tests of `segments`.

use proptest::prelude::*;
use reel_engine::operation::FailureCode;
use serde_json::Value;

use super::*;
use crate::media::camera::{Aim, Travel};
use crate::media::look::{CaptionPosition, CaptionStyle};
use crate::media::percent::Percent;
use crate::media::picture::{Edge, Motion};
use crate::media::plan::Span;
use crate::media::time::{FrameRate, SAMPLE_RATE};
use crate::media::words::CueWord;

fn plan(frames: u64) -> Plan {
    Plan {
        frames,
        fps: FrameRate::new(30, 1).unwrap(),
        sentences: vec![Span { start: 0, samples: frames * 1600 }],
        speech: Vec::new(),
        pictures: vec![0],
    }
}

fn still(motion: Motion) -> Picture {
    let motion = Camera::Named(motion);
    Picture {
        still: Some(Through::new("pictures.0.still")),
        video: None,
        repeat: false,
        color: None,
        motion,
        layers: Vec::new(),
    }
}

fn params(motion: Motion) -> Params {
    Params {
        plan: Input::new("plan"),
        size: "1080x1920".parse().unwrap(),
        encoding: Encoding::default(),
        pictures: vec![still(motion)],
        captions: Some(Captions {
            cues: Input::new("captions.cues"),
            letters: CaptionType { font: vec!["DejaVu Sans".into()], bold: true, size: 80, width: 920 },
            look: Passed::Value(CaptionLook {
                style: CaptionStyle::Karaoke,
                position: CaptionPosition::Bottom,
                margin: 300,
                color: Color::opaque(255, 255, 255),
                highlight: Color::opaque(255, 212, 0),
                outline: Color::opaque(0, 0, 0),
                outline_width: 6,
                shadow: crate::media::look::default_shadow(),
                plate: crate::media::look::default_box(),
            }),
        }),
        crf: None,
        samples: None,
        frames: false,
        transition: None,
        over: Vec::new(),
        progress: None,
        film: None,
    }
}

fn overlay(at: &str, length: Option<&str>) -> Overlay {
    Overlay {
        sprite: Some(Through::new("pictures.0.layers.0.sprite")),
        video: None,
        repeat: false,
        x: Percent(50_000),
        y: Percent(80_000),
        opacity: Percent(100_000),
        at: at.parse().unwrap(),
        length: length.map(|length| length.parse().unwrap()),
        fade: Duration::default(),
    }
}

#[test]
fn what_lies_over_a_picture_is_in_the_segments_that_show_it() {
    let mut scene = params(Motion::PushIn);
    let plain = withs(&scene, &plan(480), &[], None);
    scene.pictures[0].layers = vec![overlay("5s", Some("2s"))];
    let made = withs(&scene, &plan(480), &[], None);
    assert_eq!((made.len(), &made[0], &made[2]), (3, &plain[0], &plain[2]), "4 s each");
    let over = &made[1]["picture"]["layers"][0];
    assert_eq!((&over["start"], &over["end"]), (&30.into(), &90.into()));
    assert_eq!(over["sprite"], "${self.pictures.0.layers.0.sprite}");
    // What is always there says no time, so that equal segments are one action.
    scene.pictures[0].layers = vec![overlay("0s", None)];
    let made = withs(&scene, &plan(480), &[], None);
    assert!(made.iter().all(|with| with["picture"]["layers"][0].get("start").is_none()));
    scene.pictures[0].layers = vec![overlay("2s", None)];
    let made = withs(&scene, &plan(480), &[], None);
    assert_eq!(made[0]["picture"]["layers"][0]["start"], 60);
    assert!(made[1]["picture"]["layers"][0].get("start").is_none());
}

#[test]
fn what_lies_over_the_outgoing_picture_goes_on_beneath_a_transition() {
    let mut scene = params(Motion::PushIn);
    let mut fade = fade("0.5s");
    fade.picture.layers = vec![Overlay {
        sprite: Some(Through::new("transition.picture.layers.0.sprite")),
        ..overlay("1s", None)
    }];
    scene.transition = Some(fade);
    let made = withs(&scene, &plan(300), &[], Some(&plan(90)));
    let beneath = &made[0]["under"]["picture"]["layers"][0];
    assert_eq!(beneath["sprite"], "${self.transition.picture.layers.0.sprite}");
    assert!(beneath.get("start").is_none(), "it has been there for long");
    assert!(made[0]["picture"].get("layers").is_none());
}

#[test]
fn a_bar_of_progress_counts_the_frames_of_the_scene() {
    let mut scene = params(Motion::PushIn);
    scene.progress = Some(Bar { color: Color::opaque(1, 2, 3), height: 8, edge: Edge::Bottom });
    let made = withs(&scene, &plan(300), &[], None);
    assert_eq!((&made[1]["progress"]["first"], &made[1]["progress"]["of"]), (&120.into(), &300.into()));
    // Over the film it goes on from where the scenes before left it.
    let within = make::subgraph(&scene, &plan(300), &[], None, (90, 1000), &|| false).unwrap();
    let bar = &within.nodes[1].with["progress"];
    assert_eq!((&bar["first"], &bar["of"]), (&210.into(), &1000.into()));
}

fn cue(start: i64, end: i64, text: &str) -> Cue {
    Cue { start, end, lines: vec![vec![CueWord { text: text.into(), start, end, joined: false }]] }
}

fn fade(length: &str) -> Transition {
    Transition {
        kind: TransitionKind::Fade,
        length: length.parse().unwrap(),
        ease: Ease::Linear,
        plan: Input::new("transition.plan"),
        picture: Picture { still: Some(Through::new("transition.picture.still")), ..still(Motion::PanLeft) },
    }
}

fn withs(params: &Params, plan: &Plan, cues: &[Cue], before: Option<&Plan>) -> Vec<Value> {
    let graph = make::subgraph(params, plan, cues, before, (0, plan.frames), &|| false).unwrap();
    assert_eq!(graph.ports["video"].len(), graph.nodes.len());
    graph.nodes.into_iter().map(|node| node.with).collect()
}

#[test]
fn segments_know_nothing_but_what_is_seen_in_them() {
    let cues = [cue(0, 100, "one"), cue(100, 200, "two"), cue(200, 300, "three")];
    let made = withs(&params(Motion::PushIn), &plan(300), &cues, None);
    assert_eq!(made.len(), 3);
    assert_eq!(made[1]["frames"], 100);
    assert_eq!(made[1]["picture"]["first"], 100);
    assert_eq!(made[1]["picture"]["of"], 300);
    assert_eq!(made[1]["captions"]["cues"][0]["start"], 0);
    assert_eq!(made[1]["captions"]["cues"][0]["lines"][0][0]["text"], "two");
    let keys: Vec<&String> = made[2].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["captions", "encoding", "fps", "frames", "picture", "size"]);
}

#[test]
fn a_changed_shown_word_changes_one_segment() {
    let words = |second: &str| [cue(0, 100, "one"), cue(100, 200, second), cue(200, 300, "three")];
    let before = withs(&params(Motion::PushIn), &plan(300), &words("two"), None);
    let after = withs(&params(Motion::PushIn), &plan(300), &words("2"), None);
    let changed: Vec<usize> = (0..3).filter(|&i| before[i] != after[i]).collect();
    assert_eq!(changed, [1]);
}

#[test]
fn a_picture_that_stands_still_has_no_time_and_may_be_cut_longer() {
    let made = withs(&params(Motion::None), &plan(300), &[], None);
    assert_eq!(made.len(), 1);
    assert!(made[0]["picture"].get("first").is_none());
    assert!(made[0].get("captions").is_none());
}

#[test]
fn a_camera_that_goes_nowhere_stands_still() {
    let aim = |x: u32| Aim { x: Percent(x), ..Aim::default() };
    let travel = |to: u32| Camera::Travel(Travel { from: aim(20_000), to: aim(to), ease: Ease::Linear });
    let mut scene = params(Motion::None);
    scene.pictures[0].motion = travel(20_000);
    let made = withs(&scene, &plan(300), &[], None);
    assert_eq!(made.len(), 1);
    assert!(made[0]["picture"].get("first").is_none());
    assert_eq!(made[0]["picture"]["motion"]["to"]["x"], "20%");
    scene.pictures[0].motion = travel(70_000);
    let made = withs(&scene, &plan(300), &[], None);
    assert_eq!((made.len(), &made[1]["picture"]["of"]), (2, &300.into()));
}

#[test]
fn a_transition_is_a_segment_of_its_own_with_both_pictures() {
    let mut scene = params(Motion::PushIn);
    let alone = withs(&scene, &plan(300), &[], None);
    scene.transition = Some(fade("0.5s"));
    let made = withs(&scene, &plan(300), &[], Some(&plan(90)));
    assert_eq!(made[0]["frames"], 15);
    assert_eq!(made[0]["under"]["kind"], "fade");
    assert_eq!(made[0]["under"]["picture"]["first"], 90);
    assert_eq!(made[0]["under"]["picture"]["of"], 90);
    assert_eq!(made[0]["under"]["picture"]["still"], "${self.transition.picture.still}");
    let frames = |made: &[Value]| made.iter().map(|with| with["frames"].as_u64().unwrap()).sum::<u64>();
    assert_eq!((frames(&made), frames(&alone)), (300, 300));
    assert!(made[1..].iter().all(|with| with.get("under").is_none()));
    let other = withs(&scene, &plan(300), &[], Some(&plan(91)));
    assert_ne!(made[0], other[0]);
    assert_eq!(made[1..], other[1..], "a scene's own segments never depend on its neighbours");
}

#[test]
fn a_transition_longer_than_its_scene_is_an_error() {
    let mut scene = params(Motion::None);
    scene.transition = Some(fade("2s"));
    assert!(make::subgraph(&scene, &plan(60), &[], Some(&plan(90)), (0, 60), &|| false).is_ok());
    let error = make::subgraph(&scene, &plan(59), &[], Some(&plan(90)), (0, 60), &|| false).unwrap_err();
    assert_eq!(
        error.message,
        "the transition into this scene takes 2s, but the scene lasts only 1.966s: 34ms too long"
    );
}

#[test]
fn pictures_of_a_list_are_cut_apart() {
    let mut scene = params(Motion::None);
    scene.pictures = vec![
        still(Motion::PushIn),
        Picture { still: None, color: Some(Color::opaque(1, 2, 3)), ..still(Motion::None) },
    ];
    let mut plan = plan(150);
    plan.pictures = vec![0, 45];
    let made = withs(&scene, &plan, &[cue(0, 150, "all")], None);
    assert_eq!(made.len(), 2);
    assert_eq!(made[0]["picture"]["of"], 45);
    assert_eq!(made[1]["picture"]["color"], "#010203");
    assert_eq!(made[1]["captions"]["cues"][0]["start"], -45, "both sides carry the whole cue");
}

#[test]
fn a_caption_that_looks_like_a_reference_stays_text() {
    let made = withs(&params(Motion::None), &plan(60), &[cue(0, 60, "${a.b}")], None);
    assert_eq!(made[0]["captions"]["cues"][0]["lines"][0][0]["text"], "$${a.b}");
}

proptest! {
    #[test]
    fn segments_tile_the_scene(
        frames in 31_u64..4000,
        starts in prop::collection::btree_set(0_i64..4000, 0..60),
        pictures in prop::collection::btree_set(1_u64..4000, 0..5),
        incoming in 0_u64..30,
    ) {
        let mut scene = params(Motion::PushIn);
        let mut plan = plan(frames);
        plan.pictures.extend(pictures.into_iter().filter(|&p| p < frames && p > 30));
        scene.pictures = vec![still(Motion::PushIn); plan.pictures.len()];
        plan.sentences.push(Span { start: plan.fps.sample_of(frames / 2, SAMPLE_RATE), samples: 1 });
        let cues: Vec<Cue> = starts.iter().map(|&s| cue(s, s + 20, "x")).collect();
        let segments = make::segments(&scene, &plan, &cues, incoming);
        let mut now = 0;
        for segment in &segments {
            prop_assert_eq!(segment.frames.start, now);
            prop_assert!(segment.frames.end > now);
            prop_assert!(segment.frames.end - now <= 240);
            prop_assert!(plan.pictures[segment.picture] <= now);
            let next = plan.pictures.get(segment.picture + 1).copied().unwrap_or(frames);
            prop_assert!(segment.frames.end <= next);
            now = segment.frames.end;
        }
        prop_assert_eq!(now, frames);
    }
}

#[test]
fn a_scene_that_nobody_wants_any_more_is_cut_no_further() {
    let asked = std::cell::Cell::new(0);
    let unwanted = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let error = make::subgraph(&params(Motion::PushIn), &plan(30_000), &[], None, (0, 30_000), &unwanted)
        .unwrap_err();
    assert_eq!(error.code, FailureCode::Cancelled);
    assert_eq!(asked.get(), 4, "it stops where it is");
}
