//! Where the camera is over a still, and how it gets there: named motions, and from one view to another. It knows no
//! pixels.

use reel_engine::as_text;
use reel_engine::quantity::Thousandths;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ease::Ease;
use super::percent::Percent;
use super::picture::Motion;

/// A motion by its name, or from one view to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Camera {
    /// A motion by its name.
    Named(Motion),
    /// From one view to another.
    Travel(Travel),
}

/// From one view to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Travel {
    /// What is seen on the first frame; left out, the whole picture.
    #[serde(default)]
    pub from: Aim,
    /// What is seen on the last frame; left out, the whole picture.
    #[serde(default)]
    pub to: Aim,
    /// At which speed it goes.
    #[serde(default)]
    pub ease: Ease,
}

/// What the camera sees: a point of the picture that comes to the middle of the frame, as far as the picture reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aim {
    /// How far the point is from the left edge, of the picture's width.
    #[serde(default = "half")]
    pub x: Percent,
    /// How far the point is from the upper edge, of the picture's height.
    #[serde(default = "half")]
    pub y: Percent,
    /// How near the camera is: at `1` the picture just fills the frame.
    #[serde(default)]
    pub zoom: Zoom,
}

/// A point of a picture that is to be seen whatever is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// How far from the left edge, of the picture's width.
    #[serde(default = "half")]
    pub x: Percent,
    /// How far from the upper edge, of the picture's height.
    #[serde(default = "half")]
    pub y: Percent,
}

const fn half() -> Percent {
    Percent(50_000)
}

impl Default for Point {
    fn default() -> Self {
        Self { x: half(), y: half() }
    }
}

impl Point {
    /// Whether it is the middle, which is meant when nothing is said.
    #[must_use]
    pub fn is_middle(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Aim {
    fn default() -> Self {
        Self { x: half(), y: half(), zoom: Zoom::default() }
    }
}

impl Default for Camera {
    fn default() -> Self {
        Self::Named(Motion::None)
    }
}

impl Camera {
    /// Whether every frame shows the same.
    #[must_use]
    pub fn is_static(&self) -> bool {
        match self {
            Self::Named(motion) => *motion == Motion::None,
            Self::Travel(travel) => travel.from == travel.to,
        }
    }

    /// Whether it stands over the middle of the whole picture, which is meant when nothing is said.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// How large a still must be against the frame so that it is never sampled finer than its pixels, in
    /// thousandths.
    #[must_use]
    pub fn zoom_milli(&self) -> u32 {
        match self {
            Self::Named(motion) => motion.zoom_milli(),
            Self::Travel(travel) => travel.from.zoom.0.max(travel.to.zoom.0),
        }
    }
}

/// How near the camera is, in thousandths: from 1 to 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zoom(pub u32);

impl Default for Zoom {
    fn default() -> Self {
        Self(1000)
    }
}

impl std::str::FromStr for Zoom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no zoom from 1 to 4, to the thousandth");
        Thousandths::within(text, 1000, 4000).map(|Thousandths(milli)| Self(milli)).ok_or_else(wrong)
    }
}

impl std::fmt::Display for Zoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", Thousandths(self.0))
    }
}

as_text!(
    Zoom,
    ["number", "string"],
    "zoom",
    "How near the camera is: `1` shows the whole picture, `1.25` four fifths of it, at most `4`.",
    [1.25]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooms_are_exact() {
        let read = |text: &str| text.parse::<Zoom>();
        assert_eq!(read("1.25").unwrap(), Zoom(1250));
        assert_eq!(read("2.0").unwrap().to_string(), "2");
        assert_eq!(read("1.040").unwrap().to_string(), "1.04");
        for text in ["0.99", "4.001", "1.0001", "-2", "near", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_and_a_path_are_told_apart() {
        let read = |json: serde_json::Value| serde_json::from_value::<Camera>(json).unwrap();
        assert_eq!(read("push-in".into()), Camera::Named(Motion::PushIn));
        let path = read(serde_json::json!({ "to": { "x": "30%", "zoom": "1.5" }, "ease": "in-out" }));
        let to = Aim { x: Percent(30_000), zoom: Zoom(1500), ..Aim::default() };
        assert_eq!(path, Camera::Travel(Travel { from: Aim::default(), to, ease: Ease::InOut }));
        assert_eq!((path.zoom_milli(), path.is_static()), (1500, false));
        assert!(Camera::default().is_static() && Camera::Travel(Travel::default()).is_static());
    }
}
