//! From YAML text to a tree of values with places. It knows no key and no schema.

mod simple;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{
    DuplicateKeyPolicy, Error, Location, MessageFormatter, Options, Spanned as Placed, UserMessageFormatter,
};

use super::value::{Located, Written};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::span::{SourceId, Span, Spanned};

/// Most values one file may hold, aliases followed: ten for each node of a project of a million.
const MAX_VALUES: usize = 10_000_000;

/// Parses a YAML file. What is not YAML is one problem, and then it is `None`; keys that stand twice in a mapping
/// are all reported, and the first is kept. An empty file is an empty mapping.
#[must_use]
pub fn parse_yaml(text: &str, source: SourceId, problems: &mut Diagnostics) -> Option<Located> {
    if u32::try_from(text.len()).is_err() {
        let span = Span { source, start: 0, end: 0 };
        problems.push(Diagnostic::error(code::YAML, span, "the file is larger than 4 GiB"));
        return None;
    }
    simple::read(text, source).or_else(|| by_library(text, source, problems))
}

/// Parses whatever YAML there is; only this tells what is wrong.
fn by_library(text: &str, source: SourceId, problems: &mut Diagnostics) -> Option<Located> {
    let tree = match serde_saphyr::from_str_with_options::<Placed<Raw>>(text, options()) {
        Ok(tree) => tree,
        Err(error) => {
            problems.push(not_yaml(text, source, &error));
            return None;
        }
    };
    let mut build = Build { text, source, problems };
    let mut root = build.value(tree).0;
    if root.node == Written::Null {
        root.node = Written::Map(Vec::new());
    }
    Some(root)
}

/// Mappings of so many entries are looked through, larger ones are not.
const FEW: usize = 16;

fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        // The only policy that shows the visitor every entry, so that all that stand twice can be told.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        budget: serde_saphyr::budget! {
            max_nodes: MAX_VALUES,
            max_events: 2 * MAX_VALUES,
        },
    }
}

