//! `reel-worker`: runs actions for `reel` on its standard streams. It knows no project and no terminal.
//!
//! | call | what it does |
//! |---|---|
//! | `reel-worker` | serves actions until its input closes; `reel` starts it so |
//! | `reel-worker --identity` | prints one line of JSON: build, kinds, tools, and the files these depend on |
//! | `reel-worker --hardware` | the same, of the encoders in graphics devices alone; `--identity` starts it so |
//! | `reel-worker --version` | prints its version and build |
//!
//! `--speak PATH`, before either, names the `reel-speak` to use; else it is the one beside this program.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use reel_engine::executor::frames::Confinement;
use reel_engine::executor::toolbox::ProgramIdentity;
use reel_worker::confine::confine;
use reel_worker::{identity, serve, speech};

const USAGE: &str = "usage: reel-worker [--speak PATH] [--identity | --hardware | --version]\n\
                     Without an argument it serves actions for `reel` on its standard streams.\n";

enum Mode {
    Serve,
    Identity,
    Hardware,
    Version,
    Help,
}

fn main() -> ExitCode {
    let mode = match parse(std::env::args_os().skip(1)) {
        Ok(mode) => mode,
        Err(problem) => return fail(&format!("{problem}\n{USAGE}"), 2),
    };
    let done = match mode {
        Mode::Serve => serve::serve().map_err(|error| error.to_string()),
        Mode::Identity => tell_identity().map_err(|error| error.to_string()),
        Mode::Hardware => tell(&try_hardware()).map_err(|error| error.to_string()),
        Mode::Version => {
            say(&format!("reel-worker {} ({})\n", env!("CARGO_PKG_VERSION"), identity::BUILD_ID))
        }
        Mode::Help => say(USAGE),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("reel-worker: {error}\n"), 1),
    }
}

fn parse(args: impl Iterator<Item = OsString>) -> Result<Mode, String> {
    let mut args = args;
    let mut mode = Mode::Serve;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--speak") => {
                let path = args.next().ok_or("`--speak` needs a path")?;
                speech::speak::set_program(PathBuf::from(path));
            }
            Some("--identity") => mode = Mode::Identity,
            Some(identity::hardware::ARGUMENT) => mode = Mode::Hardware,
            Some("--version") => mode = Mode::Version,
            Some("--help") => mode = Mode::Help,
            _ => return Err(format!("unknown argument `{}`", arg.to_string_lossy())),
        }
    }
    Ok(mode)
}

fn tell_identity() -> io::Result<()> {
    let (identity, missing) = identity::whole();
    for line in missing {
        writeln!(io::stderr(), "{line}")?;
    }
    tell(&identity)
}

fn try_hardware() -> ProgramIdentity {
    // Where the kernel has no bars, there are none for actions either.
    let _ = confine(&Confinement { devices: true, ..Confinement::default() });
    identity::hardware::probe()
}

fn tell(identity: &ProgramIdentity) -> io::Result<()> {
    let mut line = serde_json::to_vec(identity)?;
    line.push(b'\n');
    io::stdout().write_all(&line)
}

fn say(text: &str) -> Result<(), String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}

fn fail(text: &str, code: u8) -> ExitCode {
    // Nobody is left to tell when this fails too; the code still says it.
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}
