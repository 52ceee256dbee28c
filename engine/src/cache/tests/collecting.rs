//! Budgets, ages, pins and builds that are going on.

use super::*;

const DAY: u64 = 24 * 3600;

fn costly(cost_micros: u64, rank: Rank) -> Facts {
    Facts { cost_micros, rank, ..facts("encode") }
}

/// Registers a project whose outputs need these.
fn register(cache: &Cache, number: u32, names: &[&str]) -> ProjectId {
    let id = ProjectId::parse(&format!("{number:032x}")).unwrap();
    let keys = names.iter().map(|name| key(name)).collect();
    let folder = PathBuf::from(format!("/films/{number}"));
    cache.register(&id, Roots { folder, part: None, keys, complete: true }).unwrap();
    id
}

fn set_seen(space: &Space, id: &ProjectId, seconds: u64) {
    let file = fs::File::open(id.file(&space.path("store"))).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
}

fn epoch(space: &Space) -> Option<Epoch> {
    Cache::epoch(&space.path("store"))
}

fn present<'a>(cache: &Cache, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().copied().filter(|name| hit(cache, name).is_some()).collect()
}

fn size_of(cache: &Cache) -> u64 {
    cache.gc(Budget::default()).unwrap().left
}

#[test]
fn what_was_not_used_for_long_goes_first_and_a_use_counts() {
    let space = Space::new();
    let cache = space.open();
    for (n, name) in ["old", "used", "new"].into_iter().enumerate() {
        run(&cache, name, film(n as u8), facts("encode"));
        space.wait(2 * DAY);
    }
    assert!(hit(&cache, "used").is_some());
    cache.flush();
    let report = cache.gc(Budget { max_age: Some(3 * DAY), ..Budget::default() }).unwrap();
    assert_eq!((report.records, report.blobs), (1, 1));
    assert!(report.freed > INLINE_LIMIT && report.left > 2 * INLINE_LIMIT);
    assert_eq!(present(&cache, &["old", "used", "new"]), ["used", "new"]);
    let used = hit(&cache, "used").unwrap();
    assert_eq!(cache.read(used.port("video").unwrap()).unwrap(), large(1));
}

#[test]
fn within_a_size_the_assembled_go_first_then_the_cheap_and_what_was_paid_for_last() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "paid", film(0), costly(1, Rank::Paid));
    run(&cache, "dear", film(1), costly(9_000_000, Rank::Made));
    run(&cache, "cheap", film(2), costly(10, Rank::Made));
    run(&cache, "film", film(3), costly(9_000_000, Rank::Assembled));
    let names = ["paid", "dear", "cheap", "film"];
    let mut whole = size_of(&cache);
    for left in [["paid", "dear", "cheap"].as_slice(), &["paid", "dear"], &["paid"], &[]] {
        let budget = Budget { max_size: Some(whole - 1), ..Budget::default() };
        let report = cache.gc(budget).unwrap();
        assert_eq!((report.records, report.blobs, report.left < whole), (1, 1, true));
        assert_eq!(present(&cache, &names), left);
        whole = report.left;
    }
    assert_eq!(cache.stats().unwrap().blobs, 0);
}

#[test]
fn what_current_outputs_need_stays_and_a_budget_below_it_is_told() {
    let space = Space::new();
    let cache = space.open();
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        run(&cache, name, film(n as u8), facts("encode"));
    }
    space.wait(90 * DAY);
    register(&cache, 1, &["a", "gone"]);
    register(&cache, 2, &["a", "c"]);
    let budget = Budget { max_size: Some(10), max_age: Some(1) };
    let report = cache.gc(budget).unwrap();
    let two = 2 * INLINE_LIMIT;
    assert!(
        matches!(&report.below_working_set, Some((folder, bytes)) if folder == Path::new("/films/2") && *bytes > two)
    );
    assert_eq!((report.projects, report.held_by_projects), (2, 2));
    assert_eq!((report.left, report.over), (report.pinned, report.pinned - 10));
    assert_eq!(present(&cache, &["a", "b", "c"]), ["a", "c"]);
    // Both together need more than this, and neither does alone.
    let report = cache.gc(Budget { max_size: Some(two + 4000), max_age: None }).unwrap();
    assert_eq!((report.below_working_set, report.records), (None, 0));
}

