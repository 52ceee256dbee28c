//! What a call of reel said. It knows no project.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

/// A finished call of reel.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

impl Ran {
    /// Panics unless all is there.
    #[must_use]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// All that was said.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// The lines of `--json`.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}\n{}", self.stderr))
            })
            .collect()
    }

    /// The events of one name.
    #[must_use]
    pub fn events_of(&self, name: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }

    /// The nodes of the events of one name, in the order of their names.
    #[must_use]
    pub fn nodes(&self, event: &str) -> BTreeSet<String> {
        let of = self.events_of(event);
        let names: BTreeSet<String> =
            of.iter().filter_map(|e| Some(e["node"].as_str()?.to_owned())).collect();
        assert_eq!(names.len(), of.len(), "a node has more than one `{event}`: {}", self.stdout);
        names
    }

    /// The nodes that ran.
    #[must_use]
    pub fn ran(&self) -> BTreeSet<String> {
        self.nodes("did-run")
    }

    /// The last line; panics unless it adds up, and agrees with the other lines.
    #[must_use]
    pub fn finished(&self) -> Finished {
        let events = self.events();
        let last = events.last().unwrap_or_else(|| panic!("nothing was printed: {}", self.stderr));
        assert_eq!(last["event"], "finished", "{}", self.stdout);
        let number = |key: &str| last[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {last}"));
        let finished = Finished {
            planned: number("planned"),
            ran: number("ran"),
            cached: number("cached"),
            skipped: number("skipped"),
            failed: number("failed"),
            outputs: last["outputs"].as_array().into_iter().flatten().map(|o| path_of(&o["path"])).collect(),
        };
        let sum = finished.ran + finished.cached + finished.skipped + finished.failed;
        assert_eq!(finished.planned, sum, "the last line does not add up: {last}");
        assert_eq!(finished.ran, self.ran().len() as u64, "{}", self.stdout);
        assert_eq!(finished.failed, self.nodes("did-fail").len() as u64, "{}", self.stdout);
        finished
    }

    /// Panics unless nothing ran and `finished` is all that was said.
    pub fn assert_nothing_ran(&self) {
        let finished = self.finished();
        assert_eq!((finished.ran, finished.failed, finished.skipped), (0, 0, 0), "{}", self.stdout);
        assert_eq!(self.events().len(), 1, "{}", self.stdout);
    }

    /// Panics unless exactly these nodes ran.
    #[track_caller]
    pub fn assert_ran(&self, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(|&name| name.to_owned()).collect();
        let ran = self.ran();
        let more: Vec<_> = ran.difference(&expected).collect();
        let less: Vec<_> = expected.difference(&ran).collect();
        assert!(more.is_empty() && less.is_empty(), "ran, and should not: {more:?}; did not run: {less:?}");
        let finished = self.finished();
        assert_eq!(finished.cached, finished.planned - ran.len() as u64, "all others are hits");
    }
}

fn path_of(value: &Value) -> PathBuf {
    PathBuf::from(value.as_str().unwrap_or_default())
}

/// The last line of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Nodes in all.
    pub planned: u64,
    /// Those that ran.
    pub ran: u64,
    /// Those that were found.
    pub cached: u64,
    /// Those that were not tried.
    pub skipped: u64,
    /// Those that failed.
    pub failed: u64,
    /// The files that were asked for.
    pub outputs: Vec<PathBuf>,
}
