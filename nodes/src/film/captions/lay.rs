//! Words broken into captions by counting characters, in samples of the film. It knows no file format.

use crate::media::time::{SAMPLE_RATE, rescale};
use crate::media::words::{Word, Words};
use crate::text::breaks::Widths;
use crate::text::cueing::{Rules, captions};

/// A caption with its times in samples of the film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) lines: Vec<Vec<Word>>,
}

/// Captions of one scene that begins at sample `from` and ends at sample `to` of the film.
pub(super) fn cues(words: &Words, from: u64, to: u64, rules: Rules, chars: usize) -> Vec<Cue> {
    let place = |tick: u64| (from + rescale(tick, words.rate, SAMPLE_RATE)).min(to);
    let shown = words.words.iter().filter(|word| !word.text.trim().is_empty());
    let placed: Vec<Word> =
        shown.map(|word| Word { start: place(word.start), end: place(word.end), ..word.clone() }).collect();
    let all: Vec<&Word> = placed.iter().collect();
    let widths = Widths {
        words: placed.iter().map(|word| columns(&word.text)).collect(),
        gaps: placed.iter().map(|word| i64::from(!word.joined)).collect(),
        limit: chars as i64,
        pauses: placed.iter().map(|word| word.last).collect(),
    };
    captions(&all, SAMPLE_RATE, to, &widths, rules)
        .into_iter()
        .map(|laid| Cue {
            start: laid.start,
            end: laid.end,
            lines: laid.lines.into_iter().map(|line| placed[line].to_vec()).collect(),
        })
        .collect()
}

/// How wide a word is in letters of an alphabet: Chinese, Japanese and Korean ones count twice.
fn columns(word: &str) -> i64 {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFF);
    word.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
