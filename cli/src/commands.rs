//! The table of commands.

mod audit;
mod build;
mod bundle;
mod cache;
mod check;
mod ci;
mod completions;
mod devices;
mod diff;
mod doctor;
mod expand;
mod films;
mod graph;
mod log;
mod names;
mod new;
mod nodes;
mod phrase;
mod plan;
mod schema;
mod served;
mod trust;
mod verify;
mod watch;
mod why;

use crate::args::Command;
use crate::error::{CommandError, Exit};
use crate::open::Invocation;

/// Runs a command.
pub(crate) fn run(call: &Invocation, command: Command) -> Result<Exit, CommandError> {
    let _span = tracing::info_span!("command").entered();
    match command {
        Command::New(args) => new::run(call, &args),
        Command::Check(args) => check::run(call, &args),
        Command::Build(args) => build::run(call, &args),
        Command::Ci(args) => ci::run(call, &args),
        Command::Watch(args) => watch::run(call, &args),
        Command::Plan(args) => plan::run(call, &args),
        Command::Why(args) => why::run(call, &args),
        Command::Audit(args) => audit::run(call, &args),
        Command::Verify(args) => verify::run(call, &args),
        Command::Bundle(args) => bundle::run(call, &args),
        Command::Graph(args) => graph::run(call, &args),
        Command::Expand(args) => expand::run(call, &args),
        Command::Log(args) => log::run(call, &args),
        Command::Nodes(args) => nodes::run(call, &args),
        Command::Schema(_) => schema::run(call),
        Command::Diff(args) => diff::run(call, &args),
        Command::Devices(args) => devices::run(call, &args),
        Command::Cache(args) => cache::run(call, &args),
        Command::Doctor(_) => doctor::run(call),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(call, &args),
        Command::Trust(args) => trust::run(call, &args),
    }
}
