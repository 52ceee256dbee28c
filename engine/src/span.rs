//! Where something was written: a file and a range of bytes. It knows no YAML.

use std::path::PathBuf;
use std::sync::Arc;

/// Index of a file in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceId(pub u32);

/// A range of bytes of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Which file.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// First byte after it.
    pub end: u32,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// The text of every file that was parsed, for drawing messages.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// One parsed file.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the user would name it, relative to the project.
    pub path: PathBuf,
    /// Its whole text.
    pub text: Arc<str>,
}

impl Sources {
    /// Adds a file and names it.
    pub fn add(&mut self, path: PathBuf, text: Arc<str>) -> SourceId {
        self.files.push(Source { path, text });
        SourceId(self.files.len() as u32 - 1)
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The file with this index.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// The file of a span and the line where it starts, such as `reel.yaml:24`.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<String> {
        let (line, _) = self.line_column(span)?;
        Some(format!("{}:{line}", self.get(span.source)?.path.display()))
    }

    /// Line and column of a span's start, both from 1, columns in characters.
    #[must_use]
    pub fn line_column(&self, span: Span) -> Option<(usize, usize)> {
        let text = &self.get(span.source)?.text;
        let before = text.get(..span.start as usize)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Some((line, column))
    }
}
