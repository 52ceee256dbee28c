//! Wrong projects: told with code and line before anything runs; and faults that show only in the run.

use std::fs;
use std::os::unix::fs::symlink;

use reel_tests::space::TestSpace;

/// A film of one colour, which is what stood there before.
const GOOD: &str = r##"version: 1
name: wrong
format: { size: 96x96, fps: 25 }
scenes:
  - id: a
    show: { color: "#336699" }
    for: 0.4s
outputs:
  film: out/film.mp4
"##;

/// What to replace in the good project, by what, the code and line of the error, and what it must say.
struct Wrong(&'static str, &'static str, &'static str, u64, &'static [&'static str]);

const WRONG: &[Wrong] = &[
    Wrong("scenes:\n", "scenes: [\n", "R001", 0, &[]),
    Wrong("    for: 0.4s", "    fro: 0.4s", "R002", 7, &["`fro`", "`for`"]),
    Wrong("    for: 0.4s", "    for: 0.4", "R005", 7, &["unit", "0.4s"]),
    Wrong("    for: 0.4s", "    for: 4px", "R005", 7, &["`for`"]),
    Wrong("size: 96x96", "size: 96", "R005", 3, &["`size`"]),
    Wrong("outputs:\n", "nodes: { n: { uses: txt } }\noutputs:\n", "R008", 8, &["`txt`", "`text`"]),
    Wrong(
        "outputs:\n",
        "nodes: { n: { uses: text, with: { parts: [a] } } }\noutputs:\n  n: { from: \"${n.txt}\", file: out/n.txt }\n",
        "R010",
        10,
        &["`txt`", "`text`"],
    ),
    Wrong("outputs:\n", "outputs:\n  n: { from: \"${m.text}\", file: out/n.txt }\n", "R009", 9, &["`m`"]),
    Wrong(
        "outputs:\n",
        "nodes:\n  n: { uses: text, with: { parts: [a] } }\n  l: { uses: level, with: { audio: \"${n.text}\" } }\noutputs:\n",
        "R012",
        10,
        &["`audio`", "`text`"],
    ),
    Wrong(
        "outputs:\n",
        "nodes:\n  n: { uses: text, with: { parts: [\"${m.text}\"] } }\n  m: { uses: text, with: { parts: [\"${n.text}\"] } }\noutputs:\n",
        "R011",
        0,
        &["n", "m", "→"],
    ),
    Wrong("color: \"#336699\"", "image: none.png", "R013", 6, &["`none.png`"]),
    Wrong("color: \"#336699\"", "image: ../outside.png", "R014", 6, &["`../outside.png`"]),
    Wrong("color: \"#336699\"", "image: /etc/hostname", "R014", 6, &["`/etc/hostname`"]),
    Wrong("color: \"#336699\"", "image: link.png", "R014", 6, &["`link.png`"]),
    Wrong("color: \"#336699\"", "image: words.png", "R021", 6, &["`words.png`"]),
    Wrong("color: \"#336699\"", "clip: words.png", "R021", 6, &["`words.png`"]),
    Wrong(
        "color: \"#336699\"",
        "image: \"ftp://example.com/a.png\"",
        "R006",
        6,
        &["`ftp://example.com/a.png`"],
    ),
    Wrong("color: \"#336699\"", "svg: broken.svg", "R021", 6, &["`broken.svg`"]),
    Wrong("color: \"#336699\"", "svg: words.svg", "R017", 6, &["text", "font"]),
    Wrong(
        "color: \"#336699\"",
        "svg: words.svg, font: DejaVu Sans",
        "R018",
        6,
        &["U+13000", "`DejaVu Sans`"],
    ),
    Wrong("color: \"#336699\"", "svg: broken.svg, set: { city: Oslo }", "R006", 6, &["`city`"]),
    Wrong(
        "    for: 0.4s",
        "    say: { audio: bed.wav }\n    voice: { model: words.png }",
        "R021",
        8,
        &["`words.png`", "whisper.cpp"],
    ),
    Wrong("    for: 0.4s", "    say: \"Hello ${nope.\"", "R006", 7, &["`${` has no end"]),
    Wrong(
        "outputs:\n",
        "nodes: { n: { uses: text, with: { parts: [a] } } }\noutputs:\n  n: { from: \"${n.text}\", file: out/n.mp4 }\n",
        "R012",
        10,
        &["`out/n.mp4`", "`video`", "`text`"],
    ),
    Wrong("scenes:\n", "music: { file: words.png }\nscenes:\n", "R021", 4, &["`words.png`"]),
    Wrong(
        "  film: out/film.mp4",
        "  film: out/film.mp4\n  again: out/film.mp4",
        "R016",
        10,
        &["`film`", "`again`"],
    ),
    Wrong(
        "  film: out/film.mp4",
        "  film: out/film.mp4\n  again: out/film.mp4/x.mp4",
        "R016",
        10,
        &["`again`"],
    ),
    Wrong("  film: out/film.mp4", "  film: bed.wav\nmusic: { file: bed.wav }", "R016", 9, &["`bed.wav`"]),
    Wrong("  film: out/film.mp4", "  film: .reel/film.mp4", "R016", 9, &["`.reel/film.mp4`"]),
    Wrong("  film: out/film.mp4", "  film: words.png/film.mp4", "R016", 9, &["`words.png`"]),
    Wrong("  film: out/film.mp4", "  film: away/film.mp4", "R014", 9, &["`away/film.mp4`", "link"]),
    Wrong("for: 0.4s", "for: 99999h", "R006", 7, &["24 hours"]),
    Wrong("for: 0.4s", "for: 0s", "R006", 7, &["`0s`"]),
    Wrong("size: 96x96", "size: 97x96", "R006", 3, &["odd"]),
    Wrong("  film: out/film.mp4", "  film: ../film.mp4", "R014", 9, &["`../film.mp4`"]),
    Wrong("  film: out/film.mp4", "  film: out/film.mp5", "R006", 9, &["film.mp5"]),
    Wrong(
        "    for: 0.4s",
        "    say: Hello.\n    captions: { font: No Such Font }",
        "R017",
        8,
        &["`No Such Font`"],
    ),
    Wrong("    for: 0.4s", "    say: \" \"", "R019", 7, &["`a`"]),
    Wrong("    for: 0.4s", "    say: Hello \u{13000} there.", "R018", 7, &["U+13000", "`DejaVu Sans`"]),
    Wrong("color: \"#336699\"", "card: { title: \"\u{13000}\" }", "R018", 6, &["U+13000"]),
    Wrong(
        "outputs:\n",
        "nodes: { n: { uses: exec, with: { run: \"true\", out: [a.txt] } } }\noutputs:\n  n: { from: \"${n.a}\", file: out/n.txt }\n",
        "R020",
        8,
        &["--allow-exec"],
    ),
    Wrong(
        "  film: out/film.mp4",
        "  film: out/film.mp4\nouptuts: {}",
        "R002",
        10,
        &["`ouptuts`", "`outputs`"],
    ),
    Wrong("    for: 0.4s", "    for: 0.4s\n    transition: { kind: fade, for: 2s }", "R024", 8, &[]),
    Wrong("version: 1", "version: 7", "R025", 1, &["7"]),
    Wrong(
        "    for: 0.4s",
        "    for: 0.4s\n  - { id: a, show: { color: \"#000\" }, for: 1s }",
        "R015",
        8,
        &["`a`"],
    ),
    Wrong(
        "  film: out/film.mp4",
        "  film: { file: out/film.mp4, needs: nothing }",
        "R009",
        9,
        &["`nothing`"],
    ),
    Wrong(
        "  film: out/film.mp4",
        "  film: { file: out/film.png, expect: { lufs: -14 ± 1 } }",
        "R006",
        9,
        &["`lufs` means nothing for a picture", "ssim_to"],
    ),
    Wrong("name: wrong", "name: \"${vars.nmae}\"\nvars: { name: x }", "R007", 2, &["nmae"]),
];

fn good() -> (TestSpace, Vec<u8>) {
    let space = TestSpace::of(GOOD);
    space.write("words.png", "these are words\n");
    space.write("broken.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect\n");
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><text y=\"5\">\u{13000}</text></svg>\n";
    space.write("words.svg", svg);
    space.bed("bed.wav", 1);
    symlink("/etc/hostname", space.path("link.png")).unwrap();
    symlink(space.root(), space.path("away")).unwrap();
    fs::write(space.root().join("outside.png"), "outside").unwrap();
    let _ = space.build(&[]).ok();
    let film = space.read("out/film.mp4");
    (space, film)
}

#[test]
fn a_wrong_project_is_told_before_anything_runs() {
    let (space, film) = good();
    let mut wrong = Vec::new();
    for Wrong(old, new, code, line, says) in WRONG {
        space.write("reel.yaml", GOOD);
        space.edit(old, new);
        for command in ["build", "check"] {
            let ran = space.reel(&[command, "--json"]);
            if command == "check" && *code == "R020" {
                continue;
            }
            let told = ran.events_of("diagnostic");
            let it = told.iter().find(|event| event["code"] == *code);
            let text = it.map(|event| format!("{} {}", event["message"], event["help"])).unwrap_or_default();
            let right = ran.code == Some(2)
                && it.is_some_and(|event| *line == 0 || event["line"] == *line)
                && says.iter().all(|part| text.contains(part))
                && told.len() == ran.events().len();
            if !right {
                wrong.push(format!(
                    "{command}: {new}\n  wants {code} in line {line} with {says:?}\n  {}",
                    ran.all()
                ));
            }
        }
        assert!(space.read("out/film.mp4") == film, "the last good film stands");
    }
    assert!(wrong.is_empty(), "{} are not told right:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn all_errors_come_in_one_run_with_their_lines() {
    let space = TestSpace::of(
        r##"version: 1
name: many
format: { size: 96x96, fsp: 25 }
scenes:
  - { id: a, show: { image: no.png }, for: 3s }
  - { id: b, show: { color: "#123" }, for: 3 }
nodes:
  n: { uses: txt }
  x: { uses: text, with: { parts: ["${y.text}"] } }
  y: { uses: text, with: { parts: ["${x.text}"] } }
outputs: { f: out/f.mp4 }
"##,
    );
    let told = space.reel(&["check", "--json"]);
    let codes: Vec<_> =
        told.events_of("diagnostic").iter().map(|e| e["code"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told.code, Some(2));
    for code in ["R002", "R005", "R008", "R011", "R013"] {
        assert!(codes.iter().any(|found| found == code), "{code}: {}", told.all());
    }
    let drawn = space.reel(&["check"]);
    assert!(drawn.all().contains("reel.yaml:3") && drawn.all().contains('^'), "{}", drawn.all());
}

/// A branch that fails in the run, beside one that does not.
fn two_branches(nodes: &str, from: &str) -> TestSpace {
    TestSpace::of(&format!(
        "version: 1\nname: branches\nnodes:\n{nodes}  good: {{ uses: text, with: {{ parts: [fine] }} }}\noutputs:\n  bad: {{ from: \"{from}\", file: out/bad }}\n  good: {{ from: \"${{good.text}}\", file: out/good.txt }}\n",
    ))
}

/// Panics unless one node failed with `says`, and the other branch was finished.
fn assert_fails(space: &TestSpace, more: &[&str], says: &[&str]) {
    space.write("out/bad", "the last good one");
    let ran = space.build(&[more, &["--keep-going"]].concat());
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let failed = ran.events_of("did-fail");
    let text = failed.iter().map(ToString::to_string).collect::<String>();
    assert!(says.iter().all(|part| text.contains(part)), "{says:?}: {}", ran.all());
    assert_eq!(space.read("out/good.txt"), b"fine", "the other branch is finished");
    assert_eq!(space.read("out/bad"), b"the last good one");
    let finished = ran.finished();
    assert_eq!(finished.outputs, [space.path("out/good.txt")]);
}

#[test]
fn a_failing_command_fails_its_branch() {
    let command = |run: &str| {
        two_branches(
            &format!(
                "  e: {{ uses: exec, with: {{ run: '{run}', out: [a.txt] }} }}\n  t: {{ uses: text, with: {{ parts: [\"${{e.a}}\"] }} }}\n"
            ),
            "${t.text}",
        )
    };
    assert_fails(&command("echo trouble >&2; exit 3"), &["--allow-exec"], &["3", "trouble"]);
    assert_fails(&command("true"), &["--allow-exec"], &["a.txt"]);
    assert_fails(&command("kill -9 $$"), &["--allow-exec"], &["SIGKILL"]);
    // And the failure is not remembered as a result.
    let space = command("test -e /nonexistent && echo x > $out/a.txt");
    assert_fails(&space, &["--allow-exec"], &[]);
    assert_fails(&space, &["--allow-exec"], &[]);
}

#[test]
fn a_cut_off_video_fails_its_branch() {
    let space = two_branches(
        "  c: { uses: conform, with: { video: cut.mp4, size: 96x96, fps: 25 } }\n",
        "${c.video}",
    );
    let whole = fs::read(reel_tests::repository().join("examples/clips/assets/fall.mp4")).unwrap();
    space.write("cut.mp4", &whole[..whole.len() / 3]);
    assert_fails(&space, &[], &["`cut.mp4` is cut off"]);
    let whole_path = space.path("cut.mp4").display().to_string();
    let told = space.reel(&["build"]);
    assert!(!told.all().contains(&whole_path), "a file has the name that the user wrote: {}", told.all());
}

#[test]
fn a_command_that_reaches_for_what_it_was_not_given_fails_and_is_told_how_to_declare_it() {
    let space = TestSpace::of("");
    let secret = space.path("grade/secret.txt").display().to_string();
    let project = |with: &str| {
        format!(
            "version: 1\nnodes:\n  e: {{ uses: exec, with: {{ {with}, out: [a.txt], tools: [cat] }} }}\noutputs:\n  \
             a: {{ from: \"${{e.a}}\", file: out/a.txt }}\n"
        )
    };
    space.write("grade/secret.txt", "secret");
    space.write("reel.yaml", project(&format!("run: 'cat {secret} > $out/a.txt'")));
    let ran = space.build(&["--allow-exec"]);
    if ran.code == Some(0) {
        let log = space.reel(&["log", "e"]).all();
        assert!(log.contains("does not keep a command from files"), "it is said where nothing closes: {log}");
        return reel_tests::skip("a_command_that_reaches_for_what_it_was_not_given", "no landlock here");
    }
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let failed = &ran.events_of("did-fail")[0];
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("`grade/secret.txt` is not open to it"), "{failed}");
    assert!(failed["help"].as_str().unwrap().contains("under `in:`"), "{failed}");
    let declared = "run: 'cat $in/secret.txt > $out/a.txt', in: { secret.txt: grade/secret.txt }";
    space.write("reel.yaml", project(declared));
    let _ = space.build(&["--allow-exec"]).ok();
    assert_eq!(space.read("out/a.txt"), b"secret");
}

#[test]
fn what_was_made_in_the_run_is_judged_like_a_file() {
    let made = |run: &str, port: &str, then: &str, from: &str| {
        two_branches(
            &format!("  e: {{ uses: exec, with: {{ run: '{run}', out: [{port}] }} }}\n  x: {then}\n"),
            from,
        )
    };
    let image =
        made("echo words > $out/a.png", "a.png", "{ uses: image, with: { file: \"${e.a}\" } }", "${x.image}");
    assert_fails(&image, &["--allow-exec"], &["\"x\"", "text"]);
    let sound = made(
        "echo words > $out/a.wav",
        "a.wav",
        "{ uses: level, with: { audio: \"${e.a}\" } }",
        "${x.audio}",
    );
    assert_fails(&sound, &["--allow-exec"], &["\"x\""]);
    let empty = made(
        "printf \"  \" > $out/a.txt",
        "a.txt",
        "{ uses: tts, with: { text: \"${e.a}\" } }",
        "${x.audio}",
    );
    assert_fails(&empty, &["--allow-exec"], &["\"x\""]);
}

#[test]
fn without_keep_going_the_first_failure_stops() {
    let space = TestSpace::of(
        "version: 1\nname: stop\nnodes:\n  a: { uses: exec, with: { run: 'sleep 0.3; exit 1', tools: [sleep], out: [a.txt] } }\n  b: { uses: exec, with: { run: 'sleep 5 && echo b > $out/b.txt', tools: [sleep], out: [b.txt] } }\n  c: { uses: text, with: { parts: [\"${b.b}\"] } }\noutputs:\n  a: { from: \"${a.a}\", file: out/a.txt }\n  c: { from: \"${c.text}\", file: out/c.txt }\n",
    );
    let ran = space.build(&["--allow-exec"]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let finished = ran.finished();
    assert!(finished.skipped > 0 && !space.path("out/c.txt").exists(), "{}", ran.all());
    assert!(space.processes().is_empty(), "{:?}", space.processes());
}

#[test]
fn failures_in_the_run_name_the_file_at_fault() {
    let space = TestSpace::story();
    let picture = space.read("tide.jpg");
    fs::write(space.path("cut.jpg"), &picture[..picture.len() / 2]).unwrap();
    space.write("reel.yaml", GOOD);
    space.edit("color: \"#336699\"", "image: cut.jpg");
    let ran = space.build(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    let told = ran.events_of("did-fail");
    let message = told[0]["message"].as_str().unwrap();
    assert!(message.starts_with("`cut.jpg`: a damaged JPEG picture"), "{message}");
}

#[test]
fn a_wrong_command_line_is_told() {
    let (space, film) = good();
    for args in [
        &["biuld"][..],
        &["build", "--jobs", "many"],
        &["build", "--set", "x"],
        &["build", "--jobs", "0"],
        &["-C", "nowhere", "build"],
    ] {
        let ran = space.reel(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.all());
    }
    assert!(space.read("out/film.mp4") == film);
    let elsewhere = space.command(&["build"]).current_dir(space.root().join("home")).output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(2));
}
