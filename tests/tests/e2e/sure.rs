//! Nothing is taken for right that is not: files that change meanwhile, commands that use what they do not
//! declare, actions that do not make the same bytes twice.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reel_tests::ran::Ran;
use reel_tests::skip;
use reel_tests::space::TestSpace;
use serde_json::Value;

fn exec(with: &str) -> TestSpace {
    TestSpace::of(&format!(
        "version: 1\nnodes:\n  node: {{ uses: exec, with: {{ {with} }} }}\noutputs:\n  out: {{ from: \"${{node.a}}\", \
         file: out/a.txt }}\n"
    ))
}

/// All files beneath a folder, but for locks and what is temporary.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn used(ran: &Ran) -> Vec<(String, String)> {
    let of = |event: &Value| -> Vec<(String, String)> {
        let used = event["used"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        used.iter().map(|used| (text(&used["name"]), text(&used["how"]))).collect()
    };
    ran.events_of("did-use").iter().flat_map(of).collect()
}

#[test]
fn a_file_that_changes_while_a_command_runs_is_read_again() {
    let space =
        exec("run: \"sleep 1; cat $in/a > $out/a.txt\", tools: [sleep, cat], in: { a: a.txt }, out: [a.txt]");
    space.write("a.txt", "before");
    let mut child = space.start(&["build", "--allow-exec", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("will-run"), "{first}");
    // The command has its copy by now, or makes it of what is there then: either way the file changes under it.
    std::thread::sleep(Duration::from_millis(400));
    space.write("a.txt", "after");
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert_eq!(space.read("out/a.txt"), b"after");
    let changed: Vec<Value> = rest.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = changed.iter().find(|event| event["event"] == "did-change").unwrap();
    assert_eq!(
        (&told["node"], &told["files"][0], &told["again"]),
        (&"node".into(), &"a.txt".into(), &true.into())
    );
    assert_eq!(changed.last().unwrap()["changed"][0], "a.txt");
    space.build(&["--allow-exec"]).ok().assert_nothing_ran();
    space.write("a.txt", "before");
    assert_eq!(space.build(&["--allow-exec"]).ok().finished().ran, 1, "nothing is recorded of the first run");
}

#[test]
fn what_a_command_uses_and_does_not_declare_is_listed() {
    let space = exec(
        "run: \"read line < /etc/hostname; /usr/bin/head -c 1 $in/a > $out/a.txt\", in: { a: a.txt }, out: [a.txt]",
    );
    space.write("a.txt", "x");
    let plain = space.build(&["--allow-exec"]);
    for unprivileged in [false, true] {
        let args = ["build", "--allow-exec", "--check-inputs", "--json"];
        let ran = if unprivileged { space.unprivileged(&args) } else { Some(space.reel(&args)) };
        let Some(ran) = ran else {
            return skip("what_a_command_uses_and_does_not_declare_is_listed", "there is nobody else to be");
        };
        if ran.code == Some(2) {
            return skip(
                "what_a_command_uses_and_does_not_declare_is_listed",
                "no process may watch another here",
            );
        }
        assert_eq!(ran.code, Some(1), "{unprivileged}: {}", ran.all());
        let used = used(&ran);
        for (name, how) in [("/etc/hostname", "read"), ("/usr/bin/head", "started")] {
            assert!(used.contains(&(name.to_owned(), how.to_owned())), "{unprivileged}: {used:?}");
        }
        assert_eq!(used.len(), 2, "{used:?}");
    }
    if plain.code == Some(0) {
        // It ran although it was known, was compared, and is not made anew by the next build.
        let ran = space.build(&["--allow-exec", "--check-inputs"]);
        assert_eq!(ran.events_of("did-compare")[0]["same"], true, "{}", ran.all());
        space.build(&["--allow-exec"]).ok().assert_nothing_ran();
    }
    let text = space.reel(&["build", "--allow-exec", "--check-inputs"]).all();
    for part in [
        "used but not declared: /etc/hostname (opened for reading)",
        "used but not declared: /usr/bin/head (started)",
        "name the program under `tools:`",
        "name it under `in:`",
        "1 node used or made what is not in its key",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn what_a_watched_command_reached_beyond_the_door_is_not_kept() {
    let space = exec("run: \"cat $FAR > $out/a.txt\", tools: [cat], env: [FAR], out: [a.txt]");
    let far = space.root().join("far.txt");
    fs::write(&far, "x").unwrap();
    let build = |more: &[&str]| -> Ran {
        let args = [&["build", "--allow-exec", "--json"], more].concat();
        space.command(&args).env("FAR", &far).output().unwrap().into()
    };
    if build(&[]).code == Some(0) {
        return skip(
            "what_a_watched_command_reached_beyond_the_door_is_not_kept",
            "nothing closes a door here",
        );
    }
    let watched = build(&["--check-inputs"]);
    if watched.code == Some(2) {
        return skip(
            "what_a_watched_command_reached_beyond_the_door_is_not_kept",
            "no process may be watched",
        );
    }
    assert_eq!(watched.code, Some(1), "{}", watched.all());
    assert!(used(&watched).contains(&(far.display().to_string(), "read".to_owned())), "{}", watched.all());
    assert!(watched.all().contains("not open to it in other builds"), "{}", watched.all());
    let after = build(&[]);
    assert_eq!(after.code, Some(1), "its result is in no cache: {}", after.all());
}

#[test]
fn who_may_run_an_input_is_the_same_for_all() {
    use std::os::unix::fs::PermissionsExt;
    let space = exec("run: \"$in/s.sh > $out/a.txt\", in: { s.sh: s.sh }, out: [a.txt]");
    space.write("s.sh", "#!/bin/sh\necho it runs\n");
    for mode in [0o644, 0o755, 0o600] {
        fs::set_permissions(space.path("s.sh"), fs::Permissions::from_mode(mode)).unwrap();
        for space in [&space, &space.twin()] {
            let _ = space.build(&["--allow-exec"]).ok();
            assert_eq!(space.read("out/a.txt"), b"it runs\n", "{mode:o}");
        }
    }
}

#[test]
fn what_runs_a_tool_that_is_a_script_is_in_the_key() {
    use std::os::unix::fs::PermissionsExt;
    let space = exec("run: \"say > $out/a.txt\", tools: [say], out: [a.txt]");
    let folder = space.root().join("programs/bin");
    fs::create_dir_all(&folder).unwrap();
    let program = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let shell = fs::read("/bin/sh").unwrap();
    program("shell", &shell);
    program("say", format!("#!{}/shell\necho it runs\n", folder.display()).as_bytes());
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let build = || -> Ran {
        let args = ["build", "--allow-exec", "--json"];
        let ran: Ran = space.command(&args).env("PATH", &path).output().unwrap().into();
        ran.ok()
    };
    assert_eq!(build().finished().ran, 1);
    assert_eq!(build().finished().ran, 0);
    program("shell", &[shell.as_slice(), b"another build"].concat());
    assert_eq!(build().finished().ran, 1, "another interpreter");
    assert_eq!(build().finished().ran, 0);
}

#[test]
fn commands_and_voices_that_declare_what_they_use_pass() {
    let space = TestSpace::of(
        "version: 1\nnodes:\n  voice: { uses: tts, with: { text: Good evening. } }\n  \
         sum: { uses: exec, with: { run: \"wc -c < $in/a > $out/sum.txt; ls /dev/null; mkdir $TMPDIR/x\", \
         tools: [wc, ls, mkdir], in: { a: a.txt }, out: [sum.txt] } }\n",
    );
    space.write("a.txt", "x");
    for _ in 0..2 {
        let ran = space.build(&["--allow-exec", "--check-inputs"]);
        if ran.code == Some(2) {
            return skip(
                "commands_and_voices_that_declare_what_they_use_pass",
                "no process may watch another here",
            );
        }
        assert_eq!(ran.code, Some(0), "{}", ran.all());
        assert_eq!(ran.ran().len(), 2, "both run each time: {}", ran.all());
        assert_eq!(used(&ran), []);
    }
    let text = space.reel(&["build", "--allow-exec", "--check-inputs"]).ok();
    assert!(text.stdout.contains("used only what is in its key"), "{}", text.all());
    space.build(&["--allow-exec"]).ok().assert_nothing_ran();
}

#[test]
fn an_audit_finds_what_is_not_the_same_twice() {
    let space = exec("run: \"date +%N > $out/a.txt\", tools: [date], out: [a.txt]");
    let _ = space.build(&["--allow-exec"]).ok();
    let (cache, output) = (files(&space.cache().join("v1/blobs")), space.read("out/a.txt"));
    let ran = space.reel(&["audit", "--allow-exec", "--json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let told = &ran.events_of("did-compare")[0];
    assert_eq!((&told["node"], &told["same"]), (&"node".into(), &false.into()));
    let difference = &told["differences"][0];
    assert_eq!(difference["port"], "a");
    assert!(difference["offset"].is_u64() && difference["again"]["size"].is_u64(), "{difference}");
    let last = &ran.events_of("finished")[0];
    assert_eq!((&last["compared"], &last["differing"]), (&1.into(), &1.into()));
    assert_eq!(files(&space.cache().join("v1/blobs")), cache);
    assert_eq!(space.read("out/a.txt"), output);
    space.build(&["--allow-exec"]).ok().assert_nothing_ran();
    let text = space.reel(&["audit", "--allow-exec"]);
    assert!(text.stdout.contains("port `a` is not the same twice: from byte "), "{}", text.all());
    assert!(text.stdout.contains("compared 1 node: 0 the same, 1 not, 0 failed"), "{}", text.all());
}

#[test]
fn an_audit_of_a_film_finds_nothing_and_leaves_nothing() {
    let space = TestSpace::story();
    let ran = space.reel(&["audit", "--json"]).ok();
    let last = &ran.events_of("finished")[0];
    assert_eq!((&last["differing"], &last["failed"]), (&0.into(), &0.into()), "{}", ran.all());
    let compared = last["compared"].as_u64().unwrap();
    assert!(!space.path("out").exists() && !space.path("reel.lock").exists());
    let built = space.build(&[]).ok();
    assert_eq!(built.finished().ran, built.finished().planned, "an audit leaves nothing for others to find");
    assert_eq!(built.finished().planned, compared, "every node was run twice");
    let one = space.reel(&["audit", "hook.encode", "--json"]).ok();
    let nodes: Vec<Value> = one.events_of("did-compare");
    assert!(!nodes.is_empty());
    assert!(
        nodes.iter().all(|node| node["node"].as_str().unwrap().starts_with("hook.encode.")),
        "{}",
        one.all()
    );
    let unknown = space.reel(&["audit", "nowhere"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.all().contains("no output, node or group is called `nowhere`"), "{}", unknown.all());
}

#[test]
fn an_audit_that_is_stopped_leaves_nothing() {
    let space = exec("run: \"sleep 20; date > $out/a.txt\", tools: [date, sleep], out: [a.txt]");
    let _ = space.reel(&["plan"]);
    let temporary = space.cache().join("v1/tmp");
    let child = space.start(&["audit", "--allow-exec"]);
    std::thread::sleep(Duration::from_millis(700));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, Some(130), "{}", ran.all());
    assert_eq!(files(&temporary), BTreeMap::new());
    assert_eq!(space.processes(), [""; 0]);
}
