//! Budgets, ages, pins and builds that are going on.

use super::*;

const DAY: u64 = 24 * 3600;

fn costly(cost_micros: u64, assembled: bool) -> Facts {
    Facts { cost_micros, assembled, ..facts("encode") }
}

fn present<'a>(cache: &Cache, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().copied().filter(|name| hit(cache, name).is_some()).collect()
}

fn size_of(cache: &Cache) -> u64 {
    cache.gc(Budget::default(), &BTreeSet::new()).unwrap().left
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
    let report = cache.gc(Budget { max_age: Some(3 * DAY), ..Budget::default() }, &BTreeSet::new()).unwrap();
    assert_eq!((report.records, report.blobs), (1, 1));
    assert!(report.freed > INLINE_LIMIT && report.left > 2 * INLINE_LIMIT);
    assert_eq!(present(&cache, &["old", "used", "new"]), ["used", "new"]);
    let used = hit(&cache, "used").unwrap();
    assert_eq!(cache.read(used.port("video").unwrap()).unwrap(), large(1));
}

#[test]
fn within_a_size_the_assembled_go_first_then_the_cheap() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "dear", film(1), costly(9_000_000, false));
    run(&cache, "cheap", film(2), costly(10, false));
    run(&cache, "film", film(3), costly(9_000_000, true));
    let names = ["dear", "cheap", "film"];
    let mut whole = size_of(&cache);
    for left in [["dear", "cheap"].as_slice(), &["dear"], &[]] {
        let budget = Budget { max_size: Some(whole - 1), ..Budget::default() };
        let report = cache.gc(budget, &BTreeSet::new()).unwrap();
        assert_eq!((report.records, report.blobs, report.left < whole), (1, 1, true));
        assert_eq!(present(&cache, &names), left);
        whole = report.left;
    }
    assert_eq!(cache.stats().unwrap().blobs, 0);
}

#[test]
fn a_pinned_result_stays_and_a_budget_below_the_pins_is_told() {
    let space = Space::new();
    let cache = space.open();
    for (n, name) in ["a", "b"].into_iter().enumerate() {
        run(&cache, name, film(n as u8), facts("encode"));
    }
    space.wait(90 * DAY);
    let budget = Budget { max_size: Some(10), max_age: Some(1) };
    let report = cache.gc(budget, &BTreeSet::from([key("a")])).unwrap();
    assert!(report.below_working_set && report.pinned > INLINE_LIMIT);
    assert_eq!(report.left, report.pinned);
    assert_eq!(present(&cache, &["a", "b"]), ["a"]);
}

#[test]
fn a_blob_of_two_results_stays_with_the_second() {
    let space = Space::new();
    let cache = space.open();
    run(&cache, "a", film(1), facts("encode"));
    space.wait(10 * DAY);
    run(&cache, "b", film(1), facts("encode"));
    let budget = Budget { max_age: Some(DAY), ..Budget::default() };
    let report = cache.gc(budget, &BTreeSet::new()).unwrap();
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
    let keep = cache.gc(Budget::default(), &BTreeSet::new()).unwrap();
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
