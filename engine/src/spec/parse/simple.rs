//! The part of YAML that nearly all of every project is written in, read in one pass: mappings and lists by indent or
//! in brackets, plain and quoted scalars of one line, comments. It knows no error: whatever is not surely of this part
//! is left to the library, which knows all of YAML.
//!
//! What it reads must be, place by place, what the library would have read; a test holds one beside the other.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::is_decimal;
use crate::span::{SourceId, Span, Spanned};
use crate::spec::value::{Located, Written};

/// Deeper nesting is left to the library, which has its own limits.
const DEPTH: usize = 48;
/// Longer keys are left to the library, and so are mappings with two keys that are the same.
const KEY: usize = 128;
/// Mappings of so many entries are looked through, larger ones are not.
const FEW: usize = 16;

/// Reads a text, if it is all of the simple part.
pub(super) fn read(text: &str, source: SourceId) -> Option<Located> {
    if !text.chars().all(is_simple) {
        return None;
    }
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, source };
    let column = reader.next_line()?;
    let root = reader.block(column?, 0)?;
    // All of it, and nothing at another indent.
    (reader.at == text.len()).then_some(root)
}

/// No control characters, and nothing that may be taken for the end of a line.
const fn is_simple(c: char) -> bool {
    match c {
        '\n' | ' '..='~' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        c => c >= '\u{a0}',
    }
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    source: SourceId,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn after(&self) -> Option<u8> {
        self.bytes.get(self.at + 1).copied()
    }

    /// Whether what stands here ends a word: a space, the end of the line or of the text.
    const fn ends(byte: Option<u8>) -> bool {
        matches!(byte, None | Some(b' ' | b'\n'))
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { source: self.source, start: start as u32, end: end as u32 }
    }

    fn spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Goes to the next line that says something, from a line's start or from where nothing more is said on one; its
    /// indent, or `None` at the end of the text. Not simple: anything else on the line.
    fn next_line(&mut self) -> Option<Option<usize>> {
        loop {
            let start = self.at;
            self.spaces();
            match self.peek() {
                None => return Some(None),
                Some(b'\n') => self.at += 1,
                Some(b'#') if self.at == 0 || matches!(self.bytes[self.at - 1], b' ' | b'\n') => {
                    self.at += self.bytes[self.at..]
                        .iter()
                        .position(|byte| *byte == b'\n')
                        .unwrap_or_else(|| self.bytes.len() - self.at);
                }
                Some(_) if start == 0 || self.bytes[start - 1] == b'\n' => {
                    let mark = &self.bytes[self.at..];
                    let is_marker =
                        self.at == start && (mark.starts_with(b"---") || mark.starts_with(b"..."));
                    return (!is_marker).then_some(Some(self.at - start));
                }
                Some(_) => return None,
            }
        }
    }

    /// A collection whose first entry stands here, in this column.
    fn block(&mut self, column: usize, depth: usize) -> Option<Located> {
        if depth > DEPTH {
            return None;
        }
        if self.peek() == Some(b'-') && Self::ends(self.after()) {
            self.list(column, depth, false)
        } else {
            self.mapping(column, depth)
        }
    }

    fn mapping(&mut self, column: usize, depth: usize) -> Option<Located> {
        let start = self.at;
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let key = self.key()?;
            if !Self::ends(self.peek()) {
                return None;
            }
            let (value, next) = self.under(column, depth)?;
            add(&mut entries, &mut seen, self.text, key, value)?;
            match next {
                Some(next) if next == column => {}
                Some(next) if next > column => return None,
                _ => break,
            }
        }
        let end = entries.last()?.1.span.end as usize;
        Some(Located { node: Written::Map(entries), span: self.span(start, end) })
    }

    /// What stands behind the `:` of a key in this column, and the indent of the line that follows.
    fn under(&mut self, column: usize, depth: usize) -> Option<(Located, Option<usize>)> {
        self.spaces();
        if !matches!(self.peek(), None | Some(b'\n' | b'#')) {
            let value = self.inline(column, depth)?;
            return Some((value, self.next_line()?));
        }
        let inner = self.next_line()??;
        let is_list = self.peek() == Some(b'-') && Self::ends(self.after());
        let value = match inner {
            _ if inner > column => self.block(inner, depth + 1)?,
            _ if inner == column && is_list => self.list(inner, depth + 1, true)?,
            _ => return None,
        };
        Some((value, self.here()))
    }

    /// The column of what a collection ended before; nothing at the end of the text.
    fn here(&self) -> Option<usize> {
        let line = self.text[..self.at].rfind('\n').map_or(0, |end| end + 1);
        (self.at < self.text.len()).then_some(self.at - line)
    }

    /// A list whose first `-` stands here; one that may stand under a key in its own column ends before the next key.
    fn list(&mut self, column: usize, depth: usize, under_key: bool) -> Option<Located> {
        let start = self.at;
        let mut items = Vec::new();
        loop {
            self.at += 1;
            if self.peek() != Some(b' ') {
                return None;
            }
            self.spaces();
            let line = self.text[..self.at].rfind('\n').map_or(0, |end| end + 1);
            let inner = self.at - line;
            let nested = self.peek() == Some(b'-') && Self::ends(self.after());
            let (item, next) = if nested || self.is_key() {
                let item = self.block(inner, depth + 1)?;
                (item, self.here())
            } else {
                let item = self.inline(column, depth)?;
                (item, self.next_line()?)
            };
            items.push(item);
            let goes_on = self.peek() == Some(b'-') && Self::ends(self.after());
            match next {
                Some(next) if next == column && goes_on => {}
                Some(next) if next > column || (next == column && !under_key) => return None,
                _ => break,
            }
        }
        let end = items.last()?.span.end as usize;
        // The library has no place for the dashes of a list in the column of its key.
        let start = if under_key { items.first()?.span.start as usize } else { start };
        Some(Located { node: Written::List(items), span: self.span(start, end) })
    }

    /// Whether a key stands here.
    fn is_key(&self) -> bool {
        let mut ahead = Reader { text: self.text, bytes: self.bytes, at: self.at, source: self.source };
        ahead.key().is_some() && Self::ends(ahead.peek())
    }

    /// A plain key and the `:` behind it.
    fn key(&mut self) -> Option<Spanned<String>> {
        let start = self.at;
        let rest = &self.bytes[start..];
        if !rest.first()?.is_ascii_alphabetic() && rest[0] != b'_' {
            return None;
        }
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.' | b'/'));
        let length = length.filter(|length| *length <= KEY)?;
        let name = &self.text[start..start + length];
        if rest[length] != b':' || is_word(name) {
            return None;
        }
        self.at = start + length + 1;
        Some(Spanned { value: name.to_owned(), span: self.span(start, start + length) })
    }

    /// A value that begins on a line that has begun; what is around it stands in this column.
    fn inline(&mut self, column: usize, depth: usize) -> Option<Located> {
        match self.peek()? {
            b'{' | b'[' => self.flow(column, depth + 1),
            b'"' | b'\'' => self.quoted(),
            _ => self.plain(false),
        }
    }

    /// A collection in brackets.
    fn flow(&mut self, column: usize, depth: usize) -> Option<Located> {
        if depth > DEPTH {
            return None;
        }
        let start = self.at;
        let is_map = self.peek() == Some(b'{');
        let close = if is_map { b'}' } else { b']' };
        let (mut items, mut entries, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        self.at += 1;
        loop {
            self.blank(column)?;
            if self.peek()? == close {
                break;
            }
            let key = if is_map { Some(self.key()?) } else { None };
            if key.is_some() {
                if self.peek()? != b' ' {
                    return None;
                }
                self.spaces();
            }
            let value = match self.peek()? {
                b'{' | b'[' => self.flow(column, depth + 1)?,
                b'"' | b'\'' => self.quoted()?,
                _ => self.plain(true)?,
            };
            match key {
                Some(key) => add(&mut entries, &mut seen, self.text, key, value)?,
                None => items.push(value),
            }
            self.blank(column)?;
            match self.peek()? {
                b',' => self.at += 1,
                byte if byte == close => break,
                _ => return None,
            }
        }
        self.at += 1;
        let node = if is_map { Written::Map(entries) } else { Written::List(items) };
        Some(Located { node, span: self.span(start, self.at) })
    }

    /// Spaces and ends of lines within brackets; each line is further in than what is around.
    fn blank(&mut self, column: usize) -> Option<()> {
        self.spaces();
        while self.peek() == Some(b'\n') {
            self.at += 1;
            let line = self.at;
            self.spaces();
            if self.peek() != Some(b'\n') && self.at - line <= column {
                return None;
            }
        }
        Some(())
    }

    /// A scalar between quotes, on one line.
    fn quoted(&mut self) -> Option<Located> {
        let start = self.at;
        let quote = self.peek()?;
        let mut text = String::new();
        let mut copied = start + 1;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\n' => return None,
                b'\\' if quote == b'"' => {
                    let escaped = match self.after()? {
                        b'"' => '"',
                        b'\\' => '\\',
                        b'/' => '/',
                        b'n' => '\n',
                        b't' => '\t',
                        _ => return None,
                    };
                    text.push_str(&self.text[copied..self.at]);
                    text.push(escaped);
                    self.at += 2;
                    copied = self.at;
                }
                b'\'' if quote == b'\'' && self.after() == Some(b'\'') => {
                    text.push_str(&self.text[copied..=self.at]);
                    self.at += 2;
                    copied = self.at;
                }
                byte if byte == quote => break,
                _ => self.at += 1,
            }
        }
        text.push_str(&self.text[copied..self.at]);
        self.at += 1;
        let over = Self::ends(self.peek()) || matches!(self.peek(), Some(b',' | b']' | b'}'));
        over.then(|| Located { node: Written::Text(text), span: self.span(start, self.at) })
    }

    /// A scalar without quotes, to the end of the line or, in brackets, of the item.
    fn plain(&mut self, in_flow: bool) -> Option<Located> {
        let start = self.at;
        match self.peek()? {
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"'
            | b'%' | b'@' | b'`' | b'?' | b':' => return None,
            b'-' if Self::ends(self.after())
                || matches!(self.after(), Some(b'-' | b',' | b'[' | b']' | b'{' | b'}')) =>
            {
                return None;
            }
            _ => {}
        }
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => break,
                b',' | b']' | b'}' if in_flow => break,
                b'[' | b'{' if in_flow => return None,
                b':' if Self::ends(self.after()) => return None,
                b':' if in_flow && matches!(self.after(), Some(b',' | b'[' | b']' | b'{' | b'}')) => {
                    return None;
                }
                b'#' if self.bytes[self.at - 1] == b' ' => break,
                _ => self.at += 1,
            }
        }
        let written = self.text[start..self.at].trim_end_matches(' ');
        let node = plain(written)?;
        Some(Located { node, span: self.span(start, start + written.len()) })
    }
}

