//! A problem in the user's files as data. It draws nothing: how a problem looks is the terminal's affair.

use serde::Serialize;

use crate::span::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is run.
    Error,
    /// Said, and built all the same.
    Warning,
}

/// A stable number for a class of problems, listed in `docs/errors.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Code(pub &'static str);

/// Every code, with its one-line title; `docs/errors.md` explains each.
pub mod code {
    use super::Code;

    macro_rules! codes {
        ($($(#[doc = $doc:literal])* $name:ident = $code:literal;)*) => {
            $($(#[doc = $doc])* pub const $name: Code = Code($code);)*
            /// Code and title of each, in order.
            pub const ALL: &[(Code, &str)] = &[$((Code($code), concat!($($doc),*))),*];
        };
    }
    codes! {
        /// the file is not YAML
        YAML = "R001";
        /// a key that reel does not know
        UNKNOWN_KEY = "R002";
        /// a key that must be there is missing
        MISSING_KEY = "R003";
        /// a value of the wrong type
        WRONG_TYPE = "R004";
        /// a quantity without or with a wrong unit
        WRONG_UNIT = "R005";
        /// a value outside what is allowed
        BAD_VALUE = "R006";
        /// a variable that is not declared
        UNKNOWN_VARIABLE = "R007";
        /// a kind that reel does not know
        UNKNOWN_KIND = "R008";
        /// a node or group that does not exist
        UNKNOWN_NODE = "R009";
        /// a port that the node does not have
        UNKNOWN_PORT = "R010";
        /// nodes that need each other in a circle
        CYCLE = "R011";
        /// a port of the wrong type
        PORT_TYPE = "R012";
        /// a file that is missing or cannot be read
        MISSING_FILE = "R013";
        /// a path that leaves the project
        OUTSIDE = "R014";
        /// two things with one name
        DUPLICATE = "R015";
        /// an output that two targets write
        OUTPUT_CLASH = "R016";
        /// a font that is not there
        MISSING_FONT = "R017";
        /// a character that no declared font can draw
        MISSING_GLYPH = "R018";
        /// text with nothing to say or show
        EMPTY_TEXT = "R019";
        /// a command in a project that is not trusted
        UNTRUSTED = "R020";
        /// a file that is not what its place wants
        WRONG_CONTENT = "R021";
        /// a claim that this machine can never meet
        CLAIM = "R022";
        /// a command or an encoder that this machine does not have
        MISSING_TOOL = "R023";
        /// a transition that does not fit its scene
        TRANSITION = "R024";
        /// a version of the file format that this reel does not know
        VERSION = "R025";
        /// no project here
        NO_PROJECT = "R026";
        /// a lock file that cannot be read
        LOCKED = "R027";
        /// files that include each other in a circle
        INCLUDE = "R028";
    }
}

/// A place and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there; may be empty.
    pub message: String,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Its class.
    pub code: Code,
    /// One line, lower case, the user's words in backticks.
    pub message: String,
    /// The first is the place; others show what it clashes with.
    pub labels: Vec<Label>,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            labels: vec![Label { span, message: String::new() }],
            help: None,
        }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// An error that has no place in a file.
    #[must_use]
    pub fn general(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), labels: Vec::new(), help: None }
    }

    /// What to write under the caret.
    #[must_use]
    pub fn label(mut self, message: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.message = message.into();
        }
        self
    }

    /// Another place that belongs to it.
    #[must_use]
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// What to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What to do next, when there is something to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// Collects problems, so that all of them are reported in one run.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

/// How far back a problem is looked for that was told already: the same fault comes soon again or never, and a file
/// may have a fault in each of a hundred thousand rows.
const NEAR: usize = 256;

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let near = &self.0[self.0.len().saturating_sub(NEAR)..];
        if !near.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Whether there are more than anybody reads at once.
    #[must_use]
    pub const fn are_many(&self) -> bool {
        self.0.len() >= NEAR
    }

    /// Whether an error is among them.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// All, in the order of the file.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|d| d.labels.first().map(|l| (l.span.source.0, l.span.start)));
        self.0
    }

    /// All, in the order of the file; with `many`, one of those that have one place and one class, since they are
    /// the same fault in each of many instances.
    #[must_use]
    pub fn told_once(self, many: bool) -> Vec<Diagnostic> {
        let mut all = self.sorted();
        if many {
            let mut seen = std::collections::BTreeSet::new();
            let place =
                |d: &Diagnostic| d.labels.first().map(|l| (l.span.source.0, l.span.start, l.span.end));
            all.retain(|problem| place(problem).is_none_or(|place| seen.insert((problem.code, place))));
        }
        all
    }

    /// All, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over all of another collection.
    pub fn extend(&mut self, other: Self) {
        for diagnostic in other.0 {
            self.push(diagnostic);
        }
    }
}

/// The name among `known` that is nearest to `wrong`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count() / 3).max(1) + 1;
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}
