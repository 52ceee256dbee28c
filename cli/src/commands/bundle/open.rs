//! Unpacks a bundle: first everything is read and compared, then results go into the cache, then the project to its
//! place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reel_engine::cache::{Cache, Claimed, Facts, INLINE_LIMIT, Lookup};
use reel_engine::digest::Digest;
use reel_engine::operation::{Body, Outcome as Ran, Produced};
use serde_json::json;

use crate::args::Bundle;
use crate::bundle::contents::{Contents, Outcome};
use crate::bundle::read::{Opened, read};
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{bytes, count, print_error, print_json, print_line};

pub(super) fn run(call: &Invocation, args: &Bundle, folder: &Path) -> Result<Exit, CommandError> {
    let place = call.config.here.join(folder);
    let parent = is_free(&place)?;
    let failed = |error: std::io::Error| {
        CommandError::failed(format!("cannot write into `{}`: {error}", parent.display()))
    };
    fs::create_dir_all(&parent).map_err(failed)?;
    // Beside its place, so that it gets there whole.
    let beside = tempfile::Builder::new().prefix(".reel-open-").tempdir_in(&parent).map_err(failed)?;
    let files = beside.path().join("project");
    fs::create_dir(&files).map_err(failed)?;
    let scratch = call.scratch()?;
    let blobs = scratch.path().join("blobs");
    fs::create_dir(&blobs).map_err(failed)?;
    let opened = read(&call.config.here.join(&args.file), &files, &blobs).map_err(|refused| {
        let message = format!("`{}` cannot be opened: {refused}", args.file.display());
        CommandError::failed(message).help("nothing of it was kept")
    })?;
    let cache = call.cache(scratch.path());
    let _live = cache.begin_build();
    let known = keep(&cache, &opened, &blobs)?;
    cache.flush();
    cache.sync();
    fs::rename(&files, &place).map_err(failed)?;
    let others = others(call, &opened.contents);
    tell(call, args, folder, &opened.contents, known, &others);
    for warning in cache.take_warnings() {
        print_error(&format!("warning: {}\n", warning.message));
    }
    Ok(Exit::Done)
}

/// The folder that a new one may be made in.
fn is_free(place: &Path) -> Result<PathBuf, CommandError> {
    let is_empty = fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_none());
    match place.parent() {
        Some(parent) if is_empty || !place.exists() => Ok(parent.to_owned()),
        _ => Err(CommandError::usage(
            format!("`{}` is there already", place.display()),
            "name a folder that is not there yet, or an empty one",
        )),
    }
}

/// Records results that the cache does not have; how many it has.
fn keep(cache: &Cache, opened: &Opened, blobs: &Path) -> Result<usize, CommandError> {
    let mut wanted: BTreeMap<Digest, usize> = BTreeMap::new();
    for made in opened.outcomes.iter().flat_map(|outcome| &outcome.artifacts) {
        *wanted.entry(made.digest).or_default() += 1;
    }
    let lost = Arc::new(AtomicBool::new(false));
    let mut known = 0;
    for (entry, outcome) in opened.contents.results.iter().zip(&opened.outcomes) {
        let Lookup::Miss(miss) = cache.lookup(&entry.key) else {
            known += 1;
            continue;
        };
        // Somebody else who is making it now has it soon.
        let Claimed::Mine(ticket) = cache.claim(miss) else {
            known += 1;
            continue;
        };
        let unkept = |error: String| CommandError::failed(format!("cannot keep results: {error}"));
        let ran = ran(outcome, &mut wanted, blobs).map_err(|error| unkept(error.to_string()))?;
        let facts = Facts {
            kind: outcome.kind.clone(),
            cost_micros: outcome.cost,
            rank: outcome.rank,
            manifest: serde_json::to_vec(&outcome.manifest).map_err(|error| unkept(error.to_string()))?,
        };
        let told = Arc::clone(&lost);
        let committed = move |kept: bool| {
            told.fetch_or(!kept, Ordering::Relaxed);
        };
        ticket.commit(ran, facts, committed).map_err(|error| unkept(error.to_string()))?;
    }
    cache.flush();
    if lost.load(Ordering::Relaxed) {
        let why = cache.take_warnings().into_iter().next().map(|warning| warning.message);
        let why = why.unwrap_or_else(|| "the cache takes none".to_owned());
        return Err(CommandError::failed(format!("cannot keep results: {why}"))
            .help("choose another folder for them with `--cache-dir`"));
    }
    Ok(known)
}

