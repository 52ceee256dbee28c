//! `reel schema`: the JSON schema of the project file.

use reel_engine::schema::project_schema;

use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy};
use crate::ui::print_line;

pub(super) fn run(call: &Invocation) -> Result<Exit, CommandError> {
    print_line(&format!("{:#}", project_schema(&call.registry(Policy::default()))));
    Ok(Exit::Done)
}
