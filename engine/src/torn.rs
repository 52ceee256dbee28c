//! The readers of whatever lies on the disk or comes through a pipe, on bytes that may be anything: what they must never
//! do is panic, and what they must never give is another thing than was written. For fuzzing and tests alone; it knows
//! no build.
//!
//! What is sealed by a digest is sealed here as well: otherwise no mutation would come behind the seal.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use crate::cache;
use crate::executor::frames::{FromWorker, Inbox, ToWorker, encode, read};
use crate::graph::resolve::resolve;
use crate::history::History;
use crate::operation::Registry;
use crate::read::{ReadOptions, artifact_rows, read_spec};
use crate::snapshot::{self, Snapshot, SnapshotKey};
use crate::span::Sources;

/// The YAML front: from text to a graph of no kinds. Every problem has its place in the text.
pub fn yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let env = |name: &str| (name.len() < 4).then(|| "${x.y}".to_owned());
    let options = ReadOptions { env: &env, set: &[("v".to_owned(), "1".to_owned())] };
    let (registry, mut sources) = (Registry::default(), Sources::default());
    let (spec, mut problems) = read_spec(text, Path::new("reel.yaml"), &registry, &options, &mut sources);
    if let Some(spec) = spec {
        let nodes = spec.nodes.into_iter().map(std::sync::Arc::new).collect();
        let _ = resolve(nodes, &registry, Path::new("/nonexistent"), &mut problems);
    } else {
        assert!(problems.has_errors(), "there is no spec, and nothing is told");
    }
    for label in problems.iter().flat_map(|problem| &problem.labels) {
        let (start, end) = (label.span.start as usize, label.span.end as usize);
        assert!(text.get(start..end).is_some(), "a place that is none: {start}..{end}");
        assert!(sources.line_column(label.span).is_some());
    }
}

/// Rows of a list that was made during the run; the first byte says of which type.
pub fn rows(bytes: &[u8]) {
    let Some((kind, text)) = bytes.split_first() else { return };
    let media = ["application/json", "text/csv", "text/tab-separated-values", "text/plain"];
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = artifact_rows(text, media[usize::from(*kind) % media.len()]);
    }
}

/// The body of a record: what reads back is what was written, to the byte.
pub fn record(bytes: &[u8]) {
    cache::read_body(bytes);
}

/// A snapshot with its log: the first four bytes say how long the snapshot is, the log follows. All that lies in it is
/// looked at.
pub fn snapshot(bytes: &[u8]) {
    let _ = snapshot_nodes(bytes);
}

/// How many nodes of a snapshot can be made again; `None` where it is none.
fn snapshot_nodes(bytes: &[u8]) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (main, log) = rest.split_at((u32::from_le_bytes(*length) as usize).min(rest.len()));
    let folder = tempfile::tempdir().ok()?;
    let key = SnapshotKey::of([("fuzz", b"".as_slice())]);
    snapshot::write_torn(folder.path(), key, main, log).ok()?;
    Some(Snapshot::open(folder.path(), key)?.walk())
}

/// The log of what nodes were: records by the length before each.
pub fn history(bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let sealed = crate::history::sealed(bytes);
    if std::fs::write(folder.path().join("history"), &sealed).is_err() {
        return;
    }
    let known = History::read(folder.path());
    for (_, past) in known.nodes() {
        let _ = (past.manifest(), past.before(), past.brief());
    }
    let _ = History::part(folder.path(), []);
}

/// The states of files.
pub fn files(bytes: &[u8]) {
    cache::read_states(bytes);
}

/// Messages between reel and its workers, whole and as they come.
pub fn frames(bytes: &[u8]) {
    let mut source = bytes;
    while let Ok(Some(message)) = read::<FromWorker>(&mut source) {
        if let Ok(frame) = encode(&message) {
            let again = read::<FromWorker>(&mut frame.as_slice());
            assert!(again.is_ok_and(|again| again.as_ref() == Some(&message)), "it is not what was sent");
        }
    }
    let mut source = bytes;
    while let Ok(Some(_)) = read::<ToWorker>(&mut source) {}
    let mut inbox = Inbox::default();
    for part in bytes.chunks(7) {
        inbox.fill(part);
        while let Ok(Some(_)) = inbox.take::<FromWorker>() {}
    }
}

/// What takes bytes that may be anything.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its corpus, too.
#[must_use]
pub fn targets() -> BTreeMap<&'static str, Target> {
    let all: [(&str, Target); 7] = [
        ("yaml", yaml),
        ("rows", rows),
        ("record", record),
        ("snapshot", snapshot),
        ("history", history),
        ("files", files),
        ("frames", frames),
    ];
    all.into()
}
