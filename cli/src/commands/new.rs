//! `reel new`: a folder with a project that builds at once, without a picture or a sound file of the user's.

mod templates;

use std::fs;
use std::path::{Path, PathBuf};

use reel_engine::session::{PROJECT_FILE, make_state_folder};
use serde_json::json;

use super::schema;
use crate::args::New;
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::report::summary::shown_from;
use crate::ui::{print_json, print_line};

/// What of a project does not belong into Git.
const IGNORED: &str = "/out/\n/.reel/\n";

pub(super) fn run(call: &Invocation, args: &New) -> Result<Exit, CommandError> {
    // Without `.` and `..`, so that it has a name.
    let folder: PathBuf = call.config.here.join(&args.folder).components().collect();
    let folder = folder.canonicalize().unwrap_or(folder);
    let occupied = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied || folder.is_file() {
        let message = format!("`{}` is there already, and not empty", args.folder.display());
        return Err(CommandError::usage(message, "choose a folder that is not there yet"));
    }
    write(&folder, templates::files(args.template))
        .and_then(|()| make_state_folder(&folder))
        .and_then(|state| schema::keep(call, &state))
        .map_err(|error| CommandError::failed(format!("cannot write `{}`: {error}", folder.display())))?;
    let shown = shown_from(&call.config.here, &folder);
    if call.global.json {
        print_json(&json!({ "event": "new", "project": folder }));
    } else if !call.global.quiet {
        let (place, go) = match shown.as_str() {
            "" => (String::new(), String::new()),
            shown => (format!("{shown}/"), format!("  cd {}\n", quoted(shown))),
        };
        print_line(&format!(
            "made `{place}reel.yaml`\n\n{go}  reel build\n\nthen change a word in it, and build again"
        ));
    }
    Ok(Exit::Done)
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@:,%".contains(c);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn write(folder: &Path, files: &[templates::File]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let is_word =
        matches!(name.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_word;
    let name = if is_name { name } else { format!("film-{name}") };
    for (file, text) in files {
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let modeline = if *file == PROJECT_FILE { schema::MODELINE } else { "" };
        fs::write(path, format!("{modeline}{}", text.replace("NAME", &name)))?;
    }
    fs::write(folder.join(".gitignore"), IGNORED)
}
