//! What users write around and in `scenes:`, as typed structs from which schema and check follow. They make nothing.

pub mod layers;
pub mod output;

use std::collections::BTreeMap;

use reel_engine::operation::{AnyFile, Audio, Image, Input, Text, Video};
use reel_engine::quantity::{Color, Duration, Gain, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::layers::{Layer, Progress};
use crate::media::camera::{Camera, Point};
use crate::media::ease::Ease;
use crate::media::look::{CaptionPosition, CaptionStyle};
use crate::media::percent::Percent;
use crate::media::picture::{Fit, TransitionKind};
use crate::media::speed::Speed;
use crate::media::time::FrameRate;
use crate::media::treatment::{Band, Compress, Denoise};
use crate::picture::card::Align;
use crate::speech::tts::Engine;

/// `format:` — what the film is made in, unless an output says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Format {
    /// Size of the frame.
    pub size: Size,
    /// Frames per second.
    pub fps: FrameRate,
}

impl Default for Format {
    fn default() -> Self {
        Self { size: Size { width: 1080, height: 1920 }, fps: FrameRate::whole(30) }
    }
}

/// `voice:` — who speaks; a scene may override each of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// What speaks.
    #[serde(default)]
    pub engine: Option<Engine>,
    /// The engine's name of the voice, such as `en-us`.
    #[serde(default)]
    #[schemars(extend("examples" = ["en-us", "de"]))]
    pub voice: Option<String>,
    /// Words per minute.
    #[serde(default)]
    #[schemars(range(min = 80, max = 450))]
    #[schemars(extend("examples" = [170]))]
    pub rate: Option<u32>,
    /// Pitch from 0 to 99.
    #[serde(default)]
    #[schemars(range(min = 0, max = 99))]
    #[schemars(extend("examples" = [50]))]
    pub pitch: Option<u32>,
    /// The whisper.cpp model with which recordings are heard.
    #[serde(default)]
    pub model: Option<Input<AnyFile>>,
    /// Language of recordings, as two letters.
    #[serde(default)]
    #[schemars(extend("examples" = ["en", "de"]))]
    pub language: Option<String>,
    /// How much of a steady noise is taken away: `true` is 12 dB.
    #[serde(default)]
    pub denoise: Option<Denoise>,
    /// Bands of frequencies that are made louder or softer.
    #[serde(default)]
    #[schemars(extend("examples" = [[{ "at": "200Hz", "gain": "-3dB" }]]))]
    pub eq: Option<Vec<Band>>,
    /// Whether and how loud is made softer.
    #[serde(default)]
    #[schemars(extend("examples" = [true, { "ratio": 3 }]))]
    pub compress: Option<Compress>,
}

/// `captions:` — what is written over the pictures; a scene may override each of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Captions {
    /// A scene's own: a subtitle file (SubRip, WebVTT) with words that nobody says, such as those of its clip.
    #[serde(default)]
    pub file: Option<Input<AnyFile>>,
    /// With `file`: the place in it that is the scene's beginning.
    #[serde(default)]
    pub from: Option<Duration>,
    /// What they do: light up the spoken word, show one at a time, stand on a box, or are not there.
    #[serde(default)]
    pub style: Option<CaptionStyle>,
    /// A font family, a font file of the project, or a list of them: the first that has a glyph draws it.
    #[serde(default)]
    #[schemars(extend("examples" = ["DejaVu Sans", ["DejaVu Sans", "Noto Sans CJK JP"]]))]
    pub font: Option<Fonts>,
    /// Whether bold faces are taken.
    #[serde(default)]
    #[schemars(extend("examples" = [true]))]
    pub bold: Option<bool>,
    /// Most lines.
    #[serde(default)]
    #[schemars(range(min = 1, max = 6))]
    #[schemars(extend("examples" = [2]))]
    pub lines: Option<u32>,
    /// Where they stand.
    #[serde(default)]
    pub position: Option<CaptionPosition>,
    /// Distance from that edge, of the frame's height.
    #[serde(default)]
    #[schemars(extend("examples" = ["14%"]))]
    pub margin: Option<Percent>,
    /// Size of the letters, of the frame's height.
    #[serde(default)]
    #[schemars(extend("examples" = ["4.5%"]))]
    pub size: Option<Percent>,
    /// Widest line, of the frame's width.
    #[serde(default)]
    #[schemars(extend("examples" = ["86%"]))]
    pub width: Option<Percent>,
    /// Colour of words.
    #[serde(default)]
    pub color: Option<Color>,
    /// Colour of the spoken word.
    #[serde(default)]
    pub highlight: Option<Color>,
    /// Colour of the outline.
    #[serde(default)]
    pub outline: Option<Color>,
    /// Width of the outline, of the size of the letters.
    #[serde(default)]
    #[schemars(extend("examples" = ["0.4%"]))]
    pub outline_width: Option<Percent>,
    /// Colour of the soft shadow; a transparent one is none.
    #[serde(default)]
    pub shadow: Option<Color>,
    /// Colour of the box.
    #[serde(default, rename = "box")]
    pub plate: Option<Color>,
}

