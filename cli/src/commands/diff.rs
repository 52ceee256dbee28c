//! `reel diff`: what is seen, heard and read differently in two builds of an output, or in two files. It measures
//! nothing: kinds do, in a small project of their own, so that what was compared once is known.

mod sides;
mod tell;

use std::fs;
use std::path::{Path, PathBuf};

use reel_engine::cache::{Placing, Stored, Unready};
use reel_engine::event::{Event, Observer};
use reel_engine::operation::{Failure, Registry};
use reel_engine::schedule::Settings;
use reel_engine::schedule::again::Afresh;
use reel_engine::session::{PROJECT_FILE, channel};
use reel_nodes::film::beside::Part;
use reel_nodes::film::compare::{Range, Report};
use serde_json::{Value, json};

use super::names::targets;
use crate::args::{Diff, Reading, Using};
use crate::capacity::enough;
use crate::config::today;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy, Site, Workshop};
use crate::ui::{print, print_json};
use sides::{Sides, of_files, of_output};

/// What is shown before and after a change, in thousandths of a second.
const AROUND: u64 = 500;
/// Where to look for what went wrong.
const LOOK: &str = "`reel help diff` tells what can be compared";

pub(super) fn run(call: &Invocation, args: &Diff) -> Result<Exit, CommandError> {
    let (sides, shop, registry) = match args.names.as_slice() {
        [output] => {
            let loaded = call.look(&args.reading)?;
            let shop = Workshop::open(call, &loaded)?;
            (of_output(call, &loaded, &shop, output)?, shop, loaded.registry)
        }
        files => {
            let registry = call.registry(Policy::default());
            let site = Site { root: &call.config.here, registry: &registry, watch: false };
            let shop = Workshop::with(call, site)?;
            (of_files(call, files)?, shop, registry)
        }
    };
    let bench = Bench { call, shop: &shop, registry: &registry, folder: shop.scratch().join("diff") };
    let report = bench.compare(&sides)?;
    let clip = match &args.clip {
        Some(path) => bench.clip(&report, &call.config.here.join(path))?,
        None => None,
    };
    if call.global.json {
        print_json(&tell::json(&sides, &report, clip.as_deref()));
    } else {
        let wanted = args.clip.is_some();
        print(&tell::text(call, &sides, &report, (clip.as_deref(), wanted)));
    }
    Ok(if report.same { Exit::Done } else { Exit::Failed })
}

/// Where two files lie beside each other, and what they are compared with.
struct Bench<'a> {
    call: &'a Invocation,
    shop: &'a Workshop,
    registry: &'a Registry,
    folder: PathBuf,
}

impl Bench<'_> {
    /// Puts both sides there, and finds what differs.
    fn compare(&self, sides: &Sides) -> Result<Report, CommandError> {
        fs::create_dir_all(&self.folder).map_err(|error| trouble(&error))?;
        let mut with = json!({ "one": "one", "other": "other" });
        for (name, words, side) in [("one", "words", &sides.one), ("other", "other_words", &sides.other)] {
            side.file.lay(self.shop, &self.folder.join(name))?;
            let mut scenes = Vec::with_capacity(side.scenes.len());
            for (index, scene) in side.scenes.iter().enumerate() {
                let (plan, said) = (format!("{name}.{index}.plan"), format!("{name}.{index}.words"));
                place(self.shop, &scene.plan, &self.folder.join(&plan))?;
                place(self.shop, &scene.words, &self.folder.join(&said))?;
                scenes.push(json!({ "plan": plan, "words": said }));
            }
            if !scenes.is_empty() {
                with[words] = Value::Array(scenes);
            }
        }
        let stored = self.make("compare", &with)?;
        let bytes = self.shop.cache.read(&stored).map_err(unready)?;
        serde_json::from_slice(&bytes).map_err(|error| trouble(&error))
    }

    /// A clip of all that is seen or heard differently; `None` where there is nothing of that to be seen.
    fn clip(&self, report: &Report, path: &Path) -> Result<Option<PathBuf>, CommandError> {
        let parts = parts(report);
        if parts.is_empty() || report.one.size.is_none() || report.one.fps.is_none() {
            return Ok(None);
        }
        let with = json!({ "one": "one", "other": "other", "parts": parts });
        let stored = self.make("beside", &with)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| trouble(&error))?;
        }
        self.shop.cache.place(&stored, path, Placing::Copy).map_err(unready)?;
        Ok(Some(path.to_owned()))
    }

    /// Makes one node of what lies there; gives the artifact of its first port.
    fn make(&self, kind: &str, with: &Value) -> Result<Stored, CommandError> {
        let text = json!({ "version": 1, "nodes": { "difference": { "uses": kind, "with": with } } });
        fs::write(self.folder.join(PROJECT_FILE), text.to_string()).map_err(|error| trouble(&error))?;
        let project = self.call.read(&self.folder, &Reading::default(), self.registry)?;
        let (nodes, _) = targets(&project, &[])?;
        let settings = Settings {
            capacity: enough(self.call, &project, &Using::default())?,
            keep_going: false,
            locked: false,
            offline: true,
            today: today(),
            afresh: Afresh::Nothing,
            backwards: false,
            later: Vec::new(),
        };
        let equipment = self.shop.equipment(self.registry);
        let (_interrupter, mut line) = channel();
        let mut heard = Heard::default();
        project.rehearse(&equipment, settings, &nodes, &mut heard, &mut line)?;
        if let Some(failure) = heard.0 {
            let help = failure.help.unwrap_or_else(|| LOOK.to_owned());
            return Err(CommandError::usage(format!("cannot compare: {}", failure.message), help));
        }
        let seen = project.foresee(&equipment, &nodes, &[])?;
        let stored = nodes.first().and_then(|id| seen.results.artifact(&seen.graph, *id, 0));
        stored.cloned().ok_or_else(|| {
            CommandError::usage(
                "what was compared cannot be kept in the cache",
                "`reel doctor` tells what is wrong with it",
            )
        })
    }
}

