//! Subtitle files as the words of scenes: of a recording, of a clip, and those that reel wrote itself.

use reel_tests::film::pictures;
use reel_tests::space::TestSpace;
use serde_json::Value;

const SRT: &str = "\u{feff}1\r\n0:00:00,500 --> 00:00:01,500\r\n<i>Hello</i> there.\r\n\r\n2\r\n00:00:03,000 --> 00:00:05,000 X1:10\r\n\
                   Tom &amp; Ada\r\nare far away.\r\n";

/// A scene of this `say` or these `captions`, and outputs that tell what came of it.
fn talk(scene: &str) -> TestSpace {
    let space = TestSpace::of(&format!(
        "version: 1\nname: talk\nformat: {{ size: 240x320, fps: 30 }}\ncaptions: {{ style: line }}\nscenes:\n  - id: talk\n    \
         {scene}\n    show: {{ color: \"#204060\" }}\noutputs:\n  film: out/film.mp4\n  bare: {{ file: out/bare.mp4, captions: none }}\n  \
         words: {{ from: \"${{talk.timeline.words}}\", file: out/words.json }}\n  plan: {{ from: \"${{talk.timeline.plan}}\", \
         file: out/plan.json }}\n  vtt: out/film.vtt\n"
    ));
    space.bed("voice.wav", 6);
    space.write("voice.srt", SRT);
    space
}

/// Words and their times in milliseconds.
fn words(space: &TestSpace) -> Vec<(String, u64, u64)> {
    let words = space.json("out/words.json");
    let at = |word: &Value, key: &str| (word[key].as_u64().unwrap() + 24) / 48;
    let words = words["words"].as_array().unwrap().iter();
    words
        .map(|word| (word["text"].as_str().unwrap().to_owned(), at(word, "start"), at(word, "end")))
        .collect()
}

fn expected(words: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    words.iter().map(|&(text, start, end)| (text.to_owned(), start, end)).collect()
}

const WORDS: [(&str, u64, u64); 7] = [
    ("Hello", 500, 955),
    ("there.", 955, 1500),
    ("Tom", 3000, 3333),
    ("&", 3333, 3444),
    ("Ada", 3444, 3778),
    ("are", 3778, 4111),
    ("far", 4111, 4444),
];

#[test]
fn a_recording_is_captioned_by_its_subtitle_file() {
    let space = talk("say: { audio: voice.wav, captions: voice.srt }");
    let _ = space.build(&[]).ok();
    let found = words(&space);
    assert_eq!(found[..7], expected(&WORDS));
    assert_eq!(found[7], ("away.".to_owned(), 4444, 5000));
    let plan = space.json("out/plan.json");
    assert_eq!(plan["sentences"][0]["samples"], 288_000, "all of the recording");
    assert_eq!(plan["frames"], 189, "and the pause after it");
    let (film, bare) = (pictures(&space.path("out/film.mp4")), pictures(&space.path("out/bare.mp4")));
    let size = film.width * film.height;
    for (frame, shown) in
        [(5, false), (20, true), (44, true), (75, false), (100, true), (150, true), (180, false)]
    {
        let (a, b) = (&film.frames[frame][..size], &bare.frames[frame][..size]);
        let written = a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > 60).count();
        assert_eq!(written > 100, shown, "frame {frame}: {written}");
    }
    // Another word encodes one segment and makes no sound.
    space.write("voice.srt", SRT.replace("away", "gone"));
    let again = space.build(&[]).ok();
    assert!(
        !again.ran().iter().any(|node| node.contains("level") || node.contains("mix")),
        "{:?}",
        again.ran()
    );
}

#[test]
fn words_that_nobody_says_leave_the_sound_alone_and_what_reel_wrote_it_reads() {
    let space = talk("captions: { file: voice.srt }");
    let _ = space.build(&[]).ok();
    let first = words(&space);
    assert_eq!(first[..7], expected(&WORDS));
    let plan = space.json("out/plan.json");
    assert_eq!((plan["frames"].as_u64(), plan["speech"].as_array().map(Vec::len)), (Some(150), Some(0)));
    let exported = String::from_utf8(space.read("out/film.vtt")).unwrap();
    assert!(exported.contains("Tom <00:00:03.333>&amp; <00:00:03.444>Ada"), "{exported}");

    let again = talk("captions: { file: film.vtt }\n    for: 5s");
    again.write("film.vtt", &exported);
    let _ = again.build(&[]).ok();
    let starts = |words: &[(String, u64, u64)]| -> Vec<(String, u64)> {
        words.iter().map(|(text, start, _)| (text.clone(), *start)).collect()
    };
    assert_eq!(starts(&words(&again)), starts(&first));

    // A part of a longer file, for a clip that begins in its middle.
    let part = talk("captions: { file: voice.srt, from: 2s }\n    for: 2s");
    let _ = part.build(&[]).ok();
    let shifted: Vec<(String, u64)> =
        WORDS[2..6].iter().map(|(text, at, _)| ((*text).to_owned(), at - 2000)).collect();
    assert_eq!(starts(&words(&part)), shifted);
    assert!(part.reel(&["log", "talk.timeline"]).all().contains("2 words begin after the end"));
}

#[test]
fn subtitle_files_that_are_wrong_are_told_with_their_line() {
    for (scene, file, code, says) in [
        (
            "say: { audio: voice.wav, captions: voice.srt }",
            SRT.replace("05,000", "0x,000"),
            "R021",
            "`voice.srt`, line 6: `00:00:0x,000` is not a time",
        ),
        (
            "captions: { file: voice.srt }",
            "nothing\n".into(),
            "R021",
            "`voice.srt`, line 1: `nothing` are no times",
        ),
        ("captions: { file: none.srt }", String::new(), "R013", "`none.srt`"),
        (
            "say: { audio: voice.wav, captions: voice.srt, text: Hello. }",
            SRT.into(),
            "R006",
            "`text` and `captions`",
        ),
        ("say: Hello.\n    captions: { file: voice.srt }", SRT.into(), "R006", "says something"),
        ("for: 2s\n    captions: { from: 2s }", SRT.into(), "R006", "`from` is a place in a subtitle file"),
        (
            "say: { audio: voice.wav, captions: voice.srt }",
            SRT.replace("Ada", "\u{13000}"),
            "R018",
            "U+13000",
        ),
    ] {
        let space = talk(scene);
        space.write("voice.srt", file);
        let ran = space.reel(&["check", "--json"]);
        let told = ran.events_of("diagnostic");
        assert_eq!((ran.code, told.len()), (Some(2), 1), "{scene}: {}", ran.all());
        assert_eq!(told[0]["code"], code, "{scene}: {}", told[0]);
        assert!(told[0]["message"].as_str().unwrap().contains(says), "{scene}: {}", told[0]);
    }
    let project = talk("captions: { style: line }\n    say: Hello.");
    project.edit("captions: { style: line }\nscenes", "captions: { file: voice.srt }\nscenes");
    assert!(project.reel(&["check"]).all().contains("belongs to a scene"));
    // Captions of a longer recording.
    let late = talk("say: { audio: voice.wav, captions: voice.srt }");
    late.write("voice.srt", SRT.replace("00:00:03,000 --> 00:00:05,000", "00:01:03,000 --> 00:01:05,000"));
    let ran = late.build(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(
        ran.all().contains("line 6 of the subtitle file begins after the end of the recording, at 6.000s"),
        "{}",
        ran.all()
    );
}