/// One font or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Fonts {
    /// One.
    One(String),
    /// Several, the first that has a glyph draws it.
    Many(Vec<String>),
}

impl Fonts {
    /// As a list.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::One(font) => vec![font.clone()],
            Self::Many(fonts) => fonts.clone(),
        }
    }
}

/// `music:` — a bed under everything, or several, each under some of the scenes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Musics {
    /// One.
    One(Box<Music>),
    /// Several; each ends where the next begins, unless it says otherwise.
    Many(Vec<Music>),
}

impl Musics {
    /// As a list.
    #[must_use]
    pub fn list(&self) -> &[Music] {
        match self {
            Self::One(music) => std::slice::from_ref(music),
            Self::Many(all) => all,
        }
    }
}

/// A music bed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Music {
    /// A sound file.
    pub file: Input<Audio>,
    /// How loud, against how it was recorded.
    #[serde(default)]
    pub gain: Option<Gain>,
    /// How much softer still while somebody speaks.
    #[serde(default)]
    pub duck: Option<Gain>,
    /// How long it takes to come in.
    #[serde(default)]
    pub fade_in: Option<Duration>,
    /// How long it takes to go out, at the end.
    #[serde(default)]
    pub fade_out: Option<Duration>,
    /// Whether it begins again when it is shorter than what it is under.
    #[serde(default, rename = "loop")]
    pub repeat: Option<bool>,
    /// The scene with which it begins; left out, the first.
    #[serde(default)]
    #[schemars(extend("examples" = ["hook"]))]
    pub from: Option<String>,
    /// The scene with whose end it fades out; left out, where the next music begins, or the film ends.
    #[serde(default)]
    #[schemars(extend("examples" = ["end"]))]
    pub to: Option<String>,
}

/// A sound that is put into a scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sfx {
    /// A sound file, or a URL.
    pub file: Input<Audio>,
    /// The word, as captions show it, with which it begins; left out, it begins with the scene.
    #[serde(default)]
    #[schemars(extend("examples" = ["strikes"]))]
    pub at: Option<String>,
    /// How long after that.
    #[serde(default)]
    pub after: Option<Duration>,
    /// How loud, against how it was recorded.
    #[serde(default)]
    pub gain: Option<Gain>,
}

/// `pronounce:` — how words are said wherever they stand, such as `NASA: nassa`.
pub type Pronounce = BTreeMap<String, String>;

/// `scenes:`.
pub type Scenes = Vec<Scene>;

/// One scene: what is said and what is seen meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// Its name, from which the names of its nodes are made.
    #[schemars(extend("format" = "name"))]
    #[schemars(extend("examples" = ["hook"]))]
    pub id: String,
    /// Its name among the film's chapters; left out, its `id`.
    #[serde(default)]
    #[schemars(extend("examples" = ["The shadow"]))]
    pub chapter: Option<String>,
    /// What is said: text, `{ file: PATH }`, or `{ audio: PATH, text: … }` or `{ audio: PATH, captions: PATH }` for a
    /// recording. `[NASA](nassa)` shows the first and says the second.
    #[serde(default)]
    #[schemars(extend("examples" = ["The Moon passes before the Sun.", { "audio": "assets/voice.wav", "captions": "assets/words.srt" }]))]
    pub say: Option<Say>,
    /// Who speaks here.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "voice": "de", "rate": 150 }]))]
    pub voice: Option<Voice>,
    /// What is seen: a picture, or a list of them.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "image": "assets/moon.jpg", "motion": "push-in" }, { "card": { "title": "The end" } }]))]
    pub show: Option<ShowList>,
    /// Length when nothing is said, or the least length.
    #[serde(default, rename = "for")]
    pub length: Option<Duration>,
    /// Silence after the speech.
    #[serde(default)]
    pub pause: Option<Duration>,
    /// How the scene comes in over the one before.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "kind": "fade", "for": "0.5s" }]))]
    pub transition: Option<Transition>,
    /// What is different about captions here.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "style": "line" }]))]
    pub captions: Option<Captions>,
    /// How much louder or softer the speech is.
    #[serde(default)]
    pub gain: Option<Gain>,
    /// A bar that fills while the scene goes on.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// Sounds that are put in, at the scene's start, at a word, or later.
    #[serde(default)]
    #[schemars(extend("examples" = [[{ "file": "assets/thunder.flac", "at": "strikes" }]]))]
    pub sfx: Vec<Sfx>,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Say {
    /// Text, or a text file.
    Text(Input<Text>),
    /// A recording.
    Recording(Recording),
}

