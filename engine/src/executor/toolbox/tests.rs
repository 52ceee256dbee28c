//! Tests of the toolbox with shell scripts as programs, which count how often they are started.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, body: &str) -> ProgramSpec {
        let path = self.path("tool");
        fs::write(&path, format!("#!/bin/sh\necho x >> {}\n{body}\n", self.path("count").display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        ProgramSpec { name: "tool".into(), path, args: vec!["--identity".into()], env: Vec::new() }
    }

    fn answering(&self) -> ProgramSpec {
        fs::write(self.path("lib.so"), "1").unwrap();
        let answer = ProgramIdentity {
            build_id: "b1".into(),
            kinds: [("encode".to_owned(), 2)].into(),
            tools: [("x264".to_owned(), "164".to_owned())].into(),
            offers: [("espeak-ng".to_owned(), vec!["en-us".to_owned()])].into(),
            files: vec![self.path("lib.so"), self.path("absent.so")],
            ..ProgramIdentity::default()
        };
        let spec = self.script(&format!("echo '{}'", serde_json::to_string(&answer).unwrap()));
        // A file that changed in the same moment as it was asked is not remembered.
        thread::sleep(Duration::from_millis(30));
        spec
    }

    fn starts(&self) -> usize {
        fs::read_to_string(self.path("count")).map_or(0, |text| text.lines().count())
    }

    fn load(&self, spec: &ProgramSpec) -> Toolbox {
        Toolbox::load(std::slice::from_ref(spec), &self.path("cache/memo.json"))
    }
}

#[test]
fn nothing_is_started_while_no_file_changes() {
    let place = Place::new();
    let spec = place.answering();
    let first = place.load(&spec);
    assert_eq!(first.identity("x264"), Some("164"));
    assert_eq!(first.programs["tool"].kinds["encode"], 2);
    let second = place.load(&spec);
    assert_eq!((first.started, second.started, place.starts()), (1, 0, 1));
    assert_eq!(first.entries, second.entries);
    assert_eq!(second.offers("espeak-ng"), Some(&["en-us".to_owned()][..]));
    assert_eq!(second.offers("x264"), None);
}

#[test]
fn a_changed_library_an_appearing_file_and_other_arguments_ask_again() {
    let place = Place::new();
    let mut spec = place.answering();
    place.load(&spec);
    fs::write(place.path("lib.so"), "2").unwrap();
    assert_eq!(place.load(&spec).started, 1);
    thread::sleep(Duration::from_millis(30));
    place.load(&spec);
    assert_eq!(place.load(&spec).started, 0);
    fs::write(place.path("absent.so"), "").unwrap();
    assert_eq!(place.load(&spec).started, 1);
    spec.args.push("--speak".into());
    assert_eq!(place.load(&spec).started, 1);
}

#[test]
fn a_corrupt_memo_asks_again_and_is_replaced() {
    let place = Place::new();
    let spec = place.answering();
    place.load(&spec);
    let memo = place.path("cache/memo.json");
    for corrupt in ["", "{", "[]", "{\"format\":99,\"programs\":{}}", "\u{0}\u{1}"] {
        fs::write(&memo, corrupt).unwrap();
        assert_eq!(place.load(&spec).identity("x264"), Some("164"), "{corrupt:?}");
        assert_eq!(place.load(&spec).started, 0, "{corrupt:?}");
    }
}

#[test]
fn a_bit_that_fell_over_in_the_memo_is_no_other_tool() {
    let place = Place::new();
    let spec = place.answering();
    place.load(&spec);
    let memo = place.path("cache/memo.json");
    let kept = fs::read_to_string(&memo).unwrap();
    fs::write(&memo, kept.replace("164", "1:4")).unwrap();
    let again = place.load(&spec);
    assert_eq!((again.identity("x264"), again.started), (Some("164"), 1));
}

#[test]
fn an_unwritable_memo_costs_only_time() {
    let place = Place::new();
    let spec = place.answering();
    fs::write(place.path("cache"), "a file where the folder should be").unwrap();
    assert_eq!(place.load(&spec).identity("x264"), Some("164"));
    assert_eq!(place.load(&spec).started, 1);
}

#[test]
fn a_program_that_is_missing_fails_or_babbles_is_a_problem_not_an_error() {
    let place = Place::new();
    let missing = ProgramSpec { path: place.path("nowhere"), ..place.script("") };
    assert!(place.load(&missing).problems[0].to_string().contains("nowhere"));
    let failing = place.load(&place.script("echo broken >&2; exit 3"));
    assert_eq!(failing.problems[0].log, "broken\n");
    assert!(failing.problems[0].cause.contains('3'));
    let babbling = place.load(&place.script("echo hello"));
    assert_eq!(babbling.problems.len(), 1);
    assert!(babbling.entries.is_empty());
}

#[test]
fn a_program_that_hangs_is_killed() {
    let place = Place::new();
    let spec = place.script("sleep 600");
    let before = Instant::now();
    let problem = ask(&spec, Duration::from_millis(200)).err().unwrap();
    assert!(problem.cause.contains("no answer"), "{problem}");
    assert!(before.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_answer_that_passes_is_asked_for_again_in_a_minute() {
    let place = Place::new();
    let answer = ProgramIdentity {
        refused: [("h264_nvenc".to_owned(), "busy".to_owned())].into(),
        passing: true,
        ..ProgramIdentity::default()
    };
    let spec = place.script(&format!("echo '{}'", serde_json::to_string(&answer).unwrap()));
    thread::sleep(Duration::from_millis(30));
    for _ in 0..2 {
        assert_eq!(place.load(&spec).refused().collect::<Vec<_>>(), [("h264_nvenc", "busy")]);
    }
    assert_eq!(place.starts(), 1);
    let memo = place.path("cache/memo.json");
    let mut kept: Memo = memo::recall(&memo).unwrap();
    kept.programs.values_mut().for_each(|entry| entry.asked -= PASSING);
    memo::remember(&memo, &kept).unwrap();
    place.load(&spec);
    assert_eq!(place.starts(), 2);
}
