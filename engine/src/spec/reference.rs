//! `${…}` in texts: what is a reference, and what only looks like one. It knows no node and no variable.

use super::checked::InputSource;
use super::instances::is_label;

/// One `${…}` of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole<'a> {
    /// The byte of its `$`.
    pub(super) start: usize,
    /// The byte after its `}`.
    pub(super) end: usize,
    /// What stands between the braces.
    pub(super) body: &'a str,
}

/// Every `${…}` of a text, in order; `$${` is none, nor is one without an end.
pub(super) fn holes(text: &str) -> impl Iterator<Item = Hole<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find("${")?;
            let body_start = start + 2;
            from = body_start;
            if text[..start].ends_with('$') {
                continue;
            }
            let length = text[body_start..].find('}')?;
            from = body_start + length + 1;
            return Some(Hole { start, end: from, body: &text[body_start..body_start + length] });
        }
    })
}

/// Whether a `${` of a text has no end. `$${` is none.
pub(super) fn is_unclosed(text: &str) -> bool {
    let after = holes(text).last().map_or(0, |hole| hole.end);
    let mut starts = text[after..].match_indices("${").map(|(at, _)| after + at);
    starts.any(|start| !text[..start].ends_with('$'))
}

/// What a text refers to, if it is one reference and nothing else: `${node.port}` or `${self.slot}`. The port is
/// what follows the last dot, since names of made nodes have dots in them.
#[must_use]
pub fn parse_reference(text: &str) -> Option<InputSource> {
    let hole = holes(text).next()?;
    if hole.start != 0 || hole.end != text.len() {
        return None;
    }
    named(hole.body)
}

/// What stands between the braces, if it is a node and a port.
pub(super) fn named(body: &str) -> Option<InputSource> {
    if !is_reference(body) {
        return None;
    }
    let (node, port) = body.rsplit_once('.')?;
    if variable(body).is_some() || node.is_empty() || port.is_empty() {
        return None;
    }
    match body.strip_prefix("self.") {
        Some(slot) => Some(InputSource::SelfSlot(slot.to_owned())),
        None => Some(InputSource::Reference { node: node.to_owned(), port: port.to_owned() }),
    }
}

/// Whether a text has only characters that can name a node and its port: labels of instances between brackets.
fn is_reference(body: &str) -> bool {
    let mut inside = false;
    body.chars().all(|c| match c {
        '[' | ']' => {
            let opens = c == '[';
            let right = opens != inside;
            inside = opens;
            right
        }
        ',' => inside,
        '_' | '-' => true,
        '.' | '/' => !inside,
        _ if inside => is_label(c),
        _ => c.is_ascii_alphanumeric(),
    }) && !inside
}

/// Scope and name, if this is a variable and no reference.
pub(super) fn variable(body: &str) -> Option<(&str, &str)> {
    let (scope, name) = body.split_once('.')?;
    matches!(scope, "vars" | "env").then_some((scope, name))
}

/// The first reference inside a text that may be longer.
pub(super) fn inside(text: &str) -> Option<&str> {
    holes(text).find(|hole| named(hole.body).is_some()).map(|hole| &text[hole.start..hole.end])
}

/// A text as it is meant: `$${` stands for `${`.
pub(crate) fn unescape(text: &str) -> String {
    text.replace("$${", "${")
}

/// A text that the check will take for itself, whatever is in it: for nodes that a program writes.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

/// Whether a text can name a node or an output: a letter or `_`, then letters, digits, `_` and `-`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference(node: &str, port: &str) -> Option<InputSource> {
        Some(InputSource::Reference { node: node.into(), port: port.into() })
    }

    #[test]
    fn the_port_follows_the_last_dot() {
        assert_eq!(parse_reference("${voice.audio}"), reference("voice", "audio"));
        assert_eq!(parse_reference("${square/hook.say.1.audio}"), reference("square/hook.say.1", "audio"));
        assert_eq!(parse_reference("${voice[de,9x16].audio}"), reference("voice[de,9x16]", "audio"));
        assert_eq!(parse_reference("${[dé,1]/hook.say.1.audio}"), reference("[dé,1]/hook.say.1", "audio"));
        assert_eq!(parse_reference("${self.in.clip.mp4}"), Some(InputSource::SelfSlot("in.clip.mp4".into())));
        for text in [
            "",
            "voice.audio",
            "${voice}",
            "${.audio}",
            "${voice.}",
            "a ${b.c}",
            "${b.c} ",
            "$${b.c}",
            "${a b.c}",
            "${b.c",
            "${vars.a}",
            "${env.A}",
            "${a[b.c}",
            "${a]b.c}",
            "${a[b.c].d}",
        ] {
            assert_eq!(parse_reference(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_names_a_port_is_a_reference_inside_a_text() {
        assert_eq!(inside("say ${a.b} now"), Some("${a.b}"));
        assert_eq!(inside("echo ${HOME} $${a.b} ${a,b.c} ${"), None);
    }

    #[test]
    fn what_begins_and_never_ends_is_told_apart() {
        for text in ["${", "a ${b", "${a.b} ${c", "$${a} ${b", "${a ${b"] {
            assert!(is_unclosed(text), "{text}");
        }
        for text in ["", "${a}", "${a ${b}", "$${a", "$ {", "$5 {", "${}"] {
            assert!(!is_unclosed(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_out_as_it_was(text in "[a$.{}é ]*") {
            let escaped = escape(&text);
            prop_assert_eq!(inside(&escaped), None);
            if !text.contains("$${") {
                prop_assert_eq!(unescape(&escaped), text);
            }
        }
    }
}