/// What an action made, as if it had run; files are for the cache to take over, so those that several actions made
/// are copied for all but the last of them.
fn ran(outcome: &Outcome, wanted: &mut BTreeMap<Digest, usize>, blobs: &Path) -> std::io::Result<Ran> {
    let mut produced = Vec::with_capacity(outcome.artifacts.len());
    for made in &outcome.artifacts {
        let path = blobs.join(made.digest.to_string());
        let left = wanted.entry(made.digest).or_default();
        *left = left.saturating_sub(1);
        let body = if fs::metadata(&path)?.len() <= INLINE_LIMIT {
            Body::Bytes(fs::read(&path)?)
        } else if *left == 0 {
            Body::File(path)
        } else {
            let copy = blobs.join(format!("{}.{left}", made.digest));
            fs::copy(&path, &copy)?;
            Body::File(copy)
        };
        produced.push(Produced { port: made.port.clone(), media: made.media.clone(), body });
    }
    Ok(Ran { produced, graph: outcome.graph.clone(), log: outcome.log.clone(), ..Ran::default() })
}

/// Files and tools that results depend on, and that are others on this machine.
fn others(call: &Invocation, contents: &Contents) -> Vec<String> {
    let is_other = |(path, digest): &(&String, &Digest)| {
        !Digest::of_file(Path::new(path)).is_ok_and(|(found, _)| found == **digest)
    };
    let files = contents.outside.iter().filter(is_other).map(|(path, _)| path.clone());
    let toolbox = if contents.tools.is_empty() { Arc::default() } else { call.toolbox() };
    let tools =
        contents.tools.iter().filter(|(name, identity)| toolbox.identity(name) != Some(identity.as_str()));
    files.chain(tools.map(|(name, _)| name.clone())).collect()
}

fn tell(
    call: &Invocation,
    args: &Bundle,
    folder: &Path,
    contents: &Contents,
    known: usize,
    others: &[String],
) {
    let (files, results) = (contents.files.len(), contents.results.len());
    if call.global.json {
        print_json(&json!({
            "event": "opened",
            "file": args.file,
            "folder": folder,
            "project": contents.project,
            "targets": contents.targets,
            "set": contents.set,
            "files": files,
            "results": results,
            "known": known,
            "bytes": contents.bytes(),
            "others": others,
        }));
        return;
    }
    if !others.is_empty() {
        let what: Vec<String> = others.iter().map(|other| format!("`{}`", other.escape_debug())).collect();
        let message = format!("other on this machine than where it was packed: {}", what.join(", "));
        let paint = call.ui.err();
        print_error(&format!("{}: {message}\n", paint.warn("warning")));
        print_error(&format!("{}: what depends on them runs again\n", paint.help("help")));
    }
    if call.global.quiet {
        return;
    }
    let had = if known > 0 { format!(", of which {known} were known") } else { String::new() };
    let size = bytes(contents.bytes().unwrap_or_default());
    let (files, results) = (count(files, "file"), count(results, "result"));
    print_line(&format!("{}: {files} and {results}{had}, {size}", folder.display()));
    let set: String = contents.set.iter().map(|set| format!(" --set {}", quoted(set))).collect();
    let targets: String = contents.targets.iter().map(|name| format!(" {}", quoted(name))).collect();
    let folder = quoted(&folder.to_string_lossy());
    print_line(&format!("next: reel build -C {folder} --offline{set}{targets}"));
}

/// A word as a shell reads it. Whoever packed a bundle shall not write our command lines.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let shown: String = word.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("'{}'", shown.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_one_word_for_a_shell() {
        assert_eq!(quoted("out/short.mp4"), "out/short.mp4");
        assert_eq!(quoted("a'; rm -rf ~; '"), r"'a'\''; rm -rf ~; '\'''");
        assert_eq!(quoted("a\u{1b}[2Jb"), "'a\u{fffd}[2Jb'");
        assert_eq!(quoted(""), "''");
    }
}