/// Adds an entry; nothing when its key is there already.
fn add<'t>(
    entries: &mut Vec<(Spanned<String>, Located)>,
    seen: &mut HashSet<&'t str>,
    text: &'t str,
    key: Spanned<String>,
    value: Located,
) -> Option<()> {
    if entries.len() < FEW {
        let is_new = entries.iter().all(|(known, _)| known.value != key.value);
        is_new.then(|| entries.push((key, value)))
    } else {
        let name = |span: Span| &text[span.start as usize..span.end as usize];
        if entries.len() == FEW {
            seen.extend(entries.iter().map(|(known, _)| name(known.span)));
        }
        seen.insert(name(key.span)).then(|| entries.push((key, value)))
    }
}

/// Whether a plain scalar is a word that stands for something else.
fn is_word(text: &str) -> bool {
    ["true", "false", "null"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What a plain scalar is; nothing where it may be one thing or the other.
fn plain(text: &str) -> Option<Written> {
    match text {
        "" | "~" => return None,
        "true" => return Some(Written::Bool(true)),
        "false" => return Some(Written::Bool(false)),
        _ if is_word(text) => return None,
        _ => {}
    }
    if !is_decimal(text) {
        // What the library takes for a number is none in a project, if it is no decimal.
        return Some(Written::Text(text.to_owned()));
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let is_usual =
        digits(whole) && digits(part) && (whole == "0" || !whole.starts_with('0')) && text.len() < 16;
    is_usual.then(|| Written::Number(text.to_owned()))
}
