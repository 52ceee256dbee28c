//! `reel schema`: the JSON schema of the project file, and the copy of it that a project has for its author's editor.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use reel_engine::digest::Digest;
use reel_engine::file_state::FileState;
use reel_engine::schema::project_schema;
use serde_json::{Value, json};

use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy};
use crate::ui::{print_json, print_line};

/// The copy, in a project's folder of states.
const FILE: &str = "schema.json";

/// What tells an editor of the copy, as the first line of a `reel.yaml`.
pub(super) const MODELINE: &str = "# yaml-language-server: $schema=.reel/schema.json\n";

pub(super) fn run(call: &Invocation) -> Result<Exit, CommandError> {
    let schema = schema(call);
    if call.global.json {
        print_json(&json!({ "event": "schema", "schema": schema }));
    } else {
        print_line(&format!("{schema:#}"));
    }
    Ok(Exit::Done)
}

fn schema(call: &Invocation) -> Value {
    project_schema(&call.registry(Policy::default()))
}

/// Leaves the schema in a project's folder of states, unless this very program has left it there before.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn keep(call: &Invocation, folder: &Path) -> io::Result<()> {
    let program = call.config.program().and_then(|path| FileState::of(path).ok());
    let program = Digest::of(format!("{program:?}").as_bytes());
    // The comment sorts before all keys of a schema, so it is the beginning of the file.
    let comment = format!("written by reel {} ({})", env!("CARGO_PKG_VERSION"), program.short());
    let head = format!("{{{}:{},", json!("$comment"), json!(comment));
    let path = folder.join(FILE);
    let mut found = vec![0; head.len()];
    let is_ours = File::open(&path).and_then(|mut file| file.read_exact(&mut found));
    if is_ours.is_ok() && found == head.as_bytes() {
        return Ok(());
    }
    let text = schema(call).to_string();
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    write!(temporary, "{head}{}", text.strip_prefix('{').unwrap_or_default())?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}
