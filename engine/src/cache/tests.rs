//! Tests of the cache as its users see it.

mod collecting;
mod damage;
mod processes;

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use super::*;
use crate::hands::Hands;
use crate::operation::{SubNode, Subgraph};

/// A folder with a store in it, and a clock that stands still.
struct Space {
    folder: tempfile::TempDir,
    clock: Arc<AtomicU64>,
}

const NOW: u64 = 1_800_000_000;

impl Space {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(AtomicU64::new(NOW)) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.path("store/v1/records.db")
    }

    fn config(&self) -> CacheConfig {
        let clock = Arc::clone(&self.clock);
        CacheConfig {
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            ..CacheConfig::new(self.path("store"), self.path("spare"))
        }
    }

    fn open(&self) -> Cache {
        Cache::open(self.config())
    }

    fn wait(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    fn scratch(&self, bytes: &[u8]) -> PathBuf {
        let path = self.path("scratch");
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn facts(kind: &str) -> Facts {
    Facts { kind: kind.into(), cost_micros: 1000, rank: Rank::Made, manifest: b"behind it".to_vec() }
}

fn ticket(cache: &Cache, name: &str) -> Ticket {
    let Lookup::Miss(miss) = cache.lookup(&key(name)) else {
        panic!("`{name}` is there already");
    };
    match cache.claim(miss) {
        Claimed::Mine(ticket) => ticket,
        _ => panic!("`{name}` is not free"),
    }
}

/// Runs the action `name`, and waits until it is recorded; tells whether it is kept.
fn run(cache: &Cache, name: &str, outcome: Outcome, facts: Facts) -> (ActionResult, bool) {
    let (told, answer) = mpsc::channel();
    let result = ticket(cache, name).commit(outcome, facts, move |kept| told.send(kept).unwrap()).unwrap();
    (ActionResult::clone(&result), answer.recv().unwrap())
}

fn hit(cache: &Cache, name: &str) -> Option<ActionResult> {
    match cache.lookup(&key(name)) {
        Lookup::Hit(result) => Some(*result),
        Lookup::Miss(_) => None,
    }
}

fn large(seed: u8) -> Vec<u8> {
    (0..INLINE_LIMIT as usize + 1000).map(|i| (i % 251) as u8 ^ seed).collect()
}

fn film(seed: u8) -> Outcome {
    Outcome::default().with_bytes("text", "text/plain", *b"small").with_bytes(
        "video",
        "video/mp4",
        large(seed),
    )
}

fn kinds(cache: &Cache) -> Vec<WarningKind> {
    cache.take_warnings().iter().map(|warning| warning.kind).collect()
}

#[test]
fn what_is_committed_is_found_by_the_next_to_open_the_store() {
    let space = Space::new();
    let graph = Subgraph {
        nodes: vec![SubNode {
            name: "encode.1".into(),
            uses: "encode".into(),
            with: serde_json::json!({ "frames": 96 }),
        }],
        ..Subgraph::default()
    };
    let outcome = Outcome { graph: Some(graph), log: "said".into(), ..film(1) };
    let (result, kept) = run(&space.open(), "a", outcome, facts("encode"));
    assert!(kept);
    let cache = space.open();
    assert_eq!(hit(&cache, "a"), Some(result.clone()));
    assert_eq!(hit(&cache, "b"), None);
    assert_eq!(cache.manifest(&key("a")).as_deref(), Some(b"behind it".as_slice()));
    assert_eq!(cache.manifest(&key("b")), None);

    let (text, video) = (result.port("text").unwrap(), result.port("video").unwrap());
    assert!(matches!(text.place, Place::Inline(_)) && matches!(video.place, Place::Blob(_)));
    for (stored, bytes) in [(text, b"small".to_vec()), (video, large(1))] {
        assert_eq!((stored.artifact.digest, stored.artifact.size), (Digest::of(&bytes), bytes.len() as u64));
        assert_eq!(cache.read(stored).unwrap(), bytes);
        for _ in 0..2 {
            let path = cache.materialise(stored, &space.path("inputs")).unwrap();
            assert_eq!(fs::read(path).unwrap(), bytes);
        }
        let out = space.path("out/file");
        cache.place(stored, &out, Placing::Copy).unwrap();
        assert!(same_content(&stored.artifact, &out).unwrap());
    }
    assert_eq!(kinds(&cache), []);
}

#[test]
fn files_of_the_scratch_folder_are_taken_over_or_put_into_the_record() {
    let space = Space::new();
    let cache = space.open();
    let (result, _) = run(
        &cache,
        "large",
        Outcome::default().with_file("video", "video/mp4", space.scratch(&large(3))),
        facts("encode"),
    );
    assert!(!space.path("scratch").exists());
    assert_eq!(cache.read(&result.artifacts[0]).unwrap(), large(3));
    let (result, _) = run(
        &cache,
        "small",
        Outcome::default().with_file("text", "text/plain", space.scratch(b"few")),
        facts("text"),
    );
    assert_eq!(result.artifacts[0].place, Place::Inline(b"few".as_slice().into()));
}

#[test]
fn a_promised_file_that_is_not_there_is_an_error_and_records_nothing() {
    let space = Space::new();
    let cache = space.open();
    std::os::unix::fs::symlink("/etc/hostname", space.path("link")).unwrap();
    for path in [space.path("absent"), space.path("link"), space.path("store")] {
        let error = ticket(&cache, "a")
            .commit(Outcome::default().with_file("video", "video/mp4", path), facts("encode"), |_| {
                panic!("nothing was committed")
            })
            .unwrap_err();
        assert!(matches!(&error, CommitError::NoFile { port, .. } if port == "video"), "{error}");
        assert_eq!(hit(&cache, "a"), None, "and the key is free again");
    }
}

#[test]
fn a_key_is_busy_until_its_result_is_recorded() {
    let space = Space::new();
    let (a, b) = (space.open(), space.open());
    let mine = ticket(&a, "a");
    for other in [&a, &b] {
        let Lookup::Miss(miss) = other.lookup(&key("a")) else {
            panic!("nothing is recorded yet");
        };
        assert!(matches!(other.claim(miss), Claimed::Busy(miss) if miss.key() == key("a")));
    }
    let Lookup::Miss(miss) = b.lookup(&key("a")) else {
        panic!("nothing is recorded yet");
    };
    mine.commit(film(1), facts("encode"), |_| {}).unwrap();
    a.flush();
    assert!(matches!(b.claim(miss), Claimed::Hit(result) if result.kind == "encode"));
    drop(ticket(&b, "given up"));
    drop(ticket(&a, "given up"));
}

#[test]
fn many_keys_are_claimed_at_once_each_as_if_alone() {
    let space = Space::new();
    let (cache, other) = (space.open(), space.open());
    let misses = |names: &[&str]| -> Vec<Miss> { names.iter().map(|name| Miss { key: key(name) }).collect() };
    let held = ticket(&other, "busy");
    run(&other, "done", film(1), facts("encode"));
    let hands = Hands::new(1);
    let claimed = cache.claim_all(misses(&["busy", "free", "done", "free"]), &hands, |_, claimed| claimed);
    assert!(matches!(&claimed[0], Claimed::Busy(miss) if miss.key() == key("busy")));
    assert!(matches!(&claimed[1], Claimed::Mine(ticket) if ticket.key() == key("free")));
    assert!(matches!(&claimed[2], Claimed::Hit(result) if result.kind == "encode"));
    assert!(matches!(&claimed[3], Claimed::Busy(_)), "the same key is one action");
    drop((claimed, held));
    let free = |_, claimed| matches!(claimed, Claimed::Mine(_));
    let free = cache.claim_all(misses(&["busy", "free"]), &hands, free);
    assert_eq!(free, [true, true], "what is not used is given back");
}

#[test]
fn looks_of_one_moment_see_nothing_newer_and_a_claim_does() {
    let space = Space::new();
    let (cache, other) = (space.open(), space.open());
    run(&other, "before", film(1), facts("encode"));
    let looks = cache.looks();
    assert!(hit(&cache, "before").is_some());
    let Lookup::Miss(miss) = cache.lookup(&key("a")) else { panic!("nobody made it") };
    run(&other, "a", film(2), facts("encode"));
    assert!(hit(&cache, "a").is_none(), "the moment is over, the look is not");
    assert!(matches!(cache.claim(miss), Claimed::Hit(_)), "nothing runs twice");
    drop(looks);
    assert!(hit(&cache, "a").is_some());
}

#[test]
fn results_that_wait_for_more_are_written_when_somebody_hurries_or_the_cache_ends() {
    let space = Space::new();
    let cache = space.open();
    let (told, answer) = mpsc::channel();
    let commit = |name: &str| {
        let (told, bytes) = (told.clone(), name.as_bytes().to_vec());
        let outcome = Outcome::default().with_bytes("text", "text/plain", bytes);
        ticket(&cache, name)
            .with_more()
            .commit(outcome, facts("text"), move |kept| told.send(kept).unwrap())
            .unwrap()
    };
    commit("a");
    commit("b");
    assert!(answer.try_recv().is_err() && hit(&space.open(), "a").is_none());
    cache.hurry();
    assert_eq!([answer.recv(), answer.recv()], [Ok(true), Ok(true)]);
    assert!(hit(&space.open(), "a").is_some() && hit(&space.open(), "b").is_some());
    // Another change takes along what waits, so that their order stays.
    commit("c");
    cache.forget(&key("c"));
    assert!(answer.recv().unwrap() && hit(&cache, "c").is_none());
    commit("d");
    drop(cache);
    assert!(answer.recv().unwrap() && hit(&space.open(), "d").is_some());
}

#[test]
fn the_first_recorded_result_wins() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "a", Outcome::default().with_bytes("text", "text/plain", *b"one"), facts("text"));
    let again = Ticket { cache: cache.clone(), key: key("a"), lock: None, with_more: false };
    again
        .commit(Outcome::default().with_bytes("text", "text/plain", *b"two"), facts("text"), |_| {})
        .unwrap();
    cache.flush();
    let result = hit(&cache, "a").unwrap();
    assert_eq!(cache.read(&result.artifacts[0]).unwrap(), b"one");
}

