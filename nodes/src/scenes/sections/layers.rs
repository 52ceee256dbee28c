//! What users write of things that lie over pictures. It makes nothing.

use std::collections::BTreeMap;

use reel_engine::operation::{AnyFile, Image, Input, Text, Video};
use reel_engine::quantity::{Color, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Card, Fonts, Sound};
use crate::media::percent::Percent;
use crate::media::picture::Edge;
use crate::media::speed::Speed;
use crate::picture::card::Align;

/// Something that lies over a picture: exactly one of `image`, `clip`, `card`, `svg` and `text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// A picture: a file or a URL. Its transparency is kept.
    #[serde(default)]
    pub image: Option<Input<Image>>,
    /// A video: a file or a URL.
    #[serde(default)]
    pub clip: Option<Input<Video>>,
    /// A card; without a `background` it has none.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "title": "Luxor" }]))]
    pub card: Option<Card>,
    /// A drawing.
    #[serde(default)]
    pub svg: Option<Input<AnyFile>>,
    /// A line or more of text.
    #[serde(default)]
    pub text: Option<Input<Text>>,
    /// What stands for each `{{name}}` in the SVG.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "times": "400" }]))]
    pub set: Option<BTreeMap<String, String>>,
    /// Fonts of `text`, by default those of the captions, or that the SVG's text may use.
    #[serde(default)]
    #[schemars(extend("examples" = ["DejaVu Sans"]))]
    pub font: Option<Fonts>,
    /// Colour of the letters of `text`.
    #[serde(default)]
    pub color: Option<Color>,
    /// Colour behind `text`; left out, there is none.
    #[serde(default)]
    pub background: Option<Color>,
    /// Where lines of `text` begin.
    #[serde(default)]
    pub align: Option<Align>,
    /// Where the clip begins.
    #[serde(default)]
    pub from: Option<Duration>,
    /// Where the clip ends.
    #[serde(default)]
    pub to: Option<Duration>,
    /// How fast the clip is shown.
    #[serde(default)]
    pub speed: Option<Speed>,
    /// Whether the clip begins again when it ends.
    #[serde(default, rename = "loop")]
    pub repeat: Option<bool>,
    /// How loud the clip is, or `mute`, as it is when nothing is said.
    #[serde(default)]
    pub sound: Option<Sound>,
    /// How far its middle is from the frame's left edge, of the frame's width; by default in the middle.
    #[serde(default)]
    #[schemars(extend("examples" = ["90%"]))]
    pub x: Option<Percent>,
    /// How far its middle is from the frame's upper edge, of the frame's height; by default in the middle.
    #[serde(default)]
    #[schemars(extend("examples" = ["8%"]))]
    pub y: Option<Percent>,
    /// How wide it is at most, of the frame's width.
    #[serde(default)]
    pub width: Option<Percent>,
    /// How high it is at most, of the frame's height.
    #[serde(default)]
    pub height: Option<Percent>,
    /// How opaque it is.
    #[serde(default)]
    pub opacity: Option<Percent>,
    /// When it appears, after its picture.
    #[serde(default)]
    pub at: Option<Duration>,
    /// How long it is seen; by default as long as its picture.
    #[serde(default, rename = "for")]
    pub length: Option<Duration>,
    /// How long it takes to come and to go.
    #[serde(default)]
    pub fade: Option<Duration>,
}

/// `progress:` — a bar that fills while a scene, or the film, goes on; a scene may override each of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Its colour.
    #[serde(default)]
    pub color: Option<Color>,
    /// Its height, of the frame's height.
    #[serde(default)]
    pub height: Option<Percent>,
    /// Along which edge it lies.
    #[serde(default)]
    pub position: Option<Edge>,
    /// Over what it fills.
    #[serde(default)]
    pub over: Option<Over>,
}

/// What a bar of progress fills over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Each scene.
    Scene,
    /// All of the film.
    Film,
}
