//! Tests of breaking words into cues.

use super::*;
use crate::draw::text::tests::dejavu;

fn said(text: &str) -> Words {
    let mut words = Vec::new();
    let mut at = 100;
    for word in text.split_whitespace() {
        let length = 100 + 50 * word.len() as u64;
        let last = word.ends_with('.');
        words.push(Word { text: word.into(), start: at, end: at + length, last, joined: false });
        at += length + 20;
    }
    Words { rate: 1000, end: at + 400, words }
}

fn laid_out(words: &Words, style: CueStyle) -> Vec<Cue> {
    let mut fonts = dejavu(&["DejaVuSans-Bold"]);
    layout_cues(words, FrameRate::new(30, 1).unwrap(), style, &mut fonts).unwrap().0
}

fn shown(cues: &[Cue]) -> Vec<String> {
    let line = |line: &Vec<CueWord>| line.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    cues.iter().map(|cue| cue.lines.iter().map(line).collect::<Vec<_>>().join(" / ")).collect()
}

const RULES: Rules = Rules { lines: 2, each: false, readable: false };
const STYLE: CueStyle = CueStyle { size: 80, width: 920, rules: RULES };

#[test]
fn a_sentence_is_cut_into_even_cues_at_a_comma() {
    let words = said("A total eclipse lasts, at most, seven and a half minutes. Most are far shorter.");
    assert_eq!(
        shown(&laid_out(&words, STYLE)),
        ["A total eclipse / lasts, at most,", "seven and a / half minutes.", "Most are / far shorter."]
    );
}

#[test]
fn no_word_is_left_over_alone() {
    let words = said("one two three four five six seven eight nine ten eleven twelve thirteen fourteen.");
    for width in (300..1400).step_by(37) {
        let cues = laid_out(&words, CueStyle { width, ..STYLE });
        let count: usize = cues.iter().map(|cue| cue.lines.iter().map(Vec::len).sum::<usize>()).sum();
        assert_eq!(count, 14);
        for cue in &cues {
            assert!(cue.lines.len() <= 2);
            assert!(
                cue.lines.iter().map(Vec::len).sum::<usize>() > 1 || width < 500,
                "{width}: {:?}",
                shown(&cues)
            );
        }
    }
}

#[test]
fn lines_fit_as_they_are_shaped() {
    let words = said("The Moon's shadow crosses the Earth at 1700 kilometres an hour, AVATAR Toyota We.");
    let mut fonts = dejavu(&["DejaVuSans-Bold"]);
    for line in shown(&laid_out(&words, STYLE)).iter().flat_map(|cue| cue.split(" / ")) {
        assert!(fonts.shape(line, 80.0).width <= 921.0, "{line}");
    }
}

#[test]
fn a_word_too_wide_is_kept_on_a_line_of_its_own() {
    let words = said("Die Donaudampfschifffahrtsgesellschaftskapitänsmütze ist blau.");
    let cues = laid_out(&words, STYLE);
    let lines: Vec<String> =
        shown(&cues).iter().flat_map(|cue| cue.split(" / ")).map(str::to_owned).collect();
    assert!(lines.contains(&"Donaudampfschifffahrtsgesellschaftskapitänsmütze".to_owned()), "{lines:?}");
}

#[test]
fn cues_follow_the_words_and_never_overlap() {
    let words = said("One sentence is here. Another one follows it closely. And a last one.");
    let cues = laid_out(&words, STYLE);
    let frames = 30 * words.end as i64 / 1000;
    assert_eq!(cues[0].start, 3, "0.1 s");
    for pair in cues.windows(2) {
        assert!(pair[0].end <= pair[1].start);
    }
    for cue in &cues {
        let words: Vec<_> = cue.lines.iter().flatten().collect();
        assert_eq!(cue.start, words[0].start);
        assert!(cue.end >= words[words.len() - 1].end && cue.end <= frames);
        for pair in words.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
        }
    }
}

#[test]
fn a_pause_ends_a_cue_and_holding_ends_before_it_does() {
    let mut words = said("before the pause after it.");
    for word in &mut words.words[3..] {
        word.start += 1500;
        word.end += 1500;
    }
    words.end += 1500;
    let cues = laid_out(&words, STYLE);
    assert_eq!(shown(&cues), ["before the pause", "after it."]);
    let said = cues[0].lines[0][2].end;
    assert_eq!(cues[0].end, said + 15);
}

#[test]
fn words_faster_than_frames_still_give_cues_of_a_frame() {
    let mut words = said("a. b. c. d.");
    for (i, word) in words.words.iter_mut().enumerate() {
        (word.start, word.end) = (i as u64 * 5, i as u64 * 5 + 5);
    }
    let cues = laid_out(&words, STYLE);
    assert_eq!(cues.len(), 4);
    assert!(cues.iter().all(|cue| cue.end > cue.start));
    assert!(cues.windows(2).all(|pair| pair[0].end <= pair[1].start));
}

#[test]
fn a_character_without_a_glyph_is_an_error_that_names_it() {
    let mut fonts = dejavu(&["DejaVuSansMono"]);
    let fps = FrameRate::new(30, 1).unwrap();
    let error = layout_cues(&said("the 月 rises."), fps, STYLE, &mut fonts).unwrap_err();
    assert!(error.to_string().contains("`月` (U+6708)"), "{error}");
}

#[test]
fn what_goes_by_too_fast_to_be_read_is_told_where_it_is_to_be_read() {
    let mut words = said("Incomprehensibilities notwithstanding, nevertheless.");
    for word in &mut words.words {
        (word.start, word.end) = (word.start / 8, word.end / 8);
    }
    words.end /= 8;
    let told = |readable: bool| {
        let style = CueStyle { rules: Rules { readable, ..RULES }, ..STYLE };
        layout_cues(&words, FrameRate::new(30, 1).unwrap(), style, &mut dejavu(&["DejaVuSans-Bold"]))
            .unwrap()
            .1
    };
    assert!(told(false).is_empty());
    assert!(told(true).iter().all(|(_, speed)| *speed > 20) && !told(true).is_empty());
}
