//! The simple part of YAML beside the library: what it knows, it knows in the same way.

use std::path::Path;

use super::super::by_library;
use super::*;
use crate::diagnostic::Diagnostics;

/// Reads a text in both ways; whether this one knew it.
fn agrees(text: &str) -> bool {
    let source = SourceId(3);
    let Some(simple) = read(text, source) else { return false };
    let mut problems = Diagnostics::default();
    let whole = by_library(text, source, &mut problems);
    let told: Vec<_> = problems.iter().map(|problem| problem.message.clone()).collect();
    assert_eq!((Some(simple), told), (whole, Vec::new()), "{text}");
    true
}

#[test]
fn what_projects_are_written_in_is_read() {
    let known = [
        "version: 1\nname: eclipse\n",
        "# first\n\nvars: { voice: en-us, n: 1.50 } # behind\n",
        "a:\n  - { b: [1, -2, x y], c: \"${d.e}\" }\n  - it's\n  -   k: v\n      l: [\n        1,\n        2 ]\n",
        "a:\n- b\n- c: d\n  e:\n  - f\ng: 'it''s'",
        "a: http://x.y/z#part\nb: 0.5s\nc: \"\\\"\\n\\t/\\\\é\"\nd: -18dB\ne: 30000/1001\nf: 12:30\n",
        "a: []\nb: {}\nc: [a, ]\nd: [[], { x: {} }]\ne: true\nf: 1e999x\n",
        "nodes:\n  a: { uses: text, with: { parts: [{ file: t/0.txt }] } }\n\n  # then\n  b-1.c:\n    uses: x\n",
        "- - a\n  - b\n-   - c\n",
    ];
    for text in known {
        assert!(agrees(text), "{text}");
    }
}

#[test]
fn what_is_not_surely_simple_is_left() {
    let left = [
        "",
        "a",
        "a:",
        "a: b\n c",
        "a: |\n  b\n",
        "a: &x b",
        "a: *x",
        "a: !!str b",
        "a: b\na: c",
        "a:\tb",
        "a: b\r\n",
        "---\na: b",
        "a: b\n...\n",
        "a: b: c",
        "? a\n: b",
        "true: a",
        "a: 0x1f\nb: 012",
        "a: 1_000\nb: +5",
        "a: ~",
        "a: NULL",
        "a: \"b\n  c\"",
        "a: [b",
        "a: {b}",
        "a: {b: }",
        "a: [b: c]",
        "a: [-]",
        "a: @b",
        "a: \"b\"c",
        "a: b\n  c: d",
        "  a: b\nc: d",
        "a: [b # c\n  ]",
        "<<: { a: b }",
        "a:\n  b: c\n d: e",
        "a: \u{2028}",
        "a: \u{85}",
        "a: {b: c}, d",
        "a: [\n]",
    ];
    for text in left {
        // Some of these it may know, as long as it knows them right.
        agrees(text);
    }
    for text in ["", "a:", "a: b\n c", "a: |\n  b\n", "a: &x b", "a: b\na: c", "---\na: b", "a: [b # c\n  ]"]
    {
        assert!(read(text, SourceId(0)).is_none(), "{text}");
    }
}

#[test]
fn projects_of_this_repository_are_read_in_the_same_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut all, mut known) = (0, 0);
    let mut open = vec![root.join("examples"), root.join("tests"), root.join("nodes"), root.join("cli")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                all += 1;
                known += usize::from(agrees(&text));
            }
        }
    }
    assert!(known * 2 > all && all > 0, "{known} of {all} are simple");
}

/// Numbers that look like chance, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn scalar(&mut self) -> String {
        self.one(&[
            "a",
            "word",
            "two words",
            "1",
            "-2.5",
            "0.5s",
            "true",
            "'it''s'",
            "\"x\\ny\"",
            "\"${a.b}\"",
            "x#y",
            "a-b/c.d",
            "é ü",
            "a:b",
            "\"a: b\"",
            "30000/1001",
            "nan",
            "''",
        ])
        .to_owned()
    }

    fn flow(&mut self, depth: usize) -> String {
        let count = self.below(4);
        let open = self.one(&["", " ", "\n            "]);
        match self.below(if depth > 2 { 1 } else { 3 }) {
            0 => self.scalar(),
            1 => {
                let items: Vec<String> = (0..count).map(|_| self.flow(depth + 1)).collect();
                format!("[{open}{}]", items.join(", "))
            }
            _ => {
                let entries: Vec<String> =
                    (0..count).map(|n| format!("k{n}: {}", self.flow(depth + 1))).collect();
                format!("{{{open}{} }}", entries.join(","))
            }
        }
    }

    fn block(&mut self, indent: usize, depth: usize, out: &mut String) {
        let is_list = self.below(3) == 0;
        for number in 0..=self.below(3) {
            let begin = if is_list { "-".to_owned() } else { format!("k{number}:") };
            out.push_str(&" ".repeat(indent));
            out.push_str(&begin);
            match self.below(if depth > 3 { 2 } else { 4 }) {
                0 | 1 => {
                    let value = self.flow(0);
                    let end = self.one(&["", "", "", "  ", " # c", "\n", "\n  # d"]);
                    out.extend([" ", &value, end, "\n"]);
                }
                _ if is_list => {
                    let mut inner = String::new();
                    self.block(indent + 2, depth + 1, &mut inner);
                    out.extend([" ", inner.trim_start()]);
                }
                _ => {
                    out.push('\n');
                    let more = [2, 2, 2, 1, 4, 0][self.below(6)];
                    self.block(indent + more, depth + 1, out);
                }
            }
        }
    }
}

#[test]
fn whatever_it_knows_it_knows_as_the_library_does() {
    let cases = 6000;
    let mut known = 0;
    for case in 0..cases {
        let mut chance = Chance(case);
        let mut text = String::new();
        chance.block(0, 0, &mut text);
        for _ in 0..chance.below(4) {
            let signs = [
                "", "\n", " ", "  ", ":", ": ", "-", "- ", "#", " #", ",", "{", "}", "[", "]", "'", "\"",
                "\\", "a", "?", "&", "*", "!", "|", "%",
            ];
            let mut at = chance.below(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let end = text[at..].chars().next().map_or(at, |c| at + chance.below(2) * c.len_utf8());
            text.replace_range(at..end, chance.one(&signs));
        }
        known += usize::from(agrees(&text));
    }
    assert!(known * 6 > cases as usize, "{known} of {cases}");
}
