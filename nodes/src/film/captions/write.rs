//! Captions as SRT, WebVTT and ASS text. It breaks no lines.

use std::fmt::Write;

use reel_engine::quantity::Color;

use super::Ass;
use super::lay::Cue;
use crate::media::look::{CaptionPosition, CaptionStyle};
use crate::media::time::{SAMPLE_RATE, rescale};
use crate::media::words::{Word, line};

/// SubRip: numbered, times in milliseconds with a comma.
pub(super) fn srt(cues: &[Cue]) -> String {
    let mut out = String::new();
    for (i, cue) in cues.iter().enumerate() {
        let (start, end) = (clock(cue.start, ','), clock(cue.end, ','));
        let _ = write!(out, "{}\n{start} --> {end}\n{}\n\n", i + 1, text(cue, plain));
    }
    out
}

/// WebVTT: times in milliseconds with a point, `&`, `<` and `>` written out, and before each word but the first the
/// time at which it is said, where that lies within the caption and after the word before.
pub(super) fn vtt(cues: &[Cue]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for cue in cues {
        let (start, end) = (clock(cue.start, '.'), clock(cue.end, '.'));
        let mut now = millis(cue.start);
        let word = |word: &Word| {
            let text = word.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            if millis(word.start) <= now || word.start >= cue.end {
                return text;
            }
            now = millis(word.start);
            format!("<{}>{text}", clock(word.start, '.'))
        };
        let _ = write!(out, "{start} --> {end}\n{}\n\n", text(cue, word));
    }
    out
}

fn plain(word: &Word) -> String {
    word.text.clone()
}

fn text(cue: &Cue, mut write: impl FnMut(&Word) -> String) -> String {
    let mut lines = Vec::with_capacity(cue.lines.len());
    for words in &cue.lines {
        let written: Vec<(String, bool)> = words.iter().map(|word| (write(word), word.joined)).collect();
        lines.push(line(written.iter().map(|(text, joined)| (text.as_str(), *joined))));
    }
    lines.join("\n")
}

fn millis(sample: u64) -> u64 {
    rescale(sample, SAMPLE_RATE, 1000)
}

/// Hours, minutes, seconds and milliseconds of a sample, to the nearest.
fn clock(sample: u64, point: char) -> String {
    let millis = millis(sample);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!("{:02}:{:02}:{:02}{point}{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// ASS counts in centiseconds. They are rounded down, so that a caption is there on the frame of its word; the
/// durations of words are differences of rounded times, so that their errors do not add up.
pub(super) fn ass(cues: &[Cue], style: Option<&Ass>) -> String {
    let mut out = header(style);
    let karaoke = style.is_some_and(|style| style.look.style.lights());
    for cue in cues {
        let (start, end) = (centis(cue.start), centis(cue.end));
        let _ = writeln!(
            out,
            "Dialogue: 0,{},{},Words,,0,0,0,,{}",
            ass_clock(start),
            ass_clock(end.max(start + 1)),
            if karaoke {
                lit(cue, start)
            } else {
                text(cue, |word| ass_escape(&word.text)).replace('\n', "\\N")
            }
        );
    }
    out
}

/// Each word with the time until the next one begins.
fn lit(cue: &Cue, start: u64) -> String {
    let words: Vec<&Word> = cue.lines.iter().flatten().collect();
    let mut out = String::new();
    let (mut now, mut index) = (start, 0);
    for (i, line) in cue.lines.iter().enumerate() {
        out.push_str(if i > 0 { "\\N" } else { "" });
        for (k, word) in line.iter().enumerate() {
            let until = words.get(index + 1).map_or(cue.end, |next| next.start);
            let until = centis(until).max(now);
            let space = if k > 0 && !word.joined { " " } else { "" };
            let _ = write!(out, "{space}{{\\k{}}}{}", until - now, ass_escape(&word.text));
            (now, index) = (until, index + 1);
        }
    }
    out
}

fn centis(sample: u64) -> u64 {
    sample * 100 / u64::from(SAMPLE_RATE)
}

fn ass_clock(centis: u64) -> String {
    let seconds = centis / 100;
    format!("{}:{:02}:{:02}.{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60, centis % 100)
}

fn ass_escape(word: &str) -> String {
    // A backslash followed by a zero-width joiner is drawn as itself, whatever letter comes next.
    word.replace('\\', "\\\u{2060}").replace('{', "\\{").replace('}', "\\}")
}

fn header(style: Option<&Ass>) -> String {
    let mut out =
        String::from("[Script Info]\nScriptType: v4.00+\nWrapStyle: 2\nScaledBorderAndShadow: yes\n");
    let (width, height) = style.map_or((1080, 1920), |style| (style.size.width, style.size.height));
    let _ = write!(out, "PlayResX: {width}\nPlayResY: {height}\n\n[V4+ Styles]\n");
    out.push_str(
        "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, \
         Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, \
         MarginL, MarginR, MarginV, Encoding\n",
    );
    out.push_str(&style_line(style));
    out.push_str(
        "\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n",
    );
    out
}

fn style_line(style: Option<&Ass>) -> String {
    let Some(Ass { size, letters, look }) = style else {
        return "Style: Words,sans-serif,80,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,-1,0,0,0,100,100,0,0,1,4,0,\
                2,40,40,120,1\n"
            .into();
    };
    let font = letters.font.first().map_or("sans-serif", String::as_str).replace(',', " ");
    let alignment = match look.position {
        CaptionPosition::Bottom => 2,
        CaptionPosition::Middle => 5,
        CaptionPosition::Top => 8,
    };
    let side = size.width.saturating_sub(letters.width) / 2;
    // With \k, a word goes from the secondary to the primary colour when its time comes.
    let (first, second) = match look.style {
        style if style.lights() => (look.highlight, look.color),
        _ => (look.color, look.color),
    };
    // A border of style 3 is a box in the colour of the outline, as far around as the outline is wide.
    let (border, outline, width) = match look.style {
        CaptionStyle::Box => (3, look.plate, (letters.size / 4).max(1)),
        _ => (1, look.outline, look.outline_width),
    };
    format!(
        "Style: Words,{font},{},{},{},{},&H00000000,{},0,0,0,100,100,0,0,{border},{width},0,{alignment},{side},{side},{},1\n",
        letters.size,
        ass_color(first),
        ass_color(second),
        ass_color(outline),
        if letters.bold { -1 } else { 0 },
        look.margin,
    )
}

fn ass_color(color: Color) -> String {
    let [red, green, blue, opacity] = color.rgba;
    format!("&H{:02X}{blue:02X}{green:02X}{red:02X}", 255 - opacity)
}
