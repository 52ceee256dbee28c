//! Failures, interrupts, lost bytes and company: what is right afterwards.

use reel_engine::cache::{Cache, CacheConfig};
use reel_engine::event::Event;
use reel_engine::executor::inline::Inline;

use crate::world::{Endless, World, tree};

const TWO: &str = "
version: 1
nodes:
  bad: { uses: join, with: { parts: [bad] } }
  after: { uses: join, with: { parts: ['${bad.text}', x] } }
  good: { uses: join, with: { parts: [good] } }
  fine: { uses: join, with: { parts: ['${good.text}', y] } }
outputs:
  one: { from: '${after.text}', file: one.txt }
  two: { from: '${fine.text}', file: two.txt }
";

fn broken() -> World {
    let world = World { jobs: 1, ..World::new(TWO) };
    world.outside.broken.lock().unwrap().push("bad".into());
    world
}

#[test]
fn a_failure_blocks_what_needs_it_and_stops_the_rest() {
    let built = broken().build();
    assert_eq!(built.failed[0].0, "bad");
    assert!(built.skipped.contains(&"after".to_owned()));
    assert!(!built.summary.is_success());
    assert_eq!(built.summary.tally.failed, 1);
}

#[test]
fn keep_going_finishes_what_is_not_blocked() {
    let world = World { keep_going: true, ..broken() };
    let built = world.build();
    assert_eq!(built.ran, ["fine", "good"]);
    assert_eq!(built.skipped, ["after"]);
    assert_eq!(world.read("two.txt"), "goody");
    assert_eq!(built.summary.missing, ["one"]);
}

#[test]
fn a_failure_is_not_kept_and_what_ran_is() {
    let world = World { keep_going: true, ..broken() };
    world.build();
    world.outside.broken.lock().unwrap().clear();
    assert_eq!(world.build().ran, ["after", "bad"]);
}

#[test]
fn the_last_good_output_survives_a_failure() {
    let world = World::new(TWO);
    world.build();
    world.write("reel.yaml", &TWO.replace("[bad]", "[worse]"));
    world.outside.broken.lock().unwrap().push("worse".into());
    world.build();
    assert_eq!(world.read("one.txt"), "badx");
}

#[test]
fn an_interrupt_cancels_what_runs_and_skips_the_rest() {
    let world = World::new(TWO);
    let built = world.build_with(&[], &Endless::default(), |event, interrupter| {
        if matches!(event, Event::WillRun { .. }) {
            interrupter.interrupt();
        }
    });
    assert!(built.summary.interrupted);
    assert_eq!(built.summary.tally.skipped, 4);
    assert_eq!(world.build().ran.len(), 4);
}

#[test]
fn a_lost_blob_makes_its_producer_run_again_within_the_build() {
    let long = "word ".repeat(8000);
    let yaml = "
version: 1
nodes:
  big: { uses: join, with: { parts: [{ file: a.txt }] } }
  tail: { uses: join, with: { parts: ['${big.text}', '${end.text}'] } }
  end: { uses: join, with: { parts: [{ file: b.txt }] } }
outputs:
  out: { from: '${tail.text}', file: out.txt }
";
    let world = World::new(yaml);
    world.write("a.txt", &long);
    world.write("b.txt", "1");
    world.build();
    let blobs = tree(&world.cache_path.join("v1/blobs"));
    assert!(!blobs.is_empty());
    for path in blobs.keys() {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(world.build().ran, [""; 0], "a hit needs only the record, and the output is in place");
    world.write("b.txt", "2");
    let built = world.build();
    assert_eq!(built.ran, ["big", "end", "tail"]);
    assert!(built.warnings.iter().any(|w| w.contains("`big`")), "{:?}", built.warnings);
    assert_eq!(world.read("out.txt"), format!("{long}2"));
}

#[test]
fn a_lost_output_is_made_again() {
    let world = World::new(
        "
version: 1
nodes: { big: { uses: join, with: { parts: [{ file: a.txt }] } } }
outputs: { out: { from: '${big.text}', file: out.txt } }
",
    );
    let long = "word ".repeat(8000);
    world.write("a.txt", &long);
    world.build();
    for path in tree(&world.cache_path.join("v1/blobs")).keys() {
        std::fs::write(path, "flipped").unwrap();
    }
    std::fs::remove_file(world.root.path().join("out.txt")).unwrap();
    assert_eq!(world.build().ran, ["big"]);
    assert_eq!(world.read("out.txt"), long);
}

#[test]
fn two_builds_at_once_run_each_action_once() {
    let nodes: String =
        (0..40).map(|n| format!("  n{n}: {{ uses: join, with: {{ parts: ['{n}', 'x'] }} }}\n")).collect();
    let yaml = format!("version: 1\nnodes:\n{nodes}");
    let (one, mut two) = (World::new(&yaml), World::new(&yaml));
    two.cache_path = one.cache_path.clone();
    let ran: usize = std::thread::scope(|scope| {
        let other = scope.spawn(|| one.build().ran.len());
        two.build().ran.len() + other.join().unwrap()
    });
    assert_eq!(ran, 40);
}

#[test]
fn a_deleted_cache_is_only_slow() {
    let world = World::new(TWO);
    world.build();
    drop(Cache::open(CacheConfig::new(&world.cache_path, world.cache_path.join("spare"))));
    std::fs::remove_dir_all(world.cache_path.join("v1")).unwrap();
    assert_eq!(world.build().ran.len(), 4);
}

#[test]
fn every_problem_of_a_file_is_told_at_once() {
    let world = World::new(
        "
version: 1
nodes:
  a: { uses: joyn, with: { parts: [x] } }
  b: { uses: length, with: { text: '${c.text}' } }
  c: { uses: length, with: { text: '${b.text}' } }
  d: { uses: join, with: { parts: [{ file: missing.txt }, '${a.txt}'] } }
  e: { uses: length, with: { text: '${b.tekst}' } }
  f: { uses: length, with: { text: '${bb.text}' } }
  g: { uses: length, with: { text: '${b.number}' } }
  h: { uses: length, with: { text: { file: ../outside.txt } } }
",
    );
    let problems = world.load().err().unwrap();
    let codes: Vec<&str> = problems.iter().map(|p| p.split(':').next().unwrap()).collect();
    assert_eq!(
        codes,
        ["R008 4", "R011 5", "R013 7", "R010 8", "R009 9", "R012 10", "R014 11"],
        "{problems:#?}"
    );
}

#[test]
fn a_circle_is_told_as_the_path_that_closes_it() {
    let world = World::new(
        "
version: 1
nodes:
  b: { uses: length, with: { text: '${d.text}' } }
  c: { uses: length, with: { text: '${b.text}' } }
  d: { uses: length, with: { text: '${c.text}' } }
  e: { uses: length, with: { text: '${b.text}' } }
",
    );
    let problems = world.load().err().unwrap();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("b → d → c → b"), "{problems:?}");
}

