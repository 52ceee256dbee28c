//! Tests of `exec`.

use std::sync::atomic::{AtomicBool, Ordering};

use reel_engine::artifact::{Artifact, InputFile};
use reel_engine::diagnostic::Diagnostics;
use reel_engine::digest::Digest;
use reel_engine::operation::Surroundings;
use reel_engine::span::Span;
use reel_engine::spec::Located;
use serde_json::json;

use super::*;

fn host(allow_exec: bool) -> Arc<Host> {
    let path = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).to_vec();
    let env = BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]);
    Arc::new(Host { path, allow_exec, env, ..Host::default() })
}

type Files = Vec<(String, PathBuf)>;
type Said = Vec<(&'static str, String)>;

fn resolve(with: serde_json::Value, allow_exec: bool) -> (Params, Files, Said) {
    let mut params: Params = serde_json::from_value(with.clone()).unwrap();
    let written = Located::of_json(&with, Span::default());
    let (mut problems, mut files) = (Diagnostics::default(), Vec::new());
    let mut cx = Resolve {
        paths: &[],
        root: Path::new("/"),
        written: &written,
        texts: &[],
        problems: &mut problems,
        files: &mut files,
        surroundings: &mut Surroundings::default(),
    };
    Exec { host: host(allow_exec) }.check(&mut params, &mut cx);
    let said = problems.iter().map(|problem| (problem.code.0, problem.message.clone())).collect();
    (params, files, said)
}

fn input(path: &Path) -> Vec<InputFile> {
    let artifact = Artifact { digest: Digest::of(b""), size: 0, media: String::new() };
    vec![InputFile::at(path.to_owned(), artifact)]
}

fn run_until(
    with: serde_json::Value,
    file: &[u8],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> (Result<Outcome, Failure>, tempfile::TempDir) {
    let space = tempfile::tempdir().unwrap();
    let scratch = space.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    std::fs::write(space.path().join("given"), file).unwrap();
    let (params, files, said) = resolve(with, true);
    assert_eq!(said, []);
    let mut inputs: Vec<_> = files.iter().map(|(slot, path)| (slot.clone(), input(path))).collect();
    inputs.extend(params.inputs.values().map(|i| (i.slot().to_owned(), input(&space.path().join("given")))));
    let value = json!(params);
    let call =
        Call { params: &value, inputs: &inputs, scratch: &scratch, progress: &|_| {}, cancelled, gpus: &[] };
    (Exec { host: host(true) }.run(params, &call), space)
}

fn run(with: serde_json::Value) -> Result<String, Failure> {
    let (outcome, space) = run_until(with, b"given\n", &|| false);
    outcome.map(|outcome| {
        assert_eq!(outcome.produced.len(), 1);
        std::fs::read_to_string(space.path().join("scratch/out/a.txt")).unwrap()
    })
}

#[test]
fn a_command_sees_its_inputs_and_nothing_else() {
    let text = run(json!({
        "run": "cat $in/x.txt > $out/a.txt; env | sort | sed s,$HOME,HOME, >> $out/a.txt; ls -A >> $out/a.txt",
        "in": { "x.txt": { "$input": "in.x.txt" } }, "out": ["a.txt"], "env": ["GREETING"],
        "tools": ["cat", "env", "sort", "sed", "ls"],
    }))
    .unwrap();
    let names: Vec<&str> = text.lines().map(|line| line.split('=').next().unwrap()).collect();
    let expected = [
        "given",
        "GREETING",
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "SOURCE_DATE_EPOCH",
        "TMPDIR",
        "TZ",
        "in",
        "out",
    ];
    assert_eq!(names, expected, "{text}");
    assert!(text.contains("GREETING=hello"));
}

#[test]
fn tools_that_were_not_named_are_not_there() {
    let failure = run(json!({ "run": "cat /etc/hostname > $out/a.txt", "out": ["a.txt"] })).unwrap_err();
    assert_eq!(failure.message, "the command ended with status 127: it found no `cat`");
    assert!(failure.help.as_ref().is_some_and(|help| help.contains("`tools: [cat]`")), "{failure:?}");
    assert!(failure.log.contains("cat"), "{}", failure.log);
}

#[test]
fn all_commands_of_a_pipe_that_are_not_there_are_told() {
    let failure = run(json!({ "run": "rev /etc/hostname | tac", "out": ["a.txt"] })).unwrap_err();
    assert_eq!(failure.message, "the command ended with status 127: it found no `rev` and no `tac`");
    assert!(failure.help.as_ref().is_some_and(|help| help.contains("`tools: [rev, tac]`")), "{failure:?}");
    let half = json!({ "run": "rev /etc/hostname | cat > $out/a.txt", "out": ["a.txt"], "tools": ["cat"] });
    let log = run_until(half, b"", &|| false).0.unwrap().log;
    assert!(log.ends_with("\nwarning: it found no `rev`, and went on: name it under `tools:`\n"), "{log}");
}

#[test]
fn a_missing_output_is_named_and_a_link_is_none() {
    let failure = run(json!({ "run": "echo done", "out": ["a.txt"] })).unwrap_err();
    assert_eq!(failure.message, "the command ended well, but left no file `a.txt` in $out");
    assert_eq!(failure.log, "done\n");
    let link = json!({ "run": "ln -s /etc/passwd $out/a.txt", "out": ["a.txt"], "tools": ["ln"] });
    assert!(run(link).is_err());
}

#[test]
fn an_endless_log_is_bounded() {
    let (outcome, _space) = run_until(
        json!({ "run": "echo first; seq 1 100000; echo last; echo > $out/a.txt", "out": ["a.txt"], "tools": ["seq"] }),
        b"",
        &|| false,
    );
    let log = outcome.unwrap().log;
    assert!(log.starts_with("first\n") && log.ends_with("last\n"));
    assert!(log.len() < 2 * 65_536 + 100);
    assert!(log.contains("bytes are left out"));
}

#[test]
fn an_unwanted_command_is_ended_with_all_that_it_started() {
    let mark = format!("{}.5", 1000 + std::process::id());
    let unwanted = AtomicBool::new(false);
    let started = std::time::Instant::now();
    let cancelled = || unwanted.fetch_or(started.elapsed().as_millis() > 300, Ordering::Relaxed);
    let with = json!({
        "run": format!("sleep {mark} & setsid sleep {mark} & wait"), "out": ["a.txt"], "tools": ["sleep", "setsid"],
    });
    let (outcome, _space) = run_until(with, b"", &cancelled);
    assert_eq!(outcome.unwrap_err().code, FailureCode::Cancelled);
    let alive = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|b| *b == 0).any(|word| word == mark.as_bytes()) && line.starts_with(b"sleep")
    });
    assert!(!alive);
}

