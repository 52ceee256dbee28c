//! What is different, in words and as JSON. It finds nothing out.

use std::path::Path;

use reel_nodes::film::compare::{Caption, Range, Report, Side};
use reel_nodes::text::read_back::Subtitle;
use serde_json::{Value, json};

use super::sides::Sides;
use crate::open::Invocation;
use crate::report::summary::shown_from;
use crate::ui::{Paint, add, count};

/// Ranges and captions that are shown without asking for more.
const SHOWN: usize = 12;

/// For people.
pub(super) fn text(
    call: &Invocation,
    sides: &Sides,
    report: &Report,
    (clip, wanted): (Option<&Path>, bool),
) -> String {
    let paint = call.ui.out();
    let teller = Teller { report, paint, whole: call.global.verbose };
    let mut text = format!("{}\n", paint.bold(&sides.title));
    teller.facts(&mut text);
    teller.ranges(&mut text, "pictures", "seen", &report.pictures);
    teller.ranges(&mut text, "sound", "heard", &report.sound);
    teller.captions(&mut text);
    if report.same {
        text.push_str("  the same: nothing that is seen, heard or read is different\n");
    }
    if report.as_good_as_same > 0 {
        let frames = count(report.as_good_as_same as usize, "frame");
        let line = format!("{frames} encoded otherwise, with nothing to be seen of it");
        add(&mut text, format_args!("  {}\n", paint.dim(&line)));
    }
    match clip {
        Some(path) => {
            let path = shown_from(&call.config.here, path);
            add(&mut text, format_args!("{}  {path}\n", paint.good("clip")));
        }
        None if wanted => {
            add(&mut text, format_args!("{}  no pictures differ: no clip was written\n", paint.warn("none")));
        }
        None => {}
    }
    text
}

struct Teller<'a> {
    report: &'a Report,
    paint: Paint,
    whole: bool,
}

impl Teller<'_> {
    /// What of both as a whole is different.
    fn facts(&self, text: &mut String) {
        let (one, other) = (&self.report.one, &self.report.other);
        let mut fact = |name: &str, before: String, after: String| {
            if before != after {
                add(text, format_args!("  {name:<10}{before} → {after}\n"));
            }
        };
        let size = |side: &Side| side.size.map_or_else(|| "none".to_owned(), |(w, h)| format!("{w}x{h}"));
        let fps = |side: &Side| side.fps.map_or_else(|| "none".to_owned(), rate);
        fact("length", seconds(one.duration), seconds(other.duration));
        fact("size", size(one), size(other));
        fact("fps", fps(one), fps(other));
        fact("loudness", loudness(one.lufs), loudness(other.lufs));
    }

    fn ranges(&self, text: &mut String, name: &str, how: &str, ranges: &[Range]) {
        if ranges.is_empty() {
            return;
        }
        let number = count(ranges.len(), "range");
        add(text, format_args!("  {name:<10}{number} {how} differently\n"));
        for range in ranges.iter().take(self.limit()) {
            let (one, other) = (self.span(range.one), self.span(range.other));
            let mut line = if range.one == range.other { one } else { format!("{one} → {other}") };
            if let Some((mean, least)) = range.ssim {
                add(&mut line, format_args!(", SSIM {} (least {})", index(mean), index(least)));
            }
            match range.lufs {
                (None, None) => {}
                (one, other) if one == other => add(&mut line, format_args!(", {}", loudness(one))),
                (one, other) => add(&mut line, format_args!(", {} → {}", loudness(one), loudness(other))),
            }
            add(text, format_args!("      {line}\n"));
        }
        self.more(text, ranges.len());
    }

    fn captions(&self, text: &mut String) {
        let report = self.report;
        if !report.captions.is_empty() {
            let number = count(report.captions.len(), "text");
            add(text, format_args!("  {:<10}{number} read differently\n", "captions"));
        }
        for Caption { one, other } in report.captions.iter().take(self.limit()) {
            let line = |caption: &Subtitle| {
                format!("{} {}", millis(caption.start), caption.text.replace('\n', " / "))
            };
            if let Some(one) = one {
                add(text, format_args!("    {} {}\n", self.paint.bad("-"), line(one)));
            }
            if let Some(other) = other {
                add(text, format_args!("    {} {}\n", self.paint.good("+"), line(other)));
            }
        }
        self.more(text, report.captions.len());
        if report.retimed > 0 {
            let number = count(report.retimed as usize, "text");
            add(text, format_args!("  {:<10}{number} at another time\n", "captions"));
        }
    }

    const fn limit(&self) -> usize {
        if self.whole { usize::MAX } else { SHOWN }
    }

    fn more(&self, text: &mut String, number: usize) {
        if number > self.limit() {
            let rest = format!("and {} more; --verbose lists them", number - SHOWN);
            add(text, format_args!("      {}\n", self.paint.dim(&rest)));
        }
    }

    /// A stretch of one side: times, and frames where there are pictures.
    fn span(&self, (from, to): (u64, u64)) -> String {
        let at = |frame| seconds(micros(self.report, frame));
        let times = if from == to {
            format!("nothing at {}", at(from))
        } else {
            format!("{} to {}", at(from), at(to))
        };
        match self.report.one.fps {
            Some(_) if from < to => format!("{times} (frames {from} to {})", to - 1),
            _ => times,
        }
    }
}

