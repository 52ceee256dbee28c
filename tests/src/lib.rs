//! What tests of the whole path stand on: a project of their own, the programs, and eyes and ears for films.
//! It knows reel only by its command line and its files.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on must say so and end"
)]

pub mod browser;
pub mod film;
pub mod pages;
pub mod ran;
pub mod session;
pub mod space;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package has a folder").to_owned()
}

/// A file of `tests/fixtures/`.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Says that a test cannot run here. Whoever runs all tests counts these, and prints them at the end.
#[expect(clippy::disallowed_methods, reason = "the one variable that the runner of all tests sets")]
pub fn skip(test: &str, reason: &str) {
    let Some(list) = std::env::var_os("REEL_SKIPPED_TESTS") else { return };
    let mut file =
        OpenOptions::new().append(true).create(true).open(list).expect("the list of skipped tests");
    writeln!(file, "{test}: {reason}").expect("the list of skipped tests takes a line");
}

/// Whether a program can be started. If not, the test is counted as skipped.
#[must_use]
pub fn has(test: &str, program: &str) -> bool {
    let found =
        Command::new(program).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        skip(test, &format!("`{program}` is not installed"));
    }
    found
}
