//! Subtitle files (SubRip and WebVTT) as captions, and their words with times. It knows no sound and no scene.
//!
//! Files come from many programs, so much is forgiven: byte order marks, every kind of line end, hours left out,
//! points for commas, settings after times, blank lines within a caption, formatting, captions out of order or over
//! each other. What has no readable times is an error with its line.

use std::fmt;

use crate::media::time::rescale;
use crate::media::words::Word;
use crate::media::words::parts::is_written_without_blanks;
use crate::media::words::show::spread;

/// Longest file that is read, in bytes.
pub const LONGEST: u64 = 8 << 20;

/// One caption of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// The line of the file that has its times, from 1.
    pub line: usize,
    /// When it appears, in milliseconds.
    pub start: u64,
    /// When it goes, in milliseconds; not before it appears.
    pub end: u64,
    /// Its text without formatting, in order; the first piece begins with the caption.
    pieces: Vec<Piece>,
}

/// Text with the time at which it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    at: u64,
    text: String,
}

/// What cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl Fault {
    /// What can be done about it.
    pub const HELP: &'static str = "a subtitle file is UTF-8 text, SubRip or WebVTT, with times such as \
                                    `00:01:02,500 --> 00:01:04,000`";

    fn at(index: usize, message: impl Into<String>) -> Self {
        Self { line: index + 1, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for Fault {}

/// The captions of a file, in the file's order.
///
/// # Errors
/// When it is no text, a time cannot be read, a caption ends before it begins, or there is none.
pub fn read(bytes: &[u8]) -> Result<Vec<Caption>, Fault> {
    let text = decoded(bytes)?;
    // Files with carriage returns alone are from another age, and still about.
    let lines: Vec<&str> = match text.contains('\n') {
        true => text.split('\n').map(|line| line.trim_end_matches('\r')).collect(),
        false => text.split('\r').collect(),
    };
    let is_vtt = lines[0].starts_with("WEBVTT");
    let mut captions: Vec<Caption> = Vec::new();
    let mut at = usize::from(is_vtt);
    while at < lines.len() {
        let line = lines[at].trim();
        if line.is_empty() {
            at += 1;
        } else if let Some(timing) = timing_at(&lines, at) {
            let (start, end) = times(lines[timing]).map_err(|message| Fault::at(timing, message))?;
            let mut caption = Caption { line: timing + 1, start, end, pieces: Vec::new() };
            at = timing + 1;
            while at < lines.len() && !lines[at].trim().is_empty() && timing_at(&lines, at).is_none() {
                caption.add(lines[at], is_vtt);
                at += 1;
            }
            captions.push(caption);
        } else if is_vtt {
            // Notes, styles, regions, and what WebVTT may come to have.
            at += lines[at..].iter().take_while(|line| !line.trim().is_empty()).count();
        } else if let Some(caption) = captions.last_mut() {
            caption.add(lines[at], is_vtt);
            at += 1;
        } else {
            return Err(Fault::at(at, format!("`{}` are no times of a caption", shortened(line))));
        }
    }
    captions.retain(|caption| caption.pieces.iter().any(|piece| !piece.text.trim().is_empty()));
    if captions.is_empty() { Err(Fault::at(0, "there is no caption in it")) } else { Ok(captions) }
}

/// The words of captions, in ticks of `rate`, in order of time. Those of a caption share its time by their length, or
/// begin when it says so; a caption gives way to the next one, and those that appear together follow one another.
#[must_use]
pub fn words(captions: &[Caption], rate: u32) -> Vec<Word> {
    let mut order: Vec<&Caption> = captions.iter().collect();
    order.sort_by_key(|caption| caption.start);
    let mut words = Vec::new();
    let mut groups = order.chunk_by(|one, other| one.start == other.start).peekable();
    while let Some(group) = groups.next() {
        let latest = group.iter().map(|caption| caption.end).max().unwrap_or(0);
        let end = groups.peek().map_or(latest, |next| latest.min(next[0].start));
        let pieces = told(group);
        for (index, (glued, Piece { at, text })) in pieces.iter().enumerate() {
            let next = pieces.get(index + 1).map_or(end, |(_, next)| next.at.min(end));
            let tick = |millis: u64| rescale(millis, 1000, rate);
            let first = words.len();
            spread(text, tick((*at).min(next)), tick(next), false, &mut words);
            if let Some(word) = words.get_mut(first) {
                word.joined = *glued;
            }
        }
    }
    let count = words.len();
    for (index, word) in words.iter_mut().enumerate() {
        word.last = index + 1 == count || ends_sentence(&word.text);
    }
    words
}

/// All pieces of captions that appear together, one for each time, and whether no blank stands before it.
fn told(captions: &[&Caption]) -> Vec<(bool, Piece)> {
    let mut all: Vec<(bool, &Piece)> = Vec::new();
    for Caption { pieces, .. } in captions {
        let glued = |index: usize| index > 0 && is_glued(&pieces[index - 1], &pieces[index]);
        all.extend(pieces.iter().enumerate().map(|(index, piece)| (glued(index), piece)));
    }
    all.sort_by_key(|(_, piece)| piece.at);
    let mut told: Vec<(bool, Piece)> = Vec::with_capacity(all.len());
    for (glued, piece) in all {
        match told.last_mut() {
            Some((_, same)) if same.at == piece.at => {
                same.text.push_str(if glued { "" } else { " " });
                same.text.push_str(&piece.text);
            }
            _ => told.push((glued, piece.clone())),
        }
    }
    told
}

fn is_glued(before: &Piece, piece: &Piece) -> bool {
    let (last, first) = (before.text.chars().next_back(), piece.text.chars().next());
    last.is_some_and(|c| !c.is_whitespace()) && first.is_some_and(|c| !c.is_whitespace())
}

fn ends_sentence(word: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»', '」', '』', '）']);
    bare.ends_with(['.', '!', '?', '…', '。', '！', '？', '।', '؟'])
}

fn decoded(bytes: &[u8]) -> Result<String, Fault> {
    let wide = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| of(*pair));
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map_err(|_| Fault::at(0, "it is damaged UTF-16"))
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|error| {
                let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
                Fault::at(line, "this is not UTF-8 text")
            })?;
            Ok(text.trim_start_matches('\u{feff}').to_owned())
        }
    }
}

