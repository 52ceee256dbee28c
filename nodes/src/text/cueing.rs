//! Words to captions: which words stand together on which line, and from when to when. It knows no font and no frame.
//!
//! All times are ticks of the words' own rate.

use std::ops::Range;

use super::breaks::{Widths, ends_at_pause};
use crate::media::look::CaptionStyle;
use crate::media::words::Word;

/// How captions are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Most lines, at least one.
    pub lines: usize,
    /// Whether each word stands alone.
    pub each: bool,
    /// Whether captions stand long enough to be read as a whole, [`SHORTEST`] to [`LONGEST`] where words allow it.
    pub readable: bool,
}

impl CaptionStyle {
    /// How this style cuts words, with so many lines at most.
    #[must_use]
    pub const fn rules(self, lines: u32) -> Rules {
        Rules { lines: lines as usize, each: matches!(self, Self::Word), readable: self.is_read() }
    }
}

/// A caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// First tick on which it shows.
    pub start: u64,
    /// First tick on which it no longer shows.
    pub end: u64,
    /// The words of each line.
    pub lines: Vec<Range<usize>>,
}

impl Laid {
    /// All its words.
    #[must_use]
    pub fn words(&self) -> Range<usize> {
        let first = self.lines.first().map_or(0, |line| line.start);
        first..self.lines.last().map_or(first, |line| line.end)
    }
}

/// Silence that ends a caption, and over which none is held, in milliseconds.
const PAUSE: u64 = 1000;
/// How long a caption stays after its last word where silence follows, in milliseconds.
const HOLD: u64 = 500;
/// The shortest time in which a line can be read, in milliseconds.
const SHORTEST: u64 = 700;
/// The longest time that one caption stands, in milliseconds.
const LONGEST: u64 = 6000;
/// Characters a second that most people can read.
const FASTEST: u64 = 20;

/// A row of words with their times and widths.
struct Row<'a> {
    words: &'a [&'a Word],
    widths: &'a Widths,
    rules: Rules,
    rate: u64,
}

/// Breaks words into captions. A caption holds at most so many balanced lines that fit (a word wider than a line
/// stands alone), and never runs over a pause of more than a second nor, unless it could not be read otherwise, the
/// end of a sentence. A sentence that needs several has as few as possible, of about equal length, and none of a
/// single word where that can be. One is held until the next where less than a second lies between them. No word is
/// ever left out. `end` is the last tick of the scene.
#[must_use]
pub fn captions(words: &[&Word], rate: u32, end: u64, widths: &Widths, rules: Rules) -> Vec<Laid> {
    let row = Row { words, widths, rules, rate: u64::from(rate) };
    let mut groups = Vec::new();
    for phrase in row.phrases() {
        match rules.each {
            true => groups.extend(phrase.map(|word| word..word + 1)),
            false => groups.extend(row.parts(phrase)),
        }
    }
    if rules.readable {
        row.join_short(&mut groups, end);
    }
    let starts: Vec<u64> = groups.iter().map(|group| words[group.start].start).collect();
    let next = |index: usize| starts.get(index + 1).copied();
    let laid = groups.iter().enumerate().map(|(index, group)| Laid {
        start: starts[index],
        end: row.until(group, next(index), end),
        lines: widths.balanced(group.clone()),
    });
    laid.collect()
}

/// Captions that go by faster than most people read: when each begins in ticks, and its characters a second.
pub fn too_fast<'a>(
    words: &'a [&Word],
    rate: u32,
    laid: &'a [Laid],
) -> impl Iterator<Item = (u64, u64)> + 'a {
    laid.iter().filter_map(move |cue| {
        let letters = |word: &&Word| word.text.chars().count() as u64;
        let count: u64 = words[cue.words()].iter().map(letters).sum();
        let speed = count * u64::from(rate) / (cue.end - cue.start).max(1);
        (speed > FASTEST).then_some((cue.start, speed))
    })
}

