//! The two that are compared: an output as it was made last and the time before, or two files. It compares nothing.

use std::fs;
use std::path::{Path, PathBuf};

use reel_engine::cache::{ActionResult, Cache, Lookup, Stored};
use reel_engine::history::History;
use reel_engine::key::Manifest;

use super::{place, trouble};
use crate::commands::names::{foresee_all, unknown};
use crate::error::CommandError;
use crate::open::{Invocation, Loaded, Workshop};

/// What is compared.
pub(super) struct Sides {
    /// What both are, in words.
    pub(super) title: String,
    pub(super) one: Side,
    pub(super) other: Side,
}

/// One of the two.
pub(super) struct Side {
    /// What it is called.
    pub(super) name: String,
    pub(super) file: Source,
    /// What is said in it, as far as that is known.
    pub(super) scenes: Vec<Scene>,
}

/// Where bytes are.
pub(super) enum Source {
    Stored(Stored),
    File(PathBuf),
}

/// What is said in a scene.
pub(super) struct Scene {
    pub(super) plan: Stored,
    pub(super) words: Stored,
}

impl Source {
    /// Lays it at a path, to be read there.
    pub(super) fn lay(&self, shop: &Workshop, path: &Path) -> Result<(), CommandError> {
        match self {
            Self::Stored(stored) => place(shop, stored, path),
            Self::File(file) => {
                let laid = fs::hard_link(file, path).or_else(|_| fs::copy(file, path).map(drop));
                laid.map_err(|error| trouble(&format!("cannot read `{}`: {error}", file.display())))
            }
        }
    }
}

/// Two files, wherever they are.
pub(super) fn of_files(call: &Invocation, names: &[String]) -> Result<Sides, CommandError> {
    let side = |name: &String| {
        let path = call.config.here.join(name);
        match path.canonicalize() {
            Ok(file) if file.is_file() => {
                Ok(Side { name: name.clone(), file: Source::File(file), scenes: Vec::new() })
            }
            Ok(_) => Err(CommandError::usage(format!("`{name}` is not a file"), "name two files")),
            Err(error) => {
                let help = "name two files, or one output of the project";
                Err(CommandError::usage(format!("cannot read `{name}`: {error}"), help))
            }
        }
    };
    match names {
        [one, other] => {
            let title = format!("{one} and {other}");
            Ok(Sides { title, one: side(one)?, other: side(other)? })
        }
        _ => Err(CommandError::usage("two files are compared, or one output", super::LOOK)),
    }
}

/// An output as it was made the last time, and as it was before it became another.
pub(super) fn of_output(
    call: &Invocation,
    loaded: &Loaded,
    shop: &Workshop,
    name: &str,
) -> Result<Sides, CommandError> {
    let project = &loaded.project;
    let seen = foresee_all(loaded, shop)?;
    let path = call.config.here.join(name);
    let path = path.canonicalize().unwrap_or(path);
    let mut found = project.outputs_called(name);
    if let Some(own) = found.iter().position(|output| output.name == name) {
        // What belongs to an output is not meant.
        found = vec![found[own]];
    }
    let output = match found.as_slice() {
        [one] => *one,
        [] => match project.outputs.iter().find(|output| project.root.join(&output.file) == path) {
            Some(output) => output,
            None => return Err(unknown(project, &seen.graph, name)),
        },
        many => {
            let names: Vec<String> = many.iter().map(|output| format!("`{}`", output.name)).collect();
            let help = format!("name one of {}", names.join(", "));
            return Err(CommandError::usage(format!("`{name}` is {} outputs", many.len()), help));
        }
    };
    if output.series.is_some() {
        let help = "keep a copy of its folder, and name one file of each";
        return Err(CommandError::usage(format!("`{name}` is a series of files"), help));
    }
    let behind = seen.graph.behind(output.node, output.port);
    let (node, port) = behind.first().copied().unwrap_or((output.node, output.port));
    let node = seen.graph.node(node);
    let port = &node.ports[port as usize].name;
    let history = project.history();
    let Some(past) = history.past(&node.name) else {
        let message = format!("output `{}` was never made", output.name);
        return Err(CommandError::usage(message, "build it, change something, and build again"));
    };
    let Some(before) = past.before() else {
        let message = format!("output `{}` was made in one way only", output.name);
        return Err(CommandError::usage(message, "change something and build again, or name two files"));
    };
    let maker = Maker { cache: &shop.cache, history: &history, port };
    Ok(Sides {
        title: format!("{}: the build before and the last", output.name),
        one: maker.side("the build before", &before)?,
        other: maker.side("the last build", &past.manifest())?,
    })
}

/// What a build made, looked up by what went into it.
struct Maker<'a> {
    cache: &'a Cache,
    history: &'a History,
    port: &'a str,
}

impl Maker<'_> {
    fn side(&self, name: &str, manifest: &Manifest) -> Result<Side, CommandError> {
        let stored = self.result(manifest).and_then(|result| result.port(self.port).cloned());
        let stored = stored.ok_or_else(|| {
            let message = format!("what {name} made is no longer in the cache");
            let help = "build again after a change; `reel help cache gc` tells what goes when";
            CommandError::usage(message, help)
        })?;
        Ok(Side { name: name.to_owned(), file: Source::Stored(stored), scenes: self.scenes(manifest) })
    }

    fn result(&self, manifest: &Manifest) -> Option<Box<ActionResult>> {
        match self.cache.lookup(&manifest.key().0) {
            Lookup::Hit(result) => Some(result),
            Lookup::Miss(_) => None,
        }
    }

    /// The scenes of which something was made, in their order; none where one is no longer known.
    fn scenes(&self, manifest: &Manifest) -> Vec<Scene> {
        let inputs = manifest.fields().iter().filter(|field| field.name.starts_with("input."));
        let made = inputs.filter_map(|field| {
            let (node, port) = field.note.as_deref()?.rsplit_once('.')?;
            (port == "plan").then(|| self.scene(node, &field.value))
        });
        made.collect::<Option<Vec<Scene>>>().unwrap_or_default()
    }

    /// What the node of a scene made when its plan had this digest.
    fn scene(&self, node: &str, digest: &str) -> Option<Scene> {
        let past = self.history.past(node)?;
        let manifests = [Some(past.manifest()), past.before()];
        manifests.iter().flatten().find_map(|manifest| {
            let result = self.result(manifest)?;
            let plan = result.port("plan").filter(|plan| plan.artifact.digest.to_string() == digest)?;
            Some(Scene { plan: plan.clone(), words: result.port("words")?.clone() })
        })
    }
}
