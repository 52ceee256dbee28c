//! Fields of a kind's parameters that are artifacts, not values. They know their slot, not what fills it.
//!
//! In YAML such a field is a path, a URL where allowed, `{ file: PATH }`, `"${node.port}"`, or, where text is
//! wanted, the text itself. The check of the spec (see [`crate::spec`]) records what was written as a binding
//! and leaves `{"$input": "SLOT"}` in its place, which is what these types read and write; so a key sees the
//! slot among the parameters and the digest of what fills it among the inputs, never a path.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::artifact::PortType;

/// A type of port, at the type level.
pub trait PortMarker: 'static {
    /// The same as a value.
    const TYPE: PortType;
    /// Whether a URL may be written, which is fetched and pinned.
    const URL: bool = false;
}

macro_rules! markers {
    ($($(#[doc = $doc:literal])* $name:ident = $ty:ident, $url:literal;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}

        impl PortMarker for $name {
            const TYPE: PortType = PortType::$ty;
            const URL: bool = $url;
        }
    )*};
}

markers! {
    /// Sound; a URL may be written.
    Audio = Audio, true;
    /// A picture; a URL may be written.
    Image = Image, true;
    /// Moving pictures; a URL may be written.
    Video = Video, true;
    /// Words with times.
    Words = Words, false;
    /// Captions.
    Captions = Captions, false;
    /// JSON.
    Json = Json, false;
    /// Text: a literal, a file or a reference.
    Text = Text, false;
    /// Any file of the project.
    AnyFile = File, false;
}

/// An input that is read: awaited, and in the key by digest.
pub struct Input<P> {
    slot: String,
    marker: PhantomData<fn() -> P>,
}

/// An input that an expansion only passes on to the nodes it makes: neither awaited nor in the key.
pub struct Through<P> {
    slot: String,
    marker: PhantomData<fn() -> P>,
}

macro_rules! slots {
    ($($name:ident, $through:literal;)*) => {$(
        impl<P> $name<P> {
            /// The input of this slot.
            pub fn new(slot: impl Into<String>) -> Self {
                Self { slot: slot.into(), marker: PhantomData }
            }

            /// Where in the parameters it stands, such as `parts.0`; the name by which a run finds its artifacts.
            #[must_use]
            pub fn slot(&self) -> &str {
                &self.slot
            }
        }

        impl<P> Clone for $name<P> {
            fn clone(&self) -> Self {
                Self::new(self.slot.clone())
            }
        }

        impl<P> PartialEq for $name<P> {
            fn eq(&self, other: &Self) -> bool {
                self.slot == other.slot
            }
        }

        impl<P> fmt::Debug for $name<P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.slot)
            }
        }

        impl<P> Serialize for $name<P> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                Slot { slot: Cow::Borrowed(&self.slot) }.serialize(s)
            }
        }

        impl<'de, P> Deserialize<'de> for $name<P> {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Slot::deserialize(d).map(|written| Self::new(written.slot))
            }
        }

        impl<P: PortMarker> JsonSchema for $name<P> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                format!("{}_{}", stringify!($name), P::TYPE).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                input_schema(P::TYPE, P::URL, $through)
            }
        }
    )*};
}

slots! {
    Input, false;
    Through, true;
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot<'a> {
    #[serde(rename = "$input")]
    slot: Cow<'a, str>,
}

/// A value that an expansion only passes on to the nodes it makes, and which so is not in its key. Its run sees where it
/// stands, and writes that where a made node is to have the value; [`super::Kind::passes`] lists these places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Passed<T> {
    /// Where it stands: in runs.
    At(Place),
    /// Itself: in the project.
    Value(T),
}

/// A place in the parameters of the node that expands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// As a JSON pointer.
    #[serde(rename = "$self")]
    pub pointer: String,
}

impl Place {
    /// The place at which `value` points, if it is nothing but that.
    pub(crate) fn of(value: &Value) -> Option<&str> {
        let fields = value.as_object().filter(|fields| fields.len() == 1)?;
        fields.get("$self")?.as_str()
    }
}

impl<T: JsonSchema> JsonSchema for Passed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What may be written for an input.
const fn example(ty: PortType) -> [&'static str; 1] {
    [match ty {
        PortType::Text => "Good evening.",
        PortType::Audio => "assets/voice.wav",
        PortType::Image => "assets/moon.jpg",
        PortType::Video => "assets/walk.mp4",
        PortType::Words => "${hook.timeline.words}",
        PortType::Captions => "assets/words.srt",
        PortType::Json => "${hook.timeline.plan}",
        PortType::File => "${scene.node.port}",
    }]
}

/// `format: input` marks the place for the check of the spec; `x-port`, `x-url` and `x-through` tell the rest.
fn input_schema(ty: PortType, url: bool, through: bool) -> Schema {
    let what = match (ty, url) {
        (PortType::Text, _) => "Text, `{ file: PATH }`, or `${node.port}`.".to_owned(),
        (_, true) => format!("A file or URL ({ty}), or `${{node.port}}`."),
        (_, false) => format!("A file ({ty}), or `${{node.port}}`."),
    };
    json_schema!({
        "description": what,
        "examples": example(ty),
        "format": "input",
        "x-port": ty.as_str(),
        "x-url": url,
        "x-through": through,
        "anyOf": [
            { "type": "string" },
            {
                "type": "object",
                "properties": { "file": { "type": "string", "description": "A path in the project." } },
                "required": ["file"],
                "additionalProperties": false
            }
        ]
    })
}
