//! Tests of `captions`.

use proptest::prelude::*;

use super::*;
use crate::media::time::FrameRate;
use crate::media::words::Word;

fn scene(frames: u64, words: &[(&str, u64, u64)]) -> (Plan, Words) {
    let fps = FrameRate::new(30, 1).unwrap();
    let plan = Plan { frames, fps, sentences: Vec::new(), speech: Vec::new(), pictures: vec![0] };
    let words = words
        .iter()
        .map(|&(text, start, end)| Word {
            text: text.into(),
            start,
            end,
            last: text.ends_with('.'),
            joined: false,
        })
        .collect();
    (plan, Words { rate: 48_000, end: frames * 1600, words })
}

fn two_scenes() -> Vec<(Plan, Words)> {
    vec![
        scene(60, &[("A", 4800, 9600), ("total", 9600, 24_000), ("eclipse.", 24_000, 48_000)]),
        scene(90, &[("{R&D}", 480, 12_250), ("<is>", 12_250, 20_000), ("on.", 100_000, 120_000)]),
    ]
}

fn style() -> Ass {
    serde_json::from_value(serde_json::json!({
        "size": "1080x1920",
        "type": { "font": ["DejaVu Sans"], "size": 80, "width": 920 },
        "look": { "margin": 300, "color": "#ffffff", "highlight": "#ffd400", "outline": "#000000",
                  "outline_width": 6 }
    }))
    .unwrap()
}

#[test]
fn the_three_formats_hold_the_same_words_in_film_time() {
    let cues = film_cues(&two_scenes(), CaptionStyle::Karaoke.rules(2), 10);
    insta::assert_snapshot!(write::srt(&cues), @r"
    1
    00:00:00,100 --> 00:00:01,500
    A total
    eclipse.

    2
    00:00:02,010 --> 00:00:02,917
    {R&D} <is>

    3
    00:00:04,083 --> 00:00:05,000
    on.

    ");
    insta::assert_snapshot!(write::vtt(&cues[1..]), @r"
    WEBVTT

    00:00:02.010 --> 00:00:02.917
    {R&amp;D} <00:00:02.255>&lt;is&gt;

    00:00:04.083 --> 00:00:05.000
    on.

    ");
    let ass = write::ass(&cues, Some(&style()));
    let dialogue: Vec<&str> = ass.lines().filter(|line| line.starts_with("Dialogue")).collect();
    assert_eq!(
        dialogue,
        [
            r"Dialogue: 0,0:00:00.10,0:00:01.50,Words,,0,0,0,,{\k10}A {\k30}total\N{\k100}eclipse.",
            r"Dialogue: 0,0:00:02.01,0:00:02.91,Words,,0,0,0,,{\k24}\{R&D\} {\k66}<is>",
            r"Dialogue: 0,0:00:04.08,0:00:05.00,Words,,0,0,0,,{\k92}on.",
        ]
    );
    assert!(ass.contains("Style: Words,DejaVu Sans,80,&H0000D4FF,&H00FFFFFF,&H00000000"), "{ass}");
}

proptest! {
    #[test]
    fn captions_never_overlap_and_hold_every_word(
        lengths in prop::collection::vec((1_usize..14, 1_u64..40_000, 0_u64..90_000, any::<bool>()), 1..40),
        chars in 8_usize..40,
        lines in 1_usize..4,
    ) {
        let mut now = 0;
        let mut words = Vec::new();
        for (letters, said, pause, last) in lengths {
            words.push(Word { text: "x".repeat(letters), start: now, end: now + said, last, joined: false });
            now += said + pause;
        }
        let frames = now / 1600 + 1;
        let (plan, mut empty) = scene(frames, &[]);
        empty.words = words.clone();
        let cues = film_cues(&[(plan, empty)], CaptionStyle::Karaoke.rules(lines as u32), chars);
        let texts: Vec<&Word> = cues.iter().flat_map(|cue| cue.lines.iter().flatten()).collect();
        prop_assert_eq!(texts.len(), words.len());
        for cue in &cues {
            prop_assert!(cue.start < cue.end || cue.end == frames * 1600);
            prop_assert!(cue.lines.len() <= lines);
            for line in &cue.lines {
                let wide: usize = line.iter().map(|w| w.text.len()).sum::<usize>() + line.len() - 1;
                prop_assert!(wide <= chars || line.len() == 1);
            }
            let flat: Vec<&Word> = cue.lines.iter().flatten().collect();
            prop_assert!(flat[..flat.len() - 1].iter().all(|word| !word.last));
        }
        for pair in cues.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
    }

    #[test]
    fn what_was_exported_is_read_again_as_the_same_words(
        given in prop::collection::vec(
            ("[a-zA-Z<>&;{}/'.-]{1,9}|[月亮很远的是]{1,2}|café|&amp;|<b>", 200_u64..40_000, 0_u64..90_000), 1..40,
        ),
        lines in 1_usize..4,
    ) {
        let (mut now, mut words) = (0, Vec::new());
        for (text, said, pause) in given {
            // A word is what stands between blanks, or what the dictionary finds: so it was made.
            for part in crate::media::words::parts::parts(&text) {
                let (text, start) = (part.text.to_owned(), now);
                words.push(Word { text, start, end: now + said, last: false, joined: part.joined });
                now += said;
            }
            now += pause;
        }
        let (plan, mut all) = scene(now / 1600 + 1, &[]);
        all.words = words.clone();
        let cues = film_cues(&[(plan, all)], CaptionStyle::Line.rules(lines as u32), 24);
        let file = write::vtt(&cues);
        let again = crate::text::subtitles::words(&crate::text::subtitles::read(file.as_bytes()).unwrap(), 48_000);
        let texts = |words: &[Word]| -> Vec<String> { words.iter().map(|word| word.text.clone()).collect() };
        prop_assert_eq!(texts(&again), texts(&words), "{}", file);
        let free = |word: &Word| word.text.chars().all(crate::media::words::parts::is_written_without_blanks);
        for (index, (again, word)) in again.iter().zip(&words).enumerate() {
            // Over the end of a line nothing tells whether a blank stood between words of scripts that have none.
            let open = index > 0 && free(&words[index - 1]) && free(word);
            prop_assert!(open || again.joined == word.joined, "{} {}", again.text, file);
            prop_assert!(again.start.abs_diff(word.start) <= 96, "{} {} {}", again.text, again.start, word.start);
        }
    }
}
