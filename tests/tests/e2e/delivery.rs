//! A film that is rendered elsewhere: by the script of CI in a fresh checkout, and out of a bundle without network.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use reel_tests::ran::Ran;
use reel_tests::space::{TestSpace, program};
use reel_tests::{repository, skip};

/// Runs git where nothing of this user's reaches it.
fn git(space: &TestSpace, args: &[&str]) {
    let mut command = Command::new("git");
    space.surround(&mut command);
    let who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"];
    let output = command.args(who).args(args).current_dir(space.root()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs the script as a container does: nothing of anybody's but a way to programs and an empty home.
fn render(space: &TestSpace, checkout: &str, more: &[&str]) -> Ran {
    let programs = program("reel").parent().unwrap().to_owned();
    let home = space.root().join(format!("{checkout}-home"));
    fs::create_dir(&home).unwrap();
    let mut command = Command::new(repository().join("ci/render.sh"));
    command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", programs.display())).env("HOME", home);
    command.arg(".").args(more).current_dir(space.root().join(checkout)).output().unwrap().into()
}

/// What a host is told to run: the lines behind `key` that are indented further, as one script.
fn script(file: &str, key: &str) -> String {
    let text = fs::read_to_string(repository().join(file)).unwrap();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().skip_while(|line| line.trim() != key);
    let least = depth(lines.next().unwrap_or_else(|| panic!("no `{key}` in {file}")));
    let inside = lines.take_while(|line| line.trim().is_empty() || depth(line) > least);
    let commands = inside.map(|line| line.trim().trim_start_matches("- "));
    commands.filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_hosts_are_told_to_run_makes_the_outputs_in_a_clean_folder() {
    let node = |name: &str| format!("  {name}: {{ uses: text, with: {{ parts: [{name}] }} }}\n");
    let output = |name: &str| format!("  {name}: {{ from: \"${{{name}.text}}\", file: out/{name}.txt }}\n");
    let project =
        ["version: 1\nnodes:\n", &node("one"), &node("two"), "outputs:\n", &output("one"), &output("two")];
    let ci = repository().join("ci");
    let hosts = [
        ("github", script("ci/github/action.yml", "run: |")),
        ("gitlab", script("ci/gitlab/reel.yml", "script:")),
    ];
    for (host, script) in hosts {
        let space = TestSpace::of("");
        // A blank in a path is no border between words.
        let folder = space.root().join("a film");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("reel.yaml"), project.concat()).unwrap();
        let programs = program("reel").parent().unwrap().to_owned();
        let run = |more: &[(&str, &str)]| -> Ran {
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script]).env_clear();
            command.env("PATH", format!("{}:/usr/bin:/bin", programs.display())).env("HOME", space.path(""));
            command.env("REEL_ACTION", ci.join("github")).env("REEL_RENDER", ci.join("render.sh"));
            command.env("REEL_PROJECT", "a film").env("REEL_CACHE_BUDGET", "1GiB");
            command.envs([("REEL_TARGETS", ""), ("REEL_ARGUMENTS", "")]).envs(more.iter().copied());
            command.current_dir(space.root()).output().unwrap().into()
        };
        let asked = if host == "github" { "REEL_TARGETS" } else { "REEL_ARGUMENTS" };
        let some = run(&[(asked, "one --keep-going")]).ok();
        assert!(folder.join("out/one.txt").is_file(), "{host}: {}", some.all());
        assert!(!folder.join("out/two.txt").exists(), "{host}: what was not asked for: {}", some.all());
        let all = run(&[]).ok();
        assert!(folder.join("out/two.txt").is_file(), "{host}: {}", all.all());
        assert!(space.root().join("reel-reports/junit.xml").is_file(), "{host}");
        assert!(folder.join(".reel/cache").is_dir(), "{host}: what is kept is in one folder");
        fs::write(folder.join("reel.yaml"), "version: 2\n").unwrap();
        assert_eq!(run(&[]).code, Some(2), "{host}: the code of `reel ci`");
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").args(["-R", "--"]).args([from, to]).status().unwrap();
    assert!(copied.success());
}

#[test]
fn the_script_of_ci_makes_nothing_twice_in_fresh_checkouts() {
    if Command::new("git").arg("--version").output().is_err() {
        return skip("the script of CI in a fresh checkout", "`git` is not installed");
    }
    let space = TestSpace::story();
    git(&space, &["init", "--quiet", "project"]);
    git(&space, &["-C", "project", "add", "--all"]);
    git(&space, &["-C", "project", "commit", "--quiet", "--message", "a film"]);
    for checkout in ["first", "second", "third"] {
        git(&space, &["clone", "--quiet", "project", checkout]);
    }
    let first = render(&space, "first", &["--json"]).ok();
    assert!(first.stderr.contains("\nrun   "), "{}", first.all());
    assert!(first.finished().ran > 20 && first.finished().failed == 0, "{}", first.all());
    let film = fs::read(space.root().join("first/out/short.mp4")).unwrap();
    let page = fs::read_to_string(space.root().join("first/reel-reports/summary.md")).unwrap();
    assert!(page.starts_with("## story: built\n"), "{page}");
    let row = page.lines().find(|line| line.starts_with("| `short` |")).unwrap();
    assert!(row.contains("MiB") || row.contains("KiB"), "its size: {row}");
    assert!(row.contains(" s | new |"), "its length: {row}");

    // What a host does between two jobs.
    copy(&space.root().join("first/.reel"), &space.root().join("second/.reel"));
    let second = render(&space, "second", &["--json"]).ok();
    let last = second.finished();
    assert_eq!((last.ran, last.cached), (0, last.planned), "{}", second.all());
    assert_eq!(fs::read(space.root().join("second/out/short.mp4")).unwrap(), film);
    let page = fs::read_to_string(space.root().join("second/reel-reports/summary.md")).unwrap();
    assert!(page.contains("Nothing: all is as it was the last time."), "{page}");
    assert!(page.contains("hit rate 100.0 %") && page.contains("| as before |"), "{page}");

    // A change of one shown word, in a checkout that never rendered.
    copy(&space.root().join("second/.reel"), &space.root().join("third/.reel"));
    let project = space.root().join("third/reel.yaml");
    let text = fs::read_to_string(&project).unwrap().replace("The end", "The very end");
    fs::write(&project, text).unwrap();
    let third = render(&space, "third", &["--json"]).ok();
    assert!(third.ran().contains("end.card.1") && !third.ran().contains("hook.say.1"), "{:?}", third.ran());
    let page = fs::read_to_string(space.root().join("third/reel-reports/summary.md")).unwrap();
    assert!(page.contains("`end.card.1`: ") && page.contains("\"The end\" → \"The very end\""), "{page}");
    assert!(page.contains("```mermaid\n"), "{page}");
}

#[test]
fn the_script_of_ci_passes_failures_on_and_keeps_what_was_made() {
    let space = TestSpace::of("");
    let project = "version: 1\nnodes:\n  good: { uses: text, with: { parts: [fine] } }\n  \
                   bad: { uses: exec, with: { run: \"exit 3\", out: [x.txt] } }\n";
    fs::create_dir(space.root().join("job")).unwrap();
    fs::write(space.root().join("job/reel.yaml"), project).unwrap();
    let run = render(&space, "job", &["--keep-going", "--allow-exec"]);
    assert_eq!(run.code, Some(1), "{}", run.all());
    for kept in [".reel/cache/v1/records.db", "reel-reports/junit.xml", "reel-reports/summary.md"] {
        assert!(space.root().join("job").join(kept).is_file(), "{kept}");
    }
    let nowhere = Command::new(repository().join("ci/render.sh")).arg("no/such/folder").output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn a_film_out_of_a_bundle_is_the_same_film_and_nothing_runs() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let packed = space.reel(&["bundle", "story.reelbundle", "--json"]).ok();
    let files = &packed.events()[0];
    assert!(files["results"].as_u64() > Some(20) && files["files"] == 3, "{files}");
    assert!(!files["outside"].as_object().unwrap().is_empty(), "a font of the machine: {files}");
    let other = ["--cache-dir", "../other-cache"];
    let opened = space
        .reel(&[&["bundle", "story.reelbundle", "--open", "../opened", "--json"], &other[..]].concat())
        .ok();
    assert_eq!(opened.events()[0]["others"], serde_json::json!([]), "the same machine");
    let build = [&["build", "-C", "../opened", "--offline", "--locked", "--json"], &other[..]].concat();
    let built = space.reel(&build).ok();
    assert_eq!(built.ran(), BTreeSet::new());
    let last = built.finished();
    assert_eq!((last.planned, last.cached), (space.build(&[]).ok().finished().planned, last.planned));
    for name in ["out/short.mp4", "out/short.srt"] {
        assert_eq!(fs::read(space.root().join("opened").join(name)).unwrap(), space.read(name), "{name}");
    }
    let _ = space.reel(&[&["verify", "-C", "../opened"], &other[..]].concat()).ok();

    // What is taken from a bundle is good to go on with: one changed word makes what depends on it.
    let project = space.root().join("opened/reel.yaml");
    let text = fs::read_to_string(&project).unwrap().replace("The end", "The very end");
    fs::write(&project, text).unwrap();
    let edited = space.reel(&build).ok();
    assert!(
        edited.ran().contains("end.encode.1") && !edited.ran().contains("mid.encode.1"),
        "{:?}",
        edited.ran()
    );
}

#[test]
fn a_film_is_verified_from_its_outputs_to_its_sources() {
    let space = TestSpace::story();
    let _ = space.build(&[]).ok();
    let right = space.reel(&["verify", "--json"]).ok();
    let sums = &right.events()[0];
    assert_eq!((&sums["outputs"], &sums["differences"]), (&2.into(), &0.into()), "{sums}");
    assert_eq!(
        sums["nodes"],
        space.build(&[]).ok().finished().planned,
        "also those that were made in the run"
    );
    let mut film = space.read("out/short.mp4");
    let middle = film.len() / 2;
    film[middle] ^= 1;
    space.write("out/short.mp4", film);
    space.bed("bed.wav", 7);
    let wrong = space.reel(&["verify", "--json"]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.all());
    assert_eq!(wrong.events_of("output-differs")[0]["output"], "short");
    assert_eq!(wrong.nodes("key-differs"), BTreeSet::from(["film.sound.1".to_owned()]), "{}", wrong.all());
}