#[test]
fn a_project_that_nobody_saw_for_a_month_lapses() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "seen", film(1), facts("encode"));
    run(&cache, "deleted", film(2), facts("encode"));
    let (seen, deleted) = (register(&cache, 1, &["seen"]), register(&cache, 2, &["deleted"]));
    space.wait(31 * DAY);
    set_seen(&space, &seen, NOW + 2 * DAY);
    let budget = Budget { max_size: Some(10), ..Budget::default() };
    let report = cache.gc(budget).unwrap();
    assert_eq!((report.projects, report.lapsed, report.records), (1, 1, 1));
    assert_eq!(present(&cache, &["seen", "deleted"]), ["seen"]);
    let store = space.path("store");
    assert!(Cache::seen(&store, &seen), "one call, and nothing is opened");
    assert!(!Cache::seen(&store, &deleted), "it has to register again");
    register(&cache, 2, &["deleted"]);
    assert!(Cache::seen(&store, &deleted));
}

#[test]
fn a_damaged_registration_is_told_and_dropped() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "a", film(1), facts("encode"));
    let id = register(&cache, 1, &["a"]);
    let path = id.file(&space.path("store"));
    let mut bytes = fs::read(&path).unwrap();
    bytes[60] ^= 1;
    fs::write(&path, bytes).unwrap();
    set_seen(&space, &id, NOW);
    let report = cache.gc(Budget::default()).unwrap();
    assert_eq!((report.damaged_projects, report.projects, report.records), (1, 0, 0));
    assert!(!path.exists() && !Cache::seen(&space.path("store"), &id));
}

#[test]
fn a_store_is_tidied_when_it_is_over_its_budget_or_was_not_looked_through_for_a_week() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "old", film(1), facts("encode"));
    space.wait(DAY);
    let whole = cache.stats().unwrap();
    let plenty = Budget { max_size: Some(2 * (whole.record_bytes + whole.blob_bytes)), max_age: None };
    assert_eq!(cache.tidy(plenty).unwrap(), None);
    let idle = space.open();
    assert_eq!(idle.tidy(Budget { max_size: Some(1), max_age: None }).unwrap(), None, "it recorded nothing");
    run(&cache, "new", film(2), facts("encode"));
    register(&cache, 1, &["new"]);
    let report = cache.tidy(Budget { max_size: Some(whole.blob_bytes), max_age: None }).unwrap().unwrap();
    assert_eq!((report.records, present(&cache, &["old", "new"])), (1, vec!["new"]));
    let marker = fs::File::open(space.path("store/v1/collected")).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(8 * DAY);
    marker.set_modified(long_ago).unwrap();
    assert!(cache.tidy(plenty).unwrap().is_some());
    assert!(cache.tidy(plenty).unwrap().is_none());
}

#[test]
fn a_clock_that_is_set_back_takes_nothing_from_a_live_build() {
    let space = Space::new();
    let (builder, cleaner) = (space.open(), space.open());
    let _build = builder.begin_build().unwrap();
    run(&builder, "before", film(1), facts("encode"));
    space.clock.fetch_sub(400 * DAY, Ordering::Relaxed);
    run(&builder, "after", film(2), facts("encode"));
    let report = cleaner.gc(Budget { max_size: Some(1), max_age: Some(1) }).unwrap();
    assert_eq!((report.records, report.held_by_builds), (0, 2));
    assert_eq!(present(&cleaner, &["before", "after"]), ["before", "after"]);
}

#[test]
fn a_use_by_a_clock_that_was_ahead_grows_old_from_now_on() {
    let space = Space::new();
    space.wait(400 * DAY);
    run(&space.open(), "a", film(1), facts("encode"));
    space.clock.fetch_sub(400 * DAY, Ordering::Relaxed);
    let cache = space.open();
    let month = Budget { max_age: Some(30 * DAY), ..Budget::default() };
    assert_eq!(cache.gc(month).unwrap().records, 0);
    space.wait(31 * DAY);
    assert_eq!(cache.gc(month).unwrap().records, 1);
}

