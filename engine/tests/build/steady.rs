//! Sources that change while they are read, and actions that run although their result is known.

use std::path::PathBuf;

use reel_engine::operation::FailureCode;
use reel_engine::schedule::again::Afresh;

use crate::world::World;

const PROJECT: &str = "
version: 1
nodes:
  copy: { uses: slow, with: { text: { file: a.txt } } }
  tail: { uses: join, with: { parts: ['${copy.text}', '.'] } }
outputs:
  out: { from: '${tail.text}', file: out.txt }
";

fn world() -> World {
    let world = World::new(PROJECT);
    world.write("a.txt", "first");
    world
}

/// The next runs of `slow` see these edits of `a.txt`, one each.
fn meddle(world: &World, edits: &[&str]) {
    let path: PathBuf = world.root.path().join("a.txt");
    for edit in edits {
        let (path, edit) = (path.clone(), (*edit).to_owned());
        let write = move || std::fs::write(path, edit).unwrap();
        world.outside.meddling.lock().unwrap().push_back(Box::new(write));
    }
}

#[test]
fn an_operation_that_edits_its_own_source_runs_again_with_what_it_wrote() {
    let world = world();
    meddle(&world, &["other"]);
    let built = world.build();
    assert!(built.summary.is_success(), "{:?}", built.events);
    assert_eq!(world.read("out.txt"), "other.");
    assert!(built.events.contains(&"did-change copy a.txt true".to_owned()), "{:?}", built.events);
    assert_eq!(built.ran, ["copy", "tail"], "what was torn does not count as a run");
    assert_eq!(built.summary.changed, ["a.txt"]);
    assert_eq!(world.build().ran, [""; 0]);

    // Nothing is recorded under what the file was when it was torn: half of `first`, half of `other`.
    world.write("a.txt", "first");
    assert_eq!(world.build().ran, ["copy", "tail"]);
    assert_eq!(world.read("out.txt"), "first.");
}

#[test]
fn a_file_that_grows_while_it_is_copied_is_copied_again() {
    let world = world();
    let path = world.root.path().join("a.txt");
    for more in [" and", " more"] {
        let path = path.clone();
        world.outside.meddling.lock().unwrap().push_back(Box::new(move || {
            let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            std::io::Write::write_all(&mut file, more.as_bytes()).unwrap();
        }));
    }
    let built = world.build();
    assert_eq!(world.read("out.txt"), "first and more.");
    assert_eq!(built.events.iter().filter(|event| event.starts_with("did-change")).count(), 2);
    assert_eq!(world.build().ran, [""; 0]);
}

#[test]
fn a_file_that_never_rests_fails_the_node_with_its_name() {
    let world = world();
    meddle(&world, &["one", "two", "three", "four", "five"]);
    let built = world.build();
    let (node, failure) = &built.failed[0];
    assert_eq!((node.as_str(), failure.code), ("copy", FailureCode::Changed));
    assert_eq!(failure.message, "`a.txt` changed while it was read, 4 times in a row");
    assert!(failure.help.as_ref().unwrap().contains("build again"));
    assert_eq!(built.skipped, ["tail"]);
    assert_eq!(built.summary.missing, ["out"]);

    world.outside.meddling.lock().unwrap().clear();
    assert_eq!(world.build().ran, ["copy", "tail"], "nothing of it was recorded");
    assert_eq!(world.read("out.txt"), "four.");
}

#[test]
fn a_failure_that_comes_of_a_half_written_file_is_none() {
    let world = world();
    meddle(&world, &["it is torn"]);
    world.write("a.txt", "whole");
    let path = world.root.path().join("a.txt");
    world
        .outside
        .meddling
        .lock()
        .unwrap()
        .push_back(Box::new(move || std::fs::write(path, "it is whole").unwrap()));
    let built = world.build();
    assert!(built.failed.is_empty(), "{:?}", built.events);
    assert_eq!(world.read("out.txt"), "it is whole.");
}

/// The next runs of `slow` lose all of the cache, the folders in which they work among it, and come to grief of it.
fn remove_the_cache(world: &World, times: usize) {
    for _ in 0..times {
        let cache = world.cache.path().to_owned();
        let remove = move || {
            std::fs::remove_dir_all(&cache).unwrap();
            panic!("its folder is gone");
        };
        world.outside.meddling.lock().unwrap().push_back(Box::new(remove));
    }
}

