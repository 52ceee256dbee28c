//! The size of a picture. It knows no aspect and no limit of any codec.

use std::fmt;
use std::str::FromStr;

use super::Wrong;
use crate::as_text;

/// Width and height in pixels, neither of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl FromStr for Size {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let Some((width, height)) = text.split_once('x') else {
            return Err(Wrong::Unit(format!("`{text}` is not a width, an `x` and a height")));
        };
        let side = |written: &str| {
            if written.is_empty() || !written.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Wrong::Unit(format!("`{text}` is not a width, an `x` and a height")));
            }
            match written.parse() {
                Ok(0) => Err(Wrong::Value(format!("`{text}` has no pixels"))),
                Ok(pixels) => Ok(pixels),
                Err(_) => Err(Wrong::Value(format!("`{text}` is too large"))),
            }
        };
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

as_text!(Size, "size", "Width and height in pixels.", ["1080x1920", "1920x1080"]);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_two_whole_numbers() {
        assert_eq!("0640x480".parse::<Size>().unwrap().to_string(), "640x480");
        for text in ["1080", "1080*1920", "x", "10x", "1080x1920x3", "-1x2", "10 x 20", "1.5x2"] {
            assert!(matches!(text.parse::<Size>(), Err(Wrong::Unit(_))), "{text}");
        }
        assert!(matches!("0x9".parse::<Size>(), Err(Wrong::Value(_))));
        assert!(matches!("9999999999x9".parse::<Size>(), Err(Wrong::Value(_))));
    }

    proptest! {
        #[test]
        fn canonical_texts_read_back(width in 1_u32.., height in 1_u32..) {
            let size = Size { width, height };
            prop_assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        }
    }
}
