//! Tests of the executors with real processes. The program is its own fake worker and its own fake reel:
//! started with a role as its first argument it plays that, else it runs the tests.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these are tests, though without the harness that would tell"
)]

mod inline;
mod play;
mod workers;

use std::panic;
use std::process::ExitCode;
use std::time::Instant;

type Test = (&'static str, fn());

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("--play-worker") => return play::worker(args.get(1).map_or("", String::as_str)),
        Some("--play-reel") => return play::reel(args.get(1).map_or("", String::as_str)),
        _ => {}
    }
    let exact = args.iter().any(|arg| arg == "--exact");
    // `--list --format terse`, as nextest asks, names a format and no test.
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with("--") && *arg != "terse").collect();
    let ignored = args.iter().any(|arg| arg == "--ignored");
    let wanted = |name: &str| {
        if ignored {
            return false;
        }
        let fits = |filter: &&String| {
            if exact { **filter == name } else { name.contains(filter.as_str()) }
        };
        filters.is_empty() || filters.iter().any(fits)
    };
    let tests: Vec<&Test> =
        inline::TESTS.iter().chain(workers::TESTS).filter(|(name, _)| wanted(name)).collect();
    if args.iter().any(|arg| arg == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", tests.len());
    let failed: Vec<&str> =
        tests.iter().filter(|(name, test)| !passes(name, *test)).map(|(name, _)| *name).collect();
    let (word, passed) = (if failed.is_empty() { "ok" } else { "FAILED" }, tests.len() - failed.len());
    println!("\ntest result: {word}. {passed} passed; {} failed; 0 ignored {failed:?}\n", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn passes(name: &str, test: fn()) -> bool {
    let before = Instant::now();
    let passed = panic::catch_unwind(test).is_ok();
    println!(
        "test {name} ... {} ({} ms)",
        if passed { "ok" } else { "FAILED" },
        before.elapsed().as_millis()
    );
    passed
}
