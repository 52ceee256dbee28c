//! `exec`: any command with declared inputs, outputs and tools, in a clean folder. It knows no film, and it runs
//! only in projects that are trusted.
//!
//! ```yaml
//! nodes:
//!   grade: { uses: exec, with: { run: "python3 $in/grade.py $in/clip.mp4 $out/clip.mp4", tools: [python3],
//!                                in: { grade.py: grade.py, clip.mp4: assets/a.mp4 }, out: [clip.mp4] } }
//! ```
//!
//! The command is run by `sh`. `$in` and `$out` are folders; it begins in an empty one. Its environment is `PATH`
//! (the tools that were named, and `sh`), `HOME`, `TMPDIR`, `LANG=C.UTF-8`, `TZ=UTC`, `SOURCE_DATE_EPOCH=0` and
//! what `env` names, with the values that the build was given, which are in the key; so are the tools' files.
//! Without `network: true` it has no network where the system lets reel take it away; the log says where not.
//! It reaches no files but `$in` (to read), `$out`, its own folders, its tools, and what is installed on the system;
//! where the kernel cannot see to that, the log says so.

mod command;
mod leash;
mod sandbox;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{
    AnyFile, Call, Failure, FailureCode, How, Info, Input, Kind, Outcome, Reproducible, Resolve, Site, Use,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::closed::{self, Open};
use crate::host::Host;

/// `with:` of `exec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The command, for `sh`.
    #[schemars(length(min = 1))]
    pub run: String,
    /// What is in the folder `$in`, by file name.
    #[serde(default, rename = "in")]
    pub inputs: BTreeMap<String, Input<AnyFile>>,
    /// What the command leaves in the folder `$out`; each is a port, named without its extension.
    #[schemars(length(min = 1))]
    pub out: Vec<String>,
    /// Commands that it may use.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Environment variables that it gets.
    #[serde(default)]
    pub env: Vec<String>,
    /// Whether it may use the network.
    #[serde(default)]
    pub network: bool,
    /// Values of `env`; filled by the check.
    #[serde(default)]
    #[schemars(skip)]
    pub values: BTreeMap<String, String>,
}

/// The kind.
pub struct Exec {
    /// Where commands are found, and whether they may run.
    pub host: Arc<Host>,
}

/// The shell, which is a tool of every command.
const SHELL: &str = "sh";

