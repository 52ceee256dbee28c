//! The files that a spec is made of: `reel.yaml` and what it names before any node. They know no key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::paths::Root;
use crate::span::{SourceId, Sources, Span};

/// Reads the files of a spec, and remembers which.
pub(super) struct Files<'a> {
    /// The project's folder; `None` where there is only a text.
    pub(super) root: Option<Root<'a>>,
    /// Where their texts are kept, to show places in them.
    pub(super) sources: &'a mut Sources,
    /// Real places of all that were read.
    pub(super) read: Vec<PathBuf>,
}

/// The text of a file, and what its places are counted in.
pub(super) struct Text {
    pub(super) text: Arc<str>,
    pub(super) source: SourceId,
}

impl Files<'_> {
    /// The real place of a file that is named at `span`; what is wrong with it is reported.
    pub(super) fn find(&self, path: &str, span: Span, problems: &mut Diagnostics) -> Option<PathBuf> {
        if path.contains("${") {
            let message = format!("`{path}` is read before `${{…}}` is known");
            problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help("write the path itself"));
            return None;
        }
        let Some(root) = &self.root else {
            let message = format!("`{path}` cannot be read without a project");
            problems.push(Diagnostic::error(code::MISSING_FILE, span, message));
            return None;
        };
        root.find(path).map_err(|fault| problems.push(fault.diagnostic(path, span))).ok()
    }

    /// The text of a file that was found; it joins the sources as `shown`.
    pub(super) fn text(
        &mut self,
        real: &Path,
        shown: &str,
        span: Span,
        problems: &mut Diagnostics,
    ) -> Option<Text> {
        self.read.push(real.to_owned());
        let bytes = match std::fs::read(real) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("cannot read `{shown}`: {error}");
                problems.push(Diagnostic::error(code::MISSING_FILE, span, message));
                return None;
            }
        };
        let text: Arc<str> = utf8(bytes, shown, self.sources, problems)?.into();
        if u32::try_from(text.len()).is_err() {
            problems.push(Diagnostic::error(
                code::BAD_VALUE,
                span,
                format!("`{shown}` is larger than 4 GiB"),
            ));
            return None;
        }
        let source = self.sources.add(shown.into(), Arc::clone(&text));
        Some(Text { text, source })
    }
}

/// Bytes as text. What is not UTF-8 is reported at its first wrong byte, in `sources` as far as it can be shown.
pub(super) fn utf8(
    bytes: Vec<u8>,
    shown: &str,
    sources: &mut Sources,
    problems: &mut Diagnostics,
) -> Option<String> {
    let wrong = match String::from_utf8(bytes) {
        Ok(text) => return Some(text),
        Err(wrong) => wrong,
    };
    let start = u32::try_from(wrong.utf8_error().valid_up_to()).unwrap_or_default();
    let byte = wrong.as_bytes().get(start as usize).copied().unwrap_or_default();
    let source = sources.add(shown.into(), String::from_utf8_lossy(wrong.as_bytes()).into());
    let message = format!("`{shown}` is not text in UTF-8: the byte 0x{byte:02X} stands where none can");
    let problem = Diagnostic::error(code::YAML, Span { source, start, end: start }, message);
    problems.push(problem.help("save the file in UTF-8"));
    None
}
