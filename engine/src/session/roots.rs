//! What a build leaves registered in the store, so that no collection takes what the project's outputs need, and what
//! is told when something that it leaves cannot be written. It knows no record.

use std::path::Path;

use super::{Project, STATE_FOLDER};
use crate::cache::{Cache, ProjectId, Roots, apart};
use crate::digest::{Digest, Hasher};
use crate::event::{Event, Observer};
use crate::id::NodeId;
use crate::output::Output;

/// Registers what a build leaves; where neither the project nor the store can be written, the build is none the
/// worse.
pub(super) fn register(cache: &Cache, state_folder: &Path, roots: Roots, observer: &mut dyn Observer) {
    if !cache.is_writable() {
        return;
    }
    let last_seen = |id: &ProjectId| Some(cache.folder_of(id)?.join(STATE_FOLDER));
    let id = ProjectId::of(state_folder, last_seen).map_err(|error| error.to_string());
    let done = id.and_then(|id| cache.register(&id, roots).map_err(|error| error.to_string()));
    if let Err(error) = done {
        let message = format!("cannot note in the cache what this project needs: {error}");
        observer.observe(&Event::DidWarn { message });
    }
}

/// Tells that something could not be written; the build is none the worse.
pub(super) fn warn(observer: &mut dyn Observer, what: &str, saved: std::io::Result<()>) {
    if let Err(error) = saved {
        observer.observe(&Event::DidWarn { message: format!("cannot save {what}: {error}") });
    }
}

/// The name of the part of a project that is built; `None` for everything.
pub(super) fn part(project: &Project, targets: &[NodeId], outputs: &[Output]) -> Option<Digest> {
    let everything = match project.outputs.len() {
        0 => targets.len() == project.graph.len(),
        all => outputs.len() == all,
    };
    // What is made in another manner has other results, and they do not take the place of these.
    if project.manner.is_some() {
        return Some(apart(names_of(project, targets)));
    }
    (!everything).then(|| names_of(project, targets))
}

/// The targets in a digest, in whatever order they were asked for.
fn names_of(project: &Project, targets: &[NodeId]) -> Digest {
    let mut names: Vec<&str> = targets.iter().map(|id| project.graph.node(*id).name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut hasher = Hasher::new();
    if let Some(manner) = project.manner {
        hasher.field("manner", manner.as_bytes());
    }
    for name in names {
        hasher.field("target", name.as_bytes());
    }
    hasher.finish()
}
