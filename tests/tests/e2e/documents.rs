//! What the documentation shows is true: its projects pass `check`, and its commands exist. It knows no wording.
//!
//! A piece of a project is put into a frame that has what the piece leaves out. A fence `yaml wrong` is for what must
//! be refused. Projects on the page of errors are built by the tests of `cli`, code by code; those of sessions (`book.rs`)
//! are built there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use reel_tests::pages::{Block, blocks, pages};
use reel_tests::repository;
use reel_tests::space::TestSpace;

/// What a piece of a project may leave out, by top-level key.
const FRAME: &[(&str, &str)] = &[
    ("version", "version: 1\n"),
    ("nodes", "nodes:\n  voice: { uses: tts, with: { text: Good evening. } }\n"),
    (
        "scenes",
        "scenes:\n  - { id: hook, say: The moon is far., show: { color: \"#336699\" } }\n  \
         - { id: end, show: { color: \"#000000\" }, for: 3s }\n",
    ),
    ("outputs", "outputs: { film: out/frame.mp4 }\n"),
];

/// The blocks of all pages.
fn all_blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks(page)).collect()
}

/// Words that look like files of a project that must be there: paths with an extension that reel reads.
fn files(text: &str) -> BTreeSet<&str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_');
    let known =
        ["jpg", "png", "svg", "mp4", "wav", "flac", "txt", "py", "bin", "csv", "ttf", "yaml", "srt", "vtt"];
    text.split(|c: char| !is_path(c))
        .filter(|word| {
            word.rsplit_once('.').is_some_and(|(name, end)| !name.is_empty() && known.contains(&end))
        })
        .filter(|word| !word.starts_with("out/") && !word.starts_with('/'))
        .collect()
}

/// Puts something of the right sort where a project wants a file.
fn stand_in(space: &TestSpace, file: &str) {
    let examples = repository().join("examples");
    match file.rsplit_once('.').unwrap().1 {
        "jpg" | "png" => space.copy(examples.join("two-formats/assets/tide.jpg"), file),
        "svg" => space.copy(examples.join("eclipse/assets/geometry.svg"), file),
        "mp4" => space.copy(examples.join("clips/assets/fall.mp4"), file),
        // Every file says something of its own, since a key may stand in one only.
        "yaml" => space.write(file, format!("vars: {{ {}: said }}\n", file.replace(['/', '.'], "_"))),
        "csv" => space.write(file, "id,name,title,price,text,lang\nmug,Mug,A mug,7,This is a mug.,en\n"),
        "flac" => space.copy(examples.join("eclipse/assets/bed.flac"), file),
        "wav" => space.copy(reel_tests::fixture("hello.wav"), file),
        "srt" | "vtt" => space.write(file, "1\n00:00:00,500 --> 00:00:02,000\nA short text.\n"),
        _ => space.write(file, "A short text.\n"),
    }
}

/// The block as a project: what it leaves out comes from the frame.
fn whole(text: &str) -> String {
    let has = |key: &str| text.lines().any(|line| line.starts_with(&format!("{key}:")));
    if has("version") {
        return text.to_owned();
    }
    let frame: String = FRAME.iter().filter(|(key, _)| !has(key)).map(|(_, part)| *part).collect();
    frame + text
}

