//! Exact decimal numbers. They know no unit.

use std::fmt;
use std::str::FromStr;

/// Most digits after the point, so that every sum stays within 128 bits.
const MAX_PLACES: usize = 18;

/// A decimal number as written, without its trailing zeros: `digits / 10^places`, and a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    places: u32,
}

impl Decimal {
    /// How many `1 / per_one` parts it is, if that is a whole number: `0.5` is 500 thousandths.
    #[must_use]
    pub fn parts(self, per_one: u64) -> Option<i128> {
        let scaled = self.digits.checked_mul(u128::from(per_one))?;
        let divisor = 10_u128.pow(self.places);
        if !scaled.is_multiple_of(divisor) {
            return None;
        }
        let whole = i128::try_from(scaled / divisor).ok()?;
        Some(if self.negative { -whole } else { whole })
    }

    /// Whether it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.negative
    }
}

/// Thousandths of something as people write them: `1.25`, without zeros at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thousandths(pub u32);

impl Thousandths {
    /// A decimal number of at most three places after the point that lies between two numbers of thousandths.
    #[must_use]
    pub fn within(text: &str, least: u32, most: u32) -> Option<Self> {
        let milli = text.parse::<Decimal>().ok()?.parts(1000)?;
        u32::try_from(milli).ok().filter(|milli| (least..=most).contains(milli)).map(Self)
    }
}

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:03}", self.0 % 1000);
        match part.trim_end_matches('0') {
            "" => write!(f, "{}", self.0 / 1000),
            part => write!(f, "{}.{part}", self.0 / 1000),
        }
    }
}

/// A text that is not a decimal number of a size that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct NotDecimal;

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let part = part.trim_end_matches('0');
        let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        let written = unsigned.bytes().any(|b| b.is_ascii_digit());
        if !written || !all_digits(whole) || !all_digits(part) || part.len() > MAX_PLACES {
            return Err(NotDecimal);
        }
        let mut digits: u128 = 0;
        for byte in whole.bytes().chain(part.bytes()) {
            digits = digits
                .checked_mul(10)
                .and_then(|d| d.checked_add(u128::from(byte - b'0')))
                .ok_or(NotDecimal)?;
        }
        Ok(Self { negative: negative && digits != 0, digits, places: part.len() as u32 })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let power = 10_u128.pow(self.places);
        write!(f, "{sign}{}", self.digits / power)?;
        if self.places > 0 {
            write!(f, ".{:0width$}", self.digits % power, width = self.places as usize)?;
        }
        Ok(())
    }
}

/// Cuts a text into its number and what follows it; the number may be empty.
pub(super) fn split_unit(text: &str) -> (&str, &str) {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_are_exact_or_nothing() {
        let parts = |text: &str, per_one| text.parse::<Decimal>().unwrap().parts(per_one);
        assert_eq!(parts("0.5", 1000), Some(500));
        assert_eq!(parts("-17.25", 100), Some(-1725));
        assert_eq!(parts("0.1234", 1000), None);
        assert_eq!(parts("29.970", 100), Some(2997));
    }

    #[test]
    fn thousandths_are_written_as_short_as_they_can_be() {
        let read = |text: &str| Thousandths::within(text, 250, 4000).map(|found| found.to_string());
        assert_eq!(read("1.250"), Some("1.25".into()));
        assert_eq!(read("4"), Some("4".into()));
        assert_eq!(read(".25"), Some("0.25".into()));
        for text in ["0.249", "4.001", "1.0001", "-1", "x", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_decimal_is_refused() {
        for text in [
            "",
            ".",
            "-",
            "1e3",
            "0x1",
            "1_0",
            "1.2.3",
            "--1",
            "٣",
            "9999999999999999999999999999999999999999",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(NotDecimal), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_text_of_a_number_reads_back(digits in 0_u64.., places in 0_u32..10, negative: bool) {
            let sign = if negative { "-" } else { "" };
            let power = 10_u64.pow(places);
            let text = format!("{sign}{}.{:0width$}", digits / power, digits % power, width = places as usize);
            let once: Decimal = text.parse().unwrap();
            prop_assert_eq!(once.to_string().parse::<Decimal>().unwrap(), once);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = text.parse::<Decimal>();
        }
    }
}
