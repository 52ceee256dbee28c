//! Where lines break: as few lines as fit, as even as can be. It knows words by their widths only.

use std::ops::Range;

/// Widths of words in a row and of the blanks between them, in any one unit.
#[derive(Debug, Clone)]
pub struct Widths {
    /// Width of each word.
    pub words: Vec<i64>,
    /// Width of the blank before each word, when it does not begin a line.
    pub gaps: Vec<i64>,
    /// Widest line. A single word may be wider.
    pub limit: i64,
    /// Words after which a line likes to end; may be shorter than `words`.
    pub pauses: Vec<bool>,
}

/// True for a word with a mark after which one pauses within a sentence.
#[must_use]
pub fn ends_at_pause(word: &str) -> bool {
    word.ends_with([',', ';', ':', '–', '—', '،', '、', '，', '：'])
}

impl Widths {
    /// Width of a line of these words.
    #[must_use]
    pub fn line(&self, words: Range<usize>) -> i64 {
        let gaps: i64 = self.gaps[words.clone()].iter().skip(1).sum();
        self.words[words].iter().sum::<i64>() + gaps
    }

    fn fits(&self, words: Range<usize>) -> bool {
        words.len() <= 1 || self.line(words) <= self.limit
    }

    /// The fewest lines that hold these words.
    #[must_use]
    pub fn fewest(&self, words: Range<usize>) -> usize {
        let (mut lines, mut first) = (0, words.start);
        for end in words.start + 1..=words.end {
            if end == words.end || !self.fits(first..end + 1) {
                lines += 1;
                first = end;
            }
        }
        lines
    }

    /// Breaks words into the fewest lines that hold them: of all ways to do so, one whose widest line is
    /// narrowest, and of those the one whose lines differ least. A line that ends at a pause counts as
    /// narrower by a quarter of the limit, and so does the one after it.
    #[must_use]
    pub fn balanced(&self, words: Range<usize>) -> Vec<Range<usize>> {
        let (start, count) = (words.start, words.len());
        let lines = self.fewest(words.clone());
        // best[n][i]: the widest line, the sum of squares and where the last line begins, for the first `i`
        // words on `n` lines.
        let mut best = vec![vec![None; count + 1]; lines + 1];
        best[0][0] = Some((0_i64, 0_i128, 0_usize));
        for line in 1..=lines {
            for end in 1..=count {
                for first in (0..end).rev() {
                    let these = start + first..start + end;
                    if !self.fits(these.clone()) {
                        break;
                    }
                    let Some((widest, squares, _)) = best[line - 1][first] else {
                        continue;
                    };
                    let at_pause = |end: usize| self.pauses.get(end).is_some_and(|&pause| pause);
                    let favoured =
                        (end < count && at_pause(these.end - 1)) || (first > 0 && at_pause(these.start - 1));
                    let width = self.line(these) - if favoured { self.limit / 4 } else { 0 };
                    let candidate = (widest.max(width), squares + i128::from(width).pow(2), first);
                    if best[line][end].is_none_or(|known| candidate < known) {
                        best[line][end] = Some(candidate);
                    }
                }
            }
        }
        let mut breaks = Vec::with_capacity(lines);
        let mut end = count;
        for line in (1..=lines).rev() {
            let Some((_, _, first)) = best[line][end] else {
                break;
            };
            breaks.push(start + first..start + end);
            end = first;
        }
        breaks.reverse();
        breaks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn widths(words: &[i64], limit: i64) -> Widths {
        Widths { words: words.to_vec(), gaps: vec![10; words.len()], limit, pauses: Vec::new() }
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(widths(&[50, 50, 50], 170).balanced(0..3), vec![0_usize..3; 1]);
    }

    #[test]
    fn lines_are_even_rather_than_full() {
        // Greedily: 50 50 50 | 50.
        assert_eq!(widths(&[50, 50, 50, 50], 170).balanced(0..4), [0..2, 2..4]);
    }

    #[test]
    fn a_line_likes_to_end_at_a_pause() {
        let mut title = widths(&[40, 20, 60, 40], 150);
        assert_eq!(title.balanced(0..4), [0..2, 2..4]);
        title.pauses = vec![true, false, false, false];
        assert_eq!(title.balanced(0..4), [0..1, 1..4]);
    }

    #[test]
    fn a_word_too_wide_stands_alone() {
        assert_eq!(widths(&[50, 300, 50], 170).balanced(0..3), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn words_that_are_joined_take_no_blank() {
        let joined = Widths { gaps: vec![0; 4], ..widths(&[50, 50, 50, 50], 200) };
        assert_eq!((joined.line(0..4), joined.fewest(0..4)), (200, 1));
        assert_eq!(Widths { gaps: vec![10, 0, 10, 0], ..joined }.line(1..4), 160);
    }

    #[test]
    fn nothing_is_no_line() {
        assert_eq!(widths(&[], 170).balanced(0..0), Vec::<Range<usize>>::new());
    }

    proptest! {
        #[test]
        fn every_word_is_on_one_line_and_lines_fit(words in prop::collection::vec(1_i64..400, 1..40)) {
            let widths = widths(&words, 300);
            let lines = widths.balanced(0..words.len());
            prop_assert_eq!(lines.len(), widths.fewest(0..words.len()));
            let mut next = 0;
            for line in lines {
                prop_assert_eq!(line.start, next);
                prop_assert!(line.len() == 1 || widths.line(line.clone()) <= 300);
                next = line.end;
            }
            prop_assert_eq!(next, words.len());
        }
    }
}
