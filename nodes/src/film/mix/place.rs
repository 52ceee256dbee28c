//! Where everything sounds, in film time: from plans, words and the lengths of effects. It knows no passage.

use reel_engine::operation::Failure;
use reel_engine::quantity::{Duration, Gain};

use super::{Beds, Params};
use crate::media::passage::{HOLD, Stem};
use crate::media::plan::{Plan, Start, starts};
use crate::media::time::{SAMPLE_RATE, rescale};
use crate::media::words::Words;
use crate::media::words::align::{bare, find};

/// What is known of a film's sound once its inputs are there, scene by scene.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Plans.
    pub plans: Vec<Plan>,
    /// Words, where they were asked for.
    pub words: Vec<Option<Words>>,
    /// How many sounds fill each slot of voices.
    pub voices: Vec<Vec<u32>>,
    /// How many samples each effect has.
    pub effects: Vec<Vec<u64>>,
}

/// A sound and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) part: Stem,
    pub(super) slot: String,
    pub(super) nth: u32,
    pub(super) start: u64,
    pub(super) samples: u64,
    pub(super) gain: Gain,
    pub(super) comes_in: u64,
    pub(super) goes_out: u64,
    pub(super) repeat: bool,
}

/// Music and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Under {
    pub(super) slot: String,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) gain: Gain,
    pub(super) duck: Gain,
    pub(super) fade_in: u64,
    pub(super) fade_out: u64,
    pub(super) repeat: bool,
}

/// All of a film's sound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    pub(super) sounds: Vec<Placed>,
    pub(super) music: Vec<Under>,
    /// When somebody speaks, short gaps closed.
    pub(super) speech: Vec<(u64, u64)>,
    pub(super) samples: u64,
}

/// Samples that a time takes.
pub(super) const fn samples(time: Duration) -> u64 {
    time.as_micros() * SAMPLE_RATE as u64 / 1_000_000
}

impl Score {
    pub(super) fn new(params: &Params, known: &Known) -> Result<Self, Failure> {
        let plans = &known.plans;
        let fps = plans
            .first()
            .map(|plan| plan.fps)
            .ok_or_else(|| Failure::new("a film without scenes has no sound"))?;
        let starts = starts(fps, plans);
        let mut sounds = Vec::new();
        for scene in 0..plans.len() {
            voices(params, known, scene, starts[scene], &mut sounds)?;
            clips(params, plans, scene, (starts[scene], starts[scene + 1]), &mut sounds)?;
            effects(params, known, scene, starts[scene], &mut sounds)?;
        }
        let speech = plans.iter().zip(&starts).flat_map(|(plan, start)| {
            plan.speech.iter().map(|span| (start.sample + span.start, start.sample + span.end()))
        });
        Ok(Self {
            sounds,
            music: music(params, &starts)?,
            speech: held(speech),
            samples: starts.last().map_or(0, |end| end.sample),
        })
    }
}

/// Stretches of speech, with gaps between them that are too short to hear the music come up.
fn held(speech: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut held: Vec<(u64, u64)> = Vec::new();
    for (start, end) in speech {
        match held.last_mut() {
            Some(last) if start < last.1 + HOLD => last.1 = last.1.max(end),
            _ => held.push((start, end)),
        }
    }
    held
}

/// The sentences of a scene.
fn voices(
    params: &Params,
    known: &Known,
    scene: usize,
    start: Start,
    into: &mut Vec<Placed>,
) -> Result<(), Failure> {
    let (sound, plan) = (&params.scenes[scene], &known.plans[scene]);
    let counts = &known.voices[scene];
    let files =
        sound.voices.iter().zip(counts).flat_map(|(voice, count)| (0..*count).map(move |nth| (voice, nth)));
    let files: Vec<_> = files.collect();
    if files.len() != plan.sentences.len() {
        return Err(Failure::new(format!(
            "scene {} has {} sentences in its plan and {} voices",
            scene + 1,
            plan.sentences.len(),
            files.len()
        )));
    }
    into.extend(files.into_iter().zip(&plan.sentences).map(|((voice, nth), span)| Placed {
        part: Stem::Voice,
        slot: voice.slot().to_owned(),
        nth,
        start: start.sample + span.start,
        samples: span.samples,
        gain: sound.gain,
        comes_in: 0,
        goes_out: 0,
        repeat: false,
    }));
    Ok(())
}

