//! The program from outside: help, exit codes, what goes to which stream. No kind that needs a worker runs here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod carry;
mod ci;
mod page;
mod play;
mod terminal;
mod told;
mod watch;

use std::fs;

use play::{Play, hello};

/// Every code with its title must have its section, in order.
#[test]
fn the_page_of_errors_has_every_code() {
    let page = play::errors_page();
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let expected: Vec<String> = reel_engine::diagnostic::code::ALL
        .iter()
        .map(|(code, title)| format!("{}: {}", code.0, title.trim()))
        .collect();
    assert_eq!(headings, expected);
}

#[test]
fn every_project_on_the_page_of_errors_gives_its_code() {
    let page = play::errors_page();
    let mut tried = 0;
    for section in page.split("\n## ").skip(1) {
        let code = &section[..4];
        let Some(project) = section.split("```yaml\n").nth(1).and_then(|rest| rest.split("\n```").next())
        else {
            continue;
        };
        tried += 1;
        let play = Play::with(project);
        let flags: &[&str] = if section.contains("`--allow-exec`.)") {
            &["build", "--json", "--allow-exec"]
        } else {
            &["build", "--json"]
        };
        let run = play.reel(flags);
        assert_eq!(run.code, 2, "{code}: {run}");
        let codes: Vec<String> =
            run.lines().iter().map(|line| line["code"].as_str().unwrap_or_default().to_owned()).collect();
        assert!(codes.iter().any(|found| found == code), "{code}: {run}");
        assert!(run.lines().iter().all(|line| line["event"] == "diagnostic"), "{code}: {run}");
        assert!(!play.path("out").exists(), "{code}");
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn all_errors_come_in_one_run_and_are_counted() {
    let play = Play::with(
        "version: 1\nnodes:\n  a: { uses: txt }\n  b: { uses: text, with: { parts: [\"${c.text}\"] } }\n",
    );
    let run = play.reel(&["check"]);
    assert_eq!(run.code, 2);
    assert_eq!(run.stdout, "", "errors go to the other stream");
    assert!(run.stderr.contains("error[R008]") && run.stderr.contains("error[R009]"), "{run}");
    assert!(run.stderr.ends_with("2 errors\n"), "{run}");
    assert!(run.stderr.contains("--> reel.yaml:3:"), "{run}");
}

#[test]
fn an_error_is_drawn_with_its_line_a_caret_and_help() {
    let play = Play::with("version: 1\nnodes:\n  hello: { uses: txet, with: { parts: [hello] } }\n");
    insta::assert_snapshot!(play.reel(&["build"]).stderr, @r"
    error[R008]: no kind is called `txet`
     --> reel.yaml:3:18
      |
    3 |   hello: { uses: txet, with: { parts: [hello] } }
      |                  ^^^^
      |
      = help: did you mean `text`? `reel nodes` lists all kinds

    1 error
    ");
}

#[test]
fn a_build_says_what_ran_and_the_next_one_that_there_was_nothing_to_do() {
    let play = Play::with(hello());
    let first = play.reel(&["build"]);
    assert_eq!(first.code, 0, "{first}");
    assert!(first.stdout.contains("\nrun   again  (text)\n"), "{first}");
    assert!(first.last().starts_with("planned 2 = ran 2 + cached 0 in "), "{first}");
    assert_eq!(play.read("out/again.txt"), "hello world, again");
    let second = play.reel(&["build"]);
    assert_eq!(second.stdout.lines().count(), 1, "{second}");
    assert!(second.last().starts_with("planned 2 = ran 0 + cached 2 in "), "{second}");
    assert!(second.last().ends_with(", nothing to do"), "{second}");
}

#[test]
fn events_are_objects_and_the_last_one_adds_up() {
    let play = Play::with(hello());
    let names = |run: &play::Run| -> Vec<String> {
        run.lines().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
    };
    let first = play.reel(&["build", "--json"]);
    assert_eq!(
        names(&first),
        ["will-run", "did-run", "will-run", "did-run", "did-publish", "finished"],
        "{first}"
    );
    let last = first.lines().pop().unwrap();
    let number = |key: &str| last[key].as_u64().unwrap();
    assert_eq!(number("planned"), number("ran") + number("cached") + number("skipped") + number("failed"));
    assert_eq!(last["outputs"][0]["name"], "again");
    assert!(std::path::Path::new(last["outputs"][0]["path"].as_str().unwrap()).is_file());
    assert!(
        first.stdout.starts_with("{\"event\":\"will-run\",\"node\":\"hello\",\"kind\":\"text\"}\n"),
        "{first}"
    );
    assert_eq!(names(&play.reel(&["build", "--json"])), ["finished"]);
}

#[test]
fn why_names_the_cause_with_old_value_and_new_before_and_after() {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build"]).code, 0);
    play.write("world.txt", "moon");
    let before = play.reel(&["why", "again"]);
    assert!(before.stdout.contains("again (text): waiting"), "{before}");
    assert!(play.reel(&["why", "hello"]).stdout.contains("hello (text): stale: it will run"));
    assert!(before.stdout.contains("input `parts.1` (world.txt): "), "{before}");
    let plan = play.reel(&["plan"]);
    assert!(plan.last() == "planned 2 = would run 1 + may run 1 + cached 0", "{plan}");
    assert!(plan.stdout.contains("stale    hello  text"), "{plan}");
    assert_eq!(play.reel(&["build"]).code, 0);
    let after = play.reel(&["why", "again", "--json"]);
    let line = &after.lines()[0];
    assert_eq!((&line["state"], &line["pending"]), (&"fresh".into(), &false.into()), "{after}");
    assert_eq!(line["reasons"][0]["cause"], "hello", "{after}");
    assert_eq!(line["chains"][0]["nodes"], serde_json::json!(["again", "hello"]), "{after}");
    assert_eq!(line["chains"][0]["cause"]["reasons"][0]["from"], "world.txt", "{after}");
    let plan = play.reel(&["plan"]);
    assert!(plan.last().ends_with("nothing to do"), "{plan}");
}

#[test]
fn a_text_that_changed_is_shown_in_words() {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build"]).code, 0);
    play.write("reel.yaml", &hello().replace("hello \"", "goodbye \""));
    let words = "\"hello \" → \"goodbye \"";
    for command in [&["plan"][..], &["why", "again"]] {
        let run = play.reel(command);
        assert!(run.stdout.contains(words), "{run}");
    }
    assert_eq!(play.reel(&["build"]).code, 0);
    let after = play.reel(&["why", "again"]);
    assert!(after.stdout.contains(&format!("input `parts.0`: {words}")), "{after}");
}

#[test]
fn a_change_that_is_none_changes_nothing() {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build"]).code, 0);
    let shuffled = "# a comment\nversion: 1\noutputs: { again: { file: out/again.txt, from: \"${again.text}\" } }\nnodes:\n  \
                    again: { with: { parts: [\"${hello.text}\", \", again\"] }, uses: text }\n  \
                    hello: { with: { parts: [\"hello \", { file: world.txt }] }, uses: text }\n";
    play.write("reel.yaml", shuffled);
    let run = play.reel(&["build", "--json"]);
    assert_eq!(run.lines().len(), 1, "{run}");
    assert_eq!(run.lines()[0]["cached"], 2);
}

#[test]
fn a_failing_command_fails_the_build_and_its_log_can_be_read() {
    let run = "echo looking; echo broken >&2; exit 3";
    let play = Play::with(&format!(
        "version: 1\nnodes:\n  bad: {{ uses: exec, with: {{ run: \"{run}\", out: [x.txt] }} }}\n  \
         good: {{ uses: text, with: {{ parts: [fine] }} }}\noutputs:\n  \
         x: {{ from: \"${{bad.x}}\", file: out/x.txt }}\n  good: {{ from: \"${{good.text}}\", file: out/good.txt }}\n"
    ));
    play.write("out/x.txt", "the last good one");
    let untrusted = play.reel(&["build"]);
    assert_eq!(untrusted.code, 2, "{untrusted}");
    assert!(untrusted.stderr.contains("error[R020]"), "{untrusted}");
    assert_eq!(play.reel(&["plan"]).code, 0, "looking needs no trust");
    let build = play.reel(&["build", "--allow-exec", "--keep-going"]);
    assert_eq!(build.code, 1, "{build}");
    assert!(build.stdout.contains("FAIL  bad  (exec)"), "{build}");
    assert!(build.last().starts_with("planned 2 = ran 1 + cached 0 + failed 1 in "), "{build}");
    assert_eq!(play.read("out/x.txt"), "the last good one");
    assert_eq!(play.read("out/good.txt"), "fine");
    let log = play.reel(&["log", "bad"]);
    assert!(log.stdout.contains("broken"), "{log}");
    assert_eq!(play.reel(&["trust"]).code, 0);
    assert_eq!(play.reel(&["build"]).code, 1, "trusted, and still failing");
    assert_eq!(play.reel(&["trust", "--revoke"]).code, 0);
    assert_eq!(play.reel(&["build"]).code, 2);
}

/// A project whose command sleeps, and pays no heed to being asked to end.
fn sleeper(seconds: &str) -> Play {
    let run = format!("trap '' TERM; sleep {seconds}");
    Play::with(&format!(
        "version: 1\nnodes:\n  slow: {{ uses: exec, with: {{ run: \"{run}\", tools: [sleep], out: [x.txt] }} }}\n  \
         after: {{ uses: text, with: {{ parts: [{{ file: reel.yaml }}] }}, needs: [slow] }}\n"
    ))
}

#[test]
fn ctrl_c_stops_the_build_and_leaves_nothing_running() {
    let play = sleeper("61.73");
    let mut child = play.start(&["build", "--allow-exec"]);
    play::wait_for_line(&mut child, "run   slow");
    play::wait_for_process("61.73", true);
    play::signal(&child, "INT");
    let run = play::finish(child);
    assert_eq!(run.code, 130, "{run}");
    assert!(run.last().contains("+ skipped "), "{run}");
    assert!(run.last().ends_with(", interrupted"), "{run}");
    assert!(run.stderr.contains("stopping…"), "{run}");
    play::wait_for_process("61.73", false);
}

#[test]
fn a_second_ctrl_c_ends_everything_at_once() {
    let play = sleeper("62.84");
    let mut child = play.start(&["build", "--allow-exec"]);
    play::wait_for_line(&mut child, "run   slow");
    play::wait_for_process("62.84", true);
    play::signal(&child, "INT");
    std::thread::sleep(std::time::Duration::from_millis(200));
    let began = std::time::Instant::now();
    play::signal(&child, "INT");
    let run = play::finish(child);
    assert_eq!(run.code, 130, "{run}");
    assert!(began.elapsed().as_millis() < 1500, "{:?}", began.elapsed());
    play::wait_for_process("62.84", false);
}

#[test]
fn colours_come_only_when_they_are_wanted() {
    let play = Play::with("version: 1\nnodes:\n  a: { uses: txt }\n");
    let run = |args: &[&str], no_color: bool| {
        let env: &[(&str, &str)] = if no_color { &[("NO_COLOR", "1")] } else { &[] };
        play.reel_with(args, env).stderr.contains('\u{1b}')
    };
    assert!(!run(&["check"], false), "a pipe is no terminal");
    assert!(run(&["check", "--color", "always"], false));
    assert!(run(&["check", "--color", "always"], true), "the command line has the last word");
    assert!(!run(&["check", "--color", "never"], false));
}

#[test]
fn a_wrong_command_line_is_exit_code_2_with_a_suggestion() {
    let play = Play::with(hello());
    let run = play.reel(&["biuld"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("build"), "{run}");
    let run = play.reel(&["build", "agian"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("did you mean `again`?"), "{run}");
    assert_eq!(play.reel(&["build", "--jobs", "0"]).code, 2);
    assert_eq!(play.reel(&["nodes", "txt"]).code, 2);
    assert_eq!(play.reel(&["cache", "gc", "--max-size", "much"]).code, 2);
}

#[test]
fn programs_get_objects_with_an_event_from_every_command() {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build"]).code, 0);
    let calls: &[&[&str]] = &[
        &["check"],
        &["build"],
        &["plan"],
        &["plan", "--all"],
        &["why", "again"],
        &["graph"],
        &["graph", "--schema"],
        &["expand"],
        &["log", "hello"],
        &["nodes"],
        &["nodes", "text"],
        &["schema"],
        &["devices"],
        &["cache", "stats"],
        &["cache", "gc"],
        &["cache", "verify"],
        &["verify"],
        &["audit"],
        &["doctor"],
        &["biuld"],
        &["build", "--jobs", "0"],
        &["build", "nothing"],
        &["why"],
    ];
    for call in calls {
        let run = play.reel(&[call, &["--json"][..]].concat());
        assert!(run.stderr.is_empty() && !run.stdout.is_empty(), "{call:?}: {run}");
        for line in run.stdout.lines() {
            assert!(line.starts_with("{\"event\":\""), "{call:?}: {run}");
        }
    }
    let wrong = play.reel(&["biuld", "--json"]);
    let told = &wrong.lines()[0];
    assert_eq!((wrong.code, &told["event"], &told["severity"]), (2, &"diagnostic".into(), &"error".into()));
    assert!(told["message"].as_str().unwrap().contains("biuld"), "{wrong}");
    assert!(told["help"].as_str().unwrap().contains("'build'"), "{wrong}");
    assert_eq!(play.reel(&["--help", "--json"]).code, 0);
}

#[test]
fn a_project_in_another_encoding_is_told_where_it_stops_to_be_text() {
    let play = Play::with("version: 1\n");
    fs::write(play.path("reel.yaml"), b"version: 1\nname: caf\xe9 noir\n").unwrap();
    let run = play.reel(&["check"]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("error[R001]: `reel.yaml` is not text in UTF-8: the byte 0xE9"), "{run}");
    assert!(run.stderr.contains("--> reel.yaml:2:10"), "{run}");
}

#[test]
fn a_project_without_outputs_says_where_its_results_are() {
    let play = Play::with("version: 1\nnodes: { a: { uses: text, with: { parts: [x] } } }\n");
    assert!(play.reel(&["check"]).stdout.contains("1 node, 0 outputs"));
    let run = play.reel(&["build"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(format!("{run}").contains("no `outputs:`, so what is made stays in the cache"), "{run}");
}

#[test]
fn without_a_project_there_is_a_way_to_one() {
    let play = Play::empty();
    for command in ["build", "check", "plan", "graph", "expand"] {
        let run = play.reel(&[command]);
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains("error[R026]") && run.stderr.contains("reel new"), "{run}");
    }
    play.write("reel.lock", "{}");
    let run = play.reel(&["new", "film"]);
    assert_eq!(run.code, 0, "{run}");
    let inside = play.reel(&["check", "--project", "film"]);
    assert!(inside.stdout.starts_with("ok: 3 scenes, "), "{inside}");
    assert_eq!(play.reel(&["new", "film"]).code, 2, "it is not empty");
    let templates = ["slides", "podcast-clips", "product-update", "catalog"];
    for (template, scenes) in templates.into_iter().zip([3, 5, 4, 2]) {
        assert_eq!(play.reel(&["new", template, "--template", template]).code, 0);
        let inside = play.reel(&["check", "-C", template]);
        assert_eq!((inside.code, inside.stderr.as_str()), (0, ""), "{inside}");
        assert!(inside.stdout.starts_with(&format!("ok: {scenes} scenes, ")), "{inside}");
        assert!(!fs::read_to_string(play.path(template).join("reel.yaml")).unwrap().contains("NAME"));
    }
}

#[test]
fn a_shell_completes_names_of_the_project() {
    let play = Play::with(hello());
    let offered = |words: &[&str]| {
        let at = (words.len() - 1).to_string();
        let words: Vec<&str> = ["--"].iter().chain(words).copied().collect();
        let env = [("REEL_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", at.as_str()), ("_CLAP_IFS", ",")];
        let run = play.reel_with(&words, &env);
        assert_eq!(run.code, 0, "{run}");
        run.stdout.split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(offered(&["reel", "bui"]).contains(&"build".to_owned()));
    assert!(offered(&["reel", "build", "--check"]).contains(&"--check-inputs".to_owned()));
    assert_eq!(offered(&["reel", "why", "hel"]), ["hello"]);
    assert_eq!(offered(&["reel", "nodes", "transc"]), ["transcribe"]);
    play.write("reel.yaml", "broken: [");
    assert_eq!(offered(&["reel", "why", "hel"]), [""]);
}

#[test]
fn shells_and_manuals_know_every_command() {
    let play = Play::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = play.reel(&["completions", shell]);
        assert_eq!(run.code, 0, "{run}");
        assert!(run.stdout.contains("REEL_COMPLETE"), "{shell}: {run}");
    }
    let syntax = play.shell("\"$REEL\" completions bash > done.sh && bash -n done.sh");
    assert_eq!(syntax.code, 0, "{syntax}");
    assert!(play.reel(&["man"]).stdout.contains(".TH reel 1"));
    let run = play.reel(&["man", "pages"]);
    assert_eq!(run.code, 0, "{run}");
    let watch = fs::read_to_string(play.path("pages/reel-watch.1")).unwrap();
    assert!(watch.contains("\\-\\-poll"), "{watch}");
    assert!(watch.contains(".SH EXAMPLES") && watch.contains(".SH \"EXIT STATUS\""), "{watch}");
    let names = fs::read_dir(play.path("pages")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("help")));
}

#[test]
fn an_old_lock_file_is_told_and_nothing_runs() {
    let play = Play::with(hello());
    play.write("reel.lock", "{\"version\": 9}");
    let run = play.reel(&["build", "--json"]);
    assert_eq!((run.code, run.lines()[0]["code"].as_str()), (2, Some("R027")), "{run}");
}

#[test]
fn what_can_be_looked_at_can_be_looked_at() {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build", "--trace", "trace.json"]).code, 0);
    assert!(play.read("trace.json").contains("\"hello\""));
    let run = play.reel(&["build", "--trace", "none/trace.json"]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("cannot be written to") && run.stderr.contains("none/trace.json"), "{run}");
    assert!(play.reel(&["graph"]).stdout.starts_with("digraph reel {"));
    assert!(play.reel(&["graph", "--format", "mermaid"]).stdout.starts_with("flowchart LR"));
    let graph = &play.reel(&["graph", "--json"]).lines()[0];
    assert_eq!((&graph["event"], &graph["nodes"][0]["state"]), (&"graph".into(), &"fresh".into()));
    let expanded = play.reel(&["expand"]);
    play.write("reel.yaml", &format!("version: 1\n{}", expanded.stdout));
    assert_eq!(play.reel(&["expand"]).stdout, expanded.stdout, "what it prints is a project");
    assert!(play.reel(&["nodes"]).stdout.contains("\ntts "));
    assert!(play.reel(&["nodes", "text"]).stdout.contains("text  text"));
    assert_eq!(play.reel(&["schema"]).code, 0);
    assert!(play.reel(&["devices"]).stdout.starts_with("cpu "));
    assert_eq!(play.reel(&["log", "hello"]).code, 0);
}

#[test]
fn the_cache_can_be_looked_after() {
    let play = Play::with(hello());
    assert_eq!(play.reel(&["build"]).code, 0);
    let stats = play.reel(&["cache", "stats", "--json"]);
    assert_eq!(stats.lines()[0]["results"], 2, "{stats}");
    assert_eq!(play.reel(&["cache", "verify"]).code, 0);
    let kept = play.reel(&["cache", "gc", "--max-size", "1B", "--json"]);
    assert_eq!(kept.lines()[0]["results"], 0, "what this project had the last time stays: {kept}");
    let working_set = &kept.lines()[0]["below-working-set"];
    assert!(working_set["needs"].as_u64() > Some(1), "{kept}");
    assert!(working_set["project"].as_str().is_some_and(|path| path.ends_with("project")), "{kept}");
    assert_eq!(play.reel(&["cache", "clear", "--json"]).lines()[0]["results"], 2);
    let plan = play.reel(&["plan", "--json"]);
    assert_eq!(plan.lines()[0]["state"], "missing", "{plan}");
    let run = play.reel(&["build", "--json"]);
    assert_eq!(run.lines().pop().unwrap()["ran"], 2, "{run}");
}

#[test]
fn a_reader_that_goes_away_is_no_disaster() {
    let play = Play::with(hello());
    let out = play.shell("\"$REEL\" nodes | head -n 1; \"$REEL\" schema | head -c 10");
    assert!(!out.stderr.contains("panicked"), "{out}");
}
