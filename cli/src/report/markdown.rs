//! A build as a page in Markdown, for whoever reads about it on a forge: what is there, what changed, what it cost,
//! what failed. It is given what is known, and knows neither project nor terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use super::junit::Problem;
use super::roll::{Case, Entries, Fate};
use super::summary::{adding_up, tail};
use crate::ui::{add, bytes, count, spell};

/// Rows of a table, and failures, that are shown; a host takes no more than a mebibyte.
const ROWS: usize = 50;
/// Lines of a log that are shown.
const LOG_TAIL: usize = 40;
/// The most of a graph in characters that forges draw.
const DRAWN: usize = 45_000;

/// An output that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// Where it is, from the project's folder.
    pub(crate) file: String,
    /// Bytes, if it is there.
    pub(crate) bytes: Option<u64>,
    /// How long it lasts, if it says so.
    pub(crate) lasts: Option<Duration>,
    /// How it came to be what it is.
    pub(crate) state: &'static str,
}

/// What a page is made of beside what became of the nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// The name of the project.
    pub(crate) project: String,
    /// Outputs, in the order written.
    pub(crate) outputs: Vec<Row>,
    /// What changed, a line for each first cause, in Markdown.
    pub(crate) changes: Vec<String>,
    /// What that set off, in a line.
    pub(crate) effects: Option<String>,
    /// The graph in Mermaid, in the finest of several forms that forges still draw.
    pub(crate) graph: Option<String>,
    /// What kept the build from beginning.
    pub(crate) problems: Vec<Problem>,
}

impl Page {
    /// All of it.
    pub(crate) fn text(&self, entries: &Entries) -> String {
        let mut text = self.head(entries);
        text.push_str(&self.faults());
        text.push_str(&failures(entries));
        text.push_str(&self.table_of_outputs());
        text.push_str(&self.what_changed(entries));
        text.push_str(&cost(entries));
        if let Some(graph) = self.graph.as_ref().filter(|graph| graph.len() <= DRAWN) {
            add(&mut text, format_args!("### Graph\n\n{}\n", fenced("mermaid", graph)));
        }
        if !entries.warnings.is_empty() {
            text.push_str("### Warnings\n\n");
            text.push_str(&items(entries.warnings.iter().map(|warning| inline(warning))));
        }
        text
    }

    fn head(&self, entries: &Entries) -> String {
        let (word, line) = match &entries.end {
            None => ("not built", format!("{}; nothing ran.", count(self.problems.len(), "problem"))),
            Some(end) => {
                let word = match (end.interrupted, end.is_success()) {
                    (true, _) => "interrupted",
                    (false, true) => "built",
                    (false, false) => "failed",
                };
                (word, format!("{} in {}", adding_up(end.tally), spell(entries.took)))
            }
        };
        format!("## {}: {word}\n\n{line}\n\n", inline(&self.project))
    }

    fn faults(&self) -> String {
        let mut text = String::new();
        for Problem { place, code, message, help } in self.problems.iter().take(ROWS) {
            let code = code.as_ref().map_or_else(String::new, |code| format!(" ({code})"));
            add(&mut text, format_args!("- {}{code}: {}\n", verbatim(place), inline(message)));
            if let Some(help) = help {
                add(&mut text, format_args!("  help: {}\n", inline(help)));
            }
        }
        text.push_str(&more(self.problems.len(), "problems"));
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn table_of_outputs(&self) -> String {
        if self.outputs.is_empty() {
            return String::new();
        }
        let row = |row: &Row| {
            let size = row.bytes.map_or_else(String::new, bytes);
            let lasts = row.lasts.map_or_else(String::new, spell);
            vec![cell(&row.name), cell(&row.file), size, lasts, row.state.to_owned()]
        };
        let rows: Vec<_> = self.outputs.iter().take(ROWS).map(row).collect();
        let table = table(&["output", "file", "size", "lasts", ""], &rows);
        format!("### Outputs\n\n{table}{}\n", more(self.outputs.len(), "outputs"))
    }

    fn what_changed(&self, entries: &Entries) -> String {
        if entries.end.is_none() {
            return String::new();
        }
        let mut text = String::from("### What changed\n\n");
        if self.changes.is_empty() {
            text.push_str("Nothing: all is as it was the last time.\n\n");
            return text;
        }
        text.push_str(&items(self.changes.iter().take(ROWS).cloned()));
        text.push_str(&more(self.changes.len(), "changes"));
        if let Some(effects) = &self.effects {
            add(&mut text, format_args!("Set off: {}\n\n", inline(effects)));
        }
        text
    }
}

/// Seconds that were spent and saved, by kind, what cost most first.
fn cost(entries: &Entries) -> String {
    let mut kinds: BTreeMap<&str, Spent> = BTreeMap::new();
    let mut all = Spent::default();
    for case in entries.cases() {
        all.add(case);
        kinds.entry(case.kind).or_default().add(case);
    }
    if all.ran + all.found == 0 {
        return String::new();
    }
    let (found, looked) = (all.found, all.ran + all.found);
    let mut text = String::from("### Cost\n\n");
    let percent = found as f64 / looked as f64 * 100.0;
    add(
        &mut text,
        format_args!(
            "{} spent, {} saved; hit rate {percent:.1} % ({found} of {})\n\n",
            spell(all.spent),
            spell(all.saved),
            count(looked, "result"),
        ),
    );
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, it)| (std::cmp::Reverse((it.spent, it.saved)), *kind));
    let row = |(kind, it): &(&str, Spent)| {
        vec![cell(kind), it.ran.to_string(), it.found.to_string(), spell(it.spent), spell(it.saved)]
    };
    let rows: Vec<_> = kinds.iter().take(ROWS).map(row).collect();
    text.push_str(&table(&["kind", "ran", "cached", "spent", "saved"], &rows));
    text.push('\n');
    text
}

