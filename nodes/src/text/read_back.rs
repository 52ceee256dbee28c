//! Caption files read back: SubRip, WebVTT and ASS to texts with times. It knows no font and no film.

use serde::{Deserialize, Serialize};

use super::subtitles::{self, Caption};

/// A caption as a file has it: what a viewer reads, without marks of style.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtitle {
    /// When it appears, in milliseconds.
    pub start: u64,
    /// When it goes, in milliseconds.
    pub end: u64,
    /// Its text; lines of ASS are joined by line feeds, others by blanks.
    pub text: String,
}

impl Subtitle {
    /// Characters that are read a second, blanks not counted; what stands for no time at all counts as a millisecond.
    #[must_use]
    pub fn speed(&self) -> u64 {
        let letters = self.text.chars().filter(|c| !c.is_whitespace()).count() as u64;
        letters * 1000 / self.end.saturating_sub(self.start).max(1)
    }
}

/// All captions of a file in the order of the file.
///
/// # Errors
/// What is wrong, with the number of its line.
pub fn read(text: &str) -> Result<Vec<Subtitle>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.lines().any(|line| line.starts_with("Dialogue:")) || text.starts_with("[Script Info]") {
        return ass(text);
    }
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let captions = subtitles::read(text.as_bytes()).map_err(|fault| fault.to_string())?;
    let viewed =
        |caption: &Caption| Subtitle { start: caption.start, end: caption.end, text: caption.text() };
    Ok(captions.iter().map(viewed).collect())
}

/// Events of ASS, in their fixed order of fields: the text is the tenth.
fn ass(text: &str) -> Result<Vec<Subtitle>, String> {
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(event) = line.strip_prefix("Dialogue:") else { continue };
        let fields: Vec<&str> = event.splitn(10, ',').collect();
        let times = |fields: &[&str]| Some((clock(fields[1].trim())?, clock(fields[2].trim())?));
        let found = if fields.len() == 10 { times(&fields) } else { None };
        let (start, end) =
            found.ok_or_else(|| format!("line {} is no event that can be read: `{line}`", number + 1))?;
        all.push(Subtitle { start, end, text: unescaped(fields[9]) });
    }
    Ok(all)
}

/// The text of an ASS event: without what stands in braces, and with its breaks.
fn unescaped(text: &str) -> String {
    let (mut out, mut depth) = (String::with_capacity(text.len()), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some('N' | 'n')) if !depth => {
                letters.next();
                out.push('\n');
            }
            ('\\', Some('{' | '}')) if !depth => out.extend(letters.next()),
            // What keeps a backslash from meaning anything.
            ('\u{2060}', _) => {}
            ('{', _) => depth = true,
            ('}', _) => depth = false,
            _ if !depth => out.push(letter),
            _ => {}
        }
    }
    out
}

/// Milliseconds of `0:00:01.25`.
fn clock(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once([',', '.'])?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(part) || part.len() > 3 {
        return None;
    }
    let millis: u64 = format!("{part:0<3}").parse().ok()?;
    let mut seconds: u64 = 0;
    let fields: Vec<&str> = whole.split(':').collect();
    for field in &fields {
        let value: u64 = if digits(field) && field.len() < 10 { field.parse().ok()? } else { return None };
        seconds = seconds.checked_mul(60)?.checked_add(value)?;
    }
    (2..=3).contains(&fields.len()).then(|| seconds * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(start: u64, end: u64, text: &str) -> Subtitle {
        Subtitle { start, end, text: text.into() }
    }

    #[test]
    fn subrip_and_webvtt_are_read_without_their_marks() {
        let srt = "\u{feff}1\n00:00:00,500 --> 00:00:02,000\nA <i>total</i> eclipse\nis 3 < 4\n\n2\n01:00:00,000 --> 01:00:01,000\nTwo\n";
        let all = [one(500, 2000, "A total eclipse is 3 < 4"), one(3_600_000, 3_601_000, "Two")];
        assert_eq!(read(srt).unwrap(), all);
        let vtt = "WEBVTT\n\nnote\n00:00.500 --> 00:02.000 line:80%\nA <00:00:01.000>B &amp; C\n";
        assert_eq!(read(vtt).unwrap(), [one(500, 2000, "A B & C")]);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn ass_is_read_without_its_marks() {
        let ass = "[Script Info]\n\n[Events]\nDialogue: 0,0:00:01.25,0:00:02.00,Words,,0,0,0,,{\\k20}A, {\\k30}b\\Nc \\{d\\}\n";
        assert_eq!(read(ass).unwrap(), [one(1250, 2000, "A, b\nc {d}")]);
    }

    #[test]
    fn times_that_cannot_be_read_are_told_with_their_line() {
        assert!(read("1\n00:00 --> x\nA\n").unwrap_err().starts_with("line 2: "));
        assert!(read("[Script Info]\nDialogue: 0,1\n").unwrap_err().starts_with("line 2 is no event"));
    }

    #[test]
    fn what_is_read_a_second_counts_letters() {
        assert_eq!(one(0, 2000, "ab cd\nef").speed(), 3);
        assert_eq!(one(5, 5, "ab").speed(), 2000);
    }
}