/// Where a frame begins.
fn micros(report: &Report, frame: u64) -> u64 {
    frame * 1_000_000 * u64::from(report.fps.1) / u64::from(report.fps.0.max(1))
}

fn seconds(micros: u64) -> String {
    millis((micros + 500) / 1000)
}

fn millis(millis: u64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

fn rate((num, den): (u32, u32)) -> String {
    if den == 1 { num.to_string() } else { format!("{num}/{den}") }
}

fn loudness(hundredths: Option<i32>) -> String {
    hundredths.map_or_else(|| "silence".to_owned(), |lufs| format!("{:.1} LUFS", f64::from(lufs) / 100.0))
}

/// Millionths as a number: cut off, so that what is not the same never reads as if it were.
fn index(millionths: u32) -> String {
    format!("{}.{:03}", millionths / 1_000_000, millionths % 1_000_000 / 1000)
}

/// For programs.
pub(super) fn json(sides: &Sides, report: &Report, clip: Option<&Path>) -> Value {
    let side = |name: &str, side: &Side| {
        json!({
            "name": name,
            "seconds": side.duration as f64 / 1e6,
            "size": side.size.map(|(width, height)| format!("{width}x{height}")),
            "fps": side.fps.map(rate),
            "lufs": side.lufs.map(|lufs| f64::from(lufs) / 100.0),
        })
    };
    let ranges = |ranges: &[Range]| -> Vec<Value> { ranges.iter().map(|it| range(report, it)).collect() };
    let captions: Vec<Value> = report
        .captions
        .iter()
        .map(|it| json!({ "one": it.one.as_ref().map(caption), "other": it.other.as_ref().map(caption) }))
        .collect();
    json!({
        "event": "diff",
        "same": report.same,
        "one": side(&sides.one.name, &report.one),
        "other": side(&sides.other.name, &report.other),
        "pictures": ranges(&report.pictures),
        "sound": ranges(&report.sound),
        "captions": captions,
        "captions-at-another-time": report.retimed,
        "frames-encoded-otherwise": report.as_good_as_same,
        "clip": clip.map(|path| path.display().to_string()),
    })
}

fn range(report: &Report, range: &Range) -> Value {
    let span = |(from, to): (u64, u64), lufs: Option<i32>| {
        let at = |frame| micros(report, frame) as f64 / 1e6;
        json!({
            "from-frame": from, "to-frame": to, "from-seconds": at(from), "to-seconds": at(to),
            "lufs": lufs.map(|lufs| f64::from(lufs) / 100.0),
        })
    };
    let ssim = |millionths: u32| f64::from(millionths) / 1e6;
    json!({
        "one": span(range.one, range.lufs.0),
        "other": span(range.other, range.lufs.1),
        "ssim": range.ssim.map(|(mean, _)| ssim(mean)),
        "least-ssim": range.ssim.map(|(_, least)| ssim(least)),
    })
}

fn caption(caption: &Subtitle) -> Value {
    let seconds = |millis: u64| millis as f64 / 1000.0;
    json!({
        "from-seconds": seconds(caption.start), "to-seconds": seconds(caption.end), "text": caption.text,
    })
}
