//! What the page of a watch is told of the project. It serves nothing.

use serde_json::{Value, json};

use crate::args::Reading;
use crate::commands::graph::{drawing, picture};
use crate::commands::log::entries;
use crate::error::CommandError;
use crate::open::Invocation;
use crate::page::Told;
use crate::ui::Paint;

/// The project that is watched.
pub(super) struct Project {
    pub(super) call: Invocation,
    pub(super) reading: Reading,
    pub(super) targets: Vec<String>,
}

fn plain(error: &CommandError) -> String {
    error.draw(Paint(false))
}

impl Told for Project {
    fn graph(&self) -> Result<(String, String), String> {
        let picture = picture(&self.call, &self.reading, &self.targets).map_err(|error| plain(&error))?;
        drawing(picture).map_err(|error| plain(&error))
    }

    fn log(&self, node: &str) -> Result<Value, String> {
        let found = entries(&self.call, &self.reading, node).map_err(|error| plain(&error))?;
        let entry = found.0.into_iter().next().ok_or("it is not there")?;
        Ok(json!({ "node": entry.node, "kind": entry.kind, "result": entry.words, "log": entry.log }))
    }
}