/// Recorded speech.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The sound.
    pub audio: Input<Audio>,
    /// What is said in it, for captions with the right words; left out, they are what is heard.
    #[serde(default)]
    pub text: Option<Input<Text>>,
    /// Its subtitle file (SubRip, WebVTT), with the words and their times.
    #[serde(default)]
    pub captions: Option<Input<AnyFile>>,
}

/// One picture or several under one speech.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ShowList {
    /// One.
    One(Box<Show>),
    /// Several, one after the other.
    Many(Vec<Show>),
}

impl ShowList {
    /// As a list.
    #[must_use]
    pub fn list(&self) -> Vec<&Show> {
        match self {
            Self::One(show) => vec![show],
            Self::Many(shows) => shows.iter().collect(),
        }
    }
}

/// What is seen: exactly one of `image`, `clip`, `card`, `svg`, `color`, `search`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// A picture: a file or a URL.
    #[serde(default)]
    pub image: Option<Input<Image>>,
    /// A video: a file or a URL.
    #[serde(default)]
    pub clip: Option<Input<Video>>,
    /// A title card.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "title": "The end", "background": "#0b1021" }]))]
    pub card: Option<Card>,
    /// A drawing.
    #[serde(default)]
    pub svg: Option<Input<AnyFile>>,
    /// A plain colour.
    #[serde(default)]
    pub color: Option<Color>,
    /// Words to search stock pictures for.
    #[serde(default)]
    pub search: Option<String>,
    /// Where to search.
    #[serde(default)]
    pub provider: Option<String>,
    /// What stands for each `{{name}}` in the SVG.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "times": "400" }]))]
    pub set: Option<BTreeMap<String, String>>,
    /// Fonts that the SVG's text may use.
    #[serde(default)]
    #[schemars(extend("examples" = ["DejaVu Sans"]))]
    pub font: Option<Fonts>,
    /// Where the clip begins.
    #[serde(default)]
    pub from: Option<Duration>,
    /// Where the clip ends.
    #[serde(default)]
    pub to: Option<Duration>,
    /// How fast the clip is shown; at another speed than its own it is heard where `sound` says so.
    #[serde(default)]
    #[schemars(extend("examples" = [0.5]))]
    pub speed: Option<Speed>,
    /// Whether the clip begins again when it ends.
    #[serde(default, rename = "loop")]
    pub repeat: Option<bool>,
    /// The clip's sound: `mute`, or how loud; by default heard only where nothing is said.
    #[serde(default)]
    pub sound: Option<Sound>,
    /// How the camera moves over a still: by a name, or from one view to another.
    #[serde(default)]
    pub motion: Option<Camera>,
    /// How a picture of another shape fills the frame.
    #[serde(default)]
    pub fit: Option<Fit>,
    /// What of the picture is seen whatever is cut off.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "x": "50%", "y": "30%" }]))]
    pub focus: Option<Point>,
    /// Colour around it.
    #[serde(default)]
    pub background: Option<Color>,
    /// What lies over it and comes and goes with it, the lowest first.
    #[serde(default)]
    #[schemars(extend("examples" = [[{ "image": "assets/logo.png", "x": "90%", "y": "8%" }]]))]
    pub layers: Option<Vec<Layer>>,
    /// In a list: how long it is seen.
    #[serde(default, rename = "for")]
    pub length: Option<Duration>,
    /// In a list: the word, as captions show it, with which it appears.
    #[serde(default)]
    #[schemars(extend("examples" = ["sun"]))]
    pub at: Option<String>,
}

/// Sound of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Sound {
    /// `mute`.
    Off(Mute),
    /// How loud.
    Gain(Gain),
}

/// The word for no sound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mute {
    /// None.
    Mute,
}

/// A title card, in the size of the film.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The large line.
    #[serde(default)]
    pub title: Option<Input<Text>>,
    /// The line beneath it.
    #[serde(default)]
    pub subtitle: Option<Input<Text>>,
    /// A paragraph.
    #[serde(default)]
    pub text: Option<Input<Text>>,
    /// Colour of the ground.
    #[serde(default)]
    pub background: Option<Color>,
    /// Colour of the letters.
    #[serde(default)]
    pub color: Option<Color>,
    /// Colour of a bar beneath the title.
    #[serde(default)]
    pub accent: Option<Color>,
    /// Where lines begin.
    #[serde(default)]
    pub align: Option<Align>,
    /// Fonts; by default those of the captions.
    #[serde(default)]
    #[schemars(extend("examples" = ["DejaVu Sans"]))]
    pub font: Option<Fonts>,
}

/// How a scene comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// How.
    pub kind: TransitionKind,
    /// How long it takes: the first of the scene's own time.
    #[serde(default = "half_a_second", rename = "for")]
    pub length: Duration,
    /// At which speed it takes over.
    #[serde(default)]
    pub ease: Ease,
}

fn half_a_second() -> Duration {
    Duration::from_millis(500)
}
