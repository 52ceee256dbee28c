//! `reel bundle`: a project and its results into one file, and out of one.

mod open;
mod pack;

use crate::args::Bundle;
use crate::error::{CommandError, Exit};
use crate::open::Invocation;

pub(super) fn run(call: &Invocation, args: &Bundle) -> Result<Exit, CommandError> {
    match &args.open {
        Some(folder) => open::run(call, args, folder),
        None => pack::run(call, args),
    }
}
