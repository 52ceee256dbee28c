//! `reel build`: makes outputs, and listens for Ctrl-C meanwhile.

pub(super) mod attempt;
mod placed;
mod recall;

use std::fs;
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};

use nix::unistd::{AccessFlags, access};
use reel_engine::session::{Interrupter, channel};
use reel_nodes::trace;

use super::served;
use crate::args::{Build, Making};
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::page::Hub;
use crate::processes;
use crate::signals::{self, Held};
use crate::ui::{count, print, print_error, print_line};
use attempt::{Attempt, Done, Ready, Telling};

pub(super) fn run(call: &Invocation, args: &Build) -> Result<Exit, CommandError> {
    let held = signals::hold();
    let stays = args.page.is_wanted();
    let page = stays.then(Hub::default);
    let telling =
        Telling { summary: args.summary, page, page_at: args.page.ui_at, ..Telling::of(&args.insight) };
    let (stop, stopped) = mpsc::channel();
    let done = build(call, args.making.clone(), telling, &held, stays.then_some(stop))?;
    if args.insight.check_inputs && !call.global.json && !done.summary.interrupted {
        print(&found(done.found));
    }
    if stays && !done.summary.interrupted {
        if !call.global.json {
            print_line("the page stays until Ctrl-C");
        }
        // Nobody can ask for more where nobody listens.
        let _ = stopped.recv();
    }
    Ok(done.exit())
}

/// One build of the project, which signals stop; a page that stays behind it hears of the first one by `stop`. Its
/// store is closed when it has ended.
pub(super) fn build(
    call: &Invocation,
    making: Making,
    telling: Telling,
    held: &Held,
    stop: Option<Sender<()>>,
) -> Result<Done, CommandError> {
    let root = call.root()?;
    if telling.check_inputs {
        can_watch()?;
    }
    if let Some(file) = &telling.trace {
        can_write(&call.config.here.join(file))?;
    }
    let (page, address) = (telling.page.clone(), telling.page_at);
    let attempt = Attempt::new(call, making.clone(), &root, telling, Arc::default());
    let ready = attempt.prepare()?;
    if let Some(hub) = page {
        let _ = served::open(call, &making, hub, address)?;
    }
    let (interrupter, mut line) = channel();
    if stop.is_some() || !matches!(ready, Ready::Nothing(_)) {
        listen(call, held, &attempt, (interrupter, stop));
    }
    attempt.perform(ready, &mut line, true)
}

/// First signal: what runs is cancelled, what finished is kept, and a page that stays goes. Second: everything ends at
/// once.
fn listen(
    call: &Invocation,
    held: &Held,
    attempt: &Attempt<'_>,
    (interrupter, stop): (Interrupter, Option<Sender<()>>),
) {
    // Whoever listens must not keep the store open behind the end of the build.
    let (shop, stopping) = (Arc::downgrade(&attempt.shop), Arc::clone(&attempt.stopping));
    let quiet = call.global.json || call.ui.live;
    held.watch(move |count| {
        if count == 1 {
            stopping.store(true, Ordering::Relaxed);
            // Once the build is over, its store is closed.
            if !quiet && shop.strong_count() > 0 {
                print_error("stopping…\n");
            }
            interrupter.interrupt();
            if let Some(stop) = &stop {
                // Whoever waits no longer need not be told.
                let _ = stop.send(());
            }
            return;
        }
        let shop = shop.upgrade();
        if let Some(shop) = shop.as_ref().and_then(|shop| shop.get()) {
            processes::end_all(shop.scratch());
            // What cannot be removed, the next build removes.
            let _ = fs::remove_dir_all(shop.scratch());
        }
        process::exit(i32::from(Exit::Interrupted.number()));
    });
}

/// Nothing runs where nothing can be watched: the answer would be "nothing found".
fn can_watch() -> Result<(), CommandError> {
    trace::available().map_err(|error| {
        CommandError::usage(
            format!("programs cannot be watched here: {error}"),
            "--check-inputs needs ptrace(2): allow it in the container's profile, or set \
             `kernel.yama.ptrace_scope` to 0 or 1",
        )
    })
}

/// What is wanted beside the outputs is not found out to be impossible when all is over.
fn can_write(trace: &Path) -> Result<(), CommandError> {
    let folder = trace.parent().filter(|folder| !folder.as_os_str().is_empty());
    let place = if trace.exists() { trace } else { folder.unwrap_or_else(|| Path::new(".")) };
    let allowed = access(place, AccessFlags::W_OK).map_err(|error| error.desc());
    let allowed = if trace.is_dir() {
        Err("it is a folder")
    } else if holds_something_else(trace) {
        Err("it is there, and is no trace")
    } else {
        allowed
    };
    allowed.map_err(|why| {
        let message = format!("the trace cannot be written to `{}`: {why}", trace.display());
        CommandError::usage(message, "name a file in a folder that is there and yours")
    })
}

/// Whether a file is there that was not written as a trace: nobody shall lose it for a name that was mistyped. Pipes and
/// terminals are not read, which would wait for somebody to write.
fn holds_something_else(file: &Path) -> bool {
    let text = if file.is_file() { fs::read(file).unwrap_or_default() } else { Vec::new() };
    !text.is_empty() && !text.windows(TRACE.len()).any(|part| part == TRACE)
}

/// What stands in every trace.
const TRACE: &[u8] = b"\"traceEvents\"";

/// The last word on watched nodes.
pub(super) fn found(nodes: usize) -> String {
    match nodes {
        0 => "every command and voice used only what is in its key\n".to_owned(),
        nodes => format!("{} used or made what is not in its key\n", count(nodes, "node")),
    }
}
