//! How a picture fills the frame and moves in it. It knows no pixels.

use reel_engine::quantity::Color;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The port of a frame of a segment, counted from 0, where each is a picture by itself: `frame-1` is the first.
#[must_use]
pub fn frame_port(index: u32) -> String {
    format!("frame-{}", u64::from(index) + 1)
}

/// A motion over a still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Motion {
    /// The picture stands still.
    #[default]
    None,
    /// From the whole picture to 1.12 times as near.
    PushIn,
    /// From 1.12 times as near to the whole picture.
    PullOut,
    /// The camera travels from right to left.
    PanLeft,
    /// The camera travels from left to right.
    PanRight,
    /// The camera travels from bottom to top.
    PanUp,
    /// The camera travels from top to bottom.
    PanDown,
}

impl Motion {
    /// Every motion.
    pub const ALL: [Self; 7] =
        [Self::None, Self::PushIn, Self::PullOut, Self::PanLeft, Self::PanRight, Self::PanUp, Self::PanDown];

    /// As users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PushIn => "push-in",
            Self::PullOut => "pull-out",
            Self::PanLeft => "pan-left",
            Self::PanRight => "pan-right",
            Self::PanUp => "pan-up",
            Self::PanDown => "pan-down",
        }
    }

    /// How large a still must be against the frame so that it is never sampled finer than its pixels, in
    /// thousandths: 1000 or 1120.
    #[must_use]
    pub const fn zoom_milli(self) -> u32 {
        match self {
            Self::None => 1000,
            _ => 1120,
        }
    }
}

/// How a picture of another shape fills the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// It covers the frame; what stands over is cut off, equally on both sides.
    #[default]
    Cover,
    /// All of it is seen, on the background colour.
    Contain,
    /// All of it is seen, on a blurred copy of itself that covers the frame.
    Blur,
}

/// A bar that fills from the left while a scene goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// Its colour.
    pub color: Color,
    /// Its height in pixels of the frame.
    #[schemars(range(min = 1, max = 8192))]
    pub height: u32,
    /// Where it lies.
    #[serde(default)]
    pub edge: Edge,
}

/// An edge of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// The upper one.
    Top,
    /// The lower one.
    #[default]
    Bottom,
}

/// How a scene comes in over the one before. Directions are those in which things move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransitionKind {
    /// At once.
    Cut,
    /// A cross-fade.
    Fade,
    /// The scene before fades to black, then this one comes out of it.
    FadeBlack,
    /// Grain by grain.
    Dissolve,
    /// An edge that moves to the left uncovers it.
    WipeLeft,
    /// An edge that moves to the right uncovers it.
    WipeRight,
    /// An edge that moves up uncovers it.
    WipeUp,
    /// An edge that moves down uncovers it.
    WipeDown,
    /// It pushes the scene before out to the left.
    SlideLeft,
    /// It pushes the scene before out to the right.
    SlideRight,
    /// It pushes the scene before out at the top.
    SlideUp,
    /// It pushes the scene before out at the bottom.
    SlideDown,
    /// The scene before comes nearer, and it shows through.
    Zoom,
    /// A circle that grows from the middle, with a soft edge.
    Circle,
}

impl TransitionKind {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::Cut,
        Self::Fade,
        Self::FadeBlack,
        Self::Dissolve,
        Self::WipeLeft,
        Self::WipeRight,
        Self::WipeUp,
        Self::WipeDown,
        Self::SlideLeft,
        Self::SlideRight,
        Self::SlideUp,
        Self::SlideDown,
        Self::Zoom,
        Self::Circle,
    ];
}
