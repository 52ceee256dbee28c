//! Outputs that are series of files: a list, numbered, that grows and shrinks.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::recall::{Way, build};
use crate::world::World;

const WORDS: &str = "version: 1
nodes:
  s: { uses: split, with: { text: { file: a.txt }, suffix: { file: b.txt } } }
  all: { uses: join, with: { parts: ['${s.words}'] } }
outputs:
  words: { from: '${s.words}', file: out/w-%03d.txt }
  all: { from: '${all.text}', file: out/all.txt }
";

fn world() -> World {
    let world = World::new(WORDS);
    world.write("a.txt", "one two three");
    world.write("b.txt", "!");
    world
}

fn listed(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.root.path().join("out")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn inode(world: &World, file: &str) -> u64 {
    fs::metadata(world.root.path().join(file)).unwrap().ino()
}

#[test]
fn a_list_becomes_numbered_files_that_are_told_of_as_one_output() {
    let world = world();
    let (_, built) = build(&world);
    assert_eq!(listed(&world), ["all.txt", "w-001.txt", "w-002.txt", "w-003.txt"]);
    let all = ["001", "002", "003"].map(|number| world.read(&format!("out/w-{number}.txt")));
    assert_eq!(all, ["one!", "two!", "three!"]);
    let told = |built: &crate::world::Built| -> Vec<String> {
        built.events.iter().filter(|event| event.starts_with("did-publish words")).cloned().collect()
    };
    assert_eq!(told(&built), ["did-publish words true"]);
    let outputs = built.summary.outputs.clone();
    assert_eq!(outputs[0], ("words".to_owned(), world.root.path().join("out/w-%03d.txt")));

    let (way, again) = build(&world);
    assert_eq!((way, again.summary.outputs), (Way::Unchanged, outputs.clone()));
    // Another suffix makes all of them anew, without the rest of the project being read.
    world.write("b.txt", "?");
    let (way, part) = build(&world);
    assert_eq!((way, part.ran.len()), (Way::Part, 4));
    assert_eq!((told(&part), part.summary.outputs), (vec!["did-publish words true".to_owned()], outputs));
    assert_eq!(world.read("out/w-002.txt"), "two?");
    assert_eq!(build(&world).0, Way::Unchanged);
}

#[test]
fn what_did_not_change_is_not_written_and_what_a_longer_one_left_is_removed() {
    let world = world();
    build(&world);
    let (first, second) = (inode(&world, "out/w-001.txt"), inode(&world, "out/w-002.txt"));
    for (file, text) in [("out/w-1.txt", "mine"), ("out/w-0004.txt", "mine"), ("out/x-004.txt", "mine")] {
        world.write(file, text);
    }
    world.write("out/w-009.txt", "of an earlier build");
    world.write("a.txt", "one 2");
    build(&world);
    assert_eq!(listed(&world), ["all.txt", "w-0004.txt", "w-001.txt", "w-002.txt", "w-1.txt", "x-004.txt"]);
    assert_eq!(world.read("out/w-002.txt"), "2!");
    assert_eq!(inode(&world, "out/w-001.txt"), first);
    assert_ne!(inode(&world, "out/w-002.txt"), second);
    world.write("a.txt", "one 2 three four");
    build(&world);
    assert_eq!((inode(&world, "out/w-001.txt"), world.read("out/w-004.txt")), (first, "four!".to_owned()));
}

#[test]
fn one_that_is_gone_or_scribbled_over_is_put_there_again() {
    let world = world();
    build(&world);
    fs::remove_file(world.root.path().join("out/w-003.txt")).unwrap();
    world.write("out/w-001.txt", "scribbled over");
    let (way, built) = build(&world);
    assert_eq!((way, built.ran.len()), (Way::Part, 0));
    assert_eq!((world.read("out/w-001.txt"), world.read("out/w-003.txt")), ("one!".into(), "three!".into()));
    assert_eq!(built.summary.outputs.len(), 2);
}

#[test]
fn nothing_of_a_series_is_placed_before_all_of_it_is_made() {
    let mut world = world();
    world.keep_going = true;
    build(&world);
    world.outside.broken.lock().unwrap().push("4!".to_owned());
    world.write("a.txt", "1 2 3 4");
    let (_, built) = build(&world);
    assert_eq!(built.summary.missing, ["words", "all"]);
    assert_eq!(world.read("out/w-001.txt"), "one!", "the last good one stands");
    assert_eq!(listed(&world).len(), 4);
}

#[test]
fn names_that_clash_and_lists_without_numbers_are_told() {
    let said = |from: &str, to: &str| World::new(&WORDS.replace(from, to)).load().err().unwrap_or_default();
    let missing = ["R013 3: no file at `a.txt`", "R013 3: no file at `b.txt`"];
    let with = |line: &str| [missing[0], missing[1], line].map(str::to_owned).to_vec();
    assert_eq!(
        said("out/w-%03d.txt", "out/words.txt"),
        with("R012 6: `s.words` is a list, and an output is one file")
    );
    assert_eq!(
        said("out/all.txt", "out/w-007.txt"),
        with("R016 7: outputs `words` and `all` may write the same files")
    );
    assert_eq!(
        said("out/all.txt", "out/w-%05d.txt"),
        with("R016 7: outputs `words` and `all` may write the same files")
    );
    let over = World::new(&WORDS.replace("out/w-%03d.txt", "b-%01d.txt").replace("b.txt", "b-2.txt"));
    over.write("a.txt", "one");
    over.write("b-2.txt", "!");
    let told = over.load().err().unwrap_or_default();
    assert_eq!(
        told,
        ["R016 6: output `words` would be written over `b-%01d.txt`, a file that the project is made of"]
    );
}
