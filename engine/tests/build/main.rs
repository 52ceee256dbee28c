//! Builds with fake operations: which actions ran, which were found, and what stands at the outputs.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]

mod edits;
mod explain;
mod faults;
mod handover;
mod keys;
mod log;
mod many;
mod recall;
mod series;
mod small;
mod steady;
mod trouble;
mod world;

use world::World;

const CHAIN: &str = "
version: 1
nodes:
  head: { uses: join, with: { parts: [{ file: a.txt }, ' world'] } }
  size: { uses: length, with: { text: '${head.text}' } }
  tail: { uses: join, with: { parts: ['n=', '${size.text}'] } }
outputs:
  out: { from: '${tail.text}', file: out/n.txt }
";

fn chain() -> World {
    let world = World::new(CHAIN);
    world.write("a.txt", "hello");
    world
}

#[test]
fn the_second_build_runs_nothing() {
    let world = chain();
    assert_eq!(world.build().ran, ["head", "size", "tail"]);
    assert_eq!(world.read("out/n.txt"), "n=11");
    let again = world.build();
    assert_eq!(again.ran, [""; 0]);
    assert_eq!(again.summary.tally.cached, 3);
    assert!(again.events.contains(&"did-publish out false".to_owned()), "{:?}", again.events);
}

#[test]
fn early_cutoff_stops_where_the_bytes_are_the_same() {
    let world = chain();
    world.build();
    world.write("a.txt", "jello");
    let built = world.build();
    assert_eq!(built.ran, ["head", "size"], "`size` makes the same bytes, so `tail` hits");
    world.write("a.txt", "hello, hello");
    assert_eq!(world.build().ran, ["head", "size", "tail"]);
}

#[test]
fn undoing_an_edit_hits_everything_and_brings_the_old_output_back() {
    let world = chain();
    world.build();
    world.write("a.txt", "something longer");
    world.build();
    assert_ne!(world.read("out/n.txt"), "n=11");
    world.write("a.txt", "hello");
    let undone = world.build();
    assert_eq!(undone.ran, [""; 0]);
    assert_eq!(world.read("out/n.txt"), "n=11");
}

#[test]
fn what_an_expansion_only_passes_on_makes_what_it_made_and_not_itself() {
    let project = |prefix: &str| {
        format!(
            "
version: 1
nodes:
  words: {{ uses: split, with: {{ text: 'a b', prefix: '{prefix}' }} }}
  all: {{ uses: join, with: {{ parts: ['${{words.words}}'] }} }}
outputs:
  out: {{ from: '${{all.text}}', file: out/all.txt }}
"
        )
    };
    let world = World::new(&project("<"));
    let mut ran = world.build().ran;
    ran.sort();
    assert_eq!(ran, ["all", "words", "words.word.1", "words.word.2"]);
    assert_eq!(world.read("out/all.txt"), "<a<b");
    world.write("reel.yaml", &project(">"));
    let mut ran = world.build().ran;
    ran.sort();
    assert_eq!(ran, ["all", "words.word.1", "words.word.2"]);
    assert_eq!(world.read("out/all.txt"), ">a>b");
    world.write("reel.yaml", &project("<"));
    assert_eq!(world.build().ran, [""; 0]);
}

#[test]
fn a_deleted_output_is_placed_again_without_running_anything() {
    let world = chain();
    world.build();
    std::fs::remove_file(world.root.path().join("out/n.txt")).unwrap();
    assert_eq!(world.build().ran, [""; 0]);
    assert_eq!(world.read("out/n.txt"), "n=11");
    world.write("out/n.txt", "tampered");
    world.build();
    assert_eq!(world.read("out/n.txt"), "n=11");
}

#[test]
fn targets_select_what_is_wanted() {
    let world = chain();
    assert_eq!(world.build_targets(&["size"]).ran, ["head", "size"]);
    assert_eq!(world.build_targets(&["out"]).ran, ["tail"]);
}

const WORDS: &str = "
version: 1
nodes:
  words: { uses: split, with: { text: { file: a.txt }, suffix: '${mark.text}' } }
  mark: { uses: join, with: { parts: ['!'] } }
  all: { uses: join, with: { parts: ['${words.words}'], between: ' ' } }
outputs:
  out: { from: '${all.text}', file: out.txt }
";

#[test]
fn an_expansion_makes_nodes_whose_results_are_kept_one_by_one() {
    let world = World::new(WORDS);
    world.write("a.txt", "one two three");
    let built = world.build();
    assert_eq!(built.ran, ["all", "mark", "words", "words.word.1", "words.word.2", "words.word.3"]);
    assert_eq!(world.read("out.txt"), "one! two! three!");
    assert!(built.events.contains(&"did-expand words 3".to_owned()));
    assert_eq!(built.summary.tally.planned, 6);
    assert_eq!(world.build().ran, [""; 0]);

    world.write("a.txt", "one 2 three");
    assert_eq!(world.build().ran, ["all", "words", "words.word.2"]);
    assert_eq!(world.read("out.txt"), "one! 2! three!");
}

