//! From the times of what is said to the times of what is shown. It knows no sound.

use super::parts::{Part, parts};
use super::{Shown, Word};

/// The shown words, with the times of the said words they stand for. When the counts disagree, the time is
/// divided as evenly as the said words allow; nothing is lost.
#[must_use]
pub fn show(said: &[Word], shown: &[Shown]) -> Vec<Word> {
    let total: u64 = shown.iter().map(|unit| u64::from(unit.said)).sum();
    if said.is_empty() || total == 0 {
        return Vec::new();
    }
    let mut words = Vec::with_capacity(shown.len());
    let mut before = 0;
    for unit in shown {
        let after = before + u64::from(unit.said);
        let (start, end) = (onset(said, before, total), close(said, after, total));
        let first = words.len();
        spread(&unit.text, start, end.max(start), unit.last, &mut words);
        if let Some(word) = words.get_mut(first) {
            word.joined = unit.joined;
        }
        before = after;
    }
    words
}

/// Words of a recogniser as captions show them: what it heard as one may be several in scripts without blanks.
#[must_use]
pub fn separate(heard: Vec<Word>) -> Vec<Word> {
    let mut words = Vec::with_capacity(heard.len());
    for word in heard {
        if parts(&word.text).len() < 2 {
            words.push(word);
            continue;
        }
        let first = words.len();
        spread(&word.text, word.start, word.end, word.last, &mut words);
        words[first].joined = word.joined;
    }
    words
}

/// When the said word number `count` of `total` begins.
fn onset(said: &[Word], count: u64, total: u64) -> u64 {
    let at = count * said.len() as u64;
    let word = &said[((at / total) as usize).min(said.len() - 1)];
    word.start + (word.end - word.start) * (at % total) / total
}

/// When the said word before number `count` of `total` ends.
fn close(said: &[Word], count: u64, total: u64) -> u64 {
    let at = count * said.len() as u64;
    if at.is_multiple_of(total) {
        let index = (at / total).max(1) as usize - 1;
        return said[index.min(said.len() - 1)].end;
    }
    onset(said, count, total)
}

/// Divides a stretch of time among the words of a shown text by their length.
pub(crate) fn spread(text: &str, start: u64, end: u64, last: bool, into: &mut Vec<Word>) {
    let parts = parts(text);
    let total: u64 = parts.iter().map(|part| part.text.chars().count() as u64).sum();
    let mut before = 0;
    let count = parts.len();
    for (i, Part { text, joined, .. }) in parts.into_iter().enumerate() {
        let after = before + text.chars().count() as u64;
        into.push(Word {
            text: text.to_owned(),
            joined,
            start: start + (end - start) * before / total,
            end: start + (end - start) * after / total,
            last: last && i + 1 == count,
        });
        before = after;
    }
    if count == 0
        && last
        && let Some(word) = into.last_mut()
    {
        word.last = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(count: u64) -> Vec<Word> {
        (0..count)
            .map(|i| Word {
                text: "x".into(),
                start: i * 100,
                end: i * 100 + 80,
                last: i + 1 == count,
                joined: false,
            })
            .collect()
    }

    fn unit(text: &str, said: u32, last: bool) -> Shown {
        Shown { text: text.into(), said, last, joined: false }
    }

    #[test]
    fn one_shown_word_may_stand_for_several_said_ones_and_the_reverse() {
        let shown = [unit("In", 1, false), unit("2026,", 3, false), unit("New York", 1, true)];
        let words = show(&said(5), &shown);
        let times: Vec<_> = words.iter().map(|w| (w.text.as_str(), w.start, w.end, w.last)).collect();
        assert_eq!(
            times,
            [
                ("In", 0, 80, false),
                ("2026,", 100, 380, false),
                ("New", 400, 434, false),
                ("York", 434, 480, true)
            ]
        );
    }

    #[test]
    fn what_is_only_said_is_not_shown_but_still_ends_its_sentence() {
        let words = show(&said(2), &[unit("go", 1, false), unit("", 1, true)]);
        assert_eq!(words.len(), 1);
        assert!(words[0].last);
    }

    #[test]
    fn words_without_blanks_share_the_time_of_what_was_heard_as_one() {
        let heard =
            vec![Word { text: "月亮很远。".into(), start: 0, end: 50, last: true, joined: false }];
        let words = separate(heard);
        let times: Vec<_> =
            words.iter().map(|w| (w.text.as_str(), w.start, w.end, w.joined, w.last)).collect();
        let want = [("月亮", 0, 20, false, false), ("很", 20, 30, true, false), ("远。", 30, 50, true, true)];
        assert_eq!(times, want);
    }

    proptest! {
        #[test]
        fn times_never_run_backwards_whatever_the_counts(
            heard in 1_u64..30,
            counts in prop::collection::vec(0_u32..4, 1..30),
        ) {
            let shown: Vec<Shown> = counts.iter().map(|&n| unit("word", n, false)).collect();
            let words = show(&said(heard), &shown);
            let mut now = 0;
            for word in &words {
                prop_assert!(word.start >= now || word.end >= now);
                prop_assert!(word.start <= word.end);
                now = word.start;
            }
            if counts.iter().sum::<u32>() > 0 {
                prop_assert_eq!(words.len(), counts.len());
            }
        }
    }
}
