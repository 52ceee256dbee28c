//! Lines at the foot of a terminal that are drawn again and again, each time in one piece, so that nothing flickers. It
//! knows nothing of what they say.

/// Begins and ends a frame, for terminals that then show it at once; others pass over it.
const BEGIN: &str = "\u{1b}[?2026h";
const END: &str = "\u{1b}[?2026l";
/// Clears the rest of a row, and everything from the cursor on.
const REST_OF_ROW: &str = "\u{1b}[K";
const REST: &str = "\u{1b}[J";
const PLAIN: &str = "\u{1b}[0m";

/// The lines.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    /// What stands there, as it was cut.
    lines: Vec<String>,
}

impl Canvas {
    /// What to write so that these lines stand there, each cut to the columns that there are.
    pub(crate) fn draw(&mut self, lines: &[String], columns: usize) -> String {
        let up = self.up(columns);
        // A line that fills its row to the end would make some terminals begin another.
        self.lines = lines.iter().map(|line| cut(line, columns.saturating_sub(1))).collect();
        format!("{BEGIN}{up}{}{REST}{END}", self.text())
    }

    /// What to write so that a text stands above the lines, for good.
    pub(crate) fn say(&self, text: &str, columns: usize) -> String {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        format!("{BEGIN}{}{REST}{text}{end}{}{END}", self.up(columns), self.text())
    }

    /// What to write so that nothing of the lines is left.
    pub(crate) fn clear(&mut self, columns: usize) -> String {
        let up = self.up(columns);
        self.lines.clear();
        format!("{up}{REST}")
    }

    fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(|line| format!("{line}{REST_OF_ROW}")).collect();
        lines.join("\n")
    }

    /// From the end of the last line to the beginning of the first. A terminal that became narrower has broken lines
    /// that are too long by now.
    fn up(&self, columns: usize) -> String {
        let rows = |line: &String| visible(line).div_ceil(columns.max(1)).max(1);
        match self.lines.iter().map(rows).sum::<usize>() {
            0 | 1 => "\r".to_owned(),
            rows => format!("\u{1b}[{}A\r", rows - 1),
        }
    }
}

/// How many columns a line takes, colours left out.
fn visible(line: &str) -> usize {
    shown(line).filter(|(_, counts)| *counts).count()
}

/// Letters, and whether each takes a column: those of colours do not.
fn shown(line: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut inside = false;
    line.chars().map(move |c| {
        let counts = !inside && c != '\u{1b}';
        inside = (inside || c == '\u{1b}') && !c.is_ascii_alphabetic();
        (c, counts)
    })
}

/// As much of a line as fits.
fn cut(line: &str, columns: usize) -> String {
    if visible(line) <= columns {
        return line.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut text = String::new();
    for (c, counts) in shown(line) {
        if counts && left == 0 {
            break;
        }
        left -= usize::from(counts);
        text.push(c);
    }
    if columns > 0 {
        text.push('…');
    }
    text + PLAIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_line_is_cut_to_what_fits_and_its_colours_end() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 4), format!("abc…{PLAIN}"));
        assert_eq!(cut("\u{1b}[1mab\u{1b}[0mcdef", 4), format!("\u{1b}[1mab\u{1b}[0mc…{PLAIN}"));
        assert_eq!(cut("abc", 0), PLAIN);
        assert_eq!(visible("\u{1b}[1mab\u{1b}[0m"), 2);
    }

    #[test]
    fn a_screen_shows_the_last_lines_and_what_was_said_above_them() {
        let (mut canvas, mut screen) = (Canvas::default(), vt100::Parser::new(8, 20, 0));
        let mut put = |text: String| screen.process(text.replace('\n', "\r\n").as_bytes());
        put(canvas.draw(&lines(&["one", "two", "three"]), 20));
        put(canvas.draw(&lines(&["uno", "a line that is too long for it"]), 20));
        put(canvas.say("said", 20));
        put(canvas.draw(&lines(&["eins"]), 20));
        assert_eq!(screen.screen().contents(), "said\neins");
        let text = canvas.clear(20);
        screen.process(text.as_bytes());
        assert_eq!(screen.screen().contents().trim_end(), "said");
    }

    #[test]
    fn lines_that_a_narrower_terminal_broke_are_found() {
        let mut canvas = Canvas::default();
        canvas.draw(&lines(&["0123456789", "abc"]), 20);
        assert!(canvas.up(5).starts_with("\u{1b}[2A"), "two rows and one");
        assert!(canvas.up(20).starts_with("\u{1b}[1A"));
    }
}
