//! `mix`: all sound of a film, as one track. It alone knows film time; it knows no picture.
//!
//! ```yaml
//! nodes:
//!   sound: { uses: mix, with: { scenes: [{ plan: "${hook.timeline.plan}", voices: ["${hook.level.1.audio}"] }],
//!            music: { file: assets/bed.flac, gain: -18dB, duck: -10dB } } }
//! ```
//!
//! It is an expansion: the sound is cut into passages of 24 s, fixed in film time, each mixed by an action that knows
//! only what is heard in it. What it makes:
//!
//! | node | kind | from |
//! |---|---|---|
//! | `sound.N` | `sound` | each effect and each music |
//! | `loudness.N` | `loudness` | what is heard in a passage |
//! | `gain` | `gain` | all of `loudness.N` |
//! | `mix.N` | `passage` | what is heard in a passage, `gain` |
//! | `track` | `track` | all of `mix.N`, where AAC has more than one; WAV, FLAC and Opus are one passage |
//!
//! What the run (in the worker, since it must know how long effects are) must do:
//! - film time: scene `i` begins at frame `F = Σ frames of the plans before it`, sample
//!   `fps.sample_of(F, 48_000)` ([`crate::media::plan::starts`]); the film is `fps.sample_of(Σ frames, 48_000)` samples;
//! - voices: artifact `j` of slot `scenes.I.voices` (all artifacts of the slots `scenes.I.voices.0`, `.1`, … in
//!   order) begins at the scene's first sample + `plan.sentences[j].start`, with the scene's `gain`;
//! - clips: slot `scenes.I.clips.J.audio` begins at the scene's first
//!   sample + `fps.sample_of(F + plan.pictures[picture], …)` − the scene's first sample (and `at` later, in whole
//!   frames), is cut where the next picture of the plan begins or the scene ends (after `for`, in whole frames, if that
//!   is sooner), with its `gain`; where the next scene has a
//!   `fade`, the sound of the last picture goes on for that long (whole frames) and goes out over it, while that of the
//!   next scene's first picture comes in: equal power;
//! - effects: slot `scenes.I.sfx.J.file`, any audio file; begins at the scene's first sample, plus the
//!   start of the word `at` (of slot `scenes.I.words`, as captions show it), plus `after`; goes on over the end of
//!   its scene, with its `gain`;
//! - music: slot `music.K.file` (`music.file` when it is one), any audio file; from its first sample at
//!   the start of scene `first`; `fade_in` from there and `fade_out` at the film's end, or, after a scene `last` that
//!   is not the film's last, from the end of that scene on; ducked during every `plan.speech` interval in film time;
//! - what a passage says of the film ends at its borders: an edit elsewhere leaves it as it is.

mod make;
mod place;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Audio, Info, Input, Json, Kind, Reproducible, Resolve, Site, Through, Words};
use reel_engine::quantity::{Duration, Gain};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::make::subgraph;
pub use self::place::Known;
use crate::media::encoding::SoundCodec;
use crate::media::passage::Stem;
use crate::media::tools;

/// `with:` of `mix`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Scenes in the order of the film.
    pub scenes: Vec<SceneSound>,
    /// The music bed, or several, each under some of the scenes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<Beds>,
    /// The part of the sound that is written; left out, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<Stem>,
    /// Loudness of the film, in LUFS (written as dB below full scale).
    #[serde(default = "default_loudness")]
    pub loudness: Gain,
    /// Highest true peak, in dBTP.
    #[serde(default = "default_peak")]
    pub peak: Gain,
    /// How it is stored.
    #[serde(default = "default_codec")]
    pub codec: SoundCodec,
    /// Kilobits per second, for AAC and Opus.
    #[serde(default = "default_bitrate")]
    #[schemars(range(min = 32, max = 512))]
    pub bitrate: u32,
}

/// Sound of one scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SceneSound {
    /// The scene's plan, from `timeline`.
    pub plan: Input<Json>,
    /// Levelled speech, one for each sentence of the plan.
    #[serde(default)]
    pub voices: Vec<Input<Audio>>,
    /// How much louder or softer the scene's speech is.
    #[serde(default)]
    pub gain: Gain,
    /// Sound of clips.
    #[serde(default)]
    pub clips: Vec<ClipSound>,
    /// How long the transition into it takes, in which the sound of clips goes over.
    #[serde(default)]
    pub fade: Duration,
    /// Sounds that are put in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sfx: Vec<Effect>,
    /// Words of the scene, from `timeline`: where an effect comes in at a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Input<Words>>,
}