#[test]
fn what_a_command_leaves_in_the_background_does_not_outlive_it() {
    let started = std::time::Instant::now();
    let text = run(json!({
        "run": "sleep 100 & echo ok > $out/a.txt", "out": ["a.txt"], "tools": ["sleep"],
    }));
    assert_eq!(text.unwrap(), "ok\n");
    assert!(started.elapsed().as_secs() < 50);
}

#[test]
fn without_network_there_is_no_way_out_where_the_system_allows_that() {
    let list = |network: bool| {
        run(
            json!({ "run": "cat /proc/net/dev > $out/a.txt", "out": ["a.txt"], "tools": ["cat"], "network": network }),
        )
    };
    let (outcome, _space) =
        run_until(json!({ "run": "echo > $out/a.txt", "out": ["a.txt"] }), b"", &|| false);
    if outcome.unwrap().log.contains("does not let") {
        eprintln!("skipped: no network namespaces here");
        return;
    }
    let interfaces =
        list(false).unwrap().lines().skip(2).filter(|line| !line.trim().starts_with("lo:")).count();
    assert_eq!(interfaces, 0);
    assert!(list(true).is_ok());
}

#[test]
fn what_cannot_run_is_said_before_anything_does() {
    let codes = |with: serde_json::Value, allowed| -> Vec<&'static str> {
        resolve(with, allowed).2.into_iter().map(|(code, _)| code).collect()
    };
    let plain = json!({ "run": "true", "out": ["a.txt"] });
    assert_eq!(codes(plain.clone(), false), ["R020"]);
    assert_eq!(codes(plain, true), Vec::<&str>::new());
    assert_eq!(codes(json!({ "run": "x", "out": ["a.txt"], "tools": ["no-such-tool"] }), true), ["R023"]);
    assert_eq!(codes(json!({ "run": "x", "out": ["a.txt"], "tools": ["/bin/cat"] }), true), ["R006"]);
    assert_eq!(codes(json!({ "run": "x", "out": ["a.txt", "a.png"] }), true), ["R015"]);
    assert_eq!(codes(json!({ "run": "x", "out": ["../a.txt"] }), true), ["R006"]);
    assert_eq!(codes(json!({ "run": "x", "out": ["a"], "env": ["NOT_SET"] }), true), ["R007"]);
}