#[test]
fn many_small_actions_go_through_one_slot() {
    let nodes: String = (0..300)
        .map(|n| {
            let part = if n == 0 { "'x'".to_owned() } else { format!("'${{n{}.text}}'", n - 1) };
            format!("  n{n}: {{ uses: length, with: {{ text: {part} }} }}\n")
        })
        .collect();
    let world = World { jobs: 1, ..World::new(&format!("version: 1\nnodes:\n{nodes}")) };
    let built = world.build_with(&["n299"], &Inline::new(), |_, _| {});
    assert_eq!(built.summary.tally.planned, 300);
    // All lengths after the first are the length of one digit: the same action over and over.
    assert_eq!(built.summary.tally.ran, 2);
}

const CHECKED: &str = "
version: 1
nodes:
  made: { uses: join, with: { parts: [{ file: a.txt }] } }
  check: { uses: join, with: { parts: ['${made.text}', check] } }
  fine: { uses: join, with: { parts: [fine] } }
outputs:
  one: { from: '${made.text}', file: one.txt, needs: check }
  two: { from: '${fine.text}', file: two.txt }
";

#[test]
fn an_output_is_placed_only_when_all_that_it_needs_has_succeeded() {
    let world = World { keep_going: true, ..World::new(CHECKED) };
    world.write("a.txt", "good");
    let built = world.build();
    assert_eq!(built.ran, ["check", "fine", "made"], "what an output needs is wanted with it");
    assert!(built.summary.is_success());
    world.write("a.txt", "bad");
    world.outside.broken.lock().unwrap().push("badcheck".into());
    let built = world.build();
    assert_eq!((built.ran.as_slice(), built.failed[0].0.as_str()), (&["made".to_owned()][..], "check"));
    assert_eq!(built.summary.missing, ["one"]);
    assert_eq!((world.read("one.txt"), world.read("two.txt")), ("good".into(), "fine".into()));
    let built = world.build_targets(&["made"]);
    assert!(built.summary.is_success(), "a node alone does not need what its output does");
    world.outside.broken.lock().unwrap().clear();
    assert_eq!(world.build_targets(&["one"]).ran, ["check"]);
    assert_eq!(world.read("one.txt"), "bad");
}

#[test]
fn what_an_output_needs_may_be_many_that_the_run_makes() {
    let world = World { keep_going: true, ..World::new(&CHECKED.replace("  fine:", "  words: { uses: split, with: { text: '${made.text}', suffix: { file: b.txt } } }\n  fine:").replace("needs: check", "needs: [check, words]")) };
    world.write("a.txt", "x y");
    world.write("b.txt", "!");
    assert!(world.build().summary.is_success());
    world.write("b.txt", "?");
    world.outside.broken.lock().unwrap().push("y?".into());
    let built = world.build();
    assert_eq!(
        (built.failed.len(), built.summary.missing.as_slice()),
        (1, &["one".to_owned()][..]),
        "{built:?}"
    );
}

#[test]
fn an_output_cannot_need_what_is_not_there() {
    let world = World::new(&CHECKED.replace("needs: check", "needs: [chek]"));
    world.write("a.txt", "good");
    assert_eq!(world.load().err().unwrap(), ["R009 8: no node is called `chek`"]);
}
