//! The pages that people read, and the fenced blocks in them. It knows no command and no wording.

use std::fs;
use std::path::{Path, PathBuf};

use crate::repository;

/// A fenced block.
#[derive(Debug, Clone)]
pub struct Block {
    /// What stands behind the fence.
    pub language: String,
    /// What stands in it.
    pub text: String,
    /// The number of its fence's line, counted from 1.
    pub line: usize,
    /// File and line.
    pub place: String,
}

/// Every page of the book, from its own folder on.
#[must_use]
pub fn book() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    below(&repository().join("docs"), &mut pages);
    pages.sort();
    pages
}

fn below(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of pages").flatten() {
        let path = entry.path();
        if path.is_dir() {
            below(&path, pages);
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
}

/// All pages: the book, and those that stand beside what they are about.
#[must_use]
pub fn pages() -> Vec<PathBuf> {
    let root = repository();
    let mut pages = book();
    pages.extend(["README.md", "CONTRIBUTING.md", "benches/README.md"].map(|page| root.join(page)));
    let examples = fs::read_dir(root.join("examples")).expect("the examples").flatten();
    pages.extend(examples.map(|example| example.path().join("README.md")));
    pages.retain(|page| page.is_file());
    pages.sort();
    pages
}

/// A page's path as people write it.
#[must_use]
pub fn shown(page: &Path) -> String {
    page.strip_prefix(repository()).unwrap_or(page).display().to_string()
}

/// The blocks of a page, in order.
#[must_use]
pub fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).expect("a page can be read");
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let place = format!("{}:{number}", shown(page));
                open =
                    Some(Block { language: language.to_owned(), text: String::new(), line: number, place });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a fence is not closed", shown(page));
    blocks
}
