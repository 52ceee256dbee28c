//! `reel verify` and `reel bundle`: whether all is as it was recorded, here and elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::play::{Play, Run, hello};
use crate::told::documented;

fn built() -> Play {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build"]).code, 0);
    play
}

/// The events, each with exactly the fields that the page of JSON has.
fn events(run: &Run) -> Vec<String> {
    let documented = documented();
    let name = |line: serde_json::Value| {
        let event = line["event"].as_str().unwrap().to_owned();
        let mut fields: BTreeSet<String> = line.as_object().unwrap().keys().cloned().collect();
        fields.remove("event");
        assert_eq!(documented.get(&event), Some(&fields), "docs/json.md on `{event}`");
        event
    };
    run.lines().into_iter().map(name).collect()
}

/// All files below a folder with their bytes.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_as_it_was_recorded_is_verified_and_nothing_is_touched() {
    let play = built();
    let before = (tree(&play.path("..").join("cache")), tree(&play.path("")));
    let run = play.reel(&["verify"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.stdout, "looked at 1 output, 2 nodes, 1 file and 2 artifacts, 47 B: all as recorded\n");
    let after = (tree(&play.path("..").join("cache")), tree(&play.path("")));
    let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        // A scratch folder and the index of the database come and go.
        let stays =
            |name: &&String| !(name.contains("/tmp/") || name.ends_with("-shm") || name.ends_with("-wal"));
        files.iter().map(|(name, _)| name).filter(stays).cloned().collect()
    };
    assert_eq!((names(&before.0), &before.1), (names(&after.0), &after.1));
    assert_eq!(events(&play.reel(&["verify", "--json"])), ["verified"]);
    assert_eq!(play.reel(&["verify", "agian"]).code, 2);
}

