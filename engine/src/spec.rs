//! The project file as written, with places; names are not resolved yet. It knows no graph.

mod check;
mod checked;
mod instances;
pub(crate) mod keys;
mod parse;
mod reference;
mod scope;
mod typed;
mod value;
mod variables;

pub use check::check;
pub(crate) use check::{check_at, inner_path, wrong_name};
pub use checked::{Checked, InputBinding, InputSource};
pub use instances::{Instances, Picks, instance_name, label, name_parts};
pub use parse::parse_yaml;
pub(crate) use reference::unescape;
pub use reference::{escape, is_name, parse_reference};
pub(crate) use scope::{Scope, refers};
pub use typed::typed;
pub use value::{Located, Written};
pub(crate) use variables::Variables;

use crate::claim::{Allowance, GpuClaim};
use crate::span::{Span, Spanned};

/// A node as written, or as a front end or an expansion made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeDecl {
    /// Its name; made nodes have dots and slashes in theirs.
    pub name: Spanned<String>,
    /// Its kind; empty where the file does not say it, which has been reported.
    pub uses: Spanned<String>,
    /// Its parameters.
    pub with: Located,
    /// Nodes that must be done before, without data.
    pub needs: Vec<Spanned<String>>,
    /// Milliseconds it may run.
    pub timeout: Option<u64>,
    /// What it asks of the machine instead of its kind's default.
    pub resources: Option<Resources>,
    /// The whole of it.
    pub span: Span,
}

/// `resources:` of a node: only what is written replaces the kind's claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resources {
    /// Thousandths of a core.
    pub cpu_milli: Option<u32>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Whole GPUs, or a part of one.
    pub gpu: Option<GpuClaim>,
    /// Concurrent network transfers.
    pub network: Option<u32>,
    /// Places in named pools.
    pub pools: Vec<(String, u32)>,
}

/// An output as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputDecl {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it goes, relative to the project.
    pub file: Spanned<String>,
    /// The reference it takes its artifact from; `None` for an output that a front end binds.
    pub from: Option<Spanned<String>>,
    /// References whose artifacts come behind, where it is a series of files.
    pub more: Vec<Spanned<String>>,
    /// Nodes that must succeed before it is placed.
    pub needs: Vec<Spanned<String>>,
    /// All of it but `needs`, as written (a plain path becomes `{ file: PATH }`).
    pub written: Located,
}

/// One of the stories that a project is made into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variant {
    /// Where it stands.
    pub picks: Picks,
    /// Its sections of front ends.
    pub sections: Vec<(String, Located)>,
    /// Those of them, and `outputs`, that are wrong.
    pub unread: Vec<String>,
    /// Its outputs, as indexes into those of the spec.
    pub outputs: Vec<usize>,
}

/// A whole project as written: variables are filled in and sections checked, but no name is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spec {
    /// Version of the file format.
    pub version: u32,
    /// The project's name, if it has one.
    pub name: Option<Spanned<String>>,
    /// Nodes, in the order written; their `with:` is not checked yet.
    pub nodes: Vec<NodeDecl>,
    /// Outputs, in the order written.
    pub outputs: Vec<OutputDecl>,
    /// Sections that front ends own, as written.
    pub sections: Vec<(String, Located)>,
    /// Sections of front ends, and `outputs`, where they are wrong, which was reported.
    pub unread: Vec<String>,
    /// The stories that `matrix:` or `foreach:` at the top make of the project; with them, `sections` and `unread` are
    /// empty.
    pub variants: Vec<Variant>,
    /// What `matrix:` and `foreach:` made many of.
    pub instances: Instances,
    /// Declared environment variables and their values, by name.
    pub env: Vec<(String, String)>,
    /// What `capacity:` and `pools:` say of the machine.
    pub capacity: Allowance,
}
