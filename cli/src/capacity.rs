//! What a build may hold together, and who says so: the machine, the project, the user, the command line; the
//! later wins. It reads no file itself and decides nothing about a build.

use std::collections::BTreeMap;

use reel_engine::claim::{Allowance, Capacity};
use reel_engine::machine::{Machine, detect_gpus};
use reel_engine::session::{PROJECT_FILE, Project};
use reel_nodes::media::tools::HARDWARE;

use crate::args::Using;
use crate::error::CommandError;
use crate::open::Invocation;

/// A capacity with its sources.
#[derive(Debug)]
pub(crate) struct Found {
    /// All there is.
    pub(crate) capacity: Capacity,
    /// By name of a resource or pool: who says so.
    pub(crate) sources: BTreeMap<String, String>,
}

/// What a build of this project may hold together. GPUs are looked for only if a node asks for one: their driver
/// takes its time.
pub(crate) fn capacity(
    call: &Invocation,
    project: &Project,
    using: &Using,
) -> Result<Capacity, CommandError> {
    let asks = project.graph.nodes().any(|(_, node)| !node.claim.gpu.is_none());
    Ok(find(call, Some(&project.capacity), using, asks)?.capacity)
}

/// The same, if it is enough for every node of the project.
pub(crate) fn enough(call: &Invocation, project: &Project, using: &Using) -> Result<Capacity, CommandError> {
    let capacity = capacity(call, project, using)?;
    let refused = project.refused_claims(&capacity);
    if refused.is_empty() {
        Ok(capacity)
    } else {
        Err(CommandError::faulty(refused, project.sources.clone()))
    }
}

/// The same with its sources, for what a project says, and with GPUs if `gpus`.
pub(crate) fn find(
    call: &Invocation,
    project: Option<&Allowance>,
    using: &Using,
    gpus: bool,
) -> Result<Found, CommandError> {
    let user = call.user()?.capacity;
    let jobs =
        Allowance { cpu_milli: using.jobs.map(|jobs| jobs.saturating_mul(1000)), ..Allowance::default() };
    let mut layers = Vec::new();
    layers.extend(project.map(|said| (PROJECT_FILE.to_owned(), said)));
    layers.extend(call.config.user_file().map(|path| (path.display().to_string(), &user)));
    layers.push(("--jobs".to_owned(), &jobs));
    layers.extend(using.capacity.iter().map(|said| ("--capacity".to_owned(), said)));
    let encodes = || {
        call.toolbox().offers(HARDWARE).is_some_and(|works| works.iter().any(|name| name.ends_with("_nvenc")))
    };
    let mut found = detect(
        gpus && layers.iter().rev().find_map(|(_, said)| said.gpu).is_none_or(|g| g.count > 0),
        encodes,
    );
    for (who, said) in layers {
        said.apply(&mut found.capacity);
        found.sources.extend(said.names().into_iter().map(|name| (name.to_owned(), who.clone())));
    }
    Ok(found)
}

/// What this machine has. Its GPUs have encoder sessions where one of them has encoded a frame.
fn detect(gpus: bool, encodes: impl FnOnce() -> bool) -> Found {
    let machine = Machine::detect();
    let mut capacity = machine.capacity;
    let mut sources = BTreeMap::from([
        ("cpu".to_owned(), machine.cpu_source),
        ("memory".to_owned(), machine.memory_source),
        ("network".to_owned(), "fixed".to_owned()),
    ]);
    if gpus {
        let source = match detect_gpus() {
            Ok(found) => {
                capacity.gpus = found;
                if !encodes() {
                    capacity.gpus.iter_mut().for_each(|gpu| gpu.sessions = 0);
                }
                "driver of the device".to_owned()
            }
            Err(why) => why,
        };
        sources.insert("gpu".to_owned(), source);
    }
    Found { capacity, sources }
}
