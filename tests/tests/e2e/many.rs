//! Many from one, seen from outside: what `check`, `expand`, `plan`, `graph`, `why` and `build` say of instances.

use reel_tests::space::TestSpace;

const WORDS: &str = "version: 1
include: rows.yaml
nodes:
  page: { foreach: { row: rows.csv }, uses: text, with: { parts: [\"${row.name} ${vars.currency}${row.price}\"] } }
  list: { uses: text, with: { parts: [{ file: list.txt }] } }
  line: { foreach: { item: \"${list.text}\" }, uses: text, with: { parts: [\"- ${item}\"] } }
  all:  { uses: text, with: { parts: [\"${page.text}\", \"${line.text}\"], separator: \"\\n\" } }
outputs:
  page: { foreach: { row: rows.csv }, from: \"${page.text}\", file: \"out/${row.id}.txt\" }
  all:  { from: \"${all.text}\", file: out/all.txt }
";

fn space() -> TestSpace {
    let space = TestSpace::of(WORDS);
    space.write("rows.yaml", "vars: { currency: € }\n");
    space.write("rows.csv", "id,name,price\nmug,Mug,7\npen,Pen,2\n");
    space.write("list.txt", "one\ntwo\n");
    space
}

#[test]
fn instances_are_seen_by_every_command() {
    let space = space();
    let expanded = space.reel(&["expand"]).ok().stdout;
    for line in
        ["\"page[mug]\":", "\"page[pen]\":", "parts: [\"Mug €7\"]", "uses: foreach", "in: \"${list.text}\""]
    {
        assert!(expanded.contains(line), "`{line}` is not in\n{expanded}");
    }
    assert_eq!(space.reel(&["expand", "page"]).ok().stdout.matches("uses:").count(), 2);
    assert_eq!(space.reel(&["check"]).code, Some(0));
    let plan = space.reel(&["plan"]).ok().stdout;
    assert!(plan.contains("page[mug]") && plan.contains("would run 3"), "{plan}");
    space.build(&[]).ok().assert_ran(&[
        "all",
        "line",
        "line[1]",
        "line[2]",
        "list",
        "page[mug]",
        "page[pen]",
    ]);
    assert_eq!(space.read("out/all.txt"), "Mug €7\nPen €2\n- one\n- two".as_bytes());
    let dot = space.reel(&["graph"]).ok().stdout;
    assert!(dot.contains("label=\"page\"") && dot.contains("line[2]"), "{dot}");
    let mermaid = space.reel(&["graph", "--format", "mermaid"]).ok().stdout;
    assert!(mermaid.contains("[\"page\"]") && mermaid.contains("page[pen]"), "{mermaid}");
    // One row of each changes.
    space.write("rows.csv", "id,name,price\nmug,Mug,8\npen,Pen,2\n");
    space.write("list.txt", "one\nTWO\n");
    let why = space.reel(&["why", "page[mug]"]).ok().stdout;
    assert!(why.contains("Mug €7") && why.contains("Mug €8"), "{why}");
    space.build(&["page"]).ok().assert_ran(&["page[mug]"]);
    space.build(&[]).ok().assert_ran(&["all", "line", "line[2]", "list"]);
    let why = space.reel(&["why", "line[2]"]).ok().stdout;
    assert!(why.contains("input `parts.0`") && why.contains("by line"), "{why}");
    space.build(&["page[pen]"]).ok().assert_nothing_ran();
}

#[test]
fn faults_of_rows_are_shown_in_their_file() {
    let space = space();
    space.write("rows.csv", "id,name,price\nmug,Mug,7\nmug,Pen,2\n");
    let checked = space.reel(&["check"]);
    assert_eq!(checked.code, Some(2));
    assert!(checked.stderr.contains("rows.csv:3:1") && checked.stderr.contains("R015"), "{}", checked.stderr);
    space.write("rows.csv", "id,name,price\nmug,Mug,7\n");
    space.write("rows.yaml", "vars: { curency: € }\n");
    let checked = space.reel(&["check"]);
    assert!(checked.stderr.contains("no variable `currency`"), "{}", checked.stderr);
    space.write("rows.yaml", "vars: { currency: € }\nvar: { }\n");
    let checked = space.reel(&["check"]);
    assert!(checked.stderr.contains("rows.yaml:2:1"), "{}", checked.stderr);
}

#[test]
fn what_a_list_made_is_expanded_once_it_is_there() {
    let space = TestSpace::of(
        "version: 1\nnodes:\n  list: { uses: text, with: { parts: [\"one\\ntwo\\n\"] } }\n  \
         each: { foreach: { line: \"${list.text}\" }, uses: text, with: { parts: [\"${line}\", { file: a.txt }, \"${list.text}\"] } }\n",
    );
    space.write("a.txt", "x");
    let expand = || space.reel(&["expand", "each[2]"]).ok().stdout;
    assert!(expand().contains("not there yet"), "{}", expand());
    let _ = space.build(&[]).ok();
    assert_eq!(
        expand(),
        "nodes:\n  \"each[2]\":\n    uses: text\n    with:\n      parts: [two, { file: a.txt }, \"${list.text}\"]\n      separator: \"\"\n"
    );
}
