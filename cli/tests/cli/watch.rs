//! `reel watch`: how editors save, and which actions run then. What is on a terminal is tested elsewhere.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::play::{self, Going, Play, hello};

/// A watch of which every line is read up to the next rest.
struct Watching {
    going: Going,
}

impl Watching {
    fn start(play: &Play, args: &[&str]) -> Self {
        Self { going: play.start(&[&["watch", "--json"], args].concat()) }
    }

    /// Events up to the next rest.
    fn rest(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.event();
            if event["event"] == "watching" {
                return events;
            }
            events.push(event);
        }
    }

    fn event(&mut self) -> Value {
        let line = play::next_line(&mut self.going);
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The nodes that ran up to the next rest.
    fn ran(&mut self) -> Vec<String> {
        nodes(&self.rest(), "did-run")
    }

    /// Ends it; nothing must have happened since the last rest.
    fn end(self) {
        play::signal(&self.going, "INT");
        let run = play::finish(self.going);
        assert_eq!(run.code, 130, "{run}");
        let rest = run.stdout.rsplit_once("\"polling\"").map(|(_, rest)| rest.lines().count());
        assert_eq!(rest, Some(1), "something happened: {run}");
    }
}

fn nodes(events: &[Value], name: &str) -> Vec<String> {
    let of = events.iter().filter(|event| event["event"] == name);
    of.map(|event| event["node"].as_str().unwrap().to_owned()).collect()
}

/// A way to save, by its name.
type Way<'a> = (&'a str, &'a dyn Fn(&str));

const BOTH: [&str; 2] = ["hello", "again"];

/// Time in which something would happen if it were to.
fn nothing_happens() {
    std::thread::sleep(Duration::from_millis(300));
}

#[test]
fn every_way_to_save_is_one_change() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    let path = play.path("world.txt");
    let (aside, backup) = (play.path("world.txt.new"), play.path("world.txt~"));
    let pause = Cell::new(Duration::ZERO);
    let ways: [Way<'_>; 5] = [
        ("in place", &|text| fs::write(&path, text).unwrap()),
        ("rename over", &|text| {
            fs::write(&aside, text).unwrap();
            fs::rename(&aside, &path).unwrap();
        }),
        ("backup and swap", &|text| {
            fs::rename(&path, &backup).unwrap();
            fs::write(&path, text).unwrap();
            fs::remove_file(&backup).unwrap();
        }),
        ("delete and create", &|text| {
            fs::remove_file(&path).unwrap();
            std::thread::sleep(Duration::from_millis(80));
            fs::write(&path, text).unwrap();
        }),
        ("truncate and write in pieces", &|text| {
            let mut file = fs::File::create(&path).unwrap();
            let mut last = Instant::now();
            for byte in text.as_bytes() {
                std::io::Write::write_all(&mut file, &[*byte]).unwrap();
                pause.set(pause.get().max(last.elapsed()));
                last = Instant::now();
                std::thread::sleep(Duration::from_millis(5));
            }
        }),
    ];
    for (way, save) in ways {
        save(way);
        let events = watching.rest();
        assert_eq!(nodes(&events, "did-run"), BOTH, "{way}: {events:?}");
        assert_eq!(events[0]["files"], serde_json::json!(["world.txt"]), "{way}: {events:?}");
        let wanted = format!("hello {way}, again");
        // A machine that let the writer wait for longer than a watch does has made two saves of one.
        while pause.get() >= Duration::from_millis(40) && play.read("out/again.txt") != wanted {
            let _ = watching.rest();
        }
        assert_eq!(play.read("out/again.txt"), wanted);
    }
    watching.end();
}

