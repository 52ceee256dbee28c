//! What an action makes: bytes with a digest and a media type, and the types of ports. It knows no store.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What a port carries. Connecting different types is an error, but `file` takes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortType {
    /// Sound.
    Audio,
    /// One picture.
    Image,
    /// Moving pictures.
    Video,
    /// Words with times.
    Words,
    /// Captions of any format.
    Captions,
    /// Any JSON.
    Json,
    /// Plain text.
    Text,
    /// Any bytes.
    File,
}

impl PortType {
    /// The users' word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Image => "image",
            Self::Video => "video",
            Self::Words => "words",
            Self::Captions => "captions",
            Self::Json => "json",
            Self::Text => "text",
            Self::File => "file",
        }
    }

    /// What a file of this name holds to whoever opens it, where its ending tells; two where it may be either.
    #[must_use]
    pub fn named(file: &str) -> Option<&'static [Self]> {
        let (_, ending) = file.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "mp4" | "m4v" | "mov" | "mkv" | "webm" | "avi" => Some(&[Self::Video, Self::Audio]),
            "gif" => Some(&[Self::Video, Self::Image]),
            "png" | "jpg" | "jpeg" | "webp" | "bmp" | "tif" | "tiff" | "avif" => Some(&[Self::Image]),
            "wav" | "flac" | "mp3" | "m4a" | "aac" | "ogg" | "opus" => Some(&[Self::Audio]),
            _ => None,
        }
    }

    /// Whether an input of this type takes what a port of type `given` carries.
    #[must_use]
    pub fn takes(self, given: Self) -> bool {
        self == given || self == Self::File
    }
}

impl fmt::Display for PortType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A typed output of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// As in `${node.name}`.
    pub name: String,
    /// What it carries.
    pub ty: PortType,
    /// Whether it is an ordered list of artifacts, made by an expansion.
    #[serde(default)]
    pub many: bool,
}

impl Port {
    /// A port with one artifact.
    #[must_use]
    pub fn one(name: impl Into<String>, ty: PortType) -> Self {
        Self { name: name.into(), ty, many: false }
    }

    /// A port with a list of artifacts.
    #[must_use]
    pub fn many(name: impl Into<String>, ty: PortType) -> Self {
        Self { name: name.into(), ty, many: true }
    }
}

/// A named output of an action, by content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Media type, such as `video/mp4`.
    pub media: String,
}

/// An artifact as an operation gets it: a file to read, never to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Where its bytes are. There is no such file when they are in `bytes`, which only a kind that asks for it
    /// gets (`in_memory` in [`crate::operation::Kind`]).
    pub path: PathBuf,
    /// What they are.
    pub artifact: Artifact,
    /// The bytes themselves, where no file was made of them. They stay in this process.
    #[serde(skip)]
    pub bytes: Option<Arc<[u8]>>,
}

impl InputFile {
    /// An artifact in a file.
    #[must_use]
    pub const fn at(path: PathBuf, artifact: Artifact) -> Self {
        Self { path, artifact, bytes: None }
    }

    /// Its bytes, wherever they are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.bytes {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => std::fs::read(&self.path).map(Cow::Owned),
        }
    }
}
