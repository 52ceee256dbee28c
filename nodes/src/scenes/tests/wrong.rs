//! What is wrong with scenes is said at the scene, all of it in one run.

use super::{ECLIPSE, fonts_are_there, problems};

fn scene(rest: &str) -> Vec<String> {
    let all = problems(&format!(
        "version: 1\nscenes:\n  - {{ id: a, {rest} }}\noutputs: {{ film: out/film.mp4 }}\n"
    ));
    // A node whose parameters are wrong is missing for those that take its ports: that is the engine's to say.
    all.into_iter().filter(|line| !line.contains("no node is called `a.")).collect()
}

#[test]
fn scenes_say_what_is_wrong_with_them() {
    if !fonts_are_there() {
        return;
    }
    let shown = "show: { color: \"#000000\" }";
    let all: Vec<String> = [
        "say: Hello.",
        "say: Hello., show: {}",
        shown,
        "for: 2s, show: { image: assets/eclipse.jpg, color: \"#000000\" }",
        "for: 2s, show: { search: moon }",
        "for: 2s, show: { image: assets/none.jpg }",
        "for: 2s, show: { image: ../none.jpg }",
        "for: 2s, show: { color: \"#000000\", motion: push-in }",
        "for: 2s, show: { image: assets/eclipse.jpg, motion: pushin }",
        "for: 2s, show: { card: {} }",
        "for: 2, show: { color: \"#000000\" }",
        &format!("say: \" … \", {shown}"),
        &format!("say: Hello 漢., {shown}"),
        &format!("say: {{ audio: assets/voice.wav }}, {shown}"),
        &format!("say: {{ file: none.txt }}, {shown}"),
        &format!("say: Hello., {shown}, transition: {{ kind: fade }}"),
        &format!("say: Hello., {shown}, captions: {{ font: Comic Serif }}"),
        "say: Hello there., show: [{ color: \"#000000\" }, { color: \"#ffffff\", at: their }]",
        "for: 2s, show: { card: { title: 漢 } }",
        &format!("say: Hello., {shown}, voice: {{ rate: 9999 }}"),
    ]
    .iter()
    .map(|rest| format!("{rest}\n  {}", scene(rest).join("\n  ")))
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn layers_and_watermarks_say_what_is_wrong_with_them() {
    if !fonts_are_there() {
        return;
    }
    let all = problems(
        r##"version: 1
watermark: { text: Hello, at: 1s }
scenes:
  - id: a
    show:
      color: "#202020"
      focus: { x: 20% }
      layers:
        - { x: 30% }
        - { text: Hi, clip: a.mp4 }
        - { text: Hi, set: { a: b }, width: 0% }
    for: 2s
  - { id: b, show: { color: "#202020" }, for: 2s, transition: { kind: fade } }
outputs: { film: out/film.mp4 }
"##,
    );
    insta::assert_snapshot!(all.join("\n"));
    let late = problems(
        "version: 1\nscenes:\n  - { id: a, for: 2s, show: { color: \"#202020\", layers: [{ text: 漢 }, { image: none.png }] } }\n\
         outputs: { film: out/film.mp4 }\n",
    );
    insta::assert_snapshot!(late.join("\n"));
}

#[test]
fn projects_say_what_is_wrong_with_their_outputs() {
    if !fonts_are_there() {
        return;
    }
    let with = |outputs: &str| {
        let (head, _) = ECLIPSE.split_once("outputs:\n").unwrap();
        problems(&format!("{head}outputs:\n{outputs}"))
    };
    let all: Vec<String> = [
        "  a: out/film.avi\n",
        "  a: { file: out/a.mp4, size: 1081x1920 }\n",
        "  a: { file: out/a.mp4, scenes: [hok] }\n",
        "  a: { file: out/a.mp4, scenes: [end, end] }\n",
        "  a: { file: out/a.srt, crf: 20 }\n",
        "  a: { file: out/a.mp4, at: 3s }\n",
        "  a: { file: out/a.mp4, crf: 20, bitrate: 4Mbps }\n",
        "  a: { file: out/a b.m3u8, codec: av1, gop: 2s }\n",
        "  a: { file: out/a.m3u8, codec: vp9, renditions: [{ size: 101x200 }, { crf: 20, bitrate: 1Mbps }] }\n",
        "  a: { file: out/a.mp4, crf: 52, two_pass: true, level: \"3.1\" }\n",
        "  a: { file: out/a.mp4, codec: av1, tune: film, bitrate: 4Mbps, two_pass: true }\n",
        "  a: { file: out/a.webm, codec: h264, cover: assets/eclipse.jpg }\n",
        "  a: { file: out/a.mov, codec: prores, crf: 20, preset: slow, gop: 2s }\n",
        "  a: { file: out/a.mp4, codec: h265, size: 32x32, gop: 0s, bitrate: 4 }\n",
        "  a: { file: out/a.mp4, quality: { ssim: 0.97 }, crf: 20 }\n",
        "  a: { file: out/a.mp4, quality: { ssim: 0.97 }, bitrate: 4Mbps, two_pass: true }\n",
        "  a: { file: out/a.mp4, quality: { ssim: 0.97 }, two_pass: true }\n",
        "  a: { file: out/a.mov, codec: prores, quality: { ssim: 0.97 } }\n",
        "  a: { file: out/a.mp4, quality: { ssim: 1 } }\n",
        "  a: { file: out/a.mp4, quality: { ssim: 97 } }\n",
        "  a: { file: out/a.mp4, quality: { vmaf: 95 } }\n",
        "  a: { file: out/a.gif, quality: { ssim: 0.97 } }\n",
        "  a: { file: out/a.m3u8, quality: { ssim: 0.97 }, renditions: [{ crf: 20 }, { quality: { ssim: 0.9 }, bitrate: 1Mbps }] }\n",
        "  a: { file: out/a.mp4, subtitles: { language: english }, preset: fastest, profile: hq }\n",
    ]
    .iter()
    .map(|outputs| format!("{outputs}  {}", with(outputs).join("\n  ")))
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn all_errors_come_in_one_run() {
    let twice = ECLIPSE.replace("- id: shadow", "- id: hook").replace("size: 1080x1080", "crf: 60");
    insta::assert_snapshot!(problems(&twice).join("\n"));
    let yaml = ECLIPSE
        .replace("assets/shadow.png", "assets/none.png")
        .replace("out/short.srt", "out/short.doc")
        .replace("Moon's", "漢")
        .replace("for: 3s", "for: 0.2s\n    transition: { kind: fade, for: 300ms }");
    insta::assert_snapshot!(problems(&yaml).join("\n"));
    assert_eq!(
        problems("version: 1\noutputs: { a: out/a.mp4 }\n").len(),
        1,
        "an output without scenes and without `from`"
    );
    if fonts_are_there() {
        let glyphs = "version: 1\nscenes:\n  - { id: a, say: 漢, show: { color: \"#000000\" } }\n  \
                      - { id: b, say: 字, shw: 1, show: { card: { title: 文 } } }\noutputs: { film: out/film.mp4 }\n";
        let told: Vec<String> = problems(glyphs).into_iter().map(|line| line[..9].to_owned()).collect();
        assert_eq!(told, ["R018 3:19", "R018 4:19", "R002 4:22", "R018 4:53"]);
    }
    let several = "version: 1\npronounce: { New York: noo york }\nscenes: []\n";
    insta::assert_snapshot!(problems(several).join("\n"));
}

#[test]
fn transitions_that_cannot_fit_are_told_before_anything_is_said() {
    if !fonts_are_there() {
        return;
    }
    let black = "{ color: \"#000000\" }";
    let told = |rest: &str| {
        let all = problems(&format!(
            "version: 1\nscenes:\n  - {{ id: a, for: 2s, show: {black} }}\n  - {{ id: b, {rest} }}\n\
             outputs: {{ film: out/film.mp4 }}\n"
        ));
        let long: Vec<String> = all.iter().filter(|line| line.starts_with("R024")).cloned().collect();
        assert!(long.len() < 2, "once: {all:?}");
        long.first().map(|line| line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned())
    };
    let fade = |time: &str| format!("transition: {{ kind: fade, for: {time} }}");
    for (rest, expected) in [
        (format!("for: 1s, show: {black}, {}", fade("1s")), None),
        (
            format!("for: 1s, show: {black}, {}", fade("1.5s")),
            Some("the transition takes 1.5s, but scene `b` lasts only 1s: 500ms too long"),
        ),
        (
            format!("for: 400ms, show: {black}, transition: {{ kind: fade }}"),
            Some("the transition takes 500ms, but scene `b` lasts only 400ms: 100ms too long"),
        ),
        (format!("say: Hello., show: {black}, {}", fade("9s")), None),
        (
            format!("say: Hello., show: [{{ color: \"#000000\", for: 1s }}, {black}], {}", fade("2s")),
            Some("the transition takes 2s, but the first picture of scene `b` lasts only 1s: 1s too long"),
        ),
        (format!("say: Hello., show: [{black}, {{ color: \"#000000\", at: hello }}], {}", fade("9s")), None),
        (
            format!("for: 3s, show: [{black}, {black}, {black}], {}", fade("1.2s")),
            Some(
                "the transition takes 1.2s, but the first picture of scene `b` lasts only 1s: 200ms too long",
            ),
        ),
    ] {
        let found = told(&rest);
        match expected {
            Some(expected) => {
                assert!(found.as_deref().unwrap_or_default().starts_with(expected), "{rest}: {found:?}");
            }
            None => assert_eq!(found, None, "{rest}"),
        }
    }
}