#[test]
fn the_epoch_changes_whenever_a_record_goes_and_at_no_other_time() {
    let space = Space::new();
    let cache = space.open();
    let mut results: Vec<_> =
        (0..6).map(|n| run(&cache, &n.to_string(), film(n), facts("encode")).0).collect();
    let mut last = epoch(&space);
    assert!(last.is_some());
    let store = space.path("store");
    let mut step = |what: &str, changes: bool, act: &mut dyn FnMut()| {
        act();
        cache.flush();
        let now = Cache::epoch(&store);
        assert_eq!((now != last, now.is_some()), (changes, true), "{what}");
        last = now;
    };
    step("hits, a build, nothing to collect", false, &mut || {
        drop(space.open().begin_build());
        assert!(hit(&cache, "0").is_some());
        cache.gc(Budget::default()).unwrap();
        cache.verify().unwrap();
        cache.sync();
    });
    step("forget", true, &mut || cache.forget(&key("0")));
    step("a lost blob", true, &mut || {
        let Place::Blob(blob) = &results[1].artifacts[1].place else { panic!("it is large") };
        fs::remove_file(cache.0.blobs.path(&blob.sha256)).unwrap();
        assert!(cache.read(&results[1].artifacts[1]).is_err());
    });
    step("verify", true, &mut || {
        let Place::Blob(blob) = &results[2].artifacts[1].place else { panic!("it is large") };
        fs::remove_file(cache.0.blobs.path(&blob.sha256)).unwrap();
        cache.verify().unwrap();
    });
    step("a record that is damaged", true, &mut || {
        let connection = rusqlite::Connection::open(space.database()).unwrap();
        connection.execute("update results set cost = 7 where key = ?", [key("3").as_bytes()]).unwrap();
        assert_eq!(hit(&cache, "3"), None);
    });
    step("gc", true, &mut || {
        let left = size_of(&cache);
        assert_eq!(cache.gc(Budget { max_size: Some(left - 1), max_age: None }).unwrap().records, 1);
    });
    step("clear", true, &mut || assert_eq!(cache.clear().unwrap().records, 1));
    results.clear();
    step("recording", false, &mut || drop(run(&cache, "new", film(9), facts("encode"))));
    step("records set aside", true, &mut || {
        fs::write(space.database(), vec![b'x'; 40_000]).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(space.path(&format!("store/v1/records.db{suffix}")));
        }
        assert_eq!(hit(&space.open(), "new"), None);
    });
    step("records deleted", true, &mut || {
        fs::remove_file(space.database()).unwrap();
        drop(space.open());
    });
}

#[test]
fn a_blob_of_two_results_stays_with_the_second() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "a", film(1), facts("encode"));
    space.wait(10 * DAY);
    run(&cache, "b", film(1), facts("encode"));
    let budget = Budget { max_age: Some(DAY), ..Budget::default() };
    let report = cache.gc(budget).unwrap();
    assert_eq!((report.records, report.blobs), (1, 0));
    let b = hit(&cache, "b").unwrap();
    assert_eq!(cache.read(b.port("video").unwrap()).unwrap(), large(1));
}

#[test]
fn what_a_live_build_may_use_stays() {
    let space = Space::new();
    let (builder, cleaner) = (space.open(), space.open());
    run(&builder, "idle", film(1), facts("encode"));
    run(&builder, "touched", film(2), facts("encode"));
    space.wait(3 * DAY);
    let build = builder.begin_build().unwrap();
    assert!(hit(&builder, "touched").is_some());
    builder.flush();
    run(&builder, "made", film(3), facts("encode"));
    let report = cleaner.clear().unwrap();
    assert_eq!((report.records, report.live_builds, report.held_by_builds), (1, 1, 2));
    for (name, seed) in [("touched", 2), ("made", 3)] {
        let result = hit(&builder, name).unwrap();
        assert_eq!(builder.read(result.port("video").unwrap()).unwrap(), large(seed));
    }
    drop(build);
    let report = cleaner.clear().unwrap();
    assert_eq!((report.records, report.live_builds, report.left), (2, 0, 0));
    assert_eq!(present(&builder, &["idle", "touched", "made"]), [""; 0]);
    assert_eq!(cleaner.stats().unwrap().blob_bytes, 0);
    assert!(run(&builder, "idle", film(1), facts("encode")).1, "a build goes on after a clear");
}

