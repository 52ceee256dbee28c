//! One number with one unit: lengths of time, gains, sizes of data. They know no size of pictures.

use std::fmt;
use std::str::FromStr;

use super::Wrong;
use super::decimal::{Decimal, split_unit};
use crate::as_text;

/// A unit and how many of the smallest parts it has.
type Unit = (&'static str, u64);

/// Microseconds.
const TIME: &[Unit] = &[("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];

/// Hundredths of a decibel.
const LEVEL: &[Unit] = &[("dB", 100)];

/// Bytes.
const DATA: &[Unit] = &[
    ("B", 1),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

/// A length of time, to the microsecond. `{}` is its one canonical text, such as `1500ms`; `{:#}` is for people, such
/// as `1.5s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration {
    micros: u64,
}

impl Duration {
    /// So many microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// So many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Self { micros: millis as u64 * 1000 }
    }

    /// Microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.micros
    }

    /// Whole milliseconds; what is below is cut off.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.micros / 1000
    }
}

impl FromStr for Duration {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let micros = read(text, TIME, "a microsecond")?;
        if micros < 0 {
            return Err(Wrong::Value(format!("`{text}` is below zero")));
        }
        fits(text, micros).map(Self::from_micros)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() && self.micros >= 1_000_000 {
            let (whole, part) = (self.micros / 1_000_000, self.micros % 1_000_000);
            let text = format!("{whole}.{part:06}");
            write!(f, "{}s", text.trim_end_matches('0').trim_end_matches('.'))
        } else if self.micros.is_multiple_of(1000) {
            write!(f, "{}ms", self.micros / 1000)
        } else {
            write!(f, "{}us", self.micros)
        }
    }
}

/// A change of level, in hundredths of a decibel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Gain {
    hundredths: i32,
}

impl Gain {
    /// So many hundredths of a decibel.
    #[must_use]
    pub const fn from_hundredths(hundredths: i32) -> Self {
        Self { hundredths }
    }

    /// Hundredths of a decibel.
    #[must_use]
    pub const fn hundredths(self) -> i32 {
        self.hundredths
    }
}

impl FromStr for Gain {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let hundredths = read(text, LEVEL, "a hundredth of a decibel")?;
        fits(text, hundredths).map(Self::from_hundredths)
    }
}

impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.hundredths < 0 { "-" } else { "" };
        let whole = self.hundredths.unsigned_abs() / 100;
        match self.hundredths.unsigned_abs() % 100 {
            0 => write!(f, "{sign}{whole}dB"),
            part if part % 10 == 0 => write!(f, "{sign}{whole}.{}dB", part / 10),
            part => write!(f, "{sign}{whole}.{part:02}dB"),
        }
    }
}

/// An amount of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let bytes = read(text, DATA, "a byte")?;
        if bytes < 0 {
            return Err(Wrong::Value(format!("`{text}` is below zero")));
        }
        fits(text, bytes).map(Bytes)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
        let exact = binary.into_iter().find(|(_, bits)| self.0 != 0 && self.0.trailing_zeros() >= *bits);
        match exact {
            Some((unit, bits)) => write!(f, "{}{unit}", self.0 >> bits),
            None => write!(f, "{}B", self.0),
        }
    }
}

as_text!(
    Duration,
    "duration",
    "A length of time with its unit: `us`, `ms`, `s`, `m` or `h`.",
    ["0.5s", "500ms", "2m"]
);
as_text!(Gain, "gain", "A change of level in decibels.", ["-18dB", "-0.5dB", "3dB"]);
as_text!(
    Bytes,
    "bytes",
    "An amount of data with its unit: `B`, `KiB`, `MiB`, `GiB`, `TiB`, or `KB`, `MB`, `GB`, `TB`.",
    ["512MiB", "2GiB"]
);

/// The number in the smallest parts of its unit.
fn read(text: &str, units: &[Unit], smallest: &str) -> Result<i128, Wrong> {
    let (number, unit) = split_unit(text);
    let Ok(decimal) = number.parse::<Decimal>() else {
        return Err(Wrong::Unit(format!("`{text}` is not a number with a unit")));
    };
    if unit.is_empty() {
        return Err(Wrong::Unit(format!("`{text}` has no unit")));
    }
    let Some((_, parts)) = units.iter().find(|(name, _)| *name == unit) else {
        let meant = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()));
        return Err(Wrong::Unit(match meant {
            Some((name, _)) => format!("`{text}` is to be written `{number}{name}`"),
            None => format!("`{}` is not a unit here", unit.trim()),
        }));
    };
    decimal.parts(*parts).ok_or_else(|| Wrong::Value(format!("`{text}` is finer than {smallest}")))
}

fn fits<T: TryFrom<i128>>(text: &str, parts: i128) -> Result<T, Wrong> {
    T::try_from(parts).map_err(|_| Wrong::Value(format!("`{text}` is too large")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_length_of_time_has_one_text() {
        for text in ["0.5s", "500ms", "500000us", "0.50s", "+.5s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), "500ms", "{text}");
        }
        assert_eq!("2m".parse::<Duration>().unwrap().as_millis(), 120_000);
        assert_eq!("1.5ms".parse::<Duration>().unwrap().to_string(), "1500us");
        for (text, shown) in [("500ms", "500ms"), ("1000ms", "1s"), ("90s", "90s"), ("1.05s", "1.05s")] {
            assert_eq!(format!("{:#}", text.parse::<Duration>().unwrap()), shown);
        }
    }

    #[test]
    fn wrong_units_say_what_is_wrong() {
        let said = |text: &str| text.parse::<Duration>().unwrap_err();
        assert_eq!(said("0.5"), Wrong::Unit("`0.5` has no unit".into()));
        assert_eq!(said("5 sec"), Wrong::Unit("`sec` is not a unit here".into()));
        assert_eq!(said("5S"), Wrong::Unit("`5S` is to be written `5s`".into()));
        assert_eq!(said("soon"), Wrong::Unit("`soon` is not a number with a unit".into()));
        assert_eq!(said("-1s"), Wrong::Value("`-1s` is below zero".into()));
        assert_eq!(said("0.1us"), Wrong::Value("`0.1us` is finer than a microsecond".into()));
    }

    #[test]
    fn gains_and_data_are_exact() {
        assert_eq!("-17.5dB".parse::<Gain>().unwrap().hundredths(), -1750);
        assert_eq!("-0dB".parse::<Gain>().unwrap().to_string(), "0dB");
        assert_eq!("-0.05dB".parse::<Gain>().unwrap().to_string(), "-0.05dB");
        assert_eq!("1.5GiB".parse::<Bytes>().unwrap().to_string(), "1536MiB");
        assert_eq!("2GB".parse::<Bytes>().unwrap(), Bytes(2_000_000_000));
        assert!(matches!("0.5B".parse::<Bytes>(), Err(Wrong::Value(_))));
    }

    proptest! {
        #[test]
        fn canonical_texts_read_back(micros: u64, hundredths: i32, bytes: u64, shift in 0_u32..50) {
            let duration = Duration::from_micros(micros);
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
            let gain = Gain::from_hundredths(hundredths);
            prop_assert_eq!(gain.to_string().parse::<Gain>().unwrap(), gain);
            let bytes = Bytes(bytes >> shift << shift);
            prop_assert_eq!(bytes.to_string().parse::<Bytes>().unwrap(), bytes);
        }

        #[test]
        fn no_text_makes_them_panic(text in "\\PC*") {
            let _ = (text.parse::<Duration>(), text.parse::<Gain>(), text.parse::<Bytes>());
        }
    }
}