impl Kind for Exec {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "exec",
            version: 4,
            summary: "runs a command with declared inputs, outputs and tools",
            example: "grade: { uses: exec, with: { run: \"python3 $in/grade.py $out/look.json\", tools: [python3], \
                      in: { grade.py: grade.py }, out: [look.json] } }",
            site: Site::Inline,
            reproducible: Reproducible::PerArch,
            expands: false,
        }
    }

    fn ports(&self, params: &Params) -> Vec<Port> {
        params.out.iter().map(|name| Port::one(port_name(name), kind_of(name).0)).collect()
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 256)
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        if !self.host.allow_exec {
            let help =
                Some("look at what it runs, then build with `--allow-exec`, or say `reel trust` once".into());
            cx.problem(
                "/run",
                code::UNTRUSTED,
                "a command is run here, but the project is not trusted",
                help,
            );
        }
        check_names(params, cx);
        self.add_tools(params, cx);
        for (i, name) in params.env.iter().enumerate() {
            cx.asked_for(name, self.host.env.get(name));
            match self.host.env.get(name) {
                Some(value) => {
                    params.values.insert(name.clone(), value.clone());
                }
                None => {
                    let message = format!("`{name}` is not set");
                    let help = Some("set it, or take it out of `env`".into());
                    cx.problem(&format!("/env/{i}"), code::UNKNOWN_VARIABLE, message, help);
                }
            }
        }
    }

    fn run(&self, params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        if !self.host.allow_exec {
            return Err(Failure::new("the project is not trusted").help("build with `--allow-exec`"));
        }
        let place =
            sandbox::Place::make(call.scratch).map_err(|error| machine("make a clean folder", &error))?;
        for (name, input) in &params.inputs {
            let file = call.one(input.slot())?;
            let to = place.inputs.join(name);
            // Who may do what with the file is not in its digest, so it is the same for all: a script may be started.
            std::fs::copy(&file.path, &to)
                .and_then(|_| std::fs::set_permissions(&to, Permissions::from_mode(0o755)))
                .map_err(|error| machine(&format!("copy input `{name}`"), &error))?;
        }
        let mut open = place.open();
        for tool in tools(&params) {
            let file = call.one(&format!("tool.{tool}"))?;
            open.read.extend(closed::tree(&file.path));
            std::os::unix::fs::symlink(&file.path, place.tools.join(tool))
                .map_err(|error| machine(&format!("link tool `{tool}`"), &error))?;
        }
        let interpreters = call.inputs.iter().filter(|(slot, _)| slot.starts_with(INTERPRETER));
        let interpreters = interpreters.flat_map(|(_, files)| files);
        open.read.extend(interpreters.flat_map(|file| closed::tree(&file.path)));
        let (log, used) = command::run(&params, &place, &open, &self.host, call)?;
        if let Some(beyond) = beyond(&used, &open).filter(|_| self.host.watch && closed::works()) {
            let help = "name files of the project under `in:` and take them from `$in`, and name commands under `tools:`";
            let message = format!("it used `{beyond}`, which is not open to it in other builds");
            return Err(Failure::new(message).help(help).log(log).used(used));
        }
        let mut outcome = Outcome { used, ..Outcome::default() };
        for name in &params.out {
            let path = place.outputs.join(name);
            let is_file = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
            if !is_file {
                let message = format!("the command ended well, but left no file `{name}` in $out");
                let failure = Failure::new(message).help("every name under `out` must be written").log(log);
                return Err(failure.used(outcome.used));
            }
            outcome = outcome.with_file(port_name(name), kind_of(name).1, path);
        }
        outcome.log = log;
        Ok(outcome)
    }
}

/// What a watched command used and would have been refused without being watched: its result is not that of others.
fn beyond<'u>(used: &'u [Use], open: &Open) -> Option<&'u str> {
    let is_file = |how| matches!(how, How::Read | How::Written | How::Started | How::Listed);
    let mut files = used.iter().filter(|used| is_file(used.how)).map(|used| used.name.as_str());
    files.find(|path| !open.leads_to(Path::new(path)))
}

fn machine(what: &str, error: &std::io::Error) -> Failure {
    Failure::of(FailureCode::Machine, format!("cannot {what}: {error}"))
}

/// Every tool once, the shell among them.
fn tools(params: &Params) -> BTreeSet<&str> {
    params.tools.iter().map(String::as_str).chain([SHELL]).collect()
}

impl Exec {
    fn add_tools(&self, params: &Params, cx: &mut Resolve<'_>) {
        for tool in tools(params) {
            let index = params.tools.iter().position(|name| name == tool);
            let pointer = index.map_or_else(|| "/run".to_owned(), |i| format!("/tools/{i}"));
            if tool.is_empty() || tool.contains('/') || tool.starts_with('.') {
                let help =
                    Some("a tool is the name of a command; a file of the project goes under `in`".into());
                cx.problem(&pointer, code::BAD_VALUE, format!("`{tool}` is not the name of a command"), help);
                continue;
            }
            let found = find(tool, &self.host.path);
            // The first folder that has it counts, so what is looked at are all places up to there.
            for dir in &self.host.path {
                let place = dir.join(tool);
                let there = place.exists();
                cx.searched(place);
                if there {
                    break;
                }
            }
            match found {
                Some(path) => {
                    let mut program = Some(path.clone());
                    cx.file(format!("tool.{tool}"), path);
                    for step in 0..INTERPRETERS {
                        program = program.and_then(|script| interpreter(&script, cx));
                        let Some(path) = &program else { break };
                        cx.file(format!("{INTERPRETER}{step}.{tool}"), path.clone());
                    }
                }
                None => {
                    let help = Some("install it, or put its folder into PATH".into());
                    cx.problem(&pointer, code::MISSING_TOOL, format!("there is no command `{tool}`"), help);
                }
            }
        }
    }
}