#[test]
fn ports_are_named_and_typed_by_their_files() {
    let (params, files, _) =
        resolve(json!({ "run": "x", "out": ["clip.mp4", "data.tar.gz"], "env": ["GREETING"] }), true);
    let ports = Exec { host: host(true) }.ports(&params);
    assert_eq!((ports[0].name.as_str(), ports[0].ty), ("clip", PortType::Video));
    assert_eq!((ports[1].name.as_str(), ports[1].ty), ("data", PortType::File));
    assert_eq!(params.values["GREETING"], "hello");
    assert!(files.iter().any(|(slot, _)| slot == "tool.sh"));
}

#[test]
fn a_file_that_was_not_given_is_closed_and_said_so() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().canonicalize().unwrap().join("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    if !closed::works() {
        eprintln!("skipped: this kernel has no landlock");
        return;
    }
    let path = secret.display();
    for (command, tool) in [
        (format!("cat '{path}' > $out/a.txt"), "cat"),
        (format!("read -r line < '{path}'; echo \"$line\" > $out/a.txt; exit 3"), "cat"),
        (format!("ls '{}' > $out/a.txt", outside.path().display()), "ls"),
        (format!("cp '{path}' $out/a.txt"), "cp"),
    ] {
        let failure = run(json!({ "run": command, "out": ["a.txt"], "tools": [tool] })).unwrap_err();
        assert!(failure.message.contains("is not open to it"), "{command}: {failure:?}");
        assert!(failure.message.contains(&outside.path().display().to_string()), "{command}: {failure:?}");
        let help = failure.help.unwrap();
        assert!(help.contains("`in:`") && help.contains("`tools:`"), "{help}");
    }
    let write = format!("echo no > '{}/new.txt'", outside.path().display());
    assert!(run(json!({ "run": write, "out": ["a.txt"] })).is_err());
    assert!(!outside.path().join("new.txt").exists());
    let input = json!({
        "run": "echo no > $in/x.txt", "in": { "x.txt": { "$input": "in.x.txt" } }, "out": ["a.txt"],
    });
    assert!(run(input).is_err(), "what was given is to be read");
}

#[test]
fn what_is_installed_and_what_is_its_own_stays_open() {
    let text = run(json!({
        "run": "cp $in/x.txt $TMPDIR/y; cat $TMPDIR/y > $HOME/z; mkdir d && mv $HOME/z d/z; cat d/z > $out/a.txt; \
                echo gone > /dev/null; head -c 1 /dev/urandom > r; cat < /dev/stdin; printf '#!/bin/sh\necho run' > p; \
                chmod +x p; ./p >> $out/a.txt; ls /usr/bin > n; cat /proc/self/comm >> $out/a.txt",
        "in": { "x.txt": { "$input": "in.x.txt" } }, "out": ["a.txt"],
        "tools": ["cp", "cat", "mkdir", "mv", "head", "chmod", "ls"],
    }));
    assert_eq!(text.unwrap(), "given\nrun\ncat\n");
    let path = host(true).path.clone();
    for (tool, command) in [
        (
            "python3",
            "python3 -c 'import json, tempfile, multiprocessing; multiprocessing.Lock(); \
                     open(tempfile.mkstemp()[1]); print(json.dumps([1]))' > $out/a.txt",
        ),
        (
            "ffmpeg",
            "ffmpeg -v error -f lavfi -i color=red:s=16x16:d=0.1 $TMPDIR/x.mp4; cp $TMPDIR/x.mp4 $out/a.txt",
        ),
        ("awk", "awk 'BEGIN { print 1 }' > $out/a.txt"),
    ] {
        if find(tool, &path).is_none() {
            eprintln!("skipped: no `{tool}`");
            continue;
        }
        let with = json!({ "run": format!("{command}; test -s $out/a.txt"), "out": ["a.txt"], "tools": [tool, "cp", "test"] });
        let (outcome, _space) = run_until(with, b"", &|| false);
        assert!(outcome.is_ok(), "{tool}: {outcome:?}");
    }
}
