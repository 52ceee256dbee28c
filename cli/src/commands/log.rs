//! `reel log`: what a node said when its last result was made, or when it failed.

use std::collections::BTreeMap;

use reel_engine::cache::{Cache, Lookup};
use reel_engine::graph::Node;
use reel_engine::history::History;
use reel_engine::operation::Failure;
use reel_engine::session::STATE_FOLDER;
use serde_json::json;

use super::names::{foresee_all, meant};
use crate::args::{Log, Reading};
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::report::failures::Failures;
use crate::ui::{Paint, add, print, print_json, spell};

/// What is known of one node's last run.
pub(super) struct Entry {
    node: String,
    kind: &'static str,
    /// How it went, in words.
    pub(super) words: String,
    pub(super) log: String,
}

/// What is known of the last runs of the nodes that a name means, and a line of those that are not there yet.
fn entries(
    call: &Invocation,
    reading: &Reading,
    name: &str,
) -> Result<(Vec<Entry>, Option<String>), CommandError> {
    let loaded = call.look(reading)?;
    let shop = Workshop::open(call, &loaded)?;
    let project = &loaded.project;
    let seen = foresee_all(&loaded, &shop)?;
    let failures = Failures::read(&project.root.join(STATE_FOLDER));
    let history = project.history();
    // An output may be called as a node is; only what a node said can be told.
    let (nodes, note) = match seen.graph.find(name) {
        Some(node) => (vec![node], None),
        None => meant(project, &seen.graph, name)?,
    };
    let entries = nodes.into_iter().map(|id| entry(seen.graph.node(id), &failures, &history, &shop.cache));
    Ok((entries.collect(), note))
}

/// What is known of the last run of a node.
pub(super) fn entry(
    node: &Node,
    failures: &BTreeMap<String, Failure>,
    history: &History,
    cache: &Cache,
) -> Entry {
    let (words, log) = if let Some(failure) = failures.get(&node.name) {
        (format!("failed: {}", failure.message), failure.log.clone())
    } else if let Some(past) = history.past(&node.name) {
        match cache.lookup(&past.key.0) {
            Lookup::Hit(result) => {
                let took = spell(std::time::Duration::from_micros(result.cost_micros));
                (format!("made in {took}"), result.log)
            }
            Lookup::Miss(_) => ("its result is no longer in the cache".to_owned(), String::new()),
        }
    } else {
        ("it never ran in this project".to_owned(), String::new())
    };
    Entry { node: node.name.clone(), kind: node.kind(), words, log }
}

pub(super) fn run(call: &Invocation, args: &Log) -> Result<Exit, CommandError> {
    let (entries, note) = entries(call, &args.reading, &args.name)?;
    if let Some(note) = note.filter(|_| !call.global.json) {
        print(&note);
    }
    for entry in entries {
        if call.global.json {
            let line = json!({
                "event": "log",
                "node": entry.node,
                "kind": entry.kind,
                "result": entry.words,
                "log": entry.log,
            });
            print_json(&line);
        } else {
            print(&entry.text(call.ui.out()));
        }
    }
    Ok(Exit::Done)
}

impl Entry {
    fn text(&self, paint: Paint) -> String {
        let mut text = format!("{} ({}): {}\n", paint.bold(&self.node), self.kind, self.words);
        if self.log.trim().is_empty() {
            add(&mut text, format_args!("  {}\n", paint.dim("it said nothing")));
        }
        for line in self.log.lines() {
            add(&mut text, format_args!("  {line}\n"));
        }
        text
    }
}