/// The line of times of the caption that begins at a line: this one, or the one after a number or name.
fn timing_at(lines: &[&str], at: usize) -> Option<usize> {
    let has = |index: usize| lines.get(index).is_some_and(|line| line.contains("-->"));
    if has(at) {
        return Some(at);
    }
    // Text may be anything: only after a blank line, or as a number, does a line name the caption that follows.
    let names =
        at == 0 || lines[at - 1].trim().is_empty() || lines[at].trim().chars().all(|c| c.is_ascii_digit());
    (names && has(at + 1) && !lines[at].trim().is_empty()).then_some(at + 1)
}

/// `00:01:02,500 --> 00:01:04,000` and whatever follows, in milliseconds.
fn times(line: &str) -> Result<(u64, u64), String> {
    let (start, end) = line.split_once("-->").unwrap_or((line, ""));
    let read = |text: &str| time(text).ok_or_else(|| format!("`{}` is not a time", shortened(text)));
    let end = end.split_whitespace().next().unwrap_or_default();
    let (start, end) = (read(start.trim())?, read(end)?);
    if end < start { Err("the caption ends before it begins".into()) } else { Ok((start, end)) }
}

/// Hours, if written, minutes, seconds and a fraction, in milliseconds, rounded down.
fn time(text: &str) -> Option<u64> {
    let number = |digits: &str, most: u64| {
        let right = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|number| right && *number <= most)
    };
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let mut fields = whole.rsplit(':').map(str::trim);
    let seconds = number(fields.next()?, 59)?;
    let minutes = number(fields.next()?, 59)?;
    let hours = fields.next().map_or(Some(0), |hours| number(hours, 99_999))?;
    let digits = fraction.len() as u32;
    let millis = number(fraction, 999_999)? * 1000 / 10_u64.pow(digits);
    fields.next().is_none().then_some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

