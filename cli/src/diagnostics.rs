//! Problems in the user's files, drawn for people or written for programs. It knows no project and no command.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use reel_engine::diagnostic::{Diagnostic, Label, Severity};
use reel_engine::span::Sources;
use serde_json::{Value, json};

use crate::ui::{Paint, count};

/// Columns that a drawing may take.
const WIDTH: usize = 120;

/// All problems, each with its place, and a line that counts them.
pub(crate) fn draw(problems: &[Diagnostic], sources: &Sources, paint: Paint) -> String {
    let mut out = String::new();
    for problem in problems {
        out.push_str(&draw_one(problem, sources, paint));
        out.push_str("\n\n");
    }
    out.push_str(&tally(problems, paint));
    out.push('\n');
    out
}

/// `2 errors`, `1 error, 1 warning`.
fn tally(problems: &[Diagnostic], paint: Paint) -> String {
    let of = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(paint.bad(&count(errors, "error")));
    }
    if warnings > 0 {
        parts.push(paint.warn(&count(warnings, "warning")));
    }
    parts.join(", ")
}

/// One problem with its place.
pub(crate) fn draw_one(problem: &Diagnostic, sources: &Sources, paint: Paint) -> String {
    if problem.labels.is_empty() {
        return without_place(problem, paint);
    }
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str()).id(problem.code.0);
    let mut group = Group::with_title(title);
    for (source, labels) in by_source(&problem.labels) {
        let Some(file) = sources.get(source) else { continue };
        let annotations = labels.iter().map(|(index, label)| {
            let kind = if *index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(range(&file.text, label));
            if label.message.is_empty() { annotation } else { annotation.label(label.message.as_str()) }
        });
        let snippet = Snippet::source(&*file.text).path(file.path.to_string_lossy().into_owned());
        group = group.element(snippet.annotations(annotations));
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if paint.0 { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(WIDTH).render(&[group])
}

/// A problem that no line of a file is to blame for.
fn without_place(problem: &Diagnostic, paint: Paint) -> String {
    let head = match problem.severity {
        Severity::Error => paint.bad(&format!("error[{}]", problem.code.0)),
        Severity::Warning => paint.warn(&format!("warning[{}]", problem.code.0)),
    };
    let help = problem.help.as_ref().map(|help| format!("\n  = {}: {help}", paint.help("help")));
    format!("{head}: {}{}", problem.message, help.unwrap_or_default())
}

/// Labels by file, the file of the first label first; each with its position.
fn by_source(labels: &[Label]) -> Vec<(reel_engine::span::SourceId, Vec<(usize, &Label)>)> {
    let mut found: Vec<(_, Vec<(usize, &Label)>)> = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        match found.iter_mut().find(|(source, _)| *source == label.span.source) {
            Some((_, members)) => members.push((index, label)),
            None => found.push((label.span.source, vec![(index, label)])),
        }
    }
    found
}

/// The bytes under the caret: the first line of the place, at least one character, inside the text.
fn range(text: &str, label: &Label) -> std::ops::Range<usize> {
    let inside =
        |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = inside(label.span.start as usize);
    let end = inside(label.span.end as usize).max(start);
    let line = text[start..end].find('\n').map_or(end, |line| start + line);
    if line > start {
        return start..line;
    }
    let one = text[start..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    start..start + one
}

/// One problem as an object of the event stream.
pub(crate) fn json(problem: &Diagnostic, sources: &Sources) -> Value {
    let place = problem.labels.first().and_then(|label| {
        let (line, column) = sources.line_column(label.span)?;
        Some((sources.get(label.span.source)?.path.to_string_lossy().into_owned(), line, column))
    });
    let (file, line, column) = match place {
        Some((file, line, column)) => (Some(file), Some(line), Some(column)),
        None => (None, None, None),
    };
    json!({
        "event": "diagnostic",
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "file": file,
        "line": line,
        "column": column,
        "help": problem.help,
    })
}

#[cfg(test)]
mod tests {
    use reel_engine::diagnostic::code;
    use reel_engine::span::Span;

    use super::*;

    const TEXT: &str = "version: 1\nnodes:\n  grade: { uses: grade, with: { in: \"${music.audio}\" } }\n  music: { uses: mix }\n";

    fn span(sources: &mut Sources, what: &str) -> Span {
        let source = sources.add("reel.yaml".into(), TEXT.into());
        let start = TEXT.find(what).unwrap() as u32;
        Span { source, start, end: start + what.len() as u32 }
    }

    fn sample() -> (Diagnostic, Sources) {
        let mut sources = Sources::default();
        let place = span(&mut sources, "\"${music.audio}\"");
        let other = Span {
            start: TEXT.find("music:").unwrap() as u32,
            end: TEXT.find("music:").unwrap() as u32 + 5,
            ..place
        };
        let message = "node `grade` wants `video` on port `in`, but `music` gives `audio`";
        let problem = Diagnostic::error(code::PORT_TYPE, place, message)
            .label("this is `audio`")
            .also(other, "made here")
            .help("use a node with a `video` output, such as `clip`");
        (problem, sources)
    }

    #[test]
    fn a_problem_is_drawn_with_its_line_and_a_caret() {
        let (problem, sources) = sample();
        insta::assert_snapshot!(draw(&[problem], &sources, Paint(false)), @r#"
        error[R012]: node `grade` wants `video` on port `in`, but `music` gives `audio`
         --> reel.yaml:3:37
          |
        3 |   grade: { uses: grade, with: { in: "${music.audio}" } }
          |                                     ^^^^^^^^^^^^^^^^ this is `audio`
        4 |   music: { uses: mix }
          |   ----- made here
          |
          = help: use a node with a `video` output, such as `clip`

        1 error
        "#);
    }

    #[test]
    fn two_problems_are_counted() {
        let (problem, sources) = sample();
        let general = Diagnostic::general(code::NO_PROJECT, "there is no `reel.yaml` here");
        let drawn = draw(&[problem, general], &sources, Paint(false));
        assert!(drawn.ends_with("\n2 errors\n"), "{drawn}");
        assert!(drawn.contains("error[R026]: there is no `reel.yaml` here"), "{drawn}");
    }

    #[test]
    fn no_place_is_ever_outside_the_text() {
        let text = "a: ü\n";
        let mut sources = Sources::default();
        let source = sources.add("reel.yaml".into(), text.into());
        for start in 0..9 {
            for end in 0..9 {
                let problem = Diagnostic::error(code::YAML, Span { source, start, end }, "x");
                assert!(draw_one(&problem, &sources, Paint(false)).contains("error[R001]: x"));
            }
        }
    }

    #[test]
    fn programs_get_file_line_and_column() {
        let (problem, sources) = sample();
        let told = json(&problem, &sources);
        assert_eq!(
            (&told["file"], &told["line"], &told["column"]),
            (&json!("reel.yaml"), &json!(3), &json!(37))
        );
        assert_eq!(told["code"], "R012");
        assert_eq!(told["severity"], "error");
    }
}