#[test]
fn costs_are_estimated_from_what_a_kind_took_of_late() {
    let space = Space::new();
    let cache = space.open();
    let timed = |kind, cost_micros| Facts { cost_micros, ..facts(kind) };
    assert_eq!(cache.cost_estimate("encode"), None);
    for (name, kind, took, estimate) in [
        ("a", "encode", 4000, 4000),
        ("b", "encode", 2000, 3000),
        ("c", "mux", 50, 3000),
        ("d", "encode", 0, 1500),
    ] {
        run(&cache, name, Outcome::default(), timed(kind, took));
        assert_eq!(cache.cost_estimate("encode"), Some(estimate), "{name}");
    }
    assert_eq!(space.open().cost_estimate("mux"), Some(50));
}

#[test]
fn a_forgotten_result_is_made_again() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "a", film(1), facts("encode"));
    cache.forget(&key("a"));
    assert_eq!(hit(&cache, "a"), None);
    assert!(run(&cache, "a", film(2), facts("encode")).1);
    assert_eq!(hit(&space.open(), "a").unwrap().artifacts[1].artifact.digest, Digest::of(&large(2)));
}

#[test]
fn a_read_only_store_gives_hits_and_stays_as_it_is() {
    let space = Space::new();
    let (old, _) = run(&space.open(), "old", film(1), facts("encode"));
    let before = fs::metadata(space.database()).unwrap().len();
    let cache = Cache::open(CacheConfig { read_only: true, ..space.config() });
    assert!(!cache.is_writable());
    assert_eq!(hit(&cache, "old"), Some(old.clone()));
    let (new, kept) = run(&cache, "new", film(2), facts("encode"));
    assert!(!kept);
    assert_eq!(hit(&cache, "new"), Some(new.clone()), "this build still finds it");
    assert_eq!(cache.read(&new.artifacts[1]).unwrap(), large(2));
    assert_eq!(cache.read(&old.artifacts[1]).unwrap(), large(1));
    cache.forget(&key("old"));
    assert_eq!(hit(&cache, "old"), None, "for this build it is gone");
    assert!(cache.gc(Budget::default()).is_err());
    drop(cache);
    assert_eq!(fs::read_dir(space.path("spare")).unwrap().count(), 0, "the private store is gone");
    assert_eq!(fs::metadata(space.database()).unwrap().len(), before);
    assert!(hit(&space.open(), "old").is_some() && hit(&space.open(), "new").is_none());
}

