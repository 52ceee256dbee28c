//! Several processes on one store, and their deaths. A test starts this test binary once more, in a folder with
//! a file `role` that says what to play.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid, setgid, setuid};

use super::*;

const COUNT: u32 = 150;

#[test]
#[ignore = "played by processes that other tests start"]
fn play() {
    let Ok(role) = fs::read_to_string("role") else {
        return;
    };
    let here = std::env::current_dir().unwrap();
    let open = || Cache::open(CacheConfig::new(here.join("store"), here.join("spare")));
    match role.as_str() {
        "build" => build(&open()),
        "hold" => hold(&open()),
        "record" => record(&open()),
        "unprivileged" => unprivileged(&here, open),
        "full" => full(&here, open),
        other => panic!("no role `{other}`"),
    }
}

fn start(space: &Space, role: &str) -> Child {
    fs::write(space.path("role"), role).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cache::tests::processes::play", "--ignored", "--nocapture"])
        .current_dir(space.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while fs::read(space.path(&format!("started-{}", child.id()))).is_err() {
        assert!(Instant::now() < deadline, "`{role}` did not start");
        if matches!(role, "unprivileged" | "full") {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

fn started() {
    fs::write(format!("started-{}", std::process::id()), "").unwrap();
}

/// Ends well, with what it printed.
fn finish(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

fn build(cache: &Cache) {
    let _live = cache.begin_build().unwrap();
    started();
    let mut ran = Vec::new();
    for n in 0..COUNT {
        let name = n.to_string();
        while let Lookup::Miss(miss) = cache.lookup(&key(&name)) {
            match cache.claim(miss) {
                Claimed::Mine(ticket) => {
                    ran.push(n.to_string());
                    ticket.commit(film(n as u8), facts("encode"), |kept| assert!(kept)).unwrap();
                }
                Claimed::Hit(_) => {}
                Claimed::Busy(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        }
        let result = hit(cache, &name).unwrap();
        assert_eq!(cache.read(&result.artifacts[1]).unwrap(), large(n as u8));
    }
    assert_eq!(kinds(cache), []);
    fs::write(format!("ran-{}", std::process::id()), ran.join("\n")).unwrap();
}

#[test]
fn three_builds_at_once_run_each_action_once() {
    let space = Space::new();
    let children: Vec<_> = (0..3).map(|_| start(&space, "build")).collect();
    let ids: Vec<_> = children.iter().map(Child::id).collect();
    children.into_iter().for_each(|child| drop(finish(child)));
    let mut ran: Vec<u32> = ids
        .iter()
        .flat_map(|id| {
            let text = fs::read_to_string(space.path(&format!("ran-{id}"))).unwrap();
            text.lines().map(|line| line.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn builds_and_collections_at_once_end_well() {
    let space = Space::new();
    let child = start(&space, "build");
    let cache = Cache::open(CacheConfig::new(space.path("store"), space.path("spare")));
    let mut held = 0;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !space.path(&format!("ran-{}", child.id())).exists() && Instant::now() < deadline {
        held += cache.clear().unwrap().held_by_builds;
        cache.gc(Budget { max_size: Some(1), max_age: Some(0) }).unwrap();
    }
    finish(child);
    assert!(held > 0);
    assert_eq!(kinds(&cache), []);
}

fn hold(cache: &Cache) {
    let _ticket = ticket(cache, "held");
    let _live = cache.begin_build().unwrap();
    started();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn the_locks_of_a_killed_process_are_free() {
    let space = Space::new();
    let mut child = start(&space, "hold");
    let cache = Cache::open(CacheConfig::new(space.path("store"), space.path("spare")));
    let busy = |cache: &Cache| match cache.lookup(&key("held")) {
        Lookup::Miss(miss) => matches!(cache.claim(miss), Claimed::Busy(_)),
        Lookup::Hit(_) => panic!("nothing was recorded"),
    };
    assert!(busy(&cache));
    assert_eq!(cache.clear().unwrap().live_builds, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!busy(&cache));
    assert_eq!(cache.clear().unwrap().live_builds, 0);
    assert_eq!(fs::read_dir(space.path("store/v1/live")).unwrap().count(), 0);
}

fn record(cache: &Cache) {
    started();
    for n in 0.. {
        let said = format!("said-{n}");
        let committed = move |kept: bool| {
            assert!(kept);
            fs::write(said, "").unwrap();
        };
        ticket(cache, &n.to_string()).commit(film(n as u8), facts("encode"), committed).unwrap();
    }
}

#[test]
fn what_was_said_to_be_recorded_survives_a_kill_at_any_moment() {
    for round in 0..6 {
        let space = Space::new();
        let mut child = start(&space, "record");
        std::thread::sleep(Duration::from_millis(7 + 23 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let cache = Cache::open(CacheConfig::new(space.path("store"), space.path("spare")));
        let said = (0..).take_while(|n| space.path(&format!("said-{n}")).exists()).count();
        for n in 0..said {
            let result = hit(&cache, &n.to_string()).unwrap_or_else(|| panic!("{n} of {said} is gone"));
            assert_eq!(cache.read(&result.artifacts[1]).unwrap(), large(n as u8));
        }
        assert_eq!(kinds(&cache), []);
        let report = cache.verify().unwrap();
        assert_eq!((report.bad_records, report.bad_blobs, report.incomplete_records), (0, 0, 0));
    }
}

/// As a user that may not write the store: root may do anything.
fn unprivileged(here: &Path, open: impl Fn() -> Cache) {
    if Uid::effective().is_root() {
        setgid(Gid::from_raw(65534)).unwrap();
        setuid(Uid::from_raw(65534)).unwrap();
    }
    let cache = open();
    assert!(!cache.is_writable());
    let old = hit(&cache, "old").expect("a read-only store still gives hits");
    assert_eq!(cache.read(&old.artifacts[1]).unwrap(), large(1));
    let (new, kept) = run(&cache, "new", film(2), facts("encode"));
    assert!(!kept);
    assert_eq!(cache.read(&new.artifacts[1]).unwrap(), large(2));
    cache.place(&old.artifacts[1], &here.join("spare/out.mp4"), Placing::Link).unwrap();
    assert_eq!(fs::read(here.join("spare/out.mp4")).unwrap(), large(1));
    assert_eq!(kinds(&cache), [WarningKind::Unwritable]);
    println!("played unprivileged");
}

#[test]
fn a_store_in_a_read_only_folder_gives_hits() {
    let space = Space::new();
    run(&space.open(), "old", film(1), facts("encode"));
    fs::create_dir(space.path("spare")).unwrap();
    let root = Uid::effective().is_root();
    let script = if root {
        "chmod 755 . && chown -R 65534:65534 store spare && chmod -R a-w store"
    } else {
        "chmod -R a-w store"
    };
    let status = Command::new("sh").args(["-c", script]).current_dir(space.folder.path()).status().unwrap();
    assert!(status.success());
    assert!(finish(start(&space, "unprivileged")).contains("played unprivileged"));
    Command::new("chmod").args(["-R", "u+w", "store"]).current_dir(space.folder.path()).status().unwrap();
}

/// With a store on a file system of 256 KiB.
fn full(here: &Path, open: impl Fn() -> Cache) {
    use nix::mount::{MsFlags, mount};
    fs::create_dir(here.join("store")).unwrap();
    let none = None::<&str>;
    let mounted = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none))
        .and_then(|()| mount(none, &here.join("store"), Some("tmpfs"), MsFlags::empty(), Some("size=512k")));
    if let Err(errno) = mounted {
        println!("skipped: a small file system cannot be mounted here: {errno}");
        return;
    }
    let cache = open();
    let mut kept_any = false;
    for n in 0..60 {
        let (result, kept) = run(&cache, &n.to_string(), film(n), facts("encode"));
        kept_any |= kept;
        assert_eq!(cache.read(&result.artifacts[1]).unwrap(), large(n));
        assert_eq!(hit(&cache, &n.to_string()).map(|found| found.artifacts), Some(result.artifacts));
        assert!(!kept || n < 59, "60 films do not fit");
    }
    let warnings = kinds(&cache);
    assert!(kept_any && warnings.contains(&WarningKind::Unwritable), "{warnings:?}");
    drop(cache);
    let cache = open();
    for n in 0..60 {
        if let Some(result) = hit(&cache, &n.to_string()) {
            assert_eq!(cache.read(&result.artifacts[1]).unwrap(), large(n));
        }
    }
    println!("played full");
}

#[test]
fn a_full_disk_costs_speed_and_a_warning() {
    let space = Space::new();
    let said = finish(start(&space, "full"));
    match said.lines().find(|line| line.contains("skipped:")) {
        Some(skipped) => println!("{skipped}"),
        None => assert!(said.contains("played full"), "{said}"),
    }
}

#[test]
fn many_may_open_a_new_store_at_once() {
    for _ in 0..10 {
        let space = Space::new();
        let gate = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for n in 0..8_u8 {
                let (space, gate) = (&space, &gate);
                scope.spawn(move || {
                    gate.wait();
                    let cache = space.open();
                    assert!(run(&cache, &n.to_string(), film(n), facts("encode")).1);
                    assert_eq!(cache.take_warnings(), []);
                });
            }
        });
        assert_eq!(space.open().stats().unwrap().records, 8);
    }
}
