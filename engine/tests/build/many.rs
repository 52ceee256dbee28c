//! Nodes and outputs that `matrix:` and `foreach:` make many of: their names, what refers to which, and what runs
//! again when a row changes.

use crate::world::World;

const LANGS: &str = "
version: 1
nodes:
  word:
    matrix: { lang: [en, de] }
    uses: join
    with: { parts: [{ file: '${matrix.lang}.txt' }] }
  line:
    matrix: { lang: [en, de], end: ['!', '?'] }
    uses: join
    with: { parts: ['${word.text}', '${matrix.end}'] }
    needs: word
  all: { uses: join, with: { parts: ['${word.text}'], between: ' ' } }
outputs:
  all: { from: '${all.text}', file: out/all.txt }
  line:
    matrix: { lang: [en, de] }
    from: '${word.text}'
    file: 'out/${matrix.lang}.txt'
";

fn langs(yaml: &str) -> World {
    let world = World::new(yaml);
    world.write("en.txt", "moon");
    world.write("de.txt", "Mond");
    world
}

#[test]
fn a_matrix_makes_one_of_each_and_references_pick_the_same() {
    // `!` and `?` are no letters: they need an id.
    let ends = "[{ id: loud, mark: '!' }, { id: asking, mark: '?' }]";
    let yaml = LANGS.replace("['!', '?']", ends).replace("${matrix.end}", "${matrix.end.mark}");
    let world = langs(&yaml);
    let built = world.build_targets(&["all", "line"]);
    assert_eq!(built.ran, ["all", "word[de]", "word[en]"]);
    assert_eq!(world.read("out/all.txt"), "moon Mond");
    assert_eq!(world.read("out/de.txt"), "Mond");
    let project = world.load().unwrap();
    let names: Vec<&str> = project.nodes.iter().map(|node| node.name.value.as_str()).collect();
    assert_eq!(
        names,
        [
            "word[en]",
            "word[de]",
            "line[en,loud]",
            "line[en,asking]",
            "line[de,loud]",
            "line[de,asking]",
            "all"
        ]
    );
    let line = &project.nodes[5];
    assert_eq!(line.with.at("/parts/0").unwrap().as_text(), Some("${word[de].text}"));
    assert_eq!(line.needs[0].value, "word[de]");
    // Names on the command line: all, some, one.
    let nodes = |name: &str| project.targets(&[name.to_owned()]).unwrap().0.len();
    assert_eq!([nodes("word"), nodes("word[de]"), nodes("line[de]"), nodes("line[de,loud]")], [2, 1, 1, 1]);
    assert_eq!(project.targets(&["line".into()]).unwrap().1.len(), 2, "outputs of that name come first");
    world.write("de.txt", "Monde");
    assert_eq!(world.build_targets(&["line"]).ran, ["word[de]"]);
}

#[test]
fn what_is_excluded_is_not_made() {
    let world = World::new(
        "
version: 1
nodes:
  a:
    matrix: { x: [1, 2], y: [1, 2], exclude: [{ x: 1, y: 2 }, { x: 2 }] }
    uses: join
    with: { parts: ['${matrix.x}${matrix.y}'] }
",
    );
    assert_eq!(world.build().ran, ["a[1,1]"]);
}

const ROWS: &str = "
version: 1
nodes:
  page:
    foreach: { row: rows.csv }
    uses: join
    with: { parts: ['${row.name} costs ${row.price}'] }
  length: { foreach: { row: rows.csv }, uses: length, with: { text: '${page.text}' } }
outputs:
  page: { foreach: { row: rows.csv }, from: '${page.text}', file: 'out/${row.id}.txt' }
  length: { foreach: { row: rows.csv }, from: '${length.text}', file: 'out/${row.id}.length.txt' }
";

#[test]
fn a_changed_row_makes_that_row_again() {
    let world = World::new(ROWS);
    world.write("rows.csv", "id,name,price\nmug,Mug,7\npen,Pen,2\n");
    assert_eq!(world.build().ran, ["length[mug]", "length[pen]", "page[mug]", "page[pen]"]);
    assert_eq!(world.read("out/pen.txt"), "Pen costs 2");
    assert_eq!(world.build().ran, [""; 0]);
    // The same length: what follows is found.
    world.write("rows.csv", "id,name,price\nmug,Mug,7\npen,Pen,3\n");
    assert_eq!(world.build().ran, ["length[pen]", "page[pen]"]);
    // Moved and renamed rows are the same actions; one more is one more.
    world.write("rows.csv", "price,id,name\n3,biro,Pen\n9,cup,Cup\n7,mug,Mug\n");
    assert_eq!(world.build().ran, ["length[cup]", "page[cup]"]);
    assert_eq!(world.read("out/biro.txt"), "Pen costs 3");
}

