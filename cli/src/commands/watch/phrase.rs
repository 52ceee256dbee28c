//! What `reel watch` says beside what its builds say. It decides nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reel_engine::session::STATE_FOLDER;
use serde_json::{Value, json};
use url::Url;

use super::args::{Reading, Why};
use crate::commands::graph::{page, picture};
use crate::commands::why;
use crate::error::CommandError;
use crate::open::Invocation;
use crate::report::summary::{seconds, shown_from};
use crate::ui::{Paint, count, print_error, print_line};

/// Changed files that are named.
const NAMED: usize = 4;

/// `changed: a.txt, b.txt and 3 more`.
pub(super) fn changed(root: &Path, paths: &[PathBuf], paint: Paint) -> String {
    let mut names: Vec<String> = paths.iter().take(NAMED).map(|path| shown_from(root, path)).collect();
    let more = paths.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    format!("{} {}", paint.bold("changed:"), names.join(", "))
}

/// The same for programs; `quiet` is the time since the last word of a folder, `look` that of looking at all files.
pub(super) fn changed_json(root: &Path, paths: &[PathBuf], quiet: Duration, look: Duration) -> Value {
    let names: Vec<String> = paths.iter().map(|path| shown_from(root, path)).collect();
    json!({
        "event": "changed",
        "files": names,
        "quiet-seconds": seconds(quiet),
        "look-seconds": seconds(look),
    })
}

/// That nothing is to be done until something changes, and what keys do.
pub(super) fn watching(files: usize, folders: Option<usize>, keys: Option<bool>, paint: Paint) -> String {
    let how = match folders {
        Some(folders) => format!("in {}", count(folders, "folder")),
        None => "by looking at them".to_owned(),
    };
    let keys = match keys {
        Some(false) => "   r build  d draft  g graph  w why  q quit",
        Some(true) => "   r build  d full  g graph  w why  q quit",
        None => "",
    };
    paint.dim(&format!("watching {} {how}{keys}", count(files, "file")))
}

/// The same for programs.
pub(super) fn watching_json(files: usize, folders: Option<usize>, faulty: bool) -> Value {
    json!({
        "event": "watching",
        "files": files,
        "folders": folders,
        "polling": folders.is_none(),
        "faulty": faulty,
    })
}

/// Why files are looked at again and again.
pub(super) fn polling(why: &str) -> String {
    format!("{why}; files are looked at twice a second instead, as with --poll")
}

/// That films are made in another manner from now on.
pub(super) const fn goes_over(draft: bool) -> &'static str {
    if draft { "drafts from now on\n" } else { "full films from now on\n" }
}

/// Writes the graph as a page into the project's `.reel`, and says where it is.
pub(super) fn graph(call: &Invocation, root: &Path, reading: &Reading, targets: &[String]) {
    let file = root.join(STATE_FOLDER).join("graph.html");
    let page = picture(call, reading, targets).and_then(|picture| page(&picture));
    let written = page.and_then(|page| {
        let failed = |error| CommandError::failed(format!("cannot write `{}`: {error}", file.display()));
        fs::write(&file, page).map_err(failed)
    });
    match written {
        // As an address, so that terminals and browsers see where it ends.
        Ok(()) => {
            print_line(
                &Url::from_file_path(&file).map_or_else(|()| file.display().to_string(), String::from),
            );
        }
        Err(error) => print_error(&error.draw(call.ui.err())),
    }
}

/// Says why what was asked for is what it is.
pub(super) fn why(call: &Invocation, reading: &Reading, targets: &[String]) {
    let names = match targets {
        [] => match call.look(reading) {
            Ok(loaded) => loaded.project.outputs.iter().map(|output| output.name.clone()).collect(),
            Err(error) => return print_error(&error.draw(call.ui.err())),
        },
        names => names.to_vec(),
    };
    for name in names {
        if let Err(error) = why::run(call, &Why { name, at: None, reading: reading.clone() }) {
            print_error(&error.draw(call.ui.err()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_counted() {
        let root = Path::new("/p");
        let paths: Vec<PathBuf> = (0..6).map(|n| root.join(format!("a{n}"))).collect();
        assert_eq!(changed(root, &paths[..1], Paint(false)), "changed: a0");
        assert_eq!(changed(root, &paths, Paint(false)), "changed: a0, a1, a2, a3, and 2 more");
    }
}
