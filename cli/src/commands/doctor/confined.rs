//! How workers are confined here: starts one, and takes its word for it. It runs no action.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use reel_engine::executor::frames::{self, Confined, Confinement, FromWorker, ToWorker};

use super::Finding;
use crate::config::Companion;
use crate::open::Invocation;

/// Longest time for the answer.
const LIMIT: Duration = Duration::from_secs(20);

/// What is to be done where a bar is missing.
pub(super) const HELP: &str = "the kernel must be 5.13 or newer, with landlock and seccomp built in and not forbidden by a \
     container; reel works without, but then a hostile file may reach more than it should";

/// What the kernel keeps workers from; nothing when there is no worker to ask.
pub(super) fn look(call: &Invocation) -> Vec<Finding> {
    if call.config.companion(Companion::Worker).is_none() {
        return Vec::new();
    }
    let help = HELP;
    match ask(call) {
        Ok(confined) => {
            let bar = |up: bool, what: &str| {
                if up { Ok(what.to_owned()) } else { Err(format!("not there, so not: {what}")) }
            };
            vec![
                Finding::new(
                    "landlock",
                    bar(confined.landlock, "workers open only files that were granted"),
                    help,
                ),
                Finding::new("seccomp", bar(confined.seccomp, "workers open no sockets"), help),
            ]
        }
        Err(cause) => vec![Finding::new("confinement", Err(cause), help)],
    }
}

fn ask(call: &Invocation) -> Result<Confined, String> {
    let path = call.config.companion(Companion::Worker).ok_or("there is no worker")?;
    let mut child = Command::new(path)
        .args(call.config.worker_args())
        .env_clear()
        .envs(call.config.companion_env())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the worker does not start: {error}"))?;
    let (sender, answer) = mpsc::channel();
    let Some((mut input, mut output)) = child.stdin.take().zip(child.stdout.take()) else {
        return end(child, Err("the worker has no pipes".to_owned()));
    };
    thread::spawn(move || {
        let told = (|| {
            let configure = ToWorker::Configure(Confinement::default());
            let frame = frames::encode(&configure).map_err(|error| error.to_string())?;
            match frames::read::<FromWorker>(&mut output).map_err(|error| error.to_string())? {
                Some(FromWorker::Hello(_)) => {}
                _ => return Err("the worker did not say hello".to_owned()),
            }
            input.write_all(&frame).map_err(|error| error.to_string())?;
            match frames::read::<FromWorker>(&mut output).map_err(|error| error.to_string())? {
                Some(FromWorker::Configured(confined)) => Ok(confined),
                _ => Err("the worker did not say how it is confined".to_owned()),
            }
        })();
        // Nobody listens any more when the time was up.
        let _ = sender.send(told);
    });
    let told = answer.recv_timeout(LIMIT).unwrap_or_else(|_| Err("the worker did not answer".to_owned()));
    end(child, told)
}

fn end<T>(mut child: Child, result: T) -> T {
    // It may have ended by itself, which is as good.
    let _ = child.kill();
    let _ = child.wait();
    result
}
