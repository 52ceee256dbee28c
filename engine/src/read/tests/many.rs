//! What is said of `matrix:` and `foreach:` that cannot be.

use std::fs;

use super::fixture::project;

/// What is said of a project with one file of rows beside it.
fn said(text: &str, rows: (&str, &str)) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().canonicalize().unwrap();
    fs::write(folder.join("reel.yaml"), format!("version: 1\n{text}")).unwrap();
    if !rows.0.is_empty() {
        fs::write(folder.join(rows.0), rows.1).unwrap();
    }
    project(&folder).2
}

fn node(axes: &str, rows: (&str, &str)) -> Vec<String> {
    said(&format!("nodes:\n  a:\n    {axes}\n    uses: say\n    with: {{ text: \"${{r.x}}\" }}\n"), rows)
}

#[test]
fn a_matrix_of_the_project_that_cannot_be_hides_nothing_else() {
    let text = "matrix: { lang: [en, en] }
vars: { text: \"${matrix.lang}.txt\" }
nodes:
  a: { uses: say, with: { text: \"${vars.text}\", rate: fast } }
  b: { uses: say, with: { text: \"${matrix.lnag}\", picture: \"${a[de].audio}\" }, needs: [\"a[de]\", c] }
  d: { uses: say, wiht: {} }
outputs:
  a: { from: \"${a[en].audio}\", file: \"out/${matrix.lang}.wav\", loud: 1 }
  b: { from: \"${b.audio}\", file: ../b.wav }
";
    let told = said(text, ("", ""));
    let codes: Vec<&str> = told.iter().filter_map(|line| line.get(..9)).collect();
    assert_eq!(codes.first(), Some(&"R015 2:22"), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("unknown key `wiht`")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("unknown key `loud`")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("leaves the project: `../b.wav`")), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("lnag") || line.contains("[de]")), "{told:#?}");
    let right = "foreach: { row: rows.txt }
nodes:
  a: { uses: say, with: { text: \"${row.text}\", parts: [{ file: \"${row.id}.txt\" }] } }
outputs:
  a: { from: \"${a[mug].audio}\", file: \"out/${row.id}.wav\" }
";
    let told = said(right, ("", ""));
    assert_eq!(told.len(), 1, "nothing follows from what is wrong at the top: {told:#?}");
}

#[test]
fn a_matrix_that_cannot_be() {
    let none = ("", "");
    let wrong = |axes: &str| node(axes, none);
    assert_eq!(wrong("matrix: [a]"), ["R004 4:13 `matrix` wants a mapping, not a list"]);
    assert_eq!(wrong("matrix: { a: [] }"), ["R006 4:18 `a` is empty, but wants at least 1 item"]);
    assert_eq!(
        wrong("matrix: { a: [x, y, x] }"),
        [
            "R015 4:25 two values of `a` have the id `x` [4:19 first here] | instances are named by it, so each needs \
          one of its own"
        ]
    );
    assert_eq!(
        wrong("matrix: { a: ['?'] }"),
        ["R006 4:19 `?` names no instance of `a` | an id has letters or digits in it"]
    );
    assert_eq!(
        wrong("matrix: { a: [{ id: x }, { b: y }] }"),
        ["R003 4:30 this value of `a` has no `id`, though others have"]
    );
    assert_eq!(
        wrong("matrix: { r: [{ id: u, x: t }], exclude: [{ s: u }] }"),
        ["R002 4:49 `s` is no axis of this matrix | did you mean `r`?"]
    );
    assert_eq!(
        said(
            "matrix: { r: [p] }\nnodes:\n  a: { foreach: { r: [q] }, uses: say, with: { text: \"${r}\" } }\n",
            none
        ),
        ["R015 4:19 `r` is an axis already | give it another name"]
    );
    assert_eq!(
        said("nodes:\n  a: { matrix: { r: [p] }, uses: say, with: { text: \"${matrix.s}\" } }\n", none),
        ["R007 3:53 `matrix` has no `s` | did you mean `r`?"]
    );
}

#[test]
fn rows_that_cannot_be() {
    let none = ("", "");
    assert_eq!(
        node("foreach: rows.csv", none),
        ["R004 4:14 `foreach` wants a mapping, not the text `rows.csv`"]
    );
    assert_eq!(
        node("foreach: { r: none.csv }", none).first().unwrap(),
        "R013 4:19 no file at `none.csv` | paths are relative to the folder of reel.yaml"
    );
    assert_eq!(
        node("foreach: { r: rows.txt }", none),
        [
            "R006 4:19 `rows.txt` is no list: rows come from a .csv, .tsv or .json file | write a path, a list, or \
          `\"${node.port}\"`"
        ]
    );
    assert_eq!(
        node("foreach: { r: [] }", none),
        ["R006 4:19 `r` has no rows | a list that may be empty is one that a node makes"]
    );
    assert_eq!(
        node("foreach: { vars: [x] }", none),
        ["R006 4:16 rows cannot be called `vars` | `${vars.…}` stands for something else"]
    );
    assert_eq!(
        node("foreach: { r: rows.csv }", ("rows.csv", "id,x\na,1\nb,\"two\nc,3\n")),
        [
            "R021 rows.csv:3:1 a double quote has no end | put a cell that has a quote in it between quotes, and double \
             that quote"
        ]
    );
    assert_eq!(
        node("foreach: { r: rows.json }", ("rows.json", r#"[{"id": "a", "x": 1, "x": 2}]"#)),
        ["R021 rows.json:1:2 this row has the key `x` twice"]
    );
    assert_eq!(
        node("foreach: { r: rows.csv }", ("rows.csv", "id,x\na,1\nb,2,3\nc\n")),
        [
            "R021 rows.csv:3:1 this row has 3 cells, but the header has 2 | put a cell that has the delimiter in it \
             between double quotes",
            "R021 rows.csv:4:1 this row has 1 cells, but the header has 2 | put a cell that has the delimiter in it \
             between double quotes",
        ]
    );
    assert_eq!(
        node("foreach: { r: rows.csv }", ("rows.csv", "\u{feff}id;x\na;1\n\na b;2\na-b;3\n")),
        [
            "R015 rows.csv:5:1 two values of `r` have the id `a-b` [rows.csv:4:1 first here] | instances are named by \
          it, so each needs one of its own"
        ]
    );
    assert_eq!(
        node("foreach: { r: rows.csv }", ("rows.csv", "x,x\n1,2\n")),
        ["R021 rows.csv:1:1 two columns are called `x` | the first row names the columns"]
    );
    let json = node("foreach: { r: rows.json }", ("rows.json", "[1,\n 2 3]"));
    assert!(json[0].starts_with("R021 rows.json:2:4 this is no JSON list: "), "{json:?}");
    assert_eq!(
        node("foreach: { r: rows.json }", ("rows.json", "[{ \"x\": 1 },\n [2]]")),
        ["R021 rows.json:2:2 a row is an object of single values, or a single value"]
    );
    assert_eq!(
        said("outputs: { o: { foreach: { r: \"${a.b}\" }, file: o.txt, from: \"${a.b}\" } }\n", none),
        [
            "R006 2:31 a list that is made during the run can only make many of a node | write a list or a file, or put \
          it on a node"
        ]
    );
}

#[test]
fn a_wrong_cell_is_shown_where_it_stands() {
    assert_eq!(
        said(
            "nodes:\n  a: { foreach: { r: rows.csv }, uses: say, with: { text: t, rate: \"${r.rate}\" } }\n",
            ("rows.csv", "rate\n170\nfast\n")
        ),
        Vec::<String>::new(),
        "the parameters of kinds are checked later"
    );
    assert_eq!(
        said(
            "nodes:\n  a: { foreach: { r: rows.csv }, uses: say, timeout: \"${r.most}\" }\n",
            ("rows.csv", "most\n10s\n10\n")
        ),
        [
            "R005 rows.csv:3:1 `timeout` wants a length of time, but `10` has no unit | write it with its unit: `10s`"
        ]
    );
}

#[test]
fn instances_that_write_one_file_are_told_what_to_put_into_its_name() {
    assert_eq!(
        said(
            "outputs:\n  o: { matrix: { lang: [en, de] }, foreach: { r: rows.csv }, file: out/o.txt, from: \"${a.b}\" }\n",
            ("rows.csv", "id\nx\n")
        ),
        [
            "R016 3:68 outputs `o[en,x]` and `o[de,x]` write the same file `out/o.txt` [3:68 first here] | put \
          `${matrix.lang}` and `${r.id}` into `file`, so that each has one of its own"
        ]
    );
}