impl Row<'_> {
    const fn ticks(&self, millis: u64) -> u64 {
        millis * self.rate / 1000
    }

    /// Words between the ends of sentences and pauses.
    fn phrases(&self) -> Vec<Range<usize>> {
        let mut phrases = Vec::new();
        let mut first = 0;
        for (index, word) in self.words.iter().enumerate() {
            let ends = word.last || index + 1 == self.words.len() || self.pause_after(index);
            if ends {
                phrases.push(first..index + 1);
                first = index + 1;
            }
        }
        phrases
    }

    fn pause_after(&self, index: usize) -> bool {
        let word = self.words[index];
        self.words.get(index + 1).is_some_and(|next| next.start > word.end + self.ticks(PAUSE))
    }

    fn said(&self, words: &Range<usize>) -> u64 {
        self.words[words.end - 1].end.saturating_sub(self.words[words.start].start)
    }

    fn fits(&self, words: Range<usize>) -> bool {
        let lasts = !self.rules.readable || self.said(&words) <= self.ticks(LONGEST);
        words.len() == 1 || (lasts && self.widths.fewest(words) <= self.rules.lines.max(1))
    }

    /// Until when a caption shows: its last word and a little more, until the next one if that comes soon.
    fn until(&self, words: &Range<usize>, next: Option<u64>, end: u64) -> u64 {
        let start = self.words[words.start].start;
        let said = self.words[words.end - 1].end.max(start);
        let limit = next.unwrap_or(end).max(said.min(end));
        let mut until = said + self.ticks(HOLD);
        if next.is_some_and(|next| next <= said + self.ticks(PAUSE)) {
            until = limit;
        }
        if self.rules.readable {
            until = until.min(said.max(start + self.ticks(LONGEST))).max(start + self.ticks(SHORTEST));
        }
        until.min(limit)
    }

    /// Joins captions that would be gone before they are read with the one after or before, where both fit.
    fn join_short(&self, groups: &mut Vec<Range<usize>>, end: u64) {
        let mut index = 0;
        while index < groups.len() {
            let group = groups[index].clone();
            let next = groups.get(index + 1).map(|next| self.words[next.start].start);
            let shown = self.until(&group, next, end).saturating_sub(self.words[group.start].start);
            let goes = |first: &Range<usize>, second: &Range<usize>| {
                !self.pause_after(first.end - 1) && self.fits(first.start..second.end)
            };
            if shown >= self.ticks(SHORTEST) {
                index += 1;
            } else if groups.get(index + 1).is_some_and(|next| goes(&group, next)) {
                groups[index].end = groups.remove(index + 1).end;
            } else if index > 0 && goes(&groups[index - 1], &group) {
                groups[index - 1].end = groups.remove(index).end;
            } else {
                index += 1;
            }
        }
    }

    /// Cuts a phrase into as few captions as hold it: those of most equal length, where one of a single word and a
    /// cut away from a comma count against them.
    fn parts(&self, phrase: Range<usize>) -> Vec<Range<usize>> {
        let (start, count) = (phrase.start, phrase.len());
        let mut fewest = 0;
        let mut at = start;
        while at < phrase.end {
            at = (at + 1..=phrase.end).take_while(|&end| self.fits(at..end)).last().unwrap_or(at + 1);
            fewest += 1;
        }
        let mean = (self.widths.line(phrase.clone()) / fewest.max(1) as i64).max(1);
        let cost = |words: Range<usize>| {
            // In thousandths of the square of the mean length.
            let length = i128::from(self.widths.line(words.clone()) * 1000 / mean);
            let alone = if words.len() == 1 && count > 1 { 700_000 } else { 0 };
            let comma = ends_at_pause(&self.words[words.end - 1].text);
            length * length + alone - if comma { 150_000 } else { 0 }
        };
        // best[n][i]: the least cost of the first `i` words in `n` captions, and where the last of them begins.
        let mut best = vec![vec![None; count + 1]; fewest + 1];
        best[0][0] = Some((0_i128, 0_usize));
        for cue in 1..=fewest {
            for end in 1..=count {
                for first in (0..end).rev() {
                    let these = start + first..start + end;
                    if !self.fits(these.clone()) {
                        break;
                    }
                    let Some((before, _)) = best[cue - 1][first] else {
                        continue;
                    };
                    let candidate = (before + cost(these), first);
                    if best[cue][end].is_none_or(|known| candidate < known) {
                        best[cue][end] = Some(candidate);
                    }
                }
            }
        }
        let mut parts = Vec::with_capacity(fewest);
        let mut end = count;
        for cue in (1..=fewest).rev() {
            let Some((_, first)) = best[cue][end] else { break };
            parts.push(start + first..start + end);
            end = first;
        }
        parts.reverse();
        parts
    }
}

#[cfg(test)]
mod tests;