#[test]
fn names_that_only_an_expansion_makes_can_be_asked_for_before_it_ran() {
    let world = World::new(WORDS);
    world.write("a.txt", "one two three");
    assert_eq!(world.build_targets(&["words.word.2"]).ran, ["mark", "words", "words.word.2"]);
    assert_eq!(world.build_targets(&["words.word"]).ran, ["words.word.1", "words.word.3"]);
    assert_eq!(world.build_targets(&["words.word.1", "out"]).ran, ["all"]);
}

#[test]
fn a_name_that_an_expansion_does_not_make_is_told_before_what_it_makes_runs() {
    let world = World::new(WORDS);
    world.write("a.txt", "one two three");
    let built = world.build_targets(&["words.word.7", "words.word.1"]);
    let told: Vec<&str> = built.summary.unknown.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(told, ["no output or node is called `words.word.7`"]);
    assert!(built.summary.unknown[0].help.as_ref().unwrap().contains("did you mean `words.word."));
    assert!(!built.summary.is_success());
    assert!(!built.ran.iter().any(|name| name.starts_with("words.word")), "{:?}", built.ran);
    // Not known to be wrong when what would make it failed.
    world.write("reel.yaml", &WORDS.replace("{ file: a.txt }", "'${mark.text}'").replace("'!'", "'?'"));
    world.outside.broken.lock().unwrap().push("?".to_owned());
    let built = world.build_targets(&["words.word.7"]);
    assert_eq!((built.failed.len(), built.summary.unknown.len()), (1, 0), "{:?}", built.events);
}

#[test]
fn what_an_expansion_only_passes_on_is_not_in_its_key() {
    let world = World::new(WORDS);
    world.write("a.txt", "one two");
    world.build();
    world.write("reel.yaml", &WORDS.replace("'!'", "'?'"));
    assert_eq!(world.build().ran, ["all", "mark", "words.word.1", "words.word.2"]);
    assert_eq!(world.read("out.txt"), "one? two?");
}

#[test]
fn words_that_move_still_hit() {
    let world = World::new(WORDS);
    world.write("a.txt", "one two three");
    world.build();
    world.write("a.txt", "zero one two three");
    let built = world.build();
    // Made nodes are named by position, so `one` is another node now; its action is the same.
    assert_eq!(built.ran, ["all", "words", "words.word.1"]);
}

#[test]
fn expansions_may_expand() {
    let world = World::new(
        "
version: 1
nodes:
  deep: { uses: split, with: { text: 'a b', deep: true } }
  all: { uses: join, with: { parts: ['${deep.words}'], between: ',' } }
",
    );
    let built = world.build();
    assert_eq!(built.failed.len(), 1, "an expansion that never ends is stopped: {:?}", built.events);
    assert!(built.failed[0].1.message.contains("more than 8 deep"), "{}", built.failed[0].1.message);
}

#[test]
fn what_awaits_many_expansions_waits_for_all_that_they_make() {
    let cuts = (0..40).map(|n| format!("  cut{n}: {{ uses: split, with: {{ text: 'a{n} b{n} same' }} }}\n"));
    let parts: Vec<String> = (0..40).map(|n| format!("'${{cut{n}.words}}'")).collect();
    let world = World::new(&format!(
        "
version: 1
nodes:
{}
  find: {{ uses: join, with: {{ parts: [\"x y\\nz\"] }} }}
  each: {{ foreach: {{ row: '${{find.text}}' }}, uses: split, with: {{ text: '${{row}}' }} }}
  film: {{ uses: join, with: {{ parts: [{}, '${{each.words}}'], between: ' ' }} }}
outputs:
  film: {{ from: '${{film.text}}', file: film.txt }}
",
        cuts.collect::<String>(),
        parts.join(", ")
    ));
    assert!(world.build().failed.is_empty());
    let words: Vec<String> = (0..40).map(|n| format!("a{n} b{n} same")).collect();
    assert_eq!(world.read("film.txt"), format!("{} x y z", words.join(" ")));
    assert_eq!(world.build().ran, [""; 0]);
    let (seen, _) = world.foresee();
    assert!(seen.forecasts.values().all(|forecast| forecast.awaits.is_empty()), "all of it is known");
}

#[test]
fn without_outputs_every_node_is_wanted() {
    let world = World::new("version: 1\nnodes:\n  a: { uses: join, with: { parts: [x] } }\n");
    assert_eq!(world.build().ran, ["a"]);
}

#[test]
fn results_do_not_depend_on_the_number_of_slots() {
    let outputs: Vec<String> = [1, 2, 8]
        .into_iter()
        .map(|jobs| {
            let world = World { jobs, ..World::new(WORDS) };
            world.write("a.txt", "one two three four five six seven");
            world.build();
            world.read("out.txt")
        })
        .collect();
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}
