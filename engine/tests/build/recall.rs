//! What is remembered from build to build: nothing changed, a source changed, and everything that must not be
//! believed.

use std::fs;
use std::path::PathBuf;

use reel_engine::cache::{Cache, CacheConfig};
use reel_engine::digest::Digest;
use reel_engine::executor::Executor;
use reel_engine::executor::inline::Inline;
use reel_engine::executor::toolbox::Toolbox;
use reel_engine::session::{Equipment, Recall, Resumption, Summary, channel};
use reel_engine::snapshot::{SnapshotKey, Verdict};

use crate::log::Log;
use crate::world::{Built, World};

const FILM: &str = "version: 1
nodes:
  a: { uses: join, with: { parts: [{ file: a.txt }, { file: b.txt }] } }
  b: { uses: join, with: { parts: [{ file: b.txt }] } }
  n: { uses: length, with: { text: \"${a.text}\" } }
  m: { uses: join, with: { parts: [\"${n.text}\", \"!\"] } }
outputs:
  one: { from: \"${m.text}\", file: out/one.txt }
  two: { from: \"${b.text}\", file: out/two.txt }
";

const SPLIT: &str = "version: 1
nodes:
  s: { uses: split, with: { text: { file: a.txt }, suffix: { file: b.txt } } }
  all: { uses: join, with: { parts: [\"${s.words}\"] } }
outputs:
  all: { from: \"${all.text}\", file: out/all.txt }
";

const ROWS: &str = "version: 1
nodes:
  find: { uses: join, with: { parts: [{ file: rows.json }] } }
  each: { foreach: { row: '${find.text}' }, uses: join, with: { parts: [{ file: '${row.file}' }] } }
  all: { uses: join, with: { parts: ['${each.text}'], between: ' ' } }
  late: { uses: join, with: { parts: [{ file: b.txt }] }, needs: each }
  apart: { uses: join, with: { parts: ['!'] } }
outputs:
  all: { from: '${all.text}', file: out/all.txt }
  late: { from: '${late.text}', file: out/late.txt }
  apart: { from: '${apart.text}', file: out/apart.txt }
";

/// How a build found the project.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Unchanged,
    Part,
    Whole,
}

fn world(yaml: &str) -> World {
    let world = World::new(yaml);
    world.write("a.txt", "one two");
    world.write("b.txt", "x");
    world
}

pub(crate) fn build(world: &World) -> (Way, Built) {
    build_in(world, "some env")
}

/// As the command line does: from the snapshot if it holds, else all of it.
fn build_in(world: &World, said: &str) -> (Way, Built) {
    let key = SnapshotKey::of([("said", said.as_bytes())]);
    let (registry, root) = (world.registry(), world.root.path());
    let cache = Cache::open(CacheConfig::new(&world.cache_path, world.cache.path().join("spare")));
    let (scratch, toolbox) = (tempfile::tempdir().unwrap(), Toolbox::of(world.tools.clone()));
    let executor = Inline::new();
    let recall = Recall { key, epoch: Cache::epoch(&world.cache_path) };
    let equipment = Equipment {
        registry: &registry,
        cache: &cache,
        executor: &executor,
        toolbox: &toolbox,
        scratch: scratch.path().into(),
        snapshot: Some(recall.clone()),
    };
    let mut log = Log::default();
    let mut summary: Option<(Way, Summary)> = None;
    if let Some(snapshot) = recall.open(root) {
        let tool = |name: &str| toolbox.identity(name);
        match snapshot.examine(&|_| None, recall.epoch, &Recall::marker(root), tool) {
            Verdict::Unchanged => summary = Some((Way::Unchanged, Summary::unchanged(root, &snapshot))),
            Verdict::Changed(changes) => {
                if let Some(part) = Resumption::prepare(snapshot, changes, &registry, &cache) {
                    let mut observer = |event: &_| log.take(event);
                    let built =
                        part.build(root, &equipment, world.settings(), &mut observer, &mut channel().1);
                    summary = built.unwrap().map(|summary| (Way::Part, summary));
                }
            }
            Verdict::Stale => {}
        }
    }
    let (way, summary) = summary.unwrap_or_else(|| {
        let project = world.load().unwrap();
        let (targets, outputs) = project.targets(&[]).unwrap();
        let mut observer = |event: &_| log.take(event);
        let summary = project.build(
            &equipment,
            world.settings(),
            (&targets, &outputs),
            &mut observer,
            &mut channel().1,
        );
        (Way::Whole, summary.unwrap())
    });
    executor.shutdown(std::time::Duration::from_secs(1));
    (way, log.finish(summary))
}

fn snapshots(world: &World, ending: &str) -> Vec<PathBuf> {
    let folder = world.root.path().join(".reel/snapshots");
    let all = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|end| end == ending)).collect()
}

#[test]
fn a_project_that_did_not_change_is_not_even_read() {
    let world = world(FILM);
    assert_eq!(build(&world).0, Way::Whole);
    for _ in 0..2 {
        let (way, built) = build(&world);
        assert_eq!(way, Way::Unchanged);
        assert_eq!((built.summary.tally.planned, built.summary.tally.cached), (4, 4));
        let names: Vec<&str> = built.summary.outputs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
    }
}

#[test]
fn a_changed_source_runs_what_depends_on_it_and_nothing_else_is_read() {
    let world = world(FILM);
    build(&world);
    world.write("a.txt", "three");
    let (way, built) = build(&world);
    assert_eq!(way, Way::Part);
    assert_eq!(built.ran, ["a", "m", "n"]);
    let tally = built.summary.tally;
    assert_eq!((tally.planned, tally.ran, tally.cached), (4, 3, 1));
    assert!(built.events.contains(&"did-hit b".to_owned()), "{:?}", built.events);
    assert_eq!(world.read("out/one.txt"), "6!");
    assert_eq!(built.summary.outputs.len(), 2);
    assert_eq!(build(&world).0, Way::Unchanged);
}

#[test]
fn early_cutoff_and_undo_are_hits() {
    let world = world(FILM);
    build(&world);
    world.write("a.txt", "two one");
    let (way, built) = build(&world);
    assert_eq!((way, built.ran), (Way::Part, ["a", "n"].map(str::to_owned).to_vec()), "as many letters");
    world.write("a.txt", "one two");
    let (way, built) = build(&world);
    assert_eq!((way, built.ran.len()), (Way::Part, 0));
    world.write("b.txt", "yy");
    let (way, built) = build(&world);
    assert_eq!((way, built.ran), (Way::Part, ["a", "b", "m", "n"].map(str::to_owned).to_vec()));
    assert_eq!((world.read("out/one.txt"), world.read("out/two.txt")), ("9!".to_owned(), "yy".to_owned()));
}

#[test]
fn an_output_that_is_gone_is_put_there_again() {
    let world = world(FILM);
    build(&world);
    fs::remove_file(world.root.path().join("out/two.txt")).unwrap();
    world.write("out/one.txt", "scribbled over");
    let (way, built) = build(&world);
    assert_eq!((way, built.ran.len()), (Way::Part, 0));
    assert_eq!((world.read("out/one.txt"), world.read("out/two.txt")), ("8!".to_owned(), "x".to_owned()));
    assert_eq!(build(&world).0, Way::Unchanged);
}

#[test]
fn what_the_graph_was_made_of_is_read_again() {
    let mut world = world(FILM);
    build(&world);
    assert_eq!(build_in(&world, "another target").0, Way::Whole);
    world.forget(&Digest::of(b"any result"));
    assert_eq!(build(&world).0, Way::Whole, "results were removed");
    world.write("reel.yaml", &format!("# a comment\n{FILM}"));
    let (way, built) = build(&world);
    assert_eq!((way, built.ran.len()), (Way::Whole, 0));
    assert_eq!(build(&world).0, Way::Unchanged);
    world.tools.insert("hammer".into(), "2.0".into());
    let (way, built) = build(&world);
    assert_eq!((way, built.ran), (Way::Whole, ["a", "b", "m"].map(str::to_owned).to_vec()));
    world.write("reel.lock", "{}");
    fs::remove_file(world.root.path().join("a.txt")).unwrap();
    assert!(world.load().is_err());
}

#[test]
fn a_link_that_leads_elsewhere_is_another_source() {
    let world = World::new(&FILM.replace("a.txt", "link.txt"));
    for (file, text) in [("a.txt", "one two"), ("b.txt", "x"), ("c.txt", "three")] {
        world.write(file, text);
    }
    let link = world.root.path().join("link.txt");
    std::os::unix::fs::symlink("a.txt", &link).unwrap();
    build(&world);
    assert_eq!((build(&world).0, world.read("out/one.txt")), (Way::Unchanged, "8!".to_owned()));
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("c.txt", &link).unwrap();
    let (way, built) = build(&world);
    assert_eq!((way, built.ran), (Way::Whole, ["a", "m", "n"].map(str::to_owned).to_vec()));
    assert_eq!(world.read("out/one.txt"), "6!");
}

#[test]
fn every_name_of_a_file_is_looked_at() {
    let world = World::new(&FILM.replacen("parts: [{ file: b.txt }]", "parts: [{ file: link.txt }]", 1));
    for (file, text) in [("a.txt", "one"), ("b.txt", "x"), ("c.txt", "three")] {
        world.write(file, text);
    }
    let link = world.root.path().join("link.txt");
    std::os::unix::fs::symlink("b.txt", &link).unwrap();
    build(&world);
    assert_eq!((build(&world).0, world.read("out/two.txt")), (Way::Unchanged, "x".to_owned()));
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("c.txt", &link).unwrap();
    let (way, built) = build(&world);
    assert_eq!((way, built.ran), (Way::Whole, vec!["b".to_owned()]));
    assert_eq!(world.read("out/two.txt"), "three");
    let names = world.load().unwrap().dependencies();
    assert!(names.iter().any(|dependency| dependency.path == link), "{names:?}");
}

#[test]
fn an_output_is_not_placed_over_a_file_that_only_an_expansion_reads() {
    let world = World::new(&ROWS.replace("file: out/late.txt", "file: one.txt"));
    for (file, text) in
        [("rows.json", r#"[{"id": "a", "file": "one.txt"}]"#), ("one.txt", "1"), ("b.txt", "x")]
    {
        world.write(file, text);
    }
    for _ in 0..2 {
        let (_, built) = build(&world);
        let told = built.warnings.iter().any(|told| told.contains("`one.txt`, which a node reads"));
        assert!(told, "{:?}", built.warnings);
        assert_eq!(world.read("one.txt"), "1", "a source stays as it is");
    }
}

#[test]
fn a_failure_leaves_the_last_state() {
    let world = world(FILM);
    build(&world);
    world.write("a.txt", "bad");
    world.outside.broken.lock().unwrap().push("badx".to_owned());
    for _ in 0..2 {
        let (way, built) = build(&world);
        assert_eq!((way, built.failed.len()), (Way::Part, 1));
        assert_eq!(world.read("out/one.txt"), "8!", "the last good one stands");
    }
    world.outside.broken.lock().unwrap().clear();
    assert_eq!(build(&world).1.ran, ["a", "m", "n"]);
}

#[test]
fn what_may_expand_otherwise_is_built_as_a_whole() {
    let world = world(SPLIT);
    build(&world);
    assert_eq!(build(&world).0, Way::Unchanged);
    world.write("b.txt", "z");
    let (way, built) = build(&world);
    assert_eq!(way, Way::Part, "only passed on by the node that expands");
    assert_eq!(built.ran, ["all", "s.word.1", "s.word.2"]);
    assert_eq!(world.read("out/all.txt"), "onez\u{0}twoz".replace('\u{0}', ""));
    world.write("a.txt", "one two three");
    let (way, built) = build(&world);
    assert_eq!((way, built.ran), (Way::Whole, ["all", "s", "s.word.3"].map(str::to_owned).to_vec()));
    assert_eq!(build(&world).0, Way::Unchanged);
}

#[test]
fn a_source_behind_one_row_of_a_list_runs_what_depends_on_it() {
    let world = world(ROWS);
    let rows = |files: &[&str]| {
        let rows = files.iter().map(|file| format!("{{ \"id\": \"{file}\", \"file\": \"{file}.txt\" }}"));
        format!("[{}]", rows.collect::<Vec<_>>().join(", "))
    };
    world.write("rows.json", &rows(&["a", "c", "d"]));
    world.write("c.txt", "three");
    world.write("d.txt", "four");
    let (way, built) = build(&world);
    assert_eq!((way, built.ran.len(), built.summary.tally.planned), (Way::Whole, 8, 8));
    // A row of many.
    world.write("c.txt", "3");
    let (way, built) = build(&world);
    assert_eq!((way, &built.ran[..]), (Way::Part, &["all", "each[c]"].map(str::to_owned)[..]));
    assert_eq!((built.summary.tally.planned, built.summary.tally.cached), (8, 6));
    assert!(!built.events.iter().any(|event| event.starts_with("did-expand")), "{:?}", built.events);
    assert_eq!(world.read("out/all.txt"), "one two 3 four");
    // Beside them, and after the node that made them.
    world.write("b.txt", "y");
    let (way, built) = build(&world);
    assert_eq!((way, &built.ran[..]), (Way::Part, &["late".to_owned()][..]));
    assert_eq!(build(&world).0, Way::Unchanged);
    // The list itself is more graph.
    world.write("rows.json", &rows(&["a", "c"]));
    let (way, built) = build(&world);
    assert_eq!((way, &built.ran[..]), (Way::Whole, &["all", "each", "find"].map(str::to_owned)[..]));
    assert_eq!(world.read("out/all.txt"), "one two 3");
    assert_eq!(build(&world).0, Way::Unchanged);
}

#[test]
fn a_cache_that_is_gone_is_made_again() {
    let world = world(FILM);
    build(&world);
    fs::remove_dir_all(&world.cache_path).unwrap();
    world.write("b.txt", "z");
    fs::remove_file(world.root.path().join("out/one.txt")).unwrap();
    world.write("a.txt", "four");
    let (_, built) = build(&world);
    assert_eq!(built.ran, ["a", "b", "m", "n"]);
    assert_eq!(world.read("out/one.txt"), "5!");
}

#[test]
fn of_two_builds_on_one_base_one_counts() {
    let world = world(FILM);
    build(&world);
    let log = |world: &World| snapshots(world, "log");
    world.write("a.txt", "three");
    build(&world);
    let first = fs::read(&log(&world)[0]).unwrap();
    fs::write(&log(&world)[0], "").unwrap();
    world.write("b.txt", "yy");
    build(&world);
    let second = fs::read(&log(&world)[0]).unwrap();
    // Both began on the same base and one wrote after the other.
    fs::write(&log(&world)[0], [second.as_slice(), &first].concat()).unwrap();
    assert_eq!(build(&world).0, Way::Unchanged);
    fs::write(&log(&world)[0], [first.as_slice(), &second].concat()).unwrap();
    let (way, built) = build(&world);
    assert_eq!((way, built.ran.len()), (Way::Part, 0), "what the second knew is found in the cache");
}

#[test]
fn damage_is_found_and_costs_time_only() {
    for ending in ["snapshot", "log"] {
        let world = world(FILM);
        build(&world);
        world.write("a.txt", "three");
        build(&world);
        let path = snapshots(&world, ending)[0].clone();
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            for damaged in [&bytes, &whole[..at].to_vec()] {
                fs::write(&path, damaged).unwrap();
                fs::remove_file(world.root.path().join("out/one.txt")).ok();
                let (_, built) = build(&world);
                assert_eq!(built.ran.len(), 0, "{ending} at {at}");
                assert_eq!(world.read("out/one.txt"), "6!", "{ending} at {at}");
            }
            fs::write(&path, &whole).unwrap();
        }
    }
}

#[test]
fn only_the_last_few_are_kept() {
    let world = world(FILM);
    for number in 0..7 {
        build_in(&world, &number.to_string());
    }
    assert_eq!(snapshots(&world, "snapshot").len(), 4);
    assert_eq!(build_in(&world, "6").0, Way::Unchanged);
}

#[test]
fn what_an_output_needs_holds_it_back_in_a_part_as_in_the_whole() {
    let world = world(&FILM.replace("file: out/two.txt", "file: out/two.txt, needs: m"));
    build(&world);
    world.write("a.txt", "three four");
    world.outside.broken.lock().unwrap().push("11!".into());
    let (way, built) = build(&world);
    assert_eq!((way, built.failed.len()), (Way::Part, 1));
    assert_eq!(built.summary.missing, ["one", "two"], "`two` is there as before, but not as it is wanted");
    world.outside.broken.lock().unwrap().clear();
    let (_, built) = build(&world);
    assert!(built.summary.is_success());
    assert_eq!((world.read("out/one.txt"), world.read("out/two.txt")), ("11!".into(), "x".into()));
}
