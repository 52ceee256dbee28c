//! The contract of executors: inputs by path and digest, operation, parameters → outcome or failure.
//! It knows no graph, no cache and no slots.

pub mod frames;
pub mod inline;
pub mod serve;
pub mod toolbox;
pub mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::artifact::{InputFile, Port};
use crate::operation::{Failure, Operation, Outcome, Site};

/// Number of one execution within a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// One action, ready to run.
#[derive(Clone)]
pub struct Request {
    /// Names it in reports.
    pub id: RunId,
    /// Name of the node, for logs only.
    pub node: String,
    /// The code behind it.
    pub operation: Arc<dyn Operation>,
    /// Canonical parameters.
    pub params: Arc<Value>,
    /// Artifacts by slot.
    pub inputs: Vec<(String, Vec<InputFile>)>,
    /// What it must produce.
    pub ports: Vec<Port>,
    /// A private folder, which exists and is empty; whoever asked deletes it.
    pub scratch: PathBuf,
    /// Longest time it may run; `None` for no limit.
    pub deadline: Option<Duration>,
    /// What drivers call the GPUs that it may use. Never in a key.
    pub gpus: Vec<String>,
}

/// What an executor tells about a run.
#[derive(Debug)]
pub enum Report {
    /// How far it is, in thousandths.
    Progress(RunId, u16),
    /// It ended.
    Finished(RunId, Result<Outcome, Failure>),
}

/// Takes reports; called from any thread, must not block for long.
pub type ReportSink = Arc<dyn Fn(Report) + Send + Sync>;

/// Runs actions.
pub trait Executor: Send + Sync {
    /// Starts an action and returns at once; exactly one [`Report::Finished`] follows.
    fn start(&self, request: Request, sink: ReportSink);
    /// Asks a run to end; it still reports, as cancelled.
    fn cancel(&self, id: RunId);
    /// Ends everything: politely within `grace`, then by force. Returns when nothing is left running.
    fn shutdown(&self, grace: Duration);
}

/// Sends each action where its kind runs.
pub struct Executors {
    inline: Arc<dyn Executor>,
    worker: Arc<dyn Executor>,
}

impl Executors {
    /// One executor for each site.
    #[must_use]
    pub fn new(inline: Arc<dyn Executor>, worker: Arc<dyn Executor>) -> Self {
        Self { inline, worker }
    }
}

impl Executor for Executors {
    fn start(&self, request: Request, sink: ReportSink) {
        match request.operation.info().site {
            Site::Inline => self.inline.start(request, sink),
            Site::Worker => self.worker.start(request, sink),
        }
    }

    fn cancel(&self, id: RunId) {
        self.inline.cancel(id);
        self.worker.cancel(id);
    }

    fn shutdown(&self, grace: Duration) {
        std::thread::scope(|scope| {
            scope.spawn(|| self.worker.shutdown(grace));
            self.inline.shutdown(grace);
        });
    }
}