#[derive(Debug, Default)]
struct Spent {
    ran: usize,
    found: usize,
    spent: Duration,
    saved: Duration,
}

impl Spent {
    fn add(&mut self, case: &Case) {
        match &case.fate {
            Fate::Ran(took) => {
                self.ran += 1;
                self.spent += *took;
            }
            Fate::Found { saved, .. } => {
                self.found += 1;
                self.saved += *saved;
            }
            Fate::Failed(_) | Fate::Skipped(_) => {}
        }
    }
}

fn failures(entries: &Entries) -> String {
    let all: Vec<_> = entries.failures().collect();
    let mut text = String::new();
    for (case, failure) in all.iter().take(ROWS) {
        let (node, kind) = (verbatim(&case.node), case.kind);
        let place = failure.place.as_ref().map_or_else(String::new, |at| format!("{}: ", verbatim(at)));
        let message = inline(&failure.message);
        add(&mut text, format_args!("### {node} ({kind}) failed\n\n{place}{message}\n\n"));
        if let Some(help) = &failure.help {
            add(&mut text, format_args!("help: {}\n\n", inline(help)));
        }
        let (left_out, lines) = tail(&failure.log, LOG_TAIL);
        if !lines.is_empty() {
            let left_out = if left_out > 0 { format!(" ({left_out} lines before)") } else { String::new() };
            let log = fenced("text", &lines.join("\n"));
            add(
                &mut text,
                format_args!("<details><summary>log{left_out}</summary>\n\n{log}\n</details>\n\n"),
            );
        }
    }
    text.push_str(&more(all.len(), "failures"));
    text
}

fn items(lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("- {line}\n")).collect();
    lines + "\n"
}

fn more(number: usize, what: &str) -> String {
    if number > ROWS { format!("and {} more {what}\n\n", number - ROWS) } else { String::new() }
}

fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        add(&mut text, format_args!("| {} |\n", row.join(" | ")));
    }
    text
}

/// A name in a table.
fn cell(name: &str) -> String {
    verbatim(name).replace('|', "\\|")
}

