//! What reel says of itself: why things changed, what would run, what a build did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::play::{Play, Run, hello};

fn built() -> Play {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build"]).code, 0);
    play
}

/// The one object that a call says.
fn only(run: &Run) -> Value {
    assert_eq!(run.lines().len(), 1, "{run}");
    run.lines().remove(0)
}

/// The same text with `#` for each digest.
fn without_digests(text: &str) -> String {
    let is_digest = |word: &str| word.len() == 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    let line = |line: &str| -> String {
        line.split(' ').map(|word| if is_digest(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(|it| line(it) + "\n").collect()
}

#[test]
fn why_tells_the_way_to_the_first_cause_and_what_it_set_off() {
    let play = built();
    play.write("world.txt", "moon");
    let before = play.reel(&["why", "again"]);
    insta::assert_snapshot!(without_digests(&before.stdout), @r"
        output again (out/again.txt), made by again: a build may change the file
        again (text): waiting: whether it runs depends on what it awaits
          again ← hello ← input `parts.1` (world.txt)
              input `parts.1` (world.txt): # → #
        sets off: 1 node may run: again; output again
        ");
    assert_eq!(play.reel(&["build"]).code, 0);
    let after = play.reel(&["why", "again"]);
    insta::assert_snapshot!(without_digests(&after.stdout), @r"
    output again (out/again.txt), made by again: the file is as it was made
    again (text): fresh: ran in the last build
      again ← hello ← input `parts.1` (world.txt)
          input `parts.1` (world.txt): # → #
      in its key
          input `parts.0` (hello.text): # → #
    set off: 1 node ran: again; output again
    ");
    assert_eq!(play.reel(&["build"]).code, 0);
    let later = play.reel(&["why", "again"]);
    assert_eq!(later.stdout, after.stdout, "a build with nothing to do is not one to tell of");
}

#[test]
fn a_text_that_only_an_expansion_knew_is_told_in_words() {
    let play = Play::with(
        "version: 1
nodes:
  find: { uses: text, with: { parts: [{ file: world.txt }] } }
  each: { foreach: { row: \"${find.text}\" }, uses: text, with: { parts: [\"good ${row}\"] } }
",
    );
    play.write("world.txt", "moon\nstar\n");
    assert_eq!(play.reel(&["build"]).code, 0);
    play.write("world.txt", "sun\nstar\n");
    assert_eq!(play.reel(&["build"]).code, 0);
    let told = play.reel(&["why", "each[1]"]).stdout;
    assert!(told.contains("input `parts.0`: \"good moon\" → \"good sun\", by each\n"), "{told}");
    let line = only(&play.reel(&["why", "each[1]", "--json"]));
    let reason = &line["reasons"][0];
    assert_eq!((&reason["old"], &reason["new"]), (&"\"good moon\"".into(), &"\"good sun\"".into()));
}

#[test]
fn why_says_the_same_to_programs() {
    let play = built();
    play.write("reel.yaml", &hello().replace("hello \"", "goodbye \""));
    let line = only(&play.reel(&["why", "again", "--json"]));
    assert_eq!((&line["state"], &line["pending"]), (&"waiting".into(), &true.into()));
    let chain = &line["chains"][0];
    assert_eq!(chain["nodes"], serde_json::json!(["again", "hello"]));
    assert_eq!((&chain["cause"]["type"], &chain["cause"]["at"]), (&"changed".into(), &"reel.yaml:3".into()));
    let reason = &chain["cause"]["reasons"][0];
    assert_eq!((&reason["old"], &reason["new"]), (&"\"hello \"".into(), &"\"goodbye \"".into()));
    for digest in ["old-digest", "new-digest"] {
        assert_eq!(reason[digest].as_str().unwrap().len(), 64, "{reason}");
    }
    assert_eq!(line["set-off"]["may-run"], serde_json::json!(["again"]));
    assert_eq!(line["set-off"]["outputs"], serde_json::json!(["again"]));
}

#[test]
fn an_output_is_told_by_its_name_or_its_file_with_how_the_file_is() {
    let play = built();
    for name in ["again", "out/again.txt", "./out/../out/again.txt"] {
        let run = play.reel(&["why", name]);
        assert_eq!(run.code, 0, "{run}");
    }
    let file = play.reel(&["why", "out/again.txt"]);
    let head = "output again (out/again.txt), made by again: the file is as it was made\n";
    assert!(file.stdout.starts_with(head), "{file}");
    play.write("out/again.txt", "something else");
    let run = play.reel(&["why", "again", "--json"]);
    assert_eq!(only(&run)["output"]["state"], "other", "{run}");
    std::fs::remove_file(play.path("out/again.txt")).unwrap();
    let run = play.reel(&["why", "out/again.txt"]);
    assert!(run.stdout.contains("is not there; a build places it"), "{run}");
}

#[test]
fn an_edit_that_is_undone_is_told_as_found() {
    let play = built();
    play.write("world.txt", "moon");
    assert_eq!(play.reel(&["build"]).code, 0);
    play.write("world.txt", "world");
    let before = play.reel(&["why", "again"]);
    assert!(before.stdout.contains("\nagain (text): cached: it changed, but"), "{before}");
    assert!(
        before.stdout.ends_with("sets off: 1 node found in the cache: again; output again\n"),
        "{before}"
    );
    assert_eq!(play.reel(&["build"]).code, 0);
    let after = play.reel(&["why", "again"]);
    assert!(
        after.stdout.contains("fresh: changed in the last build, and its result was in the cache"),
        "{after}"
    );
}

#[test]
fn what_failed_is_told_with_why_it_was_tried() {
    let text = "version: 1\nnodes:\n  bad: { uses: exec, with: { run: \"exit 3\", out: [x.txt] } }\n";
    let play = Play::with(text);
    assert_eq!(play.reel(&["build", "--allow-exec"]).code, 1);
    let run = play.reel(&["why", "bad"]);
    assert!(
        run.stdout.starts_with("bad (exec): new: it will run for the first time\n  failed the last time: "),
        "{run}"
    );
    assert!(only(&play.reel(&["why", "bad", "--json"]))["failed"].is_string());
}

#[test]
fn plan_tells_the_same_reasons_with_times_and_the_critical_path() {
    let play = built();
    play.write("world.txt", "moon");
    let plan = play.reel(&["plan"]);
    assert!(plan.stdout.contains("← hello ← input `parts.1` (world.txt)"), "{plan}");
    assert!(plan.stdout.contains("critical path: ") && plan.stdout.contains("\n  hello  text  "), "{plan}");
    let told = play.reel(&["plan", "--json"]).lines();
    let node = told.iter().find(|line| line["node"] == "again").unwrap();
    assert_eq!(node["chain"]["nodes"], serde_json::json!(["again", "hello"]));
    assert_eq!((&node["state"], &node["basis"]), (&"waiting".into(), &"node".into()));
    let whole = told.last().unwrap();
    assert_eq!(whole["critical-path"], serde_json::json!(["hello", "again"]));
    assert_eq!(whole["critical-path-nodes"][1]["basis"], "node");
    assert_eq!(whole["guessed-seconds"], 0.0);
    play.write(
        "reel.yaml",
        "version: 1\nnodes:\n  new: { uses: exec, with: { run: \"true\", out: [x.txt] } }\n",
    );
    let plan = play.reel(&["plan"]);
    assert!(plan.stdout.contains("new  new  exec  ~") && plan.stdout.contains("it is new"), "{plan}");
    assert!(plan.stdout.contains("not from a last run (~)"), "{plan}");
}

#[test]
fn a_trace_has_every_action_that_ran_with_its_key() {
    let play = Play::with(hello());
    let run = play.reel(&["build", "--json", "--trace", "trace.json"]);
    assert_eq!(run.code, 0, "{run}");
    let trace: Value = serde_json::from_str(&play.read("trace.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let bars: Vec<&Value> = events
        .iter()
        .filter(|event| event["ph"] == "X" && event["pid"] == 1 && event["cat"] == "text")
        .collect();
    let ran: Vec<Value> = run.lines().into_iter().filter(|line| line["event"] == "did-run").collect();
    assert_eq!(ran.len(), 2, "{run}");
    for line in ran {
        let bar = bars.iter().find(|bar| bar["name"] == line["node"]).unwrap();
        assert_eq!(bar["args"]["key"].as_str().unwrap().len(), 64, "{bar}");
        assert_eq!(bar["args"]["result"], "ran");
    }
    assert!(events.iter().any(|event| event["name"] == "again placed"));
}

#[test]
fn a_summary_comes_before_the_last_line() {
    let play = Play::with(hello());
    let first = play.reel(&["build", "--summary"]);
    assert!(first.stdout.contains("\nslowest actions\n  "), "{first}");
    assert!(first.stdout.contains("\ncritical path ") && first.stdout.contains(" at once\n"), "{first}");
    assert!(first.last().starts_with("planned 2 = ran 2"), "{first}");
    let second = play.reel(&["build", "--summary", "--json"]);
    let [figures, last] = &second.lines()[..] else { panic!("{second}") };
    assert_eq!((&figures["event"], &last["event"]), (&"summary".into(), &"finished".into()));
    assert_eq!((&figures["hits"], &figures["hit-rate"]), (&2.into(), &1.0.into()), "{second}");
    assert!(figures["saved-seconds"].is_number() && figures["slowest"] == serde_json::json!([]), "{second}");
}

/// The fields that the page tells of each event: from the rows of its tables, and from its examples.
pub(crate) fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = include_str!("../../../docs/json.md");
    let mut found = BTreeMap::new();
    let ticked =
        |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').collect();
        // What stands in brackets is about the field before, and after a semicolon comes a remark.
        let fields = cells[2].split(';').next().unwrap_or_default();
        let outside = fields.split('(').enumerate().map(|(at, part)| match at {
            0 => part,
            _ => part.split_once(')').map_or("", |(_, rest)| rest),
        });
        found.insert(ticked(cells[1]).remove(0), ticked(&outside.collect::<String>()).into_iter().collect());
    }
    for example in page.split("```json\n").skip(1) {
        let object: Value = serde_json::from_str(example.split("```").next().unwrap()).unwrap();
        let mut fields: BTreeSet<String> = object.as_object().unwrap().keys().cloned().collect();
        fields.remove("event");
        found.insert(object["event"].as_str().unwrap().to_owned(), fields);
    }
    found
}

#[test]
fn the_page_of_json_has_every_field() {
    let play = Play::with(&format!(
        "{}  bad: {{ from: \"${{after.text}}\", file: out/bad.txt }}\n",
        hello().replace(
            "outputs:",
            "  bad: { uses: exec, with: { run: \"exit 3\", out: [x.txt] } }\n  \
             after: { uses: text, with: { parts: [\"${bad.x}\"] } }\noutputs:"
        )
    ));
    let calls: [&[&str]; 6] = [
        &["plan"],
        &["build", "--allow-exec", "--keep-going", "--summary"],
        &["why", "again"],
        &["build", "--allow-exec", "--keep-going"],
        &["plan", "--all"],
        &["why", "after"],
    ];
    let documented = documented();
    let mut seen = BTreeSet::new();
    for call in calls {
        for line in play.reel(&[call, &["--json"]].concat()).lines() {
            let event = line["event"].as_str().unwrap().to_owned();
            let mut fields: BTreeSet<String> = line.as_object().unwrap().keys().cloned().collect();
            fields.remove("event");
            assert_eq!(documented.get(&event), Some(&fields), "docs/json.md on `{event}`");
            seen.insert(event);
        }
    }
    let names = [
        "did-fail",
        "did-hit",
        "did-publish",
        "did-run",
        "did-skip",
        "finished",
        "plan",
        "plan-node",
        "summary",
        "why",
        "will-run",
    ];
    assert_eq!(seen, names.map(str::to_owned).into(), "every event of these commands was seen");
}

#[test]
fn reel_log_tells_what_the_engine_does_on_standard_error_and_changes_nothing_else() {
    let play = Play::with(hello());
    let silent = play.reel(&["build", "--json"]);
    assert_eq!(silent.stderr, "", "{silent}");
    play.write("world.txt", "moon");
    // So that the project is read again, and not only what depends on the text.
    play.write("reel.yaml", &format!("# the same\n{}", hello()));
    let told = play.reel_with(&["build", "--json"], &[("REEL_LOG", "trace")]);
    let events = |run: &Run| -> Vec<Value> { run.lines().iter().map(|line| line["event"].clone()).collect() };
    assert_eq!(events(&told), events(&silent), "what programs read stays as it is");
    for stage in [
        "read", "compile", "resolve", "plan", "settle", "key", "lookup", "claim", "start", "settled",
        "store", "record", "place",
    ] {
        assert!(told.stderr.contains(stage), "nothing of `{stage}`: {told}");
    }
    assert!(!told.stderr.contains('\u{1b}'), "a pipe has no colours: {told}");
    play.write("world.txt", "sun");
    let part = play.reel_with(&["build"], &[("REEL_LOG", "reel_engine::cache=trace")]);
    assert!(part.stderr.contains("lookup") && !part.stderr.contains("resolve"), "{part}");
    let wrong = play.reel_with(&["build"], &[("REEL_LOG", "reel=loud")]);
    assert_eq!(wrong.code, 0, "{wrong}");
    assert!(wrong.stderr.starts_with("warning: cannot read `REEL_LOG=reel=loud`: "), "{wrong}");
}

#[test]
fn the_graph_is_drawn_in_every_language_and_compared_with_an_earlier_one() {
    let play = built();
    let svg = play.reel(&["graph", "--format", "svg"]);
    assert!(svg.stdout.starts_with("<svg ") && svg.stdout.contains(">again</text>"), "{svg}");
    assert!(svg.stdout.contains(">2 fresh</text>"), "{svg}");
    let html = play.reel(&["graph", "--format", "html"]);
    assert!(html.stdout.starts_with("<!doctype html>"), "{html}");
    let before = play.reel(&["graph", "--format", "json"]);
    play.write("before.json", &before.stdout);
    let nodes = |run: &Run| only(run)["nodes"].as_array().unwrap().clone();
    let of = |nodes: &[Value], name: &str| nodes.iter().find(|node| node["name"] == name).unwrap().clone();
    assert_eq!(of(&nodes(&before), "hello")["bytes"], "hello world".len(), "{before}");
    play.write(
        "reel.yaml",
        &hello().replacen(
            "  again:",
            "  more: { uses: text, with: { parts: [\"${hello.text}\"] } }\n  again:",
            1,
        ),
    );
    play.write("world.txt", "moon");
    let after = nodes(&play.reel(&["graph", "--json", "--diff", "before.json", "more", "again"]));
    let change = |name: &str| of(&after, name)["change"].clone();
    assert_eq!((change("hello"), change("more")), ("changed".into(), "added".into()));
    let why = of(&after, "hello")["reasons"].to_string();
    assert!(why.contains("world.txt"), "{why}");
    let near = nodes(&play.reel(&["graph", "--json", "more", "again", "--focus", "more"]));
    assert_eq!(near.len(), 2, "{near:?}");
    let wrong = play.reel(&["graph", "--focus", "mor"]);
    assert_eq!(wrong.code, 2, "{wrong}");
    assert!(wrong.stderr.contains("called `mor`"), "{wrong}");
    assert_eq!(play.reel(&["graph", "--diff", "world.txt"]).code, 2);
    let kinds = nodes(&play.reel(&["graph", "--json", "--group", "kind", "more", "again"]));
    assert_eq!((kinds.len(), &kinds[0]["members"]), (1, &3.into()), "{kinds:?}");
    let schema: Value = serde_json::from_str(&play.reel(&["graph", "--schema"]).stdout).unwrap();
    let known = schema["$defs"]["Drawn"]["properties"].as_object().unwrap();
    let told = after[0].as_object().unwrap();
    assert!(told.keys().all(|key| known.contains_key(key)), "{schema}");
}