#[test]
fn rows_are_lists_and_json_too_and_count_when_they_have_no_id() {
    let world = World::new(
        "
version: 1
nodes:
  a: { foreach: { word: [one, two] }, uses: join, with: { parts: ['${word}'] } }
  b: { foreach: { row: rows.json }, uses: join, with: { parts: ['${row.of.name}'], cores: '${row.cores}' } }
  c: { foreach: { part: ['${a[1].text}', '${b[2].text}'] }, uses: length, with: { text: '${part}' } }
",
    );
    world.write("rows.json", "[ { \"of\": { \"name\": \"x\" }, \"cores\": 1 },\n { \"of\": { \"name\": \"${y}\" }, \"cores\": \"2\" } ]");
    let project = world.load().unwrap();
    assert_eq!(project.graph.node(project.graph.find("b[2]").unwrap()).claim.cpu_milli, 2000);
    assert_eq!(world.build().ran, ["a[1]", "a[2]", "b[1]", "b[2]", "c[1]", "c[2]"]);
}

#[test]
fn a_matrix_at_the_top_makes_everything_many() {
    let world = langs(
        "
version: 1
matrix: { lang: [en, de] }
vars: { file: '${matrix.lang}.txt' }
nodes:
  word: { uses: join, with: { parts: [{ file: '${vars.file}' }] } }
  twice: { matrix: { n: [a, b] }, uses: join, with: { parts: ['${word.text}', '${matrix.n}${matrix.lang}'] } }
outputs:
  word: { from: '${word.text}', file: 'out/${matrix.lang}.txt' }
  twice: { matrix: { n: [a, b] }, from: '${twice.text}', file: 'out/${matrix.lang}.${matrix.n}.txt' }
",
    );
    assert_eq!(
        world.build().ran,
        ["twice[de,a]", "twice[de,b]", "twice[en,a]", "twice[en,b]", "word[de]", "word[en]"]
    );
    assert_eq!(world.read("out/de.b.txt"), "Mondbde");
    let project = world.load().unwrap();
    let outputs: Vec<&str> = project.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["word[en]", "word[de]", "twice[en,a]", "twice[en,b]", "twice[de,a]", "twice[de,b]"]);
}

#[test]
fn references_that_mean_several_or_none_are_told() {
    let said = |yaml: &str| langs(yaml).load().err().unwrap_or_default();
    let one =
        LANGS.replace("['!', '?']", "[a, b]").replace("with: { parts: ['${word.text}'], between: ' ' }", "X");
    assert_eq!(
        said(&one.replace("uses: join, X", "uses: length, with: { text: '${word.text}' }")),
        ["R012 13: `${word.text}` is 2 nodes where one is wanted: `word[en]`, `word[de]`"]
    );
    let plain = LANGS.replace("['!', '?']", "[a, b]");
    let output = plain
        .replace("    matrix: { lang: [en, de] }\n    from", "    from")
        .replace("out/${matrix.lang}", "out/x");
    assert_eq!(
        said(&output),
        ["R012 17: `${word.text}` is 2 nodes where one is wanted: `word[en]`, `word[de]`"]
    );
    assert_eq!(
        said(&LANGS.replace("['!', '?']", "[a, b]").replace("lang: [en, de], end", "lang: [en, fr], end")),
        ["R009 11: there is no `word` for lang fr", "R009 12: there is no `word` for lang fr"]
    );
}

const FOUND: &str = "
version: 1
nodes:
  mark: { uses: join, with: { parts: ['!'] } }
  find: { uses: join, with: { parts: [{ file: list.json }] } }
  shout:
    foreach: { item: '${find.text}' }
    uses: join
    with: { parts: ['${item.name}', '${mark.text}'], cores: '${item.cores}', between: '' }
    resources: { cpu: 0.5 }
  all: { uses: join, with: { parts: ['${shout.text}'], between: ' ' } }
outputs:
  all: { from: '${all.text}', file: out.txt }
";

fn found(rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(id, name)| format!("{{\"id\":\"{id}\",\"name\":\"{name}\",\"cores\":1}}"));
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

#[test]
fn nodes_appear_when_the_list_does_and_a_row_is_in_its_own_key_alone() {
    let world = World::new(FOUND);
    world.write("list.json", &found(&[("a", "one"), ("b", "two"), ("c", "three")]));
    let built = world.build();
    assert_eq!(built.ran, ["all", "find", "mark", "shout", "shout[a]", "shout[b]", "shout[c]"]);
    assert_eq!(world.read("out.txt"), "one! two! three!");
    assert!(built.events.contains(&"did-expand shout 3".to_owned()));
    assert_eq!(world.build().ran, [""; 0]);
    // One row changes.
    world.write("list.json", &found(&[("a", "one"), ("b", "2"), ("c", "three")]));
    assert_eq!(world.build().ran, ["all", "find", "shout", "shout[b]"]);
    // Rows move: their actions are the same.
    world.write("list.json", &found(&[("c", "three"), ("a", "one"), ("b", "2")]));
    assert_eq!(world.build().ran, ["all", "find", "shout"]);
    assert_eq!(world.read("out.txt"), "three! one! 2!");
    // One goes, and its node with it.
    world.write("list.json", &found(&[("c", "three"), ("b", "2")]));
    let built = world.build();
    assert_eq!(built.ran, ["all", "find", "shout"]);
    assert_eq!(built.summary.tally.planned, 6);
    // What the template takes from elsewhere is passed on.
    world.write("reel.yaml", &FOUND.replace("'!'", "'?'"));
    assert_eq!(world.build().ran, ["all", "mark", "shout[b]", "shout[c]"]);
    assert_eq!(world.read("out.txt"), "three? 2?");
    // No rows are no nodes.
    world.write("list.json", "[]");
    assert_eq!(world.build().ran, ["all", "find", "shout"]);
    assert_eq!(world.read("out.txt"), "");
}

