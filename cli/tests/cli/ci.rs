//! `reel ci`: what it says to whom, its reports, its exit codes.

use std::fs;

use crate::play::{Play, Run, hello};

/// A command that fails, something after it, and something that is fine.
fn failing() -> String {
    hello().replace(
        "outputs:",
        "  bad: { uses: exec, with: { run: \"echo looking; echo broken >&2; exit 3\", out: [x.txt] } }\n  \
         after: { uses: text, with: { parts: [\"${bad.x}\"] } }\noutputs:\n  \
         after: { from: \"${after.text}\", file: out/after.txt }",
    )
}

fn cases(play: &Play, file: &str) -> Vec<(String, String, String)> {
    let text = play.read(file);
    let xml = roxmltree::Document::parse(&text).unwrap();
    let word =
        |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let cases = xml.descendants().filter(|node| node.has_tag_name("testcase"));
    cases
        .map(|case| {
            let inner = case.children().find(roxmltree::Node::is_element);
            let outcome = inner.map_or("passed", |inner| inner.tag_name().name()).to_owned();
            (word(case.parent().unwrap(), "name"), word(case, "name"), outcome)
        })
        .collect()
}

fn told(suite: &str, name: &str, outcome: &str) -> (String, String, String) {
    (suite.into(), name.into(), outcome.into())
}

/// The page with `#` for times, which are others each time.
fn page(play: &Play, file: &str) -> String {
    let mut out = String::new();
    for line in play.read(file).lines() {
        // In the graph a time that is nearly none is left out.
        let line = match line.rfind(", ").filter(|_| line.contains("<br/>")) {
            Some(at) if line[at..].contains("s\"]") => {
                format!("{}{}", &line[..at], &line[line.rfind("\"]").unwrap()..])
            }
            _ => line.to_owned(),
        };
        let words: Vec<&str> = line.split(' ').collect();
        let is_unit = |word: &&str| matches!(word.trim_end_matches([';', ',']), "ms" | "s");
        let shown = words.iter().enumerate().map(|(at, word)| {
            let is_time = word.parse::<f64>().is_ok() && words.get(at + 1).is_some_and(is_unit);
            if is_time { "#" } else { *word }
        });
        out.push_str(&shown.collect::<Vec<_>>().join(" "));
        out.push('\n');
    }
    out
}

fn ci(play: &Play, more: &[&str]) -> Run {
    play.reel(&[&["ci", "--junit", "junit.xml", "--summary", "page.md"], more].concat())
}

#[test]
fn lines_go_to_standard_error_and_reports_to_their_files() {
    let play = Play::with(hello());
    let first = ci(&play, &[]);
    assert_eq!((first.code, first.stdout.as_str()), (0, ""), "{first}");
    assert!(first.stderr.contains("\nrun   again  (text)\n") && !first.stderr.contains('\u{1b}'), "{first}");
    let last = first.stderr.lines().last().unwrap();
    assert!(last.starts_with("planned 2 = ran 2 + cached 0 in "), "{first}");
    assert_eq!(cases(&play, "junit.xml"), [told("text", "again", "passed"), told("text", "hello", "passed")]);
    play.write("page.md", "");
    play.write("reel.yaml", &hello().replace("hello \"", "goodbye \""));
    let second = ci(&play, &["--json"]);
    assert_eq!(second.lines().last().unwrap()["event"], "finished", "{second}");
    assert!(second.lines().iter().any(|line| line["event"] == "summary"), "{second}");
    assert!(second.stderr.contains("done  hello  (text)"), "people read along: {second}");
    insta::assert_snapshot!(page(&play, "page.md"));
    play.write("page.md", "");
    let third = ci(&play, &[]);
    assert!(third.stderr.contains("planned 2 = ran 0 + cached 2"), "{third}");
    let again = page(&play, "page.md");
    assert!(again.contains("Nothing: all is as it was the last time."), "{again}");
    assert!(again.contains("| `again` | `out/again.txt` | 20 B |  | as before |"), "{again}");
    assert!(again.contains("hit rate 100.0 % (2 of 2 results)"), "{again}");
    let found = told("text", "again", "system-out");
    assert_eq!(cases(&play, "junit.xml")[0], found, "what was found is a case, too");
}

