//! Exact time: frame rates, frames and samples as integers. It knows no clock and no file.

use std::fmt;
use std::str::FromStr;

use reel_engine::quantity::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Samples per second of everything that is mixed.
pub const SAMPLE_RATE: u32 = 48_000;

/// Frames per second as an exact fraction: 29.97 means 30000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// A rate of `num / den` frames per second, in lowest terms; `None` when it is zero or above 240.
    #[must_use]
    pub fn new(num: u32, den: u32) -> Option<Self> {
        if num == 0 || den == 0 || num > den.saturating_mul(240) {
            return None;
        }
        let g = gcd(num, den);
        Some(Self { num: num / g, den: den / g })
    }

    /// A whole number of frames per second; 0 is taken for 1.
    #[must_use]
    pub const fn whole(fps: u8) -> Self {
        Self { num: if fps == 0 { 1 } else { fps as u32 }, den: 1 }
    }

    /// Numerator of frames per second.
    #[must_use]
    pub const fn num(self) -> u32 {
        self.num
    }

    /// Denominator of frames per second.
    #[must_use]
    pub const fn den(self) -> u32 {
        self.den
    }

    /// The sample (at `rate` per second) at which frame `frame` begins: `⌊F · rate · den / num + ½⌋`.
    #[must_use]
    pub fn sample_of(self, frame: u64, rate: u32) -> u64 {
        let wide = u128::from(frame) * u128::from(rate) * u128::from(self.den) * 2 + u128::from(self.num);
        (wide / (u128::from(self.num) * 2)) as u64
    }

    /// How many whole frames cover `samples` at `rate` per second (rounded up).
    #[must_use]
    pub fn frames_covering(self, samples: u64, rate: u32) -> u64 {
        let num = u128::from(samples) * u128::from(self.num);
        let den = u128::from(rate) * u128::from(self.den);
        num.div_ceil(den) as u64
    }

    /// The frame whose beginning is nearest to `sample`; a tie goes to the later one.
    #[must_use]
    pub fn nearest_frame(self, sample: u64, rate: u32) -> u64 {
        let num = u128::from(sample) * u128::from(self.num) * 2 + u128::from(rate) * u128::from(self.den);
        (num / (u128::from(rate) * u128::from(self.den) * 2)) as u64
    }

    /// How much longer `time` is than so many frames, when brought to whole frames; `None` when it fits.
    #[must_use]
    pub fn excess(self, time: Duration, frames: u64) -> Option<Excess> {
        if self.nearest_frame(time.as_micros(), 1_000_000).max(1) <= frames {
            return None;
        }
        let millis = (u128::from(frames) * u128::from(self.den) * 1000 / u128::from(self.num)) as u64;
        let lasts = Duration::from_micros(millis * 1000);
        let over = time.as_micros().saturating_sub(lasts.as_micros());
        Some(Excess { lasts, by: Duration::from_micros(over.div_ceil(1000) * 1000) })
    }

    /// Whole frames nearest to `millis` milliseconds.
    #[must_use]
    pub fn frames_of_millis(self, millis: u64) -> u64 {
        self.nearest_frame(millis, 1000)
    }
}

/// By how much something is too long for frames; both in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// How long the frames last.
    pub lasts: Duration,
    /// How much is over.
    pub by: Duration,
}

/// `ticks` of `from` per second as ticks of `to` per second, to the nearest, a half upwards.
///
/// Lengths and places go through the same rounding everywhere, so that a sound of `n` samples and its words
/// agree after both were brought to another rate.
#[must_use]
pub fn rescale(ticks: u64, from: u32, to: u32) -> u64 {
    let from = u128::from(from.max(1));
    ((u128::from(ticks) * u128::from(to) * 2 + from) / (from * 2)) as u64
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.num, self.den) {
            (n, 1) => write!(f, "{n}"),
            (n, d) => write!(f, "{n}/{d}"),
        }
    }
}

impl FromStr for FrameRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("`{text}` is not a frame rate");
        let (num, den) = match text {
            "23.976" | "23.98" => (24_000, 1001),
            "29.97" => (30_000, 1001),
            "47.952" => (48_000, 1001),
            "59.94" => (60_000, 1001),
            "119.88" => (120_000, 1001),
            _ => match text.split_once('/') {
                Some((n, d)) => (n.trim().parse().map_err(|_| bad())?, d.trim().parse().map_err(|_| bad())?),
                None => (text.parse().map_err(|_| bad())?, 1),
            },
        };
        Self::new(num, den).ok_or_else(bad)
    }
}

impl Serialize for FrameRate {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FrameRate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Whole(u32),
            Text(String),
        }
        match Written::deserialize(d)? {
            Written::Whole(n) => Self::new(n, 1).ok_or_else(|| de::Error::custom("a frame rate is 1 to 240")),
            Written::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for FrameRate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FrameRate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Frames per second: a whole number, `30000/1001`, or one of 23.976, 29.97, 59.94.",
            "type": ["integer", "number", "string"],
            "format": "frame-rate",
            "examples": [30, "30000/1001", 29.97]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntsc_frames_fall_on_the_rounded_sample() {
        let rate: FrameRate = "29.97".parse().unwrap();
        assert_eq!((rate.num(), rate.den()), (30_000, 1001));
        assert_eq!(rate.sample_of(1, 48_000), 1602); // 1601.6
        assert_eq!(rate.sample_of(30_000, 48_000), 48_000 * 1001);
    }

    #[test]
    fn a_scene_is_rounded_up_to_whole_frames() {
        let rate = FrameRate::new(30, 1).unwrap();
        assert_eq!(rate.frames_covering(0, 48_000), 0);
        assert_eq!(rate.frames_covering(1, 48_000), 1);
        assert_eq!(rate.frames_covering(1600, 48_000), 1);
        assert_eq!(rate.frames_covering(1601, 48_000), 2);
    }

    #[test]
    fn nearest_frame_inverts_sample_of() {
        for text in ["24", "25", "30000/1001", "60000/1001", "23.976"] {
            let rate: FrameRate = text.parse().unwrap();
            for frame in 0..5000 {
                assert_eq!(rate.nearest_frame(rate.sample_of(frame, 48_000), 48_000), frame);
            }
        }
    }
}