/// How often a script may be run by a script.
const INTERPRETERS: usize = 4;
/// How slots of what runs a tool that is a script begin.
const INTERPRETER: &str = "interpreter.";

/// The program that a script names in its first line, which runs it: as much of a tool as the script is.
fn interpreter(script: &Path, cx: &mut Resolve<'_>) -> Option<PathBuf> {
    let mut head = Vec::new();
    cx.looked_into(script.to_owned());
    std::fs::File::open(script).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let path = PathBuf::from(std::str::from_utf8(line).ok()?.split_whitespace().next()?);
    cx.searched(path.clone());
    path.canonicalize().ok().filter(|path| path.is_file())
}

/// The file behind a command.
fn find(tool: &str, path: &[PathBuf]) -> Option<PathBuf> {
    let runs = |file: &Path| {
        std::fs::metadata(file).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    path.iter().map(|dir| dir.join(tool)).find(|file| runs(file)).and_then(|file| file.canonicalize().ok())
}

/// Names of inputs and outputs are file names, and ports are distinct.
fn check_names(params: &Params, cx: &mut Resolve<'_>) {
    let plain = |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    for name in params.inputs.keys().filter(|name| !plain(name)) {
        let message = format!("`{name}` is not a file name");
        cx.problem("/in", code::BAD_VALUE, message, Some("`in` has names without folders".into()));
    }
    let mut ports: BTreeMap<&str, &str> = BTreeMap::new();
    for (i, name) in params.out.iter().enumerate() {
        let pointer = format!("/out/{i}");
        let port = port_name(name);
        let named =
            !port.is_empty() && port.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if !plain(name) || !named {
            let help = Some("a letter or digit, `_` and `-`, and an extension: `clip.mp4`".into());
            cx.problem(&pointer, code::BAD_VALUE, format!("`{name}` cannot be the name of an output"), help);
        } else if let Some(other) = ports.insert(port, name) {
            let message = format!("`{other}` and `{name}` are both port `{port}`");
            cx.problem(&pointer, code::DUPLICATE, message, Some("give one of them another name".into()));
        }
    }
}

/// The name of an output's port.
fn port_name(file: &str) -> &str {
    file.split_once('.').map_or(file, |(name, _)| name)
}

/// What an output holds, by its extension.
fn kind_of(file: &str) -> (PortType, &'static str) {
    let end = file.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    match end.as_str() {
        "mp4" => (PortType::Video, "video/mp4"),
        "mov" => (PortType::Video, "video/quicktime"),
        "mkv" => (PortType::Video, "video/x-matroska"),
        "webm" => (PortType::Video, "video/webm"),
        "wav" => (PortType::Audio, "audio/wav"),
        "flac" => (PortType::Audio, "audio/flac"),
        "m4a" => (PortType::Audio, "audio/mp4"),
        "mp3" => (PortType::Audio, "audio/mpeg"),
        "ogg" | "opus" => (PortType::Audio, "audio/ogg"),
        "png" => (PortType::Image, "image/png"),
        "jpg" | "jpeg" => (PortType::Image, "image/jpeg"),
        "webp" => (PortType::Image, "image/webp"),
        "srt" => (PortType::Captions, "application/x-subrip"),
        "vtt" => (PortType::Captions, "text/vtt"),
        "ass" => (PortType::Captions, "text/x-ass"),
        "json" => (PortType::Json, "application/json"),
        "csv" => (PortType::Text, "text/csv"),
        "tsv" => (PortType::Text, "text/tab-separated-values"),
        "txt" | "md" => (PortType::Text, "text/plain; charset=utf-8"),
        _ => (PortType::File, "application/octet-stream"),
    }
}

#[cfg(test)]
mod tests;
