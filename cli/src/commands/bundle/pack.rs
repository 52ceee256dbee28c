//! What goes into a bundle: the project's files, and the results of all that its targets need.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reel_engine::cache::{ActionResult, Cache};
use reel_engine::digest::Digest;
use reel_engine::schedule::foresee::{Foresight, Standing};
use reel_engine::session::{Counts, Project};
use serde_json::json;

use super::super::names::{foresee, warn};
use super::super::phrase::list;
use crate::args::Bundle;
use crate::bundle::MAGIC;
use crate::bundle::contents::{Blob, Contents, Entry, FORMAT, Made, Outcome, Source, is_plain};
use crate::bundle::write::{Body, write};
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::ui::{bytes, count, print_json, print_line};

pub(super) fn run(call: &Invocation, args: &Bundle) -> Result<Exit, CommandError> {
    let file = call.config.here.join(&args.file);
    is_no_other(&file)?;
    let loaded = call.look(&args.reading)?;
    let project = &loaded.project;
    warn(call, project);
    let shop = Workshop::open(call, &loaded)?;
    // Nothing that is to be packed goes meanwhile.
    let _live = shop.cache.begin_build();
    let seen = foresee(&loaded, &shop, &args.targets)?;
    is_built(&seen)?;
    let mut packed = Packed::default();
    packed.sources(project, &seen)?;
    for id in seen.forecasts.keys() {
        if let Some(result) = seen.results.get(*id) {
            packed.result(&shop.cache, result, shop.scratch())?;
        }
    }
    let tools: BTreeSet<&String> = seen.forecasts.keys().flat_map(|id| &seen.graph.node(*id).tools).collect();
    let identity = |name: &String| Some((name.clone(), shop.toolbox.identity(name)?.to_owned()));
    let set = args.reading.set.iter().map(|(name, value)| format!("{name}={value}"));
    let contents = Contents {
        format: FORMAT,
        project: project.name.clone(),
        targets: args.targets.clone(),
        set: set.collect(),
        files: packed.files.values().map(|(source, _)| source.clone()).collect(),
        results: packed.results.values().map(|(entry, _)| entry.clone()).collect(),
        blobs: packed.blobs.values().map(|(blob, _)| blob.clone()).collect(),
        outside: std::mem::take(&mut packed.outside),
        tools: tools.into_iter().filter_map(identity).collect(),
    };
    let size = write(&file, &contents, &packed.bodies())
        .map_err(|error| CommandError::failed(format!("cannot write `{}`: {error}", args.file.display())))?;
    tell(call, args, &contents, size);
    Ok(Exit::Done)
}

/// A target that was given where the file belongs, or a mistyped name, shall cost nobody a file.
fn is_no_other(file: &Path) -> Result<(), CommandError> {
    let mut head = [0; MAGIC.len()];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut head));
    if !file.exists() || read.is_ok() && head == MAGIC {
        return Ok(());
    }
    Err(CommandError::usage(
        format!("`{}` is there already, and is no bundle", file.display()),
        "the bundle's file comes first, then what it is to make: `reel bundle film.reelbundle short`",
    ))
}

