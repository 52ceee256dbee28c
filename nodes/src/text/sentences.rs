//! From a script to sentences: what is said, and what captions show for it. It knows no voice and no time.
//!
//! Sentences end where Unicode says (UAX #29), on what is **said**; a blank line always ends one.
//! `[shown](spoken)` shows the first and says the second; `\[` is a bracket.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

use crate::media::words::parts::{is_written_without_blanks, parts};
use crate::media::words::{Shown, line};

/// One sentence of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// What is said, one space between words that are written with one.
    pub said: String,
    /// What is shown for it; the counts add up to the words of `said`.
    pub shown: Vec<Shown>,
}

/// A word, or a stretch without white space that was marked: what it shows and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Unit {
    shown: String,
    said: String,
    /// Whether it was written as `[shown](spoken)`, at least in part.
    marked: bool,
    /// Whether no blank stands before it.
    joined: bool,
}

/// The sentences of a script. `pronounce` says some shown words differently, wherever they stand alone.
#[must_use]
pub fn sentences(script: &str, pronounce: &BTreeMap<String, String>) -> Vec<Sentence> {
    let mut found = Vec::new();
    for paragraph in paragraphs(script) {
        let mut units = separate(units(&paragraph));
        for unit in units.iter_mut().filter(|unit| !unit.marked) {
            unit.said = said_as(&unit.said, pronounce);
        }
        found.extend(split(&joined(units)));
    }
    found
}

/// Stretches between blank lines.
fn paragraphs(script: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in script.lines() {
        if line.trim().is_empty() {
            found.push(String::new());
        } else if let Some(open) = found.last_mut() {
            open.push_str(line);
            open.push('\n');
        }
    }
    found.retain(|paragraph| !paragraph.is_empty());
    found
}

fn units(paragraph: &str) -> Vec<Unit> {
    let mut units = vec![Unit::default()];
    let mut rest = paragraph;
    while let Some(c) = rest.chars().next() {
        let open = units.len() - 1;
        if let Some(escaped) = rest.strip_prefix("\\[") {
            units[open].shown.push('[');
            units[open].said.push('[');
            rest = escaped;
        } else if let Some((shown, spoken, after)) = marked(rest) {
            // Where words stand side by side, what is marked is one of them.
            if units[open].said.contains(is_written_without_blanks) {
                units.push(Unit { joined: true, ..Unit::default() });
            }
            if let Some(unit) = units.last_mut() {
                unit.shown.push_str(&spaced(shown));
                unit.said.push_str(&spaced(spoken));
                unit.marked = true;
            }
            rest = after;
        } else {
            rest = &rest[c.len_utf8()..];
            if c.is_whitespace() {
                units.push(Unit::default());
            } else {
                if units[open].marked && is_written_without_blanks(c) {
                    units.push(Unit { joined: true, ..Unit::default() });
                }
                if let Some(unit) = units.last_mut() {
                    unit.shown.push(c);
                    unit.said.push(c);
                }
            }
        }
    }
    units.retain(|unit| *unit != Unit::default());
    units
}

/// Words of scripts without blanks, each for itself.
fn separate(units: Vec<Unit>) -> Vec<Unit> {
    let mut found = Vec::with_capacity(units.len());
    for unit in units {
        if unit.marked || !unit.said.contains(is_written_without_blanks) {
            found.push(unit);
            continue;
        }
        found.extend(parts(&unit.said).into_iter().map(|part| Unit {
            shown: part.text.to_owned(),
            said: part.text.to_owned(),
            marked: false,
            joined: part.joined || unit.joined,
        }));
    }
    found
}

