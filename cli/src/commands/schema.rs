//! `reel schema`: the JSON schema of the project file.

use reel_engine::schema::project_schema;
use serde_json::json;

use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy};
use crate::ui::{print_json, print_line};

pub(super) fn run(call: &Invocation) -> Result<Exit, CommandError> {
    let schema = project_schema(&call.registry(Policy::default()));
    if call.global.json {
        print_json(&json!({ "event": "schema", "schema": schema }));
    } else {
        print_line(&format!("{schema:#}"));
    }
    Ok(Exit::Done)
}
