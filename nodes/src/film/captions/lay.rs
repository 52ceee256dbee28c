//! Words broken into captions by counting characters, in samples of the film. It knows no file format.

use crate::media::time::{SAMPLE_RATE, rescale};
use crate::media::words::{Word, Words};

/// A pause this long (in samples: 1 s) ends a caption.
const PAUSE: u64 = 48_000;
/// A caption stays this long after its last word, unless the next one comes.
const HOLD: u64 = 24_000;

/// A caption with its times in samples of the film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) lines: Vec<Vec<Word>>,
}

/// Captions of one scene that begins at sample `from` and ends at sample `to` of the film.
pub(super) fn cues(words: &Words, from: u64, to: u64, lines: usize, chars: usize) -> Vec<Cue> {
    let place = |tick: u64| (from + rescale(tick, words.rate, SAMPLE_RATE)).min(to);
    let placed = words.words.iter().map(|word| Word {
        start: place(word.start),
        end: place(word.end),
        ..word.clone()
    });
    let mut groups: Vec<Vec<Word>> = Vec::new();
    for word in placed {
        let goes_on = groups.last().is_some_and(|open| continues(open, &word, lines, chars));
        match groups.last_mut() {
            Some(open) if goes_on => open.push(word),
            _ => groups.push(vec![word]),
        }
    }
    let onsets: Vec<u64> = groups.iter().skip(1).map(|group| group[0].start).chain([to]).collect();
    groups
        .into_iter()
        .zip(onsets)
        .map(|(group, next)| {
            let start = group[0].start;
            let said = group[group.len() - 1].end.max(start);
            Cue { start, end: (said + HOLD).min(next).max(said.min(to)), lines: broken(group, lines, chars) }
        })
        .collect()
}

fn continues(open: &[Word], word: &Word, lines: usize, chars: usize) -> bool {
    let Some(before) = open.last() else { return false };
    if before.last || word.start > before.end + PAUSE {
        return false;
    }
    let mut widths: Vec<usize> = open.iter().map(width).collect();
    widths.push(width(word));
    greedy(&widths, chars) <= lines
}

fn width(word: &Word) -> usize {
    word.text.chars().count()
}

/// How many lines these words fill when each takes as many as fit.
fn greedy(widths: &[usize], chars: usize) -> usize {
    let (mut lines, mut used) = (0, 0);
    for &width in widths {
        if used > 0 && used + 1 + width <= chars {
            used += 1 + width;
        } else {
            (lines, used) = (lines + 1, width);
        }
    }
    lines
}

/// Lines of a caption: the narrowest that still come to no more lines than are needed.
fn broken(words: Vec<Word>, lines: usize, chars: usize) -> Vec<Vec<Word>> {
    let widths: Vec<usize> = words.iter().map(width).collect();
    let needed = greedy(&widths, chars).min(lines.max(1));
    let narrowest = (1..=chars).find(|&limit| greedy(&widths, limit) <= needed).unwrap_or(chars);
    let (mut found, mut used): (Vec<Vec<Word>>, usize) = (Vec::new(), 0);
    for word in words {
        let wide = width(&word);
        match found.last_mut() {
            Some(line) if used + 1 + wide <= narrowest => {
                used += 1 + wide;
                line.push(word);
            }
            _ => {
                used = wide;
                found.push(vec![word]);
            }
        }
    }
    found
}