/// The sounds of a scene's clips, each until the next picture or the scene's end, the last one on beneath the
/// transition into the next scene.
fn clips(
    params: &Params,
    plans: &[Plan],
    scene: usize,
    (start, end): (Start, Start),
    into: &mut Vec<Placed>,
) -> Result<(), Failure> {
    let plan = &plans[scene];
    // Samples of the transition that begins with a scene.
    let fade = |scene: usize, start: Start| {
        let time = params.scenes.get(scene).map_or(0, |scene| scene.fade.as_micros());
        let frames = if time == 0 { 0 } else { plan.fps.nearest_frame(time, 1_000_000).max(1) };
        plan.fps.sample_of(start.frame + frames, SAMPLE_RATE) - start.sample
    };
    for clip in &params.scenes[scene].clips {
        let index = clip.picture as usize;
        let first = *plan.pictures.get(index).ok_or_else(|| {
            Failure::new(format!("scene {} has no picture {index} for the sound of a clip", scene + 1))
        })?;
        let at = |frame: u64| plan.fps.sample_of(start.frame + frame, SAMPLE_RATE);
        let frames = |time: Duration| plan.fps.nearest_frame(time.as_micros(), 1_000_000);
        // What ends by itself ends with its scene, if not sooner.
        let goes_on = index + 1 == plan.pictures.len() && clip.length.is_none();
        let beneath = if goes_on { fade(scene + 1, end) } else { 0 };
        let until = plan.pictures.get(index + 1).map_or(end.sample + beneath, |next| at(*next));
        let begins = first + frames(clip.at);
        let until = clip.length.map_or(until, |length| until.min(at(begins + frames(length).max(1))));
        if at(begins) >= until {
            continue;
        }
        into.push(Placed {
            part: Stem::Clips,
            slot: clip.audio.slot().to_owned(),
            nth: 0,
            start: at(begins),
            samples: until - at(begins),
            gain: clip.gain,
            comes_in: if begins == 0 { fade(scene, start) } else { 0 },
            goes_out: beneath,
            repeat: clip.repeat,
        });
    }
    Ok(())
}

/// Sounds that are put into a scene, at its start, at a word, or later.
fn effects(
    params: &Params,
    known: &Known,
    scene: usize,
    start: Start,
    into: &mut Vec<Placed>,
) -> Result<(), Failure> {
    for (effect, length) in params.scenes[scene].sfx.iter().zip(&known.effects[scene]) {
        let word = match &effect.at {
            Some(at) => said_at(at, known.words[scene].as_ref(), scene)?,
            None => 0,
        };
        into.push(Placed {
            part: Stem::Sfx,
            slot: effect.file.slot().to_owned(),
            nth: 0,
            start: start.sample + word + samples(effect.after),
            samples: *length,
            gain: effect.gain,
            comes_in: 0,
            goes_out: 0,
            repeat: false,
        });
    }
    Ok(())
}

/// The sample of the scene with which a word begins.
fn said_at(at: &str, words: Option<&Words>, scene: usize) -> Result<u64, Failure> {
    let missing = || {
        Failure::new(format!("an effect comes in at `{at}`, which is not said in scene {}", scene + 1))
            .help("`at` names a word as captions show it")
    };
    let words = words.ok_or_else(missing)?;
    let texts: Vec<String> = words.words.iter().map(|word| bare(&word.text)).collect();
    let found = find(&texts, at, 0).ok_or_else(missing)?;
    Ok(rescale(words.words[found].start, words.rate, SAMPLE_RATE))
}

/// Every music, from its first sample to its last.
fn music(params: &Params, starts: &[Start]) -> Result<Vec<Under>, Failure> {
    let end = starts.last().map_or(0, |end| end.sample);
    let missing = || Failure::new("music is under a scene that is not there");
    let scene = |index: u32| starts.get(index as usize).map(|start| start.sample).ok_or_else(missing);
    let beds = params.music.iter().flat_map(Beds::list);
    beds.map(|bed| {
        let fade_out = samples(bed.fade_out);
        Ok(Under {
            slot: bed.file.slot().to_owned(),
            start: scene(bed.first.unwrap_or(0))?,
            end: match bed.last {
                Some(last) => (scene(last + 1)? + fade_out).min(end),
                None => end,
            },
            gain: bed.gain,
            duck: bed.duck,
            fade_in: samples(bed.fade_in),
            fade_out,
            repeat: bed.repeat,
        })
    })
    .collect()
}