#[test]
fn every_configuration_that_is_shown_is_right() {
    let shown: Vec<_> = all_blocks().into_iter().filter(|block| block.language == "yaml config").collect();
    assert!(!shown.is_empty());
    for block in shown {
        let space = TestSpace::of(&whole(""));
        space.write("config/reel/config.yaml", &block.text);
        let mut devices = space.command(&["devices"]);
        let output = devices.env("XDG_CONFIG_HOME", space.path("config")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{}\n{said}", block.place);
    }
}

#[test]
fn every_project_that_is_shown_is_right() {
    let mut tried = 0;
    for block in all_blocks() {
        let wrong = match block.language.as_str() {
            "yaml" => false,
            "yaml wrong" => true,
            _ => continue,
        };
        if block.place.starts_with("docs/errors.md") {
            continue;
        }
        tried += 1;
        let space = TestSpace::of(&whole(&block.text));
        // Names that an axis completes.
        for file in files(&block.text).into_iter().chain(["script.en.txt", "script.de.txt"]) {
            stand_in(&space, file);
        }
        // Tools that a project names need not be installed to look at it.
        let tools = space.root().join("tools");
        fs::create_dir(&tools).unwrap();
        for tool in ["python3", "ffmpeg", "awk", "sh"] {
            fs::write(tools.join(tool), "#!/bin/sh\n").unwrap();
            fs::set_permissions(tools.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut check = space.command(&["check", "--allow-exec"]);
        let output = check.env("PATH", &tools).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = if wrong { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{}\n{said}\n{}", block.place, whole(&block.text));
    }
    assert!(tried >= 6, "{tried}");
}

/// The calls of reel in a line of a block: after the prompt, up to a pipe or a comment.
fn calls(line: &str) -> Vec<String> {
    let line = line.trim_start().trim_start_matches("$ ");
    let parts = line.split("&&").flat_map(|part| part.split(['|', '>', ';', '#']).next());
    parts.map(|part| part.trim().to_owned()).filter(|part| part.starts_with("reel ")).collect()
}

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let mut shown: BTreeSet<(String, String)> = BTreeSet::new();
    for block in all_blocks().into_iter().filter(|block| !block.language.starts_with("yaml")) {
        for call in block.text.lines().flat_map(calls) {
            shown.insert((call, block.place.clone()));
        }
    }
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for (_, code) in text.split('`').enumerate().filter(|(i, code)| i % 2 == 1 && !code.contains('\n')) {
            shown.extend(calls(code).into_iter().map(|call| (call, page.display().to_string())));
        }
    }
    assert!(shown.len() > 20, "{}", shown.len());
    let space = TestSpace::of("version: 1\n");
    for (call, place) in shown {
        // `help` takes names of commands only, and these stand for them.
        let call = call.replace("help COMMAND", "help build").replace(['…', '\u{a0}'], "");
        let (words, asks) = match call.strip_prefix("reel ") {
            Some(help) if help.starts_with("help") => (help, ""),
            Some(words) => (words, " --help"),
            None => continue,
        };
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("exec \"$REEL\" {words}{asks}")]).current_dir(space.project());
        space.surround(&mut shell);
        let output = shell.env("REEL", reel_tests::space::program("reel")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{place}: `{call}`\n{said}");
    }
}

#[test]
fn every_make_target_and_script_that_is_shown_is_there() {
    let root = repository();
    let makefile = fs::read_to_string(root.join("Makefile")).unwrap();
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for line in text.split(['`', '\n']).map(|line| line.trim_start().trim_start_matches("$ ")) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("make") => {
                    let Some(target) = words.next() else { continue };
                    seen += 1;
                    assert!(makefile.contains(&format!("\n{target}:")), "{}: `{line}`", page.display());
                }
                Some(script) if script.starts_with("scripts/") && script.ends_with(".sh") => {
                    seen += 1;
                    assert!(root.join(script).is_file(), "{}: `{line}`", page.display());
                }
                _ => {}
            }
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let folder = page.parent().unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let is_file = !file.contains("://") && !file.contains(char::is_whitespace);
            // `[NASA](nassa)` in a text is no link but a word and how it is said.
            if !is_file || target == "nassa" || target == "spoken" {
                continue;
            }
            let path = if file.is_empty() { page.clone() } else { folder.join(file) };
            assert!(path.exists(), "{}: `{target}`", page.display());
            if anchor.is_empty() {
                continue;
            }
            let linked = fs::read_to_string(&path).unwrap();
            let mut headings = linked.lines().filter_map(|line| line.strip_prefix('#'));
            let same = |heading: &str| {
                let heading = heading.trim_start_matches(['#', ' ']).to_lowercase();
                let plain =
                    heading.replace(|c: char| !c.is_alphanumeric() && !matches!(c, ' ' | '-' | '_'), "");
                plain.replace(' ', "-") == anchor
            };
            assert!(headings.any(same), "{}: `{target}`", page.display());
        }
    }
}