#[test]
fn an_action_whose_folder_is_removed_with_the_cache_runs_again_and_that_is_told() {
    let mut world = world();
    world.jobs = 1;
    let before = PROJECT
        .replace("{ file: a.txt }", "'${first.text}'")
        .replace("nodes:\n", "nodes:\n  first: { uses: join, with: { parts: [{ file: a.txt }] } }\n");
    world.write("reel.yaml", &before);
    world.write("a.txt", &"word ".repeat(5000));
    remove_the_cache(&world, 2);
    let built = world.build();
    assert!(built.summary.is_success(), "{:?}", built.events);
    assert_eq!(world.read("out.txt"), "word ".repeat(5000) + ".");
    assert_eq!(built.ran, ["copy", "first", "first", "first", "tail"], "what it reads was lost, too");
    let told = |words: &str| built.events.iter().filter(|event| event.contains(words)).count();
    assert_eq!((told("did-restart copy"), told("`first` is no longer in the cache")), (2, 2));

    // Not for ever.
    std::fs::create_dir_all(world.cache.path()).unwrap();
    world.write("a.txt", "other");
    remove_the_cache(&world, 9);
    let (node, failure) = &world.build().failed[0];
    assert_eq!((node.as_str(), failure.code), ("copy", FailureCode::Crashed));
    assert!(failure.message.contains("its folder is gone"), "what it said in the end: {failure:?}");
}

#[test]
fn a_damaged_history_is_told_and_begun_anew() {
    let world = world();
    let _ = world.build();
    let path = world.root.path().join(".reel/history");
    let whole = std::fs::read(&path).unwrap();
    for cut in [whole.len() - 1, whole.len() / 2, 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        world.write("a.txt", &format!("cut at {cut}"));
        let warnings = world.build().warnings;
        assert!(warnings.iter().any(|warning| warning.contains("history")), "cut at {cut}: {warnings:?}");
        world.write("a.txt", "another");
        assert_eq!(world.build().warnings, [""; 0], "mended by the build before");
    }
}

#[test]
fn the_same_bytes_written_again_are_a_change_only_for_whoever_reads_them_then() {
    let world = world();
    meddle(&world, &["first"]);
    let built = world.build();
    assert_eq!(world.read("out.txt"), "first.");
    assert!(built.summary.is_success());
    world.write("a.txt", "first");
    assert_eq!(world.build().ran, [""; 0]);
}

#[test]
fn afresh_runs_what_is_known_and_compares_it_without_recording() {
    let mut world = world();
    world.build();
    world.afresh = Afresh::Everything;
    world.backwards = true;
    let built = world.build();
    assert_eq!(built.ran, ["copy", "tail"]);
    let equal: Vec<_> = built.compared.iter().map(|(node, found)| (node.as_str(), found.len())).collect();
    assert_eq!(equal, [("copy", 0), ("tail", 0)]);
    world.afresh = Afresh::Named(vec!["cop".into()]);
    assert_eq!(world.build().ran, [""; 0], "a group ends at a dot");
    world.afresh = Afresh::Kinds(vec!["slow"]);
    assert_eq!(world.build().ran, ["copy"]);
}

#[test]
fn an_action_that_makes_other_bytes_is_found_with_their_place() {
    let mut world = World::new(&PROJECT.replace("a.txt }", "a.txt }, unstable: true"));
    world.write("a.txt", "first");
    meddle(&world, &[]);
    world.build();
    let first = world.read("out.txt");
    world.afresh = Afresh::Everything;
    let (idle, path) = (|| {}, world.root.path().join("a.txt"));
    world.outside.meddling.lock().unwrap().push_back(Box::new(idle));
    world.outside.meddling.lock().unwrap().push_back(Box::new(idle));
    let built = world.build();
    let (node, found) = &built.compared[0];
    assert_eq!((node.as_str(), found.len()), ("copy", 1));
    assert_eq!(found[0].port.as_deref(), Some("text"));
    assert_eq!(found[0].offset, Some(5), "`first0` and `first1`");
    assert_eq!((found[0].recorded.unwrap().size, found[0].again.unwrap().size), (6, 6));
    assert!(built.compared[1].1.is_empty(), "what follows is compared on what is recorded");
    assert_eq!(world.read("out.txt"), first, "what was recorded first stays");
    assert!(path.exists());
}

#[test]
fn an_expansion_that_makes_the_same_nodes_is_the_same() {
    let yaml = "
version: 1
nodes:
  words: { uses: split, with: { text: { file: a.txt } } }
  all: { uses: join, with: { parts: ['${words.words}'], between: ' ' } }
outputs:
  out: { from: '${all.text}', file: out.txt }
";
    let mut world = World::new(yaml);
    world.write("a.txt", "one two");
    world.build();
    world.afresh = Afresh::Everything;
    let built = world.build();
    assert_eq!(built.ran, ["all", "words", "words.word.1", "words.word.2"]);
    assert!(built.compared.iter().all(|(_, found)| found.is_empty()), "{:?}", built.compared);
}
