//! From the text of a project file to a [`Spec`], with every error of the file in one run. It reads no disk and
//! knows no graph.

use std::path::Path;

use crate::diagnostic::Diagnostics;
use crate::operation::{Operation, Registry};
use crate::span::Sources;
use crate::spec::{Checked, NodeDecl, Spec};

/// What comes from outside the file.
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    /// The value of an environment variable; asked only for names that the file declares.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Values for `vars:` that replace those of the file (`--set k=v`).
    pub set: &'a [(String, String)],
}

/// Reads a project file. The text joins `sources` under `path`, as the user would name it.
pub fn read_spec(
    text: &str,
    path: &Path,
    registry: &Registry,
    options: &ReadOptions<'_>,
    sources: &mut Sources,
) -> (Option<Spec>, Diagnostics) {
    let _ = (text, path, registry, options, sources);
    (None, Diagnostics::default())
}

/// Checks `with:` of a node against its kind; problems are reported, and then it is `None`.
pub fn check_with(decl: &NodeDecl, operation: &dyn Operation, problems: &mut Diagnostics) -> Option<Checked> {
    crate::spec::check(&decl.with, operation.schema(), problems)
}