#[test]
fn a_failure_is_in_every_report_with_what_was_not_tried() {
    let play = Play::with(&failing());
    let run = ci(&play, &["--allow-exec", "--keep-going"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run}");
    assert!(run.stderr.contains("FAIL  bad  (exec)"), "{run}");
    let cases = cases(&play, "junit.xml");
    let expected = [
        told("exec", "bad", "failure"),
        told("text", "after", "skipped"),
        told("text", "again", "passed"),
        told("text", "hello", "passed"),
    ];
    assert_eq!(cases, expected);
    let xml = play.read("junit.xml");
    let xml = roxmltree::Document::parse(&xml).unwrap();
    let failure = xml.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert!(failure.text().unwrap().contains("broken\n"), "{failure:?}");
    assert_eq!(failure.attribute("type"), Some("failed"));
    let page = play.read("page.md");
    assert!(page.starts_with("## project: failed\n"), "{page}");
    assert!(page.contains("### `bad` (exec) failed\n") && page.contains("looking\nbroken\n"), "{page}");
    assert!(page.contains("| `after` | `out/after.txt` |  |  | not made |"), "{page}");
    assert!(page.contains("exec, failed") && page.contains("text, skipped"), "{page}");
}

#[test]
fn a_project_that_is_wrong_is_told_in_the_reports() {
    let play = Play::with("version: 1\nnodes:\n  a: { uses: txt }\n");
    let run = ci(&play, &[]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("error[R008]"), "{run}");
    let cases = cases(&play, "junit.xml");
    assert_eq!((cases.len(), cases[0].0.as_str(), cases[0].2.as_str()), (1, "project", "failure"));
    let page = play.read("page.md");
    assert!(
        page.starts_with("## project: not built\n\n1 problem; nothing ran.\n\n- `reel.yaml:3` (R008): "),
        "{page}"
    );
    let json = ci(&play, &["--json"]);
    assert_eq!(json.lines()[0]["code"], "R008", "{json}");
    assert!(json.stderr.contains("error[R008]"), "people read along: {json}");
    let unknown = Play::with(hello());
    assert_eq!(ci(&unknown, &["agian"]).code, 2);
    assert!(unknown.read("page.md").contains("no output or node is called `agian`"));
    // Its commands are for the workflow to allow.
    let exec = Play::with(&failing());
    assert_eq!(ci(&exec, &[]).code, 2);
    assert!(exec.read("page.md").contains("(R020)"));
}

#[test]
fn nothing_new_is_pinned() {
    let play = Play::with(
        "version: 1\nnodes:\n  far: { uses: fetch, with: { url: \"https://example.invalid/a.txt\" } }\n",
    );
    let run = ci(&play, &[]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("reel.lock"), "{run}");
    assert!(!play.path("reel.lock").exists());
    let help = play.reel(&["ci", "--help"]);
    assert!(!help.stdout.contains("\n      --locked"), "it goes without saying: {help}");
}

#[test]
fn the_host_says_where_the_page_goes_and_it_is_added_to_what_is_there() {
    let play = Play::with(hello());
    play.write("host.md", "# Before\n");
    let host = play.path("host.md");
    let env = [("GITHUB_STEP_SUMMARY", host.to_str().unwrap())];
    let run = play.reel_with(&["ci"], &env);
    assert_eq!(run.code, 0, "{run}");
    let page = play.read("host.md");
    assert!(page.starts_with("# Before\n## project: built\n"), "{page}");
    let run = play.reel_with(&["ci", "--summary", "own.md"], &env);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(play.read("host.md"), page, "what was asked for comes first");
    assert!(play.read("own.md").starts_with("## project: built\n"));
}

#[test]
fn a_report_that_cannot_be_written_is_a_failure() {
    let play = Play::with(hello());
    let run = play.reel(&["ci", "--junit", "no/such/folder/junit.xml"]);
    assert_eq!(run.code, 0, "a folder that is missing is made: {run}");
    assert!(play.read("no/such/folder/junit.xml").starts_with("<?xml"));
    let run = play.reel(&["ci", "--junit", "reel.yaml/junit.xml"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("cannot write the JUnit report to `"), "{run}");
    assert_eq!(play.read("out/again.txt"), "hello world, again", "the build itself went well");
}

#[test]
fn a_large_graph_is_drawn_in_groups() {
    let node = |n: u32| format!("  n{n}: {{ uses: text, with: {{ parts: [\"{n}\"] }} }}\n");
    let nodes: String = (0..90).map(node).collect();
    let play = Play::with(&format!("version: 1\nnodes:\n{nodes}"));
    assert_eq!(ci(&play, &[]).code, 0);
    let page = play.read("page.md");
    assert!(
        page.contains("```mermaid\nflowchart LR\n") && page.contains("n0[\"text<br/>90 nodes, ran"),
        "{page}"
    );
    assert!(page.contains("- new: 90 nodes ("), "{page}");
    assert!(fs::metadata(play.path("page.md")).unwrap().len() < 20_000);
}
