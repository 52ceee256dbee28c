//! The life of a worker process on its standard streams. It knows no kind and no pipe at the other end.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use nix::sys::prctl;
use nix::unistd::{dup2_stdin, dup2_stdout};
use reel_engine::executor::frames::{Confined, Confinement, FrameError, Hello, PROTOCOL};
use reel_engine::executor::serve::{self, Service, end_with_children};
use reel_engine::operation::{Call, Failure, FailureCode, Outcome};

use crate::{confine, identity, runs};

/// Serves until the input ends.
///
/// # Errors
/// When the other side breaks the protocol, or the pipes break.
pub fn serve() -> Result<(), FrameError> {
    // x264 asks for huge pages and uses them in part: for vertical HD that is 6 MiB a worker, and encoding is no slower
    // without. A kernel that does not know the call has nothing to forbid.
    let _ = prctl::set_thp_disable(true);
    let (input, output) = private_streams()?;
    let service = Service {
        hello: Hello {
            protocol: PROTOCOL,
            build_id: identity::BUILD_ID.to_owned(),
            kinds: identity::kinds(),
            tools: identity::linked(),
        },
        confine: &prepare,
        run: &run,
        hangup: end_with_children,
    };
    serve::serve(input, output, &service)
}

/// Takes the pipes away from the standard streams: C code that prints must not break the protocol, and a
/// program that is started must not read the next frame.
fn private_streams() -> io::Result<(File, File)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(io::stderr())?;
    Ok((input.into(), output.into()))
}

fn prepare(wanted: &Confinement) -> Confined {
    if wanted.watch {
        identity::watch_speaker();
    }
    confine::confine(wanted)
}

fn run(kind: &str, call: &Call<'_>) -> Result<Outcome, Failure> {
    let run = runs::find(kind).ok_or_else(|| {
        Failure::of(FailureCode::Machine, format!("this `reel-worker` does not know the kind `{kind}`"))
            .help("install `reel` and `reel-worker` together")
    })?;
    run(call)
}