#[test]
fn lines_are_items_and_a_matrix_may_be_around_them() {
    let yaml = FOUND
        .replace(
            "foreach: { item: '${find.text}' }",
            "matrix: { end: [x, y] }\n    foreach: { item: '${find.text}' }",
        )
        .replace("'${item.name}', '${mark.text}'", "'${item}', '${matrix.end}'")
        .replace(", cores: '${item.cores}'", "")
        .replace("list.json", "list.txt");
    let world = World::new(&yaml);
    world.write("list.txt", "one\n\n two\n");
    let built = world.build();
    assert_eq!(
        built.ran,
        ["all", "find", "shout[x,1]", "shout[x,2]", "shout[x]", "shout[y,1]", "shout[y,2]", "shout[y]"]
    );
    assert_eq!(world.read("out.txt"), "onex twox oney twoy");
}

#[test]
fn a_row_may_name_a_file_that_is_to_be_read_as_text() {
    let world = World::new(
        "
version: 1
nodes:
  find: { uses: join, with: { parts: [{ file: rows.json }] } }
  each: { foreach: { row: '${find.text}' }, uses: join, with: { parts: [{ file: '${row.file}' }] } }
  all: { uses: join, with: { parts: ['${each.text}'], between: ' ' } }
outputs:
  all: { from: '${all.text}', file: all.txt }
",
    );
    world.write("rows.json", r#"[{ "id": "a", "file": "a.txt" }, { "id": "b", "file": "b.txt" }]"#);
    world.write("a.txt", "moon");
    world.write("b.txt", "sun");
    assert_eq!(world.build().ran, ["all", "each", "each[a]", "each[b]", "find"]);
    assert_eq!(world.read("all.txt"), "moon sun");
    world.write("b.txt", "star");
    assert_eq!(world.build().ran, ["all", "each[b]"]);
}

#[test]
fn rows_that_a_template_cannot_take_fail_their_node() {
    let failure = |rows: &str| {
        let world = World::new(FOUND);
        world.write("list.json", rows);
        let built = world.build();
        let (node, failure) = built.failed.into_iter().next().unwrap();
        assert_eq!(node, "shout");
        failure.message
    };
    assert_eq!(failure("[1, 2"), "its list is no JSON list: EOF while parsing a list at line 1 column 5");
    assert_eq!(failure("[[1]]"), "row 1 of its list is neither an object nor a single value");
    assert_eq!(
        failure("[{\"id\":\"a b\",\"name\":\"\",\"cores\":1},{\"id\":\"a-b\",\"name\":\"\",\"cores\":1}]"),
        "rows 1 and 2 of its list have the id `a-b`"
    );
    assert_eq!(
        failure("[{\"id\":\"a\",\"name\":\"x\"}]"),
        "its expansion is wrong: `shout[a]`: `item` has no `cores` (R007)"
    );
    assert_eq!(
        failure("[{\"id\":\"a\",\"name\":\"x\",\"cores\":\"many\"}]"),
        "its expansion is wrong: `shout[a]`: `cores` wants a whole number, not the text `many` (R004)"
    );
}

#[test]
fn a_template_is_checked_before_there_are_rows() {
    let said = |from: &str, to: &str| World::new(&FOUND.replace(from, to)).load().err().unwrap_or_default();
    let without_list = "R013 5: no file at `list.json`".to_owned();
    let only = |line: &str| [without_list.clone(), line.to_owned()];
    assert_eq!(said("between: ''", "betwen: ''"), only("R002 9: unknown key `betwen`"));
    assert_eq!(
        said(
            "uses: join\n    with: { parts: ['${item.name}'",
            "uses: jion\n    with: { parts: ['${item.name}'"
        ),
        only("R008 8: no kind is called `jion`")
    );
    assert_eq!(said("${mark.text}", "${mark.sound}"), only("R010 9: `mark` has no port `sound`"));
    assert_eq!(said("${shout.text}", "${shout.sound}"), only("R010 11: `shout` has no port `sound`"));
    assert_eq!(
        said("from: '${all.text}'", "from: '${shout.text}'"),
        only("R012 13: `shout.text` is a list, and an output is one file")
    );
    assert_eq!(said("item: '${find.text}'", "item: '${find.txt}'"), only("R010 7: `find` has no port `txt`"));
    let world = World::new(&FOUND.replace("'${mark.text}'", "'${all.text}'"));
    world.write("list.json", "[]");
    let circle = "R011 7: nodes need each other in a circle: shout → all → shout";
    assert_eq!(world.load().err().unwrap_or_default(), [circle]);
}
