//! A part of a length, as users write it: `4.2%`. It knows no float.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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
        let wrong = || format!("`{text}` is not a percentage from 0% to 100%, to the thousandth");
        let number = text.strip_suffix('%').ok_or_else(wrong)?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || whole.len() + part.len() == 0 {
            return Err(wrong());
        }
        let part = part.trim_end_matches('0');
        if part.len() > 3 || whole.len() > 6 {
            return Err(wrong());
        }
        let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        let part: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
        let thousandths = whole * 1000 + part;
        if thousandths <= 100_000 { Ok(Self(thousandths)) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = format!("{:03}", self.0 % 1000);
        match part.trim_end_matches('0') {
            "" => write!(f, "{}%", self.0 / 1000),
            part => write!(f, "{}.{part}%", self.0 / 1000),
        }
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "percent",
            "description": "A part of the frame, from `0%` to `100%`.",
            "examples": ["4.2%", "16%"]
        })
    }
}

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
