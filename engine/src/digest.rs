//! Digests and the one encoding rule behind every key. It knows no file system policy and no graph.
//!
//! # The encoding
//!
//! A key is the BLAKE3 digest of a sequence of fields. A field is
//! `u32 length of tag, tag, u64 length of value, value`, lengths little-endian. Nothing is implied by
//! position alone, so no two different sequences share an encoding. The first field names the encoding
//! itself ([`ENCODING`]): changing the rule changes every key.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Name and version of the encoding rule; the first field of every key.
pub const ENCODING: &str = "reel-key-1";

/// So many bytes of a file are read at a time, and hashed by several threads: memory does not grow with files.
const BLOCK: usize = 4 << 20;
/// Files of up to so many bytes are read at once.
const SMALL: usize = 16 << 10;

/// 32 bytes of BLAKE3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Digest of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Digest and length of a file's content.
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub fn of_file(path: &Path) -> io::Result<(Self, u64)> {
        let mut file = File::open(path)?;
        let mut hasher = blake3::Hasher::new();
        let length = file.metadata()?.len();
        if length <= SMALL as u64 {
            // No more memory is touched than the file has bytes.
            let mut bytes = Vec::with_capacity(length as usize + 1);
            file.read_to_end(&mut bytes)?;
            hasher.update(&bytes);
        } else if length <= BLOCK as u64 {
            hasher.update_reader(file)?;
        } else {
            let mut block = Vec::with_capacity(BLOCK);
            while file.by_ref().take(BLOCK as u64).read_to_end(&mut block)? > 0 {
                hasher.update_rayon(&block);
                block.clear();
            }
        }
        Ok((Self(*hasher.finalize().as_bytes()), hasher.count()))
    }

    /// The first eight hexadecimal digits: enough to tell two apart in a message.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = blake3::HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Feeds tagged fields to BLAKE3 by the encoding rule of this file.
#[derive(Debug, Clone)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// An empty key, with the encoding's name as its first field.
    #[must_use]
    pub fn new() -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.field("encoding", ENCODING.as_bytes());
        hasher
    }

    /// Adds one field.
    pub fn field(&mut self, tag: &str, value: &[u8]) {
        self.0.update(&(tag.len() as u32).to_le_bytes());
        self.0.update(tag.as_bytes());
        self.0.update(&(value.len() as u64).to_le_bytes());
        self.0.update(value);
    }

    /// The digest of all fields so far.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_digest_of_its_bytes_whatever_its_length() {
        let dir = tempfile::tempdir().unwrap();
        for length in [0, 1, SMALL, SMALL + 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 12_345] {
            let bytes: Vec<u8> = (0..length).map(|i| ((i * 7919) >> 5) as u8).collect();
            let path = dir.path().join("file");
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(Digest::of_file(&path).unwrap(), (Digest::of(&bytes), length as u64), "{length}");
        }
    }

    #[test]
    fn the_encoding_is_pinned() {
        let mut hasher = Hasher::new();
        hasher.field("kind", b"text");
        hasher.field("param.parts", b"");
        let expected = {
            let mut bytes = Vec::new();
            for (tag, value) in [("encoding", "reel-key-1"), ("kind", "text"), ("param.parts", "")] {
                bytes.extend((tag.len() as u32).to_le_bytes());
                bytes.extend(tag.as_bytes());
                bytes.extend((value.len() as u64).to_le_bytes());
                bytes.extend(value.as_bytes());
            }
            Digest::of(&bytes)
        };
        assert_eq!(hasher.finish(), expected);
        assert_eq!(
            hasher.finish().to_string(),
            "d9d0ba4586938f00b189b738df67d6079be6ab2cc87abd966e9bf5b32631a174",
            "the encoding changed: every cache in the world is now cold; rename ENCODING if that is meant"
        );
    }

    #[test]
    fn moving_a_byte_between_tag_and_value_changes_the_digest() {
        let (mut a, mut b) = (Hasher::new(), Hasher::new());
        a.field("ab", b"c");
        b.field("a", b"bc");
        assert_ne!(a.finish(), b.finish());
    }
}
