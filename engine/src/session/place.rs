//! Outputs at their places once they are made: one file, or a series of them, and made again what was lost. It runs the
//! build and decides nothing of it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Summary;
use crate::cache::{Cache, FileStates};
use crate::event::Event;
use crate::graph::Graph;
use crate::id::NodeId;
use crate::output::{self, Output, Placed, Whole};
use crate::schedule::Build;

/// What came of the files of an output.
enum Put {
    /// All are there.
    There(Files),
    /// What these nodes made is gone.
    Lost(Vec<NodeId>),
}

/// Files that are at their places.
#[derive(Default)]
struct Files {
    /// Whether one was written.
    written: bool,
    bytes: u64,
}

impl Files {
    fn add(&mut self, more: &Self) {
        self.written |= more.written;
        self.bytes += more.bytes;
    }
}

/// Runs the build and places outputs until nothing is lost any more.
pub(super) fn drive(
    build: &mut Build<'_>,
    cache: &Cache,
    files: &FileStates,
    root: &Path,
    outputs: &[Output],
) -> Summary {
    let mut placed: Vec<Option<PathBuf>> = vec![None; outputs.len()];
    let mut failed: Vec<&str> = Vec::new();
    // What is known of series of which some files are outputs here.
    let mut series: BTreeMap<&str, (&Arc<Whole>, Files)> = BTreeMap::new();
    loop {
        build.run();
        if build.was_superseded() {
            break;
        }
        // While outputs are placed, and all else is written down that is to be known of this build.
        cache.begin_sync();
        let mut lost = Vec::new();
        let read = read_by_nodes(build.graph(), root);
        for (output, place) in outputs.iter().zip(&mut placed) {
            if place.is_some() || !is_ready(build, output) || failed.contains(&output.name.as_str()) {
                continue;
            }
            match put(build, cache, files, (root, &read), output) {
                Ok(Put::Lost(nodes)) => lost.extend(nodes),
                Ok(Put::There(found)) => {
                    let path = root.join(&output.file);
                    match &output.of {
                        Some(of) => series.entry(&of.name).or_insert((of, Files::default())).1.add(&found),
                        None => publish(build, &output.name, &path, &found),
                    }
                    *place = Some(path);
                }
                Err(message) => {
                    let name = output.name.clone();
                    build.observer().observe(&Event::DidNotPublish { name, message });
                    failed.push(&output.name);
                }
            }
        }
        if lost.is_empty() || build.was_interrupted() {
            break;
        }
        lost.sort_unstable();
        lost.dedup();
        for node in lost {
            build.make_again(node);
        }
    }
    for (of, found) in series.values() {
        publish(build, &of.name, &root.join(&of.file), found);
    }
    let mut missing: Vec<String> = Vec::new();
    for (output, _) in outputs.iter().zip(&placed).filter(|(_, place)| place.is_none()) {
        let name = output.of.as_ref().map_or(&output.name, |of| &of.name);
        if missing.last() != Some(name) {
            missing.push(name.clone());
        }
    }
    Summary {
        tally: build.tally(),
        outputs: outputs
            .iter()
            .zip(&placed)
            .filter_map(|(o, p)| Some((o.name.clone(), p.clone()?)))
            .collect(),
        missing,
        unknown: Vec::new(),
        interrupted: build.was_interrupted(),
        superseded: build.was_superseded(),
        files: Vec::new(),
        texts: Vec::new(),
        changed: build.unsteady().iter().cloned().collect(),
    }
}

/// Whether an output may be placed: all of it is made, and all that it needs has succeeded.
fn is_ready(build: &Build<'_>, output: &Output) -> bool {
    let graph = build.graph();
    let needed = output.needs.iter().flat_map(|node| graph.whole(*node));
    let parts = output.series.iter().flat_map(|_| output.ports());
    let parts = parts.flat_map(|(node, port)| {
        std::iter::once(node).chain(graph.behind(node, port).into_iter().map(|(behind, _)| behind))
    });
    std::iter::once(output.node).chain(needed).chain(parts).all(|node| build.state(node).is_done())
}

/// The files that nodes read, by all their names; those that an expansion made read files that nobody knew before.
fn read_by_nodes(graph: &Graph, root: &Path) -> HashSet<PathBuf> {
    if graph.nodes().all(|(_, node)| node.maker.is_none()) {
        // Then it was looked at when the project was read.
        return HashSet::new();
    }
    graph.files().iter().flat_map(|file| file.ways(root).chain([file.path.clone()])).collect()
}

/// Puts all files of an output to their places, none of which is `read` by a node. Of a series, what a longer one left behind goes when the rest is there.
fn put(
    build: &Build<'_>,
    cache: &Cache,
    files: &FileStates,
    (root, read): (&Path, &HashSet<PathBuf>),
    output: &Output,
) -> Result<Put, String> {
    let (mut there, mut lost) = (Files::default(), Vec::new());
    let name = &output.name;
    let cannot = |file: &str, error| {
        format!(
            "cannot write output `{name}` to `{file}`: {error}; make its place writable, or give it another `file`"
        )
    };
    let all = output.files(build.graph());
    if let Some(file) = all.iter().find(|file| read.contains(&root.join(&file.file))) {
        let file = &file.file;
        return Err(format!(
            "output `{name}` would be written over `{file}`, which a node reads; give it another `file`"
        ));
    }
    for file in &all {
        let found = build.results().artifact(build.graph(), file.node, file.port);
        let stored = found.ok_or_else(|| format!("output `{}` has no artifact", output.name))?;
        match output::place(cache, files, root, &file.file, stored)
            .map_err(|error| cannot(&file.file, error))?
        {
            Placed::Lost => lost.push(file.node),
            Placed::Written(_) => there.add(&Files { written: true, bytes: stored.artifact.size }),
            Placed::Unchanged(_) => there.add(&Files { written: false, bytes: stored.artifact.size }),
        }
    }
    if !lost.is_empty() {
        return Ok(Put::Lost(lost));
    }
    if let Some(series) = &output.series {
        let removed = output::remove_behind(root, &series.names, all.len() as u64);
        there.written |= removed.map_err(|error| cannot(&output.file, error))? > 0;
    }
    Ok(Put::There(there))
}

fn publish(build: &mut Build<'_>, name: &str, path: &Path, found: &Files) {
    let event = Event::DidPublish {
        name: name.to_owned(),
        path: path.to_owned(),
        written: found.written,
        bytes: found.bytes,
    };
    build.observer().observe(&event);
}
