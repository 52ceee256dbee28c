//! What happens, for everybody who looks at the page: all of the current build to who comes, the rest as it comes. It
//! knows no HTTP.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

/// How an object begins that says that a node's result was there.
const HIT: &str = "\"event\":\"did-hit\"";

/// The place where what happens is told, and heard.
#[derive(Clone, Default)]
pub(crate) struct Hub(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    began: Option<Instant>,
    /// How much happened since the page is there.
    happened: usize,
    /// What happened since the current build began.
    lines: Vec<String>,
    listeners: Vec<Sender<String>>,
    /// Outputs that were placed, by name.
    outputs: BTreeMap<String, PathBuf>,
}

impl Hub {
    /// A build begins.
    pub(crate) fn begin(&self) {
        let mut inner = self.lock();
        inner.began = Some(Instant::now());
        inner.lines.clear();
        drop(inner);
        self.tell("{\"event\":\"began\"}\n");
    }

    /// Something happened: an object of JSON, as `--json` writes it. What was there already is not passed on: there may be
    /// ten thousand of it in a build that runs two nodes, and the graph tells of it.
    pub(crate) fn tell(&self, line: &str) {
        let Some(fields) = line.trim_end().strip_prefix('{').filter(|fields| !fields.starts_with(HIT)) else {
            return;
        };
        let mut inner = self.lock();
        inner.note_outputs(line);
        inner.happened += 1;
        let at = inner.began.map_or(0, |began| began.elapsed().as_millis());
        let line = format!("{{\"at\":{at},{fields}");
        inner.listeners.retain(|listener| listener.send(line.clone()).is_ok());
        inner.lines.push(line);
    }

    /// How much happened so far: what was found out at the same number still holds.
    pub(crate) fn happened(&self) -> usize {
        self.lock().happened
    }

    /// What happened in the current build, and what will.
    pub(super) fn listen(&self) -> (Vec<String>, Receiver<String>) {
        let (sender, receiver) = mpsc::channel();
        let mut inner = self.lock();
        inner.listeners.push(sender);
        (inner.lines.clone(), receiver)
    }

    /// The file of an output.
    pub(super) fn output(&self, name: &str) -> Option<PathBuf> {
        self.lock().outputs.get(name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note_outputs(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Value>(line) else { return };
        let of = |value: &Value| {
            Some((value["name"].as_str()?.to_owned(), PathBuf::from(value["path"].as_str()?)))
        };
        match event["event"].as_str() {
            Some("did-publish") => self.outputs.extend(of(&event)),
            Some("finished") => {
                // Where all went well, what is not told of is no output any more.
                if event["failed"] == 0 && event["skipped"] == 0 && event["interrupted"] == false {
                    self.outputs.clear();
                }
                self.outputs.extend(event["outputs"].as_array().into_iter().flatten().filter_map(of));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_late_hears_all_of_the_build_and_then_what_comes() {
        let hub = Hub::default();
        hub.begin();
        hub.tell("{\"event\":\"did-publish\",\"name\":\"film\",\"path\":\"/p/film.mp4\"}\n");
        let (before, heard) = hub.listen();
        assert_eq!(before.len(), 2);
        assert!(before[1].contains("\"event\":\"did-publish\"") && before[1].starts_with("{\"at\":"));
        assert_eq!(hub.output("film"), Some("/p/film.mp4".into()));
        assert_eq!(hub.output("other"), None);
        hub.tell("{\"event\":\"did-hit\",\"node\":\"a\"}\n");
        hub.tell("{\"event\":\"did-run\"}\n");
        assert!(heard.try_recv().unwrap().ends_with("\"event\":\"did-run\"}"));
        hub.begin();
        assert_eq!(hub.listen().0.len(), 1, "another build");
    }
}
