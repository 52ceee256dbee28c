//! JSON whose numbers stay as they are written: a number with twenty digits is another than the one next to it. It knows
//! no row.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Deepest nesting that is read.
const DEEPEST: u32 = 64;

/// A value of JSON, every number in it as a text of its digits.
///
/// # Errors
/// A key that stands twice, or nesting that nobody means; what is no JSON at all.
pub(super) fn exact(raw: &RawValue) -> Result<Value, String> {
    value(raw.get(), DEEPEST)
}

fn value(text: &str, depth: u32) -> Result<Value, String> {
    let Some(depth) = depth.checked_sub(1) else { return Err("is nested too deeply".to_owned()) };
    let wrong = |error: serde_json::Error| format!("is no JSON: {error}");
    match text.trim_start().as_bytes().first() {
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(text).map_err(wrong)?;
            let mut map = Map::new();
            for (key, raw) in entries {
                if map.contains_key(&key) {
                    return Err(format!("has the key `{key}` twice"));
                }
                map.insert(key, value(raw.get(), depth)?);
            }
            Ok(Value::Object(map))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
            items.into_iter().map(|raw| value(raw.get(), depth)).collect()
        }
        Some(b'-' | b'0'..=b'9') => Ok(Value::from(text.trim())),
        _ => serde_json::from_str(text).map_err(wrong),
    }
}

/// The entries of an object in their order, all of them.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        exact(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn digits_are_kept() {
        let told = read(
            r#"{"a": 12345678901234567890123, "b": [0.12345678901234567891, -0, 1e2], "c": {"d": "1"}}"#,
        );
        let expected = json!({
            "a": "12345678901234567890123",
            "b": ["0.12345678901234567891", "-0", "1e2"],
            "c": { "d": "1" },
        });
        assert_eq!(told, Ok(expected));
        assert_eq!(read("true"), Ok(json!(true)));
        assert_eq!(read(" null "), Ok(json!(null)));
    }

    #[test]
    fn what_stands_twice_or_too_deep_is_told() {
        assert_eq!(read(r#"{"a": 1, "a": 2}"#), Err("has the key `a` twice".into()));
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(read(&deep), Err("is nested too deeply".into()));
    }
}
