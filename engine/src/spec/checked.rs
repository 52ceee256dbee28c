//! What a check against a schema leaves: a canonical value, and the inputs that stood in it. It knows no schema.

use serde_json::Value;

use crate::artifact::PortType;
use crate::span::Span;

/// Parameters that agree with their schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// As JSON: quantities in their canonical text, inputs replaced by `{"$input": "SLOT"}`.
    pub value: Value,
    /// What was written where the schema wants an input, in the order of the file.
    pub inputs: Vec<InputBinding>,
}

/// An input and what fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputBinding {
    /// Where in the parameters it stands: keys and indexes joined by dots, such as `parts.0` or `in.clip.mp4`.
    pub slot: String,
    /// What it takes.
    pub ty: PortType,
    /// Whether an expansion only passes it on (neither awaited nor in the key).
    pub through: bool,
    /// Whether it stands in a list, where a port with many artifacts may be spread.
    pub in_list: bool,
    /// What fills it.
    pub source: InputSource,
    /// Where that was written.
    pub span: Span,
}

/// What fills an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputSource {
    /// `${node.port}`: the port of another node; the port is what follows the last dot.
    Reference {
        /// The node, or a group of made nodes.
        node: String,
        /// Its port.
        port: String,
    },
    /// `${self.slot}`, in nodes that an expansion made: whatever fills that input of the maker.
    SelfSlot(String),
    /// A path of the project, as written.
    File(String),
    /// A URL.
    Url(String),
    /// Text itself.
    Literal(String),
}
