//! The book is whole, and what its pages show happens. It knows no page by its words.
//!
//! Sessions of pages are run in order, as `reel_tests::session` says; `REEL_UPDATE=1` writes what was said into the pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use reel_tests::pages::{blocks, book, shown};
use reel_tests::session::{Difference, amend, play};
use reel_tests::{has, repository};

/// Pages that are played at once.
const AT_ONCE: usize = 2;

#[test]
fn what_pages_show_is_what_happens() {
    const NAME: &str = "what_pages_show_is_what_happens";
    if !has(NAME, "ffmpeg") || !has(NAME, "zstd") {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the test")]
    let update = std::env::var_os("REEL_UPDATE").is_some();
    let open = Mutex::new(book());
    let found: Mutex<Vec<Difference>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(page) = open.lock().unwrap().pop() else { break };
                    let differences = play(&page);
                    if update {
                        amend(&page, &differences);
                    }
                    found.lock().unwrap().extend(differences);
                }
            });
        }
    });
    let found: Vec<String> = found.into_inner().unwrap().iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "REEL_UPDATE=1 writes what was said:\n{}", found.join("\n"));
}

/// A line that looks like a command runs: a prompt stands in consoles alone.
#[test]
fn every_prompt_of_the_book_is_in_a_console() {
    let mut prompts = 0;
    for block in book().iter().flat_map(|page| blocks(page)) {
        let has_prompt = block.text.lines().any(|line| line.starts_with("$ "));
        let is_console = block.language.split(' ').next() == Some("console");
        assert!(!has_prompt || is_console, "{}: a prompt in `{}`", block.place, block.language);
        prompts += usize::from(has_prompt);
    }
    assert!(prompts > 10, "{prompts}");
}

/// The targets of links in a text, anchors left out.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(|target| target.split('#').next().unwrap_or_default()).filter(|target| !target.is_empty())
}

#[test]
fn every_page_has_its_place_in_the_book_once() {
    let folder = repository().join("docs");
    let summary = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    let listed: Vec<PathBuf> = links(&summary).map(|target| folder.join(target)).collect();
    let distinct: BTreeSet<&PathBuf> = listed.iter().collect();
    assert_eq!(distinct.len(), listed.len(), "a page is listed twice");
    let pages: BTreeSet<PathBuf> =
        book().into_iter().filter(|page| page.file_name().is_some_and(|name| name != "SUMMARY.md")).collect();
    let pages: BTreeSet<&PathBuf> = pages.iter().collect();
    assert_eq!(distinct, pages, "SUMMARY.md and the pages differ");
    // What the builder of books takes from the summary: titles of parts, and items with one link each.
    for line in summary.lines().filter(|line| !line.is_empty()) {
        let item = line.trim_start().trim_start_matches("- ");
        let is_link = item.starts_with('[') && item.ends_with(".md)");
        assert!(line.starts_with("# ") || is_link, "SUMMARY.md: `{line}`");
    }
}

/// A book is read where the repository is not: links stay inside it, or are addresses.
#[test]
fn the_book_can_be_read_by_itself() {
    let folder = repository().join("docs");
    let settings = fs::read_to_string(folder.join("book.toml")).unwrap();
    assert!(
        settings.contains("src = \".\"\n") && settings.contains("build-dir = \"../target/"),
        "{settings}"
    );
    for page in book() {
        let text = fs::read_to_string(&page).unwrap();
        for target in links(&text).filter(|target| !target.contains("://")) {
            let outside = depth(&page, &folder) < target.matches("../").count();
            assert!(!outside, "{}: `{target}` is not in the book", shown(&page));
        }
    }
}

/// How many folders a page lies below the book's own.
fn depth(page: &Path, folder: &Path) -> usize {
    page.strip_prefix(folder).unwrap().components().count() - 1
}
