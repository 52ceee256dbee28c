//! `mix`: all sound of a film, as one track. It alone knows film time; it knows no picture.
//!
//! ```yaml
//! nodes:
//!   sound: { uses: mix, with: { scenes: [{ plan: "${hook.timeline.plan}", voices: ["${hook.level.1.audio}"] }],
//!            music: { file: assets/bed.flac, gain: -18dB, duck: -10dB } } }
//! ```
//!
//! What the run (in the worker) must do:
//! - film time: scene `i` begins at frame `F = Σ frames of the plans before it`, sample
//!   `fps.sample_of(F, 48_000)` ([`crate::media::plan::starts`]); the film is `fps.sample_of(Σ frames, 48_000)` samples;
//!   48 kHz stereo, 32-bit float;
//! - voices: artifact `j` of slot `scenes.I.voices` (all artifacts of the slots `scenes.I.voices.0`, `.1`, … in
//!   order; mono 48 kHz float WAV from `level`) begins at the scene's first sample + `plan.sentences[j].start`,
//!   equal in both channels, with the scene's `gain` and 5 ms linear fades at both edges;
//! - clips: slot `scenes.I.clips.J.audio` (48 kHz stereo float WAV from `clip`) begins at the scene's first
//!   sample + `fps.sample_of(F + plan.pictures[picture], …)` − the scene's first sample, is cut where the next
//!   picture of the plan begins or the scene ends, with its `gain` and 5 ms fades; where the next scene has a
//!   `fade`, the sound of the last picture goes on for that long (whole frames) and fades out over it by the
//!   cosine, while that of the next scene's first picture fades in by the sine: equal power;
//! - music: slot `music.file`, any audio file; resampled, from its first sample, repeated with a 50 ms
//!   cross-fade when `loop` and shorter than the film; `gain`; `fade_in` and `fade_out` (linear, at the film's
//!   ends); brought down by `duck` dB more while anybody speaks: speech is every `plan.speech` interval in film
//!   time, gaps below 1.2 s held, down within 200 ms **before** the onset (complete at it), up within 500 ms
//!   after the end, in straight lines of dB;
//! - loudness: EBU R128 integrated over the whole sum; film gain = `loudness` − measured, rounded to 0.5 dB,
//!   applied to everything; silence stays as it is; then a true-peak limiter at `peak` (look-ahead, no
//!   clipping); measured again is not needed;
//! - codec: `aac`: native AAC-LC, `bitrate` kbit/s, M4A, gapless signalled (first decoded sample = sample 0);
//!   `wav`: 16-bit PCM, TPDF dither from a fixed seed; `flac`: 16-bit. Bit-exact flags, no library tags. Work
//!   in windows: memory must not grow with the film beyond what one pass over inputs needs;
//! - port `audio`, media by codec ([`crate::media::encoding::SoundCodec::media`]).

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{Audio, Info, Input, Json, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::{Duration, Gain};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::encoding::SoundCodec;
use crate::media::tools;

/// `with:` of `mix`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Scenes in the order of the film.
    pub scenes: Vec<SceneSound>,
    /// The music bed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
    /// Loudness of the film, in LUFS (written as dB below full scale).
    #[serde(default = "default_loudness")]
    pub loudness: Gain,
    /// Highest true peak, in dBTP.
    #[serde(default = "default_peak")]
    pub peak: Gain,
    /// How it is stored.
    #[serde(default = "default_codec")]
    pub codec: SoundCodec,
    /// Kilobits per second, for AAC.
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
    /// How loud, against how it was recorded.
    #[serde(default)]
    pub gain: Gain,
}

/// The music bed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Music {
    /// A sound file, or a URL.
    pub file: Input<Audio>,
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
            version: 1,
            summary: "mixes speech, clips and music to one track of the right loudness",
            example: "sound: { uses: mix, with: { scenes: [{ plan: \"${hook.timeline.plan}\", \
                      voices: [\"${hook.level.1.audio}\"] }], music: { file: bed.flac } } }",
            site: Site::Worker,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("audio", PortType::Audio)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 128)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::FFMPEG, tools::EBUR128]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        if let Some(music) = &params.music {
            crate::media::check_content(music.file.slot(), PortType::Audio, cx);
        }
    }
}
