//! Which nodes scenes become, and which of them a change touches.

use super::{ECLIPSE, changed, fonts_are_there, graph, params};

fn names(yaml: &str) -> Vec<String> {
    graph(yaml).graph.nodes().map(|(_, node)| node.name.clone()).collect()
}

fn outputs(yaml: &str) -> Vec<(String, String)> {
    let project = graph(yaml);
    project.outputs.iter().map(|o| (o.name.clone(), project.graph.node(o.node).name.clone())).collect()
}

#[test]
fn one_format_has_plain_names_and_two_have_the_outputs_before_them() {
    if !fonts_are_there() {
        return;
    }
    let one = ECLIPSE.replace("  square: { file: out/square.mp4, size: 1080x1080 }\n", "");
    insta::assert_snapshot!(names(&one).join("\n"));
    insta::assert_snapshot!(names(ECLIPSE).join("\n"));
    assert_eq!(
        outputs(ECLIPSE),
        [("short", "short/film.mux"), ("square", "square/film.mux"), ("words", "words.captions")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn what_is_shown_does_not_touch_what_is_said() {
    if !fonts_are_there() {
        return;
    }
    let marked = ECLIPSE.replace("1700 kilometres", "[1700](1700) kilometres");
    assert_eq!(changed(ECLIPSE, &marked), Vec::<String>::new());
    let shown = ECLIPSE.replace("1700 kilometres", "[1,700](1700) kilometres");
    assert_eq!(changed(ECLIPSE, &shown), ["shadow.timeline"]);
    let pronounced = shown.replace("scenes:\n", "pronounce: { Earth: urth }\nscenes:\n");
    let touched = changed(&shown, &pronounced);
    assert!(!touched.contains(&"hook.say.1".to_owned()), "{touched:?}");
}

#[test]
fn the_colour_of_captions_touches_only_the_pictures() {
    if !fonts_are_there() {
        return;
    }
    let colored = ECLIPSE.replace("position: bottom", "position: bottom, color: \"#ffee00\"");
    let expected: Vec<String> = ["short", "square"]
        .iter()
        .flat_map(|output| ["hook", "shadow"].map(|scene| format!("{output}/{scene}.segments")))
        .collect();
    assert_eq!(changed(ECLIPSE, &colored), expected);
}

#[test]
fn defaults_written_out_and_scenes_moved_change_no_parameters_of_pictures() {
    if !fonts_are_there() {
        return;
    }
    let written = ECLIPSE.replace("rate: 170", "pitch: 50, rate: 170").replace("for: 3s", "for: 3000ms");
    assert_eq!(changed(ECLIPSE, &written), Vec::<String>::new());
    let moved = {
        let (start, rest) = ECLIPSE.split_once("  - id: end\n").unwrap();
        let (end, outputs) = rest.split_once("outputs:").unwrap();
        let (head, first) = start.split_once("  - id: hook\n").unwrap();
        let (hook, shadow) = first.split_once("  - id: shadow\n").unwrap();
        format!("{head}  - id: end\n{end}  - id: hook\n{hook}  - id: shadow\n{shadow}outputs:{outputs}")
    };
    let touched = changed(ECLIPSE, &moved);
    assert!(touched.iter().all(|name| name.starts_with("film.") || name.contains("film.m")), "{touched:?}");
}

#[test]
fn equal_formats_share_their_nodes() {
    if !fonts_are_there() {
        return;
    }
    let yaml = ECLIPSE.replace("{ file: out/square.mp4, size: 1080x1080 }", "out/second.mov").replace(
        "  words: out/short.srt\n",
        "  sound: out/a.m4a\n  wav: out/a.wav\n  pic: { file: out/p.jpg, at: 1s }\n",
    );
    let names = names(&yaml);
    assert_eq!(names.iter().filter(|name| name.ends_with(".segments")).count(), 3);
    let bound: Vec<String> = outputs(&yaml).into_iter().map(|(_, node)| node).collect();
    assert_eq!(bound, ["film.mux", "square.mux", "film.mix", "wav.mix", "pic.thumbnail"]);
}

#[test]
fn outputs_of_some_scenes_or_another_rate_have_their_own_times() {
    if !fonts_are_there() {
        return;
    }
    let some = ECLIPSE.replace("size: 1080x1080 }", "scenes: [end, hook] }");
    let (names, params) = (names(&some), params(&some));
    assert!(names.contains(&"hook.timeline".to_owned()) && names.contains(&"square/film.mix".to_owned()));
    assert_eq!(params["square/film.mux"].1["plans"].as_array().unwrap().len(), 2);
    let rate = self::names(&ECLIPSE.replace("size: 1080x1080 }", "fps: 25 }"));
    assert!(rate.contains(&"short/hook.timeline".to_owned()), "{rate:?}");
    assert!(rate.contains(&"square/hook.timeline".to_owned()));
}

#[test]
fn recordings_lists_clips_files_and_references_become_nodes() {
    if !fonts_are_there() {
        return;
    }
    let yaml = r##"version: 1
voice: { model: assets/model.bin }
nodes:
  script: { uses: text, with: { parts: ["Made elsewhere."] } }
scenes:
  - id: told
    say: { audio: assets/voice.wav, text: "It was NASA. Long ago." }
    show:
      - { image: assets/eclipse.jpg, motion: pan-left }
      - { clip: assets/walk.mp4, from: 1s, to: 3s, sound: -6dB, at: long }
      - { svg: assets/map.svg, set: { city: Oslo }, font: DejaVu Sans }
  - { id: walk, show: { clip: assets/walk.mp4 } }
  - { id: file, say: { file: script.txt }, show: { color: "#102030" } }
  - { id: made, say: "${script.text}", show: { color: "#102030" }, captions: { style: none } }
pronounce: { NASA: nassa }
outputs: { film: out/film.mp4 }
"##;
    insta::assert_snapshot!(names(yaml).join("\n"));
    let params = params(yaml);
    let told = &params["told.timeline"].1;
    assert_eq!(told["sentences"][0]["text"], "It was nassa. Long ago.");
    assert_eq!(told["sentences"][0]["shown"][2]["text"], "NASA.");
    assert_eq!(told["pictures"][1]["at"], "long");
    let sounds = &params["film.mix"].1["scenes"];
    assert_eq!(sounds[0]["clips"][0]["gain"], "-6dB");
    assert_eq!(sounds[0]["clips"][0]["picture"], 1);
    assert_eq!(sounds[1]["clips"][0]["gain"], "0dB", "heard where nothing is said");
    assert!(params["file.timeline"].1["sentences"][1]["shown"][1]["text"] == "${sentences}.");
    assert_eq!(params["told.image.1"].0, "image");
}

#[test]
fn a_project_without_outputs_still_has_a_film() {
    if !fonts_are_there() {
        return;
    }
    let yaml = "version: 1\nscenes:\n  - { id: a, show: { color: \"#102030\" }, for: 2s }\n";
    assert_eq!(names(yaml), ["a.timeline", "a.segments", "film.mux"]);
}

#[test]
fn a_webm_has_its_own_sound_and_a_cover_of_itself_comes_from_a_film_without_one() {
    if !fonts_are_there() {
        return;
    }
    let (head, _) = ECLIPSE.split_once("outputs:\n").unwrap();
    let yaml = format!(
        "{head}outputs:\n  page: {{ file: out/page.webm, subtitles: soft }}\n  film: {{ file: out/film.mp4, \
         cover: {{ at: 1s }}, chapters: true, subtitles: {{ language: eng }}, title: One }}\n  loop: out/loop.gif\n"
    );
    let all = names(&yaml);
    let film_wide: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|name| [".mux", ".mix", ".subtitles", ".cover", ".gif"].iter().any(|end| name.ends_with(end)))
        .collect();
    insta::assert_snapshot!(film_wide.join("\n"));
    let params = params(&yaml);
    assert_eq!(params["film/film.mux"].1["chapters"], serde_json::json!(["hook", "shadow", "end"]));
    assert_eq!(params["page/hook.segments"].1["encoding"]["codec"], "vp9");
    assert!(params["page/hook.segments"].1.get("captions").is_none(), "they are a track");
    assert_eq!(params["loop/hook.segments"].1["encoding"]["crf"], 0);
}

#[test]
fn films_that_differ_in_what_they_hold_have_names_of_their_own() {
    let yaml = "version: 1\nscenes:\n  - { id: a, show: { color: \"#102030\" }, for: 2s }\noutputs:\n  \
                film: { file: out/film.mp4, cover: { at: 1s } }\n  other: out/film.mov\n  titled: { file: out/b.mov, title: B }\n";
    let all = names(yaml);
    let films: Vec<&str> = all.iter().map(String::as_str).filter(|name| name.contains(".mux")).collect();
    assert_eq!(films, ["film.mux.2", "film.mux", "other.mux", "titled.mux"]);
}

#[test]
fn a_quality_is_tried_on_samples_before_anything_is_encoded() {
    let yaml = "version: 1\nscenes:\n  - { id: a, show: { color: \"#102030\" }, for: 2s }\n  \
                - { id: b, show: { color: \"#302010\" }, for: 2s }\noutputs:\n  \
                film: { file: out/film.mp4, quality: { ssim: 0.97 }, preset: web }\n";
    assert_eq!(
        names(yaml),
        [
            "a.timeline",
            "b.timeline",
            "a.composed",
            "a.trial",
            "a.segments",
            "b.composed",
            "b.trial",
            "b.segments",
            "film.quality",
            "film.mux"
        ]
    );
    let params = params(yaml);
    let composed = &params["a.composed"].1;
    assert_eq!((&composed["samples"], &composed["encoding"]["crf"]), (&3.into(), &0.into()));
    assert_eq!(params["a.segments"].1["encoding"]["preset"], "medium");
    assert!(params["a.segments"].1.get("crf").is_some());
    assert_eq!(params["film.quality"].1["trials"][1]["scene"], "b");
    // Each of two films that differ in it has its own, and what both are made of is there once.
    let two = yaml.to_owned() + "  small: { file: out/small.mp4, quality: { ssim: 0.9 } }\n";
    let chosen: Vec<String> = names(&two).into_iter().filter(|name| name.ends_with(".quality")).collect();
    assert_eq!(chosen, ["film/film.quality", "small/film.quality"]);
}
