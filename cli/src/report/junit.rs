//! A build as a report of tests, in the form that hosts of builds read: JUnit's XML. It knows a roll, no build.
//!
//! There is no one definition of the form. This keeps to what all readers take: `testsuites` with `testsuite`s, in
//! them a `testcase` for each node, in that nothing, `failure` or `skipped`, and `system-out`. Times are seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use super::roll::{Case, Entries, Fate};
use super::summary::{seconds, tail};
use crate::ui::{add, spell};

/// Lines of a log that are shown.
const LOG_TAIL: usize = 200;

/// Something that is wrong with a project, so that nothing was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where it is, as `reel.yaml:4:12`, or what it is about.
    pub(crate) place: String,
    /// Its code, if it has one.
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// How many of what there are in a suite.
#[derive(Debug, Default)]
struct Sums {
    tests: usize,
    failures: usize,
    skipped: usize,
    time: Duration,
}

/// The report of a build of `project`; `problems` are what kept it from beginning.
pub(crate) fn report(project: &str, entries: &Entries, problems: &[Problem]) -> String {
    let mut suites: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in entries.cases() {
        suites.entry(case.suite()).or_default().push(case);
    }
    let mut sums = Sums { tests: problems.len(), failures: problems.len(), ..Sums::default() };
    entries.cases().for_each(|case| sums.count(case));
    // How long all took, not the sum of what ran at once.
    sums.time = entries.took;
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    add(&mut text, format_args!("<testsuites{}{sums}>\n", attribute("name", project)));
    if !problems.is_empty() {
        let count = problems.len();
        let sums = Sums { tests: count, failures: count, ..Sums::default() };
        add(&mut text, format_args!("  <testsuite{}{sums}>\n", attribute("name", "project")));
        problems.iter().for_each(|problem| text.push_str(&wrong(problem)));
        text.push_str("  </testsuite>\n");
    }
    for (name, cases) in suites {
        let mut sums = Sums::default();
        cases.iter().for_each(|case| sums.count(case));
        add(&mut text, format_args!("  <testsuite{}{sums}>\n", attribute("name", name)));
        cases.iter().for_each(|case| text.push_str(&one(case)));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

impl Sums {
    fn count(&mut self, case: &Case) {
        self.tests += 1;
        self.time += case.fate.took();
        match case.fate {
            Fate::Failed(_) => self.failures += 1,
            Fate::Skipped(_) => self.skipped += 1,
            Fate::Ran(_) | Fate::Found { .. } => {}
        }
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tests, failures, skipped, time } = self;
        let time = seconds(*time);
        write!(
            f,
            " tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time}\""
        )
    }
}

fn one(case: &Case) -> String {
    let Case { node, kind, fate } = case;
    let names = format!("{}{}", attribute("classname", kind), attribute("name", node));
    let open = format!("    <testcase{names} time=\"{}\"", seconds(fate.took()));
    match fate {
        Fate::Ran(_) => format!("{open}/>\n"),
        Fate::Found { saved, .. } => {
            let words = format!("found in the cache; making it took {}", spell(*saved));
            format!("{open}>\n      <system-out>{}</system-out>\n    </testcase>\n", content(&words))
        }
        Fate::Skipped(why) => {
            format!("{open}>\n      <skipped{}/>\n    </testcase>\n", attribute("message", why))
        }
        Fate::Failed(failure) => {
            let code = serde_json::to_value(failure.code).unwrap_or_default();
            let code = code.as_str().unwrap_or("failed");
            let mut body = failure.place.as_ref().map_or_else(String::new, |at| format!("{at}\n"));
            failure.help.iter().for_each(|help| add(&mut body, format_args!("help: {help}\n")));
            let (left_out, lines) = tail(&failure.log, LOG_TAIL);
            if left_out > 0 {
                add(&mut body, format_args!("[{left_out} lines before]\n"));
            }
            lines.iter().for_each(|line| add(&mut body, format_args!("{line}\n")));
            failed(&open, (&failure.message, code), &body)
        }
    }
}

fn wrong(problem: &Problem) -> String {
    let name = format!("{}: {}", problem.place, problem.message);
    let open = format!("    <testcase classname=\"project\"{} time=\"0\"", attribute("name", &name));
    let help = problem.help.as_ref().map_or_else(String::new, |help| format!("help: {help}\n"));
    failed(&open, (&problem.message, problem.code.as_deref().unwrap_or("wrong")), &help)
}

fn failed(open: &str, (message, code): (&str, &str), body: &str) -> String {
    let attributes = format!("{}{}", attribute("message", message), attribute("type", code));
    format!("{open}>\n      <failure{attributes}>{}</failure>\n    </testcase>\n", content(body))
}

/// ` name="value"`.
fn attribute(name: &str, value: &str) -> String {
    // A line break in an attribute would be read as a blank.
    let value = content(value).replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;");
    format!(" {name}=\"{value}\"")
}

/// Text as it may stand in XML; what XML cannot hold at all, such as the escape code of a colour, becomes `�`.
fn content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\t' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use reel_engine::event::{Event, NodeInfo, Observer};
    use reel_engine::id::NodeId;
    use reel_engine::operation::{Failure, FailureCode};

    use super::*;
    use crate::report::roll::Roll;

    fn node(name: &str, kind: &'static str) -> NodeInfo {
        NodeInfo { id: NodeId(0), name: name.to_owned(), kind }
    }

    fn roll() -> Roll {
        let mut roll = Roll::default();
        let took = Duration::from_millis(1250);
        let failure = Failure::of(FailureCode::Crashed, "it said \"no\" & <left>\u{1b}[31m")
            .help("try `again`")
            .log("one\n\ntwo ]]> three\n");
        let events = [
            Event::DidRun { node: node("hook.say.1", "tts"), took, stored: 1 },
            Event::DidHit { node: node("hook.cues", "cues"), fresh: true, shared: false, saved: took },
            Event::DidFail { node: node("grade", "exec"), failure },
            Event::DidSkip { node: node("film.mux", "mux"), reason: "`grade` failed".into() },
        ];
        events.iter().for_each(|event| roll.observe(event));
        roll
    }

    #[test]
    fn every_node_is_a_case_in_the_suite_of_its_scene_or_kind() {
        let entries = roll().entries().clone();
        let text = report("a <film>", &entries, &[]);
        let xml = roxmltree::Document::parse(&text).unwrap();
        let root = xml.root_element();
        let counts = |node: roxmltree::Node<'_, '_>| {
            ["tests", "failures", "skipped"].map(|name| node.attribute(name).unwrap().parse::<u32>().unwrap())
        };
        assert_eq!((root.attribute("name"), counts(root)), (Some("a <film>"), [4, 1, 1]));
        let suites: Vec<_> = root.children().filter(roxmltree::Node::is_element).collect();
        let names: Vec<_> = suites.iter().map(|suite| suite.attribute("name").unwrap()).collect();
        assert_eq!(names, ["exec", "film", "hook"]);
        assert_eq!((suites[2].attribute("time"), counts(suites[2])), (Some("1.25"), [2, 0, 0]));
        let failure = xml.descendants().find(|node| node.has_tag_name("failure")).unwrap();
        assert_eq!(failure.attribute("message"), Some("it said \"no\" & <left>\u{fffd}[31m"));
        assert_eq!(failure.attribute("type"), Some("crashed"));
        assert_eq!(failure.text(), Some("help: try `again`\none\ntwo ]]> three\n"));
        let skipped = xml.descendants().find(|node| node.has_tag_name("skipped")).unwrap();
        assert_eq!(skipped.attribute("message"), Some("`grade` failed"));
    }

    #[test]
    fn what_is_wrong_with_a_project_is_a_case_each() {
        let problem = Problem {
            place: "reel.yaml:3:1".into(),
            code: Some("R008".into()),
            message: "no kind is called `x`".into(),
            help: Some("did you mean `y`?".into()),
        };
        let text = report("film", &Entries::default(), &[problem]);
        let xml = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(xml.root_element().attribute("failures"), Some("1"));
        let failure = xml.descendants().find(|node| node.has_tag_name("failure")).unwrap();
        assert_eq!(
            (failure.attribute("type"), failure.text()),
            (Some("R008"), Some("help: did you mean `y`?\n"))
        );
    }
}
