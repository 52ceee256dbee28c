//! The user's config file: what a user wants of every project on this machine. None of it is in a key.
//!
//! `reel/config.yaml` in `$XDG_CONFIG_HOME` or `~/.config`, strict as a project file:
//!
//! ```yaml
//! cache:
//!   max-size: 50GiB   # or none
//!   max-age: 90d      # or none
//!   place: copy       # or link
//! capacity: { cpu: 4, memory: 8GiB, gpu: 0, network: 4, pools: { elevenlabs: 2 } }
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use reel_engine::claim::Allowance;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UserConfig {
    /// About the cache.
    pub(crate) cache: CacheConfig,
    /// What builds may hold together.
    #[serde(deserialize_with = "capacity")]
    pub(crate) capacity: Allowance,
}

/// How much the cache may hold after a build, and how outputs come out of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CacheConfig {
    /// Bytes.
    #[serde(deserialize_with = "size_limit")]
    pub(crate) max_size: Limit,
    /// Seconds.
    #[serde(deserialize_with = "age_limit")]
    pub(crate) max_age: Limit,
    /// How outputs get to their paths.
    pub(crate) place: Place,
}

/// How an output gets to its path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// A file of its own: a reflink where the file system has them, else a copy.
    #[default]
    Copy,
    /// A hard link into the cache, read-only; a copy where links cannot be made.
    Link,
}

/// A limit that may be written, or written off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Nothing is said.
    #[default]
    Unsaid,
    /// There shall be none.
    None,
    /// So much.
    At(u64),
}

impl Limit {
    /// From `none` or what `parse` takes.
    pub(crate) fn read(text: &str, parse: fn(&str) -> Result<u64, String>) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            text => parse(text).map(Self::At).map_err(|wrong| format!("{wrong}, or `none`")),
        }
    }

    /// This, or the other where nothing is said.
    pub(crate) const fn or(self, other: Self) -> Self {
        match self {
            Self::Unsaid => other,
            said => said,
        }
    }

    /// The limit, or what stands for it where nothing is said.
    pub(crate) fn resolve(self, unsaid: impl FnOnce() -> Option<u64>) -> Option<u64> {
        match self {
            Self::Unsaid => unsaid(),
            Self::None => None,
            Self::At(limit) => Some(limit),
        }
    }
}

fn size_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    Limit::read(&String::deserialize(deserializer)?, size).map_err(de::Error::custom)
}

fn age_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    Limit::read(&String::deserialize(deserializer)?, age).map_err(de::Error::custom)
}

fn capacity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Allowance, D::Error> {
    let mut allowance = Allowance::default();
    for (name, amount) in BTreeMap::<String, Value>::deserialize(deserializer)? {
        let said = match (name.as_str(), &amount) {
            ("pools", Value::Object(pools)) => {
                pools.iter().try_for_each(|(pool, places)| allowance.set(pool, &text(places)))
            }
            ("cpu" | "memory" | "gpu" | "network", _) => allowance.set(&name, &text(&amount)),
            _ => Err(format!("unknown field `{name}`, expected one of cpu, memory, gpu, network, pools")),
        };
        said.map_err(de::Error::custom)?;
    }
    Ok(allowance)
}

/// An amount as it was written.
fn text(amount: &Value) -> String {
    amount.as_str().map_or_else(|| amount.to_string(), str::to_owned)
}

/// Bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    text.parse::<reel_engine::quantity::Bytes>().map(|bytes| bytes.0).map_err(|wrong| wrong.to_string())
}

/// Seconds.
pub(crate) fn age(text: &str) -> Result<u64, String> {
    if let Some(days) = text.strip_suffix('d') {
        let days: u64 = days.parse().map_err(|_| "write whole days, such as `30d`".to_owned())?;
        return days.checked_mul(86_400).ok_or_else(|| "that is too long".to_owned());
    }
    let read = text.parse::<reel_engine::quantity::Duration>();
    read.map(|time| time.as_micros() / 1_000_000).map_err(|wrong| format!("{wrong}; days are written `30d`"))
}

/// Reads the file; one that is not there says nothing.
///
/// # Errors
/// What is wrong with it, in one line with its path and place.
pub(crate) fn read(path: &Path) -> Result<UserConfig, String> {
    let wrong = |cause: String| format!("`{}`: {cause}", path.display());
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(UserConfig::default()),
        Err(error) => return Err(wrong(error.to_string())),
    };
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(UserConfig::default());
    }
    // A message of several lines draws the place; the first one says it all.
    let first = |error: serde_saphyr::Error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        line.strip_prefix("error: ").unwrap_or(line).to_owned()
    };
    serde_saphyr::from_str(&text).map_err(|error| wrong(first(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<UserConfig, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|message| message.replace(&format!("{}/", dir.path().display()), ""))
    }

    #[test]
    fn limits_are_read_and_nothing_is_nothing() {
        assert_eq!(read(Path::new("/nonexistent/config.yaml")), Ok(UserConfig::default()));
        assert_eq!(parse(""), Ok(UserConfig::default()));
        assert_eq!(parse("# mine\n\n"), Ok(UserConfig::default()));
        let cache = |text: &str| parse(text).unwrap().cache;
        let both = cache("cache: { max-size: 50GiB, max-age: 90d }");
        assert_eq!((both.max_size, both.max_age), (Limit::At(50 << 30), Limit::At(90 * 86_400)));
        assert_eq!((both.place, cache("cache: { place: link }").place), (Place::Copy, Place::Link));
        let none = cache("cache:\n  max-size: none\n");
        assert_eq!((none.max_size, none.max_age), (Limit::None, Limit::Unsaid));
        assert_eq!(Limit::Unsaid.or(Limit::At(5)).resolve(|| Some(7)), Some(5));
        assert_eq!((Limit::Unsaid.resolve(|| Some(7)), Limit::None.resolve(|| Some(7))), (Some(7), None));
    }

    #[test]
    fn amounts_are_read_as_on_the_command_line() {
        let text = "capacity: { cpu: 1.5, memory: 3GiB, gpu: 2x8GiB, network: 3, pools: { voices: 2 } }";
        let same = "cpu=1.5,memory=3GiB,gpu=2x8GiB,network=3,voices=2".parse();
        assert_eq!(parse(text).unwrap().capacity, same.unwrap());
        assert_eq!(parse("capacity: { gpu: 0 }").unwrap().capacity, "gpu=0".parse().unwrap());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let faults = [
            "cash: {}",
            "cache: { max-sice: 1GiB }",
            "cache:\n  max-size: 50 GB\n",
            "cache:\n  max-age: 1y\n",
            "cache: { place: symlink }",
            "cache: [",
        ];
        let told: Vec<String> = faults.iter().map(|text| parse(text).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        `config.yaml`: line 1 column 1: unknown field `cash`, expected one of cache, capacity
        `config.yaml`: line 1 column 10: unknown field `max-sice`, expected one of max-size, max-age, place
        `config.yaml`: line 2 column 13: `50 GB` is to be written `50GB`, or `none`
        `config.yaml`: line 2 column 12: `y` is not a unit here; days are written `30d`, or `none`
        `config.yaml`: line 1 column 17: unknown variant `symlink`, expected one of copy, link
        `config.yaml`: line 1 column 8: expected mapping start
        ");
    }
}
