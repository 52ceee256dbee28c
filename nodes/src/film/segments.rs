//! `segments`: a scene cut into segments, once its times are known: it makes the `encode` nodes. It knows this
//! scene, and of the one before only what goes on beneath a transition.
//!
//! ```yaml
//! nodes:
//!   parts: { uses: segments, with: { plan: "${times.plan}", size: 1080x1920,
//!            pictures: [{ still: "${ready.still}", motion: push-in }] } }
//! ```

mod cut;
mod make;
mod sample;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::{Claim, GpuClaim};
use reel_engine::diagnostic::code;
use reel_engine::operation::{
    AnyFile, Call, Failure, Info, Input, Json, Kind, Outcome, Passed, Reproducible, Resolve, Site, Through,
    Video,
};
use reel_engine::quantity::{Color, Duration, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Offers;
use crate::media::camera::Camera;
use crate::media::ease::Ease;
use crate::media::encoding::{Encoding, Hardware};
use crate::media::look::{CaptionLook, CaptionType};
use crate::media::percent::Percent;
use crate::media::picture::{Bar, TransitionKind};
use crate::media::plan::Plan;
use crate::media::quality::Chosen;
use crate::media::time::FrameRate;
use crate::media::words::Cue;

/// `with:` of `segments`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// When what happens, from `timeline`.
    pub plan: Input<Json>,
    /// Size of the frame, even in both directions.
    pub size: Size,
    /// How segments are compressed.
    #[serde(default)]
    pub encoding: Encoding,
    /// The rate factor that was chosen for the film, from `quality`, instead of that of `encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crf: Option<Input<Json>>,
    /// Only this many samples of a second, from all over the scene, instead of all of it: for `trial`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub samples: Option<u32>,
    /// Whether each frame is made a picture by itself, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frames: bool,
    /// What is seen, in the order of the plan's pictures.
    #[schemars(length(min = 1))]
    pub pictures: Vec<Picture>,
    /// What is written over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<Captions>,
    /// How the scene comes in over the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// What lies over all of it, also over transitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<Overlay>,
    /// A bar that fills while the scene goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Bar>,
    /// The film that the scene is in, when the bar fills over all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub film: Option<Film>,
}

/// Where in its film a scene is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Film {
    /// The plans of all scenes, in order.
    pub plans: Vec<Input<Json>>,
    /// Which of them is this one's, from 0.
    pub scene: usize,
}

impl Film {
    /// The frames of the film before the scene, and all of them.
    fn frames(&self, call: &Call<'_>) -> Result<(u64, u64), Failure> {
        let (mut before, mut all) = (0, 0);
        for (index, plan) in self.plans.iter().enumerate() {
            before = if index == self.scene { all } else { before };
            all += read_json::<Plan>(call, plan.slot())?.frames;
        }
        Ok((before, all))
    }
}

/// A picture that is ready for the frame. Exactly one of `still`, `video` and `color` is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// A still as `still` makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still: Option<Through<AnyFile>>,
    /// A video as `conform` makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Through<Video>>,
    /// Whether the video begins again when it ends, instead of standing on its last picture.
    #[serde(default, rename = "loop", skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// A plain colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// How the camera moves over the still.
    #[serde(default)]
    pub motion: Camera,
    /// What lies over it and comes and goes with it, the lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Overlay>,
}

/// Something that lies over a picture. Exactly one of `sprite` and `video` is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// A picture as `sprite` makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sprite: Option<Through<AnyFile>>,
    /// A video as `conform` makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Through<Video>>,
    /// Whether the video begins again when it ends, instead of standing on its last picture.
    #[serde(default, rename = "loop", skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// How far its middle is from the frame's left edge, of the frame's width.
    #[serde(default = "half")]
    pub x: Percent,
    /// How far its middle is from the frame's upper edge, of the frame's height.
    #[serde(default = "half")]
    pub y: Percent,
    /// How opaque it is.
    #[serde(default = "whole")]
    pub opacity: Percent,
    /// When it appears, in the picture's own time.
    #[serde(default)]
    pub at: Duration,
    /// How long it is seen; left out, as long as the picture.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<Duration>,
    /// How long it takes to come and to go.
    #[serde(default)]
    pub fade: Duration,
}

impl Overlay {
    /// Whether it looks the same on every frame.
    fn is_static(&self) -> bool {
        let none = Duration::default();
        self.video.is_none() && self.length.is_none() && self.at == none && self.fade == none
    }
}

const fn half() -> Percent {
    Percent(50_000)
}

const fn whole() -> Percent {
    Percent(100_000)
}

/// Captions of a scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Captions {
    /// From `cues`.
    pub cues: Input<Json>,
    /// Which letters, how large.
    #[serde(rename = "type")]
    pub letters: CaptionType,
    /// How they are drawn.
    pub look: Passed<CaptionLook>,
}