#[test]
fn a_link_that_leads_elsewhere_is_a_change() {
    let play = Play::with(
        "version: 1\nnodes: { t: { uses: text, with: { parts: [{ file: now/x.txt }, '-', { file: link.txt }] } } }\n\
         outputs: { t: { from: \"${t.text}\", file: out/t.txt } }\n",
    );
    for (file, text) in [("one/x.txt", "one"), ("two/x.txt", "two")] {
        play.write(file, text);
    }
    let link = |to: &str, name: &str| {
        let aside = play.path("aside");
        symlink(to, &aside).unwrap();
        fs::rename(&aside, play.path(name)).unwrap();
    };
    link("one", "now");
    link("one/x.txt", "link.txt");
    for mode in [&[][..], &["--poll"]] {
        let mut watching = Watching::start(&play, mode);
        let _ = watching.rest();
        let steps =
            [("two/x.txt", "link.txt", "one-two"), ("two", "now", "two-two"), ("one", "now", "one-two")];
        for (to, name, expected) in steps {
            link(to, name);
            let _ = watching.rest();
            assert_eq!(play.read("out/t.txt"), expected, "{mode:?}: {name} -> {to}");
        }
        link("one/x.txt", "link.txt");
        let _ = watching.rest();
        watching.end();
    }
}

#[test]
fn a_store_that_is_removed_is_made_again() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    play.write("world.txt", "moon");
    assert_eq!(watching.ran(), BOTH);
    fs::remove_dir_all(play.path("../cache")).unwrap();
    for text in ["sun", "star"] {
        play.write("world.txt", text);
        let events = watching.rest();
        assert_eq!(nodes(&events, "did-fail"), [""; 0], "{events:?}");
        assert_eq!(play.read("out/again.txt"), format!("hello {text}, again"));
    }
    watching.end();
}

#[test]
fn what_is_no_change_does_nothing() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    let path = play.path("world.txt");
    let now = std::time::SystemTime::now();
    fs::File::options().append(true).open(&path).unwrap().set_modified(now).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    play.write("world.txt", "world");
    fs::remove_file(&path).unwrap();
    play.write("world.txt", "world");
    play.write(".world.txt.swp", "swap");
    play.write("4913", "");
    play.write("notes.md", "not of the project");
    play.write("out/other.txt", "nobody's");
    play.write(".reel/anything", "of reel itself");
    nothing_happens();
    watching.end();
}

#[test]
fn a_wrong_project_is_told_once_and_what_was_made_stays() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    play.write("reel.yaml", &hello().replace("uses: text", "uses: txet"));
    let events = watching.rest();
    assert_eq!(events.iter().filter(|event| event["code"] == "R008").count(), 2, "{events:?}");
    play.write("notes.md", "that mends nothing");
    assert_eq!(watching.rest(), [] as [Value; 0], "it is not told again");
    assert_eq!(play.read("out/again.txt"), "hello world, again");
    play.write("reel.yaml", &hello().replace("again\"", "once more\""));
    assert_eq!(watching.ran(), ["again"]);
    assert_eq!(play.read("out/again.txt"), "hello world, once more");
    watching.end();
}

#[test]
fn a_lock_file_that_cannot_be_read_is_told_once() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    play.write("reel.lock", "<<<<<<< HEAD\n{}\n");
    let told = |events: &[Value]| events.iter().filter(|event| event["event"] == "diagnostic").count();
    assert_eq!(told(&watching.rest()), 1);
    nothing_happens();
    fs::remove_file(play.path("reel.lock")).unwrap();
    assert_eq!(told(&watching.rest()), 0, "it was not told again and again meanwhile");
    play.write("world.txt", "moon");
    while nodes(&watching.rest(), "did-run") != BOTH {}
    watching.end();
}

#[test]
fn saves_one_after_the_other_on_one_core_come_to_the_last_of_them() {
    let play = sleepers(["0.471", "0.472"]);
    let mut watching = Watching::start(&play, &["--allow-exec", "--jobs", "1"]);
    watching.rest();
    for text in ["11", "111", "1111"] {
        play.write("one.txt", text);
        std::thread::sleep(Duration::from_millis(250));
    }
    let events = watching.rest();
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["skipped"], &last["failed"]),
        (&"finished".into(), &0.into(), &0.into())
    );
    play.write("two.txt", "22");
    assert_eq!(watching.ran(), ["two"], "and it goes on from there");
    watching.end();
}

