//! A colour as users write it. It knows no colour space: these are code values.

use std::fmt;
use std::str::FromStr;

use super::Wrong;
use crate::as_text;

/// Red, green, blue and opacity, each from 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Color {
    /// Red, green, blue, opacity.
    pub rgba: [u8; 4],
}

impl Color {
    /// An opaque colour.
    #[must_use]
    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self { rgba: [red, green, blue, 255] }
    }
}

impl FromStr for Color {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::Unit(format!("`{text}` is not `#` and 3, 6 or 8 hexadecimal digits"));
        let digits = text.strip_prefix('#').ok_or_else(wrong)?;
        let values: Vec<u8> = digits
            .chars()
            .map(|c| c.to_digit(16).map(|d| d as u8))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let rgba = match *values.as_slice() {
            [r, g, b] => [r * 17, g * 17, b * 17, 255],
            [a, b, c, d, e, f] => [a << 4 | b, c << 4 | d, e << 4 | f, 255],
            [a, b, c, d, e, f, g, h] => [a << 4 | b, c << 4 | d, e << 4 | f, g << 4 | h],
            _ => return Err(wrong()),
        };
        Ok(Self { rgba })
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue, opacity] = self.rgba;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")?;
        if opacity == 255 {
            return Ok(());
        }
        write!(f, "{opacity:02x}")
    }
}

as_text!(
    Color,
    "color",
    "A colour as `#rrggbb`, `#rgb`, or `#rrggbbaa` with its opacity. Quote it: a bare `#` begins a comment.",
    ["#0b1021", "#fff", "#00000080"]
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_colour_has_one_text() {
        for text in ["#FFAA00", "#fa0", "#ffaa00ff"] {
            assert_eq!(text.parse::<Color>().unwrap().to_string(), "#ffaa00", "{text}");
        }
        for text in ["ffaa00", "#ffaa0", "#12", "#ggg", "red", "#", ""] {
            assert!(matches!(text.parse::<Color>(), Err(Wrong::Unit(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_texts_read_back(rgba: [u8; 4]) {
            let color = Color { rgba };
            prop_assert_eq!(color.to_string().parse::<Color>().unwrap(), color);
        }
    }
}