/// Whether every node has a result.
fn is_built(seen: &Foresight) -> Result<(), CommandError> {
    let is_open = |standing: Standing| !matches!(standing, Standing::Fresh | Standing::Cached);
    let open = seen.forecasts.values().filter(|forecast| is_open(forecast.standing));
    let open: Vec<&str> = open.map(|forecast| seen.graph.node(forecast.node).name.as_str()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let message = format!("{} not built as the project is now: {}", are(open.len()), list(&open, false));
    Err(CommandError::failed(message).help("run `reel build` first, with the same targets and `--set`"))
}

fn are(nodes: usize) -> String {
    format!("{} {}", count(nodes, "node"), if nodes == 1 { "is" } else { "are" })
}

/// What is packed, each by what it is sorted by, with where its bytes are.
#[derive(Default)]
struct Packed {
    files: BTreeMap<String, (Source, PathBuf)>,
    results: BTreeMap<Digest, (Entry, Vec<u8>)>,
    blobs: BTreeMap<Digest, (Blob, PathBuf)>,
    outside: BTreeMap<String, Digest>,
}

impl Packed {
    /// All files that the project was made of and that its nodes read.
    fn sources(&mut self, project: &Project, seen: &Foresight) -> Result<(), CommandError> {
        let root = &project.root;
        let known = project.dependencies().into_iter();
        let known = known.filter(|file| matches!(file.counts, Counts::Content(_))).map(|file| file.path);
        let read = seen.graph.files().iter().flat_map(|file| [file.path.clone(), root.join(&file.shown)]);
        let all: BTreeSet<PathBuf> = known.chain(read).filter(|path| path.is_file()).collect();
        for path in all {
            self.source(root, &path).map_err(|error| {
                CommandError::failed(format!("cannot pack `{}`: {error}", path.display()))
            })?;
        }
        Ok(())
    }

    fn source(&mut self, root: &Path, path: &Path) -> Result<(), String> {
        let (digest, size) = Digest::of_file(path).map_err(|error| error.to_string())?;
        let Ok(inside) = path.strip_prefix(root) else {
            self.outside.insert(path.display().to_string(), digest);
            return Ok(());
        };
        // As it is written in the one way: `a/./b` is `a/b`.
        let parts: Option<Vec<&str>> = inside.components().map(|part| part.as_os_str().to_str()).collect();
        let name = parts.ok_or("its path is not plain text")?.join("/");
        // A way through `..` leads to a file that is packed where it is.
        if name.split('/').any(|part| part == "..") {
            return Ok(());
        }
        if !is_plain(&name) {
            return Err("a bundle cannot have a file of this name".to_owned());
        }
        let mode = fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode();
        let source = Source { path: name.clone(), digest, size, executable: mode & 0o111 != 0 };
        self.files.insert(name, (source, path.to_owned()));
        Ok(())
    }

    /// What the cache knows of an action, with the bytes of what it made.
    fn result(&mut self, cache: &Cache, result: &ActionResult, scratch: &Path) -> Result<(), CommandError> {
        let lost = |what: &dyn std::fmt::Display| {
            let message = format!("the result of action {} cannot be packed: {what}", result.key.short());
            CommandError::failed(message)
                .help("`reel cache verify` drops what is damaged, and `reel build` makes it again")
        };
        for stored in &result.artifacts {
            let (digest, size) = (stored.artifact.digest, stored.artifact.size);
            let path = cache.materialise(stored, scratch).map_err(|error| lost(&error))?;
            let (found, _) = Digest::of_file(&path).map_err(|error| lost(&error))?;
            if found != digest {
                return Err(lost(&format!("the bytes of `{}` are damaged", stored.port)));
            }
            self.blobs.insert(digest, (Blob { digest, size }, path));
        }
        let manifest = cache.manifest(&result.key).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let outcome = Outcome {
            kind: result.kind.clone(),
            cost: result.cost_micros,
            rank: cache.rank(&result.key).unwrap_or_default(),
            artifacts: result
                .artifacts
                .iter()
                .map(|stored| Made {
                    port: stored.port.clone(),
                    media: stored.artifact.media.clone(),
                    digest: stored.artifact.digest,
                })
                .collect(),
            graph: result.graph.clone(),
            log: result.log.clone(),
            manifest: manifest.ok_or_else(|| lost(&"what went into its key is not recorded"))?,
        };
        if let Some(fault) = outcome.fault(&result.key) {
            return Err(lost(&fault));
        }
        let bytes = serde_json::to_vec(&outcome).map_err(|error| lost(&error))?;
        let entry = Entry { key: result.key, digest: Digest::of(&bytes), size: bytes.len() as u64 };
        self.results.insert(result.key, (entry, bytes));
        Ok(())
    }

    /// The bytes of all entries, in the order of the list.
    fn bodies(self) -> Vec<Body> {
        let files = self.files.into_values().map(|(_, path)| Body::File(path));
        let results = self.results.into_values().map(|(_, bytes)| Body::Bytes(bytes));
        let blobs = self.blobs.into_values().map(|(_, path)| Body::File(path));
        files.chain(results).chain(blobs).collect()
    }
}

fn tell(call: &Invocation, args: &Bundle, contents: &Contents, size: u64) {
    let (files, results) = (contents.files.len(), contents.results.len());
    if call.global.json {
        print_json(&json!({
            "event": "bundled",
            "file": args.file,
            "bytes": size,
            "files": files,
            "results": results,
            "blobs": contents.blobs.len(),
            "content-bytes": contents.bytes(),
            "outside": contents.outside,
        }));
    } else if !call.global.quiet {
        let (files, results) = (count(files, "file"), count(results, "result"));
        print_line(&format!("{}: {files} and {results}, {}", args.file.display(), bytes(size)));
        if !contents.outside.is_empty() {
            let outside = count(contents.outside.len(), "file");
            print_line(&format!(
                "not in it: {outside} of this machine that results depend on, such as fonts"
            ));
        }
    }
}
