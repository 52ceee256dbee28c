//! A known text against the words that were heard: the text's words, at the times of the sound. It hears nothing.

use super::Word;
use super::parts::parts;

/// Every word of `text` with a time: that of the heard word it was matched with,
/// or, unmatched, a share of the time between its neighbours. The matching has the least number of changes.
#[must_use]
pub fn align(text: &str, heard: &[Word], end: u64) -> Vec<Word> {
    let parts = parts(text);
    let tokens: Vec<&str> = parts.iter().map(|part| part.text).collect();
    let matched = matches(&tokens, heard);
    let mut words = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        if let Some(j) = matched[i] {
            words.push(timed(tokens[i], heard[j].start, heard[j].end));
            i += 1;
            continue;
        }
        // A run of tokens that nothing was heard for lies between what was heard before and after it.
        let run_end = (i..tokens.len()).find(|&k| matched[k].is_some()).unwrap_or(tokens.len());
        let from = words.last().map_or(0, |word: &Word| word.end);
        let to = matched.get(run_end).copied().flatten().map_or(end, |j| heard[j].start).max(from);
        let count = (run_end - i) as u64;
        for k in 0..count {
            let at = |n: u64| from + (to - from) * n / count;
            words.push(timed(tokens[i + k as usize], at(k), at(k + 1)));
        }
        i = run_end;
    }
    for (word, part) in words.iter_mut().zip(&parts) {
        word.joined = part.joined;
    }
    if let Some(word) = words.last_mut() {
        word.last = true;
    }
    words
}

/// Where `wanted`, one word or several, stands first among words that are [`bare`], from `from` on.
#[must_use]
pub fn find(words: &[String], wanted: &str, from: usize) -> Option<usize> {
    let parts: Vec<String> =
        parts(wanted).iter().map(|part| bare(part.text)).filter(|part| !part.is_empty()).collect();
    (from..words.len()).find(|&start| !parts.is_empty() && words[start..].starts_with(&parts))
}

fn timed(text: &str, start: u64, end: u64) -> Word {
    Word { text: text.to_owned(), start, end: end.max(start), last: false, joined: false }
}

/// For each token the heard word it stands for, by the cheapest edit path: 0 for the same word, 1 for another in
/// its place, 1 for one too many or too few.
fn matches(tokens: &[&str], heard: &[Word]) -> Vec<Option<usize>> {
    let plain: Vec<String> = tokens.iter().map(|token| bare(token)).collect();
    let heard: Vec<String> = heard.iter().map(|word| bare(&word.text)).collect();
    let width = heard.len() + 1;
    let mut cost = vec![0_u32; (plain.len() + 1) * width];
    for i in 0..=plain.len() {
        for j in 0..=heard.len() {
            cost[i * width + j] = match (i, j) {
                (0, n) | (n, 0) => n as u32,
                _ => {
                    let swap = u32::from(plain[i - 1] != heard[j - 1]);
                    let step = |i: usize, j: usize| cost[i * width + j];
                    (step(i - 1, j - 1) + swap).min(step(i - 1, j) + 1).min(step(i, j - 1) + 1)
                }
            };
        }
    }
    let (mut i, mut j) = (plain.len(), heard.len());
    let mut found = vec![None; plain.len()];
    while i > 0 && j > 0 {
        let here = cost[i * width + j];
        let swap = u32::from(plain[i - 1] != heard[j - 1]);
        if here == cost[(i - 1) * width + j - 1] + swap {
            found[i - 1] = Some(j - 1);
            (i, j) = (i - 1, j - 1);
        } else if here == cost[(i - 1) * width + j] + 1 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    found
}

/// A word without case and punctuation, as words are compared.
#[must_use]
pub fn bare(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(words: &[(&str, u64, u64)]) -> Vec<Word> {
        words.iter().map(|&(text, start, end)| timed(text, start, end)).collect()
    }

    #[test]
    fn the_texts_own_words_take_the_times_of_what_was_heard() {
        let heard = heard(&[("the", 10, 20), ("moons", 30, 50), ("shadow", 60, 90)]);
        let words = align("The Moon's shadow.", &heard, 100);
        let times: Vec<_> = words.iter().map(|w| (w.text.as_str(), w.start, w.end)).collect();
        assert_eq!(times, [("The", 10, 20), ("Moon's", 30, 50), ("shadow.", 60, 90)]);
        assert!(words[2].last);
    }

    #[test]
    fn words_that_were_not_heard_share_the_time_between_their_neighbours() {
        let heard = heard(&[("one", 0, 10), ("four", 70, 80)]);
        let words = align("one two three four five", &heard, 100);
        let times: Vec<_> = words.iter().map(|w| (w.start, w.end)).collect();
        assert_eq!(times, [(0, 10), (10, 40), (40, 70), (70, 80), (80, 100)]);
    }

    #[test]
    fn nothing_heard_is_spread_over_the_whole_sound() {
        let words = align("a b", &[], 100);
        assert_eq!((words[0].start, words[0].end, words[1].end), (0, 50, 100));
    }
}
