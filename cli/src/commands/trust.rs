//! `reel trust`: which projects may run commands of their own.

use serde_json::json;

use crate::args::Trust;
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{print_json, print_line};

pub(super) fn run(call: &Invocation, args: &Trust) -> Result<Exit, CommandError> {
    if args.list {
        for project in call.config.trusted() {
            if call.global.json {
                print_json(&json!({ "event": "trusted", "project": project }));
            } else {
                print_line(&project.display().to_string());
            }
        }
        return Ok(Exit::Done);
    }
    let root = call.root()?;
    let (changed, file) = call
        .config
        .set_trust(&root, !args.revoke)
        .map_err(|error| CommandError::failed(format!("cannot note that in your configuration: {error}")))?;
    let words = match (args.revoke, changed) {
        (false, true) => "may run its own commands from now on",
        (false, false) => "was trusted already",
        (true, true) => "may no longer run its own commands",
        (true, false) => "was not trusted",
    };
    if call.global.json {
        let line = json!({ "event": "trust", "project": root, "trusted": !args.revoke, "changed": changed });
        print_json(&line);
    } else {
        print_line(&format!("`{}` {words} (noted in {})", root.display(), file.display()));
    }
    Ok(Exit::Done)
}