#[test]
fn a_folder_that_goes_and_comes_back_is_no_work() {
    let play = Play::with(&hello().replace("world.txt", "deep/in/world.txt"));
    play.write("deep/in/world.txt", "world");
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    let (there, away) = (play.path("deep"), play.path("../away"));
    fs::rename(&there, &away).unwrap();
    let events = watching.rest();
    assert!(events.iter().any(|event| event["code"] == "R013"), "{events:?}");
    fs::rename(&away, &there).unwrap();
    assert_eq!(watching.ran(), [""; 0]);
    // It is watched again, too.
    play.write("deep/in/world.txt", "moon");
    assert_eq!(watching.ran(), BOTH);
    fs::remove_dir_all(&there).unwrap();
    watching.rest();
    play.write("deep/in/world.txt", "sun");
    loop {
        // The folders come one after the other.
        if nodes(&watching.rest(), "did-run") == BOTH {
            break;
        }
    }
    assert_eq!(play.read("out/again.txt"), "hello sun, again");
    watching.end();
}

#[test]
fn a_folder_that_was_away_for_a_moment_is_watched_when_it_is_back() {
    let play = Play::with(&hello().replace("world.txt", "deep/in/world.txt"));
    play.write("deep/in/world.txt", "world");
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    let (there, away) = (play.path("deep"), play.path("../away"));
    fs::rename(&there, &away).unwrap();
    fs::rename(&away, &there).unwrap();
    nothing_happens();
    play.write("deep/in/world.txt", "moon");
    assert_eq!(watching.ran(), BOTH);
    // A new folder may have the number of the old one.
    fs::remove_dir_all(&there).unwrap();
    play.write("deep/in/world.txt", "moon");
    nothing_happens();
    play.write("deep/in/world.txt", "sun");
    assert_eq!(watching.ran(), BOTH);
    watching.end();
}

#[test]
fn included_files_and_rows_count_and_another_branch_and_back_is_found() {
    let play = Play::with(
        "version: 1\ninclude: [more.yaml]\nnodes:\n  row:\n    foreach: { row: rows.csv }\n    uses: text\n    \
         with: { parts: [\"${row.text}\"] }\n",
    );
    play.write("more.yaml", "nodes:\n  more: { uses: text, with: { parts: [one] } }\n");
    play.write("rows.csv", "id,text\na,first\nb,second\n");
    let check = play.reel(&["check"]);
    assert_eq!(check.code, 0, "{check}");
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran().len(), 3);
    play.write("more.yaml", "nodes:\n  more: { uses: text, with: { parts: [two] } }\n");
    assert_eq!(watching.ran(), ["more"]);
    play.write("rows.csv", "id,text\na,first\nb,other\nc,third\n");
    let mut rows = watching.ran();
    rows.sort();
    assert_eq!(rows, ["row[b]", "row[c]"]);
    // A branch with everything else, and back.
    play.write("more.yaml", "nodes:\n  more: { uses: text, with: { parts: [three] } }\n");
    play.write("rows.csv", "id,text\nz,last\n");
    let mut there = watching.ran();
    there.sort();
    assert_eq!(there, ["more", "row[z]"]);
    play.write("more.yaml", "nodes:\n  more: { uses: text, with: { parts: [two] } }\n");
    play.write("rows.csv", "id,text\na,first\nb,other\nc,third\n");
    assert_eq!(watching.ran(), [""; 0], "everything was made before");
    watching.end();
}

#[test]
fn a_burst_of_many_files_is_one_build() {
    let count = 300;
    let parts: Vec<String> = (0..count).map(|n| format!("{{ file: many/{n}.txt }}")).collect();
    let play = Play::with(&format!(
        "version: 1\nnodes:\n  all: {{ uses: text, with: {{ parts: [{}] }} }}\n",
        parts.join(", ")
    ));
    let write = |text: &str| (0..count).for_each(|n| play.write(&format!("many/{n}.txt"), text));
    write("a");
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), ["all"]);
    write("b");
    let events = watching.rest();
    assert_eq!(nodes(&events, "did-run"), ["all"]);
    assert_eq!(events[0]["files"].as_array().unwrap().len(), count, "all of them at once");
    watching.end();
}

#[test]
fn what_the_system_could_not_tell_is_found_all_the_same() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    // While it cannot listen, more happens than is kept for it: each file is opened, emptied, written and closed. There
    // are two by turns, since the same twice is told once.
    play::signal(&watching.going, "STOP");
    for number in 0..most / 2 {
        play.write(["notes.md", "more.md"][number % 2], "nobody's");
    }
    play.write("world.txt", "moon");
    play::signal(&watching.going, "CONT");
    assert_eq!(watching.ran(), BOTH);
    assert_eq!(play.read("out/again.txt"), "hello moon, again");
    watching.end();
}

