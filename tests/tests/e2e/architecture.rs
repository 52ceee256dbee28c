//! Which way imports point: between crates, and between the modules of a crate. It reads sources, not films.
//!
//! `cli → nodes → engine` and `worker → nodes → engine`; inside a crate a file imports only from modules that
//! stand before its own in the lists below. So there is no circle, and a block that has grown can be moved out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use reel_tests::repository;

/// A crate: its sources, its modules in order, the crates of ours that it may name.
struct Crate {
    sources: &'static str,
    modules: &'static [&'static str],
    may_name: &'static [&'static str],
    /// Modules whose own modules are kinds: these never import each other.
    kinds: &'static [&'static str],
}

const CRATES: &[Crate] = &[
    Crate {
        sources: "engine/src",
        modules: &[
            "span",
            "digest",
            "id",
            "diagnostic",
            "paths",
            "quantity",
            "claim",
            "artifact",
            "spec",
            "operation",
            "read",
            "schema",
            "key",
            "machine",
            "file_state",
            "memo",
            "hands",
            "takes",
            "history",
            "cache",
            "event",
            "executor",
            "graph",
            "plan",
            "schedule",
            "explain",
            "output",
            "snapshot",
            "session",
            "torn",
            "lib",
        ],
        may_name: &[],
        kinds: &[],
    },
    Crate {
        sources: "nodes/src",
        modules: &[
            "closed", "host", "media", "trace", "text", "speech", "picture", "film", "open", "moment",
            "scenes", "lib", "tests",
        ],
        may_name: &["reel_engine"],
        kinds: &["speech", "picture", "film", "open"],
    },
    Crate {
        sources: "nodes/worker/src",
        modules: &[
            "frame", "av", "draw", "sound", "mixer", "measure", "plans", "speech", "picture", "film", "runs",
            "identity", "confine", "serve", "lib", "main",
        ],
        may_name: &["reel_engine", "reel_nodes", "reel_worker"],
        kinds: &["speech", "picture", "film"],
    },
    Crate {
        sources: "nodes/speak/src",
        modules: &["answer", "request", "voices", "espeak", "main"],
        may_name: &[],
        kinds: &[],
    },
    Crate {
        sources: "cli/src",
        modules: &[
            "ui",
            "texts",
            "config",
            "logs",
            "signals",
            "processes",
            "diagnostics",
            "error",
            "bundle",
            "args",
            "page",
            "report",
            "open",
            "capacity",
            "completing",
            "commands",
            "main",
        ],
        may_name: &["reel_engine", "reel_nodes"],
        kinds: &[],
    },
];

/// Stand among kinds, but are none: what several of them are made with.
const NO_KINDS: &[&str] = &["speech::speak"];

/// The most lines of a file.
const LONGEST: usize = 600;

/// All files with this ending below a folder, in the order of their names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found
}

/// Source without comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| match line.trim_start() {
        comment if comment.starts_with("//") => "",
        _ => line.split(" // ").next().unwrap_or(line),
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The paths behind `text`, such as `a::b` and `a::c` behind `a::{b, c as d}`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let word: String = text.chars().take_while(|&c| is_word(c)).collect();
    if !word.is_empty() {
        let rest = &text[word.len()..];
        let inner = rest.strip_prefix("::").map(paths).unwrap_or_default();
        if inner.is_empty() {
            return vec![vec![word]];
        }
        return inner.into_iter().map(|path| [vec![word.clone()], path].concat()).collect();
    }
    let Some(group) = text.strip_prefix('{') else { return Vec::new() };
    let (mut depth, mut begin, mut found) = (0_u32, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.extend(paths(group[begin..at].trim_start()));
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

/// Everything that a file of module `module` (its path in the crate) names, as paths from the crate's root.
fn named(module: &[String], text: &str) -> BTreeSet<Vec<String>> {
    let code = code(text);
    // Tests in the file are one module further down.
    let tests = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    let mut found = BTreeSet::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(is_word) || code[..at].ends_with("::") {
                continue;
            }
            let mut rest = &code[at..];
            let mut base = module.to_vec();
            if at > tests {
                base.push("tests".into());
            }
            if start == "crate::" {
                (rest, base) = (&rest[start.len()..], Vec::new());
            }
            while let Some(outer) = rest.strip_prefix("super::") {
                rest = outer;
                base.pop();
            }
            found.extend(paths(rest).into_iter().map(|path| [base.clone(), path].concat()));
        }
    }
    found
}

/// The path of a file's module in its crate.
fn module_of(sources: &Path, file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(sources).unwrap().with_extension("");
    inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect()
}