/// What the visitor can see; numbers are read from the text afterwards.
enum Raw {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Placed<Self>>),
    Map(Vec<(Placed<String>, Placed<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

/// Turns what the visitor saw into values with places.
struct Build<'a> {
    text: &'a str,
    source: SourceId,
    problems: &'a mut Diagnostics,
}

impl Build<'_> {
    /// The value, and the byte where it ends in the text around it (for an alias: the end of the alias).
    fn value(&mut self, raw: Placed<Raw>) -> (Located, u32) {
        let aliased = raw.referenced != raw.defined;
        let mut span = self.span(&raw.defined);
        let node = match raw.value {
            Raw::Null => Written::Null,
            Raw::Bool(value) => Written::Bool(value),
            Raw::Number => self.number(span),
            Raw::Text(text) => Written::Text(text),
            Raw::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    let (item, end) = self.value(item);
                    span.end = span.end.max(end);
                    list.push(item);
                }
                span.end = self.closed(span, ']');
                Written::List(list)
            }
            Raw::Map(entries) => {
                let map = self.map(entries, &mut span);
                span.end = self.closed(span, '}');
                Written::Map(map)
            }
        };
        let end = if aliased { self.span(&raw.referenced).end } else { span.end };
        (Located { node, span }, end)
    }

    /// The entries of a mapping; the first of two with one key is kept, the second reported.
    fn map(
        &mut self,
        entries: Vec<(Placed<String>, Placed<Raw>)>,
        around: &mut Span,
    ) -> Vec<(Spanned<String>, Located)> {
        let mut map: Vec<(Spanned<String>, Located)> = Vec::with_capacity(entries.len());
        let mut seen: Option<HashMap<String, Span>> = (entries.len() > FEW).then(HashMap::new);
        for (key, value) in entries {
            let span = self.span(&key.defined);
            let (value, end) = self.value(value);
            around.end = around.end.max(self.span(&key.referenced).end).max(end);
            let first = match &seen {
                Some(seen) => seen.get(&key.value).copied(),
                None => map.iter().find(|(known, _)| known.value == key.value).map(|(known, _)| known.span),
            };
            if let Some(first) = first {
                self.problems.push(twice(&key.value, first, span));
                continue;
            }
            if let Some(seen) = &mut seen {
                seen.insert(key.value.clone(), span);
            }
            map.push((Spanned { value: key.value, span }, value));
        }
        map
    }

    /// A plain scalar that YAML takes for a number. Only decimals are numbers here; hexadecimal, underscores and
    /// infinities stay text, so that no value is read in two ways.
    fn number(&self, span: Span) -> Written {
        let written = self.slice(span);
        let bare = written.trim_matches(['"', '\'']);
        if is_decimal(bare) { Written::Number(bare.to_owned()) } else { Written::Text(bare.to_owned()) }
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Where a flow collection ends, its bracket included; block collections end with their last value.
    fn closed(&self, span: Span, bracket: char) -> u32 {
        let opens = self.text.get(span.start as usize..).is_some_and(|t| t.starts_with(['{', '[']));
        let rest = self.text.get(span.end as usize..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', ',', '\n', '\r', '\t']).len();
        if opens && rest[blank..].starts_with(bracket) { span.end + blank as u32 + 1 } else { span.end }
    }

    fn span(&self, location: &Location) -> Span {
        let (start, end) = bytes(self.text, location);
        let written = self.text.get(start..end).unwrap_or_default();
        let end = start + written.trim_end().len();
        Span { source: self.source, start: start as u32, end: end as u32 }
    }
}

/// The bytes of a location. The parser counts bytes for what it read, but only characters for what it could not.
fn bytes(text: &str, location: &Location) -> (usize, usize) {
    let span = location.span();
    if let (Some(start), Some(len)) = (span.byte_offset(), span.byte_len()) {
        return (start as usize, (start + len) as usize);
    }
    let byte_of = |character: u64| {
        let mut indices = text.char_indices().map(|(at, _)| at);
        indices.nth(character as usize).unwrap_or(text.len())
    };
    let start = byte_of(span.offset());
    (start, byte_of(span.offset() + span.len()).max(start))
}

/// Whether a text is a decimal number: sign, digits, point, exponent.
pub(in crate::spec) fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

fn twice(key: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(code::DUPLICATE, second, format!("the key `{key}` stands twice"))
        .label("again here")
        .also(first, "first here")
        .help("keep one of them")
}

fn not_yaml(text: &str, source: SourceId, error: &Error) -> Diagnostic {
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    let said = UserMessageFormatter.format_message(cause);
    let (mut start, mut end) = cause.location().map_or((0, 0), |location| bytes(text, &location));
    if let Some(tab) = said.contains(" tab").then(|| tab_after(text, start)).flatten() {
        (start, end) = (tab, tab + 1);
    }
    if let Some(colour) = bare_colour(text, start) {
        let help = format!("put it between quotes: `\"{}\"`", &text[colour.clone()]);
        let span = Span { source, start: colour.start as u32, end: colour.end as u32 };
        let message = "this is not YAML: a comment begins here, within brackets";
        return Diagnostic::error(code::YAML, span, message).help(help);
    }
    let span = Span { source, start: start as u32, end: end as u32 };
    let there = text.get(start..end).unwrap_or_default();
    let (what, help) = in_our_words(&said, there, tabs_before(text, start));
    Diagnostic::error(code::YAML, span, format!("this is not YAML: {what}"))
        .maybe_help(help.map(str::to_owned))
}

/// A colour without quotes within brackets, on the line of a byte or before it where the parser has seen only comment:
/// it takes the bracket that closes with it.
fn bare_colour(text: &str, byte: usize) -> Option<Range<usize>> {
    let end = text[byte..].find('\n').map_or(text.len(), |length| byte + length);
    let mut from = end;
    for line in text[..end].rsplit('\n').take(3) {
        let start = from - line.len();
        let hash = line.match_indices(" #").map(|(at, _)| at + 1).find(|at| {
            let before = &line[..*at];
            before.contains(['{', '[']) && before.matches(['"', '\'']).count().is_multiple_of(2)
        });
        if let Some(hash) = hash {
            let digits = line[hash + 1..].chars().take_while(char::is_ascii_hexdigit).count();
            return matches!(digits, 3 | 6 | 8).then(|| start + hash..start + hash + 1 + digits);
        }
        from = start.checked_sub(1)?;
    }
    None
}

/// Whether the line of a byte, or the one before it, is indented with a tab.
fn tabs_before(text: &str, byte: usize) -> bool {
    let end = text[byte..].find('\n').map_or(text.len(), |length| byte + length);
    let lines = text[..end].rsplit('\n').take(2);
    lines.into_iter().any(|line| line[..line.len() - line.trim_start().len()].contains('\t'))
}

/// The first tab in the indent of the line of a byte, or of the one after it: the parser may stop before it.
fn tab_after(text: &str, byte: usize) -> Option<usize> {
    let mut line = text[..byte].rfind('\n').map_or(0, |end| end + 1);
    for _ in 0..2 {
        let indent = text[line..].len() - text[line..].trim_start_matches([' ', '\t']).len();
        if let Some(tab) = text[line..line + indent].find('\t') {
            return Some(line + tab);
        }
        line += text[line..].find('\n')? + 1;
    }
    None
}

/// The parser's message, and what to do about the commonest causes.
fn in_our_words(said: &str, there: &str, tab: bool) -> (String, Option<&'static str>) {
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if said.starts_with("mapping values are not allowed") {
        let help =
            "put a text that has `: ` in it between quotes, and give the keys of one mapping the same indent";
        return ("a `:` where no key can stand".to_owned(), Some(help));
    }
    if said.starts_with("expected string scalar") || said.starts_with("null is not allowed") {
        return ("a key must be a text".to_owned(), None);
    }
    if said.contains("multiple") && said.contains("document") {
        return (
            "a second document begins here".to_owned(),
            Some("remove the `---`: a project is one document"),
        );
    }
    if said.starts_with("reference to unknown value") {
        let help = "name it earlier with `&`, or put a text that begins with `*` between quotes";
        return ("an alias of something that has no anchor".to_owned(), Some(help));
    }
    if said.contains("limits breached") {
        let help = "write aliases of what is small, not of aliases";
        return ("it has too many values when all aliases are followed".to_owned(), Some(help));
    }
    if tab && said.contains(" tab") {
        return ("a tab in the indent of a line".to_owned(), Some("indent with spaces, never with tabs"));
    }
    if tab {
        return (lower(&said), Some("indent with spaces, never with tabs"));
    }
    if there.starts_with(['@', '`', '%']) {
        return (lower(&said), Some("put a text that begins with this character between quotes"));
    }
    (lower(&said), None)
}

fn lower(said: &str) -> String {
    let mut chars = said.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
