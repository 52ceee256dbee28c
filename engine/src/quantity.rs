//! Quantities as users write them: exact decimals with a unit, held as integers. They know no key and no place.
//!
//! A kind uses the types of this module as fields of its parameters. Their schema carries a `format`, by which
//! the check of the spec finds the entry of [`FORMATS`] that reads the text, tells what is wrong with it, and
//! leaves its canonical form: `0.5s` and `500ms` are one value, and so have one key.

mod amount;
mod color;
mod decimal;
mod format;
mod range;
mod size;

pub use amount::{Bytes, Duration, Gain};
pub use color::Color;
pub use decimal::{Decimal, Thousandths};
pub use format::{FORMATS, Format, format};
pub use range::{Durations, Numbers};
pub use size::Size;

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It has no unit, or one that does not belong here.
    #[error("{0}")]
    Unit(String),
    /// Its unit is right, but not its value.
    #[error("{0}")]
    Value(String),
}

/// Serde and schema of a quantity that can be read from a text and shown as one: its canonical text, and a `format` that
/// names how the check of the spec reads it. What may also be written as a number says so: `["number", "string"]`.
#[macro_export]
macro_rules! as_text {
    ($name:ident, $format:literal, $description:literal, $examples:tt) => {
        $crate::as_text!($name, "string", $format, $description, $examples);
    };
    ($name:ident, $type:tt, $format:literal, $description:literal, $examples:tt) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": $type,
                    "format": $format,
                    "description": $description,
                    "examples": $examples
                })
            }
        }
    };
}
