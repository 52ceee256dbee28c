//! The terminal: whether there is one, whether it has colours, how wide it is. It knows nothing of what is shown.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is known of the streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    /// Colours on standard output.
    color_out: bool,
    /// Colours on standard error.
    color_err: bool,
    /// Whether both streams are a terminal, so that lines can be drawn and drawn again.
    pub(crate) live: bool,
}

impl Ui {
    /// Looks at the streams; `no_color` is whether the user said so for all programs.
    pub(crate) fn new(color: Color, no_color: bool, dumb: bool) -> Self {
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let wanted = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color && !dumb,
        };
        Self { color_out: wanted(out), color_err: wanted(err), live: out && err && !dumb }
    }

    /// No terminal, whatever the streams are.
    pub(crate) const fn none() -> Self {
        Self { color_out: false, color_err: false, live: false }
    }

    /// How to paint on standard output.
    pub(crate) const fn out(self) -> Paint {
        Paint(self.color_out)
    }

    /// How to paint on standard error.
    pub(crate) const fn err(self) -> Paint {
        Paint(self.color_err)
    }
}

/// Whether a stream takes colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    /// Text in a style, or plain.
    pub(crate) fn style(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// What went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.style(AnsiColor::Green.on_default().bold(), text)
    }

    /// What went wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.style(AnsiColor::Red.on_default().bold(), text)
    }

    /// What is to be noticed.
    pub(crate) fn warn(self, text: &str) -> String {
        self.style(AnsiColor::Yellow.on_default().bold(), text)
    }

    /// What helps.
    pub(crate) fn help(self, text: &str) -> String {
        self.style(AnsiColor::Cyan.on_default().bold(), text)
    }

    /// What is beside the point.
    pub(crate) fn dim(self, text: &str) -> String {
        self.style(Style::new().dimmed(), text)
    }

    /// What stands out.
    pub(crate) fn bold(self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }
}

/// Writes to standard output. A reader that has gone away (`reel plan | head`) is no error: there is nobody
/// left to tell.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard output.
pub(crate) fn print_line(text: &str) {
    print(&format!("{text}\n"));
}

/// Writes to standard error.
pub(crate) fn print_error(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Adds to a text.
pub(crate) fn add(text: &mut String, what: fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = fmt::Write::write_fmt(text, what);
}

/// Keys that come first in an object, in this order.
const FIRST: [&str; 10] =
    ["event", "node", "kind", "planned", "ran", "cached", "skipped", "failed", "seconds", "outputs"];

/// An object as one line of JSON: what people look for first, then the rest by name.
pub(crate) fn json_line(object: &serde_json::Value) -> String {
    let Some(map) = object.as_object() else { return format!("{object}\n") };
    let first = FIRST.iter().filter_map(|key| map.get_key_value(*key));
    let rest = map.iter().filter(|(key, _)| !FIRST.contains(&key.as_str()));
    let fields: Vec<String> = first
        .chain(rest)
        .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str())))
        .collect();
    format!("{{{}}}\n", fields.join(","))
}

/// Writes an object to standard output, as one line of JSON.
pub(crate) fn print_json(object: &serde_json::Value) {
    print(&json_line(object));
}

/// Rows of text, each cell padded to the widest of its column, none after the last.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| visible(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - visible(cell) + 2));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// How many columns text takes, its colours left out.
fn visible(text: &str) -> usize {
    let mut inside = false;
    text.chars()
        .filter(|c| {
            let shown = !inside && *c != '\u{1b}';
            inside = (inside || *c == '\u{1b}') && *c != 'm';
            shown
        })
        .count()
}

/// A time as people say it: `3 ms`, `1.2 s`, `4 min 05 s`.
pub(crate) fn spell(time: std::time::Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0..=999 => format!("{millis} ms"),
        1_000..=59_949 => format!("{:.1} s", time.as_secs_f64()),
        _ => {
            let seconds = (millis + 500) / 1000;
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

/// An amount of bytes as people say it.
pub(crate) fn bytes(amount: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (amount as f64, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{amount} B") } else { format!("{value:.1} {}", units[unit]) }
}

/// `1 scene`, `2 scenes`.
pub(crate) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_spelled_as_people_say_them() {
        let spelled = |millis| spell(Duration::from_millis(millis));
        assert_eq!(spelled(4), "4 ms");
        assert_eq!(spelled(1234), "1.2 s");
        assert_eq!(spelled(59_970), "1 min 00 s");
        assert_eq!(spelled(245_000), "4 min 05 s");
    }

    #[test]
    fn colours_do_not_move_columns() {
        let paint = Paint(true);
        let rows = vec![vec![paint.good("ok"), "a".into()], vec!["plain".into(), "b".into()]];
        let drawn = table(&rows);
        let second: Vec<usize> = drawn.lines().map(visible).collect();
        assert_eq!(second, [8, 8]);
        assert!(!drawn.contains(" \n"));
    }

    #[test]
    fn an_event_begins_with_what_it_is() {
        let line = json_line(&serde_json::json!({ "code": "failed", "node": "a\"b", "event": "did-fail" }));
        assert_eq!(line, "{\"event\":\"did-fail\",\"node\":\"a\\\"b\",\"code\":\"failed\"}\n");
    }

    #[test]
    fn bytes_have_units() {
        assert_eq!(bytes(12), "12 B");
        assert_eq!(bytes(1536), "1.5 KiB");
    }
}