#[test]
fn whatever_differs_is_told_with_what_it_was() {
    let play = built();
    play.write("out/again.txt", "something else");
    play.write("world.txt", "moon");
    let run = play.reel(&["verify"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.starts_with("other    out/again.txt  (output again)  it is "), "{run}");
    assert!(run.stdout.contains("changed  hello  (text)\n         input `parts.1` (world.txt): "), "{run}");
    assert!(run.stdout.contains(": 2 differences\nhelp: `reel build` makes what changed"), "{run}");
    let json = play.reel(&["verify", "--json"]);
    assert_eq!(events(&json), ["output-differs", "key-differs", "verified"], "{json}");
    fs::remove_file(play.path("out/again.txt")).unwrap();
    let absent = play.reel(&["verify", "--json"]);
    assert!(absent.lines()[0]["found"].is_null(), "{absent}");
    // A build mends it.
    assert_eq!(play.reel(&["build"]).code, 0);
    assert_eq!(play.reel(&["verify"]).code, 0);
    play.write("reel.yaml", &hello().replace(", again", ", and again"));
    let run = play.reel(&["verify"]);
    assert!(run.stdout.contains("\", again\" → \", and again\""), "{run}");
}

#[test]
fn a_file_that_looks_as_it_did_is_read_all_the_same() {
    let play = built();
    let times = fs::metadata(play.path("world.txt")).unwrap().modified().unwrap();
    play.write("world.txt", "moon!");
    fs::File::options().append(true).open(play.path("world.txt")).unwrap().set_modified(times).unwrap();
    let run = play.reel(&["verify"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("(world.txt)"), "{run}");
}

#[test]
fn a_cache_that_lost_or_changed_something_is_told() {
    let long = "x".repeat(40_000);
    let play = Play::with(hello());
    play.write("world.txt", &long);
    assert_eq!(play.reel(&["build"]).code, 0);
    assert_eq!(play.reel(&["verify"]).code, 0);
    let blobs = tree(&play.path("../cache/v1/blobs"));
    assert_eq!(blobs.len(), 2, "both texts are too long for a record");
    let (path, mut bytes) = blobs[0].clone();
    bytes[7] ^= 1;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, bytes).unwrap();
    let run = play.reel(&["verify", "--json"]);
    assert_eq!(run.code, 1, "{run}");
    let [differs, _] = &run.lines()[..] else { panic!("{run}") };
    assert_eq!((&differs["event"], &differs["missing"]), (&"bytes-differ".into(), &false.into()), "{run}");
    events(&run);
    fs::remove_file(&path).unwrap();
    let run = play.reel(&["verify"]);
    assert!(run.stdout.contains("gone") && run.stdout.contains("are gone from the cache"), "{run}");
    assert_eq!(play.reel(&["cache", "clear"]).code, 0);
    let run = play.reel(&["verify", "--json"]);
    assert_eq!(events(&run), ["node-unknown", "node-unknown", "verified"], "{run}");
}

#[test]
fn what_was_never_built_cannot_be_verified() {
    let play = Play::with(hello());
    let run = play.reel(&["verify"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("unknown  hello  (text)  it was never built here\n"), "{run}");
}

/// Opens a bundle in another folder and with another cache.
fn open(play: &Play, folder: &str) -> Run {
    play.reel(&["bundle", "film.reelbundle", "--open", folder, "--cache-dir", "other-cache"])
}

#[test]
fn a_bundle_builds_elsewhere_and_runs_nothing() {
    let play = built();
    play.write("notes.txt", "nothing that the graph reads");
    let packed = play.reel(&["bundle", "film.reelbundle"]);
    assert_eq!(packed.code, 0, "{packed}");
    assert!(packed.stdout.starts_with("film.reelbundle: 2 files and 2 results, "), "{packed}");
    let first = fs::read(play.path("film.reelbundle")).unwrap();
    assert_eq!(play.reel(&["bundle", "film.reelbundle"]).code, 0, "a bundle may take the place of one");
    assert_eq!(fs::read(play.path("film.reelbundle")).unwrap(), first, "the same bytes");
    let opened = open(&play, "elsewhere");
    assert_eq!(opened.code, 0, "{opened}");
    assert_eq!(opened.stdout.lines().last(), Some("next: reel build -C elsewhere --offline"), "{opened}");
    assert!(!play.path("elsewhere/notes.txt").exists() && !play.path("elsewhere/out").exists());
    let elsewhere = ["-C", "elsewhere", "--cache-dir", "other-cache"];
    let build = play.reel(&[&["build", "--offline", "--locked", "--json"], &elsewhere[..]].concat());
    assert_eq!(build.lines().last().unwrap()["cached"], 2, "{build}");
    assert_eq!(build.lines().last().unwrap()["ran"], 0, "{build}");
    assert_eq!(play.read("elsewhere/out/again.txt"), play.read("out/again.txt"));
    assert_eq!(play.reel(&[&["verify"], &elsewhere[..]].concat()).code, 0);
    assert_eq!(open(&play, "elsewhere").code, 2, "it is there");
    let twice = open(&play, "once-more");
    assert!(twice.stdout.contains("2 results, of which 2 were known"), "{twice}");
}

#[test]
fn a_bundle_says_the_same_to_programs() {
    let play = built();
    assert_eq!(events(&play.reel(&["bundle", "film.reelbundle", "again", "--json"])), ["bundled"]);
    let opened = play.reel(&["bundle", "film.reelbundle", "--open", "a", "--cache-dir", "b", "--json"]);
    assert_eq!(events(&opened), ["opened"], "{opened}");
    assert_eq!(opened.lines()[0]["targets"], serde_json::json!(["again"]));
}

#[test]
fn what_is_not_built_is_not_packed() {
    let play = Play::with(hello());
    let run = play.reel(&["bundle", "film.reelbundle"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("2 nodes are not built as the project is now: hello, again"), "{run}");
    assert!(run.stderr.contains("help: run `reel build` first"), "{run}");
    assert!(!play.path("film.reelbundle").exists());
    assert_eq!(play.reel(&["build"]).code, 0);
    let wrong = play.reel(&["bundle", "world.txt"]);
    assert_eq!((wrong.code, play.read("world.txt").as_str()), (2, "world"), "{wrong}");
    assert!(wrong.stderr.contains("is there already, and is no bundle"), "{wrong}");
}

#[test]
fn a_bundle_that_is_not_right_leaves_nothing() {
    let play = built();
    assert_eq!(play.reel(&["bundle", "film.reelbundle"]).code, 0);
    let whole = fs::read(play.path("film.reelbundle")).unwrap();
    let before = tree(&play.path(""));
    for end in [0, 3, whole.len() / 2, whole.len() - 1] {
        fs::write(play.path("film.reelbundle"), &whole[..end]).unwrap();
        let run = open(&play, "elsewhere");
        assert_eq!(run.code, 1, "{run}");
        assert!(run.stderr.starts_with("error: `film.reelbundle` cannot be opened: "), "{run}");
        assert!(!play.path("elsewhere").exists());
        let left: Vec<String> = fs::read_dir(play.path(""))
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(!left.iter().any(|name| name.starts_with(".reel-open")), "{left:?}");
    }
    let run = play.reel(&["bundle", "no-such.reelbundle", "--open", "elsewhere"]);
    assert_eq!(run.code, 1, "{run}");
    fs::write(play.path("film.reelbundle"), &whole).unwrap();
    assert_eq!(tree(&play.path("")).len(), before.len() + tree(&play.path("other-cache")).len());
}