#[test]
fn looking_again_and_again_does_the_same() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &["--poll"]);
    assert_eq!(watching.ran(), BOTH);
    play.write("world.txt", "moon");
    assert_eq!(watching.ran(), BOTH);
    watching.end();
}

/// Two commands that take their time, each with a file of its own.
fn sleepers(seconds: [&str; 2]) -> Play {
    let node = |name: &str, seconds: &str| {
        format!(
            "  {name}: {{ uses: exec, with: {{ run: \"sleep {seconds}; cat $in/{name}.txt > $out/x.txt\", \
             in: {{ {name}.txt: {name}.txt }}, tools: [sleep, cat], out: [x.txt] }} }}\n"
        )
    };
    let play =
        Play::with(&format!("version: 1\nnodes:\n{}{}", node("one", seconds[0]), node("two", seconds[1])));
    play.write("one.txt", "1");
    play.write("two.txt", "2");
    play
}

#[test]
fn a_save_cancels_what_is_no_longer_wanted_and_keeps_the_rest() {
    let play = sleepers(["2.071", "2.072"]);
    let mut watching = Watching::start(&play, &["--allow-exec", "--jobs", "2"]);
    play::wait_for_process("2.071", true);
    play::wait_for_process("2.072", true);
    let (kept, gone) = (play::processes("2.071"), play::processes("2.072"));
    play.write("two.txt", "22");
    while watching.event()["event"] != "superseded" {}
    let again = || play::processes("2.072").into_iter().any(|pid| !gone.contains(&pid));
    while !again() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(play::processes("2.071"), kept, "it goes on as it was");
    let events = watching.rest();
    assert_eq!(nodes(&events, "will-run"), ["one", "two"]);
    assert_eq!(nodes(&events, "did-run").len(), 2);
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["ran"]), (&"finished".into(), &2.into()));
    watching.end();
}

#[test]
fn errors_of_the_project_leave_a_build_alone_that_is_going_on() {
    let play = sleepers(["1.073", "0.074"]);
    let text = play.read("reel.yaml");
    let mut watching = Watching::start(&play, &["--allow-exec"]);
    play::wait_for_process("1.073", true);
    play.write("reel.yaml", "version: [");
    let events = watching.rest();
    assert!(events.iter().any(|event| event["event"] == "diagnostic"), "{events:?}");
    assert_eq!(events.last().unwrap()["event"], "finished", "{events:?}");
    play.write("reel.yaml", &text);
    assert_eq!(watching.ran(), [""; 0], "what was made meanwhile is there");
    watching.end();
}

#[test]
fn ctrl_c_ends_it_and_leaves_nothing_running() {
    let play = sleepers(["63.91", "63.92"]);
    let watching = Watching::start(&play, &["--allow-exec"]);
    play::wait_for_process("63.91", true);
    play::signal(&watching.going, "INT");
    let run = play::finish(watching.going);
    assert_eq!(run.code, 130, "{run}");
    assert!(run.last().contains("\"event\":\"finished\""), "{run}");
    play::wait_for_process("63.91", false);
}

#[test]
fn without_a_project_there_is_nothing_to_watch() {
    let play = Play::empty();
    let run = play.reel(&["watch"]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("error[R026]"), "{run}");
}

#[test]
fn waiting_costs_next_to_nothing() {
    let play = Play::with(hello());
    let mut watching = Watching::start(&play, &[]);
    assert_eq!(watching.ran(), BOTH);
    let proc = PathBuf::from(format!("/proc/{}", play::pid(&watching.going)));
    let ticks = || {
        let stat = fs::read_to_string(proc.join("stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(2));
    // A tick is a hundredth of a second.
    assert!(ticks() - before <= 1, "{} ticks in two seconds", ticks() - before);
    let status = fs::read_to_string(proc.join("status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = resident.trim().split(' ').next().unwrap().parse().unwrap();
    assert!(kib < 60 << 10, "{kib} KiB");
    watching.end();
}
