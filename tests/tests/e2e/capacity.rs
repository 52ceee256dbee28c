//! What a build may hold together: who says so, what is too much, and what another machine would give.

use reel_tests::space::TestSpace;
use serde_json::{Value, json};

/// Two commands on GPUs, of which the second takes what the first made.
const COMMANDS: &str = r#"version: 1
capacity: { cpu: 3, network: 2 }
pools: { voices: 5, other: 1 }
nodes:
  first:
    uses: exec
    with: { run: "echo 1 > $out/a.txt; test -n \"$CUDA_VISIBLE_DEVICES\"", out: [a.txt] }
    resources: { gpu: { memory: 2GiB, sessions: 1 }, pools: { voices: 1 } }
  second:
    uses: exec
    with: { run: "cat $in/a > $out/b.txt; test \"$CUDA_VISIBLE_DEVICES\" = 0,1", tools: [cat], in: { a: "${first.a}" }, out: [b.txt] }
    resources: { gpu: 2 }
outputs:
  b: { from: "${second.b}", file: out/b.txt }
"#;

fn devices(space: &TestSpace, more: &[&str]) -> Value {
    let ran = space.reel(&[&["devices", "--json"], more].concat()).ok();
    ran.events_of("devices")[0].clone()
}

fn settings(space: &TestSpace, text: &str) -> String {
    let path = space.root().join("home/.config/reel/config.yaml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn the_later_word_counts_and_is_named() {
    let space = TestSpace::of(COMMANDS);
    let project = devices(&space, &["--capacity", "gpu=0"]);
    assert_eq!((&project["cpu-milli"], &project["cpu-source"]), (&json!(3000), &json!("reel.yaml")));
    assert_eq!((&project["network"], &project["gpus"]), (&json!(2), &json!([])));
    assert_eq!(project["pools"]["voices"], json!({ "places": 5, "source": "reel.yaml" }));

    let file = settings(&space, "capacity: { cpu: 1.5, memory: 3GiB, pools: { voices: 2 } }\n");
    let user = devices(&space, &["--capacity", "gpu=0"]);
    assert_eq!((&user["cpu-milli"], &user["cpu-source"]), (&json!(1500), &json!(file)));
    assert_eq!(user["memory-bytes"], json!(3_u64 << 30));
    assert_eq!(user["pools"]["voices"], json!({ "places": 2, "source": file }));
    assert_eq!(user["network-source"], "reel.yaml", "what the user does not say stays");

    let flags = devices(&space, &["--jobs", "1", "--capacity", "gpu=2x24GiB,other=7"]);
    assert_eq!((&flags["cpu-milli"], &flags["cpu-source"]), (&json!(1000), &json!("--jobs")));
    assert_eq!(flags["gpus"][1]["memory-bytes"], json!(24_u64 << 30));
    assert_eq!(flags["pools"]["other"], json!({ "places": 7, "source": "--capacity" }));
}

#[test]
fn settings_that_are_wrong_are_told_at_their_place() {
    let space = TestSpace::of(COMMANDS);
    let file = settings(&space, "capacity: { cpus: 2 }\n");
    let ran = space.reel(&["devices"]);
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    for said in ["unknown field `cpus`", "config.yaml`: line 1"] {
        assert!(ran.all().contains(said), "{said}: {}", ran.all());
    }
    std::fs::remove_file(file).unwrap();
    let ran = space.reel(&["build", "--capacity", "cpus=2"]);
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    assert!(ran.all().contains("did you mean `cpu`?"), "{}", ran.all());
}

#[test]
fn what_can_never_be_met_is_told_before_anything_runs() {
    let space = TestSpace::of(COMMANDS);
    for command in ["build", "plan"] {
        let allow: &[&str] = if command == "build" { &["--allow-exec"] } else { &[] };
        let ran = space.reel(&[&[command, "--capacity", "gpu=0"], allow].concat());
        assert_eq!(ran.code, Some(2), "{}", ran.all());
        for said in [
            "`first` asks for a part of a GPU where there is none",
            "`second` asks for 2 GPUs where there is none",
            "allow more with `--capacity gpu=2`",
        ] {
            assert!(ran.all().contains(said), "{said}: {}", ran.all());
        }
    }
    assert!(!space.path("out").exists());
}

#[test]
fn commands_are_told_which_gpus_they_have_and_their_results_do_not_depend_on_it() {
    let space = TestSpace::of(COMMANDS);
    // Devices that nobody detected have their numbers for names.
    settings(&space, "capacity: { gpu: 0 }\n");
    let _ = space.reel(&["build", "--allow-exec", "--capacity", "gpu=2x4GiB"]).ok();
    assert_eq!(space.read("out/b.txt"), b"1\n");
    space.reel(&["build", "--json", "--allow-exec", "--capacity", "gpu=3x80GiB"]).ok().assert_nothing_ran();
}

#[test]
fn another_machine_is_simulated() {
    let node = |n: u32| {
        format!(
            "  n{n}: {{ uses: exec, with: {{ run: \"sleep 0.1; echo {n} > $out/a.txt\", tools: [sleep], out: [a.txt] }} }}\n"
        )
    };
    let nodes: String = (0..8).map(node).collect();
    let nodes = format!("version: 1\ncapacity: {{ cpu: 1 }}\nnodes:\n{nodes}");
    let space = TestSpace::of(&nodes);
    let _ = space.reel(&["build", "--allow-exec", "--capacity", "cpu=8"]).ok();
    space.write("reel.yaml", nodes.replace("echo", "echo anew"));
    let ran = space.reel(&["plan", "--json", "--simulate", "cpu=4"]).ok();
    let simulated = &ran.events_of("plan-simulated")[0];
    let seconds = |machine: &str, what: &str| simulated[machine][what].as_f64().unwrap();
    let (here, there) = (seconds("here", "seconds"), seconds("there", "seconds"));
    assert!(here >= 0.8 && there >= 0.2 && here > 2.0 * there, "{simulated}");
    assert!(seconds("there", "critical-path-seconds") <= there, "{simulated}");
    assert!(simulated["here"]["used"]["cpu"].as_f64().unwrap() > 0.99, "{simulated}");
    let text = space.reel(&["plan", "--simulate", "cpu=4"]).ok().stdout;
    assert!(text.contains("this machine: about") && text.contains("times as fast"), "{text}");
    let nobody = space.reel(&["plan", "--simulate", "voices=3"]);
    assert!(nobody.code == Some(2) && nobody.all().contains("no node asks for `voices`"), "{}", nobody.all());
    let text = space.reel(&["plan", "--simulate", "memory=1MiB"]).ok().stdout;
    assert!(text.contains("without 8 nodes that can never run there"), "{text}");
}
