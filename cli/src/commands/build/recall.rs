//! What a build is remembered by: all that is said on the command line and in the environment that decides what is
//! built. It looks at no file of the project.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use reel_engine::cache::Cache;
use reel_engine::file_state::FileState;
use reel_engine::session::Recall;
use reel_engine::snapshot::SnapshotKey;

use super::attempt::Telling;
use crate::args::Making;
use crate::config::Companion;
use crate::open::{Invocation, Policy};

/// Under what the state of the project in `root` is kept. `None` when somebody wants to see all of a build.
pub(super) fn recall(
    call: &Invocation,
    (args, telling): (&Making, &Telling),
    root: &Path,
    policy: Policy,
) -> Option<Recall> {
    let sees_all = telling.summary || telling.check_inputs || telling.roll.is_some();
    if call.global.verbose || telling.trace.is_some() || sees_all {
        return None;
    }
    // Another build of reel is another program, even where its version is the same.
    let own = call.config.program().and_then(|path| FileState::of(path).ok())?;
    let mut said: Vec<(&str, Vec<u8>)> = vec![
        ("reel", format!("{own:?}").into_bytes()),
        ("root", root.as_os_str().as_bytes().to_vec()),
        ("store", call.store().as_os_str().as_bytes().to_vec()),
        ("policy", format!("{policy:?} {} {}", args.locked, args.offline).into_bytes()),
    ];
    said.extend(args.targets.iter().map(|target| ("target", target.clone().into_bytes())));
    said.extend(args.reading.set.iter().map(|(name, value)| ("set", format!("{name}={value}").into_bytes())));
    let folders = call.config.font_dirs().into_iter().map(|dir| ("fonts", dir));
    let folders = folders.chain(call.config.path().into_iter().map(|dir| ("path", dir)));
    said.extend(folders.map(|(name, dir)| (name, dir.as_os_str().as_bytes().to_vec())));
    for companion in [Companion::Worker, Companion::Speak] {
        let path = call.config.companion(companion);
        said.push((companion.name(), format!("{path:?}").into_bytes()));
    }
    said.push(("surroundings", format!("{:?}", call.config.companion_env()).into_bytes()));
    let key = SnapshotKey::of(said.iter().map(|(name, value)| (*name, value.as_slice())));
    Some(Recall { key, epoch: Cache::epoch(&call.cache_dir()) })
}
