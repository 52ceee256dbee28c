//! Frequencies and distances between them, as users write them: `200Hz`, `2.5kHz`, `1oct`. It knows no float.

use reel_engine::as_text;
use reel_engine::quantity::{Decimal, Thousandths};

/// Whole hertz, from 20 to 20,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequency(pub u32);

/// A distance in thousandths of an octave, from a tenth to 4 octaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Octaves(pub u32);

impl std::str::FromStr for Frequency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no frequency from 20Hz to 20kHz, in whole hertz");
        let (number, unit) = match text.strip_suffix("kHz") {
            Some(number) => (number, 1000),
            None => (text.strip_suffix("Hz").ok_or_else(wrong)?, 1),
        };
        let number: Decimal = number.trim_end().parse().map_err(|_| wrong())?;
        let hertz = number.parts(unit).and_then(|hertz| u32::try_from(hertz).ok()).ok_or_else(wrong)?;
        if (20..=20_000).contains(&hertz) { Ok(Self(hertz)) } else { Err(wrong()) }
    }
}

impl std::str::FromStr for Octaves {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no width from 0.1oct to 4oct, to the thousandth");
        let number =
            text.strip_suffix("oct").and_then(|number| Thousandths::within(number.trim_end(), 100, 4000));
        number.map(|Thousandths(milli)| Self(milli)).ok_or_else(wrong)
    }
}

impl std::fmt::Display for Frequency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}Hz", self.0)
    }
}

impl std::fmt::Display for Octaves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}oct", Thousandths(self.0))
    }
}

as_text!(Frequency, "frequency", "A frequency such as `200Hz` or `2.5kHz`.", ["200Hz"]);
as_text!(Octaves, "octaves", "A distance of frequencies such as `1oct`.", ["1oct"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_strict() {
        assert_eq!("2.5kHz".parse::<Frequency>().unwrap(), Frequency(2500));
        assert_eq!("80Hz".parse::<Frequency>().unwrap().to_string(), "80Hz");
        assert_eq!("0.50oct".parse::<Octaves>().unwrap().to_string(), "0.5oct");
        for text in ["200", "19Hz", "21kHz", "100.5Hz", "-80Hz", "loud"] {
            assert!(text.parse::<Frequency>().is_err(), "{text}");
        }
        for text in ["1", "0oct", "5oct", "1 octave"] {
            assert!(text.parse::<Octaves>().is_err(), "{text}");
        }
    }
}