/// How a scene comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// How the incoming picture takes over.
    pub kind: TransitionKind,
    /// How long it takes: the first of this scene's own time.
    #[serde(rename = "for")]
    pub length: Duration,
    /// At which speed.
    #[serde(default)]
    pub ease: Ease,
    /// The plan of the scene before.
    pub plan: Input<Json>,
    /// The last picture of the scene before, which goes on beneath.
    pub picture: Picture,
}

/// The kind.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    /// Which encoders there are in this machine's graphics devices.
    pub offers: Offers,
}

impl Kind for Segments {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "segments",
            version: 2,
            summary: "cuts a scene into segments of a few seconds, each a node of its own",
            example: "parts: { uses: segments, with: { plan: \"${times.plan}\", size: 1080x1920, \
                      pictures: [{ still: \"${ready.still}\", motion: push-in }] } }",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: true,
        }
    }

    fn ports(&self, params: &Params) -> Vec<Port> {
        let frames = params.frames.then(|| Port::many("frames", PortType::Image));
        std::iter::once(Port::many("video", PortType::Video)).chain(frames).collect()
    }

    fn claim(&self, params: &Params) -> Claim {
        // What its segments will ask of a device is asked before anything runs.
        let gpu = params.encoding.hw.map_or(GpuClaim::None, Hardware::claim);
        Claim { gpu, ..Claim::tiny() }
    }

    fn makes(&self) -> &'static [&'static str] {
        &["encode", "sample", "frames"]
    }

    fn passes(&self) -> &'static [&'static str] {
        // Colours move no cut.
        &["/captions/look"]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        crate::media::check_frame_size(params.size, "/size", cx);
        // The rate is known to the plan alone; the nodes that are made are checked with it.
        crate::media::check_encoding(&params.encoding, params.size, FrameRate::whole(1), &self.offers, cx);
        if params.crf.is_some() {
            match params.encoding.codec.crf() {
                // What is read in the run counts, so this is in no key.
                Some(factors) if params.encoding.bitrate.is_none() => {
                    params.encoding.crf = Some(factors.plain);
                }
                _ => {
                    let message = "a rate factor is given, and this encoding is held by none";
                    cx.problem("/crf", code::BAD_VALUE, message, Some("take `crf` away".into()));
                }
            }
        }
        let mut pictures: Vec<(String, &Picture)> = Vec::new();
        pictures.extend(params.pictures.iter().enumerate().map(|(i, p)| (format!("/pictures/{i}"), p)));
        if let Some(transition) = &params.transition {
            pictures.push(("/transition/picture".into(), &transition.picture));
        }
        let layers = |pointer: &str, layers: &[Overlay], cx: &mut Resolve<'_>| {
            let wrong = |layer: &Overlay| layer.sprite.is_some() == layer.video.is_some();
            for (i, _) in layers.iter().enumerate().filter(|(_, layer)| wrong(layer)) {
                let message = "what lies over a picture is exactly one of `sprite` and `video`";
                cx.problem(&format!("{pointer}/{i}"), code::BAD_VALUE, message, None);
            }
        };
        layers("/over", &params.over, cx);
        for (pointer, picture) in pictures {
            layers(&format!("{pointer}/layers"), &picture.layers, cx);
            let given = [picture.still.is_some(), picture.video.is_some(), picture.color.is_some()];
            if given.iter().filter(|there| **there).count() != 1 {
                let message = "a picture is exactly one of `still`, `video` and `color`";
                cx.problem(&pointer, code::BAD_VALUE, message, None);
            }
        }
    }

    fn run(&self, mut params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        if let Some(crf) = &params.crf {
            params.encoding.crf = Some(read_json::<Chosen>(call, crf.slot())?.crf);
        }
        let plan: Plan = read_json(call, params.plan.slot())?;
        let cues: Vec<Cue> = match &params.captions {
            Some(captions) => read_json(call, captions.cues.slot())?,
            None => Vec::new(),
        };
        let before: Option<Plan> = match &params.transition {
            Some(transition) if transition.kind != TransitionKind::Cut => {
                Some(read_json(call, transition.plan.slot())?)
            }
            _ => None,
        };
        let within = match &params.film {
            Some(film) => film.frames(call)?,
            None => (0, plan.frames),
        };
        let graph = make::subgraph(&params, &plan, &cues, before.as_ref(), within, call.cancelled)?;
        Ok(Outcome { graph: Some(graph), ..Outcome::default() })
    }
}

fn read_json<T: serde::de::DeserializeOwned>(call: &Call<'_>, slot: &str) -> Result<T, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("input `{slot}` is not what was expected: {error}")))
}

#[cfg(test)]
mod tests;
