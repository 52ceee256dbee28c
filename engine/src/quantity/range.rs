//! From where to where a measured value may lie: `28s..32s`, `-14 ± 0.5`, `<= 60s`. They know not what is measured.

use std::fmt;
use std::str::FromStr;

use super::decimal::Decimal;
use super::{Duration, Wrong};
use crate::as_text;

/// A range of lengths of time; one end may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    /// The least, in microseconds.
    pub least: Option<u64>,
    /// The most, in microseconds.
    pub most: Option<u64>,
}

/// A range of numbers to the hundredth; one end may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The least, in hundredths.
    pub least: Option<i64>,
    /// The most, in hundredths.
    pub most: Option<i64>,
}

impl FromStr for Durations {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let micros = |text: &str| text.parse::<Duration>().map(|time| i128::from(time.as_micros()));
        let (least, most) = ends(text, micros)?;
        let micros = |end: Option<i128>| end.map(|end| u64::try_from(end.max(0)).unwrap_or(u64::MAX));
        Ok(Self { least: micros(least), most: micros(most) })
    }
}

impl FromStr for Numbers {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let (least, most) = ends(text, hundredths)?;
        // They were narrow enough to be read.
        let narrow = |end: Option<i128>| end.and_then(|end| i64::try_from(end).ok());
        Ok(Self { least: narrow(least), most: narrow(most) })
    }
}

fn hundredths(text: &str) -> Result<i128, Wrong> {
    let number: Decimal = text.parse().map_err(|_| Wrong::Unit(format!("`{text}` is not a number")))?;
    let Some(hundredths) = number.parts(100) else {
        return Err(Wrong::Value(format!("`{text}` is finer than a hundredth")));
    };
    if hundredths.abs() > 1 << 40 {
        Err(Wrong::Value(format!("`{text}` is too large")))
    } else {
        Ok(hundredths)
    }
}

/// Both ends of a range, as they are written.
fn ends(
    text: &str,
    one: impl Fn(&str) -> Result<i128, Wrong>,
) -> Result<(Option<i128>, Option<i128>), Wrong> {
    let text = text.trim();
    let end = |text: &str| match text.trim() {
        "" => Ok(None),
        text => one(text).map(Some),
    };
    let around = || text.split_once('±').or_else(|| text.split_once("+-"));
    let (least, most) = if let Some(most) = text.strip_prefix("<=") {
        (None, Some(one(most.trim())?))
    } else if let Some(least) = text.strip_prefix(">=") {
        (Some(one(least.trim())?), None)
    } else if let Some((least, most)) = text.split_once("..") {
        (end(least)?, end(most)?)
    } else if let Some((middle, off)) = around() {
        let (middle, off) = (one(middle.trim())?, one(off.trim())?.abs());
        (Some(middle - off), Some(middle + off))
    } else {
        return Err(Wrong::Value(format!("`{text}` is one value")));
    };
    match (least, most) {
        (None, None) => Err(Wrong::Value(format!("`{text}` has no end"))),
        (Some(least), Some(most)) if least > most => {
            Err(Wrong::Value(format!("`{text}` ends before it begins")))
        }
        found => Ok(found),
    }
}

impl fmt::Display for Durations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |micros: Option<u64>| micros.map(|micros| Duration::from_micros(micros).to_string());
        write!(f, "{}..{}", end(self.least).unwrap_or_default(), end(self.most).unwrap_or_default())
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |hundredths: Option<i64>| {
            let Some(hundredths) = hundredths else { return String::new() };
            let sign = if hundredths < 0 { "-" } else { "" };
            let (whole, part) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
            let text = format!("{sign}{whole}.{part:02}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        write!(f, "{}..{}", end(self.least), end(self.most))
    }
}

as_text!(Durations, "durations", "From how long to how long.", ["28s..32s", "..60s", "30s ± 0.5s"]);
as_text!(Numbers, "numbers", "From which number to which.", ["-14.5..-13.5", "-14 ± 0.5"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_range_is_one_range() {
        let times = |text: &str| text.parse::<Durations>().unwrap().to_string();
        assert_eq!(times("28s..32s"), "28000ms..32000ms");
        assert_eq!(times("30s ± 2s"), "28000ms..32000ms");
        assert_eq!(times("<= 1m"), "..60000ms");
        assert_eq!(times("..60s"), "..60000ms");
        assert_eq!(times(">= 0.5s"), "500ms..");
        assert_eq!(times("1s ± 2s"), "0ms..3000ms");
        let numbers = |text: &str| text.parse::<Numbers>().unwrap().to_string();
        assert_eq!(numbers("-14 ± 0.5"), "-14.5..-13.5");
        assert_eq!(numbers("-14 +- 0.5"), "-14.5..-13.5");
        assert_eq!(numbers("-20..-9.25"), "-20..-9.25");
        assert_eq!(numbers("<= -0.05"), "..-0.05");
        for text in ["28s..32s", "..60000ms", "500ms.."] {
            assert_eq!(times(text), times(&times(text)), "{text}");
        }
    }

    #[test]
    fn what_is_no_range_says_why() {
        let times = |text: &str| text.parse::<Durations>().unwrap_err().to_string();
        assert_eq!(times("30s"), "`30s` is one value");
        assert_eq!(times("32s..28s"), "`32s..28s` ends before it begins");
        assert_eq!(times(".."), "`..` has no end");
        assert!(times("28..32").contains("28"));
        let numbers = |text: &str| text.parse::<Numbers>().unwrap_err().to_string();
        assert_eq!(numbers("-14 ± x"), "`x` is not a number");
        assert_eq!(numbers("0.001..1"), "`0.001` is finer than a hundredth");
    }
}