#[test]
fn a_store_that_cannot_be_made_costs_a_warning() {
    let space = Space::new();
    fs::write(space.path("store"), "a file is in the way").unwrap();
    let cache = space.open();
    let (result, kept) = run(&cache, "a", film(1), facts("encode"));
    assert!(!kept && !cache.is_writable());
    assert_eq!(cache.read(&result.artifacts[1]).unwrap(), large(1));
    assert_eq!(hit(&cache, "a"), Some(result));
    assert!(kinds(&cache).contains(&WarningKind::Unwritable));
    assert_eq!(cache.begin_build().map(drop), None);
}

#[test]
fn sync_after_work_and_without_any() {
    let space = Space::new();
    let cache = space.open();
    cache.sync();
    let (result, _) = run(&cache, "a", film(1), facts("encode"));
    for seed in 0..70 {
        run(&cache, &format!("many {seed}"), film(seed), facts("encode"));
    }
    cache.sync();
    let connection = rusqlite::Connection::open(space.database()).unwrap();
    let unsynced: i64 = connection
        .query_row("select count(*) from results where unsynced != 0", [], |row| row.get(0))
        .unwrap();
    assert_eq!(unsynced, 0);
    assert_eq!(hit(&cache, "a"), Some(result));
}

#[test]
fn a_large_body_in_memory_becomes_a_blob() {
    let space = Space::new();
    let cache = space.open();
    let limit = vec![7; INLINE_LIMIT as usize];
    let outcome = Outcome::default().with_bytes("a", "x/y", limit.clone()).with_bytes(
        "b",
        "x/y",
        [limit, vec![1]].concat(),
    );
    let (result, _) = run(&cache, "a", outcome, facts("file"));
    assert!(matches!(result.artifacts[0].place, Place::Inline(_)));
    assert!(matches!(result.artifacts[1].place, Place::Blob(_)));
}