/// The beginning of a text, for a message.
fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

impl Caption {
    /// What a viewer reads.
    #[must_use]
    pub fn text(&self) -> String {
        let pieces: String = self.pieces.iter().map(|piece| piece.text.as_str()).collect();
        pieces.trim().to_owned()
    }

    /// Adds a line of text: formatting is taken out, what stands for a character is put in, times begin a new piece.
    fn add(&mut self, line: &str, is_vtt: bool) {
        let mut text = String::new();
        let mut at = self.pieces.last().map_or(self.start, |piece| piece.at);
        let mut found = Vec::new();
        let mut rest = line.trim();
        while let Some(c) = rest.chars().next() {
            match mark(rest, is_vtt) {
                Some((Mark::Nothing, length)) => rest = &rest[length..],
                Some((Mark::Char(c), length)) => {
                    text.push(c);
                    rest = &rest[length..];
                }
                Some((Mark::Time(time), length)) => {
                    found.push(Piece { at, text: std::mem::take(&mut text) });
                    at = time.clamp(at, self.end.max(at));
                    rest = &rest[length..];
                }
                None => {
                    text.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        found.push(Piece { at, text });
        found.retain(|piece| !piece.text.is_empty());
        self.break_line(found.first());
        if let (Some(last), Some(first)) = (self.pieces.last_mut(), found.first())
            && last.at == first.at
        {
            last.text.push_str(&first.text);
            found.remove(0);
        }
        self.pieces.append(&mut found);
    }

    /// Between two lines stands a blank, but in scripts that have none.
    fn break_line(&mut self, next: Option<&Piece>) {
        let (Some(before), Some(next)) = (self.pieces.last_mut(), next) else { return };
        let wants_none = |c: Option<char>| c.is_some_and(|c| is_written_without_blanks(c) || is_wide_mark(c));
        if !(wants_none(before.text.chars().next_back()) && wants_none(next.text.chars().next())) {
            before.text.push(' ');
        }
    }
}

/// Marks of Chinese and Japanese.
fn is_wide_mark(c: char) -> bool {
    matches!(u32::from(c), 0x3000..=0x303F | 0xFF00..=0xFF65)
}

/// What a text begins with that is not to be shown as it is.
enum Mark {
    /// Formatting.
    Nothing,
    /// What stands for a character.
    Char(char),
    /// A time in milliseconds.
    Time(u64),
}

/// The mark at the beginning of a text, and its length in bytes.
fn mark(text: &str, is_vtt: bool) -> Option<(Mark, usize)> {
    match text.as_bytes()[0] {
        b'<' => {
            let inner = &text[1..text.find('>')?];
            let is_tag =
                inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') && !inner.contains('<');
            let mark = time(inner).map(Mark::Time).or(is_tag.then_some(Mark::Nothing))?;
            Some((mark, inner.len() + 2))
        }
        // SubRip files borrow overrides such as `{\an8}` from another format.
        b'{' if !is_vtt && text.starts_with("{\\") => Some((Mark::Nothing, text.find('}')? + 1)),
        b'&' => {
            let name = &text[1..text.find(';').filter(|end| *end <= 10)?];
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" => '\u{a0}',
                "lrm" => '\u{200e}',
                "rlm" => '\u{200f}',
                _ => numbered(name)?,
            };
            Some((Mark::Char(c), name.len() + 2))
        }
        _ => None,
    }
}

/// The character of `#233` or `#xE9`.
fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?).filter(|c| !c.is_control())
}

#[cfg(test)]
mod tests;