/// A sound that is put in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// A sound file, or a URL.
    pub file: Input<Audio>,
    /// The word, as captions show it, with which it begins; left out, it begins with the scene.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// How long after that.
    #[serde(default)]
    pub after: Duration,
    /// How loud, against how it was recorded.
    #[serde(default)]
    pub gain: Gain,
}

/// One bed or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Beds {
    /// One.
    One(Box<Music>),
    /// Several.
    Many(Vec<Music>),
}

impl Beds {
    /// As a list.
    #[must_use]
    pub fn list(&self) -> &[Music] {
        match self {
            Self::One(music) => std::slice::from_ref(music),
            Self::Many(all) => all,
        }
    }
}

/// Sound of a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClipSound {
    /// From `clip`.
    pub audio: Input<Audio>,
    /// Which picture of the plan it belongs to, from 0.
    #[serde(default)]
    pub picture: u32,
    /// How long after its picture it begins.
    #[serde(default, skip_serializing_if = "is_at_once")]
    pub at: Duration,
    /// How long it is heard; left out, as long as its picture is there.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<Duration>,
    /// How loud, against how it was recorded.
    #[serde(default)]
    pub gain: Gain,
    /// Whether it begins again when it ends.
    #[serde(default, rename = "loop", skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
}

/// The music bed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Music {
    /// A sound file, or a URL.
    pub file: Through<Audio>,
    /// How loud, against how it was recorded.
    #[serde(default = "default_music_gain")]
    pub gain: Gain,
    /// How much softer still while somebody speaks.
    #[serde(default = "default_duck")]
    pub duck: Gain,
    /// How long it takes to come in.
    #[serde(default = "default_fade_in")]
    pub fade_in: Duration,
    /// How long it takes to go out, at the end of the film.
    #[serde(default = "default_fade_out")]
    pub fade_out: Duration,
    /// Whether it begins again when it is shorter than the film.
    #[serde(default = "yes", rename = "loop")]
    pub repeat: bool,
    /// The scene, from 0, with which it begins; left out, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// The scene, from 0, with whose end it begins to fade out; left out, it ends with the film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
}

fn is_at_once(at: &Duration) -> bool {
    *at == Duration::default()
}

fn default_loudness() -> Gain {
    Gain::from_hundredths(-1400)
}

fn default_peak() -> Gain {
    Gain::from_hundredths(-100)
}

const fn default_codec() -> SoundCodec {
    SoundCodec::Aac
}

const fn default_bitrate() -> u32 {
    160
}

fn default_music_gain() -> Gain {
    Gain::from_hundredths(-1800)
}

fn default_duck() -> Gain {
    Gain::from_hundredths(-1000)
}

fn default_fade_in() -> Duration {
    Duration::from_millis(500)
}

fn default_fade_out() -> Duration {
    Duration::from_millis(2000)
}

const fn yes() -> bool {
    true
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mix;

impl Kind for Mix {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "mix",
            version: 3,
            summary: "mixes speech, clips and music to one track of the right loudness, passage by passage",
            example: "sound: { uses: mix, with: { scenes: [{ plan: \"${hook.timeline.plan}\", \
                      voices: [\"${hook.level.1.audio}\"] }], music: { file: bed.flac } } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: true,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("audio", PortType::Audio)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 32)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG]
    }

    fn makes(&self) -> &'static [&'static str] {
        &["sound", "loudness", "gain", "mix", "track"]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let beds = params.music.iter().flat_map(Beds::list).map(|music| music.file.slot());
        let effects = params.scenes.iter().flat_map(|scene| &scene.sfx).map(|effect| effect.file.slot());
        for slot in beds.chain(effects) {
            crate::media::check_content(slot, PortType::Audio, cx);
        }
        let scenes = params.scenes.len();
        for (index, music) in params.music.iter().flat_map(Beds::list).enumerate() {
            let wrong = [music.first, music.last].into_iter().flatten().any(|scene| scene as usize >= scenes);
            if wrong || music.last.is_some_and(|last| last < music.first.unwrap_or(0)) {
                let message = format!("music {} is under scenes that are not there", index + 1);
                cx.problem(
                    "/music",
                    code::BAD_VALUE,
                    &message,
                    Some(format!("scenes are 0 to {}", scenes.saturating_sub(1))),
                );
            }
        }
        for (index, scene) in params.scenes.iter().enumerate() {
            if scene.words.is_none() && scene.sfx.iter().any(|effect| effect.at.is_some()) {
                let help = "add `words: \"${SCENE.timeline.words}\"`".to_owned();
                let pointer = format!("/scenes/{index}/sfx");
                cx.problem(
                    &pointer,
                    code::MISSING_KEY,
                    "an effect at a word needs the scene's words",
                    Some(help),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
