//! Projects of several files: what is joined, and what is said of files that cannot be.

use std::fs;

use super::fixture::project;

/// Reads a project of these files; the first is the project file.
fn read(files: &[(&str, &str)]) -> (Option<crate::spec::Spec>, Vec<String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().canonicalize().unwrap().join("project");
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (spec, read, said) = project(&folder);
    let names = read.iter().map(|path| path.strip_prefix(&folder).unwrap().display().to_string());
    (spec, names.collect(), said)
}

#[test]
fn files_are_joined_and_included_ones_come_first() {
    let (spec, files, said) = read(&[
        (
            "reel.yaml",
            "version: 1\ninclude: [parts/a.yaml, b.yaml]\nvars: { own: x }\nenv: { HOME: h }\nscenes:\n  - id: last\n\
             nodes:\n  main: { uses: say, with: { text: \"${vars.low} ${vars.own}\" } }\n",
        ),
        ("parts/a.yaml", "include: deep.yaml\nvars: { low: y }\nenv: [LANG]\nscenes:\n  - id: second\n"),
        (
            "deep.yaml",
            "version: 1\nscenes:\n  - id: first\nnodes:\n  deep: { uses: say, with: { text: t } }\n",
        ),
        ("b.yaml", "include: deep.yaml\nformat: { fps: 30 }\n"),
    ]);
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(files, ["reel.yaml", "parts/a.yaml", "deep.yaml", "b.yaml"]);
    let spec = spec.unwrap();
    let nodes: Vec<&str> = spec.nodes.iter().map(|node| node.name.value.as_str()).collect();
    assert_eq!(nodes, ["deep", "main"]);
    assert_eq!(spec.nodes[1].with.get("text").unwrap().as_text(), Some("y x"));
    assert_eq!(spec.env, [("HOME".to_owned(), "h".to_owned())]);
    let scenes = &spec.sections.iter().find(|(key, _)| key == "scenes").unwrap().1;
    let ids: Vec<_> =
        scenes.items().iter().map(|scene| scene.get("id").unwrap().as_text().unwrap()).collect();
    assert_eq!(ids, ["first", "second", "last"]);
}

#[test]
fn places_are_those_of_the_file_that_has_the_fault() {
    let (_, _, said) = read(&[
        ("reel.yaml", "version: 1\ninclude: a.yaml\nnodes:\n  one: { uses: say, wiht: 1 }\n"),
        ("a.yaml", "nodes:\n  two:\n    uses: say\n    need: one\n"),
    ]);
    assert_eq!(
        said,
        [
            "R002 4:21 unknown key `wiht` | did you mean `with`? known here: `foreach`, `matrix`, `needs`, \
             `resources`, `timeout`, `uses`, `with`",
            "R002 a.yaml:4:5 unknown key `need` | did you mean `needs`? known here: `foreach`, `matrix`, \
             `needs`, `resources`, `timeout`, `uses`, `with`",
        ]
    );
}

#[test]
fn what_stands_in_two_files_is_shown_in_both() {
    let (_, _, said) = read(&[
        ("reel.yaml", "version: 1\nname: x\ninclude: a.yaml\nvars: { v: 1 }\nscenes: { a: 1 }\n"),
        ("a.yaml", "name: y\nvars: { v: 2 }\nscenes:\n  - id: a\n"),
    ]);
    assert_eq!(
        said,
        [
            "R015 2:1 the key `name` stands in two files [a.yaml:1:1 first here] | keep one of them",
            "R015 4:9 the key `v` stands in two files [a.yaml:2:9 first here] | keep one of them",
            "R015 5:1 the key `scenes` stands in two files [a.yaml:3:1 first here] | keep one of them",
        ]
    );
}

#[test]
fn files_that_cannot_be_included_are_told() {
    let (_, files, said) = read(&[
        (
            "reel.yaml",
            "version: 1\ninclude:\n  - none.yaml\n  - ../secret.yaml\n  - list.yaml\n  - old.yaml\n  - bad.yaml\n  \
             - \"${vars.x}\"\n  - 7\n",
        ),
        ("list.yaml", "- a\n"),
        ("old.yaml", "version: 9\n"),
        ("bad.yaml", "a: [\n"),
    ]);
    let start = |line: &String| line.split(" | ").next().unwrap().to_owned();
    assert_eq!(
        said.iter().map(start).collect::<Vec<_>>(),
        [
            "R014 4:5 item 2 of `include` leaves the project: `../secret.yaml`",
            "R004 9:5 item 7 of `include` wants a path, which is a text, not the number `7`",
        ]
    );
    assert_eq!(files, ["reel.yaml"]);
    let (_, _, said) = read(&[
        (
            "reel.yaml",
            "version: 1\ninclude:\n  - none.yaml\n  - list.yaml\n  - old.yaml\n  - bad.yaml\n  - \"${vars.x}\"\n",
        ),
        ("list.yaml", "- a\n"),
        ("old.yaml", "version: 9\n"),
        ("bad.yaml", "a: [\n"),
    ]);
    let said: Vec<String> = said.iter().map(start).collect();
    assert_eq!(
        said[..2],
        ["R013 3:5 no file at `none.yaml`", "R006 7:5 `${vars.x}` is read before `${…}` is known"]
    );
    assert_eq!(
        said[2..4],
        [
            "R004 list.yaml:1:1 `list.yaml` is no mapping of keys to values [4:5 included here]",
            "R025 old.yaml:1:10 this reel reads version 1 of the file, not `9`",
        ]
    );
    assert!(said[4].starts_with("R001 bad.yaml:"), "{}", said[4]);
}

#[test]
fn a_circle_names_the_files_that_close_it() {
    let (_, _, said) = read(&[
        ("reel.yaml", "version: 1\ninclude: a.yaml\n"),
        ("a.yaml", "include: b.yaml\n"),
        ("b.yaml", "include: a.yaml\n"),
    ]);
    assert_eq!(
        said,
        [
            "R028 b.yaml:1:10 files include each other in a circle: a.yaml → b.yaml → a.yaml | take one of these \
          `include:` out"
        ]
    );
}