/// What is wrong with the imports of a file.
fn wrong_imports(of: &Crate, module: &[String], text: &str) -> Vec<String> {
    let place = |name: &str| of.modules.iter().position(|&known| known == name);
    let top = module[0].as_str();
    let Some(own) = place(top) else { return vec![format!("`{top}` has no place in the list of modules")] };
    let mut wrong = Vec::new();
    for path in named(module, text) {
        let shown = path.join("::");
        // What is no module is an item of lib.rs.
        match place(&path[0]) {
            Some(other) if other > own => wrong.push(format!("names {shown}, which comes after it")),
            _ => {}
        }
        let areas = (of.kinds.contains(&top), of.kinds.contains(&path[0].as_str()));
        let foreign =
            path[0] != top || module.get(1).zip(path.get(1)).is_some_and(|(own, other)| own != other);
        let is_module = path.get(1).is_some_and(|name| name.starts_with(|c: char| c.is_lowercase()));
        let is_kind = !NO_KINDS.iter().any(|shared| shown.starts_with(shared));
        let tests = module.iter().any(|part| part == "tests");
        if areas == (true, true) && foreign && is_module && is_kind && module.len() > 1 && !tests {
            wrong.push(format!("names {shown}: kinds do not import each other"));
        }
    }
    for crate_of_ours in ["reel_engine", "reel_nodes", "reel_worker", "reel_speak", "reel_tests"] {
        let names = code(text)
            .match_indices(crate_of_ours)
            .any(|(at, _)| code(text)[at..].starts_with(&format!("{crate_of_ours}::")));
        if names && !of.may_name.contains(&crate_of_ours) {
            wrong.push(format!("names {crate_of_ours}"));
        }
    }
    wrong
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for of in CRATES {
        let sources = repository().join(of.sources);
        for file in files(&sources, "rs") {
            seen += 1;
            let text = fs::read_to_string(&file).unwrap();
            let shown = file.strip_prefix(repository()).unwrap().display().to_string();
            wrong.extend(
                wrong_imports(of, &module_of(&sources, &file), &text)
                    .into_iter()
                    .map(|it| format!("{shown} {it}")),
            );
        }
    }
    assert!(seen > 100, "only {seen} files were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_the_wrong_way_is_found() {
    let (engine, nodes) = (&CRATES[0], &CRATES[1]);
    let module = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let wrong = |of: &Crate, at: &str, text: &str| wrong_imports(of, &module(at), text).len();
    assert_eq!(wrong(engine, "plan", "use crate::graph::{self, Graph};"), 0);
    assert_eq!(wrong(engine, "plan", "use crate::{graph::Graph, schedule::{Schedule, slots}};"), 2);
    assert_eq!(wrong(engine, "graph/walk", "use super::super::plan::Plan;"), 1);
    assert_eq!(wrong(engine, "graph/walk", "use super::Graph; // use crate::plan::Plan;"), 0);
    assert_eq!(wrong(engine, "graph", "fn f() { crate::session::load() }"), 1);
    assert_eq!(wrong(engine, "graph", "#[cfg(test)]\nmod tests {\n    use super::plan;\n}"), 0);
    assert_eq!(wrong(engine, "graph", "use reel_nodes::registry;"), 1);
    assert_eq!(wrong(engine, "brand_new", ""), 1);
    assert_eq!(wrong(nodes, "film/encode", "use super::mix::Mix;"), 1);
    assert_eq!(wrong(nodes, "film/encode", "use crate::picture::image::Image;"), 1);
    assert_eq!(wrong(nodes, "film/segments/make", "use super::cut::cut; use crate::media::plan;"), 0);
}

#[test]
fn crates_depend_one_way_and_only_the_worker_links_media_libraries() {
    let depends = |package: &str| -> BTreeSet<String> {
        let text = fs::read_to_string(repository().join(package).join("Cargo.toml")).unwrap();
        let text = text.split("[dev-dependencies]").next().unwrap().to_owned();
        text.lines()
            .filter(|line| line.contains("workspace") || line.contains('='))
            .filter_map(|line| Some(line.split(['.', ' ', '=']).next()?.to_owned()))
            .collect()
    };
    for (package, ours) in [
        ("engine", &[][..]),
        ("nodes", &["reel-engine"]),
        ("nodes/worker", &["reel-engine", "reel-nodes"]),
        ("nodes/speak", &[]),
        ("cli", &["reel-engine", "reel-nodes"]),
    ] {
        let found = depends(package);
        assert!(found.len() > 3, "{package}: {found:?}");
        let reels: Vec<&String> = found.iter().filter(|name| name.starts_with("reel-")).collect();
        assert_eq!(reels, ours, "{package}");
        let media = ["ffmpeg-next", "whisper-rs", "resvg", "image", "cosmic-text"];
        let links = media.iter().any(|library| found.contains(*library));
        assert_eq!(links, package == "nodes/worker", "{package}: {found:?}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for folder in ["engine", "nodes", "cli", "tests", "benches", "fuzz"] {
        for file in files(&repository().join(folder), "rs") {
            let text = fs::read_to_string(&file).unwrap();
            let shown = file.strip_prefix(repository()).unwrap().display().to_string();
            let lines = text.lines().count();
            if lines > LONGEST {
                wrong.push(format!("{shown} has {lines} lines; the most is {LONGEST}"));
            }
            if !text.starts_with("//!") {
                wrong.push(format!("{shown} does not begin with what it is"));
            }
            if file.file_name().is_some_and(|name| name == "mod.rs") {
                wrong.push(format!("{shown}: a module `foo` is `foo.rs`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
