//! How alike two pictures are, as users write it: `0.98`. It knows no picture, and no float.

use reel_engine::as_text;
use reel_engine::quantity::Thousandths;

/// Structural similarity (SSIM) in thousandths: 1 is the same picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Likeness(pub u32);

impl std::str::FromStr for Likeness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no likeness from 0 to 1, to the thousandth");
        Thousandths::within(text, 0, 1000).map(|Thousandths(milli)| Self(milli)).ok_or_else(wrong)
    }
}

impl std::fmt::Display for Likeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", Thousandths(self.0))
    }
}

as_text!(
    Likeness,
    ["number", "string"],
    "likeness",
    "Structural similarity (SSIM), from 0 to 1, which is the same.",
    [0.98]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likenesses_are_exact() {
        let read = |text: &str| text.parse::<Likeness>();
        assert_eq!(read("0.98").unwrap(), Likeness(980));
        assert_eq!(read(".995").unwrap().to_string(), "0.995");
        assert_eq!(read("1").unwrap().to_string(), "1");
        for text in ["1.001", "-0.1", "0.9999", "98%", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
