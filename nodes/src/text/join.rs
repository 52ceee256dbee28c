//! `text`: literals, files and other nodes' texts joined to one. It knows no speech.
//!
//! ```yaml
//! nodes:
//!   script: { uses: text, with: { parts: ["Good evening. ", { file: script.txt }, "${credits.text}"] } }
//! ```

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{
    Call, Failure, Info, Input, Kind, Outcome, Reproducible, Site, Text as TextPort,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `with:` of `text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What is joined, in order.
    #[schemars(length(min = 1))]
    pub parts: Vec<Input<TextPort>>,
    /// What stands between two parts.
    #[serde(default)]
    pub separator: String,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text;

impl Kind for Text {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "text",
            version: 1,
            summary: "joins texts and text files",
            example: "script: { uses: text, with: { parts: [\"Good evening. \", { file: script.txt }] } }",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("text", PortType::Text)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::tiny()
    }

    fn in_memory(&self) -> bool {
        true
    }

    fn run(&self, params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut parts = Vec::new();
        for slot in params.parts.iter().map(Input::slot) {
            for file in call.many(slot) {
                let bytes = file
                    .read()
                    .map_err(|error| Failure::new(format!("cannot read part `{slot}`: {error}")))?;
                let text = std::str::from_utf8(&bytes).map_err(|error| {
                    let at = error.valid_up_to();
                    Failure::new(format!("part `{slot}` is not UTF-8 text: byte {at} cannot be read"))
                })?;
                parts.push(text.to_owned());
            }
        }
        let text = parts.join(&params.separator);
        Ok(Outcome::default().with_bytes("text", "text/plain; charset=utf-8", text))
    }
}
