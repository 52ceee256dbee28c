//! The text of a drawing before anything is drawn: its places filled in, what it says, whether it is SVG at all.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

/// The namespace of SVG (<https://www.w3.org/TR/SVG2/struct.html#Namespace>).
const SVG: &str = "http://www.w3.org/2000/svg";

/// Elements whose text is drawn only where something else uses them.
const UNUSED: [&str; 8] =
    ["defs", "symbol", "clipPath", "mask", "pattern", "marker", "linearGradient", "radialGradient"];

/// A drawing with every `{{name}}` replaced by its value, escaped for XML.
///
/// # Errors
/// A name without a value, or a value without a name.
pub fn filled_in(source: &str, set: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(source.len());
    let mut unused: Vec<&String> = set.keys().collect();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        let Some(value) = set.get(name.trim()) else {
            let known = set.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "nothing".to_owned() } else { known };
            return Err(format!("`{{{{{name}}}}}` in it has no value: `set` gives {known}"));
        };
        unused.retain(|key| key.as_str() != name.trim());
        filled.push_str(before);
        for c in value.chars() {
            match c {
                '&' => filled.push_str("&amp;"),
                '<' => filled.push_str("&lt;"),
                '>' => filled.push_str("&gt;"),
                '"' => filled.push_str("&quot;"),
                '\'' => filled.push_str("&apos;"),
                c => filled.push(c),
            }
        }
        rest = behind;
    }
    filled.push_str(rest);
    match unused.first() {
        Some(name) => Err(format!("`set` gives `{name}`, but there is no `{{{{{name}}}}}` in it")),
        None => Ok(filled),
    }
}

/// The text that a drawing shows for certain. What style sheets may hide is left out: the run knows it.
///
/// # Errors
/// Why it is no SVG.
pub(super) fn shown_text(source: &str) -> Result<String, String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(source, options).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if !root.has_tag_name((SVG, "svg")) {
        let name = root.tag_name().name();
        return Err(format!("it begins with `<{name}>`, not with `<svg xmlns=\"{SVG}\">`"));
    }
    if document.descendants().any(|node| node.has_tag_name((SVG, "style"))) {
        return Ok(String::new());
    }
    let is_text = |node: &Node<'_, '_>| node.has_tag_name((SVG, "text")) && !is_hidden(*node);
    let texts = document.descendants().filter(is_text);
    let said = texts.flat_map(|text| text.descendants().filter(Node::is_text).filter_map(|node| node.text()));
    Ok(said.collect())
}

/// Whether something around an element, or it itself, keeps it from being drawn.
fn is_hidden(node: Node<'_, '_>) -> bool {
    node.ancestors().filter(Node::is_element).any(|around| {
        let hides = |name: &str| matches!(around.attribute(name), Some("none" | "hidden" | "collapse"));
        UNUSED.contains(&around.tag_name().name())
            || hides("display")
            || hides("visibility")
            || around
                .attribute("style")
                .is_some_and(|style| style.contains("display") || style.contains("visibility"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(inner: &str) -> Result<String, String> {
        shown_text(&format!("<svg xmlns=\"{SVG}\">{inner}</svg>"))
    }

    #[test]
    fn what_is_drawn_is_known() {
        assert_eq!(text("<text>a<tspan>b</tspan></text><g><text>c</text></g>"), Ok("abc".into()));
        assert_eq!(text("<title>no</title><defs><text>no</text></defs>"), Ok(String::new()));
        assert_eq!(text("<g display=\"none\"><text>no</text></g>"), Ok(String::new()));
        assert_eq!(text("<style>.a { display: none }</style><text class=\"a\">no</text>"), Ok(String::new()));
    }

    #[test]
    fn what_is_no_drawing_is_told() {
        assert!(shown_text("<svg><rect").is_err());
        let told = shown_text("<html/>").unwrap_err();
        assert_eq!(told, format!("it begins with `<html>`, not with `<svg xmlns=\"{SVG}\">`"));
    }

    #[test]
    fn names_and_values_belong_together() {
        let set = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        assert_eq!(filled_in("<a>{{ x }}</a>", &set(&[("x", "<&>")])), Ok("<a>&lt;&amp;&gt;</a>".into()));
        assert!(filled_in("{{x}}", &set(&[])).unwrap_err().contains("`set` gives nothing"));
        assert!(filled_in("a", &set(&[("x", "1")])).unwrap_err().contains("there is no `{{x}}`"));
    }
}
