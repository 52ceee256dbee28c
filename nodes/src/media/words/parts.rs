//! A text as the words that captions show one by one. It knows no time and no font.
//!
//! White space separates words. Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without it: there words
//! are those of ICU's dictionaries, as far as a line may break between them (UAX #14), so that no mark begins a line
//! that must not.

use std::cell::OnceCell;

use icu_segmenter::options::{LineBreakOptions, WordBreakInvariantOptions};
use icu_segmenter::{LineSegmenter, LineSegmenterBorrowed, WordSegmenter, WordSegmenterBorrowed};

/// One word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// First byte in the text.
    pub at: usize,
    /// The word, with the marks that belong to it.
    pub text: &'a str,
    /// Whether nothing stands between it and the word before.
    pub joined: bool,
}

/// The words of a text, in order.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    for token in text.split_whitespace() {
        // The token is a piece of the text: this is where it lies.
        let at = token.as_ptr() as usize - text.as_ptr() as usize;
        if !token.contains(is_written_without_blanks) {
            found.push(Part { at, text: token, joined: false });
            continue;
        }
        let mut from = 0;
        for to in ends(token) {
            found.push(Part { at: at + from, text: &token[from..to], joined: from > 0 });
            from = to;
        }
    }
    found
}

/// Where words of a token without blanks end.
fn ends(token: &str) -> Vec<usize> {
    thread_local! {
        static SEGMENTERS: OnceCell<(WordSegmenterBorrowed<'static>, LineSegmenterBorrowed<'static>)> =
            const { OnceCell::new() };
    }
    SEGMENTERS.with(|made| {
        let (words, lines) = made.get_or_init(|| {
            let words = WordSegmenter::new_dictionary(WordBreakInvariantOptions::default());
            (words, LineSegmenter::new_dictionary(LineBreakOptions::default()))
        });
        let breaks: Vec<usize> = lines.segment_str(token).collect();
        let may_end = |at: &usize| *at == token.len() || (breaks.contains(at) && speaks_between(token, *at));
        words.segment_str(token).filter(|at| *at > 0).filter(may_end).collect()
    })
}

/// Whether a break lies beside a letter of a script without blanks: names and numbers in it stay whole.
fn speaks_between(token: &str, at: usize) -> bool {
    let (before, after) = token.split_at(at);
    let near = [before.chars().next_back(), after.chars().next()];
    let marks = |c: char| !c.is_alphanumeric();
    near.into_iter().flatten().any(|c| is_written_without_blanks(c) || marks(c))
}

/// Letters of scripts that put no blanks between words.
#[must_use]
pub fn is_written_without_blanks(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF // Thai, Lao
        | 0x1000..=0x109F // Burmese
        | 0x1780..=0x17FF // Khmer
        | 0x3005..=0x3007 | 0x3040..=0x30FF | 0x31F0..=0x31FF // kana
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF // Han
        | 0xFF66..=0xFF9F)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Vec<&str> {
        parts(text).into_iter().map(|part| part.text).collect()
    }

    #[test]
    fn blanks_separate_words_and_marks_stay_with_them() {
        assert_eq!(of("  It's 7.5 minutes — well-known. "), ["It's", "7.5", "minutes", "—", "well-known."]);
        assert!(parts("a b").iter().all(|part| !part.joined));
        assert!(of(" \n ").is_empty());
    }

    #[test]
    fn words_without_blanks_are_those_of_the_dictionary() {
        assert_eq!(of("月亮很远。太阳比月亮更远。"), ["月亮", "很", "远。", "太阳", "比", "月亮", "更远。"]);
        assert_eq!(of("「月」は、遠い。"), ["「月」", "は、", "遠い。"]);
        assert_eq!(of("ดวงจันทร์อยู่ไกล"), ["ดวง", "จันทร์", "อยู่", "ไกล"]);
        assert_eq!(of("在2026年，NASA说"), ["在", "2026", "年，", "NASA", "说"]);
        let mixed = parts("the 月亮很 far");
        let joined: Vec<bool> = mixed.iter().map(|part| part.joined).collect();
        assert_eq!(joined, [false, false, true, false]);
        assert_eq!(&"the 月亮很 far"[mixed[2].at..mixed[3].at], "很 ");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "([a-z,. —]|[月亮很远的是、。「」]|[ก-ฮะ-ูเ-์]|[ァ-ヺぁ-ん]|🌙|[0-9]){0,40}") {
            let whole: String = parts(&text).iter().map(|part| part.text).collect();
            let plain: String = text.split_whitespace().collect();
            prop_assert_eq!(whole, plain);
            for part in parts(&text) {
                prop_assert!(!part.text.is_empty() && text[part.at..].starts_with(part.text));
            }
        }
    }
}
