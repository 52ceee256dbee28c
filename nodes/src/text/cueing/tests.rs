//! Tests of breaking words into captions.

use proptest::prelude::*;

use super::*;

/// Words with the times of their starts and ends, in milliseconds.
fn said(words: &[(&str, u64, u64)]) -> Vec<Word> {
    let word = |&(text, start, end): &(&str, u64, u64)| Word {
        text: text.into(),
        start,
        end,
        last: text.ends_with('.'),
        joined: false,
    };
    words.iter().map(word).collect()
}

fn laid(words: &[Word], end: u64, rules: Rules) -> Vec<Laid> {
    let all: Vec<&Word> = words.iter().collect();
    captions(&all, 1000, end, &widths(&all, 24), rules)
}

fn widths(words: &[&Word], limit: i64) -> Widths {
    Widths {
        words: words.iter().map(|word| word.text.chars().count() as i64).collect(),
        gaps: words.iter().map(|word| i64::from(!word.joined)).collect(),
        limit,
        pauses: Vec::new(),
    }
}

const PLAIN: Rules = Rules { lines: 2, each: false, readable: false };
const READABLE: Rules = Rules { readable: true, ..PLAIN };

#[test]
fn a_caption_is_held_over_a_short_gap_and_gone_in_a_long_silence() {
    let words = said(&[("One.", 0, 900), ("Two.", 1700, 2600), ("Three.", 4700, 5600)]);
    let times = |rules| laid(&words, 9000, rules).iter().map(|cue| (cue.start, cue.end)).collect::<Vec<_>>();
    assert_eq!(times(PLAIN), [(0, 1700), (1700, 3100), (4700, 6100)]);
    assert_eq!(times(READABLE), times(PLAIN));
}

#[test]
fn what_would_be_gone_before_it_is_read_stands_with_its_neighbour() {
    let words = said(&[("No.", 0, 300), ("It", 310, 500), ("is", 500, 700), ("not.", 700, 1400)]);
    assert_eq!(laid(&words, 5000, PLAIN).len(), 2);
    let cues = laid(&words, 5000, READABLE);
    assert_eq!(cues.len(), 1);
    assert_eq!(cues[0].words(), 0..4);
    // Where silence follows it is held instead.
    let words = said(&[("No.", 0, 100), ("Yes.", 2000, 2100)]);
    let cues = laid(&words, 2900, READABLE);
    assert_eq!(cues.iter().map(|cue| (cue.start, cue.end)).collect::<Vec<_>>(), [(0, 700), (2000, 2700)]);
}

#[test]
fn nothing_that_is_to_be_read_stands_longer_than_six_seconds() {
    let slow: Vec<(String, u64)> = (0..8).map(|n| (format!("w{n}"), n * 1500)).collect();
    let words: Vec<Word> = slow
        .iter()
        .map(|(text, at)| Word { text: text.clone(), start: *at, end: at + 1400, last: false, joined: false })
        .collect();
    assert_eq!(laid(&words, 20_000, PLAIN).len(), 1);
    let cues = laid(&words, 20_000, READABLE);
    assert!(cues.len() == 2 && cues.iter().all(|cue| cue.end - cue.start <= 6000), "{cues:?}");
}

#[test]
fn words_may_stand_one_by_one() {
    let words = said(&[("One", 0, 400), ("by", 420, 600), ("one.", 600, 1000)]);
    let cues = laid(&words, 3000, Rules { each: true, ..PLAIN });
    let times: Vec<_> = cues.iter().map(|cue| (cue.words(), cue.start, cue.end)).collect();
    assert_eq!(times, [(0..1, 0, 420), (1..2, 420, 600), (2..3, 600, 1500)]);
}

#[test]
fn what_goes_by_too_fast_is_told() {
    let words = said(&[("Incomprehensibilities", 500, 1000), ("follow.", 1000, 3000)]);
    let all: Vec<&Word> = words.iter().collect();
    let cues = laid(&words, 3000, Rules { each: true, ..PLAIN });
    assert_eq!(too_fast(&all, 1000, &cues).collect::<Vec<_>>(), [(500, 42)]);
}

proptest! {
    #[test]
    fn captions_never_overlap_and_hold_every_word(
        lengths in prop::collection::vec((1_usize..14, 1_u64..1500, 0_u64..2000, any::<bool>()), 1..40),
        lines in 1_usize..4,
        each: bool,
        readable: bool,
    ) {
        let mut now = 0;
        let mut words = Vec::new();
        for (letters, said, pause, last) in lengths {
            words.push(Word { text: "x".repeat(letters), start: now, end: now + said, last, joined: false });
            now += said + pause;
        }
        let cues = laid(&words, now, Rules { lines, each, readable });
        let mut next = 0;
        for cue in &cues {
            prop_assert_eq!(cue.words().start, next);
            next = cue.words().end;
            prop_assert!(cue.start < cue.end && cue.end <= now);
            prop_assert!(cue.lines.len() <= lines);
            prop_assert!(!each || cue.words().len() == 1 || readable);
            for line in &cue.lines {
                let wide: usize = words[line.clone()].iter().map(|w| w.text.len() + 1).sum();
                prop_assert!(wide <= 25 || line.len() == 1);
            }
        }
        prop_assert_eq!(next, words.len());
        prop_assert!(cues.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }
}