#[test]
fn a_blob_without_a_record_is_left_for_an_hour() {
    let space = Space::new();
    let cache = space.open();
    cache.0.blobs.put(&crate::operation::Body::Bytes(large(1))).unwrap();
    let keep = cache.gc(Budget::default()).unwrap();
    assert_eq!((keep.blobs, cache.stats().unwrap().blobs), (0, 1));
    let gone = cache.clear().unwrap();
    assert_eq!((gone.blobs, cache.stats().unwrap().blobs), (1, 0));
}

#[test]
fn stats_count_what_is_there() {
    let space = Space::new();
    let cache = space.open();
    assert_eq!(cache.stats().unwrap().records, 0);
    run(&cache, "a", film(1), facts("encode"));
    space.wait(5);
    run(&cache, "b", film(2), facts("encode"));
    run(&cache, "c", film(2), facts("mux"));
    let stats = cache.stats().unwrap();
    assert_eq!((stats.records, stats.blobs), (3, 2));
    assert_eq!(stats.blob_bytes, 2 * large(0).len() as u64);
    assert_eq!((stats.first_used, stats.last_used), (Some(NOW), Some(NOW + 5)));
    assert_eq!(stats.kinds["encode"].records, 2);
    assert_eq!(stats.kinds["encode"].cost_micros, 2000);
    assert!(stats.kinds["mux"].bytes > large(0).len() as u64);
    assert_eq!(stats.projects, []);
    register(&cache, 1, &["a", "b"]);
    let [project] = cache.stats().unwrap().projects.try_into().unwrap();
    assert_eq!((project.folder, project.seen), (PathBuf::from("/films/1"), NOW + 5));
    assert!(project.bytes > 2 * INLINE_LIMIT, "{}", project.bytes);
}

#[test]
fn verify_finds_every_kind_of_damage_and_drops_it() {
    let space = Space::new();
    let cache = space.open();
    let mut results = Vec::new();
    for (n, name) in ["good", "flipped", "missing", "record"].into_iter().enumerate() {
        results.push(run(&cache, name, film(n as u8), facts("encode")).0);
    }
    let report = cache.verify().unwrap();
    assert_eq!((report.records, report.blobs, report.bytes), (4, 4, 4 * large(0).len() as u64));
    assert_eq!((report.bad_records, report.bad_blobs, report.incomplete_records), (0, 0, 0));

    let path = |n: usize| match &results[n].artifacts[1].place {
        Place::Blob(blob) => cache.0.blobs.path(&blob.sha256),
        Place::Inline(_) => panic!("it is large"),
    };
    // Size, time and inode stay as they were, so that only hashing tells.
    let modified = fs::metadata(path(1)).unwrap().modified().unwrap();
    let mut bytes = large(1);
    bytes[777] ^= 1;
    fs::write(path(1), bytes).unwrap();
    let file = fs::OpenOptions::new().write(true).open(path(1)).unwrap();
    file.set_modified(modified).unwrap();
    fs::remove_file(path(2)).unwrap();
    let connection = rusqlite::Connection::open(space.database()).unwrap();
    connection.execute("update results set cost = 7 where key = ?", [key("record").as_bytes()]).unwrap();
    let report = cache.verify().unwrap();
    assert_eq!((report.bad_records, report.bad_blobs, report.incomplete_records), (1, 1, 2));
    assert_eq!(present(&cache, &["good", "flipped", "missing", "record"]), ["good"]);
    let report = cache.verify().unwrap();
    assert_eq!((report.bad_records, report.bad_blobs, report.incomplete_records), (0, 0, 0));
}
