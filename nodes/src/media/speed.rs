//! How fast a clip is shown, as users write it: `0.5`. It knows no float.

use reel_engine::as_text;
use reel_engine::quantity::Thousandths;

use super::time::FrameRate;

/// Times the speed at which it was recorded, in thousandths: from a quarter to 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed(pub u32);

impl Speed {
    /// Whether it is shown as it was recorded.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        self.0 == 1000
    }

    /// A length of the recording, in any unit, as it is shown: rounded to the nearest.
    #[must_use]
    pub fn shown(self, recorded: u64) -> u64 {
        let milli = u128::from(self.0);
        ((u128::from(recorded) * 2000 + milli) / (2 * milli)) as u64
    }

    /// How many pictures of a second of the recording are wanted for so many a second of the film; `None` when that
    /// is more than any recording has.
    #[must_use]
    pub fn of_recording(self, fps: FrameRate) -> Option<FrameRate> {
        let (num, den) = (u64::from(fps.num()) * 1000, u64::from(fps.den()) * u64::from(self.0));
        FrameRate::new(u32::try_from(num).ok()?, u32::try_from(den).ok()?)
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self(1000)
    }
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no speed from 0.25 to 4, to the thousandth");
        Thousandths::within(text, 250, 4000).map(|Thousandths(milli)| Self(milli)).ok_or_else(wrong)
    }
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", Thousandths(self.0))
    }
}

as_text!(
    Speed,
    ["number", "string"],
    "speed",
    "How fast a clip is shown: `0.5` takes twice as long as it was recorded; from 0.25 to 4.",
    [0.5]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_exact() {
        let read = |text: &str| text.parse::<Speed>();
        assert_eq!(read("0.5").unwrap(), Speed(500));
        assert_eq!(read("1.250").unwrap().to_string(), "1.25");
        assert_eq!(read("0.5").unwrap().shown(48_000), 96_000);
        assert_eq!(read("3").unwrap().shown(100), 33);
        let ntsc: FrameRate = "29.97".parse().unwrap();
        assert_eq!(read("0.5").unwrap().of_recording(ntsc), FrameRate::new(60_000, 1001));
        for text in ["0.2", "4.1", "0.5001", "-1", "fast"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
