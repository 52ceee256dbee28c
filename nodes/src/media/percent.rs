//! A part of a length, as users write it: `4.2%`. It knows no float.

use reel_engine::as_text;
use reel_engine::quantity::Thousandths;

/// Thousandths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u32);

impl Percent {
    /// That part of `whole`, rounded, a half upwards.
    #[must_use]
    pub fn of(self, whole: u32) -> u32 {
        ((u64::from(whole) * u64::from(self.0) + 50_000) / 100_000) as u32
    }
}

impl std::str::FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number =
            text.strip_suffix('%').and_then(|number| Thousandths::within(number.trim_end(), 0, 100_000));
        let wrong = || format!("`{text}` is not a percentage from 0% to 100%, to the thousandth");
        number.map(|Thousandths(part)| Self(part)).ok_or_else(wrong)
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", Thousandths(self.0))
    }
}

as_text!(Percent, "percent", "A part of the frame, from `0%` to `100%`.", ["4.2%", "16%"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact() {
        let read = |text: &str| text.parse::<Percent>();
        assert_eq!(read("4.2%").unwrap(), Percent(4200));
        assert_eq!(read("100%").unwrap().to_string(), "100%");
        assert_eq!(read(".5%").unwrap().to_string(), "0.5%");
        assert_eq!(read("4.2%").unwrap().of(1920), 81);
        for text in ["4.2", "101%", "-1%", "%", ".%", "1.0001%", "x%", "99999999999%"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