/// Why the node failed, if it did.
#[derive(Default)]
struct Heard(Option<Failure>);

impl Observer for Heard {
    fn observe(&mut self, event: &Event) {
        if let Event::DidFail { failure, .. } = event {
            self.0 = Some(failure.clone());
        }
    }
}

/// What a clip shows: each change with a little before and after it, each once.
fn parts(report: &Report) -> Vec<Part> {
    let around = AROUND * u64::from(report.fps.0) / (u64::from(report.fps.1.max(1)) * 1000);
    let mut ranges: Vec<&Range> = report.pictures.iter().chain(&report.sound).collect();
    ranges.sort_by_key(|range| (range.one.0, range.other.0));
    let wide = |(from, to): (u64, u64)| [from.saturating_sub(around), to + around];
    let mut parts: Vec<Part> = Vec::new();
    for range in ranges {
        let next = Part { one: wide(range.one), other: wide(range.other) };
        match parts.last_mut() {
            Some(last) if next.one[0] <= last.one[1] && next.other[0] <= last.other[1] => {
                last.one[1] = last.one[1].max(next.one[1]);
                last.other[1] = last.other[1].max(next.other[1]);
            }
            _ => parts.push(next),
        }
    }
    parts
}

/// Puts an artifact of the store at a path.
fn place(shop: &Workshop, stored: &Stored, path: &Path) -> Result<(), CommandError> {
    // A link costs nothing, and is never written to.
    shop.cache.place(stored, path, Placing::Link).map_err(unready)
}

fn unready(error: Unready) -> CommandError {
    match error {
        Unready::Lost(_) => CommandError::usage(
            "what is to be compared is no longer in the cache",
            "build again, and compare after the next change; `reel help cache gc` tells what goes when",
        ),
        Unready::Io { path, cause } => trouble(&format!("cannot write `{}`: {cause}", path.display())),
    }
}

/// The machine did not play along: as with `diff`, that is neither the same nor different.
fn trouble(error: &dyn ToString) -> CommandError {
    CommandError::usage(error.to_string(), "`reel doctor` tells what is missing here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_shows_each_change_once_with_a_little_around_it() {
        let range = |one, other| Range { one, other, ssim: None, lufs: (None, None) };
        let report = Report {
            fps: (30, 1),
            pictures: vec![range((10, 20), (10, 20)), range((300, 300), (300, 330))],
            sound: vec![range((25, 40), (25, 40))],
            ..Report::default()
        };
        let found = parts(&report);
        let expected = [Part { one: [0, 55], other: [0, 55] }, Part { one: [285, 315], other: [285, 345] }];
        assert_eq!(found, expected);
    }
}
