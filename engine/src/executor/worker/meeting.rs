//! Whether a worker is the one that this reel was made with. It knows no process.

use super::WorkerProgram;
use crate::executor::frames::{Hello, PROTOCOL};
use crate::operation::{Failure, FailureCode};

/// Whether the worker is the one that reel was made with.
pub(super) fn check(hello: &Hello, program: &WorkerProgram, kind: &str) -> Result<(), Failure> {
    let other = |what: String| {
        let path = program.path.display();
        Err(Failure::of(FailureCode::Machine, format!("`{path}` is of another build: {what}"))
            .help("install `reel` and `reel-worker` together, or set REEL_WORKER to the one that belongs to this `reel`"))
    };
    if hello.protocol != PROTOCOL {
        return other(format!("it speaks protocol {}, not {PROTOCOL}", hello.protocol));
    }
    if let Some(expected) = program.build_id.as_ref().filter(|expected| **expected != hello.build_id) {
        return other(format!("its build is `{}`, not `{expected}`", hello.build_id));
    }
    if !hello.kinds.contains_key(kind) {
        return other(format!("it does not know the kind `{kind}`"));
    }
    for (kind, version) in &hello.kinds {
        if let Some(expected) = program.kinds.get(kind).filter(|expected| *expected != version) {
            return other(format!("its `{kind}` has version {version}, not {expected}"));
        }
    }
    for (tool, identity) in &hello.tools {
        if let Some(expected) = program.tools.get(tool).filter(|expected| *expected != identity) {
            return other(format!("its `{tool}` is `{identity}`, not `{expected}` as in the keys"));
        }
    }
    Ok(())
}
