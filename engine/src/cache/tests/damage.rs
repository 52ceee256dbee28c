//! What happens when bytes in the store are not what they were.

use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A way to spoil the file at a path.
type Spoil = fn(&Path);

fn blob_of(cache: &Cache, stored: &Stored) -> PathBuf {
    let path = cache.materialise(stored, Path::new("/nowhere")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn flip(path: &Path, at: u64) {
    let byte = fs::read(path).unwrap()[at as usize];
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte ^ 0x10]).unwrap();
}

#[test]
fn a_blob_that_is_gone_or_changed_is_lost_and_its_record_dropped() {
    let ways: [(&str, Spoil); 5] = [
        ("missing", |path| fs::remove_file(path).unwrap()),
        ("damaged", |path| fs::write(path, "").unwrap()),
        ("damaged", |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(5000).unwrap();
        }),
        ("damaged", |path| flip(path, 9000)),
        ("missing", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
    ];
    for (what, spoil) in ways {
        let space = Space::new();
        let cache = space.open();
        let (result, _) = run(&cache, "a", film(1), facts("encode"));
        let video = result.port("video").unwrap();
        spoil(&blob_of(&cache, video));
        assert!(hit(&cache, "a").is_some(), "a hit needs only the record");
        let Err(Unready::Lost(lost)) = cache.materialise(video, &space.path("inputs")) else {
            panic!("{what} blob was given out");
        };
        assert_eq!((lost.key, lost.port.as_str(), lost.what), (key("a"), "video", what));
        assert_eq!(hit(&cache, "a"), None, "a miss from now on");
        assert_eq!(hit(&space.open(), "a"), None, "for everybody");
        assert_eq!(kinds(&cache), [WarningKind::LostBlob]);
    }
}

#[test]
fn a_lost_blob_is_found_out_by_reading_and_placing_too_and_comes_back() {
    let space = Space::new();
    let cache = space.open();
    for (name, seed) in [("read", 1), ("place", 2)] {
        let (result, _) = run(&cache, name, film(seed), facts("encode"));
        let video = result.port("video").unwrap();
        fs::remove_file(blob_of(&cache, video)).unwrap();
        let out = space.path("out.mp4");
        fs::write(&out, "the last good film").unwrap();
        let lost = match name {
            "read" => cache.read(video).map(drop),
            _ => cache.place(video, &out, Placing::Copy),
        };
        assert!(matches!(lost, Err(Unready::Lost(_))));
        assert_eq!(fs::read(&out).unwrap(), b"the last good film");
        let (again, kept) = run(&cache, name, film(seed), facts("encode"));
        assert!(kept);
        assert_eq!(cache.read(again.port("video").unwrap()).unwrap(), large(seed));
    }
}