/// `[shown](spoken)` at the start of a text, and what follows it.
fn marked(text: &str) -> Option<(&str, &str, &str)> {
    let (shown, rest) = text.strip_prefix('[')?.split_once(']')?;
    let (spoken, rest) = rest.strip_prefix('(')?.split_once(')')?;
    let plain = !shown.contains('[') && !shown.contains("\n\n");
    plain.then_some((shown, spoken, rest))
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A word by the list of pronunciations; punctuation around it and a possessive `'s` stay.
fn said_as(word: &str, pronounce: &BTreeMap<String, String>) -> String {
    let inner = |c: char| c.is_alphanumeric();
    let (Some(start), Some(end)) = (word.find(inner), word.rfind(inner)) else {
        return word.to_owned();
    };
    let end = end + word[end..].chars().next().map_or(0, char::len_utf8);
    let (before, core, after) = (&word[..start], &word[start..end], &word[end..]);
    if let Some(spoken) = pronounce.get(core) {
        return format!("{before}{spoken}{after}");
    }
    let owner = ["'s", "’s"].iter().find_map(|s| Some((pronounce.get(core.strip_suffix(s)?)?, s)));
    match owner {
        Some((spoken, s)) => format!("{before}{spoken}{s}{after}"),
        None => word.to_owned(),
    }
}

/// Marks without a letter or digit, such as a dash between spaces, belong to the word before them.
fn joined(units: Vec<Unit>) -> Vec<Unit> {
    let mut found: Vec<Unit> = Vec::with_capacity(units.len());
    for unit in units {
        let silent = !unit.said.contains(char::is_alphanumeric);
        match found.last_mut() {
            Some(before) if silent => {
                for (into, from) in [(&mut before.shown, &unit.shown), (&mut before.said, &unit.said)] {
                    if !from.is_empty() {
                        into.push_str(if unit.joined { "" } else { " " });
                        into.push_str(from);
                    }
                }
            }
            _ => found.push(unit),
        }
    }
    found
}

fn split(units: &[Unit]) -> Vec<Sentence> {
    let said = line(units.iter().map(|unit| (unit.said.as_str(), unit.joined)));
    let mut ends = said.split_sentence_bounds().scan(0, |end, sentence| {
        *end += sentence.len();
        Some(*end)
    });
    let mut found: Vec<Vec<&Unit>> = vec![Vec::new()];
    let (mut at, mut end) = (0, ends.next().unwrap_or(0));
    for unit in units {
        at += usize::from(at > 0 && !unit.joined);
        while at >= end && end < said.len() {
            end = ends.next().unwrap_or(said.len());
            found.push(Vec::new());
        }
        if let Some(open) = found.last_mut() {
            open.push(unit);
        }
        at += unit.said.len();
    }
    let speaks = |units: &Vec<&Unit>| units.iter().any(|unit| unit.said.contains(char::is_alphanumeric));
    found.into_iter().filter(speaks).map(|units| sentence(&units)).collect()
}

fn sentence(units: &[&Unit]) -> Sentence {
    let shown = units
        .iter()
        .enumerate()
        .map(|(i, unit)| Shown {
            text: unit.shown.clone(),
            said: parts(&unit.said).len() as u32,
            last: i + 1 == units.len(),
            joined: unit.joined && i > 0,
        })
        .collect();
    Sentence { said: line(units.iter().map(|unit| (unit.said.as_str(), unit.joined))), shown }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(script: &str) -> Vec<Sentence> {
        sentences(script, &BTreeMap::from([("NASA".into(), "nassa".into()), ("UN".into(), "you en".into())]))
    }

    fn said(script: &str) -> Vec<String> {
        of(script).into_iter().map(|sentence| sentence.said).collect()
    }

    fn shown(sentence: &Sentence) -> Vec<(&str, u32)> {
        sentence.shown.iter().map(|unit| (unit.text.as_str(), unit.said)).collect()
    }

    #[test]
    fn sentences_end_where_unicode_says_and_at_blank_lines() {
        assert_eq!(
            said("It lasts 7.5 minutes.  Most are\nshorter! A title\n\nand text"),
            ["It lasts 7.5 minutes.", "Most are shorter!", "A title", "and text"]
        );
        assert!(said(" — … \n\n").is_empty());
    }

    #[test]
    fn what_is_shown_may_differ_from_what_is_said() {
        let found = of("[NASA](nassa), in [2026](twenty twenty six).");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].said, "nassa, in twenty twenty six.");
        assert_eq!(shown(&found[0]), [("NASA,", 1), ("in", 1), ("2026.", 3)]);
        assert!(found[0].shown[2].last);
    }

    #[test]
    fn pronunciations_hold_everywhere_but_in_other_words() {
        let found = of("(NASA) and NASA's UN, not NASAL.");
        assert_eq!(found[0].said, "(nassa) and nassa's you en, not NASAL.");
        assert_eq!(shown(&found[0])[3], ("UN,", 2));
    }

    #[test]
    fn a_dash_stays_with_its_word_and_brackets_can_be_written() {
        let found = of(r"One — two \[three] [four].");
        assert_eq!(shown(&found[0]), [("One —", 2), ("two", 1), ("[three]", 1), ("[four].", 1)]);
    }

    #[test]
    fn scripts_without_blanks_have_words_and_sentences() {
        let found = of("月亮很远。[太阳](日)比月亮。NASA在2026年说。");
        let said: Vec<&str> = found.iter().map(|sentence| sentence.said.as_str()).collect();
        assert_eq!(said, ["月亮很远。", "日比月亮。", "nassa在2026年说。"]);
        assert_eq!(shown(&found[0]), [("月亮", 1), ("很", 1), ("远。", 1)]);
        let joined: Vec<bool> = found[0].shown.iter().map(|unit| unit.joined).collect();
        assert_eq!(joined, [false, true, true]);
        assert_eq!(shown(&found[1]), [("太阳", 1), ("比", 1), ("月亮。", 1)]);
        let thai = of("ดวงจันทร์อยู่ไกล ดวงอาทิตย์สว่าง");
        assert_eq!(shown(&thai[0])[2], ("อยู่", 1));
        assert_eq!(thai[0].said, "ดวงจันทร์อยู่ไกล ดวงอาทิตย์สว่าง");
    }

    proptest! {
        #[test]
        fn words_said_are_counted_as_they_will_be_found(script in "([a-z]{1,3}|[.。！, ]|[月亮很远的是]|[ก-ฮะ-ูเ-์]|[ぁ-ん]){0,40}") {
            for sentence in of(&script) {
                let counted: u32 = sentence.shown.iter().map(|unit| unit.said).sum();
                prop_assert!(counted > 0 && sentence.said.contains(char::is_alphanumeric));
                let all: String = sentence.shown.iter().map(|unit| unit.text.as_str()).collect();
                prop_assert_eq!(all.replace(' ', ""), sentence.said.replace(' ', ""));
            }
        }

        #[test]
        fn counts_add_up_to_the_words_said(script in "([a-zA-Z]{1,5}|[.!?—,]|\\[|\\]|\\(|\\)| |\n|\n\n|NASA|[0-9]){0,60}") {
            for sentence in of(&script) {
                let counted: u32 = sentence.shown.iter().map(|unit| unit.said).sum();
                prop_assert_eq!(counted as usize, sentence.said.split_whitespace().count());
                prop_assert!(sentence.said.contains(char::is_alphanumeric));
                prop_assert_eq!(sentence.shown.iter().filter(|unit| unit.last).count(), 1);
            }
        }
    }
}
