//! How alike two pictures are, as users write it: `0.98`. It knows no picture, and no float.

use std::borrow::Cow;

use reel_engine::quantity::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Structural similarity (SSIM) in thousandths: 1 is the same picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Likeness(pub u32);

impl std::str::FromStr for Likeness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no likeness from 0 to 1, to the thousandth");
        let number: Decimal = text.parse().map_err(|_| wrong())?;
        let milli = number.parts(1000).and_then(|milli| u32::try_from(milli).ok()).ok_or_else(wrong)?;
        if milli <= 1000 { Ok(Self(milli)) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for Likeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = format!("{:03}", self.0 % 1000);
        match part.trim_end_matches('0') {
            "" => write!(f, "{}", self.0 / 1000),
            part => write!(f, "{}.{part}", self.0 / 1000),
        }
    }
}

impl Serialize for Likeness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Likeness {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Likeness {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Likeness".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["number", "string"],
            "format": "likeness",
            "description": "Structural similarity (SSIM), from 0 to 1, which is the same.",
            "examples": [0.98]
        })
    }
}

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