/// Text that is shown as it is, in a line: between as many backticks as do not stand in it.
pub(crate) fn verbatim(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(longest + 1);
    let blank = if longest > 0 { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

/// A message in a line: what stands between its backticks is shown as it is, and in the rest nothing means more than
/// it says.
pub(crate) fn inline(message: &str) -> String {
    let parts: Vec<&str> = message.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // A backtick that has no other is no mark.
        return plain(message);
    }
    let part = |(index, part): (usize, &&str)| if index % 2 == 1 { verbatim(part) } else { plain(part) };
    parts.iter().enumerate().map(part).collect()
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Lines that are shown as they are.
fn fenced(language: &str, text: &str) -> String {
    let ticks = |line: &str| line.trim_start().chars().take_while(|c| *c == '`').count();
    let fence = "`".repeat(text.lines().map(ticks).max().unwrap_or(0).max(2) + 1);
    let shown: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    format!("{fence}{language}\n{}\n{fence}\n", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use reel_engine::event::{Event, NodeInfo, Observer};
    use reel_engine::id::NodeId;
    use reel_engine::operation::Failure;
    use reel_engine::schedule::state::Tally;
    use reel_engine::session::Summary;

    use super::*;
    use crate::report::roll::Roll;
    use crate::report::{End, Report};

    fn node(name: &str, kind: &'static str) -> NodeInfo {
        NodeInfo { id: NodeId(0), name: name.to_owned(), kind }
    }

    fn built(ok: bool) -> Entries {
        let mut roll = Roll::default();
        let time = Duration::from_millis;
        let mut events = vec![
            Event::DidRun { node: node("hook.say.1", "tts"), took: time(1250), stored: 1 },
            Event::DidHit { node: node("hook.cues", "cues"), fresh: true, shared: false, saved: time(20) },
            Event::DidHit { node: node("film.mix", "mix"), fresh: false, shared: false, saved: time(3200) },
        ];
        let failure =
            Failure::new("the command ended with exit code 3: <b>no</b>").help("see `reel log grade`");
        let failure = failure.log((1..=60).map(|n| format!("line {n}\n")).collect::<String>() + "```\n");
        if !ok {
            events.push(Event::DidFail { node: node("grade", "exec"), failure });
            events.push(Event::DidSkip { node: node("film.mux", "mux"), reason: "`grade` failed".into() });
        }
        events.iter().for_each(|event| roll.observe(event));
        let tally = Tally { planned: 5, ran: 1, cached: 2, skipped: 1, failed: 1 };
        let tally = if ok { Tally { planned: 3, skipped: 0, failed: 0, ..tally } } else { tally };
        let summary = Summary {
            tally,
            outputs: Vec::new(),
            missing: Vec::new(),
            unknown: Vec::new(),
            interrupted: false,
            superseded: false,
            files: Vec::new(),
            changed: Vec::new(),
            texts: Vec::new(),
        };
        roll.finish(&End::new(&summary, time(2400)));
        roll.entries().clone()
    }

    #[test]
    fn a_build_is_told_on_a_page() {
        let page = Page {
            project: "my_film".into(),
            outputs: vec![
                Row {
                    name: "short".into(),
                    file: "out/short.mp4".into(),
                    bytes: Some(3 << 20),
                    lasts: Some(Duration::from_millis(31_400)),
                    state: "new",
                },
                Row {
                    name: "a|b".into(),
                    file: "out/a.srt".into(),
                    bytes: None,
                    lasts: None,
                    state: "not made",
                },
            ],
            changes: vec!["`hook.say.1`: input `text`: \"sun\" → \"moon\" (reel.yaml:24)".into()],
            effects: Some("1 node ran: film.mix; output short".into()),
            graph: Some("flowchart LR\n  n0[\"a\"]\n".into()),
            problems: Vec::new(),
        };
        insta::assert_snapshot!(page.text(&built(true)));
    }

    #[test]
    fn a_failure_is_told_with_its_help_and_the_end_of_its_log() {
        let page = Page { project: "film".into(), ..Page::default() };
        let text = page.text(&built(false));
        assert!(text.starts_with(
            "## film: failed\n\nplanned 5 = ran 1 + cached 2 + skipped 1 + failed 1 in 2.4 s\n"
        ));
        assert!(
            text.contains("### `grade` (exec) failed\n\nthe command ended with exit code 3: &lt;b&gt;no"),
            "{text}"
        );
        assert!(text.contains("help: see `reel log grade`\n"), "{text}");
        assert!(text.contains("<summary>log (21 lines before)</summary>\n\n````text\nline 22\n"), "{text}");
        assert!(text.contains("```\n````\n\n</details>"), "a log does not end its own fence: {text}");
    }

    #[test]
    fn what_kept_a_build_from_beginning_is_told() {
        let problem = Problem {
            place: "reel.yaml:3".into(),
            code: Some("R008".into()),
            message: "no kind is called `x`".into(),
            help: None,
        };
        let page = Page { project: "film".into(), problems: vec![problem], ..Page::default() };
        let text = page.text(&Entries::default());
        assert_eq!(
            text,
            "## film: not built\n\n1 problem; nothing ran.\n\n- `reel.yaml:3` (R008): no kind is called `x`\n\n"
        );
    }

    #[test]
    fn a_page_stays_small() {
        let changes = (0..400).map(|n| format!("change {n}")).collect();
        let page = Page { changes, graph: Some("x".repeat(DRAWN + 1)), ..Page::default() };
        let text = page.text(&built(true));
        assert!(text.contains("and 350 more changes") && !text.contains("mermaid"), "{text}");
    }

    #[test]
    fn words_mean_no_more_than_they_say() {
        assert_eq!(inline("a*b <i> `x*y` [z](u)"), "a\\*b &lt;i&gt; `x*y` \\[z\\](u)");
        assert_eq!(inline("one ` tick\nand more"), "one \\` tick and more");
        assert_eq!(verbatim("a`b"), "`` a`b ``");
        assert_eq!(fenced("text", "````\nx"), "`````text\n````\nx\n`````\n");
    }
}
