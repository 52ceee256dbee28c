//! What a build leaves registered in the store, so that no collection takes what the project's outputs need.
//! It knows no record.

use std::path::Path;

use super::Project;
use crate::cache::{Cache, ProjectId, Roots};
use crate::digest::Hasher;
use crate::id::NodeId;
use crate::output::Output;
use crate::schedule::Build;

/// Registers all results that a build had in its hands. `complete` says that every output was made.
///
/// # Errors
/// One line, when neither the project nor the store can be written; the build is none the worse.
pub(super) fn register(
    cache: &Cache,
    project: &Project,
    state_folder: &Path,
    build: &Build<'_>,
    (targets, outputs): (&[NodeId], &[Output]),
    complete: bool,
) -> Result<(), String> {
    if !cache.is_writable() {
        return Ok(());
    }
    let id = ProjectId::of(state_folder).map_err(|error| error.to_string())?;
    let everything = match project.outputs.len() {
        0 => targets.len() == project.graph.len(),
        all => outputs.len() == all,
    };
    let keys = build.graph().nodes().filter_map(|(id, _)| Some(build.results().get(id)?.key)).collect();
    let roots = Roots {
        folder: project.root.clone(),
        part: (!everything).then(|| names_of(project, targets)),
        keys,
        complete,
    };
    cache.register(&id, roots).map_err(|error| error.to_string())
}

/// The targets in a digest, in whatever order they were asked for.
fn names_of(project: &Project, targets: &[NodeId]) -> crate::digest::Digest {
    let mut names: Vec<&str> = targets.iter().map(|id| project.graph.node(*id).name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut hasher = Hasher::new();
    for name in names {
        hasher.field("target", name.as_bytes());
    }
    hasher.finish()
}
