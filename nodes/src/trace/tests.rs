//! Tests of watching: real programs, and what they are seen to do.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use super::*;

/// Runs a script in a folder and tells what it used beside that folder, `sh` and `programs`.
fn used(folder: &Path, script: &str, programs: &[&str]) -> Option<(ExitStatus, Vec<(String, How)>)> {
    if let Err(error) = available() {
        eprintln!("skipped: {error}");
        return None;
    }
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("GIVEN", "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let watched = watch(&spawn(&mut command).unwrap()).unwrap();
    let declared = Declared::default().folder(folder).program(Path::new("/bin/sh"), "sh").variables(["PATH"]);
    let find = |name: &&str| Path::new("/usr/bin").join(name);
    let declared = programs.iter().fold(declared, |declared, name| declared.program(&find(name), name));
    let used = watched.undeclared(&declared).into_iter().map(|used| (used.name, used.how));
    Some((watched.status, used.filter(|(name, _)| name != "GIVEN").collect()))
}

#[test]
fn a_program_that_stays_in_its_folder_uses_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "a").unwrap();
    let script = "cat a > b; mkdir c; cp b c/d; cat c/d > /dev/null; test -e nowhere; rm -r c";
    let Some((status, used)) = used(folder.path(), script, &["cat", "mkdir", "cp", "rm"]) else { return };
    assert_eq!(used, []);
    assert!(status.success());
}

#[test]
fn what_is_outside_is_told_with_what_was_done() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |name: &str| other.path().canonicalize().unwrap().join(name).display().to_string();
    for name in ["read", "looked", "listed/x"] {
        std::fs::create_dir_all(Path::new(&at(name)).parent().unwrap()).unwrap();
        std::fs::write(at(name), "").unwrap();
    }
    std::os::unix::fs::symlink(at("read"), folder.path().join("link")).unwrap();
    let script = format!(
        "cat link; test -f {}; ls {}; echo > {}; cd {}; head -c 1 read",
        at("looked"),
        at("listed"),
        at("written"),
        other.path().display()
    );
    let Some((_, mut used)) = used(folder.path(), &script, &["cat", "ls"]) else { return };
    let mut expected = vec![
        (at("listed"), How::Listed),
        (at("looked"), How::LookedAt),
        (at("read"), How::Read),
        (at("written"), How::Written),
        ("/usr/bin/head".to_owned(), How::Started),
    ];
    expected.sort();
    used.retain(|(name, how)| !(name == "/usr/bin/head" && *how != How::Started));
    used.retain(|(name, _)| !name.ends_with("listed/x"));
    used.sort();
    assert_eq!(used, expected);
}

#[test]
fn children_of_children_are_watched_and_end_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = "(sh -c 'cat /etc/hostname; sleep 100 & exit 0') & wait; setsid sleep 100 & exit 3";
    let begun = std::time::Instant::now();
    let Some((status, used)) = used(folder.path(), script, &["cat", "sleep", "setsid"]) else { return };
    assert_eq!(status.code(), Some(3));
    assert!(begun.elapsed().as_secs() < 50);
    assert_eq!(used, [("/etc/hostname".to_owned(), How::Read)]);
}

#[test]
fn signals_arrive_as_they_would() {
    let folder = tempfile::tempdir().unwrap();
    let Some((status, _)) = used(folder.path(), "trap 'exit 7' USR1; kill -USR1 $$; exit 1", &[]) else {
        return;
    };
    assert_eq!(status.code(), Some(7));
    let Some((status, _)) = used(folder.path(), "kill -KILL $$", &[]) else { return };
    assert_eq!(status.signal(), Some(9));
    let Some((status, _)) = used(folder.path(), "sh -c 'kill -STOP $$; exit 4'", &[]) else { return };
    assert_eq!(status.code(), Some(4), "one that stops itself goes on");
}

#[test]
fn variables_that_are_not_declared_are_told() {
    if available().is_err() {
        return;
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", ":"]).env_clear().env("DECLARED", "1").env("OTHER", "1");
    let watched = watch(&spawn(&mut command).unwrap()).unwrap();
    let declared = Declared::default().program(Path::new("/bin/sh"), "sh").variables(["DECLARED"]);
    let used = watched.undeclared(&declared);
    assert_eq!(used, [Use { name: "OTHER".into(), how: How::Variable }]);
}