#[test]
fn a_blob_with_another_time_is_hashed_and_kept() {
    let space = Space::new();
    let cache = space.open();
    let (result, _) = run(&cache, "a", film(1), facts("encode"));
    let video = result.port("video").unwrap();
    let path = blob_of(&cache, video);
    let copy = space.path("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_eq!(cache.materialise(video, &space.path("inputs")).unwrap(), path);
    assert_eq!(kinds(&cache), []);
    cache.flush();
    let now = hit(&cache, "a").unwrap();
    assert_ne!(now.port("video"), Some(video), "the record knows its new state");
    assert_eq!(now.artifacts[1].artifact, result.artifacts[1].artifact);
}

#[test]
fn a_blob_from_before_the_machine_went_down_is_hashed() {
    let space = Space::new();
    let cache = space.open();
    let (result, _) = run(&cache, "a", film(1), facts("encode"));
    let path = blob_of(&cache, result.port("video").unwrap());
    // The same size, time and inode, and zeros: what some file systems leave after a power cut.
    let meta = fs::metadata(&path).unwrap();
    fs::write(&path, vec![0; meta.len() as usize]).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_modified(meta.modified().unwrap()).unwrap();
    drop((cache, file));
    let connection = rusqlite::Connection::open(space.database()).unwrap();
    connection.execute("update results set unsynced = 12345", []).unwrap();
    drop(connection);
    let cache = space.open();
    let result = hit(&cache, "a").unwrap();
    let lost = cache.materialise(result.port("video").unwrap(), &space.path("inputs"));
    assert!(matches!(lost, Err(Unready::Lost(Lost { what: "damaged", .. }))));
}

#[test]
fn forgetting_a_lost_blob_leaves_what_another_build_made_meanwhile() {
    let space = Space::new();
    let (a, b) = (space.open(), space.open());
    let (result, _) = run(&a, "a", film(1), facts("encode"));
    let video = result.port("video").unwrap();
    fs::remove_file(blob_of(&a, video)).unwrap();
    assert!(b.materialise(video, Path::new("/nowhere")).is_err());
    let (again, _) = run(&b, "a", film(1), facts("encode"));
    // The other build learns late, from its old copy of the record, and finds the new blob.
    assert!(a.materialise(video, Path::new("/nowhere")).is_ok());
    a.flush();
    assert_eq!(hit(&a, "a"), Some(again));
}

#[test]
fn a_flipped_byte_in_a_record_is_a_miss() {
    let columns = ["kind", "created", "cost", "rank", "seal", "body"];
    for column in columns {
        let space = Space::new();
        run(&space.open(), "a", film(1), facts("encode"));
        let connection = rusqlite::Connection::open(space.database()).unwrap();
        let change = match column {
            "kind" => "update results set kind = 'encodf'".to_owned(),
            "body" | "seal" => {
                format!("update results set {column} = cast(x'00' || substr({column}, 2) as blob)")
            }
            number => format!("update results set {number} = {number} + 1"),
        };
        connection.execute(&change, []).unwrap();
        drop(connection);
        let cache = space.open();
        assert_eq!(hit(&cache, "a"), None, "{column}");
        assert_eq!(kinds(&cache), [WarningKind::DamagedRecord], "{column}");
        assert!(run(&cache, "a", film(1), facts("encode")).1);
        assert!(hit(&cache, "a").is_some());
    }
}

#[test]
fn a_database_of_another_format_or_of_rubbish_is_set_aside() {
    let rubbish: [Spoil; 4] = [
        |path| fs::write(path, vec![b'x'; 40_000]).unwrap(),
        |path| fs::write(path, "short").unwrap(),
        |path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.pragma_update(None, "user_version", 99).unwrap();
        },
        |path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch("drop table results").unwrap();
        },
    ];
    for (number, spoil) in rubbish.into_iter().enumerate() {
        let space = Space::new();
        run(&space.open(), "a", film(1), facts("encode"));
        spoil(&space.database());
        let cache = space.open();
        assert_eq!(hit(&cache, "a"), None, "{number}");
        assert!(run(&cache, "a", film(1), facts("encode")).1, "{number}");
        assert!(hit(&space.open(), "a").is_some(), "{number}");
        assert_eq!(kinds(&cache), [WarningKind::DamagedRecord], "{number}");
        assert!(space.path("store/v1/records.db.damaged").exists());
    }
}

#[test]
fn flipped_bytes_anywhere_in_the_database_never_give_a_wrong_result() {
    let space = Space::new();
    let cache = space.open();
    let expected: Vec<_> = (0..20).map(|n| run(&cache, &n.to_string(), film(n), facts("encode")).0).collect();
    cache.sync();
    drop(cache);
    let whole = fs::read(space.database()).unwrap();
    let mut found = 0;
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        for suffix in ["-wal", "-shm", ".damaged"] {
            let _ = fs::remove_file(space.path(&format!("store/v1/records.db{suffix}")));
        }
        fs::write(space.database(), &whole).unwrap();
        flip(&space.database(), at as u64);
        let cache = space.open();
        for (n, expected) in expected.iter().enumerate() {
            if let Some(result) = hit(&cache, &n.to_string()) {
                assert_eq!((&result.artifacts, &result.log), (&expected.artifacts, &expected.log), "at {at}");
                found += 1;
            }
        }
        let (_, kept) = run(&cache, "after", film(99), facts("encode"));
        assert!(kept || !cache.take_warnings().is_empty(), "at {at}: not kept, and nothing said");
    }
    assert!(found > 60 * 10, "most records survive one byte: {found}");
}

#[test]
fn the_store_may_be_deleted_under_a_build() {
    let space = Space::new();
    let cache = space.open();
    let (result, _) = run(&cache, "a", film(1), facts("encode"));
    fs::remove_dir_all(space.path("store")).unwrap();
    assert!(cache.materialise(result.port("video").unwrap(), Path::new("/nowhere")).is_err());
    let (again, kept) = run(&cache, "a", film(1), facts("encode"));
    assert!(kept);
    assert_eq!(cache.read(again.port("video").unwrap()).unwrap(), large(1));
    assert_eq!(hit(&space.open(), "a"), Some(again));
}
